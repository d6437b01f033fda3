/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-user-data-private.h"

/* What stands before the methods of a dispatcher. */

typedef struct
{
  guint id;
  MsgpackRpcFilter func;
  MsgpackRpcUserData user_data;
} Filter;

static void
filter_clear (gpointer data)
{
  Filter *self = data;

  _msgpack_rpc_user_data_clear (&self->user_data);
}

static void
filter_unref (gpointer data)
{
  g_atomic_rc_box_release_full (data, filter_clear);
}

/* A list never changes, so that who goes through one needs no lock. All but @without, 0 for all. */
static GPtrArray *
copy_list (GPtrArray *list,
           guint      without)
{
  GPtrArray *copy = g_ptr_array_new_with_free_func (filter_unref);

  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      Filter *filter = g_ptr_array_index (list, i);

      if (filter->id != without)
        g_ptr_array_add (copy, g_atomic_rc_box_acquire (filter));
    }
  return copy;
}

/**
 * msgpack_rpc_dispatcher_add_filter:
 * @self: a dispatcher
 * @filter: (scope notified) (closure user_data) (destroy user_data_destroy): what is called
 * @user_data: data for @filter
 * @user_data_destroy: (nullable): lets go of @user_data
 *
 * Has all requests and notifications pass a filter before a method is looked for.
 *
 * Filters are asked in the order in which they were added. What a [property@Dispatcher:next] dispatcher
 * answers passes the filters of the first dispatcher, and then its own. They come where the request is
 * delivered, in the [property@Connection:main-context], also where the method's handler runs elsewhere;
 * [signal@Dispatcher::authorize] comes later, where the handler would run. They see calls of
 * methods that there are not, and of those that are built in.
 *
 * @user_data_destroy is called in the current thread, or by its thread-default context, when the
 * filter is removed and does not run any more.
 *
 * Returns: the id of the filter, never 0
 *
 * Since: 1.0
 */
guint
msgpack_rpc_dispatcher_add_filter (MsgpackRpcDispatcher *self,
                                   MsgpackRpcFilter      filter,
                                   gpointer              user_data,
                                   GDestroyNotify        user_data_destroy)
{
  Filter *added;
  GPtrArray *old;
  GPtrArray *list;
  guint id;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), 0);
  g_return_val_if_fail (filter != NULL, 0);

  added = g_atomic_rc_box_new0 (Filter);
  added->func = filter;
  _msgpack_rpc_user_data_init (&added->user_data, user_data, user_data_destroy);

  g_mutex_lock (&self->lock);
  added->id = id = ++self->last_filter_id;
  old = self->filters;
  list = copy_list (old, 0);
  g_ptr_array_add (list, added);
  g_atomic_pointer_set (&self->filters, list);
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&old, g_ptr_array_unref);
  return id;
}

/* The lock is held. */
static gboolean
has_filter (MsgpackRpcDispatcher *self,
            guint                 id)
{
  for (guint i = 0; self->filters != NULL && i < self->filters->len; i++)
    if (((Filter *) g_ptr_array_index (self->filters, i))->id == id)
      return TRUE;

  return FALSE;
}

/**
 * msgpack_rpc_dispatcher_remove_filter:
 * @self: a dispatcher
 * @id: the id of a filter
 *
 * Removes a filter.
 *
 * Requests that are on their way through the filters, in another thread or in the filter that calls this,
 * may still meet it; answer filters that it has added are called all the same.
 *
 * Returns: `TRUE` if it was removed, `FALSE` if there is no such filter
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_remove_filter (MsgpackRpcDispatcher *self,
                                      guint                 id)
{
  GPtrArray *old = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);

  g_mutex_lock (&self->lock);
  if (has_filter (self, id))
    {
      old = self->filters;
      g_atomic_pointer_set (&self->filters, old->len > 1 ? copy_list (old, id) : NULL);
    }
  g_mutex_unlock (&self->lock);

  if (old == NULL)
    return FALSE;

  g_ptr_array_unref (old);
  return TRUE;
}

static void
refuse (MsgpackRpcInvocation *invocation,
        const GError         *error)
{
  _msgpack_rpc_debug_info (_msgpack_rpc_invocation_get_connection_id (invocation),
                           _msgpack_rpc_invocation_get_msgid_piece (invocation),
                           "Method “%s” was stopped by a filter: %s",
                           msgpack_rpc_invocation_get_method (invocation),
                           error != NULL ? error->message : "it gave no error");

  if (msgpack_rpc_invocation_get_answered (invocation))
    return;

  if (error != NULL)
    msgpack_rpc_invocation_return_gerror (invocation, error);
  else
    _msgpack_rpc_invocation_return_failed (invocation);
}

static gboolean
run (const Filter         *filter,
     MsgpackRpcInvocation *invocation)
{
  g_autoptr(GError) error = NULL;
  gboolean goes_on;

  _msgpack_rpc_invocation_set_filtering (invocation, TRUE);
  goes_on = filter->func (invocation, filter->user_data.data, &error);
  _msgpack_rpc_invocation_set_filtering (invocation, FALSE);

  if (!goes_on)
    refuse (invocation, error);
  return goes_on && (_msgpack_rpc_invocation_is_notification (invocation) ||
                     _msgpack_rpc_invocation_is_awaited (invocation));
}

gboolean
_msgpack_rpc_dispatcher_filter (MsgpackRpcDispatcher *self,
                                MsgpackRpcInvocation *invocation)
{
  g_autoptr(GPtrArray) list = NULL;

  g_mutex_lock (&self->lock);
  list = self->filters != NULL ? g_ptr_array_ref (self->filters) : NULL;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; list != NULL && i < list->len; i++)
    if (!run (g_ptr_array_index (list, i), invocation))
      return FALSE;

  return TRUE;
}
