# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that the tables of behaviours and of dialects, and the test programs, name the same cases:
check-cases.py SOURCE-ROOT PROGRAM…"""

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
BEHAVIOUR = re.compile(r'^\| (A\d)\.(\d+) \| (.+) \| (.+) \| (?:`(test-[\w-]+)\.(?:c|py)`|–) \|$')
BEHAVIOUR_CASE = re.compile(r'^/behaviours/(A\d\.\d+)$', re.MULTILINE)
# The rules about dialects, each of which has a row.
N_RULES = 56
DIALECT = re.compile(r'^\| (\d+) \| (.+) \| (.+) \| ((?:`[\w-]+`(?:, )?)+) \|$')
DIALECT_CASE = re.compile(r'^/dialects/(\d+)/([\w-]+)$', re.MULTILINE)


def read_rows(page, begin, row):
    text = (ROOT / 'docs' / page).read_text()
    lines = [line for line in text.splitlines() if re.match(begin, line)]
    matches = [row.match(line) for line in lines]
    for line, match in zip(lines, matches):
        assert match is not None, line
    return matches


def list_cases(program, case):
    if program.suffix == '.py':
        command = [sys.executable, program, '--list']
    else:
        command = [program, '-l']
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return case.findall(listed)


class Behaviours(unittest.TestCase):
    def setUp(self):
        """Source, number and program; that is None in a row which says why there is none."""
        self.rows = [(match[1], int(match[2]), match[5])
                     for match in read_rows('behaviours.md', r'\| A', BEHAVIOUR)]

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
        in_programs = [(row, program.stem) for program in PROGRAMS
                       for row in list_cases(program, BEHAVIOUR_CASE)]
        self.assertEqual(sorted(in_table), sorted(in_programs))


class Dialects(unittest.TestCase):
    def setUp(self):
        """Number, and the names of the cases."""
        self.rows = [(int(match[1]), re.findall(r'[\w-]+', match[4]))
                     for match in read_rows('dialects.md', r'\| \d', DIALECT)]

    def test_each_rule_has_its_row(self):
        self.assertEqual([number for number, _ in self.rows], list(range(1, N_RULES + 1)))

    def test_each_row_has_its_cases(self):
        in_table = [(number, name) for number, names in self.rows for name in names]
        in_programs = [(int(number), name) for program in PROGRAMS
                       for number, name in list_cases(program, DIALECT_CASE)]
        self.assertEqual(sorted(in_table), sorted(in_programs))


if __name__ == '__main__':
    tap.main()
