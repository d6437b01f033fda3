// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

import {
    alive, assertRejects, assertThrows, makeWatchedHandler, residentBytes, streams, until, untilClosed,
} from './gjs-cases.js';
import {assertEqual, run} from './tap.js';

const {Call, CallState, Client, CloseMode, Connection, ConnectionStatus, Delivery, Dispatcher,
    FaultStream, MethodFlags, Server, Unpacker} = MsgpackRpc;

for (const type of [Client, Connection]) {
    Gio._promisify(type.prototype, 'call_async', 'call_finish');
    Gio._promisify(type.prototype, 'close_async', 'close_finish');
    Gio._promisify(type.prototype, 'send_notification_async', 'send_notification_finish');
}
Gio._promisify(Client.prototype, 'open_async', 'open_finish');
Gio._promisify(Connection.prototype, 'flush_async', 'flush_finish');
Gio._promisify(Server.prototype, 'listen_async', 'listen_finish');
Gio._promisify(Call.prototype, 'wait_async', 'wait_finish');

const ODD_NAMES = ['name', 'with space', 'a.b/c-d_e', 'größe', '通知', '::', '%s%n'];

const numbers = (...values) => new GLib.Variant('ai', values);

function add(invocation, params) {
    const [a, b] = params.deepUnpack();
    return invocation.return_value(new GLib.Variant('x', a + b));
}

function echo(invocation, params) {
    return invocation.return_value(params.get_child_value(0).get_variant());
}

// Two connections, the second of which has the methods of the dispatcher.
function makePair() {
    const [, caller, callee] = Connection.new_pair();
    alive.push(caller, callee);
    const dispatcher = new Dispatcher();
    dispatcher.add_method('add', '(xx)', add);
    dispatcher.add_method('echo', null, echo);
    callee.dispatcher = dispatcher;
    return {caller, callee, dispatcher};
}

const assertRefused = (promise, message) =>
    assertRejects(promise, MsgpackRpc.Error, MsgpackRpc.Error.REMOTE, message);

const construct = {
    'construct-plain-objects': () => {
        for (const type of [Dispatcher, Server, Unpacker]) {
            assertEqual(new type() instanceof type, true);
            assertEqual(type.new() instanceof type, true);
        }
    },

    'construct-client': () => {
        const client = Client.new('tcp://localhost:1');
        assertEqual([client.address, client.status, client.is_connected(), client.default_timeout],
            ['tcp://localhost:1', ConnectionStatus.DISCONNECTED, false, 25000]);
        assertEqual([client.connection, client.dispatcher, client.last_error], [null, null, null]);
        assertEqual(new Client({address: 'host:1'}).get_address(), 'host:1');
        assertEqual(Client.new_for_argv(['cat', '-']).argv, ['cat', '-']);
        const connectable = Gio.NetworkAddress.new('localhost', 1);
        assertEqual(Client.new_for_connectable(connectable).connectable === connectable, true);
        const [stream] = streams();
        assertEqual(Client.new_for_stream(stream).ioStream === stream, true);
    },

    'construct-connection': () => {
        const [near, far] = streams();
        const connection = Connection.new(near);
        assertEqual(connection.ioStream === near, true);
        assertEqual(connection.is_connected(), true);
        const other = new Connection({io_stream: far, main_context: GLib.MainContext.new()});
        assertEqual(other.id > connection.id, true);
        assertEqual(typeof other.statistics.deepUnpack(), 'object');
    },

    'construct-call': () => {
        const call = Call.new('name', numbers(1));
        assertEqual([call.method, call.params.deepUnpack(), call.state, call.timeout],
            ['name', [1], CallState.NEW, -1]);
        assertEqual(new Call({method: 'name'}).params, null);
    },

    'construct-peer-of-the-application': () => {
        const Peer = GObject.registerClass({Implements: [MsgpackRpc.Peer]},
            class Peer extends GObject.Object {
                vfunc_send_call(call) {
                    this.sent = call;
                    call.cancel();
                }
            });
        const peer = new Peer();
        const call = peer.start_call('name', null);
        assertEqual(peer.sent === call, true);
        assertEqual(call.error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED), true);
    },
};

