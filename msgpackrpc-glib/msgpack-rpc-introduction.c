/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-introduction-private.h"

#include "msgpack-rpc-drain-private.h"
#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-proof-private.h"
#include "msgpack-rpc-unpacker-private.h"

#define READ_SIZE 4096

/* The ids of the two requests. */
#define FIRST_ID 1
#define SECOND_ID 2

typedef struct
{
  GIOStream *stream;            /* owned */
  MsgpackRpcProof *proof;       /* owned */
  MsgpackRpcPackFlags flags;
  gboolean is_framed;
  guint max_size;
  int timeout;
  guint32 msgid;                /* of the request that waits for its answer */
  GBytes *output;               /* what is being written */
  MsgpackRpcUnpacker *unpacker;
  GByteArray *input;            /* what has come and is not dealt with */
  guint64 offset;               /* where in the stream that begins */
  GByteArray *early;            /* messages that are for others */
  GSource *timeout_source;
  gboolean has_timed_out;
  GCancellable *cancellable;    /* ends what is going on; cancelled by the caller's or the timeout */
  GCancellable *outer;          /* the caller's; owned, nullable */
  gulong cancelled_id;
  guint8 buffer[READ_SIZE];
} Introduction;

static void
cancelled_cb (GCancellable *outer G_GNUC_UNUSED,
              gpointer      data)
{
  g_cancellable_cancel (data);
}

static void
introduction_free (gpointer data)
{
  Introduction *self = data;

  g_object_unref (self->stream);
  _msgpack_rpc_proof_free (self->proof);
  g_clear_pointer (&self->output, g_bytes_unref);
  g_object_unref (self->unpacker);
  g_byte_array_unref (self->input);
  g_byte_array_unref (self->early);
  g_object_unref (self->cancellable);
  g_clear_object (&self->outer);
  g_free (self);
}

/* Nothing comes any more. */
static void
stop_watching (Introduction *self)
{
  if (self->timeout_source != NULL)
    g_source_destroy (self->timeout_source);
  g_clear_pointer (&self->timeout_source, g_source_unref);
  g_cancellable_disconnect (self->outer, self->cancelled_id);
  self->cancelled_id = 0;
}

static void
fail (GTask  *task,
      GError *error)
{
  Introduction *self = g_task_get_task_data (task);

  stop_watching (self);
  if (self->has_timed_out)
    {
      g_clear_error (&error);
      error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                           _("The server has not proved within %d milliseconds that it knows the "
                             "token"), self->timeout);
    }
  g_task_return_error (task, error);
}

static void
succeed (GTask *task)
{
  Introduction *self = g_task_get_task_data (task);

  stop_watching (self);
  g_byte_array_append (self->early, self->input->data, self->input->len);
  g_task_return_pointer (task, g_bytes_new (self->early->data, self->early->len),
                         (GDestroyNotify) g_bytes_unref);
}

static gboolean
timed_out_cb (gpointer data)
{
  Introduction *self = g_task_get_task_data (data);

  self->has_timed_out = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_REMOVE;
}

/* ---- messages ---- */

static void parse (GTask *task);

static void
written_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  GError *error = NULL;

  if (g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    parse (task);
  else
    fail (task, error);
}

/* @params is floating, or NULL if @error is set. */
static void
send (GTask    *task,
      guint32   msgid,
      GVariant *params,
      GError   *error)
{
  Introduction *self = g_task_get_task_data (task);
  g_autoptr(GVariant) sunk = params != NULL ? g_variant_ref_sink (params) : NULL;
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(MsgpackRpcPacked) framed = NULL;

  if (sunk != NULL)
    packed = _msgpack_rpc_message_pack_request (msgid, MSGPACK_RPC_AUTHENTICATE, sunk, 0, self->flags,
                                                &error);
  if (packed == NULL)
    {
      fail (task, error);
      return;
    }

  self->msgid = msgid;
  g_clear_pointer (&self->output, g_bytes_unref);
  framed = self->is_framed ? _msgpack_rpc_packed_frame (packed) : NULL;
  self->output = _msgpack_rpc_packed_to_bytes (framed != NULL ? framed : packed);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (self->stream),
                                   g_bytes_get_data (self->output, NULL),
                                   g_bytes_get_size (self->output), G_PRIORITY_DEFAULT,
                                   self->cancellable, written_cb, g_object_ref (task));
}

