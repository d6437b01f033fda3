# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Has mypy look at the examples, and at a file whose faults are known, with the stubs of the library:
test-stubs.py STUB GENERATOR GIR-FOLDER"""

import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import tap

SOURCES = pathlib.Path(os.environ['G_TEST_SRCDIR'])
STUB, GENERATOR, GIRS = map(pathlib.Path, sys.argv[1:4])
del sys.argv[1:]
# Seconds.
DEADLINE = 300
FOUND = re.compile(r'[^:]*:(\d+): error: .*\[([a-z-]+)\]')
EXPECTED = re.compile(r'# error: ([a-z-]+)')


def has_mypy():
    return subprocess.run([sys.executable, '-m', 'mypy', '--version'],
                          capture_output=True).returncode == 0


@unittest.skipUnless(has_mypy(), 'mypy is not installed')
class Stubs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Stubs of what the library's own refer to, which are not looked at themselves."""
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        repository = cls.folder / 'gi' / 'repository'
        repository.mkdir(parents=True)
        (cls.folder / 'gi' / '__init__.pyi').write_text(
            'def require_version(namespace: str, version: str) -> None: ...\n')
        (repository / '__init__.pyi').touch()
        for name in 'GLib', 'GObject', 'Gio':
            path = repository / f'{name}.pyi'
            subprocess.run([sys.executable, GENERATOR, GIRS / f'{name}-2.0.gir', path,
                            SOURCES / 'typing' / f'{name}.additions.pyi'], check=True)
            path.write_text('# mypy: ignore-errors\n' + path.read_text())
        (repository / 'MsgpackRpc.pyi').write_text(STUB.read_text())

    def run_mypy(self, *arguments):
        return subprocess.run(
            [sys.executable, '-m', 'mypy', '--no-site-packages', '--no-error-summary',
             '--check-untyped-defs', '--no-color-output', f'--cache-dir={self.folder / "cache"}',
             *arguments],
            env=dict(os.environ, MYPYPATH=str(self.folder)), stdout=subprocess.PIPE, text=True,
            timeout=DEADLINE).stdout

    def test_stub(self):
        self.assertEqual(self.run_mypy('--strict', '--allow-any-generics', '-c',
                                       'from gi.repository import MsgpackRpc'), '')

    def test_examples(self):
        examples = sorted(path for path in (SOURCES.parent / 'examples').glob('*.py')
                          if 'Gtk' not in path.read_text())
        self.assertGreater(len(examples), 4)
        self.assertEqual(self.run_mypy('--disable-error-code=var-annotated', *examples), '')

    def test_faults_are_found(self):
        path = SOURCES / 'typing' / 'usage.py'
        expected = collections.Counter(
            (number, match[1]) for number, line in enumerate(path.read_text().splitlines(), 1)
            for match in EXPECTED.finditer(line))
        output = self.run_mypy(path)
        found = collections.Counter((int(match[1]), match[2]) for match in FOUND.finditer(output))
        self.assertEqual(found, expected, output)
        self.assertGreater(len(expected), 10)


if __name__ == '__main__':
    tap.main()
