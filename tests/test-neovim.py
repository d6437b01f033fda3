# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the example neovim against real editors, and against what is none."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unicodedata
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples' / 'neovim'
# Seconds until a test gives up, and seconds within which an error must be told.
DEADLINE = 20
SOON = 5

# Expressions that the program prints as Neovim writes them, and others.
VALUES = {text: text for text in (
    '[0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296]',
    '[-1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649]',
    '9223372036854775807',
    "''",
    "'plain'",
    "'Grüße, 世界 🚀'",
    '[]',
    '{}',
)} | {
    'v:null': 'nil',
    'v:true': 'true',
    'v:false': 'false',
    '-9223372036854775807 - 1': '-9223372036854775808',
    "[1.0, -0.5, 1.0e300, 1.0 / 0.0, str2float('nan')]":
        '[1.0, -0.5, 1.0000000000000001e+300, inf, nan]',
    r'"not UTF-8: \xff\xfe"': 'bytes 6e 6f 74 20 55 54 46 2d 38 3a 20 ff fe',
    '0z0001FF': 'bytes 00 01 ff',
    "[1, 'two', [3.0, [v:null]]]": "[1, 'two', [3.0, [nil]]]",
    "{'outer': {'inner': [1, {'deep': v:true}]}}": "{'outer': {'inner': [1, {'deep': true}]}}",
    'nvim_get_current_buf': 'Buffer 1',
    'nvim_get_current_win': 'Window 1000',
    'nvim_get_current_tabpage': 'Tabpage 1',
}

needs_program = unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
needs_nvim = unittest.skipUnless(shutil.which('nvim'), 'nvim is not installed')


def width(text):
    return sum(2 if unicodedata.east_asian_width(char) in 'FW' else 1 for char in text)


def read_line(process):
    """A line of what a process prints, read no further than that."""
    end = time.monotonic() + DEADLINE
    line = b''
    while not line.endswith(b'\n'):
        if not select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            raise TimeoutError(f'only {line} came')
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            raise EOFError(f'only {line} came')
        line += byte
    return line.decode().rstrip('\n')


@needs_program
class TestCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.environment = os.environ | {
            'HOME': str(self.folder),
            'NVIM_LOG_FILE': '/dev/null',
            'TMPDIR': str(self.folder),
        }

    def enterContext(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def start(self, *args, **options):
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   env=self.environment, **options)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def start_program(self, *args):
        return self.start(PROGRAM, *args, stderr=subprocess.PIPE)

    def start_editor(self, address):
        """An editor that listens, and where it does."""
        tell = "call writefile([v:servername], '/dev/stdout')"
        editor = self.start('nvim', '--headless', '--clean', '--listen', address, '-c', tell,
                            stderr=subprocess.DEVNULL)
        return editor, read_line(editor)

    def succeed(self, program):
        output, errors = (text.decode() for text in program.communicate(timeout=DEADLINE))
        self.assertEqual(errors, '')
        self.assertEqual(program.returncode, 0)
        return output.splitlines()

    def fail_with(self, expected, program):
        """The program ends with one line about an error, soon."""
        start = time.monotonic()
        errors = program.communicate(timeout=DEADLINE)[1].decode()
        self.assertLess(time.monotonic() - start, SOON)
        self.assertEqual(program.returncode, 1, errors)
        self.assertRegex(errors, rf'\Aneovim: .*{expected}.*\n\Z')


class Works(TestCase):
    def check_screen(self, lines):
        edge = f"+{'-' * 80}+"
        top = lines.index(edge)
        rows = [line[1:-1] for line in lines[top + 1:lines.index(edge, top + 1)]]
        self.assertEqual([width(row) for row in rows], [80] * 24)
        self.assertEqual([row.rstrip() for row in rows[:22]],
                         [f'Line {line}: naïve text, wide 世界' for line in range(6, 28)])
        self.assertRegex(rows[22], r'^\[Scratch\] +6,1 +0%$')
        self.assertRegex(lines[top + 26], r'^Drawn with 1 scrolls and [1-9]\d* flushes; '
                                          r'the cursor is in row 1, column 1\.$')

    def check(self, lines):
        for expression, value in VALUES.items():
            self.assertIn(f'{expression} => {value}', lines)
        self.assertIn('Wrote 10000 lines and read the same.', lines)
        self.check_screen(lines)
        calls = [line for line in lines if line.startswith('Neovim calls back')]
        self.assertEqual(calls, [f'Neovim calls back on level {level}.' for level in (1, 2, 3)])
        self.assertIn("Nested calls brought [1, [2, [3, 'the bottom']]].", lines)

    @needs_nvim
    def test_with_an_editor_of_its_own(self):
        lines = self.succeed(self.start_program('--eval', '6 * 7', '-e', "'second'"))
        self.check(lines)
        self.assertIn('6 * 7 => 42', lines)
        self.assertIn("'second' => 'second'", lines)
        self.assertEqual(lines[-1], 'Neovim has quit.')

    def check_attached(self, listen, *addresses):
        editor, name = self.start_editor(listen)
        for address in addresses:
            lines = self.succeed(self.start_program('--connect', address.format(name),
                                                    '--eval', 'len(getbufinfo())'))
            self.check(lines)
            self.assertIn('len(getbufinfo()) => 1', lines)
            self.assertEqual(lines[-1], 'Detached.')
            self.assertIsNone(editor.poll())

    @needs_nvim
    def test_attached_over_unix_socket(self):
        self.check_attached(str(self.folder / 'socket'), '{}', 'unix://{}')

    @needs_nvim
    def test_attached_over_tcp(self):
        self.check_attached('127.0.0.1:0', '{}', 'tcp://{}')

    @needs_nvim
    def test_two_at_once(self):
        name = self.start_editor(str(self.folder / 'socket'))[1]
        programs = [self.start_program('--connect', name) for _ in range(2)]
        for program in programs:
            lines = self.succeed(program)
            self.assertIn('Wrote 10000 lines and read the same.', lines)
            self.assertIn("Nested calls brought [1, [2, [3, 'the bottom']]].", lines)

    def test_help(self):
        text = '\n'.join(self.succeed(self.start_program('--help')))
        for option in ('--connect=ADDRESS', '--eval=EXPRESSION', '--timeout=SECONDS'):
            self.assertIn(option, text)


