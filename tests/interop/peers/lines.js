// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What the drivers in JavaScript share; the lines that they read and write are those of peers.py.

'use strict';

const net = require('node:net');
const readline = require('node:readline');

/** Thrown by a method: the value to answer as the error. */
class Refusal {
    constructor(value) {
        this.value = value;
    }
}

function print(...words) {
    process.stdout.write(`${words.join(' ')}\n`);
}

function fromHex(codec, digits) {
    return codec.decode(Buffer.from(digits, 'hex'));
}

function toHex(codec, value) {
    return Buffer.from(codec.encode(value)).toString('hex');
}

/**
 * What each end serves.
 *
 * @param {object} session - calls and notifies the other end
 */
function makeMethods(session) {
    const notes = [];
    const methods = {
        add: (a, b) => a + b,
        echo: (...values) => values.length === 1 ? values[0] : values,
        nothing: () => null,
        notified: () => notes,
        blob: size => Buffer.from(Array.from({length: size}, (_, i) => i % 255 + 1)),
        big: size => '0123456789abcdef'.repeat(size / 16 + 1).slice(0, size),
        slow: (seconds, value) =>
            new Promise(resolve => setTimeout(() => resolve(value), seconds * 1000)),
        fail: text => {
            throw new Refusal(text);
        },
        fail_obj: (code, text) => {
            throw new Refusal([code, text]);
        },
        notify_back: (method, params) => {
            session.notify(method, params);
            return null;
        },
        callback: (method, params) => session.call(method, params),
    };
    return {
        note: (method, params) => notes.push([method, params]),
        async answer(method, params) {
            if (!Object.hasOwn(methods, method))
                throw new Refusal(`no method ${method}`);
            return methods[method](...params);
        },
    };
}

/**
 * Prints what happens on a connection, and answers what it asks.
 *
 * @param {object} codec - encodes and decodes values
 * @param {object} session - calls and notifies
 */
function makeEvents(codec, session) {
    const methods = makeMethods(session);
    return {
        notification(method, params) {
            print('notification', method, toHex(codec, params));
            methods.note(method, params);
        },
        request(method, params, succeed, fail) {
            print('request', method, toHex(codec, params));
            methods.answer(method, params).then(succeed, error => {
                fail(error instanceof Refusal ? error.value : error.message);
            });
        },
        closed: (why = '') => print('closed', why),
    };
}

async function call(codec, session, id, method, digits) {
    let params;
    try {
        params = fromHex(codec, digits);
    } catch {
        print('failed', id, 'unreadable');
        return;
    }

    try {
        const result = await session.call(method, params);
        print('result', id, toHex(codec, result));
    } catch (error) {
        if (error instanceof Refusal)
            print('error', id, toHex(codec, error.value));
        else
            print('failed', id, error.message);
    }
}

/**
 * Does what the lines on standard input say, until it ends.
 *
 * @param {object} codec - encodes and decodes values
 * @param {object} session - calls and notifies
 */
function drive(codec, session) {
    print('ready');
    readline.createInterface({input: process.stdin})
        .on('line', line => {
            const [verb, ...words] = line.split(' ');
            if (verb === 'call')
                call(codec, session, ...words);
            else
                session.notify(words[0], fromHex(codec, words[1]));
        })
        .on('close', () => process.exit());
}

/** The host and port of an address as the tool prints it. */
function parseAddress(address) {
    const {hostname: host, port} = new URL(address);
    return {host, port: Number(port)};
}

/**
 * Prints where a server listens.
 *
 * @param {net.Server} server - not yet listening
 */
function listen(server) {
    server.listen(0, '127.0.0.1', () => print(`tcp://127.0.0.1:${server.address().port}`));
}

/**
 * Runs the driver of a library whose sessions are the same at both ends of a socket.
 *
 * @param {object} codec - encodes and decodes values
 * @param {function(net.Socket): object} attach - makes a session, which has call() and notify() and
 *   whose events may be set
 */
function run(codec, attach) {
    const start = socket => {
        const session = attach(socket);
        session.events = makeEvents(codec, session);
        return session;
    };

    if (process.argv[2] === 'server') {
        listen(net.createServer(start));
    } else {
        const socket = net.connect(parseAddress(process.argv[2]),
            () => drive(codec, start(socket)));
    }
}

module.exports = {Refusal, drive, listen, makeMethods, parseAddress, print, run};
