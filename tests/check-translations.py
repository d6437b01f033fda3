# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that translations are complete: check-translations.py SOURCE-ROOT"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import tap

ROOT = pathlib.Path(sys.argv[1])
PO = ROOT / 'po'
MARK = re.compile(r'(?<![A-Za-z0-9_])(?:_|N_|C_|NC_|g_dngettext|g_dpgettext2?) ?\(\s*"')
KEYWORDS = ('_', 'N_', 'C_:1c,2', 'NC_:1c,2', 'g_dngettext:2,3', 'g_dpgettext2:2c,3')


def lines(path):
    return [line for line in path.read_text().splitlines() if line and line[0] != '#']


def run(*command):
    words = [str(word) for word in command]
    process = subprocess.run(words, cwd=ROOT, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if process.returncode != 0:
        raise AssertionError(f"{' '.join(words)}:\n{process.stdout}")
    return process.stdout


def without_defines(text):
    return re.sub(r'^#define .*$', '', text, flags=re.MULTILINE)


class Translations(unittest.TestCase):
    def test_potfiles_lists_what_is_translated(self):
        sources = [path.relative_to(ROOT).as_posix()
                   for path in (ROOT / 'msgpackrpc-glib').rglob('*.[ch]')
                   if MARK.search(without_defines(path.read_text()))]
        self.assertEqual(lines(PO / 'POTFILES.in'), sorted(sources))

    def test_linguas_lists_each_translation(self):
        self.assertEqual(lines(PO / 'LINGUAS'), sorted(path.stem for path in PO.glob('*.po')))

    @unittest.skipUnless(shutil.which('xgettext'), 'gettext is not installed')
    def test_translations_are_complete(self):
        with tempfile.TemporaryDirectory() as folder:
            pot = pathlib.Path(folder) / 'fresh.pot'
            run('xgettext', '--force-po', '--from-code=UTF-8', '--output', pot,
                '--files-from', PO / 'POTFILES.in', *(f'--keyword={word}' for word in KEYWORDS))
            self.assertNotIn('%"\n', pot.read_text(), 'a macro cuts a message in two')
            for language in lines(PO / 'LINGUAS'):
                with self.subTest(language):
                    self.check_language(PO / f'{language}.po', pot, pathlib.Path(folder))

    def check_language(self, po, pot, folder):
        merged = folder / po.name
        run('msgfmt', '--check', '--output-file', '/dev/null', po)
        run('msgmerge', '--quiet', '--force-po', '--no-fuzzy-matching',
            '--output-file', merged, po, pot)
        statistics = run('msgfmt', '--statistics', '--output-file', '/dev/null', merged)
        self.assertNotIn('fuzzy', statistics)
        self.assertNotIn('untranslated', statistics)
        self.assertNotIn('#~', merged.read_text(), 'a message is no longer used')


if __name__ == '__main__':
    tap.main()
