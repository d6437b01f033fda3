/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

/* The form of a record, which msgpackrpc(1) describes. */
#define TOOL_TAP_RECORD_MAGIC "msgpackrpc tap"
#define TOOL_TAP_RECORD_VERSION 1

/* Members of the head's map. */
#define TOOL_TAP_RECORD_ADDRESSES "addresses"
#define TOOL_TAP_RECORD_TARGET "target"
#define TOOL_TAP_RECORD_IS_FRAMED "framed"

/* Kinds of events. */
#define TOOL_TAP_RECORD_OPEN "open"
#define TOOL_TAP_RECORD_CLOSE "close"
#define TOOL_TAP_RECORD_TO_TARGET ">"
#define TOOL_TAP_RECORD_TO_CLIENT "<"
