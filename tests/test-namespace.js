// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

import MsgpackRpc from 'gi://MsgpackRpc?version=1.0';

import {assertEqual, run} from './tap.js';

run({
    'version': () => {
        const version = [MsgpackRpc.MAJOR_VERSION, MsgpackRpc.MINOR_VERSION,
            MsgpackRpc.MICRO_VERSION];
        assertEqual(version, [MsgpackRpc.get_major_version(), MsgpackRpc.get_minor_version(),
            MsgpackRpc.get_micro_version()]);
        assertEqual(MsgpackRpc.check_version(...version), true);
        assertEqual(MsgpackRpc.check_version(version[0] + 1, 0, 0), false);
    },

    'enum': () => {
        assertEqual(MsgpackRpc.CloseMode.NOW, 0);
        assertEqual(MsgpackRpc.CloseMode.$gtype.name, 'MsgpackRpcCloseMode');
    },

    'error-domain': () => {
        const error = new MsgpackRpc.Error({code: MsgpackRpc.Error.BUSY, message: 'text'});
        assertEqual(error.matches(MsgpackRpc.Error, MsgpackRpc.Error.BUSY), true);
        assertEqual(error.domain, MsgpackRpc.error_quark());
    },
});
