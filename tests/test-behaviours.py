# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Behaviours that whole programs have, such as the examples: rows of docs/behaviours.md. Needs no
PyGObject itself, so that any Python can list its cases."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import tap

EXAMPLES = pathlib.Path(os.environ['G_TEST_SRCDIR'], '..', 'examples')
BUILT_EXAMPLES = pathlib.Path(os.environ['G_TEST_BUILDDIR'], '..', 'examples')
DEADLINE = 20
SAMPLE_OUTPUT = """\
connecting
connected
error: add() takes 2 arguments (1 given)
3
error: add() takes 2 arguments (3 given)
closing
disconnected
done
"""


def commands(name):
    """An example, in each of its languages that can be run here."""
    candidates = ([BUILT_EXAMPLES / name], [sys.executable, EXAMPLES / f'{name}.py'],
                  ['gjs', '-m', EXAMPLES / f'{name}.js'])
    return [command for command in candidates
            if shutil.which(command[0]) and command[-1].exists()]


def run(command, *arguments):
    return subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE)


@unittest.skipUnless((BUILT_EXAMPLES / 'sample').exists(), 'the examples were not built')
class Examples(unittest.TestCase):
    def assert_prints(self, command, expected):
        program = run(command)
        self.assertEqual((program.stdout, program.stderr, program.returncode), (expected, '', 0))

    @tap.named('/behaviours/A0.12')
    def test_sample(self):
        """The sample starts a server and a client in one process."""
        for command in commands('sample'):
            self.assert_prints(command, SAMPLE_OUTPUT)


if __name__ == '__main__':
    tap.main()
