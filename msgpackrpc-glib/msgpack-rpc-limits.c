/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-limits-private.h"

#include "msgpack-rpc-decoder-private.h"

#define MIB (1024 * 1024)

/**
 * MsgpackRpcLimits:
 *
 * What a peer may cost: how much memory, and how much time.
 *
 * A [class@Connection], a [class@Client] and a [class@Server] each have one, their `limits`. The
 * defaults are safe for a program that faces strangers. All numbers may be changed at any time, in
 * any thread, and count from then on; one that was gone over already harms nobody until it is gone
 * over again.
 *
 * A client and its connections have the same limits. Connections of a server begin with a copy of
 * the server's, so that each can have more or less than others, as when a peer has shown who it
 * is.
 *
 * Notifications of its properties are emitted in the thread that sets them.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (MsgpackRpcLimits, msgpack_rpc_limits, G_TYPE_OBJECT)

/* The property of a limit has its number and 1. */
static GParamSpec *props[1 + MSGPACK_RPC_N_LIMITS];

static const guint defaults[MSGPACK_RPC_N_LIMITS] = {
  [MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT] = 5 * 1000,
  [MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT] = 10 * 1000,
  [MSGPACK_RPC_LIMIT_HIGH_WATER_MARK] = 1 * MIB,
  [MSGPACK_RPC_LIMIT_IDLE_TIMEOUT] = G_MAXINT,
  [MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE] = 256 * MIB,
  [MSGPACK_RPC_LIMIT_MAX_DEPTH] = MSGPACK_RPC_DEFAULT_MAX_DEPTH,
  [MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE] = 64 * MIB,
  [MSGPACK_RPC_LIMIT_MAX_NESTED_WAITS] = 64,
  [MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE] = 1 * MIB,
  [MSGPACK_RPC_LIMIT_MAX_QUEUED_BYTES] = 64 * MIB,
  [MSGPACK_RPC_LIMIT_MAX_REQUESTS_IN_FLIGHT] = 128,
  [MSGPACK_RPC_LIMIT_MAX_SUBSCRIPTIONS] = 256,
  [MSGPACK_RPC_LIMIT_MAX_UNHANDLED_BYTES] = 64 * MIB,
  [MSGPACK_RPC_LIMIT_WRITE_TIMEOUT] = 30 * 1000,
};

static void
set (MsgpackRpcLimits *self,
     MsgpackRpcLimit   limit,
     guint             value)
{
  if (g_atomic_int_exchange (&self->values[limit], (int) value) != (int) value)
    g_object_notify_by_pspec (G_OBJECT (self), props[1 + limit]);
}

gint64
_msgpack_rpc_limits_get_deadline (MsgpackRpcLimits *self,
                                  MsgpackRpcLimit   timeout)
{
  guint value = _msgpack_rpc_limits_get (self, timeout);

  if (value == G_MAXINT)
    return G_MAXINT64;

  return g_get_monotonic_time () + value * (gint64) 1000;
}

MsgpackRpcLimits *
_msgpack_rpc_limits_copy (MsgpackRpcLimits *self)
{
  MsgpackRpcLimits *copy = msgpack_rpc_limits_new ();

  for (MsgpackRpcLimit i = 0; i < MSGPACK_RPC_N_LIMITS; i++)
    copy->values[i] = _msgpack_rpc_limits_get (self, i);

  return copy;
}

static void
msgpack_rpc_limits_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec G_GNUC_UNUSED)
{
  guint number = _msgpack_rpc_limits_get (MSGPACK_RPC_LIMITS (object), prop_id - 1);
  if (G_VALUE_HOLDS_UINT64 (value))
    g_value_set_uint64 (value, number);
  else if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, number);
  else
    g_value_set_int (value, (int) number);
}

static void
msgpack_rpc_limits_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec G_GNUC_UNUSED)
{
  guint number;

  if (G_VALUE_HOLDS_UINT64 (value))
    number = (guint) g_value_get_uint64 (value);
  else if (G_VALUE_HOLDS_UINT (value))
    number = g_value_get_uint (value);
  else
    number = (guint) g_value_get_int (value);
  set (MSGPACK_RPC_LIMITS (object), prop_id - 1, number);
}

