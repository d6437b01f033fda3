/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-method-entry-private.h"

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-method-private.h"
#include "msgpack-rpc-named-params-private.h"

static GVariant *
example_new (const GVariantType *type)
{
  if (type == NULL || !g_variant_type_is_definite (type))
    return NULL;

  return g_variant_ref_sink (g_variant_new_from_data (type, NULL, 0, FALSE, NULL, NULL));
}

MsgpackRpcMethodEntry *
_msgpack_rpc_method_entry_new (MsgpackRpcMethod  *method,
                               MsgpackRpcHandler  handler,
                               gpointer           user_data,
                               GDestroyNotify     destroy)
{
  const char *signature = msgpack_rpc_method_get_signature (method);
  MsgpackRpcMethodEntry *self = g_new0 (MsgpackRpcMethodEntry, 1);

  self->ref_count = 1;
  self->method = g_object_ref (method);
  self->flags = msgpack_rpc_method_get_flags (method);
  self->signature = signature != NULL ? g_variant_type_new (signature) : NULL;
  self->example = example_new (self->signature);
  self->handler = handler;
  _msgpack_rpc_user_data_init (&self->user_data, user_data, destroy);
  return self;
}

MsgpackRpcMethodEntry *
_msgpack_rpc_method_entry_ref (MsgpackRpcMethodEntry *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
_msgpack_rpc_method_entry_unref (gpointer data)
{
  MsgpackRpcMethodEntry *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  _msgpack_rpc_user_data_clear (&self->user_data);
  g_object_unref (self->method);
  g_clear_pointer (&self->signature, g_variant_type_free);
  g_clear_pointer (&self->example, g_variant_unref);
  g_free (self);
}

static void
fail (MsgpackRpcInvocation *invocation,
      const GError         *error)
{
  _msgpack_rpc_debug_info (_msgpack_rpc_invocation_get_connection_id (invocation),
                           _msgpack_rpc_invocation_get_msgid_piece (invocation), "Method “%s” failed: %s",
                           msgpack_rpc_invocation_get_method (invocation),
                           error != NULL ? error->message : "its handler gave no error");

  if (_msgpack_rpc_invocation_is_notification (invocation))
    _msgpack_rpc_invocation_count_error (invocation);
  /* A handler that has answered may return what it likes. */
  if (msgpack_rpc_invocation_get_answered (invocation))
    return;

  if (error != NULL)
    msgpack_rpc_invocation_return_gerror (invocation, error);
  else
    _msgpack_rpc_invocation_return_failed (invocation);
}

static GVariant *
dup_params (MsgpackRpcMethodEntry  *self,
            MsgpackRpcInvocation   *invocation,
            GError                **error)
{
  g_autoptr(GVariant) params = NULL;
  g_auto(GStrv) names = NULL;

  if (self->signature == NULL)
    return _msgpack_rpc_invocation_dup_params (invocation);

  if ((self->flags & MSGPACK_RPC_METHOD_FLAGS_NAMED_PARAMS) && g_variant_type_is_tuple (self->signature))
    params = _msgpack_rpc_invocation_dup_params (invocation);
  if (params == NULL || !_msgpack_rpc_params_are_named (params))
    return _msgpack_rpc_invocation_dup_typed_params (invocation, self->signature, error);

  names = msgpack_rpc_method_get_param_names (self->method);
  return _msgpack_rpc_coerce_named_params (msgpack_rpc_invocation_get_method (invocation), params,
                                           self->signature, (const char * const *) names, error);
}

gboolean
_msgpack_rpc_method_entry_check (MsgpackRpcMethodEntry  *self,
                                 MsgpackRpcInvocation   *invocation,
                                 GVariant              **params)
{
  g_autoptr(GVariant) typed = NULL;
  g_autoptr(GError) error = NULL;

  typed = dup_params (self, invocation, &error);
  if (error != NULL)
    {
      fail (invocation, error);
      return FALSE;
    }
  /* Somebody has answered before a worker could. */
  if (typed == NULL)
    return FALSE;

  _msgpack_rpc_invocation_take_result_signature (
      invocation, _msgpack_rpc_method_ref_result_signature (self->method));
  *params = _msgpack_rpc_invocation_dup_params (invocation);
  /* What their names are is known here. */
  if (*params != NULL && _msgpack_rpc_params_are_named (*params) &&
      g_variant_is_of_type (typed, G_VARIANT_TYPE_TUPLE))
    {
      g_variant_unref (*params);
      *params = g_steal_pointer (&typed);
    }
  return TRUE;
}

void
_msgpack_rpc_method_entry_run (MsgpackRpcMethodEntry *self,
                               MsgpackRpcInvocation  *invocation)
{
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GError) error = NULL;

  params = dup_params (self, invocation, &error);
  if (error != NULL)
    {
      fail (invocation, error);
      return;
    }
  /* Somebody has answered before the handler could. */
  if (params == NULL)
    return;

  _msgpack_rpc_invocation_take_result_signature (
      invocation, _msgpack_rpc_method_ref_result_signature (self->method));
  if (self->handler == NULL)
    {
      error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                           "Method “%s” has no handler in the worker",
                           msgpack_rpc_method_get_name (self->method));
      fail (invocation, error);
      return;
    }

  if (!self->handler (invocation, params, self->user_data.data, &error))
    fail (invocation, error);
}
