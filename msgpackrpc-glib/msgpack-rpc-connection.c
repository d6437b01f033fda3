/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-residents-private.h"
#include "msgpack-rpc-timers-private.h"
#include "msgpack-rpc-transport-private.h"
#include "msgpack-rpc-value.h"

enum
{
  PROP_0,
  PROP_CALLS,
  PROP_CREDENTIALS,
  PROP_DEFAULT_TIMEOUT,
  PROP_DISPATCHER,
  PROP_EXTENSIONS,
  PROP_FRAMING,
  PROP_HIGH_WATER_MARK,
  PROP_ID,
  PROP_IO_STREAM,
  PROP_IS_CONGESTED,
  PROP_LIMITS,
  PROP_LOCAL_ADDRESS,
  PROP_MAIN_CONTEXT,
  PROP_PACK_FLAGS,
  PROP_PAUSED,
  PROP_PEER_CERTIFICATE,
  PROP_PEER_EXTENSIONS,
  PROP_PROFILE,
  PROP_QUEUED_BYTES,
  PROP_REMOTE_ADDRESS,
  PROP_REPLY_ORDER,
  PROP_SESSION,
  PROP_STATISTICS,
  PROP_STATUS,
  PROP_STRING_POLICY,
  N_PROPS
};

/**
 * MsgpackRpcConnection:
 *
 * A stream on which two peers call each other by MessagePack-RPC.
 *
 * Both ends may call, whoever connected: calls go out through [iface@Peer], requests come in through
 * the [property@Connection:dispatcher] and the [signal@Connection::request] signal. A
 * [class@Server] makes one for each peer that connects, and a [class@Client] makes its own; for a
 * stream that came about otherwise, [ctor@Connection.new] makes one.
 *
 * An incoming request goes first to [signal@Connection::message], then to
 * [signal@Connection::request], then to the dispatcher, until one of them takes it; else it is
 * answered with [error@Error.METHOD_NOT_FOUND].
 *
 * ## Lifetime
 *
 * A connection is connected from the start. It ends when the peer closes the stream, when the
 * stream breaks, when the peer sends what is no MessagePack-RPC, and when it is closed by
 * [method@Connection.close_async]; then [signal@Connection::closed] is emitted once, after all that
 * the peer sent before. Dropping the last reference closes it at once, silently. Calls in flight
 * hold a reference.
 *
 * When the peer has sent its last byte but still reads, as `nc` does, requests that it made are still
 * answered; the status is closing meanwhile.
 *
 * ## Limits
 *
 * What the peer may cost is said by [property@Connection:limits]: the size of its messages, how many
 * requests of its may wait for their answer, what may wait to be handled here or to be read there,
 * and for how long.
 *
 * Whoever sends more than a peer reads sees that in [property@Connection:is-congested]; whoever gets
 * more than there is to be done with it says so with [property@Connection:paused].
 *
 * ## Threads
 *
 * All functions may be called from any thread. Handlers run, and signals and property notifications
 * are emitted, in [property@Connection:main-context] only, in the order in which the peer's messages
 * came; never inside of a function that starts, sends, cancels or closes something.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcConnection, msgpack_rpc_connection, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_PEER,
                                                      _msgpack_rpc_connection_init_peer))

static GParamSpec *props[N_PROPS];

static void
msgpack_rpc_connection_get_property (GObject    *object,
                                     guint       prop_id,
                                     GValue     *value,
                                     GParamSpec *pspec)
{
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (object);

  switch (prop_id)
    {
    case PROP_CALLS:
      g_value_set_object (value, msgpack_rpc_connection_get_calls (self));
      break;
    case PROP_CREDENTIALS:
      g_value_take_object (value, msgpack_rpc_connection_get_credentials (self));
      break;
    case PROP_DEFAULT_TIMEOUT:
    case PROP_EXTENSIONS:
    case PROP_FRAMING:
    case PROP_PACK_FLAGS:
    case PROP_PROFILE:
    case PROP_REPLY_ORDER:
    case PROP_STRING_POLICY:
      _msgpack_rpc_settings_get_value (self->settings, pspec, value);
      break;
    case PROP_DISPATCHER:
      g_value_take_object (value, _msgpack_rpc_connection_ref_dispatcher (self));
      break;
    case PROP_HIGH_WATER_MARK:
      g_value_set_uint64 (value, msgpack_rpc_connection_get_high_water_mark (self));
      break;
    case PROP_ID:
      g_value_set_uint64 (value, self->id);
      break;
    case PROP_IO_STREAM:
      g_value_set_object (value, msgpack_rpc_connection_get_io_stream (self));
      break;
    case PROP_IS_CONGESTED:
      g_value_set_boolean (value, msgpack_rpc_connection_is_congested (self));
      break;
    case PROP_LIMITS:
      g_value_set_object (value, self->limits);
      break;
    case PROP_LOCAL_ADDRESS:
      g_value_take_object (value, msgpack_rpc_connection_get_local_address (self));
      break;
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->main_context);
      break;
    case PROP_PAUSED:
      g_value_set_boolean (value, msgpack_rpc_connection_get_paused (self));
      break;
    case PROP_PEER_CERTIFICATE:
      g_value_take_object (value, msgpack_rpc_connection_get_peer_certificate (self));
      break;
    case PROP_PEER_EXTENSIONS:
      g_value_set_flags (value, msgpack_rpc_connection_get_peer_extensions (self));
      break;
    case PROP_QUEUED_BYTES:
      g_value_set_uint64 (value, msgpack_rpc_connection_get_queued_bytes (self));
      break;
    case PROP_REMOTE_ADDRESS:
      g_value_take_object (value, msgpack_rpc_connection_get_remote_address (self));
      break;
    case PROP_SESSION:
      g_value_take_object (value, msgpack_rpc_connection_get_session (self));
      break;
    case PROP_STATISTICS:
      g_value_take_variant (value, msgpack_rpc_connection_get_statistics (self));
      break;
    case PROP_STATUS:
      g_value_set_enum (value, (int) msgpack_rpc_connection_get_status (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_connection_set_property (GObject      *object,
                                     guint         prop_id,
                                     const GValue *value,
                                     GParamSpec   *pspec)
{
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (object);

  switch (prop_id)
    {
    case PROP_DEFAULT_TIMEOUT:
    case PROP_EXTENSIONS:
    case PROP_FRAMING:
    case PROP_PACK_FLAGS:
    case PROP_PROFILE:
    case PROP_REPLY_ORDER:
    case PROP_STRING_POLICY:
      _msgpack_rpc_connection_set_setting (self, _msgpack_rpc_setting_from_pspec (pspec),
                                           _msgpack_rpc_setting_from_value (value));
      break;
    case PROP_DISPATCHER:
      msgpack_rpc_connection_set_dispatcher (self, g_value_get_object (value));
      break;
    case PROP_HIGH_WATER_MARK:
      msgpack_rpc_connection_set_high_water_mark (self, g_value_get_uint64 (value));
      break;
    case PROP_IO_STREAM:
      self->io_stream = g_value_dup_object (value);
      break;
    case PROP_LIMITS:
      self->limits = g_value_dup_object (value);
      break;
    case PROP_MAIN_CONTEXT:
      self->main_context = g_value_dup_boxed (value);
      break;
    case PROP_PAUSED:
      msgpack_rpc_connection_set_paused (self, g_value_get_boolean (value));
      break;
    case PROP_SESSION:
      msgpack_rpc_connection_set_session (self, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_connection_constructed (GObject *object)
{
  static gsize last_id = 0;
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (object);

  G_OBJECT_CLASS (msgpack_rpc_connection_parent_class)->constructed (object);

  self->id = (guint64) g_atomic_pointer_add (&last_id, 1) + 1;
  if (self->main_context == NULL)
    self->main_context = g_main_context_ref_thread_default ();
  if (self->limits == NULL)
    self->limits = msgpack_rpc_limits_new ();
  self->reactor = _msgpack_rpc_reactor_get (self->main_context);
  self->link = _msgpack_rpc_link_new (object, self->id, &_msgpack_rpc_connection_link_funcs,
                                      self->reactor, self->settings, self->limits);
  if (self->io_stream != NULL)
    _msgpack_rpc_link_attach (self->link, self->io_stream);
  _msgpack_rpc_residents_add (self->main_context, object);
}

static void
msgpack_rpc_connection_dispose (GObject *object)
{
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (object);

  _msgpack_rpc_residents_remove (self->main_context, object);
  _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, NULL);
  _msgpack_rpc_link_disown (self->link);
  _msgpack_rpc_connection_end_subscriptions (self);
  _msgpack_rpc_timers_end (object);
  _msgpack_rpc_reactor_forget (self->reactor, self);

  G_OBJECT_CLASS (msgpack_rpc_connection_parent_class)->dispose (object);
}

static void
msgpack_rpc_connection_finalize (GObject *object)
{
  MsgpackRpcConnection *self = MSGPACK_RPC_CONNECTION (object);

  g_clear_pointer (&self->gate, _msgpack_rpc_gate_free);
  g_clear_pointer (&self->order, _msgpack_rpc_order_free);
  g_clear_pointer (&self->turns, _msgpack_rpc_turns_free);
  _msgpack_rpc_hold_clear (&self->hold);
  _msgpack_rpc_call_table_clear (&self->calls);
  g_weak_ref_clear (&self->client);
  if (self->closed_destroy != NULL)
    self->closed_destroy (self->closed_data);
  g_clear_pointer (&self->interests, _msgpack_rpc_interests_free);
  g_clear_object (&self->dispatcher);
  g_clear_pointer (&self->drain, _msgpack_rpc_drain_unref);
  g_clear_object (&self->io_stream);
  g_object_unref (self->link);
  _msgpack_rpc_settings_unref (self->settings);
  g_object_unref (self->limits);
  _msgpack_rpc_reactor_unref (self->reactor);
  g_main_context_unref (self->main_context);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_connection_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;

  /**
   * MsgpackRpcConnection:calls: (getter get_calls)
   *
   * The calls of this end that are in flight, as a list of [class@Call].
   *
   * Since: 1.0
   */
  props[PROP_CALLS] =
    g_param_spec_object ("calls", NULL, NULL, G_TYPE_LIST_MODEL, readable);

  /**
   * MsgpackRpcConnection:credentials: (getter get_credentials)
   *
   * Who the peer is, if the stream is a UNIX socket, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_CREDENTIALS] =
    g_param_spec_object ("credentials", NULL, NULL, G_TYPE_CREDENTIALS, readable);

  /**
   * MsgpackRpcConnection:default-timeout: (getter get_default_timeout) (setter set_default_timeout)
   *
   * The milliseconds that a call may take whose own [property@Call:timeout] is −1; `G_MAXINT` for
   * no limit.
   *
   * Since: 1.0
   */
  props[PROP_DEFAULT_TIMEOUT] =
    _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT);

  /**
   * MsgpackRpcConnection:dispatcher: (getter get_dispatcher) (setter set_dispatcher)
   *
   * The methods that the peer may call, or `NULL`.
   *
   * It may be changed at any time; a call that is running finishes on the one that took it.
   *
   * Since: 1.0
   */
  props[PROP_DISPATCHER] =
    g_param_spec_object ("dispatcher", NULL, NULL, MSGPACK_RPC_TYPE_DISPATCHER, settable);

  /**
   * MsgpackRpcConnection:extensions: (getter get_extensions) (setter set_extensions)
   *
   * Whether the peer is told, without being asked, what this end understands beside plain
   * MessagePack-RPC ([flags@Extensions]): as soon as this is set, or the connection is open.
   *
   * Nobody is told so by default, as not every peer takes a notification that it does not know. One that
   * tells it is always told the same, once, so that one end has to set this.
   *
   * Since: 1.0
   */
  props[PROP_EXTENSIONS] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_EXTENSIONS);

  /**
   * MsgpackRpcConnection:framing: (getter get_framing) (setter set_framing)
   *
   * What stands between the messages, both of those that are sent and of those that come. To be set
   * before the first of them.
   *
   * Since: 1.0
   */
  props[PROP_FRAMING] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_FRAMING);

  /**
   * MsgpackRpcConnection:high-water-mark: (getter get_high_water_mark) (setter set_high_water_mark)
   *
   * [property@Limits:high-water-mark] of the [property@Connection:limits]; what is set there notifies
   * there alone.
   *
   * Since: 1.0
   */
  props[PROP_HIGH_WATER_MARK] =
    g_param_spec_uint64 ("high-water-mark", NULL, NULL, 0, G_MAXUINT32, 1024 * 1024, settable);

  /**
   * MsgpackRpcConnection:id: (getter get_id)
   *
   * A number that no other connection of the process has or will have; from 1.
   *
   * Since: 1.0
   */
  props[PROP_ID] =
    g_param_spec_uint64 ("id", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * MsgpackRpcConnection:io-stream: (getter get_io_stream)
   *
   * The stream; `NULL` for a client's connection that is still being opened.
   *
   * Since: 1.0
   */
  props[PROP_IO_STREAM] =
    g_param_spec_object ("io-stream", NULL, NULL, G_TYPE_IO_STREAM, construct);

  /**
   * MsgpackRpcConnection:is-congested: (getter is_congested)
   *
   * Whether so much waits to be written that whoever sends should wait, too.
   *
   * It becomes `TRUE` when there are more [property@Connection:queued-bytes] than the
   * [property@Connection:high-water-mark], and `FALSE` when half as many are left. Changes that the
   * main context was too late for are not notified of.
   *
   * Since: 1.0
   */
  props[PROP_IS_CONGESTED] =
    g_param_spec_boolean ("is-congested", NULL, NULL, FALSE, readable);

  /**
   * MsgpackRpcConnection:limits: (getter get_limits)
   *
   * What the peer may cost; given as `NULL`, the defaults. Its numbers may be changed at any time.
   *
   * Since: 1.0
   */
  props[PROP_LIMITS] =
    g_param_spec_object ("limits", NULL, NULL, MSGPACK_RPC_TYPE_LIMITS, construct);

  /**
   * MsgpackRpcConnection:local-address: (getter get_local_address)
   *
   * The address of this end, if the stream is a socket, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_LOCAL_ADDRESS] =
    g_param_spec_object ("local-address", NULL, NULL, G_TYPE_SOCKET_ADDRESS, readable);

  /**
   * MsgpackRpcConnection:main-context: (getter get_main_context)
   *
   * The context in which handlers run and signals are emitted; given as `NULL`, the thread-default
   * context of the thread that creates the connection.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, construct);

  /**
   * MsgpackRpcConnection:pack-flags: (getter get_pack_flags) (setter set_pack_flags)
   *
   * How messages are written, for peers that read no other form. What has no such form makes a call
   * fail with [error@Error.INVALID_VALUE], and an answer become an error that says so.
   *
   * Since: 1.0
   */
  props[PROP_PACK_FLAGS] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_PACK_FLAGS);

  /**
   * MsgpackRpcConnection:paused: (getter get_paused) (setter set_paused)
   *
   * Whether nothing is read, so that the peer has to wait.
   *
   * What has been read but not delivered is still delivered. Replies wait as all else does, and the
   * deadlines of calls go on. That the peer has gone is told when reading goes on, after what it has
   * sent before.
   *
   * Since: 1.0
   */
  props[PROP_PAUSED] =
    g_param_spec_boolean ("paused", NULL, NULL, FALSE, settable);

  /**
   * MsgpackRpcConnection:peer-certificate: (getter get_peer_certificate)
   *
   * The certificate that the peer has shown, if the stream is TLS, or `NULL`. It was found good before
   * a [class@Client] is connected, and before a [class@Server] has the connection. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_PEER_CERTIFICATE] =
    g_param_spec_object ("peer-certificate", NULL, NULL, G_TYPE_TLS_CERTIFICATE, readable);

  /**
   * MsgpackRpcConnection:peer-extensions: (getter get_peer_extensions)
   *
   * What the peer has said that it understands.
   *
   * Since: 1.0
   */
  props[PROP_PEER_EXTENSIONS] =
    g_param_spec_flags ("peer-extensions", NULL, NULL, MSGPACK_RPC_TYPE_EXTENSIONS,
                        MSGPACK_RPC_EXTENSIONS_NONE, readable);

  /**
   * MsgpackRpcConnection:profile: (getter get_profile) (setter set_profile)
   *
   * The dialect that the peer speaks.
   *
   * Since: 1.0
   */
  props[PROP_PROFILE] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_PROFILE);

  /**
   * MsgpackRpcConnection:queued-bytes: (getter get_queued_bytes)
   *
   * The bytes that wait to be written. Does not notify, but [property@Connection:is-congested] does.
   *
   * Since: 1.0
   */
  props[PROP_QUEUED_BYTES] =
    g_param_spec_uint64 ("queued-bytes", NULL, NULL, 0, G_MAXUINT64, 0, readable);

  /**
   * MsgpackRpcConnection:remote-address: (getter get_remote_address)
   *
   * The address of the peer, if the stream is a socket, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_REMOTE_ADDRESS] =
    g_param_spec_object ("remote-address", NULL, NULL, G_TYPE_SOCKET_ADDRESS, readable);

  /**
   * MsgpackRpcConnection:reply-order: (getter get_reply_order) (setter set_reply_order)
   *
   * In which order the requests of the peer are answered.
   *
   * Since: 1.0
   */
  props[PROP_REPLY_ORDER] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_REPLY_ORDER);

  /**
   * MsgpackRpcConnection:session: (getter get_session) (setter set_session)
   *
   * What the application knows of the peer, such as who has logged in: an object of its own, or
   * `NULL`. Handlers find it by [method@Invocation.get_session].
   *
   * It is let go together with the connection.
   *
   * Since: 1.0
   */
  props[PROP_SESSION] = g_param_spec_object ("session", NULL, NULL, G_TYPE_OBJECT, settable);

  /**
   * MsgpackRpcConnection:statistics: (getter get_statistics)
   *
   * Counters, as [method@Connection.get_statistics] lists them. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_STATISTICS] =
    g_param_spec_variant ("statistics", NULL, NULL, G_VARIANT_TYPE_VARDICT, NULL, readable);

  /**
   * MsgpackRpcConnection:status: (getter get_status)
   *
   * Whether messages can be sent.
   *
   * Since: 1.0
   */
  props[PROP_STATUS] =
    g_param_spec_enum ("status", NULL, NULL, MSGPACK_RPC_TYPE_CONNECTION_STATUS,
                       MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED, readable);

  /**
   * MsgpackRpcConnection:string-policy: (getter get_string_policy) (setter set_string_policy)
   *
   * What becomes of a str from the peer that is not valid UTF-8, or has a NUL in it. One that the
   * policy does not allow ends the connection.
   *
   * Since: 1.0
   */
  props[PROP_STRING_POLICY] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_STRING_POLICY);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_connection_class_init (MsgpackRpcConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = msgpack_rpc_connection_constructed;
  object_class->get_property = msgpack_rpc_connection_get_property;
  object_class->set_property = msgpack_rpc_connection_set_property;
  object_class->dispose = msgpack_rpc_connection_dispose;
  object_class->finalize = msgpack_rpc_connection_finalize;

  install_properties (object_class);
  _msgpack_rpc_connection_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
msgpack_rpc_connection_init (MsgpackRpcConnection *self)
{
  _msgpack_rpc_hold_init (&self->hold);
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->client, NULL);
  _msgpack_rpc_call_table_init (&self->calls);
  g_queue_init (&self->invocations);
  self->settings = _msgpack_rpc_settings_new ();
}

