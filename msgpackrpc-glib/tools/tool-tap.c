/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include <glib-unix.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "msgpack-rpc-acceptor-private.h"
#include "msgpack-rpc-address-private.h"
#include "msgpack-rpc-listener-private.h"
#include "tool-address.h"
#include "tool-colour.h"
#include "tool-serve.h"
#include "tool-tap-link.h"
#include "tool-tap-log.h"
#include "tool-tap-output.h"
#include "tool-tap-record.h"
#include "tool.h"

/* How many clients the system lets wait. */
#define BACKLOG 1024

typedef struct
{
  ToolTapOptions log;
  gboolean allows_remote;
  char *output;          /* these are owned, and NULL if they were not given */
  char *record;
  char *tls_ca;
  char *tls_certificate;
} Options;

static void
options_clear (Options *self)
{
  tool_tap_options_clear (&self->log);
  g_clear_pointer (&self->output, g_free);
  g_clear_pointer (&self->record, g_free);
  g_clear_pointer (&self->tls_ca, g_free);
  g_clear_pointer (&self->tls_certificate, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

typedef struct
{
  const Options *options;
  ToolTapHead head;
  gint64 start;                  /* by the monotonic clock */
  ToolTapTarget *target;         /* owned, as all below */
  ToolTapOutput *output;
  ToolTapLog *log;
  ToolTapRecord *record;         /* NULL if nothing is recorded */
  GObject *owner;                /* of the acceptor */
  MsgpackRpcAcceptor *acceptor;  /* NULL at the standard input and output */
  GHashTable *links;             /* from ToolTapLink, which is not owned, to its number */
  gint64 n_connections;          /* there have been */
  GMainLoop *loop;
  guint signal_sources[3];       /* ids */
  int signal_number;             /* by which it ends, or 0 */
  gboolean has_passed;           /* something or other, from one end to the other */
  ToolExit status;
} Tap;

static void
tap_clear (Tap *self)
{
  g_clear_pointer (&self->acceptor, _msgpack_rpc_acceptor_free);
  g_clear_object (&self->owner);
  g_clear_pointer (&self->log, tool_tap_log_free);
  g_clear_pointer (&self->output, tool_tap_output_free);
  g_clear_pointer (&self->record, tool_tap_record_free);
  g_clear_pointer (&self->target, tool_tap_target_free);
  g_clear_pointer (&self->links, g_hash_table_unref);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  tool_tap_head_clear (&self->head);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Tap, tap_clear)

/* ---- connections ---- */

static void
report (Tap          *self,
        ToolTapEvent *event,
        gint64        number)
{
  event->time = g_get_monotonic_time () - self->start;
  event->connection = number;
  if (self->record != NULL)
    tool_tap_record_write (self->record, event);
  tool_tap_log_event (self->log, event);
}

static void
link_event_cb (ToolTapLink  *link,
               ToolTapEvent *event,
               gpointer      user_data)
{
  Tap *self = user_data;
  gint64 *number = g_hash_table_lookup (self->links, link);

  report (self, event, *number);
  if (event->kind != TOOL_TAP_CLOSED)
    {
      self->has_passed = TRUE;
      return;
    }

  g_hash_table_remove (self->links, link);
  if (self->acceptor != NULL)
    return;

  /* Who has started it in place of the target is told that there is none. */
  if (!self->has_passed && event->text != NULL && self->signal_number == 0)
    self->status = TOOL_EXIT_NO_ANSWER;
  g_main_loop_quit (self->loop);
}

static void
add_link (Tap        *self,
          ToolTapEnd *client,
          const char *name)
{
  ToolTapLink *link = tool_tap_link_new (client, self->target, link_event_cb, self);
  gint64 number = ++self->n_connections;

  g_hash_table_insert (self->links, link, g_memdup2 (&number, sizeof number));
  report (self, &(ToolTapEvent) { .kind = TOOL_TAP_OPENED, .text = name }, number);
}

static gboolean
is_same_user (GSocket *socket)
{
  g_autoptr(GCredentials) theirs = g_socket_get_credentials (socket, NULL);
  g_autoptr(GCredentials) ours = g_credentials_new ();

  return theirs != NULL && g_credentials_is_same_user (ours, theirs, NULL);
}

/* As a server of the library, unless it was told otherwise. */
static gboolean
may_come (Tap            *self,
          GSocket        *socket,
          GSocketAddress *address)
{
  GInetAddress *inet;

  if (self->options->allows_remote)
    return TRUE;

  if (!G_IS_INET_SOCKET_ADDRESS (address))
    return is_same_user (socket);

  inet = g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (address));
  return g_inet_address_get_is_loopback (inet);
}

/* Clients on a UNIX socket have no address. */
static char *
describe_client (GSocket        *socket,
                 GSocketAddress *address)
{
  g_autoptr(GCredentials) credentials = NULL;

  if (G_IS_INET_SOCKET_ADDRESS (address))
    return _msgpack_rpc_address_format (address, FALSE);

  credentials = g_socket_get_credentials (socket, NULL);
  return credentials != NULL
           ? g_strdup_printf ("process %d", (int) g_credentials_get_unix_pid (credentials, NULL))
           : NULL;
}

static void
accepted_cb (gpointer           owner,
             GSocketConnection *connection,
             GObject           *source_object G_GNUC_UNUSED)
{
  Tap *self = g_object_get_data (owner, "tap");
  GSocket *socket = g_socket_connection_get_socket (connection);
  g_autoptr(GSocketAddress) address = g_socket_connection_get_remote_address (connection, NULL);
  g_autofree char *name = describe_client (socket, address);
  gint64 number;

  if (may_come (self, socket, address))
    {
      add_link (self, tool_tap_end_new (G_IO_STREAM (connection)), name);
      return;
    }

  number = ++self->n_connections;
  report (self, &(ToolTapEvent) { .kind = TOOL_TAP_OPENED, .text = name }, number);
  report (self, &(ToolTapEvent) { .kind = TOOL_TAP_CLOSED,
                                  .text = "turned away: of another machine or user" }, number);
}

static void
paused_cb (gpointer owner G_GNUC_UNUSED)
{
}

/* ---- signals ---- */

static gboolean
signal_cb (Tap *self,
           int  number)
{
  self->signal_number = number;
  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
interrupted_cb (gpointer user_data)
{
  return signal_cb (user_data, SIGINT);
}

static gboolean
terminated_cb (gpointer user_data)
{
  return signal_cb (user_data, SIGTERM);
}

static gboolean
hung_up_cb (gpointer user_data)
{
  return signal_cb (user_data, SIGHUP);
}

/* Once there is nothing left that may wait, as for who reads a file, and before an address is printed:
 * whoever has read that may send one. */
static void
watch_signals (Tap *self)
{
  self->signal_sources[0] = g_unix_signal_add (SIGINT, interrupted_cb, self);
  self->signal_sources[1] = g_unix_signal_add (SIGTERM, terminated_cb, self);
  self->signal_sources[2] = g_unix_signal_add (SIGHUP, hung_up_cb, self);
}

/* The same signal ends the process if it comes again, and nobody reads what is printed last. */
static void
unwatch_signals (Tap *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->signal_sources); i++)
    if (g_main_context_find_source_by_id (NULL, self->signal_sources[i]) != NULL)
      g_source_remove (self->signal_sources[i]);
}

