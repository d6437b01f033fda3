/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-channel-private.h"

#include "msgpack-rpc-i18n-private.h"

/* How bytes become messages: the holder of the link's I/O hands them over as they are, and they are
 * decoded in the main context. When too many wait there, for whatever reason, the link reads no more. */

/* How much a decoder may see and not use. */
#define MAX_JOINED 0x7fffffffu
/* What a message in the inbox takes besides itself. */
#define MESSAGE_COST 256

void
_msgpack_rpc_channel_input_init (MsgpackRpcChannel *self)
{
  g_queue_init (&self->input.chunks);
  g_queue_init (&self->input.inbox);
  g_queue_init (&self->input.receivers);
}

void
_msgpack_rpc_channel_input_clear (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;

  g_clear_pointer (&input->bytes, g_bytes_unref);
  g_queue_clear_full (&input->chunks, (GDestroyNotify) g_bytes_unref);
  g_queue_clear_full (&input->inbox, (GDestroyNotify) g_variant_unref);
  g_queue_clear_full (&input->receivers, g_object_unref);
  g_clear_object (&input->decoder);
  g_clear_object (&input->writing);
}

/* ---- how much is held ---- */

static gsize
get_mark (MsgpackRpcChannel *self)
{
  return _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_HIGH_WATER_MARK);
}

static void
resume_if_few (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;

  if (!g_atomic_int_get (&input->is_paused) ||
      (gsize) g_atomic_pointer_get (&input->held_bytes) > get_mark (self) / 2)
    return;

  g_atomic_int_set (&input->is_paused, FALSE);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_UNDECODED, FALSE);
}

void
_msgpack_rpc_channel_hold (MsgpackRpcChannel *self,
                           gssize             change)
{
  if (change == 0)
    return;

  g_atomic_pointer_add (&self->input.held_bytes, change);
  if (change < 0)
    resume_if_few (self);
}

void
_msgpack_rpc_channel_hold_event (MsgpackRpcChannel *self,
                                 gssize             change)
{
  MsgpackRpcChannelInput *input = &self->input;

  g_atomic_pointer_add (&input->event_bytes, change);
  _msgpack_rpc_channel_hold (self, change);
  if (change < 0 && g_atomic_int_get (&input->waits_for_events) &&
      (gsize) g_atomic_pointer_get (&input->event_bytes) <= get_mark (self) / 2)
    {
      g_atomic_int_set (&input->waits_for_events, FALSE);
      _msgpack_rpc_channel_post_input (self);
    }
}

/* What a decoder has seen and needs more of is no backlog; how large it may get is another limit. */
static void
recount (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  gsize counted = input->chunk_bytes;

  if (!input->is_starved && input->bytes != NULL)
    counted += g_bytes_get_size (input->bytes);

  _msgpack_rpc_channel_hold (self, (gssize) counted - (gssize) input->counted);
  input->counted = counted;
}

/* ---- messages; in the main context ---- */

static GVariant *
take_from_inbox (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  GVariant *message = g_queue_pop_head (&input->inbox);
  gsize size;

  if (message == NULL)
    return NULL;

  size = g_variant_get_size (message) + MESSAGE_COST;
  input->inbox_bytes -= size;
  g_atomic_pointer_add (&input->held_bytes, -(gssize) size);
  return message;
}

/* At its end; or @back, in front, where it was. The lock is held. */
static void
put_into_inbox (MsgpackRpcChannel *self,
                GVariant          *message,
                gboolean           back)
{
  gsize size = g_variant_get_size (message) + MESSAGE_COST;

  g_queue_push_nth (&self->input.inbox, g_variant_ref (message), back ? 0 : -1);
  self->input.inbox_bytes += size;
  g_atomic_pointer_add (&self->input.held_bytes, (gssize) size);
}

static gboolean
has_handler (MsgpackRpcChannel *self)
{
  return _msgpack_rpc_has_handler (self,
                                   _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_MESSAGE]);
}

/* Its own reference, or NULL. */
static MsgpackRpcCall *
take_receiver (MsgpackRpcChannel *self,
               GVariant          *message)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcCall *call = g_queue_pop_head (&self->input.receivers);

  if (call == NULL)
    put_into_inbox (self, message, FALSE);
  return call;
}

