# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import time
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib
from gi.repository import MsgpackRpc as M

READ, WRITE, ERROR = M.WatchEvents.READ, M.WatchEvents.WRITE, M.WatchEvents.ERROR


class Watch(unittest.TestCase):
    def setUp(self):
        self.reader, self.writer = os.pipe()
        self.told = []
        self.result = GLib.SOURCE_CONTINUE

    def tearDown(self):
        for fd in self.reader, self.writer:
            try:
                os.close(fd)
            except OSError:
                pass

    def wait_until(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end, 'waited in vain')
            GLib.MainContext.default().iteration(False)

    def ready(self, fd, events):
        self.told.append((fd, events, os.read(fd, 100) if events & READ else b''))
        return self.result

    def test_watch(self):
        watch = M.Watch.add(None, self.reader, READ, self.ready)
        self.assertEqual((watch.get_fd(), watch.get_events()), (self.reader, READ))
        os.write(self.writer, b'one')
        self.wait_until(lambda: self.told)
        self.assertEqual(self.told, [(self.reader, READ, b'one')])

        self.assertTrue(watch.update(M.WatchEvents.NONE))
        os.write(self.writer, b'two')
        while GLib.MainContext.default().iteration(False):
            pass
        self.assertEqual(len(self.told), 1)
        self.assertTrue(watch.update(READ))
        self.wait_until(lambda: len(self.told) == 2)

        self.assertTrue(watch.remove())
        self.assertFalse(watch.remove())
        self.assertFalse(watch.props.active)

    def test_error(self):
        self.result = GLib.SOURCE_REMOVE
        watch = M.Watch.add(None, self.reader, M.WatchEvents.NONE, self.ready)
        os.close(self.writer)
        self.wait_until(lambda: not watch.is_active())
        self.assertEqual(self.told, [(self.reader, ERROR, b'')])

    def test_exception(self):
        """An exception ends the watch, and is no end of anything else."""
        def ready(fd, events):
            raise ValueError('no')

        watch = M.Watch.add(None, self.writer, WRITE, ready)
        self.wait_until(lambda: not watch.is_active())

    def test_wrong_types(self):
        with self.assertRaises(TypeError):
            M.Watch.add(None, 'three', READ, self.ready)
        with self.assertRaises(TypeError):
            M.Watch.add(None, self.reader, READ, 'no function')


if __name__ == '__main__':
    tap.main()
