/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <stdio.h>
#include <string.h>

#include <glib/gi18n.h>

#include "tool-colour.h"
#include "tool-json.h"

/* What goes on, on standard error: a line for each connection, call, answer and notification. */

/* Of a value or a name, in characters, and when a value is not even looked at, in bytes. */
#define MAX_SHOWN 1000
#define MAX_SIZE (64 * 1024)

G_GNUC_PRINTF (3, 4)
static void
print_line (guint64     id,
            ToolColour  colour,
            const char *format,
            ...)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%H:%M:%S");
  gboolean on = tool_colours_wanted (stderr);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  fprintf (stderr, "%s%s.%03d [%" G_GUINT64_FORMAT "]%s %s%s%s\n", tool_colour (TOOL_COLOUR_DIM, on),
           time, g_date_time_get_microsecond (now) / 1000, id, tool_colour (TOOL_COLOUR_RESET, on),
           tool_colour (colour, on), text, tool_colour (TOOL_COLOUR_RESET, on));
}

/* ---- calls ---- */

/* A value of whatever types a handler has made it, as it arrives. */
static GVariant *
normalize (GVariant *value)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_pack (value, NULL);

  return bytes != NULL ? msgpack_rpc_unpack (bytes, NULL) : NULL;
}

/* Takes the text. */
static char *
cut (char *text)
{
  g_autofree char *whole = text;
  g_autofree char *start = NULL;

  if (g_utf8_strlen (whole, -1) <= MAX_SHOWN)
    return g_steal_pointer (&whole);

  start = g_utf8_substring (whole, 0, MAX_SHOWN);
  return g_strconcat (start, "…", NULL);
}

static char *
show_value (GVariant *value)
{
  g_autoptr(GVariant) normal = NULL;

  if (g_variant_get_size (value) > MAX_SIZE)
    return g_strdup (_("(a large value)"));

  normal = normalize (value);
  if (normal == NULL)
    return g_strdup ("?");

  return cut (tool_json_write (normal));
}

static char *
show_id (MsgpackRpcInvocation *invocation)
{
  GVariant *msgid = msgpack_rpc_invocation_get_msgid (invocation);

  return msgid != NULL ? show_value (msgid) : NULL;
}

static void
answered (MsgpackRpcInvocation *invocation,
          GVariant             *result,
          GVariant             *error_value,
          gpointer              user_data)
{
  g_autofree char *id = show_id (invocation);
  g_autofree char *value = show_value (result != NULL ? result : error_value);

  /* An invocation that was cancelled has no connection any more. */
  print_line (GPOINTER_TO_SIZE (user_data),
              result != NULL ? TOOL_COLOUR_GREEN : TOOL_COLOUR_RED,
              result != NULL ? "%s ← %s" : _("%s ← error %s"), id, value);
}

static gboolean
asked (MsgpackRpcInvocation  *invocation,
       gpointer               user_data G_GNUC_UNUSED,
       GError               **error G_GNUC_UNUSED)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  guint64 connection_id = msgpack_rpc_connection_get_id (connection);
  g_autofree char *id = show_id (invocation);
  g_autofree char *method = cut (tool_escape_text (msgpack_rpc_invocation_get_method (invocation)));
  g_autofree char *params = show_value (msgpack_rpc_invocation_get_params (invocation));

  print_line (connection_id, TOOL_COLOUR_RESET, "%s%s→ %s %s", id != NULL ? id : "",
              id != NULL ? " " : "", method, params);
  if (id != NULL)
    msgpack_rpc_invocation_add_answer_filter (invocation, answered,
                                              GSIZE_TO_POINTER ((gsize) connection_id), NULL);
  return TRUE;
}

/* ---- connections ---- */

static char *
describe_peer (MsgpackRpcConnection *connection)
{
  GCredentials *credentials = msgpack_rpc_connection_get_credentials (connection);
  g_autoptr(GSocketAddress) address = msgpack_rpc_connection_get_remote_address (connection);

  if (credentials != NULL)
    /* Translators: two numbers */
    return g_strdup_printf (_("process %d of user %u"), g_credentials_get_unix_pid (credentials, NULL),
                            g_credentials_get_unix_user (credentials, NULL));
  if (G_IS_INET_SOCKET_ADDRESS (address))
    return g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));

  return g_strdup (TOOL_SERVE_STDIO);
}

static void
connected (MsgpackRpcServer     *server G_GNUC_UNUSED,
           MsgpackRpcConnection *connection,
           gpointer              user_data G_GNUC_UNUSED)
{
  g_autofree char *peer = describe_peer (connection);

  print_line (msgpack_rpc_connection_get_id (connection), TOOL_COLOUR_BOLD, _("connected: %s"), peer);
}

static void
disconnected (MsgpackRpcServer     *server G_GNUC_UNUSED,
              MsgpackRpcConnection *connection,
              const GError         *error,
              gpointer              user_data G_GNUC_UNUSED)
{
  g_autofree char *reason = error != NULL ? tool_escape_text (error->message) : NULL;

  if (reason == NULL)
    print_line (msgpack_rpc_connection_get_id (connection), TOOL_COLOUR_BOLD, "%s", _("disconnected"));
  else
    print_line (msgpack_rpc_connection_get_id (connection), TOOL_COLOUR_BOLD, _("disconnected: %s"),
                reason);
}

/* ---- those who are turned away ---- */

/* There is no connection for them; the library tells of them in its messages. */
static const char *
get_field (const GLogField *fields,
           gsize            n_fields,
           const char      *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, key) && fields[i].length < 0)
      return fields[i].value;

  return "";
}

static gboolean
is_of_turning_away (const GLogField *fields,
                    gsize            n_fields)
{
  return g_str_equal (get_field (fields, n_fields, "GLIB_DOMAIN"), "MsgpackRpc") &&
         strstr (get_field (fields, n_fields, "MESSAGE"), "urned away") != NULL;
}

/* Without --verbose, only of the first who may not come: it is for whoever wonders why. */
static GLogWriterOutput
write_message (GLogLevelFlags   level,
               const GLogField *fields,
               gsize            n_fields,
               gpointer         user_data)
{
  static int n_denied = 0;
  gboolean is_verbose = GPOINTER_TO_INT (user_data);
  g_autofree char *text = NULL;
  gboolean is_first;

  if (!is_of_turning_away (fields, n_fields))
    return g_log_writer_default (level, fields, n_fields, NULL);

  text = tool_escape_text (get_field (fields, n_fields, "MESSAGE"));
  is_first = strstr (text, "access denied") != NULL && g_atomic_int_add (&n_denied, 1) == 0;
  if (!is_first && !is_verbose)
    return G_LOG_WRITER_HANDLED;

  fprintf (stderr, "msgpackrpc: %s\n", text);
  if (is_first)
    fprintf (stderr, "%s\n",
             _("By default, only peers on this machine are let in, and on UNIX sockets only those of this "
               "user; --allow-remote, --token and --tls-ca let in others"));
  return G_LOG_WRITER_HANDLED;
}

/* Before anybody connects; once. */
void
tool_serve_log_start (MsgpackRpcServer *server,
                      gboolean          is_verbose)
{
  g_log_set_writer_func (write_message, GINT_TO_POINTER (is_verbose), NULL);
  if (!is_verbose)
    return;

  g_signal_connect (server, "client-connected", G_CALLBACK (connected), NULL);
  g_signal_connect (server, "client-disconnected", G_CALLBACK (disconnected), NULL);
  msgpack_rpc_dispatcher_add_filter (msgpack_rpc_server_get_dispatcher (server), asked, NULL, NULL);
}
