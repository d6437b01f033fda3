// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// The npm package msgpack5rpc, driven by peers.py: msgpack5rpc.js ADDRESS|server

'use strict';

const Session = require('msgpack5rpc');
const msgpack5 = require('msgpack5')();

const {Refusal, run} = require('./lines.js');

const codec = {
    encode: value => msgpack5.encode(value).slice(),
    decode: bytes => msgpack5.decode(bytes),
};

run(codec, socket => {
    const session = new Session();
    const self = {
        events: null,
        call: (method, params) => new Promise((resolve, reject) => {
            session.request(method, params, (error, result) => {
                if (error === null)
                    resolve(result);
                else
                    reject(new Refusal(error));
            });
        }),
        notify: (method, params) => session.notify(method, params),
    };
    session.on('request', (method, params, response) => {
        self.events.request(method, params, value => response.send(value),
            error => response.send(error, true));
    });
    session.on('notification', (method, params) => self.events.notification(method, params));
    session.on('detach', () => self.events.closed());
    session.attach(socket, socket);
    return self;
});
