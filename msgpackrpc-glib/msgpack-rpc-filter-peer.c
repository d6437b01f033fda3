/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-filter-peer-private.h"

#include "msgpack-rpc-call-parts-private.h"
#include "msgpack-rpc-client.h"
#include "msgpack-rpc-connection.h"
#include "msgpack-rpc-peer.h"

/* Of peers that have none of their own. */
#define DEFAULT_TIMEOUT 25000

/**
 * MsgpackRpcFilterPeer:
 *
 * A peer in front of another peer, which sees each call and notification on its way there, and each
 * call on its way back.
 *
 * As it is, it changes nothing. A class that derives from it overrides
 * [vfunc@FilterPeer.filter_call], [vfunc@FilterPeer.filter_return] or both, to log, count, refuse, delay,
 * answer or change calls, or to try them again. Filters can stand in front of each other, in any number:
 * a call passes the one that it is started on first.
 *
 * What is started on a filter is a call of its own, whose deadline spans all that is done for it; what
 * is sent to the peer behind is an attempt at it: another [class@Call], of which there is one at a
 * time. The call ends once, when the filter says so, by its deadline, or when it is cancelled; an attempt
 * that is on its way is cancelled then. So [method@Peer.call_async], [method@Peer.call_sync] and all other
 * functions of [iface@Peer] that call or notify do the same on a filter as on the peer behind it.
 * Subscriptions and timers are for that itself: for a client, or a connection.
 *
 * ```c
 * static gboolean
 * retry_filter_return (MsgpackRpcFilterPeer *filter, MsgpackRpcCall *call, MsgpackRpcCall *attempt, GError **error)
 * {
 *   if (g_error_matches (msgpack_rpc_call_get_error (attempt), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY))
 *     msgpack_rpc_filter_peer_forward (filter, call, NULL, 100);
 *   else
 *     msgpack_rpc_filter_peer_return_attempt (filter, call, attempt);
 *   return TRUE;
 * }
 * ```
 *
 * ## Threads
 *
 * All functions may be called from any thread. A filter belongs to no context;
 * [vfunc@FilterPeer.filter_call] and [vfunc@FilterPeer.filter_return] say where they run. A class that is
 * written in JavaScript can only be used in the thread of its engine.
 *
 * Since: 1.0
 */
typedef struct
{
  MsgpackRpcPeer *peer; /* owned, nullable, fixed */
} MsgpackRpcFilterPeerPrivate;

enum
{
  PROP_0,
  PROP_PEER,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void peer_iface_init (MsgpackRpcPeerInterface *iface);

G_DEFINE_TYPE_WITH_CODE (MsgpackRpcFilterPeer, msgpack_rpc_filter_peer, G_TYPE_OBJECT,
                         G_ADD_PRIVATE (MsgpackRpcFilterPeer)
                         G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_PEER, peer_iface_init))

static MsgpackRpcFilterPeerPrivate *
get_private (MsgpackRpcFilterPeer *self)
{
  return msgpack_rpc_filter_peer_get_instance_private (self);
}

/* ---- what a class may override ---- */

static gboolean
default_filter_call (MsgpackRpcFilterPeer  *self,
                     MsgpackRpcCall        *call,
                     GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_filter_peer_forward (self, call, NULL, 0);
  return TRUE;
}

static gboolean
default_filter_return (MsgpackRpcFilterPeer  *self,
                       MsgpackRpcCall        *call,
                       MsgpackRpcCall        *attempt,
                       GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_filter_peer_return_attempt (self, call, attempt);
  return TRUE;
}

static void
fail (MsgpackRpcFilterPeer *self,
      MsgpackRpcCall       *call,
      const GError         *error)
{
  g_autoptr(GError) general = NULL;

  if (error == NULL)
    general = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                           "%s has failed to filter a call of “%s”", G_OBJECT_TYPE_NAME (self),
                           msgpack_rpc_call_get_method (call));
  _msgpack_rpc_call_fail (call, error != NULL ? error : general);
}

gboolean
_msgpack_rpc_filter_peer_asks (MsgpackRpcFilterPeer *self)
{
  return MSGPACK_RPC_FILTER_PEER_GET_CLASS (self)->filter_return != default_filter_return;
}

void
_msgpack_rpc_filter_peer_ask_returned (MsgpackRpcFilterPeer *self,
                                       MsgpackRpcCall       *call,
                                       MsgpackRpcCall       *attempt)
{
  g_autoptr(GError) error = NULL;

  if (!MSGPACK_RPC_FILTER_PEER_GET_CLASS (self)->filter_return (self, call, attempt, &error))
    fail (self, call, error);
}