/* ---- the beginning ---- */

static GPtrArray *
listen_at (const char  *address,
           GError     **error)
{
  g_autofree char *path = tool_address_resolve (address);
  g_autoptr(GPtrArray) resolved = NULL;
  GPtrArray *listeners;

  if (_msgpack_rpc_address_is_tls (address))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS,
                   _("Cannot listen on “%s”: the program speaks TLS to the target alone"), address);
      return NULL;
    }

  resolved = _msgpack_rpc_address_resolve_sync (path, NULL, error);
  if (resolved == NULL)
    return NULL;

  listeners = _msgpack_rpc_listener_open (resolved, FALSE, BACKLOG, error);
  if (listeners == NULL)
    g_prefix_error (error, _("Cannot listen on “%s”: "), address);
  return listeners;
}

static char **
list_addresses (GPtrArray *listeners)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; listeners != NULL && i < listeners->len; i++)
    {
      MsgpackRpcListener *listener = g_ptr_array_index (listeners, i);

      g_strv_builder_add (builder, listener->address);
    }

  return g_strv_builder_end (builder);
}

/* As itself; at the standard output there may be a peer. */
static FILE *
open_output (const char  *path,
             gboolean     at_stdio,
             GError     **error)
{
  int fd;

  if (path == NULL)
    fd = fcntl (at_stdio ? STDERR_FILENO : STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  else
    fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);

  if (fd < 0)
    {
      g_autofree char *shown = g_filename_display_name (path != NULL ? path : "-");
      int code = errno;

      g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (code),
                   _("Could not open “%s”: %s"), shown, g_strerror (code));
      return NULL;
    }

  return fdopen (fd, "w");
}

static void
print_cb (const char *text,
          gpointer    user_data)
{
  tool_tap_output_append (user_data, text);
}

