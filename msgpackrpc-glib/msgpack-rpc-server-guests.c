/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-guard-private.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-listener-private.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-pending-connection-private.h"
#include "msgpack-rpc-topic-private.h"
#include "msgpack-rpc-transport-private.h"

/* The connections of a server, each from when its stream is there to its end. */

/* One connection, from when its stream is there. */
typedef struct
{
  GWeakRef server;
  MsgpackRpcPlace *place; /* the server's; NULL until it has shown who it is */
  union
  {
    MsgpackRpcDispatcher *dispatcher; /* until it is listed: what it was given; owned, nullable */
    guint64 serial;                   /* in the list */
  };
  gboolean is_listed; /* in the main context */
  gboolean has_ended; /* likewise */
} Guest;

static void
leave (MsgpackRpcServer *self,
       Guest            *guest)
{
  if (guest->place != NULL)
    _msgpack_rpc_places_release (_msgpack_rpc_server_get_private (self)->places, guest->place);
  _msgpack_rpc_server_remove_guest (self);
}

static void
guest_free (gpointer data)
{
  Guest *guest = data;
  g_autoptr(MsgpackRpcServer) self = g_weak_ref_get (&guest->server);

  /* Nobody had the connection any more who could have been told of its end. */
  if (self != NULL && !guest->has_ended)
    leave (self, guest);
  g_weak_ref_clear (&guest->server);
  if (!guest->is_listed)
    g_clear_object (&guest->dispatcher);
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
  if (guest->is_listed)
    {
      if (_msgpack_rpc_object_list_remove_serial (priv->connections, guest->serial, &position))
        g_list_model_items_changed (G_LIST_MODEL (priv->connections), position, 1, 0);
      g_signal_emit (self, _msgpack_rpc_server_signals[SIGNAL_CLIENT_DISCONNECTED], 0, connection,
                     error);
    }
  else
    {
      forget_pending (self, connection);
    }
  leave (self, guest);
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
  _msgpack_rpc_server_add_guest (self);
  (*guest)->place = place;
  (*guest)->dispatcher = g_steal_pointer (&dispatcher);
  _msgpack_rpc_connection_set_closed_func (connection, closed_cb, *guest, guest_free);
  return connection;
}

/* The server may have got another dispatcher since it has made the connection, which is in the list
 * now: whoever sets the next one finds it there. */
static void
renew_dispatcher (MsgpackRpcServer     *self,
                  MsgpackRpcConnection *connection,
                  MsgpackRpcDispatcher *given)
{
  g_autoptr(MsgpackRpcDispatcher) current = NULL;
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  g_mutex_lock (&priv->lock);
  g_set_object (&current, priv->dispatcher);
  g_mutex_unlock (&priv->lock);

  if (current != given && msgpack_rpc_connection_get_dispatcher (connection) == given)
    msgpack_rpc_connection_set_dispatcher (connection, current);
}

/* In the main context. */
static void
admit (MsgpackRpcServer     *self,
       MsgpackRpcConnection *connection,
       Guest                *guest)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcDispatcher) given = NULL;
  guint position;

  if (!guest->has_ended)
    {
      given = g_steal_pointer (&guest->dispatcher);
      guest->is_listed = TRUE;
      position = _msgpack_rpc_object_list_append_with_serial (priv->connections, connection,
                                                              &guest->serial);
      renew_dispatcher (self, connection, given);
      g_list_model_items_changed (G_LIST_MODEL (priv->connections), position, 0, 1);
      g_signal_emit (self, _msgpack_rpc_server_signals[SIGNAL_CLIENT_CONNECTED], 0, connection);
      _msgpack_rpc_server_drain_guest (self, connection);
    }

  _msgpack_rpc_connection_release (connection);
}

typedef void (*GuestFunc) (MsgpackRpcServer     *self,
                           MsgpackRpcConnection *connection,
                           Guest                *guest);