static gboolean
is_boolean (const MsgpackRpcPiece *piece,
            gboolean               wanted)
{
  return _msgpack_rpc_piece_is (piece, "b", 1) && (*piece->data != 0) == wanted;
}

/* One that says why there will be none has the id 0. */
static gboolean
is_answer (Introduction            *self,
           const MsgpackRpcMessage *message)
{
  gint64 id;

  return message->type == MSGPACK_RPC_MESSAGE_RESPONSE &&
         _msgpack_rpc_piece_get_int (&message->msgid, &id) &&
         (id == self->msgid || (id == 0 && !_msgpack_rpc_piece_is_nil (&message->error)));
}

static gboolean
says_goodbye (const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) ids = _msgpack_rpc_drain_parse_goodbye (message);

  return ids != NULL || _msgpack_rpc_drain_is_refusal (message);
}

static GError *
make_refusal (const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) value = _msgpack_rpc_piece_to_value (&message->error, message->bytes);
  g_autoptr(GVariant) result = _msgpack_rpc_piece_to_value (&message->result, message->bytes);
  g_autoptr(GError) remote = NULL;
  gint64 id;

  if (says_goodbye (message))
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The server is closing"));

  remote = _msgpack_rpc_message_error_to_gerror (MSGPACK_RPC_AUTHENTICATE, value, result, FALSE);
  /* It has not looked at the token. */
  if (_msgpack_rpc_piece_get_int (&message->msgid, &id) && id == 0)
    return g_steal_pointer (&remote);

  return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                      _("The server does not accept the token: %s"), remote->message);
}

static void
take_answer (GTask                   *task,
             const MsgpackRpcMessage *message)
{
  Introduction *self = g_task_get_task_data (task);
  g_autoptr(GVariant) result = NULL;
  GVariant *params;
  GError *error = NULL;

  if (!_msgpack_rpc_piece_is_nil (&message->error) && !is_boolean (&message->error, FALSE))
    {
      fail (task, make_refusal (message));
      return;
    }

  result = _msgpack_rpc_piece_to_value (&message->result, message->bytes);
  if (self->msgid == FIRST_ID)
    {
      params = _msgpack_rpc_proof_continue (self->proof, result, &error);
      send (task, SECOND_ID, params, error);
    }
  else if (_msgpack_rpc_proof_finish (self->proof, result, &error))
    succeed (task);
  else
    fail (task, error);
}

/* ---- input ---- */

static void
read_cb (GObject      *source,
         GAsyncResult *result,
         gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  Introduction *self = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  if (n == 0)
    error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                                 _("The server has closed the connection before it has proved that "
                                   "it knows the token"));
  if (n <= 0)
    {
      fail (task, error);
      return;
    }

  g_byte_array_append (self->input, self->buffer, (guint) n);
  msgpack_rpc_unpacker_feed (self->unpacker, self->buffer, (gsize) n);
  parse (task);
}

/* The message that has just been taken leaves the input. Others than answers are kept for later. */
static gboolean
take_bytes (Introduction  *self,
            gboolean       keep,
            GError       **error)
{
  guint size = (guint) (msgpack_rpc_unpacker_get_offset (self->unpacker) - self->offset);

  if (keep && size > self->max_size - self->early->len)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
                   _("The server has sent more than %u bytes before it has proved that it knows "
                     "the token"), self->max_size);
      return FALSE;
    }

  if (keep)
    g_byte_array_append (self->early, self->input->data, size);
  g_byte_array_remove_range (self->input, 0, size);
  self->offset += size;
  return TRUE;
}

