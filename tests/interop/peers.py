# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What the tests with software of others share.

A peer is driven through a small program in its own language, which links calls on a connection to
lines of text, so that all cases are written once, here. The program prints “ready” when it is
connected, and then reads lines of two kinds:

    call ID METHOD PARAMS    calls; may be followed by others before the answer has come
    notify METHOD PARAMS     sends a notification

until its input ends. It prints a line for whatever happens:

    result ID VALUE          the answer, a result or an error
    error ID VALUE
    failed ID TEXT           no answer: what the peer's own library says
    notification METHOD PARAMS
    request METHOD PARAMS    before it answers
    closed TEXT

ID is a number; METHOD has no space; VALUE and PARAMS are MessagePack in hexadecimal digits, read and
written by the peer's own implementation of that. The program answers add(a, b), echo(value),
fail(text), whose error is the text, and callback(method, params), which calls that and passes on
the result or error.

As a server, it prints its address instead of “ready”, takes no lines, and serves the methods of
“msgpackrpc serve --test”."""

import contextlib
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import msgpack

SOURCES = pathlib.Path(os.environ['G_TEST_SRCDIR'])
BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR'])
sys.path.insert(0, str(SOURCES))
import npm  # noqa: E402
import tap  # noqa: E402

PROGRAMS = SOURCES / 'interop' / 'peers'
TOOL = BUILD.parent / 'msgpackrpc-glib' / 'tools' / 'msgpackrpc'
OURS = BUILD / 'interop' / 'driver'
# That of Debian, which has its modules.
PYTHON = '/usr/bin/python3'
# Seconds until a test gives up.
DEADLINE = 60
# What a program is started by that must not outlive this one, whatever ends it: the kernel kills it.
# Not all of them read their input, whose end would tell them.
WITH_US = ('setpriv', '--pdeathsig', 'KILL')

MEGABYTE = 1 << 20


def needs(what, present):
    """Skips a case, or all of a class, by the name of what is absent."""
    return unittest.skipUnless(present, f'{what} is not installed')


def needs_program(name, package=None):
    return needs(package or name, shutil.which(name))


needs_npm = npm.needs


def needs_python(module, package):
    """A module of Debian's Python."""
    found = subprocess.run([PYTHON, '-c', f'import {module}'], stderr=subprocess.DEVNULL).returncode
    return needs(package, found == 0)


# Values, by the feature that they show: what each is in MessagePack, in the shortest form, as the
# library writes it.

def packed(*values):
    return [msgpack.packb(value).hex() for value in values]


VALUES = {
    'nil': packed(None),
    'bool': packed(False, True),
    'int': packed(0, 1, 127, 128, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**32,
                  2**53, 2**53 + 1, 2**63 - 1,
                  -1, -32, -33, -128, -129, -32768, -32769, -2**31, -2**31 - 1, -2**32,
                  -2**32 - 1, -2**53, -2**63),
    'uint64': packed(2**63, 2**64 - 1),
    'float': packed(0.5, -0.5, 0.1, 1e300, 5e-324, 3.5e38),
    'integral-float': packed(0.0, 1.0, -1.0, 1e15, 2.0**53),
    'odd-float': packed(-0.0, float('inf'), float('-inf'), float('nan')),
    'str': packed('', 'a', 'x' * 31, 'x' * 32, 'x' * 255, 'x' * 256, 'x' * 65536,
                  'Grüße, 世界 🚀', 'control \x1b[31m'),
    # A NUL, and what is not UTF-8.
    'raw-str': ['a3610062', 'a3ff61fe'],
    'bin': packed(b'', b'a', b'\0\xff\xfe', bytes(range(256)), bytes(65536)),
    'array': packed([], [1], [1, 'two', [3.5, [None]]], list(range(15)), list(range(16)),
                    list(range(65536)), [[[[[[[[1]]]]]]]]),
    'map': packed({}, {'a': 1}, {'': [2]}, {'outer': {'inner': [1, {'deep': True}]}},
                  {f'key {number:02}': number for number in range(16)}),
    # Keys that are not text.
    'odd-map': packed({1: 'one', -2: 'minus two'}, {None: 1}, {True: 1}, {0.5: 1}, {b'\1': 1},
                      {(1, 2): 3}) + ['82a16101a16102'],
    'ext': ['c70305010203', 'd4feaa', f'd87f{"00" * 16}', 'c7002a', f'c8012c64{"00" * 300}'],
    # In four, eight and twelve bytes.
    'timestamp': ['d6ff00000064', 'd7ff7736450900000064', 'c70cff1dcd6500ffffffffffffffff'],
}


