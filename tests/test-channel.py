# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import contextlib
import os
import pathlib
import resource
import sys
import tempfile
import threading
import time
import unittest

import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, GObject
from gi.repository import MsgpackRpc as M

DEADLINE = 20
MIB = 1024 * 1024


def wait_until(condition):
    """Runs the main context until the condition holds."""
    context = GLib.MainContext.default()
    end = time.monotonic() + DEADLINE
    tick = GLib.timeout_source_new(10)
    tick.set_callback(lambda *_: GLib.SOURCE_CONTINUE)
    tick.attach(context)
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('waited in vain')
        context.iteration(True)
    tick.destroy()


@contextlib.contextmanager
def shown_exceptions():
    """What PyGObject prints, as it has nobody to raise it to."""
    shown = []
    hook, sys.excepthook = sys.excepthook, lambda _type, value, _trace: shown.append(str(value))
    yield shown
    sys.excepthook = hook


class Upper(GObject.Object, M.Codec):
    """Texts of a byte length and as many bytes"""

    def do_encode(self, message):
        text = message.get_string().upper().encode()
        if text == b'RAISE':
            raise ValueError('raised')
        if text == b'REFUSE':
            raise GLib.Error('refused', 'a-domain', 7)
        return GLib.Bytes.new(bytes([len(text)]) + text)

    def do_decode(self, input):
        data = input.get_data()
        size = 1 + data[0]
        if len(data) < size:
            return True, None, size
        text = data[1:size].decode()
        if text == 'BAD':
            raise ValueError('bad')
        return True, GLib.Variant('s', text), size


class FileEncoder(M.StreamEncoder):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def do_encode(self):
        file = Gio.File.new_for_path(self.path)
        size = file.query_info('standard::size', 0, None).get_size()
        self.add_bytes(GLib.Bytes.new(size.to_bytes(8, 'big')))
        self.add_stream(file.read(None), size)
        self.finish()
        return True


class FileDecoder(M.StreamDecoder):
    def __init__(self, codec):
        super().__init__()
        self.codec, self.stream = codec, None

    def do_decode(self, input):
        self.codec.threads.add(threading.current_thread())
        if self.stream is not None:
            self.stream.close(None)
            self.finish(GLib.Variant('s', self.codec.path))
            return True, 0
        if input.get_size() < 8:
            return True, 0
        if self.codec.waits and self not in self.codec.waiting:
            self.codec.waiting.append(self)
            self.pause()
            return True, 0
        size = int.from_bytes(input.get_data()[:8], 'big')
        self.stream = Gio.File.new_for_path(self.codec.path).replace(
            None, False, Gio.FileCreateFlags.NONE, None)
        self.write_to(self.stream, size)
        return True, 8


class Files(GObject.Object, M.Codec):
    """Files: a message is a path; their contents go by"""

    def __init__(self, path=None, waits=False):
        super().__init__()
        self.path, self.waits, self.waiting, self.threads = path, waits, [], set()

    def do_create_encoder(self, message):
        return FileEncoder(message.get_string())

    def do_create_decoder(self):
        return FileDecoder(self)


