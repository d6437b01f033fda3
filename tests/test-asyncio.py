# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Awaiting the library in Python: on plain asyncio beside a GLib loop in another thread, on gbulb's
loop, on PyGObject's own, and on no asyncio at all."""

import asyncio
import contextlib
import gc
import importlib.util
import logging
import os
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock
import warnings
import weakref

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, MsgpackRpc

# Seconds until a test gives up.
DEADLINE = 20


def make_dispatcher():
    dispatcher = MsgpackRpc.Dispatcher()
    dispatcher.kept = []
    dispatcher.cancelled = 0
    dispatcher.add_topic('clock', '(xs)')

    @dispatcher.method
    def add(a: int, b: int) -> int:
        return a + b

    @dispatcher.method
    def fail(value):
        raise MsgpackRpc.RemoteError('text', value)

    @dispatcher.method
    def never(invocation):
        dispatcher.kept.append(invocation)
        return MsgpackRpc.LATER

    @dispatcher.method
    async def sleep(seconds: float, value):
        await asyncio.sleep(seconds)
        return value

    @dispatcher.method
    async def hang():
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            dispatcher.cancelled += 1
            raise

    @dispatcher.method
    async def ask_back(value: int, invocation: MsgpackRpc.Invocation) -> int:
        """Needs no asyncio."""
        rpc = invocation.get_connection().rpc
        return await rpc.double_async(value) + await rpc.double_async(1)

    @dispatcher.method
    async def fail_later(text: str, invocation: MsgpackRpc.Invocation):
        await invocation.get_connection().rpc.double_async(1)
        raise ValueError(text)

    return dispatcher


def make_own_dispatcher():
    """What the client serves."""
    dispatcher = MsgpackRpc.Dispatcher()

    @dispatcher.method
    def double(value: int) -> int:
        return 2 * value

    return dispatcher


