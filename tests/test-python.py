# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import gc
import threading
import weakref

import tap
from python_cases import (
    Answer, Case, ERROR, IOCode, IO_ERROR, Kept, PairCase, add, ask, echo, new_bytes,
    resident_bytes, shown_exceptions, streams, thread_default, wait_until)

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, GObject
from gi.repository import MsgpackRpc as M


class Construct(Case):
    def test_plain_objects(self):
        for cls in (M.Dispatcher, M.Server, M.Unpacker):
            self.assertIsInstance(cls(), cls)
            self.assertIsInstance(cls.new(), cls)
        self.assertEqual(M.LoopThread.new('name').props.name, 'name')
        self.assertIsNone(M.LoopThread.new(None).get_name())

    def test_client(self):
        client = M.Client.new('tcp://localhost:1')
        self.assertEqual(client.props.address, 'tcp://localhost:1')
        self.assertEqual(client.props.status, M.ConnectionStatus.DISCONNECTED)
        self.assertFalse(client.is_connected())
        self.assertEqual(client.props.default_timeout, 25000)
        self.assertIsInstance(client.props.socket_client, Gio.SocketClient)
        for name in ('connection', 'dispatcher', 'last_error'):
            self.assertIsNone(getattr(client.props, name))

        address = Gio.NetworkAddress.new('localhost', 1)
        client = M.Client.new_for_connectable(address)
        self.assertEqual(client.props.connectable, address)
        client = M.Client.new_for_argv(['cat', '-'])
        self.assertEqual(client.props.argv, ['cat', '-'])
        stream = streams()[0]
        self.assertEqual(M.Client.new_for_stream(stream).props.io_stream, stream)
        self.assertEqual(M.Client(address='host:1').get_address(), 'host:1')

    def test_connection(self):
        ends = streams()
        context = GLib.MainContext()
        connection = M.Connection(io_stream=ends[0], main_context=context)
        self.assertEqual(connection.props.io_stream, ends[0])
        self.assertTrue(connection.is_connected())
        other = M.Connection.new(ends[1])
        self.assertGreater(other.get_id(), connection.get_id())
        self.assertEqual(other.props.remote_address.get_family(), Gio.SocketFamily.UNIX)
        self.assertIsInstance(other.props.statistics.unpack(), dict)

    def test_call(self):
        call = M.Call.new('name', GLib.Variant('(i)', (1,)))
        self.assertEqual(call.props.method, 'name')
        self.assertEqual(call.props.params.unpack(), (1,))
        self.assertEqual(call.props.state, M.CallState.NEW)
        self.assertEqual(call.props.timeout, -1)
        self.assertIsNone(M.Call(method='name').get_params())

    def test_interface_has_no_objects(self):
        with self.assertRaises((NotImplementedError, TypeError)):
            M.Peer()

    def test_peer_of_the_application(self):
        class Peer(GObject.Object, M.Peer):
            sent = None

            def do_send_call(self, call):
                self.sent = call
                call.cancel()

        peer = Peer()
        call = peer.start_call('name', None)
        self.assertEqual(peer.sent, call)
        with self.assert_raises(IO_ERROR, IOCode.CANCELLED):
            call.wait()

    def test_peer_without_functions(self):
        class Idle(GObject.Object, M.Peer):
            pass

        peer = Idle()
        with self.assert_raises(IO_ERROR, IOCode.NOT_SUPPORTED):
            peer.call_sync('name', None, None)
        with self.assert_raises(IO_ERROR, IOCode.NOT_SUPPORTED):
            peer.send_notification('name', None)


