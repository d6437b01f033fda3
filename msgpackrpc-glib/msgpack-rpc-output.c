/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-output-private.h"

#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-decoder-private.h"

typedef struct
{
  GList link;            /* in the queue */
  MsgpackRpcPacked *packed;
  gsize written;
  gboolean writing;      /* handed to the transport, which may be working on it */
  gboolean goes_on;      /* what comes next belongs to the same message */
  MsgpackRpcCall *call;  /* owned, nullable */
  GQueue *group;         /* where it is in its group, nullable */
  GList group_link;
} Message;

static void
message_free (Message *message)
{
  _msgpack_rpc_packed_unref (message->packed);
  g_clear_object (&message->call);
  g_free (message);
}

static gsize
message_left (Message *message)
{
  return message->packed->size - message->written;
}

static gboolean
message_started (Message *message)
{
  return message->written > 0 || message->writing;
}

void
_msgpack_rpc_output_init (MsgpackRpcOutput *self)
{
  g_queue_init (&self->messages);
  self->queued_bytes = 0;
}

gboolean
_msgpack_rpc_output_is_empty (MsgpackRpcOutput *self)
{
  return self->messages.head == NULL;
}

static Message *
message_new (MsgpackRpcPacked *packed)
{
  Message *message = g_new0 (Message, 1);

  message->link.data = message;
  message->group_link.data = message;
  message->packed = _msgpack_rpc_packed_ref (packed);
  return message;
}

static void
message_join (Message *message,
              GQueue  *group)
{
  message->group = group;
  g_queue_push_tail_link (group, &message->group_link);
}

static void
message_leave (Message *message)
{
  if (message->group != NULL)
    g_queue_unlink (message->group, &message->group_link);
  message->group = NULL;
}

static Message *
push (MsgpackRpcOutput *self,
      MsgpackRpcPacked *packed)
{
  Message *message = message_new (packed);

  self->queued_bytes += packed->size;
  g_queue_push_tail_link (&self->messages, &message->link);
  return message;
}

void
_msgpack_rpc_output_push (MsgpackRpcOutput *self,
                          MsgpackRpcPacked *packed,
                          MsgpackRpcCall   *call)
{
  Message *message = push (self, packed);

  message->call = call != NULL ? g_object_ref (call) : NULL;
}

void
_msgpack_rpc_output_push_chunk (MsgpackRpcOutput *self,
                                MsgpackRpcPacked *packed,
                                gboolean          goes_on)
{
  push (self, packed)->goes_on = goes_on;
}

void
_msgpack_rpc_output_push_first (MsgpackRpcOutput *self,
                                MsgpackRpcPacked *packed,
                                MsgpackRpcCall   *call)
{
  Message *message = message_new (packed);

  message->call = call != NULL ? g_object_ref (call) : NULL;
  self->queued_bytes += packed->size;
  g_queue_push_head_link (&self->messages, &message->link);
}

/* Takes the next message, which is still the caller's to free. */
static Message *
pop_message (MsgpackRpcOutput *self)
{
  GList *link = g_queue_pop_head_link (&self->messages);

  if (link == NULL)
    return NULL;

  message_leave (link->data);
  return link->data;
}

/* What was not begun. */
static void
unqueue (MsgpackRpcOutput *self,
         Message          *message)
{
  self->queued_bytes -= message_left (message);
  g_queue_unlink (&self->messages, &message->link);
  message_leave (message);
  message_free (message);
}

/* ---- groups ---- */

void
_msgpack_rpc_output_push_grouped (MsgpackRpcOutput      *self,
                                  MsgpackRpcPacked      *packed,
                                  MsgpackRpcOutputGroup *group)
{
  message_join (push (self, packed), &group->messages);
}

gboolean
_msgpack_rpc_output_drop_oldest (MsgpackRpcOutput      *self,
                                 MsgpackRpcOutputGroup *group)
{
  /* What was begun are the first few. */
  for (GList *link = group->messages.head; link != NULL; link = link->next)
    {
      if (message_started (link->data))
        continue;

      unqueue (self, link->data);
      return TRUE;
    }

  return FALSE;
}

