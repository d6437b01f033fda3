/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-log.h"

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-colour.h"
#include "tool-tap-shorten.h"
#include "tool-tap-stream.h"

/* Of connections that are open at a time: more than a process may usually have. */
#define MAX_CONNECTIONS 50000

/* Of requests that were not answered yet, for each side of a connection, and of all. The response to one
 * beyond is printed without it. */
#define MAX_REQUESTS 10000
#define MAX_ALL_REQUESTS 200000

/* What is remembered of a request, in bytes. */
#define MAX_METHOD 200
#define MAX_ID 64

/* Bytes in hexadecimal digits. */
#define MAX_HEX 64

typedef struct
{
  char *method;      /* as it is printed */
  gint64 time;
  gboolean is_shown;
} Request;

typedef struct
{
  ToolTapStream *stream;       /* owned */
  GHashTable *requests;        /* owned; its own, as they are printed: from id to Request; or NULL */
  gboolean has_boolean_errors; /* it is known to say with true that a result is an error */
} Side;

typedef struct
{
  gint64 number;
  Side sides[TOOL_TAP_N_SIDES];
} Connection;

struct _ToolTapLog
{
  const ToolTapOptions *options;
  GPtrArray *globs;            /* of GPatternSpec; owned; NULL for all */
  gboolean is_framed;
  gboolean colours;
  gint64 start;                /* microseconds since 1970 */
  GHashTable *connections;     /* from number to Connection; owned */
  guint n_requests;            /* that are remembered, of all of them */
  ToolTapPrintFunc print;
  gpointer user_data;
};

static void
request_free (gpointer data)
{
  Request *self = data;

  g_free (self->method);
  g_free (self);
}

static void
connection_free (gpointer data)
{
  Connection *self = data;

  for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
    {
      tool_tap_stream_free (self->sides[i].stream);
      g_clear_pointer (&self->sides[i].requests, g_hash_table_unref);
    }
  g_free (self);
}

static GPtrArray *
compile_globs (char **methods)
{
  GPtrArray *globs;

  if (methods == NULL)
    return NULL;

  globs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_pattern_spec_free);
  for (; *methods != NULL; methods++)
    g_ptr_array_add (globs, g_pattern_spec_new (*methods));

  return globs;
}

ToolTapLog *
tool_tap_log_new (const ToolTapOptions *options,
                  const ToolTapHead    *head,
                  gboolean              colours,
                  ToolTapPrintFunc      print,
                  gpointer              user_data)
{
  ToolTapLog *self = g_new0 (ToolTapLog, 1);

  self->options = options;
  self->globs = compile_globs (options->methods);
  self->is_framed = head->is_framed;
  self->colours = colours;
  self->start = head->start;
  self->connections = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, connection_free);
  self->print = print;
  self->user_data = user_data;

  for (char **address = head->addresses; *address != NULL; address++)
    {
      g_autofree char *escaped = tool_escape_text (*address);
      g_autofree char *line = g_strconcat (escaped, "\n", NULL);

      self->print (line, self->user_data);
    }

  return self;
}

void
tool_tap_log_free (ToolTapLog *self)
{
  g_clear_pointer (&self->globs, g_ptr_array_unref);
  g_hash_table_unref (self->connections);
  g_free (self);
}

/* ---- a line ---- */

static void
add_time (ToolTapLog *self,
          GString    *line,
          gint64      time)
{
  gint64 milliseconds = time / 1000;
  g_autoptr(GDateTime) seconds = NULL;
  g_autofree char *text = NULL;

  if (self->options->is_relative)
    {
      g_string_append_printf (line, "%5" G_GINT64_FORMAT ".%03d", milliseconds / 1000,
                              (int) (milliseconds % 1000));
      return;
    }

  milliseconds = (self->start + time) / 1000;
  seconds = g_date_time_new_from_unix_local (milliseconds / 1000);
  text = seconds != NULL ? g_date_time_format (seconds, "%H:%M:%S") : g_strdup ("--:--:--");
  g_string_append_printf (line, "%s.%03d", text, (int) (milliseconds % 1000));
}

/* Begins one: the time, the connection, and an arrow if a side has done something. */
static GString *
line_new (ToolTapLog         *self,
          const ToolTapEvent *event)
{
  gboolean has_side = event->kind == TOOL_TAP_BYTES || event->kind == TOOL_TAP_ENDED;
  GString *line = g_string_new (tool_colour (TOOL_COLOUR_DIM, self->colours));

  add_time (self, line, event->time);
  g_string_append (line, tool_colour (TOOL_COLOUR_RESET, self->colours));
  g_string_append_printf (line, " %" G_GINT64_FORMAT, event->connection);
  if (has_side)
    g_string_append (line, event->side == TOOL_TAP_SIDE_CLIENT ? " →" : " ←");

  return line;
}

