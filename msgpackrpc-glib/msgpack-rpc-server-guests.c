/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-guard-private.h"
#include "msgpack-rpc-listener-private.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-pending-connection-private.h"

/* The connections of a server, each from when its stream is there to its end. */

/* One connection, from when its stream is there. */
typedef struct
{
  GWeakRef server;
  MsgpackRpcPlace *place; /* the server's */
  gboolean is_listed; /* in the main context */
  gboolean has_ended; /* likewise */
} Guest;

static void
guest_free (gpointer  data,
            GClosure *closure G_GNUC_UNUSED)
{
  Guest *guest = data;

  g_weak_ref_clear (&guest->server);
  g_free (guest);
}

static gboolean
is_of_connection (gconstpointer pending,
                  gconstpointer connection)
{
  return msgpack_rpc_pending_connection_get_connection ((gpointer) pending) == connection;
}

static void
forget_pending (MsgpackRpcServer     *self,
                MsgpackRpcConnection *connection)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  guint i;

  g_mutex_lock (&priv->lock);
  if (g_ptr_array_find_with_equal_func (priv->pending, connection, is_of_connection, &i))
    pending = g_ptr_array_steal_index_fast (priv->pending, i);
  g_mutex_unlock (&priv->lock);
}

static void
closed_cb (MsgpackRpcConnection *connection,
           const GError         *error,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent G_GNUC_UNUSED,
           gpointer              user_data)
{
  Guest *guest = user_data;
  g_autoptr(MsgpackRpcServer) self = g_weak_ref_get (&guest->server);
  MsgpackRpcServerPrivate *priv;
  guint position;

  guest->has_ended = TRUE;
  if (self == NULL)
    return;

  priv = _msgpack_rpc_server_get_private (self);
  _msgpack_rpc_places_release (priv->places, guest->place);
  if (!guest->is_listed)
    {
      forget_pending (self, connection);
      return;
    }

  if (_msgpack_rpc_object_list_remove (priv->connections, connection, &position))
    g_list_model_items_changed (G_LIST_MODEL (priv->connections), position, 1, 0);
  g_signal_emit (self, _msgpack_rpc_server_signals[SIGNAL_CLIENT_DISCONNECTED], 0, connection,
                 error);
}

static MsgpackRpcConnection *
make_connection (MsgpackRpcServer  *self,
                 GIOStream         *io_stream,
                 MsgpackRpcPlace   *place,
                 Guest            **guest)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = NULL;
  g_autoptr(MsgpackRpcLimits) limits = _msgpack_rpc_limits_copy (priv->limits);
  MsgpackRpcConnection *connection;

  g_mutex_lock (&priv->lock);
  g_set_object (&dispatcher, priv->dispatcher);
  g_mutex_unlock (&priv->lock);

  connection = _msgpack_rpc_connection_new_held (io_stream, priv->main_context, limits,
                                                 priv->budget);
  msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
  _msgpack_rpc_connection_set_settings (connection, priv->settings);

  *guest = g_new0 (Guest, 1);
  g_weak_ref_init (&(*guest)->server, self);
  (*guest)->place = place;
  g_signal_connect_data (connection, "closed", G_CALLBACK (closed_cb), *guest, guest_free, 0);
  return connection;
}

/* In the main context. */
static void
admit (MsgpackRpcServer     *self,
       MsgpackRpcConnection *connection,
       Guest                *guest)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  guint position;

  if (!guest->has_ended)
    {
      guest->is_listed = TRUE;
      position = _msgpack_rpc_object_list_append (priv->connections, connection);
      g_list_model_items_changed (G_LIST_MODEL (priv->connections), position, 0, 1);
      g_signal_emit (self, _msgpack_rpc_server_signals[SIGNAL_CLIENT_CONNECTED], 0, connection);
    }

  _msgpack_rpc_connection_release (connection);
}

typedef struct
{
  MsgpackRpcConnection *connection; /* owned; keeps its guest */
  Guest *guest;                     /* NULL once it was let in */
} Admission;

static void
admission_free (gpointer data)
{
  Admission *admission = data;

  /* The server is gone. */
  if (admission->guest != NULL)
    msgpack_rpc_connection_close_async (admission->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL,
                                        NULL, NULL);
  g_object_unref (admission->connection);
  g_free (admission);
}

static void
admit_cb (gpointer owner,
          gpointer data)
{
  Admission *admission = data;

  admit (owner, admission->connection, g_steal_pointer (&admission->guest));
}

static void
admit_later (MsgpackRpcServer     *self,
             MsgpackRpcConnection *connection,
             Guest                *guest)
{
  Admission *admission = g_new0 (Admission, 1);

  admission->connection = g_object_ref (connection);
  admission->guest = guest;
  _msgpack_rpc_reactor_post (_msgpack_rpc_server_get_private (self)->reactor, NULL, self, FALSE,
                             admit_cb, admission, admission_free);
}

/* ---- those of whom it is not yet known, and who are refused ---- */

/* One that is refused stays until it has closed, and left its place: nobody else may have it. */
static void
decided_cb (gpointer                     owner,
            MsgpackRpcPendingConnection *pending,
            gboolean                     accepted,
            gpointer                     data)
{
  MsgpackRpcConnection *connection = msgpack_rpc_pending_connection_get_connection (pending);

  if (!accepted)
    return;

  admit_later (owner, connection, data);
  forget_pending (owner, connection);
}

void
_msgpack_rpc_server_drop_pending (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) pending = NULL;

  g_mutex_lock (&priv->lock);
  pending = g_steal_pointer (&priv->pending);
  priv->pending = g_ptr_array_new_with_free_func (g_object_unref);
  g_mutex_unlock (&priv->lock);

  for (guint i = 0; i < pending->len; i++)
    _msgpack_rpc_pending_connection_drop (g_ptr_array_index (pending, i));
}

