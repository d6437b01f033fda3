# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors
# shellcheck shell=bash

# Sourced by scripts: finds what is missing, installs it where that is possible, and builds.

set -euo pipefail

source_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
missing=()
missing_packages=()

# What the tests in JavaScript need: the packages, and those of their dependencies that matter.
npm_packages=(
  @msgpack/msgpack@3.1.3
  msgpack-lite@0.1.27
  msgpack-rpc-lite@1.0.2
  msgpack5@3.6.1
  msgpack5rpc@1.1.0
  neovim@5.5.0
)
npm_attempts=5

say ()
{
  printf '==> %s\n' "$*"
}

die ()
{
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# need WHAT DEBIAN-PACKAGE COMMAND...: the package is missing unless the command succeeds.
need ()
{
  local what=$1 package=$2

  shift 2
  "$@" >/dev/null 2>&1 && return
  missing+=("$what")
  missing_packages+=("$package")
}

need_program ()
{
  need "$1" "$2" command -v "$1"
}

need_module ()
{
  need "$1 (pkg-config module)" "$2" pkg-config --exists "$1"
}

need_python_module ()
{
  need "$1 (module of /usr/bin/python3)" "$2" /usr/bin/python3 -c "import $1"
}

has_msgpack ()
{
  pkg-config --exists 'msgpack-c >= 4' || pkg-config --exists 'msgpack >= 4'
}

# GIO finds TLS in a module that is installed apart from it.
has_tls ()
{
  grep -q gio-tls-backend "$(pkg-config --variable=giomoduledir gio-2.0)/giomodule.cache"
}

can_sanitize ()
{
  echo 'int main (void) { return 0; }' |
    clang -fsanitize=address,undefined -x c -o /dev/null -
}

# The first of several that works: a version manager may put programs on the PATH that do not.
first_working ()
{
  local program

  for program; do
    if "$program" --version >/dev/null 2>&1; then
      printf '%s' "$program"
      return
    fi
  done
  return 1
}

needs_to_build ()
{
  need_program cc gcc
  need 'C library headers' libc6-dev test -e /usr/include/stdlib.h
  need meson meson first_working meson /usr/bin/meson
  need_program ninja ninja-build
  need_program pkg-config pkg-config
  need_module gio-unix-2.0 libglib2.0-dev
  need 'msgpack-c (pkg-config module)' libmsgpack-dev has_msgpack
}

# The typelib may be there without what the bus of accessibility is made of.
has_accessibility ()
{
  [[ -e /usr/share/dbus-1/services/org.a11y.Bus.service ]]
}

has_typelib ()
{
  /usr/bin/python3 -c "import gi; gi.require_version ('$1', '$2')"
}

needs_to_test ()
{
  need_module gobject-introspection-1.0 libgirepository1.0-dev
  need_module json-glib-1.0 libjson-glib-dev
  need_module gtk4 libgtk-4-dev
  need_module libsoup-3.0 libsoup-3.0-dev
  need 'TLS for GIO' glib-networking has_tls
  need 'the accessibility bus' at-spi2-core has_accessibility
  need_program Xvfb xvfb
  need_program chromium chromium
  need_program dbus-daemon dbus-daemon
  need 'DejaVu fonts' fonts-dejavu-core test -d /usr/share/fonts/truetype/dejavu
  need_program gi-docgen gi-docgen
  need_program gjs gjs
  need_program msgfmt gettext
  need_program npm npm
  need_program nvim neovim
  need_program systemd-socket-activate systemd
  need_program openssl openssl
  need_program scrot scrot
  need_program setxkbmap x11-xkb-utils
  need_program tsc node-typescript
  need_program vapigen valac
  need_program xclip xclip
  need_program xdotool xdotool
  need 'icons of GTK' adwaita-icon-theme test -d /usr/share/icons/Adwaita
  need 'types of AT-SPI' gir1.2-atspi-2.0 has_typelib Atspi 2.0
  need 'types of GTK' gir1.2-gtk-4.0 has_typelib Gtk 4.0
  need_python_module gbulb python3-gbulb
  need_python_module gi python3-gi
  need_python_module mypy mypy
  need_python_module msgpack python3-msgpack
}

# What the benchmarks compare the library with.
needs_to_compare ()
{
  need_program capnp capnproto
  need_module capnp-rpc libcapnp-dev
  need_program c++ g++
  need_module jsonrpc-glib-1.0 libjsonrpc-glib-1.0-dev
  need_module libsystemd libsystemd-dev
}

# What others wrote that the library is tested with.
needs_to_interoperate ()
{
  need_program go golang-go
  need_program nvim neovim
  need "Go's codec" golang-github-ugorji-go-codec-dev \
    test -d /usr/share/gocode/src/github.com/ugorji/go/codec
  need_program lua5.1 lua5.1
  need lua-nvim lua-nvim test -e /usr/share/lua/5.1/nvim/session.lua
  need_program node nodejs
  need_program setpriv util-linux
  need_python_module os_ken python3-os-ken
  need_python_module pynvim python3-pynvim
  need ruby-neovim ruby-neovim ruby -e 'require "neovim"'
}

needs_to_sanitize ()
{
  need_program clang clang
  need "clang's sanitizers" libclang-rt-dev can_sanitize
  need_program llvm-symbolizer llvm
}

is_root ()
{
  [[ $(id -u) -eq 0 ]]
}

install_missing ()
{
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)

  is_root || apt=(sudo "${apt[@]}")
  say "Installing ${missing_packages[*]}"
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends "${missing_packages[@]}"
}

