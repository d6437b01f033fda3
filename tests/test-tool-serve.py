# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs “msgpackrpc serve” for peers of raw bytes, at sockets and at its standard input and output."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time
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


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('it did not come in time')
        time.sleep(0.01)


def is_alive(pid):
    try:
        return pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def can_connect(port):
    try:
        socket.create_connection(('127.0.0.1', port), DEADLINE).close()
        return True
    except (ConnectionRefusedError, ConnectionResetError):
        # The latter if nobody listens any more before all is said.
        return False


class Served:
    """A server of the tool. What it prints on standard error is in a file, so that it never waits."""

    def __init__(self, *args, address='tcp://127.0.0.1:0', **settings):
        # pylint: disable=consider-using-with
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen([TOOL, 'serve', *args, *([address] if address else [])],
                                        **{'stdin': subprocess.DEVNULL, 'stdout': subprocess.PIPE,
                                           'stderr': self.errors} | settings)
        self.address = self.process.stdout.readline().decode().rstrip('\n')

    def read_errors(self):
        return os.pread(self.errors.fileno(), 1 << 20, 0).decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.errors.close()

    @property
    def port(self):
        return int(self.address.rpartition(':')[2])

    def connect(self):
        host = self.address.removeprefix('tcp://').rpartition(':')[0]
        return Peer(socket.create_connection((host.strip('[]'), self.port), DEADLINE))

    def end(self, number=signal.SIGTERM):
        """The exit status, and the rest of what was printed."""
        self.process.send_signal(number)
        return self.wait()

    def end_at_once(self):
        self.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not can_connect(self.port))
        return self.end()

    def wait(self):
        output = self.process.communicate(timeout=DEADLINE)[0]
        return self.process.returncode, output.decode(), self.read_errors()


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

    def test_slow_is_bounded(self):
        """All callers together can have only so much wait."""
        for _ in range(7):
            self.peer.start('slow', 3600, bytes(8 << 20))
        self.assertEqual(self.peer.call('nothing'), (None, None))
        with self.served.connect() as other:
            self.assertRegex(other.call('slow', 0, bytes(8 << 20))[0],
                             r'^slow\(\): values of \d+ bytes wait already, and 67108864 is the most')
            self.assertEqual(other.call('slow', 0, 'little'), (None, 'little'))

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

    def test_unix_abstract(self):
        address = f'unix-abstract:test-tool-serve-{os.getpid()}'
        with Served('--test', address=address) as served:
            self.assertEqual(served.address, address)
            self.assertEqual(run('call', address, 'add', '1', '2').stdout, b'3\n')
            self.assertEqual(served.end(), (SUCCESS, '', ''))

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

    def test_garbage(self):
        done = run('serve', '--test', 'stdio:', input=b'hello\n')
        self.assertEqual(done.returncode, NO_ANSWER)
        self.assertEqual(msgpack.unpackb(done.stdout)[:2], [RESPONSE, 0])
        self.assertIn('msgpackrpc: ', done.stderr.decode())

    def test_no_input(self):
        done = run('serve', '--test', 'stdio:')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (SUCCESS, b'', b'stdio:\n'))


