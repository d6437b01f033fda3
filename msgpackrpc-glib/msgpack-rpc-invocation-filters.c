/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-invocation-parts-private.h"

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-user-data-private.h"
#include "msgpack-rpc-value.h"

/* What filters do to a request, and to its answer. */

typedef struct
{
  MsgpackRpcAnswerFilter func;
  MsgpackRpcUserData user_data;
} AnswerFilter;

/* Guarded by the invocation's lock. */
struct _MsgpackRpcInvocationFilters
{
  GPtrArray *answer_filters; /* of AnswerFilter; NULL once they have begun */
  gboolean has_answer;       /* one is kept for them */
  GVariant *error_value;     /* owned; NULL: it is a success */
  GVariant *result;          /* owned, nullable */

  /* Getters have given these away. */
  GPtrArray *old_methods;
  GPtrArray *old_params;
};

static void
answer_filter_free (gpointer data)
{
  AnswerFilter *self = data;

  _msgpack_rpc_user_data_clear (&self->user_data);
  g_free (self);
}

void
_msgpack_rpc_invocation_filters_free (MsgpackRpcInvocationFilters *filters)
{
  g_clear_pointer (&filters->answer_filters, g_ptr_array_unref);
  g_clear_pointer (&filters->error_value, g_variant_unref);
  g_clear_pointer (&filters->result, g_variant_unref);
  g_ptr_array_unref (filters->old_methods);
  g_ptr_array_unref (filters->old_params);
  g_free (filters);
}

/* The lock is held. */
static MsgpackRpcInvocationFilters *
get_filters (MsgpackRpcInvocation *self)
{
  if (self->filters == NULL)
    {
      self->filters = g_new0 (MsgpackRpcInvocationFilters, 1);
      self->filters->answer_filters = g_ptr_array_new_with_free_func (answer_filter_free);
      self->filters->old_methods = g_ptr_array_new_with_free_func (g_free);
      self->filters->old_params =
        g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
    }

  return self->filters;
}

void
_msgpack_rpc_invocation_set_filtering (MsgpackRpcInvocation *self,
                                       gboolean              filtering)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->filter_thread = filtering ? g_thread_self () : NULL;
}

/* ---- changing a request ---- */

/* The lock is held. */
static gboolean
may_change (MsgpackRpcInvocation *self)
{
  return self->filter_thread == g_thread_self () &&
         (self->filters == NULL || !self->filters->has_answer);
}

/**
 * msgpack_rpc_invocation_set_method:
 * @self: an invocation, in a filter
 * @method: the name of a method
 *
 * Makes another method answer the request: for a [callback@Filter], before it returns.
 *
 * Returns: `TRUE` if it was set; `FALSE` outside of a filter
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_set_method (MsgpackRpcInvocation *self,
                                   const char           *method)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);
  g_return_val_if_fail (method != NULL && g_utf8_validate (method, -1, NULL), FALSE);

  locker = g_mutex_locker_new (&self->lock);
  if (!may_change (self))
    return FALSE;

  g_ptr_array_add (get_filters (self)->old_methods, self->method);
  g_atomic_pointer_set (&self->method, g_strdup (method));
  return TRUE;
}

/* The parameters as a peer would have sent them: of the mapping's own types, and within the limits. */
static gboolean
make_message (GVariant           *params,
              MsgpackRpcMessage  *message,
              GError            **error)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(GBytes) packed_bytes = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GBytes) bytes = NULL;

  packed = _msgpack_rpc_message_pack_notification ("", params, MSGPACK_RPC_PACK_FLAGS_NONE, error);
  packed_bytes = packed != NULL ? _msgpack_rpc_packed_to_bytes (packed) : NULL;
  value = packed_bytes != NULL ? msgpack_rpc_unpack (packed_bytes, error) : NULL;
  if (value == NULL)
    return FALSE;

  bytes = g_variant_get_data_as_bytes (value);
  return _msgpack_rpc_message_parse (message, bytes, error);
}

