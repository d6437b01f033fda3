# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""What a program in Python can say of its methods."""

import gc

from python_cases import GLib, M, PairCase, ask

import tap


def show(invocation, params, _data=None):
    return invocation.return_value(GLib.Variant('s', f'{invocation.get_method()}{params.unpack()}'))


class Methods(PairCase):
    def add(self, name, signature, flags, dispatcher=None):
        dispatcher = dispatcher or self.dispatcher
        dispatcher.add_method_full(name, signature, show, None, flags)
        return dispatcher.lookup_method(name)

    def ask(self, method, params=None):
        result = ask(self.caller, method, params)
        return result.unpack()

    def test_optional(self):
        self.add('f', '(xms)', M.MethodFlags.NONE)
        self.assertEqual(self.ask('f', GLib.Variant('(i)', (1,))), 'f(1, None)')
        self.assertEqual(self.ask('f', GLib.Variant('(is)', (1, 'a'))), "f(1, 'a')")
        self.assert_refused('f', 'f() takes 1 to 2 arguments (0 given)')

    def test_named(self):
        method = self.add('f', '(xms)', M.MethodFlags.NAMED_PARAMS)
        method.props.param_names = ['number', 'text']
        self.assertEqual(method.get_param_names(), ['number', 'text'])
        one = GLib.Variant('i', 1)
        self.assertEqual(self.ask('f', GLib.Variant('a{sv}', {'number': one})), 'f(1, None)')
        self.assert_refused('f', 'f() takes no argument “x”', GLib.Variant('a{sv}', {'x': one}))
        method.set_param_names(None)
        self.assertEqual(method.props.param_names, [])

    def test_result(self):
        method = self.add('f', None, M.MethodFlags.NONE)
        method.props.result_signature = 'x'
        self.assertEqual(method.get_result_signature(), 'x')
        self.assert_refused('f', 'Method “f” gave a result of a wrong type')
        method.props.result_signature = None
        self.assertEqual(self.ask('f'), 'f[]')

    def test_prefix(self):
        method = self.add('log.', None, M.MethodFlags.PREFIX)
        self.assertEqual(method.props.flags, M.MethodFlags.PREFIX)
        self.assertEqual(self.ask('log.file'), 'log.file[]')

    def test_chain(self):
        common = M.Dispatcher(version='1')
        self.add('common', None, M.MethodFlags.NONE, common)
        self.dispatcher.props.next = common
        self.assertEqual(self.ask('common'), 'common[]')
        self.assertFalse(common.set_next(self.dispatcher))
        self.dispatcher.set_next(None)
        self.assertIsNone(self.dispatcher.get_next())
        self.assert_refused('common', 'There is no method “common”')

    def test_replace(self):
        """The new dispatcher has the methods; the handlers of the old one are let go."""
        other = M.Dispatcher()
        self.callee.props.dispatcher = other
        del self.dispatcher
        gc.collect()
        self.assert_refused('add', 'There is no method “add”')
        self.callee.props.dispatcher = None
        self.assert_refused('rpc.ping', 'There is no method “rpc.ping”')

    def test_describe(self):
        self.dispatcher.props.version = '1.5'
        self.dispatcher.props.description = 'Sums'
        add = self.dispatcher.lookup_method('add')
        add.props.description = 'Adds'
        answer = self.ask('rpc.discover')
        self.assertEqual((answer['version'], answer['description']), ('1.5', 'Sums'))
        self.assertEqual(answer['methods'][0],
                         {'name': 'add', 'params': '(xx)', 'param_names': [], 'result': None,
                          'doc': 'Adds', 'flags': []})
        self.assert_refused('ad', 'There is no method “ad”; the nearest is “add”')
        self.dispatcher.props.discoverable = False
        self.assert_refused('ad', 'There is no method “ad”')

    def test_ping(self):
        self.assertIsNone(self.ask('rpc.ping'))
        self.dispatcher.props.answers_pings = False
        self.assert_refused('rpc.ping', 'There is no method “rpc.ping”')

    def test_authorize(self):
        self.dispatcher.connect('authorize::rpc.discover', lambda *_: False)
        self.assert_refused('rpc.discover', 'access denied: rpc.discover()')


if __name__ == '__main__':
    tap.main()
