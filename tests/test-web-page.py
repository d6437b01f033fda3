# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The example web-socket, with its page in a browser, and with pages of other sites."""

import http.server
import json
import os
import pathlib
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import npm
import tap

BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR'])
PROGRAM = BUILD.parent / 'examples/web-socket'
PAGE = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent / 'examples/web-socket.html'
# What sanitizers need to know of a leak that is not ours; slowly, through libraries without frames.
ENVIRONMENT = dict(os.environ,
                   ASAN_OPTIONS=os.environ.get('ASAN_OPTIONS', '') + ':fast_unwind_on_malloc=0',
                   LSAN_OPTIONS='print_suppressions=0:suppressions='
                                + str(pathlib.Path(os.environ['G_TEST_SRCDIR'], 'lsan-libsoup.supp')))
PACKAGE = '@msgpack/msgpack'
BROWSER = shutil.which('chromium') or shutil.which('chromium-browser')
# Seconds until a test gives up.
DEADLINE = 60

# A page of another site. It tells its own server what has become of its WebSocket.
FOREIGN_PAGE = '''<!DOCTYPE html>
<script>
const socket = new WebSocket(%s);
const tell = what => fetch('/' + what, {method: 'POST'});
socket.onopen = () => tell('opened');
socket.onerror = () => tell('refused');
</script>
'''

needs_program = unittest.skipUnless(PROGRAM.exists(), 'the example is not built')
needs_browser = unittest.skipUnless(BROWSER, 'chromium is not installed')


class Site:
    """A web server with one page, which tells what was posted to it."""

    def __init__(self):
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                found = self.path == '/'
                self.send_response(200 if found else 404)
                self.send_header('Content-Type', 'text/html')
                self.end_headers()
                if found:
                    self.wfile.write(site.page.encode())

            def do_POST(self):
                site.posted.put(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.page = ''
        self.posted = queue.Queue()
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.origin = f'http://localhost:{self.server.server_port}'
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@needs_program
class WebPage(unittest.TestCase):
    def start_program(self, *args):
        self.process = subprocess.Popen([PROGRAM, '--port=0', *args], text=True,
                                        stdout=subprocess.PIPE, env=ENVIRONMENT)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.uri = self.process.stdout.readline().rstrip()
        self.assertRegex(self.uri, r'^http://localhost:\d+/$')
        self.lines = queue.Queue()
        thread = threading.Thread(target=self.read_lines, daemon=True)
        thread.start()

    def read_lines(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip('\n'))

    def expect(self, *lines):
        for line in lines:
            self.assertEqual(self.lines.get(timeout=DEADLINE), line)

    def stop_program(self):
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(DEADLINE), 0)

    def open_page(self, uri):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        browser = subprocess.Popen(
            [BROWSER, '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
             '--no-first-run', '--disable-background-networking', '--disable-component-update',
             '--disable-sync', '--remote-debugging-port=0', f'--user-data-dir={folder.name}', uri],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        self.addCleanup(browser.wait)
        self.addCleanup(self.kill_group, browser)
        return browser

    @staticmethod
    def kill_group(browser):
        try:
            os.killpg(browser.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    @needs_browser
    @npm.needs(PACKAGE)
    @tap.named('/behaviours/A2.19')
    def test_page(self):
        self.start_program(PAGE, npm.NODE_MODULES / PACKAGE / 'dist.umd/msgpack.min.js')
        self.open_page(self.uri)
        self.expect('here',
                    'the page: 1 + 2 = 3',
                    'the page: Hello, World!',
                    'the page: an error: There is no method “subtract”',
                    'the page: a tick is a number')
        self.stop_program()

    def open_foreign_page(self, *args):
        site = Site()
        self.addCleanup(site.close)
        self.start_program(*(arg.format(site.origin) for arg in args), PAGE, PAGE)
        site.page = FOREIGN_PAGE % json.dumps(self.uri.replace('http://', 'ws://') + 'rpc')
        self.open_page(site.origin + '/')
        return site.posted.get(timeout=DEADLINE)

    @needs_browser
    def test_page_of_another_site_is_refused(self):
        self.assertEqual(self.open_foreign_page(), '/refused')
        self.stop_program()
        self.assertTrue(self.lines.empty())

    @needs_browser
    def test_page_of_a_site_that_was_named(self):
        self.assertEqual(self.open_foreign_page('--origin={}'), '/opened')
        self.expect('here')
        self.stop_program()

    def test_help(self):
        output = subprocess.run([PROGRAM, '--help'], check=True, text=True, timeout=DEADLINE,
                                stdout=subprocess.PIPE).stdout
        self.assertIn('--origin=ORIGIN', output)

    def test_no_files(self):
        process = subprocess.run([PROGRAM], text=True, timeout=DEADLINE, stderr=subprocess.PIPE)
        self.assertEqual((process.returncode, process.stderr), (2, 'Which files? See --help\n'))


if __name__ == '__main__':
    tap.main()
