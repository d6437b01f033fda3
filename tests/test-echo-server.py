# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The example of an echo server on watched descriptors: with many clients, and with bad ones."""

import os
import pathlib
import resource
import signal
import socket
import struct
import subprocess
import threading
import time
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/echo-server'
N_CLIENTS = 10_000
AT_ONCE = 100


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class EchoServer(unittest.TestCase):
    def start(self, *args, **settings):
        process = subprocess.Popen([PROGRAM, '--port=0', *args], stdout=subprocess.PIPE, text=True,
                                   **settings)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.process = process
        self.port = int(process.stdout.readline().rpartition(':')[2])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        output = self.process.stdout.read()
        self.assertEqual(self.process.wait(20), 0)
        return output

    def connect(self, small=False):
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(20)
        if small:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        client.connect(('127.0.0.1', self.port))
        return client

    def expect(self, client, data):
        got = bytearray()
        while len(got) < len(data):
            part = client.recv(65536)
            self.assertTrue(part, 'the server has hung up')
            got += part
        self.assertEqual(got, data)

    def echo(self, client, data):
        client.sendall(data)
        self.expect(client, data)

    def descriptors(self):
        return sorted(os.listdir(f'/proc/{self.process.pid}/fd'), key=int)

    def test_steps(self):
        self.start()
        client = self.connect()
        name = '{}:{}'.format(*client.getsockname())
        self.echo(client, b'hello')
        self.echo(client, b'again')
        client.close()
        for line in 'here', '5 bytes', '5 bytes', 'gone':
            self.assertEqual(self.process.stdout.readline(), f'{name}: {line}\n')
        self.assertEqual(self.stop(), '1 clients, 10 bytes, 0 left\n')

    def test_partial_writes(self):
        """All that was sent comes back in order, though the sockets take little at a time."""
        self.start('--quiet')
        data = bytes(range(256)) * 4096
        client = self.connect(small=True)
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        self.expect(client, data)
        sender.join()
        self.assertEqual(self.stop(), f'1 clients, {len(data)} bytes, 1 left\n')

    def test_does_not_read(self):
        """A client that does not read is not read from, and keeps nobody else from being served."""
        self.start('--quiet')
        greedy = self.connect(small=True)
        greedy.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while True:
                greedy.send(bytes(65536))
        self.echo(self.connect(), b'hello')
        self.assertTrue(self.stop().endswith(', 2 left\n'))

    def test_half_closed(self):
        self.start('--quiet')
        client = self.connect()
        client.sendall(b'last words')
        client.shutdown(socket.SHUT_WR)
        self.expect(client, b'last words')
        self.assertEqual(client.recv(1), b'')
        self.assertEqual(self.stop(), '1 clients, 10 bytes, 0 left\n')

    def test_many(self):
        """Nothing is left behind of ten thousand clients, in whatever way they go."""
        self.start('--quiet')
        self.echo(self.connect(), b'first')
        before = self.descriptors()
        for _ in range(N_CLIENTS // AT_ONCE):
            clients = []
            for _ in range(AT_ONCE):
                clients.append(self.connect())
                self.echo(clients[-1], b'here')
            for client in clients:
                client.sendall(b'%d' % client.fileno())
            for client in clients:
                self.expect(client, b'%d' % client.fileno())
            for n, client in enumerate(clients):
                if n % 2:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                client.close()
        # Who comes after all others is served when those have gone.
        last = self.connect()
        # Its number is a higher one if some of the others were still there when it came.
        while len(self.descriptors()) != len(before) + 1:
            self.echo(last, b'last')
        self.assertRegex(self.stop(), rf'^{N_CLIENTS + 2} clients, [0-9]+ bytes, 2 left\n$')

    def sleeps(self):
        """Whether it has nothing to do: one that spins is never seen asleep so often."""
        stat = pathlib.Path(f'/proc/{self.process.pid}/stat')
        return all(stat.read_text().rpartition(') ')[2].startswith('S') for _ in range(1000))

    def test_no_descriptors(self):
        """Without a descriptor left it sleeps, and goes on when one is free again."""
        limit = 20
        self.start('--quiet', preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                                    (limit, limit)))
        served = [self.connect()]
        while len(self.descriptors()) < limit:
            served.append(self.connect())
            self.echo(served[-1], b'here')
        waiting = [self.connect() for _ in range(3)]
        self.echo(served[0], b'still here')
        end = time.monotonic() + 20
        while not self.sleeps():
            self.assertLess(time.monotonic(), end, 'it does not sleep')
        for client in served + waiting:
            self.echo(client, b'at last')
            client.close()
        self.assertRegex(self.stop(), rf'^{len(served + waiting)} clients')

    def test_port_in_use(self):
        self.start()
        second = subprocess.run([PROGRAM, f'--port={self.port}'], capture_output=True, text=True)
        self.assertEqual(second.returncode, 1)
        self.assertEqual(second.stderr, f'localhost:{self.port}: Address already in use\n')


if __name__ == '__main__':
    tap.main()
