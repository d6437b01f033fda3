# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The npm package neovim, at either end."""

import node_peers
import peers
from peers import needs_npm

# What its codec refuses to read as a key.
REFUSED_KEYS = ['81c001', '81c301', '81c4010101', '8192010203']


def make_odd():
    odd = node_peers.make_odd()
    odd['bad-utf8-is-replaced'] = {'a3ff61fe': 'result a5c3bf61c3be'}
    for digits in REFUSED_KEYS:
        del odd['keys-become-text'][digits]
    # As JavaScript's dates have them.
    odd['timestamp-in-milliseconds'] = {'d7ff7736450900000064': 'result d7ff7735940100000064'}
    return odd


@needs_npm('neovim')
class Client(node_peers.Client):
    PREFIX = '/interop/npm-neovim/client'
    PROGRAM = 'npm-neovim.js'
    OPTIONS = ['--method=nvim_get_api_info=echo [1,{}]']
    ODD = make_odd() | {
        'keys-unreadable': dict.fromkeys(REFUSED_KEYS, 'failed unreadable'),
    }

    test_callback_error = None
    test_error_array = None
    test_error_empty = None
    test_error_text = None
    test_unknown_method = None

    def test_profile_neovim(self):
        """Which sends all errors as such arrays."""
        client = node_peers.start(self, peers.Driver, self.PROGRAM,
                                  self.serve('tcp://127.0.0.1:0', '--profile=neovim'))
        outcome = client.call('fail', 'Grüße')
        self.assertEqual((outcome.kind, outcome.text), ('failed', 'fail: Grüße'))

    def check_failed(self, expected, method, *params):
        outcome = self.client.call(method, *params)
        self.assertEqual((outcome.kind, outcome.text), ('failed', expected))

    def test_odd_error_is_second_element(self):
        """Of an array, as Neovim has it; of a text that is its second character."""
        self.check_failed('fail_obj: no such day', 'fail_obj', 7, 'no such day')
        self.check_failed('fail: r', 'fail', 'Grüße')
        self.assertEqual(self.client.call('no_such_method').kind, 'failed')
        self.check_failed('callback: u', 'callback', 'fail', ['ouch'])
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_odd_keys_end_client(self):
        """Where they come in an answer."""
        client = node_peers.start(
            self, peers.Driver, self.PROGRAM,
            self.serve('tcp://127.0.0.1:0', """--method=bad=echo '{"$map":[[null,1]]}'"""))
        with self.assertRaises(EOFError):
            client.call('bad')

    def test_odd_waits_for_api_info(self):
        """Where that has no answer, it keeps what comes to itself."""
        client = node_peers.start(self, peers.Driver, self.PROGRAM, self.serve())
        client.call('notify_back', 'event', [1])
        client.start('callback', 'add', [1, 2])
        self.assertEqual(client.call('add', 1, 2).value, 3)
        self.assertEqual(client.received, [])


@needs_npm('neovim')
class Server(node_peers.Server):
    PREFIX = '/interop/npm-neovim/server'
    PROGRAM = 'npm-neovim.js'
    ODD = make_odd() | {'keys-end-server': dict.fromkeys(REFUSED_KEYS)}

    test_callback_error = None

    def test_odd_callback_error(self):
        """As its client has it."""
        self.check_error('fail: u', 'callback', 'fail', ['ouch'])

    def test_odd_keys_end_server(self):
        self.check_ends_server(REFUSED_KEYS)

    def test_odd_asks_first(self):
        """It calls what is to call it, and serves once that has answered."""
        client = self.connect()
        client.call('add', 1, 2)
        self.assertEqual(client.received, [('request', 'nvim_get_api_info', [])])


if __name__ == '__main__':
    peers.main()
