/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-worker-pool-private.h"

/* The settings of a dispatcher's workers. */

#define MAX_WORKERS 256

#define default_of(SETTING) \
  _msgpack_rpc_worker_setting_get_default (MSGPACK_RPC_WORKER_SETTING_##SETTING)

/* The first ones are the settings in their order; worker-argv is the last. */
#define PROP_ARGV MSGPACK_RPC_N_WORKER_SETTINGS
#define N_PROPS (MSGPACK_RPC_N_WORKER_SETTINGS + 1)

static GParamSpec *props[N_PROPS];

MsgpackRpcWorkerPool *
_msgpack_rpc_dispatcher_get_workers (MsgpackRpcDispatcher *self)
{
  MsgpackRpcWorkerPool *pool = g_atomic_pointer_get (&self->workers);

  if (pool != NULL)
    return pool;

  pool = _msgpack_rpc_worker_pool_new ();
  if (!g_atomic_pointer_compare_and_exchange (&self->workers, NULL, pool))
    _msgpack_rpc_worker_pool_close (pool);
  return g_atomic_pointer_get (&self->workers);
}

static gint64
get_setting (MsgpackRpcDispatcher    *self,
             MsgpackRpcWorkerSetting  setting)
{
  MsgpackRpcWorkerPool *pool = g_atomic_pointer_get (&self->workers);

  return pool != NULL ? _msgpack_rpc_worker_pool_get (pool, setting)
                      : _msgpack_rpc_worker_setting_get_default (setting);
}

static void
set_setting (MsgpackRpcDispatcher    *self,
             MsgpackRpcWorkerSetting  setting,
             gint64                   value)
{
  if (_msgpack_rpc_worker_pool_set (_msgpack_rpc_dispatcher_get_workers (self), setting, value))
    g_object_notify_by_pspec (G_OBJECT (self), props[setting]);
}

/* ---- properties ---- */

gboolean
_msgpack_rpc_dispatcher_get_worker_property (MsgpackRpcDispatcher *self,
                                             guint                 prop_id,
                                             GValue               *value)
{
  guint which = prop_id - MSGPACK_RPC_DISPATCHER_FIRST_WORKER_PROP;

  if (which >= N_PROPS)
    return FALSE;

  if (which == PROP_ARGV)
    g_value_take_boxed (value, msgpack_rpc_dispatcher_get_worker_argv (self));
  else if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, (guint) get_setting (self, which));
  else if (G_VALUE_HOLDS_UINT64 (value))
    g_value_set_uint64 (value, (guint64) get_setting (self, which));
  else
    g_value_set_int (value, (int) get_setting (self, which));
  return TRUE;
}

gboolean
_msgpack_rpc_dispatcher_set_worker_property (MsgpackRpcDispatcher *self,
                                             guint                 prop_id,
                                             const GValue         *value)
{
  guint which = prop_id - MSGPACK_RPC_DISPATCHER_FIRST_WORKER_PROP;

  if (which >= N_PROPS)
    return FALSE;

  if (which == PROP_ARGV)
    msgpack_rpc_dispatcher_set_worker_argv (self, g_value_get_boxed (value));
  else if (G_VALUE_HOLDS_UINT (value))
    set_setting (self, which, g_value_get_uint (value));
  else if (G_VALUE_HOLDS_UINT64 (value))
    set_setting (self, which, (gint64) g_value_get_uint64 (value));
  else
    set_setting (self, which, g_value_get_int (value));
  return TRUE;
}

