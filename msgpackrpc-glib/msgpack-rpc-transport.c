/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-transport-private.h"

/* How long a stream may take to close in good order, which may mean to write, in milliseconds. */
#define CLOSE_TIMEOUT 1000

typedef struct
{
  GSource *timeout;           /* owned */
  GCancellable *cancellable;  /* owned */
  GDestroyNotify done;
  gpointer data;
} Closing;

static void
close_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  Closing *closing = user_data;

  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
  g_source_destroy (closing->timeout);
  g_source_unref (closing->timeout);
  g_object_unref (closing->cancellable);
  closing->done (closing->data);
  g_free (closing);
}

static gboolean
close_timed_out (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

void
_msgpack_rpc_transport_close_stream (GIOStream      *stream,
                                     GMainContext   *context,
                                     GDestroyNotify  done,
                                     gpointer        data)
{
  Closing *closing = g_new (Closing, 1);

  closing->done = done;
  closing->data = data;
  closing->cancellable = g_cancellable_new ();
  closing->timeout = g_timeout_source_new (CLOSE_TIMEOUT);
  g_source_set_static_name (closing->timeout, "[msgpackrpc-glib] close timeout");
  g_source_set_callback (closing->timeout, close_timed_out, g_object_ref (closing->cancellable),
                         g_object_unref);
  g_source_attach (closing->timeout, context);

  g_main_context_push_thread_default (context);
  g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, closing->cancellable, close_cb, closing);
  g_main_context_pop_thread_default (context);
}

gssize
_msgpack_rpc_transport_would_block (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The stream is not ready");
  return -1;
}
