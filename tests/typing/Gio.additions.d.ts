// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

function _promisify(prototype: any, start: string, finish?: string): void;
interface ListModel {
    [Symbol.iterator](): Iterator<any>;
}
