#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""A server with one method, and a client that calls it, in one process. Each has a loop on a thread
of its own, as in a program whose main thread has other work. The main thread starts three calls,
and waits for them.

    sample.py                     both
    sample.py --server ADDRESS    the server only, until its standard input ends
    sample.py --client ADDRESS    the client only

With tcp://localhost:0 as its address, the server looks for a free port, and prints which.
"""

import sys

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc


# ---- the server ----

def add(invocation, params):
    # Cannot fail: calls that do not fit the signature of the method are answered before they get
    # here. A sum that is too large raises an exception, which is answered as an error.
    a, b = params.unpack()
    return invocation.return_value(GLib.Variant('x', a + b))


def start_server(thread, address):
    """The server listens when this returns, so that a client can connect, even before the thread
    has begun to run."""
    dispatcher = MsgpackRpc.Dispatcher()
    dispatcher.add_method('add', '(xx)', add)

    # The context decides where handlers run: on that thread, not on this one.
    server = MsgpackRpc.Server(main_context=thread.get_main_context(), dispatcher=dispatcher)
    # A host name may stand for several addresses; each of them will do.
    bound = server.listen_sync(address)[0]
    thread.start()
    return server, bound


# ---- the client ----

def on_status_changed(client, old_status, new_status, error):
    print(new_status.value_nick, flush=True)


def on_completed(call):
    if call.props.error is None:
        print(call.props.result.unpack(), flush=True)
    else:
        print('error:', call.props.error.message, flush=True)


def start_call(client, *numbers):
    call = MsgpackRpc.Call.new('add', GLib.Variant('ax', numbers))
    call.connect('completed', on_completed)
    client.send_call(call)
    return call


def join_call(call):
    try:
        call.wait()
    except GLib.Error as error:
        # That the server answers with an error is no failure of the client.
        if call.props.delivery != MsgpackRpc.Delivery.ANSWERED:
            print(error.message, file=sys.stderr)
            return False
    return True


def stop_client(client, thread):
    """Disconnects, and sees to it that all that there is to say is said before the program ends."""
    client.close_sync(MsgpackRpc.CloseMode.FINISH_QUEUE)
    thread.quit()
    thread.join()

    # The thread may have left something undone. Its context is free now for this one to run.
    while thread.get_main_context().iteration(False):
        continue


def run_client(address):
    thread = MsgpackRpc.LoopThread.new('client')

    # What is made from here on reports in that context: the signals of the client and of the calls
    # all come on its thread, in order. None comes before that thread runs, and so none is missed.
    thread.get_main_context().push_thread_default()
    client = MsgpackRpc.Client.new(address)
    client.connect('status-changed', on_status_changed)
    client.open_async()
    # Calls need not wait for the connection: they queue until it is there, or has failed.
    calls = [start_call(client, *range(1, n + 1)) for n in (1, 2, 3)]
    thread.get_main_context().pop_thread_default()

    thread.start()

    all_answered = all([join_call(call) for call in calls])
    stop_client(client, thread)
    if all_answered:
        print('done', flush=True)
    return all_answered


# ---- the program ----

def run_server(address, with_client):
    thread = MsgpackRpc.LoopThread.new('server')
    server, bound = start_server(thread, address)

    if with_client:
        succeeded = run_client(bound)
    else:
        print(bound, flush=True)
        sys.stdin.read()
        succeeded = True

    # Nothing runs in the context any more when the server goes.
    thread.quit()
    thread.join()
    return succeeded


def run(arguments):
    match arguments:
        case []:
            return run_server('tcp://localhost:0', True)
        case ['--server', address]:
            return run_server(address, False)
        case ['--client', address]:
            return run_client(address)
        case _:
            print(f'Usage: {sys.argv[0]} [--server ADDRESS | --client ADDRESS]', file=sys.stderr)
            return False


try:
    sys.exit(0 if run(sys.argv[1:]) else 1)
except GLib.Error as error:
    sys.exit(error.message)
