#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Sums up what Meson logged about a run of the tests.

Usage: summarize.py TESTLOG.JSON [ALLOWED-SKIPS]

Counts the cases of each program that reports them in the TAP format, and each other program as
one case. With ALLOWED-SKIPS, a skipped case that the file does not name is a failure.
"""

import json
import pathlib
import re
import sys

TAP_CASE = re.compile(r'(ok|not ok)\b *\d* *-? *(.*?) *(?:# *(SKIP|TODO)\b *(.*))?', re.IGNORECASE)
TAP_SKIP_ALL = re.compile(r'1\.\.0 *# *SKIP\b *(.*)', re.IGNORECASE)
GOOD_RESULTS = ('OK', 'EXPECTEDFAIL', 'SKIP')


class Summary:
    def __init__(self):
        self.programs = 0
        self.passed = 0
        self.failed = []
        self.skipped = []

    def add_case(self, name, status, directive, reason):
        if directive:
            self.skipped.append((name, reason or 'no reason given'))
        elif status == 'ok':
            self.passed += 1
        else:
            self.failed.append((name, 'failed'))

    def add_program(self, test):
        name = test['name'].rpartition(' / ')[2]
        lines = [line.rstrip() for line in test.get('stdout', '').splitlines()]
        cases = [match.groups() for match in map(TAP_CASE.fullmatch, lines) if match]
        skip_all = next(filter(None, map(TAP_SKIP_ALL.fullmatch, lines)), None)
        failed_before = len(self.failed)

        self.programs += 1
        for status, case, directive, reason in cases:
            self.add_case(f'{name} {case}', status.lower(), directive, reason)

        if test['result'] not in GOOD_RESULTS:
            if len(self.failed) == failed_before:
                self.failed.append((name, test['result'].lower()))
        elif not cases:
            skipped = test['result'] == 'SKIP'
            self.add_case(name, 'ok', skipped, skip_all.group(1) if skip_all else '')

    def refuse_skips(self, allowed):
        refused = [skip for skip in self.skipped if skip[0] not in allowed]
        self.skipped = [skip for skip in self.skipped if skip[0] in allowed]
        self.failed += [(name, f'skipped, which is not allowed here: {reason}')
                        for name, reason in refused]

    def print(self):
        for title, cases in (('Skipped', self.skipped), ('Failed', self.failed)):
            if cases:
                print(f'{title}:')
            for name, reason in cases:
                print(f'  {name}: {reason}')
        cases = self.passed + len(self.failed) + len(self.skipped)
        print(f'Counted {cases} cases of {self.programs} test programs')
        print(f'{self.passed} passed, {len(self.failed)} failed, {len(self.skipped)} skipped')


def main(log, allowed=None):
    summary = Summary()
    for line in pathlib.Path(log).read_text().splitlines():
        summary.add_program(json.loads(line))
    if allowed is not None:
        names = (line.partition('#')[0].strip()
                 for line in pathlib.Path(allowed).read_text().splitlines())
        summary.refuse_skips({name for name in names if name})
    summary.print()
    return 0 if summary.passed > 0 and not summary.failed else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
