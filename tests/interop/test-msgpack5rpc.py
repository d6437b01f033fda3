# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The npm package msgpack5rpc, at either end."""

import msgpack

import node_peers
import peers
from peers import needs_npm

# It reads an array that has not come in whole again and again.
N_ELEMENTS = 10_000
EXTENSIONS = peers.VALUES['ext'] + peers.VALUES['timestamp']


class Arrays:
    def test_large_array(self):
        digits = msgpack.packb([[number, 'text'] for number in range(N_ELEMENTS)]).hex()
        self.assertTrue(self.client.call_packed('echo', digits).packed == digits)


@needs_npm('msgpack5rpc')
class Client(Arrays, node_peers.Client):
    PREFIX = '/interop/msgpack5rpc/client'
    PROGRAM = 'msgpack5rpc.js'
    ODD = node_peers.make_odd() | {
        'ext-unreadable': dict.fromkeys(EXTENSIONS, 'failed unreadable'),
        # The nearest with 32 bits, if it is not farther away than 0.1.
        'floats-lose-bits': {
            'cb3fe0000000000000': 'result ca3f000000', 'cbbfe0000000000000': 'result cabf000000',
            'cb3fb999999999999a': 'result ca3dcccccd', 'cb0000000000000001': 'result 00',
            'cb7ff8000000000000': 'result ca7fc00000',
            '9301a374776f92cb400c00000000000091c0': 'result 9301a374776f92ca4060000091c0',
        },
        'int-is-wide': {'d280000000': 'result d3ffffffff80000000'},
    }

    def test_odd_ext_ends_client(self):
        """Where it comes in an answer."""
        client = node_peers.start(
            self, peers.Driver, self.PROGRAM,
            self.serve('tcp://127.0.0.1:0', """--method=bad=echo '{"$ext":[5,"AQID"]}'"""))
        with self.assertRaises(EOFError):
            client.call('bad')


@needs_npm('msgpack5rpc')
class Server(Arrays, node_peers.Server):
    PREFIX = '/interop/msgpack5rpc/server'
    PROGRAM = 'msgpack5rpc.js'
    ODD = node_peers.make_odd() | {
        'floats-lose-bits': {'cb3fb999999999999a': 'result cb3fb99999a0000000',
                             'cb0000000000000001': 'result cb0000000000000000'},
        'ext-ends-server': dict.fromkeys(EXTENSIONS),
    }

    def test_odd_ext_ends_server(self):
        self.check_ends_server(EXTENSIONS)


if __name__ == '__main__':
    peers.main()
