# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the program with a window that docs/gtk.md begins with, beside the server of docs/python.md."""

import os
import pathlib
import subprocess
import sys
import tempfile

import rig

SOURCES = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent
sys.path.append(os.environ['G_TEST_SRCDIR'])
import doc_blocks

OVERRIDES = {'PYTHONPATH': str(SOURCES / 'msgpackrpc-glib/overrides')}
# What the programs have, instead of which a socket of the test's own is taken.
ADDRESS = 'tcp://localhost:18800'


class Page(rig.Case):
    def write(self, folder, page, name):
        block, = (block for block in doc_blocks.blocks_of(page, 'python') if block.file_name == name)
        path = pathlib.Path(folder, name)
        path.write_text(block.text.replace(ADDRESS, f'unix://{folder}/socket'))
        return path

    def test_window(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        server = subprocess.Popen([sys.executable, self.write(folder.name, 'python.md', 'server.py')],
                                  env=os.environ | OVERRIDES)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assert_eventually(pathlib.Path(folder.name, 'socket').exists, 'the socket of the server')

        window = self.start(sys.executable, self.write(folder.name, 'gtk.md', 'window.py'),
                            env=OVERRIDES)
        self.assertEqual(window.title(), 'Sum')
        window.find('push button', 'What is 1 + 2?').act()
        window.find('push button', '3')


if __name__ == '__main__':
    rig.tap.main()