static void
emit_message (MsgpackRpcChannel *self,
              GVariant          *message)
{
  g_signal_emit (self, _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_MESSAGE], 0, message);
}

/* What came while nobody heard it comes first. */
static void
emit_inbox (MsgpackRpcChannel *self)
{
  GVariant *message;

  do
    {
      g_mutex_lock (&self->lock);
      message = take_from_inbox (self);
      g_mutex_unlock (&self->lock);
      if (message != NULL)
        {
          emit_message (self, message);
          g_variant_unref (message);
        }
    }
  while (message != NULL);
}

static void
deliver_message (MsgpackRpcChannel *self,
                 GVariant          *message)
{
  MsgpackRpcCall *call;
  gboolean taken = FALSE;

  _msgpack_rpc_statistics_add (_msgpack_rpc_link_get_statistics (self->link),
                               MSGPACK_RPC_STATISTIC_RECEIVED_MESSAGES, 1);
  if (has_handler (self))
    {
      emit_inbox (self);
      emit_message (self, message);
      return;
    }

  /* One that has timed out, or was cancelled, takes none. */
  while (!taken && (call = take_receiver (self, message)) != NULL)
    {
      taken = _msgpack_rpc_call_give (call, message);
      g_object_unref (call);
    }
}

/* ---- receiving; from any thread ---- */

static void
forget_ended (GQueue *receivers)
{
  GList *next;

  for (GList *link = receivers->head; link != NULL; link = next)
    {
      next = link->next;
      if (_msgpack_rpc_call_has_ended (link->data))
        {
          g_object_unref (link->data);
          g_queue_delete_link (receivers, link);
        }
    }
}

/* A message, or NULL: @call gets one later. */
static GVariant *
join_receivers (MsgpackRpcChannel *self,
                MsgpackRpcCall    *call,
                gboolean          *has_ended)
{
  MsgpackRpcChannelInput *input = &self->input;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GVariant *message = take_from_inbox (self);

  *has_ended = input->has_ended;
  if (message == NULL && !*has_ended)
    {
      forget_ended (&input->receivers);
      g_queue_push_tail (&input->receivers, g_object_ref (call));
    }
  return message;
}

static GError *
closed_error_new (void)
{
  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The connection was closed"));
}

static MsgpackRpcCall *
start_receiving (MsgpackRpcChannel   *self,
                 int                  timeout,
                 GCancellable        *cancellable,
                 GAsyncReadyCallback  callback,
                 gpointer             user_data)
{
  MsgpackRpcCall *call = _msgpack_rpc_call_new_kind (MSGPACK_RPC_CALL_KIND_RECEIVE, NULL, NULL);
  g_autoptr(GVariant) message = NULL;
  g_autoptr(GError) error = NULL;
  gboolean has_ended;

  msgpack_rpc_call_set_timeout (call, timeout < 0 ? G_MAXINT : timeout);
  msgpack_rpc_call_set_serves_while_waiting (call, _msgpack_rpc_channel_serves_itself (self));
  _msgpack_rpc_call_set_callback (call, self, cancellable, callback, user_data);
  if (!_msgpack_rpc_call_start (call, self, self->reactor, G_MAXINT) ||
      !_msgpack_rpc_call_bind (call, NULL, self->link, 0))
    return call;

  message = join_receivers (self, call, &has_ended);
  if (message != NULL)
    {
      /* It may have been cancelled this very moment. */
      if (!_msgpack_rpc_call_give (call, message))
        {
          g_mutex_lock (&self->lock);
          put_into_inbox (self, message, TRUE);
          g_mutex_unlock (&self->lock);
        }
      resume_if_few (self);
      _msgpack_rpc_channel_post_input (self);
    }
  else if (has_ended)
    {
      error = closed_error_new ();
      _msgpack_rpc_call_fail (call, error);
    }
  return call;
}

/**
 * msgpack_rpc_channel_receive_async:
 * @self: a channel
 * @timeout: milliseconds, or −1 to wait for as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @callback: (scope async): called when there is a message
 * @user_data: data for @callback
 *
 * Takes the next message that nobody has taken.
 *
 * This is for channels that nobody has connected to [signal@Channel::message] of: there, messages that
 * nobody waits for are kept, up to the [property@Channel:high-water-mark], and then the peer has to wait.
 * Those that wait get messages in turn. Call [method@Channel.receive_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_channel_receive_async (MsgpackRpcChannel   *self,
                                   int                  timeout,
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CHANNEL (self));
  g_return_if_fail (timeout >= -1);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_receiving (self, timeout, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_channel_receive_finish:
 * @self: a channel
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Channel.receive_async].
 *
 * Returns: (transfer full): the message, or `NULL` with @error set: `G_IO_ERROR_TIMED_OUT`,
 *   `G_IO_ERROR_CANCELLED`, or `G_IO_ERROR_CLOSED` if the channel has ended and all was taken
 * Since: 1.0
 */
