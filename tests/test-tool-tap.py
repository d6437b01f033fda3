# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs “msgpackrpc tap” between peers of raw bytes, a server of the tool, and Neovim; and “msgpackrpc
show” on what it has recorded, and on what it has not."""

import contextlib
import itertools
import os
import pathlib
import random
import re
import resource
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
import unittest

import msgpack

import tap

BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR'])
TOOL = BUILD.parent / 'msgpackrpc-glib' / 'tools' / 'msgpackrpc'
# Seconds until a test gives up.
DEADLINE = 20

SUCCESS, REMOTE_ERROR, NO_ANSWER, USAGE = range(4)

MEGABYTE = 1 << 20
# What a tap may take beyond what it takes when it has done nothing.
MAX_GROWTH = 48 * MEGABYTE

# Messages are compared as they are in the code, and times as they are here.
os.environ.pop('LANGUAGE', None)
os.environ.pop('NO_COLOR', None)
# Freed memory is kept by the sanitizer, but not so much of it.
os.environ['ASAN_OPTIONS'] = (os.environ.get('ASAN_OPTIONS', '') +
                              ':quarantine_size_mb=1:thread_local_quarantine_size_kb=64')

needs_nvim = unittest.skipUnless(shutil.which('nvim'), 'nvim is not installed')

TIME = r'\d\d:\d\d:\d\d\.\d{3} '


def run(*args, **settings):
    """The exit status, and what was printed on standard output and error."""
    settings = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | settings
    if 'input' not in settings:
        settings['stdin'] = subprocess.DEVNULL
    process = subprocess.run([TOOL, *args], timeout=DEADLINE, check=False, **settings)
    return process.returncode, (process.stdout or b'').decode(), (process.stderr or b'').decode()


def wait_until(condition, what):
    deadline = time.monotonic() + DEADLINE
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.005)
    return result


def connect(address):
    """A socket at an address that the tool has printed."""
    if address.startswith('unix://'):
        conn = socket.socket(socket.AF_UNIX)
        conn.settimeout(DEADLINE)
        conn.connect(address.removeprefix('unix://'))
        return conn
    host, _, port = address.removeprefix('tcp://').rpartition(':')
    return socket.create_connection((host.strip('[]'), int(port)), DEADLINE)


def receive(conn, size):
    data = b''
    while len(data) < size:
        more = conn.recv(size - len(data))
        if not more:
            raise EOFError(f'only {data!r} came')
        data += more
    return data


def receive_all(conn):
    data = bytearray()
    while more := conn.recv(65536):
        data += more
    return bytes(data)


def packed(*values):
    return b''.join(map(msgpack.packb, values))


def memory(pid):
    """The most that a process has had in memory, in bytes."""
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(re.search(r'VmHWM:\s+(\d+) kB', status)[1]) * 1024


class Tap:
    """A tap that listens, and prints to a file."""

    def __init__(self, folder, target, *options, listen='tcp://127.0.0.1:0', **settings):
        self.path = folder / 'log'
        with self.path.open('wb') as file:
            self.process = subprocess.Popen([TOOL, 'tap', *options, listen, target],
                                            stdin=subprocess.DEVNULL, stdout=file,
                                            stderr=subprocess.PIPE, **settings)
        self.address = wait_until(self.first_line, 'no address')

    def first_line(self):
        if self.process.poll() is not None:
            raise EOFError(self.process.stderr.read().decode())
        text = self.path.read_text()
        return text.partition('\n')[0] if '\n' in text else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=DEADLINE)

    def connect(self):
        return connect(self.address)

    @property
    def lines(self):
        return self.path.read_text().splitlines()[1:]

    def wait_for(self, pattern):
        wait_until(lambda: any(re.search(pattern, line) for line in self.lines),
                   f'{pattern} in {self.lines}')

    def end(self, number=signal.SIGINT):
        """The lines, without their times."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=DEADLINE)
        if (self.process.returncode, errors) != (SUCCESS, b''):
            raise AssertionError((self.process.returncode, errors))
        return [re.sub(f'^{TIME}', '', line) for line in self.lines]


class TestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.listener.settimeout(DEADLINE)
        self.addCleanup(self.listener.close)

    @property
    def target(self):
        return 'tcp://127.0.0.1:%d' % self.listener.getsockname()[1]

    @contextlib.contextmanager
    def tapped(self, *options, **settings):
        """A tap, and the sockets of the client and the server at its ends."""
        with Tap(self.folder, self.target, *options, **settings) as tapping:
            with tapping.connect() as client, self.listener.accept()[0] as server:
                server.settimeout(DEADLINE)
                yield tapping, client, server

    def assert_lines(self, lines, *patterns):
        self.assertEqual(len(lines), len(patterns), lines)
        for line, pattern in zip(lines, patterns):
            self.assertRegex(line, f'^(?:{pattern})$')


OPEN = r'1 open: tcp://127\.0\.0\.1:\d+'
ENDS = ('1 → end', '1 ← end', '1 closed')


