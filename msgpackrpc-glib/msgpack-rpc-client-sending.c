/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-i18n-private.h"

/* How a client sends: on its connection, or on the one that it will have. */

gboolean
_msgpack_rpc_client_is_losing (MsgpackRpcClient *self)
{
  return self->connection != NULL && !self->has_lost &&
         _msgpack_rpc_connection_has_ended (self->connection);
}

static gboolean
refuse (MsgpackRpcClient  *self,
        GError           **error)
{
  if (self->last_error != NULL)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                 _("The client is not connected, and must be opened again: %s"),
                 self->last_error->message);
  else
    g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                         _("The client is not connected: open it first"));
  return FALSE;
}

/* What is to become of a message. */
typedef struct
{
  MsgpackRpcConnection *connection; /* owned; takes the message now, or keeps it until it is connected */
  gboolean may_refuse;              /* if it ends meanwhile, there will be another one */
  gboolean parks;                   /* it takes no more, but there will be another one */
} Way;

static void
way_clear (Way *way)
{
  g_clear_object (&way->connection);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Way, way_clear)

/* Before it was opened for the first time, and while it is being opened, messages wait in the
 * connection. The lock is held. */
static gboolean
find_way (MsgpackRpcClient  *self,
          gboolean           waits,
          Way               *way,
          GError           **error)
{
  gboolean ended = self->connection == NULL || _msgpack_rpc_connection_has_ended (self->connection);
  MsgpackRpcConnectionStatus status = MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED;
  MsgpackRpcKeep keep = _msgpack_rpc_client_get_keep_unlocked (self);

  if (self->has_lost && !waits)
    return refuse (self, error);
  if (self->connection == NULL || (ended && self->has_lost))
    {
      _msgpack_rpc_client_renew_connection (self);
      ended = FALSE;
    }

  if (!ended)
    status = msgpack_rpc_connection_get_status (self->connection);
  if (!self->queue_while_connecting && !waits &&
      status != MSGPACK_RPC_CONNECTION_STATUS_CONNECTED &&
      status != MSGPACK_RPC_CONNECTION_STATUS_CLOSING)
    return refuse (self, error);

  way->connection = g_object_ref (self->connection);
  way->may_refuse = keep == MSGPACK_RPC_KEEP_UNSENT || (keep == MSGPACK_RPC_KEEP_READY && waits);
  way->parks = ended || (way->may_refuse && status == MSGPACK_RPC_CONNECTION_STATUS_CLOSING);
  return TRUE;
}

/* FALSE if it has to be tried again. */
static gboolean
try_to_send (MsgpackRpcClient *self,
             MsgpackRpcCall   *call)
{
  g_autoptr(GError) error = NULL;
  g_auto(Way) way = { NULL };
  gboolean found;

  g_mutex_lock (&self->lock);
  found = find_way (self, msgpack_rpc_call_get_wait_for_ready (call), &way, &error);
  /* Whoever ends the connection looks for what is parked with the lock held. */
  if (found && way.parks)
    found = _msgpack_rpc_connection_park (way.connection, call, &error);
  g_mutex_unlock (&self->lock);

  if (!found)
    _msgpack_rpc_call_fail (call, error);
  if (!found || way.parks)
    return TRUE;

  return _msgpack_rpc_connection_try_submit (way.connection, call, way.may_refuse);
}

static void
send_started (MsgpackRpcClient *self,
              MsgpackRpcCall   *call)
{
  while (!try_to_send (self, call))
    ;
}

static void
client_send_call (MsgpackRpcPeer *peer,
                  MsgpackRpcCall *call)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (peer);

  _msgpack_rpc_client_expect_call (self);
  if (_msgpack_rpc_call_start (call, self, self->reactor,
                               msgpack_rpc_client_get_default_timeout (self)))
    send_started (self, call);
}

/* One that can go on to another connection is a call that nobody hears of, and nobody would hear that it
 * has failed. */
static gboolean
send_as_call (MsgpackRpcClient  *self,
              const char        *method,
              GVariant          *params,
              GError           **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  call = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_NOTIFICATION, method, params);
  msgpack_rpc_call_set_wait_for_ready (call, TRUE);
  _msgpack_rpc_call_start (call, self, self->reactor, G_MAXINT);
  send_started (self, call);
  /* It may wait for ever, but not keep the client, nor have it connect for that alone. */
  _msgpack_rpc_call_release_source (call);
  return !_msgpack_rpc_call_has_ended (call) || _msgpack_rpc_call_get_outcome (call, NULL, error);
}

static gboolean
client_send_notification (MsgpackRpcPeer  *peer,
                          const char      *method,
                          GVariant        *params,
                          GError         **error)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (peer);
  g_auto(Way) way = { NULL };
  gboolean found;

  g_mutex_lock (&self->lock);
  found = find_way (self, FALSE, &way, error);
  g_mutex_unlock (&self->lock);

  if (found && (way.may_refuse || way.parks))
    return send_as_call (self, method, params, error);

  return found &&
         msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (way.connection), method, params,
                                             error);
}

void
_msgpack_rpc_client_init_peer (MsgpackRpcPeerInterface *iface)
{
  iface->send_call = client_send_call;
  iface->send_notification = client_send_notification;
}