gboolean
_msgpack_rpc_output_mark_room (MsgpackRpcOutput      *self,
                               MsgpackRpcOutputGroup *group,
                               guint                  max,
                               MsgpackRpcCall        *call)
{
  g_autoptr(MsgpackRpcPacked) empty = NULL;
  Message *last, *mark;

  if (group->messages.length < max)
    return FALSE;

  empty = _msgpack_rpc_packed_new (g_bytes_new (NULL, 0), NULL);
  last = g_queue_peek_nth (&group->messages, group->messages.length - max);
  mark = message_new (empty);
  mark->call = g_object_ref (call);
  /* What is being written has no gaps. */
  mark->writing = last->writing;
  g_queue_insert_after_link (&self->messages, &last->link, &mark->link);
  message_join (mark, &group->marks);
  return TRUE;
}

void
_msgpack_rpc_output_dissolve (MsgpackRpcOutput      *self,
                              MsgpackRpcOutputGroup *group,
                              gboolean               drop,
                              GPtrArray             *calls)
{
  while (drop && _msgpack_rpc_output_drop_oldest (self, group))
    ;
  while (group->messages.head != NULL)
    message_leave (group->messages.head->data);

  while (group->marks.head != NULL)
    {
      Message *mark = group->marks.head->data;

      message_leave (mark);
      if (mark->call != NULL)
        g_ptr_array_add (calls, g_object_ref (mark->call));
    }
}

/* ---- writing ---- */

/* Returns how many vectors were taken. */
static guint
message_gather (Message       *message,
                GOutputVector *vectors,
                guint          n_vectors)
{
  gsize skip = message->written;
  guint n = 0;

  for (guint i = 0; i < message->packed->n_pieces && n < n_vectors; i++)
    {
      gsize size;
      const guint8 *data = _msgpack_rpc_packed_get_piece (message->packed, i, &size);

      if (skip >= size)
        {
          skip -= size;
          continue;
        }

      vectors[n].buffer = data + skip;
      vectors[n].size = size - skip;
      skip = 0;
      n++;
    }

  return n;
}

guint
_msgpack_rpc_output_gather (MsgpackRpcOutput      *self,
                            MsgpackRpcOutputBatch *batch,
                            gsize                  max_bytes)
{
  gsize size = 0;
  guint n = 0;

  batch->n_held = 0;
  for (GList *link = self->messages.head; link != NULL && n < MSGPACK_RPC_OUTPUT_VECTORS;
       link = link->next)
    {
      Message *message = link->data;
      guint n_pieces;

      if (max_bytes != 0 && size >= max_bytes)
        break;

      message->writing = TRUE;
      size += message_left (message);
      n_pieces = message_gather (message, batch->vectors + n, MSGPACK_RPC_OUTPUT_VECTORS - n);
      if (n_pieces > 0)
        batch->held[batch->n_held++] = _msgpack_rpc_packed_ref (message->packed);
      n += n_pieces;
    }

  return n;
}

void
_msgpack_rpc_output_batch_clear (MsgpackRpcOutputBatch *self)
{
  for (guint i = 0; i < self->n_held; i++)
    _msgpack_rpc_packed_unref (self->held[i]);
  self->n_held = 0;
}

guint
_msgpack_rpc_output_written (MsgpackRpcOutput *self,
                             gsize             count,
                             GQueue           *sent)
{
  guint n_sent = 0;

  for (GList *link = self->messages.head; link != NULL; link = link->next)
    {
      Message *message = link->data;
      gsize part = MIN (count, message_left (message));

      if (!message->writing)
        break;

      message->written += part;
      message->writing = FALSE;
      self->queued_bytes -= part;
      if (self->position != NULL)
        self->position->written += part;
      count -= part;
    }

  while (self->messages.head != NULL && message_left (self->messages.head->data) == 0)
    {
      Message *message = pop_message (self);

      if (self->position != NULL)
        self->position->is_inside = message->goes_on;
      if (message->packed->size > 0 && !message->goes_on)
        n_sent++;
      if (message->call != NULL)
        {
          _msgpack_rpc_call_set_delivery (message->call, MSGPACK_RPC_DELIVERY_SENT);
          g_queue_push_tail_link (sent, &message->link);
        }
      else
        {
          message_free (message);
        }
    }

  return n_sent;
}

