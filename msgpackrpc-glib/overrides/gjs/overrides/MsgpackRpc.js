// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What makes the library natural in JavaScript. All of it comes on top: what introspection gives is
// there as it is, but for what would block the one thread that JavaScript has, or run on another.

/* exported _init */

const {Gio, GLib} = imports.gi;

const Values = imports.overrides._msgpackrpcValues;
const {Ext, RawString, RemoteError, checkName, checkSignature, fromVariant, toVariant} = Values;

let MsgpackRpc;

/* ---- calls ---- */

// Runs what ends a call; its error gets the value that the peer has sent.
function finishCall(call, finish) {
    try {
        return finish();
    } catch (e) {
        const value = call instanceof MsgpackRpc.Call ? call.get_error_value() : null;
        if (value !== null)
            e.value = fromVariant(value);
        throw e;
    }
}

async function follow(call, cancellable) {
    try {
        return fromVariant(await call.wait_async(cancellable));
    } finally {
        if (cancellable?.is_cancelled())
            call.cancel();
    }
}

// A promise of the result; it has the call, which can be cancelled.
function startCall(peer, method, args, {timeout, cancellable}) {
    let call = null;
    let promise;
    try {
        checkName(method, 'method');
        call = MsgpackRpc.Call.new(method, toVariant(args));
        if (timeout !== null)
            call.set_timeout(timeout);
        peer.send_call(call);
        promise = follow(call, cancellable);
    } catch (e) {
        promise = Promise.reject(e);
    }
    promise.call = call;
    return promise;
}

function makeMethod(peer, name, options) {
    const method = (...args) => startCall(peer, name, args, options);
    method.notify = (...args) => {
        checkName(name, 'method');
        return peer.send_notification(name, toVariant(args));
    };
    return method;
}

// What JavaScript itself looks for in an object: one with a “then” is taken for a promise.
const OWN_NAMES = ['constructor', 'then', 'toJSON', 'toString', 'valueOf'];

// The methods of a peer.
function makeRpc(peer, options) {
    return new Proxy(Object.freeze({}), {
        get(target, name) {
            if (typeof name !== 'string' || OWN_NAMES.includes(name))
                return name === 'toString' ? () => '[methods of a peer]' : undefined;
            return makeMethod(peer, name, options);
        },
    });
}

/* ---- streams ---- */

// An asynchronous iterator over what signals tell. It listens from its making until it is left, or the
// peer is gone for good. More than maxQueued items that wait push out the oldest.
class Stream {
    constructor(peer, maxQueued) {
        if (!Number.isInteger(maxQueued) || maxQueued < 1)
            throw new RangeError(`maxQueued is an integer, at least 1, not ${maxQueued}`);
        this.dropped = 0;
        this._peer = peer;
        this._maxQueued = maxQueued;
        this._items = [];
        this._waiting = [];
        this._ended = false;
        this._handlers = [];
        if (peer instanceof MsgpackRpc.Connection) {
            this._listen('closed', () => this._end());
        } else if (peer instanceof MsgpackRpc.Client) {
            this._listen('status-changed', (_peer, _old, status) => {
                if (status === MsgpackRpc.ConnectionStatus.DISCONNECTED)
                    this._end();
            });
        }
    }

    _listen(signal, callback) {
        this._handlers.push(this._peer.connect(signal, callback));
    }

    _put(item) {
        if (this._waiting.length > 0) {
            this._waiting.shift()({value: item, done: false});
            return;
        }
        if (this._items.length >= this._maxQueued) {
            this._items.shift();
            this.dropped++;
        }
        this._items.push(item);
    }

    _end() {
        this._ended = true;
        this._handlers.splice(0).forEach(id => this._peer.disconnect(id));
        this._waiting.splice(0).forEach(resolve => resolve({value: undefined, done: true}));
    }

    // Ends the iteration, after what has come already.
    close() {
        this._end();
    }

    async next() {
        if (this._items.length > 0)
            return {value: this._items.shift(), done: false};
        if (this._ended)
            return {value: undefined, done: true};
        return new Promise(resolve => this._waiting.push(resolve));
    }