void
_msgpack_rpc_dispatcher_install_worker_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  /**
   * MsgpackRpcDispatcher:n-workers: (getter get_n_workers) (setter set_n_workers)
   *
   * How many worker processes there may be at a time, up to 256; 0 for none: then methods that need
   * one are answered with an error.
   *
   * The default is 1. They are started when there is something for them to do. When there are too many
   * after a change, those beyond the number leave as soon as they have nothing to do.
   *
   * Since: 1.0
   */
  props[MSGPACK_RPC_WORKER_SETTING_N_WORKERS] =
      g_param_spec_uint ("n-workers", NULL, NULL, 0, MAX_WORKERS, default_of (N_WORKERS), flags);

  /**
   * MsgpackRpcDispatcher:worker-max-calls: (getter get_worker_max_calls) (setter set_worker_max_calls)
   *
   * After how many calls and notifications a worker is replaced by a new one, as one does where
   * workers lose memory; 0, the default, for never.
   *
   * Since: 1.0
   */
  props[MSGPACK_RPC_WORKER_SETTING_MAX_CALLS] =
      g_param_spec_uint ("worker-max-calls", NULL, NULL, 0, G_MAXUINT, default_of (MAX_CALLS), flags);

  /**
   * MsgpackRpcDispatcher:worker-max-queued: (getter get_worker_max_queued) (setter set_worker_max_queued)
   *
   * How many calls and notifications may wait for a worker; the default is 1,024. Their parameters
   * may take up 64 MiB together.
   *
   * A call that is beyond either is answered with the text of [error@Error.BUSY]; a notification is
   * dropped. 0 lets nothing through, not even to a worker that has nothing to do.
   *
   * Since: 1.0
   */
  props[MSGPACK_RPC_WORKER_SETTING_MAX_QUEUED] =
      g_param_spec_uint ("worker-max-queued", NULL, NULL, 0, G_MAXUINT, default_of (MAX_QUEUED), flags);

  /**
   * MsgpackRpcDispatcher:worker-memory-limit: (getter get_worker_memory_limit) (setter set_worker_memory_limit)
   *
   * How much address space a worker may use, in bytes, as `RLIMIT_AS` of the system counts it: with
   * the program itself, its libraries, and what it maps; 0, the default, for no limit.
   *
   * A worker that wants more gets none from the system: in C it ends, as GLib does then, in Python
   * there is a `MemoryError`. A change holds for workers that are started later. Only Linux has this;
   * elsewhere a limit keeps workers from being started.
   *
   * Since: 1.0
   */
  props[MSGPACK_RPC_WORKER_SETTING_MEMORY_LIMIT] =
      g_param_spec_uint64 ("worker-memory-limit", NULL, NULL, 0, G_MAXINT64, default_of (MEMORY_LIMIT), flags);

  /**
   * MsgpackRpcDispatcher:worker-start-timeout: (getter get_worker_start_timeout) (setter set_worker_start_timeout)
   *
   * How long a worker may take to start until it is in [func@worker_main], in milliseconds; -1 for
   * ever. The default is 30,000.
   *
   * One that takes longer is killed. A change holds for workers that are started later.
   *
   * Since: 1.0
   */
  props[MSGPACK_RPC_WORKER_SETTING_START_TIMEOUT] =
      g_param_spec_int ("worker-start-timeout", NULL, NULL, -1, G_MAXINT, default_of (START_TIMEOUT), flags);

  /**
   * MsgpackRpcDispatcher:worker-time-limit: (getter get_worker_time_limit) (setter set_worker_time_limit)
   *
   * How long a worker may take for one call or notification, in milliseconds, from when it is given
   * it; -1, the default, for [property@Dispatcher:max-answer-time].
   *
   * One that takes longer is killed, and the call is answered with an error that says so. A change holds
   * for later requests.
   *
   * Since: 1.0
   */
  props[MSGPACK_RPC_WORKER_SETTING_TIME_LIMIT] =
      g_param_spec_int ("worker-time-limit", NULL, NULL, -1, G_MAXINT, default_of (TIME_LIMIT), flags);

  /**
   * MsgpackRpcDispatcher:worker-argv: (getter get_worker_argv) (setter set_worker_argv)
   *
   * The program that is a worker, and its arguments, or `NULL` if there is none: then methods that need
   * one are answered with an error.
   *
   * It is started without a shell, found like any program if it is no path, and has to call
   * [func@worker_main]. What it prints goes to the standard error of this process, and its standard input
   * is empty. A change holds for workers that are started later; those that there are stay until they
   * leave for another reason.
   *
   * Since: 1.0
   */
  props[PROP_ARGV] = g_param_spec_boxed ("worker-argv", NULL, NULL, G_TYPE_STRV, flags);

  for (guint i = 0; i < N_PROPS; i++)
    g_object_class_install_property (object_class, MSGPACK_RPC_DISPATCHER_FIRST_WORKER_PROP + i,
                                     props[i]);
}

/* ---- functions ---- */

/**
 * msgpack_rpc_dispatcher_get_worker_argv: (get-property worker-argv)
 * @self: a dispatcher
 *
 * Gets the program that is a worker, and its arguments.
 *
 * Returns: (transfer full) (nullable) (array zero-terminated=1) (element-type filename): a copy
 *
 * Since: 1.0
 */
char **
msgpack_rpc_dispatcher_get_worker_argv (MsgpackRpcDispatcher *self)
{
  MsgpackRpcWorkerPool *pool;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);

  pool = g_atomic_pointer_get (&self->workers);
  return pool != NULL ? _msgpack_rpc_worker_pool_dup_argv (pool) : NULL;
}

