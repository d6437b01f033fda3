/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-channel-private.h"

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-i18n-private.h"

/* How a channel opens and closes, and what it tells of that. */

void
_msgpack_rpc_channel_post (MsgpackRpcChannel  *self,
                           MsgpackRpcPostFunc  func,
                           gpointer            data,
                           GDestroyNotify      destroy)
{
  _msgpack_rpc_reactor_post (self->reactor, _msgpack_rpc_link_get_lane (self->link), self, FALSE,
                             func, data, destroy);
}

/* The global default context is that of any thread that has no other, and nobody may own it for a while:
 * that is no reason to run the codec and handlers of a main thread in a worker. */
gboolean
_msgpack_rpc_channel_serves_itself (MsgpackRpcChannel *self)
{
  return g_main_context_is_owner (self->main_context) ||
         (self->thread == g_thread_self () && _msgpack_rpc_reactor_is_home (self->reactor));
}

void
_msgpack_rpc_channel_resume_coders (MsgpackRpcChannel *self)
{
  _msgpack_rpc_channel_post_output (self);
  _msgpack_rpc_channel_post_input (self);
  _msgpack_rpc_link_wake_serving (self->link);
}

void
_msgpack_rpc_channel_fail (MsgpackRpcChannel *self,
                           const GError      *error)
{
  /* The link may have ended already, in good order as far as it knows. */
  if (self->failure == NULL)
    self->failure = g_error_copy (error);
  _msgpack_rpc_debug_info (self->id, NULL, "The channel ends: %s", error->message);
  _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
}

/* ---- operations: opening and closing ---- */

static MsgpackRpcCall *
start_operation (MsgpackRpcChannel   *self,
                 MsgpackRpcCallKind   kind,
                 int                  timeout,
                 GCancellable        *cancellable,
                 GAsyncReadyCallback  callback,
                 gpointer             user_data)
{
  MsgpackRpcCall *call = _msgpack_rpc_call_new_kind (kind, NULL, NULL);

  msgpack_rpc_call_set_timeout (call, timeout < 0 ? G_MAXINT : timeout);
  /* The codec may be needed for it. */
  msgpack_rpc_call_set_serves_while_waiting (call, _msgpack_rpc_channel_serves_itself (self));
  _msgpack_rpc_call_set_callback (call, self, cancellable, callback, user_data);
  if (!_msgpack_rpc_call_start (call, self, self->reactor, G_MAXINT) ||
      !_msgpack_rpc_call_bind (call, NULL, self->link, 0))
    return call;

  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->operations, g_object_ref (call));
  g_mutex_unlock (&self->lock);
  return call;
}

/* Ends those that have come to their end. @error: of opening, or NULL if that has succeeded. */
static void
end_operations (MsgpackRpcChannel *self,
                gboolean           has_ended,
                const GError      *error)
{
  GQueue operations;

  g_mutex_lock (&self->lock);
  operations = self->operations;
  g_queue_init (&self->operations);
  g_mutex_unlock (&self->lock);

  for (GList *link = operations.head; link != NULL; link = link->next)
    {
      MsgpackRpcCallKind kind = _msgpack_rpc_call_get_kind (link->data);

      if (kind == MSGPACK_RPC_CALL_KIND_OPEN && error != NULL)
        _msgpack_rpc_call_fail (link->data, error);
      else if (kind == MSGPACK_RPC_CALL_KIND_OPEN || has_ended)
        _msgpack_rpc_call_succeed (link->data);
      else
        {
          g_mutex_lock (&self->lock);
          g_queue_push_tail (&self->operations, g_object_ref (link->data));
          g_mutex_unlock (&self->lock);
        }
    }
  g_queue_clear_full (&operations, g_object_unref);
}

static GError *
make_open_error (const GError *error)
{
  if (error != NULL)
    return g_error_copy (error);

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The connection was closed"));
}

/* What was asked for may have come true before it was known to wait for that. */
static void
look_again (MsgpackRpcChannel *self)
{
  g_autoptr(GError) error = NULL;

  if (_msgpack_rpc_link_has_ended (self->link))
    {
      error = make_open_error (NULL);
      end_operations (self, TRUE, error);
    }
  else if (msgpack_rpc_channel_is_connected (self))
    end_operations (self, FALSE, NULL);
}

/* ---- opening ---- */

