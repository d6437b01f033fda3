# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs what docs/javascript.md shows: test-javascript-page.py GJS"""

import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import doc_blocks
import tap

PAGE = 'javascript.md'
GJS = sys.argv.pop(1)
DEADLINE = 20
# The address that programs of the page have, instead of which a free one is taken.
ADDRESS = 'tcp://localhost:18800'


def free_address():
    with socket.socket() as taken:
        taken.bind(('localhost', 0))
        return f'tcp://localhost:{taken.getsockname()[1]}'


class Page(unittest.TestCase):
    def setUp(self):
        self.blocks = doc_blocks.blocks_of(PAGE, 'js')
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_program(self, path):
        done = subprocess.run([GJS, '-m', path], check=True, text=True, stdout=subprocess.PIPE,
                              timeout=DEADLINE)
        return done.stdout.splitlines()

    def test_pieces(self):
        """All that are no programs, one after the other, in one program."""
        pieces = [block for block in self.blocks if not block.file_name]
        self.assertGreater(len(pieces), 9)
        path = self.folder / 'pieces.js'
        path.write_text('\n'.join(f"print('line {piece.line}');\n{piece.text}" for piece in pieces))
        expected = [line for piece in pieces for line in (f'line {piece.line}', *piece.output)]
        self.assertEqual(self.run_program(path), expected)

    def write_program(self, name, address):
        [block] = [block for block in self.blocks if block.file_name == name]
        path = self.folder / name
        path.write_text(block.text.replace(ADDRESS, address))
        return path, block.output

    def wait_for_server(self, server, address):
        host, _, port = address.rpartition('/')[2].partition(':')
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection((host, port), DEADLINE).close()
                return
            except ConnectionRefusedError:
                self.assertIsNone(server.poll())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def test_programs(self):
        address = free_address()
        server_path, _ = self.write_program('server.js', address)
        client_path, output = self.write_program('client.js', address)
        server = subprocess.Popen([GJS, '-m', server_path])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.wait_for_server(server, address)
        self.assertEqual(self.run_program(client_path), output)
        self.assertEqual(output, ['3'])
        server.terminate()
        self.assertEqual(server.wait(DEADLINE), 0)


if __name__ == '__main__':
    tap.main()
