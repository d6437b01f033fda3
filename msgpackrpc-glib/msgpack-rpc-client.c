/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-residents-private.h"
#include "msgpack-rpc-timers-private.h"

/**
 * MsgpackRpcClient:
 *
 * Connects to a peer, and calls it.
 *
 * Creating a client neither connects nor blocks nor fails; [method@Client.open_async] connects.
 * Calls may be made at once: they wait until the client is connected and then go out in order, or
 * fail with what connecting failed with; if nobody opens the client, they end by their deadline.
 *
 * ```c
 * g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new ("tcp://localhost:18800");
 *
 * msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
 * msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", g_variant_new ("(xx)", 1, 2), NULL,
 *                              added, NULL);
 * ```
 *
 * The peer may call too: give the client a [property@Client:dispatcher], or listen to
 * [signal@Client::request] and [signal@Client::notification].
 *
 * ## Addresses
 *
 * `tcp://host:port`, `tls://host:port`, `unix:///path`, `unix-abstract:name`,
 * `srv://service/domain`, `srv+tls://service/domain`, and `host:port` and `/path`. An address never
 * starts a program; [ctor@Client.new_for_argv] does.
 *
 * ## Lifetime
 *
 * A client that has been disconnected, by either side, can be opened again; until then calls fail
 * with [error@Error.NOT_CONNECTED]. Dropping the last reference closes it at once, silently. Calls
 * in flight hold a reference.
 *
 * ## Threads
 *
 * All functions may be called from any thread. Signals and property notifications come in
 * [property@Client:main-context] only, never inside of a function that opens, sends, cancels or
 * closes.
 *
 * Since: 1.0
 */
enum
{
  PROP_0,
  PROP_ADDRESS,
  PROP_ARGV,
  PROP_ATTEMPT,
  PROP_BUSY,
  PROP_CALLS,
  PROP_CONNECTABLE,
  PROP_CONNECTION,
  PROP_DEFAULT_TIMEOUT,
  PROP_DISPATCHER,
  PROP_EXTENSIONS,
  PROP_FORWARD_STDERR,
  PROP_FRAMING,
  PROP_IO_STREAM,
  PROP_LAST_ERROR,
  PROP_LIMITS,
  PROP_MAIN_CONTEXT,
  PROP_PACK_FLAGS,
  PROP_PING_INTERVAL,
  PROP_PING_METHOD,
  PROP_PROFILE,
  PROP_QUEUE_WHILE_CONNECTING,
  PROP_RECONNECT_POLICY,
  PROP_REPLY_ORDER,
  PROP_SOCKET_CLIENT,
  PROP_STALLED,
  PROP_STALL_TIMEOUT,
  PROP_STATUS,
  PROP_STRING_POLICY,
  PROP_SUBPROCESS,
  PROP_TCP_KEEPALIVE,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_DATABASE,
  PROP_TOKEN,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcClient, msgpack_rpc_client, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (MSGPACK_RPC_TYPE_PEER,
                                                      _msgpack_rpc_client_init_peer))

/* ---- the object ---- */

