# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The client of peer.c in Python, for calls of “add” alone: it calls our server in C.

client.py run ADDRESS add|add-128 COUNT|SECONDSs [--wait]
"""

import json
import sys
import time

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

WINDOWS = {'add': 1, 'add-128': 128}
STALL = 0.035


class Run:
    """Calls, so many of them in flight."""

    def __init__(self, client, loop, window):
        self.client = client
        self.loop = loop
        self.window = window

    def do(self, n_calls, seconds):
        self.n_wanted = n_calls
        self.n_started = self.n_ended = self.n_stalls = 0
        self.longest = 0
        self.looked_at_clock = time.monotonic()
        self.until = self.looked_at_clock + seconds if seconds else None
        for _ in range(min(self.window, n_calls)):
            self.start_call()
        self.loop.run()

    def start_call(self):
        call = self.n_started
        self.n_started += 1
        self.client.call_async('add', GLib.Variant('(xx)', (call % 100, call % 27)), None,
                               self.on_added)

    def on_added(self, client, result):
        total = client.call_finish(result).unpack()
        expected = self.n_ended % 100 + self.n_ended % 27
        if total != expected:
            sys.exit(f'call {self.n_ended}: the sum is {total} instead of {expected}')
        self.n_ended += 1
        if self.n_ended % self.window == 0:
            self.look_at_clock()
        if self.n_started < self.n_wanted:
            self.start_call()
        elif self.n_ended == self.n_started:
            self.loop.quit()

    def look_at_clock(self):
        now = time.monotonic()
        gap = now - self.looked_at_clock
        self.longest = max(self.longest, gap)
        self.n_stalls += gap > STALL
        self.looked_at_clock = now
        if self.until is not None and now >= self.until:
            self.n_wanted = self.n_started


def main():
    _, address, scenario, count, *options = sys.argv[1:]
    client = MsgpackRpc.Client.new(address)
    client.open_sync(None)
    run = Run(client, GLib.MainLoop(), WINDOWS[scenario])
    run.do(3 * run.window, None)
    if '--wait' in options:
        print('ready', flush=True)
        if not sys.stdin.readline():
            sys.exit(1)

    start, cpu_start = time.monotonic(), time.process_time()
    if count.endswith('s'):
        run.do(sys.maxsize, float(count[:-1]))
    else:
        run.do(int(count), None)
    end, cpu_end = time.monotonic(), time.process_time()
    print(json.dumps({'calls': run.n_ended, 'seconds': end - start, 'cpu': cpu_end - cpu_start,
                      'longest': run.longest, 'stalls': run.n_stalls}), flush=True)


main()
