# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import sys
import threading

import tap
from python_cases import (
    Answer, Case, DEADLINE, ERROR, IOCode, IO_ERROR, Kept, add, ask, shown_exceptions, streams,
    thread_default, wait_until)

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, GObject
from gi.repository import MsgpackRpc as M


class Faults(Case):
    def setUp(self):
        near, far = streams()
        self.faults = M.FaultStream.new(near)
        self.caller, self.callee = M.Connection.new(self.faults), M.Connection.new(far)
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('add', '(xx)', self.add)
        self.callee.set_dispatcher(self.dispatcher)
        self.n_served = 0

    def add(self, invocation, params):
        self.n_served += 1
        return add(invocation, params)

    def start(self):
        return Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))

    def finish(self, answer):
        wait_until(answer.is_there)
        if answer.error is not None:
            raise answer.error
        return answer.result.unpack()

    def test_split_and_late(self):
        for size in range(1, 8):
            self.faults.set_properties(read_chunk_size=size, write_chunk_size=size, read_delay=1,
                                       write_delay=1, seed=size % 3)
            self.assertEqual(self.finish(self.start()), 3)
        self.assertGreater(self.faults.props.read_offset, 0)
        self.assertGreater(self.faults.props.write_offset, 0)

    def test_stop(self):
        changed = []
        self.faults.connect('notify::read-stop-offset', lambda *_: changed.append(True))
        self.faults.props.read_stop_offset = 0
        answer = self.start()
        wait_until(lambda: self.n_served == 1)
        self.assertEqual((answer.is_there(), self.faults.props.read_offset), (False, 0))
        self.faults.props.read_stop_offset = -1
        self.assertEqual(self.finish(answer), 3)
        self.assertEqual(changed, [True, True])

    def test_cut_in_an_answer(self):
        self.faults.props.read_cut_offset = 3
        with self.assert_raises(IO_ERROR, IOCode.CLOSED):
            self.finish(self.start())
        self.assertEqual(self.n_served, 1)
        self.assertEqual(self.caller.get_status(), M.ConnectionStatus.DISCONNECTED)

    def test_drop_and_corrupt(self):
        # A whole answer is lost; of the next one, the first byte is damaged.
        self.faults.set_properties(read_drop_offset=0, read_drop_size=5, read_corrupt_offset=5)
        lost = self.start()
        wait_until(lambda: self.faults.props.read_offset == 5)
        self.assertFalse(lost.is_there())
        with self.assert_raises(IO_ERROR, IOCode.CLOSED):
            self.finish(self.start())

    def test_pollable(self):
        near, far = streams()
        for pollable in (False, True):
            faults = M.FaultStream(base_io_stream=near, pollable=pollable)
            self.assertEqual(faults.get_input_stream().can_poll(), pollable)
            self.assertEqual(faults.props.base_io_stream, near)


