// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What the library is like in JavaScript with its overrides.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import GObject from 'gi://GObject';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';
import System from 'system';

import {
    alive, assertRejects, assertThrows, makeWatched, residentBytes, until, untilClosed,
} from './gjs-cases.js';
import {assertEqual, run} from './tap.js';

const {
    Call, Client, CloseMode, Connection, Connector, Dispatcher, EventQueue, Ext, FilterPeer, LoopThread,
    MethodFlags, RawString, RemoteError, Server, fromVariant, toVariant,
} = MsgpackRpc;

const bytes = (...values) => Uint8Array.from(values);

// A text that tells apart what JSON does not.
function show(value) {
    if (value instanceof Uint8Array)
        return `bytes ${Array.from(value)}`;
    if (Array.isArray(value))
        return `[${value.map(show)}]`;
    if (value instanceof Map)
        return `Map [${[...value].map(show)}]`;
    if (value instanceof Date)
        return `Date ${value.getTime()}`;
    if (value instanceof Ext)
        return `Ext ${value.type} ${show(value.data)}`;
    if (value instanceof RawString)
        return `RawString ${show(value.data)}`;
    if (value !== null && typeof value === 'object')
        return `${Object.getPrototypeOf(value) === Object.prototype} ${show(Object.entries(value))}`;
    return `${typeof value} ${Object.is(value, -0) ? '-0' : JSON.stringify(value) ?? value}`;
}

function assertSame(actual, expected) {
    assertEqual(show(actual), show(expected));
}

BigInt.prototype.toJSON = function () {
    return this.toString();
};

// What a function throws has that text in it.
function assertMessage(func, type, text) {
    let error = null;
    try {
        func();
    } catch (e) {
        error = e;
    }
    if (!(error instanceof type) || !error.message.includes(text))
        throw error ?? new Error(`${func} threw nothing`);
}

async function catchError(promise) {
    try {
        await promise;
    } catch (e) {
        return e;
    }
    throw new Error('It succeeded');
}

async function assertError(promise, value) {
    const error = await catchError(promise);
    assertEqual([error instanceof GLib.Error, error.matches(MsgpackRpc.Error, MsgpackRpc.Error.REMOTE)],
        [true, true]);
    assertSame(error.value, value);
    return error;
}

function unpackBytes(...values) {
    return fromVariant(MsgpackRpc.unpack(new GLib.Bytes(values)));
}

const sleep = ms => new Promise(resolve => {
    GLib.timeout_add(GLib.PRIORITY_DEFAULT, ms, () => {
        resolve();
        return GLib.SOURCE_REMOVE;
    });
});

function addMethods(dispatcher) {
    dispatcher.method('add', (a, b) => a + b, {
        signature: '(xx)',
        resultSignature: 'x',
        paramNames: ['a', 'b'],
        description: 'Adds numbers.',
    });
    dispatcher.method('echo', (...args) => args);
    dispatcher.method('later', async value => {
        await sleep(1);
        return value;
    });
    dispatcher.method('never', () => new Promise(() => {}));
    dispatcher.method('nothing', () => {});
    dispatcher.method('odd name', () => 'odd');
    dispatcher.method('fail', value => {
        throw new RemoteError('text', value);
    });
    dispatcher.method('fail-text', text => {
        throw new RangeError(text);
    });
    dispatcher.method('fail-later', async value => {
        await sleep(1);
        throw new RemoteError('text', value);
    });
    return dispatcher;
}

// Two connections, the second of which has the methods.
function makePair() {
    const [, caller, callee] = Connection.new_pair();
    alive.push(caller, callee);
    const dispatcher = addMethods(new Dispatcher());
    callee.dispatcher = dispatcher;
    return {caller, callee, dispatcher, rpc: caller.rpc};
}

