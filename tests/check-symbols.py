# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Checks what the library exports: check-symbols.py LIBRARY GIR"""

import subprocess
import sys
import unittest
import xml.etree.ElementTree

import tap

LIBRARY, GIR = sys.argv[1:]
GET_TYPE = '{http://www.gtk.org/introspection/glib/1.0}get-type'
IDENTIFIER = '{http://www.gtk.org/introspection/c/1.0}identifier'
FUNCTIONS = ('constructor', 'function', 'method')


def exported():
    output = subprocess.run(['nm', '--dynamic', '--defined-only', '--format=just-symbols', LIBRARY],
                            check=True, text=True, stdout=subprocess.PIPE).stdout
    return set(output.split())


def documented():
    for element in xml.etree.ElementTree.parse(GIR).iter():
        if element.tag.rpartition('}')[2] in FUNCTIONS and 'moved-to' not in element.attrib:
            yield element.get(IDENTIFIER)
        if GET_TYPE in element.attrib:
            yield element.get(GET_TYPE)


class Symbols(unittest.TestCase):
    def test_exported_symbols_are_the_public_functions(self):
        self.assertEqual(exported(), set(documented()))


if __name__ == '__main__':
    tap.main()