static gboolean
open_files (Tap      *self,
            gboolean  at_stdio,
            GError  **error)
{
  FILE *file = open_output (self->options->output, at_stdio, error);
  gboolean colours;

  if (file == NULL)
    return FALSE;

  colours = tool_colours_wanted (file);
  self->output = tool_tap_output_new (file);
  if (self->options->record != NULL)
    {
      self->record = tool_tap_record_new (self->options->record, &self->head, error);
      if (self->record == NULL)
        return FALSE;
    }

  watch_signals (self);
  self->log = tool_tap_log_new (&self->options->log, &self->head, colours, print_cb, self->output);
  return TRUE;
}

static gboolean
begin_at_stdio (Tap     *self,
                GError **error)
{
  g_autoptr(GIOStream) stream = NULL;

  self->head.addresses = list_addresses (NULL);
  if (!open_files (self, TRUE, error))
    return FALSE;

  stream = msgpack_rpc_take_stdio (error);
  if (stream == NULL)
    return FALSE;

  add_link (self, tool_tap_end_new_shared (stream), TOOL_SERVE_STDIO);
  return TRUE;
}

static gboolean
begin (Tap         *self,
       const char  *address,
       GError     **error)
{
  g_autoptr(GPtrArray) listeners = NULL;

  if (g_str_equal (address, TOOL_SERVE_STDIO))
    return begin_at_stdio (self, error);

  listeners = listen_at (address, error);
  if (listeners == NULL)
    return FALSE;

  self->head.addresses = list_addresses (listeners);
  if (!open_files (self, FALSE, error))
    return FALSE;

  self->owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_object_set_data (self->owner, "tap", self);
  self->acceptor = _msgpack_rpc_acceptor_new (self->owner, accepted_cb, paused_cb,
                                              g_main_context_default ());
  _msgpack_rpc_acceptor_add (self->acceptor, listeners);
  _msgpack_rpc_acceptor_set_active (self->acceptor, TRUE);
  return TRUE;
}

/* ---- the end ---- */

static void
cut_all (Tap *self)
{
  g_autoptr(GList) links = g_hash_table_get_keys (self->links);

  for (GList *l = links; l != NULL; l = l->next)
    tool_tap_link_cut (l->data, self->signal_number, "the tap has ended");
}

static void
run (Tap *self)
{
  g_main_loop_run (self->loop);
  unwatch_signals (self);
  cut_all (self);
}

static ToolExit
tap (char          **arguments,
     const Options  *options)
{
  g_auto(Tap) self = { .options = options };
  g_autoptr(GError) error = NULL;

  self.links = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.start = g_get_monotonic_time ();
  self.head.start = g_get_real_time ();
  self.head.target = g_strdup (arguments[1]);
  self.head.is_framed = tool_tap_options_is_framed (&options->log, FALSE);

  self.target = tool_tap_target_new (arguments[1], options->tls_ca, options->tls_certificate,
                                     &error);
  if (self.target == NULL)
    return tool_refuse_usage (error);

  if (!begin (&self, arguments[0], &error))
    {
      tool_complain (error);
      return tool_exit_for (error);
    }

  run (&self);
  return self.status;
}

static gboolean
check (char          **arguments,
       const Options  *options,
       GError        **error)
{
  guint n = g_strv_length (arguments);

  if (n == 2)
    return tool_tap_options_check (&options->log, error);

  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                       n == 0   ? _("No address given")
                       : n == 1 ? _("No target given")
                                : _("More than an address and a target given"));
  return FALSE;
}

static ToolExit
run_tap (char **argv)
{
  g_auto(Options) options = { 0 };
  const GOptionEntry entries[] = {
    { "allow-remote", 0, 0, G_OPTION_ARG_NONE, &options.allows_remote,
      N_("Let in clients of other machines and users"), NULL },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &options.output,
      N_("Print to a file"), N_("FILE") },
    { "record", 0, 0, G_OPTION_ARG_FILENAME, &options.record,
      N_("Keep all for “msgpackrpc show”"), N_("FILE") },
    { "tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &options.tls_ca,
      N_("The authorities that may have signed the peer’s certificate"), N_("FILE") },
    { "tls-certificate", 0, 0, G_OPTION_ARG_FILENAME, &options.tls_certificate,
      N_("The certificate to show to the peer, with its key"), N_("FILE") },
    { NULL },
  };
  g_autoptr(GOptionContext) context = tool_context_new (&tool_tap_command, entries);
  g_auto(GStrv) arguments = NULL;
  g_autoptr(GError) error = NULL;

  tool_tap_options_add (&options.log, context);
  arguments = tool_parse_options (context, argv, &error);
  if (arguments == NULL || !check (arguments, &options, &error))
    return tool_refuse_usage (error);

  return tap (arguments, &options);
}

const ToolCommand tool_tap_command = {
  .name = "tap",
  .arguments = N_("LISTEN TARGET"),
  .summary = N_("Print what two peers say to each other"),
  .run = run_tap,
};
