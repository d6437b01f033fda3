/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-reconnect-policy-private.h"

#include <float.h>
#include <math.h>

/* In milliseconds. */
#define DEFAULT_INITIAL_DELAY 200
#define DEFAULT_MAX_DELAY (30 * 1000)
#define DEFAULT_FACTOR 2.0
#define DEFAULT_JITTER 0.5
#define MAX_FACTOR 1000.0

/**
 * MsgpackRpcReconnectPolicy:
 *
 * When a client connects again by itself, and how often it tries.
 *
 * Given to a client as its [property@Client:reconnect-policy], it counts from the first time that
 * the client is opened: an attempt that fails is followed by another one, and so is a connection
 * that was lost, whoever ended it; until the client is closed.
 *
 * The first delay is [property@ReconnectPolicy:initial-delay], and each further one
 * [property@ReconnectPolicy:factor] times as long as the one before, up to
 * [property@ReconnectPolicy:max-delay]. Then chance makes it shorter by up to
 * [property@ReconnectPolicy:jitter] of it, so that many clients of a server that has been restarted
 * do not all come at the same moment. The delays begin anew once a connection has lasted longer
 * than the delay before it.
 *
 * ```c
 * g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();
 *
 * msgpack_rpc_reconnect_policy_set_max_delay (policy, 5000);
 * msgpack_rpc_client_set_reconnect_policy (client, policy);
 * ```
 *
 * Several clients may share one. All properties may be set at any time, in any thread, and count
 * from the next delay on; notifications of them are emitted in the thread that sets them.
 *
 * Since: 1.0
 */
struct _MsgpackRpcReconnectPolicy
{
  GObject parent_instance;

  GMutex lock;          /* guards all below */
  int initial_delay;    /* milliseconds */
  int max_delay;        /* milliseconds */
  double factor;
  double jitter;
  guint max_attempts;   /* 0: no limit */
};

enum
{
  PROP_0,
  PROP_FACTOR,
  PROP_INITIAL_DELAY,
  PROP_JITTER,
  PROP_MAX_ATTEMPTS,
  PROP_MAX_DELAY,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcReconnectPolicy, msgpack_rpc_reconnect_policy, G_TYPE_OBJECT)

int
_msgpack_rpc_reconnect_policy_choose_delay (MsgpackRpcReconnectPolicy *self,
                                            guint                      n_delays)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  double delay;

  /* Infinity is greater than any limit. */
  delay = fmin (self->initial_delay * pow (self->factor, n_delays), self->max_delay);
  delay -= delay * self->jitter * g_random_double ();
  return (int) ceil (delay);
}

