# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Workers in C, Python and JavaScript, of a program in Python."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

import gi

gi.require_version('MsgpackRpc', '1.0')

from gi.repository import GLib, MsgpackRpc  # noqa: E402

import tap  # noqa: E402

EXAMPLE = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent / 'examples/workers'
GJS = shutil.which('gjs')

# The same methods in each language.
PYTHON = """
import os, time
import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import GLib, MsgpackRpc

def pid(invocation, params):
    return invocation.return_value(GLib.Variant('i', os.getpid()))

def join(invocation, params):
    return invocation.return_value(GLib.Variant('s', '-'.join(params.unpack()[0])))

def fail(invocation, params):
    raise GLib.Error('as it should')

def hang(invocation, params):
    time.sleep(1000)

dispatcher = MsgpackRpc.Dispatcher.new()
dispatcher.add_method('pid', '()', pid)
dispatcher.add_method('join', '(as)', join)
dispatcher.add_method('fail', None, fail)
dispatcher.add_method('hang', None, hang)
raise SystemExit(MsgpackRpc.worker_main(dispatcher))
"""
JAVASCRIPT = """
const { GLib, MsgpackRpc } = imports.gi;

const dispatcher = MsgpackRpc.Dispatcher.new();
dispatcher.add_method('pid', '()', invocation =>
    invocation.return_value(new GLib.Variant('i', new imports.gi.Gio.Credentials().get_unix_pid())));
dispatcher.add_method('join', '(as)', (invocation, params) =>
    invocation.return_value(new GLib.Variant('s', params.deepUnpack()[0].join('-'))));
dispatcher.add_method('fail', null, () => { throw new Error('as it should'); });
dispatcher.add_method('hang', null, () => { for (;;); });
MsgpackRpc.worker_main(dispatcher);
"""
METHODS = {'pid': '()', 'join': '(as)', 'fail': None, 'hang': None}


def has_children():
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


class Workers:
    argv = None

    def setUp(self):
        self.dispatcher = MsgpackRpc.Dispatcher.new()
        for name, signature in METHODS.items():
            self.dispatcher.add_method_full(name, signature, None, None,
                                            MsgpackRpc.MethodFlags.IN_PROCESS)
        self.dispatcher.set_worker_argv(self.argv)

    def tearDown(self):
        self.dispatcher = None
        deadline = time.monotonic() + 60
        while has_children():
            self.assertLess(time.monotonic(), deadline, 'a worker is left')
            time.sleep(0.01)

    def call(self, method, *params):
        message = GLib.Variant('(uusav)', (0, 1, method, params))
        _type, _msgid, error, result = self.dispatcher.dispatch(message).unpack()
        return error, result

    def test_call(self):
        error, pid = self.call('pid')
        self.assertIsNone(error)
        self.assertNotEqual(pid, os.getpid())
        self.assertEqual(self.call('pid'), (None, pid))
        self.assertEqual(self.call('join', GLib.Variant('as', ['a', 'b'])), (None, 'a-b'))

    def test_failure(self):
        error, _ = self.call('fail')
        self.assertIn('as it should', error)

    def test_crash(self):
        _, pid = self.call('pid')
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 60
        # Until the death is noticed, a call may be given to the dead one.
        while True:
            error, after = self.call('pid')
            if error is None:
                break
            self.assertIn('was ended by signal 9', error)
            self.assertLess(time.monotonic(), deadline)
        self.assertNotEqual(after, pid)

    def test_time_limit(self):
        self.dispatcher.set_worker_time_limit(100)
        error, _ = self.call('hang')
        self.assertIn('the call took longer than 100 ms', error)

    def test_recycled(self):
        self.dispatcher.props.worker_max_calls = 1
        self.assertNotEqual(self.call('pid'), self.call('pid'))


class Python(Workers, unittest.TestCase):
    argv = [sys.executable, '-c', PYTHON]


@unittest.skipUnless(GJS, 'gjs is not installed')
class JavaScript(Workers, unittest.TestCase):
    argv = [GJS, '-c', JAVASCRIPT]


@unittest.skipUnless(EXAMPLE.exists(), 'the examples are not built')
class Example(unittest.TestCase):
    def test_output(self):
        process = subprocess.run([EXAMPLE], text=True, timeout=60, stdout=subprocess.PIPE)
        self.assertEqual(process.stdout,
                         'fibonacci: [<int64 1>, <int64 1>, <@mv nothing>, <int64 6765>]\n'
                         f'crash: [<int64 1>, <int64 1>, <\'Worker “{EXAMPLE.name}” has exited with '
                         'status 3 before it had answered\'>, <@mv nothing>]\n'
                         'fibonacci: [<int64 1>, <int64 1>, <@mv nothing>, <int64 10946>]\n')


if __name__ == '__main__':
    tap.main()
