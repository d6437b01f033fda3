#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// A server and a client on one loop, since JavaScript has one thread.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

Gio._promisify(MsgpackRpc.Client.prototype, 'call_async', 'call_finish');
Gio._promisify(MsgpackRpc.Server.prototype, 'listen_async', 'listen_finish');

const dispatcher = new MsgpackRpc.Dispatcher();
dispatcher.add_method('add', '(ii)', (invocation, params) => invocation.return_value(
    new GLib.Variant('x', params.deepUnpack().reduce((a, b) => a + b))));

async function demo() {
    const server = new MsgpackRpc.Server({dispatcher});
    const bound = await server.listen_async('localhost:0', null);
    const client = MsgpackRpc.Client.new(bound[0]);
    client.open_async(null, null);
    const sum = await client.call_async('add', new GLib.Variant('(ii)', [1, 2]), null);
    print(`1 + 2 = ${sum.deepUnpack()}`);
}

const loop = new GLib.MainLoop(null, false);

demo().catch(error => printerr(error.message)).finally(() => loop.quit());
loop.run();
