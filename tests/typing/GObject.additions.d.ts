// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

interface Object {
    connect(signal: string, callback: (...args: any[]) => any): number;
    disconnect(id: number): void;
}
