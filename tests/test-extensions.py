# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import time
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, GObject
from gi.repository import MsgpackRpc as M

DEADLINE = 20
APP_ERROR = GLib.quark_from_string('python-app-error')
ALL = M.Extensions.CANCEL | M.Extensions.DEADLINE | M.Extensions.ERRORS | M.Extensions.PROGRESS


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    tick = GLib.timeout_add(10, lambda: GLib.SOURCE_CONTINUE)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(tick)


class User(GObject.Object):
    def __init__(self, name):
        super().__init__()
        self.name = name


class Extensions(unittest.TestCase):
    def setUp(self):
        _, self.near, self.far = M.Connection.new_pair()
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('keep', None, self.keep)
        self.dispatcher.add_method('fail', None, self.fail_with_domain)
        self.far.props.dispatcher = self.dispatcher
        self.near.props.extensions = True
        self.kept = []
        wait_until(lambda: self.near.props.peer_extensions == ALL)

    def keep(self, invocation, _params):
        self.kept.append(invocation)
        return True

    def fail_with_domain(self, invocation, _params):
        return invocation.return_error(APP_ERROR, 42, 'Out of paper')

    def start(self, method='keep'):
        call = self.near.start_call(method, None)
        wait_until(lambda: self.kept or call.get_state() == M.CallState.FAILED)
        return call

    def test_progress(self):
        call = self.start()
        reports, notified = [], []
        call.connect('progress-reported', lambda _, fraction, value: reports.append((fraction, value)))
        call.connect('notify::progress', lambda *_: notified.append(call.props.progress))
        self.assertTrue(self.kept[0].report_progress(0.5, GLib.Variant('s', 'half')))
        wait_until(lambda: reports)
        self.assertEqual([(fraction, value.unpack()) for fraction, value in reports], [(0.5, 'half')])
        self.assertEqual(notified, [0.5])
        self.assertEqual(call.props.progress_value.unpack(), 'half')

        self.assertTrue(self.kept[0].report_progress(2, None))
        self.assertFalse(self.kept[0].report_progress(float('nan'), None))
        wait_until(lambda: len(reports) == 2)
        self.assertEqual(reports[1], (1.0, None))
        self.kept[0].return_value(None)
        wait_until(lambda: call.get_state() == M.CallState.SUCCEEDED)

    def test_cancel(self):
        call = self.start()
        cancelled = []
        self.kept[0].connect('cancelled', cancelled.append)
        call.cancel()
        wait_until(lambda: cancelled)
        self.assertTrue(self.kept[0].props.is_cancelled)
        self.assertFalse(self.kept[0].return_value(None))

    def test_deadline(self):
        call = M.Call(method='keep', timeout=5000)
        before = GLib.get_monotonic_time()
        self.near.send_call(call)
        wait_until(lambda: self.kept)
        self.assertGreater(self.kept[0].props.deadline, before)
        self.assertLess(self.kept[0].props.deadline, GLib.get_monotonic_time() + 5000 * 1000)
        self.kept[0].return_value(None)

    def test_errors(self):
        with self.assertRaises(GLib.Error) as caught:
            self.call('fail')
        self.assertTrue(caught.exception.matches(M.error_quark(), M.Error.REMOTE))

        M.register_error_domain(APP_ERROR)
        with self.assertRaises(GLib.Error) as caught:
            self.call('fail')
        self.assertTrue(caught.exception.matches(APP_ERROR, 42))
        self.assertEqual(caught.exception.message, 'Out of paper')

        with self.assertRaises(GLib.Error) as caught:
            self.call('missing')
        self.assertTrue(caught.exception.matches(M.error_quark(), M.Error.METHOD_NOT_FOUND))

    def call(self, method):
        results = []
        self.near.call_async(method, None, None, lambda peer, result: results.append(result))
        wait_until(lambda: results)
        return self.near.call_finish(results[0])

    def test_session(self):
        self.far.props.session = User('Ada')
        self.start()
        self.assertEqual(self.kept[0].get_session().name, 'Ada')
        self.assertGreater(self.kept[0].get_credentials().get_unix_pid(), 0)
        self.assertIsNotNone(self.kept[0].get_remote_address())
        self.kept[0].return_value(None)
        self.assertIsNone(self.kept[0].get_session())

    def test_max_answer_time(self):
        self.dispatcher.lookup_method('keep').props.max_answer_time = 10
        call = self.start()
        wait_until(lambda: call.get_state() == M.CallState.FAILED)
        self.assertTrue(call.get_error().matches(M.error_quark(), M.Error.NOT_ANSWERED))


if __name__ == '__main__':
    tap.main()
