/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"
#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-connection-private.h"

/* Waiting for calls, of any connections, in any thread. */

/* From how many links on they are found by a table. */
#define MANY_LINKS 16

/* Links, each once. */
typedef struct
{
  GPtrArray *array;  /* of MsgpackRpcLink, owned */
  GHashTable *table; /* of the same, not owned; NULL while they are few */
} Links;

static void
links_init (Links *self)
{
  self->array = g_ptr_array_new_with_free_func (g_object_unref);
  self->table = NULL;
}

static void
links_clear (Links *self)
{
  g_clear_pointer (&self->table, g_hash_table_unref);
  g_ptr_array_unref (self->array);
}

static gboolean
links_contain (Links          *self,
               MsgpackRpcLink *link)
{
  if (self->table != NULL)
    return g_hash_table_contains (self->table, link);

  return g_ptr_array_find (self->array, link, NULL);
}

/* Takes the reference on @link. */
static void
links_add (Links          *self,
           MsgpackRpcLink *link)
{
  g_ptr_array_add (self->array, link);
  if (self->table != NULL)
    {
      g_hash_table_add (self->table, link);
    }
  else if (self->array->len == MANY_LINKS)
    {
      self->table = g_hash_table_new (NULL, NULL);
      for (guint i = 0; i < self->array->len; i++)
        g_hash_table_add (self->table, g_ptr_array_index (self->array, i));
    }
}

/* Those that the calls still depend on; and the earliest deadline. */
static void
collect_links (Links           *links,
               MsgpackRpcCall **calls,
               gsize            n_calls,
               gint64          *deadline)
{
  links_init (links);

  *deadline = G_MAXINT64;
  for (gsize i = 0; i < n_calls; i++)
    {
      g_autoptr(MsgpackRpcLink) link = NULL;
      gint64 own_deadline;

      if (!_msgpack_rpc_call_get_needs (calls[i], &link, &own_deadline))
        continue;
      *deadline = MIN (*deadline, MIN (own_deadline, _msgpack_rpc_call_get_due (calls[i])));
      if (link != NULL && !links_contain (links, link))
        links_add (links, g_steal_pointer (&link));
    }
}

static void
expire_due (MsgpackRpcCall **calls,
            gsize            n_calls)
{
  gint64 now = g_get_monotonic_time ();

  for (gsize i = 0; i < n_calls; i++)
    {
      g_autoptr(MsgpackRpcLink) link = NULL;
      gint64 deadline;

      if (_msgpack_rpc_call_get_needs (calls[i], &link, &deadline) && now >= deadline)
        _msgpack_rpc_call_expire (calls[i]);
    }
}

static int
timeout_until (gint64 deadline)
{
  gint64 left = deadline - g_get_monotonic_time ();

  if (deadline == G_MAXINT64)
    return -1;
  return left <= 0 ? 0 : (int) MIN ((left + 999) / 1000, G_MAXINT);
}

typedef struct
{
  MsgpackRpcCall **calls;
  gsize n_calls;
  gsize wanted;
  GCancellable *cancellable;
  MsgpackRpcWaiter *waiter;
  Links links;            /* which know of the waiter */
  gint64 deadline;
  gboolean serves;        /* for one of the calls */
} Wait;

/* From before they are looked at, so that whatever changes afterwards wakes this thread. */
static void
join_links (Wait *self)
{
  Links links;

  collect_links (&links, self->calls, self->n_calls, &self->deadline);
  for (guint i = 0; i < links.array->len; i++)
    if (!links_contain (&self->links, g_ptr_array_index (links.array, i)))
      _msgpack_rpc_link_add_waiter (g_ptr_array_index (links.array, i), self->waiter, self->serves);
  for (guint i = 0; i < self->links.array->len; i++)
    if (!links_contain (&links, g_ptr_array_index (self->links.array, i)))
      _msgpack_rpc_link_remove_waiter (g_ptr_array_index (self->links.array, i), self->waiter,
                                       self->serves);

  links_clear (&self->links);
  self->links = links;
}

static void
poll_once (Wait *self)
{
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (GPollFD));
  int timeout = timeout_until (self->deadline);
  GPollFD fd = _msgpack_rpc_waiter_poll (self->waiter);

  g_array_append_val (fds, fd);
  for (guint i = 0; i < self->links.array->len; i++)
    timeout = _msgpack_rpc_shorter_timeout (
      timeout, _msgpack_rpc_link_query (g_ptr_array_index (self->links.array, i), self->waiter, fds));

  g_poll ((GPollFD *) (gpointer) fds->data, fds->len, timeout);

  _msgpack_rpc_waiter_clear (self->waiter);
}