static void
msgpack_rpc_client_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, self->target.address);
      break;
    case PROP_ARGV:
      g_value_set_boxed (value, self->target.argv);
      break;
    case PROP_ATTEMPT:
      g_value_set_uint (value, msgpack_rpc_client_get_attempt (self));
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, msgpack_rpc_client_get_busy (self));
      break;
    case PROP_CALLS:
      g_value_set_object (value, msgpack_rpc_client_get_calls (self));
      break;
    case PROP_CONNECTABLE:
      g_value_set_object (value, self->target.connectable);
      break;
    case PROP_CONNECTION:
      g_value_take_object (value, msgpack_rpc_client_get_connection (self));
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
      g_value_set_object (value, msgpack_rpc_client_get_dispatcher (self));
      break;
    case PROP_FORWARD_STDERR:
      g_value_set_boolean (value, msgpack_rpc_client_get_forward_stderr (self));
      break;
    case PROP_IO_STREAM:
      g_value_set_object (value, self->target.io_stream);
      break;
    case PROP_LAST_ERROR:
      g_value_take_boxed (value, msgpack_rpc_client_get_last_error (self));
      break;
    case PROP_LIMITS:
      g_value_set_object (value, self->limits);
      break;
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->main_context);
      break;
    case PROP_PING_INTERVAL:
      g_value_set_int (value, msgpack_rpc_client_get_ping_interval (self));
      break;
    case PROP_PING_METHOD:
      g_value_take_string (value, msgpack_rpc_client_get_ping_method (self));
      break;
    case PROP_QUEUE_WHILE_CONNECTING:
      g_value_set_boolean (value, msgpack_rpc_client_get_queue_while_connecting (self));
      break;
    case PROP_RECONNECT_POLICY:
      g_value_take_object (value, msgpack_rpc_client_get_reconnect_policy (self));
      break;
    case PROP_SOCKET_CLIENT:
      g_value_set_object (value, self->target.socket_client);
      break;
    case PROP_STALLED:
      g_value_set_boolean (value, msgpack_rpc_client_get_stalled (self));
      break;
    case PROP_STALL_TIMEOUT:
      g_value_set_int (value, msgpack_rpc_client_get_stall_timeout (self));
      break;
    case PROP_STATUS:
      g_value_set_enum (value, (int) msgpack_rpc_client_get_status (self));
      break;
    case PROP_SUBPROCESS:
      g_value_take_object (value, msgpack_rpc_client_get_subprocess (self));
      break;
    case PROP_TCP_KEEPALIVE:
      g_value_set_boolean (value, msgpack_rpc_client_get_tcp_keepalive (self));
      break;
    case PROP_TLS_CERTIFICATE:
      g_value_take_object (value, msgpack_rpc_client_get_tls_certificate (self));
      break;
    case PROP_TLS_DATABASE:
      g_value_take_object (value, msgpack_rpc_client_get_tls_database (self));
      break;
    case PROP_TOKEN:
      g_value_take_object (value, msgpack_rpc_client_get_token (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_client_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      self->target.address = g_value_dup_string (value);
      break;
    case PROP_ARGV:
      self->target.argv = g_value_dup_boxed (value);
      break;
    case PROP_CONNECTABLE:
      self->target.connectable = g_value_dup_object (value);
      break;
    case PROP_DEFAULT_TIMEOUT:
    case PROP_EXTENSIONS:
    case PROP_FRAMING:
    case PROP_PACK_FLAGS:
    case PROP_PROFILE:
    case PROP_REPLY_ORDER:
    case PROP_STRING_POLICY:
      _msgpack_rpc_client_set_setting (self, _msgpack_rpc_setting_from_pspec (pspec),
                                   _msgpack_rpc_setting_from_value (value));
      break;
    case PROP_DISPATCHER:
      msgpack_rpc_client_set_dispatcher (self, g_value_get_object (value));
      break;
    case PROP_FORWARD_STDERR:
      msgpack_rpc_client_set_forward_stderr (self, g_value_get_boolean (value));
      break;
    case PROP_IO_STREAM:
      self->target.io_stream = g_value_dup_object (value);
      break;
    case PROP_LIMITS:
      self->limits = g_value_dup_object (value);
      break;
    case PROP_MAIN_CONTEXT:
      self->main_context = g_value_dup_boxed (value);
      break;
    case PROP_PING_INTERVAL:
      msgpack_rpc_client_set_ping_interval (self, g_value_get_int (value));
      break;
    case PROP_PING_METHOD:
      if (g_value_get_string (value) != NULL)
        msgpack_rpc_client_set_ping_method (self, g_value_get_string (value));
      break;
    case PROP_QUEUE_WHILE_CONNECTING:
      msgpack_rpc_client_set_queue_while_connecting (self, g_value_get_boolean (value));
      break;
    case PROP_RECONNECT_POLICY:
      msgpack_rpc_client_set_reconnect_policy (self, g_value_get_object (value));
      break;
    case PROP_STALL_TIMEOUT:
      msgpack_rpc_client_set_stall_timeout (self, g_value_get_int (value));
      break;
    case PROP_TCP_KEEPALIVE:
      msgpack_rpc_client_set_tcp_keepalive (self, g_value_get_boolean (value));
      break;
    case PROP_TLS_CERTIFICATE:
      msgpack_rpc_client_set_tls_certificate (self, g_value_get_object (value));
      break;
    case PROP_TLS_DATABASE:
      msgpack_rpc_client_set_tls_database (self, g_value_get_object (value));
      break;
    case PROP_TOKEN:
      msgpack_rpc_client_set_token (self, g_value_get_object (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_client_constructed (GObject *object)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (object);

  G_OBJECT_CLASS (msgpack_rpc_client_parent_class)->constructed (object);

  if (self->main_context == NULL)
    self->main_context = g_main_context_ref_thread_default ();
  self->target.home = self->main_context;
  if (self->limits == NULL)
    self->limits = msgpack_rpc_limits_new ();
  self->reactor = _msgpack_rpc_reactor_get (self->main_context);
  _msgpack_rpc_residents_add (self->main_context, object);
}

static void
msgpack_rpc_client_dispose (GObject *object)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (object);
  g_autoptr(MsgpackRpcConnection) connection = NULL;

  _msgpack_rpc_residents_remove (self->main_context, object);

  /* What ends an attempt to connect would tell the application of it. */
  _msgpack_rpc_target_silence (&self->target);
  g_mutex_lock (&self->lock);
  self->is_wanted = FALSE;
  connection = g_steal_pointer (&self->connection);
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_client_stop_keepalive (self);
  _msgpack_rpc_client_stop_reconnect (self);
  _msgpack_rpc_timers_end (object);

  /* Somebody else may hold the connection; it was this client's all the same. */
  if (connection != NULL)
    g_object_run_dispose (G_OBJECT (connection));
  _msgpack_rpc_reactor_forget (self->reactor, self);

  G_OBJECT_CLASS (msgpack_rpc_client_parent_class)->dispose (object);
}

static void
msgpack_rpc_client_finalize (GObject *object)
{
  MsgpackRpcClient *self = MSGPACK_RPC_CLIENT (object);

  _msgpack_rpc_target_clear (&self->target);
  _msgpack_rpc_settings_unref (self->settings);
  g_object_unref (self->limits);
  g_clear_object (&self->subprocess);
  g_clear_object (&self->call_list);
  g_clear_error (&self->last_error);
  g_clear_object (&self->dispatcher);
  g_clear_object (&self->policy);
  g_clear_object (&self->token);
  g_clear_pointer (&self->interests, _msgpack_rpc_interests_free);
  _msgpack_rpc_client_clear_keepalive (self);
  _msgpack_rpc_reactor_unref (self->reactor);
  g_main_context_unref (self->main_context);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_client_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;

  /**
   * MsgpackRpcClient:address: (getter get_address)
   *
   * The address to connect to, or `NULL` if the client was made for something else.
   *
   * Since: 1.0
   */
  props[PROP_ADDRESS] =
    g_param_spec_string ("address", NULL, NULL, NULL, construct);

  /**
   * MsgpackRpcClient:argv:
   *
   * The program to start, with its arguments, or `NULL`. Its standard input and output are spoken
   * to. There is no shell.
   *
   * Since: 1.0
   */
  props[PROP_ARGV] =
    g_param_spec_boxed ("argv", NULL, NULL, G_TYPE_STRV, construct);

  /**
   * MsgpackRpcClient:attempt: (getter get_attempt)
   *
   * Which attempt to connect is being made, or was made last, from 1; or 0 while the client is
   * connected, or nobody wants it to be.
   *
   * With [property@Client:status] that is what a label shows: after the last attempt that a
   * [property@Client:reconnect-policy] allows it stays, until the client is opened or closed. A number
   * that has changed again before the main context has heard of it is not notified of.
   *
   * Since: 1.0
   */
  props[PROP_ATTEMPT] =
    g_param_spec_uint ("attempt", NULL, NULL, 0, G_MAXUINT, 0, readable);

  /**
   * MsgpackRpcClient:busy: (getter get_busy)
   *
   * Whether any call of this client is in flight: what a spinner shows, by one binding.
   *
   * A change that is over before the main context has heard of it is not notified of.
   *
   * Since: 1.0
   */
  props[PROP_BUSY] =
    g_param_spec_boolean ("busy", NULL, NULL, FALSE, readable);

  /**
   * MsgpackRpcClient:calls: (getter get_calls)
   *
   * The calls of this client that are in flight, as a list of [class@Call], for all its connections.
   *
   * Since: 1.0
   */
  props[PROP_CALLS] =
    g_param_spec_object ("calls", NULL, NULL, G_TYPE_LIST_MODEL, readable);

  /**
   * MsgpackRpcClient:connectable:
   *
   * What to connect to, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTABLE] =
    g_param_spec_object ("connectable", NULL, NULL, G_TYPE_SOCKET_CONNECTABLE, construct);

  /**
   * MsgpackRpcClient:connection: (getter get_connection)
   *
   * The connection while there is a stream, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTION] =
    g_param_spec_object ("connection", NULL, NULL, MSGPACK_RPC_TYPE_CONNECTION, readable);

  /**
   * MsgpackRpcClient:default-timeout: (getter get_default_timeout) (setter set_default_timeout)
   *
   * The milliseconds that a call may take whose own [property@Call:timeout] is −1; `G_MAXINT` for
   * no limit.
   *
   * Since: 1.0
   */
  props[PROP_DEFAULT_TIMEOUT] =
    _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT);

  /**
   * MsgpackRpcClient:dispatcher: (getter get_dispatcher) (setter set_dispatcher)
   *
   * The methods that the peer may call, or `NULL`. It may be changed at any time.
   *
   * Since: 1.0
   */
  props[PROP_DISPATCHER] =
    g_param_spec_object ("dispatcher", NULL, NULL, MSGPACK_RPC_TYPE_DISPATCHER, settable);

  /**
   * MsgpackRpcClient:extensions: (getter get_extensions) (setter set_extensions)
   *
   * Whether peers are told what this end understands beside plain MessagePack-RPC
   * ([flags@Extensions]): on each connection, before all else.
   *
   * Servers of this library answer that with what they understand, which is then used both ways. Not
   * every other peer takes a notification that it does not know, so that the default is `FALSE`.
   *
   * Since: 1.0
   */
  props[PROP_EXTENSIONS] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_EXTENSIONS);

  /**
   * MsgpackRpcClient:forward-stderr: (getter get_forward_stderr) (setter set_forward_stderr)
   *
   * Whether what a program that [ctor@Client.new_for_argv] starts writes to its standard error is
   * passed on to that of this process. In any case, the error that says how the program has ended has
   * the last of it. A change counts from the next start on.
   *
   * Since: 1.0
   */
  props[PROP_FORWARD_STDERR] =
    g_param_spec_boolean ("forward-stderr", NULL, NULL, TRUE, settable);

  /**
   * MsgpackRpcClient:io-stream:
   *
   * A stream that is connected already, or `NULL`. It can be opened once.
   *
   * Since: 1.0
   */
  props[PROP_IO_STREAM] =
    g_param_spec_object ("io-stream", NULL, NULL, G_TYPE_IO_STREAM, construct);

  /**
   * MsgpackRpcClient:framing: (getter get_framing) (setter set_framing)
   *
   * What stands between the messages, both of those that are sent and of those that come. To be set
   * before the first of them.
   *
   * Since: 1.0
   */
  props[PROP_FRAMING] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_FRAMING);

  /**
   * MsgpackRpcClient:last-error: (getter get_last_error)
   *
   * Why connecting failed last, or why the last connection ended, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_LAST_ERROR] =
    g_param_spec_boxed ("last-error", NULL, NULL, G_TYPE_ERROR, readable);

  /**
   * MsgpackRpcClient:limits: (getter get_limits)
   *
   * What the peer may cost: the limits of all connections of the client. Given as `NULL`, the
   * defaults. Its numbers may be changed at any time.
   *
   * Since: 1.0
   */
  props[PROP_LIMITS] =
    g_param_spec_object ("limits", NULL, NULL, MSGPACK_RPC_TYPE_LIMITS, construct);

  /**
   * MsgpackRpcClient:main-context: (getter get_main_context)
   *
   * The context in which handlers run and signals are emitted; given as `NULL`, the thread-default
   * context of the thread that creates the client.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
    g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, construct);

  /**
   * MsgpackRpcClient:pack-flags: (getter get_pack_flags) (setter set_pack_flags)
   *
   * How messages are written, for peers that read no other form. What has no such form makes a call
   * fail with [error@Error.INVALID_VALUE], and an answer become an error that says so.
   *
   * Since: 1.0
   */
  props[PROP_PACK_FLAGS] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_PACK_FLAGS);

  /**
   * MsgpackRpcClient:ping-interval: (getter get_ping_interval) (setter set_ping_interval)
   *
   * The milliseconds of silence after which the peer is called, to hear from it; 0, the default, for
   * never. It may take twice as long.
   *
   * Any answer will do, also an error, and so does anything else that the peer sends. There is one such
   * call at a time. It is no call of the application's: nobody waits for it, and no signal tells of it.
   * When no answer comes, [property@Client:stalled] says so, and nothing else happens.
   *
   * Since: 1.0
   */
  props[PROP_PING_INTERVAL] =
    g_param_spec_int ("ping-interval", NULL, NULL, 0, G_MAXINT, 0, settable);

  /**
   * MsgpackRpcClient:ping-method: (getter get_ping_method) (setter set_ping_method)
   *
   * The method that pings call, without parameters.
   *
   * Since: 1.0
   */
  props[PROP_PING_METHOD] =
    g_param_spec_string ("ping-method", NULL, NULL, "rpc.ping", settable);

  /**
   * MsgpackRpcClient:profile: (getter get_profile) (setter set_profile)
   *
   * The dialect that the peer speaks.
   *
   * Since: 1.0
   */
  props[PROP_PROFILE] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_PROFILE);

  /**
   * MsgpackRpcClient:queue-while-connecting: (getter get_queue_while_connecting) (setter set_queue_while_connecting)
   *
   * Whether calls and notifications made before the client is connected wait until it is; if not,
   * they fail with [error@Error.NOT_CONNECTED].
   *
   * Since: 1.0
   */
  props[PROP_QUEUE_WHILE_CONNECTING] =
    g_param_spec_boolean ("queue-while-connecting", NULL, NULL, TRUE, settable);

  /**
   * MsgpackRpcClient:reconnect-policy: (getter get_reconnect_policy) (setter set_reconnect_policy)
   *
   * When the client connects again by itself; `NULL`, the default, if it does not.
   *
   * It counts from when the client is opened until it is closed. After an attempt that has failed,
   * and when the connection was lost, whichever side has ended it, the client is disconnected for as
   * long as the policy says, and then connects again. [signal@Client::status-changed] tells each
   * step, with an error that names the address, the attempt, and the reason.
   *
   * Calls that were sent and not answered end with `G_IO_ERROR_CLOSED`, and their
   * [property@Call:delivery] says that they were sent, unless they are [property@Call:idempotent].
   * Those that were not sent go out on the next connection, in order, each until its deadline; but
   * when an attempt fails they end with its error, unless they are [property@Call:wait-for-ready].
   * Notifications go on.
   *
   * When the network comes back, as the `GNetworkMonitor` says, the next attempt is made at once; that
   * is heard of while the global default main context runs. What the monitor says never keeps the
   * client from trying. A client of a stream ([ctor@Client.new_for_stream]) cannot connect again.
   *
   * Since: 1.0
   */
  props[PROP_RECONNECT_POLICY] =
    g_param_spec_object ("reconnect-policy", NULL, NULL, MSGPACK_RPC_TYPE_RECONNECT_POLICY,
                         settable);

  /**
   * MsgpackRpcClient:reply-order: (getter get_reply_order) (setter set_reply_order)
   *
   * In which order the requests of the peer are answered.
   *
   * Since: 1.0
   */
  props[PROP_REPLY_ORDER] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_REPLY_ORDER);

  /**
   * MsgpackRpcClient:socket-client: (getter get_socket_client)
   *
   * What makes the connection, to set a proxy, a local address, TLS or a timeout on.
   *
   * Since: 1.0
   */
  props[PROP_SOCKET_CLIENT] =
    g_param_spec_object ("socket-client", NULL, NULL, G_TYPE_SOCKET_CLIENT, readable);

  /**
   * MsgpackRpcClient:stalled: (getter get_stalled)
   *
   * Whether the peer is overdue: a call waits for its answer, or a ping does, and nothing at all has
   * come for as long as [property@Client:stall-timeout] says.
   *
   * The peer may be busy, or wait for its user: the client stays connected, and this is `FALSE` again
   * when the peer sends something, when nothing is awaited any more, and when the connection ends. A
   * peer whose messages are not read, as [property@Connection:paused] says, does not stall.
   *
   * Since: 1.0
   */
  props[PROP_STALLED] =
    g_param_spec_boolean ("stalled", NULL, NULL, FALSE, readable);

  /**
   * MsgpackRpcClient:stall-timeout: (getter get_stall_timeout) (setter set_stall_timeout)
   *
   * The milliseconds that the peer may be silent while a call waits for its answer, until
   * [property@Client:stalled] says so; `G_MAXINT` for no limit. It may take half as long again.
   *
   * Since: 1.0
   */
  props[PROP_STALL_TIMEOUT] =
    g_param_spec_int ("stall-timeout", NULL, NULL, 1, G_MAXINT, MSGPACK_RPC_DEFAULT_STALL_TIMEOUT,
                      settable);

  /**
   * MsgpackRpcClient:status: (getter get_status)
   *
   * Whether the client is connected.
   *
   * Since: 1.0
   */
  props[PROP_STATUS] =
    g_param_spec_enum ("status", NULL, NULL, MSGPACK_RPC_TYPE_CONNECTION_STATUS,
                       MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED, readable);

  /**
   * MsgpackRpcClient:string-policy: (getter get_string_policy) (setter set_string_policy)
   *
   * What becomes of a str from the peer that is not valid UTF-8, or has a NUL in it. One that the
   * policy does not allow ends the connection.
   *
   * Since: 1.0
   */
  props[PROP_STRING_POLICY] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_STRING_POLICY);

  /**
   * MsgpackRpcClient:subprocess: (getter get_subprocess)
   *
   * The program that was started last, or `NULL`.
   *
   * Since: 1.0
   */
  props[PROP_SUBPROCESS] =
    g_param_spec_object ("subprocess", NULL, NULL, G_TYPE_SUBPROCESS, readable);

  /**
   * MsgpackRpcClient:tcp-keepalive: (getter get_tcp_keepalive) (setter set_tcp_keepalive)
   *
   * Whether the kernel asks, while a TCP connection is idle, whether the peer's machine is still
   * there, and ends the connection when it is not.
   *
   * A machine that is there answers for a peer that is busy. When it is asked for the first time is
   * for the system to say: two hours on Linux, unless it was set otherwise.
   *
   * Since: 1.0
   */
  props[PROP_TCP_KEEPALIVE] =
    g_param_spec_boolean ("tcp-keepalive", NULL, NULL, FALSE, settable);

  /**
   * MsgpackRpcClient:tls-certificate: (getter get_tls_certificate) (setter set_tls_certificate)
   *
   * What is shown to a server that asks for a certificate, with its private key; or `NULL`. A change
   * counts from the next connection on.
   *
   * Since: 1.0
   */
  props[PROP_TLS_CERTIFICATE] =
    g_param_spec_object ("tls-certificate", NULL, NULL, G_TYPE_TLS_CERTIFICATE, settable);

  /**
   * MsgpackRpcClient:tls-database: (getter get_tls_database) (setter set_tls_database)
   *
   * What the certificate of a server is checked against: the authorities that may have signed it, or
   * [class@CertificatePins]; or `NULL` for the authorities that the system trusts. A change counts
   * from the next connection on.
   *
   * A certificate that is not good enough makes connecting fail with `G_TLS_ERROR_BAD_CERTIFICATE`.
   *
   * Since: 1.0
   */
  props[PROP_TLS_DATABASE] =
    g_param_spec_object ("tls-database", NULL, NULL, G_TYPE_TLS_DATABASE, settable);

  /**
   * MsgpackRpcClient:token: (getter get_token) (setter set_token)
   *
   * The secret that the server knows, too, or `NULL` for none.
   *
   * With one, opening includes that each proves to the other that it knows it, which the token itself
   * is not sent for; calls wait until that is done. Opening fails with [error@Error.ACCESS_DENIED] if
   * the server does not know the token, or does not ask for one, with `G_IO_ERROR_CLOSED` if the
   * server closes instead, and with `G_IO_ERROR_TIMED_OUT` after [property@Limits:handshake-timeout].
   * One that turns the client away for another reason says which.
   *
   * Since: 1.0
   */
  props[PROP_TOKEN] =
    g_param_spec_object ("token", NULL, NULL, MSGPACK_RPC_TYPE_TOKEN, settable);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_client_class_init (MsgpackRpcClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = msgpack_rpc_client_constructed;
  object_class->get_property = msgpack_rpc_client_get_property;
  object_class->set_property = msgpack_rpc_client_set_property;
  object_class->dispose = msgpack_rpc_client_dispose;
  object_class->finalize = msgpack_rpc_client_finalize;

  install_properties (object_class);
  _msgpack_rpc_client_install_signals (G_TYPE_FROM_CLASS (klass));
}