/**
 * msgpack_rpc_dispatcher_set_worker_argv: (set-property worker-argv)
 * @self: a dispatcher
 * @worker_argv: (nullable) (array zero-terminated=1) (element-type filename): the program and its
 *   arguments; `NULL` or an empty array for none
 *
 * Sets the program that is a worker: one that calls [func@worker_main].
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_worker_argv (MsgpackRpcDispatcher *self,
                                        const char * const   *worker_argv)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  if (_msgpack_rpc_worker_pool_set_argv (_msgpack_rpc_dispatcher_get_workers (self), worker_argv))
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ARGV]);
}

/**
 * msgpack_rpc_dispatcher_get_n_workers: (get-property n-workers)
 * @self: a dispatcher
 *
 * Gets how many worker processes there may be at a time.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_get_n_workers (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return (guint) get_setting (self, MSGPACK_RPC_WORKER_SETTING_N_WORKERS);
}

/**
 * msgpack_rpc_dispatcher_set_n_workers: (set-property n-workers)
 * @self: a dispatcher
 * @n_workers: the number, up to 256
 *
 * Sets how many worker processes there may be at a time.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_n_workers (MsgpackRpcDispatcher *self,
                                      guint                 n_workers)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  set_setting (self, MSGPACK_RPC_WORKER_SETTING_N_WORKERS, MIN (n_workers, MAX_WORKERS));
}

/**
 * msgpack_rpc_dispatcher_get_worker_max_calls: (get-property worker-max-calls)
 * @self: a dispatcher
 *
 * Gets after how many calls a worker is replaced.
 *
 * Returns: the number, or 0 for never
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_get_worker_max_calls (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return (guint) get_setting (self, MSGPACK_RPC_WORKER_SETTING_MAX_CALLS);
}

/**
 * msgpack_rpc_dispatcher_set_worker_max_calls: (set-property worker-max-calls)
 * @self: a dispatcher
 * @worker_max_calls: the number, or 0 for never
 *
 * Sets after how many calls a worker is replaced.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_worker_max_calls (MsgpackRpcDispatcher *self,
                                             guint                 worker_max_calls)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  set_setting (self, MSGPACK_RPC_WORKER_SETTING_MAX_CALLS, worker_max_calls);
}

/**
 * msgpack_rpc_dispatcher_get_worker_max_queued: (get-property worker-max-queued)
 * @self: a dispatcher
 *
 * Gets how many calls may wait for a worker.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_get_worker_max_queued (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return (guint) get_setting (self, MSGPACK_RPC_WORKER_SETTING_MAX_QUEUED);
}

/**
 * msgpack_rpc_dispatcher_set_worker_max_queued: (set-property worker-max-queued)
 * @self: a dispatcher
 * @worker_max_queued: the number
 *
 * Sets how many calls may wait for a worker.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_worker_max_queued (MsgpackRpcDispatcher *self,
                                              guint                 worker_max_queued)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  set_setting (self, MSGPACK_RPC_WORKER_SETTING_MAX_QUEUED, worker_max_queued);
}

/**
 * msgpack_rpc_dispatcher_get_worker_memory_limit: (get-property worker-memory-limit)
 * @self: a dispatcher
 *
 * Gets how much address space a worker may use.
 *
 * Returns: the size in bytes, or 0 for no limit
 *
 * Since: 1.0
 */
guint64
msgpack_rpc_dispatcher_get_worker_memory_limit (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return (guint64) get_setting (self, MSGPACK_RPC_WORKER_SETTING_MEMORY_LIMIT);
}

/**
 * msgpack_rpc_dispatcher_set_worker_memory_limit: (set-property worker-memory-limit)
 * @self: a dispatcher
 * @worker_memory_limit: the size in bytes, up to `G_MAXINT64`, or 0 for no limit
 *
 * Sets how much address space a worker may use.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_worker_memory_limit (MsgpackRpcDispatcher *self,
                                                guint64               worker_memory_limit)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  set_setting (self, MSGPACK_RPC_WORKER_SETTING_MEMORY_LIMIT, (gint64) MIN (worker_memory_limit, G_MAXINT64));
}

/**
 * msgpack_rpc_dispatcher_get_worker_start_timeout: (get-property worker-start-timeout)
 * @self: a dispatcher
 *
 * Gets how long a worker may take to start.
 *
 * Returns: the time in milliseconds, or -1 for ever
 *
 * Since: 1.0
 */
int
msgpack_rpc_dispatcher_get_worker_start_timeout (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return (int) get_setting (self, MSGPACK_RPC_WORKER_SETTING_START_TIMEOUT);
}

/**
 * msgpack_rpc_dispatcher_set_worker_start_timeout: (set-property worker-start-timeout)
 * @self: a dispatcher
 * @worker_start_timeout: the time in milliseconds, or a negative number for ever
 *
 * Sets how long a worker may take to start.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_worker_start_timeout (MsgpackRpcDispatcher *self,
                                                 int                   worker_start_timeout)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  set_setting (self, MSGPACK_RPC_WORKER_SETTING_START_TIMEOUT, MAX (worker_start_timeout, -1));
}

/**
 * msgpack_rpc_dispatcher_get_worker_time_limit: (get-property worker-time-limit)
 * @self: a dispatcher
 *
 * Gets how long a worker may take for one call.
 *
 * Returns: the time in milliseconds, or -1 if there is no limit of its own
 *
 * Since: 1.0
 */
int
msgpack_rpc_dispatcher_get_worker_time_limit (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);

  return (int) get_setting (self, MSGPACK_RPC_WORKER_SETTING_TIME_LIMIT);
}

/**
 * msgpack_rpc_dispatcher_set_worker_time_limit: (set-property worker-time-limit)
 * @self: a dispatcher
 * @worker_time_limit: the time in milliseconds, or a negative number for no limit of its own
 *
 * Sets how long a worker may take for one call.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_worker_time_limit (MsgpackRpcDispatcher *self,
                                              int                   worker_time_limit)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  set_setting (self, MSGPACK_RPC_WORKER_SETTING_TIME_LIMIT, MAX (worker_time_limit, -1));
}
