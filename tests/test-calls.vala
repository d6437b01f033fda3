// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// Calls, handlers and what becomes of them in Vala. A server and a client share the default context.

// Seconds until a test gives up.
const int DEADLINE = 20;

delegate bool Condition ();

// Runs the default context until the condition holds.
void run_until (Condition condition) {
    var context = MainContext.default ();
    var late = false;
    var timer = Timeout.add_seconds (DEADLINE, () => {
        late = true;
        return Source.CONTINUE;
    });

    while (!condition ()) {
        context.iteration (true);
        assert (!late);
    }
    Source.remove (timer);
}

class Ends {
    public MsgpackRpc.Dispatcher dispatcher = new MsgpackRpc.Dispatcher ();
    public MsgpackRpc.Server server = new MsgpackRpc.Server ();
    public MsgpackRpc.Client client;
    public MsgpackRpc.Invocation? kept = null;

    public Ends () throws Error {
        weak Ends self = this;

        dispatcher.add_method ("add", "(xx)", (invocation, args) => {
            int64 a, b;

            args.get ("(xx)", out a, out b);
            return invocation.return_value (new Variant.int64 (a + b));
        });
        dispatcher.add_method ("fail", null, (invocation, args) => {
            throw new IOError.FAILED ("no, never");
        });
        dispatcher.add_method ("fail_value", "(v)", (invocation, args) => {
            return invocation.return_error_value (args.get_child_value (0));
        });
        dispatcher.add_method ("nothing", null, (invocation, args) => {
            return true;
        });
        dispatcher.add_method ("keep", null, (invocation, args) => {
            self.kept = invocation;
            return true;
        });
        server.dispatcher = dispatcher;
        var bound = server.listen_sync ("tcp://localhost:0");
        client = new MsgpackRpc.Client (bound[0]);
        client.open_async.begin (null);
    }

    public void close () throws Error {
        kept = null;
        client.close_sync (MsgpackRpc.CloseMode.NOW);
        server.drain_sync (MsgpackRpc.CloseMode.NOW, -1);
    }
}

async void call_all (Ends ends) {
    try {
        var sum = yield ends.client.call_async ("add", new Variant ("(xx)", 1, 2), null);
        assert (sum.get_int64 () == 3);
    } catch (Error error) {
        assert_not_reached ();
    }

    try {
        yield ends.client.call_async ("fail", null, null);
        assert_not_reached ();
    } catch (Error error) {
        assert (error is MsgpackRpc.Error.REMOTE);
        assert (error.message == "no, never");
    }

    try {
        yield ends.client.call_async ("add", new Variant ("(s)", "one"), null);
        assert_not_reached ();
    } catch (Error error) {
        assert (error is MsgpackRpc.Error.REMOTE);
        assert (error.message.has_prefix ("add() takes 2 arguments"));
    }

    // A handler that answers nothing, and keeps nothing.
    try {
        yield ends.client.call_async ("nothing", null, null);
        assert_not_reached ();
    } catch (Error error) {
        assert (error is MsgpackRpc.Error.REMOTE);
    }

    var call = new MsgpackRpc.Call ("fail_value", new Variant ("(v)", new Variant.int64 (7)));
    ends.client.send_call (call);
    try {
        yield call.wait_async (null);
        assert_not_reached ();
    } catch (Error error) {
        var value = call.get_error_value ();
        assert (value != null && value.get_int64 () == 7);
    }
}

void test_calls () {
    try {
        var ends = new Ends ();
        var done = false;

        call_all.begin (ends, (source, result) => {
            call_all.end (result);
            done = true;
        });
        run_until (() => done);
        ends.close ();
    } catch (Error error) {
        assert_not_reached ();
    }
}

// Nobody holds the client but its call: the callback comes all the same.
void test_client_goes () {
    try {
        var ends = new Ends ();
        var cancellable = new Cancellable ();
        Error? caught = null;

        ends.client.call_async.begin ("keep", null, cancellable, (source, result) => {
            try {
                ((MsgpackRpc.Client) source).call_async.end (result);
            } catch (Error error) {
                caught = error;
            }
        });
        run_until (() => ends.kept != null);

        weak MsgpackRpc.Client client = ends.client;
        client.add_weak_pointer (&client);
        ends.client = null;
        cancellable.cancel ();
        run_until (() => caught != null && client == null);
        assert (caught is IOError.CANCELLED);
        ends.kept = null;
        ends.server.drain_sync (MsgpackRpc.CloseMode.NOW, -1);
    } catch (Error error) {
        assert_not_reached ();
    }
}

// A handler that holds the object which has the dispatcher: a cycle until the method is removed.
class Service : Object {
    public MsgpackRpc.Dispatcher dispatcher = new MsgpackRpc.Dispatcher ();
    public uint id;

    construct {
        id = dispatcher.add_method ("get", "()", get_it);
    }

    bool get_it (MsgpackRpc.Invocation invocation, Variant args) throws Error {
        return invocation.return_value (new Variant.boolean (true));
    }
}

void test_cycle () {
    var service = new Service ();
    var dispatcher = service.dispatcher;
    weak Service gone = service;

    gone.add_weak_pointer (&gone);
    dispatcher.remove_method (service.id);
    service = null;
    run_until (() => gone == null);
}

// Whoever waits in a thread needs no loop.
void test_threads () {
    try {
        var ends = new Ends ();
        var left = 4;

        for (int i = 0; i < 4; i++) {
            new Thread<bool> ("caller", () => {
                for (int j = 0; j < 100; j++) {
                    try {
                        var sum = ends.client.call_sync ("add", new Variant ("(xx)", j, 1));
                        assert (sum.get_int64 () == j + 1);
                    } catch (Error error) {
                        assert_not_reached ();
                    }
                }
                AtomicInt.add (ref left, -1);
                MainContext.default ().wakeup ();
                return true;
            });
        }
        run_until (() => AtomicInt.get (ref left) == 0);
        ends.close ();
    } catch (Error error) {
        assert_not_reached ();
    }
}

int64 resident () {
    string statm;

    try {
        FileUtils.get_contents ("/proc/self/statm", out statm);
    } catch (FileError error) {
        assert_not_reached ();
    }
    return int64.parse (statm.split (" ")[1]) * 4096;
}

async void call_many (Ends ends, int n) {
    for (int i = 0; i < n; i++) {
        try {
            yield ends.client.call_async ("add", new Variant ("(xx)", i, 1), null);
        } catch (Error error) {
            assert_not_reached ();
        }
    }
}

// Nothing is left of 10,000 calls.
void test_many () {
    try {
        var ends = new Ends ();
        var done = false;

        call_many.begin (ends, 1000, () => {
            done = true;
        });
        run_until (() => done);
        var before = resident ();
        done = false;
        call_many.begin (ends, 10000, () => {
            done = true;
        });
        run_until (() => done);
        assert (resident () - before < 2 * 1024 * 1024);
        ends.close ();
    } catch (Error error) {
        assert_not_reached ();
    }
}

int main (string[] args) {
    Test.init (ref args);

    Test.add_func ("/msgpack-rpc/vala/calls", test_calls);
    Test.add_func ("/msgpack-rpc/vala/client-goes", test_client_goes);
    Test.add_func ("/msgpack-rpc/vala/cycle", test_cycle);
    Test.add_func ("/msgpack-rpc/vala/threads", test_threads);
    Test.add_func ("/msgpack-rpc/vala/many", test_many);

    return Test.run ();
}