static void
msgpack_rpc_limits_class_init (MsgpackRpcLimitsClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_limits_get_property;
  object_class->set_property = msgpack_rpc_limits_set_property;

  /**
   * MsgpackRpcLimits:close-timeout: (getter get_close_timeout) (setter set_close_timeout)
   *
   * The milliseconds that closing in good order may take: what is queued is written meanwhile.
   *
   * When it is over, the connection closes at once, its [signal@Connection::closed] has
   * `G_IO_ERROR_TIMED_OUT`, and hands back what was not written.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT] =
    g_param_spec_int ("close-timeout", NULL, NULL, 0, G_MAXINT, 5 * 1000, flags);

  /**
   * MsgpackRpcLimits:handshake-timeout: (getter get_handshake_timeout) (setter set_handshake_timeout)
   *
   * The milliseconds that a peer of a server may wait to be let in, where
   * [signal@Server::authorize] has left that for later, and the milliseconds that a TLS handshake
   * may take.
   *
   * When they are over, the connection ends with `G_IO_ERROR_TIMED_OUT`.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT] =
    g_param_spec_int ("handshake-timeout", NULL, NULL, 1, G_MAXINT, 10 * 1000, flags);

  /**
   * MsgpackRpcLimits:high-water-mark: (getter get_high_water_mark) (setter set_high_water_mark)
   *
   * The bytes that may wait to be written before [property@Connection:is-congested] says so; it
   * says so until half of them are left.
   *
   * It is no limit: whoever sends a lot stops by it, and goes on by it.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_HIGH_WATER_MARK] =
    g_param_spec_uint64 ("high-water-mark", NULL, NULL, 0, G_MAXUINT32, 1 * MIB, flags);

  /**
   * MsgpackRpcLimits:idle-timeout: (getter get_idle_timeout) (setter set_idle_timeout)
   *
   * The milliseconds for which a connection may do nothing; `G_MAXINT` for no limit.
   *
   * Nothing is: not a byte is sent or received, no call waits for its reply and no request for its
   * answer, nothing waits to be written or handled, and reading is not paused. A message that comes
   * byte by byte is something. The connection then ends with `G_IO_ERROR_TIMED_OUT`, and the peer is told
   * why; that may take up to half as long again. On a connection that lives, a change counts when it
   * has something to do next.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_IDLE_TIMEOUT] =
    g_param_spec_int ("idle-timeout", NULL, NULL, 1, G_MAXINT, G_MAXINT, flags);

  /**
   * MsgpackRpcLimits:max-decoded-size: (getter get_max_decoded_size) (setter set_max_decoded_size)
   *
   * The bytes that a message may take up decoded; the most is 4 GiB − 1.
   *
   * One that goes over ends the connection with [error@Error.TOO_LARGE], before memory is taken
   * for it.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE] =
    g_param_spec_uint64 ("max-decoded-size", NULL, NULL, 1, G_MAXUINT32, 256 * MIB, flags);

  /**
   * MsgpackRpcLimits:max-depth: (getter get_max_depth) (setter set_max_depth)
   *
   * How deep arrays and maps may be nested in a message, the message itself included.
   *
   * One that goes over ends the connection with [error@Error.TOO_DEEP].
   *
   * As this is what most peers take, what is sent goes no deeper, either, than that, or than 32 if
   * that is more: a call or a notification that does fails with [error@Error.TOO_DEEP], and an answer
   * becomes an error that says so.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_DEPTH] =
    g_param_spec_uint ("max-depth", NULL, NULL, 1, MSGPACK_RPC_LIMIT_DEPTH,
                       MSGPACK_RPC_DEFAULT_MAX_DEPTH, flags);

  /**
   * MsgpackRpcLimits:max-message-size: (getter get_max_message_size) (setter set_max_message_size)
   *
   * The bytes that a message may have on the wire; the most is 4 GiB − 1.
   *
   * One that goes over ends the connection with [error@Error.TOO_LARGE], before memory is taken
   * for it.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE] =
    g_param_spec_uint64 ("max-message-size", NULL, NULL, 1, G_MAXUINT32, 64 * MIB, flags);

  /**
   * MsgpackRpcLimits:max-nested-waits: (getter get_max_nested_waits) (setter set_max_nested_waits)
   *
   * How many requests and notifications may be handled within one another, each while its handler, or
   * whoever called first, waits for a call that [serves][property@Call:serves-while-waiting].
   *
   * A wait that is deeper serves nothing: requests that come then are answered with
   * [error@Error.BUSY], since the peer may wait for them before it answers, and all else is delivered
   * later. All connections of a main context count together.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_NESTED_WAITS] =
    g_param_spec_uint ("max-nested-waits", NULL, NULL, 1, 1000, 64, flags);

  /**
   * MsgpackRpcLimits:max-pending-message-size: (getter get_max_pending_message_size) (setter set_max_pending_message_size)
   *
   * The bytes that a message may have on the wire as long as a server has not let the peer in; the
   * most is 4 GiB − 1. If [property@Limits:max-message-size] is less, that counts.
   *
   * One that goes over ends the connection with [error@Error.TOO_LARGE].
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE] =
    g_param_spec_uint64 ("max-pending-message-size", NULL, NULL, 1, G_MAXUINT32, 1 * MIB, flags);

  /**
   * MsgpackRpcLimits:max-queued-bytes: (getter get_max_queued_bytes) (setter set_max_queued_bytes)
   *
   * The bytes that may wait to be written, each message counted with 384 bytes besides its own;
   * the most is 4 GiB − 1.
   *
   * What does not fit is not queued: it fails with [error@Error.QUEUE_FULL]. If that is the answer
   * of a request, which the peer would wait for in vain, the connection ends with that error.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_QUEUED_BYTES] =
    g_param_spec_uint64 ("max-queued-bytes", NULL, NULL, 1, G_MAXUINT32, 64 * MIB, flags);

  /**
   * MsgpackRpcLimits:max-requests-in-flight:
   *
   * How many requests of the peer may wait for their answer.
   *
   * When there are as many, reading pauses until no more than half of them wait. While a call of
   * this end waits for its reply, reading goes on, and further requests are answered with
   * [error@Error.BUSY].
   *
   * Nothing that the peer sends is seen while reading pauses: also not that it gives a request up.
   * Where that must be heard, the limit has to be higher than what a peer asks at a time. That the
   * peer has gone ends the connection as ever, if the system tells; over TCP it does so at the next
   * message that is sent, at the latest.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_REQUESTS_IN_FLIGHT] =
    g_param_spec_uint ("max-requests-in-flight", NULL, NULL, 1, G_MAXINT, 128, flags);

  /**
   * MsgpackRpcLimits:max-subscriptions: (getter get_max_subscriptions) (setter set_max_subscriptions)
   *
   * How many topics the peer may have subscribed to at a time; see [class@Topic].
   *
   * When there are as many, subscribing to another one is answered with [error@Error.BUSY].
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_SUBSCRIPTIONS] =
    g_param_spec_uint ("max-subscriptions", NULL, NULL, 0, G_MAXINT, 256, flags);

  /**
   * MsgpackRpcLimits:max-unhandled-bytes:
   *
   * The bytes of messages that have come and wait for the main context, each counted with 1 KiB
   * besides its own; the most is 4 GiB − 1.
   *
   * Reading pauses when there are a quarter as many, or 256 messages. It goes on while a call of
   * this end waits for its reply, since that may come next; going over the limit then ends the
   * connection with [error@Error.TOO_LARGE].
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_MAX_UNHANDLED_BYTES] =
    g_param_spec_uint64 ("max-unhandled-bytes", NULL, NULL, 1, G_MAXUINT32, 64 * MIB, flags);

  /**
   * MsgpackRpcLimits:write-timeout: (getter get_write_timeout) (setter set_write_timeout)
   *
   * The milliseconds for which a peer may take nothing of what waits for it.
   *
   * One that takes longer ends the connection with `G_IO_ERROR_TIMED_OUT`. Each byte that it takes
   * starts the time anew: what goes on, however slowly, is not limited by this.
   *
   * Since: 1.0
   */
  props[1 + MSGPACK_RPC_LIMIT_WRITE_TIMEOUT] =
    g_param_spec_int ("write-timeout", NULL, NULL, 1, G_MAXINT, 30 * 1000, flags);

  g_object_class_install_properties (object_class, G_N_ELEMENTS (props), props);
}

