# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the samples in Python, JavaScript and Vala, and pairs of a server and a client in any two of the
four languages."""

import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import tap

EXAMPLES = pathlib.Path(os.environ['G_TEST_SRCDIR'], '..', 'examples')
BUILT_EXAMPLES = pathlib.Path(os.environ['G_TEST_BUILDDIR'], '..', 'examples')
PROGRAMS = {
    'C': [BUILT_EXAMPLES / 'sample'],
    'Python': [sys.executable, EXAMPLES / 'sample.py'],
    'JavaScript': ['gjs', '-m', EXAMPLES / 'sample.js'],
    'Vala': [BUILT_EXAMPLES / 'sample-vala'],
}
# Whoever has no GJS, or builds no examples, still tests the others.
LANGUAGES = {name: command for name, command in PROGRAMS.items() if shutil.which(command[0])}
DEADLINE = 20
OUTPUT = """\
connecting
connected
error: add() takes 2 arguments (1 given)
3
error: add() takes 2 arguments (3 given)
closing
disconnected
done
"""


class Sample(unittest.TestCase):
    def assert_prints_all(self, command):
        sample = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=DEADLINE)
        self.assertEqual((sample.stdout, sample.stderr, sample.returncode), (OUTPUT, '', 0))

    def assert_fails(self, command):
        sample = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                timeout=DEADLINE)
        self.assertEqual(sample.returncode, 1)
        self.assertNotEqual(sample.stderr, '')
        self.assertNotIn('Traceback', sample.stderr)
        self.assertNotIn('done', sample.stdout)

    def assert_serves_all(self, language):
        with subprocess.Popen([*LANGUAGES[language], '--server', 'tcp://localhost:0'],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            self.addCleanup(server.kill)
            address = server.stdout.readline().rstrip()
            self.assertRegex(address, r'\Atcp://.*:[1-9]\d*\Z')
            for client, command in LANGUAGES.items():
                with self.subTest(client=client):
                    self.assert_prints_all([*command, '--client', address])
            server.stdin.close()
            self.assertEqual(server.wait(DEADLINE), 0)

    def test_every_language_is_there(self):
        missing = PROGRAMS.keys() - LANGUAGES.keys()
        if missing:
            self.skipTest(f'no sample in {", ".join(sorted(missing))}')

    def test_output(self):
        for language, command in LANGUAGES.items():
            with self.subTest(language=language):
                self.assert_prints_all(command)

    def test_failures(self):
        for language, command in LANGUAGES.items():
            with self.subTest(language=language):
                self.assert_fails([*command, '--server', 'nonsense'])
                self.assert_fails([*command, '--client', 'nonsense'])

    def test_servers(self):
        for language in LANGUAGES:
            with self.subTest(server=language):
                self.assert_serves_all(language)


if __name__ == '__main__':
    tap.main()