/* In the main context. */
static void
ask (MsgpackRpcServer     *self,
     MsgpackRpcConnection *connection,
     Guest                *guest)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  gboolean allowed = FALSE;

  pending = _msgpack_rpc_pending_connection_new (G_OBJECT (self), connection, priv->reactor,
                                                 decided_cb, guest);
  g_mutex_lock (&priv->lock);
  g_ptr_array_add (priv->pending, g_object_ref (pending));
  g_mutex_unlock (&priv->lock);

  g_signal_emit (self, _msgpack_rpc_server_signals[SIGNAL_AUTHORIZE], 0, pending, &allowed);
  _msgpack_rpc_pending_connection_asked (pending, allowed);
}

/* ---- those who come ---- */

static gboolean
check (MsgpackRpcServer        *self,
       const MsgpackRpcOrigin  *origin,
       gboolean                 is_tls,
       GError                 **error)
{
  /* Nobody gets through the handshake whose certificate is not known. */
  if (is_tls && _msgpack_rpc_server_demands_certificates (self))
    return TRUE;

  if (_msgpack_rpc_guard_check (origin, msgpack_rpc_server_get_policy (self),
                                msgpack_rpc_server_get_allow_remote (self)))
    return TRUE;

  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED, "access denied");
  return FALSE;
}

void
_msgpack_rpc_server_let_in (MsgpackRpcServer  *self,
                            GSocketConnection *socket_connection)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  GSocket *socket = g_socket_connection_get_socket (socket_connection);
  gboolean is_tls = _msgpack_rpc_listener_is_tls (socket_connection);
  g_autoptr(GError) error = NULL;
  MsgpackRpcPlace *place = NULL;
  MsgpackRpcOrigin origin;

  _msgpack_rpc_guard_identify (socket, &origin);
  if (check (self, &origin, is_tls, &error))
    place = _msgpack_rpc_places_take (priv->places, &origin, &error);
  if (place == NULL)
    {
      if (is_tls)
        _msgpack_rpc_guard_cut_off (socket, error);
      else
        _msgpack_rpc_guard_turn_away (socket, priv->settings, error);
      return;
    }

  if (is_tls)
    _msgpack_rpc_server_shake_hands (self, G_IO_STREAM (socket_connection), place);
  else
    _msgpack_rpc_server_enter (self, G_IO_STREAM (socket_connection), place);
}

void
_msgpack_rpc_server_enter (MsgpackRpcServer *self,
                           GIOStream        *io_stream,
                           MsgpackRpcPlace  *place)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  Guest *guest;

  connection = make_connection (self, io_stream, place, &guest);
  if (_msgpack_rpc_has_handler (self, _msgpack_rpc_server_signals[SIGNAL_AUTHORIZE]))
    ask (self, connection, guest);
  else
    admit (self, connection, guest);
}

/* ---- streams of any origin, and all connections ---- */

/**
 * msgpack_rpc_server_accept_stream:
 * @self: a server
 * @io_stream: a stream that is open
 * @error: return location for an error
 *
 * Makes a connection on a stream of any origin, as if its peer had been let in.
 *
 * It is for the caller to know who the peer is. [signal@Server::client-connected] comes later, by
 * [property@Server:main-context].
 *
 * Fails with `MSGPACK_RPC_ERROR_BUSY` if there are [property@Server:max-connections] already; the
 * stream stays open then.
 *
 * Returns: (transfer full): the connection, or `NULL` with @error set
 *
 * Since: 1.0
 */
MsgpackRpcConnection *
msgpack_rpc_server_accept_stream (MsgpackRpcServer  *self,
                                  GIOStream         *io_stream,
                                  GError           **error)
{
  const MsgpackRpcOrigin origin = { .kind = MSGPACK_RPC_ORIGIN_UNKNOWN };
  MsgpackRpcConnection *connection;
  MsgpackRpcPlace *place;
  Guest *guest;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (G_IS_IO_STREAM (io_stream), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  place = _msgpack_rpc_places_take (_msgpack_rpc_server_get_private (self)->places, &origin, error);
  if (place == NULL)
    return NULL;

  connection = make_connection (self, io_stream, place, &guest);
  admit_later (self, connection, guest);
  return connection;
}

/**
 * msgpack_rpc_server_broadcast:
 * @self: a server
 * @method: the name of the method
 * @params: (nullable): the parameters, an array or a map, or `NULL` for none
 *
 * Sends a notification to all of [property@Server:connections].
 *
 * If @params is floating, it is consumed. A connection whose output queue is full, or that closes,
 * is left out.
 *
 * Returns: to how many it was queued
 *
 * Since: 1.0
 */
guint
msgpack_rpc_server_broadcast (MsgpackRpcServer *self,
                              const char       *method,
                              GVariant         *params)
{
  g_autoptr(GPtrArray) connections = NULL;
  g_autoptr(GVariant) sunk = NULL;
  guint n_queued = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);
  g_return_val_if_fail (method != NULL, 0);

  sunk = params != NULL ? g_variant_ref_sink (params) : NULL;
  connections = _msgpack_rpc_object_list_copy (_msgpack_rpc_server_get_private (self)->connections);

  for (guint i = 0; i < connections->len; i++)
    {
      MsgpackRpcConnection *connection = g_ptr_array_index (connections, i);
      g_autoptr(GError) error = NULL;

      if (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), method, sunk, &error))
        n_queued++;
      else
        g_debug ("[%" G_GUINT64_FORMAT "] a notification to all did not reach it: %s",
                 msgpack_rpc_connection_get_id (connection), error->message);
    }

  return n_queued;
}