const calls = {
    'call': async () => {
        const {caller} = makePair();
        assertEqual((await caller.call_async('add', numbers(1, 2), null)).unpack(), 3);
    },

    'call-callback': async () => {
        const {caller} = makePair();
        let result = null;
        caller.call_async('add', numbers(1, 2), null, (peer, call) => {
            assertEqual([peer === caller, call instanceof Call], [true, true]);
            assertEqual(call.delivery, Delivery.ANSWERED);
            result = peer.call_finish(call).unpack();
        });
        assertEqual(result, null);
        await until(() => result !== null);
        assertEqual(result, 3);
    },

    'call-error': async () => {
        const {caller} = makePair();
        await assertRefused(caller.call_async('add', numbers(1), null),
            'add() takes 2 arguments (1 given)');
    },

    'call-error-value': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('fail', null, invocation => invocation.return_error_value(
            new GLib.Variant('a{sv}', {code: new GLib.Variant('i', 7)})));
        const call = caller.start_call('fail', null);
        await assertRefused(call.wait_async(null));
        assertEqual(call.error_value.recursiveUnpack(), {code: 7});
        assertEqual(call.error.matches(MsgpackRpc.Error, MsgpackRpc.Error.REMOTE), true);
    },

    'call-wait': async () => {
        const {caller} = makePair();
        const call = caller.start_call('add', numbers(1, 2));
        assertEqual((await call.wait_async(null)).unpack(), 3);
        assertEqual((await call.wait_async(null)).unpack(), 3);
        assertEqual(call.wait(null).unpack(), 3);
    },

    'call-completed': async () => {
        const {caller} = makePair();
        const call = Call.new('add', numbers(1, 2));
        const seen = [];
        call.connect('completed', () => seen.push(call.result.unpack()));
        call.connect('notify::state', () => seen.push(call.state));
        caller.send_call(call);
        assertEqual(seen, []);
        await until(() => seen.includes(3));
        // The first may be over before the loop gets to it.
        assertEqual(seen.filter(state => state !== CallState.PENDING), [CallState.SUCCEEDED, 3]);
    },

    'call-reply-type': async () => {
        const {caller} = makePair();
        const call = Call.new('echo', new GLib.Variant('(ad)', [[1, 2]]));
        call.reply_type = new GLib.VariantType('ad');
        caller.send_call(call);
        assertEqual((await call.wait_async(null)).get_type_string(), 'ad');
    },

    'call-timeout': async () => {
        const {caller, dispatcher} = makePair();
        const kept = [];
        dispatcher.add_method('keep', null, invocation => kept.push(invocation) > 0);
        const call = Call.new('keep', null);
        call.timeout = 1;
        caller.send_call(call);
        await assertRejects(call.wait_async(null), Gio.IOErrorEnum, Gio.IOErrorEnum.TIMED_OUT);
        await until(() => kept.length === 1);
        kept[0].return_value(null);
    },

    'call-cancel': async () => {
        const {caller} = makePair();
        const cancellable = new Gio.Cancellable();
        const promise = caller.call_async('add', numbers(1, 2), cancellable);
        cancellable.cancel();
        await assertRejects(promise, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        assertEqual((await caller.call_async('add', numbers(3, 4), null)).unpack(), 7);
    },

    'call-finish-of-another': async () => {
        const {caller, callee} = makePair();
        const call = caller.start_call('add', numbers(1, 2));
        await call.wait_async(null);
        await assertRejects((async () => callee.call_finish(call))(),
            Gio.IOErrorEnum, Gio.IOErrorEnum.INVALID_ARGUMENT);
    },

    'call-wrong-types': () => {
        const {caller, callee, dispatcher} = makePair();
        assertThrows(() => caller.start_call('add', [1, 2]), Error);
        assertThrows(() => caller.start_call(null, null), Error);
        assertThrows(() => caller.start_call(), Error);
        assertThrows(() => caller.send_call(caller), Error);
        assertThrows(() => caller.call_sync('add', null, 'cancellable'), Error);
        assertThrows(() => dispatcher.add_method('name', null, 'handler'), Error);
        assertThrows(() => dispatcher.add_method(null, null, add), Error);
        assertThrows(() => callee.set_dispatcher(caller), Error);
        assertThrows(() => (callee.dispatcher = caller), Error);
        assertThrows(() => Connection.new('stream'), Error);
    },

    'call-params-that-cannot-be-sent': async () => {
        const {caller} = makePair();
        await assertRejects(caller.call_async('add', new GLib.Variant('(h)', [1]), null),
            MsgpackRpc.Error, MsgpackRpc.Error.INVALID_VALUE);
    },

    'call-many': async () => {
        const {caller, dispatcher} = makePair();
        // GJS itself loses some of the variants that are made in it, so there are none.
        dispatcher.add_method('nothing', null, invocation => invocation.return_value(null));
        const callMany = async n => {
            for (let i = 0; i < n; i += 100) {
                const batch = Array.from({length: 100},
                    () => caller.call_async('nothing', null, null));
                const results = await Promise.all(batch);
                assertEqual(results.every(result => MsgpackRpc.variant_is_nil(result)), true);
                if (i % 1000 === 0)
                    System.gc();
            }
        };

        await callMany(5000);
        System.gc();
        const before = residentBytes();
        await callMany(10000);
        System.gc();
        // A call takes up more than 400 bytes.
        assertEqual(residentBytes() < before + (2 << 20), true);
    },

    'notification': async () => {
        const {caller, dispatcher} = makePair();
        const seen = [];
        dispatcher.add_method('note', '(s)', (_, params) => {
            seen.push(params.deepUnpack()[0]);
            return true;
        });
        caller.send_notification('note', new GLib.Variant('(s)', ['first']));
        assertEqual(await caller.send_notification_async('note',
            new GLib.Variant('(s)', ['second']), null), true);
        await until(() => seen.length === 2);
        assertEqual(seen, ['first', 'second']);
    },
};