const values = {
    'values-both-ways': () => {
        const long = 'x'.repeat(300);
        for (const value of [
            null, false, true, 0, 1, -1, -32, -33, 127, 128, 255, 256, 65535, 65536, -128, -129, -32768,
            -32769, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32, Number.MAX_SAFE_INTEGER,
            Number.MIN_SAFE_INTEGER, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n),
            2n ** 64n - 1n, 1.5, -0, NaN, Infinity, -Infinity, 2 ** 60, 1e300, Number.MIN_VALUE,
            '', 'text', 'Grüße, 世界 😀', 'a\0b', '\ufeffBOM', '\ufeff\ufeff', long, long.repeat(300),
            bytes(), bytes(0, 255), new Uint8Array(300), new Uint8Array(70000), [], [1, 'two', [null]],
            new Array(16).fill(1), new Array(70000).fill(-1), {}, {a: 1, b: {'': []}},
            new Map([[1, 2], [-5, 'x']]), new Map([['a', 1], [2, bytes(1)], [null, {}]]),
            new Map([[bytes(1), 1]]), new Map([[[1], 1], [{a: 1}, 2], [1.5, 3], [2n ** 63n, 4]]),
            new Map([[true, 1]]), new Date(0), new Date(-1), new Date(1600000000123),
            new Date('0001-01-01T00:00:00Z'), new Date('9999-12-31T23:59:59.999Z'),
            new Ext(5, bytes(1)), new Ext(-128, bytes()), new Ext(127, new Uint8Array(16)),
            new Ext(0, new Uint8Array(300)), new RawString(bytes(0xff, 0xfe)),
            new RawString(new Uint8Array(300).fill(0xff)),
        ]) {
            const variant = toVariant(value);
            assertSame(fromVariant(variant), value);
            assertSame(fromVariant(MsgpackRpc.unpack(MsgpackRpc.pack(variant))), value);
            assertSame(fromVariant(toVariant([value])), [value]);
            assertSame(fromVariant(toVariant({key: value})), {key: value});
        }
        const many = Object.fromEntries(Array.from({length: 70000}, (_, i) => [`key ${i}`, i]));
        assertSame(fromVariant(toVariant(many)), many);
    },

    'values-one-way': () => {
        const nobody = Object.assign(Object.create(null), {a: 1});
        for (const [value, expected] of [
            [undefined, null], [{a: undefined}, {a: null}], [[, 1], [null, 1]], [5n, 5],
            [bytes(1, 2, 3).buffer, bytes(1, 2, 3)], [bytes(1, 2, 3).subarray(1), bytes(2, 3)],
            [new GLib.Bytes([1]), bytes(1)], [new GLib.Bytes([]), bytes()], [nobody, {a: 1}],
            [new GLib.Variant('(is)', [1, 'a']), [1, 'a']], [[new GLib.Variant('y', 1)], [1]],
            [{v: new GLib.Variant('ay', [1, 2])}, {v: bytes(1, 2)}], [new Map(), {}],
            [new Map([['a', 1]]), {a: 1}], [new RawString(bytes(65)), 'A'],
            [new Ext(-1, bytes(0, 0, 0, 1)), new Date(1000)],
        ])
            assertSame(fromVariant(toVariant(value)), expected);
    },

    'values-of-variants': () => {
        for (const [text, expected] of [
            ['@mi nothing', null], ['@mi 5', 5], ['@as []', []], ['[1, 2]', [1, 2]],
            ['{1: 2}', new Map([[1, 2]])], ['(1, "a", b"b\\0")', [1, 'a', bytes(98, 0)]],
            ['byte 5', 5], ['objectpath "/a"', '/a'], ['<<1>>', 1], ['@(hay) (7, [0x41])',
                new Ext(7, bytes(65))], ['[{"a": [(1, 2)]}]', [{a: [[1, 2]]}]], ['5.0', 5],
            ['@t 18446744073709551615', 2n ** 64n - 1n], ['@x -9007199254740993', -9007199254740993n],
        ])
            assertSame(fromVariant(GLib.Variant.parse(null, text, null, null)), expected);
        assertMessage(() => fromVariant(new GLib.Variant('h', 1)), GLib.Error, 'handle');
        assertThrows(() => fromVariant('text'), Error);
    },

    'values-of-hostile-peers': () => {
        const text = name => [0xa0 + name.length, ...new TextEncoder().encode(name)];
        const polluted = unpackBytes(0x82, ...text('__proto__'), 0x81, ...text('x'), 1,
            ...text('constructor'), 2);
        assertEqual([Object.keys(polluted), polluted.x, {}.x, polluted.constructor],
            [['__proto__', 'constructor'], undefined, undefined, 2]);
        assertSame(fromVariant(toVariant(polluted)), polluted);
        // The last of what occurs twice.
        assertSame(unpackBytes(0x82, ...text('a'), 1, ...text('a'), 2), {a: 2});
        assertSame(unpackBytes(0x82, 1, 1, 1, 2), new Map([[1, 2]]));
        assertSame(unpackBytes(0xca, 0x7f, 0xc0, 0, 0), NaN);
        assertSame(unpackBytes(0xd6, 0xff, 0, 0, 0, 1), new Date(1000));
        // Not UTF-8: a surrogate, and an overlong NUL.
        assertSame(unpackBytes(0xa3, 0xed, 0xa0, 0x80), new RawString(bytes(0xed, 0xa0, 0x80)));
        assertSame(unpackBytes(0xa2, 0xc0, 0x80), new RawString(bytes(0xc0, 0x80)));
        // No time that GLib has, and nanoseconds that are none.
        const late = [0, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        assertSame(unpackBytes(0xc7, 12, 0xff, ...late), new Ext(-1, bytes(...late)));
        const odd = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1];
        assertSame(unpackBytes(0xd7, 0xff, ...odd), new Ext(-1, bytes(...odd)));
        assertSame(unpackBytes(0xc7, 1, 0xff, 5), new Ext(-1, bytes(5)));
    },

    'values-signature': () => {
        assertEqual(toVariant([1, {a: 2}], '(ya{sd})').print(true), "(byte 0x01, {'a': 2.0})");
        assertEqual(toVariant(new GLib.Variant('i', 1), 'x').print(true), 'int64 1');
        const variant = new GLib.Variant('s', 'text');
        assertEqual(toVariant(variant, 's') === variant, true);
        assertMessage(() => toVariant([256], '(y)'), GLib.Error, 'expected an integer from 0 to 255');
        assertMessage(() => toVariant(1, 'bad'), RangeError, '“bad” is no type string');
        assertMessage(() => toVariant(1, ''), RangeError, '“” is no type string');
        assertMessage(() => toVariant(1, 'x\0'), RangeError, 'is no type string');
        assertMessage(() => toVariant(1, 5), TypeError, 'The signature is a string, not number');
    },

    'values-that-cannot-be-sent': () => {
        const circle = [];
        circle.push(circle);
        class Point {}
        for (const [value, type, text] of [
            [2n ** 64n, RangeError, '64 bits'], [-(2n ** 63n) - 1n, RangeError, '64 bits'],
            [() => 1, TypeError, 'function cannot be sent'], [Symbol('s'), TypeError, 'symbol cannot'],
            [new Point(), TypeError, 'Point cannot be sent'], [[new Set()], TypeError, 'Set cannot'],
            [(function* () {})(), TypeError, 'type object cannot'],
            [Promise.resolve(1), TypeError, 'Promise cannot'], [new Date(NaN), RangeError, 'date'],
            [new Uint16Array(1), TypeError, 'Uint16Array cannot'], ['\ud800', RangeError, 'surrogate'],
            [{'\udc00': 1}, RangeError, 'surrogate'], [circle, RangeError, 'deeper than 40'],
            [new Ext(128, bytes()), RangeError, '-128 to 127, not 128'],
            [new Ext(1, 'text'), TypeError, 'The data of Ext is a Uint8Array'],
            [new RawString([1]), TypeError, 'The data of RawString is a Uint8Array'],
            [{get a() { throw new RangeError('getter'); }}, RangeError, 'getter'],
        ])
            assertMessage(() => toVariant(value), type, text);
        // One that failed leaves nothing behind.
        assertSame(fromVariant(toVariant([1])), [1]);
        const nested = depth => depth === 0 ? 1 : [nested(depth - 1)];
        assertSame(fromVariant(toVariant(nested(40))), nested(40));
        assertMessage(() => toVariant(nested(41)), RangeError, 'deeper than 40');
    },

    'values-are-fast': () => {
        const data = new Uint8Array(4 << 20).map((_, i) => i);
        let value = [data];
        for (let i = 0; i < 5; i++)
            value = fromVariant(toVariant(value));
        assertEqual(value[0].every((byte, i) => byte === data[i]), true);
        const numbers = Array.from({length: 100000}, (_, i) => i);
        assertEqual(fromVariant(toVariant(numbers)), numbers);
    },

    'values-belong-to-who-got-them': () => {
        const variant = toVariant(bytes(1, 2));
        fromVariant(variant)[0] = 9;
        assertSame(fromVariant(variant), bytes(1, 2));
    },
};

