# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""os_ken.lib.rpc, at either end."""

import peers
from peers import needs_python

PROGRAM = peers.PROGRAMS / 'os-ken.py'
# What python3-msgpack does not read: types of extensions below zero, keys without a hash, and
# strings that are not UTF-8.
UNREADABLE = ['d4feaa', '8192010203', 'a3ff61fe']
ODD = {'same-key-twice': {'82a16101a16102': 'result 81a16102'}}

needs_os_ken = needs_python('os_ken.lib.rpc', 'python3-os-ken')


@needs_os_ken
class Client(peers.Features):
    PREFIX = '/interop/os-ken/client'
    ODD = ODD | {'unreadable': dict.fromkeys(UNREADABLE, 'failed unreadable')}

    def connect(self):
        return peers.Driver(self, peers.PYTHON, PROGRAM, self.serve())


@needs_os_ken
class Simple(peers.Features):
    """Its synchronous client, which drops requests."""

    PREFIX = '/interop/os-ken/client-simple'
    ODD = Client.ODD

    def connect(self):
        return peers.Driver(self, peers.PYTHON, PROGRAM, '--simple', self.serve())

    test_callback = None
    test_callback_error = None
    test_callback_large = None
    test_callback_nested = None

    test_notifications_to_client = None
    test_pipelining = None

    def test_odd_one_call_at_a_time(self):
        client = self.connect()
        calls = [client.start('slow', 0.1, 'slow'), client.start('add', 1, 2)]
        self.assertEqual([client.outcome(each).value for each in calls], ['slow', 3])
        self.assertEqual(client.order, calls)

    def test_odd_notification_is_told_with_the_next_call(self):
        """If it came together with the answer to one."""
        self.client.call('notify_back', 'event', [1])
        self.client.call('add', 1, 2)
        self.assertIn(('notification', 'event', [1]), self.client.received)


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
