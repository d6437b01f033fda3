/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-loop-thread-private.h"

#include "msgpack-rpc-channel.h"
#include "msgpack-rpc-client.h"
#include "msgpack-rpc-connection.h"
#include "msgpack-rpc-residents-private.h"
#include "msgpack-rpc-server.h"

/* How often what has come up meanwhile is closed, too, before the thread ends all the same. */
#define MAX_ROUNDS 16

/**
 * MsgpackRpcLoopThread:
 *
 * A thread that runs a main context of its own.
 *
 * The context is there from the beginning, so that clients and servers can be made with it before
 * [method@LoopThread.start]. In the thread, it is the thread-default context.
 *
 * A loop thread runs once: [method@LoopThread.quit] ends it for good, also if it comes before
 * [method@LoopThread.start]. Dropping the last reference quits it and waits for its end; in the
 * thread itself, it ends a little later. [method@LoopThread.shut_down] first closes what lives in the
 * context.
 *
 * ```c
 * g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("rpc");
 * g_autoptr(MsgpackRpcServer) server =
 *   g_object_new (MSGPACK_RPC_TYPE_SERVER,
 *                 "main-context", msgpack_rpc_loop_thread_get_main_context (thread),
 *                 NULL);
 *
 * msgpack_rpc_loop_thread_start (thread);
 * ```
 *
 * [ctor@Server.new_in_thread] and [ctor@Client.new_in_thread] make a thread that lives as long as its
 * only inhabitant.
 *
 * JavaScript cannot be called in another thread than its own, and has no use for this.
 *
 * All functions may be called from any thread.
 *
 * Since: 1.0
 */
struct _MsgpackRpcLoopThread
{
  GObject parent_instance;

  struct _Loop *loop; /* owned, shared with the thread; set once */
  gboolean has_left;  /* nobody waits for the thread, which ends by itself */
};

/* What the thread and its object share. */
typedef struct _Loop
{
  char *name;            /* nullable */
  GMainContext *context;

  GMutex lock;           /* guards what follows */
  GCond joined;          /* a join has ended */
  GThread *thread;       /* owned until it was joined; NULL: not started, or joined */
  gboolean has_started;
  gboolean has_quit;     /* atomic for the thread, which looks without the lock */
  gboolean has_ended;
  gboolean is_joining;
  gboolean is_shutting_down;
  MsgpackRpcCloseMode close_mode; /* set once, before the thread looks */

  struct _Closing *closing; /* the thread's; NULL unless it is shutting down */
} Loop;

/* What lives in the context is being closed. In the thread alone. */
typedef struct _Closing
{
  Loop *loop;               /* not owned; NULL once it has gone, by another way */
  MsgpackRpcCloseMode mode;
  guint n_pending;          /* that are closing, and one while they are being told */
  guint n_rounds;
} Closing;

enum
{
  PROP_0,
  PROP_MAIN_CONTEXT,
  PROP_NAME,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcLoopThread, msgpack_rpc_loop_thread, G_TYPE_OBJECT)

static void
loop_clear (gpointer data)
{
  Loop *loop = data;

  _msgpack_rpc_residents_untrack (loop->context);
  if (loop->closing != NULL)
    loop->closing->loop = NULL;
  g_free (loop->name);
  g_main_context_unref (loop->context);
  g_mutex_clear (&loop->lock);
  g_cond_clear (&loop->joined);
}

static void
loop_unref (Loop *loop)
{
  g_atomic_rc_box_release_full (loop, loop_clear);
}

static gpointer
loop_run (gpointer data)
{
  Loop *loop = data;

  /* This acquires the context for good: no other thread can take what quitting wakes it with. */
  g_main_context_push_thread_default (loop->context);
  while (!g_atomic_int_get (&loop->has_quit))
    g_main_context_iteration (loop->context, TRUE);
  g_main_context_pop_thread_default (loop->context);

  g_mutex_lock (&loop->lock);
  loop->has_ended = TRUE;
  g_mutex_unlock (&loop->lock);

  loop_unref (loop);
  return NULL;
}

