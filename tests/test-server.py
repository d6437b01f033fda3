# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What programs in Python do with a server: attach data to connections, and drain it."""

import gc
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import gi

gi.require_version('MsgpackRpc', '1.0')

from gi.repository import GLib, MsgpackRpc  # noqa: E402

import tap  # noqa: E402


# A program that finds itself started as a service is, with sockets from descriptor 3 on.
ACTIVATED = """
import fcntl
import os
import sys

fds = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:]]
for number in sys.argv[1:]:
    os.close(int(number))
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i)
    os.close(fd)

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

def listen(server):
    try:
        return server.listen_activated()
    except GLib.Error as error:
        return error

def is_open(fd):
    return os.path.exists(f'/proc/self/fd/{fd}')

os.environ['LISTEN_PID'] = str(os.getpid())
os.environ['LISTEN_FDS'] = '2'
server = MsgpackRpc.Server.new()
loop = GLib.MainLoop()
server.drain_async(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, None, lambda *_: loop.quit())
error = listen(server)
print(error.matches(MsgpackRpc.error_quark(), MsgpackRpc.Error.BUSY))
loop.run()
error = listen(server)
print(error if isinstance(error, list) else error.message, is_open(3), is_open(4))
"""


def activate(*fds):
    """Runs ACTIVATED with two descriptors, and returns what it says."""
    process = subprocess.run([sys.executable, '-c', ACTIVATED, *map(str, fds)], pass_fds=fds,
                             text=True, timeout=60, stdout=subprocess.PIPE)
    return process.stdout.splitlines()


class Activation(unittest.TestCase):
    def setUp(self):
        self.sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]
        for one in self.sockets:
            self.addCleanup(one.close)

    def test_drained(self):
        """A server that is being drained leaves the sockets for later."""
        addresses = [f'tcp://127.0.0.1:{one.getsockname()[1]}' for one in self.sockets]
        self.assertEqual(activate(*[one.fileno() for one in self.sockets]),
                         ['True', f'{addresses} True True'])

    def test_no_socket(self):
        """If one is of no use, none is kept."""
        with open(os.devnull, 'rb') as null:
            said = activate(null.fileno(), self.sockets[0].fileno())
        self.assertEqual(said, ['True', 'Descriptor 3 is no stream socket that listens '
                                'False False'])


def run_until(test, holds):
    context = GLib.MainContext.default()
    source = GLib.timeout_source_new(10)
    source.set_callback(lambda *_: GLib.SOURCE_CONTINUE)
    source.attach(context)
    end = time.monotonic() + 20
    while not holds():
        test.assertLess(time.monotonic(), end, 'timed out')
        context.iteration(True)
    source.destroy()


class Server(unittest.TestCase):
    def setUp(self):
        self.ended = []
        dispatcher = MsgpackRpc.Dispatcher.new()
        dispatcher.add_method('count', None, self.count)
        self.server = MsgpackRpc.Server.new()
        self.server.set_dispatcher(dispatcher)
        self.server.connect('client-connected', self.connected)
        self.server.connect('client-disconnected', self.disconnected)
        self.address, = self.server.listen_sync('tcp://127.0.0.1:0')
        self.client = MsgpackRpc.Client.new(self.address)
        self.client.open_async(None, None)

    def connected(self, server, connection):
        connection.session = {'calls': 0}

    def disconnected(self, server, connection, error):
        self.ended.append((connection.session['calls'], error))

    def count(self, invocation, params):
        gc.collect()
        session = invocation.get_connection().session
        session['calls'] += 1
        invocation.return_value(GLib.Variant('i', session['calls']))
        return True

    def call(self):
        results = []
        self.client.call_async('count', None, None,
                               lambda peer, result: results.append(peer.call_finish(result)))
        run_until(self, lambda: results)
        return results[0].unpack()

    def test_attributes(self):
        self.assertEqual(self.call(), 1)
        self.assertEqual(self.call(), 2)

    def test_drain(self):
        results = []
        self.assertEqual(self.call(), 1)
        self.server.drain_async(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, None,
                                lambda server, result: results.append(server.drain_finish(result)))
        run_until(self, lambda: results)
        self.assertEqual(results[0].get_type_string(), 'a(tmvav)')
        self.assertEqual(results[0].unpack(), [])
        self.assertEqual(self.ended, [(1, None)])

    def test_drain_sync(self):
        self.assertEqual(self.call(), 1)
        unsent = self.server.drain_sync(MsgpackRpc.CloseMode.FINISH_QUEUE, -1)
        self.assertEqual(unsent.unpack(), [])
        self.assertEqual(self.ended, [(1, None)])
        self.assertEqual(self.server.listen_sync(self.address), [self.address])