class TestPrograms(unittest.TestCase):
    """Methods that are programs. Shell code is what a program does here."""

    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.enter = stack.enter_context
        self.folder = pathlib.Path(self.enter(tempfile.TemporaryDirectory()))

    def serve(self, *args, **programs):
        for name, code in programs.items():
            path = self.folder / name
            path.write_text(code)
            args += ('--method', f"{name}=sh '{path}'")
        self.served = self.enter(Served(*args, cwd=self.folder))
        return self.enter(self.served.connect())

    def read_pid(self, name='pid'):
        path = self.folder / name
        wait_until(lambda: path.exists() and path.read_text().endswith('\n'))
        return int(path.read_text())

    def test_params_and_result(self):
        peer = self.serve('-m', 'cat=cat', '-m', 'true=true', '-m', "say=printf '%s' '\"a b\"'",
                          blank='printf " \\n"')
        values = [1, 'ä"\x1b', None, b'\xff', {'a': [0.5]}, {1: 2}, msgpack.ExtType(3, b'x')]
        self.assertEqual(peer.call('cat', *values), (None, values))
        self.assertEqual(peer.call('cat'), (None, []))
        peer.send(REQUEST, 7, 'cat', {'named': 1})
        self.assertEqual(peer.receive(), [RESPONSE, 7, None, {'named': 1}])
        self.assertEqual(peer.call('true', 1), (None, None))
        self.assertEqual(peer.call('blank'), (None, None))
        self.assertEqual(peer.call('say'), (None, 'a b'))
        methods = peer.call('rpc.discover')[1]['methods']
        self.assertEqual(sorted(m['name'] for m in methods), ['blank', 'cat', 'say', 'true'])

    def test_large(self):
        peer = self.serve('-m', 'cat=cat', '-m', 'ignore=true')
        text = 'x' * (3 << 20)
        self.assertEqual(peer.call('cat', text), (None, [text]))
        self.assertEqual(peer.call('ignore', text), (None, None))

    def test_errors(self):
        peer = self.serve('-m', 'false=false', '-m', 'text=echo no \x1b json', fail='echo "why not" >&2; exit 3',
                          die='kill -9 $$', loud='yes é | head -c 20001 >&2; exit 1')
        self.assertEqual(peer.call('fail'), ([3, 'why not'], None))
        self.assertEqual(peer.call('false'),
                         ([1, 'The program of false() has ended with status 1'], None))
        self.assertEqual(peer.call('die'),
                         ([137, 'The program of die() has ended with status 137'], None))
        status, text = peer.call('loud')[0]
        self.assertEqual((status, text.strip('é\n\ufffd')), (1, ''))
        self.assertLessEqual(len(text.encode()), 4096)
        self.assertEqual(peer.call('text'),
                         ('The program of text() has not printed JSON: no \x1b json\n', None))
        self.assertIsNotNone(peer.call('nonesuch')[0])

    def test_odd_output(self):
        peer = self.serve(nul="printf '1\\0002'", latin="printf '\"\\344\"'", two='echo 1 2',
                          deep=f'echo {"[" * 100}{"]" * 100}', long=f'echo {"x" * 100}')
        for name, shown in [('nul', '1'), ('latin', '"\ufffd"'), ('two', '1 2\n'), ('deep', '[' * 60 + '…'),
                            ('long', 'x' * 60 + '…')]:
            self.assertEqual(peer.call(name),
                             (f'The program of {name}() has not printed JSON: {shown}', None))

    def test_too_much_output(self):
        peer = self.serve('-m', 'yes=yes', '-m', 'cat=cat')
        self.assertEqual(peer.call('yes'), ('The program of yes() has printed too much', None))
        self.assertEqual(peer.call('cat', 1), (None, [1]))

    def test_time_limit(self):
        peer = self.serve('--time-limit', '0.5', hang='sleep 1000 & echo $! > pid; wait')
        self.assertEqual(peer.call('hang'), ('The program of hang() has taken too long', None))
        child = self.read_pid()
        wait_until(lambda: not is_alive(child))

    def test_background(self):
        """What a program leaves running, with its pipes, is not waited for."""
        peer = self.serve(bg='sleep 1000 & echo $! > pid; echo 5; echo told >&2; exit 4',
                          fine='sleep 1000 & echo $!')
        self.assertEqual(peer.call('bg'), ([4, 'told'], None))
        for pid in self.read_pid(), peer.call('fine')[1]:
            self.assertTrue(is_alive(pid))
            os.kill(pid, signal.SIGKILL)

    def test_others_go_on(self):
        peer = self.serve('--max-programs', '2', '--test',
                          wait='echo >> begun; until [ -e go ]; do sleep 0.01; done; echo 1')
        waiting = [peer.start('wait') for _ in range(5)]
        begun = self.folder / 'begun'
        wait_until(lambda: begun.exists() and begun.stat().st_size == 2)
        self.assertEqual(peer.call('add', 1, 2), (None, 3))
        self.assertEqual(begun.stat().st_size, 2)
        (self.folder / 'go').touch()
        self.assertEqual(sorted(peer.receive()[1] for _ in waiting), waiting)
        self.assertEqual(begun.stat().st_size, 5)

    def test_too_many_wait(self):
        peer = self.serve('--max-programs', '1', wait='until [ -e go ]; do sleep 0.01; done; echo >> done')
        for _ in range(1500):
            peer.send(NOTIFICATION, 'wait', [])
        self.assertEqual(peer.call('wait'), ('1024 calls wait for their program already', None))
        (self.folder / 'go').touch()
        self.assertEqual(self.served.end_at_once()[0], SUCCESS)

    def test_too_much_waits(self):
        """What calls hold that wait for their turn has a limit, also that of notifications."""
        peer = self.serve('--max-programs', '1', wait='until [ -e go ]; do sleep 0.01; done; echo >> done')
        for _ in range(20):
            peer.send(NOTIFICATION, 'wait', [bytes(8 << 20)])
        error = peer.call('wait', bytes(8 << 20))[0]
        held = re.fullmatch(r'Calls with (\d+) bytes wait for their program already, and 67108864 is '
                            r'the most there may be', error)
        self.assertEqual(int(held[1]) // (8 << 20), 7)
        last = peer.start('wait', 'little')
        (self.folder / 'go').touch()
        self.assertEqual(peer.receive(), [RESPONSE, last, None, None])
        # The one that ran, those that waited, and the last one.
        self.assertEqual((self.folder / 'done').stat().st_size, 1 + 7 + 1)
        self.assertEqual(peer.call('wait', bytes(32 << 20)), (None, None))

    def test_caller_hangs_up(self):
        self.serve('--max-programs', '1', hang='sleep 1000 & echo $! > pid; wait', next='echo > ran')
        with self.served.connect() as peer:
            peer.start('hang')
            peer.start('next')
            child = self.read_pid()
        wait_until(lambda: not is_alive(child))
        self.assertFalse((self.folder / 'ran').exists())

    def test_caller_resets(self):
        self.serve(hang='sleep 1000 & echo $! > pid; wait')
        peer = self.served.connect()
        peer.start('hang')
        child = self.read_pid()
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        peer.socket.close()
        wait_until(lambda: not is_alive(child))

    def test_caller_sends_no_more(self):
        """It gets what does not take long."""
        peer = self.serve('-m', 'cat=cat')
        peer.start('cat', 1)
        peer.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(peer.receive(), [RESPONSE, 1, None, [1]])

    def test_caller_cancels(self):
        peer = self.serve('--max-programs', '1', hang='sleep 1000 & echo $! > pid; wait', next='echo > ran')
        peer.send(NOTIFICATION, 'rpc.extensions', ['cancel'])
        self.assertEqual(peer.receive()[:2], [NOTIFICATION, 'rpc.extensions'])
        first, second = peer.start('hang'), peer.start('next')
        child = self.read_pid()
        peer.send(NOTIFICATION, 'rpc.cancel', [second])
        peer.send(NOTIFICATION, 'rpc.cancel', [first])
        wait_until(lambda: not is_alive(child))
        # Both may be answered all the same.
        third = peer.start('rpc.ping')
        while peer.receive()[1] != third:
            pass
        self.assertFalse((self.folder / 'ran').exists())

    def test_drain(self):
        peer = self.serve(wait='echo $$ > pid; until [ -e go ]; do sleep 0.01; done; echo 1')
        first = peer.start('wait')
        self.read_pid()
        self.served.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not can_connect(self.served.port))
        (self.folder / 'go').touch()
        messages = []
        with self.assertRaises(EOFError):
            while True:
                messages.append(peer.receive())
        self.assertIn([RESPONSE, first, None, 1], messages)
        self.assertEqual(self.served.wait(), (SUCCESS, '', ''))

    def test_drain_cut_short(self):
        peer = self.serve(hang='sleep 1000 & echo $! > pid; wait')
        peer.start('hang')
        child = self.read_pid()
        self.served.process.send_signal(signal.SIGINT)
        wait_until(lambda: not can_connect(self.served.port))
        self.assertTrue(is_alive(child))
        self.assertEqual(self.served.end(signal.SIGINT), (SUCCESS, '', ''))
        wait_until(lambda: not is_alive(child))

    def test_notification_is_finished(self):
        """Nobody waits for its answer, and its program is not killed for that."""
        (self.folder / 'program').write_text('sleep 0.3; cat > got')
        done = run('serve', '-m', 'note=sh program', 'stdio:', cwd=self.folder,
                   input=msgpack.packb([NOTIFICATION, 'note', [1]]))
        self.assertEqual((done.returncode, done.stdout), (SUCCESS, b''))
        self.assertEqual((self.folder / 'got').read_text(), '[1]\n')

    def test_notification_of_who_hangs_up(self):
        self.serve(note='until [ -e go ]; do sleep 0.01; done; echo > done', wait='sleep 1000')
        with self.served.connect() as peer:
            peer.send(NOTIFICATION, 'note', [])
            peer.start('wait')
            peer.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(peer.receive()[2],
                             'The program of wait() was stopped: its caller has hung up')
        (self.folder / 'go').touch()
        wait_until((self.folder / 'done').exists)

    def test_stdio_belongs_to_the_protocol(self):
        """A program does not get it."""
        done = run('serve', '-m', 'count=wc -c', 'stdio:',
                   input=msgpack.packb([REQUEST, 1, 'count', []]) + msgpack.packb([REQUEST, 2, 'count', [10]]))
        self.assertEqual(done.returncode, SUCCESS)
        unpacker = msgpack.Unpacker()
        unpacker.feed(done.stdout)
        self.assertEqual(sorted(unpacker), [[RESPONSE, 1, None, 3], [RESPONSE, 2, None, 5]])


