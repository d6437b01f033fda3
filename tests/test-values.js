// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

function bytesFromHex(hex) {
    return Uint8Array.from(hex.match(/../g), digits => parseInt(digits, 16));
}

function hexFromBytes(bytes) {
    return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

function readTable() {
    const file = Gio.File.new_for_uri(import.meta.url).get_parent().get_child('conformance.txt');
    const [, contents] = file.load_contents(null);

    return new TextDecoder().decode(contents).split('\n')
        .filter(line => line && !line.startsWith('#'))
        .map(line => line.split(' | '));
}

run({
    'conformance': () => {
        const rows = readTable();

        assertEqual(rows.length > 100, true);
        for (const [, wire, text, written] of rows) {
            const value = MsgpackRpc.unpack(bytesFromHex(wire));
            const expected = GLib.Variant.parse(null, text, null, null);

            assertEqual(value.get_type_string(), expected.get_type_string());
            assertEqual(value.equal(expected), true);
            assertEqual(hexFromBytes(MsgpackRpc.pack(expected).toArray()), written ?? wire);
        }
    },

    'unpack as': () => {
        const bytes = bytesFromHex('9201920203');
        const value = MsgpackRpc.unpack_as(bytes, new GLib.VariantType('(iax)'));

        assertEqual(value.get_type_string(), '(iax)');
        assertEqual(value.deepUnpack(), [1, [2, 3]]);

        let error = null;
        try {
            MsgpackRpc.unpack_as(bytes, new GLib.VariantType('(ias)'));
        } catch (e) {
            error = e;
        }
        assertEqual(error.matches(MsgpackRpc.Error, MsgpackRpc.Error.INVALID_PARAMS), true);
        assertEqual(error.message, 'expected a string at value[1][0], got a number');
    },

    'numbers': () => {
        assertEqual(MsgpackRpc.variant_get_int64(new GLib.Variant('d', -3)), [true, -3]);
        assertEqual(MsgpackRpc.variant_get_uint64(new GLib.Variant('x', -3)), [false, 0]);
        assertEqual(MsgpackRpc.variant_get_double(new GLib.Variant('y', 3)), [true, 3]);
    },
});
