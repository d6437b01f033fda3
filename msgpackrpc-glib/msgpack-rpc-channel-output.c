/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-channel-private.h"

#include "msgpack-rpc-i18n-private.h"

/* How messages become bytes, in the main context, no faster than the link writes them. The link gets
 * chunks; which bytes of the stream are which message's is known here alone, by their position. */

/* How much of a stream is read at a time. */
#define READ_SIZE (256 * 1024)
/* What a queued message takes besides itself. */
#define MESSAGE_COST 256

typedef struct
{
  guint64 serial;
  GVariant *message;   /* owned */
  gsize size;          /* as it counts */
  guint64 start;       /* where in the stream it begins, once it is the next one, */
  guint64 end;         /* and ends, once it is encoded to its end */
} Outgoing;

static void
outgoing_free (gpointer data)
{
  Outgoing *outgoing = data;

  g_variant_unref (outgoing->message);
  g_free (outgoing);
}

void
_msgpack_rpc_channel_output_init (MsgpackRpcChannel *self)
{
  g_queue_init (&self->output.messages);
}

void
_msgpack_rpc_channel_output_clear (MsgpackRpcChannel *self)
{
  g_queue_clear_full (&self->output.messages, outgoing_free);
  g_clear_object (&self->output.encoder);
  g_clear_object (&self->output.reading);
}

/* ---- rejecting ---- */

typedef struct
{
  GVariant *message;
  GError *error;
} Rejection;

static void
rejection_free (gpointer data)
{
  Rejection *rejection = data;

  g_variant_unref (rejection->message);
  g_error_free (rejection->error);
  g_free (rejection);
}

static void
deliver_rejection (gpointer owner,
                   gpointer data)
{
  Rejection *rejection = data;

  g_signal_emit (owner, _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_REJECTED], 0,
                 rejection->message, rejection->error);
}

void
_msgpack_rpc_channel_reject (MsgpackRpcChannel *self,
                             GVariant          *message,
                             const GError      *error)
{
  Rejection *rejection;

  /* Whoever sends without end to what takes nothing must not fill the memory with what nobody hears. */
  if (!_msgpack_rpc_has_handler (self,
                                 _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_REJECTED]))
    return;

  rejection = g_new0 (Rejection, 1);
  rejection->message = g_variant_ref (message);
  rejection->error = g_error_copy (error);
  _msgpack_rpc_channel_post (self, deliver_rejection, rejection, rejection_free);
}

/* ---- queueing; from any thread ---- */

static gboolean
queue_message (MsgpackRpcChannel  *self,
               GVariant           *message,
               GError            **error)
{
  MsgpackRpcChannelOutput *output = &self->output;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gsize size = g_variant_get_size (message) + MESSAGE_COST;
  gsize used = output->unencoded_bytes + _msgpack_rpc_link_get_queued_bytes (self->link);
  Outgoing *outgoing;

  /* With the lock held: what ends the link afterwards will find the message. */
  if (!_msgpack_rpc_link_check_open (self->link, error) ||
      !_msgpack_rpc_link_check_room (self->link, used, size, error))
    return FALSE;

  outgoing = g_new0 (Outgoing, 1);
  outgoing->serial = ++output->last_serial;
  outgoing->message = g_variant_ref (message);
  outgoing->size = size;
  g_queue_push_tail (&output->messages, outgoing);
  if (output->next == NULL)
    {
      output->next = output->messages.tail;
      outgoing->start = output->position;
    }
  output->unencoded_bytes += size;
  g_atomic_int_inc (&output->n_unencoded);
  return TRUE;
}

/**
 * msgpack_rpc_channel_send:
 * @self: a channel
 * @message: a message that the codec knows to encode
 * @error: return location for an error
 *
 * Queues a message.
 *
 * If @message is floating, it is consumed. Never blocks, and may be called from any thread, also before
 * the channel is connected. The codec encodes the message later, in the channel's main context, when it
 * is its turn. If that fails, or if this function does, [signal@Channel::rejected] hands it back, later;
 * if the channel ends before, [signal@Channel::closed] does.
 *
 * Returns: `TRUE` if it was queued; `FALSE` with @error set: `G_IO_ERROR_CLOSED` if the channel is
 *   closing or closed, or [error@Error.QUEUE_FULL]
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_send (MsgpackRpcChannel  *self,
                          GVariant           *message,
                          GError            **error)
{
  g_autoptr(GVariant) sunk = NULL;
  g_autoptr(GError) local_error = NULL;

  g_return_val_if_fail (message != NULL, FALSE);
  sunk = g_variant_ref_sink (message);
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (queue_message (self, sunk, &local_error))
    {
      _msgpack_rpc_channel_post_output (self);
      _msgpack_rpc_link_wake_serving (self->link);
      return TRUE;
    }

  _msgpack_rpc_channel_reject (self, sunk, local_error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/**
 * msgpack_rpc_channel_get_queued_bytes: (get-property queued-bytes)
 * @self: a channel
 *
 * Gets how much waits to be written: the bytes that are encoded, and about the size of the messages that
 * are not.
 *
 * Returns: bytes
 * Since: 1.0
 */
