# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""pynvim's session, which is all of it that is not about Neovim."""

import peers
from peers import PROGRAMS, PYTHON, needs_python

needs_pynvim = needs_python('pynvim', 'python3-pynvim')


# What its MessagePack, Python's, cannot read.
UNREADABLE = [
    '8201a36f6e65fea96d696e75732074776f', '81c001', '81c301', '81cb3fe000000000000001',
]
ODD = {
    'same-key-twice': {'82a16101a16102': 'result 81a16102'},
    'unreadable': dict.fromkeys(UNREADABLE),
}


class Client:
    """Its greeting has the method as bin."""

    GREETINGS = ['nvim_set_client_info']
    ODD = ODD | {
        'array-as-key': {'8192010203': """failed TypeError("unhashable type: 'list'")"""},
        'negative-ext-type': {'d4feaa': "failed ValueError('code must be 0~127')"},
    }

    def start_client(self, *args):
        return peers.Driver(self, PYTHON, PROGRAMS / 'pynvim-client.py', *args)


class SocketClient(Client):
    def test_odd_unreadable(self):
        """It closes the connection and ends. With pipes instead, it is deaf from then on, without
        a word."""
        for digits in UNREADABLE:
            client = self.connect()
            client.start_packed('echo', digits)
            with self.assertRaises(EOFError):
                client.wait_until(lambda: client.outcomes)
            self.assertEqual(client.process.wait(peers.DEADLINE), 0)


@needs_pynvim
class OverTcp(SocketClient, peers.Features):
    PREFIX = '/interop/pynvim/client-tcp'

    def connect(self):
        host, port = self.serve().removeprefix('tcp://').split(':')
        return self.start_client('tcp', host, port)


@needs_pynvim
class OverUnix(SocketClient, peers.Features):
    PREFIX = '/interop/pynvim/client-unix'

    def connect(self):
        address = self.serve(f'unix://{self.make_folder()}/socket')
        return self.start_client('socket', address.removeprefix('unix://'))


@needs_pynvim
class OverPipes(Client, peers.Features):
    PREFIX = '/interop/pynvim/client-stdio'

    def connect(self):
        return self.start_client('child', peers.TOOL, 'serve', '--test', 'stdio:')


@needs_pynvim
class Server(peers.Features):
    PREFIX = '/interop/pynvim/server-stdio'
    ODD = ODD | {
        'unreadable': dict.fromkeys([*UNREADABLE, '8192010203', 'd4feaa']),
    }

    def connect(self):
        return self.start_ours('--', PYTHON, PROGRAMS / 'pynvim-server.py')


if __name__ == '__main__':
    peers.main()
