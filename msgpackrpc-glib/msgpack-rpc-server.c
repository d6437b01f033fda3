/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include "msgpack-rpc-connection.h"
#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-pending-connection.h"
#include "msgpack-rpc-residents-private.h"

#define DEFAULT_BACKLOG 1024
#define DEFAULT_MAX_BUFFERED_BYTES (256 * 1024 * 1024)

/**
 * MsgpackRpcServer:
 *
 * Lets peers in, and gives each a connection with the server's dispatcher.
 *
 * ```c
 * server = msgpack_rpc_server_new ();
 * msgpack_rpc_server_set_dispatcher (server, dispatcher);
 * addresses = msgpack_rpc_server_listen_sync (server, "tcp://localhost:0", NULL, &error);
 * ```
 *
 * ## Listening
 *
 * [method@Server.listen_async] and [method@Server.listen_sync] take the addresses
 * `tcp://host:port`, `tls://host:port`, `unix:///path`, `unix-abstract:name`, and `host:port` and
 * `/path` for short. The port may be 0 for any that is free, and the host `*` or nothing for every interface.
 * [method@Server.accept_stream] takes a stream of any other origin, such as the pipes of a program.
 *
 * A server is a `GSocketService`, so that sockets can be added in its ways too.
 * [method@Gio.SocketService.stop] and [method@Gio.SocketListener.close] close the sockets that the
 * server listens on, and remove the files of UNIX sockets; after the former, one may listen again
 * once [method@Gio.SocketService.start] was called. Connections live on.
 *
 * [method@Server.drain_async] ends all of that in good order: what was begun is answered, and nobody
 * loses an answer. Dropping the last reference closes the sockets and all connections at once. (A server that has
 * sockets added by the methods of `GSocketListener`, or that was started again, must be stopped
 * first, as with any `GSocketService`.)
 *
 * ## Who is let in
 *
 * On a UNIX socket the same user, and on TCP this machine, unless [property@Server:policy],
 * [property@Server:token] or [property@Server:allow-remote] say otherwise;
 * [the manual](security.html) has each. There may be [property@Server:max-connections] at a time, and so
 * many of a user or from an address. Others are told so in an error reply of the id 0, if that is
 * possible at once, and cut off. So is the one that has most, when what all of them have sent and were
 * not given yet exceeds [property@Server:max-buffered-bytes].
 *
 * Who comes to a `tls://` address is shown [property@Server:tls-certificate], and may be asked for a
 * certificate by [property@Server:tls-authentication-mode]. It has
 * [property@Limits:handshake-timeout] to shake hands, and is one of [property@Server:max-handshakes]
 * meanwhile. If that fails, it is cut off, as TLS has told it why.
 *
 * Those who remain may be looked at by handlers of [signal@Server::authorize], which decide at once
 * or later.
 *
 * A handler of [signal@Gio.SocketService::incoming] that returns `TRUE` takes a socket away before
 * all this.
 *
 * ## Threads
 *
 * All functions may be called from any thread. Peers are accepted, signals emitted,
 * [property@Server:connections] changed, properties notified and handlers run in
 * [property@Server:main-context] only, whichever thread listens, stops or starts. (Only
 * [property@Gio.SocketService:active], which is not the server's own, notifies where it is set.)
 *
 * Since: 1.0
 */