# require yes|no NEEDS...: installs what is missing if that is wanted (yes) and possible.
require ()
{
  local may_install=$1 needs

  shift
  missing=()
  missing_packages=()
  for needs; do "$needs"; done
  if [[ ${#missing[@]} -gt 0 ]]; then
    printf 'Missing: %s\n' "${missing[@]}"
    [[ $may_install == yes ]] || die "not installing anything; see the list above"
    command -v apt-get >/dev/null || die "this is no Debian-like system; install the above yourself"
    is_root || command -v sudo >/dev/null || die "only root can install the above"
    install_missing
    require no "$@"
  fi
  meson=$(first_working meson /usr/bin/meson)
}

# Into _build/npm, unless they are there or MSGPACKRPC_NPM says where they are.
install_npm_packages ()
{
  local folder=$source_root/_build/npm stamp=$source_root/_build/npm/installed attempt

  [[ -z ${MSGPACKRPC_NPM:-} ]] || return 0
  [[ ! -e $stamp || $(<"$stamp") != "${npm_packages[*]}" ]] || return 0
  say "Installing ${npm_packages[*]}"
  mkdir -p "$folder"
  for ((attempt = 1; attempt <= npm_attempts; attempt++)); do
    if npm install --prefix "$folder" --prefer-offline --ignore-scripts --no-save \
      --no-package-lock --no-audit --no-fund "${npm_packages[@]}"; then
      printf '%s\n' "${npm_packages[*]}" >"$stamp"
      return
    fi
    sleep "$attempt"
  done
  die "npm cannot install what the tests need; with --no-install they are skipped"
}

# build FOLDER OPTION...: configures when that has not been done with these options, and compiles.
build ()
{
  local folder=$1 stamp=$1/configured-with

  shift
  if [[ ! -e $folder/build.ninja ]]; then
    say "Configuring $folder"
    "$meson" setup "$folder" "$source_root" "$@"
  elif [[ ! -e $stamp || $(<"$stamp") != "$*" ]]; then
    say "Configuring $folder again"
    "$meson" setup --reconfigure "$folder" "$source_root" "$@"
  fi
  printf '%s\n' "$*" >"$stamp"
  say "Compiling in $folder"
  "$meson" compile -C "$folder"
}
