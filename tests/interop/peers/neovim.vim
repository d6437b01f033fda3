" SPDX-License-Identifier: LGPL-2.1-or-later
" Copyright 2026 The msgpackrpc-glib authors

" Neovim as a program that peers.py drives: nvim --headless --clean --cmd 'source neovim.vim' --
" pipe PATH, or tcp HOST:PORT, or job PROGRAM ARG...

lua <<LUA
local digits_of, byte_of = {}, {}
for number = 0, 255 do
  local byte, digits = string.char(number), ('%02x'):format(number)
  digits_of[byte], byte_of[digits] = digits, byte
end

-- split() would not see a newline before a composing character.
function Lines_of(text)
  return vim.split(text, '\n', {plain = true})
end

-- Bytes are lines in Vim, with a newline for each NUL.
function To_hex(lines)
  for i, line in ipairs(lines) do
    lines[i] = line:gsub('\n', '\0')
  end
  return (table.concat(lines, '\n'):gsub('.', digits_of))
end

function From_hex(digits)
  local lines = Lines_of((digits:gsub('..', byte_of)))
  for i, line in ipairs(lines) do
    lines[i] = line:gsub('%z', '\n')
  end
  return lines
end
LUA

" msgpackparse() and msgpackdump() take Vim's strings for bin, rpcrequest() for str.

" Most of what is large is numbers, whose type is 0.

function! s:blob(lines) abort
  return eval('0z' .. v:lua.To_hex(a:lines))
endfunction

function! s:from_parsed(value) abort
  if type(a:value) == v:t_string
    return s:blob(v:lua.Lines_of(a:value))
  elseif type(a:value) == v:t_list
    return map(copy(a:value), 'type(v:val) ? s:from_parsed(v:val) : v:val')
  elseif type(a:value) != v:t_dict
    return a:value
  elseif get(a:value, '_TYPE') is v:msgpack_types.string
    return join(a:value._VAL, "\n")
  elseif get(a:value, '_TYPE') is v:msgpack_types.binary
    return s:blob(a:value._VAL)
  elseif has_key(a:value, '_TYPE')
    return a:value
  endif
  return map(copy(a:value), 'type(v:val) ? s:from_parsed(v:val) : v:val')
endfunction

function! s:to_dump(value) abort
  if type(a:value) == v:t_string
    return {'_TYPE': v:msgpack_types.string, '_VAL': v:lua.Lines_of(a:value)}
  elseif type(a:value) == v:t_list || type(a:value) == v:t_dict
    return map(copy(a:value), 'type(v:val) ? s:to_dump(v:val) : v:val')
  endif
  return a:value
endfunction

function! s:pack(value) abort
  return v:lua.To_hex(msgpackdump([s:to_dump(a:value)]))
endfunction

function! s:unpack(digits) abort
  return s:from_parsed(msgpackparse(v:lua.From_hex(a:digits))[0])
endfunction

function! s:show(...) abort
  call chansend(s:test, join(a:000) .. "\n")
endfunction

function! s:obey(line) abort
  let words = split(a:line)
  let params = s:unpack(remove(words, -1))
  if words[0] ==# 'notify'
    call call('rpcnotify', [s:peer, words[1]] + params)
    return
  endif
  try
    let value = call('rpcrequest', [s:peer, words[2]] + params)
    call s:show('result', words[1], s:pack(value))
  catch
    call s:show('error', words[1], s:pack(v:exception))
  endtry
endfunction

let s:pending = ''
function! s:read(id, data, event) abort
  if a:data == ['']
    qall!
  endif
  let s:pending ..= a:data[0]
  for more in a:data[1:]
    let line = s:pending
    let s:pending = more
    call s:obey(line)
  endfor
endfunction

function! s:start() abort
  let [how; address] = argv()
  %argdelete
  let s:test = stdioopen({'on_stdin': function('s:read')})
  if how ==# 'job'
    let s:peer = jobstart(address, {'rpc': v:true})
  else
    let s:peer = sockconnect(how, address[0], {'rpc': v:true})
  endif
  let g:peer = s:peer
  call s:show('ready')
endfunction

call s:start()
