// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const int64 = number => new GLib.Variant('x', number);
const string = text => new GLib.Variant('s', text);
const nil = new GLib.Variant('mv', null);

const unpack = (...bytes) => MsgpackRpc.unpack(new Uint8Array(bytes));
const pack = value => [...MsgpackRpc.pack(value).toArray()];

// The bytes are read as the value, and the value is written as the bytes.
function assertForm(bytes, value) {
    const read = unpack(...bytes);

    assertEqual(read.get_type_string(), value.get_type_string());
    assertEqual(read.equal(value), true);
    assertEqual(pack(value), bytes);
    return read;
}

function assertFails(func, domain, code, text) {
    let error = null;
    try {
        func();
    } catch (caught) {
        error = caught;
    }
    if (!(error instanceof GLib.Error) || !error.matches(domain, code))
        throw error ?? new Error('It succeeded');
    assertEqual(error.message.includes(text) || error.message, true);
}

const encodePoint = ({x, y}) => new GLib.Bytes([x, y]);

function decodePoint(data) {
    const [x, y] = data.toArray();
    return [true, {x, y}];
}

run({
    'nil': () => {
        assertEqual(MsgpackRpc.variant_is_nil(assertForm([0xc0], nil)), true);
        assertEqual(MsgpackRpc.variant_is_nil(unpack(0xc2)), false);
    },

    'boolean': () => {
        const value = assertForm([0xc3], new GLib.Variant('b', true));
        assertEqual(MsgpackRpc.variant_get_boolean(value), [true, true]);
        assertEqual(MsgpackRpc.variant_get_boolean(unpack(1)), [false, false]);
    },

    'integers': () => {
        assertEqual(MsgpackRpc.variant_get_int64(assertForm([0xff], int64(-1))), [true, -1]);

        // JavaScript rounds what is larger than 2^53.
        const large = assertForm([0xcf, 0x80, 0, 0, 0, 0, 0, 0, 0],
            new GLib.Variant('t', 2n ** 63n));
        assertEqual(MsgpackRpc.variant_get_uint64(large), [true, 2 ** 63]);
        assertEqual(MsgpackRpc.variant_get_int64(large), [false, 0]);
    },

    'float': () => {
        const value = assertForm([0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], new GLib.Variant('d', 1.5));
        assertEqual(MsgpackRpc.variant_get_double(value), [true, 1.5]);
        assertEqual(MsgpackRpc.variant_get_int64(value), [false, 0]);
        assertEqual(MsgpackRpc.variant_get_int64(new GLib.Variant('d', 3)), [true, 3]);
    },

    'str': () => {
        const value = assertForm([0xa3, 0xe2, 0x82, 0xac], string('€'));
        assertEqual(MsgpackRpc.variant_get_string(value), '€');
    },

    'raw-str': () => {
        const raw = MsgpackRpc.variant_new_raw_string(new Uint8Array([0xff, 0x61]));
        const value = assertForm([0xa2, 0xff, 0x61], raw);
        assertEqual([...MsgpackRpc.variant_get_bytes(value).toArray()], [0xff, 0x61]);
        assertEqual(MsgpackRpc.variant_get_string(value), null);
    },

    'bin': () => {
        const value = assertForm([0xc4, 2, 0, 1],
            MsgpackRpc.variant_new_bytes(new Uint8Array([0, 1])));
        assertEqual([...MsgpackRpc.variant_get_bytes(value).toArray()], [0, 1]);
    },

    'array': () => {
        const value = assertForm([0x92, 1, 0xa1, 0x61],
            new GLib.Variant('av', [int64(1), string('a')]));
        assertEqual(value.recursiveUnpack(), [1, 'a']);
    },

    'maps': () => {
        const texts = assertForm([0x81, 0xa1, 0x61, 1], new GLib.Variant('a{sv}', {a: int64(1)}));
        assertEqual(texts.recursiveUnpack(), {a: 1});
        const integers = assertForm([0x81, 1, 0xa1, 0x61],
            new GLib.Variant('a{xv}', {1: string('a')}));
        assertEqual(integers.recursiveUnpack(), {1: 'a'});
        const others = assertForm([0x82, 0xc0, 1, 1, 0xa1, 0x61],
            new GLib.Variant('a(vv)', [[nil, int64(1)], [int64(1), string('a')]]));
        assertEqual(others.recursiveUnpack(), [[null, 1], [1, 'a']]);
    },

    'pairs': () => {
        const pair = [int64(1), int64(2)];

        // A map.
        assertEqual(pack(new GLib.Variant('a(vv)', [pair])), [0x81, 1, 2]);
        // An array with one array in it.
        for (const pairs of [
            new GLib.Variant('aav', [pair]),
            new GLib.Variant('a(xx)', [[1, 2]]),
            new GLib.Variant('av', [new GLib.Variant('(vv)', pair)]),
        ])
            assertEqual(pack(pairs), [0x91, 0x92, 1, 2]);
    },

    'ext': () => {
        const value = assertForm([0xd5, 0xf9, 0x61, 0x62],
            MsgpackRpc.variant_new_ext(-7, new Uint8Array([0x61, 0x62])));
        const [isExt, type, data] = MsgpackRpc.variant_get_ext(value);
        assertEqual([isExt, type, [...data.toArray()]], [true, -7, [0x61, 0x62]]);
        assertEqual(MsgpackRpc.variant_is_ext(nil), false);
    },

    'timestamp': () => {
        const time = GLib.DateTime.new_utc(2038, 1, 19, 3, 14, 8.5);
        const value = unpack(...pack(MsgpackRpc.variant_new_timestamp(time)));
        assertEqual(MsgpackRpc.variant_get_timestamp(value).equal(time), true);
        assertEqual(MsgpackRpc.variant_get_timestamp(nil), null);
    },

    'timespec': () => {
        const value = assertForm([0xd7, 0xff, 0, 0, 0, 4, 0, 0, 0, 0],
            MsgpackRpc.variant_new_timespec(0, 1));
        assertEqual(MsgpackRpc.variant_get_timespec(value), [true, 0, 1]);
        assertEqual(MsgpackRpc.variant_get_timespec(nil), [false, 0, 0]);
    },

    'registry-handles': () => {
        // The buffers, windows and tab pages of Neovim.
        const registry = new MsgpackRpc.ExtRegistry();
        for (const extType of [0, 1, 2])
            registry.add_variant_type(extType, 'x');

        const buffer = registry.encode_as(0, 7);
        assertEqual(registry.decode_variant(buffer).get_int64(), 7);

        assertEqual(pack(buffer), [0xd4, 0, 7]);
        assertEqual(pack(registry.encode_as(1, int64(7))), [0xd4, 1, 7]);
        assertEqual(Array.from(registry.get_ext_types()), [-1, 0, 1, 2]);
        assertEqual(registry.get_type_string(1), 'x');
        assertEqual(registry.get_value_type(1) === GObject.TYPE_VARIANT, true);
    },

    'registry-timestamp': () => {
        const registry = new MsgpackRpc.ExtRegistry();
        const time = GLib.DateTime.new_utc(2038, 1, 19, 3, 14, 8.5);
        const again = registry.decode_value(registry.encode(time));
        assertEqual(again.equal(time), true);
    },

    'registry-any-object': () => {
        const registry = new MsgpackRpc.ExtRegistry();
        registry.add_encoder(5, GObject.TYPE_JSOBJECT, encodePoint);
        registry.add_decoder(5, GObject.TYPE_JSOBJECT, decodePoint);

        const ext = registry.encode({x: 3, y: 4});
        assertEqual(pack(ext), [0xd5, 5, 3, 4]);
        const point = registry.decode_value(ext);
        assertEqual(point, {x: 3, y: 4});
    },

    'registry-errors': () => {
        const registry = new MsgpackRpc.ExtRegistry();
        const fail = () => {
            throw new Error('my text');
        };

        registry.add_variant_type(0, 'x');
        registry.add_decoder(5, GLib.Bytes.$gtype, fail);
        assertFails(() => registry.add_variant_type(0, 's'),
            Gio.IOErrorEnum, Gio.IOErrorEnum.EXISTS, 'Ext type 0');
        assertFails(() => registry.decode_value(unpack(0xd5, 0, 0xa1, 0x61)),
            MsgpackRpc.Error, MsgpackRpc.Error.INVALID_MESSAGE, 'expected a number');
        assertFails(() => registry.decode_value(nil),
            MsgpackRpc.Error, MsgpackRpc.Error.INVALID_MESSAGE, 'mv');

        let text = null;
        try {
            registry.decode_value(unpack(0xd4, 5, 1));
        } catch (error) {
            text = error.message;
        }
        assertEqual(text, 'Ext type 5 (GBytes): my text');
        assertEqual(registry.remove(5), true);
    },
});
