# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs “msgpackrpc bench” against “msgpackrpc serve --test”, and against peers that are odd."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unicodedata
import unittest

import msgpack

import tap

BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR'])
TOOL = BUILD.parent / 'msgpackrpc-glib' / 'tools' / 'msgpackrpc'
# Seconds until a test gives up.
DEADLINE = 20

SUCCESS, REMOTE_ERROR, NO_ANSWER, USAGE = range(4)
RESPONSE = 1

MEMBERS = ['address', 'method', 'connections', 'in_flight', 'rate', 'seconds', 'calls',
           'calls_per_second', 'errors', 'error_messages', 'other_errors', 'timed_out',
           'unfinished', 'not_started', 'sent_bytes', 'received_bytes', 'sent_bytes_per_second',
           'received_bytes_per_second', 'latency_ns', 'histogram_ns', 'interrupted', 'lost']
LATENCIES = ['mean', 'min', 'p50', 'p90', 'p99', 'p99_9', 'max']

# Messages are compared as they are in the code.
os.environ.pop('LANGUAGE', None)


def start(*args, **settings):
    settings = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | settings
    return subprocess.Popen([TOOL, 'bench', *args], stdin=subprocess.DEVNULL, **settings)


def end(process):
    """The exit status, and what was printed on standard output and error."""
    try:
        printed = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, *[(output or b'').decode() for output in printed]


def run(*args, **settings):
    return end(start(*args, **settings))


