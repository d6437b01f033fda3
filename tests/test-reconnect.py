# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import pathlib
import tempfile
import time
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib
from gi.repository import MsgpackRpc as M

DEADLINE = 20


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    tick = GLib.timeout_add(10, lambda: GLib.SOURCE_CONTINUE)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(tick)


def add(invocation, params):
    return invocation.return_value(GLib.Variant('x', sum(params.unpack())))


class Reconnect(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.address = f"unix://{pathlib.Path(self.folder.name, 'socket')}"
        self.policy = M.ReconnectPolicy(initial_delay=1, max_delay=20, factor=1.5, jitter=0.1)
        self.client = M.Client(address=self.address, reconnect_policy=self.policy)
        self.statuses = []
        self.errors = []
        self.client.connect('status-changed', self.status_changed)
        self.server = None

    def tearDown(self):
        self.client.close_sync(M.CloseMode.NOW, None)
        self.stop()
        self.folder.cleanup()

    def status_changed(self, _client, _old, new, error):
        self.statuses.append(new)
        if error is not None:
            self.errors.append(error)

    def start(self):
        dispatcher = M.Dispatcher()
        dispatcher.add_method('add', '(xx)', add)
        self.server = M.Server(dispatcher=dispatcher)
        self.server.listen_sync(self.address, None)

    def stop(self):
        if self.server is None:
            return
        self.server.stop()
        self.server.close()
        while self.server.props.connections.get_n_items() > 0:
            self.server.props.connections[0].close_sync(M.CloseMode.NOW, None)
            GLib.MainContext.default().iteration(False)
        self.server = None

    def call(self, **properties):
        call = M.Call(method='add', params=GLib.Variant('(xx)', (1, 2)), **properties)
        self.client.send_call(call)
        return call

    def assert_sum(self, call):
        wait_until(lambda: call.get_state() == M.CallState.SUCCEEDED)
        self.assertEqual(call.get_result().unpack(), 3)

    def test_restart(self):
        """A client that is there before its server, and survives a restart of it"""
        self.client.open_async(None, None)
        wait_until(lambda: len(self.errors) >= 2)
        self.assertIn('Attempt 1', self.errors[0].message)
        self.assertIn(self.address, self.errors[0].message)
        early = self.call(wait_for_ready=True)
        self.start()
        self.assert_sum(early)

        self.stop()
        wait_until(lambda: self.statuses[-1] == M.ConnectionStatus.DISCONNECTED)
        self.assertIs(self.client.props.reconnect_policy, self.policy)
        again = self.call(idempotent=True)
        self.start()
        self.assert_sum(again)
        self.assertEqual(self.statuses.count(M.ConnectionStatus.CONNECTED), 2)

    def test_keepalive(self):
        """A peer that does not answer stalls, and is not given up"""
        self.client.props.ping_interval = 5
        self.client.props.ping_method = 'are.you.there'
        self.client.props.stall_timeout = 20
        self.client.props.tcp_keepalive = True
        self.start()
        told = []
        self.client.connect('notify::stalled', lambda client, _pspec: told.append(client.props.stalled))
        held = []
        self.server.connect('client-connected', lambda _server, connection: connection.connect(
            'request', lambda _connection, invocation, _params: bool(held.append(invocation)) or True))
        self.client.open_async(None, None)
        wait_until(lambda: told == [True])
        self.assertTrue(self.client.is_connected())
        self.assertEqual([invocation.get_method() for invocation in held], ['are.you.there'])
        held[0].return_value(GLib.Variant('s', 'yes'))
        wait_until(lambda: told[:2] == [True, False])


if __name__ == '__main__':
    tap.main()
