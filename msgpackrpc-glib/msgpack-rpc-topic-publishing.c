/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-topic-private.h"

#include "msgpack-rpc-i18n-private.h"

/* How a publication gets to all who have subscribed. */

/* What is to be done for one of them when all have it. */
typedef struct
{
  MsgpackRpcSubscription *subscription; /* owned */
  MsgpackRpcPublished published;
  GError *error;                        /* owned, nullable */
} FollowUp;

static void
follow_up_clear (gpointer data)
{
  FollowUp *self = data;

  g_object_unref (self->subscription);
  g_clear_error (&self->error);
}

/* All or nothing. The lock is held. */
static gboolean
prepare (MsgpackRpcTopic   *self,
         MsgpackRpcNotice  *notice,
         GError           **error)
{
  GHashTableIter iter;
  gpointer subscription;

  g_hash_table_iter_init (&iter, self->subscriptions);
  while (g_hash_table_iter_next (&iter, &subscription, NULL))
    if (!_msgpack_rpc_subscription_prepare (subscription, notice, error))
      return FALSE;

  return TRUE;
}

/* One publication after the other, so that they come in the same order everywhere. The lock is held. */
static GArray *
queue (MsgpackRpcTopic  *self,
       MsgpackRpcNotice *notice,
       const char       *key)
{
  GArray *todo = g_array_new (FALSE, FALSE, sizeof (FollowUp));
  GHashTableIter iter;
  gpointer subscription;

  g_array_set_clear_func (todo, follow_up_clear);
  g_hash_table_iter_init (&iter, self->subscriptions);
  while (g_hash_table_iter_next (&iter, &subscription, NULL))
    {
      FollowUp follow_up = { NULL };

      follow_up.published = _msgpack_rpc_subscription_publish (subscription, notice, key,
                                                               &follow_up.error);
      if (follow_up.published == MSGPACK_RPC_PUBLISHED)
        continue;

      follow_up.subscription = g_object_ref (subscription);
      g_array_append_val (todo, follow_up);
    }

  return todo;
}

static gboolean
check_type (MsgpackRpcTopic  *self,
            GVariant         *value,
            GError          **error)
{
  if (self->type == NULL || g_variant_is_of_type (value, self->type))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "Topic “%s” takes a value of type “%s”, not “%s”", self->name, self->signature,
               g_variant_get_type_string (value));
  return FALSE;
}

/* @value: nullable. Returns what was done for each of them (of FollowUp), or NULL with an error. */
static GArray *
publish (MsgpackRpcTopic  *self,
         const char       *key,
         GVariant         *value,
         GError          **error)
{
  g_autoptr(GVariant) sunk = NULL;
  g_autoptr(GVariant) params = NULL;
  GArray *todo = NULL;

  sunk = g_variant_ref_sink (value != NULL ? value
                                           : g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL));
  if (!check_type (self, sunk, error))
    return NULL;

  params = g_variant_ref_sink (g_variant_new_tuple (&sunk, 1));
  {
    g_auto(MsgpackRpcNotice) notice = MSGPACK_RPC_NOTICE_INIT (self->name, params);

    g_mutex_lock (&self->lock);
    if (prepare (self, &notice, error))
      todo = queue (self, &notice, key);
    g_mutex_unlock (&self->lock);
  }

  for (guint i = 0; todo != NULL && i < todo->len; i++)
    {
      FollowUp *follow_up = &g_array_index (todo, FollowUp, i);

      _msgpack_rpc_subscription_follow_up (follow_up->subscription, follow_up->published,
                                           follow_up->error);
    }

  return todo;
}

/**
 * msgpack_rpc_topic_publish:
 * @self: a topic
 * @value: (nullable): the value, or `NULL` for nil
 * @error: return location for an error
 *
 * Sends a value to all who have subscribed; may be called from any thread.
 *
 * They get it as a notification whose method is the topic's name, with @value as its only parameter.
 * What becomes of those who read too slowly says [property@Topic:policy]; with
 * [enum@TopicPolicy.CONFLATE], the key is the empty string.
 *
 * If @value is floating, it is consumed.
 *
 * Returns: `TRUE` if it was sent to all, of whom there may be none; `FALSE` with @error set to
 *   [error@Error.INVALID_VALUE] if @value is not of the topic's type, or cannot be written as
 *   MessagePack: then it was sent to nobody
 * Since: 1.0
 */
gboolean
msgpack_rpc_topic_publish (MsgpackRpcTopic  *self,
                           GVariant         *value,
                           GError          **error)
{
  return msgpack_rpc_topic_publish_with_key (self, "", value, error);
}

/**
 * msgpack_rpc_topic_publish_with_key:
 * @self: a topic
 * @key: what the value is of
 * @value: (nullable): the value, or `NULL` for nil
 * @error: return location for an error
 *
 * Sends a value that takes the place of older ones of the same key, with
 * [enum@TopicPolicy.CONFLATE].
 *
 * The key is not sent. Otherwise as [method@Topic.publish].
 *
 * Returns: `TRUE` if it was sent to all; `FALSE` with @error set, as for [method@Topic.publish]
 * Since: 1.0
 */
gboolean
msgpack_rpc_topic_publish_with_key (MsgpackRpcTopic  *self,
                                    const char       *key,
                                    GVariant         *value,
                                    GError          **error)
{
  g_autoptr(GArray) todo = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  todo = publish (self, key, value, error);
  return todo != NULL;
}