static gsize
count_ended (MsgpackRpcCall **calls,
             gsize            n_calls)
{
  gsize n = 0;

  for (gsize i = 0; i < n_calls; i++)
    n += _msgpack_rpc_call_has_ended (calls[i]) ? 1 : 0;
  return n;
}

/* A stream or socket client of the application's may have called this function: nothing goes on
 * before it returns. */
static gboolean
check_not_held (Wait    *self,
                GError **error)
{
  for (guint i = 0; i < self->links.array->len; i++)
    if (_msgpack_rpc_link_is_held (g_ptr_array_index (self->links.array, i)))
      {
        g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
                             "Waiting here would never end: the connection's stream or socket "
                             "client has called this, and goes on when it returns");
        return FALSE;
      }

  for (gsize i = 0; _msgpack_rpc_connection_has_handlers_in_turn () && i < self->n_calls; i++)
    if (!_msgpack_rpc_call_check_turn (self->calls[i], error))
      return FALSE;

  return TRUE;
}

static gboolean
is_done (Wait *self)
{
  return count_ended (self->calls, self->n_calls) >= self->wanted ||
         g_cancellable_is_cancelled (self->cancellable);
}

/* Delivers one item, so that a reply that has come is not kept waiting by what came after it. */
static gboolean
serve (Wait *self)
{
  for (gsize i = 0; self->serves && i < self->n_calls; i++)
    {
      g_autoptr(MsgpackRpcLink) link = NULL;
      gint64 deadline;

      if (msgpack_rpc_call_get_serves_while_waiting (self->calls[i]) &&
          _msgpack_rpc_call_get_needs (self->calls[i], &link, &deadline) && link != NULL &&
          _msgpack_rpc_link_serve (link))
        return TRUE;
    }

  return FALSE;
}

static void
work (Wait *self)
{
  for (gsize i = 0; i < self->n_calls; i++)
    _msgpack_rpc_call_work (self->calls[i]);
}

static gboolean
run_until_done (Wait    *self,
                GError **error)
{
  do
    {
      expire_due (self->calls, self->n_calls);
      work (self);
      join_links (self);
      if (!check_not_held (self, error))
        return FALSE;

      for (guint i = 0; i < self->links.array->len; i++)
        _msgpack_rpc_link_work_waiting (g_ptr_array_index (self->links.array, i));
      if (is_done (self))
        break;

      /* What it writes may be waited for by code that it calls, which takes what woke this
       * thread. */
      _msgpack_rpc_reactor_flush_corks ();
      if (!is_done (self) && !serve (self))
        poll_once (self);
    }
  while (count_ended (self->calls, self->n_calls) < self->wanted);

  return count_ended (self->calls, self->n_calls) >= self->wanted ||
         !g_cancellable_set_error_if_cancelled (self->cancellable, error);
}

static void
wake_cb (GCancellable *cancellable G_GNUC_UNUSED,
         gpointer      user_data)
{
  _msgpack_rpc_waiter_wake (user_data);
}

/* Does the I/O of the calls' links in this thread until @wanted of them have ended. Runs nothing of
 * the application but filters that the calls were started on, unless one of the calls serves: messages that are no reply to these calls are left
 * for the connection's context. */
gboolean
_msgpack_rpc_call_wait_for (MsgpackRpcCall **calls,
                            gsize            n_calls,
                            gsize            wanted,
                            GCancellable    *cancellable,
                            GError         **error)
{
  Wait wait = {
    .calls = calls,
    .n_calls = n_calls,
    .wanted = wanted,
    .cancellable = cancellable,
  };
  gboolean done;
  gulong id = 0;

  if (count_ended (calls, n_calls) >= wanted)
    return TRUE;

  wait.waiter = _msgpack_rpc_waiter_get (error);
  if (wait.waiter == NULL)
    return FALSE;

  links_init (&wait.links);
  for (gsize i = 0; i < n_calls; i++)
    wait.serves |= msgpack_rpc_call_get_serves_while_waiting (calls[i]);
  if (cancellable != NULL)
    id = g_cancellable_connect (cancellable, G_CALLBACK (wake_cb), wait.waiter, NULL);
  for (gsize i = 0; i < n_calls; i++)
    _msgpack_rpc_call_add_waiter (calls[i], wait.waiter);

  done = run_until_done (&wait, error);
  work (&wait);

  for (guint i = 0; i < wait.links.array->len; i++)
    _msgpack_rpc_link_remove_waiter (g_ptr_array_index (wait.links.array, i), wait.waiter,
                                     wait.serves);
  links_clear (&wait.links);
  for (gsize i = 0; i < n_calls; i++)
    {
      _msgpack_rpc_call_remove_waiter (calls[i], wait.waiter);
      _msgpack_rpc_call_hand_over (calls[i]);
    }
  g_cancellable_disconnect (cancellable, id);
  return done;
}