enum
{
  PROP_0,
  PROP_ACCEPTING_PAUSED,
  PROP_ALLOW_REMOTE,
  PROP_BUFFERED_BYTES,
  PROP_CONNECTIONS,
  PROP_DISPATCHER,
  PROP_FRAMING,
  PROP_LIMITS,
  PROP_MAIN_CONTEXT,
  PROP_MAX_BUFFERED_BYTES,
  PROP_MAX_CONNECTIONS,
  PROP_MAX_CONNECTIONS_PER_ADDRESS,
  PROP_MAX_CONNECTIONS_PER_USER,
  PROP_MAX_HANDSHAKES,
  PROP_PACK_FLAGS,
  PROP_POLICY,
  PROP_PROFILE,
  PROP_REPLY_ORDER,
  PROP_STRING_POLICY,
  PROP_TLS_AUTHENTICATION_MODE,
  PROP_TLS_CERTIFICATE,
  PROP_TLS_DATABASE,
  PROP_TOKEN,
  PROP_UNIX_MODE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

guint _msgpack_rpc_server_signals[N_SIGNALS];

G_DEFINE_TYPE_WITH_PRIVATE (MsgpackRpcServer, msgpack_rpc_server, G_TYPE_SOCKET_SERVICE)

MsgpackRpcServerPrivate *
_msgpack_rpc_server_get_private (MsgpackRpcServer *self)
{
  return msgpack_rpc_server_get_instance_private (self);
}

/* ---- accepting ---- */

static void
let_in_cb (gpointer owner,
           gpointer data)
{
  _msgpack_rpc_server_let_in (owner, data);
}

static gboolean
msgpack_rpc_server_incoming (GSocketService    *service,
                             GSocketConnection *connection,
                             GObject           *source_object G_GNUC_UNUSED)
{
  MsgpackRpcServer *self = MSGPACK_RPC_SERVER (service);
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  /* The base class accepts in the context of whoever has started it. */
  if (g_main_context_is_owner (priv->main_context))
    _msgpack_rpc_server_let_in (self, connection);
  else
    _msgpack_rpc_reactor_post (priv->reactor, NULL, self, FALSE, let_in_cb,
                               g_object_ref (connection), g_object_unref);
  return TRUE;
}

static void
accepted_cb (gpointer           owner,
             GSocketConnection *connection,
             GObject           *source_object)
{
  gboolean is_handled;

  g_signal_emit_by_name (owner, "incoming", connection, source_object, &is_handled);
}

static void
notify_paused_cb (gpointer owner,
                  gpointer data G_GNUC_UNUSED)
{
  _msgpack_rpc_server_notify (owner, "accepting-paused");
}

/* In any thread, and inside of functions that close. */
static void
paused_cb (gpointer owner)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (owner);

  _msgpack_rpc_reactor_post (priv->reactor, NULL, owner, FALSE, notify_paused_cb, NULL, NULL);
}

static void
msgpack_rpc_server_notify (GObject    *object,
                           GParamSpec *pspec)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (MSGPACK_RPC_SERVER (object));

  if (g_str_equal (pspec->name, "active"))
    {
      gboolean is_active = g_socket_service_is_active (G_SOCKET_SERVICE (object));

      _msgpack_rpc_acceptor_set_active (priv->acceptor, is_active);
      if (!is_active)
        _msgpack_rpc_acceptor_close (priv->acceptor);
    }

  if (G_OBJECT_CLASS (msgpack_rpc_server_parent_class)->notify != NULL)
    G_OBJECT_CLASS (msgpack_rpc_server_parent_class)->notify (object, pspec);
}

/* ---- sockets that the base class has been given ---- */

static void
changed_cb (gpointer owner,
            gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (owner);

  /* That of the base class would try again and again when there are no file descriptors left. */
  if (_msgpack_rpc_acceptor_accept_added (priv->acceptor))
    return;

  /* Whoever runs the context need not have made it the thread-default one. */
  g_main_context_push_thread_default (priv->main_context);
  G_SOCKET_LISTENER_CLASS (msgpack_rpc_server_parent_class)->changed (owner);
  g_main_context_pop_thread_default (priv->main_context);
}

/* The base class accepts in the context that is the thread-default one here. */
static void
msgpack_rpc_server_changed (GSocketListener *listener)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (MSGPACK_RPC_SERVER (listener));

  if (priv->is_ready)
    _msgpack_rpc_reactor_post (priv->reactor, NULL, listener, FALSE, changed_cb, NULL, NULL);
}

/* ---- the object ---- */

static void
msgpack_rpc_server_constructed (GObject *object)
{
  MsgpackRpcServer *self = MSGPACK_RPC_SERVER (object);
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  G_OBJECT_CLASS (msgpack_rpc_server_parent_class)->constructed (object);

  /* That of the base class is for a few clients. */
  g_socket_listener_set_backlog (G_SOCKET_LISTENER (self), DEFAULT_BACKLOG);
  if (priv->limits == NULL)
    priv->limits = msgpack_rpc_limits_new ();
  if (priv->main_context == NULL)
    priv->main_context = g_main_context_ref_thread_default ();
  priv->reactor = _msgpack_rpc_reactor_get (priv->main_context);
  priv->acceptor = _msgpack_rpc_acceptor_new (object, accepted_cb, paused_cb, priv->main_context);
  _msgpack_rpc_acceptor_set_active (priv->acceptor,
                                    g_socket_service_is_active (G_SOCKET_SERVICE (self)));
  _msgpack_rpc_acceptor_follow (priv->acceptor, G_SOCKET_LISTENER (self));
  priv->is_ready = TRUE;
  _msgpack_rpc_residents_add (priv->main_context, object);
}

