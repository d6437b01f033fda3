#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""A window to chat in, for the server of chat.c. Nothing in it waits: what takes time ends in a
callback.

    chat --listen=tcp://localhost:18802 --publish=tcp://localhost:18803
    chat-gtk.py --address=tcp://localhost:18803
"""

import pathlib
import sys
import zlib

import gi
gi.require_version('Gdk', '4.0')
gi.require_version('Gtk', '4.0')
gi.require_version('MsgpackRpc', '1.0')
from gi.repository import Gdk, Gio, GLib, GObject, Gtk, MsgpackRpc, Pango

FOLDER = pathlib.Path(__file__).parent
APPLICATION_ID = 'io.github.msgpackrpc_glib.ChatGtk'
ADDRESS = 'tcp://localhost:18803'
MAX_MESSAGES = 500
N_COLOURS = 6
# Between two attempts to connect, at most.
MAX_DELAY = 5000


class Message(GObject.Object):
    """What somebody has said, or a notice, which has no author."""

    def __init__(self, author, text):
        super().__init__()
        self.author = author
        self.text = text
        self.time = GLib.DateTime.new_now_local().format('%H:%M')


# ---- the client ----

class Room(GObject.Object):
    """The chat as its server tells of it: lists that a window shows, and what became of the
    connection. It joins again by itself when that was lost."""

    __gsignals__ = {
        # The text of an error, or an empty one.
        'joined': (GObject.SignalFlags.RUN_LAST, None, (str,)),
        'said': (GObject.SignalFlags.RUN_LAST, None, (str,)),
    }

    # "out", "connecting", "joining" or "in".
    state = GObject.Property(type=str, default='out')

    def __init__(self):
        super().__init__()
        self.client = None
        self.handlers = []
        self.was_in = False
        self.name = ''
        self.messages = Gio.ListStore.new(Message)
        self.members = Gtk.StringList()

    def join(self, address, name):
        self.name = name
        if self.client is None or self.client.props.address != address:
            self.leave()
            self.connect_to(address)
        self.state = 'connecting'
        if self.client.props.status == MsgpackRpc.ConnectionStatus.CONNECTED:
            self.send_name()
        else:
            self.client.open_async(None, None)

    def connect_to(self, address):
        policy = MsgpackRpc.ReconnectPolicy(initial_delay=250, max_delay=MAX_DELAY)
        self.client = MsgpackRpc.Client(address=address, reconnect_policy=policy)
        for signal, handler in (('status-changed', self.on_status_changed),
                                ('published::chat', self.on_said),
                                ('published::members', self.on_members)):
            self.handlers.append(self.client.connect(signal, handler))
        # The client subscribes again whenever it has connected again.
        for topic in 'members', 'chat':
            self.client.subscribe_async(topic, None, None)

    def leave(self):
        """Closes the connection, and hears no more of it."""
        if self.client is None:
            return
        for handler in self.handlers:
            self.client.disconnect(handler)
        self.client.close_async(MsgpackRpc.CloseMode.FINISH_QUEUE, None, None)
        self.client = None
        self.handlers.clear()
        self.was_in = False
        self.show_members([])
        self.state = 'out'

    def send_name(self):
        self.state = 'joining'
        self.client.rpc.join.start(self.name).connect('completed', self.on_joined)

    def say(self, text):
        self.client.rpc.say.start(text).connect('completed', self.on_say_completed)

    def add_message(self, author, text):
        self.messages.append(Message(author, text))
        if len(self.messages) > MAX_MESSAGES:
            self.messages.remove(0)

    def show_members(self, names):
        self.members.splice(0, self.members.get_n_items(), names)

    # ---- what the client tells ----

    def on_status_changed(self, _client, _old_status, status, error):
        if status == MsgpackRpc.ConnectionStatus.CONNECTED:
            self.send_name()
        elif status == MsgpackRpc.ConnectionStatus.DISCONNECTED:
            if not self.was_in:
                self.leave()
                self.emit('joined', error.message if error is not None else 'The server has gone')
            elif self.state != 'connecting':
                # The client connects again by itself.
                self.show_members([])
                self.add_message('', 'The connection is lost')
                self.state = 'connecting'

    def on_joined(self, call):
        try:
            names = call.result()
        except GLib.Error as error:
            # One that was lost is sent again when there is a connection.
            if isinstance(error, MsgpackRpc.RemoteError):
                self.leave()
                self.emit('joined', text_of(error))
            return
        self.show_members(names)
        self.add_message('', f'You have come as {self.name}')
        self.was_in = True
        self.state = 'in'
        self.emit('joined', '')

    def on_say_completed(self, call):
        try:
            call.result()
        except GLib.Error as error:
            self.emit('said', text_of(error))
        else:
            self.emit('said', '')

    def on_said(self, _client, _topic, value):
        self.add_message(*MsgpackRpc.from_variant(value))

    def on_members(self, _client, _topic, value):
        names = MsgpackRpc.from_variant(value)
        if self.state != 'in':
            return
        old = [self.members.get_string(i) for i in range(self.members.get_n_items())]
        for name in set(names) - set(old):
            self.add_message('', f'{name} has come')
        for name in set(old) - set(names):
            self.add_message('', f'{name} has gone')
        self.show_members(names)


def text_of(error):
    """As a sentence, for people."""
    return error.message[:1].upper() + error.message[1:]


# ---- the window ----

def make_label(text, *classes, **properties):
    label = Gtk.Label(label=text, xalign=0, **properties)
    for name in classes:
        label.add_css_class(name)
    return label


def make_avatar(name):
    label = make_label(name[:1].upper(), 'avatar', f'colour-{zlib.crc32(name.encode()) % N_COLOURS}',
                       valign=Gtk.Align.START, width_request=32, height_request=32)
    label.props.xalign = 0.5
    return label


def make_notice_row(message):
    label = make_label(f'{message.text} · {message.time}', 'notice', wrap=True)
    label.props.halign = Gtk.Align.CENTER
    return Gtk.ListBoxRow(child=label, activatable=False, focusable=False)


def make_message_row(message):
    if not message.author:
        return make_notice_row(message)
    head = Gtk.Box(spacing=8)
    head.append(make_label(message.author, 'author'))
    head.append(make_label(message.time, 'time'))
    body = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=2, hexpand=True)
    body.append(head)
    body.append(make_label(message.text, wrap=True, wrap_mode=Pango.WrapMode.WORD_CHAR,
                           selectable=True))
    row = Gtk.Box(spacing=10)
    row.append(make_avatar(message.author))
    row.append(body)
    return Gtk.ListBoxRow(child=row, activatable=False, focusable=False)


def make_member_row(item, room):
    name = item.get_string()
    row = Gtk.Box(spacing=10)
    row.append(make_avatar(name))
    row.append(make_label(name, hexpand=True, ellipsize=Pango.EllipsizeMode.END,
                          valign=Gtk.Align.CENTER))
    if name == room.name:
        row.append(make_label('you', 'time'))
    return Gtk.ListBoxRow(child=row, activatable=False, focusable=False)


@Gtk.Template(filename=str(FOLDER / 'chat-window.ui'))
class ChatWindow(Gtk.ApplicationWindow):
    __gtype_name__ = 'ChatWindow'

    subtitle = Gtk.Template.Child()
    pages = Gtk.Template.Child()
    address = Gtk.Template.Child()
    name = Gtk.Template.Child()
    join_button = Gtk.Template.Child()
    join_spinner = Gtk.Template.Child()
    join_error = Gtk.Template.Child()
    banner = Gtk.Template.Child()
    messages_view = Gtk.Template.Child()
    messages = Gtk.Template.Child()
    below = Gtk.Template.Child()
    entry = Gtk.Template.Child()
    send_button = Gtk.Template.Child()
    say_error = Gtk.Template.Child()
    members = Gtk.Template.Child()
    members_title = Gtk.Template.Child()

    def __init__(self, application, address, name):
        super().__init__(application=application)
        self.is_at_end = True
        self.view_size = None
        self.sent = ''
        self.room = Room()
        self.room.connect('joined', self.on_joined)
        self.room.connect('said', self.on_said)
        self.room.connect('notify::state', self.show_state)
        self.room.members.connect('items-changed', self.show_state)
        self.messages.bind_model(self.room.messages, make_message_row)
        self.members.bind_model(self.room.members, make_member_row, self.room)
        adjustment = self.messages_view.get_vadjustment()
        adjustment.connect('changed', self.on_view_resized)
        adjustment.connect('value-changed', self.on_view_scrolled)
        self.add_actions()
        self.address.set_text(address)
        self.name.set_text(name)
        self.show_state()
        self.name.grab_focus()

    def add_actions(self):
        for name, function in (('leave', self.leave), ('end', self.scroll_to_end),
                               ('up', lambda: self.scroll_by(-1)),
                               ('down', lambda: self.scroll_by(1))):
            action = Gio.SimpleAction.new(name, None)
            action.connect('activate', lambda _action, _value, function=function: function())
            self.add_action(action)

    def leave(self):
        self.room.leave()
        self.pages.set_visible_child_name('join')
        self.name.grab_focus()

    # ---- what the room tells ----

    def show_state(self, *_):
        state = self.room.state
        n_members = self.room.members.get_n_items()
        self.subtitle.set_text({
            'out': 'Not connected',
            'connecting': 'Connecting…',
            'joining': 'Joining…',
            'in': f'{self.room.name} at {self.address.get_text()}',
        }[state])
        is_waiting = state in ('connecting', 'joining')
        self.join_spinner.set_spinning(is_waiting)
        self.banner.set_reveal_child(is_waiting)
        self.members_title.set_text('1 member' if n_members == 1 else f'{n_members} members')
        self.lookup_action('leave').set_enabled(state != 'out')
        self.show_what_can_be_done()

    def on_joined(self, _room, error):
        self.join_error.set_text(error)
        if error:
            self.pages.set_visible_child_name('join')
            self.name.grab_focus()
        else:
            self.pages.set_visible_child_name('chat')
            self.entry.grab_focus()

    def on_said(self, _room, error):
        self.say_error.set_text(error)
        self.say_error.set_visible(bool(error))
        # What was not said stays, to be changed.
        if not error and self.entry.get_text() == self.sent:
            self.entry.set_text('')
        self.sent = ''
        self.show_what_can_be_done()

    # ---- what the user does ----

    @Gtk.Template.Callback()
    def show_what_can_be_done(self, *_):
        state = self.room.state
        self.join_button.set_sensitive(state == 'out' and bool(self.name.get_text().strip()))
        self.send_button.set_sensitive(state == 'in' and not self.sent
                                       and bool(self.entry.get_text().strip()))

    @Gtk.Template.Callback()
    def on_join(self, *_):
        if self.join_button.get_sensitive():
            self.join_error.set_text('')
            self.room.join(self.address.get_text().strip(), self.name.get_text().strip())

    @Gtk.Template.Callback()
    def on_send(self, *_):
        if self.send_button.get_sensitive():
            self.sent = self.entry.get_text()
            self.show_what_can_be_done()
            self.room.say(self.sent)

    @Gtk.Template.Callback()
    def on_close(self, *_):
        self.room.leave()
        return False

    # ---- the list scrolls with what is said, unless the user looks at what was ----

    def on_view_resized(self, adjustment):
        self.view_size = (adjustment.get_upper(), adjustment.get_page_size())
        if self.is_at_end:
            # Where it is moved to while it is laid out is not where it is drawn.
            self.add_tick_callback(self.follow)
        else:
            self.below.set_visible(True)

    def follow(self, *_):
        if self.is_at_end:
            self.scroll_to_end()
        return GLib.SOURCE_REMOVE

    def on_view_scrolled(self, adjustment):
        # What moves because the size has changed was not moved by the user.
        upper, page_size = adjustment.get_upper(), adjustment.get_page_size()
        if (upper, page_size) != self.view_size:
            return
        self.is_at_end = adjustment.get_value() >= upper - page_size - 1
        if self.is_at_end:
            self.below.set_visible(False)

    def scroll_to_end(self):
        adjustment = self.messages_view.get_vadjustment()
        adjustment.set_value(adjustment.get_upper() - adjustment.get_page_size())

    def scroll_by(self, n_pages):
        adjustment = self.messages_view.get_vadjustment()
        adjustment.set_value(adjustment.get_value() + n_pages * adjustment.get_page_increment())


# ---- the application ----

class Chat(Gtk.Application):
    def __init__(self):
        super().__init__(application_id=APPLICATION_ID,
                         flags=Gio.ApplicationFlags.NON_UNIQUE
                         | Gio.ApplicationFlags.HANDLES_COMMAND_LINE)
        for name, what, argument in (('address', 'Of the server', 'ADDRESS'),
                                     ('name', 'Your name there', 'NAME')):
            self.add_main_option(name, ord(name[0]), GLib.OptionFlags.NONE, GLib.OptionArg.STRING,
                                 what, argument)

    def do_startup(self):
        Gtk.Application.do_startup(self)
        provider = Gtk.CssProvider()
        provider.load_from_path(str(FOLDER / 'chat-gtk.css'))
        Gtk.StyleContext.add_provider_for_display(Gdk.Display.get_default(), provider,
                                                  Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)
        self.add_action(Gio.PropertyAction.new('dark', Gtk.Settings.get_default(),
                                               'gtk-application-prefer-dark-theme'))
        action = Gio.SimpleAction.new('quit', None)
        action.connect('activate', lambda *_: [window.close() for window in self.get_windows()])
        self.add_action(action)
        for name, keys in (('app.quit', '<Control>q'), ('window.close', '<Control>w'),
                           ('win.leave', '<Control>l'),
                           ('win.up', 'Page_Up'), ('win.down', 'Page_Down'),
                           ('app.dark', '<Control>d')):
            self.set_accels_for_action(name, [keys])

    def do_command_line(self, command_line):
        options = command_line.get_options_dict().end().unpack()
        window = ChatWindow(self, options.get('address', ADDRESS), options.get('name', ''))
        window.present()
        if 'name' in options:
            window.on_join()
        return 0


if __name__ == '__main__':
    GLib.set_prgname(APPLICATION_ID)
    GLib.set_application_name('Chat')
    sys.exit(Chat().run(sys.argv))
