# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The example of a chat: names, who hears what, and how it ends."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

import tap

PROGRAM = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/chat'
DEADLINE = 20
N_LINES = 3000
QUESTION = '* What is your name?'


class RawClient:
    """Like nc."""
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(address.partition('://')[2])
        self.file = self.socket.makefile('r', newline='\n')

    def close(self):
        self.file.close()
        self.socket.close()

    def say(self, *lines):
        self.socket.sendall(''.join(f'{line}\n' for line in lines).encode())

    def read(self):
        return self.file.readline().rstrip('\n')


def pack(value):
    """As MessagePack; what the tests have is short."""
    if value is None:
        return b'\xc0'
    if isinstance(value, int):
        return bytes([value])
    if isinstance(value, (list, tuple)):
        return bytes([0x90 + len(value)]) + b''.join(map(pack, value))
    data = value.encode()
    if len(data) < 32:
        return bytes([0xa0 + len(data)]) + data
    if len(data) < 256:
        return bytes([0xd9, len(data)]) + data
    return b'\xda' + len(data).to_bytes(2, 'big') + data


class RawPeer:
    """Takes part by MessagePack-RPC."""
    def __init__(self, test, path):
        self.test = test
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(path)
        self.n_calls = 0
        test.addCleanup(self.socket.close)

    def call(self, method, *params):
        self.n_calls += 1
        self.socket.sendall(pack([0, self.n_calls, method, params]))

    def expect(self, *messages):
        expected = b''.join(map(pack, messages))
        received = b''
        while len(received) < len(expected):
            part = self.socket.recv(len(expected) - len(received))
            self.test.assertNotEqual(part, b'', f'after {received}')
            received += part
        self.test.assertEqual(received, expected)

    def expect_result(self, result):
        self.expect([1, self.n_calls, None, result])

    def expect_error(self, text):
        self.expect([1, self.n_calls, text, None])

    def subscribe(self, *topics):
        for topic in topics:
            self.call('rpc.subscribe', topic)
            self.expect_result(None)