class Usage(TestCase):
    def assert_usage(self, args, message, message_begins=False):
        status, out, err = run(*args)
        self.assertEqual((status, out), (USAGE, ''))
        first = err.splitlines()[0]
        self.assertEqual(first[:len(f'msgpackrpc: {message}')] if message_begins else first,
                         f'msgpackrpc: {message}')

    def test_tap(self):
        self.assert_usage(['tap'], 'No address given')
        self.assert_usage(['tap', 'tcp://localhost:0'], 'No target given')
        self.assert_usage(['tap', 'a', 'b', 'c'], 'More than an address and a target given')
        self.assert_usage(['tap', 'tcp://localhost:0', 'localhost:1', '--framing=x'],
                          'Unknown value “x” of “--framing”; the values are: none, msgpack-length')
        self.assert_usage(['tap', 'tcp://localhost:0', 'http://localhost'],
                          'Address “http://localhost” is not valid: the scheme “http” is unknown')
        self.assert_usage(['tap', 'exec:cat', 'localhost:1'],
                          'Address “exec:cat” is not valid: an address never starts a program')
        for target in ('exec:', 'exec: ', 'exec:sh "'):
            self.assert_usage(['tap', 'tcp://localhost:0', target],
                              f'Address “{target}” is not valid: ', message_begins=True)
        for option in ('--tls-ca', '--tls-certificate'):
            self.assert_usage(['tap', f'{option}=/dev/null', 'tcp://localhost:0', 'localhost:1'],
                              f'“{option}” needs an address that begins with “tls://” or '
                              '“srv+tls://”')
            status, out, err = run('tap', f'{option}=/nonexistent', 'tcp://localhost:0',
                                   'tls://localhost:1')
            self.assertEqual((status, out), (USAGE, ''))
            self.assertIn('/nonexistent', err)
        self.assert_usage(['tap', 'tls://localhost:0', 'localhost:1'],
                          'Cannot listen on “tls://localhost:0”: the program speaks TLS to the '
                          'target alone')

    def test_show(self):
        self.assert_usage(['show'], 'No file given')
        self.assert_usage(['show', 'a', 'b'], 'More than one file given')

    def test_address_in_use(self):
        status, out, err = run('tap', self.target, 'localhost:1')
        self.assertEqual((status, out), (NO_ANSWER, ''))
        self.assertIn('Cannot listen on', err)

    def test_unix_socket_is_removed(self):
        path = self.folder / 'socket'
        # Also by a signal that comes as soon as the address was printed.
        for _ in range(10):
            with Tap(self.folder, self.target, listen=f'unix://{path}') as tapping:
                self.assertTrue(path.is_socket())
                self.assertEqual(tapping.end(signal.SIGTERM), [])
            self.assertFalse(path.exists())

    def test_unix_from_here(self):
        folder = os.path.realpath(self.folder)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f'{folder}/target')
            listener.listen()
            process = subprocess.Popen([TOOL, 'tap', './tap', './target'], cwd=folder,
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            try:
                address = process.stdout.readline().decode().strip()
                self.assertEqual(address, f'unix://{folder}/tap')
                with connect(address) as client:
                    listener.settimeout(DEADLINE)
                    client.sendall(b'\xc0')
                    with listener.accept()[0] as server:
                        self.assertEqual(receive(server, 1), b'\xc0')
            finally:
                process.terminate()
                process.communicate(timeout=DEADLINE)

    def test_both_families(self):
        with Tap(self.folder, self.target, listen='tcp://localhost:0') as tapping:
            wait_until(lambda: len(tapping.path.read_text().splitlines()) == 2, 'an address')
            for address in tapping.path.read_text().splitlines():
                with connect(address):
                    self.listener.accept()[0].close()


class Copying(TestCase):
    def assert_passes(self, source, sink, data):
        with contextlib.ExitStack() as stack:
            thread = threading.Thread(target=source.sendall, args=[data])
            thread.start()
            stack.callback(thread.join)
            self.assertEqual(receive(sink, len(data)), data)

    def test_messages(self):
        data = packed(*([0, i, 'echo', ['x' * i, {'a': [i, None, 1.5]}]] for i in range(1000)))
        with self.tapped() as (tapping, client, server):
            self.assert_passes(client, server, data)
            self.assert_passes(server, client, data)
            tapping.wait_for('← request 999 echo')
            self.assertEqual(len([line for line in tapping.end() if 'request' in line]), 2000)

    def test_random_bytes(self):
        for seed in range(3):
            data = random.Random(seed).randbytes(MEGABYTE)
            with self.subTest(seed), self.tapped() as (tapping, client, server):
                self.assert_passes(client, server, data)
                self.assert_passes(server, client, data)
                tapping.end()

    def test_broken_bytes_are_shown(self):
        data = packed([2, 'm', [1]]) + b'\x94\x00\x05\xc1' + bytes(range(30))
        with self.tapped() as (tapping, client, server):
            for conn, other in ((client, server), (server, client)):
                self.assert_passes(conn, other, data)
                conn.shutdown(socket.SHUT_WR)
                self.assertEqual(other.recv(1), b'')
            tapping.wait_for('closed')
            broken = ('invalid, and from here on not decoded: Invalid MessagePack: byte 0xc1 at '
                      'offset 9: c1 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e …')
            self.assert_lines(tapping.end(), OPEN, r'1 → notification m \[1\]', f'1 → {broken}',
                              '1 → 31 bytes were not decoded', '1 → end',
                              r'1 ← notification m \[1\]', f'1 ← {broken}',
                              '1 ← 31 bytes were not decoded', '1 ← end', '1 closed')

    def test_header_beyond_limit_in_pieces(self):
        with self.tapped() as (tapping, client, server):
            for byte in b'\x91\xc6\x7f\xff\xff\xff':
                client.sendall(bytes([byte]))
                self.assertEqual(server.recv(10), bytes([byte]))
            tapping.wait_for('too large: .* at offset 6: 91 c6 7f ff ff ff$')
            self.assert_passes(client, server, b'more')
            self.assert_passes(server, client, packed([2, 'm', []]))
            tapping.wait_for(r'1 ← notification m \[\]')

    def test_partial_messages_are_not_delayed(self):
        data = packed([0, 1, 'method', ['text', b'bin', 1 << 40]])
        with self.tapped() as (tapping, client, server):
            for byte in data:
                client.sendall(bytes([byte]))
                self.assertEqual(server.recv(100), bytes([byte]))
            tapping.wait_for('→ request 1 method')

    def test_half_close(self):
        request, response = packed([0, 1, 'm', []]), packed([1, 1, None, 'late'])
        for first in (0, 1):
            with self.subTest(first), self.tapped() as (tapping, *ends):
                asks, answers = ends[first], ends[1 - first]
                asks.sendall(request)
                asks.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(answers), request)
                answers.sendall(response)
                answers.close()
                self.assertEqual(receive_all(asks), response)
                asks.close()
                tapping.wait_for('closed')
                out, back = '→←'[first], '←→'[first]
                self.assert_lines(tapping.end(), OPEN, rf'1 {out} request 1 m \[\]', f'1 {out} end',
                                  rf'1 {back} response 1 m \(.* ms\) "late"', f'1 {back} end',
                                  '1 closed')

    def test_end_within_message(self):
        with self.tapped() as (tapping, client, server):
            client.sendall(b'\x94\x00\x01')
            client.close()
            self.assertEqual(receive_all(server), b'\x94\x00\x01')
            server.close()
            tapping.wait_for('closed')
            self.assertIn('1 → invalid, and from here on not decoded: Message cut short: the stream '
                          'ends 3 bytes into a message at offset 0', tapping.end())

    def test_reset_is_passed_on(self):
        with self.tapped() as (tapping, client, server):
            client.sendall(b'\x01')
            self.assertEqual(server.recv(1), b'\x01')
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            client.close()
            self.assertEqual(receive_all(server), b'')
            tapping.wait_for('1 closed')
            self.assertIn('Connection reset', '\n'.join(tapping.end()))

    def test_server_that_does_not_read_any_more(self):
        path = str(self.folder / 'server')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            listener.settimeout(DEADLINE)
            with Tap(self.folder, path, listen=f"unix://{self.folder / 'tap'}") as tapping, \
                    tapping.connect() as client, listener.accept()[0] as server:
                server.shutdown(socket.SHUT_RD)
                with self.assertRaises(BrokenPipeError):
                    while True:
                        client.sendall(bytes(65536))
                server.sendall(packed([2, 'still', []]))
                self.assertEqual(receive(client, 8), packed([2, 'still', []])[:8])
                server.close()
                tapping.wait_for('1 closed')
                self.assertIn('1 → end: not read any more: ', '\n'.join(tapping.end()))

    def test_back_pressure(self):
        with self.tapped() as (tapping, client, server):
            before = memory(tapping.process.pid)
            message = packed([2, 'm', ['x' * 1000]])
            client.setblocking(False)
            sent = 0
            while select.select([], [client], [], 1)[1]:
                sent += client.send(message * 64)
            self.assertLess(sent, 64 * MEGABYTE)
            self.assertLess(memory(tapping.process.pid) - before, MAX_GROWTH)

            # The other direction goes on.
            client.settimeout(DEADLINE)
            self.assert_passes(server, client, message * 10)

            client.shutdown(socket.SHUT_WR)
            whole, rest = divmod(len(receive_all(server)), len(message))
            self.assertEqual(whole * len(message) + rest, sent)
            server.close()
            tapping.wait_for('1 closed')
            self.assertEqual(sum('→ notification m' in line for line in tapping.end()), whole)

    def test_memory(self):
        message = packed([2, 'm', [os.urandom(MEGABYTE)]])
        with self.tapped('--record', str(self.folder / 'record')) as (tapping, client, server):
            before = memory(tapping.process.pid)
            # Beyond the growth that is allowed.
            n_messages = 64
            thread = threading.Thread(
                target=lambda: [client.sendall(message) for _ in range(n_messages)])
            thread.start()
            for _ in range(n_messages):
                self.assertEqual(receive(server, len(message)), message)
            thread.join()
            wait_until(lambda: len(tapping.lines) == n_messages + 1, 'messages')
            self.assertLess(memory(tapping.process.pid) - before, MAX_GROWTH)

    def test_incomplete_messages_of_many(self):
        """All that is held for the log has a limit, beyond which nothing is decoded."""
        header, piece = b'\x91\xc6\x03\xff\x00\x00', bytes(MEGABYTE)
        with Tap(self.folder, self.target) as tapping, contextlib.ExitStack() as stack:
            for _ in range(5):
                client = stack.enter_context(tapping.connect())
                server = stack.enter_context(self.listener.accept()[0])
                self.assert_passes(client, server, header)
                for _ in range(55):
                    self.assert_passes(client, server, piece)
            tapping.wait_for('Messages of more than 268435456 bytes are not complete, so that this one '
                             'is not read: ')
            with tapping.connect() as client, self.listener.accept()[0] as server:
                self.assert_passes(client, server, packed([2, 'm', []]))
                tapping.wait_for(r'6 → notification m \[\]')

    def test_many_connections(self):
        with Tap(self.folder, self.target) as tapping, contextlib.ExitStack() as stack:
            pairs = []
            for _ in range(200):
                client = stack.enter_context(tapping.connect())
                pairs.append((client, stack.enter_context(self.listener.accept()[0])))
            for i, (client, _) in enumerate(pairs):
                client.sendall(packed([0, i, 'm', [i]]))
            for i, (client, server) in enumerate(pairs):
                data = packed([0, i, 'm', [i]])
                self.assertEqual(receive(server, len(data)), data)
                server.sendall(packed([1, i, None, i]))
                self.assertEqual(receive(client, len(packed([1, i, None, i]))),
                                 packed([1, i, None, i]))
            tapping.wait_for('200 ← response')
            lines = tapping.end()
            for i in range(200):
                self.assertIn(f'{i + 1} → request {i} m [{i}]', lines)
            self.assertEqual(sum('closed: the tap has ended' in line for line in lines), 200)

    def test_no_target(self):
        self.listener.close()
        target = socket.create_server(('127.0.0.1', 0))
        address = 'tcp://127.0.0.1:%d' % target.getsockname()[1]
        target.close()
        with Tap(self.folder, address) as tapping, tapping.connect() as client:
            self.assertEqual(receive_all(client), b'')
            tapping.wait_for('1 closed: no target: .*Connection refused')

    def test_slow_reader_of_the_log(self):
        """Peers go on, and what is not shown is counted."""
        process = subprocess.Popen([TOOL, 'tap', '--full', 'tcp://127.0.0.1:0', self.target],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        try:
            message = packed([2, 'm', ['x' * MEGABYTE]])
            with connect(process.stdout.readline().decode().strip()) as client, \
                    self.listener.accept()[0] as server:
                for _ in range(40):
                    self.assert_passes(client, server, message)
                process.send_signal(signal.SIGINT)
                output = process.stdout.read().decode()
        finally:
            process.kill()
            process.communicate()
        shown = output.count('notification m')
        left_out = re.search(r'… (\d+) of these are missing', output)
        self.assertLess(shown, 40)
        self.assertGreaterEqual(shown + int(left_out[1]), 40)

    def test_log_that_cannot_be_written(self):
        with open('/dev/full', 'wb') as full, open(self.folder / 'errors', 'wb') as errors:
            process = subprocess.Popen([TOOL, 'tap', f"unix://{self.folder / 'tap'}", self.target],
                                       stdin=subprocess.DEVNULL, stdout=full, stderr=errors)
        try:
            wait_until((self.folder / 'tap').is_socket, 'a socket')
            with wait_until(lambda: self.try_connect(self.folder / 'tap'), 'listening') as client, \
                    self.listener.accept()[0] as server:
                self.assert_passes(client, server, packed([2, 'm', []]) * 1000)
                self.assert_passes(server, client, packed([2, 'm', []]) * 1000)
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(DEADLINE), SUCCESS)
        finally:
            process.kill()
            process.wait()
        self.assertEqual((self.folder / 'errors').read_text(),
                         'msgpackrpc: Could not write what was seen, which goes on all the same: '
                         'No space left on device\n')

    @staticmethod
    def try_connect(path):
        with contextlib.suppress(ConnectionRefusedError):
            return connect(f'unix://{path}')

    def test_tls(self):
        key, certificate = self.folder / 'key.pem', self.folder / 'certificate.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                        '-keyout', key, '-out', certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        target = 'tls://localhost:%d' % self.listener.getsockname()[1]
        data = packed([2, 'm', ['x' * 100000]]) * 20

        def serve():
            with context.wrap_socket(self.listener.accept()[0], server_side=True) as server:
                server.settimeout(DEADLINE)
                received = receive_all(server)
                server.sendall(received)

        with Tap(self.folder, target, '--tls-ca', str(certificate)) as tapping, \
                tapping.connect() as client:
            thread = threading.Thread(target=serve)
            thread.start()
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(client), data)
            thread.join()
            tapping.wait_for('1 closed$')
            lines = tapping.end()
            self.assertEqual(sum('→ notification m' in line for line in lines), 20)
            self.assertEqual(sum('← notification m' in line for line in lines), 20)

    def test_tls_that_is_not_trusted(self):
        key, certificate = self.folder / 'key.pem', self.folder / 'certificate.pem'
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                        '-subj', '/CN=localhost', '-keyout', key, '-out', certificate],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

        def serve():
            with contextlib.suppress(OSError):
                context.wrap_socket(self.listener.accept()[0], server_side=True).close()

        with Tap(self.folder, 'tls://localhost:%d' % self.listener.getsockname()[1]) as tapping, \
                tapping.connect() as client:
            thread = threading.Thread(target=serve)
            thread.start()
            self.assertEqual(receive_all(client), b'')
            thread.join()
            tapping.wait_for('1 closed: no target: ')


