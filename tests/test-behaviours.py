# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Behaviours that whole programs have, such as the examples: rows of docs/behaviours.md. Needs no
PyGObject itself, so that any Python can list its cases."""

import os
import pathlib
import shutil
import signal
import socket
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

    @tap.named('/behaviours/A0.11')
    def test_uninstalled(self):
        """The build is found by pkg-config, and in its environment samples run uninstalled."""
        build = BUILT_EXAMPLES.parent.resolve()
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('GI_TYPELIB_PATH', 'LD_LIBRARY_PATH')}
        sample = subprocess.run(
            ['meson', 'devenv', '-C', build, sys.executable, (EXAMPLES / 'sample.py').resolve()],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=DEADLINE,
            env=environment)
        self.assertEqual(sample.returncode, 0, sample.stderr)
        self.assertTrue(sample.stdout.endswith(SAMPLE_OUTPUT), sample.stdout)

        environment['PKG_CONFIG_PATH'] = str(build / 'meson-uninstalled')
        flags = subprocess.run(['pkg-config', '--cflags', 'msgpackrpc-glib-1.0'], check=True,
                               capture_output=True, text=True, timeout=DEADLINE, env=environment)
        self.assertIn(str(build), flags.stdout)

    @tap.named('/behaviours/A0.12')
    def test_sample(self):
        """The sample starts a server and a client in one process."""
        for command in commands('sample'):
            self.assert_prints(command, SAMPLE_OUTPUT)

    def echo(self, *arguments):
        """Has the echo server send something back; returns what it printed, and to whom."""
        with subprocess.Popen([BUILT_EXAMPLES / 'echo-server', '--port=0', *arguments],
                              stdout=subprocess.PIPE, text=True) as process:
            self.addCleanup(process.kill)
            port = int(process.stdout.readline().rpartition(':')[2])
            with socket.create_connection(('127.0.0.1', port), DEADLINE) as client:
                name = '{}:{}'.format(*client.getsockname())
                client.sendall(b'hello')
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.makefile('rb').read(), b'hello')
            process.send_signal(signal.SIGTERM)
            return process.stdout.read(), name

    @tap.named('/behaviours/A3.18')
    def test_echo_steps(self):
        """The echo server prints each step with the peer's address."""
        output, name = self.echo()
        self.assertEqual(output, ''.join(f'{name}: {step}\n' for step in ('here', '5 bytes', 'gone')) +
                         '1 clients, 5 bytes, 0 left\n')

    @tap.named('/behaviours/A3.21')
    def test_echo(self):
        """An echo server is there as a demonstration."""
        self.assertEqual(self.echo('--quiet')[0], '1 clients, 5 bytes, 0 left\n')


if __name__ == '__main__':
    tap.main()
