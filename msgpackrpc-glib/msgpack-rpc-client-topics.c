/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-subscribing-private.h"

/* How a client subscribes anew when it has connected again. */

MsgpackRpcInterests **
_msgpack_rpc_client_get_interests (MsgpackRpcClient *self)
{
  return &self->interests;
}

/* In the client's context. */
static void
resubscribed_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data G_GNUC_UNUSED)
{
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (MSGPACK_RPC_CONNECTION (source));
  MsgpackRpcCall *call = MSGPACK_RPC_CALL (result);
  g_autoptr(GError) error = NULL;
  const char *topic;

  /* If it was not answered, the next connection will be asked. */
  if (client == NULL || _msgpack_rpc_call_get_outcome (call, NULL, &error) ||
      msgpack_rpc_call_get_delivery (call) != MSGPACK_RPC_DELIVERY_ANSWERED)
    return;

  g_variant_get (msgpack_rpc_call_get_params (call), "(&s)", &topic);
  _msgpack_rpc_interests_drop (&MSGPACK_RPC_CLIENT (client)->interests, topic);
  _msgpack_rpc_interests_emit_lost (client, topic, error);
}

void
_msgpack_rpc_client_resubscribe (MsgpackRpcClient     *self,
                                 MsgpackRpcConnection *connection)
{
  g_auto(GStrv) topics = _msgpack_rpc_interests_list (&self->interests);

  for (guint i = 0; topics[i] != NULL; i++)
    {
      g_autoptr(MsgpackRpcCall) call = NULL;

      call = _msgpack_rpc_call_new_internal (MSGPACK_RPC_SUBSCRIBE_METHOD,
                                             g_variant_new ("(s)", topics[i]));
      _msgpack_rpc_call_set_context (call, self->main_context);
      _msgpack_rpc_call_set_callback (call, connection, NULL, resubscribed_cb, NULL);
      if (_msgpack_rpc_call_start (call, connection, self->reactor, G_MAXINT))
        _msgpack_rpc_connection_submit_first (connection, call);
    }
}
