# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the unittest cases of a program and prints the results in the TAP format."""

import sys
import unittest


class TapResult(unittest.TestResult):
    count = 0

    def report(self, test, status, remark='', err=None):
        self.count += 1
        print(f"{status} {self.count} {test.id().partition('.')[2]}{remark}", flush=True)
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
    result = TapResult()
    unittest.defaultTestLoader.loadTestsFromModule(sys.modules['__main__']).run(result)
    print(f'1..{result.count}', flush=True)
    sys.exit(0 if result.wasSuccessful() else 1)
