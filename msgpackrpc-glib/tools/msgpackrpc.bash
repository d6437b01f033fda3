# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors
# shellcheck shell=bash

# Completion for bash.

# The options of a command, or of the program itself.
_msgpackrpc_options ()
{
  local common='--color --help'
  local dialect='--float32 --framing --legacy-raw --profile --reply-order'
  local target="$dialect --timeout --tls-ca --tls-certificate --token"

  case $1 in
    '') echo '--help --version' ;;
    call) echo "$common $target --format --variant" ;;
    notify) echo "$common $target --variant" ;;
    bench) echo "$common $target --connections --count --duration --in-flight --json --rate --variant --warm-up" ;;
  esac
}

# Whether a value follows the option as the next word.
_msgpackrpc_takes_value ()
{
  [[ $1 =~ ^(-t|--(color|connections|count|duration|format|framing|in-flight|profile|rate|reply-order|timeout|tls-ca|tls-certificate|token|warm-up))$ ]]
}

# What an option can have as its value; "file" is the name of one.
_msgpackrpc_values ()
{
  case $1 in
    --color) echo 'auto always never' ;;
    --format) echo 'json pretty variant hex' ;;
    --framing) echo 'none msgpack-length' ;;
    --profile) echo 'tolerant strict neovim legacy boolean-error serial keybase' ;;
    --reply-order) echo 'any request reverse' ;;
    --tls-ca | --tls-certificate | --token) echo 'file' ;;
  esac
}

# Sets command, previous, and position: how many arguments stand between the command and the
# cursor. COMP_WORDS would break addresses at their colons.
_msgpackrpc_look ()
{
  local - line=${COMP_LINE:0:COMP_POINT} words word

  set -f
  # shellcheck disable=SC2206
  words=($line)
  [[ $line == *[[:space:]] ]] || unset 'words[-1]'

  command='' previous='' position=0
  for word in "${words[@]:1}"; do
    if [[ $word != -* ]] && ! _msgpackrpc_takes_value "$previous"; then
      [[ -z $command ]] && command=$word || position=$((position + 1))
    fi
    previous=$word
  done
}

# Completes the name of a file, which follows a prefix.
_msgpackrpc_complete_file ()
{
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -P "$1" -f -- "$2")
}

_msgpackrpc ()
{
  local command previous position choices='' current=${COMP_WORDS[COMP_CWORD]}

  COMPREPLY=()
  _msgpackrpc_look
  if _msgpackrpc_takes_value "$previous"; then
    choices=$(_msgpackrpc_values "$previous")
    if [[ $choices == file ]]; then
      _msgpackrpc_complete_file '' "$current"
      return
    fi
  elif [[ $current == -* ]]; then
    choices=$(_msgpackrpc_options "$command")
  elif [[ -z $command ]]; then
    choices='call notify bench'
  elif [[ $position -eq 0 && $current == [/.]* ]]; then
    _msgpackrpc_complete_file '' "$current"
  elif [[ $position -eq 0 ]]; then
    compopt -o nospace
    choices='tcp:// tls:// unix:// unix-abstract: srv:// srv+tls:// exec:'
  elif [[ $current == @* ]]; then
    _msgpackrpc_complete_file @ "${current#@}"
  fi

  [[ -z $choices ]] || mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _msgpackrpc msgpackrpc
