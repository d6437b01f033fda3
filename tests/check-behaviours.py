# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that the table of behaviours and the test programs name the same cases:
check-behaviours.py SOURCE-ROOT PROGRAM…"""

import pathlib
import re
import subprocess
import sys
import unittest

import tap

ROOT = pathlib.Path(sys.argv[1])
PROGRAMS = [pathlib.Path(argument) for argument in sys.argv[2:]]
# The sources, and how many behaviours each describes. Those that are complete have a row for each.
N_ROWS = {'A0': 63, 'A2': 19, 'A3': 22, 'A4': 50}
COMPLETE = ['A0', 'A2', 'A3', 'A4']
ROW = re.compile(r'^\| (A\d)\.(\d+) \| (.+) \| (.+) \| (?:`(test-[\w-]+)\.(?:c|py)`|–) \|$')
CASE = re.compile(r'^/behaviours/(A\d\.\d+)$', re.MULTILINE)


def read_rows():
    """Source, number and program; that is None in a row which says why there is none."""
    text = (ROOT / 'docs' / 'behaviours.md').read_text()
    lines = [line for line in text.splitlines() if line.startswith('| A')]
    matches = [ROW.match(line) for line in lines]
    for line, match in zip(lines, matches):
        assert match is not None, line
    return [(match[1], int(match[2]), match[5]) for match in matches]


def list_cases(program):
    if program.suffix == '.py':
        command = [sys.executable, program, '--list']
    else:
        command = [program, '-l']
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [(row, program.stem) for row in CASE.findall(listed)]


class Behaviours(unittest.TestCase):
    def setUp(self):
        self.rows = read_rows()

    def test_rows_are_in_order(self):
        places = [row[:2] for row in self.rows]
        self.assertEqual(places, sorted(set(places)))
        for source, number in places:
            self.assertLessEqual(number, N_ROWS[source], source)

    def test_complete_sources_have_all_rows(self):
        for complete in COMPLETE:
            numbers = [number for source, number, _ in self.rows if source == complete]
            self.assertEqual(numbers, list(range(1, N_ROWS[complete] + 1)), complete)

    def test_each_row_has_its_case(self):
        in_table = [(f'{source}.{number}', program)
                    for source, number, program in self.rows if program is not None]
        in_programs = [case for program in PROGRAMS for case in list_cases(program)]
        self.assertEqual(sorted(in_table), sorted(in_programs))


if __name__ == '__main__':
    tap.main()
