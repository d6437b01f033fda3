/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>
#include <unistd.h>

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include "test-util.h"

/* A server in the thread-default context, what it tells, and raw peers that come to it. */
typedef struct
{
  MsgpackRpcServer *server;
  MsgpackRpcDispatcher *dispatcher;
  GListModel *connections;
  GString *events;       /* what was emitted */
  guint n_connected;
  GThread *emitted_in;   /* the thread that did it last */
  char *folder;
} Fixture;

/* ---- peers ---- */

static inline GSocketConnectable *
connectable_new (const char *address)
{
  g_autoptr(GError) error = NULL;
  GSocketConnectable *connectable;

  if (g_str_has_prefix (address, "unix://"))
    return (GSocketConnectable *) g_unix_socket_address_new (address + strlen ("unix://"));
  if (g_str_has_prefix (address, "unix-abstract:"))
    return (GSocketConnectable *) g_unix_socket_address_new_with_type (
        address + strlen ("unix-abstract:"), -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT);

  g_assert_true (g_str_has_prefix (address, "tcp://"));
  connectable = g_network_address_parse (address + strlen ("tcp://"), 0, &error);
  g_assert_no_error (error);
  return connectable;
}

/* The system connects, whether the server accepts or not. */
static inline gboolean
raw_peer_connect (RawPeer     *self,
                  const char  *address,
                  GError     **error)
{
  g_autoptr(GSocketClient) client = g_socket_client_new ();
  g_autoptr(GSocketConnectable) connectable = connectable_new (address);
  g_autoptr(GSocketConnection) connection = NULL;

  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect (client, connectable, NULL, error);
  if (connection == NULL)
    return FALSE;

  raw_peer_take (self, dup (g_socket_get_fd (g_socket_connection_get_socket (connection))));
  return TRUE;
}

static inline void
raw_peer_init_connected (RawPeer    *self,
                         const char *address)
{
  g_autoptr(GError) error = NULL;

  raw_peer_connect (self, address, &error);
  g_assert_no_error (error);
}

static inline void
assert_refused (const char *address)
{
  g_autoptr(GError) error = NULL;
  RawPeer peer;

  g_assert_false (raw_peer_connect (&peer, address, &error));
  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
}

static inline void
assert_add (RawPeer *peer)
{
  g_autoptr(GVariant) reply = NULL;

  raw_peer_send_value (peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  reply = raw_peer_receive (peer);
  test_assert_value (reply, "(1, 7, @mv nothing, 3)");
}

static inline void
assert_turned_away (RawPeer    *peer,
                    const char *expected)
{
  g_autoptr(GVariant) reply = raw_peer_receive (peer);

  test_assert_value (reply, expected);
  raw_peer_wait_closed (peer);
}

/* ---- the server ---- */

static inline void
client_connected_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                     MsgpackRpcConnection *connection G_GNUC_UNUSED,
                     gpointer              user_data)
{
  Fixture *f = user_data;

  f->emitted_in = g_thread_self ();
  f->n_connected++;
  g_string_append_c (f->events, '+');
}

static inline void
client_disconnected_cb (MsgpackRpcServer     *server G_GNUC_UNUSED,
                        MsgpackRpcConnection *connection G_GNUC_UNUSED,
                        const GError         *error,
                        gpointer              user_data)
{
  Fixture *f = user_data;

  f->emitted_in = g_thread_self ();
  g_string_append_c (f->events, error != NULL ? '!' : '-');
}

static inline void
items_changed_cb (GListModel *model G_GNUC_UNUSED,
                  guint       position,
                  guint       removed,
                  guint       added,
                  gpointer    user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->events, "(%u-%u+%u)", position, removed, added);
}

static inline void
server_setup (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;

  f->folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", &error);
  g_assert_no_error (error);
  f->events = g_string_new (NULL);
  f->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (f->dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);

  f->server = msgpack_rpc_server_new ();
  msgpack_rpc_server_set_dispatcher (f->server, f->dispatcher);
  f->connections = g_object_ref (msgpack_rpc_server_get_connections (f->server));
  g_signal_connect (f->server, "client-connected", G_CALLBACK (client_connected_cb), f);
  g_signal_connect (f->server, "client-disconnected", G_CALLBACK (client_disconnected_cb), f);
  g_signal_connect (f->connections, "items-changed", G_CALLBACK (items_changed_cb), f);
}

static inline void
server_teardown (Fixture       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  if (f->server != NULL)
    g_assert_finalize_object (f->server);
  g_assert_cmpuint (g_list_model_get_n_items (f->connections), ==, 0);
  g_object_unref (f->connections);
  test_drain ();
  /* A thread that has answered lets go of it a moment later. */
  test_wait_finalized (f->dispatcher);
  g_string_free (f->events, TRUE);
  /* Nothing was left behind in it. */
  g_assert_cmpint (g_rmdir (f->folder), ==, 0);
  g_free (f->folder);
}

/* The address, if there is one. */
static inline char *
listen_on (MsgpackRpcServer *server,
           const char       *address)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;

  addresses = msgpack_rpc_server_listen_sync (server, address, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (addresses), ==, 1);
  return g_strdup (addresses[0]);
}

static inline char *
path_address (Fixture    *f,
              const char *name)
{
  return g_strdup_printf ("unix://%s/%s", f->folder, name);
}

static inline guint
count_connections (Fixture *f)
{
  return g_list_model_get_n_items (f->connections);
}

/* A peer that was let in. */
static inline void
enter (Fixture    *f,
       RawPeer    *peer,
       const char *address)
{
  guint n = f->n_connected;

  raw_peer_init_connected (peer, address);
  WAIT_UNTIL (f->n_connected == n + 1);
}
