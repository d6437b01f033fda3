# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What makes the library natural in Python. All of it comes on top: what introspection gives is there
as it is."""

import asyncio
import functools
import inspect
import logging
import operator
import os
import typing
import weakref

from gi.module import get_introspection_module
from gi.overrides import override
from gi.repository import Gio, GLib

from . import _msgpackrpc_asyncio as waiting
from . import _msgpackrpc_values as values

MsgpackRpc = get_introspection_module('MsgpackRpc')

__all__ = ['Ext', 'LATER', 'Notification', 'RemoteError', 'from_variant', 'to_variant']

Ext = values.Ext
from_variant = values.from_variant
to_variant = values.to_variant

logger = logging.getLogger('MsgpackRpc')


class Later:
    def __repr__(self):
        return 'MsgpackRpc.LATER'

    def __reduce__(self):
        # There is one of it, also after copying.
        return 'LATER'


# What a function returns that answers its Invocation later.
LATER = Later()


class Beside:
    """What belongs to an object of GObject, beside it, for as long as the object lives.

    Attributes would be kept by a toggle reference of PyGObject. With such ones, GLib 2.74 can block
    for ever: it takes weak references, as the library does in its threads, with a lock held which
    every thread needs that lets go of an object; PyGObject holds the interpreter in the one and waits
    for it in the other.
    """

    def __init__(self, make):
        self._make = make
        self._values = {}

    def get(self, thing):
        key = hash(thing)
        if key not in self._values:
            thing.weak_ref(self._forget, key)
        return self._values.setdefault(key, self._make())

    def _forget(self, key):
        self._values.pop(key, None)


# The contexts in which calls end, known when they are sent; a call that has ended has let go of its
# peer. And the processes that peers belong to.
contexts = weakref.WeakKeyDictionary()
processes = weakref.WeakKeyDictionary()


def check_name(name, what):
    if not isinstance(name, str):
        raise TypeError(f'The name of a {what} is a str, not {type(name).__name__}')
    if '\0' in name:
        raise ValueError(f'The name of a {what} has no NUL')


class Notification(typing.NamedTuple):
    """What a peer has sent without waiting for an answer."""

    method: str
    params: list


class RemoteError(GLib.Error):
    """The peer has answered a call with an error. Raised in a handler, it is such an answer.

    value is what stands for the error in MessagePack, as a value of Python; without one, it is the
    message.
    """

    def __init__(self, message='', value=None, *, domain=None, code=None):
        super().__init__(message,
                         GLib.quark_to_string(MsgpackRpc.error_quark()) if domain is None else domain,
                         int(MsgpackRpc.Error.REMOTE) if code is None else code)
        self.value = message if value is None else value

    def __repr__(self):
        return f'MsgpackRpc.RemoteError({self.message!r}, {self.value!r})'


def error_of(call, error):
    """What to raise for the end of a call."""
    value = call.get_error_value()
    if value is None:
        return error
    return RemoteError(error.message, from_variant(value), domain=error.domain, code=error.code)


# ---- calls ----

class Call(MsgpackRpc.Call):
    """Await it for its result as a value of Python. When the task that waits is cancelled, so is the
    call."""

    def __await__(self):
        return self._wait().__await__()

    async def _wait(self):
        def start(done):
            self.wait_async(None, functools.partial(finish, done))

        def finish(done, _source, result):
            try:
                value = from_variant(self.wait_finish(result))
            except GLib.Error as error:
                done(None, error_of(self, error))
            except BaseException as error:
                # Whoever waits has to be told of anything.
                done(None, error)
            else:
                done(value)

        context = contexts.get(self) or context_of(self.get_source_object())
        return await waiting.wait(context, start, self.cancel)

    def result(self):
        """Waits, blocking the thread, and returns the result as a value of Python."""
        try:
            return from_variant(self.wait(None))
        except GLib.Error as error:
            raise error_of(self, error) from None


Call = override(Call)
__all__.append('Call')


def context_of(peer):
    """Where things of a peer end."""
    context = getattr(peer.props, 'main_context', None) if peer is not None else None
    return context or GLib.MainContext.ref_thread_default()


class RemoteMethod:
    """A method of a peer. Calling it blocks until there is a result; start () begins a call that can
    be awaited, and notify () sends a notification. Attributes are methods with longer names:
    rpc.system.list is “system.list”."""

    __slots__ = ('_peer', '_name', '_timeout')

    def __init__(self, peer, name, timeout):
        check_name(name, 'method')
        self._peer = peer
        self._name = name
        self._timeout = timeout

    def __repr__(self):
        return f'<method {self._name!r} of {self._peer!r}>'

    def __getattr__(self, name):
        check_attribute(self, name)
        return remote_method(self._peer, f'{self._name}.{name}', self._timeout)

    def __call__(self, *args, **named):
        return self.start(*args, **named).result()

    def start(self, *args, **named):
        """Begins a call and returns the Call, which can be awaited, cancelled or waited for."""
        refuse_after_fork(self._peer)
        call = Call.new(self._name, params_of(self._name, args, named))
        if self._timeout is not None:
            call.set_timeout(self._timeout)
        self._peer.send_call(call)
        return call

    def notify(self, *args, **named):
        """Queues a notification, which is never answered. It is sent when the main context of the peer
        runs, or before whatever blocks next: a call, or the end of "with"."""
        refuse_after_fork(self._peer)
        self._peer.send_notification(self._name, params_of(self._name, args, named))


def refuse_after_fork(peer):
    """A fork has the sockets of its parent, and none of the threads that may hold the locks."""
    if processes.get(peer, os.getpid()) != os.getpid():
        raise RuntimeError('The peer is that of the process before os.fork (): connect again here, or '
                           'start processes with subprocess, or multiprocessing and its “spawn”')


def params_of(name, args, named):
    if args and named:
        raise TypeError(f'{name}() takes arguments by place or by name, not both')
    return to_variant(named or args)


ASYNC_SUFFIX = '_async'


def check_attribute(owner, name):
    """What Python itself looks for, and what is not there yet in an object that is being copied."""
    if name.startswith('__') and name.endswith('__') or name in type(owner).__slots__:
        raise AttributeError(name)


def remote_method(peer, name, timeout):
    if name.endswith(ASYNC_SUFFIX):
        return RemoteMethod(peer, name[:-len(ASYNC_SUFFIX)], timeout).start
    return RemoteMethod(peer, name, timeout)


def check_timeout(timeout):
    if timeout is None:
        return None
    try:
        number = operator.index(timeout)
    except TypeError:
        raise TypeError('A timeout is an int, in milliseconds, or None, not '
                        f'{type(timeout).__name__}') from None
    if not -1 <= number <= GLib.MAXINT:
        raise ValueError(f'A timeout is -1, for the default, or from 0 to {GLib.MAXINT} milliseconds, '
                         f'not {number}')
    return number


class Rpc:
    """The methods of a peer as attributes.

    rpc.add(1, 2) blocks; await rpc.add_async(1, 2) does not. rpc['any name'] is for names that are
    none in Python, or end in “_async”. rpc(timeout=500).add(1, 2) gives up after 500 ms.
    """

    __slots__ = ('_peer', '_timeout')

    # It cannot tell which methods there are, though it is indexed.
    __iter__ = None

    def __init__(self, peer, timeout=None):
        self._peer = peer
        self._timeout = timeout

    def __repr__(self):
        return f'<methods of {self._peer!r}>'

    def __call__(self, *, timeout):
        return Rpc(self._peer, check_timeout(timeout))

    def __getattr__(self, name):
        check_attribute(self, name)
        return remote_method(self._peer, name, self._timeout)

    def __getitem__(self, name):
        return RemoteMethod(self._peer, name, self._timeout)


# ---- streams ----

def check_detail(name, what):
    check_name(name, what)
    if not name:
        raise ValueError(f'The name of a {what} that is listened to is not empty')


class Notifications(waiting.Stream):
    """The notifications of a peer, one after the other: async for method, params in …."""

    def __init__(self, peer, method, max_queued):
        if method is not None:
            check_detail(method, 'notification')
        super().__init__(peer, max_queued)
        queue = self._queue
        self._listen('notification' if method is None else f'notification::{method}',
                     lambda _peer, method, params: queue.put(
                         Notification(method, from_variant(params))))
        listen_for_end(self, peer, queue)


class Publications(waiting.Stream):
    """What is published in a topic of a peer, one value after the other."""

    def __init__(self, peer, topic, max_queued):
        check_detail(topic, 'topic')
        super().__init__(peer, max_queued)
        queue = self._queue
        self._topic = topic
        self._subscribed = False
        self._listen(f'published::{topic}',
                     lambda _peer, _topic, value: queue.put(from_variant(value)))
        listen_for_end(self, peer, queue)

    async def subscribe(self):
        """Subscribes, unless that is done; the iteration does so by itself."""
        if not self._subscribed:
            await await_async(self._peer, self._peer.subscribe_async, self._peer.subscribe_finish,
                              self._topic)
            self._subscribed = True
            self._unsubscriber = waiting.weakref.finalize(self, unsubscribe, self._peer, self._topic)
            self._unsubscriber.atexit = False

    def close(self):
        if self._subscribed:
            self._unsubscriber()
        super().close()

    async def __anext__(self):
        await self.subscribe()
        return await super().__anext__()

    async def __aenter__(self):
        await self.subscribe()
        return self


def unsubscribe(peer, topic):
    peer.unsubscribe_async(topic, None, None)


def listen_for_end(stream, peer, queue):
    if isinstance(peer, MsgpackRpc.Connection):
        stream._listen('closed', lambda *_: queue.end())
    else:
        stream._listen('status-changed', lambda _peer, _old, new, _error: queue.end()
                       if new == MsgpackRpc.ConnectionStatus.DISCONNECTED else None)


async def await_async(owner, begin, finish, *args):
    """Awaits an operation of GIO's kind."""
    cancellable = Gio.Cancellable()

    def start(done):
        begin(*args, cancellable, lambda _source, result: end(done, result))

    def end(done, result):
        try:
            done(finish(result))
        except GLib.Error as error:
            done(None, error)

    return await waiting.wait(context_of(owner), start, cancellable.cancel)


