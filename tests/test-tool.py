# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs the command-line tool against peers of raw bytes, a server of the library, and Neovim."""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import time
import unittest

import tap
from tool_cases import *

SERVER = BUILD / 'test-tool-server'

# Each form that a value has, as it is printed, and its bytes.
VALUES = {
    'null': 'c0',
    'false': 'c2',
    'true': 'c3',
    '0': '00',
    '-1': 'ff',
    '-129': 'd1 ff 7f',
    '9007199254740993': 'cf 00 20 00 00 00 00 00 01',
    '9223372036854775807': 'cf 7f ff ff ff ff ff ff ff',
    '9223372036854775808': 'cf 80 00 00 00 00 00 00 00',
    '18446744073709551615': 'cf ff ff ff ff ff ff ff ff',
    '-9223372036854775808': 'd3 80 00 00 00 00 00 00 00',
    '1.0': 'cb 3f f0 00 00 00 00 00 00',
    '-0.0': 'cb 80 00 00 00 00 00 00 00',
    '0.1': 'cb 3f b9 99 99 99 99 99 9a',
    '1e+300': 'cb 7e 37 e4 3c 88 00 75 9c',
    '{"$float":"nan"}': 'cb 7f f8 00 00 00 00 00 00',
    '{"$float":"inf"}': 'cb 7f f0 00 00 00 00 00 00',
    '{"$float":"-inf"}': 'cb ff f0 00 00 00 00 00 00',
    '{"$float":"fff8000000000000"}': 'cb ff f8 00 00 00 00 00 00',
    '""': 'a0',
    '"Grüße, 世界 🚀"': 'b4 47 72 c3 bc c3 9f 65 2c 20 e4 b8 96 e7 95 8c 20 f0 9f 9a 80',
    r'"\"\\\n\u001b[31m\u009b"': 'aa 22 5c 0a 1b 5b 33 31 6d c2 9b',
    '{"$raw":"/w=="}': 'a1 ff',
    '{"$raw":"YQBi"}': 'a3 61 00 62',
    '{"$bin":""}': 'c4 00',
    '{"$bin":"AP8="}': 'c4 02 00 ff',
    '{"$ext":[5,"AQID"]}': 'c7 03 05 01 02 03',
    '{"$ext":[-1,"ZAAAAA=="]}': 'd6 ff 64 00 00 00',
    '[]': '90',
    '[1,["two",[null]]]': '92 01 92 a3 74 77 6f 91 c0',
    '{}': '80',
    '{"b":1,"a":{"":[2]}}': '82 a1 62 01 a1 61 81 a0 91 02',
    '{"$map":[[1,2]]}': '81 01 02',
    '{"$map":[[null,1],["a",{"$bin":""}]]}': '82 c0 01 a1 61 c4 00',
    '{"$map":[["a",1],["a",2]]}': '82 a1 61 01 a1 61 02',
    '{"$map":[["$bin","AA=="]]}': '81 a4 24 62 69 6e a4 41 41 3d 3d',
    '{"$bin":"AA==","a":1}': '82 a4 24 62 69 6e a4 41 41 3d 3d a1 61 01',
}
VALUES = {text: bytes.fromhex(digits) for text, digits in VALUES.items()}

# Other ways to write values.
READ_ONLY = {
    '-0': '00',
    ' [ 1 , 2 ] ': '92 01 02',
    '1e2': 'cb 40 59 00 00 00 00 00 00',
    r'"\u00e4\ud83d\ude80\/"': 'a7 c3 a4 f0 9f 9a 80 2f',
    '{"$uint":"18446744073709551615"}': 'cf ff ff ff ff ff ff ff ff',
    '{"$map":[]}': '80',
    '{"$raw":"YQ=="}': 'a1 61',
}
READ_ONLY = {text: bytes.fromhex(digits) for text, digits in READ_ONLY.items()}


