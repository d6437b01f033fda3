# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import pathlib
import subprocess
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/methods'


def run(*messages):
    process = subprocess.run([PROGRAM, *messages], text=True, timeout=60, check=True,
                             stdout=subprocess.PIPE)
    return process.stdout.splitlines()


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class Methods(unittest.TestCase):
    def test_greet(self):
        self.assertEqual(run("(0, 1, 'greet', ('World',))", "(0, 2, 'greet', ('World', 'Bye'))",
                             "(0, 3, 'greet', {'greeting': 'Hi', 'name': 'you'})"),
                         ["[<int64 1>, <int64 1>, <@mv nothing>, <'Hello, World!'>]",
                          "[<int64 1>, <int64 2>, <@mv nothing>, <'Bye, World!'>]",
                          "[<int64 1>, <int64 3>, <@mv nothing>, <'Hi, you!'>]"])

    def test_errors(self):
        self.assertEqual(run("(0, 1, 'greet', @a{sv} {})", "(0, 2, 'gret', ())"),
                         ["[<int64 1>, <int64 1>, <'greet() lacks the argument “name”'>, "
                          "<@mv nothing>]",
                          "[<int64 1>, <int64 2>, <'There is no method “gret”; the nearest is "
                          "“greet”'>, <@mv nothing>]"])

    def test_log(self):
        self.assertEqual(run("(2, 'log.mail', ('sent',))"), ['log.mail: sent', 'no reply'])

    def test_discover(self):
        line, = run("(0, 1, 'rpc.discover', ())")
        self.assertIn("'doc': <'Greets somebody'>", line)
        self.assertIn("'name': <'log.'>", line)


if __name__ == '__main__':
    tap.main()
