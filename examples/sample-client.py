#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The client of the sample alone: adds numbers with the server at an address.

    sample-client.py ADDRESS NUMBER…
"""

import sys

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

if not sys.argv[1:]:
    print(f'Usage: {sys.argv[0]} ADDRESS NUMBER…', file=sys.stderr)
    sys.exit(2)

# Calls that block need no loop, neither here nor in a thread.
client = MsgpackRpc.Client.new(sys.argv[1])
try:
    client.open_sync()
    print(client.call_sync('add', GLib.Variant('ax', map(int, sys.argv[2:]))).unpack())
except GLib.Error as error:
    sys.exit(error.message)
finally:
    client.close_sync(MsgpackRpc.CloseMode.FINISH_QUEUE)
