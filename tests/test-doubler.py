# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The example that doubles numbers: its threads, its errors, and ends that are lost."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/doubler'
DEADLINE = 20
LARGEST = 2 ** 63 - 1


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class Doubler(unittest.TestCase):
    def start(self, *args):
        process = subprocess.Popen([PROGRAM, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        for stream in process.stdin, process.stdout, process.stderr:
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def serve(self, *args):
        self.server = self.start('--listen=tcp://127.0.0.1:0', *args)
        self.address = self.server.stdout.readline().split()[-1]

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        # Not by communicate(), which does not know what was read ahead.
        output, errors = self.server.stdout.read(), self.server.stderr.read()
        self.assertEqual((self.server.wait(DEADLINE), errors), (0, ''))
        return output.splitlines()

    def connect(self):
        client = socket.create_connection(('127.0.0.1', int(self.address.rpartition(':')[2])))
        client.settimeout(DEADLINE)
        self.addCleanup(client.close)
        return client

    def ask(self, *numbers, **settings):
        client = subprocess.run([PROGRAM, f'--connect={self.address}', '--', *numbers], text=True,
                                capture_output=True, timeout=DEADLINE, **settings)
        return client.returncode, sorted(client.stdout.splitlines()), client.stderr

    def test_numbers(self):
        self.serve()
        numbers = range(-50, 50)
        expected = sorted(f'{number}: {2 * number}' for number in numbers)
        self.assertEqual(self.ask(*map(str, numbers)), (0, expected, ''))
        typed = '\n'.join(map(str, numbers))
        self.assertEqual(self.ask(input=typed), (0, expected, ''))
        output = self.stop()
        self.assertEqual(output.count('client 1 has gone; 0 answers were not sent'), 1)
        answers = [int(line.split()[4]) for line in output if 'has answered' in line]
        self.assertEqual((len(answers), sum(answers)), (10, 200))

    def test_errors(self):
        """Whatever is wrong with a number is answered, and the next one is doubled."""
        self.serve()
        questions = {
            'abc': 'not a whole number',
            '1.5': 'not a whole number',
            '1\x1b[2J': 'not a whole number',
            str(LARGEST): 'the double is too large a number',
            str(-LARGEST): 'the double is too large a number',
            str(LARGEST + 1): 'too large a number',
        }
        for question, problem in questions.items():
            quoted = question.replace('\x1b', '?')
            self.assertEqual(self.ask(question, '7'), (1, ['7: 14'], f'{quoted}: error: {problem}\n'))
        status, output, errors = self.ask('9' * 2000, '8')
        self.assertEqual((status, output), (1, ['8: 16']))
        self.assertIn('2000', errors)

    def test_all_threads_wait_for_one_queue(self):
        """Each of ten questions of one client is taken by another thread, since none gets done."""
        self.serve('--delay=1000000000')
        client = self.connect()
        client.sendall(b''.join(b'%d\n' % number for number in range(10)))
        self.assertEqual(self.server.stdout.readline(), 'client 1 is here\n')
        lines = [self.server.stdout.readline() for _ in range(10)]
        workers = {int(line.split()[1].rstrip(',')) for line in lines}
        self.assertEqual(workers, set(range(1, 11)))
        self.assertEqual({line.split()[-1] for line in lines},
                         {str(2 * number) for number in range(10)})
        # Those that wait are woken when the server stops.
        self.assertEqual(len([line for line in self.stop() if 'has answered 1 times' in line]), 10)

    def assert_workers(self, expected):
        """A thread names itself, so that some may have no name yet."""
        names, end = set(), time.monotonic() + DEADLINE
        while names != set(expected):
            self.assertLess(time.monotonic(), end, f'there are {names}')
            tasks = pathlib.Path(f'/proc/{self.server.pid}/task').glob('*/comm')
            names = {task.read_text().strip() for task in tasks}
            names = {name for name in names if name.startswith('worker ')}

    def wait_for_line(self, expected):
        for line in self.server.stdout:
            if line == f'{expected}\n':
                return
        self.fail(f'“{expected}” was not printed')

    @tap.named('/behaviours/A4.47')
    def test_example(self):
        """Ten threads on one server; errors are answered; a lost connection is noticed."""
        self.serve()
        self.assert_workers([f'worker {number}' for number in range(1, 11)])
        self.assertEqual(self.ask('21', 'x'), (1, ['21: 42'], 'x: error: not a whole number\n'))
        self.connect().close()
        self.wait_for_line('client 2 is here')
        self.wait_for_line('client 2 has gone; 0 answers were not sent')
        self.stop()

    def test_number_of_threads(self):
        self.serve('--threads=3')
        self.assert_workers(['worker 1', 'worker 2', 'worker 3'])
        self.assertEqual(self.ask('21'), (0, ['21: 42'], ''))

    def test_client_is_lost(self):
        self.serve()
        client = self.connect()
        client.sendall(b'1\n')
        self.assertEqual(client.recv(100), b'1: 2\n')
        # It leaves in the middle of a line.
        client.sendall(b'2')
        client.close()
        lines = [self.server.stdout.readline() for _ in range(3)]
        self.assertRegex(lines[-1], '^client 1 is lost: The peer closed the connection in the middle')
        self.assertEqual(self.ask('3'), (0, ['3: 6'], ''))

    def test_server_is_lost(self):
        """The client notices at once, while it waits for its user."""
        self.serve()
        client = self.start(f'--connect={self.address}')
        client.stdin.write('4\n')
        client.stdin.flush()
        self.assertEqual(client.stdout.readline(), '4: 8\n')
        self.server.kill()
        self.assertEqual(client.wait(DEADLINE), 1)
        self.assertRegex(client.stderr.read(), '^The connection is lost')

    def test_no_server(self):
        self.serve()
        self.stop()
        status, output, errors = self.ask('5')
        self.assertEqual((status, output), (1, []))
        self.assertIn(f'{self.address}: ', errors)
        self.assertIn('Connection refused', errors)

    def test_options(self):
        self.assertIn('--threads=NUMBER', subprocess.run([PROGRAM, '--help'], check=True, text=True,
                                                         stdout=subprocess.PIPE).stdout)
        for bad in '--threads=0', '--delay=-1', '--nonsense', '--connect=tcp://x:1':
            process = subprocess.run([PROGRAM, '--listen=tcp://127.0.0.1:0', bad], text=True,
                                     capture_output=True, timeout=DEADLINE)
            self.assertEqual(process.returncode, 2)
            self.assertNotEqual(process.stderr, '')

    def test_address_in_use(self):
        self.serve()
        second = subprocess.run([PROGRAM, f'--listen={self.address}'], capture_output=True, text=True,
                                timeout=DEADLINE)
        self.assertEqual((second.returncode, second.stdout), (1, ''))
        self.assertIn('Address already in use', second.stderr)


if __name__ == '__main__':
    tap.main()
