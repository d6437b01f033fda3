#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// The server of the sample alone, for clients in any language, until Ctrl+C or SIGTERM.
//
//     sample-server.js [ADDRESS]

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

Gio._promisify(MsgpackRpc.Server.prototype, 'drain_on_signal_async', 'drain_on_signal_finish');
Gio._promisify(MsgpackRpc.Server.prototype, 'listen_async', 'listen_finish');

function add(invocation, params) {
    const [a, b] = params.deepUnpack();
    return invocation.return_value(new GLib.Variant('x', a + b));
}

async function serve(address = 'tcp://localhost:0') {
    const dispatcher = new MsgpackRpc.Dispatcher();
    dispatcher.add_method('add', '(ii)', add);

    const server = new MsgpackRpc.Server({dispatcher});
    server.connect('client-connected',
        (_server, connection) => print(`client ${connection.get_id()} has come`));
    server.connect('client-disconnected',
        (_server, connection) => print(`client ${connection.get_id()} has gone`));
    print((await server.listen_async(address, null))[0]);
    await server.drain_on_signal_async(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, null);
}

const loop = new GLib.MainLoop(null, false);
let status = 1;

serve(...ARGV)
    .then(() => (status = 0))
    .catch(error => printerr(error.message))
    .finally(() => loop.quit());
loop.run();
System.exit(status);