# How many bytes precede those of a bin or ext value, by its first.
SIZES_OF_HEADERS = {
    'c4': 2, 'c5': 3, 'c6': 5,
    'c7': 3, 'c8': 4, 'd4': 2, 'd6': 2, 'd7': 2, 'd8': 2,
}


# For ODD in Features:

def results(changes):
    """That values come back as others."""
    return {packed(value)[0]: f'result {packed(other)[0]}' for value, other in changes.items()}


def results_as_str(values):
    """That bin and ext values come back as str with the same bytes."""
    changes = {}
    for digits in values:
        data = bytes.fromhex(digits)[SIZES_OF_HEADERS[digits[:2]]:]
        text = msgpack.packb(data.decode('utf-8', 'surrogateescape'),
                             unicode_errors='surrogateescape')
        changes[digits] = f'result {text.hex()}'
    return changes


class Outcome:
    """What became of a call: “result”, “error” or “failed”."""

    def __init__(self, kind, rest):
        self.kind = kind
        self.text = rest if kind == 'failed' else None
        self.packed = None if kind == 'failed' else rest

    @property
    def value(self):
        return read_value(self.packed)

    def __repr__(self):
        return f'{self.kind} {(self.packed or self.text)[:200]}'


def read_value(digits):
    return msgpack.unpackb(bytes.fromhex(digits), strict_map_key=False, use_list=True,
                           unicode_errors='surrogateescape')