static void
msgpack_rpc_client_init (MsgpackRpcClient *self)
{
  g_mutex_init (&self->lock);
  _msgpack_rpc_target_init (&self->target);
  self->settings = _msgpack_rpc_settings_new ();
  self->queue_while_connecting = TRUE;
  _msgpack_rpc_client_init_keepalive (self);
  _msgpack_rpc_client_init_reconnect (self);
}

/**
 * msgpack_rpc_client_new:
 * @address: an address
 *
 * Creates a client for an address.
 *
 * It belongs to the thread-default context of the calling thread. An address that cannot be
 * understood makes opening fail, with [error@Error.INVALID_ADDRESS].
 *
 * Returns: (transfer full): a new client
 * Since: 1.0
 */
MsgpackRpcClient *
msgpack_rpc_client_new (const char *address)
{
  g_return_val_if_fail (address != NULL, NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CLIENT, "address", address, NULL);
}

/**
 * msgpack_rpc_client_new_for_connectable:
 * @connectable: what to connect to
 *
 * Creates a client for anything that has socket addresses.
 *
 * Returns: (transfer full): a new client
 * Since: 1.0
 */
MsgpackRpcClient *
msgpack_rpc_client_new_for_connectable (GSocketConnectable *connectable)
{
  g_return_val_if_fail (G_IS_SOCKET_CONNECTABLE (connectable), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CLIENT, "connectable", connectable, NULL);
}

