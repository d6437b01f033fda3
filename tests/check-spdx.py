# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks that each file names its licence: check-spdx.py SOURCE-ROOT"""

import os
import pathlib
import subprocess
import sys
import unittest

import tap

ROOT = pathlib.Path(sys.argv[1])
LINES = ('SPDX-License-Identifier: LGPL-2.1-or-later', 'Copyright 2026 The msgpackrpc-glib authors')
# What cannot hold a comment.
ALLOWED_FILES = {'COPYING'}
ALLOWED_FOLDERS = ('tests/fuzzing/corpus/',)


def files_of_git():
    command = ['git', '-c', f'safe.directory={ROOT}', '-C', ROOT, 'ls-files',
               '--cached', '--others', '--exclude-standard', '-z']
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return [name for name in os.fsdecode(output).split('\0') if name]


def files_of_folder():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders
                      if not (pathlib.Path(folder) / name / 'meson-private').exists()
                      and name not in ('_build', '__pycache__', 'subprojects')]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), ROOT)


def is_allowed(name):
    return name in ALLOWED_FILES or name.startswith(ALLOWED_FOLDERS) or name.endswith('.png')


class Spdx(unittest.TestCase):
    def test_each_file_has_the_lines(self):
        names = files_of_git() if (ROOT / '.git').exists() else files_of_folder()
        names = [name for name in names if (ROOT / name).is_file() and not is_allowed(name)]
        self.assertGreater(len(names), 20)
        bad = []
        for name in sorted(names):
            head = (ROOT / name).read_bytes()[:1000].decode(errors='replace')
            if not all(line in head for line in LINES):
                bad.append(name)
        self.assertEqual(bad, [])


if __name__ == '__main__':
    tap.main()