    async return(value) {
        this.close();
        this._items = [];
        return {value, done: true};
    }

    [Symbol.asyncIterator]() {
        return this;
    }
}

// GObject has no signal with an empty detail.
function checkDetail(name, what) {
    checkName(name, what);
    if (name === '')
        throw new RangeError(`The name of a ${what} that is listened to is not empty`);
}

class Notifications extends Stream {
    constructor(peer, method, maxQueued) {
        if (method !== null)
            checkDetail(method, 'notification');
        super(peer, maxQueued);
        this._listen(method === null ? 'notification' : `notification::${method}`,
            (_peer, name, params) => this._put({method: name, params: fromVariant(params)}));
    }
}

class Publications extends Stream {
    constructor(peer, topic, maxQueued) {
        checkDetail(topic, 'topic');
        super(peer, maxQueued);
        this._topic = topic;
        this._subscription = null;
        this._listen(`published::${topic}`, (_peer, _topic, value) => this._put(fromVariant(value)));
    }

    async _subscribe() {
        try {
            await this._peer.subscribe_async(this._topic, null);
        } catch (e) {
            this._end();
            throw e;
        }
    }

    // Subscribes, unless that is done; the iteration does so by itself.
    subscribe() {
        this._subscription ??= this._subscribe();
        return this._subscription;
    }

    close() {
        if (this._subscription !== null && !this._ended)
            this._peer.unsubscribe_async(this._topic, null, null);
        super.close();
    }

    async next() {
        if (!this._ended)
            await this.subscribe();
        return super.next();
    }
}

/* ---- handlers ---- */

function answer(invocation, result) {
    if (result === undefined && invocation.answered)
        return;
    invocation.return_value(toVariant(result));
}

// Whatever was thrown.
function textOf(error) {
    try {
        return String(error?.message || error);
    } catch (e) {
        return 'The handler has failed';
    }
}

function answerError(invocation, error) {
    const isAnswer = error instanceof RemoteError || error instanceof GLib.Error;
    if (isAnswer && error.value !== undefined)
        invocation.return_error_value(toVariant(error.value));
    else if (error instanceof GLib.Error)
        invocation.return_gerror(error);
    else
        invocation.return_error_value(GLib.Variant.new_string(textOf(error)));
}

// Where an unexpected error comes from is logged here, and not sent.
function fail(invocation, error) {
    if (!(error instanceof RemoteError || error instanceof GLib.Error)) {
        logError(error instanceof Error ? error : new Error(textOf(error)),
            `The handler of “${invocation.get_method()}” has failed`);
    }
    try {
        answerError(invocation, error);
    } catch (e) {
        answerError(invocation, e);
    }
}

async function answerLater(invocation, promise) {
    try {
        answer(invocation, await promise);
    } catch (e) {
        fail(invocation, e);
    }
}

function makeHandler(callback, withInvocation) {
    return (invocation, params) => {
        try {
            const args = fromVariant(params);
            const list = Array.isArray(args) ? args : [args];
            const result = withInvocation ? callback(invocation, ...list) : callback(...list);
            if (typeof result?.then === 'function')
                answerLater(invocation, result);
            else
                answer(invocation, result);
        } catch (e) {
            fail(invocation, e);
        }
        return true;
    };
}

function isArrayOfNames(names) {
    return Array.isArray(names) && names.every(name => typeof name === 'string');
}

// Adds a function, or one that returns a promise, as a method. What it returns or throws is the answer.
function addMethod(dispatcher, name, callback, options) {
    const {
        signature = null, resultSignature = null, paramNames = null, description = null,
        flags = 0, withInvocation = false,
    } = options;
    checkName(name, 'method');
    if (typeof callback !== 'function')
        throw new TypeError(`The method “${name}” is a function, not ${callback}`);
    checkSignature(signature);
    checkSignature(resultSignature, 'resultSignature');
    if (paramNames !== null && !isArrayOfNames(paramNames))
        throw new TypeError(`The paramNames are an array of strings, not ${paramNames}`);
    if (description !== null && typeof description !== 'string')
        throw new TypeError(`The description is a string, not ${description}`);
    if (!Number.isInteger(flags))
        throw new TypeError(`The flags are those of MsgpackRpc.MethodFlags, not ${flags}`);
    const named = paramNames === null ? 0 : MsgpackRpc.MethodFlags.NAMED_PARAMS;
    const id = dispatcher.add_method_full(name, signature, makeHandler(callback, withInvocation),
        flags | named);
    if (id === 0)
        throw new Error(`There is a method “${name}” already; MethodFlags.REPLACE replaces it`);

    const method = dispatcher.lookup_method(name);
    if (paramNames !== null)
        method.set_param_names(paramNames);
    if (resultSignature !== null)
        method.set_result_signature(resultSignature);
    if (description !== null)
        method.set_description(description);
    return id;
}

