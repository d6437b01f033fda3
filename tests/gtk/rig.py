# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Runs programs that have windows: on a display and a session bus of their own, which nobody sees,
with keys and the mouse as of a person, and with eyes that read the accessibility tree."""

import atexit
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import tap  # noqa: F401, which the tests have from here

try:
    import gi
    gi.require_version('Atspi', '2.0')
    from gi.repository import Atspi, GLib
except (ImportError, ValueError):
    Atspi = None

BUILD = pathlib.Path(os.environ['G_TEST_BUILDDIR']).parent
SHOTS = BUILD / 'tests/gtk/screenshots'
DEADLINE = 20 * int(os.environ.get('MSGPACK_RPC_TEST_SLOWNESS', '1'))
SCREEN = (1280, 900)
PROGRAMS = ('Xvfb', 'dbus-daemon', 'scrot', 'xdotool')


def missing():
    """What is not installed, for the tests to be skipped by; an empty string if all is there."""
    names = [name for name in PROGRAMS if shutil.which(name) is None]
    return ', '.join(names + ['gir1.2-atspi-2.0'] * (Atspi is None))


def wait_until(condition, what='it'):
    """Waits for the condition to hold, and returns what it was."""
    end = time.monotonic() + DEADLINE
    while True:
        # What the tree says of itself comes as events.
        while GLib.MainContext.default().iteration(False):
            pass
        with contextlib.suppress(GLib.Error):
            value = condition()
            if value:
                return value
        if time.monotonic() > end:
            raise AssertionError(f'waited in vain for {what() if callable(what) else what}')
        time.sleep(0.02)


class Desktop:
    """A display and a session bus, of which there is one for a test program."""

    running = None

    @classmethod
    def get(cls):
        if cls.running is None:
            cls.running = cls()
            atexit.register(cls.running.stop)
        return cls.running

    def __init__(self):
        self.processes = []
        self.folder = tempfile.TemporaryDirectory(prefix='msgpackrpc-gtk-')
        self.env = dict(os.environ, GDK_BACKEND='x11', GSK_RENDERER='cairo', GTK_A11Y='atspi',
                        GSETTINGS_BACKEND='memory', GIO_USE_VFS='local')
        for name in 'CONFIG', 'DATA', 'STATE', 'CACHE':
            self.env[f'XDG_{name}_HOME'] = self.make_folder(name.lower())
        self.env['XDG_RUNTIME_DIR'] = self.make_folder('runtime')
        self.env['HOME'] = self.make_folder('home')
        for name in 'WAYLAND_DISPLAY', 'GTK_THEME', 'GTK_IM_MODULE', 'AT_SPI_BUS_ADDRESS', 'VIMINIT':
            self.env.pop(name, None)
        number = self.run_and_read('Xvfb', '-displayfd', '{fd}', '-nolisten', 'tcp', '-noreset',
                                   '-screen', '0', '{}x{}x24'.format(*SCREEN))
        self.env['DISPLAY'] = f':{number}'
        self.env['DBUS_SESSION_BUS_ADDRESS'] = self.run_and_read(
            'dbus-daemon', '--session', '--nofork', '--print-address={fd}')
        # For the eyes, which are in this process.
        for name in 'DISPLAY', 'DBUS_SESSION_BUS_ADDRESS', 'XDG_RUNTIME_DIR':
            os.environ[name] = self.env[name]
        os.environ.pop('AT_SPI_BUS_ADDRESS', None)
        Atspi.init()
        self.eyes = Atspi.get_desktop(0)

    def make_folder(self, name):
        path = os.path.join(self.folder.name, name)
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def run_and_read(self, *command):
        """Starts what says a line about itself in a pipe, and returns that."""
        reader, writer = os.pipe()
        process = subprocess.Popen([part.format(fd=writer) for part in command], env=self.env,
                                   pass_fds=[writer], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(writer)
        self.processes.append(process)
        with open(reader) as file:
            line = file.readline().strip()
        if not line:
            raise AssertionError(f'{command[0]} does not start')
        return line

    def stop(self):
        # The bus last, as it is what the accessibility bus ends with.
        for process in self.processes:
            process.terminate()
            process.wait()
        self.folder.cleanup()

    def tool(self, *args):
        """Runs xdotool."""
        result = subprocess.run(['xdotool', *map(str, args)], env=self.env, check=True, text=True,
                                stdout=subprocess.PIPE, timeout=DEADLINE)
        return result.stdout.strip()

    def set_dark(self, is_dark):
        """What the programs that are started next take for what the user prefers."""
        path = pathlib.Path(self.make_folder('config/gtk-4.0')) / 'settings.ini'
        path.write_text(f'[Settings]\ngtk-application-prefer-dark-theme={int(is_dark)}\n'
                        'gtk-enable-animations=0\ngtk-cursor-blink=0\n')


class Node:
    """A thing that a window shows, as assistive technologies see it."""

    def __init__(self, accessible):
        self.accessible = accessible

    @property
    def role(self):
        return self.accessible.get_role_name()

    @property
    def name(self):
        return self.accessible.get_name() or ''

    @property
    def description(self):
        return self.accessible.get_description() or ''

    @property
    def text(self):
        """Of what one can type into, or of a label."""
        if 'Text' not in self.accessible.get_interfaces():
            return ''
        # GTK takes an end of −1 for nothing in an entry.
        count = Atspi.Text.get_character_count(self.accessible)
        return Atspi.Text.get_text(self.accessible, 0, count)

    @property
    def place(self):
        """In the window: x, y, width and height."""
        if 'Component' not in self.accessible.get_interfaces():
            return (0, 0, 0, 0)
        place = Atspi.Component.get_extents(self.accessible, Atspi.CoordType.WINDOW)
        return (place.x, place.y, place.width, place.height)

    @property
    def is_shown(self):
        """GTK tells the state “showing” of windows only, but what is hidden has no size."""
        _, _, width, height = self.place
        return width > 0 and height > 0

    def has(self, state):
        """Such as 'sensitive', 'focused', 'checked'."""
        states = self.accessible.get_state_set()
        return states.contains(getattr(Atspi.StateType, state.upper()))

    def act(self, number=0):
        """As if it were clicked, if it is a button."""
        if not Atspi.Action.do_action(self.accessible, number):
            raise AssertionError(f'{self} does nothing')

    def focus(self):
        """For what is typed next."""
        Atspi.Component.grab_focus(self.accessible)
        wait_until(lambda: self.has('focused') or any(child.has('focused') for child in self.all()),
                   f'{self} to have the focus')

    def children(self):
        for i in range(self.accessible.get_child_count()):
            child = self.accessible.get_child_at_index(i)
            if child is not None:
                yield Node(child)

    @property
    def is_page(self):
        """Of a stack: no widget, and so without a place even if what is in it can be seen."""
        return self.role == 'panel' and 'Component' not in self.accessible.get_interfaces()

    def all(self):
        """Those that can be seen: what is in a hidden thing has a size, too."""
        yield self
        for child in self.children():
            if child.is_shown or child.is_page:
                yield from child.all()

    def walk(self, above=()):
        """All, each with what it is in."""
        yield self, above
        for child in self.children():
            yield from child.walk((*above, child))

    def search(self, role=None, name=None, text=None):
        """Those of which each that is given is so, one by one; the name may be a condition."""
        def is_one(node):
            if role is not None and node.role != role:
                return False
            if name is not None and not (name(node.name) if callable(name) else node.name == name):
                return False
            return text is None or text in node.text

        # To ask for a place takes longest.
        for node, above in self.walk():
            if is_one(node) and are_shown(above):
                yield node

    def find_all(self, role=None, name=None, text=None):
        return list(self.search(role, name, text))

    def dump(self, indent=0):
        lines = [f'{"  " * indent}{self}']
        for child in self.children():
            lines.append(child.dump(indent + 1))
        return '\n'.join(lines)

    def __str__(self):
        text = f' {self.text!r}' if self.text else ''
        hidden = '' if self.is_shown else ' (hidden)'
        return f'{self.role} “{self.name}”{text}{hidden}'


def are_shown(nodes):
    return all(node.is_shown or node.is_page for node in nodes)


class Program:
    """One that runs and has shown a window."""

    def __init__(self, desktop, argv, env=None, cwd=None):
        self.desktop = desktop
        self.tool = desktop.tool
        self.log = tempfile.TemporaryFile('w+')
        self.process = subprocess.Popen(argv, env={**desktop.env, **(env or {})}, cwd=cwd,
                                        stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True)
        self.root = wait_until(self.find_root, lambda: f'a window of {argv[0]}: {self.output()}')
        self.window = wait_until(self.find_window, lambda: f'a window of {argv[0]}: {self.output()}')
        self.focus()

    def check_runs(self):
        if self.process.poll() is not None:
            raise AssertionError(f'it has ended with {self.process.returncode}: {self.output()}')

    def find_root(self):
        self.check_runs()
        eyes = self.desktop.eyes
        for i in range(eyes.get_child_count()):
            child = eyes.get_child_at_index(i)
            if child is not None and child.get_process_id() == self.process.pid:
                # What was seen may have changed since.
                child.set_cache_mask(Atspi.Cache.NONE)
                return Node(child)
        return None

    def find_window(self):
        try:
            return int(self.tool('search', '--onlyvisible', '--all', '--pid', self.process.pid,
                                 '--name', '.').split()[0])
        except subprocess.CalledProcessError:
            return None

    def output(self):
        """What it has printed, in the order of its writing."""
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        """With what it has started, whatever state that is in."""
        status = self.process.poll()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        output = self.output()
        self.log.close()
        # What a test has not noticed, such as what a sanitizer has found at the end.
        if status:
            raise AssertionError(f'it has ended with {status}: {output}')

    # ---- the eyes ----

    def find_all(self, role=None, name=None, text=None):
        self.check_runs()
        return self.root.find_all(role, name, text)

    def dump(self):
        """What its windows show, or why they show nothing."""
        try:
            return self.root.dump()
        except GLib.Error as error:
            return f'nothing ({error.message}): {self.output()}'

    def find_first(self, role=None, name=None, text=None):
        self.check_runs()
        return next(self.root.search(role, name, text), None)

    def find(self, role=None, name=None, text=None):
        """Waits for one of these, and returns the first."""
        return wait_until(lambda: self.find_first(role, name, text),
                          lambda: f'{role or "anything"} “{name or ""}{text or ""}” in:\n'
                                  f'{self.dump()}')

    def wait_gone(self, role=None, name=None, text=None):
        wait_until(lambda: self.find_first(role, name, text) is None,
                   lambda: f'no {role} “{name or ""}” in:\n{self.dump()}')

    def screenshot(self, name):
        """Takes a picture of the window into the build folder."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        path = SHOTS / f'{name}.png'
        path.unlink(missing_ok=True)
        x, y, width, height = self.geometry()
        subprocess.run(['scrot', '--autoselect', f'{x},{y},{width},{height}', path], check=True,
                       env=self.desktop.env, timeout=DEADLINE)
        if not path.read_bytes().startswith(b'\x89PNG'):
            raise AssertionError(f'{path} is no picture')
        return path

    def title(self):
        return self.tool('getwindowname', self.window)

    def geometry(self):
        lines = self.tool('getwindowgeometry', '--shell', self.window).splitlines()
        values = dict(line.split('=') for line in lines)
        return tuple(int(values[name]) for name in ('X', 'Y', 'WIDTH', 'HEIGHT'))

    # ---- the hands ----

    def focus(self):
        """There is no window manager that would."""
        self.tool('windowfocus', '--sync', self.window)

    def key(self, *keys):
        """Such as 'Return', 'ctrl+c'."""
        self.tool('key', '--delay', 5, *keys)

    def type(self, text):
        first, *lines = text.split('\n')
        self.tool('type', '--delay', 5, '--', first)
        # It would type the key “Linefeed”, which no keyboard has.
        for line in lines:
            self.tool('key', 'Return')
            self.tool('type', '--delay', 5, '--', line)

    def move(self, x, y):
        """In the window."""
        self.tool('mousemove', '--window', self.window, x, y)

    def click(self, x, y, button=1):
        self.move(x, y)
        self.tool('click', button)

    def click_on(self, node):
        """In its middle."""
        x, y, width, height = node.place
        self.click(x + width // 2, y + height // 2)

    def drag(self, x1, y1, x2, y2):
        self.move(x1, y1)
        self.tool('mousedown', 1)
        # More than one step, since a hand makes more.
        self.move((x1 + x2) // 2, (y1 + y2) // 2)
        self.move(x2, y2)
        self.tool('mouseup', 1)

    def resize(self, width, height):
        self.tool('windowsize', self.window, width, height)
        wait_until(lambda: self.geometry()[2:] == (width, height), 'the window to be resized')

    def close(self):
        """As a person does: with the button of the title bar."""
        self.find('push button', 'Close').act()

    def wait_end(self):
        """Waits for it to end by itself, and returns its status."""
        return self.process.wait(DEADLINE)


@unittest.skipIf(missing(), f'{missing()} not installed')
class Case(unittest.TestCase):
    """Of programs with windows."""

    def setUp(self):
        self.desktop = Desktop.get()
        self.desktop.set_dark(False)

    def start(self, *argv, env=None, cwd=None):
        program = Program(self.desktop, [str(part) for part in argv], env, cwd)
        self.addCleanup(program.stop)
        return program

    def assert_eventually(self, condition, what='it'):
        wait_until(condition, what)
