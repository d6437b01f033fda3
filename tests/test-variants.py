# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import gc
import threading
import unittest
import weakref

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, GObject, MsgpackRpc


def unpack(data):
    return MsgpackRpc.unpack(GLib.Bytes.new(data))


def pack(value):
    return MsgpackRpc.pack(value).get_data()


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y


def encode_point(point):
    return GLib.Bytes.new(bytes([point.x, point.y]))


def decode_point(data):
    return True, Point(*data.get_data())


class Forms(unittest.TestCase):
    """Each form of MessagePack, with its helper."""

    def assert_form(self, data, value):
        """The bytes are read as the value, and the value is written as the bytes."""
        read = unpack(data)
        self.assertEqual(read.get_type_string(), value.get_type_string())
        self.assertTrue(read.equal(value))
        self.assertEqual(pack(value), data)
        return read

    def test_nil(self):
        nil = self.assert_form(b'\xc0', GLib.Variant('mv', None))
        self.assertTrue(MsgpackRpc.variant_is_nil(nil))
        self.assertFalse(MsgpackRpc.variant_is_nil(unpack(b'\xc2')))

    def test_boolean(self):
        value = self.assert_form(b'\xc3', GLib.Variant('b', True))
        self.assertEqual(MsgpackRpc.variant_get_boolean(value), (True, True))
        self.assertEqual(MsgpackRpc.variant_get_boolean(unpack(b'\xc2')), (True, False))
        self.assertEqual(MsgpackRpc.variant_get_boolean(unpack(b'\x01')), (False, False))

    def test_integers(self):
        for data, number in [(b'\x05', 5), (b'\xff', -1), (b'\xd3\x80' + b'\0' * 7, -2 ** 63)]:
            value = self.assert_form(data, GLib.Variant('x', number))
            self.assertEqual(MsgpackRpc.variant_get_int64(value), (True, number))

        value = self.assert_form(b'\xcf' + b'\xff' * 8, GLib.Variant('t', 2 ** 64 - 1))
        self.assertEqual(MsgpackRpc.variant_get_uint64(value), (True, 2 ** 64 - 1))
        self.assertEqual(MsgpackRpc.variant_get_int64(value), (False, 0))

    def test_float(self):
        value = self.assert_form(b'\xcb\x3f\xf8' + b'\0' * 6, GLib.Variant('d', 1.5))
        self.assertEqual(MsgpackRpc.variant_get_double(value), (True, 1.5))
        self.assertEqual(MsgpackRpc.variant_get_int64(value), (False, 0))
        self.assertEqual(MsgpackRpc.variant_get_int64(GLib.Variant('d', 3.0)), (True, 3))
        self.assertEqual(MsgpackRpc.variant_get_double(GLib.Variant('x', 3)), (True, 3.0))

    def test_str(self):
        value = self.assert_form(b'\xa3\xe2\x82\xac', GLib.Variant('s', '€'))
        self.assertEqual(MsgpackRpc.variant_get_string(value), '€')

    def test_raw_str(self):
        raw = MsgpackRpc.variant_new_raw_string(GLib.Bytes.new(b'\xffa'))
        value = self.assert_form(b'\xa2\xffa', raw)
        self.assertEqual(MsgpackRpc.variant_get_bytes(value).get_data(), b'\xffa')
        self.assertIsNone(MsgpackRpc.variant_get_string(value))

    def test_bin(self):
        value = self.assert_form(b'\xc4\x02\0\1',
                                 MsgpackRpc.variant_new_bytes(GLib.Bytes.new(b'\0\1')))
        self.assertEqual(value.get_type_string(), 'ay')
        self.assertEqual(MsgpackRpc.variant_get_bytes(value).get_data(), b'\0\1')
        self.assertEqual(MsgpackRpc.variant_get_string(GLib.Variant('ay', b'ab')), 'ab')

    def test_large_bin(self):
        data = bytes(range(256)) * 40000
        value = unpack(pack(MsgpackRpc.variant_new_bytes(GLib.Bytes.new(data))))
        self.assertEqual(MsgpackRpc.variant_get_bytes(value).get_data(), data)

    def test_array(self):
        value = self.assert_form(b'\x92\x01\xa1a', GLib.Variant('av', [GLib.Variant('x', 1),
                                                                       GLib.Variant('s', 'a')]))
        self.assertEqual(value.unpack(), [1, 'a'])

    def test_maps(self):
        integer = GLib.Variant('x', 1)
        text = GLib.Variant('s', 'a')
        nil = GLib.Variant('mv', None)
        for data, type_string, content, plain in [
            (b'\x81\xa1a\x01', 'a{sv}', {'a': integer}, {'a': 1}),
            (b'\x81\x01\xa1a', 'a{xv}', {1: text}, {1: 'a'}),
            (b'\x82\xc0\x01\x01\xa1a', 'a(vv)', [(nil, integer), (integer, text)],
             [(None, 1), (1, 'a')]),
        ]:
            value = self.assert_form(data, GLib.Variant(type_string, content))
            self.assertEqual(value.unpack(), plain)

    def test_pairs(self):
        one = GLib.Variant('x', 1)
        two = GLib.Variant('x', 2)
        # A map.
        pairs = GLib.Variant('a(vv)', [(one, two)])
        self.assertEqual(pack(pairs), b'\x81\x01\x02')
        # An array with one array in it.
        for pairs in (GLib.Variant('aav', [[one, two]]),
                      GLib.Variant('a(xx)', [(1, 2)]),
                      GLib.Variant('av', [GLib.Variant('(vv)', (one, two))])):
            self.assertEqual(pack(pairs), b'\x91\x92\x01\x02')

    def test_ext(self):
        value = self.assert_form(b'\xd5\xf9ab',
                                 MsgpackRpc.variant_new_ext(-7, GLib.Bytes.new(b'ab')))
        self.assertTrue(MsgpackRpc.variant_is_ext(value))
        is_ext, ext_type, data = MsgpackRpc.variant_get_ext(value)
        self.assertEqual((is_ext, ext_type, data.get_data()), (True, -7, b'ab'))
        self.assertEqual(MsgpackRpc.variant_get_ext(GLib.Variant('i', 5)), (False, 0, None))

    def test_timestamp(self):
        time = GLib.DateTime.new_utc(2038, 1, 19, 3, 14, 8.5)
        value = unpack(pack(MsgpackRpc.variant_new_timestamp(time)))
        self.assertTrue(MsgpackRpc.variant_get_timestamp(value).equal(time))
        self.assertIsNone(MsgpackRpc.variant_get_timestamp(GLib.Variant('i', 5)))

    def test_timespec(self):
        for data, seconds, nanoseconds in [
            (b'\xd6\xff\0\0\0\5', 5, 0),
            (b'\xd7\xff\0\0\0\4\0\0\0\0', 0, 1),
            (b'\xc7\x0c\xff\x3b\x9a\xc9\xff\x7f' + b'\xff' * 7, 2 ** 63 - 1, 999999999),
        ]:
            value = self.assert_form(data, MsgpackRpc.variant_new_timespec(seconds, nanoseconds))
            self.assertEqual(MsgpackRpc.variant_get_timespec(value),
                             (True, seconds, nanoseconds))
        self.assertEqual(MsgpackRpc.variant_get_timespec(unpack(b'\xd5\xff\0\0')), (False, 0, 0))