gboolean
_msgpack_rpc_call_check_sync (GCancellable  *cancellable,
                              GError       **error)
{
  return !g_cancellable_set_error_if_cancelled (cancellable, error) &&
         _msgpack_rpc_waiter_get (error) != NULL;
}

static gboolean
check_started (MsgpackRpcCall  *self,
               GError         **error)
{
  if (msgpack_rpc_call_get_state (self) != MSGPACK_RPC_CALL_STATE_NEW)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_INITIALIZED,
               "The call of “%s” was not started: there is nothing to wait for",
               msgpack_rpc_call_get_method (self));
  return FALSE;
}

/**
 * msgpack_rpc_call_wait:
 * @self: a call that was started
 * @cancellable: (nullable): ends the waiting, not the call
 * @error: return location for an error
 *
 * Blocks until the call has ended, and gets its result.
 *
 * May be called from any thread, whether the connection's context is running or not, also from a
 * handler or callback in that context. While it waits it does the connection's I/O itself, and runs
 * nothing of the application: what else comes in is delivered later, in order, unless
 * [property@Call:serves-while-waiting] is set. The one other exception are streams and socket clients of the application's making, as a handler of
 * `GSocketClient::event`: what they call cannot wait for the same connection.
 *
 * Returns: (transfer full): the result, or `NULL` with @error set: what the call failed with, or
 *   `G_IO_ERROR_CANCELLED` if @cancellable was cancelled, `G_IO_ERROR_NOT_INITIALIZED` if the
 *   call was not started, `G_IO_ERROR_WOULD_BLOCK` if it is waited for by what the connection's own
 *   stream or socket client has called, or `G_IO_ERROR_TOO_MANY_OPEN_FILES`
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_wait (MsgpackRpcCall  *self,
                       GCancellable    *cancellable,
                       GError         **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_started (self, error) || !_msgpack_rpc_call_wait_for (&self, 1, 1, cancellable, error))
    return NULL;

  return _msgpack_rpc_call_get_value (self, error);
}

/* FALSE if it has ended already. */
static gboolean
forget_wait (MsgpackRpcCall *self,
             GTask          *task)
{
  GSList *item;

  if (g_task_get_context (task) == self->context)
    return g_signal_handlers_disconnect_by_data (self, task) > 0;

  g_mutex_lock (&self->lock);
  item = g_slist_find (self->waits, task);
  self->waits = g_slist_remove_link (self->waits, item);
  g_mutex_unlock (&self->lock);
  if (item == NULL)
    return FALSE;

  g_slist_free_full (item, g_object_unref);
  return TRUE;
}

/* Ends a wait_async(), in its context; whichever of completion and cancellation comes first. */
static void
end_wait (GTask    *task,
          gboolean  cancelled)
{
  MsgpackRpcCall *self = g_task_get_source_object (task);
  g_autoptr(GTask) held = g_object_ref (task);
  GSource *source = g_task_get_task_data (task);
  GError *error = NULL;
  GVariant *result;

  if (!forget_wait (self, task))
    return;
  if (source != NULL)
    g_source_destroy (source);

  if (cancelled && g_task_return_error_if_cancelled (task))
    return;

  result = _msgpack_rpc_call_get_value (self, &error);
  if (result != NULL)
    g_task_return_pointer (task, result, (GDestroyNotify) g_variant_unref);
  else
    g_task_return_error (task, error);
}

static void
look_again (gpointer owner,
            gpointer data G_GNUC_UNUSED)
{
  if (_msgpack_rpc_call_has_ended (g_task_get_source_object (owner)))
    end_wait (owner, FALSE);
}

void
_msgpack_rpc_call_post_wait (GTask *task)
{
  MsgpackRpcReactor *reactor = _msgpack_rpc_reactor_get (g_task_get_context (task));

  _msgpack_rpc_reactor_post (reactor, NULL, task, TRUE, look_again, NULL, NULL);
  _msgpack_rpc_reactor_unref (reactor);
}

/* At once if that is possible, and before what came after the reply. */
static void
wait_completed_cb (MsgpackRpcCall *self G_GNUC_UNUSED,
                   gpointer        user_data)
{
  if (g_main_context_is_owner (g_task_get_context (user_data)))
    end_wait (user_data, FALSE);
  else
    _msgpack_rpc_call_post_wait (user_data);
}

static gboolean
wait_cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED,
                   gpointer      user_data)
{
  end_wait (user_data, TRUE);
  return G_SOURCE_REMOVE;
}

