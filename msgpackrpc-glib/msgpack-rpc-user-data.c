/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-user-data-private.h"

#include "msgpack-rpc-reactor-private.h"

void
_msgpack_rpc_user_data_init (MsgpackRpcUserData *self,
                             gpointer            data,
                             GDestroyNotify      destroy)
{
  *self = (MsgpackRpcUserData) { .data = data, .destroy = destroy };
  if (destroy != NULL)
    {
      self->thread = g_thread_ref (g_thread_self ());
      self->context = g_main_context_ref_thread_default ();
    }
}

static void
let_go (gpointer owner G_GNUC_UNUSED,
        gpointer data)
{
  MsgpackRpcUserData *self = data;

  self->destroy (self->data);
}

void
_msgpack_rpc_user_data_clear (MsgpackRpcUserData *self)
{
  MsgpackRpcReactor *reactor;

  if (self->destroy == NULL)
    return;

  if (self->thread == g_thread_self ())
    {
      self->destroy (self->data);
    }
  else
    {
      reactor = _msgpack_rpc_reactor_get (self->context);
      _msgpack_rpc_reactor_post (reactor, NULL, NULL, FALSE, let_go,
                                 g_memdup2 (self, sizeof *self), g_free);
      _msgpack_rpc_reactor_unref (reactor);
    }

  g_thread_unref (self->thread);
  g_main_context_unref (self->context);
  *self = (MsgpackRpcUserData) { NULL };
}