# ---- peers ----

class Peer(MsgpackRpc.Peer):
    def send_call(self, call):
        if isinstance(call, Call):
            contexts[call] = context_of(self)
        return super().send_call(call)

    def start_call(self, *args):
        call = super().start_call(*args)
        contexts[call] = context_of(self)
        return call

    @property
    def rpc(self):
        """The methods of the peer, to be called as if they were here."""
        processes.setdefault(self, os.getpid())
        return Rpc(self)

    def notifications(self, method=None, *, max_queued=1024):
        """An asynchronous iterator over the notifications of that method, or of all, from now on."""
        return Notifications(self, method, max_queued)

    def publications(self, topic, *, max_queued=1024):
        """An asynchronous iterator over what is published in a topic. It subscribes when it is first
        asked, and unsubscribes when it is closed or let go of."""
        return Publications(self, topic, max_queued)


Peer = override(Peer)
__all__.append('Peer')


class Client(MsgpackRpc.Client):
    """with opens and closes it, and so does async with."""

    def __enter__(self):
        self.open_sync(None)
        return self

    def __exit__(self, *_):
        self.close_sync(MsgpackRpc.CloseMode.FINISH_QUEUE, None)

    async def __aenter__(self):
        await await_async(self, self.open_async, self.open_finish)
        return self

    async def __aexit__(self, *_):
        await await_async(self, self.close_async, self.close_finish,
                          MsgpackRpc.CloseMode.FINISH_QUEUE)