static void
msgpack_rpc_limits_init (MsgpackRpcLimits *self)
{
  for (MsgpackRpcLimit i = 0; i < MSGPACK_RPC_N_LIMITS; i++)
    self->values[i] = defaults[i];
}

/**
 * msgpack_rpc_limits_new:
 *
 * Creates limits with the defaults.
 *
 * Returns: (transfer full): new limits
 * Since: 1.0
 */
MsgpackRpcLimits *
msgpack_rpc_limits_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_LIMITS, NULL);
}

/**
 * msgpack_rpc_limits_get_close_timeout: (get-property close-timeout)
 * @self: limits
 *
 * Gets how long an orderly close may take.
 *
 * Returns: milliseconds; `G_MAXINT` for no limit
 * Since: 1.0
 */
int
msgpack_rpc_limits_get_close_timeout (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return (int) _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT);
}

/**
 * msgpack_rpc_limits_set_close_timeout: (set-property close-timeout)
 * @self: limits
 * @close_timeout: milliseconds; `G_MAXINT` for no limit
 *
 * Sets how long an orderly close may take.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_close_timeout (MsgpackRpcLimits *self,
                                      int              close_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (close_timeout >= 0);

  set (self, MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT, (guint) close_timeout);
}

/**
 * msgpack_rpc_limits_get_handshake_timeout: (get-property handshake-timeout)
 * @self: limits
 *
 * Gets how long a peer may wait to be let in, and a TLS handshake may take.
 *
 * Returns: milliseconds, from 1; `G_MAXINT` for no limit
 * Since: 1.0
 */
