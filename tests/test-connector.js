// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {CloseMode, Connector, EventKind, EventQueue, LinesCodec} = MsgpackRpc;

Gio._promisify(EventQueue.prototype, 'receive_async');
Gio._promisify(Connector.prototype, 'shut_down_async');

run({
    async oneContext() {
        const here = Connector.new(LinesCodec.new());
        const there = Connector.new(LinesCodec.new());
        const [address] = here.listen_sync('tcp://127.0.0.1:0', null);
        const channel = there.open(address, null);

        channel.send(GLib.Variant.new_string('hello'));
        const come = await here.queue.receive_async(20000, null);
        assertEqual(come.get_kind(), EventKind.REMOTE_CONNECT);
        assertEqual(come.accept(null), true);
        const message = await here.queue.receive_async(20000, null);
        assertEqual(message.get_message().deepUnpack(), 'hello');

        const connected = await there.queue.receive_async(20000, null);
        assertEqual(connected.get_kind(), EventKind.FINISH_CONNECT);
        const unsent = await there.shut_down_async(CloseMode.FINISH_QUEUE, null);
        assertEqual(unsent.get_type_string(), 'a(tmvav)');
        const ended = await there.queue.receive_async(20000, null);
        assertEqual(ended.get_kind(), EventKind.FINISH_DISCONNECT);
        await here.shut_down_async(CloseMode.NOW, null);
    },

    async waiting() {
        const connector = Connector.new(null);
        let error = null;

        // The thread that runs the loop would wait for itself.
        await new Promise(resolve => {
            GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
                try {
                    connector.listen_sync('tcp://127.0.0.1:0', null);
                    connector.shut_down_sync(CloseMode.NOW, null);
                } catch (caught) {
                    error = caught;
                }
                resolve();
                return GLib.SOURCE_REMOVE;
            });
        });
        assertEqual(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.WOULD_BLOCK), true);
        await connector.shut_down_async(CloseMode.NOW, null);
    },
});