/**
 * msgpack_rpc_connection_new:
 * @io_stream: a stream that nobody else reads or writes
 *
 * Creates a connection on a stream.
 *
 * It belongs to the thread-default context of the calling thread. Call this in a thread that owns
 * that context, so that signals can be connected to before anything is delivered.
 *
 * Returns: (transfer full): a new connection
 * Since: 1.0
 */
MsgpackRpcConnection *
msgpack_rpc_connection_new (GIOStream *io_stream)
{
  g_return_val_if_fail (G_IS_IO_STREAM (io_stream), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CONNECTION, "io-stream", io_stream, NULL);
}

/**
 * msgpack_rpc_connection_new_pair:
 * @first: (out) (transfer full): one end
 * @second: (out) (transfer full): the other end
 * @error: return location for an error
 *
 * Creates two connections that are each other's peer, for tests and for talking between threads.
 *
 * What passes between them stays in memory: it takes no network, no address and no file. They are
 * joined by a pair of UNIX sockets, so that all is as with a peer in another process, waiting and
 * limits included. To have things go wrong between them, see [class@FaultStream].
 *
 * Both belong to the thread-default context of the calling thread.
 *
 * Returns: `TRUE`, or `FALSE` with @error set if no pair of sockets can be had
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_new_pair (MsgpackRpcConnection **first,
                                 MsgpackRpcConnection **second,
                                 GError               **error)
{
  GIOStream *streams[2];

  g_return_val_if_fail (first != NULL && second != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  *first = *second = NULL;
  if (!_msgpack_rpc_transport_new_pair (streams, error))
    return FALSE;

  *first = msgpack_rpc_connection_new (streams[0]);
  *second = msgpack_rpc_connection_new (streams[1]);
  g_object_unref (streams[0]);
  g_object_unref (streams[1]);
  return TRUE;
}

/**
 * msgpack_rpc_connection_get_id: (get-property id)
 * @self: a connection
 *
 * Gets a number that no other connection of the process has or will have.
 *
 * Returns: the number, from 1
 * Since: 1.0
 */
