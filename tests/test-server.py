# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What programs in Python do with a server: attach data to connections, and drain it."""

import gc
import unittest

import gi

gi.require_version('MsgpackRpc', '1.0')

from gi.repository import GLib, MsgpackRpc  # noqa: E402

import tap  # noqa: E402


class Server(unittest.TestCase):
    def setUp(self):
        self.ended = []
        dispatcher = MsgpackRpc.Dispatcher.new()
        dispatcher.add_method('count', None, self.count)
        self.server = MsgpackRpc.Server.new()
        self.server.set_dispatcher(dispatcher)
        self.server.connect('client-connected', self.connected)
        self.server.connect('client-disconnected', self.disconnected)
        self.address, = self.server.listen_sync('tcp://127.0.0.1:0')
        self.client = MsgpackRpc.Client.new(self.address)
        self.client.open_async(None, None)

    def connected(self, server, connection):
        connection.session = {'calls': 0}

    def disconnected(self, server, connection, error):
        self.ended.append((connection.session['calls'], error))

    def count(self, invocation, params):
        gc.collect()
        session = invocation.get_connection().session
        session['calls'] += 1
        invocation.return_value(GLib.Variant('i', session['calls']))
        return True

    def run_until(self, holds):
        context = GLib.MainContext.default()
        source = GLib.timeout_source_new_seconds(20)
        over = []
        source.set_callback(lambda *_: over.append(True) or GLib.SOURCE_CONTINUE)
        source.attach(context)
        while not holds():
            self.assertFalse(over, 'timed out')
            context.iteration(True)
        source.destroy()

    def call(self):
        results = []
        self.client.call_async('count', None, None,
                               lambda peer, result: results.append(peer.call_finish(result)))
        self.run_until(lambda: results)
        return results[0].unpack()

    def test_attributes(self):
        self.assertEqual(self.call(), 1)
        self.assertEqual(self.call(), 2)

    def test_drain(self):
        results = []
        self.assertEqual(self.call(), 1)
        self.server.drain_async(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, None,
                                lambda server, result: results.append(server.drain_finish(result)))
        self.run_until(lambda: results)
        self.assertEqual(results[0].get_type_string(), 'a(tmvav)')
        self.assertEqual(results[0].unpack(), [])
        self.assertEqual(self.ended, [(1, None)])

    def test_drain_sync(self):
        self.assertEqual(self.call(), 1)
        unsent = self.server.drain_sync(MsgpackRpc.CloseMode.FINISH_QUEUE, -1)
        self.assertEqual(unsent.unpack(), [])
        self.assertEqual(self.ended, [(1, None)])
        self.assertEqual(self.server.listen_sync(self.address), [self.address])


if __name__ == '__main__':
    tap.main()
