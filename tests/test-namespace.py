# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, GObject, MsgpackRpc


class Namespace(unittest.TestCase):
    def test_version(self):
        version = (MsgpackRpc.MAJOR_VERSION, MsgpackRpc.MINOR_VERSION, MsgpackRpc.MICRO_VERSION)
        self.assertEqual(version, (MsgpackRpc.get_major_version(),
                                   MsgpackRpc.get_minor_version(),
                                   MsgpackRpc.get_micro_version()))
        self.assertTrue(MsgpackRpc.check_version(*version))
        self.assertFalse(MsgpackRpc.check_version(version[0] + 1, 0, 0))

    def test_enum(self):
        self.assertEqual(MsgpackRpc.CloseMode.FINISH_QUEUE.value_nick, 'finish-queue')
        self.assertEqual(MsgpackRpc.CloseMode.__gtype__.name, 'MsgpackRpcCloseMode')

    def test_error_domain(self):
        error = GLib.Error.new_literal(MsgpackRpc.error_quark(), 'text', MsgpackRpc.Error.BUSY)
        self.assertTrue(error.matches(MsgpackRpc.error_quark(), MsgpackRpc.Error.BUSY))
        self.assertEqual(error.domain, 'msgpack-rpc-error-quark')

    def test_names(self):
        """No method hides one of a class that its class derives from, or of GObject."""
        checked = 0
        for name in dir(MsgpackRpc):
            item = getattr(MsgpackRpc, name)
            if not isinstance(item, type) or '__info__' not in vars(item):
                continue
            if issubclass(item, GObject.Object):
                parents = item.__mro__[1:]
            elif issubclass(item, GObject.GInterface):
                parents = (GObject.Object,)
            else:
                continue
            for method in item.__info__.get_methods():
                if not method.is_constructor():
                    checked += 1
                    hidden = [p.__name__ for p in parents if hasattr(p, method.get_name())]
                    self.assertEqual(hidden, [], f'{name}.{method.get_name()}')
        self.assertGreater(checked, 300)


if __name__ == '__main__':
    tap.main()
