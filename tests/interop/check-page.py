# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that docs/interop.md says what the cases of the programs show: check-page.py PROGRAM…"""

import subprocess
import sys
import unittest

import page
import peers

PAGE = peers.SOURCES.parent / 'docs' / 'interop.md'
PROGRAMS = sys.argv[1:]


def list_cases(program):
    return subprocess.run([sys.executable, program, '--list'], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.splitlines()


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.names = [name for program in PROGRAMS for name in list_cases(program)]
        cls.before, cls.made, cls.after = page.split(PAGE.read_text())

    def test_page_and_cases_agree(self):
        self.assertEqual(self.made, page.make(self.names),
                         'Make the page anew: tests/interop/make-page testlog.json')

    def test_page_names_all_peers(self):
        """In what is written by hand."""
        for name in page.read_names(self.names):
            self.assertIn(f'| `{name}` |', self.after)


if __name__ == '__main__':
    sys.argv[1:] = []
    peers.main()
