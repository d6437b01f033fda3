// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {CallState, Connection, Dispatcher, FilterPeer} = MsgpackRpc;

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

// Two connections, of which the second fails as often as it is told to.
function open() {
    const [, near, far] = Connection.new_pair();
    const dispatcher = new Dispatcher();
    const pair = {near, far, dispatcher, failures: 0};

    dispatcher.add_method('echo', null, (invocation, params) => invocation.return_value(params));
    dispatcher.add_method('flaky', null, invocation => {
        if (pair.failures-- > 0)
            throw new Error('try again');
        return invocation.return_value(new GLib.Variant('s', 'done'));
    });
    far.dispatcher = dispatcher;
    return pair;
}

function call(peer, method) {
    const started = peer.start_call(method, null);

    waitUntil(() => [CallState.SUCCEEDED, CallState.FAILED].includes(started.get_state()));
    return started.get_error()?.message ?? started.get_result().deepUnpack();
}

const Retry = GObject.registerClass(class Retry extends FilterPeer {
    vfunc_filter_call(started) {
        this.seen = [...this.seen ?? [], started.get_method()];
        if (started.get_method() === 'secret')
            throw new Error('not yours');
        return this.forward(started, null, 0);
    }

    vfunc_filter_return(started, attempt) {
        this.seen.push(attempt.get_error()?.message ?? 'result');
        if (attempt.get_error())
            return this.forward(started, null, 5);
        return this.return_attempt(started, attempt);
    }
});

run({
    dispatch() {
        const {near, dispatcher} = open();
        const seen = [];
        const id = dispatcher.add_filter(invocation => {
            seen.push(invocation.get_method());
            if (invocation.get_method() === 'secret')
                throw new Error('not yours');
            invocation.set_method('echo');
            invocation.add_answer_filter((_invocation, result, error) => {
                seen.push(error?.deepUnpack() ?? 'result');
                invocation.replace_answer(new GLib.Variant('s', 'replaced'), null);
            });
            return invocation.set_params(new GLib.Variant('(s)', ['changed']));
        });

        assertEqual(call(near, 'anything'), 'replaced');
        assertEqual(call(near, 'secret'), 'not yours');
        assertEqual(seen, ['anything', 'result', 'secret']);
        assertEqual(dispatcher.remove_filter(id), true);
        assertEqual(call(near, 'echo'), []);
    },

    peer() {
        const pair = open();
        const filter = new Retry({peer: pair.near});

        pair.failures = 2;
        assertEqual(call(filter, 'flaky'), 'done');
        assertEqual(filter.seen, ['flaky', 'try again', 'try again', 'result']);
        assertEqual(call(filter, 'secret'), 'not yours');
        assertEqual(filter.peer === pair.near, true);
    },
});
