# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Both ends of a WebSocket, through introspection."""

import unittest

import gi

gi.require_version('MsgpackRpc', '1.0')
gi.require_version('MsgpackRpcSoup', '1.0')
gi.require_version('Soup', '3.0')

from gi.repository import GLib, MsgpackRpc, MsgpackRpcSoup, Soup  # noqa: E402

import tap  # noqa: E402

DEADLINE = 20 * GLib.USEC_PER_SEC


def wait_until(condition):
    context = GLib.MainContext.default()
    end = GLib.get_monotonic_time() + DEADLINE
    while not condition():
        assert GLib.get_monotonic_time() < end, 'timed out'
        context.iteration(False)


class WebSocket(unittest.TestCase):
    def setUp(self):
        self.dispatcher = MsgpackRpc.Dispatcher.new()
        self.dispatcher.add_method('add', '(xx)', self.add)
        self.server = MsgpackRpc.Server.new()
        self.server.set_dispatcher(self.dispatcher)
        self.soup = Soup.Server()
        MsgpackRpcSoup.WebSocketStream.add_handler(self.soup, '/rpc', ['https://example.org'],
                                                   self.server)
        self.soup.listen_local(0, Soup.ServerListenOptions.IPV4_ONLY)
        self.uri = f'ws://127.0.0.1:{self.soup.get_uris()[0].get_port()}/rpc'
        self.session = Soup.Session.new()

    @staticmethod
    def add(invocation, params):
        return invocation.return_value(GLib.Variant('x', sum(params.unpack())))

    def wait_for(self, start, finish):
        results = []
        start(lambda source, result, *data: results.append(result))
        wait_until(lambda: results)
        return finish(results[0])

    def connect(self, uri):
        stream_class = MsgpackRpcSoup.WebSocketStream
        return self.wait_for(lambda done: stream_class.connect_async(self.session, uri, None, done),
                             stream_class.connect_finish)

    def test_call(self):
        stream = self.connect(self.uri)
        self.assertEqual(stream.props.max_message_size, 64 * 1024 * 1024)
        self.assertEqual(stream.get_connection().get_uri().get_path(), '/rpc')
        connection = MsgpackRpc.Connection.new(stream)
        value = self.wait_for(
            lambda done: connection.call_async('add', GLib.Variant('(xx)', (1, 2)), None, done),
            connection.call_finish)
        self.assertEqual(value.unpack(), 3)
        self.wait_for(
            lambda done: connection.close_async(MsgpackRpc.CloseMode.FINISH_QUEUE, None, done),
            connection.close_finish)
        wait_until(lambda: len(self.server.get_connections()) == 0)

    def test_client(self):
        client = MsgpackRpc.Client.new_for_stream(self.connect(self.uri))
        client.open_async(None, None)
        value = self.wait_for(
            lambda done: client.call_async('add', GLib.Variant('(xx)', (3, 4)), None, done),
            client.call_finish)
        self.assertEqual(value.unpack(), 7)

    def test_bad_uri(self):
        with self.assertRaises(GLib.Error) as raised:
            self.connect('nonsense')
        self.assertTrue(raised.exception.matches(MsgpackRpc.error_quark(),
                                                 MsgpackRpc.Error.INVALID_ADDRESS))

    def test_main_namespace_does_not_need_soup(self):
        self.assertNotIn('Soup-3.0', gi.Repository.get_default().get_dependencies('MsgpackRpc'))


if __name__ == '__main__':
    tap.main()
