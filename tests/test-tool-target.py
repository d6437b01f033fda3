# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Connects the tool to programs that it starts, and to peers that want TLS or a token."""

import os
import shutil
import ssl
import subprocess
import unittest

import tap
from tool_cases import *

SERVER = BUILD / 'test-tool-server'


class Program(TestCase):
    def test_notification(self):
        file = self.make_folder() / 'a file'
        command = f"exec:sh -c 'cat >\"$0\"; printf [; exit 3' '{file}'"
        self.assert_run(['notify', command, 'm', '1'], (SUCCESS, '', ''))
        wait_until(lambda: file.exists() and
                   file.read_bytes() == array(b'\x02', string('m'), b'\x91\x01'))

    def test_call(self):
        file = self.make_folder() / 'answer'
        file.write_bytes(response(b'\1'))
        command = f'exec:sh -c "head -c 6 >/dev/null; cat \'{file}\' -"'
        self.assert_run(['call', command, 'm'], (SUCCESS, 'null\n', ''))

    def test_standard_error_is_passed_on_once(self):
        for command in ('call', 'm'), ('methods',), ('listen',), ('bench', 'm'):
            status, _, err = run(command[0], 'exec:sh -c "echo why >&2; echo so >&2; exit 3"', *command[1:])
            self.assertEqual(status, NO_ANSWER)
            self.assertRegex(err, r'^why\nso\nmsgpackrpc: .*The program “sh” has exited with status 3\n$')

    def test_no_such_program(self):
        status, out, err = run('call', 'exec:no-such-program', 'm')
        self.assertEqual((status, out), (NO_ANSWER, ''))
        self.assertIn('no-such-program', err)

    def test_no_shell(self):
        file = self.make_folder() / 'file'
        self.assertEqual(run('call', f'exec:true > {file}; touch {file}', 'm')[0], NO_ANSWER)
        self.assertFalse(file.exists())

    def test_bad_command_line(self):
        for address in ('exec:', 'exec: ', 'exec:sh "'):
            status, out, err = run('call', address, 'm')
            self.assertEqual((status, out), (USAGE, ''))
            self.assertIn(f'Address “{address}” is not valid: ', err)


class Dialect(TestCase):
    def test_profile(self):
        for args, status in ([], REMOTE_ERROR), (['--profile=boolean-error'], SUCCESS):
            with answering('m', b'\x90', error=b'\xc2', result=b'\x05') as peer:
                self.assertEqual(run('call', *args, peer.address, 'm')[0], status)


    def test_framing(self):
        def serve(conn):
            answer = response(b'\x01')
            request = array(b'\x00', b'\x01', string('m'), b'\x90')
            self.assertEqual(receive(conn, 1 + len(request)), bytes([len(request)]) + request)
            conn.sendall(bytes([len(answer)]) + answer)
            receive_all(conn)

        with Peer(serve) as peer:
            self.assert_run(['call', '--framing=msgpack-length', peer.address, 'm'],
                            (SUCCESS, 'null\n', ''))


@unittest.skipUnless(shutil.which('openssl'), 'openssl is not installed')
class Tls(TestCase):
    def make_certificate(self, name):
        file = self.make_folder() / 'certificate.pem'
        subprocess.run(['openssl', 'req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:prime256v1', '-subj', f'/CN={name}', '-addext',
                        'subjectAltName=IP:127.0.0.1', '-keyout', file, '-out', file],
                       check=True, stderr=subprocess.DEVNULL)
        return file

    def peer(self, ours, theirs=None):
        """Shows a certificate, asks for another one, and answers a request."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(ours)
        if theirs is not None:
            context.load_verify_locations(theirs)
            context.verify_mode = ssl.CERT_REQUIRED

        def serve(conn):
            try:
                with context.wrap_socket(conn, server_side=True) as tls:
                    tls.sendall(response(receive_request(tls, 'm', b'\x90')))
                    receive_all(tls)
            except (OSError, EOFError) as failure:
                self.failure = failure

        return Peer(serve)

    def address_of(self, peer):
        return peer.address.replace('tcp:', 'tls:')

    def test_authority(self):
        certificate = self.make_certificate('ours')
        for path in certificate, os.path.relpath(certificate):
            with self.peer(certificate) as peer:
                self.assert_run(['call', f'--tls-ca={path}', self.address_of(peer), 'm'],
                                (SUCCESS, 'null\n', ''))

    def test_other_authority(self):
        certificate, other = (self.make_certificate(name) for name in ('ours', 'other'))
        for args in ([], [f'--tls-ca={other}']):
            with self.peer(certificate) as peer:
                status, out, _ = run('call', *args, self.address_of(peer), 'm')
            self.assertEqual((status, out), (NO_ANSWER, ''))

    def test_own_certificate(self):
        certificate, own = (self.make_certificate(name) for name in ('ours', 'own'))
        args = [f'--tls-ca={certificate}', f'--tls-certificate={own}']
        with self.peer(certificate, own) as peer:
            self.assert_run(['call', *args, self.address_of(peer), 'm'], (SUCCESS, 'null\n', ''))
        with self.peer(certificate, own) as peer:
            self.assertEqual(run('call', args[0], self.address_of(peer), 'm')[0], NO_ANSWER)

    def test_not_without_tls(self):
        for option in ('--tls-ca', '--tls-certificate'):
            for address in ('tcp://127.0.0.1:1', 'localhost:1', '/socket', 'exec:true'):
                self.assert_usage(['call', f'{option}=/file', address, 'm'],
                                  f'“{option}” needs an address that begins with “tls://” or '
                                  '“srv+tls://”')


class Token(TestCase):
    def start(self, file):
        process = subprocess.Popen([SERVER, 'tcp://127.0.0.1:0', file], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        self.addCleanup(lambda: process.communicate(timeout=DEADLINE))
        return process.stdout.readline().decode().rstrip('\n')

    def test_token(self):
        folder = self.make_folder()
        address = self.start(folder / 'token')
        self.assert_run(['call', f'--token={folder}/token', address, 'add', '1', '2'],
                        (SUCCESS, '3\n', ''))

    def test_other_token(self):
        folder = self.make_folder()
        addresses = [self.start(folder / name) for name in ('token', 'other')]
        for args in ([f'--token={folder}/other'], []):
            status, out, _ = run('call', *args, addresses[0], 'add', '1', '2')
            self.assertEqual((status in (REMOTE_ERROR, NO_ANSWER), out), (True, ''))


if __name__ == '__main__':
    tap.main()
