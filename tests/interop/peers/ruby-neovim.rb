# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

# ruby-neovim's session: as a program that peers.py drives, with the arguments tcp HOST PORT or unix
# PATH; without arguments as a server on standard input and output.

require "neovim"

# What the session reads from, which obeys the lines that come meanwhile.
class Reader
  attr_accessor :obey

  def initialize(socket)
    @socket = socket
    @pending = +""
    @inputs = [socket, STDIN]
  end

  def binmode
    @socket.binmode
    self
  end

  def sync=(value)
    @socket.sync = value
  end

  def close
    @socket.close
  end

  def readpartial(*args)
    until (ready = IO.select(@inputs)[0]).include?(@socket)
      read_lines
    end
    @socket.readpartial(*args)
  end

  alias read readpartial

  private

  def read_lines
    @pending << STDIN.readpartial(65536)
    while (line = @pending.slice!(/\A.*\n/))
      @obey.call(line)
    end
  rescue EOFError
    exit!(0)
  end
end

def hex(value)
  value.to_msgpack.unpack1("H*")
end

def unhex(digits)
  MessagePack.unpack([digits].pack("H*"), allow_unknown_ext: true)
end

def show(*words)
  puts words.join(" ")
  STDOUT.flush
end

def call(session, id, method, digits)
  show("result", id, hex(session.request(method, *unhex(digits))))
rescue => e
  show("error", id, hex(e.message))
end

def client(socket)
  reader = Reader.new(socket)
  connection = Neovim::Connection.new(reader, socket)
  session = Neovim::Session.new(Neovim::EventLoop.new(connection))
  reader.obey = lambda do |line|
    kind, *words = line.split
    if kind == "call"
      Fiber.new { call(session, *words) }.resume
    else
      session.notify(words[0], *unhex(words[1]))
    end
    connection.flush
  end

  show("ready")
  session.run do |message|
    show(message.sync? ? "request" : "notification", message.method_name, hex(message.arguments))
    answer(session, message, HANDLERS) if message.sync?
  end
end

def answer(session, message, methods)
  method = methods[message.method_name] or raise "no method #{message.method_name}"
  session.respond(message.id, method.call(session, *message.arguments))
rescue => e
  session.respond(message.id, nil, e.message)
end

HANDLERS = {
  "add" => ->(_, a, b) { a + b },
  "callback" => ->(session, method, params) { session.request(method, *params) },
  "echo" => ->(_, *params) { params.length == 1 ? params[0] : params },
  "fail" => ->(_, text) { raise text },
}

NOTES = []

METHODS = HANDLERS.merge(
  "big" => ->(_, n) { ("0123456789abcdef" * (n / 16 + 1))[0, n] },
  "blob" => ->(_, n) { (0...n).map { |i| i % 255 + 1 }.pack("C*") },
  "nothing" => ->(_) {},
  "notified" => ->(_) { NOTES },
  "notify_back" => ->(session, method, params) { session.notify(method, *params) && nil },
  "slow" => ->(_, seconds, value) { sleep(seconds) && value },
)

def serve
  session = Neovim::Session.new(Neovim::EventLoop.stdio)
  session.run do |message|
    if message.method_name == "fail_obj"
      session.respond(message.id, nil, message.arguments)
    elsif message.sync?
      answer(session, message, METHODS)
    else
      NOTES << [message.method_name, message.arguments]
    end
  end
end

case ARGV[0]
when "tcp"
  client(Socket.tcp(ARGV[1], ARGV[2]))
when "unix"
  client(Socket.unix(ARGV[1]))
else
  serve
end