// GJS 1.74 loses what calls back while it collects the garbage of so many values, bit by bit.
for (const [name, test] of Object.entries(values)) {
    values[name] = () => {
        test();
        System.gc();
    };
}

const calls = {
    'call': async () => {
        const {rpc} = makePair();
        assertEqual([await rpc.add(1, 2), await rpc.nothing(), await rpc['odd name'](),
            await rpc.later('x')], [3, null, 'odd', 'x']);
        assertEqual(await Promise.all([rpc.later(1), rpc.add(2, 3)]), [1, 5]);
        assertSame(await rpc.echo(1, null, undefined, {a: bytes(1)}), [1, null, null, {a: bytes(1)}]);
    },

    'call-errors': async () => {
        const {rpc} = makePair();
        assertSame((await assertError(rpc.fail({code: 7}), {code: 7})).code, MsgpackRpc.Error.REMOTE);
        await assertError(rpc['fail-later']([1]), [1]);
        await assertError(rpc['fail-text']('no such book'), 'no such book');
        await assertError(rpc['fail-text'](''), 'RangeError');
        await assertError(rpc.nope(), 'There is no method “nope”');
        await assertError(rpc.add('x', 1), 'expected a number at params[0], got a string');
        // Without a value, it is the text.
        await assertError(rpc.fail(), 'text');
        // What many peers would take for a success is not sent as an error.
        for (const value of [null, 0, false, '', []]) {
            // eslint-disable-next-line no-await-in-loop
            const error = await catchError(rpc.fail(value));
            assertEqual(Boolean(error.value), true);
        }
        assertEqual(await rpc.add(1, 2), 3);
    },

    'call-errors-have-their-value-elsewhere': async () => {
        const {caller} = makePair();
        await assertError(caller.call_async('fail', toVariant([{code: 1}]), null), {code: 1});
        const call = caller.start_call('fail', toVariant([{code: 2}]));
        await assertError(call.wait_async(null), {code: 2});
        const error = await new Promise(resolve => {
            caller.call_async('fail', toVariant([[3]]), null, (peer, result) => {
                try {
                    peer.call_finish(result);
                } catch (e) {
                    resolve(e);
                }
            });
        });
        assertSame(error.value, [3]);
    },

    'call-of-what-cannot-be-sent': async () => {
        const {rpc} = makePair();
        const error = await catchError(rpc.echo(Symbol('s')));
        assertEqual(error instanceof TypeError, true);
        for (const name of ['echo\0', '\ud800']) {
            // eslint-disable-next-line no-await-in-loop
            assertEqual((await catchError(rpc[name](1))) instanceof RangeError, true);
        }
    },

    'call-options': async () => {
        const {caller} = makePair();
        await assertRejects(caller.rpcWith({timeout: 1}).never(),
            Gio.IOErrorEnum, Gio.IOErrorEnum.TIMED_OUT);
        const cancellable = new Gio.Cancellable();
        const promise = caller.rpcWith({cancellable}).never();
        cancellable.cancel();
        await assertRejects(promise, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        await assertRejects(promise.call.wait_async(null),
            Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        await assertRejects(caller.rpcWith({cancellable}).never(),
            Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
        assertEqual(await caller.rpcWith({cancellable: new Gio.Cancellable()}).add(1, 2), 3);
    },

    'call-cancel': async () => {
        const {rpc} = makePair();
        const promise = rpc.never();
        assertEqual(promise.call instanceof Call, true);
        promise.call.cancel();
        await assertRejects(promise, Gio.IOErrorEnum, Gio.IOErrorEnum.CANCELLED);
    },

    'call-ends-with-its-connection': async () => {
        const {caller, rpc} = makePair();
        const promise = rpc.never();
        await caller.close_async(CloseMode.NOW, null);
        await assertRejects(promise, Gio.IOErrorEnum, Gio.IOErrorEnum.CLOSED);
        await assertRejects(rpc.add(1, 2), Gio.IOErrorEnum, Gio.IOErrorEnum.CLOSED);
    },

    'call-proxy': async () => {
        const {rpc} = makePair();
        // It is no promise.
        assertEqual([rpc.then, rpc[Symbol.iterator], rpc.toJSON, await rpc === rpc, `${rpc}`],
            [undefined, undefined, undefined, true, '[methods of a peer]']);
        assertThrows(() => (rpc.add = 1), TypeError);
        const {add} = rpc;
        assertEqual(await add(1, 2), 3);
    },

    'call-notify': async () => {
        const {rpc, dispatcher} = makePair();
        const noted = [];
        dispatcher.method('note', (...args) => noted.push(args));
        rpc.note.notify(1, 'x');
        rpc.note.notify();
        await until(() => noted.length === 2);
        assertEqual(noted, [[1, 'x'], []]);
    },

    'call-through-a-filter': async () => {
        const {caller} = makePair();
        const filter = new FilterPeer({peer: caller});
        assertEqual(await filter.rpc.add(1, 2), 3);
        await assertError(filter.rpc.fail([1]), [1]);
    },
};

const methods = {
    'method-described': () => {
        const {dispatcher} = makePair();
        const method = dispatcher.lookup_method('add');
        assertEqual([method.signature, method.result_signature, method.param_names, method.description],
            ['(xx)', 'x', ['a', 'b'], 'Adds numbers.']);
    },

    'method-by-names': async () => {
        const {caller} = makePair();
        assertEqual(fromVariant(await caller.call_async('add', toVariant({b: 1, a: 2}), null)), 3);
    },

    'method-again': async () => {
        const {dispatcher, rpc} = makePair();
        assertMessage(() => dispatcher.method('add', () => 1), Error,
            'There is a method “add” already');
        dispatcher.method('add', () => 'new', {flags: MethodFlags.REPLACE});
        assertEqual(await rpc.add(), 'new');
        assertMessage(() => dispatcher.method('x', null), TypeError, 'is a function');
        assertEqual(dispatcher.remove_method(dispatcher.method('one', () => 1)), true);
    },

    'method-with-invocation': async () => {
        const {callee, dispatcher, rpc} = makePair();
        dispatcher.method('who', (invocation, value) => [
            invocation.get_method(), invocation.get_connection() === callee, value,
        ], {withInvocation: true});
        dispatcher.method('self', invocation => {
            invocation.return_value(toVariant('answered'));
        }, {withInvocation: true});
        assertEqual([await rpc.who(5), await rpc.self()], [['who', true, 5], 'answered']);
    },

    'method-results-that-do-not-fit': async () => {
        const {dispatcher, rpc} = makePair();
        dispatcher.method('bad', () => Symbol('s'));
        dispatcher.method('bad-later', async () => new Set());
        dispatcher.method('wrong', () => 'text', {resultSignature: 'x'});
        dispatcher.method('thenable', () => ({then: resolve => resolve(5)}));
        dispatcher.method('bad-then', () => ({
            get then() {
                throw new Error('no then');
            },
        }));
        const texts = await Promise.all([rpc.bad(), rpc['bad-later'](), rpc.wrong(), rpc['bad-then']()]
            .map(async promise => (await catchError(promise)).value));
        assertEqual(texts.map(text => typeof text), new Array(4).fill('string'));
        assertEqual([texts[0].includes('symbol'), texts[1].includes('Set'), texts[3]],
            [true, true, 'no then']);
        assertEqual(await rpc.thenable(), 5);
    },

    'method-throws-anything': async () => {
        const {dispatcher, rpc} = makePair();
        const thrown = [undefined, null, '', 'text', 5, Object.create(null), Symbol('s'),
            new RemoteError('text', () => 1), new RemoteError('\ud800'),
            new GLib.Error(Gio.IOErrorEnum, Gio.IOErrorEnum.FAILED, 'gone')];
        dispatcher.method('throw', i => {
            throw thrown[i];
        });
        dispatcher.method('throw-later', async i => {
            throw thrown[i];
        });
        const errors = await Promise.all(thrown.flatMap((_, i) => [rpc.throw(i), rpc['throw-later'](i)])
            .map(catchError));
        assertEqual(errors.every(error => error.matches(MsgpackRpc.Error, MsgpackRpc.Error.REMOTE) &&
            typeof error.value === 'string' && error.value !== ''), true);
        assertEqual([errors[6].value, errors[18].value], ['text', 'gone']);
    },

    'method-passes-an-error-on': async () => {
        const {dispatcher, rpc} = makePair();
        const other = makePair();
        dispatcher.method('pass', value => other.rpc.fail(value));
        await assertError(rpc.pass({code: 1}), {code: 1});
    },

    'method-of-a-called-back-peer': async () => {
        const {callee, caller, dispatcher, rpc} = makePair();
        caller.dispatcher = addMethods(new Dispatcher());
        dispatcher.method('nest', (...args) => callee.rpc.add(...args));
        assertEqual(await rpc.nest(1, 2), 3);
    },
};

const streams = {
    'notifications': async () => {
        const {caller, callee} = makePair();
        const all = callee.notifications();
        const some = callee.notifications('b');
        caller.rpc.a.notify(1);
        caller.rpc.b.notify(2);
        caller.rpc.c.notify();
        const seen = [];
        for await (const {method, params} of all) {
            seen.push(method, params);
            if (method === 'c')
                break;
        }
        assertEqual(seen, ['a', [1], 'b', [2], 'c', []]);
        assertEqual((await some.next()).value, {method: 'b', params: [2]});
        assertEqual(await all.next(), {done: true});
        const waiting = some.next();
        some.close();
        assertEqual(await waiting, {done: true});
    },

    'notifications-end-with-the-connection': async () => {
        const {caller, callee} = makePair();
        const notes = callee.notifications();
        caller.rpc.a.notify(1);
        await caller.close_async(CloseMode.FINISH_QUEUE, null);
        const seen = [];
        for await (const {method} of notes)
            seen.push(method);
        assertEqual(seen, ['a']);
    },

    'notifications-are-bounded': async () => {
        const {caller, callee} = makePair();
        assertMessage(() => callee.notifications(null, {maxQueued: 0}), RangeError, 'at least 1');
        const notes = callee.notifications(null, {maxQueued: 2});
        for (let i = 0; i < 5; i++)
            caller.rpc.a.notify(i);
        await until(() => notes.dropped === 3);
        notes.close();
        const seen = [];
        for await (const {params} of notes)
            seen.push(params[0]);
        assertEqual(seen, [3, 4]);
    },

    'publications': async () => {
        const {caller, callee, dispatcher} = makePair();
        const topic = dispatcher.add_topic('news', '(xs)');
        const news = caller.publications('news');
        await news.subscribe();
        const other = caller.publications('news');
        await other.subscribe();
        topic.publish([1, 'one']);
        dispatcher.publish('news', [2, 'two']);
        topic.publish(new GLib.Variant('(xs)', [3, 'three']));
        topic.publish_with_key('key', [4, 'four']);
        await topic.publish_async([5, 'five'], null);
        const seen = [];
        for await (const value of news) {
            seen.push(value);
            if (value[0] === 5)
                break;
        }
        assertEqual(seen, [[1, 'one'], [2, 'two'], [3, 'three'], [4, 'four'], [5, 'five']]);
        assertMessage(() => topic.publish(['text']), GLib.Error, 'expected');
        // The other still listens.
        topic.publish([6, 'six']);
        await until(() => other._items.length === 6);
        other.close();
        await until(() => topic.n_subscribers === 0);
        assertEqual(callee.is_connected(), true);
    },

    'publications-without-a-topic': async () => {
        const {caller} = makePair();
        const news = caller.publications('none');
        await assertRejects(news.next(), MsgpackRpc.Error, MsgpackRpc.Error.REMOTE);
        assertEqual(await news.next(), {done: true});
    },
};

const ends = {
    'server-and-client': async () => {
        const server = new Server({dispatcher: addMethods(new Dispatcher())});
        server.dispatcher.add_topic('news', 's');
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const client = Client.new(address);
        await client.open_async(null);
        assertEqual(await client.rpc.add(1, 2), 3);
        await until(() => server.connections.get_n_items() === 1);
        assertEqual([...server.connections].map(connection => connection.get_id()).length, 1);
        assertEqual([...server.get_connections()].length, 1);

        const notes = client.notifications('note');
        server.broadcast('note', toVariant([1]));
        assertEqual((await notes.next()).value.params, [1]);
        const news = client.publications('news');
        await news.subscribe();
        server.publish('news', 'text');
        assertEqual((await news.next()).value, 'text');

        const promise = client.rpc.never().catch(e => e);
        await until(() => [...client.calls].length === 1);
        await client.close_async(CloseMode.NOW, null);
        assertEqual((await promise).matches(Gio.IOErrorEnum, Gio.IOErrorEnum.CLOSED), true);
        assertEqual([await notes.next(), await news.next()], [{done: true}, {done: true}]);
        await server.drain_async(CloseMode.NOW, -1, null);
    },

    'lists': () => {
        const {dispatcher} = makePair();
        dispatcher.add_topic('news', 's');
        const names = [];
        for (const method of dispatcher.methods)
            names.push(method.name);
        assertEqual([names.includes('add'), [...dispatcher.topics].map(topic => topic.name)],
            [true, ['news']]);
    },

    'promises-of-each-class': () => {
        for (const [name, klass] of Object.keys(MsgpackRpc).map(key => [key, MsgpackRpc[key]])) {
            if (typeof klass !== 'function' || !(klass.prototype instanceof GObject.Object))
                continue;
            for (const method of Object.getOwnPropertyNames(klass.prototype)) {
                if (method.endsWith('_async') && !method.startsWith('_original_'))
                    assertEqual([name, method, `_original_${method}` in klass.prototype], [name, method, true]);
            }
        }
        for (const klass of [Client, Connection, FilterPeer])
            assertEqual('_original_call_async' in klass.prototype, true);
    },

    'subclass': async () => {
        const MyServer = GObject.registerClass(class MyServer extends Server {});
        const MyFilter = GObject.registerClass(class MyFilter extends FilterPeer {});
        const server = new MyServer({dispatcher: addMethods(new Dispatcher())});
        const [address] = await server.listen_async('tcp://localhost:0', null);
        const client = Client.new(address);
        const opened = client.open_async(null);
        const filter = new MyFilter({peer: client});
        assertEqual([await filter.rpc.add(1, 2), await opened], [3, true]);
        await until(() => [...server.connections].length === 1);
        server.stop();
    },
};

const refused = {
    'threads': () => {
        const {dispatcher} = makePair();
        for (const func of [
            () => new LoopThread(), () => LoopThread.new('name'), () => new Connector(),
            () => Connector.new(null), () => Client.new_in_thread('tcp://localhost:1'),
            () => Server.new_in_thread(),
            () => dispatcher.add_method_full('x', null, () => true, MethodFlags.IN_THREAD),
            () => dispatcher.method('x', () => true, {flags: MethodFlags.SERIAL}),
        ])
            assertMessage(func, Error, 'would run JavaScript in another thread');
        assertEqual(dispatcher.lookup_method('x'), null);
    },

    'blocking': async () => {
        const {caller} = makePair();
        const call = caller.start_call('add', toVariant([1, 2]));
        for (const func of [
            () => call.wait(null), () => Call.wait_all([call], null), () => Call.wait_any([call], null),
            () => new EventQueue().receive(-1, null), () => new EventQueue().receive(5, null),
        ])
            assertMessage(func, Error, 'blocks the only thread');
        await call.wait_async(null);
        // There is nothing to wait for.
        assertEqual(fromVariant(call.wait(null)), 3);
        Call.wait_all([call], null);
        Call.wait_any([call], null);
        assertThrows(() => new EventQueue().receive(0, null), GLib.Error);
    },

    'wrong-types': () => {
        const {caller, dispatcher} = makePair();
        assertThrows(() => caller.send_notification('name', [1]), Error);
        assertThrows(() => caller.rpcWith(null), TypeError);
        assertThrows(() => caller.rpcWith({timeout: 'soon'}), TypeError);
        assertThrows(() => caller.rpcWith({timeout: NaN}), TypeError);
        assertThrows(() => caller.rpcWith({cancellable: 5}), TypeError);
        for (const [func, type, text] of [
            [() => caller.rpcWith(), TypeError, 'The options are an object'],
            [() => caller.rpcWith(5), TypeError, 'The options are an object'],
            [() => caller.rpcWith({timeout: -2}), RangeError, 'from -1 to 2147483647, not -2'],
            [() => caller.rpcWith({timeout: 2 ** 31}), RangeError, 'from -1 to 2147483647'],
            [() => caller.notifications(5), TypeError, 'name of a notification is a string, not number'],
            [() => caller.notifications(''), RangeError, 'not empty'],
            [() => caller.notifications('a\0'), RangeError, 'no NUL'],
            [() => caller.notifications(null, {maxQueued: '5'}), RangeError, 'maxQueued is an integer'],
            [() => caller.publications(), TypeError, 'name of a topic is a string, not undefined'],
            [() => caller.publications(''), RangeError, 'not empty'],
            [() => caller.rpc['a\0b'].notify(), RangeError, 'name of a method has no NUL'],
            [() => dispatcher.method(null, () => 1), TypeError, 'is a string, not null'],
            [() => dispatcher.method('a\0b', () => 1), RangeError, 'no NUL'],
            [() => dispatcher.method('\ud800', () => 1), RangeError, 'half of a surrogate pair'],
            [() => dispatcher.method('x', () => 1, {signature: 'bad'}), RangeError, 'signature “bad”'],
            [() => dispatcher.method('x', () => 1, {resultSignature: 'bad'}), RangeError,
                'The resultSignature “bad” is no type string'],
            [() => dispatcher.method('x', () => 1, {resultSignature: 5}), TypeError, 'is a string'],
            [() => dispatcher.method('x', () => 1, {paramNames: 'a'}), TypeError, 'array of strings'],
            [() => dispatcher.method('x', () => 1, {paramNames: [5]}), TypeError, 'array of strings'],
            [() => dispatcher.method('x', () => 1, {description: 5}), TypeError, 'The description is'],
            [() => dispatcher.method('x', () => 1, {flags: 'x'}), TypeError, 'MethodFlags, not x'],
        ])
            assertMessage(func, type, text);
        // Nothing was added by half.
        assertEqual(dispatcher.lookup_method('x'), null);
        assertThrows(() => dispatcher.method('x', () => 1, {signature: 5}), Error);
        assertThrows(() => dispatcher.lookup_method(5), Error);
    },
};

const lives = {
    'many-calls': async () => {
        const {rpc} = makePair();
        const callMany = async n => {
            for (let i = 0; i < n; i += 100) {
                // eslint-disable-next-line no-await-in-loop
                await Promise.all(Array.from({length: 100}, (_, j) => rpc.add(i, j)));
                if (i % 1000 === 0)
                    System.gc();
            }
        };

        await callMany(10000);
        System.gc();
        const before = residentBytes();
        await callMany(10000);
        System.gc();
        // A call takes up more than 400 bytes, and its variants as much again.
        assertEqual(residentBytes() < before + (2 << 20), true);
    },

    'call-is-let-go-of': async () => {
        const {rpc} = makePair();
        const watch = await (async () => {
            const [held, watchOfCall] = makeWatched();
            const promise = rpc.add(1, 2);
            promise.call.held = held;
            await promise;
            return watchOfCall;
        })();
        await untilClosed(watch);
    },

    'method-is-let-go-of': async () => {
        // The method holds the service, and that its dispatcher, until it is removed.
        class Service {
            constructor(held) {
                this.held = held;
                this.dispatcher = new Dispatcher();
                this.id = this.dispatcher.method('get', async () => this.held.is_connected());
            }
        }
        const [, caller, callee] = Connection.new_pair();
        alive.push(caller, callee);
        const watch = await (async () => {
            const [held, watchOfService] = makeWatched();
            const service = new Service(held);
            callee.dispatcher = service.dispatcher;
            assertEqual(await caller.rpc.get(), true);
            System.gc();
            assertEqual(watchOfService.is_connected(), true);
            callee.dispatcher = null;
            service.dispatcher.remove_method(service.id);
            return watchOfService;
        })();
        await untilClosed(watch);
    },

    'stream-is-let-go-of': async () => {
        const {callee} = makePair();
        const watch = (() => {
            const [held, watchOfStream] = makeWatched();
            const notes = callee.notifications();
            notes.held = held;
            notes.close();
            return watchOfStream;
        })();
        await untilClosed(watch);
    },

    'collected-while-signals-are-connected': async () => {
        let seen = 0;
        for (let i = 0; i < 50; i++) {
            const [, caller, callee] = Connection.new_pair();
            callee.dispatcher = addMethods(new Dispatcher());
            caller.connect('closed', () => seen++);
            callee.connect('notification', () => seen++);
            callee.notifications();
            caller.rpc.never().catch(() => seen++);
            caller.rpc.note.notify(i);
        }
        System.gc();
        await until(() => {
            System.gc();
            return seen >= 50;
        });
    },

    'callback-after-the-object': async () => {
        // Nobody but the call holds the connection that it is made on.
        const promise = (() => makePairOf().rpc.later('late'))();
        System.gc();
        assertEqual(await promise, 'late');
    },
};

function makePairOf() {
    const [, caller, callee] = Connection.new_pair();
    alive.push(callee);
    callee.dispatcher = addMethods(new Dispatcher());
    return caller;
}

run({...values, ...calls, ...methods, ...streams, ...ends, ...refused, ...lives});
