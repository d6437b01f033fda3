/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

/* How much goes in and out: what applications see of it, and what they can do about it. */

/**
 * msgpack_rpc_connection_get_limits: (get-property limits)
 * @self: a connection
 *
 * Gets what the peer may cost.
 *
 * Returns: (transfer none): the limits, whose numbers may be changed at any time
 * Since: 1.0
 */
MsgpackRpcLimits *
msgpack_rpc_connection_get_limits (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  return self->limits;
}

/**
 * msgpack_rpc_connection_get_high_water_mark: (get-property high-water-mark)
 * @self: a connection
 *
 * Gets from how many queued bytes on the connection is congested.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint64
msgpack_rpc_connection_get_high_water_mark (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), 0);

  return msgpack_rpc_limits_get_high_water_mark (self->limits);
}

/**
 * msgpack_rpc_connection_set_high_water_mark: (set-property high-water-mark)
 * @self: a connection
 * @high_water_mark: bytes, up to `G_MAXUINT32`
 *
 * Sets from how many queued bytes on the connection is congested.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_high_water_mark (MsgpackRpcConnection *self,
                                            guint64               high_water_mark)
{
  GObjectClass *klass;

  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  if (msgpack_rpc_limits_get_high_water_mark (self->limits) == high_water_mark)
    return;

  msgpack_rpc_limits_set_high_water_mark (self->limits, high_water_mark);
  klass = G_OBJECT_GET_CLASS (self);
  _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self),
                               g_object_class_find_property (klass, "high-water-mark"));
}

/**
 * msgpack_rpc_connection_is_congested: (get-property is-congested)
 * @self: a connection
 *
 * Gets whether so much waits to be written that whoever sends should wait, too.
 *
 * Returns: whether it is so now
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_is_congested (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);

  return _msgpack_rpc_link_is_congested (self->link);
}

static void
deliver_congestion (gpointer owner,
                    gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcConnection *self = owner;
  gboolean is_congested;

  g_atomic_int_set (&self->congestion_posted, FALSE);
  is_congested = _msgpack_rpc_link_is_congested (self->link);
  if (self->told_congested == is_congested)
    return;

  self->told_congested = is_congested;
  g_object_notify (G_OBJECT (self), "is-congested");
}

void
_msgpack_rpc_connection_post_congestion (gpointer owner)
{
  MsgpackRpcConnection *self = owner;

  if (g_atomic_int_compare_and_exchange (&self->congestion_posted, FALSE, TRUE))
    _msgpack_rpc_connection_post (self, deliver_congestion, NULL, NULL);
}

/**
 * msgpack_rpc_connection_get_paused: (get-property paused)
 * @self: a connection
 *
 * Gets whether [method@Connection.set_paused] keeps the connection from reading.
 *
 * Returns: whether nothing is read
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_get_paused (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);

  return _msgpack_rpc_link_is_paused (self->link, MSGPACK_RPC_PAUSE_ON_REQUEST);
}

/**
 * msgpack_rpc_connection_set_paused: (set-property paused)
 * @self: a connection
 * @paused: `TRUE` to read nothing, `FALSE` to go on
 *
 * Pauses reading, or goes on.
 *
 * Replies are not read, either: see [property@Connection:paused].
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_paused (MsgpackRpcConnection *self,
                                   gboolean              paused)
{
  GParamSpec *pspec;

  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));

  if (!_msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_ON_REQUEST, !!paused))
    return;

  pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (self), "paused");
  _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self), pspec);
}

/**
 * msgpack_rpc_connection_get_queued_bytes: (get-property queued-bytes)
 * @self: a connection
 *
 * Gets how much waits to be written.
 *
 * Returns: bytes
 * Since: 1.0
 */
gsize
msgpack_rpc_connection_get_queued_bytes (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), 0);

  return _msgpack_rpc_link_get_queued_bytes (self->link);
}

static const char * const statistic_names[MSGPACK_RPC_N_STATISTICS] = {
  [MSGPACK_RPC_STATISTIC_RECEIVED_BYTES] = "received-bytes",
  [MSGPACK_RPC_STATISTIC_RECEIVED_MESSAGES] = "received-messages",
  [MSGPACK_RPC_STATISTIC_INVALID_MESSAGES] = "invalid-messages",
  [MSGPACK_RPC_STATISTIC_SENT_BYTES] = "sent-bytes",
  [MSGPACK_RPC_STATISTIC_SENT_MESSAGES] = "sent-messages",
  [MSGPACK_RPC_STATISTIC_QUEUED_BYTES_PEAK] = "queued-bytes-peak",
  [MSGPACK_RPC_STATISTIC_CALLS] = "calls",
  [MSGPACK_RPC_STATISTIC_ERROR_REPLIES] = "error-replies",
  [MSGPACK_RPC_STATISTIC_LATE_REPLIES] = "late-replies",
  [MSGPACK_RPC_STATISTIC_UNKNOWN_REPLIES] = "unknown-replies",
  [MSGPACK_RPC_STATISTIC_REQUESTS] = "requests",
  [MSGPACK_RPC_STATISTIC_ERROR_ANSWERS] = "error-answers",
  [MSGPACK_RPC_STATISTIC_BUSY_ANSWERS] = "busy-answers",
  [MSGPACK_RPC_STATISTIC_LATE_ANSWERS] = "late-answers",
  [MSGPACK_RPC_STATISTIC_IGNORED_EXTENSIONS] = "ignored-extensions",
  [MSGPACK_RPC_STATISTIC_TOLERATED_MESSAGES] = "tolerated-messages",
  [MSGPACK_RPC_STATISTIC_DUPLICATE_REQUESTS] = "duplicate-requests",
  [MSGPACK_RPC_STATISTIC_PEER_ERRORS] = "peer-errors",
  [MSGPACK_RPC_STATISTIC_UNHANDLED_NOTIFICATIONS] = "unhandled-notifications",
};

