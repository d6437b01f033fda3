# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The RPC browser, used as by a person."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

import rig

PROGRAM = rig.BUILD / 'examples/rpc-browser/rpc-browser'
TOOL = rig.BUILD / 'msgpackrpc-glib/tools/msgpackrpc'
WORKER = rig.BUILD / 'tests/test-tool-server'


class Served(contextlib.ExitStack):
    """“msgpackrpc serve --test”, which can be stopped and started again."""

    def __init__(self, *args, address='tcp://127.0.0.1:0'):
        super().__init__()
        self.args = args
        self.address = address
        self.start()
        self.callback(self.stop)

    def start(self):
        self.process = subprocess.Popen([TOOL, 'serve', '--test', *self.args, self.address],
                                        stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().split()[-1]

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@unittest.skipUnless(PROGRAM.exists(), 'the examples with windows are not built')
@unittest.skipUnless(TOOL.exists(), 'the tool is not built')
class Browser(rig.Case):
    def browse(self, *args):
        self.browser = self.start(PROGRAM, *args)
        self.addCleanup(self.close, self.browser)
        return self.browser

    def close(self, browser):
        """Whatever it does, its window can be closed."""
        browser.check_runs()
        browser.key('ctrl+w')
        self.assertEqual(browser.wait_end(), 0, browser.output())

    def serve(self, *args, **more):
        served = Served(*args, **more)
        self.addCleanup(served.close)
        return served

    def start_worker(self):
        """A server with what “serve --test” has not."""
        worker = subprocess.Popen([WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for function in worker.stdout.close, worker.wait, worker.stdin.close:
            self.addCleanup(function)
        worker.address = worker.stdout.readline().strip()
        return worker

    def wait_for_focus(self, role):
        """Keys go to where the focus is when they come."""
        self.assert_eventually(
            lambda: any(node.has('focused') for node in self.browser.find_all(role)),
            f'the focus to be in a thing that is {role}')

    def choose(self, name, has_fields=True):
        """A method, with keys alone."""
        self.browser.key('ctrl+f', 'ctrl+a')
        self.wait_for_focus('entry')
        self.browser.type(name)
        self.browser.key('Return')
        self.browser.find('label', name)
        if has_fields:
            self.wait_for_focus('text')

    def find_result(self, text):
        return self.browser.find('text', 'Result', text)

    def find_status(self, *parts):
        self.browser.find('label', lambda name: all(part in name for part in parts))

    # ---- calls ----

    def test_calling(self):
        browser = self.browse(self.serve().address)
        browser.find('label', 'add')
        browser.find('label', 'Choose a method to call it')
        self.choose('add')
        browser.find('label', 'Returns any value')
        browser.type('40')
        browser.key('Tab')
        browser.type('2')
        browser.key('Return')
        self.find_result('42')
        browser.find('label', lambda name: name.startswith('Answered in '))

        self.choose('fail')
        browser.type('no way')
        browser.key('ctrl+Return')
        self.find_result('no way')
        browser.find('label', lambda name: name.startswith('Failed after '))

        # What was typed is there again.
        self.choose('add')
        browser.find('text', 'a', '40')

    # ---- connections ----

    def test_addresses(self):
        browser = self.browse()
        browser.find('label', 'Not connected')
        browser.key('ctrl+l')
        browser.type('nowhere://at all')
        browser.key('Return')
        self.find_status('nowhere')
        browser.find('push button', lambda name: name.endswith(' Connect'))
        browser.key('ctrl+l')
        browser.type(self.serve().address)
        browser.key('Return')
        self.find_status('Connected to tcp://')
        browser.find('label', 'add')
        browser.find('push button', lambda name: name.endswith(' Disconnect')).act()
        self.find_status('Disconnected')

    # ---- other peers ----

    @unittest.skipUnless(shutil.which('nvim'), 'nvim not installed')
    def test_neovim(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'nvim')
            editor = subprocess.Popen(['nvim', '--headless', '-u', 'NONE', '-i', 'NONE',
                                       '--listen', path], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                rig.wait_until(lambda: os.path.exists(path), 'Neovim')
                browser = self.browse(path)
                browser.find('label', 'nvim_buf_attach')
                self.choose('nvim_eval')
                browser.type('6 * 7')
                browser.key('Return')
                self.find_result('42')
                browser.screenshot('rpc-browser-neovim')
            finally:
                editor.send_signal(signal.SIGKILL)
                editor.wait()

    def test_progress(self):
        """The peer tells how far it is, and hears that nobody waits."""
        worker = self.start_worker()
        browser = self.browse(worker.address)
        browser.find('label', 'work')
        self.choose('work', has_fields=False)
        browser.key('ctrl+Return')
        browser.find('page tab', 'In Flight (1)')
        browser.find('progress bar')
        browser.screenshot('rpc-browser-progress')
        browser.key('Escape')
        self.assert_eventually(lambda: select.select([worker.stdout], [], [], 0)[0], 'the worker')
        self.assertEqual(worker.stdout.readline(), 'cancelled\n')

    def test_dark(self):
        self.desktop.set_dark(True)
        browser = self.browse(self.serve().address)
        browser.find('label', 'add')
        self.choose('echo')
        browser.type('{"dark": true}')
        browser.key('Return')
        self.find_result("{'dark': true}")
        browser.screenshot('rpc-browser-dark')

    def test_notifications(self):
        browser = self.browse(self.serve().address)
        browser.find('label', 'notify_back')
        self.choose('notify_back')
        browser.type('greeting')
        browser.key('Tab')
        browser.type('"hello", 5')
        browser.key('Return')
        browser.find('page tab', 'Notifications (1)')
        browser.key('Return')
        browser.find('page tab', 'Notifications (2)')
        browser.key('alt+3')
        browser.find('page tab', 'Notifications')
        browser.find('label', "['hello', 5]")
        browser.screenshot('rpc-browser-notifications')
        browser.key('ctrl+f')
        browser.type('nonsense')
        browser.find('label', 'Nothing contains this text')
        browser.key('ctrl+a')
        browser.type('HELLO')
        browser.click_on(browser.find('label', "['hello', 5]"))
        browser.find('text', 'Whole', "greeting\n\n['hello', 5]")
        browser.click_on(browser.find('push button', 'Pause'))
        browser.key('alt+1', 'ctrl+Return')
        browser.find('label', lambda name: name.startswith('Answered in '))
        browser.key('alt+3')
        browser.find('label', '1 missed')
        browser.find('push button', 'Clear').act()
        browser.wait_gone('label', "['hello', 5]")

    def test_token(self):
        """It is typed below the key beside the address."""
        with tempfile.TemporaryDirectory() as folder:
            token = os.path.join(folder, 'token')
            browser = self.browse(self.serve('--token', token).address)
            self.find_status('closed the connection', 'trying again')
            self.assertEqual(browser.find_all('label', 'add'), [])
            with open(token, encoding='ascii') as file:
                secret = file.read().strip()
            for text, status in (secret[::-1], 'the token is another one'), (secret, 'Connected to'):
                browser.click_on(browser.find('push button', 'Token'))
                self.wait_for_focus('password text')
                browser.key('ctrl+a')
                browser.type(text)
                browser.key('Return')
                self.find_status(status)
            browser.find('label', 'add')

    def make_certificate(self, folder):
        """In a file with its key; and its fingerprint."""
        path = os.path.join(folder, 'server.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                        'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', f'{folder}/key', '-out',
                        f'{folder}/certificate', '-subj', '/CN=localhost', '-addext',
                        'subjectAltName=DNS:localhost'], check=True, stderr=subprocess.DEVNULL)
        with open(path, 'w', encoding='ascii') as file:
            for name in 'key', 'certificate':
                file.write(pathlib.Path(folder, name).read_text('ascii'))
        told = subprocess.run(['openssl', 'x509', '-in', path, '-noout', '-fingerprint', '-sha256'],
                              check=True, text=True, stdout=subprocess.PIPE)
        return path, told.stdout.strip().partition('=')[2]

    def test_certificate(self):
        """One that nobody has signed is refused until the user trusts it; another one still is."""
        with tempfile.TemporaryDirectory() as folder:
            path, fingerprint = self.make_certificate(folder)
            served = self.serve('--tls-certificate', path, address='tls://localhost:0')
            served.address = served.address.replace('127.0.0.1', 'localhost')
            browser = self.browse(served.address)
            self.find_status('not acceptable', 'trusted')
            browser.find('label', fingerprint)
            browser.screenshot('rpc-browser-certificate')
            browser.find('push button', lambda name: 'Trust Until Disconnected' in name).act()
            self.find_status('Connected to tls://')
            browser.wait_gone('label', fingerprint)
            browser.find('label', 'add')

            served.stop()
            self.find_status('trying again')
            _, other = self.make_certificate(folder)
            served.start()
            browser.find('label', other)

    def test_flood(self):
        """What the user does is done meanwhile, and the last 1,000 are kept."""
        browser = self.browse(self.start_worker().address)
        browser.find('label', 'flood')
        self.choose('flood')
        browser.type('3000')
        browser.key('ctrl+Return')
        self.choose('add')
        browser.type('40')
        browser.key('Tab')
        browser.type('2')
        browser.key('Return')
        self.find_result('42')
        browser.find('page tab', 'Notifications (3000)')

        # While they are looked at, too.
        self.choose('flood')
        browser.key('alt+3')
        browser.find('label', '[2999]')
        browser.find('push button', 'Clear').act()
        browser.wait_gone('label', '[2999]')
        browser.key('ctrl+Return')
        browser.find('label', '[2999]')
        browser.screenshot('rpc-browser-flood')
        browser.key('ctrl+f')
        self.wait_for_focus('entry')
        browser.type('[2000]')
        browser.wait_gone('label', '[2999]')
        browser.find('label', '[2000]')
        browser.key('ctrl+a')
        browser.type('[1999]')
        browser.find('label', 'Nothing contains this text')

    def test_history(self):
        browser = self.browse(self.serve().address)
        browser.find('label', 'add')
        self.choose('add')
        browser.type('1')
        browser.key('Tab')
        browser.type('2')
        browser.key('Return')
        self.find_result('3')
        browser.key('Tab')
        browser.key('alt+4')
        browser.find('label', 'Connected')
        label = browser.find('label', 'add [1, 2]')
        browser.screenshot('rpc-browser-history')
        browser.click_on(label)
        browser.find('text', 'Whole', 'Answered in')
        # By the mouse: what acts for assistive technologies is done a while later, after the key.
        button = browser.find('push button', lambda name: name.endswith('Call Again'))
        browser.click_on(button)
        browser.key('alt+4')
        listed = browser.find('list', 'What has happened')
        self.assert_eventually(lambda: len(listed.find_all('label', 'add [1, 2]')) == 2, browser.dump)

    def test_reconnecting(self):
        served = self.serve()
        browser = self.browse(served.address)
        self.find_status('Connected to')
        served.stop()
        self.find_status('trying again')
        served.start()
        self.find_status('Connected to')

    def test_help(self):
        """Neither help nor a slip of the pen opens a window."""
        def run(option):
            return subprocess.run([PROGRAM, option], env=self.desktop.env, text=True,
                                  capture_output=True, timeout=rig.DEADLINE)

        result = run('--help')
        self.assertEqual((result.returncode, result.stderr), (0, ''))
        self.assertIn('[ADDRESS]', result.stdout)
        result = run('--adress')
        self.assertEqual((result.returncode, result.stdout), (1, ''))
        self.assertIn('--adress', result.stderr)


if __name__ == '__main__':
    rig.tap.main()