const handlers = {
    'handler-exception': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('fail', null, () => {
            throw new RangeError('out of range');
        });
        dispatcher.add_method('no-error', null, () => {
            throw 'text';
        });
        await assertRefused(caller.call_async('fail', null, null), 'out of range');
        await assertRefused(caller.call_async('no-error', null, null));
    },

    'handler-glib-error': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('fail', null, () => {
            throw new Gio.IOErrorEnum({code: Gio.IOErrorEnum.NOT_FOUND, message: 'There is none'});
        });
        await assertRefused(caller.call_async('fail', null, null), 'There is none');
    },

    'handler-throws-after-the-answer': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('fail', null, invocation => {
            invocation.return_value(new GLib.Variant('s', 'fine'));
            throw new Error('too late');
        });
        assertEqual((await caller.call_async('fail', null, null)).unpack(), 'fine');
    },

    'handler-returns-nothing': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('forget', null, () => {});
        dispatcher.add_method('answer', null, invocation => {
            invocation.return_value(new GLib.Variant('s', 'fine'));
        });
        await assertRefused(caller.call_async('forget', null, null), 'Method “forget” failed');
        assertEqual((await caller.call_async('answer', null, null)).unpack(), 'fine');
    },

    'handler-forgets-the-answer': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.max_answer_time = 10;
        dispatcher.add_method('forget', null, () => true);
        // Garbage collection would do, whenever that comes.
        await assertRefused(caller.call_async('forget', null, null),
            'Method “forget” gave no answer in time');
    },

    'handler-forgets-the-answer-and-is-collected': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('forget', null, () => {
            GLib.idle_add(GLib.PRIORITY_LOW, () => {
                System.gc();
                return GLib.SOURCE_REMOVE;
            });
            return true;
        });
        await assertRefused(caller.call_async('forget', null, null),
            'Method “forget” gave no answer');
    },

    'handler-answers-later': async () => {
        const {caller, dispatcher} = makePair();
        dispatcher.add_method('later', null, invocation => {
            GLib.idle_add(GLib.PRIORITY_DEFAULT, () => {
                System.gc();
                invocation.return_value(new GLib.Variant('i', 1));
                return GLib.SOURCE_REMOVE;
            });
            return true;
        });
        assertEqual((await caller.call_async('later', null, null)).unpack(), 1);
    },

    'handler-is-async': async () => {
        const {caller, callee, dispatcher} = makePair();
        const callerMethods = new Dispatcher();
        callerMethods.add_method('add', '(xx)', add);
        caller.dispatcher = callerMethods;
        // A promise counts as true.
        dispatcher.add_method('nest', null, async (invocation, params) => {
            invocation.return_value(await callee.call_async('add', params, null));
        });
        assertEqual((await caller.call_async('nest', numbers(1, 2), null)).unpack(), 3);
    },

    'handler-answers-twice': async () => {
        const {caller, dispatcher} = makePair();
        const returned = [];
        dispatcher.add_method('twice', null, invocation => {
            returned.push(invocation.answered, invocation.return_value(new GLib.Variant('i', 1)),
                invocation.return_error(MsgpackRpc.error_quark(), 0, 'no'), invocation.answered);
            return true;
        });
        assertEqual((await caller.call_async('twice', null, null)).unpack(), 1);
        assertEqual(returned, [false, true, false, true]);
    },

    'handler-returns-errors': async () => {
        const {caller, dispatcher} = makePair();
        const error = new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.FAILED, 'from an error');
        const ways = {
            '100 % from a text': invocation =>
                invocation.return_error(MsgpackRpc.error_quark(), 0, '100 % from a text'),
            'from an error': invocation => invocation.return_gerror(error),
            'from a value': invocation =>
                invocation.return_error_value(new GLib.Variant('s', 'from a value')),
        };
        for (const [text, way] of Object.entries(ways)) {
            dispatcher.add_method(text, null, way);
            // eslint-disable-next-line no-await-in-loop
            await assertRefused(caller.call_async(text, null, null), text);
        }
    },

    'invocation': async () => {
        const {caller, callee, dispatcher} = makePair();
        let seen = null;
        dispatcher.add_method('look', '(ys)', (invocation, params) => {
            seen = [invocation.method, invocation.msgid.unpack(),
                invocation.params.recursiveUnpack(), params.get_type_string(),
                invocation.connection === callee, invocation.is_cancelled, invocation.answered];
            return invocation.return_value(null);
        });
        assertEqual((await caller.call_async('look', new GLib.Variant('(is)', [1, 'text']),
            null)).recursiveUnpack(), null);
        assertEqual(seen, ['look', 1, [1, 'text'], '(ys)', true, false, false]);
    },

    'invocation-cancelled': async () => {
        const {caller, dispatcher} = makePair();
        const kept = [];
        let cancelled = 0;
        dispatcher.add_method('keep', null, invocation => {
            invocation.connect('cancelled', () => cancelled++);
            return kept.push(invocation) > 0;
        });
        const promise = caller.call_async('keep', null, null);
        await until(() => kept.length === 1);
        await caller.close_async(CloseMode.NOW, null);
        await assertRejects(promise, Gio.IOErrorEnum, Gio.IOErrorEnum.CLOSED);
        await until(() => cancelled === 1);
        assertEqual([kept[0].is_cancelled, kept[0].return_value(null)], [true, false]);
    },
};

