/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include <glib/gi18n-lib.h>

/* What the two ends, a server and a client, do with their connections. */

MsgpackRpcConnection *
_msgpack_rpc_connection_new_held (GIOStream        *io_stream,
                                  GMainContext     *main_context,
                                  MsgpackRpcLimits *limits,
                                  MsgpackRpcBudget *budget)
{
  MsgpackRpcConnection *self = _msgpack_rpc_connection_new_unopened (main_context, limits, NULL,
                                                                     NULL);

  self->io_stream = g_object_ref (io_stream);
  _msgpack_rpc_link_set_budget (self->link, budget);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_NEW, TRUE);
  _msgpack_rpc_link_attach (self->link, io_stream);
  return self;
}

void
_msgpack_rpc_connection_hold (MsgpackRpcConnection *self)
{
  _msgpack_rpc_hold_start (&self->hold);
  _msgpack_rpc_link_set_pending (self->link, TRUE);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_NEW, FALSE);
}

void
_msgpack_rpc_connection_refuse (MsgpackRpcConnection *self,
                                const GError         *error)
{
  g_atomic_int_set (&self->is_refused, TRUE);
  _msgpack_rpc_link_refuse (self->link, error);
  _msgpack_rpc_hold_release (&self->hold, self->reactor);
}

/* The same without a word. */
void
_msgpack_rpc_connection_drop (MsgpackRpcConnection *self)
{
  g_atomic_int_set (&self->is_refused, TRUE);
  _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, NULL);
  _msgpack_rpc_hold_release (&self->hold, self->reactor);
}

void
_msgpack_rpc_connection_release (MsgpackRpcConnection *self)
{
  _msgpack_rpc_link_set_pending (self->link, FALSE);
  _msgpack_rpc_hold_release (&self->hold, self->reactor);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_NEW, FALSE);
}

MsgpackRpcConnection *
_msgpack_rpc_connection_new_unopened (GMainContext                *main_context,
                                      MsgpackRpcLimits            *limits,
                                      gpointer                     client,
                                      const MsgpackRpcClientFuncs *funcs)
{
  MsgpackRpcConnection *self = g_object_new (MSGPACK_RPC_TYPE_CONNECTION,
                                             "limits", limits,
                                             "main-context", main_context,
                                             NULL);

  g_weak_ref_set (&self->client, client);
  self->client_funcs = funcs;
  /* What a client hears of one connection comes before what it hears of the next. */
  if (client != NULL)
    {
      _msgpack_rpc_link_set_lane (self->link, client);
      _msgpack_rpc_link_set_quiet (self->link);
    }
  return self;
}

void
_msgpack_rpc_connection_set_closed_func (MsgpackRpcConnection *self,
                                         MsgpackRpcClosedFunc  func,
                                         gpointer              data,
                                         GDestroyNotify        destroy)
{
  self->closed_func = func;
  self->closed_data = data;
  self->closed_destroy = destroy;
}

void
_msgpack_rpc_connection_set_early_input (MsgpackRpcConnection *self,
                                         GBytes               *input)
{
  _msgpack_rpc_link_set_early_input (self->link, input);
}

void
_msgpack_rpc_connection_open (MsgpackRpcConnection *self,
                              MsgpackRpcCall       *call,
                              gboolean              first)
{
  g_autoptr(GError) error = NULL;

  if (!_msgpack_rpc_connection_register_call (self, call, 0))
    {
      /* It was cancelled, and with it the attempt: others may wait for it already. */
      error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                   _("The operation was cancelled"));
      if (first)
        _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
      return;
    }

  if (first && _msgpack_rpc_link_open (self->link))
    return;

  if (msgpack_rpc_connection_is_connected (self))
    _msgpack_rpc_call_succeed (call);
  else if (_msgpack_rpc_link_has_ended (self->link))
    {
      error = _msgpack_rpc_connection_make_call_error (NULL, TRUE);
      _msgpack_rpc_call_fail (call, error);
    }
}

void
_msgpack_rpc_connection_opened (MsgpackRpcConnection *self,
                                GIOStream            *stream,
                                const GError         *error)
{
  g_autoptr(GPtrArray) calls = NULL;

  g_mutex_lock (&self->lock);
  g_set_object (&self->io_stream, stream);
  g_mutex_unlock (&self->lock);

  if (stream != NULL)
    _msgpack_rpc_connection_announce_first (self);
  _msgpack_rpc_link_opened (self->link, stream, error);
  if (_msgpack_rpc_link_has_ended (self->link))
    return;

  /* It may have been asked for meanwhile. */
  _msgpack_rpc_connection_announce (self);

  g_mutex_lock (&self->lock);
  calls = _msgpack_rpc_call_table_get_kind (&self->calls, MSGPACK_RPC_CALL_KIND_OPEN);
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < calls->len; i++)
    _msgpack_rpc_call_succeed (g_ptr_array_index (calls, i));
}

gboolean
_msgpack_rpc_connection_has_ended (MsgpackRpcConnection *self)
{
  return _msgpack_rpc_link_has_ended (self->link);
}
