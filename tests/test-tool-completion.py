# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Completes command lines of the tool: with the function that bash calls, and at a terminal."""

import os
import pty
import re
import select
import shutil
import subprocess
import termios
import time
import unittest

import tap
from tool_cases import *

SCRIPT = TOOLS / 'msgpackrpc.bash'


@unittest.skipUnless(shutil.which('bash'), 'bash is not installed')
class Called(TestCase):
    """The function is called as bash would."""

    SCRIPT = '''
        . "$1"
        compopt () { :; }
        COMP_LINE=$2 COMP_POINT=${#2}
        read -ra COMP_WORDS <<<"$2"
        [[ $2 != *' ' ]] || COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _msgpackrpc
        printf '%s\\n' "${COMPREPLY[@]}"
    '''

    def complete(self, line):
        out = subprocess.run(['bash', '-euc', self.SCRIPT, 'bash', SCRIPT, line],
                             check=True, text=True, stdout=subprocess.PIPE).stdout
        return out.split()

    def test_words(self):
        addresses = ['tcp://', 'tls://', 'unix://', 'unix-abstract:', 'srv://', 'srv+tls://',
                     'exec:']
        for line, words in {
            'msgpackrpc n': ['notify'],
            'msgpackrpc --v': ['--version'],
            'msgpackrpc call ': addresses,
            'msgpackrpc call --variant u': ['unix://', 'unix-abstract:'],
            'msgpackrpc call --timeout 5 tl': ['tls://'],
            'msgpackrpc call --timeout ': [],
            'msgpackrpc call --format p': ['pretty'],
            'msgpackrpc call --color ': ['auto', 'always', 'never'],
            'msgpackrpc call localhost:1 ': [],
            'msgpackrpc call localhost:1 m --f': ['--float32', '--framing', '--format'],
        }.items():
            self.assertEqual(self.complete(line), words, line)

    def test_options_are_those_of_the_help(self):
        self.assertEqual(set(self.complete('msgpackrpc ')), set(commands()))
        for command in commands():
            options = set(re.findall(r' (--[\w-]+)', run(command, '--help')[1]))
            self.assertEqual(set(self.complete(f'msgpackrpc {command} --')), options, command)

    def test_values_are_those_of_the_help(self):
        help_text = run('call', '--help')[1]
        for option in ('framing', 'profile', 'reply-order'):
            names = re.search(rf'--{option}=NAME .*: (.*)', help_text).group(1).split(', ')
            self.assertEqual(set(self.complete(f'msgpackrpc call --{option} ')), set(names), option)

    def test_files(self):
        folder = self.make_folder()
        (folder / 'socket').touch()
        for before in ('call ', 'call localhost:1 m @', 'call --token '):
            prefix = '@' if before.endswith('@') else ''
            self.assertEqual(self.complete(f'msgpackrpc {before}{folder}/so'),
                             [f'{prefix}{folder}/socket'])


@unittest.skipUnless(shutil.which('bash'), 'bash is not installed')
class Typed(TestCase):
    """Keys are pressed in a bash that a person could use."""

    PROMPT = '% '
    SETTINGS = {'INPUTRC': '/dev/null', 'PS1': PROMPT, 'TERM': 'dumb', 'HISTFILE': ''}

    def setUp(self):
        self.folder = self.make_folder()
        (self.folder / 'socket').touch()
        self.terminal, theirs = pty.openpty()
        self.addCleanup(os.close, self.terminal)
        self.printed = ''
        self.bash = subprocess.Popen(['bash', '--norc', '--noprofile', '-i'], stdin=theirs,
                                     stdout=theirs, stderr=theirs, cwd=self.folder,
                                     start_new_session=True, env=os.environ | self.SETTINGS)
        self.addCleanup(self.bash.wait, DEADLINE)
        self.addCleanup(self.bash.kill)
        os.close(theirs)
        self.read_until(self.PROMPT)
        # Instead of the tool, what it would be given is printed.
        self.type(f". '{SCRIPT}'; msgpackrpc () {{ printf '<%s>' \"$@\"; echo; }}\n")
        self.read_until(self.PROMPT)

    def type(self, keys):
        os.write(self.terminal, keys.encode())

    def read_until(self, text):
        """What comes until the text, without it."""
        deadline = time.monotonic() + DEADLINE
        while text not in self.printed:
            if not select.select([self.terminal], [], [], deadline - time.monotonic())[0]:
                raise AssertionError(f'{text!r} did not come after {self.printed!r}')
            self.printed += os.read(self.terminal, 65536).decode()
        before, _, self.printed = self.printed.partition(text)
        return before

    def complete(self, line):
        """The arguments after the tab key and the return key."""
        self.type(f'{line}\t\n')
        self.read_until('\n')
        arguments = self.read_until('\n')
        self.read_until(self.PROMPT)
        return re.findall('<(.*?)>', arguments)

    def test_lines(self):
        for line, arguments in {
            'msgpackrpc sub': ['subscribe'],
            'msgpackrpc --v': ['--version'],
            'msgpackrpc call --format p': ['call', '--format', 'pretty'],
            'msgpackrpc call --format=p': ['call', '--format=pretty'],
            'msgpackrpc listen --prof': ['listen', '--profile'],
            'msgpackrpc listen unix-a': ['listen', 'unix-abstract:'],
            'msgpackrpc listen srv+': ['listen', 'srv+tls://'],
            'msgpackrpc listen ./s': ['listen', './socket'],
            f'msgpackrpc listen unix://{self.folder}/so': ['listen', f'unix://{self.folder}/socket'],
            f'msgpackrpc call --token={self.folder}/so': ['call', f'--token={self.folder}/socket'],
            'msgpackrpc call localhost:1 m @so': ['call', 'localhost:1', 'm', '@socket'],
            'msgpackrpc call localhost:1 m @': ['call', 'localhost:1', 'm', '@socket'],
            'msgpackrpc call localhost:1 m so': ['call', 'localhost:1', 'm', 'so'],
        }.items():
            self.assertEqual(self.complete(line), arguments, line)


if __name__ == '__main__':
    tap.main()
