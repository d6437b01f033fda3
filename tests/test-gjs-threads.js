// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What may happen in a thread that runs no JavaScript.

import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

import {alive, makeWatchedHandler, streams, until, untilClosed} from './gjs-cases.js';
import {assertEqual, run} from './tap.js';

const {Connection, Dispatcher, LoopThread} = MsgpackRpc;

// A connection whose only method answers when the test does.
function keepRequests(stream) {
    const callee = Connection.new(stream);
    const kept = [];
    callee.dispatcher = new Dispatcher();
    callee.dispatcher.add_method('keep', null, invocation => kept.push(invocation) > 0);
    alive.push(callee);
    return {callee, kept};
}

run({
    'loop-thread': () => {
        assertEqual(LoopThread.new('name').name, 'name');
    },

    'handler-goes-away-in-another-thread': async () => {
        const thread = LoopThread.new('other');
        const [near, far] = streams();
        const {callee: answerer, kept} = keepRequests(far);

        // Nobody but the call holds the connection, and nobody but that the dispatcher. The thread
        // lets go of them when the reply has come.
        const watch = (() => {
            const dispatcher = new Dispatcher();
            const [handler, watchOfHandler] = makeWatchedHandler();
            dispatcher.add_method('method', null, handler);
            const connection = new Connection(
                {io_stream: near, main_context: thread.get_main_context(), dispatcher});
            connection.start_call('keep', null);
            return watchOfHandler;
        })();
        await until(() => kept.length === 1);
        System.gc();
        assertEqual([answerer.is_connected(), watch.is_connected()], [true, true]);

        thread.start();
        kept[0].return_value(null);
        await untilClosed(answerer);
        await untilClosed(watch);
        thread.quit();
        thread.join();
    },
});
