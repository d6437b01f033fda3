/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher-private.h"
#include "msgpack-rpc-method-table-private.h"

G_BEGIN_DECLS

/* What the files of a dispatcher share: msgpack-rpc-dispatcher.c has the object, adds and removes
 * methods, and finds who answers a request; msgpack-rpc-dispatcher-dispatch.c does without
 * a connection. */

struct _MsgpackRpcDispatcher
{
  GObject parent_instance;

  int max_answer_time;         /* atomic; milliseconds */

  GMutex lock;                 /* guards what follows; nothing is called with it held */
  MsgpackRpcMethodTable table;
};

G_END_DECLS