class Process:
    """A program whose lines are read as they come."""

    def __init__(self, case, *args, **settings):
        self.stderr = case.enter(tempfile.TemporaryFile())
        settings = {'stderr': self.stderr} | settings
        self.args = args
        self.process = subprocess.Popen([*WITH_US, *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, start_new_session=True,
                                        **settings)
        self.lines = queue.SimpleQueue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        case.addCleanup(self.stop)

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line.decode(errors='surrogateescape').rstrip('\n'))
        self.lines.put(None)

    def end_ours(self):
        """Our programs end of themselves, for what a sanitizer finds then, with a status."""
        if self.args[0] == TOOL:
            self.process.terminate()
        elif self.args[0] == OURS:
            self.process.stdin.close()
        else:
            return 0
        return self.process.wait(DEADLINE)

    def stop(self):
        status = self.end_ours()
        # With those that it has started.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        if status != 0:
            print(f'{self.args}: status {status}; {self.errors()}', file=sys.stderr)
            raise AssertionError('a program of ours did not end well')

    def errors(self):
        self.stderr.seek(0)
        return self.stderr.read().decode(errors='replace')

    def next_line(self, end):
        try:
            line = self.lines.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            raise AssertionError(f'{self.args}: nothing came; {self.errors()}') from None
        if line is None:
            self.lines.put(None)
            raise EOFError(f'{self.args}: ended; {self.errors()}')
        return line

    def first_line(self):
        return self.next_line(time.monotonic() + DEADLINE)

    def write(self, line):
        try:
            self.process.stdin.write(line.encode() + b'\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            raise EOFError(f'{self.args}: ended; {self.errors()}') from None


class Driver(Process):
    """A client, ours or a peer's, that is connected."""

    def __init__(self, case, *args, **settings):
        super().__init__(case, *args, **settings)
        self.n_calls = 0
        self.outcomes = {}
        # The words of each line, without outcomes: what came from the peer, in its order.
        self.received = []
        # The ids of calls and the methods of other lines, in the order in which they came.
        self.order = []
        line = self.first_line()
        case.assertEqual(line, 'ready', self.errors())

    def obey(self, *words):
        self.write(' '.join(words))

    def start(self, method, *params):
        """Starts a call and returns its id."""
        self.n_calls += 1
        self.obey('call', str(self.n_calls), method, msgpack.packb(params).hex())
        return self.n_calls

    def start_packed(self, method, *params):
        """The same with parameters that are packed already, fifteen at most."""
        self.n_calls += 1
        self.obey('call', str(self.n_calls), method, f'{0x90 | len(params):02x}' + ''.join(params))
        return self.n_calls

    def notify(self, method, *params):
        self.obey('notify', method, msgpack.packb(params).hex())

    def take_line(self, end):
        kind, _, rest = self.next_line(end).partition(' ')
        name, _, rest = rest.partition(' ')
        if kind in ('result', 'error', 'failed') and name.isdigit():
            self.order.append(int(name))
            self.outcomes[int(name)] = Outcome(kind, rest)
        elif kind in ('notification', 'request'):
            self.order.append(name)
            self.received.append((kind, name, read_value(rest)))
        else:
            self.received.append((kind, f'{name} {rest}'.strip()))

    def wait_until(self, condition):
        end = time.monotonic() + DEADLINE
        while not condition():
            self.take_line(end)

    def outcome(self, number):
        self.wait_until(lambda: number in self.outcomes)
        return self.outcomes[number]

    def call(self, method, *params):
        return self.outcome(self.start(method, *params))

    def call_packed(self, method, *params):
        return self.outcome(self.start_packed(method, *params))

    def wait_received(self, *line):
        self.wait_until(lambda: line in self.received)


class Case(unittest.TestCase):
    """PREFIX begins the names of the cases, as in “/interop/lua-nvim/client”."""

    PREFIX = None

    @property
    def case_name(self):
        feature = self._testMethodName.removeprefix('test_').replace('_', '-')
        return f'{self.PREFIX}/{feature}'

    def enter(self, manager):
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def make_folder(self):
        return pathlib.Path(self.enter(tempfile.TemporaryDirectory()))

    def serve(self, address='tcp://127.0.0.1:0', *options):
        """Runs “msgpackrpc serve --test”, and returns its address."""
        return Process(self, TOOL, 'serve', '--test', *options, address).first_line()

    def start_ours(self, *address):
        """The library's client, connected."""
        return Driver(self, OURS, *address)


class Features(Case):
    """The cases that all peers share. What connect() returns is a Driver whose server serves the
    methods of “msgpackrpc serve --test”: one of the two is ours. A case that a peer does not pass is
    set to None, and another, test_odd_…, asserts what it does instead."""

    # The methods of the notifications that the client sends of its own accord.
    GREETINGS = []
    # The values that come back changed, by what is odd about that: the digits of each, and what the
    # line of the outcome says instead, without the id. Each oddity becomes a case, unless it says None
    # for all of them: then the case is written out.
    ODD = {}

    def __init_subclass__(cls):
        for name, changes in cls.ODD.items():
            if None not in changes.values():
                setattr(cls, f'test_odd_{name}'.replace('-', '_'),
                        lambda self, changes=changes: self.check_changes(changes))
        for feature, values in VALUES.items():
            if all(map(cls.is_odd, values)):
                setattr(cls, name_of_values(feature), None)

    @classmethod
    def is_odd(cls, digits):
        return any(digits in changes for changes in cls.ODD.values())

    # What starts a program takes: the case whose cleanups end it, and what it is driven by. The cases
    # of a class share it, until one fails.
    holder = None
    client = None

    def connect(self):
        raise NotImplementedError

    def setUp(self):
        if self.client is None:
            holder = type(self)(self._testMethodName)
            type(self).holder = holder
            type(self).client = holder.connect()

    def run(self, result=None):
        n_failures = len(result.failures + result.errors)
        super().run(result)
        if len(result.failures + result.errors) != n_failures:
            self.tearDownClass()
        return result

    @classmethod
    def tearDownClass(cls):
        holder, cls.holder, cls.client = cls.holder, None, None
        if holder is not None and not holder.doCleanups():
            raise AssertionError('a program of ours did not end well')

    def check_echo(self, digits, expected):
        outcome = self.client.call_packed('echo', digits)
        actual = f'{outcome.kind} {outcome.packed or outcome.text}'
        # What is shown of a difference is its begin.
        self.assertEqual(actual[:300], expected[:300], digits[:300])
        self.assertTrue(actual == expected, digits[:300])

    def check_changes(self, changes):
        for digits, expected in changes.items():
            self.check_echo(digits, expected)

    def check_values(self, feature):
        for digits in VALUES[feature]:
            if not self.is_odd(digits):
                self.check_echo(digits, f'result {digits}')

    def test_add(self):
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_nothing(self):
        outcome = self.client.call('nothing')
        self.assertEqual((outcome.kind, outcome.value), ('result', None))

    def test_echo_of_several(self):
        self.assertEqual(self.client.call('echo', 1, 'two', [3]).value, [1, 'two', [3]])

    def check_error(self, expected, method, *params):
        outcome = self.client.call(method, *params)
        self.assertEqual(outcome.kind, 'error', outcome)
        self.assertEqual(outcome.value, expected)

    def test_error_text(self):
        self.check_error('Grüße', 'fail', 'Grüße')
        # It goes on.
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_error_empty(self):
        """Which many take for none."""
        outcome = self.client.call('fail', '')
        self.assertEqual(outcome.kind, 'error', outcome)

    def test_error_array(self):
        self.check_error([7, 'no such day'], 'fail_obj', 7, 'no such day')
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_unknown_method(self):
        outcome = self.client.call('no_such_method', 1)
        self.assertEqual(outcome.kind, 'error', outcome)
        self.assertIn('no_such_method', str(outcome.value))
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_pipelining(self):
        """Calls that are in flight together are answered as they end, not as they began."""
        # It takes longer than the first of these where there is hardly any time to run.
        for seconds in (0.2, 2, 20):
            slow = self.client.start('slow', seconds, 'slow')
            fast = [self.client.start('add', number, 1) for number in range(100)]
            self.assertEqual(self.client.outcome(slow).value, 'slow')
            self.assertEqual([self.client.outcome(each).value for each in fast],
                             [number + 1 for number in range(100)])
            if self.client.order[-101:] == [*fast, slow]:
                break
        self.assertEqual(self.client.order[-101:], [*fast, slow])

    def test_large_str(self):
        digits = msgpack.packb('0123456789abcdef' * (MEGABYTE // 16)).hex()
        self.assertTrue(self.client.call_packed('echo', digits).packed == digits)

    def test_large_bin(self):
        digits = msgpack.packb(os.urandom(MEGABYTE)).hex()
        self.assertTrue(self.client.call_packed('echo', digits).packed == digits)

    def test_large_array(self):
        digits = msgpack.packb([[number, 'x' * 500] for number in range(2_000)]).hex()
        self.assertTrue(self.client.call_packed('echo', digits).packed == digits)

    def test_blob(self):
        blob = self.client.call('blob', MEGABYTE).value
        self.assertTrue(blob == bytes(number % 255 + 1 for number in range(MEGABYTE)))

    def test_big(self):
        big = self.client.call('big', MEGABYTE + 5).value
        self.assertTrue(big == '0123456789abcdef' * (MEGABYTE // 16) + '01234')

    def test_notifications_to_server(self):
        for number in range(100):
            self.client.notify('note', number, 'text')
        self.client.notify('bare')
        notified = self.client.call('notified').value
        n_greetings = len(self.GREETINGS)
        self.assertEqual([method for method, _ in notified[:n_greetings]], self.GREETINGS)
        self.assertEqual(notified[n_greetings:],
                         [['note', [number, 'text']] for number in range(100)] + [['bare', []]])

    def test_notifications_to_client(self):
        outcome = self.client.call('notify_back', 'event', [1, 'two', [3]])
        self.assertEqual(outcome.kind, 'result', outcome)
        self.client.wait_received('notification', 'event', [1, 'two', [3]])
        # It was sent before the reply.
        self.assertEqual(self.client.order[-2:], ['event', self.client.n_calls])

    def test_callback(self):
        self.assertEqual(self.client.call('callback', 'add', [1, 2]).value, 3)
        self.assertIn(('request', 'add', [1, 2]), self.client.received)

    def test_callback_error(self):
        self.check_error('ouch', 'callback', 'fail', ['ouch'])
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_callback_large(self):
        digits = msgpack.packb(['x' * MEGABYTE]).hex()
        outcome = self.client.call_packed('callback', msgpack.packb('echo').hex(), digits)
        self.assertTrue(outcome.packed == digits[2:], outcome)

    def test_callback_nested(self):
        """Each end calls the other while it is being called."""
        outcome = self.client.call('callback', 'callback', ['callback', ['add', [1, 2]]])
        self.assertEqual(outcome.value, 3, outcome)


class BytesAreStr:
    """The cases of a peer that sends its bytes as str: a base before Features."""

    test_blob = None
    test_large_bin = None

    def test_odd_blob_becomes_str(self):
        outcome = self.client.call('blob', MEGABYTE)
        self.assertTrue(outcome.packed == f'db{MEGABYTE:08x}' + ''.join(
            f'{number % 255 + 1:02x}' for number in range(MEGABYTE)))

    def test_odd_large_bin_becomes_str(self):
        # Some end a str at a NUL.
        data = os.urandom(MEGABYTE).replace(b'\0', b'0')
        outcome = self.client.call_packed('echo', msgpack.packb(data).hex())
        self.assertTrue(outcome.packed == f'db{MEGABYTE:08x}{data.hex()}')


def name_of_values(feature):
    return f'test_values_{feature}'.replace('-', '_')


for each in VALUES:
    setattr(Features, name_of_values(each),
            lambda self, feature=each: self.check_values(feature))


def main():
    tap.main()