GVariant *
msgpack_rpc_channel_receive_finish (MsgpackRpcChannel  *self,
                                    GAsyncResult       *result,
                                    GError            **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return _msgpack_rpc_call_finish_value (self, result, MSGPACK_RPC_CALL_KIND_RECEIVE, error);
}

/**
 * msgpack_rpc_channel_receive_sync:
 * @self: a channel
 * @timeout: milliseconds, or −1 to wait for as long as it takes
 * @cancellable: (nullable): ends the waiting
 * @error: return location for an error
 *
 * Takes the next message that nobody has taken, and blocks until there is one.
 *
 * May be called from any number of threads. The codec runs in the channel's main context: either another
 * thread runs that, or this one does otherwise, and delivers what comes for the channel while it waits.
 * Otherwise as [method@Channel.receive_async].
 *
 * Returns: (transfer full): the message, or `NULL` with @error set: as for
 *   [method@Channel.receive_finish], or `G_IO_ERROR_TOO_MANY_OPEN_FILES`
 * Since: 1.0
 */
GVariant *
msgpack_rpc_channel_receive_sync (MsgpackRpcChannel  *self,
                                  int                 timeout,
                                  GCancellable       *cancellable,
                                  GError            **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), NULL);
  g_return_val_if_fail (timeout >= -1, NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!_msgpack_rpc_call_check_sync (cancellable, error))
    return NULL;

  call = start_receiving (self, timeout, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_value (call, cancellable, error);
}

void
_msgpack_rpc_channel_fail_receivers (MsgpackRpcChannel *self)
{
  g_autoptr(GError) reason = closed_error_new ();
  GQueue receivers;

  g_mutex_lock (&self->lock);
  self->input.has_ended = TRUE;
  receivers = self->input.receivers;
  g_queue_init (&self->input.receivers);
  g_mutex_unlock (&self->lock);

  for (GList *link = receivers.head; link != NULL; link = link->next)
    _msgpack_rpc_call_fail (link->data, reason);
  g_queue_clear_full (&receivers, g_object_unref);
}

/* ---- decoding; in the main context ---- */

static void write_stream (MsgpackRpcChannel *self,
                          GOutputStream     *stream,
                          guint64            n_bytes);

void
_msgpack_rpc_channel_stop_decoding (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  g_autoptr(GCancellable) writing = g_steal_pointer (&input->writing);

  if (writing != NULL)
    g_cancellable_cancel (writing);
  if (input->decoder != NULL)
    _msgpack_rpc_stream_decoder_set_channel (input->decoder, NULL);
  g_clear_object (&input->decoder);
  g_clear_pointer (&input->bytes, g_bytes_unref);
  g_queue_clear_full (&input->chunks, (GDestroyNotify) g_bytes_unref);
  g_queue_init (&input->chunks);
  input->chunk_bytes = 0;
  recount (self);
}

/* What comes next goes behind what is there, without copying that if nobody else has it. */
static void
join_chunks (MsgpackRpcChannelInput *input)
{
  GBytes *chunk = g_queue_pop_head (&input->chunks);
  GByteArray *joined;

  if (chunk == NULL)
    return;

  input->chunk_bytes -= g_bytes_get_size (chunk);
  input->is_starved = FALSE;
  if (input->bytes == NULL)
    {
      input->bytes = chunk;
      return;
    }

  joined = g_bytes_unref_to_array (g_steal_pointer (&input->bytes));
  g_byte_array_append (joined, g_bytes_get_data (chunk, NULL), (guint) g_bytes_get_size (chunk));
  g_bytes_unref (chunk);
  /* No more than an array can hold, whatever the limits are. */
  while (joined->len <= MAX_JOINED && (chunk = g_queue_pop_head (&input->chunks)) != NULL)
    {
      input->chunk_bytes -= g_bytes_get_size (chunk);
      g_byte_array_append (joined, g_bytes_get_data (chunk, NULL), (guint) g_bytes_get_size (chunk));
      g_bytes_unref (chunk);
    }
  input->bytes = g_byte_array_free_to_bytes (joined);
}

