# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that code in the documentation is part of a program that is built or run, so that it
cannot rot: check-code.py SOURCE-ROOT"""

import pathlib
import re
import sys
import unittest

import tap

ROOT = pathlib.Path(sys.argv[1])
BLOCK = re.compile(r'^```(c|js|python|vala)\n(.*?)^```$', re.DOTALL | re.MULTILINE)
SUFFIXES = {'c': '.c', 'js': '.js', 'python': '.py', 'vala': '.vala'}
PROGRAMS = [path for folder in ('examples', 'tests') for path in (ROOT / folder).rglob('*')]
# Pages whose blocks in a language are run by a test of their own; see doc_blocks.py.
RUN = {'gtk.md': 'python', 'javascript.md': 'js', 'python.md': 'python'}


def significant(text):
    """The lines of text, each ended, without indentation and empty lines."""
    lines = (line.strip() for line in text.splitlines())
    return ''.join(f'{line}\n' for line in lines if line)


def programs_in(language):
    return [significant(path.read_text()) for path in PROGRAMS
            if path.suffix == SUFFIXES[language]]


class Code(unittest.TestCase):
    def test_each_block_is_in_a_program(self):
        pages = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
        missing = [f'{page.relative_to(ROOT)}:\n{code}'
                   for page in pages
                   for language, code in BLOCK.findall(page.read_text())
                   if RUN.get(page.name) != language
                   and not any(significant(code) in program for program in programs_in(language))]
        self.assertEqual('\n'.join(missing), '')


if __name__ == '__main__':
    tap.main()
