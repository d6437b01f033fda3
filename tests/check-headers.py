# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks the installed headers: check-headers.py UMBRELLA HEADER..."""

import pathlib
import re
import sys
import unittest

import tap

UMBRELLA = pathlib.Path(sys.argv[1])
HEADERS = [pathlib.Path(name) for name in sys.argv[2:]]
GUARD = '#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)\n'


def includes(header):
    return re.findall(r'^\s*#\s*include\s*["<](.*)[">]', header.read_text(), re.MULTILINE)


class Headers(unittest.TestCase):
    def test_umbrella_includes_each_header(self):
        self.assertEqual(includes(UMBRELLA), sorted(header.name for header in HEADERS))

    def test_each_header_of_the_folder_is_installed(self):
        public = {header.name for header in UMBRELLA.parent.glob('msgpack-rpc-*.h')
                  if not header.name.endswith('-private.h')}
        self.assertEqual(public - {header.name for header in HEADERS}, set())

    def test_no_private_header_is_included(self):
        for header in HEADERS:
            private = [name for name in includes(header)
                       if name.endswith('-private.h') or name == 'config.h']
            self.assertEqual(private, [], header.name)

    def test_no_private_header_is_installed(self):
        self.assertEqual([h.name for h in HEADERS if h.name.endswith('-private.h')], [])

    def test_each_header_has_its_guards(self):
        for header in HEADERS:
            text = header.read_text()
            self.assertIn('#pragma once', text, header.name)
            self.assertIn(GUARD, text, header.name)


if __name__ == '__main__':
    tap.main()
