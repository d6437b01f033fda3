# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import threading
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib
from gi.repository import MsgpackRpc as M

WAIT = 20_000
Kind = M.EventKind


class Connector(unittest.TestCase):
    def setUp(self):
        self.thread = M.LoopThread.new('network')
        self.thread.start()
        self.here = self.make()
        self.there = self.make()
        self.address, = self.here.listen_sync('tcp://127.0.0.1:0', None)

    def tearDown(self):
        for connector in self.here, self.there:
            connector.shut_down_sync(M.CloseMode.NOW, None)
        self.thread.shut_down(M.CloseMode.NOW)
        self.thread.join()

    def make(self):
        return M.Connector(codec=M.LinesCodec.new(), main_context=self.thread.get_main_context())

    def next(self, connector, kind):
        event = connector.get_queue().receive(WAIT, None)
        self.assertEqual(event.get_kind(), kind)
        return event

    def test_threads(self):
        """Workers that wait for events answer them."""
        def work():
            try:
                while True:
                    event = self.here.get_queue().receive(-1, None)
                    if event.get_kind() == Kind.REMOTE_CONNECT:
                        event.accept(None)
                    elif event.get_kind() == Kind.MESSAGE_RECEIVED:
                        text = event.get_message().get_string()
                        event.get_channel().send(GLib.Variant('s', text.upper()))
            except GLib.Error as error:
                self.assertTrue(error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CLOSED))

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        channel = self.there.open_sync(self.address, None, WAIT, None)
        self.next(self.there, Kind.FINISH_CONNECT)
        for n in range(100):
            channel.send(GLib.Variant('s', f'line {n}'))
        answers = {self.next(self.there, Kind.MESSAGE_RECEIVED).get_message().get_string()
                   for _ in range(100)}
        self.assertEqual(answers, {f'LINE {n}' for n in range(100)})
        self.assertEqual(self.here.shut_down_sync(M.CloseMode.FINISH_QUEUE, None).unpack(), [])
        for worker in workers:
            worker.join()

    def test_separate_and_merge(self):
        own = M.EventQueue.new()
        channel = self.there.open(self.address, None)
        channel.send(GLib.Variant('s', 'nick'))
        self.next(self.there, Kind.FINISH_CONNECT)
        self.assertTrue(self.next(self.here, Kind.REMOTE_CONNECT).accept(own))
        self.assertEqual(own.receive(WAIT, None).get_message().get_string(), 'nick')
        own.merge(self.here.get_queue())
        with self.assertRaises(GLib.Error) as caught:
            own.receive(WAIT, None)
        self.assertTrue(caught.exception.matches(M.error_quark(), M.Error.MERGED))
        channel.send(GLib.Variant('s', 'hello'))
        event = self.next(self.here, Kind.MESSAGE_RECEIVED)
        self.assertEqual(event.get_message().get_string(), 'hello')

    def test_refused(self):
        thread = M.LoopThread.new('late')
        connector = M.Connector(codec=M.LinesCodec.new(), main_context=thread.get_main_context())
        channel = connector.open('unix:///nonexistent/socket', None)
        channel.send(GLib.Variant('s', 'lost'))
        thread.start()
        event = self.next(connector, Kind.FINISH_CONNECT)
        thread.quit()
        thread.join()
        self.assertIn('No such file', event.get_error().message)
        self.assertEqual(event.get_unsent().unpack(), ['lost'])


if __name__ == '__main__':
    tap.main()