@unittest.skipUnless(PROGRAM.exists(), 'the examples are not built')
class Chat(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *args):
        process = subprocess.Popen([PROGRAM, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, bufsize=1)
        for stream in process.stdin, process.stdout, process.stderr:
            self.addCleanup(stream.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def serve(self, *args):
        self.address = f'unix://{self.folder}/chat'
        self.server = self.start(f'--listen={self.address}', *args)
        self.wait_for(self.server, f'* Chatting at {self.address}')

    def wait_for(self, process, expected):
        """Reads what it prints until then, and returns what came before."""
        lines = []
        for line in process.stdout:
            if line == f'{expected}\n':
                return lines
            lines.append(line.rstrip('\n'))
        self.fail(f'“{expected}” was not printed, but {lines}, {process.stderr.read()}')

    def type(self, process, line):
        process.stdin.write(f'{line}\n')

    def join(self, name, others):
        member = self.start(f'--connect={self.address}', f'--name={name}')
        self.wait_for(member, f'* Welcome, {name}; {others} others are here')
        return member

    def connect(self):
        client = RawClient(self.address)
        self.addCleanup(client.close)
        self.assertEqual(client.read(), QUESTION)
        return client

    def finish(self, process):
        """Not by communicate(), which does not know what was read ahead."""
        output, errors = process.stdout.read(), process.stderr.read()
        return output.splitlines(), errors, process.wait(DEADLINE)

    @tap.named('/behaviours/A4.46')
    def test_example(self):
        self.serve()
        ann = self.join('ann', 0)
        # The name comes with what is said behind it, which goes to the queue of all.
        ben = self.connect()
        ben.say('ben', 'hello', 'it is me')
        self.assertEqual(ben.read(), '* Welcome, ben; 1 others are here')
        self.assertEqual(self.wait_for(ann, 'ben: it is me'), ['* ben has come', 'ben: hello'])
        self.type(ann, 'good evening')
        self.assertEqual(ben.read(), 'ann: good evening')
        self.type(self.server, 'good evening, all')
        self.assertEqual(ben.read(), 'server: good evening, all')
        # Not what ann herself has said.
        self.assertEqual(self.wait_for(ann, 'server: good evening, all'), [])

        self.type(ann, '/quit')
        self.assertEqual(self.finish(ann), ([], '', 0))
        self.assertEqual(ben.read(), '* ann has gone')
        self.type(self.server, '/quit')
        self.assertEqual(ben.read(), '')
        output, errors, status = self.finish(self.server)
        self.assertEqual((errors, status), ('', 0))
        self.assertEqual(output, ['* ann has come', '* ben has come', 'ben: hello', 'ben: it is me',
                                  'ann: good evening', 'server: good evening, all',
                                  '* ann has gone', '* Leaving'])

    def test_names(self):
        self.serve()
        ann = self.join('ann', 0)
        guest = self.connect()
        for name, problem in [('', 'a name has 1 to 20 characters'),
                              ('x' * 21, 'a name has 1 to 20 characters'),
                              ('* x', 'a name has letters, digits, - and _'),
                              ('ANN', 'the name is taken')]:
            guest.say(name)
            self.assertEqual(guest.read(), f'* No: {problem}')
        guest.say('Ünal-2')
        self.assertEqual(guest.read(), '* Welcome, Ünal-2; 1 others are here')
        self.wait_for(ann, '* Ünal-2 has come')

        second = self.connect()
        second.say(*['server'] * 6)
        self.assertEqual([second.read() for _ in range(6)], ['* No: the name is taken'] * 5 + [''])

        # Our client asks its user for another one.
        member = self.start(f'--connect={self.address}', '--name=ann')
        self.wait_for(member, '* No: the name is taken')
        self.type(member, 'zoe')
        self.wait_for(member, '* Welcome, zoe; 2 others are here')
        # One whose user has gone gives up.
        member = self.start(f'--connect={self.address}', '--name=ann')
        member.stdin.close()
        self.assertEqual(member.wait(DEADLINE), 1)

    def test_no_name_is_heard_of(self):
        """Who leaves without a name leaves nothing behind, and what is said before reaches nobody."""
        self.serve()
        ann = self.join('ann', 0)
        guest = self.connect()
        self.type(ann, 'secret')
        self.wait_for(self.server, 'ann: secret')
        guest.close()
        guest = self.connect()
        guest.say('ben')
        self.assertEqual(guest.read(), '* Welcome, ben; 1 others are here')

    def test_bad_lines(self):
        self.serve()
        ann, bad = self.join('ann', 0), self.connect()
        bad.say('bad', 'bell \x07 and \x1b[2J', 'y' * 2000)
        self.wait_for(ann, 'bad: bell ? and ?[2J')
        self.wait_for(ann, f'bad: {"y" * 1024}…')
        bad.say('z' * 3000)
        self.wait_for(ann, '* bad is lost')
        self.type(ann, 'y' * 1025)
        self.assertIn('1024 bytes', ann.stderr.readline())

    def test_piped(self):
        """What a client has read is sent when its input ends."""
        self.serve()
        ann = self.join('ann', 0)
        subprocess.run([PROGRAM, f'--connect={self.address}', '--name=pipe'], input='one\ntwo',
                       text=True, check=True, timeout=DEADLINE, stdout=subprocess.DEVNULL)
        self.assertEqual(self.wait_for(ann, '* pipe has gone'),
                         ['* pipe has come', 'pipe: one', 'pipe: two'])

    def fill(self):
        """A member who does not read, and to whom more is said than the sockets take."""
        ann, slow = self.connect(), self.connect()
        slow.say('slow')
        self.assertEqual(slow.read(), '* Welcome, slow; 0 others are here')
        # The server prints it, and is read from meanwhile.
        sender = threading.Thread(target=ann.say, args=('ann', *['x' * 1000] * N_LINES, 'last'))
        sender.start()
        self.wait_for(self.server, 'ann: last')
        sender.join()
        return slow

    def leave(self, command, slow):
        self.type(self.server, command)
        self.wait_for(self.server, '* Leaving')
        heard = slow.file.read()
        output, errors, status = self.finish(self.server)
        self.assertEqual((errors, status), ('', 0))
        unsent = re.findall('^[*] ([0-9]+) lines were not sent to slow$', '\n'.join(output),
                            re.MULTILINE)
        return heard, int(unsent[0]) if unsent else 0

    def test_quit(self):
        """Each line was sent to its end, or is counted."""
        self.serve()
        heard, n_unsent = self.leave('/quit', self.fill())
        self.assertTrue(heard.endswith('\n'))
        self.assertGreater(n_unsent, 0)
        self.assertEqual(heard.count('\n') + n_unsent, N_LINES + 2)

    def test_quit_all(self):
        self.serve()
        heard, n_unsent = self.leave('/quit all', self.fill())
        self.assertTrue(heard.endswith('ann: last\n'))
        self.assertEqual((heard.count('\n'), n_unsent), (N_LINES + 2, 0))

    def test_quit_now(self):
        self.serve()
        heard, n_unsent = self.leave('/quit now', self.fill())
        self.assertEqual(heard.count('\n') + n_unsent, N_LINES + 2)

    def test_signal(self):
        self.serve()
        ann = self.join('ann', 0)
        self.server.send_signal(signal.SIGTERM)
        self.assertEqual(self.finish(self.server), (['* ann has come', '* Leaving'], '', 0))
        self.assertEqual(self.finish(ann), (['* The server has gone'], '', 0))

    def publish(self):
        """Serves peers, too, and returns the path of the socket."""
        path = f'{self.folder}/rpc'
        self.serve(f'--publish=unix://{path}')
        return path

    def test_topic(self):
        """Who has subscribed to the topic gets a value for each line."""
        subscriber = RawPeer(self, self.publish())
        ann = self.join('ann', 0)
        subscriber.subscribe('chat')
        self.type(ann, 'good news')
        self.wait_for(self.server, 'ann: good news')
        self.type(self.server, 'no news')
        self.type(self.server, '/quit')
        subscriber.expect([2, 'chat', [['ann', 'good news']]], [2, 'chat', [['server', 'no news']]])
        while subscriber.socket.recv(1000):
            pass

    def test_peers(self):
        """Those who come by MessagePack-RPC and by lines are in one room."""
        path = self.publish()
        ann, zoe = self.join('ann', 0), RawPeer(self, path)
        zoe.subscribe('chat', 'members')
        zoe.call('join', 'zoe')
        zoe.expect_result(['ann', 'zoe'])
        zoe.expect([2, 'members', [['ann', 'zoe']]])
        zoe.call('say', 'bell \x07')
        zoe.expect([2, 'chat', [['zoe', 'bell ?']]])
        zoe.expect_result(None)
        self.assertEqual(self.wait_for(ann, 'zoe: bell ?'), ['* zoe has come'])
        self.type(ann, 'hello')
        zoe.expect([2, 'chat', [['ann', 'hello']]])

        ben = self.join('ben', 2)
        zoe.expect([2, 'members', [['ann', 'ben', 'zoe']]])
        self.type(ben, '/quit')
        zoe.expect([2, 'members', [['ann', 'zoe']]])
        zoe.socket.close()
        self.wait_for(ann, '* zoe has gone')
        # The name is free again.
        other = RawPeer(self, path)
        other.call('join', 'Zoe')
        other.expect_result(['Zoe', 'ann'])

    def test_bad_peers(self):
        path = self.publish()
        ann, zoe, bad = self.join('ann', 0), RawPeer(self, path), RawPeer(self, path)
        bad.call('say', 'I am nobody')
        bad.expect_error('join first')
        zoe.call('join', 'zoe')
        zoe.expect_result(['ann', 'zoe'])
        for name, problem in [('ANN', 'the name is taken'), ('Zoe', 'the name is taken'),
                              ('server', 'the name is taken'), ('', 'a name has 1 to 20 characters'),
                              ('x' * 21, 'a name has 1 to 20 characters'),
                              ('a b', 'a name has letters, digits, - and _')]:
            bad.call('join', name)
            bad.expect_error(problem)
        bad.call('join', 'bad')
        bad.expect_result(['ann', 'bad', 'zoe'])
        bad.call('join', 'worse')
        bad.expect_error('you have joined already')
        for text in '', 'x' * 1025:
            bad.call('say', text)
            bad.expect_error('a text has 1 to 1024 bytes')
        bad.call('say', 'x' * 1024)
        bad.expect_result(None)
        self.wait_for(ann, f'bad: {"x" * 1024}')
        # The name is taken for lines, too.
        guest = self.connect()
        guest.say('BAD')
        self.assertEqual(guest.read(), '* No: the name is taken')
        bad.socket.sendall(b'\xc1')
        self.wait_for(ann, '* bad is lost')

    def test_deaf_peer(self):
        """Who does not read what the others say has to go."""
        path = self.publish()
        ann, deaf = self.connect(), RawPeer(self, path)
        deaf.subscribe('chat')
        deaf.call('join', 'deaf')
        deaf.expect_result(['deaf'])
        ann.say('ann')
        self.assertEqual(ann.read(), '* Welcome, ann; 1 others are here')
        sender = threading.Thread(target=ann.say, args=['x' * 1000] * N_LINES + ['last'])
        sender.start()
        awaited = {'* deaf is lost', 'ann: last'}
        while awaited:
            line = self.server.stdout.readline()
            self.assertNotEqual(line, '', f'before {awaited}')
            awaited.discard(line.strip())
        sender.join()

    def test_errors(self):
        for args, status in [(['--listen=tcp://x:y'], 1), (['--listen=a', '--name=x'], 2),
                             (['--publish=a'], 2), (['what'], 2),
                             ([f'--connect=unix://{self.folder}/nobody'], 1)]:
            process = subprocess.run([PROGRAM, *args], capture_output=True, text=True,
                                     stdin=subprocess.DEVNULL, timeout=DEADLINE)
            self.assertEqual((process.returncode, process.stdout), (status, ''))
            self.assertNotEqual(process.stderr, '')
        text = subprocess.run([PROGRAM, '--help'], check=True, text=True, stdout=subprocess.PIPE).stdout
        self.assertIn('--publish=ADDRESS', text)


if __name__ == '__main__':
    tap.main()