static void
msgpack_rpc_reconnect_policy_get_property (GObject    *object,
                                           guint       prop_id,
                                           GValue     *value,
                                           GParamSpec *pspec)
{
  MsgpackRpcReconnectPolicy *self = MSGPACK_RPC_RECONNECT_POLICY (object);

  switch (prop_id)
    {
    case PROP_FACTOR:
      g_value_set_double (value, msgpack_rpc_reconnect_policy_get_factor (self));
      break;
    case PROP_INITIAL_DELAY:
      g_value_set_int (value, msgpack_rpc_reconnect_policy_get_initial_delay (self));
      break;
    case PROP_JITTER:
      g_value_set_double (value, msgpack_rpc_reconnect_policy_get_jitter (self));
      break;
    case PROP_MAX_ATTEMPTS:
      g_value_set_uint (value, msgpack_rpc_reconnect_policy_get_max_attempts (self));
      break;
    case PROP_MAX_DELAY:
      g_value_set_int (value, msgpack_rpc_reconnect_policy_get_max_delay (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_reconnect_policy_set_property (GObject      *object,
                                           guint         prop_id,
                                           const GValue *value,
                                           GParamSpec   *pspec)
{
  MsgpackRpcReconnectPolicy *self = MSGPACK_RPC_RECONNECT_POLICY (object);

  switch (prop_id)
    {
    case PROP_FACTOR:
      msgpack_rpc_reconnect_policy_set_factor (self, g_value_get_double (value));
      break;
    case PROP_INITIAL_DELAY:
      msgpack_rpc_reconnect_policy_set_initial_delay (self, g_value_get_int (value));
      break;
    case PROP_JITTER:
      msgpack_rpc_reconnect_policy_set_jitter (self, g_value_get_double (value));
      break;
    case PROP_MAX_ATTEMPTS:
      msgpack_rpc_reconnect_policy_set_max_attempts (self, g_value_get_uint (value));
      break;
    case PROP_MAX_DELAY:
      msgpack_rpc_reconnect_policy_set_max_delay (self, g_value_get_int (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_reconnect_policy_finalize (GObject *object)
{
  g_mutex_clear (&MSGPACK_RPC_RECONNECT_POLICY (object)->lock);

  G_OBJECT_CLASS (msgpack_rpc_reconnect_policy_parent_class)->finalize (object);
}

static void
msgpack_rpc_reconnect_policy_class_init (MsgpackRpcReconnectPolicyClass *klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = msgpack_rpc_reconnect_policy_get_property;
  object_class->set_property = msgpack_rpc_reconnect_policy_set_property;
  object_class->finalize = msgpack_rpc_reconnect_policy_finalize;

  /**
   * MsgpackRpcReconnectPolicy:factor: (getter get_factor) (setter set_factor)
   *
   * How many times as long as the one before each delay is, from 1 to 1,000.
   *
   * Since: 1.0
   */
  props[PROP_FACTOR] =
    g_param_spec_double ("factor", NULL, NULL, 1, MAX_FACTOR, DEFAULT_FACTOR, flags);

  /**
   * MsgpackRpcReconnectPolicy:initial-delay: (getter get_initial_delay) (setter set_initial_delay)
   *
   * The milliseconds between the loss of a connection, or the first attempt that failed, and the
   * next attempt; from 1.
   *
   * Since: 1.0
   */
  props[PROP_INITIAL_DELAY] =
    g_param_spec_int ("initial-delay", NULL, NULL, 1, G_MAXINT, DEFAULT_INITIAL_DELAY, flags);

  /**
   * MsgpackRpcReconnectPolicy:jitter: (getter get_jitter) (setter set_jitter)
   *
   * Which part of each delay is left to chance, from 0 for none to 1 for all of it.
   *
   * Since: 1.0
   */
  props[PROP_JITTER] =
    g_param_spec_double ("jitter", NULL, NULL, 0, 1, DEFAULT_JITTER, flags);

  /**
   * MsgpackRpcReconnectPolicy:max-attempts: (getter get_max_attempts) (setter set_max_attempts)
   *
   * How many attempts in a row may fail before the client gives up; 0 for no limit.
   *
   * A client that has given up is as one that was never connected: it must be opened again.
   *
   * Since: 1.0
   */
  props[PROP_MAX_ATTEMPTS] =
    g_param_spec_uint ("max-attempts", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * MsgpackRpcReconnectPolicy:max-delay: (getter get_max_delay) (setter set_max_delay)
   *
   * The milliseconds that no delay is longer than, also if
   * [property@ReconnectPolicy:initial-delay] is; from 1.
   *
   * Since: 1.0
   */
  props[PROP_MAX_DELAY] =
    g_param_spec_int ("max-delay", NULL, NULL, 1, G_MAXINT, DEFAULT_MAX_DELAY, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_reconnect_policy_init (MsgpackRpcReconnectPolicy *self)
{
  g_mutex_init (&self->lock);
  self->initial_delay = DEFAULT_INITIAL_DELAY;
  self->max_delay = DEFAULT_MAX_DELAY;
  self->factor = DEFAULT_FACTOR;
  self->jitter = DEFAULT_JITTER;
}

/**
 * msgpack_rpc_reconnect_policy_new:
 *
 * Creates a policy: a first delay of 200 milliseconds, each further one twice as long, 30 seconds
 * at most, half of each left to chance, and no limit of attempts.
 *
 * Returns: (transfer full): a new policy
 * Since: 1.0
 */
MsgpackRpcReconnectPolicy *
msgpack_rpc_reconnect_policy_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_RECONNECT_POLICY, NULL);
}

/**
 * msgpack_rpc_reconnect_policy_get_factor: (get-property factor)
 * @self: a policy
 *
 * Gets how many times as long as the one before each delay is.
 *
 * Returns: a number from 1 to 1,000
 * Since: 1.0
 */
double
msgpack_rpc_reconnect_policy_get_factor (MsgpackRpcReconnectPolicy *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->factor;
}

/**
 * msgpack_rpc_reconnect_policy_set_factor: (set-property factor)
 * @self: a policy
 * @factor: a number from 1 to 1,000
 *
 * Sets how many times as long as the one before each delay is.
 *
 * Since: 1.0
 */
void
msgpack_rpc_reconnect_policy_set_factor (MsgpackRpcReconnectPolicy *self,
                                         double                     factor)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self));
  g_return_if_fail (factor >= 1 && factor <= MAX_FACTOR);

  g_mutex_lock (&self->lock);
  changed = !G_APPROX_VALUE (self->factor, factor, DBL_EPSILON);
  self->factor = factor;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_FACTOR]);
}

/**
 * msgpack_rpc_reconnect_policy_get_initial_delay: (get-property initial-delay)
 * @self: a policy
 *
 * Gets how long the first delay is.
 *
 * Returns: milliseconds, from 1
 * Since: 1.0
 */
int
msgpack_rpc_reconnect_policy_get_initial_delay (MsgpackRpcReconnectPolicy *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->initial_delay;
}

/**
 * msgpack_rpc_reconnect_policy_set_initial_delay: (set-property initial-delay)
 * @self: a policy
 * @initial_delay: milliseconds, from 1
 *
 * Sets how long the first delay is.
 *
 * Since: 1.0
 */
void
msgpack_rpc_reconnect_policy_set_initial_delay (MsgpackRpcReconnectPolicy *self,
                                                int                        initial_delay)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self));
  g_return_if_fail (initial_delay >= 1);

  g_mutex_lock (&self->lock);
  changed = self->initial_delay != initial_delay;
  self->initial_delay = initial_delay;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_INITIAL_DELAY]);
}

