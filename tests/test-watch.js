// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {Watch, WatchEvents} = MsgpackRpc;

/** The end of a program's output is a descriptor that any of the languages can get at. */
function makePeer() {
    const socket = Gio.Socket.new(Gio.SocketFamily.IPV4, Gio.SocketType.DATAGRAM,
        Gio.SocketProtocol.UDP);

    socket.bind(new Gio.InetSocketAddress({
        address: Gio.InetAddress.new_loopback(Gio.SocketFamily.IPV4),
    }), false);
    return socket;
}

run({
    async watch() {
        const peer = makePeer();
        const told = [];

        await new Promise(resolve => {
            const watch = Watch.add(null, peer.fd, WatchEvents.READ, (fd, events) => {
                told.push([fd === peer.fd, events]);
                resolve();
                return GLib.SOURCE_REMOVE;
            });

            assertEqual(watch.is_active(), true);
            peer.send_to(peer.get_local_address(), [1, 2, 3], null);
        });
        assertEqual(told, [[true, WatchEvents.READ]]);
    },

    async updateAndRemove() {
        const peer = makePeer();
        let count = 0;

        const watch = Watch.add(null, peer.fd, WatchEvents.NONE, () => {
            count++;
            return GLib.SOURCE_CONTINUE;
        });
        assertEqual(watch.update(WatchEvents.WRITE), true);
        while (count < 2)
            GLib.MainContext.default().iteration(true);
        assertEqual(watch.remove(), true);
        assertEqual(watch.remove(), false);
        const before = count;
        while (GLib.MainContext.default().iteration(false));
        assertEqual(count, before);
    },
});