class Usage(TestCase):
    def test_no_command(self):
        names = ', '.join(commands())
        self.assert_usage([], f'No command given; the commands are: {names}', 'msgpackrpc')

    def test_unknown_command(self):
        names = ', '.join(commands())
        self.assert_usage(['cal', 'localhost:1', 'm'],
                          f'Unknown command “cal”; the commands are: {names}', 'msgpackrpc')

    def test_missing_arguments(self):
        for command in ('call', 'notify'):
            name = f'msgpackrpc {command}'
            self.assert_usage([command], 'No address and no method given', name)
            self.assert_usage([command, '--'], 'No address and no method given', name)
            self.assert_usage([command, 'localhost:1'], 'No method given', name)
            self.assert_usage([command, '--timeout', '5', 'localhost:1'], 'No method given', name)

    def test_unknown_option(self):
        self.assert_usage(['--wrong'], 'Unknown option --wrong', 'msgpackrpc')
        for option in ('--wrong', '--wrong=1', '-w', '-a5', '-.5'):
            self.assert_usage(['call', option, 'localhost:1', 'm'], f'Unknown option “{option}”')
            self.assert_usage(['call', 'localhost:1', 'm', option], f'Unknown option “{option}”')

    def test_timeout(self):
        for text in ('0', '-1', 'nan', '-inf'):
            self.assert_usage(['call', f'--timeout={text}', 'localhost:1', 'm'],
                              'The timeout must be more than 0 seconds')
        for text in ('', 'x', '1x'):
            status, out, err = run('call', 'localhost:1', 'm', f'--timeout={text}')
            self.assertEqual((status, out), (USAGE, ''))
            self.assertIn('--timeout', err)

    def test_bad_json(self):
        for text, message in {
            '': 'At character 1: The text ends too early',
            '[1,': 'At character 4: The text ends too early',
            'text': 'At character 1: Unknown word; a string must be in double quotes, '
                    'in a shell \'"text"\'',
            '[1 2]': 'At character 4: Unexpected “2”',
            '012': 'At character 2: Unexpected “1”',
            '[' * 100000: 'At character 65: Nested deeper than 64 levels',
            '18446744073709551616': 'At character 1: The integer does not fit into 64 bits',
            '"\\u0000"':
                'At character 2: A string with a NUL must be written as {"$raw": BASE64}',
            '{"$bin":"?"}': '“$bin” takes a string in base64',
            '{"$new":1}': '“$new” has no meaning here; '
                          'write {"$map": [[NAME, VALUE]]} for a map with that one name',
            '{"a":1,"a":2}': 'The name “a” occurs twice in an object; '
                             'write {"$map": [[NAME, VALUE], …]}',
        }.items():
            self.assert_usage(['call', 'localhost:1', 'm', '1', text], f'Argument 2: {message}')

    def test_bad_variant(self):
        status, out, err = run('call', '--variant', 'localhost:1', 'm', '1', "[1, 'a']")
        self.assertEqual((status, out), (USAGE, ''))
        self.assertIn('msgpackrpc: Argument 2: ', err)
        self.assertIn("[1, 'a']", err)

    def test_variant_that_cannot_be_sent(self):
        status, out, err = run('call', '--variant', 'localhost:1', 'm', 'handle 1')
        self.assertEqual((status, out), (USAGE, ''))
        self.assertIn('handle', err)

    def test_value_without_such_a_form(self):
        for option, value, message in [
            ('--legacy-raw', '{"$ext":[5,"AQID"]}', 'the legacy form has no extension values'),
            ('--float32', '1e300', '1.0000000000000001e+300 is too large for a 32-bit float'),
        ]:
            self.assert_usage(['call', option, 'localhost:1', 'm', value],
                              f'Value cannot be written as MessagePack: {message}')

    def test_value_that_is_too_deep(self):
        value = '{"a":' * 64 + '1' + '}' * 64
        status, out, err = run('call', 'localhost:1', 'm', value)
        self.assertEqual((status, out), (USAGE, ''))
        self.assertIn('nested', err.lower())

    def test_bad_options(self):
        for args, message in {
            ('--color=blue',): '“blue” is neither “auto” nor “always” nor “never”',
            ('--format=xml',): 'Unknown format “xml”; the formats are: json, pretty, variant, hex',
        }.items():
            self.assert_usage(['call', *args, 'localhost:1', 'm'], message)
        self.assertRegex(run('call', '--profile=x', 'localhost:1', 'm')[2],
                         'Unknown value “x” of “--profile”; the values are: tolerant, ')

    def test_files_that_are_not_there(self):
        for args in (['m', '@/nowhere'], ['--tls-ca=/nowhere', 'm'], ['--token=/nowhere', 'm'],
                     ['--tls-certificate=/nowhere', 'm']):
            status, out, err = run('call', 'tls://localhost:1', *args)
            self.assertEqual((status, out), (USAGE, ''))
            self.assertIn('/nowhere', err)

    def test_standard_input(self):
        self.assert_run(['call', 'localhost:1', 'm', '-', '-'],
                        (USAGE, '', 'msgpackrpc: Argument 2: Standard input can be one argument only\n'
                                    'Try “msgpackrpc call --help”\n'), input=b'1')
        self.assert_run(['call', 'localhost:1', 'm', '-'],
                        (USAGE, '', 'msgpackrpc: Argument 1: It is not a text in UTF-8\n'
                                    'Try “msgpackrpc call --help”\n'), input=b'1\0')

    def test_not_utf8(self):
        for args in ([b'\xff', 'm'], ['localhost:1', b'\xff'], ['localhost:1', 'm', b'"\xff"']):
            self.assert_usage(['call', *args], 'An argument is not UTF-8')

    def test_bad_address(self):
        for command in ('call', 'notify'):
            for address, part in {'bad://x': '“bad”', 'localhost:x': '“x”', '': 'port'}.items():
                status, out, err = run(command, address, 'm')
                self.assertEqual((status, out), (USAGE, ''))
                self.assertIn(f'“{address}”', err)
                self.assertIn(part, err)
                self.assertEqual(err.count('\n'), 1, err)

    def test_nothing_is_sent(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            address = '127.0.0.1:%d' % listener.getsockname()[1]
            self.assertEqual(run('call', address, 'm', '[')[0], USAGE)
            self.assertEqual(run('notify', address, 'm', '[')[0], USAGE)
            listener.setblocking(False)
            with self.assertRaises(BlockingIOError):
                listener.accept()


class Help(TestCase):
    def help_of(self, *args):
        status, out, err = run(*args)
        self.assertEqual((status, err), (SUCCESS, ''))
        return out

    def test_version(self):
        self.assertRegex(self.help_of('--version'), r'\Amsgpackrpc \d+\.\d+\.\d+\n\Z')
        with open('/dev/full', 'w') as full:
            status, _, err = run('--version', stdout=full)
        self.assertEqual(status, NO_ANSWER)
        self.assertIn('Could not write the result', err)

    def test_all(self):
        for option in ('--help', '-h'):
            out = self.help_of(option)
            self.assertIn('msgpackrpc [OPTION…] COMMAND [ARG…]', out)
            self.assertRegex(out, r'\n  call +Call a method')
            self.assertRegex(out, r'\n  notify +Send a notification')

    def test_each_command(self):
        for command in ('call', 'notify'):
            for args in (['--help'], ['-h'], ['localhost:1', 'm', '--help']):
                out = self.help_of(command, *args)
                self.assertIn(f'msgpackrpc {command} [OPTION…] ADDRESS METHOD [ARG…]', out)
                for option in ('--color', '--float32', '--legacy-raw', '--profile',
                               '--timeout=SECONDS', '--tls-ca=FILE', '--tls-certificate=FILE',
                               '--token=FILE', '--variant'):
                    self.assertIn(option, out)
                self.assertEqual('--format=' in out, command == 'call')

    def test_manual_and_completion_have_each_word(self):
        manual = (TOOLS / 'msgpackrpc.1').read_text().replace('\\-', '-')
        completion = (TOOLS / 'msgpackrpc.bash').read_text()
        general = self.help_of('--help')
        self.assertEqual(commands()[:2], ['call', 'notify'])
        words = commands() + re.findall(r'--[\w-]+', general.partition('Commands:')[0])
        for command in commands():
            words += re.findall(r' (--[\w-]+)', self.help_of(command, '--help'))
        for word in words:
            for text in (manual, completion):
                self.assertTrue(re.search(rf'(?<![\w-]){word}(?![\w-])', text), word)


class Call(TestCase):
    def test_arguments_are_sent_as_these_bytes(self):
        for text, packed in (VALUES | READ_ONLY).items():
            with self.subTest(text), answering('m', array(packed)) as peer:
                self.assert_run(['call', peer.address, 'm', text], (SUCCESS, 'null\n', ''))

    def test_results_are_printed_as_this_text(self):
        for text, packed in VALUES.items():
            with self.subTest(text), answering('m', array(), result=packed) as peer:
                self.assert_run(['call', peer.address, 'm'], (SUCCESS, text + '\n', ''))
                json.loads(text)

    def test_any_number_of_arguments(self):
        params = array(b'\x01', string('a'), array(), NIL)
        with answering('größe', params) as peer:
            self.assert_run(['call', peer.address, 'größe', '1', '"a"', '[]', 'null'],
                            (SUCCESS, 'null\n', ''))

    def test_options_anywhere(self):
        params = array(b'\xff', b'\xfe')
        for args in (['--timeout', '9', 'm', '-1', '-2'], ['m', '-1', '-2', '-t', '9'],
                     ['m', '-1', '--timeout=9', '-2'], ['m', '--timeout=inf', '--', '-1', '-2']):
            with self.subTest(args), answering('m', params) as peer:
                self.assert_run(['call', peer.address, *args], (SUCCESS, 'null\n', ''))

    def test_what_follows_two_dashes_is_no_option(self):
        with answering('--variant', array()) as peer:
            self.assert_run(['call', '--', peer.address, '--variant'], (SUCCESS, 'null\n', ''))
        with answering('m', array()) as peer:
            self.assert_usage(['call', peer.address, 'm', '--', '--variant'],
                              'Argument 1: At character 2: Unexpected “-”')
            self.assertEqual(run('call', peer.address, 'm')[0], SUCCESS)

    def test_variants(self):
        for text, packed in {
            '-1': 'ff',
            'uint64 18446744073709551615': 'cf ff ff ff ff ff ff ff ff',
            '(1, "a")': '92 01 a1 61',
            "{'a': <1>, 'b': <@mv nothing>}": '82 a1 61 01 a1 62 c0',
            '{1: 2}': '81 01 02',
            "b'ab'": 'c4 03 61 62 00',
            '<<true>>': 'c3',
        }.items():
            with self.subTest(text), answering('m', array(bytes.fromhex(packed))) as peer:
                self.assert_run(['call', '--variant', peer.address, 'm', text],
                                (SUCCESS, 'null\n', ''))

    def test_dialects(self):
        text = b'x' * 32
        for options, packed in [
            ([], array(b'\xd9\x20' + text, b'\xc4\x01\xff', bytes.fromhex('cb 3ff8000000000000'))),
            (['--legacy-raw'],
             array(b'\xda\0\x20' + text, b'\xa1\xff', bytes.fromhex('cb 3ff8000000000000'))),
            (['--float32', '--legacy-raw'],
             array(b'\xda\0\x20' + text, b'\xa1\xff', bytes.fromhex('ca 3fc00000'))),
        ]:
            with self.subTest(options), answering('m', packed) as peer:
                self.assert_run(['call', *options, peer.address, 'm', f'"{text.decode()}"',
                                 '{"$bin":"/w=="}', '1.5'], (SUCCESS, 'null\n', ''))

    def test_arguments_from_elsewhere(self):
        file = self.make_folder() / 'arg'
        file.write_text('[1,\n 2]\n')
        with answering('m', array(b'\x92\x01\x02', b'\x03')) as peer:
            self.assert_run(['call', peer.address, 'm', f'@{file}', '-'], (SUCCESS, 'null\n', ''),
                            input=b' 3\n')
        file.write_text("<'a'>")
        with answering('m', array(string('a'), b'\x90')) as peer:
            self.assert_run(['call', '--variant', peer.address, 'm', f'@{file}', '@au []'],
                            (SUCCESS, 'null\n', ''))

    def test_formats(self):
        value = bytes.fromhex('82 a1 61 93 01 c3 cb3ff0000000000000 a1 62 c4 01 01')
        for args, text in {
            ('--format=json',): '{"a":[1,true,1.0],"b":{"$bin":"AQ=="}}',
            ('--format=pretty',): '{"a": [1, true, 1.0], "b": {"$bin": "AQ=="}}',
            ('--format=variant',): "{'a': <[<int64 1>, <true>, <1.0>]>, 'b': <[byte 0x01]>}",
            ('--format=hex',): '82 a1 61 93 01 c3 cb 3f f0 00 00 00 00 00 00 a1 62 c4 01 01',
        }.items():
            with answering('m', b'\x90', result=value) as peer:
                self.assert_run(['call', peer.address, 'm', *args], (SUCCESS, text + '\n', ''))
            with answering('m', b'\x90', error=value) as peer:
                self.assert_run(['call', peer.address, 'm', *args], (REMOTE_ERROR, '', text + '\n'))

    def test_values_have_one_line(self):
        """And no command for a terminal, nor anything that turns text around."""
        value = string('\x1b[2J\n\x85\x9b\u2028\u2029\u202e\u2066')
        for args in ('--format=json',), ('--format=pretty',), ('--format=variant',), ('--format=hex',):
            with self.subTest(args), answering('m', b'\x90', result=value) as peer:
                status, out, err = run('call', peer.address, 'm', *args)
                self.assertEqual((status, err), (SUCCESS, ''))
                self.assertTrue(out.removesuffix('\n').isprintable(), out)

    def test_indented(self):
        value = array(string('x' * 70), b'\x92\x01\x02', b'\x90')
        with answering('m', b'\x90', result=value) as peer:
            self.assert_run(['call', '--format=pretty', peer.address, 'm'],
                            (SUCCESS, '[\n  "%s",\n  [1, 2],\n  []\n]\n' % ('x' * 70), ''))

    def test_colours(self):
        value = bytes.fromhex('81 a1 61 92 01 c3')
        text = ('{\x1b[34m"a"\x1b[0m:[\x1b[36m1\x1b[0m,\x1b[35mtrue\x1b[0m]}\n')
        for option in ('--color=auto', '--color=always', '--color=never'):
            with answering('m', b'\x90', result=value) as peer:
                expected = text if option == '--color=always' else '{"a":[1,true]}\n'
                self.assert_run(['call', option, peer.address, 'm'], (SUCCESS, expected, ''))

    def test_locale_does_not_matter(self):
        for locale in ('C', 'C.UTF-8'):
            environment = os.environ | {'LC_ALL': locale}
            with answering('m', array(string('世界')), result=string('ä')) as peer:
                self.assert_run(['call', peer.address, 'm', '"世界"'], (SUCCESS, '"ä"\n', ''),
                                env=environment)

    def test_large_values(self):
        text = 'x' * 100000
        packed = b'\xdb' + len(text).to_bytes(4, 'big') + text.encode()
        params = array(*[packed] * 10)
        result = b'\xdb' + (1 << 20).to_bytes(4, 'big') + b'y' * (1 << 20)
        with answering('m', params, result=result) as peer:
            self.assert_run(['call', peer.address, 'm', *[f'"{text}"'] * 10],
                            (SUCCESS, '"%s"\n' % ('y' * (1 << 20)), ''))

    def test_answer_in_pieces(self):
        def serve(conn):
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in response(receive_request(conn, 'm', array()), result=string('whole')):
                conn.sendall(bytes([byte]))
            receive_all(conn)
        with Peer(serve) as peer:
            self.assert_run(['call', peer.address, 'm'], (SUCCESS, '"whole"\n', ''))

    def test_other_messages_before_the_answer(self):
        def serve(conn):
            msgid = receive_request(conn, 'm', array())
            conn.sendall(array(b'\x02', string('event'), array(NIL)))
            conn.sendall(array(b'\x00', b'\x07', string('back'), array()))
            self.assertEqual(receive(conn, 3), b'\x94\x01\x07')
            conn.sendall(response(b'\x7f', result=b'\x01'))
            conn.sendall(response(msgid, result=b'\x02'))
            receive_all(conn)
        with Peer(serve) as peer:
            self.assert_run(['call', peer.address, 'm'], (SUCCESS, '2\n', ''))

    def test_result_that_cannot_be_printed(self):
        with answering('m', array()) as peer, open('/dev/full', 'w') as full:
            status, _, err = run('call', peer.address, 'm', stdout=full)
        self.assertEqual(status, NO_ANSWER)
        self.assertIn('Could not write the result', err)


class Errors(TestCase):
    def test_error_values_are_printed_whole(self):
        for text in ('"no such thing"', '[0,"Invalid method: m"]', '{"code":-32601,"data":null}',
                     '5', '{"$bin":"AP8="}', '{"$raw":"/w=="}', r'"\u001b[31m"'):
            packed = VALUES.get(text) or pack(json.loads(text))
            with self.subTest(text), answering('m', array(), error=packed) as peer:
                self.assert_run(['call', peer.address, 'm'], (REMOTE_ERROR, '', text + '\n'))

    def test_true_as_error(self):
        with answering('m', array(), error=b'\xc3', result=string('why')) as peer:
            self.assert_run(['call', peer.address, 'm'], (REMOTE_ERROR, '', '"why"\n'))

    def test_refused(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        for command in ('call', 'notify'):
            self.assert_no_answer([command, f'tcp://127.0.0.1:{port}', 'm'],
                                  f'tcp://127.0.0.1:{port}', 'Connection refused')

    def test_no_such_socket(self):
        folder = self.make_folder()
        for command in ('call', 'notify'):
            self.assert_no_answer([command, f'{folder}/none', 'm'], f'{folder}/none',
                                  'No such file or directory')

    def test_host_that_does_not_resolve(self):
        for command in ('call', 'notify'):
            self.assert_no_answer([command, '-t', '5', 'tcp://name.invalid:1', 'm'])

    def test_peer_closes_at_once(self):
        with Peer(lambda conn: None) as peer:
            self.assert_no_answer(['call', peer.address, 'm'])

    def test_peer_closes_instead_of_answering(self):
        with Peer(lambda conn: receive_request(conn, 'm', array())) as peer:
            self.assert_no_answer(['call', peer.address, 'm'], 'closed')

    def test_peer_closes_within_the_answer(self):
        def serve(conn):
            conn.sendall(response(receive_request(conn, 'm', array()), result=string('abc'))[:-1])
        with Peer(serve) as peer:
            self.assert_no_answer(['call', peer.address, 'm'])

    def test_peer_speaks_something_else(self):
        def serve(conn):
            receive_request(conn, 'm', array())
            conn.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n')
            receive_all(conn)
        with Peer(serve) as peer:
            self.assert_no_answer(['call', peer.address, 'm'])

    def test_call_is_not_answered(self):
        with Peer(receive_all) as peer:
            self.assert_no_answer(['call', '--timeout', '0.2', peer.address, 'm'], '200')

    def test_notification_is_not_read(self):
        folder = self.make_folder()
        text = '"%s"' % ('x' * 100000)
        with unix_listener(f'{folder}/socket'):
            self.assert_no_answer(['notify', '-t', '0.2', f'{folder}/socket', 'm', *[text] * 15],
                                  'Timed out')


class Notify(TestCase):
    def check(self, args, expected, listener=None, address=None):
        received = []
        with Peer(lambda conn: received.append(receive_all(conn)), listener) as peer:
            self.assert_run(['notify', address or peer.address, *args], (SUCCESS, '', ''))
        self.assertEqual(received, [array(b'\x02', string(args[0]), expected)])

    def test_no_arguments(self):
        self.check(['m'], array())

    def test_arguments(self):
        self.check(['event', *VALUES][:12], array(*list(VALUES.values())[:11]))

    def test_variants(self):
        self.check(['m', '--variant', "{'a': <b'x'>}"], array(b'\x81\xa1a\xc4\x02x\0'))

    def test_large(self):
        text = 'x' * 100000
        packed = b'\xdb' + len(text).to_bytes(4, 'big') + text.encode()
        self.check(['m', *[f'"{text}"'] * 15], array(*[packed] * 15))

    def test_dialects(self):
        self.check(['m', '--float32', '--legacy-raw', '1.5', '{"$bin":"/w=="}'],
                   array(bytes.fromhex('ca 3fc00000'), b'\xa1\xff'))

    def test_addresses(self):
        folder = self.make_folder()
        for number, address in enumerate((f'{folder}/0', f'unix://{folder}/1')):
            self.check(['m'], array(), unix_listener(f'{folder}/{number}'), address)
        name = f'{folder}/abstract'
        self.check(['m'], array(), unix_listener(f'\0{name}'), f'unix-abstract:{name}')
        listener = socket.create_server(('127.0.0.1', 0))
        self.check(['m'], array(), listener, '127.0.0.1:%d' % listener.getsockname()[1])


class Library(TestCase):
    def start(self, *args):
        process = subprocess.Popen([SERVER, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def stop():
            process.communicate(timeout=DEADLINE)
            self.assertEqual(process.returncode, 0)

        self.addCleanup(stop)
        return process.stdout.readline().decode().rstrip('\n')

    def test_values_come_back(self):
        address = self.start()
        for text in VALUES:
            self.assert_run(['call', address, 'echo', text], (SUCCESS, text + '\n', ''))
        args = list(VALUES)
        self.assert_run(['call', address, 'echo', *args],
                        (SUCCESS, '[%s]\n' % ','.join(args), ''))

    def test_errors_come_whole(self):
        address = self.start()
        for text in ('"text"', '[1,"text"]', '{"code":5}', '{"$ext":[1,"AA=="]}'):
            self.assert_run(['call', address, 'refuse', text], (REMOTE_ERROR, '', text + '\n'))

    def test_signature(self):
        address = self.start(f'unix://{self.make_folder()}/socket')
        self.assert_run(['call', address, 'add', '-1', '3'], (SUCCESS, '2\n', ''))
        self.assert_run(['call', '--variant', address, 'add', 'byte 1', '2.0'],
                        (SUCCESS, '3\n', ''))
        for args, text in {('add', '1'): 'add() takes 2 arguments (1 given)',
                           ('add', '1', '"2"'): 'expected', ('none',): 'none'}.items():
            status, out, err = run('call', address, *args)
            self.assertEqual((status, out), (REMOTE_ERROR, ''))
            self.assertIn(text, json.loads(err))

    def test_notifications_arrive(self):
        address = self.start()
        for text in ('1', '{"$map":[[1,2]]}', '"text"'):
            self.assert_run(['notify', address, 'note', text], (SUCCESS, '', ''))
        end = time.monotonic() + DEADLINE
        out = ''
        while out.count('text') < 1 and time.monotonic() < end:
            status, out, _ = run('call', address, 'get_notes')
            self.assertEqual(status, SUCCESS)
        self.assertEqual(sorted(json.loads(out), key=str),
                         sorted([[1], [{'$map': [[1, 2]]}], ['text']], key=str))


@needs_nvim
class Neovim(TestCase):
    # Expressions, and what is printed for them.
    EXPRESSIONS = {
        'v:null': 'null',
        'v:true': 'true',
        '9223372036854775807': '9223372036854775807',
        '-9223372036854775807 - 1': '-9223372036854775808',
        '[0.5, 1.0, 1.0 / 0.0]': '[0.5,1.0,{"$float":"inf"}]',
        "'Grüße, 世界'": '"Grüße, 世界"',
        r'"\xff"': '{"$raw":"/w=="}',
        '0zAABB': '{"$raw":"qrs="}',
        "[[], {}, {'a': ['b']}]": '[[],{},{"a":["b"]}]',
        "{'$bin': ''}": '{"$map":[["$bin",""]]}',
    }
    ASK_BACK = '''
        local channels = vim.api.nvim_list_chans()
        local answered, message = pcall(vim.rpcrequest, channels[#channels].id, "back")
        return {answered, message}
    '''

    def start(self, address):
        tell = "call writefile([v:servername], '/dev/stdout')"
        folder = self.make_folder()
        process = subprocess.Popen(
            ['nvim', '--headless', '--clean', '--listen', address, '-c', tell],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | {'HOME': str(folder), 'NVIM_LOG_FILE': '/dev/null'})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process.stdout.readline().decode().rstrip('\n')

    def check(self, address):
        for expression, printed in self.EXPRESSIONS.items():
            self.assert_run(['call', address, 'nvim_eval', json.dumps(expression)],
                            (SUCCESS, printed + '\n', ''))

    def test_tcp(self):
        self.check(self.start('127.0.0.1:0'))

    def test_unix_socket(self):
        self.check(self.start(str(self.make_folder() / 'socket')))

    def test_extension_values(self):
        address = self.start(str(self.make_folder() / 'socket'))
        status, buffer, _ = run('call', address, 'nvim_get_current_buf')
        self.assertEqual(status, SUCCESS)
        self.assertRegex(buffer, r'\A\{"\$ext":\[0,"[^"]+"\]\}\n\Z')
        self.assert_run(['call', address, 'nvim_buf_set_lines', buffer, '0', '-1', 'true',
                         '["a","b"]'], (SUCCESS, 'null\n', ''))
        self.assert_run(['call', address, 'nvim_buf_line_count', buffer], (SUCCESS, '2\n', ''))

    def test_variants(self):
        address = self.start(str(self.make_folder() / 'socket'))
        self.assert_run(['call', address, '--variant', 'nvim_set_var', "'x'", "[<1>, <'a'>]"],
                        (SUCCESS, 'null\n', ''))
        self.assert_run(['call', address, 'nvim_get_var', '"x"'], (SUCCESS, '[1,"a"]\n', ''))

    def test_errors(self):
        address = self.start(str(self.make_folder() / 'socket'))
        for args, text in {('none',): 'none', ('nvim_eval', '"1 +"'): '1 +'}.items():
            status, out, err = run('call', address, *args)
            self.assertEqual((status, out), (REMOTE_ERROR, ''))
            code, message = json.loads(err)
            self.assertIn(code, (0, 1))
            self.assertIn(text, message)

    def test_neovim_asks_back(self):
        address = self.start(str(self.make_folder() / 'socket'))
        status, out, err = run('call', address, 'nvim_exec_lua', json.dumps(self.ASK_BACK), '[]')
        self.assertEqual((status, err), (SUCCESS, ''))
        answered, message = json.loads(out)
        self.assertFalse(answered)
        self.assertIn('back', message)


def pack(value):
    """Packs what JSON has, as far as it is small."""
    match value:
        case None:
            return NIL
        case str():
            return string(value)
        case int():
            small = 0 <= value < 128
            return bytes([value]) if small else b'\xd2' + value.to_bytes(4, 'big', signed=True)
        case list():
            return array(*map(pack, value))
        case dict():
            return bytes([0x80 | len(value)]) + b''.join(
                pack(key) + pack(item) for key, item in value.items())


if __name__ == '__main__':
    tap.main()