gsize
msgpack_rpc_channel_get_queued_bytes (MsgpackRpcChannel *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return self->output.unencoded_bytes + _msgpack_rpc_link_get_queued_bytes (self->link);
}

/* ---- the end; the lock is held ---- */

/* All from @link on, which is not encoded to its end then. */
static void
take_back_from (MsgpackRpcChannel *self,
                GList             *link)
{
  MsgpackRpcChannelOutput *output = &self->output;

  while (link != NULL)
    {
      GList *next = link->next;
      Outgoing *outgoing = link->data;

      g_ptr_array_add (self->unsent, g_variant_ref (outgoing->message));
      outgoing_free (outgoing);
      g_queue_delete_link (&output->messages, link);
      link = next;
    }

  output->next = NULL;
  output->unencoded_bytes = 0;
  g_atomic_int_set (&output->n_unencoded, 0);
}

static gboolean
is_encoded (MsgpackRpcChannelOutput *output,
            Outgoing                *outgoing)
{
  return output->next == NULL || outgoing->serial < ((Outgoing *) output->next->data)->serial;
}

void
_msgpack_rpc_channel_cut_output (MsgpackRpcChannel *self,
                                 guint64            position)
{
  MsgpackRpcChannelOutput *output = &self->output;
  GList *link = output->messages.head;
  GList *kept;

  /* Those that have begun. A message whose turn has not come has no place in the stream. */
  while (link != NULL && ((Outgoing *) link->data)->start < position &&
         (link == output->next || is_encoded (output, link->data)))
    link = link->next;

  /* The encoder of one that has begun goes on. */
  kept = link != NULL ? link->prev : output->messages.tail;
  if (output->next != NULL && kept == output->next)
    {
      Outgoing *next = kept->data;

      take_back_from (self, link);
      output->next = kept;
      output->unencoded_bytes = next->size;
      g_atomic_int_set (&output->n_unencoded, 1);
    }
  else if (link != NULL)
    take_back_from (self, link);
  output->position = MIN (output->position, position);
}

GVariant *
_msgpack_rpc_channel_drop_output (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelOutput *output = &self->output;
  GVariant *incomplete = NULL;
  guint64 begun, written = _msgpack_rpc_link_get_written (self->link, &begun);
  GList *link;

  while ((link = output->messages.head) != NULL)
    {
      Outgoing *outgoing = link->data;
      gboolean encoded = is_encoded (output, outgoing);

      if (!(encoded && outgoing->end <= written) &&
          (incomplete != NULL || outgoing->start >= begun || (!encoded && link != output->next)))
        break;

      if (!encoded || outgoing->end > written)
        incomplete = g_variant_ref (outgoing->message);
      if (link == output->next)
        output->next = link->next;
      outgoing_free (outgoing);
      g_queue_delete_link (&output->messages, link);
    }

  take_back_from (self, output->messages.head);
  return incomplete;
}

/* ---- encoding; in the main context, no lock held ---- */

static void
forget_written (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelOutput *output = &self->output;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  guint64 begun, written = _msgpack_rpc_link_get_written (self->link, &begun);
  GList *link;

  while ((link = output->messages.head) != NULL && link != output->next &&
         ((Outgoing *) link->data)->end <= written)
    {
      outgoing_free (link->data);
      g_queue_delete_link (&output->messages, link);
    }
}

void
_msgpack_rpc_channel_stop_encoding (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelOutput *output = &self->output;
  g_autoptr(GCancellable) reading = g_steal_pointer (&output->reading);

  output->serial = 0;
  if (reading != NULL)
    g_cancellable_cancel (reading);
  if (output->encoder != NULL)
    _msgpack_rpc_stream_encoder_set_channel (output->encoder, NULL);
  g_clear_object (&output->encoder);
}

/* The message that is to be encoded, or NULL; and whether nothing of it was encoded yet. */
static GVariant *
ref_next (MsgpackRpcChannel *self,
          guint64           *serial,
          gboolean          *is_new)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Outgoing *outgoing = self->output.next != NULL ? self->output.next->data : NULL;

  *serial = outgoing != NULL ? outgoing->serial : 0;
  *is_new = outgoing != NULL && outgoing->start == self->output.position;
  return outgoing != NULL ? g_variant_ref (outgoing->message) : NULL;
}