int
msgpack_rpc_limits_get_handshake_timeout (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return (int) _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT);
}

/**
 * msgpack_rpc_limits_set_handshake_timeout: (set-property handshake-timeout)
 * @self: limits
 * @handshake_timeout: milliseconds, from 1; `G_MAXINT` for no limit
 *
 * Sets how long a peer may wait to be let in, and a TLS handshake may take.
 *
 * It counts for what begins later.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_handshake_timeout (MsgpackRpcLimits *self,
                                          int              handshake_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (handshake_timeout >= 1);

  set (self, MSGPACK_RPC_LIMIT_HANDSHAKE_TIMEOUT, (guint) handshake_timeout);
}

/**
 * msgpack_rpc_limits_get_high_water_mark: (get-property high-water-mark)
 * @self: limits
 *
 * Gets from how many queued bytes on a connection is congested.
 *
 * Returns: bytes
 * Since: 1.0
 */
guint64
msgpack_rpc_limits_get_high_water_mark (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_HIGH_WATER_MARK);
}

/**
 * msgpack_rpc_limits_set_high_water_mark: (set-property high-water-mark)
 * @self: limits
 * @high_water_mark: bytes, up to `G_MAXUINT32`
 *
 * Sets from how many queued bytes on a connection is congested.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_high_water_mark (MsgpackRpcLimits *self,
                                        guint64          high_water_mark)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (high_water_mark <= G_MAXUINT32);

  set (self, MSGPACK_RPC_LIMIT_HIGH_WATER_MARK, (guint) high_water_mark);
}

/**
 * msgpack_rpc_limits_get_idle_timeout: (get-property idle-timeout)
 * @self: limits
 *
 * Gets for how long a connection may do nothing.
 *
 * Returns: milliseconds, from 1; `G_MAXINT` for no limit
 * Since: 1.0
 */
int
msgpack_rpc_limits_get_idle_timeout (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return (int) _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_IDLE_TIMEOUT);
}

/**
 * msgpack_rpc_limits_set_idle_timeout: (set-property idle-timeout)
 * @self: limits
 * @idle_timeout: milliseconds, from 1; `G_MAXINT` for no limit
 *
 * Sets for how long a connection may do nothing.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_idle_timeout (MsgpackRpcLimits *self,
                                     int              idle_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (idle_timeout >= 1);

  set (self, MSGPACK_RPC_LIMIT_IDLE_TIMEOUT, (guint) idle_timeout);
}

/**
 * msgpack_rpc_limits_get_max_decoded_size: (get-property max-decoded-size)
 * @self: limits
 *
 * Gets how many bytes a message may take up decoded.
 *
 * Returns: bytes, from 1 to 4 GiB − 1
 * Since: 1.0
 */
guint64
msgpack_rpc_limits_get_max_decoded_size (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE);
}

