/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-method-private.h"

static gboolean
discover (MsgpackRpcInvocation  *invocation,
          GVariant              *params G_GNUC_UNUSED,
          gpointer               user_data,
          GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_invocation_return_value (invocation, _msgpack_rpc_dispatcher_describe (user_data));
  return TRUE;
}

static gboolean
ping (MsgpackRpcInvocation  *invocation,
      GVariant              *params G_GNUC_UNUSED,
      gpointer               user_data G_GNUC_UNUSED,
      GError               **error G_GNUC_UNUSED)
{
  msgpack_rpc_invocation_return_value (invocation, NULL);
  return TRUE;
}

static const struct
{
  const char *name;
  const char *signature;
  MsgpackRpcHandler handler;
} built_in[MSGPACK_RPC_N_BUILT_IN] = {
  [MSGPACK_RPC_BUILT_IN_DISCOVER] = { "rpc.discover", "()", discover },
  [MSGPACK_RPC_BUILT_IN_PING] = { "rpc.ping", NULL, ping },
};

/* The dispatcher outlives a call that runs. */
static MsgpackRpcMethodEntry *
get_entry (MsgpackRpcDispatcher *self,
           MsgpackRpcBuiltIn     which)
{
  g_autoptr(MsgpackRpcMethod) method = NULL;

  if (self->built_in[which] == NULL)
    {
      method = _msgpack_rpc_method_new (_msgpack_rpc_method_table_next_id (&self->table),
                                        built_in[which].name, built_in[which].signature,
                                        MSGPACK_RPC_METHOD_FLAGS_NONE);
      self->built_in[which] = _msgpack_rpc_method_entry_new (method, built_in[which].handler, self,
                                                             NULL);
    }

  return self->built_in[which];
}

MsgpackRpcMethodEntry *
_msgpack_rpc_built_in_lookup (MsgpackRpcDispatcher *self,
                              const char           *name)
{
  if (!g_str_has_prefix (name, "rpc."))
    return NULL;

  for (guint i = 0; i < MSGPACK_RPC_N_BUILT_IN; i++)
    {
      if (self->is_on[i] && g_str_equal (name, built_in[i].name))
        return get_entry (self, i);
    }

  return NULL;
}

void
_msgpack_rpc_built_in_clear (MsgpackRpcDispatcher *self)
{
  for (guint i = 0; i < MSGPACK_RPC_N_BUILT_IN; i++)
    g_clear_pointer (&self->built_in[i], _msgpack_rpc_method_entry_unref);
}