/* The signal comes in the call's own context, in the order of what the peer sends. Other contexts need
 * no more than a look at the call: it is not reported in its own one for them, which nobody may run. */
static void
remember_wait (MsgpackRpcCall *self,
               GTask          *task)
{
  if (g_task_get_context (task) == self->context)
    {
      g_signal_connect_data (self, "completed", G_CALLBACK (wait_completed_cb),
                             g_object_ref (task), (GClosureNotify) (void (*) (void)) g_object_unref,
                             0);
      return;
    }

  g_mutex_lock (&self->lock);
  self->waits = g_slist_prepend (self->waits, g_object_ref (task));
  g_mutex_unlock (&self->lock);
}

/**
 * msgpack_rpc_call_wait_async:
 * @self: a call
 * @cancellable: (nullable): ends the waiting, not the call
 * @callback: (scope async): called when the call has ended, in the thread-default context of the
 *   calling thread
 * @user_data: data for @callback
 *
 * Waits until the call has ended, also if it has ended already.
 *
 * Waiting for a call that was not started fails at once. Call [method@Call.wait_finish] from
 * @callback to get the result.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_wait_async (MsgpackRpcCall      *self,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_call_wait_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!check_started (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }

  remember_wait (self, task);
  if (cancellable != NULL)
    {
      g_autoptr(GSource) source = g_cancellable_source_new (cancellable);

      g_source_set_static_name (source, "[msgpackrpc-glib] wait cancelled");
      g_task_set_task_data (task, g_source_ref (source), (GDestroyNotify) g_source_unref);
      g_task_attach_source (task, source, G_SOURCE_FUNC (wait_cancelled_cb));
    }
  /* It may have ended before the handler was there to hear of it. */
  _msgpack_rpc_call_post_wait (task);
}

/**
 * msgpack_rpc_call_wait_finish:
 * @self: a call
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Call.wait_async].
 *
 * Returns: (transfer full): the call's result, or `NULL` with @error set: what the call failed
 *   with, or `G_IO_ERROR_CANCELLED`, or `G_IO_ERROR_NOT_INITIALIZED` if the call was not started
 * Since: 1.0
 */
GVariant *
msgpack_rpc_call_wait_finish (MsgpackRpcCall  *self,
                              GAsyncResult    *result,
                              GError         **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static gboolean
check_all_started (MsgpackRpcCall **calls,
                   gsize            n_calls,
                   GError         **error)
{
  for (gsize i = 0; i < n_calls; i++)
    if (!check_started (calls[i], error))
      return FALSE;

  return TRUE;
}

/**
 * msgpack_rpc_call_wait_all:
 * @calls: (array length=n_calls): calls that were started, of any connections
 * @n_calls: the number of calls
 * @cancellable: (nullable): ends the waiting, not the calls
 * @error: return location for an error
 *
 * Blocks until all of the calls have ended, in success or not.
 *
 * Otherwise as [method@Call.wait].
 *
 * Returns: `TRUE` when all have ended; `FALSE` with @error set, as for [method@Call.wait] where it
 *   is not the call that failed
 * Since: 1.0
 */
gboolean
msgpack_rpc_call_wait_all (MsgpackRpcCall **calls,
                           gsize            n_calls,
                           GCancellable    *cancellable,
                           GError         **error)
{
  g_return_val_if_fail (calls != NULL || n_calls == 0, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return check_all_started (calls, n_calls, error) &&
         _msgpack_rpc_call_wait_for (calls, n_calls, n_calls, cancellable, error);
}

/**
 * msgpack_rpc_call_wait_any:
 * @calls: (array length=n_calls): calls that were started, of any connections; at least one
 * @n_calls: the number of calls
 * @cancellable: (nullable): ends the waiting, not the calls
 * @error: return location for an error
 *
 * Blocks until one of the calls has ended, in success or not.
 *
 * Otherwise as [method@Call.wait].
 *
 * Returns: (transfer full): the first of @calls that has ended, or `NULL` with @error set, as for
 *   [method@Call.wait] where it is not the call that failed
 * Since: 1.0
 */
MsgpackRpcCall *
msgpack_rpc_call_wait_any (MsgpackRpcCall **calls,
                           gsize            n_calls,
                           GCancellable    *cancellable,
                           GError         **error)
{
  g_return_val_if_fail (calls != NULL && n_calls > 0, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!check_all_started (calls, n_calls, error) ||
      !_msgpack_rpc_call_wait_for (calls, n_calls, 1, cancellable, error))
    return NULL;

  for (gsize i = 0; i < n_calls; i++)
    if (_msgpack_rpc_call_has_ended (calls[i]))
      return g_object_ref (calls[i]);

  g_assert_not_reached ();
}
