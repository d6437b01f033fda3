# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Timers of connections and clients, as Python sees them."""

import gc
import unittest
import weakref

import tap
from python_cases import M, PairCase, wait_until


class Held:
    """What can be seen to be let go."""


class Timers(PairCase):
    def test_interval(self):
        calls = []
        identity = self.caller.add_interval(1, lambda *args: calls.append(args) or True, 'x', 2)
        wait_until(lambda: len(calls) >= 3)
        self.assertEqual(set(calls), {('x', 2)})
        self.assertTrue(self.caller.remove_timer(identity))
        self.assertFalse(self.caller.remove_timer(identity))
        del calls[:]
        over = []
        self.caller.add_timeout(20, over.append, True)
        wait_until(lambda: over)
        self.assertEqual((calls, over), ([], [True]))

    def test_function_ends_it(self):
        left = [3, 2, 1]

        def count_down():
            left.pop()
            return bool(left)

        identity = self.caller.add_interval(1, count_down)
        wait_until(lambda: not left)
        self.assertFalse(self.caller.remove_timer(identity))

    def test_ends_with_connection(self):
        held = Held()
        let_go = weakref.ref(held)
        self.caller.add_interval(1, lambda _held: True, held)
        del held
        self.callee.close_async(M.CloseMode.NOW, None, None)

        def is_let_go():
            gc.collect()
            return let_go() is None
        wait_until(is_let_go)
        self.assertEqual(self.caller.add_timeout(0, lambda: None), 0)

    def test_client(self):
        client = M.Client.new('/nowhere')
        calls = []
        client.add_interval(1, lambda: calls.append(1) or True)
        wait_until(lambda: len(calls) > 1)


if __name__ == '__main__':
    tap.main()
