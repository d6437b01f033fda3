# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Neovim, as server of our client and as client of our server."""

import re
import socket

import msgpack

import peers
from neovim import (NVIM, STR_ENDS_AT_NUL, Server, ToNeovim, environment, needs_nvim,
                    run_editor, start_editor)
from peers import VALUES


@needs_nvim
class OverTcp(Server, peers.Features):
    PREFIX = '/interop/neovim/server-tcp'

    def connect(self):
        return ToNeovim(self, peers.OURS, start_editor(self, '127.0.0.1:0'))


@needs_nvim
class Faults(peers.Case):
    """What a connection does not live through, and what Neovim tells without being asked."""

    PREFIX = '/interop/neovim/server'

    def setUp(self):
        self.editor, self.address = run_editor(self, '127.0.0.1:0')

    def connect(self):
        return ToNeovim(self, peers.OURS, self.address)

    def check_closed(self, client, number):
        outcome = client.outcome(number)
        self.assertEqual((outcome.kind, outcome.text), ('failed', 'The peer closed the connection'))

    def test_odd_deep_value_ends_the_editor(self):
        client = self.connect()
        # Besides the message, the parameters of the function, and those of the method.
        deepest = 32 - 3
        value = f'{"91" * deepest}01'
        self.assertEqual(client.call_packed('echo', value).packed, value)
        # We send it none that is deeper; somebody else might.
        outcome = client.outcome(client.start_packed('echo', '91' + value))
        self.assertEqual(outcome.kind, 'failed')
        self.assertIn('Value too deep', outcome.text)
        host, _, port = self.address.rpartition(':')
        with socket.create_connection((host, port)) as stream:
            stream.sendall(bytes.fromhex('940001' + msgpack.packb('nvim_call_function').hex()
                                         + '92' + msgpack.packb('copy').hex() + '9191' + value))
            self.assertEqual(stream.recv(1), b'')
        self.assertNotEqual(self.editor.process.wait(peers.DEADLINE), 0)
        self.assertIn('E41: Out of memory', self.editor.errors())

    def test_odd_failed_notification_is_told(self):
        client = self.connect()
        client.notify('no_such_method')
        client.wait_received('notification', 'nvim_error_event',
                             [0, 'Invalid method: no_such_method'])

    def start_holding(self, *commands):
        """Neovim waits for two answers."""
        client = self.connect()
        for command in commands:
            client.obey(command)
        calls = []
        for value in ('outer', 'inner'):
            calls.append(client.start('callback', 'hold', [value]))
            client.wait_received('request', 'hold', [value])
        return client, *calls

    def test_odd_answers_in_order_close(self):
        """It takes them in the reverse order only."""
        client, outer, inner = self.start_holding()
        client.obey('answer')
        self.check_closed(client, outer)
        self.check_closed(client, inner)
        # The editor goes on.
        self.assertEqual(self.connect().call('add', 1, 2).value, 3)

    def test_callback_in_reverse_order(self):
        """And not before it has dealt with the one before: two that come in one piece close, too."""
        client, outer, inner = self.start_holding('reverse')
        client.obey('answer')
        client.obey('answer-last')
        self.assertEqual(client.outcome(inner).value, 'inner')
        self.assertEqual(client.outcome(outer).value, 'outer')


@needs_nvim
class OverUnix(Server, peers.Features):
    PREFIX = '/interop/neovim/server-unix'

    def connect(self):
        return ToNeovim(self, peers.OURS, start_editor(self, f'{self.make_folder()}/socket'))


@needs_nvim
class Embedded(Server, peers.Features):
    PREFIX = '/interop/neovim/server-embed'

    def connect(self):
        return ToNeovim(self, peers.OURS, '--', *NVIM, '--embed', env=environment(self))


