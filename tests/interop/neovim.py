# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Neovim as server, for the tests in which clients of ours call it."""

import os

import msgpack

import peers
from peers import VALUES, needs_program

NVIM = ['nvim', '--headless', '--clean']

needs_nvim = needs_program('nvim', 'neovim')

BLOB = """
    local bytes, _, n = {}, ...
    for i = 1, n do
        bytes[i] = string.char((i - 1) % 255 + 1)
    end
    return table.concat(bytes)
"""
# What does in Neovim what the methods of “msgpackrpc serve --test” do. A handle of the channel comes
# first.
LUA = {
    'add': 'local _, a, b = ... return a + b',
    'big': "local _, n = ... return ('0123456789abcdef'):rep(n / 16 + 1):sub(1, n)",
    'blob': BLOB,
    'callback': 'local chan, method, params = ... return vim.rpcrequest(chan, method, unpack(params))',
    'echo': 'return {select(2, ...)}',
    'fail': 'local _, text = ... error(text, 0)',
    'bare': "notes = notes or {} table.insert(notes, {'bare', {select(2, ...)}})",
    'note': "notes = notes or {} table.insert(notes, {'note', {select(2, ...)}})",
    'nothing': 'return nil',
    'notified': 'return notes',
    'notify_back': 'local chan, method, params = ... vim.rpcnotify(chan, method, unpack(params))',
    'slow': 'local _, seconds, value = ... vim.wait(1000 * seconds, function () end) return value',
}


def environment(case):
    return os.environ | {'HOME': str(case.make_folder()), 'NVIM_LOG_FILE': '/dev/null'}


def run_editor(case, address):
    """A server that listens, and where it does."""
    tell = "call writefile([v:servername], '/dev/stdout')"
    editor = peers.Process(case, *NVIM, '--listen', address, '-c', tell, env=environment(case))
    return editor, editor.first_line()


def start_editor(case, address):
    return run_editor(case, address)[1]


class ToNeovim(peers.Driver):
    """Our client, with Neovim's methods in place of ours."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        # What Neovim calls the connection.
        self.channel = self.call('nvim_get_api_info').value[0]

    def translate(self, method, params):
        if method in LUA:
            return 'nvim_exec_lua', [LUA[method], [self.channel, *params]]
        return method, params

    def start(self, method, *params):
        method, params = self.translate(method, params)
        return super().start(method, *params)

    def start_packed(self, method, *params):
        if method != 'echo':
            return super().start_packed(method, *params)
        return super().start_packed('nvim_call_function', msgpack.packb('copy').hex(),
                                    '91' + params[0])

    def notify(self, method, *params):
        method, params = self.translate(method, params)
        super().notify(method, *params)


def error(code, text):
    return 'error ' + msgpack.packb([code, text]).hex()


BAD_PARAMS = error(0, 'Invalid method arguments')


# Vim's strings have none; Lua's have.
STR_ENDS_AT_NUL = {
    'c40300fffe': 'result a0',
    f'c50100{bytes(range(256)).hex()}': 'result a0',
    f'c600010000{"00" * 65536}': 'result a0',
}


class Server(peers.BytesAreStr):
    ODD = {
        'bin-becomes-str': {'c400': 'result a0', 'c40161': 'result a161'},
        'empty-key': {'81a09102': error(1, "Empty dictionary keys aren't allowed")},
        'ext-becomes-nil': dict.fromkeys(VALUES['ext'] + VALUES['timestamp'], 'result c0'),
        'keys-that-are-not-text': dict.fromkeys(VALUES['odd-map'], BAD_PARAMS) | {
            # But bin is, and of two that are the same the first stays.
            '81c4010101': 'result 81a10101',
            '82a16101a16102': 'result 81a16101',
        },
        'str-ends-at-nul': STR_ENDS_AT_NUL | {'a3610062': 'result a161'},
        'uint64': dict.fromkeys(VALUES['uint64'], BAD_PARAMS),
    }

    # What Lua says has a trace besides, and never an array.
    test_callback_error = None
    test_error_array = None
    test_error_text = None

    def check_odd_error(self, text, method, *params):
        outcome = self.client.call(method, *params)
        self.assertEqual(outcome.kind, 'error', outcome)
        code, actual = outcome.value
        self.assertEqual((code, actual.partition('\n')[0]), (0, f'Error executing lua: {text}'))

    def test_odd_error_is_code_and_text(self):
        self.check_odd_error('Grüße', 'fail', 'Grüße')
        self.check_odd_error('ouch', 'callback', 'fail', ['ouch'])
        self.assertEqual(self.client.call('nvim_eval', 'nosuch').value,
                         [0, 'Vim:E121: Undefined variable: nosuch'])
        self.assertEqual(self.client.call('nvim_buf_line_count', 99).value,
                         [1, 'Invalid buffer id: 99'])
        self.assertEqual(self.client.call('nvim_eval').value,
                         [0, 'Wrong number of arguments: expecting 1 but got 0'])
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_callback_large(self):
        outcome = self.client.call('callback', 'echo', ['x' * peers.MEGABYTE])
        self.assertTrue(outcome.value == 'x' * peers.MEGABYTE)

    def test_callback_nested(self):
        """Each end calls the other while it is being called."""
        method, params = self.client.translate('add', [1, 2])
        for _ in range(5):
            method, params = self.client.translate('callback', ['callback', [method, params]])
        self.assertEqual(self.client.call(method, *params).value, 3)