/* The next message has been dealt with. The lock is held. */
static void
go_to_next (MsgpackRpcChannelOutput *output)
{
  Outgoing *outgoing = output->next->data;

  outgoing->end = output->position;
  output->next = output->next->next;
  output->unencoded_bytes -= outgoing->size;
  g_atomic_int_add (&output->n_unencoded, -1);
  if (output->next != NULL)
    ((Outgoing *) output->next->data)->start = output->position;
}

/* The codec cannot encode the message: if nothing of it has left, the others go on. */
static void
fail_message (MsgpackRpcChannel *self,
              guint64            serial,
              const GError      *error)
{
  MsgpackRpcChannelOutput *output = &self->output;
  g_autoptr(GVariant) message = NULL;
  gboolean is_new;
  guint64 next_serial;

  _msgpack_rpc_channel_stop_encoding (self);
  message = ref_next (self, &next_serial, &is_new);
  /* Closing has taken it back meanwhile. */
  if (next_serial != serial)
    return;
  if (!is_new)
    {
      _msgpack_rpc_channel_fail (self, error);
      return;
    }

  g_mutex_lock (&self->lock);
  if (output->next != NULL && ((Outgoing *) output->next->data)->serial == serial)
    {
      GList *link = output->next;

      go_to_next (output);
      outgoing_free (link->data);
      g_queue_delete_link (&output->messages, link);
    }
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_channel_reject (self, message, error);
}

/* FALSE if the message is no longer to be sent. */
static gboolean
push_chunk (MsgpackRpcChannel *self,
            GBytes            *bytes,
            gboolean           goes_on)
{
  MsgpackRpcChannelOutput *output = &self->output;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (output->next == NULL || ((Outgoing *) output->next->data)->serial != output->serial ||
      !_msgpack_rpc_link_push_chunk (self->link, bytes, goes_on))
    return FALSE;

  output->position += g_bytes_get_size (bytes);
  if (!goes_on)
    go_to_next (output);
  return TRUE;
}

static void read_stream (MsgpackRpcChannel     *self,
                         MsgpackRpcEncodedPart *part);

/* Ends the message, whose last chunk may not have known that it is. */
static gboolean
end_message (MsgpackRpcChannel *self)
{
  g_autoptr(GBytes) nothing = g_bytes_new_static ("", 0);

  push_chunk (self, nothing, FALSE);
  _msgpack_rpc_channel_stop_encoding (self);
  return TRUE;
}

static gboolean
push_part (MsgpackRpcChannel     *self,
           MsgpackRpcEncodedPart *part)
{
  MsgpackRpcStreamEncoder *encoder = self->output.encoder;
  g_autoptr(GBytes) bytes = g_bytes_ref (part->bytes);
  gboolean is_last;

  _msgpack_rpc_stream_encoder_drop (encoder);
  is_last = _msgpack_rpc_stream_encoder_is_finished (encoder) &&
            _msgpack_rpc_stream_encoder_peek (encoder) == NULL;
  if (g_bytes_get_size (bytes) == 0 && !is_last)
    return TRUE;

  if (!push_chunk (self, bytes, !is_last) || is_last)
    _msgpack_rpc_channel_stop_encoding (self);
  return TRUE;
}

static gboolean
run_encoder (MsgpackRpcChannel *self)
{
  g_autoptr(MsgpackRpcStreamEncoder) encoder = g_object_ref (self->output.encoder);
  g_autoptr(GError) error = NULL;
  gboolean done;

  self->output.is_running = TRUE;
  done = _msgpack_rpc_stream_encoder_run (encoder, &error);
  self->output.is_running = FALSE;
  if (!done && self->output.encoder == encoder)
    fail_message (self, self->output.serial, error);
  return TRUE;
}

/* Whether it has done something, so that there may be more to do now. */
static gboolean
encode_more (MsgpackRpcChannel *self)
{
  MsgpackRpcStreamEncoder *encoder = self->output.encoder;
  MsgpackRpcEncodedPart *part = _msgpack_rpc_stream_encoder_peek (encoder);

  if (part != NULL && part->bytes != NULL)
    return push_part (self, part);
  if (part != NULL && part->n_bytes != 0)
    {
      read_stream (self, part);
      return FALSE;
    }
  if (part != NULL)
    {
      _msgpack_rpc_stream_encoder_drop (encoder);
      return TRUE;
    }

  if (_msgpack_rpc_stream_encoder_is_finished (encoder))
    return end_message (self);
  if (_msgpack_rpc_stream_encoder_is_paused (encoder))
    return FALSE;

  return run_encoder (self);
}

static gboolean
begin_message (MsgpackRpcChannel *self,
               GVariant          *message,
               guint64            serial)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcStreamEncoder *encoder;

  self->output.is_running = TRUE;
  encoder = msgpack_rpc_codec_create_encoder (self->codec, message, &error);
  self->output.is_running = FALSE;
  if (encoder != NULL && _msgpack_rpc_stream_encoder_is_finished (encoder))
    {
      g_clear_object (&encoder);
      error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                                   "The codec has given an encoder that has finished already");
    }
  if (encoder == NULL)
    {
      fail_message (self, serial, error);
      return TRUE;
    }

  self->output.encoder = encoder;
  self->output.serial = serial;
  _msgpack_rpc_stream_encoder_set_channel (encoder, self);
  return TRUE;
}

