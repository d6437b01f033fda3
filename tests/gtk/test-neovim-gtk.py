# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The editor's window on Neovim, used as by a person."""

import unittest

import rig

PROGRAM = rig.BUILD / 'examples/neovim-gtk/neovim-gtk'


@unittest.skipUnless(PROGRAM.exists(), 'the examples with windows are not built')
class Editor(rig.Case):
    def edit(self, *args):
        return self.start(PROGRAM, '-u', 'NONE', '-i', 'NONE', *args)

    def test_typing(self):
        editor = self.edit()
        editor.key('i')
        editor.type('hello, world')
        editor.find('text', 'hello, world')
        editor.screenshot('neovim-typing')


if __name__ == '__main__':
    rig.tap.main()
