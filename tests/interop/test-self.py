# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the cases that all peers share with the library at both ends."""

import peers


class OverTcp(peers.Features):
    PREFIX = '/interop/self/tcp'

    def connect(self):
        return self.start_ours(self.serve())


class OverUnix(peers.Features):
    PREFIX = '/interop/self/unix'

    def connect(self):
        return self.start_ours(self.serve(f'unix://{self.make_folder()}/socket'))


class OverStdio(peers.Features):
    PREFIX = '/interop/self/stdio'

    def connect(self):
        return self.start_ours('--', peers.TOOL, 'serve', '--test', 'stdio:')


if __name__ == '__main__':
    peers.main()