static gboolean
may_encode (MsgpackRpcChannel *self)
{
  MsgpackRpcConnectionStatus status = _msgpack_rpc_link_get_status (self->link);

  return (status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED ||
          status == MSGPACK_RPC_CONNECTION_STATUS_CLOSING) && self->output.reading == NULL &&
         _msgpack_rpc_link_get_queued_bytes (self->link) <=
         _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_HIGH_WATER_MARK);
}

static gboolean
encode_step (MsgpackRpcChannel *self)
{
  g_autoptr(GVariant) message = NULL;
  guint64 serial;
  gboolean is_new;

  if (self->output.is_running)
    return FALSE;

  message = ref_next (self, &serial, &is_new);
  if (self->output.encoder != NULL && serial != self->output.serial)
    _msgpack_rpc_channel_stop_encoding (self);
  if (message == NULL || !may_encode (self))
    return FALSE;

  if (self->output.encoder == NULL)
    return begin_message (self, message, serial);

  return encode_more (self);
}

static void
encode (MsgpackRpcChannel *self)
{
  gint64 end = g_get_monotonic_time () + MSGPACK_RPC_REACTOR_BUDGET;

  forget_written (self);
  while (encode_step (self))
    if (g_get_monotonic_time () >= end)
      {
        _msgpack_rpc_channel_post_output (self);
        break;
      }

  _msgpack_rpc_link_write_chunks (self->link);
  _msgpack_rpc_link_settle (self->link);
}

static void
deliver_output (gpointer owner,
                gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcChannel *self = owner;

  g_atomic_int_set (&self->output.is_posted, FALSE);
  encode (self);
}

void
_msgpack_rpc_channel_post_output (MsgpackRpcChannel *self)
{
  if (g_atomic_int_compare_and_exchange (&self->output.is_posted, FALSE, TRUE))
    _msgpack_rpc_channel_post (self, deliver_output, NULL, NULL);
}

/* ---- streams that are read ---- */

typedef struct
{
  GWeakRef channel;
  GCancellable *cancellable; /* owned; also which read it is */
  gboolean to_end;           /* the stream is read until its end */
} Reading;

static void
take_read (MsgpackRpcChannel *self,
           GBytes            *bytes,
           gboolean           to_end,
           GError            *error)
{
  MsgpackRpcStreamEncoder *encoder = self->output.encoder;
  gsize size = bytes != NULL ? g_bytes_get_size (bytes) : 0;
  g_autoptr(GError) reason = error != NULL ? g_error_copy (error) : NULL;

  g_clear_object (&self->output.reading);
  if (reason == NULL && size == 0 && !to_end)
    reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                                  _("The stream that was being sent has ended too soon"));
  if (reason != NULL)
    fail_message (self, self->output.serial, reason);
  else if (size == 0)
    _msgpack_rpc_stream_encoder_drop (encoder);
  else
    {
      _msgpack_rpc_stream_encoder_note_read (encoder, size);
      if (!push_chunk (self, bytes, TRUE))
        _msgpack_rpc_channel_stop_encoding (self);
    }

  encode (self);
}

static void
read_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  Reading *reading = user_data;
  g_autoptr(MsgpackRpcChannel) channel = g_weak_ref_get (&reading->channel);
  g_autoptr(GError) error = NULL;
  g_autoptr(GBytes) bytes = g_input_stream_read_bytes_finish (G_INPUT_STREAM (source), result,
                                                              &error);

  if (channel != NULL && channel->output.reading == reading->cancellable)
    take_read (channel, bytes, reading->to_end, error);

  g_weak_ref_clear (&reading->channel);
  g_object_unref (reading->cancellable);
  g_free (reading);
}

static void
read_stream (MsgpackRpcChannel     *self,
             MsgpackRpcEncodedPart *part)
{
  Reading *reading = g_new0 (Reading, 1);
  gsize size = part->n_bytes < 0 ? READ_SIZE : (gsize) MIN (part->n_bytes, READ_SIZE);

  self->output.reading = g_cancellable_new ();
  g_weak_ref_init (&reading->channel, self);
  reading->cancellable = g_object_ref (self->output.reading);
  reading->to_end = part->n_bytes < 0;

  g_main_context_push_thread_default (self->main_context);
  g_input_stream_read_bytes_async (part->stream, size, G_PRIORITY_DEFAULT, reading->cancellable,
                                   read_cb, reading);
  g_main_context_pop_thread_default (self->main_context);
}