/* ---- what cannot be ---- */

const BLOCKING = 'blocks the only thread that JavaScript has; use ';
const THREADS = 'would run JavaScript in another thread, which ends the program; ';

// Makes a function of an object, such as a class, throw; unless it does no harm.
function refuse(object, place, name, what, isHarmless = () => false) {
    const original = object[name];
    object[name] = function (...args) {
        if (isHarmless(this, args))
            return original.apply(this, args);
        throw new Error(`${place}.${name}() ${what}`);
    };
}

function refuseClass(name, constructors, what) {
    const klass = MsgpackRpc[name];
    klass.prototype._init = function () {
        throw new Error(`MsgpackRpc.${name} ${what}`);
    };
    constructors.forEach(constructor => refuse(klass, name, constructor, what));
}

function hasEnded(call) {
    return call.get_state() !== MsgpackRpc.CallState.PENDING;
}

function refuseThreads() {
    const {Call, Client, Dispatcher, EventQueue, MethodFlags, Server} = MsgpackRpc;
    refuseClass('LoopThread', ['new'], `${THREADS}all can live in the one main context`);
    refuseClass('Connector', ['new'], `${THREADS}use Channel.new_for_address()`);
    refuse(Client, 'Client', 'new_in_thread', `${THREADS}use Client.new()`);
    refuse(Server, 'Server', 'new_in_thread', `${THREADS}use Server.new()`);
    refuse(Call.prototype, 'Call', 'wait', `${BLOCKING}wait_async()`, hasEnded);
    refuse(Call, 'Call', 'wait_all', `${BLOCKING}Promise.all()`,
        (_class, [calls]) => calls.every(hasEnded));
    refuse(Call, 'Call', 'wait_any', `${BLOCKING}Promise.race()`,
        (_class, [calls]) => calls.some(hasEnded));
    refuse(EventQueue.prototype, 'EventQueue', 'receive', `${BLOCKING}receive_async()`,
        (_queue, [timeout]) => timeout === 0);

    const {add_method_full: addMethodFull} = Dispatcher.prototype;
    Dispatcher.prototype.add_method_full = function (name, signature, handler, flags) {
        if (handler !== null && flags & (MethodFlags.IN_THREAD | MethodFlags.SERIAL))
            throw new Error(`A handler with IN_THREAD or SERIAL ${THREADS}leave these flags out`);
        return addMethodFull.call(this, name, signature, handler, flags);
    };
}

/* ---- the classes ---- */

// What ends in _async returns a promise, unless it is given a callback.
function promisify(klass, inherited = []) {
    const {prototype} = klass;
    for (const name of [...Object.getOwnPropertyNames(prototype), ...inherited]) {
        if (name.endsWith('_async') && !name.startsWith('_'))
            Gio._promisify(prototype, name, name.replace(/_async$/, '_finish'));
    }
}