class Ends(Case):
    def setUp(self):
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('add', '(xx)', add)
        self.server = M.Server(dispatcher=self.dispatcher)

    def tearDown(self):
        self.server.stop()

    def open_client(self, address='tcp://localhost:0'):
        client = M.Client.new(self.server.listen_sync(address)[0])
        opened = []
        client.open_async(None, lambda client, result: opened.append(client.open_finish(result)))
        wait_until(lambda: opened and len(self.server.props.connections) == 1)
        self.assertEqual(opened, [True])
        return client

    def test_status(self):
        client = M.Client.new(self.server.listen_sync('tcp://localhost:0')[0])
        seen = []
        client.connect('status-changed', lambda client, old, new, error:
                       seen.append((old.value_nick, new.value_nick, error)))
        # A call may come first.
        answer = Answer(client, 'add', GLib.Variant('(ii)', (1, 2)))
        client.open_async()
        self.assertEqual(client.props.status, M.ConnectionStatus.CONNECTING)
        self.assertEqual(seen, [])
        wait_until(answer.is_there)
        self.assertEqual(answer.result.unpack(), 3)
        client.close_async(M.CloseMode.FINISH_QUEUE)
        wait_until(lambda: len(seen) == 4)
        self.assertEqual(seen, [('disconnected', 'connecting', None),
                                ('connecting', 'connected', None),
                                ('connected', 'closing', None),
                                ('closing', 'disconnected', None)])
        with self.assert_raises(ERROR, M.Error.NOT_CONNECTED):
            ask(client, 'add')

    def test_addresses(self):
        def finish(server, result):
            addresses.extend(server.listen_finish(result))

        addresses = []
        self.server.listen_async('tcp://localhost:0', None, finish)
        wait_until(lambda: addresses)
        for address in addresses:
            self.assertRegex(address, r'^tcp://.*:[1-9]\d*$')
        for bad in ('', 'nonsense', 'exec:cat', 'tcp://localhost:70000'):
            with self.assert_raises(ERROR, M.Error.INVALID_ADDRESS):
                self.server.listen_sync(bad)
            with self.assert_raises(ERROR, M.Error.INVALID_ADDRESS):
                M.Client.new(bad).open_sync()

    def test_refused(self):
        address = self.server.listen_sync('tcp://localhost:0')[0]
        self.server.stop()
        client = M.Client.new(address)
        seen = []
        client.connect('status-changed', lambda client, old, new, error: seen.append(error))
        answer = Answer(client, 'add')
        with self.assert_raises(IO_ERROR, IOCode.CONNECTION_REFUSED):
            client.open_sync()
        wait_until(lambda: answer.is_there() and len(seen) == 2)
        for error in (answer.error, seen[1], client.get_last_error()):
            self.assert_error(error, IO_ERROR, IOCode.CONNECTION_REFUSED)

    def test_connections(self):
        seen = []
        self.server.connect('client-connected', lambda server, connection:
                            seen.append((connection, len(server.props.connections))))
        self.server.connect('client-disconnected', lambda server, connection, error:
                            seen.append((connection, len(server.props.connections), error)))
        client = self.open_client()
        connection = self.server.props.connections[0]
        self.assertIsInstance(connection, M.Connection)
        self.assertIsInstance(connection.props.remote_address, Gio.InetSocketAddress)
        client.close_async(M.CloseMode.NOW)
        wait_until(lambda: len(seen) == 2)
        self.assertEqual(seen, [(connection, 1), (connection, 0, None)])

    def test_server_calls(self):
        client = self.open_client()
        requests = []
        notes = []

        def handle(client, invocation, params):
            requests.append(params.unpack())
            return invocation.return_value(GLib.Variant('s', 'fine'))

        client.connect('request::question', handle)
        client.connect('notification::note', lambda client, method, params:
                       notes.append(params.unpack()))
        client.props.dispatcher = self.dispatcher
        connection = self.server.props.connections[0]
        self.assertEqual(ask(connection, 'question', GLib.Variant('(i)', (1,))).unpack(), 'fine')
        self.assertEqual(ask(connection, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)
        self.assertEqual(self.server.broadcast('note', GLib.Variant('(i)', (2,))), 1)
        wait_until(lambda: notes)
        self.assertEqual((requests, notes), ([[1]], [[2]]))

    def test_reply_signal(self):
        client = self.open_client()
        seen = []
        client.connect('reply::add', lambda client, call: seen.append(call.props.result.unpack()))
        ask(client, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(lambda: seen)
        self.assertEqual(seen, [3])

    def test_server_goes(self):
        client = self.open_client()
        seen = []
        client.connect('status-changed', lambda client, old, new, error: seen.append(new))
        kept = Kept(self.dispatcher)
        answer = Answer(client, 'keep')
        wait_until(lambda: kept)
        self.server.props.connections[0].close_async(M.CloseMode.NOW)
        wait_until(lambda: answer.is_there() and client.props.status in seen)
        self.assert_error(answer.error, IO_ERROR, IOCode.CLOSED)
        self.assertEqual(seen[-1], M.ConnectionStatus.DISCONNECTED)

    def test_streams(self):
        ends = streams()
        connection = self.server.accept_stream(ends[0])
        self.assertIsInstance(connection, M.Connection)
        client = M.Client.new_for_stream(ends[1])
        client.open_async()
        self.assertEqual(ask(client, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)

    def test_spinner(self):
        client = self.open_client()
        spinner = Gio.SimpleAction(name='spinner', enabled=False)
        client.bind_property('busy', spinner, 'enabled', GObject.BindingFlags.DEFAULT)
        kept = Kept(self.dispatcher)
        answer = Answer(client, 'keep')
        wait_until(lambda: kept and spinner.props.enabled)
        self.assertTrue(client.props.busy)
        calls = client.props.calls
        wait_until(lambda: len(calls) == 1)
        self.assertEqual(calls[0].props.method, 'keep')
        kept[0].return_value(GLib.Variant('x', 1))
        wait_until(lambda: answer.is_there() and not spinner.props.enabled)
        wait_until(lambda: len(calls) == 0)

    def test_progress_bar(self):
        client = self.open_client()
        call = M.Call.new('add', GLib.Variant('(ii)', (1, 2)))
        progress_bar = M.Call.new('stands for one', None)
        call.bind_property('progress', progress_bar, 'progress', GObject.BindingFlags.SYNC_CREATE)
        seen = []
        call.connect('notify::delivery', lambda call, pspec: seen.append(call.props.delivery))
        client.send_call(call)
        call.set_progress(0.5)
        wait_until(lambda: progress_bar.props.progress == 1)
        self.assertEqual(seen[-1], M.Delivery.ANSWERED)

    def test_program(self):
        # It gives our own requests back to us, and then our answers.
        client = M.Client.new_for_argv(['cat'])
        client.set_dispatcher(self.dispatcher)
        client.open_async()
        self.assertEqual(ask(client, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)

        missing = M.Client.new_for_argv(['/nonexistent/program'])
        with self.assert_raises(GLib.spawn_error_quark(), GLib.SpawnError.NOENT):
            missing.open_sync()

    def test_plug_in(self):
        program = """
import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc as M

def shout(invocation, params):
    print('stray', flush=True)
    return invocation.return_value(GLib.Variant('s', params[0].upper()))

dispatcher = M.Dispatcher()
dispatcher.add_method('shout', '(s)', shout)
parent = M.Connection(io_stream=M.take_stdio(), dispatcher=dispatcher)
try:
    M.take_stdio()
except GLib.Error as error:
    assert 'taken before' in error.message
loop = GLib.MainLoop()
parent.connect('closed', lambda *_: loop.quit())
loop.run()
"""
        client = M.Client.new_for_argv([sys.executable, '-c', program])
        client.open_async()
        self.assertEqual(ask(client, 'shout', GLib.Variant('(s)', ('hey',))).unpack(), 'HEY')

    def test_too_many(self):
        self.server.props.max_connections = 1
        client = self.open_client()
        other = M.Client.new(client.props.address)
        closed = []
        other.connect('status-changed', lambda client, old, new, error: closed.append(new))
        other.open_async()
        wait_until(lambda: M.ConnectionStatus.DISCONNECTED in closed)
        self.assertEqual(len(self.server.props.connections), 1)
        self.assertEqual(ask(client, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)

    def test_authorize(self):
        def decide(server, pending):
            self.assertIsInstance(pending.props.connection.props.remote_address,
                                  Gio.InetSocketAddress)
            kept.append(pending)
            pending.keep()
            return True

        kept = []
        handler = self.server.connect('authorize', decide)
        client = M.Client.new(self.server.listen_sync('tcp://localhost:0')[0])
        client.open_async()
        answer = Answer(client, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(lambda: kept)
        self.assertEqual(len(self.server.props.connections), 0)
        self.assertTrue(kept[0].accept())
        wait_until(answer.is_there)
        self.assertEqual(answer.result.unpack(), 3)
        self.assertFalse(kept[0].reject('too late'))

        self.server.disconnect(handler)
        self.server.connect('authorize', lambda server, pending: False)
        other = M.Client.new(client.props.address)
        other.open_async()
        refused = Answer(other, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(refused.is_there)
        self.assert_error(refused.error, IO_ERROR, IOCode.CLOSED)

    def test_authorize_fails(self):
        def fail(server, pending):
            raise ValueError('no such peer')

        self.server.connect('authorize', fail)
        client = M.Client.new(self.server.listen_sync('tcp://localhost:0')[0])
        client.open_async()
        refused = Answer(client, 'add', GLib.Variant('(ii)', (1, 2)))
        with shown_exceptions() as shown:
            wait_until(refused.is_there)
        self.assertEqual(shown, ['no such peer'])
        self.assert_error(refused.error, IO_ERROR, IOCode.CLOSED)
        self.assertEqual(len(self.server.props.connections), 0)

    def test_buffered_bytes(self):
        self.assertEqual(self.server.props.max_buffered_bytes, 256 << 20)
        self.server.set_max_buffered_bytes(100_000)
        self.assertEqual(self.server.props.buffered_bytes, 0)
        client = self.open_client()
        gone = []
        self.server.connect('client-disconnected', lambda server, connection, error:
                            gone.append(error))
        self.server.props.connections[0].send_notification('n', GLib.Variant('(s)', ('x' * 9,)))
        client.props.connection.props.paused = True
        connection = self.server.props.connections[0]
        for _ in range(100):
            if not gone:
                connection.send_notification('n', GLib.Variant('(s)', ('x' * 90_000,)))
                GLib.MainContext.default().iteration(False)
        wait_until(lambda: gone)
        self.assert_error(gone[0], ERROR, M.Error.TOO_LARGE)
        self.assertIn('max-buffered-bytes is 100000', gone[0].message)

    def test_sync_without_a_loop(self):
        loop = M.LoopThread.new('server')
        server = M.Server(main_context=loop.get_main_context(), dispatcher=self.dispatcher)
        client = M.Client.new(server.listen_sync('tcp://localhost:0')[0])
        loop.start()
        client.open_async()
        self.assertEqual(client.call_sync('add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)
        self.assertTrue(client.close_sync(M.CloseMode.FINISH_QUEUE))
        loop.quit()
        loop.join()

    def test_subclass(self):
        class Server(M.Server):
            def __init__(self, **properties):
                super().__init__(**properties)
                self.dispatcher = M.Dispatcher()
                self.dispatcher.add_method('add', '(xx)', self.add)
                self.set_dispatcher(self.dispatcher)
                self.sums = []

            def add(self, invocation, params):
                self.sums.append(sum(params.unpack()))
                return invocation.return_value(GLib.Variant('x', self.sums[-1]))

        self.server = Server(max_connections=5)
        self.assertEqual(ask(self.open_client(), 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)
        self.assertEqual(self.server.sums, [3])


class Threads(Case):
    def setUp(self):
        self.threads = []
        self.loop = M.LoopThread.new('rpc')
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('add', '(xx)', self.add)
        with thread_default(self.loop.get_main_context()):
            _, self.caller, self.callee = M.Connection.new_pair()
        self.callee.set_dispatcher(self.dispatcher)
        self.loop.start()

    def tearDown(self):
        self.loop.quit()
        self.assertTrue(self.loop.join())

    def add(self, invocation, params):
        self.threads.append(threading.current_thread())
        return add(invocation, params)

    def test_sync(self):
        result = self.caller.call_sync('add', GLib.Variant('(ii)', (1, 2)), None)
        self.assertEqual(result.unpack(), 3)
        self.assertEqual(len(self.threads), 1)
        self.assertIsNot(self.threads[0], threading.main_thread())

        with self.assert_raises(ERROR, M.Error.REMOTE):
            self.caller.call_sync('add', GLib.Variant('(i)', (1,)))

    def test_wait(self):
        calls = [self.caller.start_call('add', GLib.Variant('(ii)', (i, 1))) for i in range(10)]
        self.assertIn(M.Call.wait_any(calls), calls)
        self.assertTrue(M.Call.wait_all(calls))
        self.assertEqual([call.wait().unpack() for call in calls], list(range(1, 11)))
        with self.assert_raises(IO_ERROR, IOCode.NOT_INITIALIZED):
            M.Call.new('add', None).wait()

    def test_async_from_the_main_thread(self):
        answer = Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(answer.is_there)
        self.assertIs(answer.thread, threading.main_thread())
        self.assertEqual(answer.result.unpack(), 3)

    def test_calls_from_many_threads(self):
        results = []

        def work(start):
            for i in range(start, start + 100):
                results.append(self.caller.call_sync('add', GLib.Variant('(ii)', (i, 0))).unpack())

        threads = [threading.Thread(target=work, args=(i * 100,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(results), list(range(400)))

    def test_handlers_on_the_loop_can_call_and_wait(self):
        caller_methods = M.Dispatcher()
        caller_methods.add_method('add', '(xx)', self.add)
        other = M.LoopThread.new('other')
        ends = streams()
        far = M.Connection(io_stream=ends[0], main_context=other.get_main_context(),
                                    dispatcher=caller_methods)
        near = M.Connection(io_stream=ends[1], main_context=self.loop.get_main_context())
        other.start()

        def nest(invocation, params):
            return invocation.return_value(near.call_sync('add', params))

        self.dispatcher.add_method('nest', None, nest)
        self.assertEqual(self.caller.call_sync('nest', GLib.Variant('(ii)', (1, 2))).unpack(), 3)
        far.close_sync(M.CloseMode.NOW)
        other.quit()
        other.join()

    def test_loop_thread(self):
        loop = M.LoopThread.new('name')
        seen = []
        joined = threading.Event()
        source = GLib.idle_source_new()

        def look(*_):
            seen.append((loop.join(), loop.is_running(), threading.current_thread()))
            joined.set()
            return GLib.SOURCE_REMOVE

        source.set_callback(look)
        source.attach(loop.props.main_context)
        self.assertFalse(loop.is_running())
        loop.start()
        self.assertTrue(joined.wait(DEADLINE))
        loop.quit()
        self.assertTrue(loop.join())
        self.assertEqual(seen[0][:2], (False, True))
        self.assertIsNot(seen[0][2], threading.main_thread())

    def test_loop_thread_is_dropped_while_it_runs_python(self):
        entered = threading.Event()
        go_on = threading.Event()
        loop = M.LoopThread.new('name')
        source = GLib.idle_source_new()

        def block(*_):
            entered.set()
            go_on.wait(DEADLINE)
            return GLib.SOURCE_REMOVE

        source.set_callback(block)
        source.attach(loop.props.main_context)
        loop.start()
        self.assertTrue(entered.wait(DEADLINE))
        threading.Timer(0.05, go_on.set).start()
        # Waits for the thread, which needs the interpreter to come to its end.
        del loop
        self.assertTrue(go_on.is_set())


if __name__ == '__main__':
    tap.main()