class TestOptions(unittest.TestCase):
    def test_once(self):
        with Served('--test', '--once') as served:
            with served.connect() as first, served.connect() as second:
                self.assertEqual(first.call('add', 1, 2), (None, 3))
                second.start('add', 1, 2)
                self.assertEqual(second.receive()[:2], [RESPONSE, 0])
                self.assertEqual(first.call('add', 2, 2), (None, 4))
            self.assertEqual(served.wait(), (SUCCESS, '', ''))

    def test_once_waits_for_notifications(self):
        with tempfile.TemporaryDirectory() as folder:
            code = 'echo > begun; until [ -e go ]; do sleep 0.01; done'
            with Served('-m', f"note=sh -c '{code}'", '--once', cwd=folder) as served:
                with served.connect() as first:
                    first.send(NOTIFICATION, 'note', [])
                    wait_until(pathlib.Path(folder, 'begun').exists)
                with served.connect() as second:
                    self.assertEqual(second.receive()[:2], [RESPONSE, 0])
                pathlib.Path(folder, 'go').touch()
                self.assertEqual(served.wait(), (SUCCESS, '', ''))

    def test_verbose(self):
        with Served('--test', '--verbose') as served:
            with served.connect() as peer:
                peer.call('add', 1, 2)
                peer.call('fail', '\x1b[31mred\u202e')
                peer.call('fail_obj', 7, 'x')
                peer.call('\x1b[2J\nm', '\x1b]0;title\x07')
                peer.send(NOTIFICATION, 'hello\r', [b'\x1b'])
                peer.call('echo', 'x' * 5000)
                peer.call('big', 1 << 20)
                peer.send(NOTIFICATION, 'y' * 5000, [])
                peer.call('nothing')
            wait_until(lambda: 'disconnected' in served.read_errors())
            log = served.end()[2]
        lines = [line.partition('] ')[2] for line in log.splitlines()]
        self.assertRegex(lines[0], r'^connected: 127\.0\.0\.1:\d+$')
        self.assertEqual(lines[1:5], ['1 → add [1,2]', '1 ← 3', '2 → fail ["\\u001b[31mred\\u202e"]',
                                      '2 ← error "\\u001b[31mred\\u202e"'])
        self.assertEqual(lines[5:8], ['3 → fail_obj [7,"x"]', '3 ← error [7,"x"]',
                                      r'4 → \u001b[2J\u000am ["\u001b]0;title\u0007"]'])
        self.assertEqual(lines[9], '→ hello\\u000d [{"$bin":"Gw=="}]')
        self.assertEqual(lines[10], '5 → echo ["' + 'x' * 998 + '…')
        self.assertEqual(lines[13:], ['6 ← (a large value)', '→ ' + 'y' * 1000 + '… []',
                                      '7 → nothing []', '7 ← null', 'disconnected'])
        self.assertEqual([c for c in log if c != '\n' and not c.isprintable()], [])

    def test_verbose_on_a_socket_with_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            with Served('--test', '--verbose', address=f'{folder}/socket') as served:
                with socket.socket(socket.AF_UNIX) as sock:
                    sock.connect(f'{folder}/socket')
                    wait_until(lambda: 'connected' in served.read_errors())
                self.assertRegex(served.end()[2],
                                 rf'connected: process {os.getpid()} of user {os.getuid()}\n')

    def test_colours(self):
        with Served('--test', '--verbose', '--color=always') as served:
            with served.connect() as peer:
                peer.call('fail', 'x')
            wait_until(lambda: 'disconnected' in served.read_errors())
            self.assertIn('\x1b[31m1 ← error "x"\x1b[0m\n', served.end()[2])

    def test_token(self):
        with tempfile.TemporaryDirectory() as folder:
            token = f'{folder}/token'
            with Served('--test', '--token', token) as served:
                self.assertEqual(os.stat(token).st_mode & 0o777, 0o600)
                done = run('call', '--token', token, served.address, 'add', '1', '2')
                self.assertEqual((done.returncode, done.stdout), (SUCCESS, b'3\n'))
                for _ in range(2):
                    with served.connect() as peer:
                        self.assertIn('access denied', peer.call('add', 1, 2)[0])
                errors = served.end()[2]
            self.assertEqual(errors.count('urned away'), 1)
            self.assertIn('--allow-remote', errors)

    def test_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            certificate = f'{folder}/server.pem'
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                            'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', certificate, '-out',
                            f'{folder}/crt', '-subj', '/CN=localhost', '-addext',
                            'subjectAltName=DNS:localhost'], check=True, stderr=subprocess.DEVNULL)
            with open(certificate, 'a', encoding='ascii') as file:
                file.write(pathlib.Path(f'{folder}/crt').read_text(encoding='ascii'))
            with Served('--test', '--tls-certificate', certificate, address='tls://localhost:0') as served:
                port = served.address.rpartition(':')[2]
                done = run('call', '--tls-ca', certificate, f'tls://localhost:{port}', 'add', '1', '2')
                self.assertEqual((done.returncode, done.stdout), (SUCCESS, b'3\n'))
            with Served('--test', '--tls-certificate', certificate, '--tls-ca',
                        os.path.relpath(certificate), address='tls://localhost:0') as served:
                port = served.address.rpartition(':')[2]
                to_server = ['call', '--tls-ca', certificate, f'tls://localhost:{port}', 'add', '1', '2']
                self.assertEqual(run(*to_server).returncode, NO_ANSWER)
                self.assertEqual(run(*to_server, '--tls-certificate', certificate).stdout, b'3\n')

    def test_profile(self):
        with Served('--test', '--profile=boolean-error') as served, served.connect() as peer:
            self.assertEqual(peer.call('add', 1, 2), (False, 3))
            self.assertEqual(peer.call('fail', 'x'), (True, 'x'))

    def test_framing(self):
        with Served('--test', '--framing=msgpack-length') as served, served.connect() as peer:
            request = msgpack.packb([REQUEST, 1, 'add', [1, 2]])
            peer.socket.sendall(msgpack.packb(len(request)) + request)
            answer = [RESPONSE, 1, None, 3]
            self.assertEqual([peer.receive(), peer.receive()], [len(msgpack.packb(answer)), answer])

    def test_reply_order(self):
        with Served('--test', '--reply-order=request') as served, served.connect() as peer:
            peer.start('slow', 0.2, 'a')
            peer.start('add', 1, 2)
            self.assertEqual([peer.receive()[3] for _ in range(2)], ['a', 3])

    def test_activation(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
            start = 'exec 3<&"$0"; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
            process = subprocess.Popen(['sh', '-c', start, str(listener.fileno()), TOOL, 'serve', '--test'],
                                       pass_fds=[listener.fileno()], stdout=subprocess.PIPE)
            with process:
                self.assertEqual(process.stdout.readline().decode(), f'tcp://127.0.0.1:{port}\n')
                self.assertEqual(run('call', f'localhost:{port}', 'add', '1', '2').stdout, b'3\n')
                process.terminate()
            self.assertEqual(process.returncode, SUCCESS)

    def test_exec(self):
        done = run('call', f"exec:'{TOOL}' serve --test stdio:", 'add', '1', '2')
        self.assertEqual((done.returncode, done.stdout, done.stderr), (SUCCESS, b'3\n', b'stdio:\n'))


class TestHostilePeers(unittest.TestCase):
    """Whatever a peer sends, others are served and the server ends in good order."""

    def check(self, act, *args):
        with Served('--test', '-m', 'sleep=sleep 0.01', *args) as served:
            with served.connect() as peer:
                act(peer)
                with served.connect() as other:
                    self.assertEqual(other.call('add', 1, 2), (None, 3))
            # What is asked for by who only stops to send, is waited for else.
            self.assertEqual(served.end_at_once()[0], SUCCESS)

    def test_garbage(self):
        for data in [b'GET / HTTP/1.1\r\n\r\n', b'\xc1', b'\x91' * 1000, b'\xdd\xff\xff\xff\xff',
                     b'\x94\x00\x01\xa3add\x92\xc6\xff\xff\xff\xff', os.urandom(4096)]:
            with self.subTest(data[:10]):
                self.check(lambda peer, data=data: peer.socket.sendall(data))

    def test_wrong_params(self):
        def act(peer):
            values = [None, -1, 1 << 63, 0.5, float('nan'), 'x', b'x', [], {}, [[]], {1: 2},
                      msgpack.ExtType(1, b''), 'x' * 100000]
            for method in METHODS:
                for value in values:
                    for params in ([], [value], [value, value], ['method', value], [value] * 3, {'a': value}):
                        if method not in ('callback', 'slow') or not isinstance(params, list) or \
                           len(params) != 2:
                            peer.send(REQUEST, 1, method, params)
                            while peer.receive()[0] != RESPONSE:
                                pass
        self.check(act)

    def test_many_at_once(self):
        def act(peer):
            peer.socket.sendall(b''.join(msgpack.packb([REQUEST, i, 'slow', [3600, 1]])
                                         for i in range(1000)))
            # More than 128 are not read before one of those is answered.
            peer.socket.settimeout(0.2)
            self.assertRaises(TimeoutError, peer.receive)
        self.check(act)

    def test_notifications_keep_nothing(self):
        def act(peer):
            for method, params in [('slow', [3600, 1]), ('callback', ['x', []]), ('sleep', [])]:
                peer.socket.sendall(msgpack.packb([NOTIFICATION, method, params]) * 2000)
            self.assertEqual(peer.call('add', 1, 2), (None, 3))
        self.check(act, '--max-programs', '2')

    def test_who_never_reads(self):
        def act(peer):
            peer.socket.settimeout(1)
            with contextlib.suppress(OSError):
                for i in range(100):
                    peer.send(REQUEST, i, 'big', [1 << 24])
        self.check(act)

    def test_callback_to_who_never_answers(self):
        def act(peer):
            for _ in range(128):
                peer.start('callback', 'x', [])
            for _ in range(128):
                self.assertEqual(peer.receive()[0], REQUEST)
        self.check(act)


class TestUsage(unittest.TestCase):
    def test_refusals(self):
        for args, text in [((), 'No methods given: use --method or --test'),
                           (('localhost:0',), 'No methods given: use --method or --test'),
                           (('--test', 'x:0', 'y:0'), 'More than one address given'),
                           (('-m', 'cat', 'x:0'), '“cat”: A method is written as NAME=COMMAND'),
                           (('-m', '=cat', 'x:0'), '“=cat”: A method is written as NAME=COMMAND'),
                           (('-m', 'a=nonesuch', 'x:0'), '“a=nonesuch”: There is no such program'),
                           (('-m', "a=cat '", 'x:0'), "“a=cat '”: "),
                           (('-m', 'a=', 'x:0'), '“a=”: '),
                           ((b'-m', b'\xff=cat', b'x:0'), 'The name is not UTF-8'),
                           (('-m', 'a=cat', '-m', 'a=true', 'x:0'),
                            '“a=true”: There is a method of this name already'),
                           (('--test', '-m', 'add=cat', 'x:0'),
                            '“add=cat”: There is a method of this name already'),
                           (('--test', '--time-limit=0', 'x:0'),
                            'The time limit must be more than 0 seconds'),
                           (('--test', '--time-limit=nan', 'x:0'),
                            'The time limit must be more than 0 seconds'),
                           (('--test', '--max-programs=0', 'x:0'),
                            'There must be at least one program at a time'),
                           (('--test', '--profile=x', 'x:0'), 'Unknown value “x” of “--profile”'),
                           (('--test', '--tls-ca=x', 'x:0'), 'use --tls-certificate'),
                           (('--test', '--tls-certificate=/nonesuch', 'x:0'), '/nonesuch'),
                           (('--test', f'--tls-certificate={__file__}', 'x:0'), __file__),
                           (('--test', '--token=/nonesuch/x', 'x:0'), '/nonesuch'),
                           (('--test', 'nonsense'), 'Address “nonsense” is not valid')]:
            with self.subTest(args):
                done = run('serve', *args)
                self.assertEqual((done.returncode, done.stdout), (USAGE, b''))
                self.assertIn(text, done.stderr.decode(errors='replace'))

    def test_failures(self):
        for args, text in [(('--test',), 'The program was not started with sockets to listen on'),
                           (('--test', 'tls://localhost:0'), 'no TLS certificate'),
                           (('--test', '/nonesuch/socket'), '/nonesuch/socket')]:
            with self.subTest(args):
                done = run('serve', *args)
                self.assertEqual((done.returncode, done.stdout), (NO_ANSWER, b''))
                self.assertIn(text, done.stderr.decode())


if __name__ == '__main__':
    tap.main()
