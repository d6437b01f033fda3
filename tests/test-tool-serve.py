# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs “msgpackrpc serve” for peers of raw bytes, at sockets and at its standard input and output."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

import msgpack

import tap

BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR'])
TOOL = BUILD.parent / 'msgpackrpc-glib' / 'tools' / 'msgpackrpc'
# Seconds until a test gives up.
DEADLINE = 20

SUCCESS, REMOTE_ERROR, NO_ANSWER, USAGE = range(4)
REQUEST, RESPONSE, NOTIFICATION = range(3)

# Messages are compared as they are in the code.
os.environ.pop('LANGUAGE', None)

METHODS = {
    'add': ('(vv)', ['a', 'b'], 'v'),
    'big': ('(t)', ['n'], 's'),
    'blob': ('(t)', ['n'], 'ay'),
    'callback': ('(sav)', ['method', 'params'], 'v'),
    'echo': (None, [], 'v'),
    'fail': ('(s)', ['text'], None),
    'fail_obj': ('(vs)', ['code', 'text'], None),
    'nothing': ('()', [], 'mv'),
    'notified': ('()', [], 'av'),
    'notify_back': ('(sav)', ['method', 'params'], 'mv'),
    'slow': ('(dv)', ['seconds', 'value'], 'v'),
}


def run(*args, **settings):
    """The exit status, and what was printed on standard output and error."""
    settings = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | settings
    if 'input' not in settings:
        settings['stdin'] = subprocess.DEVNULL
    return subprocess.run([TOOL, *args], timeout=DEADLINE, check=False, **settings)