static void
consume (MsgpackRpcChannelInput *input,
         gsize                   size)
{
  gsize total = input->bytes != NULL ? g_bytes_get_size (input->bytes) : 0;
  GBytes *rest = NULL;

  if (size == 0)
    return;
  if (size < total)
    rest = g_bytes_new_from_bytes (input->bytes, size, total - size);

  g_bytes_unref (input->bytes);
  input->bytes = rest;
}

static void
fail_decoding (MsgpackRpcChannel *self,
               const GError      *error)
{
  _msgpack_rpc_channel_stop_decoding (self);
  _msgpack_rpc_channel_fail (self, error);
}

static gboolean
check_size (MsgpackRpcChannel  *self,
            GError            **error)
{
  MsgpackRpcChannelInput *input = &self->input;
  guint limit = _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_MESSAGE_SIZE);
  guint64 size = input->used;
  gsize seen = input->is_starved && input->bytes != NULL ? g_bytes_get_size (input->bytes) : 0;

  size += seen;
  if (size <= limit && seen <= MAX_JOINED)
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
               "The message has %" G_GUINT64_FORMAT " bytes or more, which exceeds the limit of %u",
               size, MIN (limit, MAX_JOINED));
  return FALSE;
}

static gboolean
finish_message (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  g_autoptr(MsgpackRpcStreamDecoder) decoder = g_steal_pointer (&input->decoder);
  g_autoptr(GError) error = NULL;

  _msgpack_rpc_stream_decoder_set_channel (decoder, NULL);
  if (input->used == 0 && input->written == 0)
    {
      error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                           "The decoder %s has made a message of no bytes",
                           G_OBJECT_TYPE_NAME (decoder));
      fail_decoding (self, error);
      return FALSE;
    }

  input->used = input->written = 0;
  input->must_run = FALSE;
  input->is_starved = FALSE;
  deliver_message (self, _msgpack_rpc_stream_decoder_get_message (decoder));
  return TRUE;
}

static gboolean
run_decoder (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  g_autoptr(MsgpackRpcStreamDecoder) decoder = g_object_ref (input->decoder);
  g_autoptr(GBytes) bytes = g_steal_pointer (&input->bytes);
  g_autoptr(GError) error = NULL;
  guint64 n_bytes;
  gsize used = 0;
  gboolean done;

  if (bytes == NULL)
    bytes = g_bytes_new_static ("", 0);
  input->must_run = FALSE;
  input->is_running = TRUE;
  done = _msgpack_rpc_stream_decoder_run (decoder, bytes, &used, &error);
  input->is_running = FALSE;
  /* Its code may have run the loop, and ended the channel. */
  if (input->decoder != decoder)
    return FALSE;

  if (g_bytes_get_size (bytes) > 0)
    input->bytes = g_steal_pointer (&bytes);
  if (!done)
    {
      fail_decoding (self, error);
      return FALSE;
    }

  consume (input, used);
  input->used += used;
  if (_msgpack_rpc_stream_decoder_get_stream (decoder, &n_bytes) != NULL && n_bytes == 0)
    {
      _msgpack_rpc_stream_decoder_note_written (decoder, 0);
      input->must_run = TRUE;
    }
  input->is_starved = _msgpack_rpc_stream_decoder_get_message (decoder) == NULL &&
                      _msgpack_rpc_stream_decoder_get_stream (decoder, &n_bytes) == NULL &&
                      !_msgpack_rpc_stream_decoder_has_paused (decoder);
  input->must_run |= _msgpack_rpc_stream_decoder_has_paused (decoder);
  if (check_size (self, &error))
    return TRUE;

  fail_decoding (self, error);
  return FALSE;
}

static gboolean
begin_decoding (MsgpackRpcChannel *self)
{
  g_autoptr(GError) error = NULL;

  self->input.is_running = TRUE;
  self->input.decoder = msgpack_rpc_codec_create_decoder (self->codec, &error);
  self->input.is_running = FALSE;
  if (self->input.decoder != NULL &&
      _msgpack_rpc_stream_decoder_get_message (self->input.decoder) != NULL)
    {
      g_clear_object (&self->input.decoder);
      error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                                   "The codec has given a decoder that has finished already");
    }
  if (self->input.decoder == NULL)
    {
      fail_decoding (self, error);
      return FALSE;
    }

  _msgpack_rpc_stream_decoder_set_channel (self->input.decoder, self);
  return TRUE;
}

