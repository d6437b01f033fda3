# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import pathlib
import subprocess
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/topics'


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class TopicsExample(unittest.TestCase):
    def test_output(self):
        process = subprocess.run([PROGRAM], check=True, text=True, timeout=20,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stdout, "prices: [<'GNU'>, <43.0>]\n")
        self.assertEqual(process.stderr, '')


if __name__ == '__main__':
    tap.main()
