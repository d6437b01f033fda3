# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import pathlib
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc


def unpack(data):
    return MsgpackRpc.unpack(GLib.Bytes.new(data))


def pack(type_string, value):
    return MsgpackRpc.pack(GLib.Variant(type_string, value)).get_data()


class Values(unittest.TestCase):
    def assert_fails(self, code, function, *args):
        with self.assertRaises(GLib.Error) as caught:
            function(*args)
        self.assertTrue(caught.exception.matches(MsgpackRpc.error_quark(), code))

    def test_unpack_as(self):
        data = GLib.Bytes.new(b'\x92\x01\x92\xa1a\xa1b')
        value = MsgpackRpc.unpack_as(data, GLib.VariantType('(ias)'))
        self.assertEqual(value.get_type_string(), '(ias)')
        self.assertEqual(value.unpack(), (1, ['a', 'b']))
        with self.assertRaises(GLib.Error) as caught:
            MsgpackRpc.unpack_as(data, GLib.VariantType('(iai)'))
        self.assertTrue(caught.exception.matches(MsgpackRpc.Error.quark(),
                                                 MsgpackRpc.Error.INVALID_PARAMS))
        self.assertEqual(caught.exception.message,
                         'expected a number at value[1][0], got a string')

    def test_unpack(self):
        for data, type_string, value in [
            (b'\xc0', 'mv', None),
            (b'\xc3', 'b', True),
            (b'\xff', 'x', -1),
            (b'\xcf' + b'\xff' * 8, 't', 2 ** 64 - 1),
            (b'\xca\x3f\xc0\0\0', 'd', 1.5),
            (b'\xa3\xe2\x82\xac', 's', '€'),
            (b'\xa1\xff', '(hay)', (256, [255])),
            (b'\xc4\x02\0\1', 'ay', [0, 1]),
            (b'\xd4\x05\x07', '(hay)', (5, [7])),
            (b'\xd4\xff\x07', '(hay)', (-1, [7])),
            (b'\x92\x01\xa1a', 'av', [1, 'a']),
            (b'\x81\xa1a\x90', 'a{sv}', {'a': []}),
            (b'\x81\x01\xa1a', 'a{xv}', {1: 'a'}),
            (b'\x82\x01\xa1a\xc0\x02', 'a(vv)', [(1, 'a'), (None, 2)]),
        ]:
            with self.subTest(data=data):
                result = unpack(data)
                self.assertEqual(result.get_type_string(), type_string)
                self.assertEqual(result.unpack(), value)
                self.assertEqual(unpack(MsgpackRpc.pack(result).get_data()).unpack(), value)

    def test_pack(self):
        for type_string, value, data in [
            ('i', 5, b'\x05'),
            ('as', ['a', 'b'], b'\x92\xa1a\xa1b'),
            ('(isad)', (1, 'a', []), b'\x93\x01\xa1a\x90'),
            ('a{sv}', {'a': GLib.Variant('b', True)}, b'\x81\xa1a\xc3'),
            ('ms', None, b'\xc0'),
            ('ay', b'\0\1', b'\xc4\x02\0\1'),
            ('(hay)', (5, b'\7'), b'\xd4\x05\x07'),
        ]:
            with self.subTest(type_string=type_string):
                self.assertEqual(pack(type_string, value), data)

    def test_errors(self):
        self.assert_fails(MsgpackRpc.Error.INVALID_MESSAGE, unpack, b'\xc1')
        self.assert_fails(MsgpackRpc.Error.INVALID_MESSAGE, unpack, b'\x01\x02')
        self.assert_fails(MsgpackRpc.Error.TOO_LARGE, unpack, b'\xdd\xff\xff\xff\xff')
        self.assert_fails(MsgpackRpc.Error.TOO_DEEP, unpack, b'\x91' * 33)
        self.assert_fails(MsgpackRpc.Error.INVALID_VALUE, pack, 'h', 5)

    def test_conformance(self):
        path = pathlib.Path(__file__).with_name('conformance.txt')
        rows = [line.split(' | ') for line in path.read_text(encoding='utf-8').splitlines()
                if line and not line.startswith('#')]
        self.assertGreater(len(rows), 100)
        for row in rows:
            with self.subTest(format=row[0], wire=row[1]):
                value = unpack(bytes.fromhex(row[1]))
                text = GLib.Variant.parse(None, row[2], None, None)
                self.assertEqual(value.get_type_string(), text.get_type_string())
                self.assertTrue(value.equal(text))
                self.assertEqual(MsgpackRpc.pack(text).get_data().hex(), row[3 if row[3:] else 1])

    def test_ext(self):
        ext = MsgpackRpc.variant_new_ext(-7, GLib.Bytes.new(b'ab'))
        self.assertEqual(MsgpackRpc.pack(ext).get_data(), b'\xd5\xf9ab')
        self.assertTrue(MsgpackRpc.variant_is_ext(ext))
        is_ext, ext_type, data = MsgpackRpc.variant_get_ext(ext)
        self.assertEqual((is_ext, ext_type, data.get_data()), (True, -7, b'ab'))
        self.assertEqual(MsgpackRpc.variant_get_ext(GLib.Variant('i', 5)), (False, 0, None))

    def test_timestamp(self):
        time = GLib.DateTime.new_utc(2038, 1, 19, 3, 14, 8.5)
        value = unpack(MsgpackRpc.pack(MsgpackRpc.variant_new_timestamp(time)).get_data())
        self.assertTrue(MsgpackRpc.variant_get_timestamp(value).equal(time))
        self.assertIsNone(MsgpackRpc.variant_get_timestamp(GLib.Variant('i', 5)))

    def test_strings(self):
        raw = MsgpackRpc.variant_new_raw_string(GLib.Bytes.new(b'\xffa'))
        self.assertEqual(MsgpackRpc.pack(raw).get_data(), b'\xa2\xffa')
        self.assertIsNone(MsgpackRpc.variant_get_string(raw))
        self.assertEqual(MsgpackRpc.variant_get_bytes(raw).get_data(), b'\xffa')
        self.assertEqual(MsgpackRpc.variant_get_string(GLib.Variant('ay', b'ab')), 'ab')
        self.assertEqual(MsgpackRpc.variant_get_bytes(GLib.Variant('s', 'ab')).get_data(), b'ab')
        self.assertTrue(MsgpackRpc.variant_is_nil(unpack(b'\xc0')))
        self.assertFalse(MsgpackRpc.variant_is_nil(unpack(b'\xc2')))

    def test_numbers(self):
        self.assertEqual(MsgpackRpc.variant_get_int64(GLib.Variant('d', -3.0)), (True, -3))
        self.assertEqual(MsgpackRpc.variant_get_int64(GLib.Variant('d', 0.5)), (False, 0))
        self.assertEqual(MsgpackRpc.variant_get_uint64(GLib.Variant('x', 3)), (True, 3))
        self.assertEqual(MsgpackRpc.variant_get_uint64(GLib.Variant('x', -3)), (False, 0))
        self.assertEqual(MsgpackRpc.variant_get_double(GLib.Variant('v', GLib.Variant('y', 3))),
                         (True, 3.0))
        self.assertEqual(MsgpackRpc.variant_get_double(GLib.Variant('s', '3')), (False, 0.0))

    def test_unpacker(self):
        unpacker = MsgpackRpc.Unpacker(max_depth=2)
        self.assertEqual(unpacker.props.max_message_size, 64 * 1024 * 1024)
        values = []
        for byte in b'\x92\x01\xa1a\x91\x90\xc0':
            unpacker.feed(GLib.Bytes.new([byte]))
            value = unpacker.next()
            if value is not None:
                values.append(value.unpack())
        self.assertEqual(values, [[1, 'a'], [[]], None])
        self.assertTrue(unpacker.finish())

        unpacker.feed(GLib.Bytes.new(b'\x91\x91\x91'))
        self.assert_fails(MsgpackRpc.Error.TOO_DEEP, unpacker.next)
        self.assert_fails(MsgpackRpc.Error.TOO_DEEP, unpacker.finish)


if __name__ == '__main__':
    tap.main()
