// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// A server with one method, and a client that calls it, in one process and one loop: where the sample
// in C waits in a thread, this yields.
//
//     sample-vala                     both
//     sample-vala --server ADDRESS    the server only, until its standard input ends
//     sample-vala --client ADDRESS    the client only
//
// With tcp://localhost:0 as its address, the server looks for a free port, and prints which.

// ---- the server ----

bool add (MsgpackRpc.Invocation invocation, Variant params) throws Error {
    // Cannot fail: calls that do not fit the signature of the method are answered before they get
    // here.
    int64 a, b;

    params.get ("(xx)", out a, out b);
    return invocation.return_value (new Variant.int64 (a + b));
}

async string start_server (MsgpackRpc.Server server, string address) throws Error {
    var dispatcher = new MsgpackRpc.Dispatcher ();

    dispatcher.add_method ("add", "(xx)", add);
    server.dispatcher = dispatcher;
    // A host name may stand for several addresses; each of them will do.
    var bound = yield server.listen_async (address, null);
    return bound[0];
}

// ---- the client ----

// All of these begin before the first one has ended. The last one to end goes on with what waits.
class Calls {
    public bool all_answered = true;
    public SourceFunc? done = null;
    public int left = 0;
}

async void call_add (MsgpackRpc.Client client, Calls calls, int64[] numbers) {
    calls.left++;
    try {
        var sum = yield client.call_async ("add", numbers, null);

        stdout.printf ("%" + int64.FORMAT + "\n", sum.get_int64 ());
    } catch (Error error) {
        stdout.printf ("error: %s\n", error.message);
        // That the server answers with an error is no failure of the client.
        if (!(error is MsgpackRpc.Error.REMOTE)) {
            stderr.printf ("%s\n", error.message);
            calls.all_answered = false;
        }
    }
    if (--calls.left == 0)
        calls.done ();
}

async bool run_client (string address) throws Error {
    var client = new MsgpackRpc.Client (address);
    var calls = new Calls ();

    client.status_changed.connect ((old_status, new_status, error) => {
        var statuses = (EnumClass) typeof (MsgpackRpc.ConnectionStatus).class_ref ();

        stdout.printf ("%s\n", statuses.get_value (new_status).value_nick);
    });
    client.open_async.begin (null);

    // Calls need not wait for the connection: they queue until it is there, or has failed.
    calls.done = run_client.callback;
    call_add.begin (client, calls, { 1 });
    call_add.begin (client, calls, { 1, 2 });
    call_add.begin (client, calls, { 1, 2, 3 });
    yield;

    // It comes back after all that the client has to say.
    yield client.close_async (MsgpackRpc.CloseMode.FINISH_QUEUE, null);
    if (calls.all_answered)
        stdout.printf ("done\n");
    return calls.all_answered;
}

// ---- the program ----

async void until_input_ends () throws Error {
    var input = new UnixInputStream (0, false);
    var buffer = new uint8[4096];

    while ((yield input.read_async (buffer)) > 0)
        continue;
}

async bool run (string[] args) throws Error {
    if (args.length == 3 && args[1] == "--client")
        return yield run_client (args[2]);

    if (args.length != 1 && !(args.length == 3 && args[1] == "--server")) {
        stderr.printf ("Usage: %s [--server ADDRESS | --client ADDRESS]\n", args[0]);
        return false;
    }

    var server = new MsgpackRpc.Server ();
    var bound = yield start_server (server, args.length == 3 ? args[2] : "tcp://localhost:0");
    var succeeded = true;

    if (args.length == 1) {
        succeeded = yield run_client (bound);
    } else {
        stdout.printf ("%s\n", bound);
        stdout.flush ();
        yield until_input_ends ();
    }
    server.stop ();
    return succeeded;
}

int main (string[] args) {
    var loop = new MainLoop ();
    var succeeded = false;

    run.begin (args, (source, result) => {
        try {
            succeeded = run.end (result);
        } catch (Error error) {
            stderr.printf ("%s\n", error.message);
        }
        loop.quit ();
    });
    loop.run ();
    return succeeded ? 0 : 1;
}