class Channels(unittest.TestCase):
    def setUp(self):
        self.received, self.rejected, self.closed = [], [], []

    def pair(self, codec):
        done, near, far = M.Channel.new_pair(codec)
        self.assertTrue(done)
        far.connect('message', lambda _channel, message: self.received.append(message.unpack()))
        near.connect('rejected', lambda _channel, message, error: self.rejected.append(
            (message.unpack(), error.message)))
        for name, channel in ('near', near), ('far', far):
            channel.connect('closed', lambda _channel, error, incomplete, unsent, name=name:
                            self.closed.append((name, error, incomplete, unsent.unpack())))
        return near, far

    def test_codec_in_python(self):
        near, far = self.pair(Upper())
        self.assertTrue(near.send(GLib.Variant('s', 'one')))
        near.send(GLib.Variant('s', ''))
        near.send(GLib.Variant('s', 'ü' * 100))
        self.assertEqual(self.received, [])
        wait_until(lambda: len(self.received) == 3)
        self.assertEqual(self.received, ['ONE', '', 'Ü' * 100])

    def test_exceptions_of_a_codec(self):
        near, far = self.pair(Upper())
        with shown_exceptions() as shown:
            for text in 'raise', 'refuse', 'fine', 'bad':
                near.send(GLib.Variant('s', text))
            wait_until(lambda: len(self.closed) == 2)
        self.assertEqual(self.rejected[0][0], 'raise')
        self.assertRegex(self.rejected[0][1], 'failed to encode')
        self.assertEqual(self.rejected[1], ('refuse', 'refused'))
        self.assertEqual(self.received, ['FINE'])
        error = next(error for name, error, *_rest in self.closed if name == 'far')
        self.assertRegex(error.message, 'failed to decode')
        self.assertEqual(shown, ['raised', 'bad'])

    def test_close_hands_back(self):
        near, far = self.pair(Upper())
        near.send(GLib.Variant('s', 'one'))
        near.close_async(M.CloseMode.NOW, None, None)
        with self.assertRaises(GLib.Error):
            near.send(GLib.Variant('s', 'late'))
        wait_until(lambda: len(self.closed) == 2)
        self.assertEqual(next(end for end in self.closed if end[0] == 'near')[1:],
                         (None, None, ['one']))
        self.assertEqual([message for message, _error in self.rejected], ['late'])

    def test_receive_in_threads(self):
        """The codec runs in this thread all the same"""
        done, near, far = M.Channel.new_pair(None)
        self.assertIsInstance(near.get_codec(), M.MsgpackCodec)
        received = []

        def work():
            while True:
                try:
                    received.append(far.receive_sync(-1, None).unpack())
                except GLib.Error as error:
                    if error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CLOSED):
                        return
                    raise

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for i in range(100):
            near.send(GLib.Variant('a{sv}', {'i': GLib.Variant('x', i)}))
        wait_until(lambda: len(received) == 100)
        self.assertEqual(sorted(message['i'] for message in received), list(range(100)))
        near.close_async(M.CloseMode.NOW, None, None)
        wait_until(lambda: not any(thread.is_alive() for thread in threads))

    def test_streams(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = (os.path.join(folder, name) for name in ('source', 'target'))
            with open(source, 'wb') as file:
                for i in range(64):
                    file.write(bytes([i]) * MIB)
            codec = Files(target)
            near, far = self.pair(codec)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            near.send(GLib.Variant('s', source))
            wait_until(lambda: self.received)
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            self.assertEqual(self.received, [target])
            self.assertEqual(codec.threads, {threading.current_thread()})
            self.assertEqual(pathlib.Path(source).read_bytes(), pathlib.Path(target).read_bytes())
            # Of 64 MiB.
            self.assertLess((after - before) / 1024, 16)

    def test_decoder_that_waits(self):
        """Nothing more is read meanwhile, so that the sender has to wait"""
        with tempfile.TemporaryDirectory() as folder:
            source, target = (os.path.join(folder, name) for name in ('source', 'target'))
            pathlib.Path(source).write_bytes(b'x' * (16 * MIB))
            codec = Files(target, waits=True)
            near, far = self.pair(codec)
            near.send(GLib.Variant('s', source))
            wait_until(lambda: codec.waiting)
            for _ in range(1000):
                GLib.MainContext.default().iteration(False)
            self.assertEqual(self.received, [])
            self.assertGreater(near.get_queued_bytes(), 0)
            thread = threading.Thread(target=codec.waiting[0].resume)
            thread.start()
            thread.join()
            wait_until(lambda: self.received)
            self.assertEqual(os.path.getsize(target), 16 * MIB)

    def test_stream_that_ends_too_soon(self):
        with tempfile.TemporaryDirectory() as folder:
            near, far = self.pair(Files(os.path.join(folder, 'target')))
            near.send(GLib.Variant('s', '/proc/self/no-such-file'))
            with shown_exceptions():
                wait_until(lambda: self.rejected)
            self.assertEqual(self.rejected[0][0], '/proc/self/no-such-file')
            # It says that it has more than it has.
            near.send(GLib.Variant('s', '/sys/kernel/mm/transparent_hugepage/enabled'))
            wait_until(lambda: len(self.closed) == 2)
            end = next(end for end in self.closed if end[0] == 'near')
            self.assertRegex(end[1].message, 'ended too soon')
            self.assertEqual(end[2].unpack(), '/sys/kernel/mm/transparent_hugepage/enabled')

    def test_dropped_while_a_stream_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            source, target = (os.path.join(folder, name) for name in ('source', 'target'))
            pathlib.Path(source).write_bytes(b'x' * (16 * MIB))
            codec = Files(target)
            near, far = self.pair(codec)
            near.send(GLib.Variant('s', source))
            wait_until(lambda: os.path.exists(target))
            del near
            wait_until(lambda: [end for end in self.closed if end[0] == 'far'])
            self.assertEqual(self.received, [])
            self.assertRegex(self.closed[0][1].message, 'middle of a message')


if __name__ == '__main__':
    tap.main()