static gboolean
is_queue_full (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;

  if (g_atomic_int_get (&self->is_closed) ||
      (gsize) g_atomic_pointer_get (&input->event_bytes) <= get_mark (self))
    return FALSE;

  /* They may be taken this very moment. */
  g_atomic_int_set (&input->waits_for_events, TRUE);
  return (gsize) g_atomic_pointer_get (&input->event_bytes) > get_mark (self);
}

/* Nobody takes them: the peer must wait. */
static gboolean
is_inbox_full (MsgpackRpcChannel *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (has_handler (self))
    return is_queue_full (self);

  locker = g_mutex_locker_new (&self->lock);
  return self->input.inbox_bytes > get_mark (self);
}

/* Whether it has done something, so that there may be more to do now. */
static gboolean
decode_step (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  MsgpackRpcStreamDecoder *decoder = input->decoder;
  GOutputStream *stream;
  guint64 n_bytes;

  if (input->is_running || input->writing != NULL || is_inbox_full (self) || g_atomic_int_get (&self->is_cut_off))
    return FALSE;
  if (decoder != NULL && _msgpack_rpc_stream_decoder_is_paused (decoder))
    return FALSE;

  if (input->bytes == NULL || input->is_starved)
    join_chunks (input);
  stream = decoder != NULL ? _msgpack_rpc_stream_decoder_get_stream (decoder, &n_bytes) : NULL;
  if (stream != NULL)
    {
      if (input->bytes != NULL)
        write_stream (self, stream, n_bytes);
      return FALSE;
    }
  if (decoder != NULL && _msgpack_rpc_stream_decoder_get_message (decoder) != NULL)
    return finish_message (self);

  if (!input->must_run && (input->bytes == NULL || input->is_starved))
    return FALSE;
  if (decoder == NULL && !begin_decoding (self))
    return FALSE;

  return run_decoder (self);
}

gboolean
_msgpack_rpc_channel_is_drained (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;

  return !input->is_running && input->writing == NULL && input->chunk_bytes == 0 && !input->must_run &&
         (input->bytes == NULL || input->is_starved) && !is_inbox_full (self) &&
         (input->decoder == NULL ||
          (!_msgpack_rpc_stream_decoder_is_paused (input->decoder) &&
           _msgpack_rpc_stream_decoder_get_message (input->decoder) == NULL));
}

/* The peer has sent its last byte, and what it sent before is decoded. */
static void
check_end (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelInput *input = &self->input;
  g_autoptr(GError) error = NULL;

  if (input->decoder == NULL && input->bytes == NULL)
    return;

  error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                               _("The peer closed the connection in the middle of a message"));
  fail_decoding (self, error);
}

static void
decode (MsgpackRpcChannel *self)
{
  gint64 end = g_get_monotonic_time () + MSGPACK_RPC_REACTOR_BUDGET;
  MsgpackRpcChannelInput *input = &self->input;

  while (decode_step (self))
    if (g_get_monotonic_time () >= end)
      {
        _msgpack_rpc_channel_post_input (self);
        break;
      }

  recount (self);
  if (_msgpack_rpc_channel_is_drained (self))
    {
      if (input->is_at_end)
        check_end (self);
      g_atomic_int_set (&input->is_decoding, FALSE);
      _msgpack_rpc_link_settle (self->link);
    }
  _msgpack_rpc_channel_tell_end (self);
}

static void
deliver_input (gpointer owner,
               gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcChannel *self = owner;

  g_atomic_int_set (&self->input.is_posted, FALSE);
  decode (self);
}

void
_msgpack_rpc_channel_post_input (MsgpackRpcChannel *self)
{
  if (g_atomic_int_compare_and_exchange (&self->input.is_posted, FALSE, TRUE))
    _msgpack_rpc_channel_post (self, deliver_input, NULL, NULL);
}