/**
 * msgpack_rpc_limits_set_max_decoded_size: (set-property max-decoded-size)
 * @self: limits
 * @max_decoded_size: bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes a message may take up decoded.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_decoded_size (MsgpackRpcLimits *self,
                                         guint64          max_decoded_size)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_decoded_size >= 1 && max_decoded_size <= G_MAXUINT32);

  set (self, MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE, (guint) max_decoded_size);
}

/**
 * msgpack_rpc_limits_get_max_depth: (get-property max-depth)
 * @self: limits
 *
 * Gets how deep arrays and maps may be nested.
 *
 * Returns: a number from 1 to 40
 * Since: 1.0
 */
guint
msgpack_rpc_limits_get_max_depth (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_DEPTH);
}

/**
 * msgpack_rpc_limits_set_max_depth: (set-property max-depth)
 * @self: limits
 * @max_depth: a number from 1 to 40
 *
 * Sets how deep arrays and maps may be nested.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_depth (MsgpackRpcLimits *self,
                                  guint            max_depth)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_depth >= 1 && max_depth <= MSGPACK_RPC_LIMIT_DEPTH);

  set (self, MSGPACK_RPC_LIMIT_MAX_DEPTH, max_depth);
}

/**
 * msgpack_rpc_limits_get_max_message_size: (get-property max-message-size)
 * @self: limits
 *
 * Gets how many bytes a message may have on the wire.
 *
 * Returns: bytes, from 1 to 4 GiB − 1
 * Since: 1.0
 */
guint64
msgpack_rpc_limits_get_max_message_size (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE);
}

/**
 * msgpack_rpc_limits_set_max_message_size: (set-property max-message-size)
 * @self: limits
 * @max_message_size: bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes a message may have on the wire.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_message_size (MsgpackRpcLimits *self,
                                         guint64          max_message_size)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_message_size >= 1 && max_message_size <= G_MAXUINT32);

  set (self, MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE, (guint) max_message_size);
}

/**
 * msgpack_rpc_limits_get_max_nested_waits: (get-property max-nested-waits)
 * @self: limits
 *
 * Gets how many requests and notifications may be handled within one another.
 *
 * Returns: a number from 1 to 1000
 * Since: 1.0
 */
guint
msgpack_rpc_limits_get_max_nested_waits (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_NESTED_WAITS);
}

/**
 * msgpack_rpc_limits_set_max_nested_waits: (set-property max-nested-waits)
 * @self: limits
 * @max_nested_waits: a number from 1 to 1000
 *
 * Sets how many requests and notifications may be handled within one another.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_nested_waits (MsgpackRpcLimits *self,
                                         guint             max_nested_waits)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_nested_waits >= 1 && max_nested_waits <= 1000);

  set (self, MSGPACK_RPC_LIMIT_MAX_NESTED_WAITS, max_nested_waits);
}

/**
 * msgpack_rpc_limits_get_max_pending_message_size: (get-property max-pending-message-size)
 * @self: limits
 *
 * Gets how many bytes a message may have before a server has let the peer in.
 *
 * Returns: bytes, from 1 to 4 GiB − 1
 * Since: 1.0
 */
guint64
msgpack_rpc_limits_get_max_pending_message_size (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE);
}

/**
 * msgpack_rpc_limits_set_max_pending_message_size: (set-property max-pending-message-size)
 * @self: limits
 * @max_pending_message_size: bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes a message may have before a server has let the peer in.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_pending_message_size (MsgpackRpcLimits *self,
                                                 guint64          max_pending_message_size)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_pending_message_size >= 1 && max_pending_message_size <= G_MAXUINT32);

  set (self, MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE, (guint) max_pending_message_size);
}

/**
 * msgpack_rpc_limits_get_max_queued_bytes: (get-property max-queued-bytes)
 * @self: limits
 *
 * Gets how many bytes may wait to be written.
 *
 * Returns: bytes, from 1 to 4 GiB − 1
 * Since: 1.0
 */
guint64
msgpack_rpc_limits_get_max_queued_bytes (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_QUEUED_BYTES);
}

