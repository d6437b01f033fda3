# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What lives how long in Python, and what is left of it: with the overrides and without."""

import gc
import subprocess
import sys
import threading
import unittest
import weakref

import python_cases as cases
import tap
from python_cases import IO_ERROR, Case, IOCode, ask, resident_bytes, wait_until

from gi.repository import GLib
from gi.repository import MsgpackRpc as M

CALLS = 10000
CONNECTIONS = 1000
# What may be left of them: the allocator keeps some, and 10,000 of anything is more.
SLACK = 8 * 2 ** 20
OBJECTS = 100


def two(a, b):
    return GLib.Variant('(xx)', (a, b))


class Service:
    """What owns a dispatcher, and has its handlers."""

    def __init__(self):
        self.dispatcher = M.Dispatcher()
        self.method = self.dispatcher.add_method('add', '(xx)', self.add)

    def add(self, invocation, params):
        return cases.add(invocation, params)


class Watcher:
    """What owns a client, and listens to it."""

    def __init__(self, address):
        self.client = M.Client.new(address)
        self.client.connect('status-changed', self.on_status)

    def on_status(self, *_):
        pass


class EndsCase(Case):
    """A server on a loop of its own."""

    def setUp(self):
        self.thread = M.LoopThread.new('server')
        self.thread.start()
        self.addCleanup(self.end_thread)
        self.kept = []
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('add', '(xx)', cases.add)
        self.dispatcher.add_method('keep', None, lambda invocation, _: self.kept.append(invocation)
                                   or True)
        self.dispatcher.add_method('collect', None, self.collect)
        self.server = M.Server(main_context=self.thread.get_main_context(),
                               dispatcher=self.dispatcher)
        self.address = self.server.listen_sync('tcp://localhost:0', None)[0]

    def end_thread(self):
        self.kept.clear()
        self.thread.shut_down(M.CloseMode.NOW)
        self.thread.join()

    def collect(self, invocation, _params):
        gc.collect()
        return invocation.return_value(None)

    def connect(self):
        client = M.Client.new(self.address)
        client.open_sync(None)
        self.addCleanup(client.close_sync, M.CloseMode.NOW, None)
        return client

    def assert_nothing_is_left(self, many):
        """many (count) does something so many times. Once before, for what is made once."""
        many(CALLS // 10)
        gc.collect()
        objects, size = len(gc.get_objects()), resident_bytes()
        many(CALLS)
        gc.collect()
        self.assertLess(len(gc.get_objects()) - objects, OBJECTS)
        self.assertLess(resident_bytes() - size, SLACK)


class Cycles(EndsCase):
    def test_handlers(self):
        """A handler that is a method of the owner of its dispatcher keeps it, as the collector cannot
        see through the dispatcher, until the method is removed."""
        service = Service()
        gone = weakref.ref(service)
        dispatcher, method = service.dispatcher, service.method
        del service
        gc.collect()
        self.assertIsNotNone(gone())
        self.assertTrue(dispatcher.remove_method(method))
        wait_until(lambda: gc.collect() >= 0 and gone() is None)

    def test_signals(self):
        """The collector sees handlers of signals, unless something else has the object that emits."""
        watcher = Watcher(self.address)
        gone = weakref.ref(watcher)
        del watcher
        wait_until(lambda: gc.collect() >= 0 and gone() is None)

    def test_callbacks(self):
        """A callback goes with its call."""
        client = self.connect()
        owner = Watcher(self.address)
        owner.ended = 0

        def end(peer, call, owner=owner):
            peer.call_finish(call)
            owner.ended += 1

        gone = weakref.ref(owner)
        client.call_async('add', two(1, 2), None, end)
        wait_until(lambda: owner.ended == 1)
        del owner, end
        wait_until(lambda: gc.collect() >= 0 and gone() is None)


class Gone(EndsCase):
    def test_client(self):
        """A client that nobody has any more lives until its calls have ended."""
        client = self.connect()
        answers = [cases.Answer(client, 'keep') for _ in range(3)]
        client = None
        gc.collect()
        wait_until(lambda: len(self.kept) == 3)
        for invocation in self.kept:
            invocation.return_value(GLib.Variant('x', 5))
        wait_until(lambda: all(answer.is_there() for answer in answers))
        self.assertEqual([answer.result.get_int64() for answer in answers], [5] * 3)

    def test_closed_client(self):
        client = self.connect()
        answers = [cases.Answer(client, 'keep') for _ in range(3)]
        wait_until(lambda: len(self.kept) == 3)
        client.close_sync(M.CloseMode.NOW, None)
        wait_until(lambda: all(answer.is_there() for answer in answers))
        for answer in answers:
            self.assert_error(answer.error, IO_ERROR, IOCode.CLOSED)
        # A peer that sends no more may still read: the server ends with the last answer.
        for invocation in self.kept:
            invocation.return_value(None)
        wait_until(lambda: len(self.server.props.connections) == 0)

    def test_server(self):
        """Whoever is connected to a server learns that nobody has it any more."""
        client = self.connect()
        answer = cases.Answer(client, 'keep')
        wait_until(lambda: len(self.kept) == 1)
        self.kept.clear()
        self.server = None
        gc.collect()
        self.end_thread()
        wait_until(answer.is_there)
        self.assertIsInstance(answer.error, GLib.Error)


class Programs(Case):
    """What a handler raises on the main thread."""

    PROGRAM = """
import sys
import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc
def leave(*_):
    sys.exit(7)
_, caller, callee = MsgpackRpc.Connection.new_pair()
dispatcher = MsgpackRpc.Dispatcher()
if hasattr(dispatcher, 'method'):
    dispatcher.method('leave')(leave)
else:
    dispatcher.add_method('leave', None, leave)
callee.props.dispatcher = dispatcher
caller.send_notification('leave', None)
GLib.timeout_add_seconds(20, sys.exit, 1)
GLib.MainLoop().run()
"""

    def test_exit(self):
        """A handler may end the program, whose main thread it runs on."""
        program = subprocess.run([sys.executable, '-c', self.PROGRAM], timeout=cases.DEADLINE)
        self.assertEqual(program.returncode, 7)


class Raising(Case):
    """Exceptions that nobody catches are shown, and harm nothing."""

    def setUp(self):
        _, self.caller, self.callee = M.Connection.new_pair()
        self.dispatcher = M.Dispatcher()
        self.callee.props.dispatcher = self.dispatcher
        self.dispatcher.add_method('add', '(xx)', cases.add)

    def raising(self, *_):
        raise ValueError('raised')

    def test_everywhere(self):
        with cases.shown_exceptions() as shown:
            self.callee.props.dispatcher.add_method('raise', None, self.raising)
            self.caller.connect('notification', self.raising)
            self.callee.connect('request::other', self.raising)
            self.caller.call_async('add', two(1, 2), None, self.raising)
            self.callee.send_notification('note', None)
            for method in ('raise', 'other'):
                with self.assertRaises(GLib.Error):
                    ask(self.caller, method)
            wait_until(lambda: len(shown) >= 4)
        self.assertEqual(set(shown), {'raised'})
        self.assertEqual(ask(self.caller, 'add', two(1, 2)).get_int64(), 3)

    def test_wrong_types(self):
        dispatcher = self.callee.props.dispatcher
        for function in [
                lambda: self.caller.call_async(5, None, None, None),
                lambda: self.caller.call_async('a', [1], None, None),
                lambda: self.caller.call_async('a', None, 5, None),
                lambda: self.caller.call_async('a', None, None, 5),
                lambda: self.caller.call_sync(None, None, None),
                lambda: self.caller.start_call(None, None),
                lambda: self.caller.send_call(5),
                lambda: self.caller.send_call(None),
                lambda: self.caller.send_notification('a', 5),
                lambda: self.caller.send_message('text'),
                lambda: dispatcher.add_method('a', None, 5),
                lambda: dispatcher.add_method('a', 5, self.raising),
                lambda: dispatcher.add_method(None, None, self.raising),
                lambda: dispatcher.remove_method('a'),
                lambda: dispatcher.dispatch(5),
                lambda: M.pack(5),
                lambda: M.unpack('text'),
                lambda: M.unpack_as(GLib.Bytes.new(b'\1'), 5),
                lambda: M.Call.new(5, None),
                lambda: M.Call.new('a', 5),
                lambda: M.Client.new(5),
                lambda: M.Connection.new(5),
                lambda: setattr(self.callee.props, 'dispatcher', 5),
        ]:
            with self.assertRaises((TypeError, GLib.Error)):
                function()
        self.assertEqual(ask(self.caller, 'add', two(1, 2)).get_int64(), 3)


class Threads(EndsCase):
    def test_one_client(self):
        """Eight threads call by one client, while handlers collect what is unreachable."""
        client = self.connect()
        results = []

        def run(number):
            for i in range(100):
                results.append(client.call_sync('add', two(number, i), None).get_int64() - number - i)
                if i % 50 == 0:
                    client.call_sync('collect', None, None)

        threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(cases.DEADLINE)
        self.assertEqual(results, [0] * 800)

    def test_in_thread(self):
        """A method in a thread of its own calls Python there, and answers from there."""
        seen = set()

        def work(invocation, params, _user_data):
            seen.add(threading.get_ident())
            gc.collect()
            return cases.add(invocation, params)

        self.dispatcher.add_method_full('work', '(xx)', work, None, M.MethodFlags.IN_THREAD)
        client = self.connect()
        calls = [client.start_call('work', two(i, 1)) for i in range(20)]
        self.assertEqual([call.wait(None).get_int64() for call in calls], list(range(1, 21)))
        self.assertNotIn(threading.get_ident(), seen)


class Leaks(EndsCase):
    def test_sync(self):
        client = self.connect()

        def many(count):
            for i in range(count):
                client.call_sync('add', two(i, 1), None)

        self.assert_nothing_is_left(many)

    def test_started(self):
        client = self.connect()

        def many(count):
            for _ in range(count // 100):
                for call in [client.start_call('add', two(i, 1)) for i in range(100)]:
                    call.wait(None)

        self.assert_nothing_is_left(many)
        self.assertEqual(len(client.props.calls), 0)

    def test_callbacks(self):
        client = self.connect()

        def many(count):
            for _ in range(count // 100):
                answers = [cases.Answer(client, 'add', two(i, 1)) for i in range(100)]
                wait_until(lambda: all(answer.is_there() for answer in answers))

        self.assert_nothing_is_left(many)

    def test_notifications(self):
        """Each is a handler on the side of the server."""
        client = self.connect()
        noted = 0

        def note(_invocation, _params):
            nonlocal noted
            noted += 1
            return True

        self.dispatcher.add_method('note', None, note)

        def many(count):
            nonlocal noted
            noted = 0
            for i in range(count):
                client.send_notification('note', two(i, 1))
                if i % 100 == 99:
                    client.call_sync('add', two(1, 2), None)
            wait_until(lambda: noted == count)

        self.assert_nothing_is_left(many)

    def test_connections(self):
        def many(count):
            for _ in range(count * CONNECTIONS // CALLS):
                client = M.Client.new(self.address)
                client.open_sync(None)
                client.call_sync('add', two(1, 2), None)
                client.close_sync(M.CloseMode.FINISH_QUEUE, None)
            wait_until(lambda: len(self.server.props.connections) == 0)

        self.assert_nothing_is_left(many)


if __name__ == '__main__':
    tap.main()
