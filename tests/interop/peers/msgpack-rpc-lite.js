// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// The npm package msgpack-rpc-lite, driven by peers.py: msgpack-rpc-lite.js ADDRESS|server

'use strict';

const msgpackLite = require('msgpack-lite');
const {createClient, createServer} = require('msgpack-rpc-lite');

const {Refusal, drive, listen, makeMethods, parseAddress, print} = require('./lines.js');

// As the package does by default.
const options = {codec: msgpackLite.createCodec()};
const codec = {
    encode: value => msgpackLite.encode(value, options),
    decode: bytes => msgpackLite.decode(bytes, options),
};
// A server shows no more than the methods that it was told of, and not whose they are.
const NAMES = ['add', 'big', 'blob', 'echo', 'fail', 'fail_obj', 'nothing', 'notified', 'slow'];
const NOTIFICATIONS = ['bare', 'note'];

function serve() {
    const server = createServer();
    const methods = makeMethods(null);
    for (const name of NAMES) {
        server.on(name, (params, callback) => {
            methods.answer(name, params).then(value => callback(null, value),
                error => callback(error.value));
        });
    }
    for (const name of NOTIFICATIONS)
        server.on(name, params => methods.note(name, params));
    listen(server);
}

function connect(address) {
    const {host, port} = parseAddress(address);
    const client = createClient(port, host);
    client.on('close', () => print('closed'));
    client.on('connect', () => drive(codec, {
        call: (method, params) => client.request(method, ...params)
            .then(([result]) => result, error => {
                throw new Refusal(error);
            }),
        notify: (method, params) => client.notify(method, ...params),
    }));
}

if (process.argv[2] === 'server')
    serve();
else
    connect(process.argv[2]);
