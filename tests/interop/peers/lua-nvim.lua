-- SPDX-License-Identifier: LGPL-2.1-or-later
-- Copyright 2026 The msgpackrpc-glib authors

-- lua-nvim's session: as a program that peers.py drives, with the arguments tcp HOST PORT or socket
-- PATH; without arguments as a server on standard input and output.

local mpack = require('mpack')
local uv = require('luv')
local Session = require('nvim.session')

local session

-- Runs a function that may wait, as the session itself runs handlers.
local function spawn(func)
  local function resume(co, ...)
    local ok, continue = coroutine.resume(co, ...)
    assert(ok, continue)
    if coroutine.status(co) ~= 'dead' then
      continue(co)
    end
  end
  resume(coroutine.create(func))
end

local function sleep(seconds)
  coroutine.yield(function(co)
    uv.new_timer():start(1000 * seconds, 0, function()
      local ok, continue = coroutine.resume(co)
      assert(ok, continue)
      continue(co)
    end)
  end)
end

local digits_of, byte_of = {}, {}
for number = 0, 255 do
  local byte, digits = string.char(number), ('%02x'):format(number)
  digits_of[byte], byte_of[digits] = digits, byte
end

local function hex(data)
  return (data:gsub('.', digits_of))
end

local function unhex(digits)
  return (digits:gsub('..', byte_of))
end

local function show(...)
  io.write(table.concat({...}, ' '), '\n')
  io.flush()
end

local function call_back(method, params)
  local ok, value = session:request(method, unpack(params))
  -- Whether the value is an error comes second.
  return value, not ok
end

local function call(id, method, digits)
  local done, ok, value = pcall(mpack.unpack, unhex(digits))
  if done then
    local params = ok
    ok, value = session:request(method, unpack(params))
    done, value = pcall(mpack.pack, value)
  else
    value = ok
  end
  if not done then
    show('failed', id, value)
  else
    show(ok and 'result' or 'error', id, hex(value))
  end
end

local function obey(line)
  local kind, rest = line:match('^(%w+) (.*)$')
  if kind == 'call' then
    local id, method, digits = rest:match('^(%d+) (%S+) (%x+)$')
    spawn(function() call(id, method, digits) end)
  else
    local method, digits = rest:match('^(%S+) (%x+)$')
    session:notify(method, unpack(mpack.unpack(unhex(digits))))
  end
end

local function read_lines()
  local input, pending = uv.new_pipe(false), {}
  input:open(0)
  input:read_start(function(err, data)
    if err or not data then
      session:stop()
      return
    end
    local from = 1
    for to, next_from in data:gmatch('()\n()') do
      table.insert(pending, data:sub(from, to - 1))
      local line = table.concat(pending)
      pending, from = {}, next_from
      obey(line)
    end
    table.insert(pending, data:sub(from))
  end)
end

local handlers = {
  add = function(a, b) return a + b end,
  callback = call_back,
  echo = function(value) return value end,
  fail = function(text) return text, true end,
}

local notes = {}

local methods = {
  add = handlers.add,
  big = function(n) return ('0123456789abcdef'):rep(n / 16 + 1):sub(1, n) end,
  blob = function(n)
    local bytes = {}
    for i = 0, n - 1 do
      bytes[i + 1] = string.char(i % 255 + 1)
    end
    return table.concat(bytes)
  end,
  callback = call_back,
  echo = function(...)
    if select('#', ...) == 1 then
      return ...
    end
    return {...}
  end,
  fail = handlers.fail,
  fail_obj = function(...) return {...}, true end,
  nothing = function() return mpack.NIL end,
  notified = function() return notes end,
  notify_back = function(method, params)
    session:notify(method, unpack(params))
    return mpack.NIL
  end,
  slow = function(seconds, value)
    sleep(seconds)
    return value
  end,
}

local kind, host, port = ...
if kind then
  local stream
  if kind == 'tcp' then
    stream = require('nvim.tcp_stream').open(host, tonumber(port))
  else
    stream = require('nvim.socket_stream').open(host)
  end
  session = Session.new(stream)
  session:run(
    function(method, params)
      show('request', method, hex(mpack.pack(params)))
      return handlers[method](unpack(params))
    end,
    function(method, params)
      show('notification', method, hex(mpack.pack(params)))
    end,
    function()
      show('ready')
      read_lines()
    end)
else
  session = Session.new(require('nvim.stdio_stream').open())
  session:run(
    function(method, params)
      local func = methods[method] or error('no method ' .. method)
      return func(unpack(params))
    end,
    function(method, params)
      table.insert(notes, {method, params})
    end)
end
