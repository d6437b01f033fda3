/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-pending-connection-private.h"

#include "msgpack-rpc-connection-private.h"

/**
 * MsgpackRpcPendingConnection:
 *
 * A connection of which a server has not decided yet whether it lets the peer in.
 *
 * Handlers of [signal@Server::authorize] get one. What is known of the peer so far is in its
 * [property@PendingConnection:connection], as the credentials and the addresses.
 *
 * A handler that knows the answer just returns it. One that has to ask somebody else first calls
 * [method@PendingConnection.keep] and returns `TRUE`; later, somebody calls
 * [method@PendingConnection.accept] or [method@PendingConnection.reject], in any thread:
 *
 * ```c
 * static gboolean
 * authorize (MsgpackRpcServer *server, MsgpackRpcPendingConnection *pending, gpointer user_data)
 * {
 *   msgpack_rpc_pending_connection_keep (pending);
 *   look_up_async (user_data, looked_up, g_object_ref (pending));
 *   return TRUE;
 * }
 * ```
 *
 * Meanwhile the connection reads, but what the peer sends is held: it is delivered after
 * [signal@Server::client-connected], or never. The [class@Limits] of the connection hold, and
 * [property@Limits:max-pending-message-size] besides; when a few hundred messages are held, reading
 * pauses. A peer that is not let in within [property@Limits:handshake-timeout] is cut off.
 *
 * All functions may be called from any thread.
 *
 * Since: 1.0
 */

typedef enum
{
  STATE_UNDECIDED,
  STATE_ACCEPTED,
  STATE_REFUSED,
} State;

struct _MsgpackRpcPendingConnection
{
  GObject parent_instance;

  MsgpackRpcConnection *connection; /* fixed, owned */
  MsgpackRpcReactor *reactor;       /* fixed, owned */
  GWeakRef owner;                   /* who is told */
  MsgpackRpcDecidedFunc decided;    /* fixed */
  gpointer data;                    /* fixed */
  MsgpackRpcTimer timer;            /* refuses; holds a reference */

  GMutex lock;                      /* guards what follows */
  State state;
  gboolean is_asking;               /* handlers have still to be asked */
  guint n_kept;                     /* how many of them decide later */
};

enum
{
  PROP_0,
  PROP_CONNECTION,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcPendingConnection, msgpack_rpc_pending_connection, G_TYPE_OBJECT)

/* FALSE if it is too late. */
static gboolean
decide (MsgpackRpcPendingConnection *self,
        State                        state)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->state != STATE_UNDECIDED)
    return FALSE;

  self->state = state;
  return TRUE;
}

/* It is decided. */
static void
tell (MsgpackRpcPendingConnection *self)
{
  g_autoptr(GObject) owner = g_weak_ref_get (&self->owner);

  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->timer);
  if (owner != NULL)
    self->decided (owner, self, self->state == STATE_ACCEPTED, self->data);
}

gboolean
_msgpack_rpc_pending_connection_refuse (MsgpackRpcPendingConnection *self,
                                        const GError                *error)
{
  if (!decide (self, STATE_REFUSED))
    return FALSE;

  g_info ("[%" G_GUINT64_FORMAT "] turned away: %s",
          msgpack_rpc_connection_get_id (self->connection), error->message);
  _msgpack_rpc_connection_refuse (self->connection, error);
  tell (self);
  return TRUE;
}

static void
timed_out (gpointer owner)
{
  MsgpackRpcPendingConnection *self = owner;
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (self->connection);
  g_autoptr(GError) error = NULL;

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       "The peer was not let in in time (handshake-timeout is %d milliseconds)",
                       msgpack_rpc_limits_get_handshake_timeout (limits));
  _msgpack_rpc_pending_connection_refuse (self, error);
}

MsgpackRpcPendingConnection *
_msgpack_rpc_pending_connection_new (GObject               *owner,
                                     MsgpackRpcConnection  *connection,
                                     MsgpackRpcReactor     *reactor,
                                     MsgpackRpcDecidedFunc  decided,
                                     gpointer               data)
{
  MsgpackRpcPendingConnection *self = g_object_new (MSGPACK_RPC_TYPE_PENDING_CONNECTION, NULL);
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (connection);
  gint64 deadline = _msgpack_rpc_limits_get_deadline (limits, MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT);

  g_weak_ref_set (&self->owner, owner);
  self->connection = g_object_ref (connection);
  self->reactor = _msgpack_rpc_reactor_ref (reactor);
  self->decided = decided;
  self->data = data;
  self->state = STATE_UNDECIDED;
  self->is_asking = TRUE;
  if (deadline != G_MAXINT64)
    _msgpack_rpc_reactor_start_timer (reactor, &self->timer, deadline);
  return self;
}

void
_msgpack_rpc_pending_connection_asked (MsgpackRpcPendingConnection *self,
                                       gboolean                     allowed)
{
  gboolean kept, accepted;

  if (!allowed)
    {
      msgpack_rpc_pending_connection_reject (self, NULL);
      return;
    }

  g_mutex_lock (&self->lock);
  self->is_asking = FALSE;
  kept = self->state == STATE_UNDECIDED && self->n_kept > 0;
  accepted = self->state == STATE_UNDECIDED && !kept;
  if (accepted)
    self->state = STATE_ACCEPTED;
  /* With the lock held: nobody can refuse it before. */
  if (kept)
    _msgpack_rpc_connection_hold (self->connection);
  g_mutex_unlock (&self->lock);

  if (accepted)
    tell (self);
}