/**
 * msgpack_rpc_reconnect_policy_get_jitter: (get-property jitter)
 * @self: a policy
 *
 * Gets which part of each delay is left to chance.
 *
 * Returns: a number from 0 to 1
 * Since: 1.0
 */
double
msgpack_rpc_reconnect_policy_get_jitter (MsgpackRpcReconnectPolicy *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->jitter;
}

/**
 * msgpack_rpc_reconnect_policy_set_jitter: (set-property jitter)
 * @self: a policy
 * @jitter: a number from 0 to 1
 *
 * Sets which part of each delay is left to chance.
 *
 * Since: 1.0
 */
void
msgpack_rpc_reconnect_policy_set_jitter (MsgpackRpcReconnectPolicy *self,
                                         double                     jitter)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self));
  g_return_if_fail (jitter >= 0 && jitter <= 1);

  g_mutex_lock (&self->lock);
  changed = !G_APPROX_VALUE (self->jitter, jitter, DBL_EPSILON);
  self->jitter = jitter;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_JITTER]);
}

/**
 * msgpack_rpc_reconnect_policy_get_max_attempts: (get-property max-attempts)
 * @self: a policy
 *
 * Gets how many attempts in a row may fail.
 *
 * Returns: a number; 0 for no limit
 * Since: 1.0
 */
guint
msgpack_rpc_reconnect_policy_get_max_attempts (MsgpackRpcReconnectPolicy *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->max_attempts;
}

/**
 * msgpack_rpc_reconnect_policy_set_max_attempts: (set-property max-attempts)
 * @self: a policy
 * @max_attempts: a number; 0 for no limit
 *
 * Sets how many attempts in a row may fail.
 *
 * Since: 1.0
 */
void
msgpack_rpc_reconnect_policy_set_max_attempts (MsgpackRpcReconnectPolicy *self,
                                               guint                      max_attempts)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self));

  g_mutex_lock (&self->lock);
  changed = self->max_attempts != max_attempts;
  self->max_attempts = max_attempts;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_ATTEMPTS]);
}

/**
 * msgpack_rpc_reconnect_policy_get_max_delay: (get-property max-delay)
 * @self: a policy
 *
 * Gets how long the longest delay is.
 *
 * Returns: milliseconds, from 1
 * Since: 1.0
 */
int
msgpack_rpc_reconnect_policy_get_max_delay (MsgpackRpcReconnectPolicy *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->max_delay;
}

/**
 * msgpack_rpc_reconnect_policy_set_max_delay: (set-property max-delay)
 * @self: a policy
 * @max_delay: milliseconds, from 1
 *
 * Sets how long the longest delay is.
 *
 * Since: 1.0
 */
void
msgpack_rpc_reconnect_policy_set_max_delay (MsgpackRpcReconnectPolicy *self,
                                            int                        max_delay)
{
  gboolean changed;

  g_return_if_fail (MSGPACK_RPC_IS_RECONNECT_POLICY (self));
  g_return_if_fail (max_delay >= 1);

  g_mutex_lock (&self->lock);
  changed = self->max_delay != max_delay;
  self->max_delay = max_delay;
  g_mutex_unlock (&self->lock);

  if (changed)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_DELAY]);
}
