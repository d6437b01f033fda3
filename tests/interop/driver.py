# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The library's client in Python as a program that peers.py drives: driver.py ADDRESS, or -- PROGRAM
ARG…"""

import sys

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib
from gi.repository import MsgpackRpc as M

TIMEOUT = 120_000


def show(*words):
    print(*words, flush=True)


def pack(value):
    return M.pack(value).get_data().hex()


def unpack(digits):
    return M.unpack(GLib.Bytes(bytes.fromhex(digits)))


def ended(client, call, number):
    try:
        show('result', number, pack(client.call_finish(call)))
    except GLib.Error as error:
        if call.props.error_value is not None:
            show('error', number, pack(call.props.error_value))
        else:
            show('failed', number, error.message.replace('\n', ' '))


def add(invocation, params):
    a, b = params.unpack()
    return invocation.return_value(GLib.Variant('x', a + b))


def echo(invocation, params):
    return invocation.return_value(params.get_child_value(0).get_variant())


def fail(invocation, params):
    return invocation.return_error_value(params.get_child_value(0))


def callback(invocation, params):
    method, arguments = params.get_child_value(0).get_string(), params.get_child_value(1)
    invocation.get_connection().call_async(method, arguments, None, called_back, invocation)
    return True


def called_back(connection, call, invocation):
    try:
        invocation.return_value(connection.call_finish(call))
    except GLib.Error as error:
        if call.props.error_value is not None:
            invocation.return_error_value(call.props.error_value)
        else:
            invocation.return_gerror(error)


def on_notification(_client, method, params):
    show('notification', method, pack(params))


def on_request(_client, invocation, params):
    show('request', invocation.get_method(), pack(params))
    # The dispatcher answers it.
    return False


def read_line(stream, result):
    line, _ = stream.read_line_finish(result)
    if line is None:
        loop.quit()
        return
    kind, *words = line.decode().split()
    params = unpack(words.pop())
    if kind == 'call':
        number, method = words
        client.call_async(method, params, None, ended, number)
    else:
        client.send_notification(words[0], params)
    stream.read_line_async(GLib.PRIORITY_DEFAULT, None, read_line)


dispatcher = M.Dispatcher()
dispatcher.add_method('add', '(xx)', add)
dispatcher.add_method('callback', '(sav)', callback)
dispatcher.add_method('echo', '(v)', echo)
dispatcher.add_method('fail', '(s)', fail)

address = sys.argv[1]
client = M.Client.new_for_argv(sys.argv[2:]) if address == '--' else M.Client.new(address)
client.props.dispatcher = dispatcher
client.props.default_timeout = TIMEOUT
client.connect('notification', on_notification)
client.connect('request', on_request)
client.open_sync(None)
show('ready')

loop = GLib.MainLoop()
lines = Gio.DataInputStream.new(Gio.UnixInputStream.new(0, False))
lines.read_line_async(GLib.PRIORITY_DEFAULT, None, read_line)
loop.run()