# A service that is drained by SIGTERM, and then says what it has handled.
SERVICE = """
import sys

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

handled = []
late = []

def count(invocation, params):
    handled.append(params.unpack()[0])
    # Some are in hand for a while, so that there is something to drain.
    if handled[-1] % 3 == 0:
        late.append(invocation)
        GLib.timeout_add(2, answer)
    else:
        invocation.return_value(GLib.Variant('x', handled[-1]))
    return True

def answer():
    invocation = late.pop(0)
    invocation.return_value(invocation.get_params().get_child_value(0).get_variant())
    return GLib.SOURCE_REMOVE

dispatcher = MsgpackRpc.Dispatcher.new()
dispatcher.add_method('count', '(x)', count)
server = MsgpackRpc.Server.new()
server.set_dispatcher(dispatcher)
loop = GLib.MainLoop()
server.drain_on_signal_async(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, None,
                             lambda *_: loop.quit())
server.listen_sync(sys.argv[1])
loop.run()
print(*handled)
"""


class NextProcess(unittest.TestCase):
    """A client that connects again, and a service that is drained and started anew."""

    N_PROCESSES = 6
    N_IN_FLIGHT = 20
    N_ANSWERS = 100

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.address = f'unix://{folder.name}/socket'
        policy = MsgpackRpc.ReconnectPolicy(initial_delay=1, max_delay=10)
        self.client = MsgpackRpc.Client(address=self.address, reconnect_policy=policy)
        self.last = 0
        self.answered = []
        self.failed = []
        self.in_flight = 0
        self.goes_on = True

    def start(self):
        return subprocess.Popen([sys.executable, '-c', SERVICE, self.address], text=True,
                                stdout=subprocess.PIPE)

    def send(self):
        self.last += 1
        self.in_flight += 1
        call = MsgpackRpc.Call.new('count', GLib.Variant('(x)', (self.last,)))
        call.set_wait_for_ready(True)
        call.connect('completed', self.completed, self.last)
        self.client.send_call(call)

    def completed(self, call, number):
        self.in_flight -= 1
        if call.get_error() is None and call.get_result().unpack() == number:
            self.answered.append(number)
        else:
            self.failed.append((number, call.get_delivery(), call.get_error()))
        if self.goes_on:
            self.send()

    def test_next_process(self):
        """It loses nothing: each call is handled once, by one of them, and answered."""
        handled = []
        self.client.open_async(None, None)
        for _ in range(self.N_IN_FLIGHT):
            self.send()
        for i in range(self.N_PROCESSES):
            service = self.start()
            enough = len(self.answered) + self.N_ANSWERS
            run_until(self, lambda: len(self.answered) >= enough)
            self.goes_on = i < self.N_PROCESSES - 1
            service.terminate()
            run_until(self, lambda: service.poll() is not None)
            handled += [int(number) for number in service.stdout.read().split()]
            service.stdout.close()
            self.assertEqual(service.returncode, 0)
        run_until(self, lambda: len(self.answered) >= len(handled))
        self.assertEqual(self.failed, [])
        self.assertEqual(sorted(handled), sorted(self.answered))
        self.assertEqual(len(set(handled)), len(handled))
        # What the last process did not take waits for another one.
        self.assertEqual(self.in_flight, self.last - len(self.answered))
        self.client.close_sync(MsgpackRpc.CloseMode.NOW, None)
        run_until(self, lambda: self.in_flight == 0)
        self.assertTrue(all(delivery == MsgpackRpc.Delivery.NOT_SENT
                            for _, delivery, _ in self.failed))


if __name__ == '__main__':
    tap.main()
