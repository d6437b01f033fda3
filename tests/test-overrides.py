# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What the library is like in Python with its overrides."""

import asyncio
import copy
import datetime
import enum
import faulthandler
import functools
import gc
import inspect
import logging
import os
import pickle
import sys
import threading
import time
import typing
import unittest
import unittest.mock
import weakref

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, MsgpackRpc

UTC = datetime.timezone.utc
# Seconds until a test gives up.
DEADLINE = 20


def iterate_until(condition):
    """Runs the default context until a condition holds."""
    deadline = time.monotonic() + DEADLINE
    context = GLib.MainContext.default()
    tick = GLib.timeout_add(100, lambda: True)
    while not condition():
        assert time.monotonic() < deadline, 'it took too long'
        context.iteration(True)
    GLib.source_remove(tick)


class Colour(enum.IntEnum):
    RED = 3


class Values(unittest.TestCase):
    VALUES = [
        None, False, True, 0, -1, 2 ** 63 - 1, -2 ** 63, 2 ** 64 - 1, 1.5, float('inf'),
        '', 'text', 'Grüße, 世界', 'a\0b', b'\xff\xfe'.decode(errors='surrogateescape'),
        b'', b'\0\xff', [], [1, 'two', [None]], {}, {'a': 1, 'b': {'': []}}, {1: 2, -5: 'x'},
        {'a': 1, 2: b'x', None: {}}, {b'key': 1}, {(1, (2,)): 3},
        datetime.datetime(2020, 1, 1, 12, 0, 0, 5, tzinfo=UTC),
        datetime.datetime(1, 1, 1, tzinfo=UTC),
        MsgpackRpc.Ext(5, b'abc'), MsgpackRpc.Ext(-128, b''),
    ]

    def check(self, value, expected):
        self.assertEqual(value, expected)
        self.assertIs(type(value), type(expected))

    def test_both_ways(self):
        for value in self.VALUES:
            with self.subTest(value=value):
                variant = MsgpackRpc.to_variant(value)
                self.check(MsgpackRpc.from_variant(variant), value)
                packed = MsgpackRpc.pack(variant)
                self.check(MsgpackRpc.from_variant(MsgpackRpc.unpack(packed)), value)

    def test_one_way(self):
        zone = datetime.timezone(datetime.timedelta(hours=2))
        for value, expected in [
                ((1, 2), [1, 2]),
                (bytearray(b'x'), b'x'),
                (memoryview(b'xyz')[1:], b'yz'),
                (GLib.Bytes.new(b'x'), b'x'),
                (MsgpackRpc.Ext(1, memoryview(b'x')), MsgpackRpc.Ext(1, b'x')),
                (MsgpackRpc.Ext(1, GLib.Bytes.new(b'x')), MsgpackRpc.Ext(1, b'x')),
                (Colour.RED, 3),
                (GLib.Variant('(is)', (1, 'a')), (1, 'a')),
                ([GLib.Variant('y', 1)], [1]),
                (datetime.datetime(2020, 1, 1, 2, tzinfo=zone),
                 datetime.datetime(2020, 1, 1, tzinfo=UTC)),
                ({True: 1}, {True: 1}),
        ]:
            with self.subTest(value=value):
                variant = MsgpackRpc.to_variant(value)
                self.check(MsgpackRpc.from_variant(variant), expected)

    def test_variants(self):
        for text, expected in [
                ('@mi nothing', None), ('@mi 5', 5), ('@as []', []), ('[1, 2]', [1, 2]),
                ('{1: 2}', {1: 2}), ('(1, "a", b"b\\0")', (1, 'a', b'b\0')), ('byte 5', 5),
                ('objectpath "/a"', '/a'), ('<<1>>', 1), ('@(hay) (7, [0x41])', MsgpackRpc.Ext(7, b'A')),
                ('[{"a": [(1, 2)]}]', [{'a': [(1, 2)]}]),
        ]:
            with self.subTest(text=text):
                self.check(MsgpackRpc.from_variant(GLib.Variant.parse(None, text)), expected)

    def test_signature(self):
        variant = MsgpackRpc.to_variant([1, {'a': 2}], '(ya{sd})')
        self.assertEqual(variant.print_(True), "(byte 0x01, {'a': 2.0})")
        with self.assertRaisesRegex(GLib.Error, 'expected an integer from 0 to 255'):
            MsgpackRpc.to_variant([256], '(y)')

    def test_late_timestamp(self):
        """A time that no datetime can hold."""
        value = MsgpackRpc.from_variant(MsgpackRpc.variant_new_timespec(2 ** 60, 1))
        self.assertIsInstance(value, MsgpackRpc.Ext)
        self.assertEqual(value.type, -1)

    def test_bad(self):
        circle = []
        circle.append(circle)
        for value, error, text in [
                (2 ** 64, OverflowError, '64 bits'),
                (-2 ** 63 - 1, OverflowError, '64 bits'),
                (object(), TypeError, 'object cannot be sent'),
                ([{1, 2}], TypeError, 'set cannot be sent'),
                (MsgpackRpc.Ext(128, b''), OverflowError, '-128 to 127, not 128'),
                (MsgpackRpc.Ext(1.5, b''), TypeError, 'is an int, not float'),
                (MsgpackRpc.Ext('1', b''), TypeError, 'is an int, not str'),
                # bytes () would make something of these.
                (MsgpackRpc.Ext(1, 5), TypeError, 'data .* not int'),
                (MsgpackRpc.Ext(1, [1]), TypeError, 'data .* not list'),
                (MsgpackRpc.Ext(1, 'text'), TypeError, 'data .* not str'),
                (int, TypeError, 'of type type cannot be sent'),
                ([MsgpackRpc.LATER], TypeError, 'cannot be sent'),
                (datetime.datetime(2020, 1, 1), ValueError, 'time zone'),
                ('\ud800', UnicodeEncodeError, 'surrogates not allowed'),
                (circle, ValueError, 'nested deeper than 40'),
        ]:
            with self.subTest(text=text), self.assertRaisesRegex(error, text):
                MsgpackRpc.to_variant(value)

    def test_many_alike(self):
        """Long arrays are the same as short ones, whichever of their values is another."""
        for value in self.VALUES:
            for many in ([value] * 40, {str(i): value for i in range(40)},
                         {i: value for i in range(40)}):
                self.check_both_ways(many)
        for value, other in [(1, 1.0), (1, True), (1, 2 ** 63), (1, None), (1, 'a'), (1.5, 2),
                             (True, 1), ('a', b'a'), ('a', 'a\0'), ('a', '\udcff'), ([1], [1.0]),
                             ([1], []), ({'a': 1}, {}), (1, MsgpackRpc.Ext(1, b'a'))]:
            for place in (0, 20, 39):
                many = [value] * 40
                many[place] = other
                self.check_both_ways(many)
                self.check_both_ways([many])
                self.check_both_ways(dict(zip('abcdefghijklmnopqrstuvwxyz', many)))

    def check_both_ways(self, value):
        variant = MsgpackRpc.to_variant(value)
        for form in (variant, MsgpackRpc.unpack(MsgpackRpc.pack(variant))):
            # repr () tells 1 from True and 1.0.
            self.assertEqual(repr(MsgpackRpc.from_variant(form)), repr(value))

    def test_typed_arrays(self):
        for kind, values in [('ab', [True, False]), ('an', [-1, 5]), ('aq', [65535]),
                             ('ai', [-1]), ('au', [2 ** 32 - 1]), ('ax', [-1]), ('at', [2 ** 64 - 1]),
                             ('ad', [0.5]), ('as', ['a', 'ü']), ('ao', ['/a']), ('ah', [3]),
                             ('aax', [[1], []]), ('amx', [None, 1])]:
            for value in (values, values * 20, []):
                self.check(MsgpackRpc.from_variant(GLib.Variant(kind, value)), value)

    def test_unsound_bytes(self):
        """Variants made of any bytes are read as GLib reads them."""
        for kind, data in [('ax', b'12345'), ('ab', b'\2\1'), ('as', b'abc'), ('av', b'\xff' * 40),
                           ('a{sv}', b'\1' * 33), ('(hay)', b'\xff'), ('mx', b'abc')]:
            with self.subTest(kind=kind):
                MsgpackRpc.from_variant(GLib.Variant.new_from_bytes(
                    GLib.VariantType(kind), GLib.Bytes.new(data), False))

    def assert_work(self, most, function, *args):
        """How much Python does, in steps of its interpreter."""
        steps = 0

        def trace(frame, event, _arg):
            nonlocal steps
            frame.f_trace_opcodes = True
            steps += event == 'opcode'
            return trace

        old = sys.gettrace()
        sys.settrace(trace)
        try:
            result = function(*args)
        finally:
            sys.settrace(old)
        self.assertGreater(steps, 0)
        self.assertLess(steps, most)
        return result

    def test_work(self):
        """What is alike is converted at once, in either direction; all else with little work."""
        for value, most in [(list(range(10000)), 500), ([0.5, 1.5] * 5000, 500),
                            ([True, False] * 5000, 500), (['text', 'ü'] * 5000, 500),
                            (b'x' * 2 ** 20, 500), ('x' * 2 ** 20, 500),
                            ([1, 'a'] * 500, 110000), ({str(i): i for i in range(1000)}, 110000)]:
            variant = self.assert_work(most, MsgpackRpc.to_variant, value)
            received = MsgpackRpc.unpack(MsgpackRpc.pack(variant))
            for form in (variant, received):
                self.assertEqual(self.assert_work(most, MsgpackRpc.from_variant, form), value)

    def test_large_bytes(self):
        """Bytes are not gone through one by one, which would take seconds."""
        data = bytes(range(256)) * (4 * 65536)
        value = data
        for _ in range(5):
            value = MsgpackRpc.from_variant(MsgpackRpc.to_variant(value))
        self.assertEqual(value, data)


