#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The server of the sample alone, for clients in any language, until Ctrl+C or SIGTERM.

    sample-server.py [ADDRESS]
"""

import sys

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc


def add(invocation, params):
    a, b = params.unpack()
    return invocation.return_value(GLib.Variant('x', a + b))


def on_connected(server, connection):
    print('client', connection.get_id(), 'has come', flush=True)


def on_disconnected(server, connection, error):
    print('client', connection.get_id(), 'has gone', flush=True)


dispatcher = MsgpackRpc.Dispatcher()
dispatcher.add_method('add', '(ii)', add)
server = MsgpackRpc.Server(dispatcher=dispatcher)
server.connect('client-connected', on_connected)
server.connect('client-disconnected', on_disconnected)
try:
    print(server.listen_sync(sys.argv[1] if sys.argv[1:] else 'tcp://localhost:0')[0], flush=True)
    server.run()
except GLib.Error as error:
    sys.exit(error.message)