static void
loop_start (Loop *loop)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&loop->lock);

  if (loop->has_started || loop->has_quit)
    return;

  loop->has_started = TRUE;
  loop->thread = g_thread_new (loop->name != NULL ? loop->name : "msgpack-rpc", loop_run,
                               g_atomic_rc_box_acquire (loop));
}

static void
loop_quit (Loop *loop)
{
  g_mutex_lock (&loop->lock);
  g_atomic_int_set (&loop->has_quit, TRUE);
  g_mutex_unlock (&loop->lock);

  g_main_context_wakeup (loop->context);
}

static void close_residents (Closing *closing);

static void
count_closed (Closing *closing)
{
  if (--closing->n_pending > 0)
    return;

  if (closing->loop != NULL)
    close_residents (closing);
  else
    g_free (closing);
}

static void
closed_cb (GObject      *source G_GNUC_UNUSED,
           GAsyncResult *result G_GNUC_UNUSED,
           gpointer      user_data)
{
  count_closed (user_data);
}

static void
close_listener (GObject *object)
{
  g_socket_service_stop (G_SOCKET_SERVICE (object));
  g_socket_listener_close (G_SOCKET_LISTENER (object));
}

/* FALSE if there is nothing to wait for. */
static gboolean
close_resident (Closing *closing,
                GObject *object)
{
  if (MSGPACK_RPC_IS_SERVER (object))
    {
      close_listener (object);
      return FALSE;
    }

  /* The first round also tells clients that wait to connect again. */
  if (MSGPACK_RPC_IS_CLIENT (object) &&
      (closing->n_rounds == 0 || msgpack_rpc_client_get_status (MSGPACK_RPC_CLIENT (object)) !=
                                     MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED))
    {
      msgpack_rpc_client_close_async (MSGPACK_RPC_CLIENT (object), closing->mode, NULL, closed_cb,
                                      closing);
      return TRUE;
    }

  if (MSGPACK_RPC_IS_CONNECTION (object) &&
      msgpack_rpc_connection_get_status (MSGPACK_RPC_CONNECTION (object)) !=
          MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    {
      msgpack_rpc_connection_close_async (MSGPACK_RPC_CONNECTION (object), closing->mode, NULL,
                                          closed_cb, closing);
      return TRUE;
    }

  if (MSGPACK_RPC_IS_CHANNEL (object) &&
      msgpack_rpc_channel_get_status (MSGPACK_RPC_CHANNEL (object)) !=
          MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    {
      msgpack_rpc_channel_close_async (MSGPACK_RPC_CHANNEL (object), closing->mode, NULL, closed_cb,
                                       closing);
      return TRUE;
    }

  return FALSE;
}

/* Again and again, since handlers may open something as others end. */
static void
close_residents (Closing *closing)
{
  g_autoptr(GPtrArray) residents = _msgpack_rpc_residents_list (closing->loop->context);
  guint n_closing = 0;

  closing->n_pending = 1;
  for (guint i = 0; i < residents->len; i++)
    if (close_resident (closing, g_ptr_array_index (residents, i)))
      n_closing++;
  closing->n_pending += n_closing;

  if (n_closing == 0 || ++closing->n_rounds == MAX_ROUNDS)
    {
      loop_quit (closing->loop);
      closing->loop->closing = NULL;
      g_free (closing);
      return;
    }
  count_closed (closing);
}

static gboolean
shut_down_cb (gpointer data)
{
  Loop *loop = data;

  loop->closing = g_new0 (Closing, 1);
  loop->closing->loop = loop;
  loop->closing->mode = loop->close_mode;
  close_residents (loop->closing);
  return G_SOURCE_REMOVE;
}

static void
loop_shut_down (Loop                *loop,
                MsgpackRpcCloseMode  mode)
{
  g_autoptr(GSource) source = NULL;
  gboolean is_first;

  g_mutex_lock (&loop->lock);
  is_first = loop->has_started && !loop->has_quit && !loop->is_shutting_down;
  loop->is_shutting_down = TRUE;
  if (is_first)
    loop->close_mode = mode;
  if (!loop->has_started)
    g_atomic_int_set (&loop->has_quit, TRUE);
  g_mutex_unlock (&loop->lock);
  if (!is_first)
    return;

  source = g_idle_source_new ();
  g_source_set_static_name (source, "[msgpackrpc-glib] shut down");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, shut_down_cb, g_atomic_rc_box_acquire (loop),
                         (GDestroyNotify) loop_unref);
  g_source_attach (source, loop->context);
}

static gboolean
loop_join (Loop *loop)
{
  GThread *thread;

  g_mutex_lock (&loop->lock);
  if (loop->thread == g_thread_self ())
    {
      g_mutex_unlock (&loop->lock);
      return FALSE;
    }

  /* One joins, the others wait for that. */
  while (loop->is_joining)
    g_cond_wait (&loop->joined, &loop->lock);

  thread = loop->thread;
  loop->is_joining = thread != NULL;
  g_mutex_unlock (&loop->lock);
  if (thread == NULL)
    return TRUE;

  g_thread_join (thread);

  g_mutex_lock (&loop->lock);
  loop->thread = NULL;
  loop->is_joining = FALSE;
  g_cond_broadcast (&loop->joined);
  g_mutex_unlock (&loop->lock);
  return TRUE;
}

static void
msgpack_rpc_loop_thread_finalize (GObject *object)
{
  MsgpackRpcLoopThread *self = MSGPACK_RPC_LOOP_THREAD (object);
  Loop *loop = self->loop;

  if (!self->has_left)
    loop_quit (loop);
  if (self->has_left || !loop_join (loop))
    g_thread_unref (loop->thread);
  loop_unref (loop);

  G_OBJECT_CLASS (msgpack_rpc_loop_thread_parent_class)->finalize (object);
}

static void
msgpack_rpc_loop_thread_get_property (GObject    *object,
                                      guint       prop_id,
                                      GValue     *value,
                                      GParamSpec *pspec)
{
  MsgpackRpcLoopThread *self = MSGPACK_RPC_LOOP_THREAD (object);

  switch (prop_id)
    {
    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->loop->context);
      break;

    case PROP_NAME:
      g_value_set_string (value, self->loop->name);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_loop_thread_set_property (GObject      *object,
                                      guint         prop_id,
                                      const GValue *value,
                                      GParamSpec   *pspec)
{
  MsgpackRpcLoopThread *self = MSGPACK_RPC_LOOP_THREAD (object);

  switch (prop_id)
    {
    case PROP_NAME:
      self->loop->name = g_value_dup_string (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_loop_thread_class_init (MsgpackRpcLoopThreadClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = msgpack_rpc_loop_thread_finalize;
  object_class->get_property = msgpack_rpc_loop_thread_get_property;
  object_class->set_property = msgpack_rpc_loop_thread_set_property;

  /**
   * MsgpackRpcLoopThread:main-context: (getter get_main_context)
   *
   * The context that the thread runs.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
      g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT,
                          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

  /**
   * MsgpackRpcLoopThread:name: (getter get_name)
   *
   * The name of the thread, for debuggers; systems may cut it.
   *
   * Since: 1.0
   */
  props[PROP_NAME] =
      g_param_spec_string ("name", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_loop_thread_init (MsgpackRpcLoopThread *self)
{
  self->loop = g_atomic_rc_box_new0 (Loop);
  self->loop->context = g_main_context_new ();
  _msgpack_rpc_residents_track (self->loop->context);
  g_mutex_init (&self->loop->lock);
  g_cond_init (&self->loop->joined);
}

/**
 * msgpack_rpc_loop_thread_new:
 * @name: (nullable): the name of the thread, or `NULL` for a general one
 *
 * Makes a thread that is not started.
 *
 * Returns: (transfer full): a loop thread
 *
 * Since: 1.0
 */
MsgpackRpcLoopThread *
msgpack_rpc_loop_thread_new (const char *name)
{
  return g_object_new (MSGPACK_RPC_TYPE_LOOP_THREAD, "name", name, NULL);
}

/**
 * msgpack_rpc_loop_thread_get_main_context: (get-property main-context)
 * @self: a loop thread
 *
 * Gets the context that the thread runs, or will run.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_loop_thread_get_main_context (MsgpackRpcLoopThread *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self), NULL);

  return self->loop->context;
}

/**
 * msgpack_rpc_loop_thread_get_name: (get-property name)
 * @self: a loop thread
 *
 * Gets the name of the thread.
 *
 * Returns: (transfer none) (nullable): the name, if it has one
 *
 * Since: 1.0
 */
const char *
msgpack_rpc_loop_thread_get_name (MsgpackRpcLoopThread *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self), NULL);

  return self->loop->name;
}

/**
 * msgpack_rpc_loop_thread_is_running:
 * @self: a loop thread
 *
 * Gets whether the thread was started and has not ended.
 *
 * Returns: `TRUE` if it runs
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_loop_thread_is_running (MsgpackRpcLoopThread *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self), FALSE);

  locker = g_mutex_locker_new (&self->loop->lock);
  return self->loop->has_started && !self->loop->has_ended;
}

/**
 * msgpack_rpc_loop_thread_start:
 * @self: a loop thread
 *
 * Starts the thread, which runs its context from then on.
 *
 * Does nothing if it was started before, or told to quit.
 *
 * Since: 1.0
 */
void
msgpack_rpc_loop_thread_start (MsgpackRpcLoopThread *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self));

  loop_start (self->loop);
}

/**
 * msgpack_rpc_loop_thread_quit:
 * @self: a loop thread
 *
 * Tells the thread to end when what it dispatches now is done. This does not wait for it.
 *
 * It may be called at any time, as often as one likes, and by the thread itself. If the thread was
 * not started, it never will be. Sources that are left in the context stay there; they can be run
 * by iterating it once the thread has ended.
 *
 * Since: 1.0
 */
void
msgpack_rpc_loop_thread_quit (MsgpackRpcLoopThread *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self));

  loop_quit (self->loop);
}

/**
 * msgpack_rpc_loop_thread_shut_down:
 * @self: a loop thread
 * @mode: what becomes of messages that are queued
 *
 * Closes the clients, servers and connections that have the thread's context as their main context,
 * and then tells the thread to end. This does not wait for it.
 *
 * Servers listen no more, and their connections are closed as all others are: in the way of @mode,
 * within their [property@Limits:close-timeout]. What handlers open meanwhile is closed, too. To let
 * what is being answered come to its end, use [method@Server.drain_async] before.
 *
 * It may be called at any time, and by the thread itself; only the first call counts.
 * [method@LoopThread.quit] ends the thread without waiting any longer. If the thread was not started,
 * it never will be, and nothing is closed.
 *
 * Since: 1.0
 */
void
msgpack_rpc_loop_thread_shut_down (MsgpackRpcLoopThread *self,
                                   MsgpackRpcCloseMode   mode)
{
  g_return_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self));

  loop_shut_down (self->loop, mode);
}

/**
 * msgpack_rpc_loop_thread_join:
 * @self: a loop thread
 *
 * Waits until the thread has ended, which it does after [method@LoopThread.quit].
 *
 * Any number of threads may wait. There is nothing to wait for if it was not started.
 *
 * Returns: `TRUE` if it does not run any more, `FALSE` if called by the thread itself, which cannot
 *   wait for its own end
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_loop_thread_join (MsgpackRpcLoopThread *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_LOOP_THREAD (self), FALSE);

  return loop_join (self->loop);
}

/* Its owner has gone, in whichever thread: that one must not wait for another. */
static void
leave (gpointer data)
{
  MsgpackRpcLoopThread *self = data;

  loop_shut_down (self->loop, MSGPACK_RPC_CLOSE_MODE_NOW);
  self->has_left = TRUE;
  g_object_unref (self);
}

void
_msgpack_rpc_loop_thread_start_for (MsgpackRpcLoopThread *self,
                                    GObject              *owner)
{
  loop_start (self->loop);
  g_object_set_data_full (owner, "msgpack-rpc-loop-thread", self, leave);
}
