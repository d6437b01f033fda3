# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Exchanges generated values with python3-msgpack, both ways."""

import datetime
import math
import random
import struct
import unittest

import msgpack
import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

ROUNDS = 3000
INT_BORDERS = [sign * (2 ** bits + step)
               for bits in (0, 4, 5, 7, 8, 15, 16, 31, 32, 53, 63)
               for step in (-2, -1, 0, 1)
               for sign in (1, -1)] + [2 ** 64 - 1, 2 ** 64 - 2]
INTS = sorted({n for n in INT_BORDERS if -2 ** 63 <= n < 2 ** 64})
FLOATS = [0.0, -0.0, 1.0, -1.5, 0.1, 1e300, 5e-324, float(2 ** 53), float(2 ** 64),
          math.inf, -math.inf, math.nan]
CHARACTERS = 'abcxyz 09\n"\\жñ€漢\u2028😀\U0010ffff\ufffd'
LENGTHS = [0, 1, 2, 7, 8, 15, 16, 31, 32, 33, 255, 256, 257]


class Map:
    """A map in the order of its entries, whose keys may be anything and occur twice."""

    def __init__(self, pairs):
        self.pairs = list(pairs)


class Packer(msgpack.Packer):
    """As msgpack's own, and of maps, too."""

    def pack_value(self, value):
        if isinstance(value, Map):
            parts = [self.pack_map_header(len(value.pairs))]
            for key, item in value.pairs:
                parts += [self.pack_value(key), self.pack_value(item)]
            return b''.join(parts)
        if isinstance(value, list):
            return self.pack_array_header(len(value)) + b''.join(map(self.pack_value, value))
        return self.pack(value)


def pack(value, **options):
    return Packer(use_bin_type=True, autoreset=True, **options).pack_value(value)


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False, timestamp=0,
                           object_pairs_hook=Map)


def random_leaf(rand):
    length = rand.choice(LENGTHS) if rand.random() < 0.2 else rand.randrange(10)
    kind = rand.randrange(9)
    if kind == 0:
        return rand.choice([None, True, False])
    if kind == 1:
        return rand.choice(INTS)
    if kind == 2:
        return rand.getrandbits(rand.randrange(1, 64)) * rand.choice([1, -1])
    if kind == 3:
        return rand.choice(FLOATS)
    if kind == 4:
        return rand.uniform(-1e9, 1e9)
    if kind == 5:
        return rand.randbytes(length)
    if kind == 6:
        return msgpack.ExtType(rand.randrange(128), rand.randbytes(length))
    if kind == 7 and rand.random() < 0.3:
        return msgpack.Timestamp(rand.choice([0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 34 - 1, 2 ** 34, -1,
                                              -2 ** 40]),
                                 rand.choice([0, 0, 1, 500, 10 ** 9 - 1]))
    return ''.join(rand.choices(CHARACTERS, k=length))


