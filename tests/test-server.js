// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What programs in JavaScript do with a server: attach data to connections, and drain it.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

import {assertEqual, run} from './tap.js';

const {Client, CloseMode, Dispatcher, Server} = MsgpackRpc;

Gio._promisify(Client.prototype, 'call_async', 'call_finish');
Gio._promisify(Client.prototype, 'open_async', 'open_finish');
Gio._promisify(Server.prototype, 'drain_async', 'drain_finish');

/** A server that counts the calls of each connection, and a client of it. */
class Counter {
    constructor() {
        const dispatcher = new Dispatcher();

        this.ended = [];
        this.waiting = [];
        this.server = new Server({dispatcher});
        dispatcher.add_method('count', null, invocation => this.count(invocation));
        dispatcher.add_method('wait', null, invocation => {
            this.waiting.push(invocation);
            this.onWait?.();
            return true;
        });
        this.server.connect('client-connected', (_server, connection) => {
            connection.visit = {calls: 0};
        });
        this.server.connect('client-disconnected', (_server, connection, error) => {
            this.ended.push([connection.visit.calls, error]);
        });
        [this.address] = this.server.listen_sync('tcp://127.0.0.1:0', null);
    }

    count(invocation) {
        System.gc();
        const {visit} = invocation.get_connection();
        visit.calls++;
        return invocation.return_value(new GLib.Variant('i', visit.calls));
    }

    async enter() {
        const client = new Client({address: this.address});
        await client.open_async(null);
        return client;
    }
}

const call = async (client, method) =>
    (await client.call_async(method, null, null)).deepUnpack();

run({
    async 'a connection keeps what is attached to it'() {
        const counter = new Counter();
        const clients = [await counter.enter(), await counter.enter()];

        for (const client of clients) {
            for (let i = 1; i <= 3; i++)
                assertEqual(await call(client, 'count'), i);
        }
        assertEqual((await counter.server.drain_async(CloseMode.FINISH_QUEUE, -1, null))
            .n_children(), 0);
        assertEqual(JSON.stringify(counter.ended), '[[3,null],[3,null]]');
    },

    async 'a server is drained: what was begun is answered'() {
        const counter = new Counter();
        const client = await counter.enter();
        const waited = new Promise(resolve => {
            counter.onWait = resolve;
        });
        const begun = call(client, 'wait');

        await waited;
        const drained = counter.server.drain_async(CloseMode.FINISH_QUEUE, -1, null);
        counter.waiting[0].return_value(new GLib.Variant('s', 'done'));
        assertEqual(await begun, 'done');
        const unsent = await drained;
        assertEqual(unsent.get_type_string(), 'a(tmvav)');
        assertEqual(unsent.n_children(), 0);
        assertEqual(JSON.stringify(counter.ended), '[[0,null]]');

        // The address may be used again.
        assertEqual(counter.server.listen_sync(counter.address, null)[0], counter.address);
        const again = await counter.enter();
        assertEqual(await call(again, 'count'), 1);
        assertEqual(counter.server.drain_sync(CloseMode.FINISH_QUEUE, -1, null).n_children(), 0);
    },
});
