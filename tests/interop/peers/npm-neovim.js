// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// The npm package neovim, driven by peers.py: npm-neovim.js ADDRESS|server

'use strict';

const {attach} = require('neovim');
const codec = require('@msgpack/msgpack');

const {run} = require('./lines.js');

run(codec, socket => {
    const editor = attach({reader: socket, writer: socket});
    const self = {
        events: null,
        call: (method, params) => editor.request(method, params),
        notify: (method, params) => editor.notify(method, params),
    };
    editor.on('request', (method, params, response) => {
        self.events.request(method, params, value => response.send(value),
            error => response.send(error, true));
    });
    editor.on('notification', (method, params) => self.events.notification(method, params));
    editor.on('disconnect', () => self.events.closed());
    return self;
});