/**
 * msgpack_rpc_client_new_for_stream:
 * @io_stream: a connected stream that nobody else reads or writes
 *
 * Creates a client for a stream. Opening it takes the stream into use, and closing it closes the
 * stream.
 *
 * Returns: (transfer full): a new client
 * Since: 1.0
 */
MsgpackRpcClient *
msgpack_rpc_client_new_for_stream (GIOStream *io_stream)
{
  g_return_val_if_fail (G_IS_IO_STREAM (io_stream), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CLIENT, "io-stream", io_stream, NULL);
}

/**
 * msgpack_rpc_client_new_for_argv:
 * @argv: (array zero-terminated=1): a program and its arguments
 *
 * Creates a client for a program, started when the client is opened, that speaks MessagePack-RPC on
 * its standard input and output.
 *
 * The program is looked for in `PATH`. There is no shell. What it writes to its standard error
 * appears on that of this process, unless [property@Client:forward-stderr] is `FALSE`.
 *
 * When the program ends, so does the connection, and with it calls in flight, with
 * `G_IO_ERROR_CLOSED` and a text that has the exit status or signal, and the last 20 lines of its
 * standard error (at most 8 KiB). Closing the client closes the program's standard input, and does
 * not wait for its end.
 *
 * Returns: (transfer full): a new client
 * Since: 1.0
 */