void
_msgpack_rpc_pending_connection_drop (MsgpackRpcPendingConnection *self)
{
  gboolean accepted;

  decide (self, STATE_REFUSED);
  g_mutex_lock (&self->lock);
  accepted = self->state == STATE_ACCEPTED;
  g_mutex_unlock (&self->lock);
  if (accepted)
    return;

  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->timer);
  _msgpack_rpc_connection_drop (self->connection);
}

static void
msgpack_rpc_pending_connection_get_property (GObject    *object,
                                             guint       prop_id,
                                             GValue     *value,
                                             GParamSpec *pspec)
{
  MsgpackRpcPendingConnection *self = MSGPACK_RPC_PENDING_CONNECTION (object);

  switch (prop_id)
    {
    case PROP_CONNECTION:
      g_value_set_object (value, self->connection);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_pending_connection_finalize (GObject *object)
{
  MsgpackRpcPendingConnection *self = MSGPACK_RPC_PENDING_CONNECTION (object);

  g_clear_object (&self->connection);
  g_clear_pointer (&self->reactor, _msgpack_rpc_reactor_unref);
  g_weak_ref_clear (&self->owner);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_pending_connection_parent_class)->finalize (object);
}

static void
msgpack_rpc_pending_connection_class_init (MsgpackRpcPendingConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_pending_connection_get_property;
  object_class->finalize = msgpack_rpc_pending_connection_finalize;

  /**
   * MsgpackRpcPendingConnection:connection: (getter get_connection)
   *
   * The connection, to look at, and to prepare: its limits, as an example, are its own.
   *
   * Since: 1.0
   */
  props[PROP_CONNECTION] =
    g_param_spec_object ("connection", NULL, NULL, MSGPACK_RPC_TYPE_CONNECTION,
                         G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_pending_connection_init (MsgpackRpcPendingConnection *self)
{
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->owner, NULL);
  /* Bindings can make one of nothing. */
  self->state = STATE_REFUSED;
  self->timer.func = timed_out;
  self->timer.owner = G_OBJECT (self);
}

/**
 * msgpack_rpc_pending_connection_get_connection: (get-property connection)
 * @self: a pending connection
 *
 * Gets the connection, to look at, and to prepare.
 *
 * Returns: (transfer none): the connection
 *
 * Since: 1.0
 */
MsgpackRpcConnection *
msgpack_rpc_pending_connection_get_connection (MsgpackRpcPendingConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_PENDING_CONNECTION (self), NULL);

  return self->connection;
}

/**
 * msgpack_rpc_pending_connection_keep:
 * @self: a pending connection
 *
 * Says that the decision comes later, by [method@PendingConnection.accept] or
 * [method@PendingConnection.reject].
 *
 * To be called by a handler of [signal@Server::authorize], which then returns `TRUE`. If several
 * handlers do so, each has to accept.
 *
 * Since: 1.0
 */
void
msgpack_rpc_pending_connection_keep (MsgpackRpcPendingConnection *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_PENDING_CONNECTION (self));

  locker = g_mutex_locker_new (&self->lock);
  self->n_kept++;
}

/**
 * msgpack_rpc_pending_connection_accept:
 * @self: a pending connection
 *
 * Lets the peer in, as far as the one who has called [method@PendingConnection.keep] is concerned.
 *
 * When all who have done so agree, and all handlers of [signal@Server::authorize] have returned
 * `TRUE`, [signal@Server::client-connected] comes in the server's context, even if the peer has gone
 * meanwhile, and then what it has sent.
 *
 * Returns: `FALSE` if it is too late: it was decided before, the time was over, or the server is
 *   gone
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_pending_connection_accept (MsgpackRpcPendingConnection *self)
{
  gboolean in_time, accepted;

  g_return_val_if_fail (MSGPACK_RPC_IS_PENDING_CONNECTION (self), FALSE);

  g_mutex_lock (&self->lock);
  in_time = self->state == STATE_UNDECIDED;
  if (in_time && self->n_kept > 0)
    self->n_kept--;
  accepted = in_time && self->n_kept == 0 && !self->is_asking;
  if (accepted)
    self->state = STATE_ACCEPTED;
  g_mutex_unlock (&self->lock);

  if (accepted)
    tell (self);
  return in_time;
}

/**
 * msgpack_rpc_pending_connection_reject:
 * @self: a pending connection
 * @reason: (nullable): what the peer is told, or `NULL` for “access denied”
 *
 * Turns the peer away, whatever others say. It is told so in an error reply of the id 0. If it takes
 * no more, it is cut off after [property@Limits:close-timeout].
 *
 * Returns: `FALSE` if it is too late, as for [method@PendingConnection.accept]
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_pending_connection_reject (MsgpackRpcPendingConnection *self,
                                       const char                  *reason)
{
  g_autoptr(GError) error = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_PENDING_CONNECTION (self), FALSE);

  error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                               reason != NULL ? reason : "access denied");
  return _msgpack_rpc_pending_connection_refuse (self, error);
}
