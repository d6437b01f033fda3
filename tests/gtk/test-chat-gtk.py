# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The chat with a window, among others who chat, used as by a person."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import rig

SOURCES = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent
PROGRAM = SOURCES / 'examples/chat-gtk/chat-gtk.py'
SERVER = rig.BUILD / 'examples/chat'
ENV = {'PYTHONPATH': str(SOURCES / 'msgpackrpc-glib/overrides')}


@unittest.skipUnless(SERVER.exists(), 'the examples are not built')
class Chat(rig.Case):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.lines, self.address = (f'unix://{folder.name}/{name}' for name in ('lines', 'rpc'))
        self.start_server()

    def start_other(self, *args):
        process = subprocess.Popen([SERVER, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   text=True, bufsize=1)
        for stream in process.stdin, process.stdout:
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def wait_for(self, process, expected):
        self.assertIn(f'{expected}\n', iter(process.stdout.readline, ''))

    def start_server(self):
        self.server = self.start_other(f'--listen={self.lines}', f'--publish={self.address}')
        self.wait_for(self.server, f'* Chatting at {self.lines}')

    def join_other(self, name):
        other = self.start_other(f'--connect={self.lines}', f'--name={name}')
        while not other.stdout.readline().startswith('* Welcome'):
            self.assertIsNone(other.poll())
        return other

    def chat(self, *args):
        return self.start(sys.executable, PROGRAM, f'--address={self.address}', *args, env=ENV)

    def say(self, chat, text):
        chat.type(text)
        chat.key('Return')

    def message(self, chat, author, text):
        """Waits for a row with both."""
        def is_there():
            return [row for row in chat.find('list', 'Messages').find_all('list item')
                    if row.find_all('label', author) and row.find_all('label', text)]

        rig.wait_until(is_there, lambda: f'“{author}: {text}” in:\n{chat.dump()}')

    def members(self, chat):
        return {label.name for label in chat.find('list', 'Members').find_all('label')
                if len(label.name) > 1}

    def talk(self):
        """A window in a chat with two others."""
        ben, zoe = self.join_other('ben'), self.join_other('zoe')
        chat = self.chat()
        chat.type('ann')
        chat.key('Return')
        chat.find('label', '3 members')
        self.wait_for(ben, '* ann has come')
        self.assertEqual(self.members(chat), {'ann', 'ben', 'zoe', 'you'})
        ben.stdin.write('Good morning! Has anybody seen the release notes?\n')
        self.message(chat, 'ben', 'Good morning! Has anybody seen the release notes?')
        chat.type('They are in NEWS, since this morning.')
        chat.key('Return')
        self.message(chat, 'ann', 'They are in NEWS, since this morning.')
        self.wait_for(ben, 'ann: They are in NEWS, since this morning.')
        zoe.stdin.write('Long texts are wrapped, so that they can be read in a window that is as '
                        'narrow as a telephone, too, without any scrolling to the right.\n')
        chat.find('label', lambda name: name.startswith('Long texts'))
        rig.wait_until(lambda: chat.find('text', 'Message').text == '', 'the entry to be empty')
        return chat, ben, zoe

    def test_talk(self):
        chat, ben, zoe = self.talk()
        chat.screenshot('chat-talk')
        ben.stdin.write('/quit\n')
        chat.find('label', lambda name: name.startswith('ben has gone'))
        chat.find('label', '2 members')
        self.assertEqual(self.members(chat), {'ann', 'zoe', 'you'})

        # What cannot be said is told in place, and stays to be changed.
        chat.type('x' * 33)
        chat.key('ctrl+a', 'ctrl+c', 'End', *['ctrl+v'] * 32, 'Return')
        chat.find('label', 'A text has 1 to 1024 bytes')
        self.assertEqual(chat.find('text', 'Message').text, 'x' * 33 * 33)
        chat.screenshot('chat-error')
        chat.key('ctrl+a')
        self.say(chat, 'short')
        self.message(chat, 'ann', 'short')
        chat.wait_gone('label', 'A text has 1 to 1024 bytes')

        chat.resize(440, 400)
        chat.find('label', 'short')
        chat.screenshot('chat-narrow')
        chat.key('ctrl+q')
        self.assertEqual(chat.wait_end(), 0)
        self.wait_for(zoe, '* ann has gone')
        self.assertEqual(chat.output(), '')

    def test_dark(self):
        self.desktop.set_dark(True)
        chat, _, _ = self.talk()
        chat.screenshot('chat-dark')

    def test_taken_name(self):
        self.join_other('ann')
        chat = self.chat()
        chat.find('label', 'Not connected')
        chat.type('ann')
        chat.screenshot('chat-join')
        chat.key('Return')
        chat.find('label', 'The name is taken')
        chat.screenshot('chat-taken')
        chat.key('ctrl+a')
        chat.type('eve')
        chat.key('Return')
        chat.find('label', '2 members')
        chat.find('label', f'eve at {self.address}')
        # And out again, by the keyboard.
        chat.key('ctrl+l')
        chat.find('label', 'Not connected')
        self.wait_for(self.server, '* eve has gone')

    def test_scrolling(self):
        chat, ben, _ = self.talk()
        ben.stdin.write(''.join(f'line {i}\n' for i in range(30)))
        chat.find('label', 'line 29')
        self.assertEqual(chat.find_all('push button', 'New messages ↓'), [])
        chat.key('Prior', 'Prior')
        ben.stdin.write('the last\n')
        chat.find('push button', 'New messages ↓')
        chat.screenshot('chat-scrolled')
        chat.key(*['Next'] * 6)
        chat.wait_gone('push button', 'New messages ↓')

    def test_narrow(self):
        """Lines that are wrapped in a narrow window push nothing out of it."""
        chat, ben, _ = self.talk()
        ben.stdin.write(''.join(f'line {i} {"is long " * 12}\n' for i in range(20)))
        ben.stdin.write('the last\n')
        chat.find('label', 'the last')
        for width, height in (440, 400), (900, 500), (380, 300):
            chat.resize(width, height)
            rig.wait_until(lambda: self.is_at_end(chat, 'the last'),
                           lambda: f'the end of the list in:\n{chat.dump()}')
        chat.screenshot('chat-narrow-end')
        self.assertEqual(chat.find_all('push button', 'New messages ↓'), [])

    def is_at_end(self, chat, text):
        """Whether all of the text is above what it is typed into, and near to that."""
        _, y, _, height = chat.find('list', 'Messages').find_all('label', text)[0].place
        _, below, _, _ = chat.find('text', 'Message').place
        return 0 <= below - (y + height) < 60

    def test_reconnect(self):
        """A server that has gone and comes back is joined again."""
        chat = self.chat('--name=ann')
        chat.find('label', '1 member')
        self.server.kill()
        self.server.wait()
        chat.find('label', 'The connection is lost; connecting again…')
        chat.screenshot('chat-lost')
        # The files of the sockets are still there.
        for address in self.lines, self.address:
            os.unlink(address.removeprefix('unix://'))
        self.start_server()
        self.wait_for(self.server, '* ann has come')
        chat.find('label', f'ann at {self.address}')
        self.say(chat, 'back again')
        self.wait_for(self.server, 'ann: back again')
        self.message(chat, 'ann', 'back again')

    def test_nobody_there(self):
        self.server.kill()
        chat = self.chat('--name=ann')
        chat.find('label', lambda name: 'refused' in name)
        chat.screenshot('chat-refused')


if __name__ == '__main__':
    rig.tap.main()
