/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gi18n.h>

#include "tool-colour.h"
#include "tool-json.h"

#define STANDARD_OUTPUT 1

ToolSession *
tool_session_new (void)
{
  ToolSession *self = g_new0 (ToolSession, 1);

  self->target = tool_target_new ();
  self->loop = g_main_loop_new (NULL, FALSE);
  self->format = TOOL_FORMAT_DEFAULT;
  self->count = -1;

  return self;
}

void
tool_session_free (ToolSession *self)
{
  g_clear_pointer (&self->target, tool_target_free);
  g_clear_object (&self->client);
  g_main_loop_unref (self->loop);
  g_free (self);
}

/* ---- options ---- */

void
tool_session_add_options (ToolSession    *self,
                          GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "count", 'n', 0, G_OPTION_ARG_INT64, &self->count,
      N_("End after so many"), N_("NUMBER") },
    { "json", 0, 0, G_OPTION_ARG_NONE, &self->is_json,
      N_("Print each as a line of JSON, with all there is to know of it"), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  tool_format_add_option (&self->format, context);
  tool_target_add_options (self->target, context);
}

/* Checks the options, and makes the client. */
gboolean
tool_session_prepare (ToolSession  *self,
                      const char   *address,
                      GError      **error)
{
  if (self->count != -1 && self->count <= 0)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _("The count must be more than 0"));
      return FALSE;
    }

  if (self->is_json && self->format != TOOL_FORMAT_DEFAULT)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           _("“--json” and “--format” exclude each other"));
      return FALSE;
    }

  if (!tool_target_check (self->target, error))
    return FALSE;

  self->colours = tool_colours_wanted (stdout);
  self->client = tool_target_new_client (self->target, address, error);
  if (self->client == NULL)
    return FALSE;

  /* Else the end of the peer's machine would never be seen: this end has nothing to send. */
  msgpack_rpc_client_set_tcp_keepalive (self->client, TRUE);
  return TRUE;
}

/* ---- being interrupted ---- */

/* Not g_unix_signal_add (), which knows of a signal only later: a program that this one has started
 * gets the same Ctrl-C, and its end must not seem to be what has ended the session. */
static volatile sig_atomic_t was_interrupted = FALSE;
static int interrupt_pipe[2]; /* for the main loop */

static void
interrupt (int number G_GNUC_UNUSED)
{
  int saved_errno = errno;

  was_interrupted = TRUE;
  /* There is room for one byte for each signal. */
  (void) !write (interrupt_pipe[1], "", 1);
  errno = saved_errno;
}

/* Each signal once: who interrupts a second time does not want to wait until the connection is
 * closed. */
static gboolean
catch_interrupts (GError **error)
{
  const struct sigaction action = {
    .sa_handler = interrupt,
    .sa_flags = SA_RESETHAND,
  };

  if (!g_unix_open_pipe (interrupt_pipe, FD_CLOEXEC, error))
    return FALSE;

  sigaction (SIGINT, &action, NULL);
  sigaction (SIGTERM, &action, NULL);
  return TRUE;
}

/* ---- printing ---- */

static char *
line_of_json (const ToolEvent *event)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *time = g_date_time_format (now, "%FT%T.%fZ");
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr(GVariant) line = NULL;

  g_variant_builder_add (&builder, "{sv}", "time", g_variant_new_string (time));
  if (event->kind != NULL)
    g_variant_builder_add (&builder, "{sv}", "kind", g_variant_new_string (event->kind));
  if (event->id != NULL)
    g_variant_builder_add (&builder, "{sv}", "id", event->id);
  if (event->name != NULL)
    g_variant_builder_add (&builder, "{sv}", event->name_key, g_variant_new_string (event->name));
  g_variant_builder_add (&builder, "{sv}", event->value_key, event->value);

  line = g_variant_ref_sink (g_variant_builder_end (&builder));
  return tool_json_write (line);
}

static void
append_coloured (GString    *line,
                 ToolColour  colour,
                 gboolean    colours,
                 const char *text)
{
  g_string_append_printf (line, "%s%s%s ", tool_colour (colour, colours), text,
                          tool_colour (TOOL_COLOUR_RESET, colours));
}

