# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs what docs/python.md shows."""

import contextlib
import importlib.util
import io
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import doc_blocks
import tap

PAGE = 'python.md'
DEADLINE = 20
# The address that programs of the page have, instead of which a free one is taken.
ADDRESS = 'tcp://localhost:18800'
# What a piece needs that may not be there.
NEEDS = ('gbulb', 'gi.events')


def is_installed(name):
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.blocks = doc_blocks.blocks_of(PAGE, 'python')

    def test_pieces(self):
        """All that are no programs, one after the other, in one program."""
        namespace = {'__name__': PAGE}
        n_run = 0
        for block in self.blocks:
            if block.file_name:
                continue
            code = compile(block.padded, PAGE, 'exec')
            if any(f'{name} import' in block.text or f'import {name}\n' in block.text
                   for name in NEEDS if not is_installed(name)):
                continue
            output = io.StringIO()
            with self.subTest(line=block.line), contextlib.redirect_stdout(output):
                exec(code, namespace)
            self.assertEqual(output.getvalue().splitlines(), block.output, f'line {block.line}')
            n_run += 1
        self.assertGreater(n_run, 10)

    def write_programs(self, folder):
        with socket.socket() as taken:
            taken.bind(('localhost', 0))
            address = f'tcp://localhost:{taken.getsockname()[1]}'
        programs = {}
        for block in self.blocks:
            if block.file_name:
                path = pathlib.Path(folder, block.file_name)
                path.write_text(block.text.replace(ADDRESS, address))
                programs[path] = block
        return programs, address

    def start_server(self, path, address):
        server = subprocess.Popen([sys.executable, path])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        host, _, port = address.rpartition('/')[2].partition(':')
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection((host, port), DEADLINE).close()
                return server
            except ConnectionRefusedError:
                self.assertIsNone(server.poll())
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def test_programs(self):
        """The server, and the others for as long as it runs."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        programs, address = self.write_programs(folder)
        server_path, *others = programs
        self.assertEqual(server_path.name, 'server.py')
        server = self.start_server(server_path, address)
        self.assertGreater(len(others), 1)
        for path in others:
            with self.subTest(program=path.name):
                done = subprocess.run([sys.executable, path], env=os.environ, check=True, text=True,
                                      stdout=subprocess.PIPE, timeout=DEADLINE)
                self.assertEqual(done.stdout.splitlines(), programs[path].output)
        server.terminate()
        self.assertEqual(server.wait(DEADLINE), 0)


if __name__ == '__main__':
    tap.main()