Client = override(Client)
__all__.append('Client')


class Connection(MsgpackRpc.Connection):
    """with closes it, and so does async with."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close_sync(MsgpackRpc.CloseMode.FINISH_QUEUE, None)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await await_async(self, self.close_async, self.close_finish,
                          MsgpackRpc.CloseMode.FINISH_QUEUE)


Connection = override(Connection)
__all__.append('Connection')


class Server(MsgpackRpc.Server):
    """with drains it at the end: it stops listening, and what was asked is answered."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.drain_sync(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, None)

    def publish(self, topic, value):
        """As in C; the value may be one of Python."""
        dispatcher = self.get_dispatcher()
        found = dispatcher.lookup_topic(topic) if dispatcher is not None else None
        return super().publish(topic, fit(found, value))


Server = override(Server)
__all__.append('Server')


class LoopThread(MsgpackRpc.LoopThread):
    """with starts it, and shuts it down at the end: what lives on it is closed."""

    def __enter__(self):
        self.start()
        if not self.is_running():
            raise RuntimeError('A LoopThread runs once; make another one')
        return self

    def __exit__(self, *_):
        self.shut_down(MsgpackRpc.CloseMode.FINISH_QUEUE)
        self.join()


LoopThread = override(LoopThread)
__all__.append('LoopThread')