typedef struct
{
  MsgpackRpcConnection *connection; /* owned; keeps its guest */
  Guest *guest;                     /* NULL once it has got on */
  GuestFunc func;
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
get_on_cb (gpointer owner,
           gpointer data)
{
  Admission *admission = data;

  admission->func (owner, admission->connection, g_steal_pointer (&admission->guest));
}

/* Calls @func in the main context, in a lane of the server's own. From any thread. */
static void
get_on_later (MsgpackRpcServer     *self,
              MsgpackRpcConnection *connection,
              Guest                *guest,
              GuestFunc             func)
{
  Admission *admission = g_new0 (Admission, 1);

  admission->connection = g_object_ref (connection);
  admission->guest = guest;
  admission->func = func;
  _msgpack_rpc_reactor_post (_msgpack_rpc_server_get_private (self)->reactor, self, self, FALSE,
                             get_on_cb, admission, admission_free);
}

void
_msgpack_rpc_server_serve_arrivals (MsgpackRpcServer *self)
{
  while (_msgpack_rpc_reactor_serve (_msgpack_rpc_server_get_private (self)->reactor, self))
    ;
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

  get_on_later (owner, connection, data, admit);
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
  g_queue_clear_full (&priv->unproven, g_object_unref);
  g_mutex_unlock (&priv->lock);

  for (guint i = 0; i < pending->len; i++)
    _msgpack_rpc_pending_connection_drop (g_ptr_array_index (pending, i));
}

/* The server keeps it until the peer is let in, or its connection has closed. */
static MsgpackRpcPendingConnection *
make_pending (MsgpackRpcServer      *self,
              MsgpackRpcConnection  *connection,
              Guest                 *guest,
              MsgpackRpcDecidedFunc  decided)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  MsgpackRpcPendingConnection *pending;

  pending = _msgpack_rpc_pending_connection_new (G_OBJECT (self), connection, priv->reactor,
                                                 decided, guest);
  g_mutex_lock (&priv->lock);
  g_ptr_array_add (priv->pending, g_object_ref (pending));
  g_mutex_unlock (&priv->lock);
  return pending;
}

static void
refuse (MsgpackRpcServer     *self,
        MsgpackRpcConnection *connection,
        Guest                *guest,
        const GError         *error)
{
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;

  pending = make_pending (self, connection, guest, decided_cb);
  _msgpack_rpc_pending_connection_refuse (pending, error);
}

/* In the main context. Nobody is asked while the server is drained, which may have begun since the peer
 * has come: what a handler kept then, nobody would end. */
static void
ask (MsgpackRpcServer     *self,
     MsgpackRpcConnection *connection,
     Guest                *guest)
{
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  gboolean allowed = FALSE;

  pending = make_pending (self, connection, guest, decided_cb);
  if (!_msgpack_rpc_server_is_open (self, NULL))
    {
      g_autoptr(GError) error = _msgpack_rpc_drain_make_error ();

      _msgpack_rpc_server_drain_guest (self, connection);
      _msgpack_rpc_pending_connection_refuse (pending, error);
      return;
    }

  g_signal_emit (self, _msgpack_rpc_server_signals[SIGNAL_AUTHORIZE], 0, pending, &allowed);
  _msgpack_rpc_pending_connection_asked (pending, allowed);
}

static void
ask_or_admit (MsgpackRpcServer     *self,
              MsgpackRpcConnection *connection,
              Guest                *guest)
{
  if (_msgpack_rpc_has_handler (self, _msgpack_rpc_server_signals[SIGNAL_AUTHORIZE]))
    ask (self, connection, guest);
  else
    admit (self, connection, guest);
}

/* ---- those who must show that they know the token ---- */

