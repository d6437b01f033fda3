# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""os_ken.lib.rpc, driven by peers.py: os-ken.py ADDRESS|server, or --simple ADDRESS for its
synchronous client."""

import functools
import os
import select
import socket
import sys
import time

import msgpack
from os_ken.lib import rpc


class Refusal(Exception):
    """Its argument is the error to answer."""


def to_hex(value):
    return msgpack.packb(value).hex()


def read_call(number, name, digits):
    """The method and parameters of a line; None if msgpack cannot read them."""
    try:
        return name, msgpack.unpackb(bytes.fromhex(digits), strict_map_key=False)
    except (TypeError, ValueError):
        show('failed', number, 'unreadable')
        return None


def show(*words):
    print(*words, flush=True)


class Session:
    """An end point, which leaves it to its user to look for what has come."""

    def __init__(self, connected):
        connected.setblocking(False)
        self.endpoint = rpc.EndPoint(connected)
        # By the id of a request: what is done with its result and error.
        self.waiting = {}
        # When, and with what, requests are answered later.
        self.later = []
        self.notes = []

    def request(self, method, params, answered):
        self.waiting[self.endpoint.send_request(method, params)] = answered

    def step(self, others=()):
        """Waits until something happens, and deals with it; which of the others can be read?"""
        readable, writable = self.endpoint.selectable()
        pause = max(0, min(self.later)[0] - time.monotonic()) if self.later else None
        ready, writable, _ = select.select([*readable, *others], writable, [], pause)
        if writable:
            self.endpoint.process_outgoing()
        self.endpoint.process_incoming()
        self.dispatch()
        return [other for other in others if other in ready]

    def dispatch(self):
        while (notification := self.endpoint.get_notification()) is not None:
            self.notified(*notification)
        while (request := self.endpoint.get_request()) is not None:
            self.requested(*request)
        for number in list(self.waiting):
            if (response := self.endpoint.get_response(number)) is not None:
                self.waiting.pop(number)(*response)
        now = time.monotonic()
        for item in sorted(item for item in self.later if item[0] <= now):
            self.later.remove(item)
            self.endpoint.send_response(item[1], result=item[2])

    def notified(self, method, params):
        show('notification', method, to_hex(params))
        self.notes.append([method, params])

    def requested(self, number, method, params):
        show('request', method, to_hex(params))
        handler = METHODS.get(method)
        try:
            if handler is None:
                raise Refusal(f'no method {method}')
            handler(self, number, *params)
        except Refusal as refusal:
            self.endpoint.send_response(number, error=refusal.args[0])

    def answer(self, number, value, error=None):
        self.endpoint.send_response(number, result=value, error=error)


def method(function):
    """A method that returns its result."""
    @functools.wraps(function)
    def handler(session, number, *params):
        session.answer(number, function(session, *params))
    return handler


@method
def add(session, a, b):
    return a + b


@method
def echo(session, *values):
    return values[0] if len(values) == 1 else values


@method
def nothing(session):
    return None


@method
def notified(session):
    return session.notes


@method
def blob(session, size):
    return bytes(index % 255 + 1 for index in range(size))


@method
def big(session, size):
    return ('0123456789abcdef' * (size // 16 + 1))[:size]


@method
def fail(session, text):
    raise Refusal(text)


@method
def fail_obj(session, code, text):
    raise Refusal([code, text])


@method
def notify_back(session, name, params):
    session.endpoint.send_notification(name, params)


def slow(session, number, seconds, value):
    session.later.append((time.monotonic() + seconds, number, value))


def callback(session, number, name, params):
    session.request(name, params, functools.partial(session.answer, number))


METHODS = {function.__name__: function
           for function in (add, big, blob, callback, echo, fail, fail_obj, nothing, notified,
                            notify_back, slow)}


def connect(address):
    host, _, port = address.removeprefix('tcp://').rpartition(':')
    return socket.create_connection((host, int(port)))


def report(number, value, error):
    if error is None:
        show('result', number, to_hex(value))
    else:
        show('error', number, to_hex(error))


class Lines:
    """Those of standard input, which is not read further than it can be."""

    def __init__(self):
        self.rest = b''

    def fileno(self):
        return 0

    def read(self):
        piece = os.read(0, 1 << 16)
        if not piece:
            sys.exit()
        *lines, self.rest = (self.rest + piece).split(b'\n')
        return [line.decode().split() for line in lines]


def drive(session):
    lines = Lines()
    show('ready')
    while True:
        if session.step([lines]):
            for verb, *words in lines.read():
                if verb == 'notify':
                    session.endpoint.send_notification(*read_call(None, *words))
                elif (called := read_call(*words)) is not None:
                    session.request(*called, functools.partial(report, words[0]))
        if session.endpoint._closed_by_peer:
            show('closed')
            sys.exit()


def drive_simple(connected):
    """The client that is synchronous: one call at a time, and no requests."""
    client = rpc.Client(connected, notification_callback=lambda each: show(
        'notification', each[0], to_hex(each[1])))
    show('ready')
    for line in sys.stdin:
        verb, *words = line.split()
        if verb == 'notify':
            client.send_notification(*read_call(None, *words))
        elif (called := read_call(*words)) is not None:
            try:
                report(words[0], client.call(*called), None)
            except rpc.RPCError as error:
                report(words[0], None, error.get_value())


def serve():
    listener = socket.create_server(('127.0.0.1', 0))
    show(f'tcp://127.0.0.1:{listener.getsockname()[1]}')
    session = Session(listener.accept()[0])
    while not session.endpoint._closed_by_peer:
        session.step()


if sys.argv[1] == 'server':
    serve()
elif sys.argv[1] == '--simple':
    drive_simple(connect(sys.argv[2]))
else:
    drive(Session(connect(sys.argv[1])))
