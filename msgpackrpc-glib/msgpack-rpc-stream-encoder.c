/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-stream-encoder-private.h"

#include "msgpack-rpc-halt-private.h"

typedef struct
{
  MsgpackRpcHalt halt;
  GQueue parts;         /* of MsgpackRpcEncodedPart */
  gboolean is_finished;
  gboolean has_acted;   /* since it was run */
} MsgpackRpcStreamEncoderPrivate;

/**
 * MsgpackRpcStreamEncoder:
 *
 * Makes the bytes of one message, part by part.
 *
 * A [iface@Codec] whose messages may be large returns one for each message from its
 * `create_encoder`. The channel asks it for more as fast as the peer reads, so that never much of a
 * message is in memory: a part may be bytes, or a stream that the channel reads.
 *
 * ```python
 * class FileEncoder(MsgpackRpc.StreamEncoder):
 *     def __init__(self, path):
 *         super().__init__()
 *         self.file = Gio.File.new_for_path(path)
 *
 *     def do_encode(self):
 *         size = self.file.query_info('standard::size', 0, None).get_size()
 *         self.add_bytes(GLib.Bytes.new(size.to_bytes(8, 'big')))
 *         self.add_stream(self.file.read(None), size)
 *         self.finish()
 *         return True
 * ```
 *
 * All that a subclass implements is called in the channel's main context. Only
 * [method@StreamEncoder.resume] may be called from any thread.
 *
 * Since: 1.0
 */
G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (MsgpackRpcStreamEncoder, msgpack_rpc_stream_encoder,
                                     G_TYPE_OBJECT)

static MsgpackRpcStreamEncoderPrivate *
get_private (MsgpackRpcStreamEncoder *self)
{
  return msgpack_rpc_stream_encoder_get_instance_private (self);
}

static void
part_free (gpointer data)
{
  MsgpackRpcEncodedPart *part = data;

  g_clear_pointer (&part->bytes, g_bytes_unref);
  g_clear_object (&part->stream);
  g_free (part);
}

static void
msgpack_rpc_stream_encoder_finalize (GObject *object)
{
  MsgpackRpcStreamEncoderPrivate *priv = get_private (MSGPACK_RPC_STREAM_ENCODER (object));

  _msgpack_rpc_halt_clear (&priv->halt);
  g_queue_clear_full (&priv->parts, part_free);

  G_OBJECT_CLASS (msgpack_rpc_stream_encoder_parent_class)->finalize (object);
}

static void
msgpack_rpc_stream_encoder_class_init (MsgpackRpcStreamEncoderClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_rpc_stream_encoder_finalize;
}

static void
msgpack_rpc_stream_encoder_init (MsgpackRpcStreamEncoder *self)
{
  MsgpackRpcStreamEncoderPrivate *priv = get_private (self);

  _msgpack_rpc_halt_init (&priv->halt);
  g_queue_init (&priv->parts);
}

static void
add_part (MsgpackRpcStreamEncoder *self,
          MsgpackRpcEncodedPart    part)
{
  MsgpackRpcStreamEncoderPrivate *priv = get_private (self);

  priv->has_acted = TRUE;
  g_queue_push_tail (&priv->parts, g_memdup2 (&part, sizeof part));
}