static void
add_number (GVariantBuilder *builder,
            const char      *name,
            guint64          number)
{
  g_variant_builder_add (builder, "{sv}", name, g_variant_new_uint64 (number));
}

/**
 * msgpack_rpc_connection_get_statistics: (get-property statistics)
 * @self: a connection
 *
 * Gets what was counted since the connection was made, of type `a{sv}`, each of type `t`:
 *
 * - `received-bytes`, `received-messages`: what has come
 * - `invalid-messages`: among them, those that are no MessagePack-RPC
 * - `sent-bytes`, `sent-messages`: what was handed to the stream; a message counts when it is whole
 * - `queued-bytes`: what waits to be written now
 * - `queued-bytes-peak`: the most that has waited at a time
 * - `calls`: calls of this end, also those that were never sent
 * - `calls-in-flight`: those that wait for their reply now
 * - `error-replies`: replies to them that were an error
 * - `late-replies`: replies to calls that had ended
 * - `unknown-replies`: replies to what nobody asked
 * - `requests`: requests of the peer that were taken
 * - `requests-in-flight`: those that wait for their answer now
 * - `error-answers`: answers to the peer that were an error, for whatever reason
 * - `busy-answers`: among them, to requests that were refused because too many were in flight
 * - `late-answers`: answers to what was answered already, which were not sent
 * - `ignored-extensions`: messages of [flags@Extensions] that were wrong, or about what was over
 * - `tolerated-messages`: those that are not as the specification says, but were understood
 * - `duplicate-requests`: requests with the id of another one that was not answered yet; each of them
 *   is answered
 * - `peer-errors`: errors of the peer that belong to no call; see [signal@Connection::peer-error]
 * - `unhandled-notifications`: those that neither a method nor a signal handler took
 *
 * On machines of 32 bits they start over after 4,294,967,295.
 *
 * Returns: (transfer full): the numbers
 * Since: 1.0
 */
GVariant *
msgpack_rpc_connection_get_statistics (MsgpackRpcConnection *self)
{
  MsgpackRpcStatistics *statistics;
  GVariantBuilder builder;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  statistics = _msgpack_rpc_link_get_statistics (self->link);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  for (MsgpackRpcStatistic i = 0; i < MSGPACK_RPC_N_STATISTICS; i++)
    add_number (&builder, statistic_names[i], _msgpack_rpc_statistics_get (statistics, i));
  add_number (&builder, "calls-in-flight", (guint) g_atomic_int_get (&self->calls_in_flight));
  add_number (&builder, "queued-bytes", msgpack_rpc_connection_get_queued_bytes (self));
  add_number (&builder, "requests-in-flight", (guint) g_atomic_int_get (&self->requests_in_flight));
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* A mark in the queue ends the call when its turn has come. */
void
_msgpack_rpc_connection_send_flush (MsgpackRpcConnection *self,
                                    MsgpackRpcCall       *call)
{
  g_autoptr(MsgpackRpcPacked) mark = _msgpack_rpc_packed_new (g_bytes_new (NULL, 0), NULL);
  g_autoptr(GError) error = NULL;

  if (!_msgpack_rpc_link_send (self->link, mark, call, TRUE, &error))
    _msgpack_rpc_call_fail (call, error);
}

static MsgpackRpcCall *
start_flush (MsgpackRpcConnection *self,
             gpointer              source,
             GCancellable         *cancellable,
             GAsyncReadyCallback   callback,
             gpointer              user_data)
{
  MsgpackRpcCall *call;

  call = _msgpack_rpc_call_start_operation (MSGPACK_RPC_CALL_KIND_FLUSH, source, self->reactor,
                                            cancellable, callback, user_data);
  if (_msgpack_rpc_connection_register_call (self, call, 0))
    _msgpack_rpc_connection_flush_in_order (self, call);
  return call;
}

void
_msgpack_rpc_connection_await_flush (MsgpackRpcConnection *self,
                                     gpointer              source,
                                     GAsyncReadyCallback   callback,
                                     gpointer              user_data)
{
  g_object_unref (start_flush (self, source, NULL, callback, user_data));
}

/**
 * msgpack_rpc_connection_flush_async:
 * @self: a connection
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when all that is queued now is written
 * @user_data: data for @callback
 *
 * Waits until all that is queued now was handed to the stream.
 *
 * Where answers have an order, by [property@Connection:reply-order], one that waits for another to be
 * given is not queued; one that only waits a moment behind the one before is.
 *
 * Call [method@Connection.flush_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_flush_async (MsgpackRpcConnection *self,
                                    GCancellable         *cancellable,
                                    GAsyncReadyCallback   callback,
                                    gpointer              user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_flush (self, self, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_connection_flush_finish:
 * @self: a connection
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Connection.flush_async].
 *
 * Returns: `TRUE` when it is written; `FALSE` with @error set to `G_IO_ERROR_CLOSED` or
 *   `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_flush_finish (MsgpackRpcConnection  *self,
                                     GAsyncResult          *result,
                                     GError               **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_FLUSH, error);
}

/**
 * msgpack_rpc_connection_flush_sync:
 * @self: a connection
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Blocks until all that is queued now was handed to the stream.
 *
 * Returns: `TRUE` when it is written; `FALSE` with @error set to `G_IO_ERROR_CLOSED` or
 *   `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_flush_sync (MsgpackRpcConnection  *self,
                                   GCancellable          *cancellable,
                                   GError               **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  call = start_flush (self, self, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}
