# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Tokens: the worked example of the manual, a plain peer with python3-msgpack alone, and the
bindings."""

import hmac
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import msgpack
import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib
from gi.repository import MsgpackRpc as M

PAGE = pathlib.Path(os.environ['G_TEST_SRCDIR'], '..', 'docs', 'security.md').read_text()
EXAMPLE = pathlib.Path(os.environ['G_TEST_BUILDDIR'], '..', 'examples', 'security')
DEADLINE = 20
SHARED = b'a token that is long enough to be one'


def authenticate(call, token):
    """Shows a server that one knows the token, and makes sure that it does."""
    def prove(role):
        label = f'rpc.authenticate:{role}:'.encode()
        return hmac.digest(token, label + client_nonce + server_nonce, 'sha256')

    client_nonce = secrets.token_bytes(32)
    server_nonce = call('rpc.authenticate', 'hmac-sha256', client_nonce)
    server_proof = call('rpc.authenticate', prove('client'))
    if not hmac.compare_digest(server_proof, prove('server')):
        raise ConnectionError('the server does not know the token')


class PlainPeer:
    """A peer that has a socket and python3-msgpack, and nothing of this library."""

    def __init__(self, address):
        host, port = re.fullmatch(r'tcp://(.*):(\d+)', address).groups()
        self.socket = socket.create_connection((host, int(port)), timeout=DEADLINE)
        self.unpacker = msgpack.Unpacker()
        self.msgid = 0

    def call(self, method, *params):
        self.msgid += 1
        self.socket.sendall(msgpack.packb([0, self.msgid, method, params]))
        while True:
            for message in self.unpacker:
                kind, msgid, error, result = message
                assert (kind, msgid) == (1, self.msgid), message
                if error is not None:
                    raise PermissionError(error)
                return result
            data = self.socket.recv(4096)
            if not data:
                raise EOFError
            self.unpacker.feed(data)

    def close(self):
        self.socket.close()


def greet(invocation, params, *_):
    invocation.return_value(GLib.Variant('s', 'hello'))
    return True


class Tokens(unittest.TestCase):
    def setUp(self):
        self.thread = M.LoopThread.new('server')
        self.thread.start()
        self.dispatcher = M.Dispatcher()
        self.dispatcher.add_method('greet', '()', greet)
        self.server = M.Server(main_context=self.thread.get_main_context(),
                               dispatcher=self.dispatcher)
        self.token = M.Token.new_for_bytes(GLib.Bytes.new(SHARED))
        self.server.props.token = self.token
        self.address, = self.server.listen_sync('tcp://127.0.0.1:0', None)

    def tearDown(self):
        self.server.stop()
        self.server.close()
        self.thread.quit()
        self.thread.join()

    def peer(self):
        peer = PlainPeer(self.address)
        self.addCleanup(peer.close)
        return peer

    def test_plain_peer(self):
        peer = self.peer()
        authenticate(peer.call, SHARED)
        self.assertEqual(peer.call('greet'), 'hello')

    def test_plain_peer_without(self):
        peer = self.peer()
        with self.assertRaisesRegex(PermissionError, 'rpc.authenticate must come first'):
            peer.call('greet')

    def test_plain_peer_with_another(self):
        peer = self.peer()
        with self.assertRaisesRegex(PermissionError, 'the token is another one'):
            authenticate(peer.call, SHARED + b'!')

    def test_client(self):
        client = M.Client.new(self.address)
        client.props.token = self.token
        client.open_sync(None)
        self.assertEqual(client.call_sync('greet', None, None).unpack(), 'hello')

    def test_client_with_another(self):
        client = M.Client.new(self.address)
        other = M.Token.new_for_bytes(GLib.Bytes.new(SHARED + b'!'))
        client.props.token = other
        with self.assertRaises(GLib.Error) as caught:
            client.open_sync(None)
        self.assertTrue(caught.exception.matches(M.error_quark(), M.Error.ACCESS_DENIED))

    def test_policy(self):
        policy = M.AcceptPolicy
        self.assertEqual(self.server.props.policy, policy.SAME_USER | policy.TLS_CLIENT | policy.TOKEN)
        self.server.props.policy = policy.LOOPBACK | policy.TOKEN
        self.assertEqual(self.peer().call('greet'), 'hello')
        self.server.props.policy = policy.NONE
        with self.assertRaises((AssertionError, EOFError, OSError)):
            self.peer().call('greet')


class Secrets(unittest.TestCase):
    """Whatever is looked at, the token is not there."""

    PROGRAM = """if True:
        import sys, gi
        gi.require_version('MsgpackRpc', '1.0')
        from gi.repository import GLib, MsgpackRpc as M
        thread = M.LoopThread.new('server')
        thread.start()
        server = M.Server(main_context=thread.get_main_context())
        tokens = [M.Token.new_for_bytes(GLib.Bytes.new(text.encode())) for text in sys.argv[1:]]
        server.props.token = tokens[0]
        address, = server.listen_sync('tcp://127.0.0.1:0', None)
        for token in tokens:
            client = M.Client.new(address)
            client.props.token = token
            try:
                client.open_sync(None)
                client.call_sync('greet', None, None)
            except GLib.Error as error:
                print(error.message, file=sys.stderr)
    """

    def test_log(self):
        tokens = [SHARED.decode(), SHARED.decode() + '!']
        process = subprocess.run([sys.executable, '-c', self.PROGRAM, *tokens], text=True,
                                 check=True, timeout=DEADLINE, stderr=subprocess.PIPE,
                                 env={**os.environ, 'MSGPACK_RPC_DEBUG': 'all',
                                      'G_MESSAGES_DEBUG': 'MsgpackRpc'})
        self.assertIn('There is no method “greet”', process.stderr)
        self.assertIn('the token is another one', process.stderr)
        self.assertNotIn(SHARED.decode(), process.stderr)
        self.assertNotIn(SHARED.hex(), process.stderr.replace(' ', ''))

    def test_wire(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            listener.settimeout(0.01)
            client = M.Client.new(f'tcp://127.0.0.1:{listener.getsockname()[1]}')
            token = M.Token.new_for_bytes(GLib.Bytes.new(SHARED))
            client.props.token = token
            client.open_async(None, None)
            client.call_async('greet', None, None, None)
            received = b''
            stream, unpacker = None, msgpack.Unpacker()
            end = time.monotonic() + DEADLINE
            while time.monotonic() < end:
                GLib.MainContext.default().iteration(False)
                try:
                    if stream is None:
                        stream, _ = listener.accept()
                        stream.settimeout(0.01)
                    data = stream.recv(4096)
                except TimeoutError:
                    continue
                if not data:
                    break
                received += data
                unpacker.feed(data)
                for _, msgid, method, _ in unpacker:
                    self.assertEqual(method, 'rpc.authenticate')
                    stream.sendall(msgpack.packb([1, msgid, None, secrets.token_bytes(32)]))
            stream.close()
        self.assertEqual(data, b'')
        self.assertEqual(msgid, 2)
        self.assertNotIn(SHARED, received)
        self.assertNotIn(b'greet', received)


class Files(unittest.TestCase):
    def test_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'token')
            M.Token.new_for_file(path, M.TokenFlags.CREATE)
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
            self.assertRegex(pathlib.Path(path).read_text(), r'\A[0-9a-f]{64}\n\Z')
            os.chmod(path, 0o644)
            with self.assertRaises(GLib.Error) as caught:
                M.Token.new_for_file(path, M.TokenFlags.NONE)
            self.assertTrue(caught.exception.matches(Gio.io_error_quark(),
                                                     Gio.IOErrorEnum.PERMISSION_DENIED))


class Manual(unittest.TestCase):
    def test_worked_example(self):
        def value(name):
            return re.search(rf'^\| {name} \| `(.*)` \|$', PAGE, re.MULTILINE)[1]

        token = value('token').encode()
        nonces = [bytes.fromhex(value(f"{who}'s nonce")) for who in ('client', 'server')]
        proofs = [hmac.digest(token, f'rpc.authenticate:{who}:'.encode() + b''.join(nonces), 'sha256')
                  for who in ('client', 'server')]
        self.assertEqual([proof.hex() for proof in proofs],
                         [value("client's proof"), value("server's proof")])

        wire = [bytes.fromhex(text) for text in
                re.findall(r'^The (?:client|server) sends:\n\n```text\n(.*?)```', PAGE,
                           re.MULTILINE | re.DOTALL)]
        self.assertEqual([msgpack.unpackb(data) for data in wire], [
            [0, 1, 'rpc.authenticate', ['hmac-sha256', nonces[0]]],
            [1, 1, None, nonces[1]],
            [0, 2, 'rpc.authenticate', [proofs[0]]],
            [1, 2, None, proofs[1]],
        ])

    @unittest.skipUnless(EXAMPLE.exists(), 'the examples are not built')
    def test_example(self):
        process = subprocess.run([EXAMPLE], check=True, text=True, timeout=DEADLINE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(process.stderr, '')
        self.assertRegex(process.stdout,
                         r'\Ahello\n.*access denied: shutdown\(\)\n'
                         r'.*access denied: rpc.authenticate must come first\n\Z')


if __name__ == '__main__':
    tap.main()