class Served:
    """A server of the tool."""

    def __enter__(self):
        self.process = subprocess.Popen([TOOL, 'serve', '--test', 'tcp://127.0.0.1:0'],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.address = self.process.stdout.readline().decode().rstrip('\n')
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Connection:
    """Messages on a socket."""

    def __init__(self, conn):
        conn.settimeout(DEADLINE)
        self.socket = conn
        self.unpacker = msgpack.Unpacker()

    def receive(self):
        """The id and the parameters of the next request."""
        while True:
            for _, msgid, _, params in self.unpacker:
                return msgid, params
            data = self.socket.recv(1 << 20)
            if not data:
                raise EOFError
            self.unpacker.feed(data)

    def answer(self, msgid, error=None, result=None):
        self.socket.sendall(msgpack.packb([RESPONSE, msgid, error, result]))

    def wait_for_end(self):
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(1 << 20):
                pass


class Peer:
    """Gives its connections to a function, in a thread."""

    def __init__(self, serve, n_connections=1):
        self.serve = serve
        self.n_connections = n_connections
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.listener.settimeout(DEADLINE)
        self.failure = None
        self.thread = threading.Thread(target=self.accept)

    @property
    def address(self):
        return 'tcp://127.0.0.1:%d' % self.listener.getsockname()[1]

    def accept(self):
        try:
            with contextlib.ExitStack() as stack:
                sockets = [stack.enter_context(self.listener.accept()[0])
                           for _ in range(self.n_connections)]
                self.serve(*map(Connection, sockets))
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


def answering_all(conn):
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            conn.answer(conn.receive()[0])


class TestCase(unittest.TestCase):
    def bench(self, *args, status=SUCCESS, complaint=''):
        """What is measured, as JSON."""
        actual, out, err = run('--json', *args)
        self.assertEqual((actual, err), (status, complaint), out)
        return self.read(out)

    def read(self, out):
        self.assertEqual(out.count('\n'), 1)
        measured = json.loads(out)
        self.assertEqual(list(measured), MEMBERS)
        self.check_numbers(measured)
        return measured

    def check_numbers(self, measured):
        """That they agree with each other."""
        ranges, latencies = measured['histogram_ns'], measured['latency_ns']
        self.assertEqual(sum(count for _, _, count in ranges), measured['calls'])
        self.assertLessEqual(measured['errors'], measured['calls'])
        self.assertLessEqual(measured['timed_out'], measured['errors'])
        self.assertEqual(sum(kind['count'] for kind in measured['error_messages']),
                         measured['errors'] - measured['other_errors'])
        if not measured['calls']:
            self.assertIsNone(latencies)
            return

        self.assertAlmostEqual(measured['calls_per_second'] * measured['seconds'],
                               measured['calls'], 3)
        self.assertEqual(list(latencies), LATENCIES)
        order = [latencies[name] for name in LATENCIES[1:]]
        self.assertEqual(order, sorted(order))
        self.assertGreater(order[0], 0)
        self.assertTrue(order[0] <= latencies['mean'] <= order[-1])
        self.assertTrue(ranges[0][0] <= order[0] <= ranges[0][1])
        self.assertTrue(ranges[-1][0] <= order[-1] <= ranges[-1][1])
        for (_, high, _), (low, _, _) in zip(ranges, ranges[1:]):
            self.assertLess(high, low)
        for low, high, count in ranges:
            self.assertTrue(low <= high <= low + low / 128)
            self.assertGreater(count, 0)


class Usage(TestCase):
    def test_bad_options(self):
        for args, message in {
            ('--connections=0',): 'There must be from 1 to 10000 connections',
            ('--connections=10001',): 'There must be from 1 to 10000 connections',
            ('--connections=-1',): 'There must be from 1 to 10000 connections',
            ('--in-flight=0',): 'There must be from 1 to 100000 calls in flight',
            ('--in-flight=100000', '--connections=11'):
                'There can be 1000000 calls in flight on all connections together',
            ('--count=0',): 'The number of calls must be more than 0',
            ('--count=-2',): 'The number of calls must be more than 0',
            ('--duration=0',): 'The duration must be more than 0 seconds',
            ('--duration=-1',): 'The duration must be more than 0 seconds',
            ('--warm-up=-1',): 'The time to warm up must be 0 seconds or more',
            ('--warm-up=nan',): 'The time to warm up must be 0 seconds or more',
            ('--warm-up=inf',): 'The time to warm up must be 0 seconds or more',
            ('--rate=0',): 'The rate must be more than 0 calls per second, and 1000000000 at most',
            ('--rate=inf',): 'The rate must be more than 0 calls per second, and 1000000000 at most',
            ('--timeout=0',): 'The timeout must be more than 0 seconds',
        }.items():
            self.assertEqual(run(*args, 'localhost:1', 'm'),
                             (USAGE, '', f'msgpackrpc: {message}\n'
                                         'Try “msgpackrpc bench --help”\n'))

    def test_bad_arguments(self):
        for args, message in {
            (): 'No address and no method given',
            ('localhost:1',): 'No method given',
            ('localhost:1', 'm', '['): 'Argument 1: At character 2: The text ends too early',
        }.items():
            status, out, err = run(*args)
            self.assertEqual((status, out), (USAGE, ''))
            self.assertIn(message, err)

    def test_bad_address(self):
        status, out, err = run('bad://x', 'm')
        self.assertEqual((status, out), (USAGE, ''))
        self.assertIn('“bad”', err)


class Measuring(TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.served = stack.enter_context(Served())

    def test_count(self):
        measured = self.bench('--count=500', self.served.address, 'add', '1', '2')
        self.assertEqual(measured['calls'], 500)
        self.assertEqual(measured['errors'], 0)
        self.assertEqual(measured['unfinished'], 0)
        self.assertEqual((measured['interrupted'], measured['lost']), (False, None))
        self.assertEqual((measured['connections'], measured['in_flight'], measured['rate']),
                         (1, 1, None))
        self.assertEqual((measured['address'], measured['method']), (self.served.address, 'add'))

    def test_many(self):
        measured = self.bench('--count=5000', '--connections=7', '--in-flight=13',
                              self.served.address, 'add', '1', '2')
        self.assertEqual((measured['connections'], measured['in_flight']), (7, 13))
        self.assertEqual(measured['calls'], 5000)

    def test_more_in_flight_than_calls(self):
        measured = self.bench('--count=3', '--connections=4', '--in-flight=20',
                              self.served.address, 'add', '1', '2')
        self.assertEqual(measured['calls'], 3)

    def test_duration(self):
        measured = self.bench('--duration=0.2', '--in-flight=4', self.served.address, 'nothing')
        self.assertGreaterEqual(measured['seconds'], 0.2)
        self.assertGreater(measured['calls'], 0)
        self.assertEqual(measured['unfinished'], 0)

    def test_count_or_duration(self):
        """Whatever comes first ends it."""
        for count, duration in ('3', 'inf'), ('1000000000', '0.1'):
            measured = self.bench('--count', count, '--duration', duration, self.served.address,
                                  'nothing')
            self.assertGreaterEqual(measured['calls'], 3 if duration == 'inf' else 1)
            self.assertLess(measured['calls'], 1000000000)

    def test_rate(self):
        measured = self.bench('--rate=1000', '--count=51', self.served.address, 'add', '1', '2')
        self.assertEqual((measured['calls'], measured['rate']), (51, 1000))
        self.assertGreaterEqual(measured['seconds'], 0.05)
        self.assertEqual(measured['not_started'], 0)

    def test_slow_rate(self):
        """It ends on time although nothing is to be done then."""
        measured = self.bench('--rate=0.01', '--duration=0.1', self.served.address, 'nothing')
        self.assertEqual((measured['calls'], measured['not_started']), (1, 0))
        self.assertGreaterEqual(measured['seconds'], 0.1)

    def test_errors(self):
        measured = self.bench('--count=40', self.served.address, 'fail', '"No such thing"',
                              status=REMOTE_ERROR)
        self.assertEqual((measured['calls'], measured['errors']), (40, 40))
        self.assertEqual(measured['error_messages'], [{'message': 'No such thing', 'count': 40}])
        self.assertEqual((measured['other_errors'], measured['timed_out']), (0, 0))

    def test_program(self):
        """Each connection starts one."""
        measured = self.bench('--count=30', '--connections=2', f'exec:{TOOL} serve --test stdio:',
                              'add', '1', '2', complaint='stdio:\n' * 2)
        self.assertEqual(measured['calls'], 30)

    def test_variants(self):
        measured = self.bench('--count=2', '--variant', self.served.address, 'fail', "'no'",
                              status=REMOTE_ERROR)
        self.assertEqual(measured['error_messages'], [{'message': 'no', 'count': 2}])

    def test_for_people(self):
        status, out, err = run('--count=300', self.served.address, 'add', '1', '2',
                               env=os.environ | {'LC_ALL': 'C.UTF-8'})
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertRegex(out, r'\A300 calls in \d+(\.\d+)? m?s: \d+(\.\d+)? per second\n'
                              r'Sent \d.* per second\), received \d.* per second\)\n\n')
        for name in ('mean', 'min', 'p50', 'p90', 'p99', 'p99.9', 'max'):
            self.assertRegex(out, rf'\n  {re.escape(name)} +\d+(\.\d+)? [µm]?s\n')
        counts = [int(count) for count in re.findall(r'\n  ≤ .*?s +(\d+)', out)]
        self.assertEqual(sum(counts), 300)
        self.assertLessEqual(len(counts), 14)
        bars = dict(zip(counts, re.findall(r'\n  ≤ [^█▏▎▍▌▋▊▉\n]*(.*)', out)))
        self.assertEqual(max(bars, key=lambda count: len(bars[count])), max(counts))
        self.assertNotIn('\033', out)
        self.assertTrue(all(len(line) < 80 for line in out.splitlines()))

    def test_without_utf8(self):
        status, out, err = run('--count=300', self.served.address, 'add', '1', '2',
                               env=os.environ | {'LC_ALL': 'C'})
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertTrue(out.isascii())
        self.assertRegex(out, r'\n <= .* (us|ms) +\d+  #+\n')

    def test_width(self):
        for columns in (40, 150):
            out = run('--count=300', self.served.address, 'add', '1', '2',
                      env=os.environ | {'LC_ALL': 'C', 'COLUMNS': str(columns)})[1]
            rows = [line for line in out.splitlines() if '#' in line]
            self.assertLess(max(map(len, rows)), columns)
            self.assertGreater(max(line.count('#') for line in rows), 10)

    def test_nowhere_to_print(self):
        with open('/dev/full', 'wb') as full:
            for json_option in ([], ['--json']):
                status, _, err = run('--count=3', *json_option, self.served.address, 'nothing',
                                     stdout=full)
                self.assertEqual(status, NO_ANSWER)
                self.assertIn('Could not write the result: ', err)


class Peers(TestCase):
    def test_calls_in_flight(self):
        """Nothing is answered before as many calls are there as are asked for, on each connection."""
        def serve(*conns):
            for _ in range(3):
                requests = [(conn, conn.receive()) for conn in conns for _ in range(4)]
                for conn, (msgid, params) in requests:
                    self.assertEqual(params, [1, 'x'])
                    conn.answer(msgid)
            for conn in conns:
                conn.wait_for_end()

        with Peer(serve, 5) as peer:
            measured = self.bench('--count=60', '--connections=5', '--in-flight=4', peer.address,
                                  'm', '1', '"x"')
        self.assertEqual(measured['calls'], 60)

    def test_bytes(self):
        request, response = b'\x94\x00\x00\xa1m\x90', b'\x94\x01\x00\xc0\xc0'

        def serve(conn):
            answering_all(conn)

        with Peer(serve) as peer:
            measured = self.bench('--count=100', peer.address, 'm')
        self.assertEqual(measured['sent_bytes'], 100 * len(request))
        self.assertEqual(measured['received_bytes'], 100 * len(response))
        self.assertAlmostEqual(measured['sent_bytes_per_second'] * measured['seconds'],
                               measured['sent_bytes'], 3)

    def test_warm_up(self):
        """What came while warming up is in nothing that is printed."""
        served = []

        def serve(conn):
            with contextlib.suppress(EOFError):
                while True:
                    served.append(conn.receive())
                    error = 'cold' if len(served) == 1 else None
                    conn.answer(served[-1][0], error)

        with Peer(serve) as peer:
            measured = self.bench('--warm-up=0.1', '--count=10', peer.address, 'm')
        self.assertEqual((measured['calls'], measured['errors']), (10, 0))
        self.assertGreater(len(served), 10)
        self.assertLess(measured['sent_bytes'], 20 * len(served))

    def test_one_call_may_hold_up_others(self):
        """With a rate, the time that calls wait for their turn is part of theirs."""
        def serve(conn):
            msgid, _ = conn.receive()
            time.sleep(0.3)
            conn.answer(msgid)
            answering_all(conn)

        with Peer(serve) as peer:
            measured = self.bench('--rate=1000', '--count=20', peer.address, 'm')
        self.assertEqual(measured['calls'], 20)
        self.assertGreaterEqual(measured['latency_ns']['min'], 250_000_000)

    def test_calls_that_had_no_turn(self):
        def serve(conn):
            msgid, _ = conn.receive()
            time.sleep(0.4)
            conn.answer(msgid)
            answering_all(conn)

        with Peer(serve) as peer:
            measured = self.bench('--rate=1000', '--duration=0.2', peer.address, 'm')
        self.assertEqual((measured['calls'], measured['not_started']), (1, 199))

        with Peer(serve) as peer:
            out = run('--rate=1000', '--duration=0.2', peer.address, 'm')[1]
        self.assertIn('Calls that were due, but not begun, as others were in flight: 199\n', out)

    def test_various_errors(self):
        """A peer that makes up texts is not remembered without end."""
        def serve(conn):
            with contextlib.suppress(EOFError):
                for i in range(1000):
                    msgid, _ = conn.receive()
                    conn.answer(msgid, 'same' if i % 2 else f'error {i}')
                conn.wait_for_end()

        with Peer(serve) as peer:
            measured = self.bench('--count=100', peer.address, 'm', status=REMOTE_ERROR)
        self.assertEqual(measured['errors'], 100)
        self.assertEqual(len(measured['error_messages']), 20)
        self.assertEqual(measured['error_messages'][0], {'message': 'same', 'count': 50})
        self.assertEqual(measured['other_errors'], 31)

        with Peer(serve) as peer:
            status, out, _ = run('--count=100', peer.address, 'm')
        self.assertEqual(status, REMOTE_ERROR)
        self.assertIn('\nErrors: 100\n          50  same\n           1  error 0\n', out)
        self.assertIn('\n          31  with other texts\n', out)

    def test_text_for_the_terminal(self):
        """What a peer says cannot be a command for the terminal, nor fill it."""
        def serve(conn):
            conn.answer(conn.receive()[0], '\033[31mred\n\x9b' + 'x' * 100000)
            conn.wait_for_end()

        with Peer(serve) as peer:
            status, out, _ = run('--count=1', peer.address, 'm',
                                 env=os.environ | {'LC_ALL': 'C.UTF-8'})
        self.assertEqual(status, REMOTE_ERROR)
        self.assertIn('  1  \\u001b[31mred\\u000a\\u009bxxx', out)
        self.assertNotRegex(out, '[^\n -~µ≤…█▏▎▍▌▋▊▉]')
        self.assertLess(len(out), 2000)

    def test_calls_and_notifications_of_the_peer(self):
        def serve(conn):
            msgid, _ = conn.receive()
            conn.socket.sendall(msgpack.packb([0, 7, 'what', []]) + msgpack.packb([2, 'x', []]))
            conn.answer(msgid)
            conn.wait_for_end()

        with Peer(serve) as peer:
            self.assertEqual(self.bench('--count=1', peer.address, 'm')['calls'], 1)


class Failing(TestCase):
    def test_nobody_there(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        for option in ([], ['--json'], ['--connections=20']):
            status, out, err = run(*option, f'127.0.0.1:{port}', 'm')
            self.assertEqual((status, out), (NO_ANSWER, ''))
            self.assertRegex(err, r'\Amsgpackrpc: Could not connect to .*: Connection refused\n\Z')

    def test_peer_dies(self):
        def serve(conn):
            for _ in range(5):
                conn.answer(conn.receive()[0])
            conn.receive()

        with Peer(serve) as peer:
            status, out, err = run('--json', peer.address, 'm')
        self.assertEqual(status, NO_ANSWER)
        measured = self.read(out)
        self.assertEqual((measured['calls'], measured['errors']), (5, 0))
        self.assertEqual(measured['unfinished'], 1)
        self.assertEqual(err, f'msgpackrpc: {measured["lost"]}\n')
        self.assertIn('closed', measured['lost'])

        with Peer(serve) as peer:
            status, out, err = run(peer.address, 'm')
        self.assertEqual(status, NO_ANSWER)
        self.assertTrue(out.startswith('5 calls in '))
        self.assertIn('\nCalls that were not answered when it ended: 1\n', out)

    def test_one_of_several_connections_dies(self):
        """The rest cannot make up for it."""
        def serve(*conns):
            requests = [(conn, conn.receive()[0]) for conn in conns]
            conns[1].socket.close()
            for conn, msgid in requests[::2]:
                with contextlib.suppress(ConnectionError):
                    conn.answer(msgid)
                    conn.wait_for_end()

        with Peer(serve, 3) as peer:
            status, out, _ = run('--json', '--connections=3', peer.address, 'm')
        measured = self.read(out)
        self.assertEqual(status, NO_ANSWER)
        self.assertIsNotNone(measured['lost'])
        self.assertGreater(measured['unfinished'], 0)

    def test_peer_dies_at_once(self):
        with Peer(lambda conn: None) as peer:
            status, out, err = run('--json', peer.address, 'm')
        self.assertEqual(status, NO_ANSWER)
        self.assertNotEqual(err, '')
        if out:
            self.assertEqual(self.read(out)['calls'], 0)

    def test_garbage(self):
        def serve(conn):
            conn.answer(conn.receive()[0])
            conn.receive()
            conn.socket.sendall(b'\xc1')
            conn.wait_for_end()

        with Peer(serve) as peer:
            status, out, _ = run('--json', peer.address, 'm')
        self.assertEqual(status, NO_ANSWER)
        self.assertEqual(self.read(out)['calls'], 1)

    def test_peer_stalls(self):
        """A call that is never answered counts with the time until it was given up."""
        def serve(conn):
            conn.answer(conn.receive()[0])
            conn.wait_for_end()

        with Peer(serve) as peer:
            measured = self.bench('--timeout=0.2', '--count=3', peer.address, 'm', status=NO_ANSWER)
        self.assertEqual((measured['calls'], measured['errors']), (3, 2))
        self.assertEqual((measured['timed_out'], measured['unfinished']), (2, 0))
        self.assertGreaterEqual(measured['latency_ns']['p90'], 200_000_000)


class Interrupting(TestCase):
    def test_interrupt(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            stalled = threading.Event()

            def serve(conn):
                for _ in range(3):
                    conn.answer(conn.receive()[0])
                conn.receive()
                stalled.set()
                conn.wait_for_end()

            with self.subTest(number), Peer(serve) as peer:
                process = start('--json', peer.address, 'm')
                stalled.wait(DEADLINE)
                process.send_signal(number)
                status, out, err = end(process)
                self.assertEqual((status, err), (SUCCESS, ''))
                measured = self.read(out)
                self.assertEqual((measured['calls'], measured['unfinished']), (3, 1))
                self.assertTrue(measured['interrupted'])
                self.assertIsNone(measured['lost'])

    def test_interrupt_for_people(self):
        stalled = threading.Event()

        def serve(conn):
            conn.answer(conn.receive()[0], 'no')
            conn.receive()
            stalled.set()
            conn.wait_for_end()

        with Peer(serve) as peer:
            process = start(peer.address, 'm')
            stalled.wait(DEADLINE)
            process.send_signal(signal.SIGINT)
            status, out, err = end(process)
        self.assertEqual((status, err), (REMOTE_ERROR, ''))
        self.assertTrue(out.startswith('1 call in '), out)
        self.assertIn('\nInterrupted\nCalls that were not answered when it ended: 1\n', out)

    def test_interrupt_before_anything(self):
        stalled = threading.Event()

        def serve(conn):
            conn.receive()
            stalled.set()
            conn.wait_for_end()

        with Peer(serve) as peer:
            process = start('--json', peer.address, 'm')
            stalled.wait(DEADLINE)
            process.send_signal(signal.SIGINT)
            status, out, err = end(process)
        self.assertEqual((status, err), (NO_ANSWER, ''))
        self.assertEqual(self.read(out)['calls'], 0)

    def test_interrupt_while_connecting(self):
        """The peer never begins with TLS."""
        def serve(conn):
            conn.socket.recv(1)
            process.send_signal(signal.SIGINT)
            conn.wait_for_end()

        with Peer(serve) as peer:
            process = start(peer.address.replace('tcp', 'tls'), 'm')
            status, out, err = end(process)
        self.assertEqual((status, out), (NO_ANSWER, ''))
        self.assertEqual(err.count('\n'), 1)


class Screen:
    """What a terminal shows of what is written to it: one line, and those above that are done."""

    def __init__(self, columns):
        self.columns = columns
        self.done = []
        self.line = []
        self.position = 0
        self.drawn = set()

    def write(self, text):
        for part in re.findall(r'\033\[K|\r|\n|.', text, re.DOTALL):
            if part == '\033[K':
                del self.line[self.position:]
                self.drawn.add(''.join(self.line))
            elif part == '\r':
                self.position = 0
            elif part == '\n':
                self.done.append(''.join(self.line))
                self.line, self.position = [], 0
            else:
                self.put(part)

    def put(self, character):
        wide = unicodedata.east_asian_width(character) in 'WF'
        if self.position + 1 + wide > self.columns:
            raise AssertionError(f'line {"".join(self.line)!r} is too long')
        self.line[self.position:self.position + 1 + wide] = [character] + [''] * wide
        self.position += 1 + wide


class Progress(TestCase):
    def show(self, columns, args, stdout=subprocess.PIPE, on_draw=None, **environment):
        """Runs the program with a terminal as its standard error."""
        screen = Screen(columns)
        main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        environment = {'TERM': 'xterm', 'LC_ALL': 'C.UTF-8'} | environment
        process = start(*args, stdout=side if stdout is None else stdout, stderr=side,
                        env=os.environ | environment)
        process.interrupted = False
        os.close(side)
        text = b''
        with contextlib.suppress(OSError):
            while data := os.read(main, 65536):
                text += data
                if on_draw:
                    on_draw(process, text, main)
        os.close(main)
        screen.write(text.decode())
        return screen, *end(process)[:2]

    def stalling(self):
        """A peer that answers a few calls, and then none."""
        def serve(conn):
            for _ in range(3):
                conn.answer(conn.receive()[0])
            conn.wait_for_end()
        return Peer(serve)

    def interrupt_at(self, pattern):
        """Interrupts it once that is shown."""
        def on_draw(process, text, _):
            if not process.interrupted and re.search(pattern, text):
                process.interrupted = True
                process.send_signal(signal.SIGINT)
        return on_draw

    def test_line(self):
        for columns in (30, 80, 300):
            with self.subTest(columns), self.stalling() as peer:
                screen, status, out = self.show(columns, ['--count=12', peer.address, 'm'],
                                                on_draw=self.interrupt_at(b'calls: 3,.*K'))
                self.assertEqual(status, SUCCESS)
                self.assertTrue(out.startswith('3 calls in '))
                self.assertEqual((screen.done, screen.line), ([], []))
                drawn = max(screen.drawn, key=len)
                self.assertLess(len(drawn), columns)
                self.assertIn('25 %, calls: 3, per second: ', drawn)
                self.assertEqual('[' in drawn, columns >= 80)
                if columns >= 80:
                    bar = drawn[1:drawn.index(']')]
                    self.assertEqual(len(bar), 50 if columns == 300 else len(bar))
                    self.assertEqual(bar.rstrip(' ').count('█'), len(bar) // 4)

    def test_ascii(self):
        with self.stalling() as peer:
            screen, _, _ = self.show(80, ['--count=12', peer.address, 'm'],
                                     on_draw=self.interrupt_at(b'calls: 3,.*K'), LC_ALL='C')
        drawn = max(screen.drawn, key=len)
        self.assertTrue(drawn.isascii())
        self.assertRegex(drawn, r'\A\[#+ +\] 25 %, calls: 3, per second: ')

    def test_last_call(self):
        with self.stalling() as peer:
            screen, _, _ = self.show(80, ['--count=4', peer.address, 'm'],
                                     on_draw=self.interrupt_at(b'last 1 call.*K'))
        self.assertRegex(max(screen.drawn, key=len), r'\] Waiting for the last 1 call\Z')

    def test_narrow(self):
        for columns in range(2, 60, 9):
            with self.stalling() as peer:
                self.show(columns, ['--count=12', peer.address, 'm'],
                          on_draw=self.interrupt_at(b'(?s)K.*K.*K'))

    def test_width_changes(self):
        widths = []

        def on_draw(process, text, main):
            lines = re.findall(r'\r([^\033]+)', text.decode(errors='replace'))
            widths[:] = [len(line) for line in lines if 'calls' in line]
            if 79 in widths:
                fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 50, 0, 0))
            if 49 in widths:
                process.send_signal(signal.SIGINT)

        with self.stalling() as peer:
            self.show(80, ['--count=12', peer.address, 'm'], on_draw=on_draw)
        self.assertEqual(set(widths), {79, 49})

    def test_result_on_the_same_terminal(self):
        with self.stalling() as peer:
            screen, _, _ = self.show(80, ['--count=4', peer.address, 'm'], stdout=None,
                                     on_draw=self.interrupt_at(b'last 1 call'), NO_COLOR='1')
        self.assertRegex(screen.done[0], r'\A3 calls in ')
        self.assertEqual(screen.line, [])
        self.assertFalse([line for line in screen.done if '[' in line])

    def test_none_where_lines_do_not_change(self):
        for environment in ({'TERM': 'dumb'}, {'TERM': ''}):
            with Peer(answering_all) as peer:
                screen, status, _ = self.show(80, ['--duration=0.5', peer.address, 'm'],
                                              **environment)
            self.assertEqual(status, SUCCESS)
            self.assertEqual((screen.done, screen.line, screen.drawn), ([], [], set()))

    def test_none_without_a_terminal(self):
        with Peer(answering_all) as peer:
            self.assertEqual(run('--duration=0.5', peer.address, 'm')[2], '')


if __name__ == '__main__':
    tap.main()
