# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import os
import pathlib
import socket
import subprocess
import tempfile
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/client'


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class Client(unittest.TestCase):
    def test_server_comes_later_and_goes(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, 'socket')
            command = ['stdbuf', '-oL', PROGRAM, f'unix://{path}']
            with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as program:
                lines = [program.stdout.readline() for _ in range(4)]
                self.serve(path)
                lines += program.stdout.readlines()
            self.assertEqual(program.returncode, 0)
        self.assertEqual(lines[0], 'connecting\n')
        self.assertIn(f'disconnected: Attempt 1: Could not connect to “unix://{path}”', lines[1])
        self.assertEqual(lines[2], 'connecting\n')
        self.assertIn('disconnected: Attempt 2: ', lines[3])
        self.assertEqual(lines.count('connected\n'), 2)
        self.assertIn('closing: The peer closed the connection\n', lines)
        self.assertIn('1 + 2 = 3\n', lines)

    def serve(self, path):
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            first, _ = listener.accept()
            # The call is lost, and comes again.
            self.assertEqual(first.recv(1000)[3:], b'\xa3add\x92\x01\x02')
            first.close()
            second, _ = listener.accept()
            request = second.recv(1000)
            self.assertEqual(request[3:], b'\xa3add\x92\x01\x02')
            second.sendall(b'\x94\x01' + request[2:3] + b'\xc0\x03')
            second.recv(1)
            second.close()


if __name__ == '__main__':
    tap.main()
