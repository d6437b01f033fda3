# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""lua-nvim's session."""

import os
import struct

import peers
from peers import PROGRAMS, VALUES, needs, read_value, results, results_as_str

needs_lua_nvim = needs('lua-nvim', os.path.exists('/usr/share/lua/5.1/nvim/session.lua'))

COMMAND = ['lua5.1', PROGRAMS / 'lua-nvim.lua']



# What comes of it that in Lua numbers are floats, strings are bytes, and tables are arrays and maps.
ODD = {
    'bin-becomes-str': results_as_str(VALUES['bin']) | {'81c4010101': 'result 81a10101'},
    'empty-map-becomes-array': {'80': 'result 90'},
    'ext-becomes-str': results_as_str(VALUES['ext'] + VALUES['timestamp']),
    'integral-float-becomes-int':
        results({value: int(value) for value in (0.0, 1.0, -1.0, 1e15, 2.0**53)}),
    'keys-in-any-order': {VALUES['map'][-1]: None},
    'large-int-becomes-float': results({2**53 + 1: 2**53, 2**63 - 1: 2**63}),
    # It writes -129 as 127.
    'negative-int-becomes-another': results({-129: 127, -32769: 32767, -2**32 - 1: -1}),
    'negative-zero-becomes-int': {'cb8000000000000000': 'result 00'},
    'same-key-twice': {'82a16101a16102': 'result 81a16102'},
}
class Common(peers.BytesAreStr):
    ODD = ODD

    def test_odd_keys_in_any_order(self):
        digits = VALUES['map'][-1]
        outcome = self.client.call_packed('echo', digits)
        self.assertEqual(outcome.value, read_value(digits))


class Client(Common):
    # What comes back is written by Lua, which shows how it writes floats.
    ODD = ODD | {
        'floats-in-32-bits': {
            f'cb{struct.pack(">d", value).hex()}': f'result ca{struct.pack(">f", value).hex()}'
            for value in (0.5, -0.5, float('inf'), float('-inf'))
        } | {
            '9301a374776f92cb400c00000000000091c0': 'result 9301a374776f92ca4060000091c0',
            '81cb3fe000000000000001': 'result 81ca3f00000001',
            'cfffffffffffffffff': 'result ca5f800000',
        },
    }


@needs_lua_nvim
class OverTcp(Client, peers.Features):
    PREFIX = '/interop/lua-nvim/client-tcp'

    def connect(self):
        host, port = self.serve().removeprefix('tcp://').split(':')
        return peers.Driver(self, *COMMAND, 'tcp', host, port)


@needs_lua_nvim
class OverUnix(Client, peers.Features):
    PREFIX = '/interop/lua-nvim/client-unix'

    def connect(self):
        address = self.serve(f'unix://{self.make_folder()}/socket')
        return peers.Driver(self, *COMMAND, 'socket', address.removeprefix('unix://'))


@needs_lua_nvim
class Server(Common, peers.Features):
    PREFIX = '/interop/lua-nvim/server-stdio'
    ODD = ODD | {'large-uint64-becomes-float': results({2**64 - 1: 2.0**64})}

    def connect(self):
        return self.start_ours('--', *COMMAND)


if __name__ == '__main__':
    peers.main()
