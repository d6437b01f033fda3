# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The example that sends files: large ones, two of one name, hostile names, and interruptions."""

import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/filecopy'
DEADLINE = 80
GIB = 1 << 30
# What a sanitizer adds to the memory is no more flat than it must be.
IS_SANITIZED = 'MSGPACK_RPC_TEST_SLOWNESS' in os.environ
MAX_GROWTH_KIB = (256 if IS_SANITIZED else 32) * 1024
CONTENT = os.urandom(3_000_000)


class Cut:
    """Hands on so many bytes from a sender to the receiver, and then cuts the connection."""
    def __init__(self, port, n_bytes):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.address = f'tcp://127.0.0.1:{self.listener.getsockname()[1]}'
        self.thread = threading.Thread(target=self.run, args=(port, n_bytes))
        self.thread.start()

    def run(self, port, n_bytes):
        sender, _ = self.listener.accept()
        receiver = socket.create_connection(('127.0.0.1', port))
        back = threading.Thread(target=self.copy_back, args=(receiver, sender))
        back.start()
        while n_bytes > 0 and (part := sender.recv(min(n_bytes, 65536))):
            receiver.sendall(part)
            n_bytes -= len(part)
        # The receiver gets all that was handed on.
        receiver.shutdown(socket.SHUT_WR)
        back.join()
        sender.close()
        receiver.close()
        self.listener.close()

    def copy_back(self, receiver, sender):
        while part := receiver.recv(65536):
            sender.sendall(part)


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class FileCopy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.source = pathlib.Path(folder.name, 'source')
        self.target = pathlib.Path(folder.name, 'target')
        self.source.mkdir()
        self.target.mkdir()
        self.environment = dict(os.environ)
        if IS_SANITIZED:
            options = os.environ.get('ASAN_OPTIONS', '')
            self.environment['ASAN_OPTIONS'] = f'{options}:quarantine_size_mb=16'
        self.receiver = subprocess.Popen(
            [PROGRAM, '--listen=tcp://127.0.0.1:0', '--into', self.target],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.receiver.wait)
        self.addCleanup(self.receiver.kill)
        self.addCleanup(self.receiver.stdout.close)
        self.addCleanup(self.receiver.stderr.close)
        self.address = self.receiver.stdout.readline().split()[-1]
        self.port = int(self.address.rpartition(':')[2])

    def stop(self):
        self.receiver.send_signal(signal.SIGTERM)
        output, errors = self.receiver.stdout.read(), self.receiver.stderr.read()
        self.assertEqual(self.receiver.wait(DEADLINE), 0)
        return output, errors

    def make(self, name, content=CONTENT):
        path = self.source / name
        path.write_bytes(content)
        return path

    def send(self, *paths, address=None):
        sender = subprocess.run([PROGRAM, f'--connect={address or self.address}', *paths], text=True,
                                capture_output=True, timeout=DEADLINE)
        return sender.returncode, sender.stdout, sender.stderr

    def received(self):
        return sorted(path.name for path in self.target.iterdir())

    def peak(self, pid):
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
        return int(re.search(r'^VmHWM:\s+([0-9]+) kB$', status, re.MULTILINE)[1])

    @tap.named('/behaviours/A4.43')
    def test_example(self):
        first, second = self.make('first.bin'), self.make('name', b'one')
        status, output, errors = self.send(first, second)
        self.assertEqual((status, errors), (0, ''))
        self.assertEqual(output, f'{first}: 3000000 bytes sent, as first.bin\n'
                                 f'{second}: 3 bytes sent, as name\n')
        self.make('name', b'two')
        self.assertEqual(self.send(second)[1], f'{second}: 3 bytes sent, as name_(1)\n')
        self.assertEqual(self.received(), ['first.bin', 'name', 'name_(1)'])
        self.assertEqual((self.target / 'first.bin').read_bytes(), CONTENT)
        self.assertEqual((self.target / 'name').read_bytes(), b'one')
        self.assertEqual((self.target / 'name_(1)').read_bytes(), b'two')
        self.assertEqual(self.stop()[1], '')

    def test_large(self):
        """A gibibyte passes through little memory on both sides."""
        path = self.source / 'large'
        with path.open('wb') as file:
            file.truncate(GIB)
            file.seek(GIB // 2)
            file.write(b'middle')
        before = self.peak(self.receiver.pid)
        # It has done nothing but start: what both may use besides.
        small = self.make('small', b'')
        self.assertEqual(self.send(small)[0], 0)
        sender = subprocess.Popen([PROGRAM, f'--connect={self.address}', path],
                                  env=self.environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(sender.stdout.close)
        output = sender.stdout.read()
        _, status, usage = os.wait4(sender.pid, 0)
        sender.returncode = status
        self.assertEqual((status, output), (0, f'{path}: {GIB} bytes sent, as large\n'))
        self.assertLess(usage.ru_maxrss - before, MAX_GROWTH_KIB)
        self.assertLess(self.peak(self.receiver.pid) - before, MAX_GROWTH_KIB)
        self.assertEqual((self.target / 'large').stat().st_size, GIB)
        with (self.target / 'large').open('rb') as file:
            file.seek(GIB // 2)
            self.assertEqual(file.read(7), b'middle\0')

    def test_at_once(self):
        """Senders of one name at the same time get a file each."""
        path = self.make('same')
        results = []
        senders = [threading.Thread(target=lambda: results.append(self.send(path)))
                   for _ in range(5)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        self.assertEqual([result[0] for result in results], [0] * 5, results)
        self.assertEqual(self.received(), ['same'] + [f'same_({number})' for number in range(1, 5)])
        for name in self.received():
            self.assertEqual((self.target / name).read_bytes(), CONTENT)

    def interrupt(self, path, n_bytes):
        cut = Cut(self.port, n_bytes)
        status, _, errors = self.send(path, address=cut.address)
        cut.thread.join()
        self.assertEqual(status, 1)
        self.assertIn('The connection is lost', errors)
        self.assertIn('send it again', errors)
        self.assertRegex(self.receiver.stderr.readline(),
                         '^movie: interrupted at [0-9]+ of 3000000 ')
        partial, = self.target.iterdir()
        self.assertTrue(partial.name.startswith('.'))
        return partial

    def test_goes_on(self):
        path = self.make('movie')
        partial = self.interrupt(path, 2_000_000)
        size = partial.stat().st_size
        self.assertGreater(size, 1_900_000)
        status, output, errors = self.send(path)
        self.assertEqual((status, errors), (0, ''))
        self.assertEqual(output, f'{path}: going on at {size}\n'
                                 f'{path}: 3000000 bytes sent, as movie\n')
        self.assertEqual(self.received(), ['movie'])
        self.assertEqual((self.target / 'movie').read_bytes(), CONTENT)
        self.assertEqual(self.stop()[0], f'movie: 3000000 bytes received, {size} of them before\n')

    def test_does_not_go_on(self):
        """What is there is not the beginning of the file: all of it is sent."""
        path = self.make('movie')
        self.interrupt(path, 1_000_000)
        content = os.urandom(len(CONTENT))
        self.make('movie', content)
        self.assertEqual(self.send(path), (0, f'{path}: 3000000 bytes sent, as movie\n', ''))
        self.assertEqual((self.target / 'movie').read_bytes(), content)

    def offer(self, name):
        data = name if isinstance(name, bytes) else name.encode()
        with socket.create_connection(('127.0.0.1', self.port)) as sender:
            sender.settimeout(DEADLINE)
            sender.sendall(b'o' + struct.pack('>QH', 3, len(data)) + data)
            return sender.recv(2000)

    def test_hostile_names(self):
        names = ['', '.', '..', '../evil', '/etc/passwd', 'a/b', 'a\\b', '.hidden', 'x' * 201,
                 'new\nline', '\x1b[2J']
        for name in names:
            answer = self.offer(name)
            self.assertEqual(answer[:9], b'r' + bytes(8), name)
        for name in b'\xff', b'nul\0', b'x' * 1025:
            self.assertEqual(self.offer(name), b'')
        self.assertEqual(self.received(), [])
        longest = 'x' * 200
        self.assertEqual(self.offer(longest)[:9], b'g' + bytes(8))
        self.assertNotIn('\x1b', self.stop()[1])

    def test_hostile_peers(self):
        """Content that nobody expects, nonsense, and sizes that do not fit."""
        token = b'0' * 32
        for data in [b'c' + struct.pack('>QH', 0, len(token)) + token + b'evil',
                     b'GET / HTTP/1.0\r\n\r\n', b'o' + struct.pack('>QH', 1 << 63, 1) + b'x', b'o' + b'\xff' * 10,
                     b'd' + struct.pack('>QH', 0, 0)]:
            with socket.create_connection(('127.0.0.1', self.port)) as peer:
                peer.settimeout(DEADLINE)
                peer.sendall(data)
                try:
                    self.assertEqual(peer.recv(100), b'', data)
                except ConnectionResetError:
                    pass
        with socket.create_connection(('127.0.0.1', self.port)) as peer:
            peer.settimeout(DEADLINE)
            peer.sendall(b'o' + struct.pack('>QH', 1 << 60, 1) + b'x')
            self.assertIn(b'no room', peer.recv(1000))
        self.assertEqual(self.received(), [])
        self.assertEqual(self.send(self.make('good', b'x'))[0], 0)

    def test_progress(self):
        """There is a bar on a terminal."""
        path = self.make('bar')
        primary, secondary = pty.openpty()
        self.addCleanup(os.close, primary)
        sender = subprocess.run([PROGRAM, f'--connect={self.address}', path], stdout=secondary,
                                timeout=DEADLINE)
        os.close(secondary)
        output = os.read(primary, 100000).decode()
        self.assertEqual(sender.returncode, 0)
        self.assertRegex(output, r' \[#{40}\] 100 %')

    def test_errors(self):
        missing = self.source / 'missing'
        good = self.make('good', b'x')
        status, output, errors = self.send(missing, self.source, good)
        self.assertEqual((status, output), (1, f'{good}: 1 bytes sent, as good\n'))
        self.assertIn('No such file', errors)
        self.assertIn('Is a directory', errors)
        dotted = self.make('.hidden', b'x')
        self.assertEqual(self.send(dotted), (1, '', f'{dotted}: The receiver refuses it: '
                                                    'the name begins with a dot\n'))
        self.stop()
        self.assertIn('Connection refused', self.send(good)[2])
        for args in [], ['--listen=x', 'file'], ['--into=x', 'file'], ['--nonsense']:
            status = subprocess.run([PROGRAM, *args], stderr=subprocess.DEVNULL).returncode
            self.assertEqual(status, 2)
        process = subprocess.run([PROGRAM, '--listen=tcp://127.0.0.1:0', '--into', good], text=True,
                                 stderr=subprocess.PIPE)
        self.assertEqual((process.returncode, process.stderr), (1, f'{good} is no folder\n'))
        text = subprocess.run([PROGRAM, '--help'], check=True, text=True, stdout=subprocess.PIPE).stdout
        self.assertIn('--into=FOLDER', text)


if __name__ == '__main__':
    tap.main()
