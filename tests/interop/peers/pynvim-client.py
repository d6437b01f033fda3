# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""pynvim's session as a program that peers.py drives: pynvim-client.py tcp HOST PORT, or socket PATH,
or child PROGRAM ARG…"""

import sys
import threading

import msgpack
import pynvim
from pynvim.msgpack_rpc import ErrorResponse, child_session, socket_session, tcp_session


def show(*words):
    print(*words, flush=True)


def pack(value):
    return msgpack.packb(value, unicode_errors='surrogateescape').hex()


def unpack(digits):
    return msgpack.unpackb(bytes.fromhex(digits), unicode_errors='surrogateescape',
                           strict_map_key=False)


def call(number, method, digits):
    try:
        show('result', number, pack(session.request(method, *unpack(digits))))
    except Remote as error:
        show('error', number, pack(error.args[0]))
    except Exception as error:
        show('failed', number, repr(error))


def notify(method, digits):
    session.request(method, *unpack(digits), async_=True)


class Remote(Exception):
    pass


def on_request(method, params):
    show('request', method, pack(params))
    try:
        return HANDLERS[method](*params)
    except Remote as error:
        raise ErrorResponse(error.args[0]) from None


def on_notification(method, params):
    show('notification', method, pack(params))


def add(a, b):
    return a + b


def fail(text):
    raise ErrorResponse(text)


HANDLERS = {
    'add': add,
    'callback': lambda method, params: session.request(method, *params),
    'echo': lambda value: value,
    'fail': fail,
}


def read_lines():
    for line in sys.stdin:
        kind, *words = line.split()
        session.threadsafe_call(call if kind == 'call' else notify, *words)
    session.threadsafe_call(session.stop)


kind, *address = sys.argv[1:]
if kind == 'tcp':
    session = tcp_session(address[0], int(address[1]))
elif kind == 'socket':
    session = socket_session(address[0])
else:
    session = child_session(address)
session.error_wrapper = Remote
show('ready')
threading.Thread(target=read_lines, daemon=True).start()
session.run(on_request, on_notification)
