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


if __name__ == '__main__':
    tap.main()