static void
msgpack_rpc_server_dispose (GObject *object)
{
  MsgpackRpcServer *self = MSGPACK_RPC_SERVER (object);
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) connections = NULL;

  _msgpack_rpc_residents_remove (priv->main_context, object);
  _msgpack_rpc_server_abandon_drain (self);
  _msgpack_rpc_acceptor_close (priv->acceptor);
  _msgpack_rpc_reactor_forget (priv->reactor, self);
  _msgpack_rpc_server_drop_handshakes (self);
  _msgpack_rpc_server_drop_pending (self);

  connections = _msgpack_rpc_object_list_take (priv->connections);
  for (guint i = 0; i < connections->len; i++)
    msgpack_rpc_connection_close_async (g_ptr_array_index (connections, i),
                                        MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);

  G_OBJECT_CLASS (msgpack_rpc_server_parent_class)->dispose (object);
}

static void
msgpack_rpc_server_finalize (GObject *object)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (MSGPACK_RPC_SERVER (object));

  _msgpack_rpc_acceptor_free (priv->acceptor);
  g_weak_ref_clear (&priv->receiver);
  g_clear_object (&priv->dispatcher);
  g_clear_object (&priv->tls_certificate);
  g_clear_object (&priv->tls_database);
  g_ptr_array_unref (priv->handshakes);
  g_clear_object (&priv->token);
  g_object_unref (priv->connections);
  g_ptr_array_unref (priv->pending);
  g_cond_clear (&priv->drained);
  _msgpack_rpc_settings_unref (priv->settings);
  _msgpack_rpc_budget_unref (priv->budget);
  _msgpack_rpc_places_free (priv->places);
  g_object_unref (priv->limits);
  _msgpack_rpc_reactor_unref (priv->reactor);
  g_main_context_unref (priv->main_context);
  g_mutex_clear (&priv->lock);

  G_OBJECT_CLASS (msgpack_rpc_server_parent_class)->finalize (object);
}