class Programs(TestCase):
    def run_at_stdio(self, target, data, *options):
        process = subprocess.run([TOOL, 'tap', *options, 'stdio:', target], input=data,
                                 capture_output=True, timeout=DEADLINE, check=False)
        lines = process.stderr.decode().splitlines()
        return process.returncode, process.stdout, [re.sub(f'^{TIME}', '', line) for line in lines]

    def test_both(self):
        data = packed(*([2, 'm', ['x' * 100]] for _ in range(20000)))
        log = self.folder / 'log'
        status, output, lines = self.run_at_stdio('exec:cat', data, '--output', str(log))
        self.assertEqual((status, lines), (SUCCESS, []))
        self.assertEqual(output, data)
        self.assertEqual(log.read_text().count('→ notification m'), 20000)
        self.assertEqual(log.read_text().count('← notification m'), 20000)

    def test_log_on_standard_error(self):
        status, output, lines = self.run_at_stdio('exec:cat', packed([2, 'm', []]))
        self.assertEqual((status, output), (SUCCESS, packed([2, 'm', []])))
        self.assert_lines(sorted(lines), r'1 closed', r'1 open: stdio:', '1 ← end',
                          r'1 ← notification m \[\]', '1 → end', r'1 → notification m \[\]')

    def test_arguments(self):
        status, output, _ = self.run_at_stdio("exec:printf '%s' 'a b' \"$HOME;\"", b'')
        self.assertEqual((status, output), (SUCCESS, b'a b$HOME;'))

    def test_status(self):
        for command, ending in (("sh -c 'exit 3'", 'ended with status 3'),
                                ("sh -c 'kill -9 $$'", 'was ended by signal 9')):
            with self.subTest(command):
                status, _, lines = self.run_at_stdio(f'exec:{command}', b'')
                self.assertEqual(status, SUCCESS)
                self.assertEqual(lines[-1], f'1 closed: the program {ending}')

    def test_no_program(self):
        status, output, lines = self.run_at_stdio('exec:/nonexistent/program', b'')
        self.assertEqual(output, b'')
        self.assertRegex(lines[-1], '1 closed: no target: .*/nonexistent/program')
        self.assertEqual(status, NO_ANSWER)

    def test_one_for_each_connection(self):
        with Tap(self.folder, "exec:sh -c 'echo $$; cat'") as tapping:
            with tapping.connect() as one, tapping.connect() as two:
                self.assertNotEqual(one.recv(100), two.recv(100))
                one.sendall(b'1')
                self.assertEqual(one.recv(100), b'1')
                two.sendall(b'2')
                self.assertEqual(two.recv(100), b'2')

    def test_signal_is_passed_on(self):
        mark = self.folder / 'mark'
        command = f"exec:sh -c 'trap \"touch {mark}; exit\" TERM; echo; while :; do sleep 0.01; done'"
        with Tap(self.folder, command) as tapping, tapping.connect() as client:
            self.assertEqual(client.recv(1), b'\n')
            tapping.end(signal.SIGTERM)
            wait_until(mark.exists, 'the program goes on')

    def test_back_pressure(self):
        """The program reads nothing, and neither does who started the tap."""
        process = subprocess.Popen([TOOL, 'tap', '--output', '/dev/null', 'stdio:',
                                    "exec:sh -c 'cat /dev/zero & exec sleep 1000'"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            os.set_blocking(process.stdin.fileno(), False)
            before = None
            while select.select([], [process.stdin], [], 1)[1]:
                os.write(process.stdin.fileno(), bytes(4096))
                before = before or memory(process.pid)
            # Nothing blocks in it: what it is asked for, it gives.
            self.assertEqual(process.stdout.read(MEGABYTE), bytes(MEGABYTE))
            self.assertLess(memory(process.pid) - before, MAX_GROWTH)
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)


class Log(TestCase):
    def log_of(self, sent, *options):
        """What is printed of messages: pairs of a side and what it sends."""
        with self.tapped(*options) as (tapping, client, server):
            for side, data in sent:
                ends = (client, server) if side == '→' else (server, client)
                ends[0].sendall(data)
                self.assertEqual(receive(ends[1], len(data)), data)
            for one, other in ((client, server), (server, client)):
                one.shutdown(socket.SHUT_WR)
                self.assertEqual(other.recv(1), b'')
            wait_until(lambda: tapping.process.poll() is None and not self.is_open(tapping), 'open')
            return tapping.end()

    @staticmethod
    def is_open(tapping):
        return len(os.listdir(f'/proc/{tapping.process.pid}/task')) > 0 and \
            any(link.startswith('socket:') for link in Log.sockets(tapping.process.pid))

    @staticmethod
    def sockets(pid):
        folder = pathlib.Path(f'/proc/{pid}/fd')
        links = []
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                links.append(os.readlink(path))
        # That it listens on remains.
        sockets = [link for link in links if link.startswith('socket:')]
        return sockets[1:]

    SESSION = (
        ('→', packed([0, 1, 'add', [1, 2]])),
        ('→', packed([0, 2, 'fail', ['x']])),
        ('←', packed([1, 2, [0, 'no'], None])),
        ('←', packed([2, 'redraw', [{'a': b'\0\1'}]])),
        ('←', packed([1, 1, None, 3])),
        ('←', packed([0, 1, 'add', []])),
        ('→', packed([1, 1, 'why', 'also'])),
        ('←', packed([1, 7, None, True])),
        ('→', packed([0, 1])),
    )

    def test_messages(self):
        self.assert_lines(
            self.log_of(self.SESSION), OPEN,
            r'1 → request 1 add \[1,2\]',
            r'1 → request 2 fail \["x"\]',
            r'1 ← error 2 fail \(\d+\.\d ms\) \[0,"no"\]',
            r'1 ← notification redraw \[{"a":{"\$bin":"AAE="}}\]',
            r'1 ← response 1 add \(\d+\.\d ms\) 3',
            r'1 ← request 1 add \[\]',
            r'1 → error 1 add \(\d+\.\d ms\) "why" "also"',
            r'1 ← response 7 \(to no request that was seen\) true',
            r'1 → no message of MessagePack-RPC: \[0,1\]', *ENDS)

    def test_methods(self):
        self.assert_lines(
            self.log_of(self.SESSION, '--method', 'a?d', '-m', 'red*'),
            r'1 → request 1 add \[1,2\]',
            r'1 ← notification redraw \[{"a":{"\$bin":"AAE="}}\]',
            r'1 ← response 1 add \(\d+\.\d ms\) 3',
            r'1 ← request 1 add \[\]',
            r'1 → error 1 add \(\d+\.\d ms\) "why" "also"')

    def test_relative(self):
        with self.tapped('--relative') as (tapping, client, server):
            client.sendall(packed([2, 'm', []]))
            tapping.wait_for(r'^ *\d+\.\d{3} 1 → notification m')

    def test_formats(self):
        sent = [('→', b'\x93\x02\xa1m\x91\x81\xd9\x01a\xcd\x00\x05')]
        for format, line in {
            'json': r'1 → notification m \[{"a":5}\]',
            'pretty': r'1 → notification m \[{"a": 5}\]',
            'variant': r"1 → notification m \[<{'a': <int64 5>}>\]",
            # As it was sent.
            'hex': '1 → notification m 93 02 a1 6d 91 81 d9 01 61 cd 00 05',
        }.items():
            with self.subTest(format):
                self.assert_lines(self.log_of(sent, f'--format={format}'), OPEN, line, *ENDS)

    def test_long_values(self):
        value = ['é' * 2000, list(range(1000)), {f'key {i}': i for i in range(1000)},
                 {i: 0 for i in range(1000)}, b'\1' * 1000, msgpack.ExtType(5, b'\2' * 1000)]
        for item in value:
            with self.subTest(str(item)[:20]):
                sent = [('→', packed([2, 'm' * 1000, [item]]))]
                short = self.log_of(sent)[1]
                self.assertIn('…', short.removeprefix(f"1 → notification {'m' * 100}…"))
                self.assertLess(len(short), 800)
                self.assertGreater(len(self.log_of(sent, '--full')[1]), 1400)
                self.assertLess(len(self.log_of(sent, '--format=hex')[1]), 800)
                self.assertGreater(len(self.log_of(sent, '--format=hex', '--full')[1]), 3000)

    def test_boolean_errors(self):
        sent = [('→', packed([0, 1, 'm', []])), ('←', packed([1, 1, False, 'a'])),
                ('→', packed([0, 2, 'm', []])), ('←', packed([1, 2, True, 'b'])),
                ('→', packed([0, 3, 'm', []])), ('←', packed([1, 3, False, 'c']))]
        lines = self.log_of(sent)
        self.assertRegex(lines[2], r'← error 1 m \(.*\) false "a"')
        self.assertRegex(lines[4], r'← error 2 m \(.*\) true "b"')
        self.assertRegex(lines[6], r'← response 3 m \(.*\) "c"')

    def test_control_characters(self):
        text = '\x1b[2J\n\r\x9b31m\u202e'
        sent = [('→', packed([0, text, text, [text]])), ('←', packed([1, text, text, {text: text}])),
                ('→', packed([2, 5, text])), ('→', packed([2, {text: 1}, []]))]
        for options in itertools.product(('--format=json', '--format=variant', '--format=pretty'),
                                         ((), ('--full',))):
            lines = self.log_of(sent, options[0], *options[1])
            self.assertEqual(len(lines), 11 if options[0] == '--format=pretty' else 8, lines)
            self.assertNotRegex(''.join(lines), '[\x00-\x1f\x7f-\x9f\u202e]')

    def test_colours(self):
        lines = self.log_of(self.SESSION, '--color=always')
        self.assertIn('\x1b[31merror 2\x1b[0m', lines[3])
        self.assertIn('\x1b[32mresponse 1\x1b[0m', lines[5])
        self.assertNotIn('\x1b', ''.join(self.log_of(self.SESSION, '--color=auto')))

    def test_framing(self):
        message = packed([2, 'm', []])
        framed = [('→', bytes([len(message)]) + message), ('→', b'\xcd\x00\x06' + message)]
        self.assert_lines(
            self.log_of(framed, '--framing=msgpack-length'), OPEN, r'1 → notification m \[\]',
            rf'1 → notification m \[\] \(has {len(message)} bytes, not 6 as announced\)', *ENDS)
        self.assert_lines(
            self.log_of(framed[:1]), OPEN,
            r'1 → invalid, and from here on not decoded: Expected a message, which is an array, at '
            r'offset 0 \(behind its length\? --framing\): 05 93 02 a1 6d 90',
            '1 → 6 bytes were not decoded', *ENDS)
        self.assert_lines(
            self.log_of([('→', message)], '--framing=msgpack-length'), OPEN,
            '1 → invalid, and from here on not decoded: Expected the length of a message at offset 0: '
            '93 02 a1 6d 90', '1 → 5 bytes were not decoded', *ENDS)
        self.assert_lines(
            self.log_of([('←', b'\x05')], '--framing=msgpack-length'), OPEN, '1 → end',
            '1 ← invalid, and from here on not decoded: The stream ends after the length of a message',
            '1 ← end', '1 closed')


def event(*items):
    return packed(list(items))


HEAD = packed(['msgpackrpc tap', 1, 1700000000000000,
               {'addresses': ['tcp://127.0.0.1:1'], 'target': 'tcp://127.0.0.1:2', 'framed': False}])


class Records(TestCase):
    def setUp(self):
        super().setUp()
        self.record = self.folder / 'record'

    def show(self, *options, data=None):
        if data is not None:
            self.record.write_bytes(data)
        return run('show', *options, str(self.record))

    def make(self, *options):
        """Records a session, and returns what the tap has printed of it."""
        with self.tapped('--record', str(self.record), *options) as (tapping, client, server):
            for side, data in Log.SESSION:
                ends = (client, server) if side == '→' else (server, client)
                ends[0].sendall(data)
                self.assertEqual(receive(ends[1], len(data)), data)
            client.sendall(b'\xc1' + bytes(100))
            receive(server, 101)
            client.close()
            server.close()
            wait_until(lambda: self.record.read_bytes().endswith(b'\xa5close\xc0'), 'the end')
            tapping.end()
            return tapping.path.read_text()

    def test_shows_what_was_printed(self):
        for options in ([], ['--relative'], ['--format=pretty'], ['--format=hex', '--full'],
                        ['--format=variant', '-r'], ['--method=add'], ['--framing=msgpack-length'],
                        ['--color=always']):
            with self.subTest(options):
                printed = self.make(*options)
                self.assertEqual(self.show(*options), (SUCCESS, printed, ''))

    def test_form(self):
        self.make()
        head, *events = list(msgpack.Unpacker(self.record.open('rb')))
        self.assertEqual(head[:2], ['msgpackrpc tap', 1])
        self.assertLess(abs(head[2] / 1e6 - time.time()), 600)
        self.assertEqual(head[3]['target'], self.target)
        self.assertIs(head[3]['framed'], False)
        self.assertEqual(len(head[3]['addresses']), 1)
        times = [event[0] for event in events]
        self.assertEqual(times, sorted(times))
        self.assertEqual({event[1] for event in events}, {1})
        self.assertEqual(events[0][2], 'open')
        self.assertEqual(events[-1][2:], ['close', None])
        for side, arrow in (('→', '>'), ('←', '<')):
            sent = b''.join(data for s, data in Log.SESSION if s == side)
            recorded = b''.join(event[3] for event in events
                                if event[2] == arrow and event[3] is not None)
            self.assertTrue(recorded.startswith(sent))
            self.assertIn([1, arrow, None], [event[1:] for event in events])
        self.assertEqual(self.record.stat().st_mode & 0o777, 0o600)

    def test_framing_is_known(self):
        data = packed(['msgpackrpc tap', 1, 0, {'framed': True}])
        data += event(0, 1, 'open', None) + event(0, 1, '>', b'\x05' + packed([2, 'm', []]))
        self.assertRegex(self.show(data=data)[1], r'1 → notification m \[\]')
        self.assertRegex(self.show('--framing=none')[1], r'1 → invalid, .*: Expected a message')

    def test_of_a_tap_that_was_killed(self):
        with self.tapped('--record', str(self.record)) as (tapping, client, server):
            client.sendall(packed([0, 1, 'm', []]))
            receive(server, 6)
            tapping.wait_for('request')
            tapping.process.kill()
            tapping.process.wait()
            self.assertEqual(self.show(), (SUCCESS, tapping.path.read_text(), ''))

    def test_that_ends_anywhere(self):
        self.make()
        data = self.record.read_bytes()
        unpacker = msgpack.Unpacker()
        unpacker.feed(data)
        ends = [unpacker.tell() for _ in unpacker]
        around = {end + i for end in ends for i in (-1, 0, 1)} & set(range(1, len(data) + 1))
        for length in sorted(around | set(range(1, len(data), 43))):
            self.record.write_bytes(data[:length])
            status, out, err = self.show()
            if length < ends[0]:
                self.assertEqual((status, out), (NO_ANSWER, ''))
                self.assertIn('is no record of “msgpackrpc tap”', err)
            elif length in ends:
                self.assertEqual((status, err), (SUCCESS, ''))
            else:
                self.assertEqual(status, NO_ANSWER)
                self.assertIn('ends within an event', err)
                whole = max(end for end in ends if end <= length)
                self.assertEqual(out, self.show(data=data[:whole])[1])

    def test_disk_that_is_full(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

        message = packed([2, 'm', ['x' * 3000]])
        process = subprocess.Popen([TOOL, 'tap', '--record', self.record, 'tcp://127.0.0.1:0',
                                    self.target], stdin=subprocess.DEVNULL, preexec_fn=limit,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            address = process.stdout.readline().decode().strip()
            with connect(address) as client, self.listener.accept()[0] as server:
                for _ in range(20):
                    client.sendall(message)
                    self.assertEqual(receive(server, len(message)), message)
                    server.sendall(message)
                    self.assertEqual(receive(client, len(message)), message)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(process.returncode, SUCCESS)
        self.assertEqual(out.decode().count('notification m'), 40)
        self.assertEqual(err.decode(), 'msgpackrpc: Recording has ended, the connections go on: Could '
                                       f'not write to “{self.record}”: File too large\n')
        status, shown, err = self.show()
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertEqual(shown.count('notification m'), 6)

    def test_that_cannot_be_written(self):
        for path in ('/dev/full', str(self.folder / 'no' / 'where'), str(self.folder)):
            status, _, err = run('tap', '--record', path, 'tcp://127.0.0.1:0', self.target)
            self.assertEqual(status, NO_ANSWER)
            self.assertIn(f'“{path}”', err)

    def test_that_cannot_be_read(self):
        for path in (self.folder, self.folder / 'nothing'):
            status, out, err = run('show', str(path))
            self.assertEqual((status, out), (NO_ANSWER, ''))
            self.assertRegex(err, f'^msgpackrpc: Could not (open|read) “{path}”: ')

    def test_of_another_version(self):
        data = packed(['msgpackrpc tap', 2, 0, {}])
        self.assertEqual(self.show(data=data), (NO_ANSWER, '', (
            f'msgpackrpc: “{self.record}” is a record of version 2, but this program knows version 1 '
            'alone\n')))

    def test_that_is_none(self):
        for data in (b'', b'text\n', b'\xc1', packed(['msgpackrpc tap']), packed(1), b'\xdd\xff\xff\xff\xff',
                     packed(['other', 1, 0, {}]), b'\xc6\xff\xff\xff\xff', b'\x91' * 1000):
            status, out, err = self.show(data=data)
            self.assertEqual((status, out), (NO_ANSWER, ''))
            self.assertEqual(err, f'msgpackrpc: “{self.record}” is no record of “msgpackrpc tap”\n')

    def test_head_that_is_damaged(self):
        for items in ([0, []], [-1, {}], [1 << 63, {}], ['x', {}], [0], [1.5, {}]):
            status, out, err = self.show(data=packed(['msgpackrpc tap', 1, *items]))
            self.assertEqual((status, out), (NO_ANSWER, ''))
            self.assertIn('is damaged: its head is not as it should be', err)

    def test_head_with_other_members(self):
        for members in ({}, {'addresses': 5}, {'addresses': [1, {}]}, {'target': []}, {'framed': 'x'},
                        {'later': [1]}):
            self.assertEqual(self.show(data=packed(['msgpackrpc tap', 1, 0, members])),
                             (SUCCESS, '', ''))

    def test_events_that_are_damaged(self):
        good = event(0, 1, 'open', None)
        for bad in (event(0, 1, 'open', None), event(0, 2, '>', b''), event(0, 2, 'close', None),
                    event(0, 1, 'other', None), event(0, 1, '>', 5), event(0, 1, '>'), event(0, 1),
                    event(-1, 1, '>', None), event(0, -1, 'open', None), event(1 << 63, 1, '>', None),
                    event(0, 1 << 63, 'open', None), event((1 << 63) - 1, 1, '>', None),
                    event(0, 1, 'close', b'x'), event(0, 1, None, None), packed(5), packed({}),
                    event(0, 1, '>>', b''), event(0, 1, '>', [b'']), b'\xc1'):
            status, out, err = self.show(data=HEAD + good + bad + good)
            self.assertEqual((status, len(out.splitlines())), (NO_ANSWER, 2), bad)
            self.assertIn('is damaged: ', err)

    def test_events_with_more_than_is_known(self):
        data = HEAD + event(0, 1, 'open', 'x', 'more') + event(1, 1, '>', b'\xc0', {})
        self.assertEqual(self.show(data=data)[0], SUCCESS)

    def test_control_characters(self):
        data = packed(['msgpackrpc tap', 1, 0, {'addresses': ['\x1b[2J\n']}])
        data += event(0, 1, 'open', '\x1b\n') + event(0, 1, '<', '\x1b\n') + \
            event(0, 1, 'close', '\x1b\n')
        status, out, _ = self.show(data=data)
        self.assertEqual(status, SUCCESS)
        self.assertEqual(len(out.splitlines()), 4)
        self.assertNotIn('\x1b', out)

    def assert_small(self, data):
        self.record.write_bytes(data)
        with open(self.folder / 'out', 'wb') as out:
            process = subprocess.Popen([TOOL, 'show', self.record], stdout=out,
                                       stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        self.assertLess(usage.ru_maxrss * 1024, 400 * MEGABYTE)

    def test_hostile_sizes(self):
        for data in (HEAD + b'\xc6\xff\xff\xff\xff', HEAD + b'\xdd\xff\xff\xff\xff' * 1000,
                     HEAD + b'\xdd\x00\x0f\xff\x00' + b'\xc0' * 5 * MEGABYTE,
                     HEAD + event(0, 1, 'open', None) + event(0, 1, '>', b'\xdd\xff\xff\xff\xff'),
                     HEAD + event(0, 1, 'open', None) + event(0, 1, '>', b'\x91' * 100000),
                     HEAD + event(0, 1, 'open', None) +
                     b''.join(event(0, 1, '>', packed([0, i, 'm' * 1000, []])) for i in range(12000)),
                     HEAD + b''.join(event(0, i, 'open', None) for i in range(60000))):
            with self.subTest(data[-40:]):
                self.assert_small(data)

    def test_requests_of_many(self):
        """What is remembered of requests that are not answered is limited over all connections."""
        requests = b''.join(packed([0, i, 'm', []]) for i in range(10000))
        last = [event(0, 21, '>', packed([0, i, 'last', []])) +
                event(0, 21, '<', packed([1, i, None, 'answer'])) for i in range(2)]
        data = HEAD + b''.join(event(0, i, 'open', None) + event(0, i, '>', requests)
                               for i in range(1, 21))
        data += event(0, 21, 'open', None) + last[0] + event(0, 20, 'close', None) + last[1]
        status, out, err = self.show('--method=last', data=data)
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assert_lines([line.partition(' ')[2] for line in out.splitlines()[1:]],
                          r'21 → request 0 last \[\]', r'21 → request 1 last \[\]',
                          r'21 ← response 1 last \(0\.0 ms\) "answer"')

    def test_random_damage(self):
        self.make()
        data = self.record.read_bytes()
        generator = random.Random(1)
        for _ in range(50):
            damaged = bytearray(data)
            for _ in range(generator.randint(1, 5)):
                damaged[generator.randrange(len(damaged))] = generator.randrange(256)
            status, _, err = self.show(data=bytes(damaged))
            self.assertIn(status, (SUCCESS, NO_ANSWER), err)
            self.assertNotIn('CRITICAL', err)


class Neovim(TestCase):
    """Both sides are programs that know nothing of the tap."""

    NVIM = 'nvim --embed --headless -u NONE -i NONE -n'

    @needs_nvim
    def test_in_place_of_the_editor(self):
        log, record = self.folder / 'log', self.folder / 'record'
        status, out, err = run('call', f"exec:{TOOL} tap --output {log} --record {record} stdio: "
                                       f"'exec:{self.NVIM}'", 'nvim_eval', '"range(3)"')
        self.assertEqual((status, out, err), (SUCCESS, '[0,1,2]\n', ''))
        wait_until(lambda: 'closed' in log.read_text(), 'the end')
        self.assertRegex(log.read_text(), r'1 → request \d+ nvim_eval \["range\(3\)"\]')
        self.assertRegex(log.read_text(), r'1 ← response \d+ nvim_eval \(\d+\.\d ms\) \[0,1,2\]')
        self.assertEqual(run('show', str(record)), (SUCCESS, log.read_text(), ''))

    @needs_nvim
    def test_server(self):
        sock, record = self.folder / 'nvim', self.folder / 'record'
        editor = subprocess.Popen(['nvim', '--headless', '-u', 'NONE', '-i', 'NONE', '-n', '--listen',
                                   sock], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)
        try:
            wait_until(sock.is_socket, 'no socket')
            with Tap(self.folder, str(sock), '--record', str(record), '--method=nvim_*_lines',
                     '--method=redraw', listen=f"unix://{self.folder / 'tap'}") as tapping:
                self.edit(tapping.connect())
                tapping.wait_for(r'response 2 nvim_buf_get_lines')
                lines = tapping.end()
                printed = tapping.path.read_text()
        finally:
            editor.kill()
            editor.wait()
        self.assertIn('1 → request 1 nvim_buf_set_lines [0,0,-1,true,["one","two"]]', lines)
        self.assertRegex('\n'.join(lines), r'← response 2 nvim_buf_get_lines \(.* ms\) '
                                           r'\["one","two"\]')
        self.assertRegex('\n'.join(lines), r'← notification redraw \[\["')
        status, shown, err = run('show', str(record))
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertIn(r'error 3 nvim_eval', shown)
        self.assertEqual(run('show', str(record), '--method=nvim_*_lines', '-m', 'redraw')[1], printed)

    def edit(self, conn):
        """The same bytes come as without the tap: those that a client of MessagePack reads."""
        unpacker = msgpack.Unpacker(strict_map_key=False)
        requests = [('nvim_ui_attach', [40, 10, {'ext_linegrid': True}]),
                    ('nvim_buf_set_lines', [0, 0, -1, True, ['one', 'two']]),
                    ('nvim_buf_get_lines', [0, 0, -1, True]),
                    ('nvim_eval', ['nonsense('])]
        with conn:
            for i, (method, params) in enumerate(requests):
                conn.sendall(packed([0, i, method, params]))
            results = {}
            while len(results) < len(requests):
                unpacker.feed(conn.recv(65536))
                results |= {message[1]: message[2:] for message in unpacker if message[0] == 1}
        self.assertEqual(results[2], [None, ['one', 'two']])
        self.assertIsNotNone(results[3][0])

    @needs_nvim
    def test_pynvim(self):
        log = self.folder / 'log'
        script = ('import sys, pynvim\n'
                  'nvim = pynvim.attach("child", argv=sys.argv[1:])\n'
                  'nvim.current.buffer[:] = ["x" * 100000, "y"]\n'
                  'assert nvim.current.buffer[:] == ["x" * 100000, "y"]\n'
                  'print(nvim.eval("1 + 1"), flush=True)\n'
                  # Closing kills the tap, which passes on before it writes what that was.
                  'sys.stdin.readline()\n'
                  'nvim.close()\n')
        with subprocess.Popen(['/usr/bin/python3', '-c', script, TOOL, 'tap', '--output', log,
                               'stdio:', f'exec:{self.NVIM}'], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.addCleanup(process.kill)
            self.assertEqual(process.stdout.readline(), b'2\n')
            wait_until(lambda: re.search(r'← response \d+ nvim_eval \(.* ms\) 2', log.read_text()),
                       'the answer in the log')
            output, errors = process.communicate(b'\n', timeout=DEADLINE)
        self.assertEqual((output, process.returncode), (b'', 0), errors)


if __name__ == '__main__':
    tap.main()
