/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The data of a callback, which is let go in the thread that has given it: at once if that is the current
 * one, else by its thread-default context of then. A language may crash if its data is let go in a
 * thread that it does not know. */
typedef struct
{
  gpointer data;
  GDestroyNotify destroy; /* nullable */
  GThread *thread;        /* owned; NULL if there is nothing to let go */
  GMainContext *context;  /* likewise */
} MsgpackRpcUserData;

void _msgpack_rpc_user_data_init  (MsgpackRpcUserData *self,
                                   gpointer            data,
                                   GDestroyNotify      destroy);
/* No lock must be held. */
void _msgpack_rpc_user_data_clear (MsgpackRpcUserData *self);

G_END_DECLS
