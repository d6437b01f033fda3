// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What the compiler of TypeScript must accept, and what it must find: the lines that say so, and no
// others. test-types.py reads this; it is never run.

import Gio from 'gi://Gio';
import GLib from 'gi://GLib';
import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

const dispatcher = new MsgpackRpc.Dispatcher({description: 'A test'});
dispatcher.method('add', (a: number, b: number) => a + b, {signature: '(xx)', paramNames: ['a', 'b']});
dispatcher.method('later', async (value: any) => value, {signature: 5}); // error: TS2322
dispatcher.add_method('plain', '(xx)', (invocation, params) => invocation.return_value(params));
dispatcher.add_method(5, '(xx)', () => true); // error: TS2345
for (const method of dispatcher.methods)
    print(method);

const client = new MsgpackRpc.Client({address: 'tcp://localhost:1', defaultTimeout: 100, dispatcher});
new MsgpackRpc.Client({defaultTimeout: 'long'}); // error: TS2322
client.noSuchMethod(); // error: TS2339
client.connect('status-changed', (source, oldStatus, newStatus, error) => {
    const status: MsgpackRpc.ConnectionStatus = newStatus;
    source.close_async(MsgpackRpc.CloseMode.NOW, null);
    print(status, oldStatus, error?.message);
});
client.connect('notification::tick', (source, method, params) => print(source, method, params));
client.send_notification('name', new GLib.Variant('(s)', ['text']));
client.send_notification('name', 'text'); // error: TS2345
const wrong: number = client.address; // error: TS2322
const right: number = client.defaultTimeout + client.default_timeout;

async function main(): Promise<void> {
    const server = new MsgpackRpc.Server({dispatcher});
    const addresses: string[] = await server.listen_async('tcp://localhost:0', null);
    await client.open_async(null);
    const sum = await client.rpc.add(1, 2);
    const promise = client.rpcWith({timeout: 5}).add(1, 2);
    promise.call.cancel();
    client.rpcWith({timeout: 'long'}); // error: TS2322
    const reply: GLib.Variant = await client.call_async('add', new GLib.Variant('ax', [1, 2]), null);
    const wrongReply: string = await client.call_async('add', null, null); // error: TS2322
    for await (const {method, params} of client.notifications('tick', {maxQueued: 5})) {
        const name: string = method;
        print(name, params);
    }
    const clock = client.publications('clock');
    await clock.subscribe();
    for await (const value of clock)
        print(value, clock.dropped);
    clock.close();
    print(addresses, sum, reply, wrongReply);
}

main().catch((error: GLib.Error) => print(error.matches(MsgpackRpc.Error, MsgpackRpc.Error.REMOTE)));
const ext = new MsgpackRpc.Ext(5, new Uint8Array());
const variant: GLib.Variant = MsgpackRpc.toVariant([ext, null, 1n, new Map([[1, 2]])], 'av');
const error = new MsgpackRpc.RemoteError('text', {code: 7});
const list: Gio.ListModel = dispatcher.get_methods();
print(MsgpackRpc.fromVariant(variant), error.value, error.message, list, wrong, right);