class Shared:
    """What must be so on any loop. make_ends () gives a dispatcher, a server and a client."""

    def setUp(self):
        logging.getLogger('MsgpackRpc').setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger('MsgpackRpc').setLevel, logging.NOTSET)

    def check(self, function):
        async def run():
            await asyncio.wait_for(function(), DEADLINE)

        self.run_coroutine(run())

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0.01)

    def test_await(self):
        async def test():
            rpc = self.client.rpc
            self.assertEqual(await rpc.add_async(1, 2), 3)
            self.assertEqual(await rpc.add.start(1, 2), 3)
            results = await asyncio.gather(*[rpc.add_async(i, 1) for i in range(50)])
            self.assertEqual(results, list(range(1, 51)))
            call = rpc.add_async(1, 1)
            self.assertEqual([await call, await call], [2, 2])
            with self.assertRaises(MsgpackRpc.RemoteError) as caught:
                await rpc.fail_async({'code': 7})
            self.assertEqual(caught.exception.value, {'code': 7})
            with self.assertRaises(GLib.Error) as caught:
                await self.client.rpc(timeout=1).never_async()
            self.assertTrue(caught.exception.matches(Gio.io_error_quark(),
                                                     Gio.IOErrorEnum.TIMED_OUT))

        self.check(test)

    def test_overtaking(self):
        async def test():
            self.dispatcher.asyncio_loop = asyncio.get_running_loop()
            rpc = self.client.rpc
            slow = asyncio.create_task(rpc.sleep_async(0.5, 'slow')._wait())
            fast = asyncio.create_task(rpc.sleep_async(0, 'fast')._wait())
            done, _ = await asyncio.wait([slow, fast], return_when=asyncio.FIRST_COMPLETED)
            self.assertEqual([task.result() for task in done], ['fast'])
            self.assertEqual(await slow, 'slow')

        self.check(test)

    def test_cancel(self):
        """Cancelling a task cancels its call; the handler learns of it when the peer tells."""
        async def test():
            self.dispatcher.asyncio_loop = asyncio.get_running_loop()
            call = self.client.rpc.hang_async()
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(call, 0.05)
            self.assertEqual(call.get_state(), MsgpackRpc.CallState.FAILED)
            self.assertTrue(call.get_error().matches(Gio.io_error_quark(),
                                                     Gio.IOErrorEnum.CANCELLED))
            await self.until(lambda: len(self.client.props.calls) == 0)
            self.assertEqual(await self.client.rpc.add_async(1, 2), 3)
            async with MsgpackRpc.Client(address=self.address,
                                         main_context=self.client.props.main_context) as other:
                other.rpc.hang_async()
                await other.rpc.add_async(1, 2)
            await self.until(lambda: self.dispatcher.cancelled > 0)

        self.check(test)

    def test_coroutines(self):
        async def test():
            self.dispatcher.asyncio_loop = asyncio.get_running_loop()
            self.assertEqual(await self.client.rpc.ask_back_async(5), 12)
            with self.assertRaises(MsgpackRpc.RemoteError) as caught:
                await self.client.rpc.fail_later_async('too late')
            self.assertEqual(caught.exception.value, 'too late')

        self.check(test)

    def test_notifications(self):
        async def test():
            every = self.client.notifications()
            ticks = self.client.notifications('tick', max_queued=2)
            await self.client.rpc.add_async(1, 1)
            for i in range(4):
                self.server.broadcast('tick', MsgpackRpc.to_variant([i]))
            self.server.broadcast('tock', MsgpackRpc.to_variant(['last']))
            got = []
            async for method, params in every:
                got.append((method, params))
                if method == 'tock':
                    break
            self.assertEqual(got, [('tick', [0]), ('tick', [1]), ('tick', [2]), ('tick', [3]),
                                   ('tock', ['last'])])
            await self.until(lambda: ticks.dropped == 2)
            ticks.close()
            self.assertEqual([params async for _, params in ticks], [[2], [3]])

        self.check(test)

    def test_publications(self):
        async def test():
            topic = self.dispatcher.lookup_topic('clock')
            got = []
            async with self.client.publications('clock') as clock:
                self.assertEqual(topic.get_n_subscribers(), 1)
                for i in range(3):
                    topic.publish((i, 'text'))
                async for value in clock:
                    got.append(value)
                    if len(got) == 3:
                        break
            self.assertEqual([list(value) for value in got],
                             [[0, 'text'], [1, 'text'], [2, 'text']])
            await self.until(lambda: topic.get_n_subscribers() == 0)
            with self.assertRaisesRegex(GLib.Error, 'nope'):
                async for _ in self.client.publications('nope'):
                    pass

        self.check(test)

    def test_let_go(self):
        """An iteration that nobody has any more listens no more."""
        async def test():
            topic = self.dispatcher.lookup_topic('clock')
            clock = self.client.publications('clock')
            await clock.subscribe()
            self.assertEqual(topic.get_n_subscribers(), 1)
            gone = weakref.ref(clock)
            del clock
            self.assertIsNone(gone())
            await self.until(lambda: topic.get_n_subscribers() == 0)

        self.check(test)

    def test_close_while_waiting(self):
        """A task that waits for a stream ends when somebody closes it."""
        async def test():
            for stream in (self.client.notifications(), self.client.publications('clock')):
                got = []

                async def read(stream=stream, got=got):
                    async for item in stream:
                        got.append(item)

                task = asyncio.create_task(read())
                await self.until(lambda: stream._queue.waiter is not None)
                stream.close()
                await task
                self.assertEqual(got, [])
                stream.close()

        self.check(test)

    def test_end(self):
        """An iteration ends with its connection, after what has come before."""
        async def test():
            async with MsgpackRpc.Client(address=self.address,
                                         main_context=self.client.props.main_context) as other:
                stream = other.notifications()
                await other.rpc.add_async(1, 2)
                self.server.broadcast('last', None)
                await other.rpc.add_async(1, 2)
            self.assertEqual([method async for method, _ in stream], ['last'])

        self.check(test)