static void
parse (GTask *task)
{
  Introduction *self = g_task_get_task_data (task);
  g_autoptr(GBytes) array = NULL;
  GError *error = NULL;

  while ((array = _msgpack_rpc_unpacker_next_array (self->unpacker, &error)) != NULL)
    {
      g_auto(MsgpackRpcMessage) message = { .type = MSGPACK_RPC_MESSAGE_INVALID };
      gboolean answers;

      _msgpack_rpc_message_parse (&message, array, NULL);
      answers = is_answer (self, &message);
      if (!take_bytes (self, !answers, &error))
        break;
      if (answers)
        {
          take_answer (task, &message);
          return;
        }
      g_clear_pointer (&array, g_bytes_unref);
    }

  if (error != NULL)
    fail (task, error);
  else
    g_input_stream_read_async (g_io_stream_get_input_stream (self->stream), self->buffer, READ_SIZE,
                               G_PRIORITY_DEFAULT, self->cancellable, read_cb, g_object_ref (task));
}

/* ---- from beginning to end ---- */

static void
start_timeout (GTask *task)
{
  Introduction *self = g_task_get_task_data (task);

  if (self->timeout == G_MAXINT)
    return;

  self->timeout_source = g_timeout_source_new ((guint) self->timeout);
  g_source_set_static_name (self->timeout_source, "[msgpackrpc-glib] introduction");
  g_source_set_callback (self->timeout_source, timed_out_cb, task, NULL);
  g_source_attach (self->timeout_source, g_task_get_context (task));
}

static Introduction *
introduction_new (GIOStream           *stream,
                  MsgpackRpcToken     *token,
                  MsgpackRpcLimits    *limits,
                  MsgpackRpcSettings  *settings)
{
  Introduction *self = g_new0 (Introduction, 1);

  self->stream = g_object_ref (stream);
  self->proof = _msgpack_rpc_proof_new (token, stream);
  self->flags = _msgpack_rpc_settings_get_pack_flags (settings);
  self->is_framed = _msgpack_rpc_settings_has_dialect (settings, MSGPACK_RPC_DIALECT_FRAMED);
  self->max_size = _msgpack_rpc_limits_get (limits, MSGPACK_RPC_LIMIT_MAX_PENDING_MESSAGE_SIZE);
  self->timeout = msgpack_rpc_limits_get_handshake_timeout (limits);
  self->input = g_byte_array_new ();
  self->early = g_byte_array_new ();
  self->cancellable = g_cancellable_new ();
  self->unpacker = msgpack_rpc_unpacker_new ();
  _msgpack_rpc_unpacker_set_require_array (self->unpacker, TRUE);
  _msgpack_rpc_unpacker_set_framed (self->unpacker, self->is_framed);
  _msgpack_rpc_unpacker_set_limits (
      self->unpacker, self->max_size,
      _msgpack_rpc_limits_get (limits, MSGPACK_RPC_LIMIT_MAX_DECODED_SIZE),
      _msgpack_rpc_limits_get (limits, MSGPACK_RPC_LIMIT_MAX_DEPTH));
  return self;
}

void
_msgpack_rpc_introduction_start_async (GIOStream           *stream,
                                       MsgpackRpcToken     *token,
                                       MsgpackRpcLimits    *limits,
                                       MsgpackRpcSettings  *settings,
                                       GCancellable        *cancellable,
                                       GAsyncReadyCallback  callback,
                                       gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (stream, NULL, callback, user_data);
  Introduction *self = introduction_new (stream, token, limits, settings);
  GVariant *params;
  GError *error = NULL;

  g_task_set_source_tag (task, _msgpack_rpc_introduction_start_async);
  g_task_set_task_data (task, self, introduction_free);

  if (cancellable != NULL)
    {
      self->outer = g_object_ref (cancellable);
      self->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (cancelled_cb),
                                                  self->cancellable, NULL);
    }
  start_timeout (task);
  params = _msgpack_rpc_proof_begin (self->proof, &error);
  send (task, FIRST_ID, params, error);
}

GBytes *
_msgpack_rpc_introduction_finish (GAsyncResult  *result,
                                  GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