/**
 * msgpack_rpc_stream_encoder_add_bytes:
 * @self: an encoder
 * @bytes: bytes
 *
 * Adds bytes to the message.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_encoder_add_bytes (MsgpackRpcStreamEncoder *self,
                                      GBytes                  *bytes)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_ENCODER (self));
  g_return_if_fail (bytes != NULL);
  g_return_if_fail (!get_private (self)->is_finished);

  add_part (self, (MsgpackRpcEncodedPart) { .bytes = g_bytes_ref (bytes) });
}

/**
 * msgpack_rpc_stream_encoder_add_stream:
 * @self: an encoder
 * @stream: a stream
 * @n_bytes: how many of its bytes, or −1 for all until its end
 *
 * Adds what can be read from a stream to the message.
 *
 * The channel reads it in its main context, by its asynchronous functions, no faster than the peer
 * takes it. It does not close the stream. If the stream fails, or ends before @n_bytes, the message
 * cannot be finished, and the channel ends.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_encoder_add_stream (MsgpackRpcStreamEncoder *self,
                                       GInputStream            *stream,
                                       gint64                   n_bytes)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_ENCODER (self));
  g_return_if_fail (G_IS_INPUT_STREAM (stream));
  g_return_if_fail (n_bytes >= -1);
  g_return_if_fail (!get_private (self)->is_finished);

  add_part (self, (MsgpackRpcEncodedPart) { .stream = g_object_ref (stream), .n_bytes = n_bytes });
}

/**
 * msgpack_rpc_stream_encoder_finish:
 * @self: an encoder
 *
 * Says that the message ends after what was added.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_encoder_finish (MsgpackRpcStreamEncoder *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_ENCODER (self));

  get_private (self)->is_finished = TRUE;
  get_private (self)->has_acted = TRUE;
}

/**
 * msgpack_rpc_stream_encoder_pause:
 * @self: an encoder
 *
 * Says that there is nothing more to add until [method@StreamEncoder.resume].
 *
 * What was added before is written. Later messages wait.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_encoder_pause (MsgpackRpcStreamEncoder *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_ENCODER (self));

  get_private (self)->has_acted = TRUE;
  _msgpack_rpc_halt_pause (&get_private (self)->halt);
}

/**
 * msgpack_rpc_stream_encoder_resume:
 * @self: an encoder
 *
 * Ends a pause: the encoder is asked again, later, in the channel's main context.
 *
 * May be called from any thread, also before [method@StreamEncoder.pause], which has no effect then,
 * and when the channel is gone.
 *
 * Since: 1.0
 */
void
msgpack_rpc_stream_encoder_resume (MsgpackRpcStreamEncoder *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_STREAM_ENCODER (self));

  _msgpack_rpc_halt_resume (&get_private (self)->halt);
}

/* ---- for the channel ---- */

void
_msgpack_rpc_stream_encoder_set_channel (MsgpackRpcStreamEncoder *self,
                                         MsgpackRpcChannel       *channel)
{
  _msgpack_rpc_halt_set_channel (&get_private (self)->halt, channel);
}

gboolean
_msgpack_rpc_stream_encoder_run (MsgpackRpcStreamEncoder  *self,
                                 GError                  **error)
{
  MsgpackRpcStreamEncoderPrivate *priv = get_private (self);
  MsgpackRpcStreamEncoderClass *klass = MSGPACK_RPC_STREAM_ENCODER_GET_CLASS (self);
  g_autoptr(GError) local_error = NULL;
  gboolean done;

  priv->has_acted = FALSE;
  done = klass->encode != NULL && klass->encode (self, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  /* An exception in Python leaves no error. */
  if (!done || !priv->has_acted)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_FAILED,
                 done ? "The encoder %s has neither added something, nor paused or finished"
                      : "The encoder %s has failed", G_OBJECT_TYPE_NAME (self));
  return done && priv->has_acted;
}

MsgpackRpcEncodedPart *
_msgpack_rpc_stream_encoder_peek (MsgpackRpcStreamEncoder *self)
{
  return g_queue_peek_head (&get_private (self)->parts);
}

void
_msgpack_rpc_stream_encoder_drop (MsgpackRpcStreamEncoder *self)
{
  part_free (g_queue_pop_head (&get_private (self)->parts));
}

void
_msgpack_rpc_stream_encoder_note_read (MsgpackRpcStreamEncoder *self,
                                       gsize                    n_bytes)
{
  MsgpackRpcEncodedPart *part = g_queue_peek_head (&get_private (self)->parts);

  if (part->n_bytes >= 0)
    part->n_bytes -= (gint64) n_bytes;
}

gboolean
_msgpack_rpc_stream_encoder_is_finished (MsgpackRpcStreamEncoder *self)
{
  return get_private (self)->is_finished;
}

gboolean
_msgpack_rpc_stream_encoder_is_paused (MsgpackRpcStreamEncoder *self)
{
  return _msgpack_rpc_halt_is_on (&get_private (self)->halt);
}
