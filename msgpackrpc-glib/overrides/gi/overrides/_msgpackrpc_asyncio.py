# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Awaiting what ends in a GLib main context, on any asyncio loop or on none."""

import asyncio
import collections
import threading
import types
import warnings
import weakref

from gi.repository import GLib

# Seconds after which to look whether anybody runs the context.
CHECK_AFTER = 1

NO_LOOP = ('The coroutine waits for something of asyncio, but no asyncio loop runs here; '
           'set Dispatcher.asyncio_loop')


class Wait:
    """What a coroutine waits for that no asyncio loop runs: start (done) begins it, and done ends
    it, both in a main context."""

    def __init__(self, start, cancel):
        self.start = start
        self.cancel = cancel


def run_in(context, function):
    """Runs a function in a context, with it as the thread's default: what is begun there ends there."""
    def run():
        context.push_thread_default()
        try:
            function()
        finally:
            context.pop_thread_default()
        return GLib.SOURCE_REMOVE

    if context.is_owner():
        run()
        return
    source = GLib.idle_source_new()
    source.set_priority(GLib.PRIORITY_DEFAULT)
    source.set_callback(lambda *_: run())
    source.attach(context)


def running_loop():
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def warn_if_idle(future, context):
    if future.done() or context.is_owner() or not context.acquire():
        return
    context.release()
    warnings.warn('Nothing runs the main context in which the awaited operation ends: run a '
                  'GLib.MainLoop there, or make the object in a MsgpackRpc.LoopThread',
                  RuntimeWarning)


@types.coroutine
def wait_without_loop(context, start, cancel):
    return (yield Wait(lambda done: run_in(context, lambda: start(done)), cancel))


async def wait_with_loop(loop, context, start, cancel):
    future = loop.create_future()

    def settle(result, error):
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def done(result, error=None):
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:
            # The loop was closed: nobody waits.
            pass

    run_in(context, lambda: start(done))
    check = loop.call_later(CHECK_AFTER, warn_if_idle, future, context)
    try:
        return await future
    except asyncio.CancelledError:
        cancel()
        raise
    finally:
        check.cancel()


async def wait(context, start, cancel):
    """Waits until start (done) has called done (result, error), both of them in the context. When
    the waiting task is cancelled, cancel () is called."""
    loop = running_loop()
    if loop is None:
        return await wait_without_loop(context, start, cancel)
    return await wait_with_loop(loop, context, start, cancel)


# ---- coroutines ----

class Driver:
    """Runs a coroutine that waits for nothing but what ends in main contexts."""

    def __init__(self, coroutine, ended):
        self.coroutine = coroutine
        self.ended = ended
        self.pending = None
        self.step(None, None)

    def step(self, value, error):
        try:
            if error is not None:
                pending = self.coroutine.throw(error)
            else:
                pending = self.coroutine.send(value)
        except StopIteration as stop:
            self.end(stop.value, None)
        except (AttributeError, RuntimeError) as failure:
            self.end(None, RuntimeError(NO_LOOP) if is_loop_missing(failure) else failure)
        except BaseException as failure:
            self.end(None, failure)
        else:
            self.follow(pending)

    def follow(self, pending):
        if not isinstance(pending, Wait):
            self.step(None, RuntimeError(NO_LOOP))
            return
        self.pending = pending
        pending.start(lambda value, error=None: self.resume(pending, value, error))

    def resume(self, pending, value, error):
        if self.pending is pending:
            self.pending = None
            self.step(value, error)

    def cancel(self):
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.cancel()
            self.step(None, asyncio.CancelledError())

    def end(self, value, error):
        ended, self.ended = self.ended, None
        ended(value, error)
        if ends_program(error):
            raise error


def is_loop_missing(error):
    if isinstance(error, AttributeError):
        # Of what synchronises tasks, which does not ask whether there is a loop.
        return error.obj is None and error.name == 'create_future'
    return str(error) in ('no running event loop', NO_LOOP)