const methods = {
    'methods-list': async () => {
        const {caller, dispatcher} = makePair();
        const list = dispatcher.methods;
        const items = [list.get_item(0), list.get_item(1)];
        assertEqual(items.map(method => [method.name, method.signature]),
            [['add', '(xx)'], ['echo', null]]);
        assertEqual(dispatcher.add_method('add', null, echo), 0);
        assertEqual(dispatcher.add_method_full('add', null, echo, MethodFlags.REPLACE) > 0, true);
        assertEqual((await caller.call_async('add', numbers(1, 2), null)).unpack(), 1);
        assertEqual(dispatcher.remove_method(list.get_item(0).get_id()), true);
        assertEqual(list.get_n_items(), 1);
        await assertRefused(caller.call_async('add', null, null), 'There is no method “add”');
    },

    'methods-authorize': async () => {
        const {caller, callee, dispatcher} = makePair();
        const asked = [];
        dispatcher.connect('authorize', (_dispatcher, invocation) => {
            asked.push([invocation.method, invocation.connection === callee]);
            return invocation.method !== 'add';
        });
        await assertRefused(caller.call_async('add', numbers(1, 2), null), 'access denied: add()');
        await caller.call_async('echo', numbers(1), null);
        assertEqual(asked, [['add', true], ['echo', true]]);
    },

    'methods-handler-goes-away': async () => {
        const {caller, dispatcher} = makePair();
        const addMethod = name => {
            const [handler, watch] = makeWatchedHandler();
            return [dispatcher.add_method(name, null, handler), watch];
        };
        const [first, firstWatch] = addMethod('first');
        const [second, secondWatch] = addMethod('second');
        dispatcher.remove_method(second);
        await untilClosed(secondWatch);
        assertEqual((await caller.call_async('first', null, null)).unpack(), true);
        assertEqual(firstWatch.is_connected(), true);
        dispatcher.remove_method(first);
        await untilClosed(firstWatch);
    },

    'dispatch': () => {
        const {dispatcher} = makePair();
        const dispatch = text =>
            dispatcher.dispatch(GLib.Variant.parse(null, text, null, null))?.recursiveUnpack();
        assertEqual(dispatch('(0, 7, "add", [1, 2])'), [1, 7, null, 3]);
        assertEqual(dispatch('(0, 8, "add", [1])'),
            [1, 8, 'add() takes 2 arguments (1 given)', null]);
        assertThrows(() => dispatch('(5,)'), GLib.Error);
    },
};

