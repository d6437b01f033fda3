// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// What GJS has besides.

declare const ARGV: string[];
declare function print(...values: any[]): void;
declare function printerr(...values: any[]): void;
declare function logError(error: any, text?: string): void;
declare module 'system' {
    const system: { exit(status: number): never; gc(): void; [name: string]: any };
    export default system;
}
