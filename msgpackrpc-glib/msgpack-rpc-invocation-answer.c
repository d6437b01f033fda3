/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-invocation-parts-private.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-reactor-private.h"
#include "msgpack-rpc-value.h"

/* How a request is answered, once, and what its invocation then lets go of. */

void
_msgpack_rpc_invocation_take_luggage (MsgpackRpcInvocation *self,
                                      MsgpackRpcLuggage    *luggage)
{
  luggage->connection = g_steal_pointer (&self->connection);
  if (luggage->connection != NULL && self->connection_is_shared)
    self->shared_connection = g_object_ref (luggage->connection);

  luggage->message = g_steal_pointer (&self->message);
  luggage->params = g_steal_pointer (&self->params);
  if (luggage->params != NULL && self->params_are_shared)
    self->shared_params = g_variant_ref (luggage->params);

  luggage->reactor = g_steal_pointer (&self->reactor);
  luggage->job = g_steal_pointer (&self->job);
}

void
_msgpack_rpc_invocation_drop_luggage (MsgpackRpcInvocation *self,
                                      MsgpackRpcLuggage    *luggage)
{
  if (luggage->reactor != NULL)
    _msgpack_rpc_reactor_stop_timer (luggage->reactor, &self->timer);

  g_clear_pointer (&luggage->job, _msgpack_rpc_job_withdraw);
  g_clear_pointer (&luggage->reactor, _msgpack_rpc_reactor_unref);
  g_clear_pointer (&luggage->params, g_variant_unref);
  g_clear_pointer (&luggage->message, g_bytes_unref);
  g_clear_object (&luggage->connection);
}

/* Returns NULL without an error if the request's id cannot be written. */
static GVariant *
make_answer (MsgpackRpcInvocation  *self,
             GVariant              *error_value,
             GVariant              *result,
             GError               **error)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(GBytes) bytes = NULL;

  packed = _msgpack_rpc_message_pack_answer (MSGPACK_RPC_PROFILE_TOLERANT,
                                             MSGPACK_RPC_PACK_FLAGS_NONE, 0, &self->msgid,
                                             error_value, result);
  if (packed == NULL)
    return NULL;

  bytes = _msgpack_rpc_packed_to_bytes (packed);

  return msgpack_rpc_unpack (bytes, error);
}

/* The answer as a message of the mapping's own types, whatever those of @result are. */
GVariant *
_msgpack_rpc_invocation_make_reply (MsgpackRpcInvocation *self,
                                    GVariant             *error_value,
                                    GVariant             *result)
{
  g_autoptr(GVariant) text = NULL;
  g_autoptr(GError) error = NULL;
  GVariant *reply;

  reply = make_answer (self, error_value, result, &error);
  if (reply != NULL || error == NULL)
    return reply;

  /* It is beyond the limits of what a peer would accept. */
  text = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));

  return make_answer (self, text, NULL, NULL);
}

static void
count_late_answer (MsgpackRpcInvocation *self)
{
  MSGPACK_RPC_DEBUG (CALLS, self->connection_id, _msgpack_rpc_debug_get_msgid (&self->msgid),
                     "request “%s” was answered before", self->method);
  if (self->statistics != NULL)
    _msgpack_rpc_statistics_add (self->statistics, MSGPACK_RPC_STATISTIC_LATE_ANSWERS, 1);
}

void
_msgpack_rpc_invocation_count_error (MsgpackRpcInvocation *self)
{
  MsgpackRpcMethodCounts *counts = g_atomic_pointer_get (&self->counts);

  if (counts != NULL)
    g_atomic_pointer_add (&counts->n_errors, 1);
}

void
_msgpack_rpc_invocation_add_time (MsgpackRpcInvocation *self,
                                  gint64                time)
{
  MsgpackRpcMethodCounts *counts = g_atomic_pointer_get (&self->counts);

  if (counts != NULL)
    g_atomic_pointer_add (&counts->total_time, (gssize) time);
}

/* Of an answer that got past the lock. FALSE if the peer will not get it. */
gboolean
_msgpack_rpc_invocation_send_answer (MsgpackRpcInvocation *self,
                                     GVariant             *error_value,
                                     GVariant             *result)
{
  g_autoptr(GVariant) withdrawn = NULL;
  MsgpackRpcLuggage luggage;
  gboolean is_taken = TRUE, is_withdrawn;
  gsize size;

  g_mutex_lock (&self->lock);
  is_withdrawn = self->is_withdrawn;
  _msgpack_rpc_invocation_take_luggage (self, &luggage);
  g_mutex_unlock (&self->lock);

  /* Nobody looks at it: it only says that there is nothing more to come. */
  if (is_withdrawn)
    withdrawn = g_variant_ref_sink (g_variant_new_string ("The caller has cancelled the request"));

  if (error_value != NULL)
    _msgpack_rpc_invocation_count_error (self);
  size = luggage.message != NULL ? g_bytes_get_size (luggage.message) : 0;
  if (luggage.connection != NULL)
    is_taken = _msgpack_rpc_connection_answer (luggage.connection, self, &self->msgid, size,
                                               is_withdrawn ? withdrawn : error_value,
                                               is_withdrawn ? NULL : result);

  _msgpack_rpc_invocation_drop_luggage (self, &luggage);
  return is_taken && !is_withdrawn;
}