class Served:
    """A server of the tool."""

    def __init__(self, *args, address='tcp://127.0.0.1:0', **settings):
        self.process = subprocess.Popen([TOOL, 'serve', *args, address], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings)
        self.address = self.process.stdout.readline().decode().rstrip('\n')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def connect(self):
        host, _, port = self.address.removeprefix('tcp://').rpartition(':')
        return Peer(socket.create_connection((host.strip('[]'), int(port)), DEADLINE))

    def end(self, number=signal.SIGTERM):
        """The exit status, and the rest of what was printed."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, output.decode(), errors.decode()


class Peer:
    """Messages on a socket."""

    def __init__(self, sock):
        self.socket = sock
        self.unpacker = msgpack.Unpacker(strict_map_key=False)
        self.id = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *message):
        self.socket.sendall(msgpack.packb(message))

    def receive(self):
        while True:
            for message in self.unpacker:
                return message
            data = self.socket.recv(1 << 20)
            if not data:
                raise EOFError
            self.unpacker.feed(data)

    def start(self, method, *params):
        self.id += 1
        self.send(REQUEST, self.id, method, params)
        return self.id

    def call(self, method, *params):
        """The error and the result."""
        msgid = self.start(method, *params)
        kind, answered, error, result = self.receive()
        if (kind, answered) != (RESPONSE, msgid):
            raise AssertionError(f'{kind} {answered} came instead of the answer to {msgid}')
        return error, result


class TestMethods(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.served = stack.enter_context(Served('--test'))
        self.peer = stack.enter_context(self.served.connect())

    def test_add(self):
        for numbers, result in [((1, 2), 3), ((-5, 2), -3), ((0.5, 1), 1.5), ((1.0, 2.0), 3.0),
                                ((1 << 63, 1), (1 << 63) + 1), ((-1, 1 << 63), 2.0 ** 63)]:
            answer = self.peer.call('add', *numbers)
            self.assertEqual(answer, (None, result))
            self.assertIs(type(answer[1]), type(result))
        self.assertEqual(self.peer.call('add', 1), ('add() takes 2 arguments (1 given)', None))
        self.assertEqual(self.peer.call('add', 1, 'x'),
                         ('add(): expected a number at params[1]', None))

    def test_echo(self):
        values = [None, True, -1, 1 << 40, (1 << 64) - 1, 0.1, 'ä', b'\x00\xff', [], [1, [2]], {},
                  {'a': 1}, {1: [None]}, msgpack.ExtType(5, b'abc'), msgpack.Timestamp(1, 2)]
        for value in values:
            self.assertEqual(self.peer.call('echo', value), (None, value))
        self.assertEqual(self.peer.call('echo', *values), (None, values))
        self.assertEqual(self.peer.call('echo'), (None, []))

    def test_nothing(self):
        self.assertEqual(self.peer.call('nothing'), (None, None))

    def test_fail(self):
        self.assertEqual(self.peer.call('fail', 'why %s'), ('why %s', None))
        self.assertEqual(self.peer.call('fail_obj', 7, 'x'), ([7, 'x'], None))

    def test_sizes(self):
        self.assertEqual(self.peer.call('blob', 600),
                         (None, bytes(i % 255 + 1 for i in range(600))))
        self.assertEqual(self.peer.call('blob', 0), (None, b''))
        self.assertEqual(self.peer.call('big', 20), (None, '0123456789abcdef0123'))
        self.assertEqual(self.peer.call('big', 0), (None, ''))
        size = 16 * 1024 * 1024
        self.assertEqual(len(self.peer.call('big', size)[1]), size)
        for method in 'big', 'blob':
            self.assertEqual(self.peer.call(method, size + 1), (
                f'{method}(): 16777217 is more than 16777216 bytes, which is the most there is',
                None))
            self.assertIsNotNone(self.peer.call(method, -1)[0])

    def test_slow(self):
        slow = self.peer.start('slow', 0.3, 'late')
        slower = self.peer.start('slow', 0.6, {'a': []})
        quick = self.peer.start('slow', 0, 1)
        nothing = self.peer.start('nothing')
        self.assertEqual(sorted(self.peer.receive()[1] for _ in range(2)), [quick, nothing])
        self.assertEqual(self.peer.receive(), [RESPONSE, slow, None, 'late'])
        self.assertEqual(self.peer.receive(), [RESPONSE, slower, None, {'a': []}])
        for seconds in -0.1, 3601, float('nan'), float('inf'):
            self.assertEqual(self.peer.call('slow', seconds, 1),
                             ('slow(): expected a number of seconds from 0 to 3600', None))

    def test_notify_back(self):
        self.peer.start('notify_back', 'hello', [1, 'x'])
        self.assertEqual(self.peer.receive(), [NOTIFICATION, 'hello', [1, 'x']])
        self.assertEqual(self.peer.receive(), [RESPONSE, 1, None, None])
        self.peer.send(NOTIFICATION, 'notify_back', ['again', []])
        self.assertEqual(self.peer.receive(), [NOTIFICATION, 'again', []])

    def test_callback(self):
        first = self.peer.start('callback', 'ask', [1])
        second = self.peer.start('callback', 'ask', [2])
        asked = [self.peer.receive() for _ in range(2)]
        self.assertEqual([message[2:] for message in asked], [['ask', [1]], ['ask', [2]]])
        self.peer.send(RESPONSE, asked[1][1], [5, 'no'], None)
        self.assertEqual(self.peer.receive(), [RESPONSE, second, [5, 'no'], None])
        self.peer.send(RESPONSE, asked[0][1], None, {'a': 1})
        self.assertEqual(self.peer.receive(), [RESPONSE, first, None, {'a': 1}])

    def test_notified(self):
        self.assertEqual(self.peer.call('notified'), (None, []))
        self.peer.send(NOTIFICATION, 'one', [1, None])
        self.peer.send(NOTIFICATION, 'two', [])
        self.assertEqual(self.peer.call('notified'), (None, [['one', [1, None]], ['two', []]]))
        with self.served.connect() as other:
            self.assertEqual(other.call('notified'), (None, []))

    def test_notified_is_bounded(self):
        for i in range(1500):
            self.peer.send(NOTIFICATION, 'n', [i])
        self.assertEqual(self.peer.call('notified'), (None, [['n', [i]] for i in range(500, 1500)]))
        for i in range(20):
            self.peer.send(NOTIFICATION, 'large', [i, bytes(1 << 20)])
        notes = self.peer.call('notified')[1]
        self.assertEqual([note[1][0] for note in notes], list(range(5, 20)))

    def test_discover(self):
        answer = self.peer.call('rpc.discover')[1]
        self.assertEqual({m['name']: (m['params'], m['param_names'], m['result'])
                          for m in answer['methods']}, METHODS)
        self.assertTrue(all(m['doc'] for m in answer['methods']))


class TestAddresses(unittest.TestCase):
    def test_localhost(self):
        with Served('--test', address='localhost:0') as served, served.connect() as peer:
            self.assertEqual(peer.call('add', 1, 2), (None, 3))

    def test_unix_from_here(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = os.path.realpath(folder)
            os.makedirs(f'{folder}/a/b')
            for name, path in ('./1', 'a/1'), ('../2', '2'), ('b/3', 'a/b/3'), ('./4:5', 'a/4:5'):
                with Served('--test', address=name, cwd=f'{folder}/a') as served:
                    self.assertEqual(served.address, f'unix://{folder}/{path}')
                    result = run('call', name, 'add', '1', '2', cwd=f'{folder}/a')
                    self.assertEqual(result.stdout, b'3\n')

    def test_unix(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f'{folder}/socket'
            with Served('--test', address=path) as served:
                self.assertEqual(served.address, f'unix://{path}')
                sock = socket.socket(socket.AF_UNIX)
                sock.settimeout(DEADLINE)
                sock.connect(path)
                with Peer(sock) as peer:
                    self.assertEqual(peer.call('add', 1, 2), (None, 3))
                self.assertEqual(served.end(), (SUCCESS, '', ''))
            self.assertFalse(os.path.exists(path))


class TestStdio(unittest.TestCase):
    def test_answers_what_was_asked(self):
        requests = [[REQUEST, 1, 'slow', [0.2, 'late']], [REQUEST, 2, 'add', [1, 2]]]
        done = run('serve', '--test', 'stdio:', input=b''.join(map(msgpack.packb, requests)))
        self.assertEqual((done.returncode, done.stderr), (SUCCESS, b'stdio:\n'))
        unpacker = msgpack.Unpacker()
        unpacker.feed(done.stdout)
        self.assertEqual(list(unpacker), [[RESPONSE, 2, None, 3], [RESPONSE, 1, None, 'late']])

    def test_no_input(self):
        done = run('serve', '--test', 'stdio:')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (SUCCESS, b'', b'stdio:\n'))


class TestUsage(unittest.TestCase):
    def test_refusals(self):
        for args, text in [((), 'No address given'),
                           (('localhost:0',), 'No method given'),
                           (('--test', 'localhost:0', 'localhost:0'), 'More than one address given')]:
            with self.subTest(args):
                done = run('serve', *args)
                self.assertEqual((done.returncode, done.stdout), (USAGE, b''))
                self.assertIn(text, done.stderr.decode())


if __name__ == '__main__':
    tap.main()