class Fails(TestCase):
    def check_killed(self, listen):
        editor, name = self.start_editor(listen)
        sleep = "[writefile(['busy'], '/dev/stdout'), luaeval('vim.loop.sleep(60000)')]"
        program = self.start_program('--connect', name, '--eval', sleep)
        self.assertEqual(read_line(editor), 'busy')
        editor.kill()
        self.fail_with('closed', program)

    @needs_nvim
    def test_killed_over_unix_socket(self):
        self.check_killed(str(self.folder / 'socket'))

    @needs_nvim
    def test_killed_over_tcp(self):
        self.check_killed('127.0.0.1:0')

    @needs_nvim
    def test_killed_in_a_pipe(self):
        kill = f'luaeval("vim.loop.kill(vim.loop.getpid(), {signal.SIGKILL:d})")'
        self.fail_with('signal 9', self.start_program('--eval', kill))

    @needs_nvim
    def test_expression_in_error(self):
        self.fail_with('E121: Undefined variable: nosuch', self.start_program('--eval', 'nosuch'))

    def test_nobody_listens(self):
        with socket.create_server(('127.0.0.1', 0)) as server:
            port = server.getsockname()[1]
        path = self.folder / 'socket'
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
        self.fail_with('refused', self.start_program('--connect', f'tcp://127.0.0.1:{port}'))
        self.fail_with('refused', self.start_program('--connect', f'127.0.0.1:{port}'))
        self.fail_with('refused', self.start_program('--connect', str(path)))
        self.fail_with('No such file', self.start_program('--connect', f'unix://{path}.none'))

    def test_bad_arguments(self):
        self.fail_with('“nonsense” is not valid', self.start_program('--connect', 'nonsense'))
        self.fail_with('--help', self.start_program('something'))
        self.fail_with('--help', self.start_program('--timeout', '0'))
        self.fail_with('--nosuch', self.start_program('--nosuch'))

    def test_nvim_not_installed(self):
        self.environment['PATH'] = str(self.folder)
        self.fail_with('“nvim”.*No such file', self.start_program())

    def make_nvim(self, script):
        path = self.folder / 'nvim'
        path.write_text(f'#!/bin/sh\n{script}\n')
        path.chmod(0o755)
        self.environment['PATH'] = f"{self.folder}:{self.environment['PATH']}"

    def test_nvim_ends_at_once(self):
        self.make_nvim('exit 3')
        self.fail_with('status 3', self.start_program())

    def test_nvim_is_something_else(self):
        self.make_nvim('echo Hello; cat >/dev/null')
        self.fail_with('expected a message.*Hello', self.start_program())

    def serve(self):
        server = self.enterContext(socket.create_server(('127.0.0.1', 0)))
        server.settimeout(DEADLINE)
        program = self.start_program('--timeout', '1', '--connect',
                                     f'127.0.0.1:{server.getsockname()[1]}')
        return program, self.enterContext(server.accept()[0])

    def test_no_answer(self):
        program, _ = self.serve()
        self.fail_with('not answered within 1000 ms', program)

    def test_web_server(self):
        program, peer = self.serve()
        peer.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')
        self.fail_with('expected a message.*HTTP/1.1 400', program)

    def test_broken_answer(self):
        program, peer = self.serve()
        peer.sendall(b'\x94\x01\x01\xc0\xdd\xff\xff\xff\xff')
        self.fail_with('too large', program)

    def test_answer_of_another_type(self):
        program, peer = self.serve()
        self.assertIn(b'nvim_get_api_info', peer.recv(4096))
        with contextlib.suppress(ConnectionError):
            peer.sendall(b'\x94\x01\x01\xc0\xa4what')
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(4096):
                pass
        self.fail_with('closed', program)


if __name__ == '__main__':
    tap.main()
