/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>
#include <msgpack.h>

/* The plain way from MessagePack to GVariant and back: msgpack-c's objects, one GVariant each, and
 * one child after another on the way back. To compare with, and to be sure. */

/* Returns a floating reference. */
GVariant *codec_tree_from_object (const msgpack_object *object);

/* Any value without a handle but for those of (hay). */
void codec_tree_pack (msgpack_packer *packer,
                      GVariant       *value);