MsgpackRpcClient *
msgpack_rpc_client_new_for_argv (const char * const *argv)
{
  g_return_val_if_fail (argv != NULL && argv[0] != NULL, NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CLIENT, "argv", argv, NULL);
}

/**
 * msgpack_rpc_client_get_address: (get-property address)
 * @self: a client
 *
 * Gets the address to connect to.
 *
 * Returns: (nullable): the address, or `NULL`
 * Since: 1.0
 */
const char *
msgpack_rpc_client_get_address (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  return self->target.address;
}

/**
 * msgpack_rpc_client_get_socket_client: (get-property socket-client)
 * @self: a client
 *
 * Gets what makes the connection.
 *
 * Set it up before the client is opened. Its signals come in the client's context, or in a thread
 * that waits for the client meanwhile; never inside of [method@Client.open_async], and not any more
 * when the client is gone.
 *
 * Returns: (transfer none): the socket client
 * Since: 1.0
 */
GSocketClient *
msgpack_rpc_client_get_socket_client (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  return self->target.socket_client;
}

/**
 * msgpack_rpc_client_get_main_context: (get-property main-context)
 * @self: a client
 *
 * Gets the context in which handlers run and signals are emitted.
 *
 * Returns: (transfer none): the context
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_client_get_main_context (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  return self->main_context;
}

/**
 * msgpack_rpc_client_get_status: (get-property status)
 * @self: a client
 *
 * Gets whether the client is connected.
 *
 * Returns: the status
 * Since: 1.0
 */
