# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import pathlib
import subprocess
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/progress'


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class Progress(unittest.TestCase):
    def test_prints_stops_and_lacks_paper(self):
        program = subprocess.run([PROGRAM], text=True, capture_output=True, timeout=60)
        self.assertEqual((program.returncode, program.stderr), (0, ''))
        lines = program.stdout.splitlines()
        # The printer has a thread of its own, and may stop before or after that is told.
        lines.remove('the printer stops')
        printed = lines.index('printed')
        self.assertEqual(lines[printed - 1], '100 % (page 5)')
        cancelled = lines.index('not printed: The operation was cancelled')
        self.assertLess(lines[cancelled - 1], '100 %')
        self.assertIn('put in more paper: There are 100 sheets of paper', lines[cancelled:])


if __name__ == '__main__':
    tap.main()