function extendPeer(klass) {
    const {prototype} = klass;
    const {call_finish: callFinish} = prototype;
    prototype.call_finish = function (call) {
        return finishCall(call, () => callFinish.call(this, call));
    };
    promisify(klass, Object.getOwnPropertyNames(MsgpackRpc.Peer.prototype));

    Object.defineProperty(prototype, 'rpc', {
        configurable: true,
        get() {
            return this.rpcWith({});
        },
    });
    prototype.rpcWith = function (options) {
        if (typeof options !== 'object' || options === null)
            throw new TypeError(`The options are an object such as {timeout: 500}, not ${options}`);
        const {timeout = null, cancellable = null} = options;
        if (timeout !== null && !Number.isInteger(timeout))
            throw new TypeError(`The timeout is a number of milliseconds, not ${timeout}`);
        if (timeout !== null && (timeout < -1 || timeout > GLib.MAXINT32))
            throw new RangeError(`The timeout is from -1 to ${GLib.MAXINT32}, not ${timeout}`);
        if (cancellable !== null && !(cancellable instanceof Gio.Cancellable))
            throw new TypeError(`The cancellable is no Gio.Cancellable: ${cancellable}`);
        return makeRpc(this, {timeout, cancellable});
    };
    prototype.notifications = function (method = null, {maxQueued = 1024} = {}) {
        return new Notifications(this, method, maxQueued);
    };
    prototype.publications = function (topic, {maxQueued = 1024} = {}) {
        return new Publications(this, topic, maxQueued);
    };
}

function extendCall() {
    const {prototype} = MsgpackRpc.Call;
    const {wait_finish: waitFinish} = prototype;
    prototype.wait_finish = function (result) {
        return finishCall(this, () => waitFinish.call(this, result));
    };
    promisify(MsgpackRpc.Call);
}

function fit(topic, value) {
    return value instanceof GLib.Variant ? value : toVariant(value, topic?.get_signature() ?? null);
}

// Publishes what is no variant yet; find tells the topic, and place which argument has the value.
function extendPublish(klass, name, place, find) {
    const {prototype} = klass;
    const original = prototype[name];
    // Of the same length, which tells Gio._promisify whether there is a callback.
    prototype[name] = Object.defineProperty(function (...args) {
        args[place] = fit(find(this, args[0]), args[place]);
        return original.apply(this, args);
    }, 'length', {value: original.length});
}

function extendTopics() {
    const {Dispatcher, Server, Topic} = MsgpackRpc;
    const self = topic => topic;
    extendPublish(Topic, 'publish', 0, self);
    extendPublish(Topic, 'publish_async', 0, self);
    extendPublish(Topic, 'publish_sync', 0, self);
    extendPublish(Topic, 'publish_with_key', 1, self);
    extendPublish(Dispatcher, 'publish', 1, (dispatcher, name) => dispatcher.lookup_topic(name));
    extendPublish(Server, 'publish', 1,
        (server, name) => server.get_dispatcher()?.lookup_topic(name));
}

function* iterateList() {
    for (let i = 0; i < this.get_n_items(); i++)
        yield this.get_item(i);
}

// The types of lists are private, and so it is done when one is seen.
function makeIterable(list) {
    const prototype = Object.getPrototypeOf(list);
    if (!(Symbol.iterator in prototype))
        prototype[Symbol.iterator] = iterateList;
    return list;
}

function extendList(klass, name) {
    const {prototype} = klass;
    const getter = `get_${name}`;
    const original = prototype[getter];
    prototype[getter] = function () {
        return makeIterable(original.call(this));
    };
    Object.defineProperty(prototype, name, {
        configurable: true,
        enumerable: true,
        get() {
            return this[getter]();
        },
    });
}

function extendLists() {
    const {Client, Connection, Dispatcher, Server} = MsgpackRpc;
    extendList(Client, 'calls');
    extendList(Connection, 'calls');
    extendList(Dispatcher, 'methods');
    extendList(Dispatcher, 'topics');
    extendList(Server, 'connections');
}

function _init() {
    MsgpackRpc = this;
    Values.init(this);

    Object.assign(MsgpackRpc, {Ext, RawString, RemoteError, fromVariant, toVariant});
    [MsgpackRpc.Client, MsgpackRpc.Connection, MsgpackRpc.FilterPeer].forEach(extendPeer);
    extendCall();
    extendTopics();
    extendLists();
    [MsgpackRpc.Channel, MsgpackRpc.Connector, MsgpackRpc.EventQueue, MsgpackRpc.Server,
        MsgpackRpc.Topic].forEach(klass => promisify(klass));
    MsgpackRpc.Dispatcher.prototype.method = function (name, callback, options = {}) {
        return addMethod(this, name, callback, options);
    };
    refuseThreads();
}
