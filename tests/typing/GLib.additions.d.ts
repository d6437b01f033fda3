// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

interface Variant {
    unpack(): any;
    deepUnpack(): any;
    recursiveUnpack(): any;
}
interface Error {
    message: string;
    code: number;
    matches(domain: any, code: number): boolean;
}