# ---- handlers ----

def answer(invocation, result):
    """Answers, unless the handler has done so itself."""
    if result is LATER or result is None and invocation.props.answered:
        return
    try:
        value = to_variant(result)
    except Exception as error:
        # A class of the program's may raise anything when it is looked into.
        fail(invocation, error)
    else:
        invocation.return_value(value)


def text_of(error):
    text = str(error)
    if isinstance(error, LookupError) or not isinstance(error, Exception) or not text:
        return f'{type(error).__name__}: {text}' if text else type(error).__name__
    return text


def fail(invocation, error):
    """Answers an exception. Its traceback is logged here, and not sent."""
    try:
        return_exception(invocation, error)
    except Exception as failure:
        # Its value, or what its text is made of.
        logger.error('The error of “%s” cannot be sent', invocation.get_method(), exc_info=failure)
        invocation.return_error_value(to_variant(type(error).__name__))


def return_exception(invocation, error):
    if isinstance(error, RemoteError):
        invocation.return_error_value(to_variant(error.value))
        return
    if isinstance(error, GLib.Error):
        invocation.return_gerror(error)
        return
    if isinstance(error, asyncio.CancelledError):
        invocation.return_gerror(GLib.Error('The handler was cancelled',
                                            GLib.quark_to_string(Gio.io_error_quark()),
                                            Gio.IOErrorEnum.CANCELLED))
        return
    logger.error('The handler of “%s” has failed', invocation.get_method(), exc_info=error)
    invocation.return_error_value(to_variant(text_of(error)))


class Handler:
    """A function of Python as a method."""

    def __init__(self, function, parameters, find_loop):
        self.function = function
        self.parameters = parameters
        self.find_loop = find_loop

    def __call__(self, invocation, params, *_):
        try:
            result = self.call(invocation, self.arguments(params))
        except BaseException as error:
            fail(invocation, error)
            if waiting.ends_program(error):
                raise
            return True
        if inspect.isawaitable(result):
            self.start(invocation, result)
        else:
            answer(invocation, result)
        return True

    def start(self, invocation, awaitable):
        try:
            self.follow(invocation, awaitable)
        except Exception as error:
            # Its loop may have been closed just now.
            fail(invocation, error)

    def arguments(self, params):
        """What was left out, or is nil, is left to the function's defaults."""
        params = from_variant(params)
        args = list(params) if isinstance(params, (list, tuple)) else [params]
        for i, (arg, default) in enumerate(zip(args, self.parameters.defaults)):
            if arg is None and default is not inspect.Parameter.empty:
                args[i] = default
        return args

    def call(self, invocation, args):
        place = self.parameters.invocation
        if place is None:
            return self.function(*args)
        if isinstance(place, str):
            return self.function(*args, **{place: invocation})
        return self.function(*args[:place], invocation, *args[place:])

    def follow(self, invocation, awaitable):
        def ended(value, error):
            invocation.disconnect(handler)
            if error is None:
                answer(invocation, value)
            else:
                fail(invocation, error)

        running = []
        handler = invocation.connect('cancelled', lambda *_: [task.cancel() for task in running])
        running.append(waiting.drive(awaitable, ended, self.find_loop()))