static void G_GNUC_PRINTF (4, 5)
add (ToolTapLog *self,
     GString    *line,
     ToolColour  colour,
     const char *format,
     ...)
{
  va_list args;

  g_string_append_c (line, ' ');
  g_string_append (line, tool_colour (colour, self->colours));
  va_start (args, format);
  g_string_append_vprintf (line, format, args);
  va_end (args);
  g_string_append (line, tool_colour (TOOL_COLOUR_RESET, self->colours));
}

static void
finish_line (ToolTapLog *self,
             GString    *line)
{
  g_string_append_c (line, '\n');
  self->print (line->str, self->user_data);
  g_string_free (line, TRUE);
}

static void
print_event (ToolTapLog         *self,
             const ToolTapEvent *event,
             const char         *what)
{
  gboolean is_trouble = event->text != NULL && event->kind != TOOL_TAP_OPENED;
  g_autofree char *text = event->text != NULL ? tool_escape_text (event->text) : NULL;
  GString *line;

  /* Among few messages, all else is in the way. */
  if (self->globs != NULL && !is_trouble)
    return;

  line = line_new (self, event);
  add (self, line, is_trouble ? TOOL_COLOUR_RED : TOOL_COLOUR_DIM, "%s%s%s", what,
       text != NULL ? ": " : "", text != NULL ? text : "");
  finish_line (self, line);
}

/* ---- values ---- */

/* A method, or an id: a text as it is, anything else as JSON. */
static char *
describe_name (GVariant *value)
{
  g_autoptr(GVariant) shortened = NULL;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    {
      g_autofree char *text = tool_tap_shorten_text (g_variant_get_string (value, NULL));

      return tool_escape_text (text);
    }

  shortened = tool_tap_shorten (value);
  return tool_format_write (TOOL_FORMAT_JSON, shortened, FALSE);
}

static void
add_value (ToolTapLog *self,
           GString    *line,
           GVariant   *value)
{
  ToolFormat format = self->options->format;
  g_autoptr(GVariant) shown = NULL;
  g_autofree char *text = NULL;

  if (format == TOOL_FORMAT_HEX)
    return;

  shown = self->options->is_full ? g_variant_ref (value) : tool_tap_shorten (value);
  text = tool_format_write (format, shown, self->colours);
  g_string_append_c (line, format == TOOL_FORMAT_PRETTY && strchr (text, '\n') != NULL ? '\n' : ' ');
  g_string_append (line, text);
}

/* With hex, all of the message comes after what it is: as it was sent. */
static void
add_bytes (ToolTapLog           *self,
           GString              *line,
           const ToolTapMessage *message)
{
  gsize length;
  const guint8 *bytes;
  gsize n;

  if (message->bytes == NULL)
    return;

  bytes = g_bytes_get_data (message->bytes, &length);
  n = self->options->is_full ? length : MIN (length, MAX_HEX);
  for (gsize i = 0; i < n; i++)
    g_string_append_printf (line, " %02x", bytes[i]);
  if (n < length)
    g_string_append_printf (line, " … %" G_GSIZE_FORMAT " more", length - n);
}

static void
add_size (ToolTapLog           *self,
          GString              *line,
          const ToolTapMessage *message)
{
  if (message->announced_size != message->size)
    add (self, line, TOOL_COLOUR_RED, "(has %" G_GUINT64_FORMAT " bytes, not %" G_GUINT64_FORMAT
         " as announced)", message->size, message->announced_size);
}

static void
finish_message (ToolTapLog           *self,
                GString              *line,
                const ToolTapMessage *message)
{
  add_size (self, line, message);
  add_bytes (self, line, message);
  finish_line (self, line);
}

/* ---- messages ---- */

static GVariant *
get_item (GVariant *array,
          gsize     index)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (array, index);

  return g_variant_get_variant (child);
}

static gboolean
is_wanted (ToolTapLog *self,
           const char *method)
{
  for (guint i = 0; self->globs != NULL && i < self->globs->len; i++)
    if (g_pattern_spec_match_string (g_ptr_array_index (self->globs, i), method))
      return TRUE;

  return self->globs == NULL;
}

/* What names a request among those of its side; NULL if it is too long. */
static char *
get_key (GVariant *id)
{
  return g_variant_get_size (id) <= MAX_ID ? g_variant_print (id, TRUE) : NULL;
}

