// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// The client of peer.c in JavaScript, for calls of “add” alone: it calls our server in C.
//
// client.js run ADDRESS add|add-128 COUNT|SECONDSs [--wait]

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

Gio._promisify(MsgpackRpc.Client.prototype, 'call_async', 'call_finish');
Gio._promisify(MsgpackRpc.Client.prototype, 'open_async', 'open_finish');

const WINDOWS = {'add': 1, 'add-128': 128};
const STALL = 0.035;
// GJS drops callbacks that come while it collects garbage in slices. It has no reason to do that if
// all is collected at once before, each time after so many calls.
const CALLS_PER_COLLECTION = 4096;

function seconds() {
    return GLib.get_monotonic_time() / 1e6;
}

// Of all threads.
function cpuSeconds() {
    const threads = Gio.File.new_for_path('/proc/self/task');
    let sum = 0;
    for (const info of threads.enumerate_children('standard::name', 0, null)) {
        const file = threads.get_child(info.get_name()).get_child('schedstat');
        sum += Number(new TextDecoder().decode(file.load_contents(null)[1]).split(' ')[0]);
    }
    return sum / 1e9;
}

class Run {
    constructor(client, window) {
        this.client = client;
        this.window = window;
    }

    async do(nCalls, duration) {
        this.nWanted = nCalls;
        this.nStarted = this.nEnded = this.nStalls = 0;
        this.longest = 0;
        this.lookedAtClock = seconds();
        this.until = duration ? this.lookedAtClock + duration : Infinity;
        await Promise.all(Array.from({length: this.window}, () => this.callAgainAndAgain()));
    }

    async callAgainAndAgain() {
        while (this.nStarted < this.nWanted) {
            const call = this.nStarted++;
            const params = new GLib.Variant('(xx)', [call % 100, call % 27]);
            // eslint-disable-next-line no-await-in-loop
            const sum = (await this.client.call_async('add', params, null)).deepUnpack();
            this.ended(sum);
        }
    }

    ended(sum) {
        const expected = this.nEnded % 100 + this.nEnded % 27;
        if (sum !== expected)
            throw new Error(`call ${this.nEnded}: the sum is ${sum} instead of ${expected}`);
        this.nEnded++;
        if (this.nEnded % CALLS_PER_COLLECTION === 0)
            System.gc();
        if (this.nEnded % this.window === 0)
            this.lookAtClock();
    }

    lookAtClock() {
        const now = seconds();
        const gap = now - this.lookedAtClock;
        this.longest = Math.max(this.longest, gap);
        this.nStalls += gap > STALL ? 1 : 0;
        this.lookedAtClock = now;
        if (now >= this.until)
            this.nWanted = this.nStarted;
    }
}

function waitForLine() {
    const input = Gio.DataInputStream.new(Gio.File.new_for_path('/dev/stdin').read(null));
    if (input.read_line(null)[0] === null)
        System.exit(1);
}

async function main([, address, scenario, count, ...options]) {
    const client = MsgpackRpc.Client.new(address);
    await client.open_async(null);
    const run = new Run(client, WINDOWS[scenario]);
    await run.do(3 * run.window, 0);
    if (options.includes('--wait')) {
        print('ready');
        waitForLine();
    }

    const start = seconds();
    const cpuStart = cpuSeconds();
    if (count.endsWith('s'))
        await run.do(Infinity, parseFloat(count));
    else
        await run.do(parseInt(count), 0);
    print(JSON.stringify({
        calls: run.nEnded,
        seconds: seconds() - start,
        cpu: cpuSeconds() - cpuStart,
        longest: run.longest,
        stalls: run.nStalls,
    }));
}

const loop = GLib.MainLoop.new(null, false);
let status = 0;
main(System.programArgs).catch(error => {
    printerr(error.message, error.stack);
    status = 1;
}).finally(() => loop.quit());
loop.run();
System.exit(status);
