// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What the tests in JavaScript share.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

import {assertEqual} from './tap.js';

const {Connection} = MsgpackRpc;

const DEADLINE = 20000;

/**
 * @param {function(): boolean} condition - looked at until it holds
 */
export function until(condition) {
    const end = GLib.get_monotonic_time() + DEADLINE * 1000;

    return new Promise((resolve, reject) => {
        GLib.timeout_add(GLib.PRIORITY_DEFAULT, 1, () => {
            if (condition())
                resolve();
            else if (GLib.get_monotonic_time() > end)
                reject(new Error(`Waited in vain for ${condition}`));
            else
                return GLib.SOURCE_CONTINUE;
            return GLib.SOURCE_REMOVE;
        });
    });
}

export function streams() {
    const path = GLib.build_filenamev([GLib.dir_make_tmp('gjs-XXXXXX'), 'socket']);
    const address = Gio.UnixSocketAddress.new(path);
    const listener = new Gio.SocketListener();
    listener.add_address(address, Gio.SocketType.STREAM, Gio.SocketProtocol.DEFAULT, null);
    const near = new Gio.SocketClient().connect(address, null);
    const [far] = listener.accept(null);
    listener.close();
    GLib.unlink(path);
    GLib.rmdir(GLib.path_get_dirname(path));
    return [near, far];
}

// A connection that is garbage is closed.
export const alive = [];

export async function assertRejects(promise, domain, code, message) {
    let error = null;
    try {
        await promise;
    } catch (caught) {
        error = caught;
    }
    if (error === null || !(error instanceof GLib.Error) || !error.matches(domain, code))
        throw error ?? new Error('It succeeded');
    if (message !== undefined)
        assertEqual(error.message, message);
}

export function assertThrows(func, type) {
    let error = null;
    try {
        func();
    } catch (caught) {
        error = caught;
    }
    if (!(error instanceof type))
        throw error ?? new Error(`${func} threw nothing`);
}

export function residentBytes() {
    const [, contents] = GLib.file_get_contents('/proc/self/statm');
    return Number(new TextDecoder().decode(contents).split(' ')[1]) * 4096;
}

// One end of a connection, to be held by something: the other end tells when that is gone.
export function makeWatched() {
    const [, held, watch] = Connection.new_pair();
    alive.push(watch);
    return [held, watch];
}

export function makeWatchedHandler() {
    const [held, watch] = makeWatched();
    const handler = invocation =>
        invocation.return_value(new GLib.Variant('b', held.is_connected()));
    return [handler, watch];
}

export function untilClosed(connection) {
    return until(() => {
        System.gc();
        return !connection.is_connected();
    });
}