const signals = {
    'request': async () => {
        const {caller, callee} = makePair();
        for (const name of ODD_NAMES) {
            callee.connect(`request::${name}`, (_, invocation) =>
                invocation.return_value(new GLib.Variant('s', invocation.method)));
        }
        const results = await Promise.all(ODD_NAMES.map(
            name => caller.call_async(name, null, null)));
        assertEqual(results.map(result => result.unpack()), ODD_NAMES);
        await assertRefused(caller.call_async('other', null, null),
            'There is no method “other”');
    },

    'request-handler-that-fails': async () => {
        const {caller, callee} = makePair();
        callee.connect('request::add', () => {});
        callee.connect('request::forget', () => {});
        assertEqual((await caller.call_async('add', numbers(1, 2), null)).unpack(), 3);
        await assertRefused(caller.call_async('forget', null, null),
            'There is no method “forget”');
    },

    'notification-signal': async () => {
        const {caller, callee} = makePair();
        const seen = [];
        for (const name of ODD_NAMES) {
            callee.connect(`notification::${name}`, (_, method, params) =>
                seen.push([method, params.recursiveUnpack()]));
        }
        for (const name of [...ODD_NAMES, 'other'])
            caller.send_notification(name, numbers(1));
        await caller.call_async('add', numbers(1, 2), null);
        assertEqual(seen, ODD_NAMES.map(name => [name, [1]]));
    },

    'reply': async () => {
        const {caller} = makePair();
        const seen = [];
        caller.connect('reply::add', (_, call) => seen.push(call.result.unpack()));
        await caller.call_async('echo', numbers(1), null);
        await caller.call_async('add', numbers(1, 2), null);
        await until(() => seen.length === 1);
        assertEqual(seen, [3]);
    },

    'message': async () => {
        const {caller, callee} = makePair();
        callee.connect('message', (_, message) => {
            const [, msgid] = message.recursiveUnpack();
            return callee.send_message(new GLib.Variant('(ixmvs)', [1, msgid, null, 'taken']));
        });
        assertEqual((await caller.call_async('add', null, null)).unpack(), 'taken');
    },

    'unknown-reply': async () => {
        const {caller, callee} = makePair();
        let seen = null;
        callee.connect('unknown-reply', (_, ...values) =>
            (seen = values.map(value => value.recursiveUnpack())));
        caller.send_message(new GLib.Variant('(iiss)', [1, 42, 'no', 'yes']));
        await until(() => seen !== null);
        assertEqual(seen, [42, 'no', 'yes']);
    },

    'closed': async () => {
        const {caller, callee} = makePair();
        const seen = [];
        for (const end of [caller, callee]) {
            end.connect('closed', (_, error, incomplete, unsent) =>
                seen.push([error, incomplete, unsent.deepUnpack()]));
        }
        await caller.close_async(CloseMode.FINISH_QUEUE, null);
        await until(() => seen.length === 2);
        assertEqual(seen, [[null, null, []], [null, null, []]]);
        assertEqual(caller.status, ConnectionStatus.DISCONNECTED);
        assertThrows(() => caller.send_notification('name', null), GLib.Error);
    },

    'closed-by-nonsense': async () => {
        const [near, far] = streams();
        const connection = Connection.new(near);
        let seen = null;
        connection.connect('closed', (_, error) => (seen = error));
        far.get_output_stream().write_all('GET / HTTP/1.1\r\n\r\n', null);
        await until(() => seen !== null);
        assertEqual(seen.matches(MsgpackRpc.Error, MsgpackRpc.Error.INVALID_MESSAGE), true);
    },

    'closed-handler-that-throws': async () => {
        const {caller, callee} = makePair();
        GLib.test_expect_message('Gjs', GLib.LogLevelFlags.LEVEL_CRITICAL, '*boom*');
        caller.connect('closed', () => {
            throw new Error('boom');
        });
        let closed = false;
        callee.connect('closed', () => (closed = true));
        await caller.close_async(CloseMode.NOW, null);
        await until(() => closed);
    },
};