guint64
msgpack_rpc_connection_get_id (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), 0);

  return self->id;
}

/**
 * msgpack_rpc_connection_get_io_stream: (get-property io-stream)
 * @self: a connection
 *
 * Gets the stream.
 *
 * Returns: (transfer none) (nullable): the stream, or `NULL` while it is being opened
 * Since: 1.0
 */
GIOStream *
msgpack_rpc_connection_get_io_stream (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->io_stream;
}

/**
 * msgpack_rpc_connection_get_main_context: (get-property main-context)
 * @self: a connection
 *
 * Gets the context in which handlers run and signals are emitted.
 *
 * Returns: (transfer none): the context
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_connection_get_main_context (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  return self->main_context;
}

/**
 * msgpack_rpc_connection_get_status: (get-property status)
 * @self: a connection
 *
 * Gets whether messages can be sent.
 *
 * Returns: the status
 * Since: 1.0
 */
MsgpackRpcConnectionStatus
msgpack_rpc_connection_get_status (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self),
                        MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);

  return _msgpack_rpc_link_get_status (self->link);
}

/**
 * msgpack_rpc_connection_is_connected:
 * @self: a connection
 *
 * Gets whether the status is connected.
 *
 * Returns: whether messages go both ways
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_is_connected (MsgpackRpcConnection *self)
{
  return msgpack_rpc_connection_get_status (self) == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
}

/**
 * msgpack_rpc_connection_get_dispatcher: (get-property dispatcher)
 * @self: a connection
 *
 * Gets the methods that the peer may call.
 *
 * Returns: (transfer none) (nullable): the dispatcher, or `NULL`
 * Since: 1.0
 */
