# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors
# shellcheck shell=bash

# Completion for bash.

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
    if [[ $word != -* && ! $previous =~ ^(-t|--timeout)$ ]]; then
      [[ -z $command ]] && command=$word || position=$((position + 1))
    fi
    previous=$word
  done
}

_msgpackrpc ()
{
  local command previous position choices='' current=${COMP_WORDS[COMP_CWORD]}

  COMPREPLY=()
  _msgpackrpc_look
  if [[ -z $command ]]; then
    choices='call notify --help --version'
  elif [[ $previous =~ ^(-t|--timeout)$ ]]; then
    return
  elif [[ $current == -* ]]; then
    choices='--float32 --help --legacy-raw --timeout --variant'
  elif [[ $position -eq 0 && $current == [/.]* ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $position -eq 0 ]]; then
    compopt -o nospace
    choices='tcp:// tls:// unix:// unix-abstract: srv:// srv+tls://'
  fi

  [[ -z $choices ]] || mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
}

complete -F _msgpackrpc msgpackrpc
