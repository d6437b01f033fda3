/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-target-private.h"

#include <glib/gi18n-lib.h>

#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-program-stream-private.h"
#include "msgpack-rpc-tls-private.h"
#include "msgpack-rpc-transport-private.h"

struct _MsgpackRpcTargetShared
{
  gatomicrefcount ref_count;
  int is_silent;                /* atomic */

  GMutex lock;                  /* guards all below */
  GTlsCertificate *certificate; /* owned, nullable */
  GTlsDatabase *database;       /* owned, nullable */
  GPtrArray *attempts;          /* of Attempt, not owned: those that connect */
};

/* What an attempt needs beside its task: the target may be gone when it ends. Used by the holder of
 * the I/O of the link that is being opened. */
typedef struct
{
  char *name;              /* for messages */
  GSubprocess *subprocess; /* owned, nullable */
  MsgpackRpcTargetShared *shared;  /* owned */
  GSocketConnectable *connectable; /* owned; NULL unless it connects */
  GMainContext *context;   /* owned; the link's */
  int handshake_timeout;   /* milliseconds */
  GIOStream *tls;          /* owned; what shakes hands, or has done so, or NULL */
  GSource *deadline;       /* owned; of shaking hands, or NULL */
  gboolean timed_out;
} Attempt;

static MsgpackRpcTargetShared *
shared_ref (MsgpackRpcTargetShared *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
shared_unref (MsgpackRpcTargetShared *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_object (&self->certificate);
  g_clear_object (&self->database);
  g_ptr_array_unref (self->attempts);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
clear_deadline (Attempt *attempt)
{
  if (attempt->deadline != NULL)
    g_source_destroy (attempt->deadline);
  g_clear_pointer (&attempt->deadline, g_source_unref);
}

/* It connects no more. */
static void
attempt_over (Attempt *attempt)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&attempt->shared->lock);

  clear_deadline (attempt);
  g_ptr_array_remove (attempt->shared->attempts, attempt);
}

static void
attempt_free (gpointer data)
{
  Attempt *attempt = data;

  attempt_over (attempt);
  g_free (attempt->name);
  g_clear_object (&attempt->subprocess);
  g_clear_object (&attempt->connectable);
  g_clear_object (&attempt->tls);
  g_main_context_unref (attempt->context);
  shared_unref (attempt->shared);
  g_free (attempt);
}

/* ---- shaking hands ---- */

static gboolean
handshake_deadline_cb (gpointer user_data)
{
  Attempt *attempt = user_data;

  attempt->timed_out = TRUE;
  _msgpack_rpc_transport_cut_off (attempt->tls);
  return G_SOURCE_REMOVE;
}

static void
expect_handshake (Attempt   *attempt,
                  GIOStream *stream)
{
  clear_deadline (attempt);
  attempt->timed_out = FALSE;
  g_set_object (&attempt->tls, stream);
  if (attempt->handshake_timeout == G_MAXINT)
    return;

  attempt->deadline = g_timeout_source_new ((guint) attempt->handshake_timeout);
  g_source_set_static_name (attempt->deadline, "[msgpackrpc-glib] TLS handshake");
  g_source_set_callback (attempt->deadline, handshake_deadline_cb, attempt, NULL);
  g_source_attach (attempt->deadline, attempt->context);
}

/* Of several that go on, the earlier ones are cancelled. */
static Attempt *
find_attempt (MsgpackRpcTargetShared *shared,
              GSocketConnectable     *connectable)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&shared->lock);

  for (guint i = shared->attempts->len; i > 0; i--)
    {
      Attempt *attempt = g_ptr_array_index (shared->attempts, i - 1);

      if (attempt->connectable == connectable)
        return attempt;
    }

  return NULL;
}

static void
prepare_tls (MsgpackRpcTargetShared *shared,
             GTlsConnection         *stream)
{
  g_autoptr(GTlsCertificate) certificate = NULL;
  g_autoptr(GTlsDatabase) database = NULL;

  g_mutex_lock (&shared->lock);
  g_set_object (&certificate, shared->certificate);
  g_set_object (&database, shared->database);
  g_mutex_unlock (&shared->lock);

  if (certificate != NULL)
    g_tls_connection_set_certificate (stream, certificate);
  if (database != NULL)
    g_tls_connection_set_database (stream, database);
}

/* Its first handler, which no other can come before: the application's may do otherwise. */
static void
socket_event_cb (GSocketClient      *socket_client,
                 GSocketClientEvent  event,
                 GSocketConnectable *connectable,
                 GIOStream          *stream,
                 gpointer            user_data)
{
  MsgpackRpcTargetShared *shared = user_data;
  Attempt *attempt;

  if (g_atomic_int_get (&shared->is_silent))
    {
      g_signal_stop_emission_by_name (socket_client, "event");
      return;
    }

  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING && event != G_SOCKET_CLIENT_TLS_HANDSHAKED)
    return;

  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    prepare_tls (shared, G_TLS_CONNECTION (stream));
  attempt = find_attempt (shared, connectable);
  if (attempt != NULL && event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    expect_handshake (attempt, stream);
  else if (attempt != NULL)
    clear_deadline (attempt);
}

static void
release_shared (gpointer  data,
                GClosure *closure G_GNUC_UNUSED)
{
  shared_unref (data);
}

