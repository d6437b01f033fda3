/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-target-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-error.h"

/* What an attempt needs beside its task: the target may be gone when it ends. */
typedef struct
{
  char *name;              /* for messages */
  GSubprocess *subprocess; /* owned, nullable */
} Attempt;

static void
attempt_free (gpointer data)
{
  Attempt *attempt = data;

  g_free (attempt->name);
  g_clear_object (&attempt->subprocess);
  g_free (attempt);
}

/* Its first handler, which no other can come before. */
static void
socket_event_cb (GSocketClient      *socket_client,
                 GSocketClientEvent  event G_GNUC_UNUSED,
                 GSocketConnectable *connectable G_GNUC_UNUSED,
                 GIOStream          *stream G_GNUC_UNUSED,
                 gpointer            user_data)
{
  int *is_silent = user_data;

  if (g_atomic_int_get (is_silent))
    g_signal_stop_emission_by_name (socket_client, "event");
}

static void
free_data (gpointer  data,
           GClosure *closure G_GNUC_UNUSED)
{
  g_free (data);
}

void
_msgpack_rpc_target_init (MsgpackRpcTarget *self)
{
  self->socket_client = g_socket_client_new ();
  self->is_silent = g_new0 (int, 1);
  g_signal_connect_data (self->socket_client, "event", G_CALLBACK (socket_event_cb),
                         self->is_silent, free_data, 0);
}

void
_msgpack_rpc_target_silence (MsgpackRpcTarget *self)
{
  g_atomic_int_set (self->is_silent, TRUE);
}

void
_msgpack_rpc_target_clear (MsgpackRpcTarget *self)
{
  g_free (self->address);
  g_clear_object (&self->connectable);
  g_clear_object (&self->io_stream);
  g_strfreev (self->argv);
  g_clear_object (&self->socket_client);
}

static char *
describe (MsgpackRpcTarget *self)
{
  if (self->address != NULL)
    return g_strdup (self->address);
  if (self->connectable != NULL)
    return g_socket_connectable_to_string (self->connectable);
  return self->argv != NULL ? g_strdup (self->argv[0]) : NULL;
}

static void
return_error (GTask  *task,
              GError *error)
{
  Attempt *attempt = g_task_get_task_data (task);

  g_prefix_error (&error, _("Could not connect to “%s”: "), attempt->name);
  g_task_return_error (task, error);
}

static void
connected_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  GError *error = NULL;
  GSocketConnection *stream;

  stream = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (stream != NULL)
    g_task_return_pointer (task, stream, g_object_unref);
  else
    return_error (task, error);
}

static void
connect_to (MsgpackRpcTarget   *self,
            GSocketConnectable *connectable,
            GTask              *task)
{
  g_socket_client_connect_async (self->socket_client, connectable, g_task_get_cancellable (task),
                                 connected_cb, g_object_ref (task));
}

static void
connect_to_address (MsgpackRpcTarget *self,
                    GTask            *task)
{
  g_autoptr(GSocketConnectable) connectable = NULL;
  GError *error = NULL;
  gboolean tls = FALSE;

  connectable = _msgpack_rpc_address_parse (self->address, &tls, &error);
  if (connectable == NULL)
    {
      g_task_return_error (task, error);
      return;
    }

  if (tls)
    g_socket_client_set_tls (self->socket_client, TRUE);
  connect_to (self, connectable, task);
}

static void
spawn (MsgpackRpcTarget *self,
       GTask            *task)
{
  Attempt *attempt = g_task_get_task_data (task);
  GError *error = NULL;

  attempt->subprocess = g_subprocess_newv ((const char * const *) self->argv,
                                           G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                           G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                                           &error);
  if (attempt->subprocess == NULL)
    {
      return_error (task, error);
      return;
    }

  g_task_return_pointer (task,
                         g_simple_io_stream_new (g_subprocess_get_stdout_pipe (attempt->subprocess),
                                                 g_subprocess_get_stdin_pipe (attempt->subprocess)),
                         g_object_unref);
}

/* A task reports what is known at once later too: calls that are made right after opening fare alike,
 * whatever opening fails of. */
void
_msgpack_rpc_target_open_async (MsgpackRpcTarget    *self,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (self->socket_client, cancellable, callback, user_data);
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->name = describe (self);
  g_task_set_source_tag (task, _msgpack_rpc_target_open_async);
  g_task_set_task_data (task, attempt, attempt_free);

  if (self->address != NULL)
    connect_to_address (self, task);
  else if (self->connectable != NULL)
    connect_to (self, self->connectable, task);
  else if (self->argv != NULL && self->argv[0] != NULL)
    spawn (self, task);
  else if (self->io_stream != NULL)
    g_task_return_pointer (task, g_object_ref (self->io_stream), g_object_unref);
  else
    g_task_return_new_error (task, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS, "%s",
                             _("The client was given nothing to connect to"));
}

GIOStream *
_msgpack_rpc_target_open_finish (GAsyncResult  *result,
                                 GSubprocess  **subprocess,
                                 GError       **error)
{
  Attempt *attempt = g_task_get_task_data (G_TASK (result));

  *subprocess = g_steal_pointer (&attempt->subprocess);
  return g_task_propagate_pointer (G_TASK (result), error);
}
