# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What the tests in Python share."""

import contextlib
import pathlib
import resource
import socket
import sys
import threading
import time
import unittest

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib
from gi.repository import MsgpackRpc as M

DEADLINE = 20
ERROR = M.error_quark()
IO_ERROR = Gio.io_error_quark()
IOCode = Gio.IOErrorEnum


def wait_until(condition, context=None):
    """Runs a main context until the condition holds."""
    context = context or GLib.MainContext.default()
    end = time.monotonic() + DEADLINE
    # Another thread may make it come true.
    tick = GLib.timeout_source_new(10)
    tick.set_callback(lambda *_: GLib.SOURCE_CONTINUE)
    tick.attach(context)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        context.iteration(True)
    tick.destroy()


@contextlib.contextmanager
def thread_default(context):
    context.push_thread_default()
    yield
    context.pop_thread_default()


@contextlib.contextmanager
def shown_exceptions():
    """What PyGObject prints, as it has nobody to raise it to."""
    shown = []
    hook, sys.excepthook = sys.excepthook, lambda _type, value, _trace: shown.append(str(value))
    yield shown
    sys.excepthook = hook


def streams():
    """The two ends of a stream."""
    ends = (Gio.Socket.new_from_fd(end.detach()) for end in socket.socketpair())
    return [end.connection_factory_create_connection() for end in ends]


def resident_bytes():
    pages = pathlib.Path('/proc/self/statm').read_text().split()[1]
    return int(pages) * resource.getpagesize()


def new_bytes(data):
    """GLib.Variant('ay', data) looks at each byte, and takes seconds for a megabyte."""
    return GLib.Variant.new_from_bytes(GLib.VariantType('ay'), GLib.Bytes(data), True)


def add(invocation, params):
    a, b = params.unpack()
    return invocation.return_value(GLib.Variant('x', a + b))


def echo(invocation, params):
    return invocation.return_value(params.get_child_value(0).get_variant())


class Kept(list):
    """What asks for the method “keep”, for the test to answer."""

    def __init__(self, dispatcher):
        super().__init__()
        dispatcher.add_method('keep', None, self.keep)

    def keep(self, invocation, params):
        self.append(invocation)
        return True


class Answer:
    """What a call came to, once its callback was called."""

    def __init__(self, peer, method, params=None, cancellable=None):
        self.call = self.result = self.error = self.thread = None
        peer.call_async(method, params, cancellable, self.finish)

    def finish(self, peer, call):
        self.call = call
        self.thread = threading.current_thread()
        try:
            self.result = peer.call_finish(call)
        except GLib.Error as error:
            self.error = error

    def is_there(self):
        return self.call is not None


def ask(peer, method, params=None):
    """Calls without blocking: both ends of the pairs here are in one thread."""
    answer = Answer(peer, method, params)
    wait_until(answer.is_there)
    if answer.error is not None:
        raise answer.error
    return answer.result


class Case(unittest.TestCase):
    def assert_error(self, error, domain, code):
        self.assertIsInstance(error, GLib.Error)
        self.assertTrue(error.matches(domain, code), error)

    @contextlib.contextmanager
    def assert_raises(self, domain, code):
        with self.assertRaises(GLib.Error) as caught:
            yield caught
        self.assert_error(caught.exception, domain, code)


class PairCase(Case):
    def setUp(self):
        _, self.caller, self.callee = M.Connection.new_pair()
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('add', '(xx)', add)
        self.dispatcher.add_method('echo', None, echo)
        self.callee.props.dispatcher = self.dispatcher

    def assert_refused(self, method, text, params=None):
        """The call is answered with an error, in less time than anything could time out."""
        start = time.monotonic()
        with self.assert_raises(ERROR, M.Error.REMOTE) as caught:
            ask(self.caller, method, params)
        self.assertEqual(caught.exception.message, text)
        self.assertLess(time.monotonic() - start, 5)