static void
deliver_bytes (gpointer owner,
               gpointer data)
{
  MsgpackRpcChannel *self = owner;
  MsgpackRpcChannelInput *input = &self->input;
  gsize size = g_bytes_get_size (data);

  if (self->has_told_end)
    _msgpack_rpc_channel_hold (self, -(gssize) size);
  else
    {
      g_queue_push_tail (&input->chunks, g_bytes_ref (data));
      input->chunk_bytes += size;
      input->counted += size;
    }

  g_atomic_int_set (&input->is_decoding, TRUE);
  g_atomic_int_add (&input->undelivered, -1);
  if (!self->has_told_end)
    decode (self);
}

static void
deliver_end (gpointer owner,
             gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcChannel *self = owner;

  self->input.is_at_end = TRUE;
  g_atomic_int_set (&self->input.is_decoding, TRUE);
  g_atomic_int_add (&self->input.undelivered, -1);
  if (!self->has_told_end)
    decode (self);
}

/* ---- what the link tells: by the holder of its I/O ---- */

void
_msgpack_rpc_channel_take_bytes (gpointer  owner,
                                 GBytes   *bytes)
{
  MsgpackRpcChannel *self = owner;
  MsgpackRpcChannelInput *input = &self->input;
  gsize size = g_bytes_get_size (bytes);

  g_atomic_int_inc (&input->undelivered);
  g_atomic_pointer_add (&input->held_bytes, (gssize) size);
  _msgpack_rpc_channel_post (self, deliver_bytes, g_bytes_ref (bytes),
                             (GDestroyNotify) g_bytes_unref);
  if ((gsize) g_atomic_pointer_get (&input->held_bytes) <= get_mark (self))
    return;

  /* The main context may have dealt with them before it could find that reading pauses. */
  g_atomic_int_set (&input->is_paused, TRUE);
  _msgpack_rpc_link_set_paused (self->link, MSGPACK_RPC_PAUSE_UNDECODED, TRUE);
  resume_if_few (self);
}

void
_msgpack_rpc_channel_take_end (gpointer owner)
{
  MsgpackRpcChannel *self = owner;

  g_atomic_int_inc (&self->input.undelivered);
  _msgpack_rpc_channel_post (self, deliver_end, NULL, NULL);
}

/* ---- streams that are written to ---- */

typedef struct
{
  GWeakRef channel;
  GCancellable *cancellable; /* owned; also which write it is */
  GBytes *bytes;             /* owned */
} Writing;

static void
take_written (MsgpackRpcChannel *self,
              gsize              size,
              GError            *error)
{
  MsgpackRpcChannelInput *input = &self->input;
  guint64 n_bytes;

  g_clear_object (&input->writing);
  if (error != NULL)
    {
      fail_decoding (self, error);
      return;
    }

  input->written += size;
  _msgpack_rpc_stream_decoder_note_written (input->decoder, size);
  if (_msgpack_rpc_stream_decoder_get_stream (input->decoder, &n_bytes) == NULL)
    input->must_run = TRUE;
  decode (self);
}

static void
write_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  Writing *writing = user_data;
  g_autoptr(MsgpackRpcChannel) channel = g_weak_ref_get (&writing->channel);
  g_autoptr(GError) error = NULL;
  gsize size = 0;

  g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, &size, &error);
  if (channel != NULL && channel->input.writing == writing->cancellable)
    take_written (channel, size, error);

  g_weak_ref_clear (&writing->channel);
  g_object_unref (writing->cancellable);
  g_bytes_unref (writing->bytes);
  g_free (writing);
}

static void
write_stream (MsgpackRpcChannel *self,
              GOutputStream     *stream,
              guint64            n_bytes)
{
  MsgpackRpcChannelInput *input = &self->input;
  Writing *writing = g_new0 (Writing, 1);
  gsize size = (gsize) MIN (n_bytes, g_bytes_get_size (input->bytes));

  input->writing = g_cancellable_new ();
  g_weak_ref_init (&writing->channel, self);
  writing->cancellable = g_object_ref (input->writing);
  writing->bytes = g_bytes_new_from_bytes (input->bytes, 0, size);
  consume (input, size);

  g_main_context_push_thread_default (self->main_context);
  g_output_stream_write_all_async (stream, g_bytes_get_data (writing->bytes, NULL), size,
                                   G_PRIORITY_DEFAULT, writing->cancellable, write_cb, writing);
  g_main_context_pop_thread_default (self->main_context);
}