/* Exactly one answer gets past the lock. @error_value: NULL for a success. @counts: whether one
 * that comes after another is worth mentioning. */
static gboolean
answer (MsgpackRpcInvocation *self,
        GVariant             *error_value,
        GVariant             *result,
        gboolean              counts)
{
  g_autoptr(GVariant) reply = NULL;
  gboolean is_filtered;

  if (self->is_local && !_msgpack_rpc_invocation_is_notification (self))
    reply = _msgpack_rpc_invocation_make_reply (self, error_value, result);

  g_mutex_lock (&self->lock);
  if (self->answered || (self->cancelled && !self->is_withdrawn))
    {
      gboolean is_late = self->answered && !_msgpack_rpc_invocation_is_notification (self);

      g_mutex_unlock (&self->lock);
      if (is_late && counts)
        count_late_answer (self);
      return FALSE;
    }

  self->answered = TRUE;
  self->reply = g_steal_pointer (&reply);
  is_filtered = self->filters != NULL &&
                _msgpack_rpc_invocation_keep_answer_unlocked (self, error_value, result);
  g_mutex_unlock (&self->lock);

  if (is_filtered)
    return _msgpack_rpc_invocation_post_answer (self);

  return _msgpack_rpc_invocation_send_answer (self, error_value, result);
}

/* With its domain and code, if the peer understands them. */
static GVariant *
make_error_value (MsgpackRpcInvocation *self,
                  GQuark                domain,
                  int                   code,
                  const char           *text)
{
  g_autoptr(MsgpackRpcConnection) connection = _msgpack_rpc_invocation_ref_connection (self);

  if (connection != NULL)
    return _msgpack_rpc_connection_make_error_value (connection, domain, code, text);

  return g_variant_ref_sink (_msgpack_rpc_message_error_from_text (text));
}

gboolean
_msgpack_rpc_invocation_answer_for_method (MsgpackRpcInvocation *self,
                                           MsgpackRpcError       code,
                                           const char           *before,
                                           const char           *after)
{
  g_autofree char *method = _msgpack_rpc_message_quote_method (self->method);
  g_autofree char *text = g_strconcat (before, " “", method, "”", after, NULL);
  g_autoptr(GVariant) value = make_error_value (self, MSGPACK_RPC_ERROR, (int) code, text);

  if (!answer (self, value, NULL, FALSE))
    return FALSE;

  _msgpack_rpc_debug_info (self->connection_id, &self->msgid, "%s", text);
  return TRUE;
}

gboolean
_msgpack_rpc_invocation_return_failed (MsgpackRpcInvocation *self)
{
  return _msgpack_rpc_invocation_answer_for_method (self, MSGPACK_RPC_ERROR_FAILED, "Method", " failed");
}

gboolean
_msgpack_rpc_invocation_return_not_found (MsgpackRpcInvocation *self,
                                          const char           *hint)
{
  return _msgpack_rpc_invocation_answer_for_method (self, MSGPACK_RPC_ERROR_METHOD_NOT_FOUND, "There is no method",
                            hint != NULL ? hint : "");
}

/* Makes @result what was declared. What is wrong is the method's fault, and nothing that the peer could
 * change: what was expected is for the log. */
static gboolean
answer_checked (MsgpackRpcInvocation *self,
                GVariant             *result)
{
  const GVariantType *type = G_VARIANT_TYPE (self->result_signature);
  g_autoptr(GVariant) nil = NULL;
  g_autoptr(GVariant) checked = NULL;
  g_autoptr(GError) error = NULL;

  if (result == NULL)
    result = nil = g_variant_ref_sink (g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL));
  checked = _msgpack_rpc_coerce (result, type, "result", &error);
  if (checked != NULL && g_variant_type_equal (type, G_VARIANT_TYPE_UNIT))
    return answer (self, NULL, NULL, TRUE);
  if (checked != NULL)
    return answer (self, NULL, checked, TRUE);

  if (!_msgpack_rpc_invocation_answer_for_method (self, MSGPACK_RPC_ERROR_INVALID_RESULT, "Method",
                          " gave a result of a wrong type"))
    return FALSE;

  _msgpack_rpc_debug_info (self->connection_id, &self->msgid, "Result of method “%s”: %s", self->method,
                           error->message);
  return TRUE;
}

