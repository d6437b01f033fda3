# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Counts what a call costs, on both sides: system calls, allocations, instructions.

What is said of a call is the difference between two runs, divided by the difference of the calls
that they make: what a program does once is in both. System calls are counted by the kernel, while
the programs run at full speed: how many calls share one depends on that.
"""

import ctypes
import mmap
import os
import platform
import re
import shutil
import signal
import struct
import sys

from rpc_processes import BenchError, Server, work_folder

SIDES = ('server', 'client')
# How many calls the two runs make.
CALLS = {
    'add': (500, 5500),
    'add-128': (1280, 26880),
    'burst-128': (1280, 26880),
    'bytes-1MiB': (5, 55),
    'document': (5, 55),
}
INSTRUCTION_CALLS = {
    'add': (200, 1200),
    'add-128': (1280, 3840),
    'document': (2, 12),
}
PERF_EVENT_OPEN = {'x86_64': 298, 'aarch64': 241, 'riscv64': 241, 'ppc64le': 319, 's390x': 331}
SYS_ENTER = 'events/raw_syscalls/sys_enter/id'
TRACING = ('/sys/kernel/tracing', '/sys/kernel/debug/tracing')


class SystemCalls:
    """Counts those of a process, of the threads that it has and of those that it will have."""

    def __init__(self, threads):
        self.descriptors = [self._open(thread) for thread in threads]

    @staticmethod
    def _event():
        for folder in TRACING:
            try:
                with open(f'{folder}/{SYS_ENTER}', encoding='ascii') as file:
                    return int(file.read())
            except OSError:
                pass
        raise BenchError('the system calls cannot be counted: there is no '
                         f'{TRACING[0]}/{SYS_ENTER} that can be read')

    @classmethod
    def _open(cls, thread):
        # type, size, config, sample_period, sample_type, read_format, flags (inherit), and more.
        attributes = struct.pack('=IIQQQQQQII', 2, 64, cls._event(), 0, 0, 0, 2, 0, 0, 0)
        buffer = ctypes.create_string_buffer(attributes, 64)
        number = PERF_EVENT_OPEN.get(platform.machine())
        if number is None:
            raise BenchError(f'the system calls cannot be counted on {platform.machine()}')
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.syscall(number, buffer, thread, -1, -1, 0)
        if descriptor < 0:
            raise BenchError('the system calls cannot be counted: perf_event_open: '
                             + os.strerror(ctypes.get_errno()))
        return descriptor

    def read(self):
        return sum(struct.unpack('=Q', os.read(descriptor, 8))[0]
                   for descriptor in self.descriptors)

    def close(self):
        for descriptor in self.descriptors:
            os.close(descriptor)


class Allocations:
    """Counts those of a program that is started with this environment."""

    def __init__(self, path, library):
        self.file = open(path, 'w+b')  # pylint: disable=consider-using-with
        self.file.truncate(mmap.PAGESIZE)
        self.map = mmap.mmap(self.file.fileno(), mmap.PAGESIZE)
        # Slices are allocations, too.
        self.env = {'LD_PRELOAD': str(library), 'BENCH_ALLOCATIONS': str(path),
                    'G_SLICE': 'always-malloc'}

    def read(self):
        """Returns how many, and of how many bytes."""
        return struct.unpack('=QQ', self.map[:16])

    def close(self):
        self.map.close()
        self.file.close()


def start_client(server, scenario, count, allocations):
    if isinstance(allocations, Allocations):
        return server.client(scenario, count, env=allocations.env)
    return server.client(scenario, count)


def count_run(server, scenario, n_calls, allocations):
    """Returns the system calls, allocations and bytes of each side in one run."""
    client = start_client(server, scenario, n_calls, allocations['client'])
    calls = {'server': SystemCalls(server.process.threads()),
             'client': SystemCalls(client.threads())}

    def read():
        return {side: (calls[side].read(), *allocations[side].read()) for side in SIDES}

    before = read()
    client.tell()
    client.line()
    client.end()
    after = read()
    for counter in calls.values():
        counter.close()
    return {side: [new - old for new, old in zip(after[side], before[side])] for side in SIDES}


def per_call(few, many, n_few, n_many):
    return [(b - a) / (n_many - n_few) for a, b in zip(few, many)]


def count_calls(options, peer, scenario, transport):
    """Returns what a call costs on each side."""
    library = options.build / 'libbench-allocations.so'
    with work_folder() as folder:
        allocations = {side: Allocations(folder / side, library) for side in SIDES}
        try:
            with Server(peer, transport, folder, env=allocations['server'].env) as server:
                # The first connection may bring what stays.
                count_run(server, scenario, CALLS[scenario][0], allocations)
                few, many = (count_run(server, scenario, n_calls, allocations)
                             for n_calls in CALLS[scenario])
        finally:
            for counter in allocations.values():
                counter.close()
    result = {}
    for side in SIDES:
        values = per_call(few[side], many[side], *CALLS[scenario])
        result[side] = dict(zip(('system_calls', 'allocations', 'allocated_bytes'), values))
    return result


def instructions_of(path):
    return sum(int(total) for total in
               re.findall(r'^(?:summary|totals): (\d+)', path.read_text(), re.MULTILINE)[:1])


def run_under_callgrind(peer, scenario, n_calls, side, folder):
    """Returns the instructions of one side, from its start to its end."""
    path = folder / f'{side}-{n_calls}'
    wrapper = ['valgrind', '--quiet', '--tool=callgrind', f'--callgrind-out-file={path}']
    server_wrapper, client_wrapper = (wrapper if side == name else () for name in SIDES)
    with Server(peer, 'unix', folder, wrapper=server_wrapper) as server:
        client = server.client(scenario, n_calls, wrapper=client_wrapper)
        client.tell()
        client.line()
        client.end()
        server.process.kill(signal.SIGTERM)
    return instructions_of(path)


def count_instructions(peer, scenario):
    result = {}
    with work_folder() as folder:
        for side in SIDES:
            counts = INSTRUCTION_CALLS[scenario]
            few, many = (run_under_callgrind(peer, scenario, n_calls, side, folder)
                         for n_calls in counts)
            result[side] = {'instructions': (many - few) / (counts[1] - counts[0])}
    return result


def check(options):
    """Fails before anything is measured if something cannot be counted."""
    if options.counts:
        SystemCalls([0]).close()
        if not (options.build / 'libbench-allocations.so').exists():
            raise BenchError('allocations cannot be counted in a build with sanitizers')
    if options.instructions and shutil.which('valgrind') is None:
        raise BenchError('valgrind is needed to count instructions')


def count(options, peers, counts):
    """Adds what the calls of each peer cost to a list."""
    for peer in peers:
        for scenario in options.scenarios:
            if scenario in peer.lacks:
                continue
            entry = {'peer': peer.name, 'scenario': scenario, 'server': {}, 'client': {}}
            parts = []
            if options.counts and scenario in CALLS:
                print(f'counting {scenario} of {peer.name}', file=sys.stderr, flush=True)
                parts.append(count_calls(options, peer, scenario, 'unix'))
            if options.instructions and scenario in INSTRUCTION_CALLS:
                print(f'counting instructions of {scenario} of {peer.name}', file=sys.stderr,
                      flush=True)
                parts.append(count_instructions(peer, scenario))
            for part in parts:
                for side in SIDES:
                    entry[side].update(part[side])
            if parts:
                counts.append(entry)