/* ---- the peer ---- */

static int
get_default_timeout (MsgpackRpcPeer *peer)
{
  while (MSGPACK_RPC_IS_FILTER_PEER (peer))
    peer = get_private (MSGPACK_RPC_FILTER_PEER (peer))->peer;

  if (MSGPACK_RPC_IS_CLIENT (peer))
    return msgpack_rpc_client_get_default_timeout (MSGPACK_RPC_CLIENT (peer));
  if (MSGPACK_RPC_IS_CONNECTION (peer))
    return msgpack_rpc_connection_get_default_timeout (MSGPACK_RPC_CONNECTION (peer));

  return DEFAULT_TIMEOUT;
}

static void
start (MsgpackRpcFilterPeer *self,
       MsgpackRpcCall       *call,
       gboolean              is_loose)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcReactor *reactor;
  gboolean is_started;

  if (!_msgpack_rpc_call_take_up (call, self, is_loose))
    return;

  reactor = _msgpack_rpc_reactor_get (call->context);
  is_started = _msgpack_rpc_call_start (call, self, reactor,
                                        get_default_timeout (get_private (self)->peer));
  _msgpack_rpc_reactor_unref (reactor);

  if (is_started && !MSGPACK_RPC_FILTER_PEER_GET_CLASS (self)->filter_call (self, call, &error))
    fail (self, call, error);
}

static void
filter_peer_send_call (MsgpackRpcPeer *peer,
                       MsgpackRpcCall *call)
{
  start (MSGPACK_RPC_FILTER_PEER (peer), call, FALSE);
}

static gboolean
filter_peer_send_notification (MsgpackRpcPeer  *peer,
                               const char      *method,
                               GVariant        *params,
                               GError         **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  call = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_NOTIFICATION, method, params);
  start (MSGPACK_RPC_FILTER_PEER (peer), call, TRUE);
  return !_msgpack_rpc_call_has_ended (call) || _msgpack_rpc_call_get_outcome (call, NULL, error);
}

static void
peer_iface_init (MsgpackRpcPeerInterface *iface)
{
  iface->send_call = filter_peer_send_call;
  iface->send_notification = filter_peer_send_notification;
}

/* ---- the object ---- */

static void
msgpack_rpc_filter_peer_dispose (GObject *object)
{
  g_clear_object (&get_private (MSGPACK_RPC_FILTER_PEER (object))->peer);

  G_OBJECT_CLASS (msgpack_rpc_filter_peer_parent_class)->dispose (object);
}