void
_msgpack_rpc_target_init (MsgpackRpcTarget *self)
{
  self->shared = g_new0 (MsgpackRpcTargetShared, 1);
  g_atomic_ref_count_init (&self->shared->ref_count);
  g_mutex_init (&self->shared->lock);
  self->shared->attempts = g_ptr_array_new ();

  self->forwards_stderr = TRUE;
  self->socket_client = g_socket_client_new ();
  g_signal_connect_data (self->socket_client, "event", G_CALLBACK (socket_event_cb),
                         shared_ref (self->shared), release_shared, 0);
}

void
_msgpack_rpc_target_silence (MsgpackRpcTarget *self)
{
  g_atomic_int_set (&self->shared->is_silent, TRUE);
}

static gpointer
ref_tls (MsgpackRpcTarget *self,
         gpointer         *where)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->shared->lock);

  return *where != NULL ? g_object_ref (*where) : NULL;
}

static gboolean
set_tls (MsgpackRpcTarget *self,
         gpointer         *where,
         gpointer          object)
{
  g_autoptr(GObject) old = NULL;
  gboolean changed;

  g_mutex_lock (&self->shared->lock);
  changed = *where != object;
  if (changed)
    {
      old = *where;
      *where = object != NULL ? g_object_ref (object) : NULL;
    }
  g_mutex_unlock (&self->shared->lock);

  return changed;
}

GTlsCertificate *
_msgpack_rpc_target_ref_tls_certificate (MsgpackRpcTarget *self)
{
  return ref_tls (self, (gpointer *) &self->shared->certificate);
}

gboolean
_msgpack_rpc_target_set_tls_certificate (MsgpackRpcTarget *self,
                                         GTlsCertificate  *certificate)
{
  return set_tls (self, (gpointer *) &self->shared->certificate, certificate);
}

GTlsDatabase *
_msgpack_rpc_target_ref_tls_database (MsgpackRpcTarget *self)
{
  return ref_tls (self, (gpointer *) &self->shared->database);
}

gboolean
_msgpack_rpc_target_set_tls_database (MsgpackRpcTarget *self,
                                      GTlsDatabase     *database)
{
  return set_tls (self, (gpointer *) &self->shared->database, database);
}

/* ---- opening ---- */

void
_msgpack_rpc_target_clear (MsgpackRpcTarget *self)
{
  g_free (self->address);
  g_clear_object (&self->connectable);
  g_clear_object (&self->io_stream);
  g_strfreev (self->argv);
  g_clear_object (&self->socket_client);
  shared_unref (self->shared);
}

char *
_msgpack_rpc_target_describe (MsgpackRpcTarget *self)
{
  if (self->address != NULL)
    return g_strdup (self->address);
  if (self->connectable != NULL)
    return g_socket_connectable_to_string (self->connectable);
  if (self->argv != NULL)
    return g_filename_display_name (self->argv[0]);
  return self->io_stream != NULL ? g_strdup (G_OBJECT_TYPE_NAME (self->io_stream)) : NULL;
}

static void
return_error (GTask  *task,
              GError *error)
{
  Attempt *attempt = g_task_get_task_data (task);

  if (attempt->timed_out)
    {
      g_clear_error (&error);
      error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                           _("The peer has not finished the TLS handshake within %u milliseconds"),
                           (guint) attempt->handshake_timeout);
    }
  else if (attempt->tls != NULL)
    {
      error = _msgpack_rpc_tls_explain (attempt->tls, error);
    }

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

  attempt_over (g_task_get_task_data (task));
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
  Attempt *attempt = g_task_get_task_data (task);

  attempt->connectable = g_object_ref (connectable);
  g_mutex_lock (&self->shared->lock);
  g_ptr_array_add (self->shared->attempts, attempt);
  g_mutex_unlock (&self->shared->lock);
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
start (MsgpackRpcTarget *self,
       GTask            *task)
{
  Attempt *attempt = g_task_get_task_data (task);
  MsgpackRpcProgram *program;
  GError *error = NULL;

  program = _msgpack_rpc_program_start ((const char * const *) self->argv,
                                        g_atomic_int_get (&self->forwards_stderr), self->home,
                                        &error);
  if (program == NULL)
    {
      g_prefix_error (&error, _("Could not start “%s”: "), attempt->name);
      g_task_return_error (task, error);
      return;
    }

  attempt->subprocess = g_object_ref (_msgpack_rpc_program_get_subprocess (program));
  g_task_return_pointer (task, _msgpack_rpc_program_stream_new (program), g_object_unref);
}

/* A task reports what is known at once later too: calls that are made right after opening fare alike,
 * whatever opening fails of. */
void
_msgpack_rpc_target_open_async (MsgpackRpcTarget    *self,
                                MsgpackRpcLimits    *limits,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (self->socket_client, cancellable, callback, user_data);
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->name = _msgpack_rpc_target_describe (self);
  attempt->shared = shared_ref (self->shared);
  attempt->context = g_main_context_ref_thread_default ();
  attempt->handshake_timeout = msgpack_rpc_limits_get_handshake_timeout (limits);
  g_task_set_source_tag (task, _msgpack_rpc_target_open_async);
  g_task_set_task_data (task, attempt, attempt_free);

  if (self->address != NULL)
    connect_to_address (self, task);
  else if (self->connectable != NULL)
    connect_to (self, self->connectable, task);
  else if (self->argv != NULL && self->argv[0] != NULL)
    start (self, task);
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
