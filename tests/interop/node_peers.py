# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What the tests with npm packages share."""

import os

import msgpack

import peers

# Up to here no two integers are the same float.
MAX_SAFE = 2**53 - 1


def packed(value):
    return msgpack.packb(value).hex()


def changes(values, change):
    return {packed(value): f'result {packed(change(value))}' for value in values}


def make_odd(min_int=-MAX_SAFE, max_int=MAX_SAFE):
    """What JavaScript does to values: all numbers are floats, and keys of objects are text. A package
    writes numbers as integers from MIN_INT to MAX_INT."""
    ints = [peers.read_value(digits) for feature in ('int', 'uint64')
            for digits in peers.VALUES[feature]]
    floats = [peers.read_value(digits) for digits in peers.VALUES['integral-float']]
    return {
        'large-int-becomes-float':
            changes([each for each in ints if not min_int <= each <= max_int], float),
        'integral-float-becomes-int':
            changes([each for each in (*floats, -0.0) if abs(each) <= max_int], int),
        'bad-utf8-is-replaced': {'a3ff61fe': 'result a7efbfbd61efbfbd'},
        'keys-become-text': {
            '8201a36f6e65fea96d696e75732074776f':
                f'result {packed({"1": "one", "-2": "minus two"})}',
            '81c001': f'result {packed({"null": 1})}',
            '81c301': f'result {packed({"true": 1})}',
            '81cb3fe000000000000001': f'result {packed({"0.5": 1})}',
            '81c4010101': 'result 81a10101',
            '8192010203': f'result {packed({"1,2": 3})}',
        },
        'same-key-twice': {'82a16101a16102': 'result 81a16102'},
    }


def start(case, kind, program, *args):
    """Starts a program of peers/, as a peers.Process or peers.Driver."""
    return kind(case, 'node', peers.PROGRAMS / program, *args,
                env=os.environ | {'NODE_PATH': str(peers.npm.NODE_MODULES),
                                     # Else the package neovim copies each result for its log.
                                     'NVIM_NODE_LOG_LEVEL': 'error'})


class Client(peers.Features):
    PROGRAM = None
    # Of “msgpackrpc serve”.
    OPTIONS = ()

    def connect(self):
        return start(self, peers.Driver, self.PROGRAM,
                     self.serve('tcp://127.0.0.1:0', *self.OPTIONS))


class Server(peers.Features):
    PROGRAM = None

    def connect(self):
        return self.start_ours(start(self, peers.Process, self.PROGRAM, 'server').first_line())

    def check_ends_server(self, values):
        for digits in values:
            self.assertEqual(self.connect().call_packed('echo', digits).kind, 'failed', digits)
