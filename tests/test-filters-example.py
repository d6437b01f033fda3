# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import pathlib
import subprocess
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/filters'


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class FiltersExample(unittest.TestCase):
    def test_output(self):
        process = subprocess.run([PROGRAM], check=True, text=True, timeout=20,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stderr, '')
        lines = process.stdout.splitlines()
        self.assertEqual(lines.count('rpc.ping: a result'), 4)
        self.assertEqual(lines.count('shutdown: an error'), 1)
        self.assertEqual([line for line in lines if line.startswith('failed')],
                         ['failed: access denied'])
        # How often a call came too early depends on the machine; each of these was tried again.
        n_busy = lines.count('rpc.ping: an error')
        self.assertRegex(lines[-1], rf'^4 results and {n_busy + 1} errors in [0-9]+ us$')


if __name__ == '__main__':
    tap.main()
