# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Topics in Python, and for a peer that knows nothing of them but MessagePack-RPC."""

import os
import socket
import tempfile
import time
import unittest

import msgpack
import tap

import gi
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gio, GLib, GObject
from gi.repository import MsgpackRpc as M


class Thermometer(GObject.Object):
    __gsignals__ = {'alarm': (GObject.SignalFlags.RUN_LAST, None, (str, int))}
    degrees = GObject.Property(type=float)
    room = GObject.Property(type=str)


class PlainPeer:
    """A socket, and python3-msgpack."""

    def __init__(self, path, iterate):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.setblocking(False)
        self.unpacker = msgpack.Unpacker(raw=False)
        self.iterate = iterate

    def send(self, message):
        self.socket.send(msgpack.packb(message))

    def receive(self):
        while True:
            for message in self.unpacker:
                return message
            try:
                self.unpacker.feed(self.socket.recv(65536))
            except BlockingIOError:
                self.iterate()


class Topics(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, 'socket')
        self.dispatcher = M.Dispatcher.new()
        self.server = M.Server.new()
        self.server.set_dispatcher(self.dispatcher)
        self.server.listen_sync('unix://' + self.path, None)
        self.results = []

    def tearDown(self):
        self.server.stop()
        self.server.close()
        self.folder.cleanup()

    def iterate(self):
        GLib.MainContext.default().iteration(False)

    def wait_until(self, condition):
        end = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), end, 'waited in vain')
            self.iterate()

    def wait_result(self, start, *args):
        results = []
        start(*args, None, lambda source, result: results.append(result))
        self.assertEqual(results, [])
        self.wait_until(lambda: results)
        return results[0]

    def test_plain_peer(self):
        topic = self.dispatcher.add_topic('prices', '(sd)')
        peer = PlainPeer(self.path, self.iterate)
        peer.send([0, 1, 'rpc.subscribe', ['prices']])
        self.assertEqual(peer.receive(), [1, 1, None, None])
        self.assertEqual(topic.props.n_subscribers, 1)
        topic.publish(GLib.Variant('(sd)', ('GNU', 42.5)))
        self.assertEqual(peer.receive(), [2, 'prices', [['GNU', 42.5]]])
        peer.send([0, 2, 'rpc.subscribe', ['silver']])
        self.assertEqual(peer.receive(), [1, 2, 'There is no topic “silver”', None])
        peer.send([0, 3, 'rpc.unsubscribe', ['prices']])
        self.assertEqual(peer.receive(), [1, 3, None, None])
        self.assertEqual(topic.props.n_subscribers, 0)
        peer.send([2, 'rpc.subscribe', ['prices']])
        self.wait_until(lambda: topic.props.n_subscribers == 1)
        peer.socket.close()
        self.wait_until(lambda: topic.props.n_subscribers == 0)

    def test_client(self):
        topic = self.dispatcher.add_topic('news', None)
        self.assertIsNone(self.dispatcher.add_topic('news', None))
        topic.props.description = 'What is new'
        topic.props.policy = M.TopicPolicy.DROP_OLDEST
        self.assertEqual([t.props.name for t in self.dispatcher.props.topics], ['news'])
        self.assertEqual(self.dispatcher.lookup_topic('news'), topic)

        client = M.Client.new('unix://' + self.path)
        seen = []
        client.connect('published::news', lambda client, topic, value:
                       seen.append((topic, value.unpack())))
        client.open_async(None, None)
        result = self.wait_result(client.subscribe_async, 'news')
        self.assertTrue(client.subscribe_finish(result))
        self.assertTrue(self.server.publish('news', GLib.Variant('s', 'one')))
        self.assertTrue(self.dispatcher.publish('news', None))
        result = self.wait_result(topic.publish_async, GLib.Variant('i', 3))
        self.assertTrue(topic.publish_finish(result))
        self.wait_until(lambda: len(seen) == 3)
        self.assertEqual(seen, [('news', 'one'), ('news', None), ('news', 3)])

        result = self.wait_result(client.subscribe_async, 'old')
        with self.assertRaisesRegex(GLib.Error, 'There is no topic “old”'):
            client.subscribe_finish(result)
        with self.assertRaises(GLib.Error) as caught:
            self.dispatcher.publish('old', None)
        self.assertTrue(caught.exception.matches(M.Error.quark() if hasattr(M.Error, 'quark')
                                                 else M.error_quark(), M.Error.TOPIC_NOT_FOUND))

        result = self.wait_result(client.unsubscribe_async, 'news')
        self.assertTrue(client.unsubscribe_finish(result))
        self.assertEqual(topic.props.n_subscribers, 0)
        self.assertTrue(self.dispatcher.remove_topic('news'))

    def test_bind(self):
        thermometer = Thermometer()
        degrees = self.dispatcher.add_topic('degrees', 'd')
        degrees.bind_to_property(thermometer, 'degrees')
        room = self.dispatcher.add_topic('room', None)
        room.bind_to_property(thermometer, 'room')
        alarm = self.dispatcher.add_topic('alarm', None)
        alarm.bind_to_signal(thermometer, 'alarm')
        with self.assertRaisesRegex(GLib.Error, 'takes values of type “d”'):
            degrees.bind_to_property(thermometer, 'room')
        with self.assertRaisesRegex(GLib.Error, 'has no property “colour”'):
            degrees.bind_to_property(thermometer, 'colour')

        peer = PlainPeer(self.path, self.iterate)
        for i, name in enumerate(['degrees', 'room', 'alarm']):
            peer.send([0, i, 'rpc.subscribe', [name]])
            self.assertEqual(peer.receive(), [1, i, None, None])
        thermometer.degrees = 21.5
        thermometer.room = 'Küche'
        thermometer.room = None
        thermometer.emit('alarm', 'hot', 99)
        self.assertEqual([peer.receive() for i in range(4)],
                         [[2, 'degrees', [21.5]], [2, 'room', ['Küche']], [2, 'room', [None]],
                          [2, 'alarm', [['hot', 99]]]])
        degrees.unbind(thermometer)
        del thermometer
        peer.socket.close()

    def test_wrong_types(self):
        topic = self.dispatcher.add_topic('t', 'x')
        for wrong in 7, 'seven', [7]:
            with self.assertRaises(TypeError):
                topic.publish(wrong)
        with self.assertRaisesRegex(GLib.Error, 'takes a value of type “x”, not “s”'):
            topic.publish(GLib.Variant('s', 'seven'))
        with self.assertRaises(TypeError):
            topic.bind_to_property('no object', 'name')


if __name__ == '__main__':
    tap.main()
