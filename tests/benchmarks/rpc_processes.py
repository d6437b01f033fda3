# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The servers and clients that “rpc” compares, as processes on a core each."""

import contextlib
import json
import os
import pathlib
import resource
import select
import signal
import socket
import subprocess
import tempfile
import threading
import time

TRANSPORTS = ('unix', 'tcp')
# Whoever waits longer than this for one line has met a bug; valgrind is slow.
PATIENCE = 600
NEEDED_DESCRIPTORS = 11000


class BenchError(Exception):
    """Something that makes the measurement worthless."""


def need_descriptors():
    """Each process raises its own limit as far as this; without it nothing is begun."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < NEEDED_DESCRIPTORS and os.geteuid() != 0:
        raise BenchError(f'{NEEDED_DESCRIPTORS:,} file descriptors are needed, and the limit is '
                         f'{hard:,}: raise it (ulimit -Hn)')


def cores():
    """Returns the server's core and the client's: the same one if there is no other."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


class Process:
    """A program on one core, which ends with this one."""

    def __init__(self, command, core, env=None):
        self.command = command
        self.popen = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, **(env or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        self.errors = []
        self.reader = threading.Thread(target=self._read_errors, daemon=True)
        self.reader.start()

    @property
    def pid(self):
        return self.popen.pid

    def _read_errors(self):
        with self.popen.stderr as stream:
            self.errors.extend(stream)

    def fail(self, what):
        self.popen.kill()
        self.popen.wait()
        self.reader.join(timeout=5)
        errors = ''.join(self.errors).strip()
        raise BenchError(f'{" ".join(map(str, self.command))}: {what}\n{errors}'.rstrip())

    def line(self, patience=PATIENCE):
        """Returns the next line of its output; each is written as a whole."""
        if not select.select([self.popen.stdout], [], [], patience)[0]:
            self.fail(f'no line in {patience} seconds')
        line = self.popen.stdout.readline()
        if line == '':
            self.fail(f'ended with {self.popen.wait()}')
        return line.rstrip('\n')

    def tell(self):
        """Ends its waiting."""
        self.popen.stdin.write('\n')
        self.popen.stdin.flush()

    def end(self, patience=PATIENCE):
        """Waits for its end, which must be a good one."""
        try:
            status = self.popen.wait(patience)
        except subprocess.TimeoutExpired:
            self.fail(f'has not ended in {patience} seconds')
        if status != 0:
            self.fail(f'ended with {status}')
        self._close()

    def kill(self, how=signal.SIGKILL):
        if self.popen.poll() is None:
            self.popen.send_signal(how)
        self.popen.wait()
        self._close()

    def _close(self):
        for stream in (self.popen.stdin, self.popen.stdout):
            # What was told to one that has died is lost.
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def cpu(self):
        """Returns the seconds of CPU time of all its threads, also of those that have ended."""
        # What clock_getcpuclockid(3) makes of a process.
        return time.clock_gettime((~self.pid << 3) | 2)

    def resident(self):
        """Returns the bytes of its memory that are resident."""
        with open(f'/proc/{self.pid}/status', encoding='ascii') as status:
            for line in status:
                if line.startswith('VmRSS:'):
                    return int(line.split()[1]) * 1024
        return 0

    def threads(self):
        return [int(name) for name in os.listdir(f'/proc/{self.pid}/task')]


class Peer:
    """Programs with one library: a server, and the client that calls it."""

    def __init__(self, name, title, server, client, lacks=None, env=None):
        self.name = name
        self.title = title
        self.server = server
        self.client = client
        self.env = env or {}
        # The scenarios in which it takes no part.
        self.lacks = lacks or set()


class Server:
    """A server of a peer, with its crowd of idle connections."""

    counter = 0

    def __init__(self, peer, transport, folder, wrapper=(), env=None):
        Server.counter += 1
        self.peer = peer
        self.transport = transport
        self.folder = folder
        self.crowd = None
        self.gathered = None
        wish = f'unix://{folder}/{Server.counter}' if transport == 'unix' else 'tcp://127.0.0.1:0'
        self.process = Process([*wrapper, *peer.server, 'serve', wish], cores()[0], env)
        line = self.process.line()
        if not line.startswith('listening '):
            self.process.fail(f'said “{line}”')
        self.address = line.split(' ', 1)[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.crowd is not None:
            self.crowd.kill()
        self.process.kill()

    def client(self, scenario, count, wrapper=(), env=None, address=None):
        """Starts a client, which is ready and waits when this returns."""
        process = Process([*wrapper, *self.peer.client, 'run', address or self.address, scenario,
                           str(count), '--wait'], cores()[1], {**self.peer.env, **(env or {})})
        line = process.line()
        if line != 'ready':
            process.fail(f'said “{line}”')
        return process

    def run(self, scenario, count):
        """Runs a client; returns what it has measured, and the CPU time of the server."""
        client = self.client(scenario, count)
        before = self.process.cpu()
        client.tell()
        result = json.loads(client.line())
        result['server_cpu'] = self.process.cpu() - before
        result['client_cpu'] = result.pop('cpu')
        client.end()
        return result

    def gather(self, program, n_connections):
        """Adds idle connections, each of which has been used once; keeps what that took."""
        greeting, reply_size = self._record()
        path = self.folder / f'{Server.counter}.greeting'
        path.write_bytes(greeting)
        before = self.process.resident()
        self.crowd = Process([program, self.address, str(n_connections), path, str(reply_size)],
                             cores()[1])
        self.gathered = {
            'connections': n_connections,
            'seconds': float(self.crowd.line()),
            'memory': (self.process.resident() - before) / n_connections,
        }

    def _record(self):
        """Returns what a client sends for a few calls, and how much it gets."""
        with Recorder(self.address, self.folder) as recorder:
            client = self.client('add', 1, address=recorder.address)
            client.tell()
            client.line()
            client.end()
            return recorder.finish()


class Recorder:
    """Stands between one client and a server, and keeps what passes."""

    def __init__(self, address, folder):
        self.target = address
        if address.startswith('unix://'):
            self.path = f'{folder}/recorder-{Server.counter}'
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.address = f'unix://{self.path}'
        else:
            self.path = None
            self.listener = socket.socket(socket.AF_INET)
            self.listener.bind(('127.0.0.1', 0))
            self.address = f'tcp://127.0.0.1:{self.listener.getsockname()[1]}'
        self.listener.listen()
        self.sent = bytearray()
        self.n_received = 0
        self.thread = threading.Thread(target=self._pass_on, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        if self.path is not None:
            os.unlink(self.path)

    def finish(self):
        self.thread.join(PATIENCE)
        return bytes(self.sent), self.n_received

    def _connect(self):
        if self.path is not None:
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.target.removeprefix('unix://'))
        else:
            host, port = self.target.removeprefix('tcp://').split(':')
            server = socket.create_connection((host, int(port)))
        return server

    def _pass_on(self):
        client = self.listener.accept()[0]
        with client, self._connect() as server:
            while True:
                for end in select.select([client, server], [], [])[0]:
                    try:
                        data = end.recv(65536)
                    except ConnectionResetError:
                        data = b''
                    if not data:
                        return
                    if end is client:
                        self.sent += data
                        server.sendall(data)
                    else:
                        self.n_received += len(data)
                        client.sendall(data)


@contextlib.contextmanager
def work_folder():
    """A folder with a short name, for sockets."""
    with tempfile.TemporaryDirectory(prefix='rpc-', dir='/tmp') as folder:
        yield pathlib.Path(folder)