static char *
line_for_people (ToolFormat       format,
                 gboolean         colours,
                 const ToolEvent *event)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *second = g_date_time_format (now, "%T");
  g_autofree char *time = NULL;
  g_autofree char *name = event->name != NULL ? tool_escape_text (event->name) : NULL;
  g_autofree char *id = event->id != NULL ? tool_json_write (event->id) : NULL;
  g_autofree char *value = tool_format_write (format, event->value, colours);
  GString *line = g_string_new (NULL);

  time = g_strdup_printf ("%s.%03d", second, g_date_time_get_microsecond (now) / 1000);
  append_coloured (line, TOOL_COLOUR_DIM, colours, time);
  if (event->kind != NULL)
    append_coloured (line, id != NULL ? TOOL_COLOUR_YELLOW : TOOL_COLOUR_GREEN, colours,
                     event->kind);
  if (id != NULL)
    append_coloured (line, TOOL_COLOUR_YELLOW, colours, id);
  if (name != NULL)
    append_coloured (line, TOOL_COLOUR_BOLD, colours, name);
  g_string_append (line, value);

  return g_string_free (line, FALSE);
}

/* FALSE with no error if there was an interrupt while nobody read. */
static gboolean
wait_for_reader (void)
{
  GPollFD fds[] = { { STANDARD_OUTPUT, G_IO_OUT, 0 }, { interrupt_pipe[0], G_IO_IN, 0 } };

  /* It may be cut short by the signal. */
  while (g_poll (fds, G_N_ELEMENTS (fds), -1) < 0)
    ;

  return fds[0].revents != 0;
}

/* The stdio of C could not be interrupted while it waits for a reader. No more is written at a time than
 * a pipe has room for when it says that it has some. */
static gboolean
write_line (const char  *line,
            GError     **error)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);
  gsize size = strlen (text);
  gsize done = 0;

  while (done < size && wait_for_reader ())
    {
      ssize_t n = write (STANDARD_OUTPUT, text + done, MIN (size - done, PIPE_BUF));

      if (n >= 0)
        done += n;
      else if (errno != EINTR && errno != EAGAIN)
        return tool_set_write_error (error);
    }

  return done == size;
}

/* Prints what arrived, unless the end was reached before. */
void
tool_session_print (ToolSession     *self,
                    const ToolEvent *event)
{
  g_autofree char *line = NULL;
  g_autoptr(GError) error = NULL;

  if (self->has_ended)
    return;

  line = self->is_json ? line_of_json (event)
                       : line_for_people (self->format, self->colours, event);
  if (!write_line (line, &error))
    tool_session_fail (self, TOOL_EXIT_NO_ANSWER, error);
  else if (self->count > 0 && --self->count == 0)
    tool_session_end (self, TOOL_EXIT_SUCCESS);
}

/* ---- the end ---- */

/* The first one counts. */
void
tool_session_end (ToolSession *self,
                  ToolExit     exit)
{
  if (self->has_ended)
    return;

  self->has_ended = TRUE;
  self->exit = exit;
  g_main_loop_quit (self->loop);
}

void
tool_session_fail (ToolSession  *self,
                   ToolExit      exit,
                   const GError *error)
{
  if (was_interrupted)
    exit = TOOL_EXIT_SUCCESS;
  else if (!self->has_ended)
    tool_complain (error);
  tool_session_end (self, exit);
}

static gboolean
interrupted_cb (int          fd G_GNUC_UNUSED,
                GIOCondition condition G_GNUC_UNUSED,
                gpointer     user_data)
{
  tool_session_end (user_data, TOOL_EXIT_SUCCESS);
  return G_SOURCE_REMOVE;
}

/* There may be nothing to print for long. */
static gboolean
reader_gone_cb (int          fd G_GNUC_UNUSED,
                GIOCondition condition G_GNUC_UNUSED,
                gpointer     user_data)
{
  tool_session_end (user_data, TOOL_EXIT_NO_ANSWER);
  return G_SOURCE_REMOVE;
}

static gboolean
timeout_cb (gpointer user_data)
{
  g_autoptr(GError) error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _("Timed out"));
  ToolSession *self = user_data;

  if (!self->is_open)
    tool_session_fail (self, TOOL_EXIT_NO_ANSWER, error);
  return G_SOURCE_REMOVE;
}

/* Not before it was connected once: an address that is wrong must not be tried for ever. */
static void
begin_to_reconnect (ToolSession *self)
{
  g_autoptr(MsgpackRpcReconnectPolicy) policy = msgpack_rpc_reconnect_policy_new ();

  msgpack_rpc_client_set_reconnect_policy (self->client, policy);
}

