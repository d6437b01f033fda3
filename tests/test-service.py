# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The example of a service: started by hand and by systemd's tool, and stopped by signals."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/service'
ACTIVATE = shutil.which('systemd-socket-activate')
ADD = b'\x94\x00\x07\xa3add\x92\x01\x02'
SUM = b'\x94\x01\x07\xc0\x03'


def receive(peer, wanted):
    """Reads until wanted has come; what comes before it is dropped."""
    data = b''
    while wanted not in data:
        part = peer.recv(4096)
        if not part:
            raise AssertionError(f'{data} ends without {wanted}')
        data += part


def call(peer):
    peer.sendall(ADD)
    receive(peer, SUM)


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class Service(unittest.TestCase):
    def start(self, *command):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def connect(self, path):
        peer = socket.socket(socket.AF_UNIX)
        self.addCleanup(peer.close)
        peer.settimeout(20)
        peer.connect(path)
        return peer

    def in_folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return os.path.join(folder.name, 'socket')

    def test_stop(self):
        for number in signal.SIGTERM, signal.SIGINT:
            with self.subTest(number):
                path = self.in_folder()
                service = self.start(PROGRAM, path)
                self.assertEqual(service.stdout.readline(), f'listening on unix://{path}\n')
                peer = self.connect(path)
                call(peer)
                call(peer)
                service.send_signal(number)
                receive(peer, b'rpc.closing')
                self.assertEqual(peer.recv(1), b'')
                self.assertEqual(service.stdout.read(), '2 calls, good bye\n'
                                 'drained, 0 connections have not got all\n')
                self.assertEqual(service.wait(20), 0)
                self.assertFalse(os.path.exists(path))

    @unittest.skipUnless(ACTIVATE, 'systemd-socket-activate is not installed')
    def test_activation(self):
        path = self.in_folder()
        listener = self.start(ACTIVATE, f'--listen={path}', PROGRAM)
        self.assertIn('Listening on', listener.stderr.readline())
        # It is started for this peer.
        peer = self.connect(path)
        call(peer)
        self.assertEqual(listener.stdout.readline(), f'listening on unix://{path}\n')
        listener.send_signal(signal.SIGTERM)
        receive(peer, b'rpc.closing')
        self.assertIn('drained, 0 connections', listener.stdout.read())
        self.assertEqual(listener.wait(20), 0)
        # The file is not the service's.
        self.assertTrue(os.path.exists(path))

    def test_not_for_this_process(self):
        path = self.in_folder()
        environment = dict(os.environ, LISTEN_PID='1', LISTEN_FDS='1')
        service = subprocess.Popen([PROGRAM, path], env=environment, stdout=subprocess.PIPE,
                                   text=True)
        self.addCleanup(service.stdout.close)
        self.assertEqual(service.stdout.readline(), f'listening on unix://{path}\n')
        service.terminate()
        self.assertEqual(service.wait(20), 0)

    def activate(self, descriptors):
        """Starts the service with descriptors from 3 on, and returns what it says about them."""
        script = ('export LISTEN_PID=$$ LISTEN_FDS=' + str(len(descriptors)) + '; exec "$0"')
        redirections = ' '.join(f'{3 + i}{what}' for i, what in enumerate(descriptors))
        process = subprocess.run(['sh', '-c', f'exec {redirections}; {script}', str(PROGRAM)],
                                 text=True, timeout=20, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
        self.assertEqual(process.returncode, 1)
        return process.stderr

    def test_no_sockets(self):
        self.assertEqual(self.activate(['</dev/null']),
                         'Descriptor 3 is no stream socket that listens\n')
        self.assertEqual(self.activate(['>&-']),
                         'Descriptor 3 is no stream socket that listens\n')


if __name__ == '__main__':
    tap.main()