/* ---- waiting for room ---- */

/* What a publisher waits for. Its context may be another thread's. */
typedef struct
{
  int n_left;       /* atomic: subscribers without room, and whoever still counts them */
  int is_cancelled; /* atomic */
} Waiting;

static void
one_less (GTask *task)
{
  Waiting *waiting = g_task_get_task_data (task);

  if (!g_atomic_int_dec_and_test (&waiting->n_left))
    return;

  if (g_atomic_int_get (&waiting->is_cancelled))
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s",
                             _("The operation was cancelled"));
  else
    g_task_return_boolean (task, TRUE);
}

static void
got_room (GObject      *source G_GNUC_UNUSED,
          GAsyncResult *result,
          gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  Waiting *waiting = g_task_get_task_data (task);
  g_autoptr(GError) error = NULL;

  /* Who is gone has all the room. */
  _msgpack_rpc_call_get_outcome (MSGPACK_RPC_CALL (result), NULL, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_atomic_int_set (&waiting->is_cancelled, TRUE);
  one_less (task);
}

static void
await_room (MsgpackRpcTopic *self,
            GArray          *todo,
            GCancellable    *cancellable,
            GTask           *task)
{
  Waiting *waiting = g_task_get_task_data (task);

  for (guint i = 0; i < todo->len; i++)
    {
      FollowUp *follow_up = &g_array_index (todo, FollowUp, i);
      g_autoptr(MsgpackRpcCall) call = NULL;

      if (follow_up->published != MSGPACK_RPC_PUBLISHED_FULL)
        continue;

      g_atomic_int_inc (&waiting->n_left);
      call = _msgpack_rpc_subscription_await_room (follow_up->subscription, self, cancellable,
                                                   got_room, g_object_ref (task));
      if (call != NULL)
        continue;

      one_less (task);
      g_object_unref (task);
    }
}

/**
 * msgpack_rpc_topic_publish_async:
 * @self: a topic
 * @value: (nullable): the value, or `NULL` for nil
 * @cancellable: (nullable): ends the waiting; the value is published all the same
 * @callback: (scope async): called when there is room for the next one
 * @user_data: data for @callback
 *
 * Sends a value to all who have subscribed, as [method@Topic.publish], and waits until each of them
 * has room for another one or has gone.
 *
 * There is room while fewer than [property@Topic:max-queued] wait to be written. Only
 * [enum@TopicPolicy.PAUSE] makes it wait: who publishes the next when this is done has never more than
 * that queued. A subscriber that reads nothing at all is disconnected after
 * [property@Limits:write-timeout].
 *
 * If @value is floating, it is consumed. Call [method@Topic.publish_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_topic_publish_async (MsgpackRpcTopic     *self,
                                 GVariant            *value,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  g_autoptr(GTask) task = NULL;
  g_autoptr(GArray) todo = NULL;
  g_autoptr(GError) error = NULL;
  Waiting *waiting;

  g_return_if_fail (MSGPACK_RPC_IS_TOPIC (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  /* The calls have the cancellable. */
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_topic_publish_async);
  waiting = g_new0 (Waiting, 1);
  waiting->n_left = 1;
  waiting->is_cancelled = g_cancellable_is_cancelled (cancellable);
  g_task_set_task_data (task, waiting, g_free);

  todo = publish (self, "", value, &error);
  if (todo == NULL)
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }

  await_room (self, todo, cancellable, task);
  one_less (task);
}

/**
 * msgpack_rpc_topic_publish_finish:
 * @self: a topic
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Topic.publish_async].
 *
 * Returns: `TRUE` when there is room for the next; `FALSE` with @error set, as for
 *   [method@Topic.publish], or to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_topic_publish_finish (MsgpackRpcTopic  *self,
                                  GAsyncResult     *result,
                                  GError          **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), FALSE);
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * msgpack_rpc_topic_publish_sync:
 * @self: a topic
 * @value: (nullable): the value, or `NULL` for nil
 * @cancellable: (nullable): ends the waiting; the value is published all the same
 * @error: return location for an error
 *
 * Sends a value to all who have subscribed, and blocks until there is room for the next one.
 *
 * Works in any thread, whether any loop is running or not. Otherwise as
 * [method@Topic.publish_async].
 *
 * Returns: `TRUE` when there is room for the next; `FALSE` with @error set, as for
 *   [method@Topic.publish], or to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_topic_publish_sync (MsgpackRpcTopic  *self,
                                GVariant         *value,
                                GCancellable     *cancellable,
                                GError          **error)
{
  g_autoptr(GArray) todo = NULL;
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean done;

  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  todo = publish (self, "", value, error);
  if (todo == NULL)
    return FALSE;

  for (guint i = 0; i < todo->len; i++)
    {
      FollowUp *follow_up = &g_array_index (todo, FollowUp, i);
      MsgpackRpcCall *call = NULL;

      if (follow_up->published == MSGPACK_RPC_PUBLISHED_FULL)
        call = _msgpack_rpc_subscription_await_room (follow_up->subscription, self, NULL, NULL, NULL);
      if (call != NULL)
        g_ptr_array_add (calls, call);
    }

  done = _msgpack_rpc_call_wait_for ((MsgpackRpcCall **) calls->pdata, calls->len, calls->len,
                                     cancellable, error);
  for (guint i = 0; !done && i < calls->len; i++)
    msgpack_rpc_call_cancel (g_ptr_array_index (calls, i));
  return done;
}