static void
msgpack_rpc_filter_peer_get_property (GObject    *object,
                                      guint       prop_id,
                                      GValue     *value,
                                      GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_PEER:
      g_value_set_object (value, msgpack_rpc_filter_peer_get_peer (MSGPACK_RPC_FILTER_PEER (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_filter_peer_set_property (GObject      *object,
                                      guint         prop_id,
                                      const GValue *value,
                                      GParamSpec   *pspec)
{
  switch (prop_id)
    {
    case PROP_PEER:
      get_private (MSGPACK_RPC_FILTER_PEER (object))->peer = g_value_dup_object (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_filter_peer_class_init (MsgpackRpcFilterPeerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = msgpack_rpc_filter_peer_dispose;
  object_class->get_property = msgpack_rpc_filter_peer_get_property;
  object_class->set_property = msgpack_rpc_filter_peer_set_property;

  klass->filter_call = default_filter_call;
  klass->filter_return = default_filter_return;

  /**
   * MsgpackRpcFilterPeer:peer: (getter get_peer)
   *
   * The peer behind the filter: a connection, a client, or another filter. Without one, all that is
   * forwarded fails with [error@Error.NOT_CONNECTED].
   *
   * Since: 1.0
   */
  props[PROP_PEER] =
    g_param_spec_object ("peer", NULL, NULL, MSGPACK_RPC_TYPE_PEER,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_filter_peer_init (MsgpackRpcFilterPeer *self G_GNUC_UNUSED)
{
}

/**
 * msgpack_rpc_filter_peer_new:
 * @peer: (nullable): the peer behind it
 *
 * Makes a filter that lets everything pass.
 *
 * Returns: (transfer full): a filter
 * Since: 1.0
 */
MsgpackRpcFilterPeer *
msgpack_rpc_filter_peer_new (MsgpackRpcPeer *peer)
{
  g_return_val_if_fail (peer == NULL || MSGPACK_RPC_IS_PEER (peer), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_FILTER_PEER, "peer", peer, NULL);
}

/**
 * msgpack_rpc_filter_peer_get_peer: (get-property peer)
 * @self: a filter
 *
 * Gets the peer behind the filter.
 *
 * Returns: (transfer none) (nullable): the peer
 * Since: 1.0
 */
MsgpackRpcPeer *
msgpack_rpc_filter_peer_get_peer (MsgpackRpcFilterPeer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_FILTER_PEER (self), NULL);

  return get_private (self)->peer;
}

/* ---- what becomes of a call ---- */

/**
 * msgpack_rpc_filter_peer_forward:
 * @self: a filter
 * @call: a call that was started on it
 * @attempt: (nullable): a call that was not started, to send in its place; or `NULL` to send what @call
 *   says
 * @delay: how many milliseconds to wait before
 *
 * Sends a call to the peer behind the filter: for the first time, or again.
 *
 * An @attempt may have another method, other parameters, and a shorter [property@Call:timeout]; it is a
 * notification if @call is one. What goes wrong is found in the attempt, never here.
 *
 * Returns: `TRUE` if it is, or will be, sent; `FALSE` if @call has ended or was not started on this filter,
 *   if an attempt at it is on its way, or if @attempt was started before
 * Since: 1.0
 */
gboolean
msgpack_rpc_filter_peer_forward (MsgpackRpcFilterPeer *self,
                                 MsgpackRpcCall       *call,
                                 MsgpackRpcCall       *attempt,
                                 guint                 delay)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_FILTER_PEER (self), FALSE);
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (call), FALSE);
  g_return_val_if_fail (attempt == NULL || MSGPACK_RPC_IS_CALL (attempt), FALSE);
  g_return_val_if_fail (attempt != call, FALSE);

  return _msgpack_rpc_call_forward (call, self, attempt, delay);
}

/**
 * msgpack_rpc_filter_peer_return_value:
 * @self: a filter
 * @call: a call that was started on it
 * @value: (nullable): the result, or `NULL` for nil
 *
 * Ends a call with a result.
 *
 * A value that is not of the call's [property@Call:reply-type] is converted, or ends it with
 * [error@Error.INVALID_RESULT]. If @value is floating, it is consumed. A notification is then done.
 *
 * Returns: `TRUE` if this has ended it; `FALSE` if it had ended, or was not started on this filter
 * Since: 1.0
 */
gboolean
msgpack_rpc_filter_peer_return_value (MsgpackRpcFilterPeer *self,
                                      MsgpackRpcCall       *call,
                                      GVariant             *value)
{
  g_autoptr(GVariant) result = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_FILTER_PEER (self), FALSE);
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (call), FALSE);

  if (value == NULL)
    value = g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
  result = g_variant_ref_sink (value);
  return _msgpack_rpc_call_end_with (call, self, result, NULL);
}

/**
 * msgpack_rpc_filter_peer_return_error:
 * @self: a filter
 * @call: a call that was started on it
 * @error: an error
 *
 * Ends a call with an error.
 *
 * Returns: `TRUE` if this has ended it; `FALSE` if it had ended, or was not started on this filter
 * Since: 1.0
 */
gboolean
msgpack_rpc_filter_peer_return_error (MsgpackRpcFilterPeer *self,
                                      MsgpackRpcCall       *call,
                                      const GError         *error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_FILTER_PEER (self), FALSE);
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (call), FALSE);
  g_return_val_if_fail (error != NULL, FALSE);

  return _msgpack_rpc_call_end_with (call, self, NULL, error);
}

/**
 * msgpack_rpc_filter_peer_return_attempt:
 * @self: a filter
 * @call: a call that was started on it
 * @attempt: a call that has ended
 *
 * Ends a call as another one has ended: with its result, or with its error and
 * [property@Call:error-value].
 *
 * Returns: `TRUE` if this has ended it; `FALSE` if it had ended, was not started on this filter, or if
 *   @attempt has not ended
 * Since: 1.0
 */
gboolean
msgpack_rpc_filter_peer_return_attempt (MsgpackRpcFilterPeer *self,
                                        MsgpackRpcCall       *call,
                                        MsgpackRpcCall       *attempt)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_FILTER_PEER (self), FALSE);
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (call), FALSE);
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (attempt), FALSE);
  g_return_val_if_fail (attempt != call, FALSE);

  return _msgpack_rpc_call_end_like (call, self, attempt);
}