const values = {
    'value-scalars': async () => {
        const {caller} = makePair();
        const cases = [['b', true], ['d', 0.5], ['s', 'größe'], ['s', ''], ['i', -1], ['y', 255],
            ['x', 2 ** 53 - 1], ['mv', null]];
        for (const [type, value] of cases) {
            // eslint-disable-next-line no-await-in-loop
            const result = await caller.call_async('echo', new GLib.Variant(`(${type})`, [value]),
                null);
            assertEqual(result.recursiveUnpack(), value);
        }
    },

    'value-integers-beyond-numbers': async () => {
        const {caller} = makePair();
        const cases = [['x', 2n ** 53n + 1n], ['x', -(2n ** 63n)], ['x', 2n ** 63n - 1n],
            ['t', 2n ** 64n - 1n]];
        for (const [type, value] of cases) {
            // eslint-disable-next-line no-await-in-loop
            const result = await caller.call_async('echo', new GLib.Variant(`(${type})`, [value]),
                null);
            // Numbers of JavaScript round it; it is whole in the variant.
            assertEqual(result.print(false), value.toString());
        }
    },

    'value-containers': async () => {
        const {caller} = makePair();
        const cases = [
            ['(a{sv})', [{key: new GLib.Variant('ai', [1, 2])}], {key: [1, 2]}],
            ['(a{is})', [{1: 'one', '-2': 'two'}], {1: 'one', '-2': 'two'}],
            ['((s(ib)av))', [['a', [1, false], []]], ['a', [1, false], []]],
            ['(a{sv})', [{}], {}],
        ];
        for (const [type, value, expected] of cases) {
            // eslint-disable-next-line no-await-in-loop
            const result = await caller.call_async('echo', new GLib.Variant(type, value), null);
            assertEqual(result.recursiveUnpack(), expected);
        }
    },

    'value-bytes': async () => {
        const {caller} = makePair();
        const data = Uint8Array.from({length: 1 << 20}, (_, i) => i);
        const bytes = GLib.Variant.new_from_bytes(new GLib.VariantType('ay'), data, true);
        const result = await caller.call_async('echo', GLib.Variant.new_tuple([bytes]), null);
        const echoed = result.deepUnpack();
        assertEqual(echoed instanceof Uint8Array, true);
        assertEqual([echoed.length, echoed.every((byte, i) => byte === data[i])], [1 << 20, true]);
        assertEqual(MsgpackRpc.variant_get_bytes(result).get_size(), 1 << 20);
    },

    'value-ext': async () => {
        const {caller} = makePair();
        const ext = MsgpackRpc.variant_new_ext(5, new Uint8Array([1, 2]));
        const result = await caller.call_async('echo', GLib.Variant.new_tuple([ext]), null);
        const [isExt, type, data] = MsgpackRpc.variant_get_ext(result);
        assertEqual([isExt, type, [...data.toArray()]], [true, 5, [1, 2]]);
        assertEqual(MsgpackRpc.variant_get_ext(numbers(1))[0], false);
    },

    'value-pack': () => {
        const packed = MsgpackRpc.pack(new GLib.Variant('(ib)', [1, true]));
        assertEqual([...packed.toArray()], [0x92, 0x01, 0xc3]);
        assertEqual(MsgpackRpc.unpack(packed).recursiveUnpack(), [1, true]);
        assertThrows(() => MsgpackRpc.unpack(new Uint8Array([0xc1])), MsgpackRpc.Error);
    },

    'value-options': () => {
        const {PackFlags, StringPolicy} = MsgpackRpc;
        const flags = PackFlags.LEGACY_RAW | PackFlags.FLOAT32;
        const packed = MsgpackRpc.pack_full(new GLib.Variant('(ayd)', [[255, 0], 1.5]), flags);
        assertEqual([...packed.toArray()], [0x92, 0xa2, 255, 0, 0xca, 0x3f, 0xc0, 0, 0]);

        const unpacker = new Unpacker({string_policy: StringPolicy.REPLACE});
        unpacker.feed(new Uint8Array([0xa1, 0xff]));
        assertEqual(unpacker.next().unpack(), '\ufffd');

        for (const type of [Client, Server]) {
            const end = new type({pack_flags: flags, string_policy: StringPolicy.STRICT});
            assertEqual(end.pack_flags, flags);
            assertEqual(end.get_string_policy(), StringPolicy.STRICT);
        }
    },

    'connection-options': async () => {
        const {caller, callee} = makePair();
        caller.pack_flags = MsgpackRpc.PackFlags.LEGACY_RAW;
        callee.string_policy = MsgpackRpc.StringPolicy.REPLACE;
        const params = new GLib.Variant('(ay)', [[97, 255]]);
        assertEqual((await caller.call_async('echo', params, null)).unpack(), 'a\ufffd');
    },

    'unpacker': () => {
        const unpacker = new Unpacker();
        unpacker.feed(new Uint8Array([0x92, 0x01]));
        assertEqual(unpacker.next(), null);
        unpacker.feed(new Uint8Array([0xc3, 0x05]));
        assertEqual(unpacker.next().recursiveUnpack(), [1, true]);
        assertEqual(unpacker.next().unpack(), 5);
        assertEqual(unpacker.finish(), true);
    },
};

