// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What the overrides add to introspection; generate-types.py puts it into the namespace.

class Ext {
    constructor(type: number, data: Uint8Array);
    type: number;
    data: Uint8Array;
}
class RawString {
    constructor(data: Uint8Array);
    data: Uint8Array;
}
class RemoteError extends globalThis.Error {
    constructor(message: string, value?: any);
    value: any;
}
function toVariant(value: any, signature?: string | null): GLib.Variant;
function fromVariant(variant: GLib.Variant): any;

interface RunningCall extends Promise<any> {
    readonly call: Call;
}
interface RpcMethod {
    (...args: any[]): RunningCall;
    notify(...args: any[]): void;
}
interface Rpc {
    [method: string]: RpcMethod;
}
interface CallOptions {
    timeout?: number | null;
    cancellable?: Gio.Cancellable | null;
}
interface StreamOptions {
    maxQueued?: number;
}
interface Stream<T> extends AsyncIterableIterator<T> {
    readonly dropped: number;
    close(): void;
}
interface Notification {
    method: string;
    params: any;
}
interface Publications extends Stream<any> {
    subscribe(): Promise<any>;
}
interface MethodOptions {
    signature?: string | null;
    resultSignature?: string | null;
    paramNames?: string[] | null;
    description?: string | null;
    flags?: MethodFlags;
    withInvocation?: boolean;
}
interface Peer {
    readonly rpc: Rpc;
    rpcWith(options: CallOptions): Rpc;
    notifications(method?: string | null, options?: StreamOptions): Stream<Notification>;
    publications(topic: string, options?: StreamOptions): Publications;
}
interface Dispatcher {
    method(name: string, callback: (...args: any[]) => any, options?: MethodOptions): number;
}
interface Topic {
    publish(value: any): boolean;
    publish_with_key(key: string, value: any): boolean;
}
