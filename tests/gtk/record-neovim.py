#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Records what Neovim sends to a user interface while somebody works with a long program: pages and
lines are scrolled, words are typed and searched, and the window is split.

Usage: record-neovim.py COLUMNS ROWS FILE
"""

import pathlib
import subprocess
import sys
import tempfile

import msgpack

N_FUNCTIONS = 12500
FUNCTION = '''\
/* Adds what is given to the {0}th of the sums, and says how much that is. */
static int
add_to_sum_{0} (struct sums *sums, const char *name, int value)
{{
  if (value < 0 || sums->count == {0})
    return fail ("the value %d of “%s” is wrong", value, name);
  return sums->values[{0}] += value * 0x{0:x};
}}
'''
# Each is drawn before the next one is typed.
STEPS = (
    ['<C-f>'] * 30 + ['j'] * 30 + ['<C-d>'] * 20 + ['<C-e>'] * 20 + ['<C-b>'] * 20 +
    ['o'] + list('static const char text[] = "some words"; /* and why */') + ['<Esc>'] +
    ['50000G', '/value<CR>'] + ['n'] * 20 + [':vsplit<CR>', ':split<CR>'] + ['<C-d>'] * 20 +
    ['<C-w>w'] * 4 + ['<C-u>'] * 10 + [':only<CR>', 'ggVG'] + ['<C-f>'] * 10 + ['<Esc>', ':help<CR>'] +
    ['<C-f>'] * 10
)


class Neovim:
    def __init__(self, columns, rows, path):
        self.process = subprocess.Popen(['nvim', '--embed', '-u', 'NONE', '-i', 'NONE', '-n', path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.unpacker = msgpack.Unpacker(raw=False, unicode_errors='surrogateescape',
                                         strict_map_key=False, ext_hook=msgpack.ExtType)
        self.redraws = []
        self.last_id = 0
        self.call('nvim_ui_attach', columns, rows, {'rgb': True, 'ext_linegrid': True})
        self.call('nvim_command', 'syntax on | set nu hlsearch cursorline mouse=a | colorscheme desert')

    def call(self, method, *params):
        """Returns the result, behind which all is drawn that came before the call."""
        self.last_id += 1
        self.process.stdin.write(msgpack.packb([0, self.last_id, method, params]))
        self.process.stdin.flush()
        while True:
            for message in self.unpacker:
                if message[0] == 2 and message[1] == 'redraw':
                    self.redraws.append(message)
                elif message[0] == 1 and message[1] == self.last_id:
                    if message[2] is not None:
                        raise RuntimeError(message[2])
                    return message[3]
            self.unpacker.feed(self.process.stdout.read1(1 << 16))

    def step(self, keys):
        self.call('nvim_input', keys)
        # It is answered when there is nothing else left to do.
        self.call('nvim_eval', '1')
        self.call('nvim_command', 'redraw')


def record(columns, rows, path):
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / 'sums.c'
        source.write_text(''.join(map(FUNCTION.format, range(N_FUNCTIONS))))
        neovim = Neovim(columns, rows, source)
        for keys in STEPS:
            neovim.step(keys)
        neovim.process.stdin.close()
        neovim.process.wait()
    with open(path, 'wb') as file:
        for message in neovim.redraws:
            file.write(msgpack.packb(message, unicode_errors='surrogateescape'))


if __name__ == '__main__':
    record(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
