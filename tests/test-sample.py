# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the sample in C, and it in pairs of a server and a client."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import tap

SAMPLE = pathlib.Path(os.environ['G_TEST_BUILDDIR'], '..', 'examples', 'sample')
DEADLINE = 20
# Of both, and of a client.
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


def run_sample(*arguments):
    return subprocess.run([SAMPLE, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE)


@unittest.skipUnless(SAMPLE.exists(), 'the examples were not built')
class Sample(unittest.TestCase):
    def assert_served(self, address, expected):
        """A client of a server that listens at the address prints what it should."""
        with subprocess.Popen([SAMPLE, '--server', address], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True) as server:
            bound = server.stdout.readline().rstrip()
            self.assertRegex(bound, expected)
            for _ in range(2):
                client = run_sample('--client', bound)
                self.assertEqual((client.stdout, client.stderr, client.returncode), (OUTPUT, '', 0))
            server.stdin.close()
            self.assertEqual(server.wait(DEADLINE), 0)

    def assert_fails(self, *arguments, status=1):
        sample = run_sample(*arguments)
        self.assertEqual(sample.returncode, status)
        self.assertNotEqual(sample.stderr, '')
        self.assertNotIn('done', sample.stdout)
        return sample

    def test_output(self):
        for _ in range(10):
            sample = run_sample()
            self.assertEqual((sample.stdout, sample.stderr, sample.returncode), (OUTPUT, '', 0))

    def test_tcp(self):
        self.assert_served('tcp://localhost:0', r'\Atcp://(127\.0\.0\.1|\[::1\]):[1-9]\d*\Z')

    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assert_served(f'unix://{folder}/socket', rf'\Aunix://{folder}/socket\Z')
            self.assertEqual(os.listdir(folder), [])

    def test_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            sample = self.assert_fails('--client', f'unix://{folder}/socket')
        self.assertEqual(sample.stdout.splitlines()[:2], ['connecting', 'disconnected'])

    def test_bad_addresses(self):
        for address in ('', 'nonsense', 'http://localhost:1', 'tcp://localhost:70000'):
            self.assert_fails('--client', address)
            self.assert_fails('--server', address)

    def test_usage(self):
        for arguments in (('--help',), ('--server',), ('--client', 'a', 'b')):
            self.assert_fails(*arguments, status=2)


if __name__ == '__main__':
    tap.main()
