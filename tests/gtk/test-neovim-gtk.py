# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The editor's window on Neovim, used as by a person."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import rig

PROGRAM = rig.BUILD / 'examples/neovim-gtk/neovim-gtk'
RECORDER = pathlib.Path(__file__).with_name('record-neovim.py')
ARGS = ('-u', 'NONE', '-i', 'NONE')
# Characters of two bytes each. GTK 4.8 gives others no more than about 500 kB.
LARGE = 120_000
# A program that has something in the clipboard: a type and a text.
OWNER = """
import sys, gi
gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')
from gi.repository import Gdk, GLib, Gtk
Gtk.init()
content = Gdk.ContentProvider.new_for_bytes(sys.argv[1], GLib.Bytes(sys.argv[2].encode()))
Gdk.Display.get_default().get_clipboard().set_content(content)
GLib.timeout_add(50, lambda: print('ready', flush=True))
GLib.MainLoop().run()
"""


@unittest.skipUnless(PROGRAM.exists(), 'the examples with windows are not built')
@unittest.skipUnless(shutil.which('nvim'), 'nvim is not installed')
class Editor(rig.Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def edit(self, *args, **kwargs):
        editor = self.start(PROGRAM, *ARGS, *args, cwd=self.folder, **kwargs)
        # Its size is known, and it is drawn.
        rig.wait_until(lambda: 'row' in self.view(editor).description, lambda: editor.output())
        return editor

    def view(self, editor):
        return next(node for node in editor.root.all() if node.role == 'text')

    def line(self, editor):
        """The one with the cursor."""
        return self.view(editor).name

    def wait_line(self, editor, text):
        rig.wait_until(lambda: self.line(editor) == text,
                       lambda: f'“{text}”, and there is “{self.line(editor)}”')

    def wait_place(self, editor, text):
        rig.wait_until(lambda: text in self.view(editor).description,
                       lambda: f'“{text}”, and there is “{self.view(editor).description}”')

    def command(self, editor, text):
        editor.key('Escape')
        editor.type(f':{text}')
        self.wait_line(editor, f':{text}')
        editor.key('Return')

    def neovim(self, editor):
        """The process of the Neovim that it has now."""
        children = pathlib.Path(f'/proc/{editor.process.pid}/task').glob('*/children')
        pids = [pid for path in children for pid in path.read_text().split()]
        return next((int(pid) for pid in pids
                     if pathlib.Path(f'/proc/{pid}/comm').read_text() == 'nvim\n'), None)

    def clipboard(self, editor, selection, text=None):
        """What another program has there, or puts there."""
        command = ['xclip', '-selection', selection, '-t', 'UTF8_STRING']
        if text is not None:
            return subprocess.run(command, env=editor.desktop.env, check=True, text=True, input=text,
                                  stdout=subprocess.DEVNULL, timeout=rig.DEADLINE)
        result = subprocess.run([*command, '-o'], env=editor.desktop.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                timeout=rig.DEADLINE)
        return result.stdout

    def test_typing(self):
        editor = self.edit('text')
        rig.wait_until(lambda: editor.title().startswith('text '), editor.title)
        editor.key('i')
        self.wait_place(editor, 'insert, row 1')
        editor.type('hello, <world> | \\ "$%')
        self.wait_line(editor, 'hello, <world> | \\ "$%')
        editor.screenshot('neovim-typing')
        editor.key('ctrl+w', 'Tab', 'BackSpace', 'Left', 'Home', 'Delete', 'End')
        self.wait_line(editor, 'ello, <world> | \\')
        editor.key('Escape', 'y', 'y', 'p')
        self.wait_place(editor, 'normal, row 2')
        self.command(editor, 'wq')
        self.assertEqual(editor.wait_end(), 0)
        self.assertEqual((self.folder / 'text').read_text(), 'ello, <world> | \\ \n' * 2)

    def set_layout(self, *args):
        subprocess.run(['setxkbmap', *args], env=self.desktop.env, check=True, timeout=rig.DEADLINE)

    @unittest.skipUnless(shutil.which('setxkbmap'), 'setxkbmap is not installed')
    def test_composed(self):
        """Dead keys, what a keyboard has on its third level, and characters by their numbers."""
        self.set_layout('us', 'intl')
        self.addCleanup(self.set_layout, 'us')
        editor = self.edit()
        editor.key('i', 'dead_acute', 'e', 'dead_diaeresis', 'u')
        self.wait_line(editor, 'éü')
        for key in '5', 's':
            editor.tool('keydown', 'ISO_Level3_Shift', 'key', key, 'keyup', 'ISO_Level3_Shift')
        self.wait_line(editor, 'éü€ß')
        editor.key('ctrl+shift+u', '6', '5', 'e', '5')
        # It is not there before it is committed.
        self.wait_line(editor, 'éü€ß')
        editor.screenshot('neovim-composing')
        editor.key('space')
        self.wait_line(editor, 'éü€ß日')

    def test_mouse(self):
        editor = self.edit()
        editor.key('i')
        editor.type('one two three\nfour five six\n')
        editor.key('Escape')
        x, y, width, height = self.view(editor).place
        cell = (width // 100, height // 32)

        def point(row, column):
            return (x + cell[0] * column - cell[0] // 2, y + cell[1] * row - cell[1] // 2)

        editor.click(*point(1, 5))
        self.wait_place(editor, 'normal, row 1, column 5')
        self.wait_line(editor, 'one two three')
        editor.drag(*point(1, 5), *point(2, 4))
        self.wait_place(editor, 'visual, row 2, column 4')
        editor.key('d')
        self.wait_line(editor, 'one  five six')
        self.command(editor, 'call setline(1, range(1, 1000)) | normal gg')
        self.wait_line(editor, '1')
        editor.move(*point(5, 5))
        for _ in range(3):
            editor.tool('click', 5)
        # The line of the cursor has gone with the text, until it had to stay in sight.
        self.wait_line(editor, '10')
        for _ in range(3):
            editor.tool('click', 4)
        self.wait_place(editor, 'row 10,')

    def test_resize(self):
        editor = self.edit()
        self.command(editor, 'set laststatus=0 | call setline(1, repeat("x", 2000))')
        editor.key('g', 'j')
        for width, height in (700, 400), (1200, 800), (500, 300):
            editor.resize(width, height)
            columns = self.view(editor).place[2] // 9
            self.wait_line(editor, 'x' * columns)
        editor.screenshot('neovim-small')

    def test_zoom(self):
        editor = self.edit()
        self.command(editor, 'call setline(1, repeat("x", 2000)) | normal 0')
        before = len(self.line(editor))
        editor.key('ctrl+plus', 'ctrl+plus', 'ctrl+plus')
        rig.wait_until(lambda: 0 < len(self.line(editor)) < before, lambda: self.line(editor))
        editor.key('ctrl+0')
        rig.wait_until(lambda: len(self.line(editor)) == before, lambda: self.line(editor))

    @unittest.skipUnless(shutil.which('xclip'), 'xclip is not installed')
    def test_clipboard(self):
        editor = self.edit()
        editor.key('i')
        editor.type('one\ntwo\n')
        for register, selection in ('+', 'clipboard'), ('*', 'primary'):
            self.command(editor, f'1,2yank {register}')
            rig.wait_until(lambda: self.clipboard(editor, selection) == 'one\ntwo\n',
                           lambda: self.clipboard(editor, selection))
            # What others have put there.
            self.clipboard(editor, selection, f'from {selection}\n')
            self.command(editor, f'put {register}')
            self.wait_line(editor, f'from {selection}')
            self.clipboard(editor, selection, f'words of {selection} ')
            self.command(editor, f'normal 0"{register}P')
            self.wait_line(editor, f'words of {selection} from {selection}')
        editor.key('a', 'ctrl+r', 'plus')
        self.wait_line(editor, 'words of primary words of clipboard from primary')

    @unittest.skipUnless(shutil.which('xclip'), 'xclip is not installed')
    def test_large_clipboard(self):
        editor = self.edit()
        self.command(editor, f'call setline(1, repeat(nr2char(228), {LARGE})) | normal 0"+yy')
        rig.wait_until(lambda: self.clipboard(editor, 'clipboard') == 'ä' * LARGE + '\n',
                       'a large clipboard')
        self.clipboard(editor, 'clipboard', 'ö' * LARGE)
        self.command(editor, 'let @a = @+ | call setline(1, strchars(@a) .. matchstr(@a, ".$"))')
        self.wait_line(editor, f'{LARGE}ö')

    def own_clipboard(self, editor, kind, content):
        owner = subprocess.Popen([sys.executable, '-c', OWNER, kind, content],
                                 env=editor.desktop.env, text=True, stdout=subprocess.PIPE)
        self.addCleanup(owner.stdout.close)
        self.addCleanup(owner.wait)
        self.addCleanup(owner.kill)
        self.assertEqual(owner.stdout.readline(), 'ready\n')
        return owner

    @unittest.skipUnless(shutil.which('xclip'), 'xclip is not installed')
    def test_odd_clipboard(self):
        editor = self.edit()
        self.own_clipboard(editor, 'text/plain;charset=utf-8', 'text')
        self.command(editor, 'call setline(1, "<" .. @+ .. ">")')
        self.wait_line(editor, '<text>')
        self.own_clipboard(editor, 'image/png', 'picture')
        self.command(editor, 'call setline(1, "<" .. @+ .. ">")')
        self.wait_line(editor, '<>')
        # Who has it does not answer: that is no reason not to edit.
        owner = self.own_clipboard(editor, 'text/plain;charset=utf-8', 'never')
        owner.send_signal(signal.SIGSTOP)
        self.command(editor, 'call setline(1, "none" .. @+)')
        self.wait_line(editor, 'none')
        self.assertEqual(editor.find_all('push button', 'Stop and Restart'), [])
        # What Neovim has need not be UTF-8.
        self.command(editor, 'let @+ = "a\\xffb"')
        rig.wait_until(lambda: self.clipboard(editor, 'clipboard') == 'a\ufffdb', 'other bytes')

    def test_stall(self):
        editor = self.edit()
        neovim = self.neovim(editor)
        os.kill(neovim, signal.SIGSTOP)
        editor.find('label', 'Neovim does not answer. What you type waits until it does.')
        editor.find('push button', 'Stop and Restart')
        editor.screenshot('neovim-stalled')
        editor.type('ihello')
        os.kill(neovim, signal.SIGCONT)
        editor.wait_gone('push button', 'Stop and Restart')
        self.wait_line(editor, 'hello')
        # One that never answers again.
        os.kill(neovim, signal.SIGSTOP)
        editor.find('push button', 'Stop and Restart').act()
        editor.wait_gone('push button', 'Stop and Restart')
        rig.wait_until(lambda: self.neovim(editor) not in (None, neovim), 'another Neovim')
        self.wait_line(editor, '')
        editor.type('iagain')
        self.wait_line(editor, 'again')

    def test_stall_close(self):
        """Who does not answer cannot be asked, but the user is warned."""
        editor = self.edit()
        neovim = self.neovim(editor)
        os.kill(neovim, signal.SIGSTOP)
        editor.find('push button', 'Stop and Restart')
        editor.close()
        editor.find('label', re.compile('Neovim does not answer. Close the window again .*').fullmatch)
        editor.close()
        self.assertEqual(editor.wait_end(), 0)
        rig.wait_until(lambda: not pathlib.Path(f'/proc/{neovim}/exe').exists(), 'its end')

    def test_death(self):
        editor = self.edit()
        os.kill(self.neovim(editor), signal.SIGKILL)
        editor.find('label', re.compile(r'Neovim was ended by signal 9 .*').fullmatch)
        restart = editor.find('push button', 'Restart')
        rig.wait_until(lambda: restart.has('focused'), 'the button to have the focus')
        editor.screenshot('neovim-dead')
        # By the keyboard.
        editor.key('Return')
        editor.wait_gone('push button', 'Restart')
        rig.wait_until(lambda: self.neovim(editor), 'another Neovim')
        editor.type('iagain')
        self.wait_line(editor, 'again')
        # Its failing is not mistaken for what the user wanted.
        self.command(editor, 'cquit 3')
        editor.find('label', re.compile(r'Neovim has ended with status 3\..*').fullmatch)
        editor.key('ctrl+shift+r')
        editor.wait_gone('push button', 'Restart')
        self.command(editor, 'quit')
        self.assertEqual(editor.wait_end(), 0)

    def test_not_installed(self):
        editor = self.start(PROGRAM, env={'PATH': str(self.folder)})
        editor.find('label', re.compile('Neovim is not installed: .*').fullmatch)
        (self.folder / 'nvim').symlink_to(shutil.which('nvim'))
        editor.find('push button', 'Restart').act()
        editor.wait_gone('push button', 'Restart')
        editor.type('ihello')
        self.wait_line(editor, 'hello')

    def test_another_program(self):
        """What it answers is of another form than what Neovim does."""
        program, received = self.folder / 'nvim', self.folder / 'received'
        request = b'\x94\x00\x01\xb1nvim_get_api_info\x90'
        program.write_text(f"#!/bin/sh\nhead -c {len(request)} >'{received}'\n"
                           f"printf '\\224\\001\\001\\300\\005'\nexec cat >>'{received}'\n")
        program.chmod(0o700)
        editor = self.start(PROGRAM, env={'PATH': f'{self.folder}:{os.environ["PATH"]}'})
        rig.wait_until(lambda: received.exists() and b'nvim_ui_attach' in received.read_bytes(),
                       editor.output)
        self.assertTrue(received.read_bytes().startswith(request))
        self.assertNotIn('CRITICAL', editor.output())

    def test_close(self):
        editor = self.edit('kept')
        editor.close()
        self.assertEqual(editor.wait_end(), 0)

        editor = self.edit('kept')
        editor.type('iwords')
        self.wait_line(editor, 'words')
        editor.close()
        self.wait_line(editor, '[Y]es, (N)o, (C)ancel:')
        editor.screenshot('neovim-close')
        # Whoever closes it again is told why it is still there.
        editor.close()
        editor.find('label', 'Neovim waits for an answer before it ends.')
        editor.key('c')
        self.wait_line(editor, 'words')
        editor.close()
        self.wait_line(editor, '[Y]es, (N)o, (C)ancel:')
        editor.key('y')
        self.assertEqual(editor.wait_end(), 0)
        self.assertEqual((self.folder / 'kept').read_text(), 'words\n')

    def test_large_file(self):
        (self.folder / 'large.c').write_text(''.join(f'int x_{i}; /* {i} */\n'
                                                     for i in range(1, 100_001)))
        editor = self.edit('--cmd', 'syntax on', 'large.c')
        self.wait_line(editor, 'int x_1; /* 1 */')
        editor.key('G')
        self.wait_line(editor, 'int x_100000; /* 100000 */')
        editor.type('50000G')
        self.wait_line(editor, 'int x_50000; /* 50000 */')
        editor.key(*['ctrl+f'] * 20)
        editor.type('/x_777\n')
        self.wait_line(editor, 'int x_77700; /* 77700 */')

    def test_background(self):
        """Neovim is dark or light as the desktop is."""
        for is_dark, name in (False, 'light'), (True, 'dark'):
            self.desktop.set_dark(is_dark)
            editor = self.edit()
            self.command(editor, 'call setline(1, &background)')
            self.wait_line(editor, name)
            editor.screenshot(f'neovim-{name}')

    def test_second_window(self):
        editor = self.edit()
        editor.key('ctrl+shift+n')
        rig.wait_until(lambda: len(list(editor.root.children())) == 2, 'another window')

    def test_frames(self):
        """What somebody's work with a long program looks like is drawn in time."""
        stream = self.folder / 'stream'
        subprocess.run([sys.executable, RECORDER, '140', '44', stream], check=True,
                       env=self.desktop.env, timeout=rig.DEADLINE)
        player = self.start(PROGRAM, '--geometry=140x44', f'--replay={stream}')
        self.assertEqual(player.process.wait(90), 0)
        report = player.output()
        print(*(f'# {line}' for line in report.splitlines()), sep='\n')
        match = re.search(r'^(\d+) frames of 140 by 44 cells$', report, re.MULTILINE)
        self.assertIsNotNone(match, report)
        self.assertGreater(int(match[1]), 300)
        for clock in 'by the clock', 'of the processor':
            self.assertRegex(report, rf'(?m)^{clock}: median [\d.]+ ms, 99th percentile [\d.]+ ms, '
                                     r'longest [\d.]+ ms$')

    def test_help(self):
        def run(*args):
            return subprocess.run([PROGRAM, *args], env=self.desktop.env, text=True,
                                  capture_output=True, timeout=rig.DEADLINE)

        result = run('--help')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        for word in '--geometry=COLUMNSxROWS', '--replay=FILE', 'nvim':
            self.assertIn(word, result.stdout)
        for size in '0x0', '10', '10x10x', 'axb':
            result = run(f'--geometry={size}')
            self.assertEqual((result.returncode, result.stdout), (2, ''))
            self.assertIn(f'“{size}” is no geometry', result.stderr)


if __name__ == '__main__':
    rig.tap.main()