static void
msgpack_rpc_server_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  MsgpackRpcServer *self = MSGPACK_RPC_SERVER (object);
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  switch (prop_id)
    {
    case PROP_ACCEPTING_PAUSED:
      g_value_set_boolean (value, _msgpack_rpc_acceptor_is_paused (priv->acceptor));
      break;

    case PROP_UNIX_MODE:
      g_value_set_uint (value, priv->unix_mode);
      break;

    case PROP_ALLOW_REMOTE:
      g_value_set_boolean (value, priv->allow_remote);
      break;

    case PROP_BUFFERED_BYTES:
      g_value_set_uint64 (value, _msgpack_rpc_budget_get_used (priv->budget));
      break;

    case PROP_CONNECTIONS:
      g_value_set_object (value, priv->connections);
      break;

    case PROP_DISPATCHER:
      g_value_set_object (value, priv->dispatcher);
      break;

    case PROP_LIMITS:
      g_value_set_object (value, priv->limits);
      break;

    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, priv->main_context);
      break;

    case PROP_MAX_BUFFERED_BYTES:
      g_value_set_uint64 (value, _msgpack_rpc_budget_get_limit (priv->budget));
      break;

    case PROP_MAX_CONNECTIONS:
      g_value_set_uint (value, _msgpack_rpc_places_get_limit (priv->places,
                                                              MSGPACK_RPC_PLACES_IN_ALL));
      break;

    case PROP_MAX_CONNECTIONS_PER_ADDRESS:
      g_value_set_uint (value, _msgpack_rpc_places_get_limit (priv->places,
                                                              MSGPACK_RPC_PLACES_PER_ADDRESS));
      break;

    case PROP_MAX_CONNECTIONS_PER_USER:
      g_value_set_uint (value, _msgpack_rpc_places_get_limit (priv->places,
                                                              MSGPACK_RPC_PLACES_PER_USER));
      break;

    case PROP_MAX_HANDSHAKES:
      g_value_set_uint (value, priv->max_handshakes);
      break;

    case PROP_FRAMING:
    case PROP_PACK_FLAGS:
    case PROP_PROFILE:
    case PROP_REPLY_ORDER:
    case PROP_STRING_POLICY:
      _msgpack_rpc_settings_get_value (priv->settings, pspec, value);
      break;

    case PROP_POLICY:
      g_value_set_flags (value, _msgpack_rpc_server_get_policy_locked (priv));
      break;

    case PROP_TOKEN:
      g_value_set_object (value, priv->token);
      break;

    case PROP_TLS_AUTHENTICATION_MODE:
      g_value_set_enum (value, (int) priv->tls_authentication_mode);
      break;

    case PROP_TLS_CERTIFICATE:
      g_value_set_object (value, priv->tls_certificate);
      break;

    case PROP_TLS_DATABASE:
      g_value_set_object (value, priv->tls_database);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_server_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  MsgpackRpcServer *self = MSGPACK_RPC_SERVER (object);
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  switch (prop_id)
    {
    case PROP_ALLOW_REMOTE:
      msgpack_rpc_server_set_allow_remote (self, g_value_get_boolean (value));
      break;

    case PROP_DISPATCHER:
      msgpack_rpc_server_set_dispatcher (self, g_value_get_object (value));
      break;

    case PROP_LIMITS:
      priv->limits = g_value_dup_object (value);
      break;

    case PROP_MAIN_CONTEXT:
      priv->main_context = g_value_dup_boxed (value);
      break;

    case PROP_MAX_BUFFERED_BYTES:
      msgpack_rpc_server_set_max_buffered_bytes (self, g_value_get_uint64 (value));
      break;

    case PROP_MAX_CONNECTIONS:
      msgpack_rpc_server_set_max_connections (self, g_value_get_uint (value));
      break;

    case PROP_MAX_CONNECTIONS_PER_ADDRESS:
      msgpack_rpc_server_set_max_connections_per_address (self, g_value_get_uint (value));
      break;

    case PROP_MAX_CONNECTIONS_PER_USER:
      msgpack_rpc_server_set_max_connections_per_user (self, g_value_get_uint (value));
      break;

    case PROP_MAX_HANDSHAKES:
      msgpack_rpc_server_set_max_handshakes (self, g_value_get_uint (value));
      break;

    case PROP_FRAMING:
    case PROP_PACK_FLAGS:
    case PROP_PROFILE:
    case PROP_REPLY_ORDER:
    case PROP_STRING_POLICY:
      _msgpack_rpc_server_set_setting (self, _msgpack_rpc_setting_from_pspec (pspec),
                                   _msgpack_rpc_setting_from_value (value));
      break;

    case PROP_POLICY:
      msgpack_rpc_server_set_policy (self, g_value_get_flags (value));
      break;

    case PROP_TLS_AUTHENTICATION_MODE:
      msgpack_rpc_server_set_tls_authentication_mode (self, g_value_get_enum (value));
      break;

    case PROP_TLS_CERTIFICATE:
      msgpack_rpc_server_set_tls_certificate (self, g_value_get_object (value));
      break;

    case PROP_TLS_DATABASE:
      msgpack_rpc_server_set_tls_database (self, g_value_get_object (value));
      break;

    case PROP_UNIX_MODE:
      msgpack_rpc_server_set_unix_mode (self, g_value_get_uint (value));
      break;

    case PROP_TOKEN:
      msgpack_rpc_server_set_token (self, g_value_get_object (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * MsgpackRpcServer:accepting-paused: (getter is_accepting_paused)
   *
   * Whether nobody is accepted, since the system could not accept the last one: most often, there are no
   * file descriptors left.
   *
   * It is tried again after 100 ms, and each time that fails after twice as long, up to 5 seconds.
   * Those who come wait meanwhile.
   *
   * Sockets that were added by the methods of `GSocketListener` pause as well, unless the server was
   * stopped and started again: then `GSocketService` accepts on these, which does not pause, but tries
   * again and again.
   *
   * Since: 1.0
   */
  props[PROP_ACCEPTING_PAUSED] =
      g_param_spec_boolean ("accepting-paused", NULL, NULL, FALSE,
                            G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * MsgpackRpcServer:unix-mode: (getter get_unix_mode) (setter set_unix_mode)
   *
   * The mode bits of the files of UNIX sockets on which the server listens from now on; by default
   * 0600, for this user only.
   *
   * Whoever can write to the file can connect, but is not thereby let in: see
   * [property@Server:policy].
   *
   * Since: 1.0
   */
  props[PROP_UNIX_MODE] = g_param_spec_uint ("unix-mode", NULL, NULL, 0, 0777, 0600, flags);

  /**
   * MsgpackRpcServer:allow-remote: (getter get_allow_remote) (setter set_allow_remote)
   *
   * Whether peers on other machines are let in.
   *
   * If so, they are as good as peers on this machine: who may come from here may come from anywhere.
   * There is no check of who they are, and nothing is encrypted. This says nothing of UNIX sockets.
   *
   * Since: 1.0
   */
  props[PROP_ALLOW_REMOTE] = g_param_spec_boolean ("allow-remote", NULL, NULL, FALSE, flags);

  /**
   * MsgpackRpcServer:buffered-bytes: (getter get_buffered_bytes)
   *
   * About how many bytes [property@Server:max-buffered-bytes] counts now: a few thousand that one
   * connection has are not. Does not notify.
   *
   * Since: 1.0
   */
  props[PROP_BUFFERED_BYTES] = g_param_spec_uint64 ("buffered-bytes", NULL, NULL, 0, G_MAXUINT64, 0,
                                                    G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * MsgpackRpcServer:connections: (getter get_connections)
   *
   * The connections, as a list of [class@Connection], in the order in which they were accepted.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTIONS] = g_param_spec_object ("connections", NULL, NULL, G_TYPE_LIST_MODEL,
                                                 G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * MsgpackRpcServer:dispatcher: (getter get_dispatcher) (setter set_dispatcher)
   *
   * The methods that peers may call, or `NULL` for none.
   *
   * Since: 1.0
   */
  props[PROP_DISPATCHER] = g_param_spec_object ("dispatcher", NULL, NULL,
                                                MSGPACK_RPC_TYPE_DISPATCHER, flags);

  /**
   * MsgpackRpcServer:framing: (getter get_framing) (setter set_framing)
   *
   * What stands between the messages of later connections; see [property@Connection:framing].
   *
   * Since: 1.0
   */
  props[PROP_FRAMING] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_FRAMING);

  /**
   * MsgpackRpcServer:limits: (getter get_limits)
   *
   * What each peer may cost: later connections begin with a copy. Given as `NULL`, the defaults. Its
   * numbers may be changed at any time.
   *
   * Since: 1.0
   */
  props[PROP_LIMITS] =
      g_param_spec_object ("limits", NULL, NULL, MSGPACK_RPC_TYPE_LIMITS,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * MsgpackRpcServer:main-context: (getter get_main_context)
   *
   * The context in which peers are accepted and served; by default, the thread-default one at
   * construction.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
      g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT,
                          G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  /**
   * MsgpackRpcServer:max-buffered-bytes: (getter get_max_buffered_bytes) (setter set_max_buffered_bytes)
   *
   * The bytes that all connections together may hold: of messages that are not whole yet, of those
   * that wait to be handled, and of those that wait to be written.
   *
   * When there are more, the connection that has most of them ends with [error@Error.TOO_LARGE], and
   * the next, until that is no more so. Others notice nothing. One read may go over for a moment.
   *
   * Since: 1.0
   */
  props[PROP_MAX_BUFFERED_BYTES] = g_param_spec_uint64 ("max-buffered-bytes", NULL, NULL,
                                                        1, G_MAXUINT64, DEFAULT_MAX_BUFFERED_BYTES,
                                                        flags);

  /**
   * MsgpackRpcServer:max-connections: (getter get_max_connections) (setter set_max_connections)
   *
   * How many connections there may be at a time. Those that there are stay when it is lowered.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONNECTIONS] = g_param_spec_uint ("max-connections", NULL, NULL, 0, G_MAXUINT,
                                                   1024, flags);

  /**
   * MsgpackRpcServer:max-connections-per-address: (getter get_max_connections_per_address) (setter set_max_connections_per_address)
   *
   * How many connections there may be at a time from one IP address; `G_MAXUINT` for no limit.
   *
   * All addresses of IPv6 that have the first 64 bits in common count as one: whoever has one of
   * them mostly has all. All peers on this machine share one address, for IPv4 and for IPv6.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONNECTIONS_PER_ADDRESS] =
      g_param_spec_uint ("max-connections-per-address", NULL, NULL, 0, G_MAXUINT, G_MAXUINT, flags);

  /**
   * MsgpackRpcServer:max-connections-per-user: (getter get_max_connections_per_user) (setter set_max_connections_per_user)
   *
   * How many connections there may be at a time on UNIX sockets from one user; `G_MAXUINT` for no
   * limit.
   *
   * Since: 1.0
   */
  props[PROP_MAX_CONNECTIONS_PER_USER] =
      g_param_spec_uint ("max-connections-per-user", NULL, NULL, 0, G_MAXUINT, G_MAXUINT, flags);

  /**
   * MsgpackRpcServer:max-handshakes: (getter get_max_handshakes) (setter set_max_handshakes)
   *
   * How many peers at a time may be about to prove who they are.
   *
   * They have none of [property@Server:max-connections] yet. If another one comes, the one that has
   * taken longest is turned away: who knows the token needs it for a moment only, so that those who
   * do not keep nobody out.
   *
   * Since: 1.0
   */
  props[PROP_MAX_HANDSHAKES] = g_param_spec_uint ("max-handshakes", NULL, NULL, 1, G_MAXUINT, 128,
                                                  flags);

  /**
   * MsgpackRpcServer:pack-flags: (getter get_pack_flags) (setter set_pack_flags)
   *
   * How later connections write messages; see [property@Connection:pack-flags].
   *
   * Since: 1.0
   */
  props[PROP_PACK_FLAGS] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_PACK_FLAGS);

  /**
   * MsgpackRpcServer:policy: (getter get_policy) (setter set_policy)
   *
   * What suffices to be let in: any one of these. It is looked at when a peer comes, to whichever
   * socket.
   *
   * As long as it is not set, it is all of them; but to come from this machine does not suffice
   * any more once there is a [property@Server:token]. The same user still needs none on a UNIX socket:
   * he could read the file.
   *
   * Since: 1.0
   */
  props[PROP_POLICY] = g_param_spec_flags ("policy", NULL, NULL, MSGPACK_RPC_TYPE_ACCEPT_POLICY,
                                           MSGPACK_RPC_DEFAULT_POLICY, flags);

  /**
   * MsgpackRpcServer:profile: (getter get_profile) (setter set_profile)
   *
   * The dialect that later connections speak; see [property@Connection:profile].
   *
   * Since: 1.0
   */
  props[PROP_PROFILE] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_PROFILE);

  /**
   * MsgpackRpcServer:reply-order: (getter get_reply_order) (setter set_reply_order)
   *
   * In which order later connections answer; see [property@Connection:reply-order].
   *
   * Since: 1.0
   */
  props[PROP_REPLY_ORDER] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_REPLY_ORDER);

  /**
   * MsgpackRpcServer:string-policy: (getter get_string_policy) (setter set_string_policy)
   *
   * What becomes of a str that is not valid UTF-8, or has a NUL in it, on later connections; see
   * [property@Connection:string-policy].
   *
   * Since: 1.0
   */
  props[PROP_STRING_POLICY] = _msgpack_rpc_setting_new_pspec (MSGPACK_RPC_SETTING_STRING_POLICY);

  /**
   * MsgpackRpcServer:tls-authentication-mode: (getter get_tls_authentication_mode) (setter set_tls_authentication_mode)
   *
   * Whether peers that come to a `tls://` address are asked for a certificate, and turned away if they
   * show none. One that is not in [property@Server:tls-database] turns them away in any case.
   *
   * A peer that has shown a good one may come from other machines, unless [property@Server:policy]
   * says that this does not suffice.
   *
   * Since: 1.0
   */
  props[PROP_TLS_AUTHENTICATION_MODE] =
      g_param_spec_enum ("tls-authentication-mode", NULL, NULL, G_TYPE_TLS_AUTHENTICATION_MODE,
                         G_TLS_AUTHENTICATION_NONE, flags);

  /**
   * MsgpackRpcServer:tls-certificate: (getter get_tls_certificate) (setter set_tls_certificate)
   *
   * What is shown to peers that come to a `tls://` address, with its private key; or `NULL`, which
   * lets nobody in there.
   *
   * Since: 1.0
   */
  props[PROP_TLS_CERTIFICATE] = g_param_spec_object ("tls-certificate", NULL, NULL,
                                                     G_TYPE_TLS_CERTIFICATE, flags);

  /**
   * MsgpackRpcServer:tls-database: (getter get_tls_database) (setter set_tls_database)
   *
   * What the certificates of peers are checked against: the authorities that may have signed them, or
   * [class@CertificatePins]; `NULL` if none is good enough.
   *
   * Since: 1.0
   */
  props[PROP_TLS_DATABASE] = g_param_spec_object ("tls-database", NULL, NULL, G_TYPE_TLS_DATABASE,
                                                  flags);

  /**
   * MsgpackRpcServer:token: (getter get_token) (setter set_token)
   *
   * The secret by which clients are let in, and know the server by, or `NULL` for none.
   *
   * A peer may then prove that it knows it, by two requests of `rpc.authenticate`, which
   * [property@Client:token] makes by itself. One that must, since [property@Server:policy] does not
   * let it in otherwise, has to do so before anything else and within
   * [property@Limits:handshake-timeout]; only then handlers of [signal@Server::authorize] are asked
   * about it. One that does not know the token is cut off.
   *
   * Since: 1.0
   */
  props[PROP_TOKEN] = g_param_spec_object ("token", NULL, NULL, MSGPACK_RPC_TYPE_TOKEN, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
install_signals (void)
{
  /**
   * MsgpackRpcServer::authorize:
   * @self: the server
   * @pending: the connection of a peer that wants to be let in
   *
   * A peer has come to one of the server's sockets, and is none that is turned away in any case.
   *
   * The first handler that returns `FALSE` refuses it; if there is no handler, it is let in. One that
   * cannot say yet calls [method@PendingConnection.keep] and returns `TRUE`, and later accepts or
   * rejects. It has [property@Limits:handshake-timeout] for that.
   *
   * A handler that fails, as with an exception in Python, returns `FALSE` by that. Streams of
   * [method@Server.accept_stream] do not come here.
   *
   * Returns: `TRUE` if there is nothing to be said against it
   * Since: 1.0
   */
  _msgpack_rpc_server_signals[SIGNAL_AUTHORIZE] =
      g_signal_new ("authorize", MSGPACK_RPC_TYPE_SERVER, G_SIGNAL_RUN_LAST, 0,
                    _msgpack_rpc_accumulate_agreement, NULL, NULL, G_TYPE_BOOLEAN, 1,
                    MSGPACK_RPC_TYPE_PENDING_CONNECTION);

  /**
   * MsgpackRpcServer::client-connected:
   * @self: the server
   * @connection: the new connection
   *
   * A peer was let in. Nothing that it has sent is delivered before all handlers have returned, so
   * that they can prepare the connection.
   *
   * Since: 1.0
   */
  _msgpack_rpc_server_signals[SIGNAL_CLIENT_CONNECTED] =
      g_signal_new ("client-connected", MSGPACK_RPC_TYPE_SERVER, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 1, MSGPACK_RPC_TYPE_CONNECTION);

  /**
   * MsgpackRpcServer::client-disconnected:
   * @self: the server
   * @connection: a connection, which is not among [property@Server:connections] any more
   * @error: (nullable): what went wrong, or `NULL` if it was closed in good order
   *
   * A connection has ended. This comes once for each that [signal@Server::client-connected] was
   * emitted for, after all that the peer has sent.
   *
   * Since: 1.0
   */
  _msgpack_rpc_server_signals[SIGNAL_CLIENT_DISCONNECTED] =
      g_signal_new ("client-disconnected", MSGPACK_RPC_TYPE_SERVER, G_SIGNAL_RUN_LAST, 0, NULL,
                    NULL, NULL, G_TYPE_NONE, 2, MSGPACK_RPC_TYPE_CONNECTION, G_TYPE_ERROR);
}

static void
msgpack_rpc_server_class_init (MsgpackRpcServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GSocketListenerClass *listener_class = G_SOCKET_LISTENER_CLASS (klass);
  GSocketServiceClass *service_class = G_SOCKET_SERVICE_CLASS (klass);

  object_class->constructed = msgpack_rpc_server_constructed;
  object_class->dispose = msgpack_rpc_server_dispose;
  object_class->finalize = msgpack_rpc_server_finalize;
  object_class->get_property = msgpack_rpc_server_get_property;
  object_class->set_property = msgpack_rpc_server_set_property;
  object_class->notify = msgpack_rpc_server_notify;
  listener_class->changed = msgpack_rpc_server_changed;
  service_class->incoming = msgpack_rpc_server_incoming;

  install_properties (object_class);
  install_signals ();
}

static void
msgpack_rpc_server_init (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  g_mutex_init (&priv->lock);
  g_weak_ref_init (&priv->receiver, NULL);
  g_cond_init (&priv->drained);
  priv->unix_mode = 0600;
  priv->drain_timer.func = _msgpack_rpc_server_drain_timed_out;
  priv->drain_timer.owner = G_OBJECT (self);
  priv->drain_timer.weak = TRUE;
  priv->connections = _msgpack_rpc_object_list_new (MSGPACK_RPC_TYPE_CONNECTION);
  priv->budget = _msgpack_rpc_budget_new (DEFAULT_MAX_BUFFERED_BYTES);
  priv->places = _msgpack_rpc_places_new ();
  priv->max_handshakes = 128;
  g_queue_init (&priv->unproven);
  priv->pending = g_ptr_array_new_with_free_func (g_object_unref);
  priv->handshakes = _msgpack_rpc_server_new_handshakes ();
  priv->settings = _msgpack_rpc_settings_new ();
}

/**
 * msgpack_rpc_server_new:
 *
 * Makes a server that does not listen yet, in the thread-default context.
 *
 * Returns: (transfer full): a server
 *
 * Since: 1.0
 */
MsgpackRpcServer *
msgpack_rpc_server_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_SERVER, NULL);
}

static void
notify (MsgpackRpcServer *self,
        guint             prop)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  _msgpack_rpc_reactor_notify (priv->reactor, G_OBJECT (self), props[prop]);
}