static GError *
why_lost (const GError *cause)
{
  if (cause != NULL)
    return g_error_copy (cause);

  return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, _("The peer closed the connection"));
}

static void
fail_lost (ToolSession  *self,
           const GError *cause)
{
  g_autoptr(GError) error = why_lost (cause);

  tool_session_fail (self, TOOL_EXIT_NO_ANSWER, error);
}

/* The connection was lost before it was known to be open. Either that was told, or it will be. */
static void
end_early (ToolSession *self)
{
  g_autoptr(GError) cause = msgpack_rpc_client_get_last_error (self->client);

  self->reconnects = FALSE;
  if (self->is_lost)
    fail_lost (self, cause);
}

static void
opened_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  g_autoptr(GError) error = NULL;
  ToolSession *self = user_data;

  if (!msgpack_rpc_client_open_finish (MSGPACK_RPC_CLIENT (source), result, &error))
    {
      tool_session_fail (self, tool_exit_for (error), error);
      return;
    }

  self->is_open = TRUE;
  if (msgpack_rpc_client_get_status (self->client) == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    {
      end_early (self);
      return;
    }

  if (self->reconnects)
    begin_to_reconnect (self);
  if (self->opened != NULL)
    self->opened (self->data);
}

static void
tell_lost (ToolSession  *self,
           const GError *cause)
{
  g_autoptr(GError) error = why_lost (cause);

  if (self->is_lost || was_interrupted)
    return;

  self->is_lost = TRUE;
  g_prefix_error (&error, "%s: ", _("The connection is lost, and tried again"));
  tool_complain (error);
}

static void
status_changed_cb (MsgpackRpcClient           *client G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  old_status,
                   MsgpackRpcConnectionStatus  new_status,
                   const GError               *cause,
                   ToolSession                *self)
{
  if (self->has_ended)
    return;

  if (!self->is_open)
    self->is_lost |= old_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
  else if (new_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    {
      if (self->is_lost)
        g_printerr ("msgpackrpc: %s\n", _("Connected again"));
      self->is_lost = FALSE;
    }
  else if (self->reconnects && old_status == MSGPACK_RPC_CONNECTION_STATUS_CONNECTED)
    tell_lost (self, cause);
  else if (!self->reconnects && new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    fail_lost (self, cause);
}

/* ---- running ---- */

static void
drop_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
take_source (GPtrArray   *sources,
             GSource     *source,
             GSourceFunc  func,
             gpointer     user_data)
{
  g_source_set_static_name (source, "msgpackrpc session");
  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, NULL);
  g_ptr_array_add (sources, source);
}

static GPtrArray *
add_sources (ToolSession *self)
{
  GPtrArray *sources = g_ptr_array_new_with_free_func (drop_source);
  int timeout = tool_target_get_timeout (self->target);

  take_source (sources, g_unix_fd_source_new (interrupt_pipe[0], G_IO_IN),
               G_SOURCE_FUNC (interrupted_cb), self);
  take_source (sources, g_unix_fd_source_new (STANDARD_OUTPUT, G_IO_ERR),
               G_SOURCE_FUNC (reader_gone_cb), self);
  if (timeout != G_MAXINT)
    take_source (sources, g_timeout_source_new (timeout), timeout_cb, self);

  return sources;
}

static void
closed_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  ToolSession *self = user_data;

  /* What matters has been printed. */
  msgpack_rpc_client_close_finish (MSGPACK_RPC_CLIENT (source), result, NULL);
  g_main_loop_quit (self->loop);
}

/* Connects, and prints what arrives until the end. */
ToolExit
tool_session_run (ToolSession *self)
{
  g_autoptr(GPtrArray) sources = NULL;
  g_autoptr(GError) error = NULL;

  if (!catch_interrupts (&error))
    {
      tool_complain (error);
      return TOOL_EXIT_NO_ANSWER;
    }

  sources = add_sources (self);
  g_signal_connect (self->client, "status-changed", G_CALLBACK (status_changed_cb), self);
  msgpack_rpc_client_open_async (self->client, NULL, opened_cb, self);
  g_main_loop_run (self->loop);

  msgpack_rpc_client_close_async (self->client, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL,
                                  closed_cb, self);
  g_main_loop_run (self->loop);

  g_signal_handlers_disconnect_by_data (self->client, self);
  return self->exit;
}
