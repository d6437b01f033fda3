#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""A server and a client, each in a thread of its own that comes and goes with it."""

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

dispatcher = MsgpackRpc.Dispatcher()
dispatcher.add_method('add', '(ii)', lambda invocation, params: invocation.return_value(
    GLib.Variant('x', sum(params.unpack()))))

server = MsgpackRpc.Server.new_in_thread(dispatcher)
bound = server.listen_sync('localhost:0')
client = MsgpackRpc.Client.new_in_thread(bound[0])
client.open_sync()
print('1 + 2 =', client.call_sync('add', GLib.Variant('(ii)', (1, 2))).unpack())