class Calls(PairCase):
    def test_async(self):
        answer = Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        self.assertFalse(answer.is_there())
        wait_until(answer.is_there)
        self.assertEqual(answer.result.unpack(), 3)
        self.assertIsInstance(answer.call, M.Call)
        self.assertEqual(answer.call.props.delivery, M.Delivery.ANSWERED)
        self.assertEqual(answer.call.get_message().unpack(), [1, answer.call.get_msgid(), None, 3])

    def test_user_data(self):
        seen = []
        self.caller.call_async('add', GLib.Variant('(ii)', (1, 2)), None,
                               lambda *args: seen.append(args[2:]), 'some', 'data')
        wait_until(lambda: seen)
        self.assertEqual(seen, [('some', 'data')])

    def test_error(self):
        answer = Answer(self.caller, 'add', GLib.Variant('(i)', (1,)))
        wait_until(answer.is_there)
        self.assertEqual(answer.error.domain, GLib.quark_to_string(ERROR))
        self.assertEqual(answer.error.code, M.Error.REMOTE)
        self.assertEqual(answer.error.message, 'add() takes 2 arguments (1 given)')
        self.assertEqual(answer.call.props.error_value.unpack(), answer.error.message)
        self.assert_error(answer.call.props.error, ERROR, M.Error.REMOTE)
        self.assertEqual(answer.call.props.state, M.CallState.FAILED)

    def test_error_value(self):
        def fail(invocation, params):
            value = {'code': GLib.Variant('i', 7), 'text': GLib.Variant('s', 'no')}
            return invocation.return_error_value(GLib.Variant('a{sv}', value))

        self.dispatcher.add_method('fail', None, fail)
        answer = Answer(self.caller, 'fail')
        wait_until(answer.is_there)
        self.assert_error(answer.error, ERROR, M.Error.REMOTE)
        self.assertEqual(answer.call.props.error_value.unpack(), {'code': 7, 'text': 'no'})

    def test_start_and_wait_async(self):
        call = self.caller.start_call('add', GLib.Variant('(ii)', (1, 2)))
        results = []
        for _ in range(2):
            call.wait_async(None, lambda call, result: results.append(call.wait_finish(result)))
        wait_until(lambda: len(results) == 2)
        call.wait_async(None, lambda call, result: results.append(call.wait_finish(result)))
        wait_until(lambda: len(results) == 3)
        self.assertEqual([result.unpack() for result in results], [3, 3, 3])
        self.assertEqual(call.wait().unpack(), 3)
        self.assertGreater(call.props.elapsed, 0)

    def test_completed_is_connected_before_sending(self):
        call = M.Call.new('add', GLib.Variant('(ii)', (1, 2)))
        seen = []
        call.connect('completed', lambda call: seen.append(call.props.result.unpack()))
        call.connect('notify::state', lambda call, _: seen.append(call.props.state))
        self.caller.send_call(call)
        self.assertEqual(seen, [])
        wait_until(lambda: 3 in seen)
        # The first may be over before the loop gets to it.
        self.assertIn(seen[:-2], ([], [M.CallState.PENDING]))
        self.assertEqual(seen[-2:], [M.CallState.SUCCEEDED, 3])

    def test_reply_type(self):
        call = M.Call.new('echo', GLib.Variant('(ad)', ([1, 2],)))
        call.props.reply_type = GLib.VariantType('ad')
        self.caller.send_call(call)
        wait_until(lambda: call.props.result)
        self.assertEqual(call.props.result.get_type_string(), 'ad')

        call = M.Call.new('echo', GLib.Variant('(s)', ('text',)))
        call.props.reply_type = GLib.VariantType('x')
        self.caller.send_call(call)
        wait_until(lambda: call.props.error)
        self.assert_error(call.props.error, ERROR, M.Error.INVALID_RESULT)

    def test_timeout(self):
        kept = Kept(self.dispatcher)
        call = M.Call.new('keep', None)
        call.props.timeout = 1
        self.caller.send_call(call)
        wait_until(lambda: call.props.error and kept)
        self.assert_error(call.props.error, IO_ERROR, IOCode.TIMED_OUT)
        self.assertEqual(call.props.delivery, M.Delivery.SENT)
        kept.pop().return_value(None)

    def test_serves_while_waiting(self):
        heard = []
        self.caller.connect('notification', lambda _self, method, _params: heard.append(method))
        self.callee.send_notification('n', None)
        for serves in (False, True):
            call = M.Call.new('keep', None)
            call.props.timeout = 100
            call.props.serves_while_waiting = serves
            self.assertEqual(call.get_serves_while_waiting(), serves)
            self.caller.send_call(call)
            # Nobody runs the context of the peer, which is the same.
            with self.assert_raises(IO_ERROR, IOCode.TIMED_OUT):
                call.wait(None)
            self.assertEqual(heard, ['n'] if serves else [])

    def test_cancel(self):
        cancellable = Gio.Cancellable()
        answer = Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)), cancellable)
        cancellable.cancel()
        self.assertFalse(answer.is_there())
        wait_until(answer.is_there)
        self.assert_error(answer.error, IO_ERROR, IOCode.CANCELLED)

        call = self.caller.start_call('add', GLib.Variant('(ii)', (1, 2)))
        call.cancel()
        self.assertEqual(call.props.state, M.CallState.FAILED)
        self.assertEqual(ask(self.caller, 'add', GLib.Variant('(ii)', (3, 4))).unpack(), 7)

    def test_finish_of_another(self):
        answer = Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(answer.is_there)
        for peer, result in ((self.callee, answer.call), (self.caller, Gio.Task())):
            with self.assert_raises(IO_ERROR, IOCode.INVALID_ARGUMENT):
                peer.call_finish(result)

    def test_wrong_types(self):
        for args in ((5, None, None), (None, None, None), ('add', [1, 2], None), ('add', 3, None),
                     ('add', None, 'cancellable'), ()):
            with self.assertRaises(TypeError):
                self.caller.call_sync(*args)
            with self.assertRaises(TypeError):
                self.caller.call_async(*args, None)
        for args in (('name', None, 'handler'), (None, None, add), ('name', 5, add)):
            with self.assertRaises(TypeError):
                self.dispatcher.add_method(*args)
        with self.assertRaises(TypeError):
            M.Connection.new('stream')
        with self.assertRaises(TypeError):
            self.callee.set_dispatcher(self.caller)
        with self.assertRaises(TypeError):
            M.Client(main_context='context')

    def test_params_that_cannot_be_sent(self):
        with self.assert_raises(ERROR, M.Error.INVALID_VALUE):
            ask(self.caller, 'add', GLib.Variant('(h)', (1,)))

    def test_callback_comes_in_the_context_of_the_caller(self):
        context = GLib.MainContext()
        with thread_default(context):
            answer = Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(lambda: self.caller.props.statistics.unpack()['received-messages'] == 1)
        self.assertFalse(answer.is_there())
        wait_until(answer.is_there, context)
        self.assertEqual(answer.result.unpack(), 3)

    def test_notification(self):
        seen = []
        self.dispatcher.add_method('note', '(s)', lambda _, params: seen.append(params.unpack()))
        self.caller.send_notification('note', GLib.Variant('(s)', ('first',)))
        self.caller.send_notification_sync('note', GLib.Variant('(s)', ('second',)))
        self.caller.send_notification_async(
            'note', GLib.Variant('(s)', ('third',)), None,
            lambda peer, result: seen.append(peer.send_notification_finish(result)))
        wait_until(lambda: len(seen) == 4)
        self.assertEqual([item for item in seen if item is not True],
                         [('first',), ('second',), ('third',)])
        with self.assert_raises(ERROR, M.Error.INVALID_VALUE):
            self.caller.send_notification('note', GLib.Variant('(h)', (1,)))

    def test_places(self):
        threads = []

        def note(invocation, params, *_):
            threads.append(threading.current_thread())
            invocation.return_value(params)
            return True

        context = GLib.MainContext()
        self.dispatcher.props.n_threads = 1
        self.dispatcher.add_method_full('thread', '(i)', note, None, M.MethodFlags.IN_THREAD)
        self.dispatcher.add_method('context', '(i)', note)
        method = self.dispatcher.lookup_method('context')
        self.assertIsNone(method.props.main_context)
        method.props.main_context = context
        method.props.priority = 5
        answer = Answer(self.caller, 'thread', GLib.Variant('(i)', (1,)))
        wait_until(answer.is_there)
        self.assertEqual(answer.result.unpack(), [1])
        self.assertIsNot(threads[0], threading.current_thread())
        answer = Answer(self.caller, 'context', GLib.Variant('(i)', (2,)))
        wait_until(lambda: method.props.n_calls == 1)
        self.assertEqual(len(threads), 1)
        wait_until(lambda: len(threads) == 2, context)
        wait_until(answer.is_there)
        self.assertIs(threads[1], threading.current_thread())
        self.assertEqual((method.props.n_errors, method.get_priority()), (0, 5))

    def test_slow_handler(self):
        told = []
        self.dispatcher.connect('slow-handler', lambda _, method, time: told.append(
            (method.get_name(), time)))
        self.dispatcher.props.slow_handler_time = 10000
        answer = Answer(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(answer.is_there)
        self.assertEqual(told, [])
        self.assertEqual(self.dispatcher.get_slow_handler_time(), 10000)

    def test_many(self):
        answers = []

        def finish(peer, call):
            answers.append(peer.call_finish(call).unpack())

        def run(n):
            for i in range(n):
                self.caller.call_async('add', GLib.Variant('(ii)', (i, 1)), None, finish)
                if i % 100 == 0:
                    wait_until(lambda: len(answers) == i + 1)
            wait_until(lambda: len(answers) == n)
            self.assertEqual(sum(answers), n * (n + 1) // 2)
            answers.clear()

        run(5000)
        gc.collect()
        before = resident_bytes()
        run(10000)
        gc.collect()
        # A call takes up more than 400 bytes.
        self.assertLess(resident_bytes() - before, 2 << 20)

    def test_calls_go_away(self):
        def start_and_forget():
            call = self.caller.start_call('add', GLib.Variant('(ii)', (1, 2)))
            call.connect('completed', lambda call: ended.append(call.props.result.unpack()))
            call.weak_ref(lambda: gone.append(True))

        ended = []
        gone = []
        for _ in range(3):
            start_and_forget()
        self.assertEqual(gone, [])
        wait_until(lambda: len(gone) == 3)
        self.assertEqual(ended, [3, 3, 3])


class Handlers(PairCase):
    def setUp(self):
        super().setUp()
        # Nothing here may depend on it.
        gc.disable()

    def tearDown(self):
        gc.enable()

    def test_exception(self):
        def fail(invocation, params):
            raise ValueError('a detail that is nobody else’s business')

        self.dispatcher.add_method('fail', None, fail)
        with shown_exceptions() as shown:
            self.assert_refused('fail', 'Method “fail” failed')
        self.assertEqual(shown, ['a detail that is nobody else’s business'])

    def test_glib_error(self):
        def fail(invocation, params):
            raise GLib.Error.new_literal(IO_ERROR, 'There is none', IOCode.NOT_FOUND)

        self.dispatcher.add_method('fail', None, fail)
        with shown_exceptions() as shown:
            self.assert_refused('fail', 'There is none')
        self.assertEqual(shown, [])

    def test_exception_after_the_answer(self):
        def fail(invocation, params):
            invocation.return_value(GLib.Variant('s', 'fine'))
            raise ValueError('too late')

        self.dispatcher.add_method('fail', None, fail)
        with shown_exceptions() as shown:
            self.assertEqual(ask(self.caller, 'fail').unpack(), 'fine')
        self.assertEqual(shown, ['too late'])

    def test_result_that_is_none(self):
        def fail(invocation, params):
            return invocation.return_value('no variant')

        self.dispatcher.add_method('fail', None, fail)
        with shown_exceptions() as shown:
            self.assert_refused('fail', 'Method “fail” failed')
        self.assertEqual(len(shown), 1)

    def test_nothing_returned(self):
        self.dispatcher.add_method('forget', None, lambda *_: None)
        self.assert_refused('forget', 'Method “forget” failed')

        def answer(invocation, params):
            invocation.return_value(None)

        self.dispatcher.add_method('answer', None, answer)
        self.assertIsNone(ask(self.caller, 'answer').unpack())

    def test_answer_forgotten(self):
        self.dispatcher.add_method('forget', None, lambda *_: True)
        self.assert_refused('forget', 'Method “forget” gave no answer')

    def test_answer_later(self):
        def later(invocation, params):
            GLib.idle_add(lambda: invocation.return_value(GLib.Variant('i', 1)) and False)
            return True

        self.dispatcher.add_method('later', None, later)
        self.assertEqual(ask(self.caller, 'later').unpack(), 1)

    def test_answer_from_another_thread(self):
        def work(invocation):
            invocation.return_value(GLib.Variant('i', 1))

        def later(invocation, params):
            threading.Thread(target=work, args=(invocation,)).start()
            return True

        self.dispatcher.add_method('later', None, later)
        self.assertEqual(ask(self.caller, 'later').unpack(), 1)

    def test_answer_twice(self):
        returned = []

        def twice(invocation, params):
            returned.append(invocation.get_answered())
            returned.append(invocation.return_value(GLib.Variant('i', 1)))
            returned.append(invocation.return_error(ERROR, M.Error.FAILED, 'no'))
            returned.append(invocation.get_answered())
            return True

        self.dispatcher.add_method('twice', None, twice)
        self.assertEqual(ask(self.caller, 'twice').unpack(), 1)
        self.assertEqual(returned, [False, True, False, True])

    def test_return_errors(self):
        error = GLib.Error.new_literal(IO_ERROR, 'from an error', IOCode.FAILED)
        ways = {
            '100 % text': lambda invocation: invocation.return_error(ERROR, 0, '100 % text'),
            'from an error': lambda invocation: invocation.return_gerror(error),
            'from a value': lambda invocation:
                invocation.return_error_value(GLib.Variant('s', 'from a value')),
        }
        for text, way in ways.items():
            self.dispatcher.add_method(text, None, lambda invocation, _, way=way: way(invocation))
            self.assert_refused(text, text)

    def test_invocation(self):
        seen = {}

        def look(invocation, params):
            for name in ('method', 'connection', 'is_cancelled', 'answered'):
                seen[name] = getattr(invocation.props, name)
            seen['msgid'] = invocation.get_msgid().unpack()
            seen['params'] = invocation.get_params().unpack()
            seen['typed'] = params.get_type_string()
            seen['late'] = invocation.get_deadline() > GLib.get_monotonic_time()
            return invocation.return_value(None)

        self.dispatcher.add_method('look', '(ys)', look)
        ask(self.caller, 'look', GLib.Variant('(is)', (1, 'text')))
        self.assertEqual(seen, {
            'method': 'look', 'connection': self.callee, 'is_cancelled': False, 'answered': False,
            'msgid': 1, 'params': [1, 'text'], 'typed': '(ys)', 'late': True,
        })

    def test_cancelled(self):
        kept = []
        cancelled = []

        def keep(invocation, params):
            invocation.connect('cancelled', cancelled.append)
            kept.append(invocation)
            return True

        self.dispatcher.add_method('keep', None, keep)
        answer = Answer(self.caller, 'keep')
        wait_until(lambda: kept)
        self.caller.close_async(M.CloseMode.NOW, None, None)
        wait_until(lambda: cancelled and answer.is_there())
        self.assertEqual(cancelled, kept)
        self.assertTrue(kept[0].is_cancelled())
        self.assertFalse(kept[0].return_value(None))
        self.assert_error(answer.error, IO_ERROR, IOCode.CLOSED)

    def test_nested_call(self):
        caller_methods = M.Dispatcher()
        caller_methods.add_method('add', '(xx)', add)
        self.caller.props.dispatcher = caller_methods

        def nest(invocation, params):
            def finish(peer, call):
                invocation.return_value(peer.call_finish(call))

            invocation.props.connection.call_async('add', params, None, finish)
            return True

        self.dispatcher.add_method('nest', None, nest)
        self.assertEqual(ask(self.caller, 'nest', GLib.Variant('(ii)', (1, 2))).unpack(), 3)

    def test_user_data(self):
        def handler(invocation, params, *data):
            return invocation.return_value(GLib.Variant('as', data))

        self.dispatcher.add_method('data', None, handler, 'some', 'data')
        self.assertEqual(ask(self.caller, 'data').unpack(), ['some', 'data'])


class Methods(PairCase):
    def test_list(self):
        methods = self.dispatcher.props.methods
        self.assertEqual([method.props.name for method in methods], ['add', 'echo'])
        self.assertEqual(methods[0].props.signature, '(xx)')
        self.assertIsNone(methods[1].props.signature)

        changes = []
        methods.connect('items-changed', lambda _list, *change: changes.append(change))
        self.assertTrue(self.dispatcher.remove_method(methods[0].get_id()))
        self.assertFalse(self.dispatcher.remove_method(4711))
        self.assertEqual(changes, [(0, 1, 0)])
        self.assert_refused('add', 'There is no method “add”', GLib.Variant('(ii)', (1, 2)))

    def test_replace(self):
        def other(invocation, params, *_):
            return invocation.return_value(GLib.Variant('s', 'other'))

        self.assertEqual(self.dispatcher.add_method('add', None, other), 0)
        self.assertGreater(self.dispatcher.add_method_full('add', None, other, None,
                                                           M.MethodFlags.REPLACE), 0)
        self.assertEqual(ask(self.caller, 'add').unpack(), 'other')

    def test_handlers_go_away(self):
        class Handler:
            def __call__(self, invocation, params):
                return invocation.return_value(None)

        def add_and_remove(name):
            handler = Handler()
            finalizers.append(weakref.ref(handler))
            ids.append(self.dispatcher.add_method(name, None, handler))

        finalizers = []
        ids = []
        add_and_remove('first')
        ask(self.caller, 'first')
        self.assertIsNotNone(finalizers[0]())
        self.dispatcher.remove_method(ids[0])
        self.assertIsNone(finalizers[0]())

        # From another thread, it goes in this one.
        add_and_remove('second')
        thread = threading.Thread(target=self.dispatcher.remove_method, args=(ids[1],))
        thread.start()
        thread.join()
        wait_until(lambda: finalizers[1]() is None)
        self.assertEqual(self.dispatcher.props.methods.get_n_items(), 2)

    def test_dispatch(self):
        dispatch = lambda text: self.dispatcher.dispatch(GLib.Variant.parse(None, text, None, None))
        self.assertEqual(dispatch('(0, 7, "add", [1, 2])').unpack(), [1, 7, None, 3])
        self.assertEqual(dispatch('(0, 8, "add", [1])').unpack(),
                         [1, 8, 'add() takes 2 arguments (1 given)', None])
        self.assertIsNone(dispatch('(2, "add", [1, 2])'))
        with self.assert_raises(ERROR, M.Error.INVALID_MESSAGE):
            dispatch('(5,)')

    def test_authorize(self):
        def authorize(_dispatcher, invocation):
            asked.append((invocation.props.method, invocation.props.connection))
            return invocation.props.method != 'add'

        def forget(_dispatcher, _invocation):
            raise RuntimeError('forgotten')

        asked = []
        signal = self.dispatcher.connect('authorize', authorize)
        self.assert_refused('add', 'access denied: add()', GLib.Variant('(ii)', (1, 2)))
        self.assertEqual(ask(self.caller, 'echo', GLib.Variant('(i)', (5,))).unpack(), 5)
        self.assertEqual(asked, [('add', self.callee), ('echo', self.callee)])
        self.dispatcher.disconnect(signal)

        # Who fails to say yes says no.
        signal = self.dispatcher.connect('authorize::add', forget)
        with shown_exceptions() as shown:
            self.assert_refused('add', 'access denied: add()', GLib.Variant('(ii)', (1, 2)))
        self.assertEqual(shown, ['forgotten'])
        self.assertEqual(ask(self.caller, 'echo', GLib.Variant('(i)', (5,))).unpack(), 5)

    def test_no_dispatcher(self):
        self.callee.set_dispatcher(None)
        with self.assert_raises(ERROR, M.Error.REMOTE):
            ask(self.caller, 'add')


class Signals(PairCase):
    ODD_NAMES = ('name', 'with space', 'a.b/c-d_e', 'größe', '通知', '::', '%s%n')

    def test_request(self):
        for name in self.ODD_NAMES:
            def handle(connection, invocation, params):
                invocation.return_value(GLib.Variant('s', invocation.props.method))
                return True

            self.callee.connect(f'request::{name}', handle)
        for name in self.ODD_NAMES:
            self.assertEqual(ask(self.caller, name).unpack(), name)
        self.assert_refused('other', 'There is no method “other”')

    def test_request_handler_that_fails(self):
        def fail(connection, invocation, params):
            raise ValueError('boom')

        self.callee.connect('request::add', fail)
        self.callee.connect('request::forget', lambda *_: None)
        with shown_exceptions() as shown:
            self.assertEqual(ask(self.caller, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)
        self.assertEqual(shown, ['boom'])
        self.assert_refused('forget', 'There is no method “forget”')

    def test_notification(self):
        seen = []
        for name in self.ODD_NAMES:
            self.callee.connect(f'notification::{name}',
                                lambda _, method, params: seen.append((method, params.unpack())))
        for name in (*self.ODD_NAMES, 'other'):
            self.caller.send_notification(name, GLib.Variant('(i)', (1,)))
        ask(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        self.assertEqual(seen, [(name, [1]) for name in self.ODD_NAMES])

    def test_reply(self):
        seen = []
        self.caller.connect('reply::add', lambda _, call: seen.append(call.props.result))
        ask(self.caller, 'echo', GLib.Variant('(i)', (1,)))
        ask(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        wait_until(lambda: seen)
        self.assertEqual([value.unpack() for value in seen], [3])

    def test_message(self):
        seen = []

        def take(connection, message):
            seen.append(message.unpack())
            if seen[-1][0] == 0:
                connection.send_message(GLib.Variant('(ixmvs)', (1, seen[-1][1], None, 'taken')))
                return True
            return False

        self.callee.connect('message', take)
        self.assertEqual(ask(self.caller, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 'taken')
        self.assertEqual(seen, [[0, 1, 'add', [1, 2]]])

    def test_unknown_reply(self):
        seen = []
        self.callee.connect('unknown-reply',
                            lambda _, *values: seen.append([value.unpack() for value in values]))
        self.caller.send_message(GLib.Variant('(iiss)', (1, 42, 'no', 'yes')))
        wait_until(lambda: seen)
        self.assertEqual(seen, [[42, 'no', 'yes']])

    def test_closed(self):
        seen = []
        for end in (self.caller, self.callee):
            end.connect('closed', lambda end, *args: seen.append((end, *args)))
            end.connect('notify::status', lambda end, _: seen.append(end.props.status.value_nick))
        self.caller.close_async(M.CloseMode.FINISH_QUEUE, None,
                                lambda end, result: seen.append(end.close_finish(result)))
        self.assertEqual(seen, [])
        wait_until(lambda: self.closed_of(seen, self.caller) and self.closed_of(seen, self.callee))
        for end in (self.caller, self.callee):
            (_, error, incomplete, unsent), = self.closed_of(seen, end)
            self.assertIsNone(error)
            self.assertIsNone(incomplete)
            self.assertEqual(unsent.unpack(), [])
        self.assertIn(True, seen)
        self.assertIn('disconnected', seen)
        with self.assert_raises(IO_ERROR, IOCode.CLOSED):
            self.caller.call_sync('add', None, None)

    def test_closed_with_unsent_messages(self):
        seen = []
        self.caller.connect('closed', lambda _, *args: seen.append(args))
        # More than a socket holds, so that the first is written in part and the second not at all.
        for fill in (b'a', b'b'):
            data = new_bytes(fill * (4 << 20))
            self.caller.send_notification('fill', GLib.Variant.new_tuple(data))
        self.caller.close_async(M.CloseMode.NOW, None, None)
        wait_until(lambda: seen)
        (error, incomplete, unsent), = seen
        self.assertIsNone(error)
        first = incomplete.get_child_value(2).get_variant().get_child_value(0).get_variant()
        self.assertEqual(first.get_data_as_bytes().get_data()[:2], b'aa')
        self.assertEqual(unsent.n_children(), 1)

    def test_closed_by_nonsense(self):
        ends = streams()
        connection = M.Connection.new(ends[0])
        seen = []
        connection.connect('closed', lambda _, *args: seen.append(args))
        ends[1].get_output_stream().write_all(b'GET / HTTP/1.1\r\n\r\n')
        wait_until(lambda: seen)
        error = seen[0][0]
        self.assert_error(error, ERROR, M.Error.INVALID_MESSAGE)

    @staticmethod
    def closed_of(seen, end):
        return [item for item in seen if isinstance(item, tuple) and item[0] == end]


class Flow(PairCase):
    def test_limits_have_defaults_and_can_be_given(self):
        limits = M.Limits(max_depth=3, write_timeout=100)
        self.assertEqual(limits.props.max_depth, 3)
        self.assertEqual(limits.get_write_timeout(), 100)
        self.assertEqual(limits.props.close_timeout, 5000)
        self.assertEqual(limits.props.handshake_timeout, 10000)
        self.assertEqual(limits.props.max_pending_message_size, 1 << 20)
        self.assertEqual(limits.props.high_water_mark, 1 << 20)
        self.assertEqual(limits.props.max_message_size, 64 << 20)
        self.assertEqual(limits.props.max_decoded_size, 256 << 20)
        self.assertEqual(limits.props.max_queued_bytes, 64 << 20)
        self.assertEqual(limits.props.max_unhandled_bytes, 64 << 20)
        self.assertEqual(limits.props.max_requests_in_flight, 128)
        self.assertIs(M.Client(address='tcp://localhost:1', limits=limits).props.limits, limits)
        self.assertIs(M.Server(limits=limits).get_limits(), limits)
        self.assertEqual(M.Server().props.limits.props.max_depth, 32)
        with self.assertRaises((TypeError, OverflowError)):
            M.Limits(max_message_size=1 << 64)

    def test_a_limit_that_is_gone_over(self):
        self.callee.props.limits.props.max_message_size = 50
        closed = []
        self.callee.connect('closed', lambda _, error, *rest: closed.append(error))
        self.caller.send_notification('n', GLib.Variant('(s)', ('x' * 100,)))
        wait_until(lambda: closed)
        self.assertTrue(closed[0].matches(ERROR, M.Error.TOO_LARGE))
        self.assertIn('50', closed[0].message)

    def test_paused_and_congested(self):
        told = []
        self.caller.connect('notify::is-congested',
                            lambda caller, _: told.append(caller.props.is_congested))
        self.caller.props.high_water_mark = 2_000_000
        self.callee.props.paused = True
        while not self.caller.props.is_congested:
            self.caller.send_notification('n', GLib.Variant('(s)', ('x' * 100_000,)))
        wait_until(lambda: told == [True])
        self.callee.props.paused = False
        wait_until(lambda: told == [True, False])

    def test_statistics(self):
        ask(self.caller, 'add', GLib.Variant('(ii)', (1, 2)))
        statistics = self.caller.props.statistics.unpack()
        self.assertEqual(statistics['calls'], 1)
        self.assertEqual(statistics['sent-messages'], 1)
        self.assertEqual(statistics['received-messages'], 1)
        self.assertEqual(statistics['sent-bytes'],
                         self.callee.props.statistics.unpack()['received-bytes'])


class Values(PairCase):
    def assert_echoed(self, variant, value):
        result = ask(self.caller, 'echo', GLib.Variant.new_tuple(variant))
        self.assertEqual(result.unpack(), value)
        return result

    def test_scalars(self):
        for signature, value in (
                ('b', True), ('d', 0.5), ('s', 'größe'), ('s', ''), ('i', -1), ('y', 255),
                ('x', 2 ** 53 + 1), ('x', -2 ** 63), ('x', 2 ** 63 - 1), ('t', 2 ** 63),
                ('t', 2 ** 64 - 1)):
            self.assert_echoed(GLib.Variant(signature, value), value)

    def test_nil(self):
        self.assertEqual(self.assert_echoed(GLib.Variant('mv', None), None).get_type_string(), 'mv')
        self.assertTrue(M.variant_is_nil(GLib.Variant('mv', None)))
        self.assert_echoed(GLib.Variant('ms', 'text'), 'text')

    def test_containers(self):
        self.assert_echoed(GLib.Variant('a{sv}', {'a': GLib.Variant('ai', [1, 2])}), {'a': [1, 2]})
        self.assert_echoed(GLib.Variant('a{is}', {1: 'one', -2: 'two'}), {1: 'one', -2: 'two'})
        self.assert_echoed(GLib.Variant('(s(ib)av)', ('a', (1, False), [])), ['a', [1, False], []])
        self.assert_echoed(GLib.Variant('a{bs}', {True: 'true'}), [(True, 'true')])
        self.assert_echoed(GLib.Variant('a{sv}', {}), {})

    def test_named_params(self):
        def named(invocation, params):
            return invocation.return_value(params)

        self.dispatcher.add_method('named', None, named)
        result = ask(self.caller, 'named', GLib.Variant('a{sv}', {'a': GLib.Variant('i', 1)}))
        self.assertEqual(result.print_(True), "{'a': <int64 1>}")

    def test_bytes(self):
        data = bytes(range(256)) * 4096
        result = ask(self.caller, 'echo', GLib.Variant.new_tuple(new_bytes(data)))
        self.assertEqual(result.get_data_as_bytes().get_data(), data)
        self.assertEqual(M.variant_get_bytes(result).get_data(), data)
        self.assert_echoed(GLib.Variant('ay', b'\x00\xff'), [0, 255])

    def test_strings_that_are_none(self):
        raw = M.variant_new_raw_string(GLib.Bytes(b'a\0\xff'))
        result = ask(self.caller, 'echo', GLib.Variant.new_tuple(raw))
        self.assertEqual(M.variant_get_bytes(result).get_data(), b'a\0\xff')

    def test_ext(self):
        ext = M.variant_new_ext(5, GLib.Bytes(b'data'))
        result = ask(self.caller, 'echo', GLib.Variant.new_tuple(ext))
        self.assertTrue(M.variant_is_ext(result))
        is_ext, kind, data = M.variant_get_ext(result)
        self.assertEqual((is_ext, kind, data.get_data()), (True, 5, b'data'))
        self.assertFalse(M.variant_get_ext(GLib.Variant('i', 1))[0])

        when = GLib.DateTime.new_from_unix_utc(1234567890)
        result = ask(self.caller, 'echo', GLib.Variant.new_tuple(M.variant_new_timestamp(when)))
        self.assertEqual(M.variant_get_timestamp(result).to_unix(), 1234567890)

    def test_pack(self):
        packed = M.pack(GLib.Variant('(ib)', (1, True)))
        self.assertEqual(packed.get_data(), b'\x92\x01\xc3')
        self.assertEqual(M.unpack(packed).unpack(), [1, True])
        for nonsense in (b'', b'\xc1', b'\x92\x01', b'\x01\x02'):
            with self.assert_raises(ERROR, M.Error.INVALID_MESSAGE):
                M.unpack(GLib.Bytes(nonsense))

    def test_pack_flags(self):
        flags = M.PackFlags.LEGACY_RAW | M.PackFlags.FLOAT32
        packed = M.pack_full(GLib.Variant('(ayd)', (b'\xff' * 32, 1.5)), flags)
        self.assertEqual(packed.get_data(),
                         b'\x92\xda\0\x20' + b'\xff' * 32 + b'\xca\x3f\xc0\0\0')
        with self.assert_raises(ERROR, M.Error.INVALID_VALUE):
            M.pack_full(GLib.Variant('(hay)', (5, b'x')), flags)

    def test_string_policy(self):
        unpacker = M.Unpacker(string_policy=M.StringPolicy.REPLACE)
        unpacker.feed(GLib.Bytes(b'\xa2a\xff'))
        self.assertEqual(unpacker.next().unpack(), 'a\ufffd')
        unpacker.props.string_policy = M.StringPolicy.STRICT
        unpacker.feed(GLib.Bytes(b'\xa2a\xff'))
        with self.assert_raises(ERROR, M.Error.INVALID_MESSAGE):
            unpacker.next()

    def test_options_of_a_connection(self):
        self.assertEqual(self.caller.props.pack_flags, M.PackFlags.NONE)
        self.caller.props.pack_flags = M.PackFlags.LEGACY_RAW
        self.callee.props.string_policy = M.StringPolicy.REPLACE
        result = ask(self.caller, 'echo', GLib.Variant('(ay)', (b'a\xff',)))
        self.assertEqual(result.unpack(), 'a\ufffd')
        for cls in (M.Client, M.Server):
            end = cls(pack_flags=M.PackFlags.FLOAT32, string_policy=M.StringPolicy.STRICT)
            self.assertEqual(end.get_pack_flags(), M.PackFlags.FLOAT32)
            self.assertEqual(end.get_string_policy(), M.StringPolicy.STRICT)

    def test_unpacker(self):
        unpacker = M.Unpacker()
        unpacker.feed(GLib.Bytes(b'\x92\x01'))
        self.assertIsNone(unpacker.next())
        unpacker.feed(GLib.Bytes(b'\xc3\x05'))
        self.assertEqual(unpacker.next().unpack(), [1, True])
        self.assertEqual(unpacker.get_offset(), 3)
        self.assertEqual(unpacker.next().unpack(), 5)
        self.assertEqual(unpacker.get_offset(), 4)
        self.assertTrue(unpacker.finish())
        unpacker.feed(GLib.Bytes(b'\x92'))
        with self.assertRaises(GLib.Error):
            unpacker.finish()


if __name__ == '__main__':
    tap.main()
