# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The npm package msgpack-rpc-lite, at either end."""

import node_peers
import peers
from peers import needs_npm

ODD = node_peers.make_odd(-2**31, 2**31 - 1)


@needs_npm('msgpack-rpc-lite')
class Client(node_peers.Client):
    PREFIX = '/interop/msgpack-rpc-lite/client'
    PROGRAM = 'msgpack-rpc-lite.js'
    ODD = ODD

    test_callback = None
    test_callback_error = None
    test_callback_large = None
    test_callback_nested = None
    test_notifications_to_client = None

    def test_odd_request_is_taken_for_a_reply(self):
        """To the call with that id: both ends begin with the same."""
        client = self.connect()
        outcome = client.call('callback', 'add', [1, 2])
        self.assertEqual((outcome.kind, outcome.value), ('result', None))
        self.assertEqual(client.call('add', 1, 2).value, 3)

    def test_odd_notifications_are_dropped(self):
        self.client.call('notify_back', 'event', [1])
        self.assertEqual(self.client.call('add', 1, 2).value, 3)
        self.assertEqual(self.client.received, [])


@needs_npm('msgpack-rpc-lite')
class Server(node_peers.Server):
    PREFIX = '/interop/msgpack-rpc-lite/server'
    PROGRAM = 'msgpack-rpc-lite.js'
    ODD = ODD

    # A method knows nothing of who calls it.
    test_callback = None
    test_callback_error = None
    test_callback_large = None
    test_callback_nested = None
    test_notifications_to_client = None

    test_unknown_method = None

    def test_odd_unknown_method(self):
        """The error does not name it."""
        self.check_error('Not Implemented', 'no_such_method', 1)
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_odd_unknown_notification_is_answered(self):
        """With the id -1, which no call has."""
        self.client.notify('no_such_notification')
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_odd_method_connection_ends_server(self):
        """The names of the server's own events are methods."""
        self.assertEqual(self.connect().call('connection').kind, 'failed')


if __name__ == '__main__':
    peers.main()
