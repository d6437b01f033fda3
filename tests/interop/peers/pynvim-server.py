# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""pynvim's session on standard input and output, with the methods of “msgpackrpc serve --test”."""

import greenlet
from pynvim.msgpack_rpc import ErrorResponse, stdio_session

notes = []


class Remote(Exception):
    pass


def fail(error):
    raise ErrorResponse(error)


def slow(seconds, value):
    here = greenlet.getcurrent()
    session.loop._loop.call_later(seconds, here.switch)
    here.parent.switch()
    return value


def notify_back(method, params):
    session.request(method, *params, async_=True)


METHODS = {
    'add': lambda a, b: a + b,
    'big': lambda n: ('0123456789abcdef' * (n // 16 + 1))[:n],
    'blob': lambda n: bytes(i % 255 + 1 for i in range(n)),
    'callback': lambda method, params: session.request(method, *params),
    'echo': lambda *params: params[0] if len(params) == 1 else params,
    'fail': fail,
    'fail_obj': lambda *error: fail(error),
    'nothing': lambda: None,
    'notified': lambda: notes,
    'notify_back': notify_back,
    'slow': slow,
}


def on_request(method, params):
    try:
        return METHODS[method](*params)
    except Remote as error:
        fail(error.args[0])


session = stdio_session()
session.error_wrapper = Remote
session.run(on_request, lambda *note: notes.append(note))
