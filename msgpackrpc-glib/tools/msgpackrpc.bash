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
    bench)
      echo "$common $target --connections --count --duration --in-flight --json --rate --variant" \
        '--warm-up'
      ;;
    serve)
      echo "$common $dialect --allow-remote --max-programs --method --once --test --time-limit" \
        '--tls-ca --tls-certificate --token --verbose'
      ;;
    methods) echo "$common $target --format" ;;
    listen) echo "$common $target --count --format --json --method --variant" ;;
    subscribe) echo "$common $target --count --format --json --no-reconnect" ;;
    tap)
      echo "$common --allow-remote --format --framing --full --method --output --record --relative" \
        '--tls-ca --tls-certificate'
      ;;
    show) echo "$common --format --framing --full --method --relative" ;;
  esac
}

# Whether a value follows the option as the next word.
_msgpackrpc_takes_value ()
{
  case $1 in
    --color | --connections | --count | --duration | --format | --framing | --in-flight) true ;;
    --max-programs | --method | --output | --profile | --rate | --record | --reply-order) true ;;
    --time-limit | --timeout | --tls-ca | --tls-certificate | --token | --warm-up) true ;;
    -m | -n | -o | -t) true ;;
    *) false ;;
  esac
}

# What an option can have as its value; "file" is the name of one.
_msgpackrpc_values ()
{
  case $1 in
    --color) echo 'auto always never' ;;
    --format) echo 'json pretty variant hex' ;;
    --framing) echo 'none msgpack-length' ;;
    --profile) echo 'tolerant boolean-error strict neovim legacy serial keybase' ;;
    --reply-order) echo 'any request reverse' ;;
    --output | --record | --tls-ca | --tls-certificate | --token) echo 'file' ;;
  esac
}

# What the argument of a command at a position can begin with; "file" is the name of one.
_msgpackrpc_arguments ()
{
  local listen='tcp:// tls:// unix:// unix-abstract:'
  local connect="$listen srv:// srv+tls:// exec:"

  case $1:$2 in
    serve:0) echo "$listen stdio:" ;;
    show:0) echo 'file' ;;
    tap:0) echo 'tcp:// unix:// unix-abstract: stdio:' ;;
    bench:0 | call:0 | listen:0 | methods:0 | notify:0 | subscribe:0 | tap:1)
      echo "$connect"
      ;;
  esac
}

# Sets command; position: how many arguments stand between the command and the cursor; previous: the
# option whose value stands at the cursor, or nothing; last: what of that argument is before the cursor.
# COMP_WORDS would break addresses at their colons.
_msgpackrpc_look ()
{
  local - line=${COMP_LINE:0:COMP_POINT} words word

  set -f
  # shellcheck disable=SC2206
  words=($line)
  last=''
  if [[ $line != *[[:space:]] ]]; then
    last=${words[-1]}
    unset 'words[-1]'
  fi

  command='' previous='' position=0
  for word in "${words[@]:1}"; do
    if _msgpackrpc_takes_value "$previous"; then
      previous=''
      continue
    fi
    previous=$word
    if [[ $word != -* ]]; then
      [[ -z $command ]] && command=$word || position=$((position + 1))
    fi
  done

  if [[ $last == --*=* ]]; then
    previous=${last%%=*}
  elif ! _msgpackrpc_takes_value "$previous"; then
    previous=''
  fi
}

# Completes the name of a file, which may follow an @.
_msgpackrpc_complete_file ()
{
  local prefix=''

  [[ $1 != @* ]] || prefix=@
  compopt -o filenames
  mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "${1#@}")
}

_msgpackrpc ()
{
  local command previous position last choices='' current=${COMP_WORDS[COMP_CWORD]}

  COMPREPLY=()
  # After these, bash may begin a new word.
  [[ $current != [=:] ]] || current=''
  _msgpackrpc_look
  if [[ -n $previous ]]; then
    choices=$(_msgpackrpc_values "$previous")
  elif [[ $current == -* ]]; then
    choices=$(_msgpackrpc_options "$command")
  elif [[ -z $command ]]; then
    choices='call notify serve methods listen subscribe tap show bench'
  elif [[ $last == @* && $position -gt 0 ]]; then
    # Bash replaces the @, too, although it is no part of its word.
    _msgpackrpc_complete_file "$last"
  else
    choices=$(_msgpackrpc_arguments "$command" "$position")
    if [[ $current == [/.]* && -n $choices ]]; then
      choices='file'
    elif [[ -n $choices && $choices != file ]]; then
      compopt -o nospace
    fi
  fi

  if [[ $choices == file ]]; then
    _msgpackrpc_complete_file "$current"
  elif [[ -n $choices ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$current")
  fi
}

complete -F _msgpackrpc msgpackrpc
