# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import pathlib
import subprocess
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/plug-in'


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class PlugIn(unittest.TestCase):
    def run_with(self, requests):
        process = subprocess.run([PROGRAM], input=requests, check=True, timeout=20,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return process.stdout, process.stderr

    def test_what_is_printed_is_no_message(self):
        answers, printed = self.run_with(b'\x94\x00\x07\xa5greet\x91\xa2me')
        self.assertEqual(answers, b'\x94\x01\x07\xc0\xa5hello')
        self.assertEqual(printed, b'greeting me\n')

    def test_all_is_answered(self):
        n = 100
        answers, printed = self.run_with(b'\x94\x00\x07\xa5greet\x91\xa2me' * n)
        self.assertEqual(answers, b'\x94\x01\x07\xc0\xa5hello' * n)
        self.assertEqual(printed, b'greeting me\n' * n)


if __name__ == '__main__':
    tap.main()