def ends_program(error):
    """What sys.exit () and Ctrl+C raise, which is for the main thread; peers are not to end another,
    and with it what else lives there."""
    return isinstance(error, (SystemExit, KeyboardInterrupt)) \
        and threading.current_thread() is threading.main_thread()


class TaskDriver:
    """Runs a coroutine as a task of an asyncio loop, which may run in another thread."""

    def __init__(self, awaitable, ended, loop):
        self.ended = ended
        self.future = asyncio.run_coroutine_threadsafe(self.run(awaitable), loop)
        # What is cancelled before it has begun never runs.
        self.future.add_done_callback(
            lambda future: self.end(None, asyncio.CancelledError()) if future.cancelled() else None)

    async def run(self, awaitable):
        try:
            value = await awaitable
        except BaseException as error:
            # What ends its loop would be told to nobody after that.
            self.end(None, error)
            if isinstance(error, asyncio.CancelledError) or ends_program(error):
                raise
        else:
            self.end(value, None)

    def end(self, value, error):
        ended, self.ended = self.ended, None
        if ended is not None:
            ended(value, error)

    def cancel(self):
        self.future.cancel()


async def as_coroutine(awaitable):
    return await awaitable


def drive(awaitable, ended, loop):
    """Waits for something; ended (value, error) is called when it has ended, maybe in another thread.
    The result has a cancel ()."""
    loop = running_loop() or loop
    if loop is not None and loop.is_running():
        return TaskDriver(awaitable, ended, loop)
    return Driver(as_coroutine(awaitable), ended)


# ---- streams ----

class Queue:
    """What has come and was not taken yet; the oldest is dropped when there is too much."""

    def __init__(self, loop, max_queued):
        self.loop = loop
        self.items = collections.deque()
        self.max_queued = max_queued
        self.dropped = 0
        self.ended = False
        self.waiter = None

    def put(self, item):
        """From any thread."""
        self.call(self.add, item)

    def end(self):
        """From any thread."""
        self.call(self.finish)

    def call(self, function, *args):
        try:
            self.loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            # The loop was closed: nobody will take it.
            pass

    def add(self, item):
        if len(self.items) == self.max_queued:
            self.items.popleft()
            self.dropped += 1
        self.items.append(item)
        self.wake()

    def finish(self):
        self.ended = True
        self.wake()

    def wake(self):
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def get(self):
        while not self.items:
            if self.ended:
                raise StopAsyncIteration
            if self.waiter is not None:
                raise RuntimeError('Another task waits for the next item already')
            self.waiter = self.loop.create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        return self.items.popleft()


class Stream:
    """An asynchronous iterator over what signals of a peer tell. It listens from its making until it
    is closed, let go of, or the peer is gone for good."""

    def __init__(self, peer, max_queued):
        loop = running_loop()
        if loop is None:
            raise RuntimeError('An asynchronous iteration needs a running asyncio loop')
        if not isinstance(max_queued, int):
            raise TypeError(f'max_queued is an int, not {type(max_queued).__name__}')
        if max_queued < 1:
            raise ValueError('max_queued is at least 1')
        self._queue = Queue(loop, max_queued)
        self._peer = peer
        self._handlers = []
        self._finalizer = weakref.finalize(self, self._disconnect, peer, self._handlers)
        self._finalizer.atexit = False

    def __repr__(self):
        return f'<{type(self).__name__} of {self._peer!r}>'

    def _listen(self, signal, function):
        self._handlers.append(self._peer.connect(signal, function))

    @staticmethod
    def _disconnect(peer, handlers):
        while handlers:
            peer.disconnect(handlers.pop())

    @property
    def dropped(self):
        """How many items were dropped, since more than max_queued of them waited."""
        return self._queue.dropped

    def close(self):
        """Ends the iteration, after what has come already."""
        self._finalizer()
        self._queue.finish()

    def __aiter__(self):
        return self

    async def __anext__(self):
        return await self._queue.get()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()
