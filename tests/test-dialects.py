# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

import tap
from python_cases import Answer, Case, Gio, GLib, IOCode, IO_ERROR, M, PairCase, ask, streams, wait_until


class Properties(Case):
    def test_of_each(self):
        ends = (M.Client.new('tcp://localhost:1'), M.Server.new(), M.Connection.new(streams()[0]))
        for end in ends:
            with self.subTest(end=type(end).__name__):
                self.assertEqual(end.props.profile, M.Profile.TOLERANT)
                self.assertEqual(end.props.framing, M.Framing.NONE)
                self.assertEqual(end.props.reply_order, M.ReplyOrder.ANY)
                end.set_profile(M.Profile.STRICT)
                end.props.framing = M.Framing.MSGPACK_LENGTH
                end.props.reply_order = M.ReplyOrder.REVERSE
                self.assertEqual(end.get_profile(), M.Profile.STRICT)
                self.assertEqual(end.get_framing(), M.Framing.MSGPACK_LENGTH)
                self.assertEqual(end.get_reply_order(), M.ReplyOrder.REVERSE)

    def test_names(self):
        profiles = [value.value_nick for value in M.Profile.__enum_values__.values()]
        self.assertEqual(profiles, ['tolerant', 'boolean-error', 'strict', 'neovim', 'legacy',
                                    'serial', 'keybase'])


class Dialects(PairCase):
    def test_framed(self):
        for end in (self.caller, self.callee):
            end.set_framing(M.Framing.MSGPACK_LENGTH)
        self.assertEqual(ask(self.caller, 'add', GLib.Variant('(ii)', (1, 2))).unpack(), 3)

    def test_serial(self):
        self.caller.props.profile = M.Profile.SERIAL
        answers = [Answer(self.caller, 'echo', GLib.Variant('(i)', (i,))) for i in range(3)]
        wait_until(lambda: all(answer.is_there() for answer in answers))
        self.assertEqual([answer.result.unpack() for answer in answers], [0, 1, 2])
        with self.assertRaises(GLib.Error) as raised:
            self.caller.send_notification('echo', None)
        self.assert_error(raised.exception, IO_ERROR, IOCode.NOT_SUPPORTED)

    def test_peer_error(self):
        told = []
        self.caller.connect('peer-error', lambda _, text, value: told.append((text, value.unpack())))
        self.callee.send_message(GLib.Variant('(iis(b))', (1, 0, 'no', (True,))))
        wait_until(lambda: told)
        self.assertEqual(told, [('no', 'no')])
        self.assertEqual(self.caller.props.statistics.unpack()['peer-errors'], 1)

    def test_unknown_message(self):
        told = []
        self.caller.connect('unknown-message', lambda _, message: told.append(message.unpack()))
        self.callee.send_message(GLib.Variant('(is)', (9, 'what')))
        wait_until(lambda: told)
        self.assertEqual(told, [[9, 'what']])

    def test_error_data(self):
        answer = Answer(self.caller, 'keep')
        self.callee.send_message(GLib.Variant('(iisi)', (1, 1, '.CallError.NoMethodError', 5)))
        wait_until(answer.is_there)
        self.assertEqual(answer.call.props.error_value.unpack(), '.CallError.NoMethodError')
        self.assertEqual(answer.call.props.error_data.unpack(), 5)
        self.assertEqual(answer.call.get_error_data().unpack(), 5)


if __name__ == '__main__':
    tap.main()