const ends = {
    'status': async () => {
        const server = new Server({dispatcher: makePair().dispatcher});
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const client = Client.new(address);
        const seen = [];
        client.connect('status-changed', (_, oldStatus, newStatus, error) =>
            seen.push([oldStatus, newStatus, error]));
        // A call may come first.
        const promise = client.call_async('add', numbers(1, 2), null);
        assertEqual(await client.open_async(null), true);
        assertEqual((await promise).unpack(), 3);
        await client.close_async(CloseMode.FINISH_QUEUE, null);
        const {DISCONNECTED, CONNECTING, CONNECTED, CLOSING} = ConnectionStatus;
        assertEqual(seen, [[DISCONNECTED, CONNECTING, null], [CONNECTING, CONNECTED, null],
            [CONNECTED, CLOSING, null], [CLOSING, DISCONNECTED, null]]);
        await assertRejects(client.call_async('add', null, null),
            MsgpackRpc.Error, MsgpackRpc.Error.NOT_CONNECTED);
        server.stop();
    },

    'refused': async () => {
        const server = new Server();
        const [address] = await server.listen_async('tcp://localhost:0', null);
        server.stop();
        const client = Client.new(address);
        const call = client.call_async('add', null, null);
        const refused = [Gio.IOErrorEnum, Gio.IOErrorEnum.CONNECTION_REFUSED];
        await assertRejects(client.open_async(null), ...refused);
        await assertRejects(call, ...refused);
        assertEqual(client.last_error.matches(...refused), true);
    },

    'bad-addresses': async () => {
        const bad = [MsgpackRpc.Error, MsgpackRpc.Error.INVALID_ADDRESS];
        for (const address of ['', 'nonsense', 'exec:cat', 'tcp://localhost:70000']) {
            // eslint-disable-next-line no-await-in-loop
            await assertRejects(new Server().listen_async(address, null), ...bad);
            // eslint-disable-next-line no-await-in-loop
            await assertRejects(Client.new(address).open_async(null), ...bad);
        }
    },

    'connections': async () => {
        const server = new Server();
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const seen = [];
        server.connect('client-connected', (_, connection) => seen.push(connection));
        server.connect('client-disconnected', (_, connection, error) =>
            seen.push(connection === seen[0], error));
        const client = Client.new(address);
        client.connect('request::question', (_, invocation, params) =>
            invocation.return_value(params));
        const notes = [];
        client.connect('notification::note', (_, method, params) =>
            notes.push(params.recursiveUnpack()));
        await client.open_async(null);
        await until(() => seen.length === 1);
        assertEqual(seen[0] === server.connections.get_item(0), true);
        const answer = await seen[0].call_async('question', numbers(1), null);
        assertEqual(answer.recursiveUnpack(), [1]);
        assertEqual(server.broadcast('note', numbers(2)), 1);
        await until(() => notes.length === 1);
        assertEqual(notes, [[2]]);

        await client.close_async(CloseMode.NOW, null);
        await until(() => seen.length === 3);
        assertEqual([seen[1], seen[2], server.connections.get_n_items()], [true, null, 0]);
        server.stop();
    },

    'authorize': async () => {
        const server = new Server({dispatcher: makePair().dispatcher});
        server.max_buffered_bytes = 1000000;
        assertEqual([server.max_buffered_bytes, server.buffered_bytes], [1000000, 0]);
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const kept = [];
        const handler = server.connect('authorize', (_, pending) => {
            kept.push(pending);
            pending.keep();
            return true;
        });
        const client = Client.new(address);
        client.open_async(null).catch(logError);
        const promise = client.call_async('add', numbers(1, 2), null);
        await until(() => kept.length === 1);
        assertEqual(server.connections.get_n_items(), 0);
        assertEqual(kept[0].accept(), true);
        assertEqual((await promise).unpack(), 3);
        assertEqual(kept[0].connection === server.connections.get_item(0), true);
        assertEqual(kept[0].reject(null), false);

        server.disconnect(handler);
        server.connect('authorize', () => false);
        const other = Client.new(address);
        other.open_async(null).catch(logError);
        await assertRejects(other.call_async('add', numbers(1, 2), null),
            Gio.IOErrorEnum, Gio.IOErrorEnum.CLOSED);
        server.stop();
    },

    'faults': async () => {
        const [near, far] = streams();
        const faults = FaultStream.new(near);
        const caller = Connection.new(faults);
        const callee = Connection.new(far);
        alive.push(caller, callee);
        callee.dispatcher = makePair().dispatcher;
        faults.read_chunk_size = faults.write_chunk_size = 1;
        faults.read_delay = 1;
        assertEqual((await caller.call_async('add', numbers(1, 2), null)).unpack(), 3);
        assertEqual([faults.read_offset, faults.write_offset], [5, 10]);
        faults.read_cut_offset = 7;
        const error = await caller.call_async('add', numbers(1, 2), null).catch(e => e);
        assertEqual(error.matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CLOSED), true);
    },

    'observed': async () => {
        const {caller, callee, dispatcher} = makePair();
        let kept = null;
        dispatcher.add_method('keep', null, invocation => {
            kept = invocation;
            return true;
        });
        const server = new Server({dispatcher});
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const client = Client.new(address);
        const spinner = new Gio.SimpleAction({name: 'spinner', enabled: false});
        client.bind_property('busy', spinner, 'enabled', GObject.BindingFlags.DEFAULT);
        await client.open_async(null);
        const promise = client.call_async('keep', null, null);
        await until(() => kept !== null && spinner.enabled);
        await until(() => client.calls.get_n_items() === 1);
        const progressBar = Call.new('stands for one', null);
        const call = client.calls.get_item(0);
        call.bind_property('progress', progressBar, 'progress', GObject.BindingFlags.DEFAULT);
        call.set_progress(0.25);
        await until(() => progressBar.progress === 0.25);
        kept.return_value(new GLib.Variant('x', 1));
        assertEqual((await promise).unpack(), 1);
        await until(() => !spinner.enabled && client.calls.get_n_items() === 0);
        assertEqual(progressBar.progress, 1);
        server.stop();
    },

    'program': async () => {
        // It gives our own requests back to us, and then our answers.
        const client = Client.new_for_argv(['cat']);
        client.dispatcher = makePair().dispatcher;
        client.open_async(null).catch(logError);
        assertEqual((await client.call_async('add', numbers(1, 2), null)).unpack(), 3);
        await client.close_async(CloseMode.NOW, null);
    },

    'subclass': async () => {
        const AddServer = GObject.registerClass(class AddServer extends Server {
            constructor() {
                super({dispatcher: new Dispatcher()});
                this.sums = [];
                this.dispatcher.add_method('add', '(xx)', this.add.bind(this));
            }

            add(invocation, params) {
                const [a, b] = params.deepUnpack();
                this.sums.push(a + b);
                return invocation.return_value(new GLib.Variant('x', a + b));
            }
        });
        const server = new AddServer();
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const client = Client.new(address);
        client.open_async(null).catch(logError);
        assertEqual((await client.call_async('add', numbers(1, 2), null)).unpack(), 3);
        assertEqual(server.sums, [3]);
        server.stop();
    },
};

run({...construct, ...calls, ...handlers, ...methods, ...signals, ...values, ...ends});
