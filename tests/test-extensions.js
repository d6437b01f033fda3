// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {Call, CallState, Connection, Dispatcher, Extensions} = MsgpackRpc;

const DEADLINE = 20000;
const APP_ERROR = GLib.quark_from_string('javascript-app-error');
const ALL = Extensions.CANCEL | Extensions.DEADLINE | Extensions.ERRORS | Extensions.PROGRESS;

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

// A call of a method that keeps what it is asked, and the invocation of it.
function start(method = 'keep') {
    const [, near, far] = Connection.new_pair();
    const dispatcher = new Dispatcher();
    const kept = [];

    dispatcher.add_method('keep', null, invocation => {
        kept.push(invocation);
        return true;
    });
    dispatcher.add_method('fail', null,
        invocation => invocation.return_error(APP_ERROR, 42, 'Out of paper'));
    far.dispatcher = dispatcher;
    near.extensions = true;
    waitUntil(() => near.peer_extensions === ALL);

    const call = near.start_call(method, null);
    waitUntil(() => kept.length > 0 || call.get_state() === CallState.FAILED);
    return {near, far, call, invocation: kept[0]};
}

run({
    progress() {
        const {call, invocation} = start();
        const reports = [];

        call.connect('progress-reported', (_call, fraction, value) =>
            reports.push([fraction, value?.deepUnpack() ?? null]));
        assertEqual(invocation.report_progress(0.5, new GLib.Variant('s', 'half')), true);
        waitUntil(() => reports.length === 1);
        assertEqual(reports, [[0.5, 'half']]);
        assertEqual(call.progress, 0.5);
        assertEqual(call.progress_value.deepUnpack(), 'half');
        assertEqual(invocation.report_progress(NaN, null), false);
        assertEqual(invocation.report_progress(-1, null), true);
        invocation.return_value(null);
        waitUntil(() => call.get_state() === CallState.SUCCEEDED && reports.length === 2);
        assertEqual(reports[1], [0, null]);
    },

    cancel() {
        const {call, invocation} = start();
        let cancelled = 0;

        invocation.connect('cancelled', () => cancelled++);
        call.cancel();
        waitUntil(() => cancelled === 1);
        assertEqual(invocation.is_cancelled, true);
        assertEqual(invocation.return_value(null), false);
    },

    errors() {
        MsgpackRpc.register_error_domain(APP_ERROR);
        const error = start('fail').call.get_error();

        assertEqual(error.domain, APP_ERROR);
        assertEqual(error.code, 42);
        assertEqual(error.message, 'Out of paper');
    },

    session() {
        const {near, far, invocation} = start();

        far.session = new Call({method: 'any object'});
        assertEqual(invocation.get_session().method, 'any object');
        assertEqual(near.session, null);
        invocation.return_value(null);
        assertEqual(invocation.get_session(), null);
    },
});
