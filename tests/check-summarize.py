# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks how the results of tests are counted."""

import unittest

import summarize
import tap


def count(result, stdout='', allowed=None):
    summary = summarize.Summary()
    summary.add_program({'name': 'project:unit / test-foo', 'result': result, 'stdout': stdout})
    if allowed is not None:
        summary.refuse_skips(allowed)
    return summary.passed, summary.failed, summary.skipped


class Summarize(unittest.TestCase):
    def test_each_case_counts(self):
        self.assertEqual(count('OK', '# text\nok 1 /a\n1..2\nok 2 /b # with a remark\n'),
                         (2, [], []))

    def test_a_failed_case(self):
        self.assertEqual(count('ERROR', 'ok 1 /a\nnot ok 2 - /b\n1..2\n'),
                         (1, [('test-foo /b', 'failed')], []))

    def test_a_crash_after_good_cases(self):
        self.assertEqual(count('ERROR', '1..2\nok 1 /a\n'), (1, [('test-foo', 'error')], []))

    def test_a_timeout(self):
        self.assertEqual(count('TIMEOUT'), (0, [('test-foo', 'timeout')], []))

    def test_a_program_without_cases(self):
        self.assertEqual(count('OK', 'text\n'), (1, [], []))
        self.assertEqual(count('SKIP'), (0, [], [('test-foo', 'no reason given')]))

    def test_skipped(self):
        self.assertEqual(count('OK', '1..2\nok 1 /a\nok 2 /b # SKIP no nvim\n'),
                         (1, [], [('test-foo /b', 'no nvim')]))
        self.assertEqual(count('SKIP', '1..0 # SKIP no gjs\n'), (0, [], [('test-foo', 'no gjs')]))

    def test_unfinished(self):
        self.assertEqual(count('OK', '1..1\nnot ok 1 /a # TODO later\n'),
                         (0, [], [('test-foo /a', 'later')]))

    def test_skips_that_are_allowed(self):
        output = '1..1\nok 1 /a # SKIP no nvim\n'
        skipped = [('test-foo /a', 'no nvim')]
        self.assertEqual(count('OK', output, {'test-foo /a'}), (0, [], skipped))
        self.assertEqual(len(count('OK', output, {'test-foo'})[1]), 1)


if __name__ == '__main__':
    tap.main()
