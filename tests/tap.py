# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the unittest cases of a program and prints the results in the TAP format; with --list, prints
their names instead."""

import sys
import unittest


def named(name):
    """Gives a case a name of its own."""
    def decorate(function):
        function.case_name = name
        return function
    return decorate


def name_of(test):
    method = getattr(test, getattr(test, '_testMethodName', ''), None)
    default = getattr(test, 'case_name', test.id().partition('.')[2])
    return getattr(method, 'case_name', default)


def cases_in(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases_in(test)
        else:
            yield test


class TapResult(unittest.TestResult):
    count = 0

    def report(self, test, status, remark='', err=None):
        self.count += 1
        print(f"{status} {self.count} {name_of(test)}{remark}", flush=True)
        if err is not None:
            print(self._exc_info_to_string(err, test), file=sys.stderr, flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.report(test, 'ok')

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.report(test, 'ok', f' # SKIP {reason}')

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.report(test, 'not ok', err=err)

    def addError(self, test, err):
        super().addError(test, err)
        self.report(test, 'not ok', err=err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.report(subtest, 'not ok', err=err)


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__'])
    if sys.argv[1:] == ['--list']:
        print(*map(name_of, cases_in(suite)), sep='\n')
        return

    result = TapResult()
    suite.run(result)
    print(f'1..{result.count}', flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)
