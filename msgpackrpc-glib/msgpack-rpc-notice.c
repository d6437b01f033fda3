/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-notice-private.h"

#include "msgpack-rpc-message-private.h"

G_STATIC_ASSERT (MSGPACK_RPC_N_PACK_FLAGS ==
                 (MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW | MSGPACK_RPC_PACK_FLAGS_FLOAT32) + 1);

MsgpackRpcPacked *
_msgpack_rpc_notice_pack (MsgpackRpcNotice     *self,
                          MsgpackRpcPackFlags   flags,
                          GError              **error)
{
  MsgpackRpcPacked **packed = &self->packed[flags % MSGPACK_RPC_N_PACK_FLAGS];

  if (*packed == NULL)
    *packed = _msgpack_rpc_message_pack_notification (self->method, self->params, flags, error);
  return *packed;
}

void
_msgpack_rpc_notice_clear (MsgpackRpcNotice *self)
{
  for (guint i = 0; i < MSGPACK_RPC_N_PACK_FLAGS; i++)
    g_clear_pointer (&self->packed[i], _msgpack_rpc_packed_unref);
}