MsgpackRpcDispatcher *
msgpack_rpc_connection_get_dispatcher (MsgpackRpcConnection *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->dispatcher;
}

/**
 * msgpack_rpc_connection_set_dispatcher: (set-property dispatcher)
 * @self: a connection
 * @dispatcher: (nullable): a dispatcher, or `NULL`
 *
 * Sets the methods that the peer may call.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_set_dispatcher (MsgpackRpcConnection *self,
                                       MsgpackRpcDispatcher *dispatcher)
{
  g_autoptr(MsgpackRpcDispatcher) old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));
  g_return_if_fail (dispatcher == NULL || MSGPACK_RPC_IS_DISPATCHER (dispatcher));

  g_mutex_lock (&self->lock);
  old = self->dispatcher;
  self->dispatcher = dispatcher != NULL ? g_object_ref (dispatcher) : NULL;
  g_mutex_unlock (&self->lock);

  if (old != dispatcher)
    _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self), props[PROP_DISPATCHER]);
}

static gboolean
is_array (GBytes *bytes)
{
  const guint8 *data = g_bytes_get_data (bytes, NULL);

  return (data[0] & 0xf0) == 0x90 || data[0] == 0xdc || data[0] == 0xdd;
}

/**
 * msgpack_rpc_connection_send_message:
 * @self: a connection
 * @message: a whole message: anything that is an array in MessagePack
 * @error: return location for an error
 *
 * Queues a message as it is, without looking at what it means.
 *
 * If @message is floating, it is consumed. Never blocks.
 *
 * Returns: `TRUE` if it was queued; `FALSE` with @error set: [error@Error.INVALID_VALUE],
 *   [error@Error.INVALID_MESSAGE] if it is no array, [error@Error.QUEUE_FULL] or
 *   `G_IO_ERROR_CLOSED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_send_message (MsgpackRpcConnection  *self,
                                     GVariant              *message,
                                     GError               **error)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(GVariant) sunk = NULL;
  GBytes *bytes;

  g_return_val_if_fail (message != NULL, FALSE);
  sunk = g_variant_ref_sink (message);
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  bytes = msgpack_rpc_pack_full (message, _msgpack_rpc_link_get_pack_flags (self->link), error);
  if (bytes == NULL)
    return FALSE;

  packed = _msgpack_rpc_packed_new (bytes, NULL);
  if (!is_array (bytes))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "A message is an array, not a value of type “%s”",
                   g_variant_get_type_string (message));
      return FALSE;
    }

  return _msgpack_rpc_link_send (self->link, packed, NULL, TRUE, error);
}

static MsgpackRpcCall *
start_close (MsgpackRpcConnection *self,
             MsgpackRpcCloseMode   mode,
             GCancellable         *cancellable,
             GAsyncReadyCallback   callback,
             gpointer              user_data)
{
  MsgpackRpcCall *call;

  call = _msgpack_rpc_call_start_operation (MSGPACK_RPC_CALL_KIND_CLOSE, self, self->reactor,
                                            cancellable, callback, user_data);
  _msgpack_rpc_connection_close (self, mode, call);
  return call;
}

/**
 * msgpack_rpc_connection_close_async:
 * @self: a connection
 * @mode: what to do with messages that are still queued
 * @cancellable: (nullable): ends the waiting; the connection closes all the same
 * @callback: (scope async): called when the connection has ended
 * @user_data: data for @callback
 *
 * Closes the connection.
 *
 * Whatever the mode, it has ended after [property@Limits:close-timeout]. Calls in flight end with `G_IO_ERROR_CLOSED`
 * once the queue is dealt with. Closing again is allowed, and may hurry it along. Call
 * [method@Connection.close_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connection_close_async (MsgpackRpcConnection *self,
                                    MsgpackRpcCloseMode   mode,
                                    GCancellable         *cancellable,
                                    GAsyncReadyCallback   callback,
                                    gpointer              user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CONNECTION (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_close (self, mode, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_connection_close_finish:
 * @self: a connection
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Connection.close_async].
 *
 * Returns: `TRUE` when the connection has ended; `FALSE` with @error set to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_close_finish (MsgpackRpcConnection  *self,
                                     GAsyncResult          *result,
                                     GError               **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_CLOSE, error);
}

/**
 * msgpack_rpc_connection_close_sync:
 * @self: a connection
 * @mode: what to do with messages that are still queued
 * @cancellable: (nullable): ends the waiting; the connection closes all the same
 * @error: return location for an error
 *
 * Closes the connection and blocks until it has ended.
 *
 * Otherwise as [method@Connection.close_async]. [signal@Connection::closed] comes later, in the
 * connection's context.
 *
 * Returns: `TRUE` when the connection has ended; `FALSE` with @error set to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_connection_close_sync (MsgpackRpcConnection  *self,
                                   MsgpackRpcCloseMode    mode,
                                   GCancellable          *cancellable,
                                   GError               **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  call = start_close (self, mode, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}
