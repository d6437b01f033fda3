# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""ruby-neovim's session."""

import shutil
import subprocess

import peers
from peers import PROGRAMS, VALUES, needs

COMMAND = ['ruby', PROGRAMS / 'ruby-neovim.rb']


def has_ruby_neovim():
    command = ['ruby', '-e', 'require "neovim"']
    return shutil.which('ruby') and subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


needs_ruby_neovim = needs('ruby-neovim', has_ruby_neovim())


class Common:
    ODD = {
        'same-key-twice': {'82a16101a16102': 'result 81a16102'},
        'unknown-ext': dict.fromkeys(VALUES['ext'] + VALUES['timestamp']),
    }

    test_callback_error = None

    def test_odd_error_of_callback_is_success(self):
        """For that is text."""
        outcome = self.client.call('callback', 'fail', ['ouch'])
        self.assertEqual((outcome.kind, outcome.value), ('result', None))


class Client(Common):
    test_error_array = None
    test_error_empty = None
    test_error_text = None
    test_unknown_method = None

    def test_odd_error_text_is_success(self):
        for method, *params in (['fail', 'Grüße'], ['fail', ''], ['no_such_method']):
            outcome = self.client.call(method, *params)
            self.assertEqual((outcome.kind, outcome.value), ('result', None), method)

    def test_odd_error_is_second_of_array(self):
        self.check_error('no such day', 'fail_obj', 7, 'no such day')
        self.assertEqual(self.client.call('add', 1, 2).value, 3)

    def test_odd_unknown_ext(self):
        """It logs that, and takes what follows for something else."""
        client = self.connect(stderr=subprocess.STDOUT)
        client.start_packed('echo', VALUES['ext'][0])
        client.wait_until(lambda: any('MessagePack::UnknownExtTypeError' in ' '.join(line)
                                      for line in client.received))
        self.assertEqual(client.outcomes, {})


@needs_ruby_neovim
class OverTcp(Client, peers.Features):
    PREFIX = '/interop/ruby-neovim/client-tcp'

    def connect(self, **settings):
        return self.connect_to(self.serve(), **settings)

    def connect_to(self, address, **settings):
        host, port = address.removeprefix('tcp://').split(':')
        return peers.Driver(self, *COMMAND, 'tcp', host, port, **settings)

    def test_profile_neovim(self):
        """Which sends all errors as such arrays."""
        client = self.connect_to(self.serve('tcp://127.0.0.1:0', '--profile=neovim'))
        outcome = client.call('fail', 'Grüße')
        self.assertEqual((outcome.kind, outcome.value), ('error', 'Grüße'))


@needs_ruby_neovim
class OverUnix(Client, peers.Features):
    PREFIX = '/interop/ruby-neovim/client-unix'

    def connect(self, **settings):
        address = self.serve(f'unix://{self.make_folder()}/socket')
        return peers.Driver(self, *COMMAND, 'unix', address.removeprefix('unix://'),
                            **settings)


@needs_ruby_neovim
class Server(Common, peers.Features):
    PREFIX = '/interop/ruby-neovim/server-stdio'

    def connect(self):
        return self.start_ours('--', *COMMAND)

    test_pipelining = None

    def test_odd_one_at_a_time(self):
        """Its loop has no timers: a handler that waits holds up the others."""
        slow = self.client.start('slow', 0.1, 'slow')
        fast = [self.client.start('add', number, 1) for number in range(100)]
        self.assertEqual(self.client.outcome(fast[-1]).value, 100)
        self.assertEqual(self.client.order[-101:], [slow, *fast])


if __name__ == '__main__':
    peers.main()
