# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import threading
import time
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib
from gi.repository import MsgpackRpc as M

DEADLINE = 20


def wait_until(condition):
    end = time.monotonic() + DEADLINE
    tick = GLib.timeout_add(10, lambda: GLib.SOURCE_CONTINUE)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(tick)


class Case(unittest.TestCase):
    def setUp(self):
        _, self.near, self.far = M.Connection.new_pair()
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('echo', None, lambda invocation, params: invocation.return_value(params))
        self.far.props.dispatcher = self.dispatcher

    def call(self, peer, method, params=None):
        call = peer.start_call(method, params)
        wait_until(lambda: call.get_state() in (M.CallState.SUCCEEDED, M.CallState.FAILED))
        if call.get_error() is not None:
            return call.get_error().message
        return call.get_result().unpack()


class Filters(Case):
    def test_dispatch(self):
        seen = []

        def log(invocation):
            seen.append(invocation.get_method())
            invocation.add_answer_filter(
                lambda _, result, error: seen.append(error.unpack() if result is None else result.unpack()))
            return True

        def change(invocation):
            if invocation.get_method() == 'secret':
                raise GLib.Error.new_literal(M.Error.quark(), 'not yours', M.Error.ACCESS_DENIED)
            if invocation.get_method() == 'broken':
                raise ValueError('on purpose')
            invocation.set_method('echo')
            return invocation.set_params(GLib.Variant('(s)', ('changed',)))

        self.dispatcher.add_filter(log)
        identifier = self.dispatcher.add_filter(change)
        self.assertEqual(self.call(self.near, 'anything'), ['changed'])
        self.assertEqual(self.call(self.near, 'secret'), 'not yours')
        self.assertEqual(self.call(self.near, 'broken'), 'Method “broken” failed')
        self.assertEqual(seen, ['anything', ['changed'], 'secret', 'not yours', 'broken',
                                'Method “broken” failed'])
        self.assertTrue(self.dispatcher.remove_filter(identifier))
        self.assertEqual(self.call(self.near, 'echo', GLib.Variant('(x)', (1,))), [1])

    def test_replace(self):
        def replace(invocation, result, _error):
            invocation.replace_answer(GLib.Variant('s', 'instead of %r' % result.unpack()), None)

        self.dispatcher.add_filter(lambda invocation: invocation.add_answer_filter(replace))
        self.assertEqual(self.call(self.near, 'echo'), 'instead of []')


class Bucket(M.FilterPeer):
    """Lets so many calls pass."""
    tokens = 1

    def do_filter_call(self, call):
        if self.tokens == 0:
            raise GLib.Error.new_literal(M.Error.quark(), 'out of tokens', M.Error.BUSY)
        self.tokens -= 1
        return self.forward(call, None, 0)


class Retry(M.FilterPeer):
    """Tries again, after a while, what the peer is too busy for."""
    attempts = 0

    def do_filter_return(self, call, attempt):
        self.attempts += 1
        if attempt.get_error() is None or self.attempts == 3:
            return self.return_attempt(call, attempt)
        return self.forward(call, None, 5)


class Broken(M.FilterPeer):
    def do_filter_call(self, call):
        raise ValueError('on purpose')


class FilterPeers(Case):
    def setUp(self):
        super().setUp()
        self.n_failures = 0
        self.dispatcher.add_method('flaky', None, self.flaky)

    def flaky(self, invocation, _params):
        self.n_failures -= 1
        if self.n_failures >= 0:
            raise GLib.Error.new_literal(M.Error.quark(), 'busy', M.Error.BUSY)
        return invocation.return_value(GLib.Variant('s', 'done'))

    def test_rate(self):
        bucket = Bucket(peer=self.near)
        self.assertEqual(self.call(bucket, 'echo'), [])
        self.assertEqual(self.call(bucket, 'echo'), 'out of tokens')

    def test_retry(self):
        self.n_failures = 2
        bucket = Bucket(peer=self.near)
        bucket.tokens = 5
        self.assertEqual(self.call(Retry(peer=bucket), 'flaky'), 'done')
        self.assertEqual(bucket.tokens, 2)

    def test_sync(self):
        self.n_failures = 2
        results, threads = [], []

        class Here(Retry):
            def do_filter_return(self, call, attempt):
                threads.append(threading.current_thread())
                return Retry.do_filter_return(self, call, attempt)

        def work():
            # Else the main thread might be asked before this one waits.
            context = GLib.MainContext.new()
            context.push_thread_default()
            results.append(filter_peer.call_sync('flaky', None))
            context.pop_thread_default()

        filter_peer = Here(peer=self.near)
        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: results)
        thread.join()
        self.assertEqual(results[0].unpack(), 'done')
        self.assertEqual(threads, [thread] * 3)

    def test_broken(self):
        self.assertIn('has failed to filter a call of “echo”', self.call(Broken(peer=self.near), 'echo'))
        with self.assertRaises(GLib.Error):
            Broken(peer=self.near).send_notification('echo', None)


if __name__ == '__main__':
    tap.main()
