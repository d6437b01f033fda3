/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "test-util.h"

#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* So long that no test sees its end. */
#define HOUR (60 * 60 * 1000)

/* A client, and a UNIX socket at its address, which may be there or not. What it accepts is a raw
 * peer. */
typedef struct
{
  char *folder;
  char *path;
  char *address;
  int listener;          /* −1: nobody listens */
  RawPeer server;        /* the last that was accepted */
  MsgpackRpcClient *client;
  MsgpackRpcPeer *peer;  /* the client */
  MsgpackRpcReconnectPolicy *policy;
  GString *log;          /* of the status */
  GPtrArray *errors;     /* of GError, the reasons */
  MsgpackRpcConnectionStatus last_status;
  guint n_notified;      /* of the status */
  guint n_changes;       /* of the status */
  gboolean inside;       /* of a function that may call nothing */
} Fixture;

static inline void
start_listening (Fixture *f)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_unlink (f->path);
  g_strlcpy (address.sun_path, f->path, sizeof address.sun_path);
  f->listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint (f->listener, >=, 0);
  g_assert_cmpint (bind (f->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (f->listener, 16), ==, 0);
}

static inline void
stop_listening (Fixture *f)
{
  g_assert_cmpint (close (f->listener), ==, 0);
  f->listener = -1;
}

static inline void
clear_server (Fixture *f)
{
  if (f->server.unpacker != NULL)
    raw_peer_clear (&f->server);
  f->server = (RawPeer) { .fd = -1 };
}

static inline gboolean
try_accept (Fixture *f)
{
  int fd = accept (f->listener, NULL, NULL);

  if (fd < 0)
    return FALSE;
  clear_server (f);
  raw_peer_take (&f->server, fd);
  return TRUE;
}

static inline void
accept_client (Fixture *f)
{
  WAIT_UNTIL (try_accept (f));
}

static inline void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   GError                     *error,
                   gpointer                    data)
{
  Fixture *f = data;

  g_assert_false (f->inside);
  g_assert_true (client == f->client);
  g_assert_cmpint (old_status, ==, f->last_status);
  g_assert_cmpint (old_status, !=, new_status);
  f->last_status = new_status;
  f->n_changes++;
  test_log_status (f->log, new_status, error);
  if (error != NULL)
    g_ptr_array_add (f->errors, g_error_copy (error));
}

static inline void
status_notified_cb (Fixture *f)
{
  g_assert_false (f->inside);
  f->n_notified++;
}

static inline void
set_client (Fixture          *f,
            MsgpackRpcClient *client)
{
  g_clear_object (&f->client);
  f->client = client;
  f->peer = MSGPACK_RPC_PEER (client);
  f->last_status = MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED;
  g_string_truncate (f->log, 0);
  g_ptr_array_set_size (f->errors, 0);
  f->n_changes = 0;
  f->n_notified = 0;
  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed_cb), f);
  g_signal_connect_swapped (client, "notify::status", G_CALLBACK (status_notified_cb), f);
}

static inline void
setup (Fixture       *f,
       gconstpointer  data G_GNUC_UNUSED)
{
  f->folder = g_dir_make_tmp ("msgpackrpc-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "socket", NULL);
  f->address = g_strconcat ("unix://", f->path, NULL);
  f->listener = -1;
  f->server.fd = -1;
  f->log = g_string_new (NULL);
  f->errors = g_ptr_array_new_with_free_func ((GDestroyNotify) g_error_free);
  f->policy = msgpack_rpc_reconnect_policy_new ();
  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, 1);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, 5);
  set_client (f, msgpack_rpc_client_new (f->address));
  msgpack_rpc_client_set_reconnect_policy (f->client, f->policy);
}