/* What an attempt needs after the channel may be gone. */
typedef struct
{
  MsgpackRpcLink *link; /* owned */
  GWeakRef channel;
} Attempt;

/* In the link's private context. */
static void
opened_cb (GObject      *source G_GNUC_UNUSED,
           GAsyncResult *result,
           gpointer      user_data)
{
  Attempt *attempt = user_data;
  g_autoptr(MsgpackRpcChannel) channel = g_weak_ref_get (&attempt->channel);
  g_autoptr(GSubprocess) subprocess = NULL;
  g_autoptr(GIOStream) stream = NULL;
  g_autoptr(GError) error = NULL;

  stream = _msgpack_rpc_target_open_finish (result, &subprocess, &error);
  if (channel != NULL)
    {
      g_mutex_lock (&channel->lock);
      g_set_object (&channel->io_stream, stream);
      g_mutex_unlock (&channel->lock);
    }

  _msgpack_rpc_link_opened (attempt->link, stream, error);
  if (channel != NULL)
    look_again (channel);

  g_object_unref (attempt->link);
  g_weak_ref_clear (&attempt->channel);
  g_free (attempt);
}

static void
link_open (gpointer      owner,
           GCancellable *cancellable)
{
  MsgpackRpcChannel *self = owner;
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->link = g_object_ref (self->link);
  g_weak_ref_init (&attempt->channel, self);
  _msgpack_rpc_target_open_async (self->target, self->limits, cancellable, opened_cb, attempt);
}

static MsgpackRpcCall *
start_opening (MsgpackRpcChannel   *self,
               int                  timeout,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  MsgpackRpcCall *call = start_operation (self, MSGPACK_RPC_CALL_KIND_OPEN, timeout, cancellable,
                                          callback, user_data);

  if (self->target == NULL && self->io_stream == NULL)
    {
      g_autoptr(GError) error = NULL;

      error = g_error_new_literal (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED,
                                   "The channel was given nothing to connect to");
      _msgpack_rpc_call_fail (call, error);
    }
  else if (self->target != NULL && !_msgpack_rpc_call_has_ended (call))
    _msgpack_rpc_link_open (self->link);
  look_again (self);
  return call;
}

/**
 * msgpack_rpc_channel_open_async:
 * @self: a channel
 * @cancellable: (nullable): ends the waiting, not the connecting
 * @callback: (scope async): called when the channel is connected, or connecting has failed
 * @user_data: data for @callback
 *
 * Connects a channel of [ctor@Channel.new_for_address], once.
 *
 * One that is connecting or connected already is waited for. Messages may be sent before. If it fails,
 * [signal@Channel::closed] hands them back. Call [method@Channel.open_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_channel_open_async (MsgpackRpcChannel   *self,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CHANNEL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_opening (self, -1, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_channel_open_finish:
 * @self: a channel
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Channel.open_async].
 *
 * Returns: `TRUE` when the channel is connected; `FALSE` with @error set:
 *   [error@Error.INVALID_ADDRESS], [error@Error.NOT_CONNECTED] if it has neither a stream nor an address,
 *   `G_IO_ERROR_CANCELLED`, `G_IO_ERROR_CLOSED` if it was closed, or what connecting or resolving can
 *   fail with
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_open_finish (MsgpackRpcChannel  *self,
                                 GAsyncResult       *result,
                                 GError            **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_OPEN, error);
}

/**
 * msgpack_rpc_channel_open_sync:
 * @self: a channel
 * @cancellable: (nullable): ends the waiting, not the connecting
 * @error: return location for an error
 *
 * Connects a channel of [ctor@Channel.new_for_address], and blocks until it is done.
 *
 * Works in any thread, whether any loop is running or not. Otherwise as [method@Channel.open_async].
 *
 * Returns: `TRUE` when the channel is connected; `FALSE` with @error set, as for
 *   [method@Channel.open_finish], or `G_IO_ERROR_TOO_MANY_OPEN_FILES`
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_open_sync (MsgpackRpcChannel  *self,
                               GCancellable       *cancellable,
                               GError            **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_channel_open_within (self, -1, cancellable, error);
}

gboolean
_msgpack_rpc_channel_open_within (MsgpackRpcChannel  *self,
                                  int                 timeout,
                                  GCancellable       *cancellable,
                                  GError            **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  if (!_msgpack_rpc_call_check_sync (cancellable, error))
    return FALSE;

  call = start_opening (self, timeout, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}

/* ---- closing ---- */