/* In the main context. */
static void
welcome (MsgpackRpcServer     *self,
         MsgpackRpcConnection *connection,
         Guest                *guest)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GError) error = NULL;
  GIOStream *stream = msgpack_rpc_connection_get_io_stream (connection);
  MsgpackRpcOrigin origin;

  _msgpack_rpc_guard_identify (_msgpack_rpc_transport_get_socket (stream), &origin);
  guest->place = _msgpack_rpc_places_take (priv->places, &origin, &error);
  if (guest->place != NULL)
    ask_or_admit (self, connection, guest);
  else
    refuse (self, connection, guest, error);
}

static void
proved_cb (gpointer                     owner,
           MsgpackRpcPendingConnection *pending,
           gboolean                     accepted,
           gpointer                     data)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (owner);
  MsgpackRpcConnection *connection = msgpack_rpc_pending_connection_get_connection (pending);
  gboolean was_there;

  g_mutex_lock (&priv->lock);
  was_there = g_queue_remove (&priv->unproven, pending);
  g_mutex_unlock (&priv->lock);
  if (was_there)
    g_object_unref (pending);
  if (!accepted)
    return;

  /* In this order: the main context may be faster, and make another one for the same connection. */
  forget_pending (owner, connection);
  get_on_later (owner, connection, data, welcome);
}

/* Returns one that is to go for it. */
static MsgpackRpcPendingConnection *
add_unproven (MsgpackRpcServer            *self,
              MsgpackRpcPendingConnection *pending)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  MsgpackRpcPendingConnection *oldest = NULL;

  if (priv->unproven.length >= priv->max_handshakes)
    oldest = g_queue_pop_head (&priv->unproven);
  g_queue_push_tail (&priv->unproven, g_object_ref (pending));
  return oldest;
}

/* In the main context. */
static void
expect_proof (MsgpackRpcServer     *self,
              MsgpackRpcConnection *connection,
              Guest                *guest,
              MsgpackRpcToken      *token)
{
  g_autoptr(MsgpackRpcPendingConnection) pending = NULL;
  g_autoptr(MsgpackRpcPendingConnection) oldest = NULL;

  pending = make_pending (self, connection, guest, proved_cb);
  msgpack_rpc_pending_connection_keep (pending);
  _msgpack_rpc_connection_set_gate (connection, token, pending);
  oldest = add_unproven (self, pending);
  if (oldest != NULL)
    {
      g_autoptr(GError) error = NULL;

      error = _msgpack_rpc_server_new_handshakes_error (self);
      _msgpack_rpc_pending_connection_refuse (oldest, error);
    }
  _msgpack_rpc_pending_connection_asked (pending, TRUE);
}

/* ---- those who come ---- */

static gboolean
may_show_token (MsgpackRpcServer *self,
                MsgpackRpcToken  *token)
{
  return token != NULL &&
         (msgpack_rpc_server_get_policy (self) & MSGPACK_RPC_ACCEPT_POLICY_TOKEN) != 0;
}

/* What it has shown in the handshake is good: nobody else gets through it. */
static gboolean
has_certificate (GIOStream *stream)
{
  g_autoptr(GTlsCertificate) certificate = NULL;

  if (!G_IS_TLS_CONNECTION (stream))
    return FALSE;

  g_object_get (stream, "peer-certificate", &certificate, NULL);
  return certificate != NULL;
}

static gboolean
is_good_enough (MsgpackRpcServer       *self,
                GIOStream              *stream,
                const MsgpackRpcOrigin *origin)
{
  MsgpackRpcAcceptPolicy policy = msgpack_rpc_server_get_policy (self);

  if ((policy & MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT) != 0 && has_certificate (stream))
    return TRUE;

  return _msgpack_rpc_guard_check (origin, policy, msgpack_rpc_server_get_allow_remote (self));
}

/* Whether it may become so, if the peer comes to where TLS is spoken. */
static gboolean
may_show_certificate (MsgpackRpcServer *self)
{
  return (msgpack_rpc_server_get_policy (self) & MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT) != 0 &&
         msgpack_rpc_server_get_tls_authentication_mode (self) != G_TLS_AUTHENTICATION_NONE;
}

