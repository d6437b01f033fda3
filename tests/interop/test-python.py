# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The library's client in Python, with a server of ours and with Neovim."""

import peers
from neovim import NVIM, Server, ToNeovim, environment, needs_nvim, start_editor
from peers import needs_python

COMMAND = [peers.PYTHON, peers.SOURCES / 'interop' / 'driver.py']

needs_gi = needs_python('gi', 'python3-gi')


@needs_gi
class Ours(peers.Features):
    PREFIX = '/interop/self/python'

    def connect(self):
        return peers.Driver(self, *COMMAND, self.serve())


@needs_gi
@needs_nvim
class NeovimOverTcp(Server, peers.Features):
    PREFIX = '/interop/neovim/server-tcp-python'

    def connect(self):
        return ToNeovim(self, *COMMAND, start_editor(self, '127.0.0.1:0'))


@needs_gi
@needs_nvim
class NeovimEmbedded(Server, peers.Features):
    PREFIX = '/interop/neovim/server-embed-python'

    def connect(self):
        return ToNeovim(self, *COMMAND, '--', *NVIM, '--embed', env=environment(self))


if __name__ == '__main__':
    peers.main()