/**
 * msgpack_rpc_invocation_set_params:
 * @self: an invocation, in a filter
 * @params: (nullable): the parameters, as for [method@Peer.call_async], or `NULL` for none
 * @error: return location for an error
 *
 * Gives the method other parameters: for a [callback@Filter], before it returns.
 *
 * They are checked as if they had been sent. If @params is floating, it is consumed.
 *
 * Returns: `TRUE` if they were set; `FALSE` with @error set: [error@Error.INVALID_VALUE],
 *   [error@Error.TOO_LARGE] or [error@Error.TOO_DEEP] if they cannot be sent, and
 *   `G_IO_ERROR_NOT_SUPPORTED` outside of a filter, or if the request was answered
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_set_params (MsgpackRpcInvocation  *self,
                                   GVariant              *params,
                                   GError               **error)
{
  g_autoptr(GVariant) sunk = params != NULL ? g_variant_ref_sink (params) : NULL;
  g_auto(MsgpackRpcMessage) message = { .type = MSGPACK_RPC_MESSAGE_INVALID };
  g_autoptr(GBytes) old_message = NULL;
  gboolean is_set;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!make_message (sunk, &message, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  is_set = may_change (self) && self->message != NULL;
  if (is_set)
    {
      old_message = self->message;
      if (self->params != NULL)
        g_ptr_array_add (get_filters (self)->old_params, g_steal_pointer (&self->params));
      self->message = g_bytes_ref (message.bytes);
      self->params_piece = message.params;
    }
  g_mutex_unlock (&self->lock);

  if (!is_set)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                         "Parameters can only be changed by a filter, before the request is answered");
  return is_set;
}

/* ---- looking at the answer ---- */

/**
 * msgpack_rpc_invocation_add_answer_filter:
 * @self: an invocation
 * @filter: (scope notified) (closure user_data) (destroy user_data_destroy): what is called with the
 *   answer
 * @user_data: data for @filter
 * @user_data_destroy: (nullable): lets go of @user_data
 *
 * Has the answer looked at, and perhaps replaced, before it is sent: most often added by a
 * [callback@Filter], so that it is around what it lets go on.
 *
 * It is called once, whoever answers and with whatever, the library included; those that were added last
 * come first. It comes in the [property@Connection:main-context], by a later dispatch: an answer that is
 * given in another thread goes there first, and a request counts as in flight until then. Without a
 * connection ([method@Dispatcher.dispatch]) it comes before the reply is given. A
 * request whose connection ends before it is answered has no answer.
 *
 * @user_data_destroy is called in the current thread, or by its thread-default context; at once if
 * nothing is added.
 *
 * Returns: `TRUE` if it was added; `FALSE` if the request was answered, and for a notification
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_add_answer_filter (MsgpackRpcInvocation   *self,
                                          MsgpackRpcAnswerFilter  filter,
                                          gpointer                user_data,
                                          GDestroyNotify          user_data_destroy)
{
  AnswerFilter *added;
  gboolean is_added;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);
  g_return_val_if_fail (filter != NULL, FALSE);

  added = g_new0 (AnswerFilter, 1);
  added->func = filter;
  _msgpack_rpc_user_data_init (&added->user_data, user_data, user_data_destroy);

  g_mutex_lock (&self->lock);
  is_added = !self->answered && !self->cancelled;
  if (is_added)
    g_ptr_array_add (get_filters (self)->answer_filters, added);
  g_mutex_unlock (&self->lock);

  if (!is_added)
    answer_filter_free (added);
  return is_added;
}

gboolean
_msgpack_rpc_invocation_keep_answer_unlocked (MsgpackRpcInvocation *self,
                                              GVariant             *error_value,
                                              GVariant             *result)
{
  MsgpackRpcInvocationFilters *filters = self->filters;

  if (filters->answer_filters->len == 0)
    return FALSE;

  filters->has_answer = TRUE;
  filters->error_value = error_value != NULL ? g_variant_ref (error_value) : NULL;
  filters->result = result != NULL ? g_variant_ref (result) : NULL;
  return TRUE;
}

static void
run_posted (gpointer owner,
            gpointer data G_GNUC_UNUSED)
{
  _msgpack_rpc_invocation_run_answer_filters (owner);
}

/* The connection is let go of when it has the answer. */
gboolean
_msgpack_rpc_invocation_post_answer (MsgpackRpcInvocation *self)
{
  g_autoptr(MsgpackRpcConnection) connection = NULL;
  MsgpackRpcJob *job;
  MsgpackRpcReactor *reactor;
  gboolean is_withdrawn;

  g_mutex_lock (&self->lock);
  g_set_object (&connection, self->connection);
  job = g_steal_pointer (&self->job);
  is_withdrawn = self->is_withdrawn;
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&job, _msgpack_rpc_job_withdraw);
  if (connection == NULL)
    return TRUE;

  reactor = _msgpack_rpc_connection_ref_reactor (connection);
  _msgpack_rpc_reactor_post (reactor, _msgpack_rpc_connection_get_lane (connection), self, TRUE,
                             run_posted, NULL, NULL);
  _msgpack_rpc_reactor_unref (reactor);
  return !is_withdrawn;
}