/**
 * msgpack_rpc_limits_set_max_queued_bytes: (set-property max-queued-bytes)
 * @self: limits
 * @max_queued_bytes: bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes may wait to be written.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_queued_bytes (MsgpackRpcLimits *self,
                                         guint64          max_queued_bytes)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_queued_bytes >= 1 && max_queued_bytes <= G_MAXUINT32);

  set (self, MSGPACK_RPC_LIMIT_MAX_QUEUED_BYTES, (guint) max_queued_bytes);
}

/**
 * msgpack_rpc_limits_get_max_requests_in_flight: (get-property max-requests-in-flight)
 * @self: limits
 *
 * Gets how many requests of the peer may wait for their answer.
 *
 * Returns: a number from 1
 * Since: 1.0
 */
guint
msgpack_rpc_limits_get_max_requests_in_flight (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_REQUESTS_IN_FLIGHT);
}

/**
 * msgpack_rpc_limits_set_max_requests_in_flight: (set-property max-requests-in-flight)
 * @self: limits
 * @max_requests_in_flight: a number from 1
 *
 * Sets how many requests of the peer may wait for their answer.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_requests_in_flight (MsgpackRpcLimits *self,
                                               guint            max_requests_in_flight)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_requests_in_flight >= 1 && max_requests_in_flight <= G_MAXINT);

  set (self, MSGPACK_RPC_LIMIT_MAX_REQUESTS_IN_FLIGHT, max_requests_in_flight);
}

/**
 * msgpack_rpc_limits_get_max_subscriptions: (get-property max-subscriptions)
 * @self: limits
 *
 * Gets how many topics the peer may have subscribed to at a time.
 *
 * Returns: a number
 * Since: 1.0
 */
guint
msgpack_rpc_limits_get_max_subscriptions (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_SUBSCRIPTIONS);
}

/**
 * msgpack_rpc_limits_set_max_subscriptions: (set-property max-subscriptions)
 * @self: limits
 * @max_subscriptions: a number
 *
 * Sets how many topics the peer may have subscribed to at a time.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_subscriptions (MsgpackRpcLimits *self,
                                          guint             max_subscriptions)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_subscriptions <= G_MAXINT);

  set (self, MSGPACK_RPC_LIMIT_MAX_SUBSCRIPTIONS, max_subscriptions);
}

/**
 * msgpack_rpc_limits_get_max_unhandled_bytes: (get-property max-unhandled-bytes)
 * @self: limits
 *
 * Gets how many bytes of messages may wait to be handled.
 *
 * Returns: bytes, from 1 to 4 GiB − 1
 * Since: 1.0
 */
guint64
msgpack_rpc_limits_get_max_unhandled_bytes (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_MAX_UNHANDLED_BYTES);
}

/**
 * msgpack_rpc_limits_set_max_unhandled_bytes: (set-property max-unhandled-bytes)
 * @self: limits
 * @max_unhandled_bytes: bytes, from 1 to 4 GiB − 1
 *
 * Sets how many bytes of messages may wait to be handled.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_max_unhandled_bytes (MsgpackRpcLimits *self,
                                            guint64          max_unhandled_bytes)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (max_unhandled_bytes >= 1 && max_unhandled_bytes <= G_MAXUINT32);

  set (self, MSGPACK_RPC_LIMIT_MAX_UNHANDLED_BYTES, (guint) max_unhandled_bytes);
}

/**
 * msgpack_rpc_limits_get_write_timeout: (get-property write-timeout)
 * @self: limits
 *
 * Gets how long a peer may take nothing of what waits for it.
 *
 * Returns: milliseconds, from 1; `G_MAXINT` for no limit
 * Since: 1.0
 */
int
msgpack_rpc_limits_get_write_timeout (MsgpackRpcLimits *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LIMITS (self), 0);

  return (int) _msgpack_rpc_limits_get (self, MSGPACK_RPC_LIMIT_WRITE_TIMEOUT);
}

/**
 * msgpack_rpc_limits_set_write_timeout: (set-property write-timeout)
 * @self: limits
 * @write_timeout: milliseconds, from 1; `G_MAXINT` for no limit
 *
 * Sets how long a peer may take nothing of what waits for it.
 *
 * Since: 1.0
 */
void
msgpack_rpc_limits_set_write_timeout (MsgpackRpcLimits *self,
                                      int              write_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_LIMITS (self));
  g_return_if_fail (write_timeout >= 1);

  set (self, MSGPACK_RPC_LIMIT_WRITE_TIMEOUT, (guint) write_timeout);
}