/**
 * msgpack_rpc_invocation_return_value:
 * @self: an invocation
 * @value: (nullable): the result, of any type that [func@pack] can write, or `NULL` for nil
 *
 * Answers the request with a result.
 *
 * If @value cannot be written as MessagePack, or does not fit the
 * [property@Method:result-signature], the peer gets an error that says so, and this counts as the
 * answer. If @value is floating, it is consumed, whatever is returned.
 *
 * Nothing is sent, and no callback is called, before this returns; if the connection ends before
 * the answer is written, it is lost.
 *
 * Returns: `TRUE` if this was the answer, `FALSE` if there was one before, or if nobody waits for
 *   one
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_return_value (MsgpackRpcInvocation *self,
                                     GVariant             *value)
{
  g_autoptr(GVariant) result = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);

  result = value != NULL ? g_variant_ref_sink (value) : NULL;
  if (self->result_signature != NULL && !msgpack_rpc_invocation_get_answered (self))
    return answer_checked (self, result);

  return answer (self, NULL, result, TRUE);
}

/**
 * msgpack_rpc_invocation_return_error:
 * @self: an invocation
 * @domain: the domain of the error
 * @code: the code of the error
 * @format: a format in the manner of `printf()`
 * @...: what to put into @format
 *
 * Answers the request with an error; see [method@Invocation.return_error_literal].
 *
 * Returns: `TRUE` if this was the answer, `FALSE` if there was one before, or if nobody waits for
 *   one
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_return_error (MsgpackRpcInvocation *self,
                                     GQuark                domain,
                                     int                   code,
                                     const char           *format,
                                     ...)
{
  g_autofree char *message = NULL;
  va_list args;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);
  g_return_val_if_fail (format != NULL, FALSE);

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  return msgpack_rpc_invocation_return_error_literal (self, domain, code, message);
}

/**
 * msgpack_rpc_invocation_return_error_literal: (rename-to msgpack_rpc_invocation_return_error)
 * @self: an invocation
 * @domain: the domain of the error
 * @code: the code of the error
 * @message: the text of the error
 *
 * Answers the request with an error.
 *
 * The peer gets @message; @domain and @code are logged, and sent only if the domain is registered and
 * the peer understands that: see [func@register_error_domain]. An empty @message is replaced, since there are peers that would take it
 * for a success.
 *
 * In Python, JavaScript and other bindings this is the method `return_error`.
 *
 * Returns: `TRUE` if this was the answer, `FALSE` if there was one before, or if nobody waits for
 *   one
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_return_error_literal (MsgpackRpcInvocation *self,
                                             GQuark                domain,
                                             int                   code,
                                             const char           *message)
{
  g_autoptr(GVariant) value = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);
  g_return_val_if_fail (message != NULL, FALSE);

  MSGPACK_RPC_DEBUG (CALLS, self->connection_id, _msgpack_rpc_debug_get_msgid (&self->msgid),
                     "request “%s” fails: %s (%s, %d)", self->method, message,
                     domain != 0 ? g_quark_to_string (domain) : "no domain", code);

  value = make_error_value (self, domain, code, message);
  return answer (self, value, NULL, TRUE);
}

/**
 * msgpack_rpc_invocation_return_gerror:
 * @self: an invocation
 * @error: an error
 *
 * Answers the request with @error; see [method@Invocation.return_error_literal].
 *
 * Returns: `TRUE` if this was the answer, `FALSE` if there was one before, or if nobody waits for
 *   one
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_return_gerror (MsgpackRpcInvocation *self,
                                      const GError         *error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);
  g_return_val_if_fail (error != NULL, FALSE);

  return msgpack_rpc_invocation_return_error_literal (self, error->domain, error->code,
                                                      error->message);
}

/**
 * msgpack_rpc_invocation_return_error_value:
 * @self: an invocation
 * @value: (nullable): the error, of any type that [func@pack] can write
 *
 * Answers the request with an error that is no text, for peers that expect more than that.
 *
 * A value that some peers would take for a success (`NULL`, nil, `FALSE`, 0, and whatever is empty)
 * is replaced by a text. If @value is floating, it is consumed, whatever is returned.
 *
 * Returns: `TRUE` if this was the answer, `FALSE` if there was one before, or if nobody waits for
 *   one
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_invocation_return_error_value (MsgpackRpcInvocation *self,
                                           GVariant             *value)
{
  g_autoptr(GVariant) error_value = NULL;
  g_autofree char *method = NULL;
  g_autofree char *text = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_INVOCATION (self), FALSE);

  error_value = value != NULL ? g_variant_ref_sink (value) : NULL;
  if (!_msgpack_rpc_value_is_falsy (error_value))
    return answer (self, error_value, NULL, TRUE);

  method = _msgpack_rpc_message_quote_method (self->method);
  text = g_strdup_printf ("Method “%s” failed", method);
  return msgpack_rpc_invocation_return_error_literal (self, 0, 0, text);
}