static void
close_channel (MsgpackRpcChannel   *self,
               MsgpackRpcCloseMode  mode)
{
  guint64 position;

  g_atomic_int_set (&self->is_closed, TRUE);
  if (mode == MSGPACK_RPC_CLOSE_MODE_NOW)
    {
      g_atomic_int_set (&self->is_cut_off, TRUE);
      _msgpack_rpc_link_close (self->link, mode, NULL);
    }
  else
    {
      g_mutex_lock (&self->lock);
      position = _msgpack_rpc_link_begin_closing (self->link, mode);
      if (mode == MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE && position != G_MAXUINT64)
        _msgpack_rpc_channel_cut_output (self, position);
      g_mutex_unlock (&self->lock);
      _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL);
    }

  _msgpack_rpc_channel_resume_coders (self);
}

static MsgpackRpcCall *
start_closing (MsgpackRpcChannel   *self,
               MsgpackRpcCloseMode  mode,
               GCancellable        *cancellable,
               GAsyncReadyCallback  callback,
               gpointer             user_data)
{
  MsgpackRpcCall *call = start_operation (self, MSGPACK_RPC_CALL_KIND_CLOSE, -1, cancellable,
                                          callback, user_data);

  close_channel (self, mode);
  look_again (self);
  return call;
}

/**
 * msgpack_rpc_channel_close_async:
 * @self: a channel
 * @mode: what to do with messages that are still queued
 * @cancellable: (nullable): ends the waiting; the channel closes all the same
 * @callback: (scope async): called when the channel has ended
 * @user_data: data for @callback
 *
 * Closes the channel, or stops connecting.
 *
 * From here on no message is taken. Whatever the mode, the channel has ended after
 * [property@Limits:close-timeout], also if an encoder that must finish waits for something.
 * [signal@Channel::closed] hands back what was not sent. Closing again is allowed, and may hurry it
 * along. Call [method@Channel.close_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_channel_close_async (MsgpackRpcChannel   *self,
                                 MsgpackRpcCloseMode  mode,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  g_return_if_fail (MSGPACK_RPC_IS_CHANNEL (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  g_object_unref (start_closing (self, mode, cancellable, callback, user_data));
}

/**
 * msgpack_rpc_channel_close_finish:
 * @self: a channel
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets the outcome of [method@Channel.close_async].
 *
 * Returns: `TRUE` when the channel has ended; `FALSE` with @error set to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_close_finish (MsgpackRpcChannel  *self,
                                  GAsyncResult       *result,
                                  GError            **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (G_IS_ASYNC_RESULT (result), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  return _msgpack_rpc_call_finish_boolean (self, result, MSGPACK_RPC_CALL_KIND_CLOSE, error);
}

/**
 * msgpack_rpc_channel_close_sync:
 * @self: a channel
 * @mode: what to do with messages that are still queued
 * @cancellable: (nullable): ends the waiting; the channel closes all the same
 * @error: return location for an error
 *
 * Closes the channel and blocks until it has ended.
 *
 * In the thread that owns the channel's main context this encodes what is queued, and delivers what
 * comes, but reads and writes no streams for coders: use [method@Channel.close_async] for that.
 * Otherwise as that. [signal@Channel::closed] comes later, in the channel's context.
 *
 * Returns: `TRUE` when the channel has ended; `FALSE` with @error set to `G_IO_ERROR_CANCELLED`
 * Since: 1.0
 */
gboolean
msgpack_rpc_channel_close_sync (MsgpackRpcChannel    *self,
                                MsgpackRpcCloseMode   mode,
                                GCancellable         *cancellable,
                                GError              **error)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CHANNEL (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  call = start_closing (self, mode, NULL, NULL, NULL);
  return _msgpack_rpc_call_run_boolean (call, cancellable, error);
}

/* ---- the end ---- */

void
_msgpack_rpc_channel_ending_free (MsgpackRpcChannelEnding *ending)
{
  g_clear_error (&ending->error);
  g_clear_pointer (&ending->incomplete, g_variant_unref);
  g_clear_pointer (&ending->unsent, g_variant_unref);
  g_free (ending);
}

