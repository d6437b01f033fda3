#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// The client of the sample alone: adds numbers with the server at an address.
//
//     sample-client.js ADDRESS NUMBER…

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

Gio._promisify(MsgpackRpc.Client.prototype, 'call_async', 'call_finish');
Gio._promisify(MsgpackRpc.Client.prototype, 'close_async', 'close_finish');
Gio._promisify(MsgpackRpc.Client.prototype, 'open_async', 'open_finish');

async function add(address, ...numbers) {
    const client = MsgpackRpc.Client.new(address);
    try {
        await client.open_async(null);
        const sum = await client.call_async('add', new GLib.Variant('ax', numbers.map(Number)), null);
        print(sum.deepUnpack());
    } finally {
        await client.close_async(MsgpackRpc.CloseMode.FINISH_QUEUE, null);
    }
}

if (ARGV.length === 0) {
    printerr('Usage: sample-client.js ADDRESS NUMBER…');
    System.exit(2);
}

const loop = new GLib.MainLoop(null, false);
let status = 1;

add(...ARGV)
    .then(() => (status = 0))
    .catch(error => printerr(error.message))
    .finally(() => loop.quit());
loop.run();
System.exit(status);