void
_msgpack_rpc_server_set_receiver (MsgpackRpcServer      *self,
                                  GObject               *receiver,
                                  MsgpackRpcReceiveFunc  receive)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  priv->receive = receive;
  g_weak_ref_set (&priv->receiver, receiver);
}

/* @place is taken. */
static void
hand_over (MsgpackRpcServer *self,
           GIOStream        *stream,
           MsgpackRpcPlace  *place)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GObject) receiver = g_weak_ref_get (&priv->receiver);

  if (receiver != NULL)
    priv->receive (receiver, stream, place);
  else
    _msgpack_rpc_places_release (priv->places, place);
}

/* In TLS, that takes a connection. */
static void
turn_away (MsgpackRpcServer *self,
           GIOStream        *stream,
           const GError     *error)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  Guest *guest;

  /* Nobody knows how to say why in the language of such peers: the stream closes. */
  if (priv->receive != NULL)
    return;

  if (G_IS_SOCKET_CONNECTION (stream))
    {
      _msgpack_rpc_guard_turn_away (_msgpack_rpc_transport_get_socket (stream), priv->settings,
                                    error);
      return;
    }

  connection = make_connection (self, stream, NULL, &guest);
  refuse (self, connection, guest, error);
}

/* The server is drained. */
static void
dismiss (MsgpackRpcServer *self,
         GIOStream        *stream)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;
  Guest *guest;

  if (G_IS_SOCKET_CONNECTION (stream))
    {
      _msgpack_rpc_guard_dismiss (_msgpack_rpc_transport_get_socket (stream), priv->settings);
      return;
    }

  error = _msgpack_rpc_drain_make_error ();
  connection = make_connection (self, stream, NULL, &guest);
  _msgpack_rpc_server_drain_guest (self, connection);
  refuse (self, connection, guest, error);
}

/* What is known of the peer suffices. */
static void
let_in_at_once (MsgpackRpcServer       *self,
                GIOStream              *stream,
                const MsgpackRpcOrigin *origin,
                MsgpackRpcToken        *token)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcPlace *place;
  Guest *guest;

  place = _msgpack_rpc_places_take (priv->places, origin, &error);
  if (place == NULL)
    {
      turn_away (self, stream, error);
      return;
    }

  if (priv->receive != NULL)
    {
      hand_over (self, stream, place);
      return;
    }

  connection = make_connection (self, stream, place, &guest);
  if (token != NULL)
    _msgpack_rpc_connection_set_gate (connection, token, NULL);
  ask_or_admit (self, connection, guest);
}

void
_msgpack_rpc_server_enter (MsgpackRpcServer *self,
                           GIOStream        *stream)
{
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_server_get_token (self);
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcOrigin origin;
  Guest *guest;

  if (!_msgpack_rpc_server_is_open (self, NULL))
    {
      dismiss (self, stream);
      return;
    }

  _msgpack_rpc_guard_identify (_msgpack_rpc_transport_get_socket (stream), &origin);
  if (is_good_enough (self, stream, &origin))
    let_in_at_once (self, stream, &origin, token);
  else if (may_show_token (self, token) && _msgpack_rpc_server_get_private (self)->receive == NULL)
    {
      connection = make_connection (self, stream, NULL, &guest);
      expect_proof (self, connection, guest, token);
    }
  else
    {
      error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                                   "access denied");
      turn_away (self, stream, error);
    }
}

/* Nobody shakes hands in vain. */
static void
let_in_by_tls (MsgpackRpcServer *self,
               GIOStream        *stream)
{
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_server_get_token (self);
  GSocket *socket = _msgpack_rpc_transport_get_socket (stream);
  g_autoptr(GError) error = NULL;
  MsgpackRpcOrigin origin;

  if (!_msgpack_rpc_server_is_open (self, &error))
    {
      _msgpack_rpc_guard_cut_off (socket, error);
      return;
    }

  _msgpack_rpc_guard_identify (socket, &origin);
  if (is_good_enough (self, stream, &origin) || may_show_certificate (self) ||
      may_show_token (self, token))
    {
      _msgpack_rpc_server_shake_hands (self, stream);
      return;
    }

  error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED, "access denied");
  _msgpack_rpc_guard_cut_off (socket, error);
}

