# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""os_ken.lib.rpc, at either end."""

import peers
from peers import needs_python

PROGRAM = peers.PROGRAMS / 'os-ken.py'
# What python3-msgpack does not read: types of extensions below zero, keys without a hash, and
# strings that are not UTF-8.
UNREADABLE = ['d4feaa', '8192010203', 'a3ff61fe']
ODD = {'duplicate-keys': {'82a16101a16102': 'result 81a16102'}}

needs_os_ken = needs_python('os_ken.lib.rpc', 'python3-os-ken')


@needs_os_ken
class Client(peers.Features):
    PREFIX = '/interop/os-ken/client'
    ODD = ODD | {'unreadable': dict.fromkeys(UNREADABLE, 'failed unreadable')}

    def connect(self):
        return peers.Driver(self, peers.PYTHON, PROGRAM, self.serve())


@needs_os_ken
class Simple(peers.Case):
    """Its synchronous client."""

    PREFIX = '/interop/os-ken/client-simple'

    def setUp(self):
        self.client = peers.Driver(self, peers.PYTHON, PROGRAM, '--simple', self.serve())

    def test_add(self):
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_error_text(self):
        outcome = self.client.call('fail', 'Grüße')
        self.assertEqual((outcome.kind, outcome.value), ('error', 'Grüße'))

    def test_large_str(self):
        text = '0123456789abcdef' * (peers.MEGABYTE // 16)
        self.assertTrue(self.client.call('echo', text).value == text)

    def test_notifications_to_server(self):
        self.client.notify('note', 1)
        self.assertEqual(self.client.call('notified').value, [['note', [1]]])

    def test_odd_one_call_at_a_time(self):
        calls = [self.client.start('slow', 0.1, 'slow'), self.client.start('add', 1, 2)]
        self.assertEqual([self.client.outcome(each).value for each in calls], ['slow', 3])
        self.assertEqual(self.client.order, calls)

    def test_odd_notification_is_told_with_the_next_call(self):
        """If it came together with the answer to one."""
        told = ('notification', 'event', [1])
        self.client.call('notify_back', 'event', [1])
        self.client.call('add', 1, 2)
        self.assertIn(told, self.client.received)


@needs_os_ken
class Server(peers.Features):
    PREFIX = '/interop/os-ken/server'
    ODD = ODD | {'unreadable-ends-server': dict.fromkeys(UNREADABLE)}

    def connect(self):
        address = peers.Process(self, peers.PYTHON, PROGRAM, 'server').first_line()
        return self.start_ours(address)

    def test_odd_unreadable_ends_server(self):
        for digits in UNREADABLE:
            self.assertEqual(self.connect().call_packed('echo', digits).kind, 'failed')


if __name__ == '__main__':
    peers.main()
