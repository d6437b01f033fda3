# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs what became of the sample: a server alone, a client alone, each with one of any language, and
the demo that is both in a few lines."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import tap

EXAMPLES = pathlib.Path(os.environ['G_TEST_SRCDIR'], '..', 'examples')
BUILT_EXAMPLES = pathlib.Path(os.environ['G_TEST_BUILDDIR'], '..', 'examples')
DEADLINE = 20


def commands(name):
    candidates = ([BUILT_EXAMPLES / name], [sys.executable, EXAMPLES / f'{name}.py'],
                  ['gjs', '-m', EXAMPLES / f'{name}.js'])
    return [command for command in candidates
            if shutil.which(command[0]) and command[-1].exists()]


def run(command, *arguments):
    program = subprocess.run([*command, *arguments], capture_output=True, text=True,
                             timeout=DEADLINE)
    return program.stdout, program.stderr, program.returncode


class Parts(unittest.TestCase):
    def assert_serves(self, command, address, how_to_end):
        with subprocess.Popen([*command, address], stdout=subprocess.PIPE, text=True) as server:
            self.addCleanup(server.kill)
            bound = server.stdout.readline().rstrip()
            clients = commands('sample-client')
            for client in clients:
                self.assertEqual(run(client, bound, '1', '2'), ('3\n', '', 0))
                self.assertEqual(run(client, bound, '1'),
                                 ('', 'add() takes 2 arguments (1 given)\n', 1))
            server.send_signal(how_to_end)
            output = server.stdout.read().splitlines()
            self.assertEqual(server.wait(DEADLINE), 0)
        self.assertEqual(len(output), 4 * len(clients))
        self.assertRegex(output[0], r'\Aclient \d+ has come\Z')
        self.assertEqual(sum(line.endswith(' has gone') for line in output), len(output) // 2)

    def test_tcp(self):
        for command in commands('sample-server'):
            with self.subTest(command=command):
                self.assert_serves(command, 'tcp://localhost:0', signal.SIGINT)

    def test_unix_socket(self):
        for command in commands('sample-server'):
            with self.subTest(command=command), tempfile.TemporaryDirectory() as folder:
                self.assert_serves(command, f'unix://{folder}/socket', signal.SIGTERM)
                self.assertEqual(os.listdir(folder), [])

    def test_failures(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, *arguments in (('sample-server', 'nonsense'),
                                     ('sample-client', f'unix://{folder}/none', '1', '2')):
                for command in commands(name):
                    with self.subTest(command=command):
                        output, errors, status = run(command, *arguments)
                        self.assertEqual((output, status), ('', 1))
                        self.assertEqual(errors.count('\n'), 1, errors)

    def test_usage(self):
        for command in commands('sample-client'):
            with self.subTest(command=command):
                output, errors, status = run(command)
                self.assertEqual((output, status), ('', 2))
                self.assertIn('Usage: ', errors)

    def test_demo(self):
        for command in commands('demo'):
            with self.subTest(command=command):
                for _ in range(5):
                    self.assertEqual(run(command), ('1 + 2 = 3\n', '', 0))


if __name__ == '__main__':
    tap.main()