static void
run_one (MsgpackRpcInvocation *self,
         AnswerFilter         *filter)
{
  g_autoptr(GVariant) error_value = NULL;
  g_autoptr(GVariant) result = NULL;

  g_mutex_lock (&self->lock);
  if (self->filters->error_value != NULL)
    error_value = g_variant_ref (self->filters->error_value);
  else if (self->filters->result != NULL)
    result = g_variant_ref (self->filters->result);
  else
    result = g_variant_ref_sink (g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL));
  self->filter_thread = g_thread_self ();
  g_mutex_unlock (&self->lock);

  filter->func (self, result, error_value, filter->user_data.data);

  _msgpack_rpc_invocation_set_filtering (self, FALSE);
}

void
_msgpack_rpc_invocation_run_answer_filters (MsgpackRpcInvocation *self)
{
  g_autoptr(GPtrArray) answer_filters = NULL;
  g_autoptr(GVariant) error_value = NULL;
  g_autoptr(GVariant) result = NULL;

  g_mutex_lock (&self->lock);
  if (self->filters != NULL && self->filters->has_answer)
    answer_filters = g_steal_pointer (&self->filters->answer_filters);
  g_mutex_unlock (&self->lock);

  if (answer_filters == NULL)
    return;

  for (guint i = answer_filters->len; i > 0; i--)
    run_one (self, g_ptr_array_index (answer_filters, i - 1));

  g_mutex_lock (&self->lock);
  error_value = g_steal_pointer (&self->filters->error_value);
  result = g_steal_pointer (&self->filters->result);
  g_mutex_unlock (&self->lock);

  if (self->is_local)
    {
      g_autoptr(GVariant) reply = _msgpack_rpc_invocation_make_reply (self, error_value, result);
      GVariant *old;

      g_mutex_lock (&self->lock);
      old = self->reply;
      self->reply = g_steal_pointer (&reply);
      g_mutex_unlock (&self->lock);
      g_clear_pointer (&old, g_variant_unref);
    }

  _msgpack_rpc_invocation_send_answer (self, error_value, result);
}

/**
 * msgpack_rpc_invocation_replace_answer:
 * @self: an invocation, in an answer filter
 * @result: (nullable): the result instead, or `NULL` for nil
 * @error_value: (nullable): the error instead, as for [method@Invocation.return_error_value], or `NULL`
 *   for none
 *
 * Answers the request with something else than was answered: for an [callback@AnswerFilter], before it
 * returns.
 *
 * It is sent as it is, whatever the [property@Method:result-signature]. If @result or @error_value are
 * floating, they are consumed. With an @error_value there is no result.
 *
 * Returns: `TRUE` if it was replaced; `FALSE` outside of an answer filter
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_replace_answer (MsgpackRpcInvocation *self,
                                       GVariant             *result,
                                       GVariant             *error_value)
{
  g_autoptr(GVariant) sunk_result = result != NULL ? g_variant_ref_sink (result) : NULL;
  g_autoptr(GVariant) sunk_error = error_value != NULL ? g_variant_ref_sink (error_value) : NULL;
  gboolean is_replaced;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);

  if (sunk_error != NULL)
    {
      g_clear_pointer (&sunk_result, g_variant_unref);
      if (_msgpack_rpc_value_is_falsy (sunk_error))
        {
          g_variant_unref (sunk_error);
          sunk_error = g_variant_ref_sink (_msgpack_rpc_message_error_from_text (""));
        }
    }

  g_mutex_lock (&self->lock);
  is_replaced = self->filter_thread == g_thread_self () && self->filters != NULL &&
                self->filters->has_answer;
  if (is_replaced)
    {
      GVariant *old_result = self->filters->result;
      GVariant *old_error = self->filters->error_value;

      /* The old ones are let go with no lock held. */
      self->filters->result = g_steal_pointer (&sunk_result);
      self->filters->error_value = g_steal_pointer (&sunk_error);
      sunk_result = old_result;
      sunk_error = old_error;
    }
  g_mutex_unlock (&self->lock);

  return is_replaced;
}