class Registry(unittest.TestCase):
    def setUp(self):
        self.registry = MsgpackRpc.ExtRegistry()

    def assert_fails(self, domain, code, text, function, *args):
        with self.assertRaises(GLib.Error) as caught:
            function(*args)
        self.assertTrue(caught.exception.matches(domain, code))
        self.assertIn(text, caught.exception.message)

    def decode(self, ext):
        value = GObject.Value()
        self.assertTrue(self.registry.decode(ext, value))
        return value.get_value()

    def add_point(self, ext_type=5):
        self.registry.add_encoder(ext_type, GObject.TYPE_PYOBJECT, encode_point)
        self.registry.add_decoder(ext_type, GObject.TYPE_PYOBJECT, decode_point)

    def test_handles(self):
        # The buffers, windows and tab pages of Neovim.
        registry = MsgpackRpc.ExtRegistry()
        for ext_type in range(3):
            registry.add_variant_type(ext_type, 'x')

        buffer = registry.encode_as(0, 7)
        self.assertEqual(pack(buffer), b'\xd4\x00\x07')
        self.assertEqual(registry.decode_variant(buffer).get_int64(), 7)

        self.assertEqual(pack(registry.encode_as(1, GLib.Variant('i', 7))), b'\xd4\x01\x07')
        self.assertEqual(registry.get_ext_types(), [-1, 0, 1, 2])
        self.assertEqual(registry.get_type_string(1), 'x')
        self.assertEqual(registry.get_value_type(1), GObject.TYPE_VARIANT)
        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_ARGUMENT,
                          'Both ext types 0 and 1', registry.encode, GLib.Variant('x', 7))

    def test_any_object(self):
        registry = MsgpackRpc.ExtRegistry()
        registry.add_encoder(5, GObject.TYPE_PYOBJECT, encode_point)
        registry.add_decoder(5, GObject.TYPE_PYOBJECT, decode_point)

        ext = registry.encode(Point(3, 4))
        self.assertEqual(pack(ext), b'\xd5\x05\x03\x04')
        value = GObject.Value()
        registry.decode(ext, value)
        self.assertEqual((value.get_value().x, value.get_value().y), (3, 4))

    def test_timestamp(self):
        time = GLib.DateTime.new_utc(2038, 1, 19, 3, 14, 8.5)
        again = self.decode(self.registry.encode(time))
        gc.collect()
        self.assertTrue(again.equal(time))
        self.assertEqual(self.registry.get_value_type(-1), GLib.DateTime.__gtype__)

    def test_user_data(self):
        self.registry.add_decoder(5, GLib.Bytes.__gtype__, lambda data, *given: (True, data), 'a')
        self.assertEqual(self.decode(unpack(b'\xd4\x05\x01')).get_data(), b'\1')

    def test_errors(self):
        def fail(_):
            raise GLib.Error.new_literal(Gio.io_error_quark(), 'my text', Gio.IOErrorEnum.BUSY)

        error = MsgpackRpc.error_quark()
        self.registry.add_variant_type(0, 'x')
        self.registry.add_decoder(5, GObject.TYPE_PYOBJECT, fail)
        self.registry.add_encoder(5, GObject.TYPE_PYOBJECT, fail)
        ext = unpack(b'\xd4\x05\x01')

        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.EXISTS, 'Ext type 0',
                          self.registry.add_variant_type, 0, 's')
        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_ARGUMENT, 'no definite',
                          self.registry.add_variant_type, 7, 'what')
        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_ARGUMENT, '128',
                          self.registry.add_variant_type, 128, 'x')
        self.assert_fails(error, MsgpackRpc.Error.INVALID_MESSAGE, 'expected a number',
                          self.decode, unpack(b'\xd5\0\xa1a'))
        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.BUSY, 'Ext type 5 (PyObject): my',
                          self.decode, ext)
        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.BUSY, 'Ext type 5 (PyObject): my',
                          self.registry.encode, Point(1, 2))
        self.assert_fails(Gio.io_error_quark(), Gio.IOErrorEnum.NOT_FOUND, 'gdouble',
                          self.registry.encode, 0.5)

    def test_odd_returns(self):
        error = MsgpackRpc.error_quark()
        ext = unpack(b'\xd4\x05\x01')
        for odd in (lambda _: (True, None), lambda _: (False, None), lambda _: (True, 5)):
            self.registry.add_decoder(5, GLib.Bytes.__gtype__, odd)
            with self.assertRaises(GLib.Error) as caught:
                self.decode(ext)
            self.assertIn('Ext type 5 (GBytes): ', caught.exception.message)
            self.assertEqual(caught.exception.domain, GLib.quark_to_string(error))
            self.registry.remove(5)

    def test_functions_are_let_go(self):
        def decode(data):
            return decode_point(data)

        watch = weakref.ref(decode)
        self.registry.add_decoder(5, GObject.TYPE_PYOBJECT, decode)
        del decode
        gc.collect()
        self.assertIsNotNone(watch())
        self.assertTrue(self.registry.remove(5))
        gc.collect()
        self.assertIsNone(watch())

    def test_threads(self):
        self.add_point()
        points = []

        def work():
            for i in range(100):
                points.append(self.decode(self.registry.encode(Point(i, i))).x)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(points), sorted(list(range(100)) * 4))


if __name__ == '__main__':
    tap.main()