class Client(peers.BytesAreStr):
    """Vim's rpcrequest()."""

    ODD = {
        'bin-becomes-str': {'c400': 'result a0', 'c40161': 'result a161'},
        # What has no other form in Vim is a dictionary {'_TYPE': …, '_VAL': …} there, and sent as one.
        'special-dictionary-becomes-map': dict.fromkeys(
            VALUES['ext'] + VALUES['odd-map'] + VALUES['timestamp'] + VALUES['uint64']
            + ['81a09102']),
        'str-ends-at-nul': STR_ENDS_AT_NUL | {'a3610062': 'result a3610a62'},
    }

    def start_client(self, *args):
        return peers.Driver(self, *NVIM, '--cmd', f'source {peers.PROGRAMS}/neovim.vim', '--', *args,
                            env=environment(self))

    def test_odd_special_dictionary_becomes_map(self):
        for digits in VALUES['ext'] + VALUES['timestamp'] + VALUES['uint64']:
            value = self.client.call_packed('echo', digits).value
            self.assertEqual(list(value), ['_TYPE', '_VAL'], digits)

    def check_error(self, expected, method, *params):
        outcome = self.client.call(method, *params)
        self.assertEqual(outcome.kind, 'error', outcome)
        self.assertRegex(outcome.value,
                         f"Error invoking '{method}' on channel [0-9]+:\n{re.escape(expected)}$")

    test_error_array = None

    def test_error_array_as_its_own(self):
        self.check_error('no such day', 'fail_obj', 0, 'no such day')
        self.check_error('no such day', 'fail_obj', 1, 'no such day')

    def test_odd_error_array_of_others_is_unknown(self):
        self.check_error('unknown error', 'fail_obj', 7, 'no such day')

    def test_unknown_method(self):
        self.check_error('There is no method “no_such_method”', 'no_such_method')

    def test_profile_neovim(self):
        """Which makes all of the form that it knows."""
        self.client = self.connect('--profile=neovim')
        self.check_error('no such day', 'fail_obj', 7, 'no such day')
        self.check_error('Grüße', 'fail', 'Grüße')

    test_pipelining = None

    def test_odd_one_at_a_time(self):
        slow = self.client.start('slow', 0.1, 'slow')
        fast = [self.client.start('add', number, 1) for number in range(100)]
        self.assertEqual(self.client.outcome(fast[-1]).value, 100)
        self.assertEqual(self.client.order[-101:], [slow, *fast])

    def test_notifications_to_client(self):
        params = ['event', [1, 'two', [3]]]
        self.assertEqual(self.client.call('notify_back', 'nvim_set_var', params).kind, 'result')
        self.assertEqual(self.client.call('callback', 'nvim_get_var', ['event']).value, params[1])

    def test_odd_failed_notification_is_told(self):
        self.client.call('notify_back', 'no_such_method', [1])
        self.assertEqual(self.client.call('notified').value[-1],
                         ['nvim_error_event', [0, 'Invalid method: no_such_method']])

    def test_callback(self):
        self.assertEqual(self.client.call('callback', 'nvim_eval', ['1 + 2']).value, 3)

    def test_callback_error(self):
        self.check_error('Vim:E121: Undefined variable: nosuch', 'callback', 'nvim_eval', ['nosuch'])

    def test_callback_large(self):
        text = 'x' * peers.MEGABYTE
        outcome = self.client.call('callback', 'nvim_call_function', ['copy', [text]])
        self.assertTrue(outcome.value == text)

    def test_callback_nested(self):
        channel = self.client.call('callback', 'nvim_get_var', ['peer']).value
        method, params = 'nvim_eval', ['1 + 2']
        for _ in range(5):
            method, params = 'nvim_call_function', ['rpcrequest',
                                                    [channel, 'callback', method, params]]
        self.assertEqual(self.client.call('callback', method, params).value, 3)


@needs_nvim
class ClientOverTcp(Client, peers.Features):
    PREFIX = '/interop/neovim/client-tcp'

    def connect(self, *options):
        return self.start_client('tcp', self.serve('tcp://127.0.0.1:0', *options).removeprefix('tcp://'))


@needs_nvim
class ClientOverUnix(Client, peers.Features):
    PREFIX = '/interop/neovim/client-unix'

    def connect(self, *options):
        address = self.serve(f'unix://{self.make_folder()}/socket', *options)
        return self.start_client('pipe', address.removeprefix('unix://'))


@needs_nvim
class ClientOfJob(Client, peers.Features):
    PREFIX = '/interop/neovim/client-job'

    def connect(self, *options):
        return self.start_client('job', peers.TOOL, 'serve', '--test', *options, 'stdio:')


if __name__ == '__main__':
    peers.main()