/* A decoder that waits does not keep an end from being told that was asked for here. */
static gboolean
may_tell_end (MsgpackRpcChannel *self)
{
  if (g_atomic_int_get (&self->is_cut_off))
    return TRUE;
  if (g_atomic_int_get (&self->input.undelivered) > 0 ||
      g_atomic_int_get (&self->input.is_posted) || self->input.is_running)
    return FALSE;

  return _msgpack_rpc_channel_is_drained (self) || g_atomic_int_get (&self->is_closed);
}

void
_msgpack_rpc_channel_tell_end (MsgpackRpcChannel *self)
{
  MsgpackRpcChannelEnding *ending = self->ending;

  if (ending == NULL || self->has_told_end || !may_tell_end (self))
    return;

  self->has_told_end = TRUE;
  _msgpack_rpc_channel_stop_encoding (self);
  _msgpack_rpc_channel_stop_decoding (self);
  _msgpack_rpc_channel_fail_receivers (self);
  g_signal_emit (self, _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_SIGNAL_CLOSED], 0,
                 ending->error != NULL ? ending->error : self->failure, ending->incomplete,
                 ending->unsent);
}

static void
deliver_ending (gpointer owner,
                gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcChannel *self = owner;

  g_mutex_lock (&self->lock);
  self->ending = g_steal_pointer (&self->untold);
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_channel_tell_end (self);
}

static GVariant *
make_unsent (GPtrArray *messages)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < messages->len; i++)
    g_variant_builder_add (&builder, "v", g_ptr_array_index (messages, i));
  g_ptr_array_set_size (messages, 0);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
link_ended (gpointer      owner,
            const GError *error,
            gboolean      opened G_GNUC_UNUSED,
            GVariant     *incomplete G_GNUC_UNUSED,
            GVariant     *unsent G_GNUC_UNUSED)
{
  MsgpackRpcChannel *self = owner;
  MsgpackRpcChannelEnding *ending = g_new0 (MsgpackRpcChannelEnding, 1);
  g_autoptr(GError) reason = make_open_error (error);

  ending->error = error != NULL ? g_error_copy (error) : NULL;
  g_mutex_lock (&self->lock);
  ending->incomplete = _msgpack_rpc_channel_drop_output (self);
  ending->unsent = make_unsent (self->unsent);
  self->untold = ending;
  g_mutex_unlock (&self->lock);

  end_operations (self, TRUE, reason);
  _msgpack_rpc_channel_post (self, deliver_ending, NULL, NULL);
}

/* ---- what else the link tells ---- */

static gboolean
link_is_busy (gpointer owner)
{
  MsgpackRpcChannel *self = owner;

  return g_atomic_int_get (&self->input.undelivered) > 0 ||
         g_atomic_int_get (&self->input.is_decoding);
}

static gboolean
link_has_output (gpointer owner)
{
  MsgpackRpcChannel *self = owner;

  return g_atomic_int_get (&self->output.n_unencoded) > 0;
}

static gboolean
link_is_at_rest (gpointer owner)
{
  return !link_is_busy (owner) && !link_has_output (owner);
}

static gboolean
link_wants_input (gpointer owner G_GNUC_UNUSED)
{
  return TRUE;
}

static void
deliver_status (gpointer owner,
                gpointer data G_GNUC_UNUSED)
{
  g_object_notify (G_OBJECT (owner), "status");
}

static void
link_status (gpointer                    owner,
             MsgpackRpcConnectionStatus  old_status,
             MsgpackRpcConnectionStatus  new_status,
             const GError               *error G_GNUC_UNUSED)
{
  /* A channel on a given stream is born connected. */
  if (old_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED &&
      new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    return;

  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    g_atomic_int_set (&((MsgpackRpcChannel *) owner)->has_connected, TRUE);
  _msgpack_rpc_channel_post (owner, deliver_status, NULL, NULL);
  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    _msgpack_rpc_channel_post_output (owner);
}

static void
link_written (gpointer owner)
{
  _msgpack_rpc_channel_post_output (owner);
}

static void
link_congestion (gpointer owner G_GNUC_UNUSED)
{
}

const MsgpackRpcLinkOwnerFuncs _msgpack_rpc_channel_link_funcs = {
  .bytes = _msgpack_rpc_channel_take_bytes,
  .written = link_written,
  .has_output = link_has_output,
  .open = link_open,
  .input_ended = _msgpack_rpc_channel_take_end,
  .is_busy = link_is_busy,
  .is_at_rest = link_is_at_rest,
  .wants_input = link_wants_input,
  .status = link_status,
  .congestion = link_congestion,
  .ended = link_ended,
};