def add_methods(dispatcher):
    @dispatcher.method('add')
    def add(a: int, b: int = 5) -> int:
        """Adds numbers.

        As many as two."""
        return a + b

    @dispatcher.method
    def types(a: list[int], b: dict[str, float], c: bytes = b'', *,
              invocation: MsgpackRpc.Invocation) -> tuple[int, str]:
        return len(a), repr((a, b, c, invocation.get_method()))

    @dispatcher.method
    def many(*args):
        return list(args)

    @dispatcher.method('odd name')
    def odd(invocation, value):
        return [invocation.get_method(), value]

    @dispatcher.method('system.list')
    def system_list():
        return ['a']

    @dispatcher.method
    def later(invocation, value):
        timer = threading.Timer(0, invocation.return_value, [MsgpackRpc.to_variant(value)])
        timer.start()
        return MsgpackRpc.LATER

    @dispatcher.method
    def never(invocation):
        dispatcher.kept = invocation
        return MsgpackRpc.LATER

    @dispatcher.method
    def fail_value(value):
        raise MsgpackRpc.RemoteError('text', value)

    @dispatcher.method
    def fail_text(text: str):
        raise ValueError(text)

    @dispatcher.method
    def fail_key():
        return {}['x']

    @dispatcher.method
    def fail_gerror():
        raise GLib.Error('gone', 'msgpack-rpc-error-quark', MsgpackRpc.Error.BUSY)

    @dispatcher.method
    def bad_result():
        return object()

    @dispatcher.method
    def wrong_result() -> int:
        return 'text'

    return add


