// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {Channel, CloseMode, Codec, StreamDecoder, StreamEncoder} = MsgpackRpc;

const DEADLINE = 20000;
const MIB = 1024 * 1024;

/**
 * @param {function(): boolean} condition - looked at until it holds
 */
function waitUntil(condition) {
    const end = GLib.get_monotonic_time() + DEADLINE * 1000;
    const tick = GLib.timeout_add(GLib.PRIORITY_DEFAULT, 10, () => GLib.SOURCE_CONTINUE);

    while (!condition()) {
        if (GLib.get_monotonic_time() > end)
            throw new Error(`Waited in vain for ${condition}`);
        GLib.MainContext.default().iteration(true);
    }
    GLib.source_remove(tick);
}

const Upper = GObject.registerClass({
    Implements: [Codec],
}, class Upper extends GObject.Object {
    vfunc_encode(message) {
        const text = new TextEncoder().encode(message.get_string()[0].toUpperCase());

        if (text.length === 5)
            throw new Error('raised');
        return new GLib.Bytes(Uint8Array.of(text.length, ...text));
    }

    vfunc_decode(input) {
        const data = input.toArray();
        const size = 1 + data[0];

        if (data.length < size)
            return [true, null, size];
        return [true, new GLib.Variant('s', new TextDecoder().decode(data.slice(1, size))), size];
    }
});

const FileEncoder = GObject.registerClass(
class FileEncoder extends StreamEncoder {
    constructor(path) {
        super();
        this.path = path;
    }

    vfunc_encode() {
        const file = Gio.File.new_for_path(this.path);
        const size = file.query_info('standard::size', 0, null).get_size();
        const header = new DataView(new ArrayBuffer(8));

        header.setBigUint64(0, BigInt(size));
        this.add_bytes(new GLib.Bytes(new Uint8Array(header.buffer)));
        this.add_stream(file.read(null), size);
        this.finish();
        return true;
    }
});

const FileDecoder = GObject.registerClass(
class FileDecoder extends StreamDecoder {
    constructor(path) {
        super();
        this.path = path;
    }

    vfunc_decode(input) {
        if (this.stream) {
            this.stream.close(null);
            this.finish(new GLib.Variant('s', this.path));
            return [true, 0];
        }
        if (input.get_size() < 8)
            return [true, 0];
        if (!this.hasWaited) {
            // As if something had to be asked first.
            this.hasWaited = true;
            this.pause();
            GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, () => this.resume());
            return [true, 0];
        }

        const header = input.toArray().slice(0, 8);

        this.stream = Gio.File.new_for_path(this.path).replace(null, false, 0, null);
        this.write_to(this.stream, Number(new DataView(header.buffer).getBigUint64(0)));
        return [true, 8];
    }
});

const Files = GObject.registerClass({
    Implements: [Codec],
}, class Files extends GObject.Object {
    vfunc_create_encoder(message) {
        return new FileEncoder(message.get_string()[0]);
    }

    vfunc_create_decoder() {
        return new FileDecoder(this.path);
    }
});

function makePair(codec) {
    const [, near, far] = Channel.new_pair(codec);
    const seen = {received: [], rejected: [], closed: []};

    far.connect('message', (_channel, message) => seen.received.push(message.deepUnpack()));
    near.connect('rejected', (_channel, message, error) =>
        seen.rejected.push([message.deepUnpack(), error.message]));
    near.connect('closed', (_channel, error, incomplete, unsent) =>
        seen.closed.push([error, incomplete, unsent.recursiveUnpack()]));
    return [near, far, seen];
}

run({
    'a codec in JavaScript': () => {
        const [near, far, seen] = makePair(new Upper());

        near.send(new GLib.Variant('s', 'one'));
        near.send(new GLib.Variant('s', 'three'));
        near.send(new GLib.Variant('s', ''));
        assertEqual(seen.received, []);
        waitUntil(() => seen.received.length === 2);
        assertEqual(seen.received, ['ONE', '']);
        waitUntil(() => seen.rejected.length === 1);
        assertEqual(seen.rejected[0][0], 'three');
        far.close_async(CloseMode.NOW, null, null);
        waitUntil(() => seen.closed.length === 1);
    },

    'what was not sent is handed back': () => {
        const [near, , seen] = makePair(new Upper());

        near.send(new GLib.Variant('s', 'one'));
        near.close_async(CloseMode.FINISH_MESSAGE, null, null);
        waitUntil(() => seen.closed.length === 1);
        assertEqual(seen.closed[0], [null, null, ['one']]);
    },

    'receiving': () => {
        const [, near, far] = Channel.new_pair(new Upper());
        let received = null;

        far.receive_async(10000, null, (channel, result) => {
            received = channel.receive_finish(result);
        });
        near.send(new GLib.Variant('s', 'one'));
        waitUntil(() => received !== null);
        assertEqual(received.deepUnpack(), 'ONE');
    },

    'streams, and a decoder that waits': () => {
        const folder = GLib.Dir.make_tmp('channel-XXXXXX');
        const source = `${folder}/source`;
        const codec = new Files();

        codec.path = `${folder}/target`;
        GLib.file_set_contents(source, new Uint8Array(8 * MIB).fill(7));
        const [near, far, seen] = makePair(codec);

        near.send(new GLib.Variant('s', source));
        waitUntil(() => seen.received.length === 1);
        assertEqual(seen.received, [codec.path]);
        const [, data] = GLib.file_get_contents(codec.path);

        assertEqual(data.length, 8 * MIB);
        assertEqual(data.every(byte => byte === 7), true);
        far.close_async(CloseMode.NOW, null, null);
        waitUntil(() => seen.closed.length === 1);
        GLib.unlink(source);
        GLib.unlink(codec.path);
        GLib.rmdir(folder);
    },
});
