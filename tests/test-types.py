# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Has the compiler of TypeScript look at the examples in JavaScript, and at a file whose faults are
known, with the declarations of the library:
test-types.py DECLARATIONS GENERATOR GIR-FOLDER"""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap

SOURCES = pathlib.Path(os.environ['G_TEST_SRCDIR'])
DECLARATIONS, GENERATOR, GIRS = map(pathlib.Path, sys.argv[1:4])
del sys.argv[1:]
# Seconds.
DEADLINE = 300
FOUND = re.compile(r'([^(]*)\((\d+),\d+\): error (TS\d+): ')
EXPECTED = re.compile(r'// error: (TS\d+)')


@unittest.skipUnless(shutil.which('tsc'), 'tsc is not installed')
class Types(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """Declarations of what the library's own refer to, which are not looked at themselves."""
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        for name in 'GLib', 'GObject', 'Gio':
            subprocess.run([sys.executable, GENERATOR, GIRS / f'{name}-2.0.gir',
                            cls.folder / f'{name}.d.ts', SOURCES / 'typing' / f'{name}.additions.d.ts'],
                           check=True)
        shutil.copy(DECLARATIONS, cls.folder / 'MsgpackRpc.d.ts')
        shutil.copy(SOURCES / 'typing' / 'gjs.d.ts', cls.folder)

    def run_tsc(self, *arguments):
        """The faults, a file, a line and a number each; with those of the library's declarations, without
        those of others."""
        output = subprocess.run(
            ['tsc', '--noEmit', '--pretty', 'false', '--target', 'es2022', '--lib', 'es2022,dom',
             '--module', 'es2022', '--moduleResolution', 'node',
             *map(str, self.folder.glob('*.d.ts')), *map(str, arguments)],
            stdout=subprocess.PIPE, text=True, timeout=DEADLINE, cwd=self.folder).stdout
        found = [(pathlib.Path(match[1]).name, int(match[2]), match[3])
                 for match in map(FOUND.match, output.splitlines()) if match]
        self.assertNotRegex(output, re.compile('^error', re.MULTILINE))
        return [fault for fault in found
                if fault[0] not in ('GLib.d.ts', 'GObject.d.ts', 'Gio.d.ts')], output

    def test_examples(self):
        examples = sorted((SOURCES.parent / 'examples').glob('*.js'))
        self.assertGreater(len(examples), 3)
        found, output = self.run_tsc('--allowJs', '--checkJs', *examples)
        self.assertEqual(found, [], output)

    def test_faults_are_found(self):
        path = SOURCES / 'typing' / 'usage.ts'
        expected = collections.Counter(
            (path.name, number, match[1])
            for number, line in enumerate(path.read_text().splitlines(), 1)
            for match in EXPECTED.finditer(line))
        found, output = self.run_tsc('--strict', path)
        self.assertEqual(collections.Counter(found), expected, output)
        self.assertGreater(len(expected), 7)


if __name__ == '__main__':
    tap.main()