static inline void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  if (f->client != NULL)
    {
      msgpack_rpc_client_close_async (f->client, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      test_drain ();
      /* Each change was told once, in both ways. */
      g_assert_cmpuint (f->n_notified, ==, f->n_changes);
      g_assert_finalize_object (f->client);
    }
  g_assert_finalize_object (f->policy);
  clear_server (f);
  if (f->listener >= 0)
    stop_listening (f);
  g_unlink (f->path);
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_string_free (f->log, TRUE);
  g_ptr_array_unref (f->errors);
  g_free (f->folder);
  g_free (f->path);
  g_free (f->address);
}

static inline void
open_client (Fixture *f)
{
  start_listening (f);
  msgpack_rpc_client_open_async (f->client, NULL, NULL, NULL);
  accept_client (f);
  WAIT_UNTIL (f->last_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED);
}

static inline guint
count (Fixture    *f,
       const char *word)
{
  g_auto(GStrv) words = g_strsplit (f->log->str, " ", -1);
  guint n = 0;

  for (guint i = 0; words[i] != NULL; i++)
    n += g_str_equal (words[i], word) ? 1 : 0;
  return n;
}

static inline MsgpackRpcCall *
start_call (Fixture    *f,
            const char *method,
            gboolean    idempotent,
            gboolean    wait_for_ready)
{
  MsgpackRpcCall *call = msgpack_rpc_call_new (method, NULL);

  msgpack_rpc_call_set_idempotent (call, idempotent);
  msgpack_rpc_call_set_wait_for_ready (call, wait_for_ready);
  msgpack_rpc_peer_send_call (f->peer, call);
  return call;
}

static inline gboolean
has_ended (MsgpackRpcCall *call)
{
  return msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED ||
         msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED;
}

static inline void
assert_failed (MsgpackRpcCall     *call,
               GQuark              domain,
               int                 code,
               MsgpackRpcDelivery  delivery)
{
  WAIT_UNTIL (has_ended (call));
  g_assert_error (msgpack_rpc_call_get_error (call), domain, code);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, delivery);
}

/* Takes the next request, and its id. */
static inline gint64
expect_request (Fixture    *f,
                const char *method)
{
  g_autoptr(GVariant) message = raw_peer_receive (&f->server);
  g_autoptr(GVariant) type = g_variant_get_child_value (message, 0);
  g_autoptr(GVariant) id = g_variant_get_child_value (message, 1);
  g_autoptr(GVariant) name = g_variant_get_child_value (message, 2);
  g_autoptr(GVariant) inner_type = g_variant_get_variant (type);
  g_autoptr(GVariant) inner_id = g_variant_get_variant (id);
  g_autoptr(GVariant) inner_name = g_variant_get_variant (name);

  g_assert_cmpint (g_variant_get_int64 (inner_type), ==, 0);
  g_assert_cmpstr (g_variant_get_string (inner_name, NULL), ==, method);
  return g_variant_get_int64 (inner_id);
}

static inline void
answer (Fixture *f,
        gint64   id)
{
  g_autoptr(GVariant) nothing = g_variant_ref_sink (g_variant_new_maybe (G_VARIANT_TYPE_VARIANT,
                                                                         NULL));

  raw_peer_send_value (&f->server, g_variant_new ("(ixvs)", 1, id, nothing, "done"));
}

static inline void
expect_and_answer (Fixture        *f,
                   MsgpackRpcCall *call)
{
  answer (f, expect_request (f, msgpack_rpc_call_get_method (call)));
  WAIT_UNTIL (has_ended (call));
  g_assert_no_error (msgpack_rpc_call_get_error (call));
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_ANSWERED);
}

/* Disconnected, and far from the next attempt. */
static inline void
lose_for_long (Fixture *f)
{
  msgpack_rpc_reconnect_policy_set_initial_delay (f->policy, HOUR);
  msgpack_rpc_reconnect_policy_set_max_delay (f->policy, HOUR);
  open_client (f);
  raw_peer_close (&f->server);
  WAIT_UNTIL (g_str_has_suffix (f->log->str, "disconnected "));
}

/* How many descriptors this process has. */
static inline guint
count_fds (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}
