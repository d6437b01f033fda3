/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-parts-private.h"

/* What becomes of a call while there is no connection. */

gboolean
_msgpack_rpc_call_is_kept (MsgpackRpcCall *self,
                           gpointer        client,
                           MsgpackRpcKeep  keep)
{
  gboolean unsent = msgpack_rpc_call_get_delivery (self) == MSGPACK_RPC_DELIVERY_NOT_SENT;
  gboolean waits = unsent && g_atomic_int_get (&self->wait_for_ready);
  gboolean repeats = g_atomic_int_get (&self->idempotent);

  if (client == NULL || self->source_tag != client)
    return FALSE;
  if (self->kind == MSGPACK_RPC_CALL_KIND_OPEN)
    return keep >= MSGPACK_RPC_KEEP_OPENING;
  if (self->kind == MSGPACK_RPC_CALL_KIND_CLOSE || self->kind == MSGPACK_RPC_CALL_KIND_FLUSH)
    return FALSE;

  switch (keep)
    {
    case MSGPACK_RPC_KEEP_READY:
    case MSGPACK_RPC_KEEP_OPENING:
      return waits;
    case MSGPACK_RPC_KEEP_PATIENT:
      return waits || repeats;
    case MSGPACK_RPC_KEEP_UNSENT:
      return unsent || repeats;
    case MSGPACK_RPC_KEEP_NOTHING:
    default:
      return FALSE;
    }
}

void
_msgpack_rpc_call_set_sequence (MsgpackRpcCall *self,
                                guint32         sequence)
{
  self->sequence = sequence;
}

guint32
_msgpack_rpc_call_get_sequence (MsgpackRpcCall *self)
{
  return self->sequence;
}

/* Such a large one is no more than a limit of that kind lets in. */
void
_msgpack_rpc_call_set_parked_size (MsgpackRpcCall *self,
                                   gsize           size)
{
  self->parked_size = (guint32) MIN (size, G_MAXUINT32);
}

guint32
_msgpack_rpc_call_get_parked_size (MsgpackRpcCall *self)
{
  return self->parked_size;
}

static void
set_option (MsgpackRpcCall *self,
            int            *option,
            gboolean        value,
            const char     *name)
{
  if (g_atomic_int_exchange (option, !!value) != !!value)
    g_object_notify (G_OBJECT (self), name);
}

/**
 * msgpack_rpc_call_get_idempotent: (get-property idempotent)
 * @self: a call
 *
 * Gets whether a client may send the call again.
 *
 * Returns: whether it may
 * Since: 1.0
 */
gboolean
msgpack_rpc_call_get_idempotent (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), FALSE);

  return g_atomic_int_get (&self->idempotent);
}

/**
 * msgpack_rpc_call_set_idempotent: (set-property idempotent)
 * @self: a call
 * @idempotent: whether it may
 *
 * Sets whether a client may send the call again.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_set_idempotent (MsgpackRpcCall *self,
                                 gboolean        idempotent)
{
  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));

  set_option (self, &self->idempotent, idempotent, "idempotent");
}

/**
 * msgpack_rpc_call_get_wait_for_ready: (get-property wait-for-ready)
 * @self: a call
 *
 * Gets whether the call waits until a client is connected, whatever happens before.
 *
 * Returns: whether it does
 * Since: 1.0
 */
gboolean
msgpack_rpc_call_get_wait_for_ready (MsgpackRpcCall *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CALL (self), FALSE);

  return g_atomic_int_get (&self->wait_for_ready);
}

/**
 * msgpack_rpc_call_set_wait_for_ready: (set-property wait-for-ready)
 * @self: a call
 * @wait_for_ready: whether it does
 *
 * Sets whether the call waits until a client is connected, whatever happens before.
 *
 * Since: 1.0
 */
void
msgpack_rpc_call_set_wait_for_ready (MsgpackRpcCall *self,
                                     gboolean        wait_for_ready)
{
  g_return_if_fail (MSGPACK_RPC_IS_CALL (self));

  set_option (self, &self->wait_for_ready, wait_for_ready, "wait-for-ready");
}