class BesideThread(Shared, unittest.TestCase):
    """Plain asyncio in this thread; the library lives in another one."""

    def setUp(self):
        super().setUp()
        self.dispatcher = make_dispatcher()
        thread = self.enterContext(MsgpackRpc.LoopThread.new('library'))
        context = thread.get_main_context()
        self.server = self.enterContext(MsgpackRpc.Server(main_context=context,
                                                          dispatcher=self.dispatcher))
        self.address = self.server.listen_sync(f'unix-abstract:test-asyncio-{os.getpid()}')[0]
        self.client = self.enterContext(MsgpackRpc.Client(main_context=context, address=self.address,
                                                          dispatcher=make_own_dispatcher()))

    def run_coroutine(self, coroutine):
        asyncio.run(coroutine)

    def test_many(self):
        """Nothing is left of 10,000 awaited calls."""
        async def test():
            rpc = self.client.rpc
            await asyncio.gather(*[rpc.add_async(i, 1) for i in range(100)])
            gc.collect()
            before = len(gc.get_objects())
            for _ in range(100):
                await asyncio.gather(*[rpc.add_async(i, 1) for i in range(100)])
            gc.collect()
            self.assertLess(len(gc.get_objects()) - before, 200)

        self.check(test)


    def test_leaving(self):
        """What would end the program is an answer where it cannot: the loop of another thread goes
        on."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        self.addCleanup(loop.close)
        self.addCleanup(thread.join)
        self.addCleanup(loop.call_soon_threadsafe, loop.stop)
        self.dispatcher.asyncio_loop = loop
        for error, text in [(SystemExit(3), 'SystemExit: 3'),
                            (KeyboardInterrupt(), 'KeyboardInterrupt'),
                            (GeneratorExit(), 'GeneratorExit'),
                            (asyncio.CancelledError(), 'The handler was cancelled'),
                            (ExceptionGroup('group', [ValueError('text')]),
                             'group (1 sub-exception)')]:
            @self.dispatcher.method(flags=MsgpackRpc.MethodFlags.REPLACE)
            async def leave():
                await asyncio.sleep(0)
                raise error

            with self.assertRaises(MsgpackRpc.RemoteError) as caught:
                self.client.rpc.leave()
            self.assertEqual(caught.exception.value, text)
            self.assertEqual(self.client.rpc.sleep(0, 'still here'), 'still here')

    def test_tasks(self):
        """Tasks of a group that fails cancel their calls."""
        async def test():
            calls = [self.client.rpc.never_async() for _ in range(3)]
            with self.assertRaises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as group:
                    for call in calls:
                        group.create_task(asyncio.wait_for(call, DEADLINE))
                    group.create_task(asyncio.wait_for(self.client.rpc.fail_async(5), DEADLINE))
            self.assertEqual([error.value for error in caught.exception.exceptions], [5])
            self.assertEqual([call.get_state() for call in calls],
                             [MsgpackRpc.CallState.FAILED] * 3)
            task = asyncio.ensure_future(self.client.rpc.never_async())
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        self.check(test)

    def test_loops(self):
        """Several loops one after the other, and at the same time."""
        results = []

        async def ask():
            results.append(sum(await asyncio.gather(*[self.client.rpc.add_async(i, 1)
                                                      for i in range(20)])))

        threads = [threading.Thread(target=asyncio.run, args=[ask()]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(2):
            asyncio.run(ask())
        for thread in threads:
            thread.join(DEADLINE)
        self.assertEqual(results, [210] * 6)

    def test_left_halfway(self):
        """A generator that iterates over a topic, and is left and dropped, unsubscribes."""
        async def iterate():
            async with self.client.publications('clock') as clock:
                async for value in clock:
                    yield value

        async def test():
            topic = self.dispatcher.lookup_topic('clock')
            values = iterate()
            first = asyncio.ensure_future(anext(values))
            await self.until(lambda: topic.get_n_subscribers() == 1)
            topic.publish((1, 'text'))
            self.assertEqual(list(await first), [1, 'text'])
            del values, first
            gc.collect()
            await self.until(lambda: topic.get_n_subscribers() == 0)

        self.check(test)

    def test_wrong_arguments(self):
        async def test():
            for error, text, function in [
                    (TypeError, 'name of a notification is a str, not int',
                     lambda: self.client.notifications(5)),
                    (ValueError, 'not empty', lambda: self.client.notifications('')),
                    (ValueError, 'no NUL', lambda: self.client.notifications('a\0')),
                    (TypeError, 'name of a topic is a str, not NoneType',
                     lambda: self.client.publications(None)),
                    (ValueError, 'not empty', lambda: self.client.publications('')),
                    (TypeError, 'max_queued is an int, not str',
                     lambda: self.client.notifications(max_queued='5')),
                    (ValueError, 'at least 1', lambda: self.client.notifications(max_queued=0)),
            ]:
                with self.subTest(text=text), self.assertRaisesRegex(error, text):
                    function()
            for stream in (self.client.notifications(), self.client.publications('clock')):
                self.assertRegex(repr(stream), '^<(Notifications|Publications) of ')

        self.check(test)


class NoThread(unittest.TestCase):
    def test_idle(self):
        """Awaiting what nobody runs is warned of."""
        async def test():
            client = MsgpackRpc.Client(address='tcp://localhost:1')
            call = client.rpc(timeout=3000).add_async(1, 2)
            with self.assertRaises(asyncio.TimeoutError):
                await asyncio.wait_for(call, 1.5)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            asyncio.run(test())
        self.assertIn('Nothing runs the main context', str(caught[0].message))

    def test_no_loop(self):
        client = MsgpackRpc.Client(address='tcp://localhost:1')
        with self.assertRaisesRegex(RuntimeError, 'needs a running asyncio loop'):
            client.notifications()


class OnOneThread(Shared):
    """A loop of asyncio that runs the default context."""

    def setUp(self):
        super().setUp()
        self.dispatcher = make_dispatcher()
        self.server = MsgpackRpc.Server(dispatcher=self.dispatcher)
        self.address = self.server.listen_sync(f'unix-abstract:test-asyncio-{os.getpid()}')[0]
        self.client = MsgpackRpc.Client(address=self.address, dispatcher=make_own_dispatcher())
        self.client.open_sync()

    def tearDown(self):
        self.client.close_sync(MsgpackRpc.CloseMode.NOW)
        self.server.drain_sync(MsgpackRpc.CloseMode.NOW, -1)


@unittest.skipUnless(importlib.util.find_spec('gbulb'), 'gbulb is not installed')
class OnGbulb(OnOneThread, unittest.TestCase):
    def run_coroutine(self, coroutine):
        import gbulb
        loop = gbulb.GLibEventLoop(context=GLib.MainContext.default())
        try:
            loop.run_until_complete(coroutine)
        finally:
            loop.close()


@unittest.skipUnless(importlib.util.find_spec('gi.events'), 'this PyGObject has no asyncio loop')
class OnPyGObject(OnOneThread, unittest.TestCase):
    def run_coroutine(self, coroutine):
        import gi.events
        with gi.events.GLibEventLoopPolicy() as policy:
            policy.get_event_loop().run_until_complete(coroutine)


class OnGLib(unittest.TestCase):
    """No asyncio: handlers that are coroutines can wait for the library."""

    def setUp(self):
        logging.getLogger('MsgpackRpc').setLevel(logging.CRITICAL)
        self.addCleanup(logging.getLogger('MsgpackRpc').setLevel, logging.NOTSET)
        self.thread = self.enterContext(MsgpackRpc.LoopThread.new('server'))
        context = self.thread.get_main_context()
        self.dispatcher = make_dispatcher()
        self.server = self.enterContext(MsgpackRpc.Server(main_context=context,
                                                          dispatcher=self.dispatcher))
        self.address = self.server.listen_sync(f'unix-abstract:test-asyncio-{os.getpid()}')[0]
        self.client = self.enterContext(MsgpackRpc.Client(main_context=context, address=self.address,
                                                          dispatcher=make_own_dispatcher()))

    def check_error(self, text, call):
        with self.assertRaises(MsgpackRpc.RemoteError) as caught:
            call()
        self.assertIn(text, caught.exception.value)

    def test_coroutines(self):
        self.assertEqual(self.client.rpc.ask_back(5), 12)
        self.check_error('too late', lambda: self.client.rpc.fail_later('too late'))

    def test_needs_asyncio(self):
        self.check_error('set Dispatcher.asyncio_loop', lambda: self.client.rpc.sleep(0, 1))

        @self.dispatcher.method
        async def wait_for_event():
            await asyncio.Event().wait()

        @self.dispatcher.method
        async def mistake():
            return None.text

        self.check_error('set Dispatcher.asyncio_loop', self.client.rpc.wait_for_event)
        self.check_error("no attribute 'text'", self.client.rpc.mistake)

    def test_gone(self):
        """A coroutine that waits for a peer which goes ends with it."""
        ended = []

        @self.dispatcher.method
        async def wait_for_peer(invocation):
            try:
                await invocation.get_connection().rpc.never_async()
            except BaseException as error:
                ended.append(error)
                raise

        own = make_dispatcher()
        other = MsgpackRpc.Client(main_context=self.client.props.main_context, address=self.address,
                                  dispatcher=own)
        other.open_sync()
        call = other.rpc.wait_for_peer.start()
        deadline = time.monotonic() + DEADLINE
        while not own.kept and time.monotonic() < deadline:
            other.rpc.add(1, 2)
        other.close_sync(MsgpackRpc.CloseMode.NOW)
        while not ended and time.monotonic() < deadline:
            self.client.rpc.add(1, 2)
        self.assertEqual(len(ended), 1)
        with self.assertRaises(GLib.Error):
            call.result()

    PROGRAM = """
import sys
import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc
_, caller, callee = MsgpackRpc.Connection.new_pair()
own, dispatcher = MsgpackRpc.Dispatcher(), MsgpackRpc.Dispatcher()
caller.props.dispatcher, callee.props.dispatcher = own, dispatcher
own.method('double')(lambda value: 2 * value)
@dispatcher.method
async def leave(value, invocation):
    if value:
        value = await invocation.get_connection().rpc.double_async(value)
    sys.exit(value + 3)
caller.rpc.leave.notify(int(sys.argv[1]))
GLib.timeout_add_seconds(20, sys.exit, 1)
GLib.MainLoop().run()
"""

    def test_exit(self):
        """A coroutine may end the program, as a function may, whose main thread it runs on."""
        for value in (0, 2):
            program = subprocess.run([sys.executable, '-c', self.PROGRAM, str(value)],
                                     timeout=DEADLINE)
            self.assertEqual(program.returncode, 2 * value + 3)


if __name__ == '__main__':
    tap.main()