MsgpackRpcCall *
_msgpack_rpc_output_take_sent (GQueue *sent)
{
  GList *link = g_queue_pop_head_link (sent);
  MsgpackRpcCall *call;

  if (link == NULL)
    return NULL;

  call = g_steal_pointer (&((Message *) link->data)->call);
  message_free (link->data);
  return call;
}

MsgpackRpcDelivery
_msgpack_rpc_output_withdraw (MsgpackRpcOutput *self,
                              MsgpackRpcCall   *call)
{
  for (GList *link = self->messages.head; link != NULL; link = link->next)
    {
      Message *message = link->data;

      if (message->call != call)
        continue;

      g_clear_object (&message->call);
      if (message_started (message))
        return MSGPACK_RPC_DELIVERY_PARTLY_SENT;

      unqueue (self, message);
      return MSGPACK_RPC_DELIVERY_NOT_SENT;
    }

  return MSGPACK_RPC_DELIVERY_SENT;
}

/* The limits are for what peers send: what the application has packed fits into its memory. */
GVariant *
_msgpack_rpc_output_decode (MsgpackRpcPacked *packed)
{
  g_autoptr(MsgpackRpcDecoder) decoder = _msgpack_rpc_decoder_new ();
  MsgpackRpcDecoderSettings *settings = _msgpack_rpc_decoder_settings (decoder);
  g_autoptr(GBytes) bytes = _msgpack_rpc_packed_to_bytes (packed);
  MsgpackRpcDecoded decoded = { NULL };
  gsize length, offset = packed->header_size;
  const guint8 *data = g_bytes_get_data (bytes, &length);

  settings->max_message_size = length;
  settings->max_decoded_size = MSGPACK_RPC_LIMIT_DECODED_SIZE;
  settings->max_depth = MSGPACK_RPC_LIMIT_DEPTH;
  _msgpack_rpc_decoder_decode (decoder, data, length, &offset, NULL, &decoded, NULL);
  return decoded.value;
}

/* Takes it out of the queue for good. */
static void
drop_message (MsgpackRpcOutput  *self,
              Message           *message,
              gboolean           started,
              GVariant         **incomplete,
              GPtrArray         *unsent)
{
  g_autoptr(GVariant) value = NULL;

  self->queued_bytes -= message_left (message);
  if (self->position != NULL)
    {
      self->position->begun += message->writing ? message_left (message) : 0;
      return;
    }
  if (message->packed->size == 0)
    return;

  value = _msgpack_rpc_output_decode (message->packed);
  if (message->call != NULL)
    _msgpack_rpc_call_set_delivery (message->call, started ? MSGPACK_RPC_DELIVERY_PARTLY_SENT
                                                           : MSGPACK_RPC_DELIVERY_NOT_SENT);
  if (started && *incomplete == NULL)
    *incomplete = g_steal_pointer (&value);
  else if (value != NULL)
    g_ptr_array_add (unsent, g_steal_pointer (&value));
}

GVariant *
_msgpack_rpc_output_clear (MsgpackRpcOutput *self,
                           gboolean          keep_started,
                           GPtrArray        *unsent)
{
  g_autoptr(GVariant) incomplete = NULL;
  GQueue kept = G_QUEUE_INIT;
  gboolean is_inside = self->position != NULL && self->position->is_inside;
  Message *message;

  if (self->position != NULL)
    self->position->begun = self->position->written;
  while ((message = pop_message (self)) != NULL)
    {
      gboolean started = is_inside || message_started (message);

      is_inside = started && message->goes_on;
      if (started && keep_started)
        {
          g_queue_push_tail_link (&kept, &message->link);
          continue;
        }

      drop_message (self, message, started, &incomplete, unsent);
      message_free (message);
    }

  self->messages = kept;
  return g_steal_pointer (&incomplete);
}
