# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What the tests of the command-line tool share."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR'])
TOOLS = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent / 'msgpackrpc-glib' / 'tools'
TOOL = BUILD.parent / 'msgpackrpc-glib' / 'tools' / 'msgpackrpc'
# Seconds until a test gives up, and what is long before that.
DEADLINE = 20
SOON = 10

SUCCESS, REMOTE_ERROR, NO_ANSWER, USAGE = range(4)

# Messages are compared as they are in the code.
os.environ.pop('LANGUAGE', None)

needs_nvim = unittest.skipUnless(shutil.which('nvim'), 'nvim is not installed')


def array(*packed):
    return bytes([0x90 | len(packed)]) + b''.join(packed)


def string(text):
    data = text.encode()
    return (bytes([0xa0 | len(data)]) if len(data) < 32 else bytes([0xd9, len(data)])) + data


NIL = b'\xc0'


def run(*args, **settings):
    """The exit status, and what was printed on standard output and error."""
    settings = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'input': b''} | settings
    process = subprocess.run([TOOL, *args], timeout=DEADLINE, **settings)
    printed = [(output or b'').decode() for output in (process.stdout, process.stderr)]
    return process.returncode, *printed


def commands():
    """The names of all commands."""
    _, out, _ = run('--help')
    return re.findall(r'^  (\w+) ', out.partition('Commands:')[2], re.MULTILINE)


def wait_until(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError('it did not become true')
        time.sleep(0.01)


def receive(conn, size):
    data = b''
    while len(data) < size:
        more = conn.recv(size - len(data))
        if not more:
            raise EOFError(f'only {data!r} came')
        data += more
    return data


def receive_all(conn):
    data = b''
    while more := conn.recv(65536):
        data += more
    return data


def receive_request(conn, method, params):
    """Checks the request that comes, and returns its id, packed."""
    msgid = receive(conn, 3)[2:]
    expected = string(method) + params
    actual = receive(conn, len(expected))
    if actual != expected:
        raise AssertionError(f'{actual!r} came instead of {expected!r}')
    return msgid


def response(msgid, error=NIL, result=NIL):
    return array(b'\x01', msgid, error, result)


class Peer:
    """Accepts one connection and gives it to a function, in a thread."""

    def __init__(self, serve, listener=None):
        self.serve = serve
        self.listener = listener or socket.create_server(('127.0.0.1', 0))
        self.listener.settimeout(DEADLINE)
        self.failure = None
        self.thread = threading.Thread(target=self.accept)

    @property
    def address(self):
        return 'tcp://127.0.0.1:%d' % self.listener.getsockname()[1]

    def accept(self):
        try:
            conn, _ = self.listener.accept()
            with conn:
                conn.settimeout(DEADLINE)
                self.serve(conn)
        except Exception as failure:
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        self.thread.join()
        self.listener.close()
        if self.failure and not any(exception):
            raise self.failure


def answering(method, params, **answer):
    """A peer that answers one request, and keeps what comes after it."""
    def serve(conn):
        conn.sendall(response(receive_request(conn, method, params), **answer))
        peer.rest = receive_all(conn)
    peer = Peer(serve)
    return peer


def unix_listener(address):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    return listener


class TestCase(unittest.TestCase):
    def assert_run(self, args, expected, **settings):
        self.assertEqual(run(*args, **settings), expected, args)

    def assert_usage(self, args, message, command='msgpackrpc call'):
        self.assert_run(args, (USAGE, '', f'msgpackrpc: {message}\nTry “{command} --help”\n'))

    def assert_no_answer(self, args, *texts):
        begin = time.monotonic()
        status, out, err = run(*args)
        self.assertEqual((status, out), (NO_ANSWER, ''), err)
        self.assertRegex(err, r'\Amsgpackrpc: [^\n]+\n\Z')
        for text in texts:
            self.assertIn(text, err)
        self.assertLess(time.monotonic() - begin, SOON)

    def make_folder(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return pathlib.Path(folder.name)