/**
 * msgpack_rpc_server_get_main_context: (get-property main-context)
 * @self: a server
 *
 * Gets the context in which peers are accepted and served.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_server_get_main_context (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  return _msgpack_rpc_server_get_private (self)->main_context;
}

/**
 * msgpack_rpc_server_get_connections: (get-property connections)
 * @self: a server
 *
 * Gets the connections, as a list of [class@Connection], in the order in which they were accepted.
 *
 * The list is always the same object. It changes in [property@Server:main-context] only, and may be
 * read from any thread.
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
GListModel *
msgpack_rpc_server_get_connections (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  return G_LIST_MODEL (_msgpack_rpc_server_get_private (self)->connections);
}

/**
 * msgpack_rpc_server_get_dispatcher: (get-property dispatcher)
 * @self: a server
 *
 * Gets the dispatcher of the server.
 *
 * Returns: (transfer none) (nullable): the dispatcher, if there is one
 *
 * Since: 1.0
 */
MsgpackRpcDispatcher *
msgpack_rpc_server_get_dispatcher (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return priv->dispatcher;
}

/**
 * msgpack_rpc_server_set_dispatcher: (set-property dispatcher)
 * @self: a server
 * @dispatcher: (nullable): a dispatcher, or `NULL` for none
 *
 * Sets the methods that peers may call.
 *
 * Connections that have the server's former dispatcher get the new one too. A call that has begun
 * ends with the dispatcher that it began with.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_dispatcher (MsgpackRpcServer     *self,
                                   MsgpackRpcDispatcher *dispatcher)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(MsgpackRpcDispatcher) old = NULL;
  g_autoptr(GPtrArray) connections = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (dispatcher == NULL || MSGPACK_RPC_IS_DISPATCHER (dispatcher));

  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  old = priv->dispatcher;
  priv->dispatcher = dispatcher != NULL ? g_object_ref (dispatcher) : NULL;
  g_mutex_unlock (&priv->lock);
  if (old == dispatcher)
    return;

  connections = _msgpack_rpc_object_list_copy (priv->connections);
  for (guint i = 0; i < connections->len; i++)
    {
      MsgpackRpcConnection *connection = g_ptr_array_index (connections, i);

      if (msgpack_rpc_connection_get_dispatcher (connection) == old)
        msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
    }

  notify (self, PROP_DISPATCHER);
}

/**
 * msgpack_rpc_server_get_limits: (get-property limits)
 * @self: a server
 *
 * Gets what each peer may cost.
 *
 * Returns: (transfer none): the limits that later connections begin with
 * Since: 1.0
 */