void
_msgpack_rpc_server_let_in (MsgpackRpcServer  *self,
                            GSocketConnection *socket_connection)
{
  if (_msgpack_rpc_listener_is_tls (socket_connection))
    let_in_by_tls (self, G_IO_STREAM (socket_connection));
  else
    _msgpack_rpc_server_enter (self, G_IO_STREAM (socket_connection));
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
 * Fails with `MSGPACK_RPC_ERROR_BUSY` if there are [property@Server:max-connections] already, and while
 * the server is drained; the stream stays open then.
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
  g_autoptr(MsgpackRpcToken) token = NULL;
  MsgpackRpcConnection *connection;
  MsgpackRpcPlace *place;
  Guest *guest;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);
  g_return_val_if_fail (G_IS_IO_STREAM (io_stream), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!_msgpack_rpc_server_is_open (self, error))
    return NULL;

  place = _msgpack_rpc_places_take (_msgpack_rpc_server_get_private (self)->places, &origin, error);
  if (place == NULL)
    return NULL;

  connection = make_connection (self, io_stream, place, &guest);
  token = msgpack_rpc_server_get_token (self);
  if (token != NULL)
    _msgpack_rpc_connection_set_gate (connection, token, NULL);
  get_on_later (self, connection, guest, admit);
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
  g_auto(MsgpackRpcNotice) notice = MSGPACK_RPC_NOTICE_INIT (method, params);
  guint n_queued = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);
  g_return_val_if_fail (method != NULL, 0);

  sunk = params != NULL ? g_variant_ref_sink (params) : NULL;
  connections = _msgpack_rpc_object_list_copy (_msgpack_rpc_server_get_private (self)->connections);

  for (guint i = 0; i < connections->len; i++)
    {
      MsgpackRpcConnection *connection = g_ptr_array_index (connections, i);
      g_autoptr(GError) error = NULL;

      if (_msgpack_rpc_connection_send_notice (connection, &notice, &error))
        n_queued++;
      else
        g_debug ("[%" G_GUINT64_FORMAT "] a notification to all did not reach it: %s",
                 msgpack_rpc_connection_get_id (connection), error->message);
    }

  return n_queued;
}

/**
 * msgpack_rpc_server_publish:
 * @self: a server
 * @topic: the name of a topic of [property@Server:dispatcher]
 * @value: (nullable): the value, or `NULL` for nil
 * @error: return location for an error
 *
 * Sends a value to all who have subscribed to a topic; see [method@Topic.publish].
 *
 * If @value is floating, it is consumed.
 *
 * Returns: `TRUE` if it was sent to all, of whom there may be none; `FALSE` with @error set to
 *   [error@Error.TOPIC_NOT_FOUND] if there is no such topic, or as for [method@Topic.publish]
 * Since: 1.0
 */
gboolean
msgpack_rpc_server_publish (MsgpackRpcServer  *self,
                            const char        *topic,
                            GVariant          *value,
                            GError           **error)
{
  g_autoptr(GVariant) sunk = NULL;
  g_autoptr(MsgpackRpcDispatcher) dispatcher = NULL;
  MsgpackRpcServerPrivate *priv;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  sunk = value != NULL ? g_variant_ref_sink (value) : NULL;
  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  g_set_object (&dispatcher, priv->dispatcher);
  g_mutex_unlock (&priv->lock);
  if (dispatcher != NULL)
    return msgpack_rpc_dispatcher_publish (dispatcher, topic, sunk, error);

  _msgpack_rpc_topic_set_not_found (topic, error);
  return FALSE;
}
