# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Go's net/rpc with codec.MsgpackSpecRpc, at either end."""

import os
import pathlib
import subprocess

import peers

# Where Debian has the sources of Go's packages.
GOPATH = pathlib.Path('/usr/share/gocode')
PROGRAM = peers.BUILD / 'interop' / 'go-peer'

METHODS = ('add', 'big', 'blob', 'echo', 'fail', 'nothing', 'slow')
# In an array, as methods have one parameter.
TAKING_SEVERAL = ('add', 'slow')

# Maps are hash tables, with keys of any type that has a hash.
ODD = {
    'bin-key-becomes-str': {'81c4010101': 'result 81a10101'},
    'map-loses-order': {'82a16201a16102': 'result 82a16102a16201'},
    'same-key-twice': {'82a16101a16102': 'result 81a16102'},
}
UNHASHABLE = '8192010203'


def needs_go(case):
    case = peers.needs_program('go', 'golang-go')(case)
    return peers.needs('golang-github-ugorji-go-codec-dev',
                       (GOPATH / 'src/github.com/ugorji/go/codec').is_dir())(case)


class Go:
    @classmethod
    def setUpClass(cls):
        # Does nothing where that has been done before.
        subprocess.run(['go', 'build', '-o', PROGRAM, peers.PROGRAMS / 'go.go'], check=True,
                       env=os.environ | {'GO111MODULE': 'off', 'GOPATH': str(GOPATH),
                                         'GOCACHE': str(peers.BUILD / 'interop' / 'go-cache')})

    def test_pipelining(self):
        """Goroutines deal with calls, so that those that end together do so in any order."""
        slow = self.client.start('slow', 2, 'slow')
        fast = [self.client.start('add', number, 1) for number in range(100)]
        self.assertEqual(self.client.outcome(slow).value, 'slow')
        self.assertEqual([self.client.outcome(each).value for each in fast],
                         [number + 1 for number in range(100)])
        self.assertEqual(self.client.order[-1], slow)

    def check_ended(self, client):
        self.assertEqual(client.call('add', 1, 2).kind, 'failed')


@needs_go
class Client(Go, peers.Features):
    PREFIX = '/interop/go/client'
    ODD = ODD | {'keys-without-hash': {UNHASHABLE: 'failed unreadable'}}

    def connect(self):
        return peers.Driver(self, PROGRAM, self.serve())

    # It sends none.
    test_notifications_to_server = None

    test_callback = None
    test_callback_error = None
    test_callback_large = None
    test_callback_nested = None
    test_error_array = None
    test_notifications_to_client = None

    def check_ends_connection(self, expected, method, *params):
        client = self.connect()
        outcome = client.call(method, *params)
        self.assertEqual(outcome.kind, 'failed', outcome)
        self.assertRegex(outcome.text, expected)
        self.check_ended(client)

    def test_odd_error_array_ends_connection(self):
        """An error is text or nil."""
        self.check_ends_connection('cannot decode unsigned integer', 'fail_obj', 7, 'no such day')

    def test_odd_notification_ends_connection(self):
        self.check_ends_connection('not array', 'notify_back', 'event', [1])

    def test_odd_request_ends_connection(self):
        self.check_ends_connection('expecting 1 but got 0', 'callback', 'add', [1, 2])


class ToGo(peers.Driver):
    """Our client, with the names that net/rpc gives to methods."""

    def translate(self, method):
        return f'Test.{method.title()}' if method in METHODS else method

    def start(self, method, *params):
        if method in TAKING_SEVERAL:
            params = [params]
        return super().start(self.translate(method), *params)

    def start_packed(self, method, *params):
        return super().start_packed(self.translate(method), *params)


@needs_go
class Server(Go, peers.Features):
    PREFIX = '/interop/go/server'
    ODD = ODD | {'keys-without-hash-end-connection': {UNHASHABLE: None}}

    def connect(self):
        return ToGo(self, peers.OURS, peers.Process(self, PROGRAM, 'server').first_line())

    # A method knows nothing of who calls it, and an error is text.
    test_callback = None
    test_callback_error = None
    test_callback_large = None
    test_callback_nested = None
    test_error_array = None
    test_notifications_to_client = None

    test_echo_of_several = None
    test_error_empty = None
    test_notifications_to_server = None

    def test_odd_empty_error_is_none(self):
        outcome = self.client.call('fail', '')
        self.assertEqual((outcome.kind, outcome.value), ('result', None))

    def test_odd_keys_without_hash_end_connection(self):
        client = self.connect()
        outcome = client.call_packed('echo', UNHASHABLE)
        self.assertIn('unhashable', outcome.value)
        self.check_ended(client)

    def test_odd_one_parameter(self):
        """Of several, none arrives."""
        self.assertIsNone(self.client.call('echo', 1, 'two').value)
        self.assertIsNone(self.client.call('echo', *range(70_000)).value)
        self.assertEqual(self.client.call('echo', [1, 'two']).value, [1, 'two'])

    def test_odd_wrong_type_ends_connection(self):
        client = self.connect()
        self.assertEqual(client.call('fail', 1).kind, 'error')
        self.check_ended(client)

    def test_odd_notification_ends_connection(self):
        client = self.connect()
        client.notify('note', 1)
        self.check_ended(client)

    def test_profile_serial(self):
        """In which none is sent, and one call at a time."""
        address = peers.Process(self, PROGRAM, 'server').first_line()
        notified = subprocess.run([peers.TOOL, 'notify', '--profile=serial', address, 'note'],
                                  capture_output=True, text=True, timeout=peers.DEADLINE)
        self.assertNotEqual(notified.returncode, 0)
        self.assertIn('notification', notified.stderr)
        called = subprocess.run([peers.TOOL, 'call', '--profile=serial', address, 'Test.Add', '[1, 2]'],
                                capture_output=True, text=True, timeout=peers.DEADLINE)
        self.assertEqual((called.stdout, called.stderr), ('3\n', ''))


if __name__ == '__main__':
    peers.main()
