# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The examples of a server that has much to do, in C and in Python."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

import tap
from python_cases import Answer, Case, GLib, M, ask, wait_until

EXAMPLES = pathlib.Path(os.environ['G_TEST_SRCDIR'], '..', 'examples')
BUILT_EXAMPLES = pathlib.Path(os.environ['G_TEST_BUILDDIR'], '..', 'examples')
CHUNK_SIZE = 16 * 1024


class BackgroundWork:
    command = None

    def setUp(self):
        self.process = subprocess.Popen([*self.command, '--address=tcp://127.0.0.1:0'],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.stdin.close)
        line = self.process.stdout.readline()
        self.assertTrue(line.startswith('listening on '), line)
        self.address = line.split()[-1]
        self.client = self.connect()
        self.notified = []
        self.client.connect('notification', lambda _client, *told: self.notified.append(told))

    def connect(self):
        client = M.Client.new(self.address)
        client.open_async(None, None)
        return client

    def ask(self, method, signature='()', *params):
        return ask(self.client, method, GLib.Variant(signature, params)).unpack()

    def assert_quick(self, answer, peer):
        """Others are answered while that one is not."""
        for _ in range(20):
            self.assertEqual(ask(peer, 'hello', GLib.Variant('()', ())).unpack(), 'hello')
        self.assertFalse(answer.is_there())

    def told(self, method):
        return [params.unpack() for name, params in self.notified if name == method]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        wait_until(lambda: self.process.poll() is not None)
        self.assertEqual((self.process.returncode, self.process.stdout.read()),
                         (0, 'drained, 0 timers left\n'))

    def test_thread(self):
        self.assertEqual(self.ask('nap', '(u)', 1), 'rested')
        answer = Answer(self.client, 'nap', GLib.Variant('(u)', (60_000,)))
        self.assert_quick(answer, self.connect())
        self.process.kill()

    def test_process(self):
        self.assertEqual(self.ask('primes', '(x)', 100), 25)
        tasks = pathlib.Path(f'/proc/{self.process.pid}/task')
        workers = [child for task in tasks.iterdir()
                   for child in (task / 'children').read_text().split()]
        self.assertTrue(workers)
        self.assertIn('--worker', pathlib.Path(f'/proc/{workers[0]}/cmdline').read_text().split('\0'))
        answer = Answer(self.client, 'primes', GLib.Variant('(x)', (100_000_000,)))
        self.assert_quick(answer, self.connect())
        self.process.kill()

    def test_interval(self):
        timer = self.ask('clock', '(u)', 1)
        wait_until(lambda: len(self.told('tick')) >= 5)
        self.assertEqual(self.told('tick')[:5], [[1], [2], [3], [4], [5]])
        self.assertTrue(self.ask('stop', '(u)', timer))
        self.assertFalse(self.ask('stop', '(u)', timer))
        del self.notified[:]
        self.ask('nap', '(u)', 20)
        self.assertEqual(self.notified, [])
        # One that is not stopped ends with its peer.
        self.ask('clock', '(u)', 1)
        self.stop()

    def test_timeout(self):
        self.ask('remind', '(us)', 1, 'tea')
        wait_until(lambda: self.told('reminder'))
        never = self.ask('remind', '(us)', 3_600_000, 'cake')
        self.assertTrue(self.ask('stop', '(u)', never))
        self.assertEqual(self.told('reminder'), [['tea']])
        for _ in range(100):
            self.ask('remind', '(us)', 3_600_000, 'more')
        with self.assertRaisesRegex(GLib.Error, 'There are 100 timers already: stop one first'):
            self.ask('remind', '(us)', 1, 'too many')
        self.stop()

    def test_input(self):
        lines = []
        self.client.connect('published::lines', lambda _peer, _topic, value: lines.append(value.unpack()))
        subscribed = []
        self.client.subscribe_async('lines', None, lambda peer, result: subscribed.append(
            peer.subscribe_finish(result)))
        wait_until(lambda: subscribed)
        self.process.stdin.write('first\nsec')
        self.process.stdin.flush()
        wait_until(lambda: lines)
        self.process.stdin.write('ond\n')
        self.process.stdin.flush()
        wait_until(lambda: len(lines) == 2)
        self.assertEqual(lines, ['first', 'second'])
        self.stop()

    def resident_bytes(self):
        pages = pathlib.Path(f'/proc/{self.process.pid}/statm').read_text().split()[1]
        return int(pages) * os.sysconf('SC_PAGESIZE')

    def test_large_result(self):
        n_chunks = 4096
        other = self.connect()
        self.ask('play', '(x)', 10)
        ask(other, 'hello', GLib.Variant('()', ()))
        del self.notified[:]
        before = self.resident_bytes()
        answer = Answer(self.client, 'play', GLib.Variant('(x)', (n_chunks,)))
        wait_until(lambda: self.notified)
        # It does not read: what is not written yet is not there.
        self.client.get_connection().props.paused = True
        self.assert_quick(answer, other)
        self.assertLess(self.resident_bytes() - before, n_chunks * CHUNK_SIZE // 4)
        self.client.get_connection().props.paused = False
        wait_until(answer.is_there)
        self.assertEqual(answer.result.unpack(), n_chunks)
        self.assertLess(self.resident_bytes() - before, n_chunks * CHUNK_SIZE // 4)
        for n, (index, text) in enumerate(self.told('chunk')):
            self.assertEqual((index, text), (n, chr(ord('a') + n % 26) * CHUNK_SIZE))
        self.assertEqual(len(self.notified), n_chunks)
        self.stop()

    def test_help(self):
        output = subprocess.run([*self.command, '--help'], capture_output=True, check=True, text=True)
        for word in '--address', 'Methods:', 'hello ()', 'primes (limit)', 'play', '“lines”':
            self.assertIn(word, output.stdout)
        self.assertNotIn('--worker', output.stdout)
        self.stop()

    def test_address_in_use(self):
        second = subprocess.run([*self.command, f'--address={self.address}'], capture_output=True,
                                stdin=subprocess.DEVNULL, text=True)
        self.assertEqual((second.returncode, second.stdout), (1, ''))
        self.assertIn('in use', second.stderr)
        # Who answers has got so far that a signal ends it in good order.
        self.ask('hello')
        self.stop()


@unittest.skipUnless((BUILT_EXAMPLES / 'background-work').exists(), 'the examples were not built')
class InC(BackgroundWork, Case):
    command = [BUILT_EXAMPLES / 'background-work']


class InPython(BackgroundWork, Case):
    command = [sys.executable, EXAMPLES / 'background-work.py']


if __name__ == '__main__':
    tap.main()