def name_of(function):
    name = getattr(function, '__name__', None)
    if name is None:
        raise TypeError(f'A name is needed for {function!r}, which has none itself')
    return name


class LoopHolder:
    """The loop that runs the coroutines of a dispatcher. Handlers hold it, since a handler that held
    its dispatcher would keep it for ever."""

    loop = None

    def get(self):
        return self.loop


loop_holders = Beside(LoopHolder)


class Dispatcher(MsgpackRpc.Dispatcher):
    @property
    def asyncio_loop(self):
        """The asyncio loop, maybe of another thread, that runs handlers which are coroutines. If it is
        not set, it is the loop in which the method was added; if there was none, such handlers can
        wait for calls and other operations of the library, and for nothing else."""
        return loop_holders.get(self).loop

    @asyncio_loop.setter
    def asyncio_loop(self, loop):
        if loop is not None and not isinstance(loop, asyncio.AbstractEventLoop):
            raise TypeError(f'The loop is one of asyncio, or None, not {type(loop).__name__}')
        loop_holders.get(self).loop = loop

    def method(self, name=None, *, signature=None, flags=MsgpackRpc.MethodFlags(0)):
        """Makes a method of a function; for use as a decorator.

            @dispatcher.method('add')
            def add(a: int, b: int) -> int:
                return a + b

        Without a name it has that of the function. The type hints are its signature, the parameters
        with defaults may be left out, the docstring describes it, and peers may pass arguments by
        name. A coroutine function answers when it has ended; see asyncio_loop. What a function
        returns or raises is the answer. A parameter called “invocation” is given the Invocation.
        """
        if callable(name):
            return self._add_function(name, None, signature, flags)
        if name is not None:
            check_name(name, 'method')
        return lambda function: self._add_function(function, name, signature, flags)

    def _add_function(self, function, name, signature, flags):
        if name is None:
            name = name_of(function)
        values.check_signature(signature)
        parameters = values.Parameters(function)
        holder = loop_holders.get(self)
        if holder.loop is None:
            holder.loop = waiting.running_loop()
        if parameters.names:
            flags |= MsgpackRpc.MethodFlags.NAMED_PARAMS
        handler = Handler(function, parameters, holder.get)
        if not self.add_method_full(name, signature or parameters.signature, handler, None, flags):
            raise ValueError(f'There is a method “{name}” already; MethodFlags.REPLACE replaces it')
        method = self.lookup_method(name)
        if parameters.names and parameters.signature is not None:
            method.set_param_names(parameters.names)
        if parameters.result is not None:
            method.set_result_signature(parameters.result)
        if function.__doc__:
            method.set_description(inspect.getdoc(function))
        return function

    def publish(self, topic, value):
        """As in C; the value may be one of Python."""
        found = self.lookup_topic(topic)
        return super().publish(topic, fit(found, value))


Dispatcher = override(Dispatcher)
__all__.append('Dispatcher')


def fit(topic, value):
    return to_variant(value, topic.get_signature() if topic is not None else None)


class Topic(MsgpackRpc.Topic):
    """Values may be those of Python."""

    def publish(self, value):
        return super().publish(fit(self, value))

    def publish_with_key(self, key, value):
        return super().publish_with_key(key, fit(self, value))

    def publish_sync(self, value, cancellable=None):
        return super().publish_sync(fit(self, value), cancellable)

    def publish_async(self, value, *args):
        return super().publish_async(fit(self, value), *args)


Topic = override(Topic)
__all__.append('Topic')
