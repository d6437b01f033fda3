# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that each file is built, and that the lists of files are sorted:
check-lists.py SOURCE-ROOT"""

import pathlib
import re
import sys
import unittest

import tap

ROOT = pathlib.Path(sys.argv[1])
# What the meson.build of a folder names, some of it without its suffix.
PATTERNS = {
    'msgpackrpc-glib': ('msgpack-rpc-*.c',),
    'msgpackrpc-glib/soup': ('msgpack-rpc-*.c',),
    'tests': ('check-*.py', 'test-*.c', 'test-*.js', 'test-*.py', 'test-*.vala'),
    'tests/fuzzing': ('fuzz-*.c',),
    'tests/gtk': ('test-*.c', 'test-*.py'),
    'tests/interop': ('*.c', 'test-*.py'),
    'examples': ('*.c',),
    'docs': ('*.md',),
}
IN_READING_ORDER = ('docs',)
LIST = re.compile(r"[\[(]\n((?: +'[\w.-]+',\n){2,}) *[\])]")


def meson_build(folder):
    return (ROOT / folder / 'meson.build').read_text()


def is_named(path, text):
    names = (path.name, path.stem, path.stem.removeprefix('fuzz-'))
    return any(f"'{name}'" in text for name in names)


class Lists(unittest.TestCase):
    def test_each_file_is_listed(self):
        missing = [str(path.relative_to(ROOT))
                   for folder, patterns in PATTERNS.items()
                   for pattern in patterns
                   for path in sorted((ROOT / folder).glob(pattern))
                   if not is_named(path, meson_build(folder))]
        self.assertEqual(missing, [])

    def test_lists_are_sorted(self):
        for folder in PATTERNS.keys() - set(IN_READING_ORDER):
            for block in LIST.findall(meson_build(folder)):
                names = re.findall(r"'([^']+)'", block)
                self.assertEqual(names, sorted(names), folder)


if __name__ == '__main__':
    tap.main()
