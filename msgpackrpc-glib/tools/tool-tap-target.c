/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-target.h"

#include "msgpack-rpc-address-private.h"
#include "tool-address.h"

struct _ToolTapTarget
{
  GStrv argv;                      /* owned; of the program, or NULL */
  GSocketConnectable *connectable; /* owned; NULL for a program */
  GSocketClient *socket_client;    /* owned */
  GTlsDatabase *database;          /* owned; NULL for the system's */
  GTlsCertificate *certificate;    /* owned, nullable; to be shown */
};

static void
socket_event_cb (GSocketClient      *socket_client G_GNUC_UNUSED,
                 GSocketClientEvent  event,
                 GSocketConnectable *connectable G_GNUC_UNUSED,
                 GIOStream          *stream,
                 gpointer            user_data)
{
  ToolTapTarget *self = user_data;

  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;

  if (self->database != NULL)
    g_tls_connection_set_database (G_TLS_CONNECTION (stream), self->database);
  if (self->certificate != NULL)
    g_tls_connection_set_certificate (G_TLS_CONNECTION (stream), self->certificate);
}

static gboolean
parse (ToolTapTarget  *self,
       const char     *address,
       GError        **error)
{
  g_autofree char *resolved = tool_address_resolve (address);
  gboolean tls;

  if (tool_address_is_program (address))
    {
      self->argv = tool_address_split_program (address, error);
      return self->argv != NULL;
    }

  self->connectable = _msgpack_rpc_address_parse (resolved, &tls, error);
  if (self->connectable == NULL)
    return FALSE;

  self->socket_client = g_socket_client_new ();
  g_socket_client_set_tls (self->socket_client, tls);
  g_signal_connect (self->socket_client, "event", G_CALLBACK (socket_event_cb), self);
  return TRUE;
}

ToolTapTarget *
tool_tap_target_new (const char  *address,
                     const char  *tls_ca,
                     const char  *tls_certificate,
                     GError     **error)
{
  g_autoptr(ToolTapTarget) self = g_new0 (ToolTapTarget, 1);

  if (!parse (self, address, error) ||
      !tool_address_load_tls (address, tls_ca, tls_certificate, &self->database, &self->certificate,
                              error))
    return NULL;

  return g_steal_pointer (&self);
}

void
tool_tap_target_free (ToolTapTarget *self)
{
  if (self->socket_client != NULL)
    g_signal_handlers_disconnect_by_data (self->socket_client, self);
  g_clear_object (&self->socket_client);
  g_clear_object (&self->connectable);
  g_clear_object (&self->database);
  g_clear_object (&self->certificate);
  g_clear_pointer (&self->argv, g_strfreev);
  g_free (self);
}

static void
connected_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  g_autoptr(GSocketConnection) connection = NULL;
  GError *error = NULL;

  connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);
  if (connection != NULL)
    g_task_return_pointer (task, tool_tap_end_new (G_IO_STREAM (connection)),
                           (GDestroyNotify) tool_tap_end_free);
  else
    g_task_return_error (task, error);
}

static void
start_program (ToolTapTarget *self,
               GTask         *task)
{
  g_autoptr(GSubprocess) program = NULL;
  GError *error = NULL;

  program = g_subprocess_newv ((const char * const *) self->argv,
                               G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                               &error);
  if (program != NULL)
    g_task_return_pointer (task, tool_tap_end_new_program (program),
                           (GDestroyNotify) tool_tap_end_free);
  else
    g_task_return_error (task, error);
}

void
tool_tap_target_open_async (ToolTapTarget       *self,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, callback, user_data);

  if (self->argv != NULL)
    start_program (self, task);
  else
    g_socket_client_connect_async (self->socket_client, self->connectable, cancellable, connected_cb,
                                   g_steal_pointer (&task));
}

ToolTapEnd *
tool_tap_target_open_finish (GAsyncResult  *result,
                             GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
