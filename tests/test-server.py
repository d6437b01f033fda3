# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What programs in Python do with a server: attach data to connections, and drain it."""

import gc
import os
import socket
import subprocess
import sys
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

    def run_until(self, holds):
        context = GLib.MainContext.default()
        source = GLib.timeout_source_new_seconds(20)
        over = []
        source.set_callback(lambda *_: over.append(True) or GLib.SOURCE_CONTINUE)
        source.attach(context)
        while not holds():
            self.assertFalse(over, 'timed out')
            context.iteration(True)
        source.destroy()

    def call(self):
        results = []
        self.client.call_async('count', None, None,
                               lambda peer, result: results.append(peer.call_finish(result)))
        self.run_until(lambda: results)
        return results[0].unpack()

    def test_attributes(self):
        self.assertEqual(self.call(), 1)
        self.assertEqual(self.call(), 2)

    def test_drain(self):
        results = []
        self.assertEqual(self.call(), 1)
        self.server.drain_async(MsgpackRpc.CloseMode.FINISH_QUEUE, -1, None,
                                lambda server, result: results.append(server.drain_finish(result)))
        self.run_until(lambda: results)
        self.assertEqual(results[0].get_type_string(), 'a(tmvav)')
        self.assertEqual(results[0].unpack(), [])
        self.assertEqual(self.ended, [(1, None)])

    def test_drain_sync(self):
        self.assertEqual(self.call(), 1)
        unsent = self.server.drain_sync(MsgpackRpc.CloseMode.FINISH_QUEUE, -1)
        self.assertEqual(unsent.unpack(), [])
        self.assertEqual(self.ended, [(1, None)])
        self.assertEqual(self.server.listen_sync(self.address), [self.address])


if __name__ == '__main__':
    tap.main()
