# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What a type checker must accept, and what it must find: the lines that say so, and no others.

test-stubs.py reads this; it is never run."""

import asyncio

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

dispatcher = MsgpackRpc.Dispatcher()


@dispatcher.method('add')
def add(a: int, b: int) -> int:
    return a + b


@dispatcher.method
async def later(value: str, invocation: MsgpackRpc.Invocation) -> str:
    await asyncio.sleep(0)
    name: str = invocation.get_method()
    invocation.report_progress(0.5, None)
    invocation.report_progress('half', None)  # error: arg-type
    return name + value


text: str = add(1, 2)  # error: assignment
number: int = add(1, 2)
dispatcher.add_method('plain', '(xx)', lambda invocation, params: True)
dispatcher.add_method(5, '(xx)', lambda invocation, params: True)  # error: arg-type

client = MsgpackRpc.Client.new('tcp://localhost:1')
MsgpackRpc.Client.new(5)  # error: arg-type
MsgpackRpc.Client(address='tcp://localhost:1', dispatcher=dispatcher, default_timeout=100)
MsgpackRpc.Client(default_timeout='long')  # error: arg-type
client.no_such_method()  # error: attr-defined
client.open_sync()
client.rpc.add(1, 2)
client.rpc(timeout=100)['odd name'](1)
client.rpc(timeout='long')  # error: arg-type
client.send_notification('name', GLib.Variant('(s)', ('text',)))
client.send_notification('name', 'text')  # error: arg-type
status: MsgpackRpc.ConnectionStatus = client.props.status
address: int = client.props.address  # error: assignment
call = client.rpc['add'].start(1, 2)
state: MsgpackRpc.CallState = call.get_state()
call.cancel()

server = MsgpackRpc.Server(dispatcher=dispatcher)
addresses: list[str] = server.listen_sync('tcp://localhost:0', None)
with server:
    server.publish('topic', [1, 'two'])

with MsgpackRpc.LoopThread.new('name') as thread:
    context: GLib.MainContext = thread.get_main_context()


async def main() -> None:
    async with client as opened:
        reply = await opened.rpc['add'].start(1, 2)
        print(reply)
    async for method, params in client.notifications('tick', max_queued=5):
        length: int = len(method) + len(params)
    async for value in client.publications('topic'):
        print(value)
    try:
        await client.rpc.add_async(1, 2)
    except MsgpackRpc.RemoteError as error:
        print(error.value, error.message, error.no_such_attribute)  # error: attr-defined


packed: bytes = MsgpackRpc.pack(MsgpackRpc.to_variant({1: b'x'})).get_data()
MsgpackRpc.pack('text')  # error: arg-type
