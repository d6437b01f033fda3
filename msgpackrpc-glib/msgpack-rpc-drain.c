/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-drain-private.h"

#define GOODBYE "rpc.closing"

struct _MsgpackRpcDrain
{
  int mode;           /* atomic, MsgpackRpcCloseMode */

  GMutex lock;        /* guards what follows */
  GPtrArray *unsent;  /* of GVariant, (tmvav) */
};

MsgpackRpcDrain *
_msgpack_rpc_drain_new (MsgpackRpcCloseMode mode)
{
  MsgpackRpcDrain *self = g_atomic_rc_box_new0 (MsgpackRpcDrain);

  self->mode = (int) mode;
  g_mutex_init (&self->lock);
  self->unsent = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  return self;
}

MsgpackRpcDrain *
_msgpack_rpc_drain_ref (MsgpackRpcDrain *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  MsgpackRpcDrain *self = data;

  g_ptr_array_unref (self->unsent);
  g_mutex_clear (&self->lock);
}

void
_msgpack_rpc_drain_unref (MsgpackRpcDrain *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

MsgpackRpcCloseMode
_msgpack_rpc_drain_get_mode (MsgpackRpcDrain *self)
{
  return g_atomic_int_get (&self->mode);
}

void
_msgpack_rpc_drain_hurry (MsgpackRpcDrain     *self,
                          MsgpackRpcCloseMode  mode)
{
  int old = g_atomic_int_get (&self->mode);

  while ((int) mode < old && !g_atomic_int_compare_and_exchange (&self->mode, old, (int) mode))
    old = g_atomic_int_get (&self->mode);
}

/* ---- what was not sent ---- */

static gboolean
tells_of_closing (GVariant *message)
{
  g_auto(MsgpackRpcMessage) parsed = { .type = MSGPACK_RPC_MESSAGE_INVALID };
  g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes (message);
  g_autoptr(GVariant) ids = NULL;

  if (!_msgpack_rpc_message_parse (&parsed, bytes, NULL))
    return FALSE;

  ids = _msgpack_rpc_drain_parse_goodbye (&parsed);
  return ids != NULL || _msgpack_rpc_drain_is_refusal (&parsed);
}

/* Leaves out what no application has sent. */
static GVariant *
filter_unsent (GVariant *unsent)
{
  GVariantBuilder builder;
  GVariantIter iter;
  GVariant *message;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  g_variant_iter_init (&iter, unsent);
  while (g_variant_iter_next (&iter, "v", &message))
    {
      if (!tells_of_closing (message))
        g_variant_builder_add (&builder, "v", message);
      g_variant_unref (message);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

void
_msgpack_rpc_drain_add_unsent (MsgpackRpcDrain *self,
                               guint64          connection_id,
                               GVariant        *incomplete,
                               GVariant        *unsent)
{
  g_autoptr(GVariant) filtered = filter_unsent (unsent);
  g_autoptr(GMutexLocker) locker = NULL;
  GVariant *entry;

  if (incomplete != NULL && tells_of_closing (incomplete))
    incomplete = NULL;
  if (incomplete == NULL && g_variant_n_children (filtered) == 0)
    return;

  entry = g_variant_new ("(tmv@av)", connection_id, incomplete, filtered);
  locker = g_mutex_locker_new (&self->lock);
  g_ptr_array_add (self->unsent, g_variant_ref_sink (entry));
}

GVariant *
_msgpack_rpc_drain_get_unsent (MsgpackRpcDrain *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GVariant *all = g_variant_new_array (G_VARIANT_TYPE ("(tmvav)"),
                                       (GVariant * const *) self->unsent->pdata, self->unsent->len);

  return g_variant_ref_sink (all);
}

/* ---- how a peer hears of it ---- */

GError *
_msgpack_rpc_drain_make_error (void)
{
  return g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                              "The server is closing, and has not handled the request");
}

/* The lowest number from 0 that no request has which will be answered. */
static gint64
find_free_id (GVariant *ids)
{
  gsize n_ids = g_variant_n_children (ids);
  g_autofree gboolean *is_taken = g_new0 (gboolean, n_ids + 1);
  gint64 number;

  for (gsize i = 0; i < n_ids; i++)
    {
      g_autoptr(GVariant) boxed = g_variant_get_child_value (ids, i);
      g_autoptr(GVariant) id = g_variant_get_variant (boxed);

      if (_msgpack_rpc_value_get_int (id, &number) && number >= 0 && number <= (gint64) n_ids)
        is_taken[number] = TRUE;
    }

  for (number = 0; is_taken[number]; number++)
    ;
  return number;
}

/* @value: consumed if it is floating. */
static MsgpackRpcPacked *
pack (MsgpackRpcProfile      profile,
      MsgpackRpcPackFlags    flags,
      const MsgpackRpcPiece *msgid,
      GVariant              *value)
{
  g_autoptr(GError) error = _msgpack_rpc_drain_make_error ();
  g_autoptr(GVariant) text = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));
  g_autoptr(GVariant) marked = NULL;
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, GOODBYE, value);
  /* There, the result slot has the error, too. */
  if (profile == MSGPACK_RPC_PROFILE_BOOLEAN_ERROR)
    g_variant_dict_insert_value (&dict, "message", text);
  marked = g_variant_ref_sink (g_variant_dict_end (&dict));

  if (profile == MSGPACK_RPC_PROFILE_BOOLEAN_ERROR)
    return _msgpack_rpc_message_pack_answer (profile, flags, 0, msgid, marked, NULL);

  return _msgpack_rpc_message_pack_response (msgid, text, marked, flags, NULL);
}

MsgpackRpcPacked *
_msgpack_rpc_drain_pack_goodbye (MsgpackRpcProfile    profile,
                                 MsgpackRpcPackFlags  flags,
                                 GVariant            *ids)
{
  const gint64 number = find_free_id (ids);
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);

  return pack (profile, flags, &msgid, ids);
}

MsgpackRpcPacked *
_msgpack_rpc_drain_pack_refusal (MsgpackRpcProfile      profile,
                                 MsgpackRpcPackFlags    flags,
                                 const MsgpackRpcPiece *msgid)
{
  return pack (profile, flags, msgid, g_variant_new_boolean (TRUE));
}

static GVariant *
lookup (const MsgpackRpcMessage *message,
        const GVariantType      *type)
{
  g_autoptr(GVariant) result = NULL;

  if (message->type != MSGPACK_RPC_MESSAGE_RESPONSE ||
      _msgpack_rpc_piece_is_nil (&message->error) ||
      !_msgpack_rpc_piece_is (&message->result, "a{sv}", strlen ("a{sv}")))
    return NULL;

  result = _msgpack_rpc_piece_to_value (&message->result, message->bytes);
  return g_variant_lookup_value (result, GOODBYE, type);
}

GVariant *
_msgpack_rpc_drain_parse_goodbye (const MsgpackRpcMessage *message)
{
  return lookup (message, G_VARIANT_TYPE ("av"));
}

gboolean
_msgpack_rpc_drain_is_refusal (const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) value = lookup (message, G_VARIANT_TYPE_BOOLEAN);

  return value != NULL;
}
