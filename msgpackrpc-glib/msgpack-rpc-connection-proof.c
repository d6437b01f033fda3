/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include "msgpack-rpc-proof-private.h"

/* What a connection of a server does with a peer that shows, or has to show, that it knows the token:
 * by the holder of the I/O, so that it costs the application nothing. */

struct _MsgpackRpcGate
{
  MsgpackRpcProof *proof;  /* owned */
  gboolean is_shut;        /* nothing else is let through */
  GWeakRef pending;        /* who is told, as long as it is */
};

void
_msgpack_rpc_connection_set_gate (MsgpackRpcConnection        *self,
                                  MsgpackRpcToken             *token,
                                  MsgpackRpcPendingConnection *pending)
{
  MsgpackRpcGate *gate = g_new0 (MsgpackRpcGate, 1);

  gate->proof = _msgpack_rpc_proof_new (token, self->io_stream);
  gate->is_shut = pending != NULL;
  g_weak_ref_init (&gate->pending, pending);
  g_assert (self->gate == NULL);
  self->gate = gate;
}

void
_msgpack_rpc_gate_free (MsgpackRpcGate *self)
{
  _msgpack_rpc_proof_free (self->proof);
  g_weak_ref_clear (&self->pending);
  g_free (self);
}

/* The peer is told by the answer to its request, if it has made one. */
static void
turn_away (MsgpackRpcConnection    *self,
           const MsgpackRpcMessage *message,
           const GError            *error)
{
  g_autoptr(MsgpackRpcPendingConnection) pending = g_weak_ref_get (&self->gate->pending);

  if (message->type == MSGPACK_RPC_MESSAGE_REQUEST)
    {
      g_autoptr(GVariant) value = NULL;

      value = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));
      _msgpack_rpc_connection_send_answer (self, &message->msgid, 0, value, NULL);
    }

  if (pending == NULL || !_msgpack_rpc_pending_connection_refuse (pending, error))
    _msgpack_rpc_connection_refuse (self, error);
}

static void
open_gate (MsgpackRpcGate *self)
{
  g_autoptr(MsgpackRpcPendingConnection) pending = g_weak_ref_get (&self->pending);

  self->is_shut = FALSE;
  if (pending != NULL)
    msgpack_rpc_pending_connection_accept (pending);
}

static void
take_proof (MsgpackRpcConnection    *self,
            const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) params = _msgpack_rpc_piece_to_value (&message->params, message->bytes);
  g_autoptr(GVariant) answer = NULL;
  g_autoptr(GError) error = NULL;

  answer = _msgpack_rpc_proof_answer (self->gate->proof, params, &error);
  if (answer == NULL)
    {
      turn_away (self, message, error);
      return;
    }

  _msgpack_rpc_connection_send_answer (self, &message->msgid, 0, NULL, answer);
  if (self->gate->is_shut && _msgpack_rpc_proof_is_given (self->gate->proof))
    open_gate (self->gate);
}

gboolean
_msgpack_rpc_connection_pass_gate (MsgpackRpcConnection *self,
                                   MsgpackRpcMessage    *message)
{
  g_autoptr(GError) error = NULL;

  /* It still reads until it has closed. */
  if (g_atomic_int_get (&self->is_refused))
    return TRUE;

  if (message->type == MSGPACK_RPC_MESSAGE_REQUEST &&
      g_str_equal (message->method, MSGPACK_RPC_AUTHENTICATE))
    {
      take_proof (self, message);
      return TRUE;
    }
  if (!self->gate->is_shut)
    return FALSE;

  error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                               "access denied: " MSGPACK_RPC_AUTHENTICATE " must come first");
  turn_away (self, message, error);
  return TRUE;
}
