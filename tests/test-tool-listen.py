# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the commands of the tool that stay connected or ask what there is: “methods”, “listen” and
“subscribe”."""

import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
import threading
import unittest

import msgpack

import tap
from tool_cases import *

REQUEST, RESPONSE, NOTIFICATION = range(3)
TIME = r'\d\d:\d\d:\d\d\.\d\d\d '
SERVER = BUILD / 'test-tool-server'
ANSWER = 'Nobody answers here: “msgpackrpc listen” only prints requests'


class Link:
    """One connection of a peer, in messages."""

    def __init__(self, conn):
        self.conn = conn
        self.unpacker = msgpack.Unpacker(strict_map_key=False)

    def send(self, *messages):
        self.conn.sendall(b''.join(map(msgpack.packb, messages)))

    def receive(self):
        while True:
            for message in self.unpacker:
                return message
            data = self.conn.recv(65536)
            if not data:
                raise EOFError('the tool has closed the connection')
            self.unpacker.feed(data)

    def answer(self, method, params, error=None, result=None):
        """Answers the request that must come next."""
        kind, msgid, *request = self.receive()
        if [kind, *request] != [REQUEST, method, params]:
            raise AssertionError(f'{request} came')
        self.send([RESPONSE, msgid, error, result])

    def wait_for_end(self):
        while self.conn.recv(65536):
            pass


def talking(*talks):
    """A peer that accepts a connection for each of the functions, one after the other."""
    listener = socket.create_server(('127.0.0.1', 0))
    listener.settimeout(DEADLINE)

    def serve(conn):
        talks[0](Link(conn))
        for talk in talks[1:]:
            conn.close()
            conn, _ = listener.accept()
            conn.settimeout(DEADLINE)
            talk(Link(conn))
        conn.close()

    return Peer(serve, listener)


def saying(*messages):
    """A peer that sends these, and keeps the connection."""
    def talk(link):
        link.send(*messages)
        link.wait_for_end()
    return talking(talk)


def discovery(answer):
    """A peer that answers rpc.discover."""
    def talk(link):
        link.answer('rpc.discover', [], result=answer)
        link.wait_for_end()
    return talking(talk)


class Running:
    """The tool, while it runs."""

    def __init__(self, *args, **settings):
        settings = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE} | settings
        self.process = subprocess.Popen([TOOL, *args], stdin=subprocess.DEVNULL, **settings)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def line(self):
        return self.process.stdout.readline().decode()

    def complaint(self):
        return self.process.stderr.readline().decode()

    def end(self, number=None):
        """The exit status, and the rest of what was printed."""
        if number is not None:
            self.process.send_signal(number)
        printed = [(text or b'').decode() for text in self.process.communicate(timeout=DEADLINE)]
        return self.process.returncode, *printed


class Listen(TestCase):
    def assert_lines(self, out, *lines):
        """Each line begins with the time."""
        printed = out.splitlines()
        self.assertEqual([re.sub(rf'\A{TIME}', 'T ', line) for line in printed],
                         [f'T {line}' for line in lines])

    def check(self, args, messages, *lines, **settings):
        """All lines come, then the count is reached."""
        with saying(*messages) as peer:
            status, out, err = run('listen', peer.address, *args, **settings)
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assert_lines(out, *lines)

    def test_notifications(self):
        self.check(['--count=3'],
                   [[NOTIFICATION, 'a', []], [NOTIFICATION, 'b', [1, {'x': b'\0'}]],
                    [NOTIFICATION, 'c', ['ä']], [NOTIFICATION, 'too late', []]],
                   'notification a []', 'notification b [1,{"x":{"$bin":"AA=="}}]',
                   'notification c ["ä"]')

    def test_requests_are_printed_and_refused(self):
        def talk(link):
            link.send([REQUEST, 7, 'add', [1, 2]])
            answers.append(link.receive())
            link.wait_for_end()

        answers = []
        with talking(talk) as peer, Running('listen', peer.address) as tool:
            self.assert_lines(tool.line(), 'request 7 add [1,2]')
            wait_until(lambda: answers)
            self.assertEqual(tool.end(signal.SIGINT), (SUCCESS, '', ''))
        self.assertEqual(answers, [[RESPONSE, 7, ANSWER, None]])

    def test_methods_that_match(self):
        messages = [[NOTIFICATION, name, []] for name in ('a', 'buf_x', 'b', 'buf_y', 'exit')]
        self.check(['-m', 'buf_*', '--method=exit', '--count=3'], messages,
                   'notification buf_x []', 'notification buf_y []', 'notification exit []')

    def test_what_does_not_match_is_answered(self):
        def talk(link):
            link.send([REQUEST, 1, 'no', []])
            answers.append(link.receive())
            link.send([NOTIFICATION, 'yes', []])
            link.wait_for_end()

        answers = []
        with talking(talk) as peer:
            status, out, _ = run('listen', '--method=yes', '--count=1', peer.address)
        self.assertEqual((status, answers), (SUCCESS, [[RESPONSE, 1, ANSWER, None]]))
        self.assert_lines(out, 'notification yes []')

    def test_formats(self):
        for name, text in {'json': '[1,"x"]', 'pretty': '[1, "x"]', 'hex': '92 01 a1 78',
                           'variant': "[<int64 1>, <'x'>]"}.items():
            self.check([f'--format={name}', '--count=1'], [[NOTIFICATION, 'm', [1, 'x']]],
                       f'notification m {text}')

    def test_lines_of_json(self):
        messages = [[NOTIFICATION, 'a', [1]], [REQUEST, 5, 'b', [None]]]
        with saying(*messages) as peer:
            status, out, err = run('listen', '--json', '--count=2', peer.address)
        self.assertEqual((status, err), (SUCCESS, ''))
        lines = [json.loads(line) for line in out.splitlines()]
        for line in lines:
            self.assertRegex(line.pop('time'), r'\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z')
        self.assertEqual(lines, [{'kind': 'notification', 'method': 'a', 'params': [1]},
                                 {'kind': 'request', 'id': 5, 'method': 'b', 'params': [None]}])

    def test_what_is_no_message_of_a_method(self):
        messages = [[RESPONSE, 0, [0, 'oops'], None], [9, 'x']]
        self.check(['--count=2'], messages, 'error [0,"oops"]', 'unknown [9,"x"]')
        self.check(['--count=1', '--method=*'], [*messages, [NOTIFICATION, 'm', []]],
                   'notification m []')

    def test_a_method_is_called_first(self):
        def talk(link):
            link.answer('attach', [1, {'a': None}])
            link.send([NOTIFICATION, 'm', []])
            link.wait_for_end()

        with talking(talk) as peer:
            status, out, _ = run('listen', '--count=1', peer.address, 'attach', '1', '{"a":null}')
        self.assertEqual(status, SUCCESS)
        self.assert_lines(out, 'notification m []')

    def test_the_method_fails(self):
        def talk(link):
            link.answer('attach', [], error=[0, 'no'])
            link.wait_for_end()

        with talking(talk) as peer:
            self.assert_run(['listen', peer.address, 'attach'], (REMOTE_ERROR, '', '[0,"no"]\n'))

    def test_interrupted(self):
        def talk(link):
            link.send([NOTIFICATION, 'm', []])
            link.wait_for_end()
            ended.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            ended = threading.Event()
            with talking(talk) as peer, Running('listen', peer.address) as tool:
                tool.line()
                self.assertEqual(tool.end(number), (SUCCESS, '', ''))
            self.assertTrue(ended.is_set())

    def test_interrupted_while_printing(self):
        """Nobody reads, and the pipe is full."""
        def is_full():
            waiting = fcntl.ioctl(tool.process.stdout, termios.FIONREAD, b'\0' * 4)
            return int.from_bytes(waiting, sys.byteorder) == size

        with saying([NOTIFICATION, 'm', ['x' * (1 << 20)]]) as peer:
            with Running('listen', peer.address) as tool:
                size = fcntl.fcntl(tool.process.stdout, fcntl.F_GETPIPE_SZ)
                wait_until(is_full)
                tool.process.send_signal(signal.SIGINT)
                self.assertEqual(tool.process.wait(DEADLINE), SUCCESS)

    def test_interrupted_while_connecting(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            listener.settimeout(DEADLINE)
            address = 'tls://127.0.0.1:%d' % listener.getsockname()[1]
            with Running('listen', address) as tool:
                conn, _ = listener.accept()
                with conn:
                    conn.settimeout(DEADLINE)
                    self.assertTrue(conn.recv(1))
                    self.assertEqual(tool.end(signal.SIGINT), (SUCCESS, '', ''))

    def test_peer_closes(self):
        with talking(lambda link: link.send([NOTIFICATION, 'm', []])) as peer:
            status, out, err = run('listen', peer.address)
        self.assertEqual(status, NO_ANSWER)
        self.assert_lines(out, 'notification m []')
        self.assertRegex(err, r'\Amsgpackrpc: [^\n]*closed[^\n]*\n\Z')

    def test_peer_closes_before_the_count_is_reached(self):
        with talking(lambda link: link.send([NOTIFICATION, 'm', []])) as peer:
            self.assertEqual(run('listen', '--count=2', peer.address)[0], NO_ANSWER)
        with talking(lambda link: link.send([NOTIFICATION, 'm', []])) as peer:
            self.assertEqual(run('listen', '--count=1', peer.address)[0], SUCCESS)

    def test_peer_closes_at_once(self):
        for _ in range(20):
            with talking(lambda link: None) as peer:
                self.assert_no_answer(['listen', peer.address], 'closed')

    def test_peer_is_broken(self):
        for data in (b'\x93\x02', b'HTTP/1.1 400 Bad Request\r\n\r\n', b'\xc1', b'\x05'):
            with talking(lambda link: link.conn.sendall(data)) as peer:
                self.assert_no_answer(['listen', peer.address])

    def test_not_connected(self):
        self.assert_no_answer(['listen', 'localhost:1'], 'refused')
        with socket.create_server(('127.0.0.1', 0)) as listener:
            address = 'tls://127.0.0.1:%d' % listener.getsockname()[1]
            self.assert_no_answer(['listen', '--timeout=0.2', address], 'Timed out')

    def test_timeout_is_that_of_connecting(self):
        with saying([NOTIFICATION, 'm', []]) as peer:
            with Running('listen', '--timeout=1', peer.address) as tool:
                self.assert_lines(tool.line(), 'notification m []')
                with self.assertRaises(subprocess.TimeoutExpired):
                    tool.process.wait(1.2)
                self.assertEqual(tool.end(signal.SIGINT)[0], SUCCESS)

    def test_a_program(self):
        command = r'''exec:sh -c "printf '\223\002\241m\221\001'; cat >/dev/null"'''
        status, out, err = run('listen', '--count=1', command)
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assert_lines(out, 'notification m [1]')

    def test_interrupted_with_a_program(self):
        """A terminal interrupts both, and it does not matter who is the first."""
        command = r'''exec:sh -c "printf '\223\002\241m\221\001'; exec cat >/dev/null"'''
        for _ in range(20):
            with Running('listen', command, start_new_session=True) as tool:
                tool.line()
                os.killpg(tool.process.pid, signal.SIGINT)
                self.assertEqual(tool.end(), (SUCCESS, '', ''))

    def test_a_program_ends(self):
        status, out, err = run('listen', 'exec:sh -c "echo why >&2; exit 3"')
        self.assertEqual((status, out), (NO_ANSWER, ''))
        self.assertIn('status 3', err)
        self.assertIn('why', err)

    def test_large(self):
        text = 'x' * (8 << 20)
        self.check(['--count=1'], [[NOTIFICATION, 'm', [text]]], f'notification m ["{text}"]')

    def test_bad_arguments(self):
        for args, message in {
            (): 'No address given',
            ('--count=-2', 'localhost:1'): 'The count must be more than 0',
            ('--count=0', 'localhost:1'): 'The count must be more than 0',
            ('--json', '--format=hex', 'localhost:1'): '“--json” and “--format” exclude each other',
            ('localhost:1', 'm', '['): 'Argument 1: At character 2: The text ends too early',
        }.items():
            self.assert_usage(['listen', *args], message, 'msgpackrpc listen')


class BadAddress(TestCase):
    def test_address(self):
        for command, *rest in (['listen'], ['subscribe', 'topic'], ['methods']):
            for address in ('localhost:', 'tcp://host', 'exec:"'):
                status, out, err = run(command, address, *rest)
                self.assertEqual((status, out), (USAGE, ''))
                self.assertIn(f'Address “{address}” is not valid: ', err)


class HostilePeer(TestCase):
    EVIL = 'a\x1b]0;x\x07\r\nb\u202e\x9b\x7f'
    ESCAPED = r'a\u001b]0;x\u0007\u000d\u000ab\u202e\u009b\u007f'

    def assert_harmless(self, text):
        self.assertRegex(text, r'\A[^\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]*\Z')

    def test_listen(self):
        with saying([NOTIFICATION, self.EVIL, [self.EVIL]],
                    [REQUEST, 1, self.EVIL, {self.EVIL: 1}]) as peer:
            status, out, err = run('listen', '--count=2', peer.address)
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assert_harmless(out)
        self.assertEqual(out.count('\n'), 2)
        self.assertIn(f'notification {self.ESCAPED} [', out)

    def test_formats(self):
        for name in ('json', 'pretty', 'hex', 'variant'):
            with saying([NOTIFICATION, 'm', {self.EVIL: [self.EVIL]}]) as peer:
                status, out, _ = run('listen', '--count=1', f'--format={name}', peer.address)
            self.assertEqual(status, SUCCESS)
            self.assert_harmless(out)

    def test_errors(self):
        def talk(link):
            link.answer('rpc.subscribe', ['t'], error=self.EVIL)
            link.wait_for_end()

        with talking(talk) as peer:
            status, out, err = run('subscribe', peer.address, 't')
        self.assertEqual((status, out), (REMOTE_ERROR, ''))
        self.assert_harmless(err)
        self.assertEqual(err.count('\n'), 1)

    def test_names_that_are_no_text(self):
        for data in (b'\x93\x02\xa1\xff\x90', b'\x93\x02\xc4\x01\xff\x90', b'\x93\x02\xa2a\0\x90'):
            for args in ([], ['--json'], ['--method=*']):
                with talking(lambda link: link.conn.sendall(data)) as peer:
                    status, out, _ = run('listen', *args, peer.address)
                self.assertEqual(status, NO_ANSWER)
                self.assert_harmless(out)

    def test_program(self):
        _, _, err = run('listen', r'''exec:sh -c "printf '\033[31mx\n' >&2; exit 3"''')
        complaint = err[err.index('msgpackrpc: '):]
        self.assert_harmless(complaint)

    def test_methods(self):
        answer = {'version': self.EVIL, 'description': self.EVIL,
                  'methods': [{'name': self.EVIL, 'params': self.EVIL, 'param_names': [self.EVIL],
                               'result': self.EVIL, 'doc': self.EVIL, 'flags': [self.EVIL]}],
                  'topics': [{'name': self.EVIL, 'signature': self.EVIL, 'doc': self.EVIL}]}
        with discovery(answer) as peer:
            status, out, err = run('methods', peer.address)
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assert_harmless(out)
        self.assertGreaterEqual(out.count('\\u001b'), 8)

    def test_methods_of_any_form(self):
        deep = '(' * 100 + 'i' + ')' * 100
        for methods in ([], [1, None, 'x', [], {}], [{'name': 5}], [{1: 2}],
                        [{'name': 'm', 'params': 1, 'param_names': {}, 'flags': {'a': 1},
                          'doc': [], 'result': {}}],
                        [{'name': 'm', 'params': deep, 'param_names': [1, [], None]}],
                        [{'name': 'm', 'params': '(' * 1000, 'result': 'ii'}],
                        [{'name': 'm', 'params': '(iii)', 'param_names': ['a'] * 9}],
                        [{'name': 'm', 'params': 'a?', 'result': '*'}],
                        [{'name': 'm', 'params': '(r*)', 'result': 'r'}]):
            for topics in (None, 5, methods):
                with discovery({'methods': methods, 'topics': topics}) as peer:
                    status, _, err = run('methods', peer.address)
                self.assertEqual((status, err), (SUCCESS, ''), methods)


class Output(TestCase):
    def test_nobody_reads(self):
        # It may find that out before it has connected.
        with socket.create_server(('127.0.0.1', 0)) as listener:
            reader, writer = os.pipe()
            with Running('listen', 'tcp://127.0.0.1:%d' % listener.getsockname()[1],
                         stdout=writer) as tool:
                os.close(writer)
                os.close(reader)
                self.assertEqual(tool.end(), (NO_ANSWER, '', ''))

    def test_nobody_reads_on(self):
        def talk(link):
            with contextlib.suppress(ConnectionError):
                while True:
                    link.send([NOTIFICATION, 'm', ['x' * 1000]])

        with talking(talk) as peer, Running('listen', peer.address) as tool:
            tool.line()
            tool.process.stdout.close()
            self.assertEqual(tool.process.wait(DEADLINE), NO_ANSWER)
            self.assertEqual(tool.process.stderr.read(), b'')

    def test_nobody_reads_the_result(self):
        reader, writer = os.pipe()
        os.close(reader)
        with answering('m', b'\x90') as peer:
            self.assert_run(['call', peer.address, 'm'], (NO_ANSWER, '', ''), stdout=writer)
        os.close(writer)

    def test_closed(self):
        """Nothing that was printed is sent."""
        script = 'exec "$0" "$@" >&- 2>&-'
        with answering('m', b'\x90', result=string('result')) as peer:
            process = subprocess.run(['sh', '-c', script, TOOL, 'call', peer.address, 'm'],
                                     timeout=DEADLINE, check=False)
        self.assertEqual((process.returncode, peer.rest), (NO_ANSWER, b''))

    @unittest.skipUnless(os.path.exists('/dev/full'), 'there is no /dev/full')
    def test_no_room(self):
        with saying([NOTIFICATION, 'm', []]) as peer, open('/dev/full', 'wb') as full:
            status, _, err = run('listen', peer.address, stdout=full)
        self.assertEqual(status, NO_ANSWER)
        self.assertIn('Could not write', err)

    def on_terminal(self, *args, **variables):
        environment = {'TERM': 'xterm'} | variables
        ours, theirs = pty.openpty()
        try:
            with saying([NOTIFICATION, 'm', [1]]) as peer:
                status, _, _ = run('listen', '--count=1', *args, peer.address, stdout=theirs,
                                   env=os.environ | environment)
            self.assertEqual(status, SUCCESS)
            return os.read(ours, 65536).decode()
        finally:
            os.close(ours)
            os.close(theirs)

    def test_colours(self):
        os.environ.pop('NO_COLOR', None)
        self.assertIn('\x1b[1mm\x1b[0m [\x1b[36m1\x1b[0m]', self.on_terminal())
        for args, variables in ((['--color=never'], {}), ([], {'TERM': 'dumb'}),
                                ([], {'NO_COLOR': '1'})):
            self.assertNotIn('\x1b', self.on_terminal(*args, **variables))
        self.assertIn('\x1b', self.on_terminal('--color=always', NO_COLOR='1'))
        with saying([NOTIFICATION, 'm', [1]]) as peer:
            self.assertNotIn('\x1b', run('listen', '--count=1', peer.address)[1])

    def test_colours_of_errors(self):
        """Each stream is looked at for itself."""
        ours, theirs = pty.openpty()
        with answering('m', b'\x90', error=b'\x01') as peer:
            status, _, _ = run('call', peer.address, 'm', stderr=theirs,
                               env=os.environ | {'TERM': 'xterm'})
        self.assertEqual(status, REMOTE_ERROR)
        self.assertIn('\x1b[36m1\x1b[0m', os.read(ours, 65536).decode())
        os.close(ours)
        os.close(theirs)


class Subscribe(TestCase):
    def publishing(self, topic, *values):
        def talk(link):
            link.answer('rpc.subscribe', [topic])
            link.send(*([NOTIFICATION, topic, [value]] for value in values))
        return talk

    def lasting(self, talk):
        def talk_on(link):
            talk(link)
            link.wait_for_end()
        return talk_on

    def test_values(self):
        with talking(self.lasting(self.publishing('t', 1, {'a': [2]}, None))) as peer:
            status, out, err = run('subscribe', '--count=3', peer.address, 't')
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertRegex(out, rf'\A{TIME}t 1\n{TIME}t {{"a":\[2\]}}\n{TIME}t null\n\Z')

    def test_lines_of_json(self):
        with talking(self.lasting(self.publishing('t', b'\0'))) as peer:
            status, out, _ = run('subscribe', '--count=1', '--json', peer.address, 't')
        line = json.loads(out)
        self.assertRegex(line.pop('time'), 'T.*Z')
        self.assertEqual((status, line), (SUCCESS, {'topic': 't', 'value': {'$bin': 'AA=='}}))

    def test_several_topics(self):
        def talk(link):
            self.publishing('a', 1)(link)
            self.publishing('b', 2)(link)
            link.wait_for_end()

        with talking(talk) as peer:
            status, out, _ = run('subscribe', '--count=2', peer.address, 'a', 'b', 'a')
        self.assertEqual(status, SUCCESS)
        self.assertRegex(out, rf'\A{TIME}a 1\n{TIME}b 2\n\Z')

    def test_no_such_topic(self):
        def talk(link):
            link.answer('rpc.subscribe', ['t'], error='There is no topic “t”')
            link.wait_for_end()

        with talking(talk) as peer:
            self.assert_run(['subscribe', peer.address, 't'],
                            (REMOTE_ERROR, '',
                             'msgpackrpc: Could not subscribe to “t”: There is no topic “t”\n'))

    def test_no_answer(self):
        with saying() as peer:
            self.assert_no_answer(['subscribe', '--timeout=0.2', peer.address, 't'], '“t”')

    def test_not_connected(self):
        self.assert_no_answer(['subscribe', 'localhost:1', 't'], 'refused')

    def test_connects_again(self):
        with talking(self.publishing('t', 1), self.lasting(self.publishing('t', 2))) as peer:
            with Running('subscribe', '--count=2', peer.address, 't') as tool:
                self.assertRegex(tool.line(), 't 1\n')
                self.assertRegex(tool.complaint(), 'The connection is lost, and tried again: ')
                self.assertEqual(tool.complaint(), 'msgpackrpc: Connected again\n')
                status, out, err = tool.end()
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertRegex(out, 't 2\n')

    def test_interrupted_while_connecting_again(self):
        with talking(self.publishing('t', 1)) as peer:
            tool = Running('subscribe', peer.address, 't')
            tool.line()
        with tool:
            self.assertRegex(tool.complaint(), 'The connection is lost')
            self.assertEqual(tool.end(signal.SIGINT), (SUCCESS, '', ''))

    def test_topic_is_gone_after_connecting_again(self):
        def refuse(link):
            link.answer('rpc.subscribe', ['t'], error='gone')
            link.wait_for_end()

        with talking(self.publishing('t'), refuse) as peer:
            status, out, err = run('subscribe', peer.address, 't')
        self.assertEqual((status, out), (REMOTE_ERROR, ''))
        self.assertIn('Could not subscribe to “t”: gone\n', err)

    def test_does_not_connect_again(self):
        with talking(self.publishing('t', 1)) as peer:
            status, out, err = run('subscribe', '--no-reconnect', peer.address, 't')
        self.assertEqual(status, NO_ANSWER)
        self.assertRegex(out, 't 1\n')
        self.assertRegex(err, r'\Amsgpackrpc: [^\n]*closed[^\n]*\n\Z')

    def test_bad_arguments(self):
        for args, message in {(): 'No address and no topic given',
                              ('localhost:1',): 'No topic given'}.items():
            self.assert_usage(['subscribe', *args], message, 'msgpackrpc subscribe')


class Methods(TestCase):
    ANSWER = {
        'version': '1.2', 'description': 'Adds.\n\nAnd more.\n',
        'methods': [
            {'name': 'add', 'params': '(xx)', 'param_names': ['a', 'b'], 'result': 'x',
             'doc': 'Adds two.\nExactly.', 'flags': ['named-params']},
            {'name': 'any', 'params': None, 'param_names': [], 'result': None, 'doc': None,
             'flags': []},
            {'name': 'find', 'params': '(smua{sv}a(dy)ay)', 'param_names': ['text', 'limit'],
             'result': 'as', 'doc': None, 'flags': []},
            {'name': 'list', 'params': 'ai', 'param_names': [], 'result': 'mb', 'flags': []},
            {'name': 'named', 'params': None, 'param_names': ['x', 'y']},
        ],
        'topics': [{'name': 'prices', 'signature': '(sd)', 'doc': 'In euros.'},
                   {'name': 'plain', 'signature': None, 'doc': None}],
    }
    TEXT = '''Version: 1.2
Adds.

And more.

Methods:
add (a: int, b: int) → int [named-params]
    Adds two.
    Exactly.
any (…)
find (text: str, limit: int?, {str: any}, [(float, int)], bin) → [str]
list ([int]) → bool?
named (x, y)

Topics:
prices: (str, float)
    In euros.
plain
'''

    def check(self, args, *expected):
        with discovery(self.ANSWER) as peer:
            self.assert_run(['methods', peer.address, *args], expected)

    def test_discovery(self):
        self.check([], SUCCESS, self.TEXT, '')

    def test_pattern(self):
        self.check(['*n*'], SUCCESS, 'Methods:\nany (…)\nfind (text: str, limit: int?, '
                   '{str: any}, [(float, int)], bin) → [str]\nnamed (x, y)\n\nTopics:\nplain\n', '')
        self.check(['nothing'], SUCCESS, '',
                   'msgpackrpc: Nothing that the peer offers matches “nothing”\n')

    def test_formats(self):
        self.check(['--format=json'], SUCCESS,
                   json.dumps(self.ANSWER, separators=(',', ':')) + '\n', '')
        self.check(['--format=hex'], SUCCESS, msgpack.packb(self.ANSWER).hex(' ') + '\n', '')

    def test_neovim_form(self):
        def talk(link):
            link.answer('rpc.discover', [], error=[0, 'Invalid method: rpc.discover'])
            link.answer('nvim_get_api_info', [], result=[1, {'functions': [
                {'name': 'nvim_a', 'parameters': [['Buffer', 'buffer'], ['Integer', 'n']],
                 'return_type': 'ArrayOf(String)', 'since': 1, 'method': True},
                {'name': 'nvim_b', 'parameters': [], 'return_type': 'void', 'since': 1,
                 'deprecated_since': 2}, 5, {'name': 'x', 'parameters': [5, [], {}]}]}])
            link.wait_for_end()

        with talking(talk) as peer:
            self.assert_run(['methods', peer.address], (SUCCESS, '''Methods:
nvim_a (buffer: Buffer, n: Integer) → ArrayOf(String) [since 1]
nvim_b () [since 1] [deprecated since 2]
x (?: ?, ?: ?, ?: ?)
''', ''))

    def test_neither(self):
        def talk(link):
            link.answer('rpc.discover', [], error='no')
            link.answer('nvim_get_api_info', [], error='no')
            link.wait_for_end()

        with talking(talk) as peer:
            self.assert_run(['methods', peer.address],
                            (REMOTE_ERROR, '', 'msgpackrpc: The peer does not tell what it offers: '
                             'it has neither “rpc.discover” nor “nvim_get_api_info”\n'))

    def test_another_form(self):
        for answer in (None, [1, 2], {'methods': 5}, {}):
            with discovery(answer) as peer:
                self.assert_no_answer(['methods', peer.address], 'has another form')

    def test_no_answer(self):
        with saying() as peer:
            self.assert_no_answer(['methods', '--timeout=0.2', peer.address])
        with talking(lambda link: link.answer('rpc.discover', [], error='no')) as peer:
            self.assert_no_answer(['methods', peer.address], 'closed')
        self.assert_no_answer(['methods', 'localhost:1'], 'refused')

    def test_bad_arguments(self):
        for args, message in {
            (): 'No address given', ('a:1', 'b', 'c'): 'Too many arguments',
            ('a:1', 'b', '--format=hex'): 'A pattern and “--format” exclude each other: that prints '
                                          'all',
        }.items():
            self.assert_usage(['methods', *args], message, 'msgpackrpc methods')


class Library(TestCase):
    """A server of this library."""

    def start(self):
        process = subprocess.Popen([SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lambda: process.communicate(timeout=DEADLINE))
        return process.stdout.readline().decode().rstrip('\n')

    def test_methods(self):
        status, out, err = run('methods', self.start())
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertIn('\nadd (int, int)\n', out)
        self.assertTrue(out.endswith('\n\nTopics:\nprices: {str: float}\n'
                                     '    What things cost.\n    In euros.\n'), out)

    def test_topics(self):
        address = self.start()
        with Running('subscribe', '--count=1', address, 'prices') as tool:
            # The tool does not say when it has subscribed.
            publish = ('call', address, 'publish', '{"tea":1.5}')
            while tool.process.poll() is None:
                self.assertEqual(run(*publish)[0], SUCCESS)
            status, out, err = tool.end()
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertRegex(out, rf'\A{TIME}prices {{"tea":1.5}}\n\Z')

    def test_no_such_topic(self):
        self.assert_run(['subscribe', self.start(), 'price'],
                        (REMOTE_ERROR, '', 'msgpackrpc: Could not subscribe to “price”: '
                         'There is no topic “price”\n'))


@needs_nvim
class Neovim(TestCase):
    ADDRESS = 'exec:nvim --clean --embed --headless'

    def test_methods(self):
        status, out, err = run('methods', self.ADDRESS, 'nvim_buf_line_count')
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertRegex(out, r'\AMethods:\nnvim_buf_line_count \(buffer: Buffer\) → Integer')

    def test_listen(self):
        status, out, err = run('listen', '--count=1', self.ADDRESS, 'nvim_command',
                               '"call rpcnotify(1, \'event\', 1, [2])"')
        self.assertEqual((status, err), (SUCCESS, ''))
        self.assertRegex(out, rf'\A{TIME}notification event \[1,\[2\]\]\n\Z')

    def test_subscribe(self):
        status, out, err = run('subscribe', self.ADDRESS, 'event')
        self.assertEqual((status, out), (REMOTE_ERROR, ''))
        self.assertIn('Invalid method: rpc.subscribe', err)


if __name__ == '__main__':
    tap.main()
