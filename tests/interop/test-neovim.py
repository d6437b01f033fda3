# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Neovim, as server of our client and as client of our server."""

import os
import re

import msgpack

import peers
from peers import VALUES, needs_program

NVIM = ['nvim', '--headless', '--clean']

needs_nvim = needs_program('nvim', 'neovim')

# What does in Neovim what the methods of “msgpackrpc serve --test” do. A handle of the channel comes
# first.
LUA = {
    'add': 'local _, a, b = ... return a + b',
    'big': "local _, n = ... return ('0123456789abcdef'):rep(n / 16 + 1):sub(1, n)",
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


class Server:
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

    def start_editor(self, address):
        tell = "call writefile([v:servername], '/dev/stdout')"
        return peers.Process(self, *NVIM, '--listen', address, '-c', tell, env=environment(self)
                             ).first_line()

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

    test_blob = None
    test_large_bin = None

    def test_odd_large_bin_becomes_str(self):
        """Which is not UTF-8."""
        data = os.urandom(peers.MEGABYTE).replace(b'\0', b'0')
        outcome = self.client.call_packed('echo', msgpack.packb(data).hex())
        self.assertTrue(outcome.packed == f'db{peers.MEGABYTE:08x}{data.hex()}')

    def test_callback_large(self):
        outcome = self.client.call('callback', 'echo', ['x' * peers.MEGABYTE])
        self.assertTrue(outcome.value == 'x' * peers.MEGABYTE)

    def test_callback_nested(self):
        """Each end calls the other while it is being called."""
        method, params = self.client.translate('add', [1, 2])
        for _ in range(5):
            method, params = self.client.translate('callback', ['callback', [method, params]])
        self.assertEqual(self.client.call(method, *params).value, 3)


@needs_nvim
class OverTcp(Server, peers.Features):
    PREFIX = '/interop/neovim/server-tcp'

    def connect(self):
        return ToNeovim(self, peers.OURS, self.start_editor('127.0.0.1:0'))


@needs_nvim
class OverUnix(Server, peers.Features):
    PREFIX = '/interop/neovim/server-unix'

    def connect(self):
        return ToNeovim(self, peers.OURS, self.start_editor(f'{self.make_folder()}/socket'))


@needs_nvim
class Embedded(Server, peers.Features):
    PREFIX = '/interop/neovim/server-embed'

    def connect(self):
        return ToNeovim(self, peers.OURS, '--', *NVIM, '--embed', env=environment(self))


class Client:
    """Vim's rpcrequest()."""

    ODD = {
        'bin-becomes-str': {'c400': 'result a0', 'c40161': 'result a161'},
        # What has no other form in Vim is a dictionary {'_TYPE': …, '_VAL': …} there, and sent as one.
        'special-dictionary-becomes-map': dict.fromkeys(
            VALUES['ext'] + VALUES['odd-map'] + VALUES['timestamp'] + VALUES['uint64']
            + ['81a09102']),
        'str-ends-at-nul': STR_ENDS_AT_NUL | {'a3610062': 'result a3610a62'},
    }

    def start_client(self, *args):
        return peers.Driver(self, *NVIM, '--cmd', f'source {peers.PROGRAMS}/neovim.vim', '--', *args,
                            env=environment(self))

    def test_odd_special_dictionary_becomes_map(self):
        for digits in VALUES['ext'] + VALUES['timestamp'] + VALUES['uint64']:
            value = self.client.call_packed('echo', digits).value
            self.assertEqual(list(value), ['_TYPE', '_VAL'], digits)

    def check_error(self, expected, method, *params):
        outcome = self.client.call(method, *params)
        self.assertEqual(outcome.kind, 'error', outcome)
        self.assertRegex(outcome.value,
                         f"Error invoking '{method}' on channel [0-9]+:\n{re.escape(expected)}$")

    test_error_array = None

    def test_error_array_as_its_own(self):
        self.check_error('no such day', 'fail_obj', 0, 'no such day')
        self.check_error('no such day', 'fail_obj', 1, 'no such day')

    def test_odd_error_array_of_others_is_unknown(self):
        self.check_error('unknown error', 'fail_obj', 7, 'no such day')

    def test_unknown_method(self):
        self.check_error('There is no method “no_such_method”', 'no_such_method')

    test_pipelining = None

    def test_odd_one_at_a_time(self):
        slow = self.client.start('slow', 0.1, 'slow')
        fast = [self.client.start('add', number, 1) for number in range(100)]
        self.assertEqual(self.client.outcome(fast[-1]).value, 100)
        self.assertEqual(self.client.order[-101:], [slow, *fast])

    test_blob = None
    test_large_bin = None

    def test_odd_blob_becomes_str(self):
        outcome = self.client.call('blob', peers.MEGABYTE)
        self.assertTrue(outcome.packed == f'db{peers.MEGABYTE:08x}' + ''.join(
            f'{number % 255 + 1:02x}' for number in range(peers.MEGABYTE)))

    def test_notifications_to_client(self):
        params = ['event', [1, 'two', [3]]]
        self.assertEqual(self.client.call('notify_back', 'nvim_set_var', params).kind, 'result')
        self.assertEqual(self.client.call('callback', 'nvim_get_var', ['event']).value, params[1])

    def test_odd_failed_notification_is_told(self):
        self.client.call('notify_back', 'no_such_method', [1])
        self.assertEqual(self.client.call('notified').value[-1],
                         ['nvim_error_event', [0, 'Invalid method: no_such_method']])

    def test_callback(self):
        self.assertEqual(self.client.call('callback', 'nvim_eval', ['1 + 2']).value, 3)

    def test_callback_error(self):
        self.check_error('Vim:E121: Undefined variable: nosuch', 'callback', 'nvim_eval', ['nosuch'])

    def test_callback_large(self):
        text = 'x' * peers.MEGABYTE
        outcome = self.client.call('callback', 'nvim_call_function', ['copy', [text]])
        self.assertTrue(outcome.value == text)

    def test_callback_nested(self):
        channel = self.client.call('callback', 'nvim_get_var', ['peer']).value
        method, params = 'nvim_eval', ['1 + 2']
        for _ in range(5):
            method, params = 'nvim_call_function', ['rpcrequest',
                                                    [channel, 'callback', method, params]]
        self.assertEqual(self.client.call('callback', method, params).value, 3)


@needs_nvim
class ClientOverTcp(Client, peers.Features):
    PREFIX = '/interop/neovim/client-tcp'

    def connect(self):
        return self.start_client('tcp', self.serve().removeprefix('tcp://'))


@needs_nvim
class ClientOverUnix(Client, peers.Features):
    PREFIX = '/interop/neovim/client-unix'

    def connect(self):
        address = self.serve(f'unix://{self.make_folder()}/socket')
        return self.start_client('pipe', address.removeprefix('unix://'))


@needs_nvim
class ClientOfJob(Client, peers.Features):
    PREFIX = '/interop/neovim/client-job'

    def connect(self):
        return self.start_client('job', peers.TOOL, 'serve', '--test', 'stdio:')


if __name__ == '__main__':
    peers.main()