MsgpackRpcLimits *
msgpack_rpc_server_get_limits (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  return _msgpack_rpc_server_get_private (self)->limits;
}

void
_msgpack_rpc_server_notify (MsgpackRpcServer *self,
                            const char       *property)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  GObjectClass *klass = G_OBJECT_GET_CLASS (self);

  _msgpack_rpc_reactor_notify (priv->reactor, G_OBJECT (self),
                               g_object_class_find_property (klass, property));
}

MsgpackRpcSettings *
_msgpack_rpc_server_get_settings (MsgpackRpcServer *self)
{
  return _msgpack_rpc_server_get_private (self)->settings;
}

void
_msgpack_rpc_server_set_setting (MsgpackRpcServer  *self,
                                 MsgpackRpcSetting  setting,
                                 int                value)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);

  _msgpack_rpc_settings_set (priv->settings, setting, value, self, priv->reactor);
}

/**
 * msgpack_rpc_server_get_buffered_bytes: (get-property buffered-bytes)
 * @self: a server
 *
 * Gets about how many bytes [property@Server:max-buffered-bytes] counts now.
 *
 * Returns: bytes
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_server_get_buffered_bytes (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  return _msgpack_rpc_budget_get_used (_msgpack_rpc_server_get_private (self)->budget);
}

/**
 * msgpack_rpc_server_get_max_buffered_bytes: (get-property max-buffered-bytes)
 * @self: a server
 *
 * Gets how many bytes all connections together may hold.
 *
 * Returns: bytes, 256 MiB by default
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_server_get_max_buffered_bytes (MsgpackRpcServer *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), 0);

  return _msgpack_rpc_budget_get_limit (_msgpack_rpc_server_get_private (self)->budget);
}

/**
 * msgpack_rpc_server_set_max_buffered_bytes: (set-property max-buffered-bytes)
 * @self: a server
 * @max_buffered_bytes: bytes, from 1
 *
 * Sets how many bytes all connections together may hold, from when one of them reads or writes
 * next.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_max_buffered_bytes (MsgpackRpcServer *self,
                                           guint64           max_buffered_bytes)
{
  MsgpackRpcServerPrivate *priv;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (max_buffered_bytes >= 1);

  priv = _msgpack_rpc_server_get_private (self);
  if (_msgpack_rpc_budget_set_limit (priv->budget, max_buffered_bytes))
    notify (self, PROP_MAX_BUFFERED_BYTES);
}