def random_map(rand, n, depth):
    kind = rand.randrange(4)
    pairs = []
    for i in range(n):
        if kind == 0 or (kind == 3 and i != n // 2):
            key = ''.join(rand.choices('abcж', k=rand.randrange(4)))
        elif kind == 1:
            key = rand.choice([k for k in INTS if k < 2 ** 63])
        else:
            key = random_value(rand, depth)
        pairs.append((key, random_value(rand, depth)))
    return Map(pairs)


def random_value(rand, depth):
    kind = rand.randrange(3) if depth > 0 else 0
    if kind == 0:
        return random_leaf(rand)
    n = rand.randrange(5) if depth > 1 else rand.choice([0, 1, 3, 15, 16, 17])
    if kind == 1:
        return [random_value(rand, depth - 1) for _ in range(n)]
    return random_map(rand, n, depth - 1)


def nested(levels, innermost):
    value = innermost
    for i in range(levels):
        value = [[value], Map([('key', value)]), Map([(-1, value)]),
                 Map([(None, value)]), Map([(value, False)])][i % 5]
    return value


def to_variant(value):
    """The mapping, once more."""
    if value is None:
        return GLib.Variant('mv', None)
    if isinstance(value, bool):
        return GLib.Variant('b', value)
    if isinstance(value, int):
        return GLib.Variant('x' if value < 2 ** 63 else 't', value)
    if isinstance(value, float):
        return GLib.Variant('d', value)
    if isinstance(value, str):
        return GLib.Variant('s', value)
    if isinstance(value, bytes):
        return bytes_to_variant(value)
    if isinstance(value, msgpack.Timestamp):
        return opaque_to_variant(-1, value.to_bytes())
    if isinstance(value, msgpack.ExtType):
        return opaque_to_variant(value.code, value.data)
    if isinstance(value, list):
        return array_of('v', [GLib.Variant.new_variant(to_variant(item)) for item in value])
    return map_to_variant(value)


def array_of(type_string, children):
    return GLib.Variant.new_array(GLib.VariantType(type_string), children)


def bytes_to_variant(data):
    return GLib.Variant.new_from_bytes(GLib.VariantType('ay'), GLib.Bytes.new(data), True)


def opaque_to_variant(handle, data):
    return GLib.Variant.new_tuple(GLib.Variant('h', handle), bytes_to_variant(data))


def map_to_variant(value):
    keys = [to_variant(key) for key, _ in value.pairs]
    values = [GLib.Variant.new_variant(to_variant(item)) for _, item in value.pairs]
    types = {key.get_type_string() for key in keys}
    if types in ({'s'}, {'x'}) or not types:
        return array_of('{%sv}' % (types.pop() if types else 's'),
                        [GLib.Variant.new_dict_entry(*entry) for entry in zip(keys, values)])
    return array_of('(vv)', [GLib.Variant.new_tuple(GLib.Variant.new_variant(key), item)
                             for key, item in zip(keys, values)])


def same(a, b):
    """Whether two values are the same as MessagePack, in type, order and every bit."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack('>d', a) == struct.pack('>d', b)
    if isinstance(a, Map) and isinstance(b, Map):
        return same([list(pair) for pair in a.pairs], [list(pair) for pair in b.pairs])
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


class Oracle(unittest.TestCase):
    def check(self, value):
        """What it packs, we read; what we pack, it reads."""
        data = pack(value)
        expected = to_variant(value)
        variant = MsgpackRpc.unpack(GLib.Bytes.new(data))
        self.assertEqual(variant.get_type_string(), expected.get_type_string())
        self.assertEqual(variant.get_data_as_bytes().get_data(),
                         expected.get_data_as_bytes().get_data())
        self.assertTrue(variant.is_normal_form())

        # Both use the smallest form of everything.
        for form in variant, expected:
            packed = MsgpackRpc.pack(form).get_data()
            self.assertEqual(packed, data)
            self.assertTrue(same(unpack(packed), value))

    def test_leaves(self):
        for value in [None, True, False, *INTS, *FLOATS,
                      *('x' * n for n in LENGTHS + [65535, 65536]),
                      *(b'x' * n for n in LENGTHS + [65535, 65536]),
                      *(msgpack.ExtType(5, b'x' * n) for n in LENGTHS + [65535, 65536])]:
            with self.subTest(value=repr(value)[:60]):
                self.check(value)

    def test_generated(self):
        rand = random.Random(30)
        for i in range(ROUNDS):
            with self.subTest(i=i):
                self.check(random_value(rand, i % 5))

    def test_containers(self):
        for n in [0, 1, 15, 16, 255, 256, 65535, 65536]:
            with self.subTest(n=n):
                self.check([1] * n)
                self.check(Map((str(i), i) for i in range(n)))
                if n < 1000:
                    self.check(Map((i, i) for i in range(n)))
                    self.check(Map((i if i % 2 else None, 'x') for i in range(n)))

    def test_duplicate_keys(self):
        for key in 'a', 5, None, 1.5, True, b'a':
            with self.subTest(key=key):
                self.check(Map([(key, 1), (key, 2), (key, 3)]))
                self.check(Map([(key, 1), ('b', 2), (7, 3), (key, 4)]))

    def test_nested(self):
        for levels in range(33):
            for innermost in [], 'x', None:
                depth = levels if innermost != [] else levels - 1
                if depth >= 0:
                    with self.subTest(levels=levels, innermost=innermost):
                        self.check(nested(depth, innermost))
        with self.assertRaises(GLib.Error) as caught:
            MsgpackRpc.unpack(GLib.Bytes.new(pack(nested(33, None))))
        self.assertTrue(caught.exception.matches(MsgpackRpc.error_quark(),
                                                 MsgpackRpc.Error.TOO_DEEP))

    def test_negative_ext_types(self):
        # python3-msgpack has none save the timestamp: what it makes of ours is a plain one.
        for seconds, nanoseconds in [(0, 0), (2 ** 32, 0), (1, 5), (2 ** 34, 999_999_999), (-5, 1)]:
            with self.subTest(seconds=seconds, nanoseconds=nanoseconds):
                stamp = msgpack.Timestamp(seconds, nanoseconds)
                data = MsgpackRpc.pack(opaque_to_variant(-1, stamp.to_bytes())).get_data()
                self.assertEqual(unpack(data), stamp)
                self.assertEqual(data, pack(stamp))

    def test_times(self):
        zone = datetime.timezone.utc
        for time in [datetime.datetime(1970, 1, 1, tzinfo=zone),
                     datetime.datetime(2018, 5, 4, 12, 34, 56, 789012, tzinfo=zone),
                     datetime.datetime(2600, 1, 1, tzinfo=zone),
                     datetime.datetime(1900, 2, 3, 4, 5, 6, 7, tzinfo=zone)]:
            with self.subTest(time=time):
                # Without from_datetime(), which goes by way of a float.
                seconds = math.floor(time.timestamp())
                data = pack(msgpack.Timestamp(seconds, time.microsecond * 1000))
                value = MsgpackRpc.variant_get_timestamp(MsgpackRpc.unpack(GLib.Bytes.new(data)))
                self.assertEqual((value.to_unix(), value.get_microsecond()),
                                 (seconds, time.microsecond))

    def test_single_floats(self):
        for number in [0.0, -0.0, 1.5, -2.0, 2.0 ** 100, math.inf, -math.inf]:
            with self.subTest(number=number):
                data = pack(number, use_single_float=True)
                value = MsgpackRpc.unpack(GLib.Bytes.new(data)).get_double()
                self.assertEqual(struct.pack('>d', value), struct.pack('>d', number))

    def test_strings_that_are_no_text(self):
        for data in [b'\xff', b'a\0b', b'\xe2\x82', b'\xed\xa0\x80', b'\0']:
            with self.subTest(data=data):
                wire = msgpack.packb(data, use_bin_type=False)
                value = MsgpackRpc.unpack(GLib.Bytes.new(wire))
                self.assertTrue(value.equal(opaque_to_variant(256, data)))
                self.assertEqual(MsgpackRpc.pack(value).get_data(), wire)
                self.assertEqual(msgpack.unpackb(wire, raw=True), data)


if __name__ == '__main__':
    tap.main()
