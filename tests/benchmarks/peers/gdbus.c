/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* GDBus, from peer to peer. */

#include "peer-glib.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define OBJECT_PATH "/org/example/Bench"
#define INTERFACE "org.example.Bench"

static const char introspection_xml[] =
  "<node><interface name='" INTERFACE "'>"
  "<method name='add'>"
  "<arg direction='in' type='x'/><arg direction='in' type='x'/><arg direction='out' type='x'/>"
  "</method>"
  "<method name='echo_bytes'>"
  "<arg direction='in' type='ay'/><arg direction='out' type='ay'/>"
  "</method>"
  "<method name='echo_document'>"
  "<arg direction='in' type='aa{sv}'/><arg direction='out' type='aa{sv}'/>"
  "</method>"
  "</interface></node>";

static GDBusNodeInfo *node_info;
static GDBusConnection *client;

static void
set_no_delay (GDBusConnection *connection)
{
  GIOStream *stream = g_dbus_connection_get_stream (connection);
  GSocket *socket = g_socket_connection_get_socket (G_SOCKET_CONNECTION (stream));

  /* GDBus does not do it, but lets others. */
  if (g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX)
    g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
}

static gboolean
allow_anonymous_cb (GDBusAuthObserver *observer,
                    const char        *mechanism,
                    gpointer           data)
{
  return strcmp (mechanism, "ANONYMOUS") == 0;
}

static GDBusAuthObserver *
observer_new (void)
{
  GDBusAuthObserver *observer = g_dbus_auth_observer_new ();

  g_signal_connect (observer, "allow-mechanism", G_CALLBACK (allow_anonymous_cb), NULL);
  return observer;
}

static void
method_call (GDBusConnection       *connection,
             const char            *sender,
             const char            *path,
             const char            *interface,
             const char            *method,
             GVariant              *params,
             GDBusMethodInvocation *invocation,
             gpointer               data)
{
  if (strcmp (method, "add") == 0)
    {
      gint64 a, b;

      g_variant_get (params, "(xx)", &a, &b);
      g_dbus_method_invocation_return_value (invocation, g_variant_new ("(x)", a + b));
    }
  else
    g_dbus_method_invocation_return_value (invocation, params);
}

static gboolean
new_connection_cb (GDBusServer     *server,
                   GDBusConnection *connection,
                   gpointer         data)
{
  static const GDBusInterfaceVTable vtable = { method_call };

  set_no_delay (connection);
  g_dbus_connection_register_object (connection, OBJECT_PATH, node_info->interfaces[0], &vtable,
                                     NULL, NULL, NULL);
  g_object_ref (connection);
  return TRUE;
}

/* GDBus has addresses of its own. */
static char *
to_dbus_address (const char *address)
{
  if (g_str_has_prefix (address, "unix://"))
    return g_strdup_printf ("unix:path=%s", address + strlen ("unix://"));
  return g_strdup_printf ("tcp:host=127.0.0.1,port=%s", strrchr (address, ':') + 1);
}

static void
tell_address (GDBusServer *server,
              const char  *address)
{
  const char *port = strstr (g_dbus_server_get_client_address (server), "port=");
  g_autofree char *bound = NULL;

  if (port != NULL)
    bound = g_strdup_printf ("tcp://127.0.0.1:%d", atoi (port + strlen ("port=")));
  bench_listening (bound != NULL ? bound : address);
}

void
peer_serve (const char *address)
{
  g_autofree char *dbus_address = to_dbus_address (address);
  g_autofree char *guid = g_dbus_generate_guid ();
  g_autoptr(GDBusAuthObserver) observer = observer_new ();
  g_autoptr(GDBusServer) server = NULL;
  g_autoptr(GError) error = NULL;

  node_info = g_dbus_node_info_new_for_xml (introspection_xml, NULL);
  server = g_dbus_server_new_sync (dbus_address,
                                   G_DBUS_SERVER_FLAGS_AUTHENTICATION_ALLOW_ANONYMOUS,
                                   guid, observer, NULL, &error);
  if (server == NULL)
    bench_die ("%s", error->message);

  g_signal_connect (server, "new-connection", G_CALLBACK (new_connection_cb), NULL);
  g_dbus_server_start (server);
  tell_address (server, address);
  peer_run ();
}

void
glib_call (const char          *method,
           GVariant            *params,
           GAsyncReadyCallback  callback)
{
  g_dbus_connection_call (client, NULL, OBJECT_PATH, INTERFACE, method, params, NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, callback, NULL);
}

GVariant *
glib_call_finish (GAsyncResult  *result,
                  GError       **error)
{
  return g_dbus_connection_call_finish (client, result, error);
}

GVariant *
glib_add_params (gint64 a,
                 gint64 b)
{
  return g_variant_new ("(xx)", a, b);
}

gint64
glib_get_sum (GVariant *reply)
{
  gint64 sum;

  g_variant_get (reply, "(x)", &sum);
  return sum;
}

void
peer_open (const char *address)
{
  g_autofree char *dbus_address = to_dbus_address (address);
  g_autoptr(GDBusAuthObserver) observer = observer_new ();
  g_autoptr(GError) error = NULL;

  client = g_dbus_connection_new_for_address_sync (
    dbus_address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT, observer, NULL, &error);
  if (client == NULL)
    bench_die ("%s", error->message);
  set_no_delay (client);
}
