// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

const {Connection, Dispatcher, Limits, TopicPolicy} = MsgpackRpc;

/** Calls an asynchronous function, and waits for its callback. */
function wait(object, name, ...args) {
    return new Promise((resolve, reject) => {
        object[`${name}_async`](...args, null, (source, result) => {
            try {
                resolve(object[`${name}_finish`](result));
            } catch (error) {
                reject(error);
            }
        });
    });
}

function makePair() {
    const [, publisher, subscriber] = Connection.new_pair();
    publisher.dispatcher = new Dispatcher();
    return [publisher.dispatcher, publisher, subscriber];
}

run({
    async publish() {
        const [dispatcher, publisher, subscriber] = makePair();
        const topic = dispatcher.add_topic('news', 's');
        const seen = [];

        topic.policy = TopicPolicy.PAUSE;
        topic.max_queued = 3;
        const last = new Promise(resolve => {
            subscriber.connect('published::news', (peer, name, value) => {
                seen.push([name, value.deepUnpack()]);
                if (value.deepUnpack() === 'three')
                    resolve();
            });
        });
        assertEqual(await wait(subscriber, 'subscribe', 'news'), true);
        assertEqual(topic.n_subscribers, 1);
        topic.publish(new GLib.Variant('s', 'one'));
        dispatcher.publish('news', new GLib.Variant('s', 'two'));
        assertEqual(await wait(topic, 'publish', new GLib.Variant('s', 'three')), true);
        await last;
        assertEqual(seen, [['news', 'one'], ['news', 'two'], ['news', 'three']]);

        let message = null;
        try {
            topic.publish(new GLib.Variant('i', 1));
        } catch (error) {
            ({message} = error);
        }
        assertEqual(message, 'Topic “news” takes a value of type “s”, not “i”');
        assertEqual(await wait(subscriber, 'unsubscribe', 'news'), true);
        assertEqual(topic.n_subscribers, 0);
        assertEqual(publisher.status, subscriber.status);
    },

    async bind() {
        const [dispatcher, publisher, subscriber] = makePair();
        const topic = dispatcher.add_topic('depth', null);
        const limits = new Limits();
        const action = new Gio.SimpleAction({name: 'act', parameter_type: new GLib.VariantType('s')});
        const seen = [];

        topic.bind_to_property(limits, 'max-depth');
        topic.bind_to_signal(action, 'activate');
        const done = new Promise(resolve => {
            subscriber.connect('published', (peer, name, value) => {
                seen.push(value.recursiveUnpack());
                if (seen.length === 2)
                    resolve();
            });
        });
        await wait(subscriber, 'subscribe', 'depth');
        limits.max_depth = 12;
        action.activate(new GLib.Variant('s', 'now'));
        await done;
        assertEqual(seen, [12, 'now']);
        assertEqual(publisher.status, subscriber.status);
    },
});