static void
remember_request (ToolTapLog *self,
                  Side       *side,
                  GVariant   *id,
                  const char *method,
                  gint64      time,
                  gboolean    is_shown)
{
  char *key = get_key (id);
  Request *request;

  if (side->requests == NULL)
    side->requests = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, request_free);

  if (key == NULL || g_hash_table_size (side->requests) >= MAX_REQUESTS ||
      self->n_requests >= MAX_ALL_REQUESTS)
    {
      g_free (key);
      return;
    }

  request = g_new (Request, 1);
  request->method = strlen (method) <= MAX_METHOD ? g_strdup (method)
                                                  : tool_tap_shorten_text (method);
  request->time = time;
  request->is_shown = is_shown;
  if (g_hash_table_replace (side->requests, key, request))
    self->n_requests++;
}

/* NULL if there is none. */
static Request *
take_request (ToolTapLog *self,
              Side       *side,
              GVariant   *id)
{
  g_autofree char *key = get_key (id);
  gpointer old_key, request;

  if (key == NULL || side->requests == NULL ||
      !g_hash_table_steal_extended (side->requests, key, &old_key, &request))
    return NULL;

  self->n_requests--;
  g_free (old_key);
  return request;
}

static void
print_request (ToolTapLog           *self,
               Connection           *connection,
               const ToolTapEvent   *event,
               const ToolTapMessage *message)
{
  g_autoptr(GVariant) id = get_item (message->value, 1);
  g_autoptr(GVariant) name = get_item (message->value, 2);
  g_autoptr(GVariant) params = get_item (message->value, 3);
  g_autofree char *shown_id = describe_name (id);
  g_autofree char *method = describe_name (name);
  gboolean is_shown = is_wanted (self, method);
  GString *line;

  remember_request (self, &connection->sides[event->side], id, method, event->time, is_shown);
  if (!is_shown)
    return;

  line = line_new (self, event);
  add (self, line, TOOL_COLOUR_CYAN, "request %s", shown_id);
  add (self, line, TOOL_COLOUR_BOLD, "%s", method);
  add_value (self, line, params);
  finish_message (self, line, message);
}

static void
print_notification (ToolTapLog           *self,
                    const ToolTapEvent   *event,
                    const ToolTapMessage *message)
{
  g_autoptr(GVariant) name = get_item (message->value, 1);
  g_autoptr(GVariant) params = get_item (message->value, 2);
  g_autofree char *method = describe_name (name);
  GString *line;

  if (!is_wanted (self, method))
    return;

  line = line_new (self, event);
  add (self, line, TOOL_COLOUR_MAGENTA, "notification");
  add (self, line, TOOL_COLOUR_BOLD, "%s", method);
  add_value (self, line, params);
  finish_message (self, line, message);
}

/* Some say with true that the result is the error, and after that with false that it is none. */
static gboolean
is_failure (Side     *side,
            GVariant *error)
{
  if (g_variant_is_of_type (error, G_VARIANT_TYPE_BOOLEAN))
    {
      side->has_boolean_errors |= g_variant_get_boolean (error);
      return g_variant_get_boolean (error) || !side->has_boolean_errors;
    }

  return !msgpack_rpc_variant_is_nil (error);
}

static void
add_request (ToolTapLog    *self,
             GString       *line,
             const Request *request,
             gint64         time)
{
  if (request == NULL)
    {
      add (self, line, TOOL_COLOUR_YELLOW, "(to no request that was seen)");
      return;
    }

  add (self, line, TOOL_COLOUR_BOLD, "%s", request->method);
  add (self, line, TOOL_COLOUR_DIM, "(%.1f ms)", (double) (time - request->time) / 1000);
}

static void
print_response (ToolTapLog           *self,
                Connection           *connection,
                const ToolTapEvent   *event,
                const ToolTapMessage *message)
{
  g_autoptr(GVariant) id = get_item (message->value, 1);
  g_autoptr(GVariant) error = get_item (message->value, 2);
  g_autoptr(GVariant) result = get_item (message->value, 3);
  g_autofree char *shown_id = describe_name (id);
  Request *request = take_request (self, &connection->sides[!event->side], id);
  gboolean is_error = is_failure (&connection->sides[event->side], error);
  GString *line;

  if (request != NULL ? request->is_shown : self->globs == NULL)
    {
      line = line_new (self, event);
      add (self, line, is_error ? TOOL_COLOUR_RED : TOOL_COLOUR_GREEN, "%s %s",
           is_error ? "error" : "response", shown_id);
      add_request (self, line, request, event->time);
      if (is_error)
        add_value (self, line, error);
      if (!is_error || !msgpack_rpc_variant_is_nil (result))
        add_value (self, line, result);
      finish_message (self, line, message);
    }

  g_clear_pointer (&request, request_free);
}

