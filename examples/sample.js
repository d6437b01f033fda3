#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// A server with one method, and a client that calls it, in one process. JavaScript runs in one
// thread, so both share one loop, and nothing ever blocks it: where C and Python wait, this awaits.
//
//     sample.js                     both
//     sample.js --server ADDRESS    the server only, until its standard input ends
//     sample.js --client ADDRESS    the client only
//
// With tcp://localhost:0 as its address, the server looks for a free port, and prints which.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

// Makes functions that return promises. It works on a class, not on an interface such as Peer.
Gio._promisify(MsgpackRpc.Client.prototype, 'call_async', 'call_finish');
Gio._promisify(MsgpackRpc.Client.prototype, 'close_async', 'close_finish');
Gio._promisify(MsgpackRpc.Server.prototype, 'listen_async', 'listen_finish');
Gio._promisify(Gio.InputStream.prototype, 'read_bytes_async', 'read_bytes_finish');

const statusNames = new Map(['DISCONNECTED', 'CONNECTING', 'CONNECTED', 'CLOSING'].map(
    name => [MsgpackRpc.ConnectionStatus[name], name.toLowerCase()]));

// ---- the server ----

function add(invocation, params) {
    // Cannot fail: calls that do not fit the signature of the method are answered before they get
    // here. An exception would be answered as an error.
    const [a, b] = params.deepUnpack();
    return invocation.return_value(new GLib.Variant('x', a + b));
}

async function startServer(address) {
    const dispatcher = new MsgpackRpc.Dispatcher();
    dispatcher.add_method('add', '(xx)', add);

    const server = new MsgpackRpc.Server({dispatcher});
    const addresses = await server.listen_async(address, null);
    // A host name may stand for several addresses; each of them will do.
    return {server, bound: addresses[0]};
}

// ---- the client ----

async function callAdd(client, ...numbers) {
    try {
        const sum = await client.call_async('add', new GLib.Variant('ax', numbers), null);
        print(sum.deepUnpack());
        return true;
    } catch (error) {
        print(`error: ${error.message}`);

        // That the server answers with an error is no failure of the client.
        if (error.matches(MsgpackRpc.Error, MsgpackRpc.Error.REMOTE))
            return true;
        printerr(error.message);
        return false;
    }
}

async function runClient(address) {
    const client = MsgpackRpc.Client.new(address);
    client.connect('status-changed', (_client, oldStatus, newStatus) => {
        print(statusNames.get(newStatus));
    });
    client.open_async(null, null);

    // Calls need not wait for the connection: they queue until it is there, or has failed. All
    // three have been started before the first is awaited.
    const calls = [[1], [1, 2], [1, 2, 3]].map(numbers => callAdd(client, ...numbers));
    let allAnswered = true;
    for (const call of calls)
        allAnswered = await call && allAnswered;

    // The promise settles after all that the client has to say.
    await client.close_async(MsgpackRpc.CloseMode.FINISH_QUEUE, null);
    if (allAnswered)
        print('done');
    return allAnswered;
}

// ---- the program ----

async function untilInputEnds() {
    const input = new Gio.UnixInputStream({fd: 0});
    let bytes;

    do
        bytes = await input.read_bytes_async(4096, GLib.PRIORITY_DEFAULT, null);
    while (bytes.get_size() > 0);
}

async function runServer(address, withClient) {
    const {server, bound} = await startServer(address);
    let succeeded = true;

    if (withClient) {
        succeeded = await runClient(bound);
    } else {
        print(bound);
        await untilInputEnds();
    }

    server.stop();
    return succeeded;
}

async function run(option, address) {
    if (option === undefined)
        return await runServer('tcp://localhost:0', true);
    if (option === '--server' && address !== undefined)
        return await runServer(address, false);
    if (option === '--client' && address !== undefined)
        return await runClient(address);

    printerr('Usage: sample.js [--server ADDRESS | --client ADDRESS]');
    return false;
}

const loop = new GLib.MainLoop(null, false);
let status = 1;

run(...ARGV)
    .then(succeeded => (status = succeeded ? 0 : 1))
    .catch(error => printerr(error.message))
    .finally(() => loop.quit());
loop.run();
System.exit(status);