class Ends(unittest.TestCase):
    """A server on a thread of its own, and a client whose calls block."""

    def setUp(self):
        logging.getLogger('MsgpackRpc').setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger('MsgpackRpc').setLevel, logging.NOTSET)
        self.dispatcher = MsgpackRpc.Dispatcher()
        self.add = add_methods(self.dispatcher)
        self.thread = MsgpackRpc.LoopThread.new('server')
        self.server = MsgpackRpc.Server(main_context=self.thread.get_main_context(),
                                        dispatcher=self.dispatcher)
        self.address = self.server.listen_sync('tcp://localhost:0')[0]
        self.enterContext(self.thread)
        self.enterContext(self.server)
        self.client = self.enterContext(MsgpackRpc.Client.new(self.address))
        self.rpc = self.client.rpc

    def check_error(self, value, function, *args):
        with self.assertRaises(MsgpackRpc.RemoteError) as caught:
            function(*args)
        self.assertEqual(caught.exception.value, value)
        return caught.exception


class Calls(Ends):
    def test_call(self):
        self.assertEqual(self.rpc.add(1, 2), 3)
        self.assertEqual(self.rpc.add(1), 6)
        self.assertEqual(self.rpc.add(b=1, a=2), 3)
        self.assertEqual(self.rpc.many(1, 'x', b'y', None), [1, 'x', b'y', None])
        self.assertEqual(self.rpc['odd name']({'a': 1}), ['odd name', {'a': 1}])
        self.assertEqual(self.rpc.system.list(), ['a'])
        self.assertEqual(self.rpc.types([1, 2], {'a': 1}),
                         [2, "([1, 2], {'a': 1.0}, b'', 'types')"])
        self.assertEqual(self.rpc.later(5), 5)
        self.assertEqual(self.add(1), 6)

    def test_start(self):
        calls = [self.rpc.add.start(i, i) for i in range(10)]
        self.assertEqual([call.result() for call in calls], list(range(0, 20, 2)))
        self.assertEqual(self.rpc.add_async(1, 2).result(), 3)

    def test_timeout(self):
        with self.assertRaises(GLib.Error) as caught:
            self.rpc(timeout=1).never()
        self.assertNotIsInstance(caught.exception, MsgpackRpc.RemoteError)
        self.assertTrue(caught.exception.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT))

    def test_both_ways_of_passing(self):
        with self.assertRaisesRegex(TypeError, 'by place or by name'):
            self.rpc.add(1, b=2)

    def test_proxy(self):
        """It is no promise and no file, whatever is looked for in it."""
        with self.assertRaises(AttributeError):
            self.rpc.__len__
        self.assertIn('methods of', repr(self.rpc))
        self.assertIn("'add'", repr(self.rpc.add))
        for refused in (iter, list, lambda rpc: 'add' in rpc):
            with self.assertRaisesRegex(TypeError, 'not iterable'):
                refused(self.rpc)
        with self.assertRaises(AttributeError):
            self.rpc.add = 1
        with self.assertRaises(AttributeError):
            self.rpc.add.more = 1
        self.assertEqual(copy.copy(self.rpc).add(1, 2), 3)
        self.assertEqual(copy.copy(self.rpc.add)(1, 2), 3)
        with self.assertRaises(TypeError):
            pickle.dumps(self.rpc)

    def test_plain_objects(self):
        """What holds nothing but values can be copied, sent to other processes, and read."""
        for value, text in [
                (MsgpackRpc.Ext(1, b'x'), "Ext(type=1, data=b'x')"),
                (MsgpackRpc.Notification('a', [1]), "Notification(method='a', params=[1])"),
                (MsgpackRpc.LATER, 'MsgpackRpc.LATER'),
                (MsgpackRpc.RemoteError('text', {'a': 1}), "MsgpackRpc.RemoteError('text', {'a': 1})"),
        ]:
            for again in (value, copy.copy(value), copy.deepcopy(value),
                          pickle.loads(pickle.dumps(value))):
                self.assertEqual(repr(again), text)
        self.assertIs(pickle.loads(pickle.dumps(MsgpackRpc.LATER)), MsgpackRpc.LATER)

    def test_errors(self):
        error = self.check_error({'code': 7}, self.rpc.fail_value, {'code': 7})
        self.assertTrue(error.matches(MsgpackRpc.error_quark(), MsgpackRpc.Error.REMOTE))
        self.assertIsInstance(error, GLib.Error)
        self.check_error('no such book', self.rpc.fail_text, 'no such book')
        self.check_error("KeyError: 'x'", self.rpc.fail_key)
        self.check_error('ValueError', self.rpc.fail_text, '')
        self.check_error('gone', self.rpc.fail_gerror)
        self.check_error('There is no method “nope”', self.rpc.nope)
        self.check_error('expected a number at params[0], got a string', self.rpc.add, 'x')
        self.assertIn('object cannot be sent', str(self.check_error(
            unittest.mock.ANY, self.rpc.bad_result)))
        self.check_error(unittest.mock.ANY, self.rpc.wrong_result)
        self.assertEqual(self.rpc.add(1, 2), 3)

    def test_odd_results(self):
        """What fails when it is looked into is answered for, at once or later."""
        class Odd(dict):
            def values(self):
                raise KeyError('odd')

        class OddAwaitable:
            def __await__(self):
                raise KeyError('await')

        async def later():
            return Odd(a=1)

        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        self.addCleanup(loop.close)
        self.addCleanup(thread.join)
        self.addCleanup(loop.call_soon_threadsafe, loop.stop)
        for asyncio_loop in (None, loop):
            self.dispatcher.asyncio_loop = asyncio_loop
            for function, text in [(lambda: Odd(a=1), "KeyError: 'odd'"), (later, "KeyError: 'odd'"),
                                   (OddAwaitable, "KeyError: 'await'")]:
                with self.subTest(loop=asyncio_loop, text=text):
                    self.dispatcher.method('odd', flags=MsgpackRpc.MethodFlags.REPLACE)(function)
                    self.check_error(text, self.rpc.odd)
        unusual = unittest.mock.Mock(spec=asyncio.AbstractEventLoop)
        unusual.call_soon_threadsafe.side_effect = RuntimeError('Event loop is closed')
        self.dispatcher.asyncio_loop = unusual
        self.check_error('Event loop is closed', self.rpc.odd)

    def test_falsy_errors(self):
        """What many peers would take for a success is not sent as an error."""
        for value in (None, 0, False, '', []):
            error = self.check_error(unittest.mock.ANY, self.rpc.fail_value, value)
            self.assertTrue(error.value)

    def test_exceptions(self):
        """Whatever a handler raises, on a thread that is not the main one, is its answer; a peer
        cannot end the process so."""
        class Mute(Exception):
            def __str__(self):
                raise ValueError('no text')

        async def coroutine(error):
            raise error

        def function(error):
            raise error

        for error, value in [
                (SystemExit(3), 'SystemExit: 3'), (KeyboardInterrupt(), 'KeyboardInterrupt'),
                (GeneratorExit(), 'GeneratorExit'), (Mute(), 'Mute'), (ValueError('a\0b'), 'a\0b'),
                (ValueError('a\udcff'), 'a\udcff'), (ValueError('\ud800'), 'ValueError'),
                (MsgpackRpc.RemoteError('text', object()), 'RemoteError'),
                (MsgpackRpc.RemoteError('text', 2 ** 70), 'RemoteError'),
                (GLib.Error('x', 'no-such-domain', 77), 'x'),
        ]:
            for raises in (function, coroutine):
                with self.subTest(error=repr(type(error)), raises=raises.__name__):
                    self.dispatcher.method('raises', flags=MsgpackRpc.MethodFlags.REPLACE)(
                        lambda: raises(error))
                    self.check_error(value, self.rpc.raises)
        self.assertEqual(self.rpc.add(1, 2), 3)

    def test_wrong_arguments(self):
        for error, function in [
                (ValueError, lambda: self.rpc['a\0b']()),
                (TypeError, lambda: self.rpc[5]()),
                (UnicodeEncodeError, lambda: self.rpc['\ud800']()),
                (TypeError, lambda: self.rpc.add(object())),
                (ValueError, lambda: self.rpc(timeout=-2)),
                (TypeError, lambda: self.rpc(timeout='1')),
                (ValueError, lambda: self.rpc(timeout=2 ** 31)),
                (TypeError, lambda: self.rpc(timeout=1.5)),
                (TypeError, lambda: self.rpc(timeout=float('nan'))),
                (TypeError, lambda: self.client.send_call(5)),
                (TypeError, lambda: self.client.start_call(5, None)),
                (TypeError, lambda: self.client.send_notification('a', 5)),
                (TypeError, lambda: self.client.call_async('a', None, None, 5)),
                (ValueError, lambda: MsgpackRpc.to_variant(1, 'bad')),
                (TypeError, lambda: MsgpackRpc.to_variant(1, 5)),
                (TypeError, lambda: MsgpackRpc.from_variant(5)),
                (TypeError, lambda: MsgpackRpc.from_variant(None)),
                (ValueError, lambda: self.dispatcher.method('m', signature='bad')(lambda: 1)),
                (TypeError, lambda: self.dispatcher.method('m', signature=5)(lambda: 1)),
                (TypeError, lambda: self.dispatcher.method('m', flags='x')(lambda: 1)),
                (TypeError, lambda: self.dispatcher.method('m')(5)),
                (TypeError, lambda: self.dispatcher.method(5)(lambda: 1)),
                (TypeError, lambda: self.dispatcher.publish(5, 1)),
        ]:
            with self.subTest(function=inspect.getsource(function)), self.assertRaises(error):
                function()

    def test_clear_errors(self):
        """They say what is wrong, and not what Python came across because of it."""
        for text, function in [
                ('name of a method is a str, not int', lambda: self.rpc[5]),
                ('name of a method is a str, not NoneType', lambda: self.rpc[None]),
                ('name of a method is a str, not bytes', lambda: self.rpc[b'add']),
                ('A timeout is an int, in milliseconds, .* not str', lambda: self.rpc(timeout='1')),
                ('name of a method is a str, not int', lambda: self.dispatcher.method(5)),
                ('name of a method is a str, not classmethod',
                 lambda: self.dispatcher.method(classmethod(lambda cls: 1))),
                ('name of a method has no NUL', lambda: self.dispatcher.method('a\0')),
                ('A name is needed for functools.partial',
                 lambda: self.dispatcher.method(functools.partial(self.add, 1))),
                ('The loop is one of asyncio, or None, not int',
                 lambda: setattr(self.dispatcher, 'asyncio_loop', 5)),
                ('A LoopThread runs once', self.thread_again),
        ]:
            with self.subTest(text=text), \
                    self.assertRaisesRegex((TypeError, ValueError, RuntimeError), text):
                function()
        self.dispatcher.method('one more')(functools.partial(self.add, 1))
        self.assertEqual(self.rpc['one more'](2), 3)
        self.dispatcher.method('')(lambda: 'no name')
        self.assertEqual(self.rpc[''](), 'no name')

    @staticmethod
    def thread_again():
        thread = MsgpackRpc.LoopThread.new('once')
        for _ in range(2):
            with thread:
                pass

    def test_fork(self):
        """In a fork, a call by the parent's connection is refused before anything can block."""
        self.assertEqual(self.rpc.add(1, 2), 3)
        child = os.fork()
        if child == 0:
            refused = 0
            for function in (self.rpc.add, self.client.rpc.add.start, self.rpc.add.notify):
                try:
                    function(1, 2)
                except RuntimeError:
                    refused += 1
            os._exit(refused)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 3)
        self.assertEqual(self.rpc.add(1, 2), 3)

    def test_describe(self):
        method = self.dispatcher.lookup_method('add')
        self.assertEqual(method.get_signature(), '(xmx)')
        self.assertEqual(method.get_param_names(), ['a', 'b'])
        self.assertEqual(method.get_result_signature(), 'x')
        self.assertEqual(method.get_description(), 'Adds numbers.\n\nAs many as two.')
        self.assertEqual(self.dispatcher.lookup_method('types').get_signature(), '(axa{sd}may)')
        self.assertIsNone(self.dispatcher.lookup_method('many').get_signature())
        self.assertEqual(self.dispatcher.lookup_method('odd name').get_param_names(), ['value'])

    def test_hints(self):
        dispatcher = MsgpackRpc.Dispatcher()

        @dispatcher.method
        def hints(a: bool, b: float, c: str, d: list, e: tuple[int, str], f: dict, g: typing.Any,
                  h: typing.Optional[int], i: int | str, j: None, k: list[dict[int, bytes]],
                  l: 'NoSuchType' = 1):
            pass

        self.assertEqual(dispatcher.lookup_method('hints').get_signature(), '(vvvvvvvvvvvmv)')
        hints.__annotations__.update(e=typing.Dict, f=typing.Tuple, g=tuple[()], h=typing.List)
        del hints.__annotations__['l']
        dispatcher.method('bare')(hints)
        self.assertEqual(dispatcher.lookup_method('bare').get_signature(),
                         '(bdsavvvvvvmvaa{xay}mv)')
        hints.__annotations__.update(e=tuple[int, str], f=dict, g=typing.Any, h=typing.Optional[int])
        dispatcher.method('again')(hints)
        self.assertEqual(dispatcher.lookup_method('again').get_signature(),
                         '(bdsav(xs)vvmxvmvaa{xay}mv)')

    def test_refused(self):
        with self.assertRaisesRegex(ValueError, 'There is a method “add” already'):
            self.dispatcher.method('add')(lambda: 1)
        self.dispatcher.method('add', flags=MsgpackRpc.MethodFlags.REPLACE)(lambda: 'new')
        self.assertEqual(self.rpc.add(), 'new')
        with self.assertRaisesRegex(TypeError, 'Peers cannot pass “key”'):
            @self.dispatcher.method
            def keyword(*, key):
                pass

    def test_notify(self):
        noted = []

        @self.dispatcher.method
        def note(*args):
            noted.append(args)

        self.rpc.note.notify(1, 'x')
        self.rpc.note.notify('last')
        # What blocks sends what is queued before it; a loop would have done so already.
        self.rpc.add(1, 2)
        self.assertEqual(noted, [(1, 'x'), ('last',)])

    def test_publish(self):
        topic = self.dispatcher.add_topic('t', '(xs)')
        got = []
        self.client.connect('published::t', lambda _client, _topic, value: got.append(
            MsgpackRpc.from_variant(value)))
        self.client.subscribe_sync('t')
        self.dispatcher.publish('t', (1, 'one'))
        topic.publish([2, 'two'])
        topic.publish(GLib.Variant('(xs)', (3, 'three')))
        topic.publish_with_key('key', [4, 'four'])
        self.server.publish('t', [5, 'five'])
        iterate_until(lambda: len(got) == 5)
        self.assertEqual([list(item)[0] for item in got], [1, 2, 3, 4, 5])
        with self.assertRaises(GLib.Error):
            topic.publish(['text'])

    def test_lists(self):
        names = [method.get_name() for method in self.dispatcher.props.methods]
        self.assertIn('add', names)
        self.assertEqual(len(self.dispatcher.props.methods), len(names))
        # The client may be connected before the server has let it in.
        iterate_until(lambda: len(list(self.server.props.connections)) == 1)


