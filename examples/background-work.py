# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""A server that has much to do, and is quick all the same: methods that run in the loop, in a thread and
in another process; an interval and a timeout; what comes on the standard input, published as it comes;
and a result that is larger than the memory it may take."""

import argparse
import os
import sys
import time
import weakref

import gi

gi.require_version('MsgpackRpc', '1.0')

from gi.repository import GLib, MsgpackRpc  # noqa: E402

MAX_TIMERS = 100
MAX_NAP = 60_000
MAX_LINE = 1024
CHUNK_SIZE = 16 * 1024


# In the loop, in a thread, in a process.

def hello(invocation, params):
    return invocation.return_value(GLib.Variant('s', 'hello'))


def nap(invocation, params, _data):
    """Stands for whatever waits: a disk, a database, another service."""
    time.sleep(min(params.unpack()[0], MAX_NAP) / 1000)
    return invocation.return_value(GLib.Variant('s', 'rested'))


def is_prime(n):
    return n > 1 and all(n % i for i in range(2, int(n ** 0.5) + 1))


def primes(invocation, params, _data):
    """Keeps a processor busy."""
    limit, = params.unpack()
    return invocation.return_value(GLib.Variant('x', sum(map(is_prime, range(limit)))))


# At an interval, and later.

# The functions that they call: each is let go when its timer has ended.
timers = weakref.WeakSet()


def check_timers():
    """Nobody should have us count for too many."""
    if len(timers) >= MAX_TIMERS:
        raise GLib.Error(f'There are {MAX_TIMERS} timers already: stop one first')


def notify(connection, method, params):
    """Whether it could be told: the connection may be closing."""
    try:
        return connection.send_notification(method, params)
    except GLib.Error:
        return False


def clock(invocation, params):
    check_timers()
    connection = invocation.get_connection()
    n_ticks = 0

    def tick():
        nonlocal n_ticks
        n_ticks += 1
        # Who does not read misses some.
        if connection.is_congested():
            return GLib.SOURCE_CONTINUE
        return notify(connection, 'tick', GLib.Variant('(x)', (n_ticks,)))

    timers.add(tick)
    timer = connection.add_interval(max(params.unpack()[0], 1), tick)
    return invocation.return_value(GLib.Variant('u', timer))


def remind(invocation, params):
    check_timers()
    connection = invocation.get_connection()
    milliseconds, text = params.unpack()

    def remind_now():
        notify(connection, 'reminder', GLib.Variant('(s)', (text,)))

    timers.add(remind_now)
    timer = connection.add_timeout(milliseconds, remind_now)
    return invocation.return_value(GLib.Variant('u', timer))


def stop(invocation, params):
    stopped = invocation.get_connection().remove_timer(*params.unpack())
    return invocation.return_value(GLib.Variant('b', stopped))


# A large result.

class Playback:
    def __init__(self, invocation, n_chunks):
        self.invocation = invocation
        self.peer = invocation.get_connection()
        self.n_chunks = n_chunks
        self.n_sent = 0

    def send_chunk(self):
        if self.n_sent >= self.n_chunks or self.invocation.is_cancelled():
            self.invocation.return_value(GLib.Variant('x', self.n_sent))
            return
        # None is made before the last one has left.
        text = chr(ord('a') + self.n_sent % 26) * CHUNK_SIZE
        self.peer.send_notification_async('chunk', GLib.Variant('(xs)', (self.n_sent, text)), None,
                                          self.chunk_sent)

    def chunk_sent(self, peer, result):
        """It was written: there is room for the next one."""
        try:
            peer.send_notification_finish(result)
        except GLib.Error as error:
            self.invocation.return_gerror(error)
            return
        self.n_sent += 1
        self.send_chunk()


def play(invocation, params):
    Playback(invocation, *params.unpack()).send_chunk()
    return True


# What comes on the standard input.

class Lines:
    def __init__(self, topic):
        self.topic = topic
        self.line = b''

    def input_ready(self, fd, events):
        chunk = os.read(fd, MAX_LINE)
        if not chunk:
            return GLib.SOURCE_REMOVE
        *lines, self.line = (self.line + chunk).split(b'\n')
        if len(self.line) > MAX_LINE:
            lines.append(self.line)
            self.line = b''
        for line in lines:
            self.topic.publish(GLib.Variant('s', line.decode(errors='replace').replace('\0', '?')))
        return GLib.SOURCE_CONTINUE


# The program.

def make_dispatcher():
    flags = MsgpackRpc.MethodFlags
    dispatcher = MsgpackRpc.Dispatcher.new()
    dispatcher.add_method('hello', '()', hello)
    dispatcher.add_method_full('nap', '(u)', nap, None, flags.IN_THREAD)
    dispatcher.add_method_full('primes', '(x)', primes, None, flags.IN_PROCESS)
    dispatcher.add_method('clock', '(u)', clock)
    dispatcher.add_method('remind', '(us)', remind)
    dispatcher.add_method('stop', '(u)', stop)
    dispatcher.add_method('play', '(x)', play)
    return dispatcher


def main():
    parser = argparse.ArgumentParser(
        description='Work that keeps nobody waiting.',
        epilog='Methods: hello (), nap (ms), primes (limit), clock (ms), remind (ms, text), stop (id), '
               'play (chunks). Lines of the standard input are published as topic “lines”.')
    parser.add_argument('-a', '--address', default='tcp://127.0.0.1:18802', help='where to listen')
    parser.add_argument('--worker', action='store_true', help=argparse.SUPPRESS)
    arguments = parser.parse_args()

    dispatcher = make_dispatcher()
    if arguments.worker:
        return MsgpackRpc.worker_main(dispatcher)

    dispatcher.props.worker_argv = [sys.executable, __file__, '--worker']
    dispatcher.props.n_workers = os.cpu_count()
    dispatcher.props.worker_time_limit = 60_000
    lines = Lines(dispatcher.add_topic('lines', 's'))

    server = MsgpackRpc.Server.new()
    server.props.dispatcher = dispatcher
    try:
        address, = server.listen_sync(arguments.address, None)
    except GLib.Error as error:
        return error.message
    print('listening on', address, flush=True)
    watch = MsgpackRpc.Watch.add(None, sys.stdin.fileno(), MsgpackRpc.WatchEvents.READ,
                                 lines.input_ready)
    server.run(None)
    watch.remove()

    # What has ended is let go.
    while GLib.MainContext.default().iteration(False):
        pass
    print(f'drained, {len(timers)} timers left')
    return 0


if __name__ == '__main__':
    sys.exit(main())