MsgpackRpcConnectionStatus
msgpack_rpc_client_get_status (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);

  locker = g_mutex_locker_new (&self->lock);
  return self->connection != NULL ? msgpack_rpc_connection_get_status (self->connection)
                                  : MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED;
}

/**
 * msgpack_rpc_client_is_connected:
 * @self: a client
 *
 * Gets whether the status is connected.
 *
 * Returns: whether messages go both ways
 * Since: 1.0
 */
gboolean
msgpack_rpc_client_is_connected (MsgpackRpcClient *self)
{
  return msgpack_rpc_client_get_status (self) == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
}

/**
 * msgpack_rpc_client_get_connection: (get-property connection)
 * @self: a client
 *
 * Gets the connection.
 *
 * Returns: (transfer full) (nullable): the connection, or `NULL` while there is no stream
 * Since: 1.0
 */
MsgpackRpcConnection *
msgpack_rpc_client_get_connection (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  if (self->connection == NULL ||
      !_msgpack_rpc_client_has_stream (msgpack_rpc_connection_get_status (self->connection)))
    return NULL;

  return g_object_ref (self->connection);
}

/**
 * msgpack_rpc_client_get_last_error: (get-property last-error)
 * @self: a client
 *
 * Gets why connecting failed last, or why the last connection ended.
 *
 * Returns: (transfer full) (nullable): the error, or `NULL`
 * Since: 1.0
 */
GError *
msgpack_rpc_client_get_last_error (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->last_error != NULL ? g_error_copy (self->last_error) : NULL;
}

/**
 * msgpack_rpc_client_get_subprocess: (get-property subprocess)
 * @self: a client
 *
 * Gets the program that was started last, to wait for its end or to send it a signal.
 *
 * Closing the client closes the program's standard input, which most take as their end.
 *
 * Returns: (transfer full) (nullable): the program, or `NULL` if the client starts none, or was not
 *   opened yet
 * Since: 1.0
 */
GSubprocess *
msgpack_rpc_client_get_subprocess (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->subprocess != NULL ? g_object_ref (self->subprocess) : NULL;
}

/**
 * msgpack_rpc_client_get_limits: (get-property limits)
 * @self: a client
 *
 * Gets what the peer may cost.
 *
 * Returns: (transfer none): the limits, whose numbers may be changed at any time
 * Since: 1.0
 */
MsgpackRpcLimits *
msgpack_rpc_client_get_limits (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  return self->limits;
}

void
_msgpack_rpc_client_notify (MsgpackRpcClient *self,
                            const char       *property)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (self);

  _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self),
                               g_object_class_find_property (klass, property));
}