class Lives(Ends):
    def test_handlers_let_go(self):
        """A handler that is a method of the object which has the dispatcher keeps neither."""
        class Service:
            def __init__(self):
                self.dispatcher = MsgpackRpc.Dispatcher()
                self.dispatcher.method('get')(self.get)

            def get(self):
                return 1

        service = Service()
        gone = weakref.ref(service)
        service.dispatcher.remove_method(service.dispatcher.lookup_method('get').get_id())
        del service
        gc.collect()
        self.assertIsNone(gone())

    def test_cycle(self):
        """What owns its dispatcher and is a handler of it is kept; a weak reference lets go."""
        class Service:
            def __init__(self, weak):
                self.dispatcher = MsgpackRpc.Dispatcher()
                get = weakref.WeakMethod(self.get)
                self.dispatcher.method('get')((lambda: get()()) if weak else self.get)

            def get(self):
                return 1

        for weak in (False, True):
            gone = weakref.ref(Service(weak))
            gc.collect()
            self.assertEqual(gone() is None, weak)
            if not weak:
                service = gone()
                service.dispatcher.remove_method(service.dispatcher.lookup_method('get').get_id())

    def test_threads(self):
        """Clients come and go while another one hears of something in its thread. GLib and PyGObject
        would block each other if these objects had attributes of Python."""
        faulthandler.dump_traceback_later(2 * DEADLINE, exit=True)
        self.addCleanup(faulthandler.cancel_dump_traceback_later)
        context = self.thread.get_main_context()
        listener = self.enterContext(MsgpackRpc.Client(address=self.address, main_context=context))
        self.dispatcher.asyncio_loop = None
        for _ in range(100):
            for _ in range(30):
                self.server.broadcast('news', None)
            client = MsgpackRpc.Client(address=self.address, main_context=context)
            client.open_sync()
            call = client.rpc.add.start(1, 2)
            self.assertEqual([call.result(), listener.rpc.add(1, 2)], [3, 3])
            del client, call

    def test_loop_of_a_dispatcher(self):
        """It belongs to the dispatcher, and not to what stands for it in Python."""
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        dispatcher = MsgpackRpc.Dispatcher()
        dispatcher.asyncio_loop = loop
        server = MsgpackRpc.Server(dispatcher=dispatcher)
        del dispatcher
        gc.collect()
        self.assertIs(server.props.dispatcher.asyncio_loop, loop)
        del server
        gc.collect()
        for _ in range(20):
            self.assertIsNone(MsgpackRpc.Dispatcher().asyncio_loop)

    def test_many_calls(self):
        """Nothing is left of 10,000 calls."""
        for _ in range(100):
            self.rpc.add(1, 2)
        gc.collect()
        before = len(gc.get_objects())
        for _ in range(100):
            for call in [self.rpc.add.start(i, 1) for i in range(100)]:
                call.result()
        gc.collect()
        self.assertLess(len(gc.get_objects()) - before, 100)
        self.assertEqual(len(self.client.props.calls), 0)


if __name__ == '__main__':
    tap.main()
