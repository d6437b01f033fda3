# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks the pkg-config files: check-pkg-config.py BUILD-ROOT NAME VERSION LIBRARY-TYPE"""

import os
import pathlib
import subprocess
import sys
import unittest

import tap

BUILD, NAME, VERSION, LIBRARY_TYPE = pathlib.Path(sys.argv[1]), *sys.argv[2:]
HEADERS = {
    'msgpackrpc-glib-1.0': 'msgpackrpc-glib/msgpackrpc-glib.h',
    'msgpackrpc-glib-soup-1.0': 'msgpackrpc-glib/soup/msgpackrpc-glib-soup.h',
}
INCLUDED = {
    'msgpackrpc-glib-1.0': {'glib-2.0', 'gobject-2.0', 'gio-2.0'},
    'msgpackrpc-glib-soup-1.0': {'msgpackrpc-glib-1.0', 'libsoup-3.0'},
}
FOLDERS = {'installed': BUILD / 'meson-private', 'uninstalled': BUILD / 'meson-uninstalled'}


def pkg_config(folder, *args):
    path = os.pathsep.join([str(folder), os.environ.get('PKG_CONFIG_PATH', '')])
    environment = {**os.environ, 'PKG_CONFIG_PATH': path}
    return subprocess.run(['pkg-config', *args], check=True, text=True, env=environment,
                          stdout=subprocess.PIPE).stdout


class PkgConfig(unittest.TestCase):
    def test_valid(self):
        for folder, name in ((FOLDERS['installed'], NAME),
                             (FOLDERS['uninstalled'], NAME + '-uninstalled')):
            pkg_config(folder, '--validate', str(folder / f'{name}.pc'))

    @unittest.skipIf(LIBRARY_TYPE == 'static', 'a static library needs more')
    def test_requires_only_what_the_headers_include(self):
        requires = pkg_config(FOLDERS['installed'], '--print-requires', NAME)
        self.assertEqual({line.split()[0] for line in requires.splitlines()}, INCLUDED[NAME])

    def test_version(self):
        for folder in FOLDERS.values():
            self.assertEqual(pkg_config(folder, '--modversion', NAME).strip(), VERSION)

    def test_uninstalled_headers_compile(self):
        cflags = pkg_config(FOLDERS['uninstalled'], '--cflags', NAME).split()
        compiler = os.environ.get('CC', 'cc').split()
        subprocess.run([*compiler, *cflags, '-fsyntax-only', '-x', 'c', '-'], check=True, text=True,
                       input=f'#include <{HEADERS[NAME]}>\n')


if __name__ == '__main__':
    tap.main()
