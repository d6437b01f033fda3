// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {Call, CallState, Client, CloseMode, ConnectionStatus, Dispatcher, ReconnectPolicy,
    Server} = MsgpackRpc;

const DEADLINE = 20000;

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

function add(invocation, params) {
    const [a, b] = params.deepUnpack();
    return invocation.return_value(new GLib.Variant('x', a + b));
}

function start(address) {
    const dispatcher = new Dispatcher();
    const server = new Server({dispatcher});

    dispatcher.add_method('add', '(ii)', add);
    server.listen_sync(address, null);
    return server;
}

function stop(server) {
    server.stop();
    server.close();
    while (server.connections.get_n_items() > 0) {
        server.connections.get_item(0).close_sync(CloseMode.NOW, null);
        GLib.MainContext.default().iteration(false);
    }
}

function assertSum(client, properties) {
    const call = new Call({method: 'add', params: new GLib.Variant('(ii)', [1, 2]), ...properties});

    client.send_call(call);
    return () => {
        waitUntil(() => call.get_state() === CallState.SUCCEEDED);
        assertEqual(call.get_result().deepUnpack(), 3);
    };
}

run({
    'a client survives a restart of its server'() {
        const folder = GLib.dir_make_tmp('gjs-XXXXXX');
        const address = `unix://${folder}/socket`;
        const policy = new ReconnectPolicy({initialDelay: 1, maxDelay: 20, jitter: 0});
        const client = new Client({address, reconnectPolicy: policy});
        const statuses = [];
        const errors = [];
        const attempts = [];

        client.connect('notify::attempt', () => attempts.push(client.attempt));
        client.connect('status-changed', (_client, _old, status, error) => {
            statuses.push(status);
            if (error)
                errors.push(error);
        });
        client.open_async(null, null);
        waitUntil(() => errors.length >= 2);
        assertEqual(errors[0].message.includes(address), true);
        assertEqual(attempts.slice(0, 2).toString(), '1,2');

        const early = assertSum(client, {waitForReady: true});
        let server = start(address);
        early();
        assertEqual(client.attempt, 0);

        stop(server);
        waitUntil(() => statuses.at(-1) === ConnectionStatus.DISCONNECTED);
        const again = assertSum(client, {idempotent: true});
        server = start(address);
        again();
        assertEqual(statuses.filter(status => status === ConnectionStatus.CONNECTED).length, 2);

        client.close_sync(CloseMode.NOW, null);
        stop(server);
        GLib.rmdir(folder);
    },
});