static void
print_other (ToolTapLog           *self,
             const ToolTapEvent   *event,
             const ToolTapMessage *message)
{
  GString *line;

  if (self->globs != NULL)
    return;

  line = line_new (self, event);
  add (self, line, TOOL_COLOUR_YELLOW, "no message of MessagePack-RPC:");
  add_value (self, line, message->value);
  finish_message (self, line, message);
}

/* 0, 1 or 2 for what MessagePack-RPC has, or −1. */
static int
get_type (GVariant *value)
{
  static const gsize sizes[] = { 4, 4, 3 };
  g_autoptr(GVariant) first = NULL;
  gint64 type;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("av")) || g_variant_n_children (value) < 3)
    return -1;

  first = get_item (value, 0);
  if (!g_variant_is_of_type (first, G_VARIANT_TYPE_INT64))
    return -1;

  type = g_variant_get_int64 (first);
  return type >= 0 && type <= 2 && g_variant_n_children (value) == sizes[type] ? (int) type : -1;
}

static void
print_message (ToolTapLog           *self,
               Connection           *connection,
               const ToolTapEvent   *event,
               const ToolTapMessage *message)
{
  switch (get_type (message->value))
    {
    case 0:
      print_request (self, connection, event, message);
      break;

    case 1:
      print_response (self, connection, event, message);
      break;

    case 2:
      print_notification (self, event, message);
      break;

    default:
      print_other (self, event, message);
      break;
    }
}

/* ---- events ---- */

static void
print_invalid (ToolTapLog         *self,
               const ToolTapEvent *event,
               const char         *reason)
{
  GString *line = line_new (self, event);
  g_autofree char *text = tool_escape_text (reason);

  add (self, line, TOOL_COLOUR_RED, "invalid, and from here on not decoded: %s", text);
  finish_line (self, line);
}

static void
read_bytes (ToolTapLog         *self,
            Connection         *connection,
            const ToolTapEvent *event)
{
  ToolTapStream *stream = connection->sides[event->side].stream;
  g_autoptr(GError) error = NULL;
  ToolTapMessage message;

  tool_tap_stream_feed (stream, event->bytes, event->n_bytes);
  while (tool_tap_stream_next (stream, &message, &error))
    {
      print_message (self, connection, event, &message);
      tool_tap_message_clear (&message);
    }

  if (error != NULL)
    print_invalid (self, event, error->message);
}

static void
print_end (ToolTapLog         *self,
           Connection         *connection,
           const ToolTapEvent *event)
{
  ToolTapStream *stream = connection->sides[event->side].stream;
  g_autoptr(GError) error = NULL;

  if (!tool_tap_stream_finish (stream, &error))
    print_invalid (self, event, error->message);

  if (tool_tap_stream_get_n_unread (stream) > 0)
    {
      GString *line = line_new (self, event);

      add (self, line, TOOL_COLOUR_RED, "%" G_GUINT64_FORMAT " bytes were not decoded",
           tool_tap_stream_get_n_unread (stream));
      finish_line (self, line);
    }

  print_event (self, event, "end");
}

static gboolean
open_connection (ToolTapLog *self,
                 gint64      number)
{
  Connection *connection;

  if (g_hash_table_contains (self->connections, &number) ||
      g_hash_table_size (self->connections) >= MAX_CONNECTIONS)
    return FALSE;

  connection = g_new0 (Connection, 1);
  connection->number = number;
  for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
    connection->sides[i].stream =
      tool_tap_stream_new (self->is_framed, self->options->format == TOOL_FORMAT_HEX);

  return g_hash_table_insert (self->connections, &connection->number, connection);
}

static void
close_connection (ToolTapLog *self,
                  Connection *connection)
{
  for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
    if (connection->sides[i].requests != NULL)
      self->n_requests -= g_hash_table_size (connection->sides[i].requests);

  g_hash_table_remove (self->connections, &connection->number);
}

gboolean
tool_tap_log_event (ToolTapLog         *self,
                    const ToolTapEvent *event)
{
  Connection *connection;

  if (event->kind == TOOL_TAP_OPENED)
    {
      if (!open_connection (self, event->connection))
        return FALSE;
      print_event (self, event, "open");
      return TRUE;
    }

  connection = g_hash_table_lookup (self->connections, &event->connection);
  if (connection == NULL)
    return FALSE;

  if (event->kind == TOOL_TAP_BYTES)
    read_bytes (self, connection, event);
  else if (event->kind == TOOL_TAP_ENDED)
    print_end (self, connection, event);
  else
    {
      print_event (self, event, "closed");
      close_connection (self, connection);
    }

  return TRUE;
}
