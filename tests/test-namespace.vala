// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

void test_version () {
    assert (MsgpackRpc.get_major_version () == MsgpackRpc.MAJOR_VERSION);
    assert (MsgpackRpc.check_version (MsgpackRpc.MAJOR_VERSION, MsgpackRpc.MINOR_VERSION,
                                      MsgpackRpc.MICRO_VERSION));
    assert (!MsgpackRpc.check_version (MsgpackRpc.MAJOR_VERSION + 1, 0, 0));
}

void test_error_domain () {
    try {
        throw new MsgpackRpc.Error.BUSY ("text");
    } catch (MsgpackRpc.Error error) {
        assert (error is MsgpackRpc.Error.BUSY);
        assert (error.domain == MsgpackRpc.Error.quark ());
    }
}

int main (string[] args) {
    Test.init (ref args);

    Test.add_func ("/msgpack-rpc/vala/version", test_version);
    Test.add_func ("/msgpack-rpc/vala/error-domain", test_error_domain);

    return Test.run ();
}
