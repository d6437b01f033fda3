/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A small front end of Neovim: it evaluates, edits, draws the screen, and is called back.
 *
 *   neovim                                starts a Neovim of its own
 *   neovim --connect /path/of/its/socket  attaches to one that runs: see :echo v:servername there
 *
 * Nothing blocks: all happens in callbacks, as it would beside a toolkit's widgets in one main
 * loop. */

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#define COLUMNS 80
#define ROWS 24
#define LINES 10000
#define LEVELS 3
#define MAX_TIMEOUT 3600

/* ---- Values: any may be other than expected, so each is looked at before it is read ---- */

/* What an array has at a place, or NULL. */
static GVariant *
get_child (GVariant *array,
           gsize     place)
{
  GVariant *child = NULL;

  if (array != NULL && g_variant_is_of_type (array, G_VARIANT_TYPE ("av")) &&
      place < g_variant_n_children (array))
    g_variant_get_child (array, place, "v", &child);

  return child;
}

static gint64
get_int (GVariant *array,
         gsize     place,
         gint64    fallback)
{
  g_autoptr(GVariant) child = get_child (array, place);

  if (child == NULL || !g_variant_is_of_type (child, G_VARIANT_TYPE_INT64))
    return fallback;

  return g_variant_get_int64 (child);
}

/* The same for what is a place itself, from 0 to @end. */
static int
get_place (GVariant *array,
           gsize     place,
           int       end)
{
  return (int) CLAMP (get_int (array, place, 0), 0, end);
}

static char *
get_string (GVariant *array,
            gsize     place)
{
  g_autoptr(GVariant) child = get_child (array, place);

  return child != NULL ? msgpack_rpc_variant_get_string (child) : NULL;
}

static void append_value (GString  *out,
                          GVariant *value);

static void
append_list (GString  *out,
             GVariant *list)
{
  GVariant *child;
  GVariantIter iter;
  const char *separator = "";

  g_string_append_c (out, '[');
  g_variant_iter_init (&iter, list);
  while (g_variant_iter_loop (&iter, "v", &child))
    {
      g_string_append (out, separator);
      append_value (out, child);
      separator = ", ";
    }
  g_string_append_c (out, ']');
}

static void
append_dictionary (GString  *out,
                   GVariant *dictionary)
{
  const char *key;
  GVariant *child;
  GVariantIter iter;
  const char *separator = "";

  g_string_append_c (out, '{');
  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &child))
    {
      g_string_append_printf (out, "%s'%s': ", separator, key);
      append_value (out, child);
      separator = ", ";
    }
  g_string_append_c (out, '}');
}

/* A buffer, window or tab page comes as an extension value. Its data is MessagePack again: the
 * number. Nobody needs that to pass one back to Neovim. */
static void
append_handle (GString *out,
               int      type,
               GBytes  *data)
{
  const char * const names[] = { "Buffer", "Window", "Tabpage" };
  g_autoptr(GVariant) number = msgpack_rpc_unpack (data, NULL);

  if (type >= 0 && type < (int) G_N_ELEMENTS (names))
    g_string_append (out, names[type]);
  else
    g_string_append_printf (out, "Extension %d", type);

  if (number != NULL)
    {
      g_string_append_c (out, ' ');
      g_variant_print_string (number, out, FALSE);
    }
}

static void
append_bytes (GString *out,
              GBytes  *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  g_string_append (out, "bytes");
  for (gsize i = 0; i < size; i++)
    g_string_append_printf (out, " %02x", data[i]);
}

/* The library limits how deep values are nested, so recursion is safe. */
static void
append_value (GString  *out,
              GVariant *value)
{
  g_autoptr(GBytes) bytes = NULL;
  int type;

  if (msgpack_rpc_variant_is_nil (value))
    g_string_append (out, "nil");
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE ("av")))
    append_list (out, value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT))
    append_dictionary (out, value);
  else if (msgpack_rpc_variant_get_ext (value, &type, &bytes))
    append_handle (out, type, bytes);
  else if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING) &&
           (bytes = msgpack_rpc_variant_get_bytes (value)) != NULL)
    append_bytes (out, bytes);
  else
    g_variant_print_string (value, out, FALSE);
}

/* ---- The screen: what Neovim's “redraw” notifications make of it ---- */

/* One character, up to five others that combine with it, and a NUL. */
#define CELL_CHARACTERS 6
#define CELL_SIZE (CELL_CHARACTERS * 4 + 1)
#define MAX_SIDE 1000

typedef struct
{
  char text[CELL_SIZE]; /* empty: the right half of a wide character */
} Cell;

typedef struct
{
  int columns;
  int rows;
  Cell *cells;          /* row after row */
  int cursor_column;
  int cursor_row;
  guint n_flushes;
  guint n_scrolls;
} Screen;

static Cell *
screen_get_row (Screen *self,
                int     row)
{
  return self->cells + row * self->columns;
}

static void
screen_clear (Screen *self)
{
  for (int i = 0; i < self->rows * self->columns; i++)
    strcpy (self->cells[i].text, " ");
}

static void
screen_resize (Screen *self,
               int     columns,
               int     rows)
{
  self->columns = columns;
  self->rows = rows;
  self->cells = g_renew (Cell, self->cells, (gsize) columns * rows);
  screen_clear (self);
}

/* [grid, width, height]; all of it is drawn anew. */
static void
screen_grid_resize (Screen   *self,
                    GVariant *args)
{
  screen_resize (self, get_place (args, 1, MAX_SIDE), get_place (args, 2, MAX_SIDE));
}

/* [grid] */
static void
screen_grid_clear (Screen   *self,
                   GVariant *args G_GNUC_UNUSED)
{
  screen_clear (self);
}

/* [grid, row, column] */
static void
screen_grid_cursor_goto (Screen   *self,
                         GVariant *args)
{
  self->cursor_row = get_place (args, 1, self->rows);
  self->cursor_column = get_place (args, 2, self->columns);
}

/* [grid, row, first column, [[text, highlight, repeat], …]]; a cell may leave out the last two. */
static void
screen_grid_line (Screen   *self,
                  GVariant *args)
{
  int row = get_place (args, 1, self->rows);
  int column = get_place (args, 2, self->columns);
  g_autoptr(GVariant) cells = get_child (args, 3);
  GVariant *cell;

  if (row == self->rows)
    return;

  for (gsize i = 0; (cell = get_child (cells, i)) != NULL; i++)
    {
      g_autofree char *text = get_string (cell, 0);
      gint64 repeat = get_int (cell, 2, 1);

      for (; repeat > 0 && column < self->columns; repeat--)
        g_utf8_strncpy (screen_get_row (self, row)[column++].text, text != NULL ? text : "?",
                        CELL_CHARACTERS);
      g_variant_unref (cell);
    }
}

/* [grid, top, bottom, left, right, rows, columns]: the text in there moves up, or down if rows is
 * negative. What it leaves behind is drawn by lines that follow. */
static void
screen_grid_scroll (Screen   *self,
                    GVariant *args)
{
  int top = get_place (args, 1, self->rows);
  int bottom = get_place (args, 2, self->rows);
  int left = get_place (args, 3, self->columns);
  int right = get_place (args, 4, self->columns);
  int rows = (int) CLAMP (get_int (args, 5, 0), -self->rows, self->rows);
  int step = rows > 0 ? 1 : -1;

  self->n_scrolls++;
  for (int row = rows > 0 ? top : bottom - 1; row >= top && row < bottom; row += step)
    if (row + rows >= top && row + rows < bottom && left < right)
      memmove (screen_get_row (self, row) + left, screen_get_row (self, row + rows) + left,
               sizeof (Cell) * (gsize) (right - left));
}

/* []: what was told since the last one makes a whole picture. A widget would be drawn now. */
static void
screen_flush (Screen   *self,
              GVariant *args G_GNUC_UNUSED)
{
  self->n_flushes++;
}

/* Every other event is about what this screen does not show, such as colours. */
static const struct
{
  const char *name;
  void      (*apply) (Screen   *self,
                      GVariant *args);
} screen_events[] = {
  { "flush", screen_flush },
  { "grid_clear", screen_grid_clear },
  { "grid_cursor_goto", screen_grid_cursor_goto },
  { "grid_line", screen_grid_line },
  { "grid_resize", screen_grid_resize },
  { "grid_scroll", screen_grid_scroll },
};

/* [name, args, args, …]: one event, as often as it has arguments. */
static void
screen_apply (Screen   *self,
              GVariant *event)
{
  g_autofree char *name = get_string (event, 0);
  GVariant *args;
  gsize known = 0;

  while (known < G_N_ELEMENTS (screen_events) && g_strcmp0 (name, screen_events[known].name) != 0)
    known++;
  if (known == G_N_ELEMENTS (screen_events))
    return;

  for (gsize i = 1; (args = get_child (event, i)) != NULL; i++)
    {
      screen_events[known].apply (self, args);
      g_variant_unref (args);
    }
}

static void
screen_print (Screen *self)
{
  g_autofree char *edge = g_strnfill ((gsize) self->columns, '-');
  g_autoptr(GString) text = g_string_new (NULL);

  for (int row = 0; row < self->rows; row++)
    {
      g_string_append_c (text, '|');
      for (int column = 0; column < self->columns; column++)
        g_string_append (text, screen_get_row (self, row)[column].text);
      g_string_append (text, "|\n");
    }
  g_print ("+%s+\n%s+%s+\n", edge, text->str, edge);
  g_print ("Drawn with %u scrolls and %u flushes; the cursor is in row %d, column %d.\n",
           self->n_scrolls, self->n_flushes, self->cursor_row + 1, self->cursor_column + 1);
}

/* ---- The demonstration: steps, each of which calls Neovim and starts the next in the end ---- */

typedef struct _Demo Demo;

struct _Demo
{
  GMainLoop *loop;
  MsgpackRpcClient *client;
  gboolean is_own;       /* Neovim was started for us, and is to be ended by us */
  char **expressions;    /* those of the command line; NULL-terminated, or NULL */
  Screen screen;
  guint step;
  guint n_evaluating;    /* expressions without a result yet */
  gint64 channel;        /* Neovim's number for our connection */
  GVariant *buffer;      /* an extension value */
  GVariant *lines;       /* of type “as” */
  gboolean is_leaving;   /* Neovim may close the connection now */
  gboolean is_ended;
  GError *error;         /* the first */
};

static void demo_next (Demo *demo);

static void
closed (GObject      *client,
        GAsyncResult *result,
        gpointer      user_data)
{
  Demo *demo = user_data;

  /* Nothing is left to be done about an error here. */
  msgpack_rpc_client_close_finish (MSGPACK_RPC_CLIENT (client), result, NULL);
  g_main_loop_quit (demo->loop);
}

/* Closing ends the calls that are still in flight, so that no callback comes later. */
static void
demo_end (Demo                *demo,
          MsgpackRpcCloseMode  mode)
{
  if (demo->is_ended)
    return;

  demo->is_ended = TRUE;
  msgpack_rpc_client_close_async (demo->client, mode, NULL, closed, demo);
}

/* Takes the error. The first one is the cause of all others. */
static void
demo_fail (Demo   *demo,
           GError *error)
{
  if (demo->is_ended)
    g_error_free (error);
  else
    demo->error = error;

  demo_end (demo, MSGPACK_RPC_CLOSE_MODE_NOW);
}

static void
demo_call (Demo                *demo,
           const char          *method,
           GVariant            *params,
           GAsyncReadyCallback  callback)
{
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (demo->client), method, params, NULL, callback,
                               demo);
}

/* The result, or NULL when that was the end of the demonstration. */
static GVariant *
demo_finish_call (Demo         *demo,
                  GObject      *client,
                  GAsyncResult *result)
{
  GError *error = NULL;
  GVariant *value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (client), result, &error);

  if (value == NULL)
    demo_fail (demo, error);

  return value;
}

/* For a call whose result says nothing. */
static void
called (GObject      *client,
        GAsyncResult *result,
        gpointer      user_data)
{
  g_autoptr(GVariant) value = demo_finish_call (user_data, client, result);

  if (value != NULL)
    demo_next (user_data);
}

/* ---- Step: connect ---- */

static void
opened (GObject      *client,
        GAsyncResult *result,
        gpointer      user_data)
{
  GError *error = NULL;

  if (msgpack_rpc_client_open_finish (MSGPACK_RPC_CLIENT (client), result, &error))
    demo_next (user_data);
  else
    demo_fail (user_data, error);
}

static void
open_client (Demo *demo)
{
  msgpack_rpc_client_open_async (demo->client, NULL, opened, demo);
}

/* ---- Step: learn which channel of Neovim's this connection is ---- */

static void
got_api_info (GObject      *client,
              GAsyncResult *result,
              gpointer      user_data)
{
  Demo *demo = user_data;
  g_autoptr(GVariant) info = demo_finish_call (demo, client, result);

  if (info == NULL)
    return;

  demo->channel = get_int (info, 0, 0);
  g_print ("Connected as channel %" G_GINT64_FORMAT ".\n", demo->channel);
  demo_next (demo);
}

static void
get_api_info (Demo *demo)
{
  demo_call (demo, "nvim_get_api_info", NULL, got_api_info);
}

/* ---- Step: evaluate ---- */

static const char * const expressions[] = {
  "v:null",
  "v:true",
  "v:false",
  "[0, 127, 128, 255, 256, 65535, 65536, 4294967295, 4294967296]",
  "[-1, -32, -33, -128, -129, -32768, -32769, -2147483648, -2147483649]",
  "9223372036854775807",
  "-9223372036854775807 - 1",
  "[1.0, -0.5, 1.0e300, 1.0 / 0.0, str2float('nan')]",
  "''",
  "'plain'",
  "'Grüße, 世界 🚀'",
  "\"not UTF-8: \\xff\\xfe\"",
  "0z0001FF",
  "[]",
  "[1, 'two', [3.0, [v:null]]]",
  "{}",
  "{'outer': {'inner': [1, {'deep': v:true}]}}",
};

static const char * const handle_methods[] = {
  "nvim_get_current_buf",
  "nvim_get_current_win",
  "nvim_get_current_tabpage",
};

/* What a call was about: its first parameter, or else its name. */
static char *
describe_call (MsgpackRpcCall *call)
{
  GVariant *params = msgpack_rpc_call_get_params (call);
  char *expression;

  if (params == NULL || !g_variant_is_of_type (params, G_VARIANT_TYPE ("(s)")))
    return g_strdup (msgpack_rpc_call_get_method (call));

  g_variant_get (params, "(s)", &expression);
  return expression;
}

static void
evaluated (GObject      *client,
           GAsyncResult *result,
           gpointer      user_data)
{
  Demo *demo = user_data;
  g_autofree char *expression = describe_call (MSGPACK_RPC_CALL (result));
  g_autoptr(GVariant) value = demo_finish_call (demo, client, result);
  g_autoptr(GString) text = g_string_new (NULL);

  if (value == NULL)
    return;

  append_value (text, value);
  g_print ("%s => %s\n", expression, text->str);

  if (--demo->n_evaluating == 0)
    demo_next (demo);
}

static void
evaluate_expression (Demo       *demo,
                     const char *expression)
{
  demo->n_evaluating++;
  demo_call (demo, "nvim_eval", g_variant_new ("(s)", expression), evaluated);
}

/* Nothing keeps one from sending many calls without waiting for the answers. */
static void
evaluate (Demo *demo)
{
  for (gsize i = 0; i < G_N_ELEMENTS (expressions); i++)
    evaluate_expression (demo, expressions[i]);

  for (gsize i = 0; i < G_N_ELEMENTS (handle_methods); i++)
    {
      demo->n_evaluating++;
      demo_call (demo, handle_methods[i], NULL, evaluated);
    }

  for (gsize i = 0; demo->expressions != NULL && demo->expressions[i] != NULL; i++)
    evaluate_expression (demo, demo->expressions[i]);
}

/* ---- Steps: fill a buffer, and read it back ---- */

static void
buffer_created (GObject      *client,
                GAsyncResult *result,
                gpointer      user_data)
{
  Demo *demo = user_data;

  demo->buffer = demo_finish_call (demo, client, result);
  if (demo->buffer != NULL)
    demo_next (demo);
}

/* A new buffer, unlisted and without a file: the user's own are not touched. */
static void
create_buffer (Demo *demo)
{
  demo_call (demo, "nvim_create_buf", g_variant_new ("(bb)", FALSE, TRUE), buffer_created);
}

static GVariant *
make_lines (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (int i = 1; i <= LINES; i++)
    {
      g_autofree char *line = g_strdup_printf ("Line %d: naïve text, wide 世界", i);

      g_variant_builder_add (&builder, "s", line);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
write_lines (Demo *demo)
{
  demo->lines = make_lines ();
  demo_call (demo, "nvim_buf_set_lines",
             g_variant_new ("(viib@as)", demo->buffer, 0, -1, TRUE, demo->lines), called);
}

static void
lines_read (GObject      *call,
            GAsyncResult *result,
            gpointer      user_data)
{
  Demo *demo = user_data;
  GError *error = NULL;
  g_autoptr(GVariant) lines = NULL;

  lines = msgpack_rpc_call_wait_finish (MSGPACK_RPC_CALL (call), result, &error);
  if (lines != NULL && !g_variant_equal (lines, demo->lines))
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_FAILED, "The lines are not those written");
  if (error != NULL)
    {
      demo_fail (demo, error);
      return;
    }

  g_print ("Wrote %" G_GSIZE_FORMAT " lines and read the same.\n", g_variant_n_children (lines));
  demo_next (demo);
}

/* With the type of the result declared, there is no array of variants to take apart. */
static void
read_lines (Demo *demo)
{
  g_autoptr(MsgpackRpcCall) call = NULL;

  call = msgpack_rpc_call_new ("nvim_buf_get_lines",
                               g_variant_new ("(viib)", demo->buffer, 0, -1, TRUE));
  msgpack_rpc_call_set_reply_type (call, G_VARIANT_TYPE_STRING_ARRAY);
  msgpack_rpc_peer_send_call (MSGPACK_RPC_PEER (demo->client), call);
  msgpack_rpc_call_wait_async (call, NULL, lines_read, demo);
}

static void
show_buffer (Demo *demo)
{
  demo_call (demo, "nvim_set_current_buf", g_variant_new ("(v)", demo->buffer), called);
}

/* ---- Steps: be a user interface ---- */

static void
redraw (MsgpackRpcClient *client G_GNUC_UNUSED,
        const char       *method G_GNUC_UNUSED,
        GVariant         *params,
        gpointer          user_data)
{
  Demo *demo = user_data;
  GVariant *event;

  for (gsize i = 0; (event = get_child (params, i)) != NULL; i++)
    {
      screen_apply (&demo->screen, event);
      g_variant_unref (event);
    }
}

static void
attach_ui (Demo *demo)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "ext_linegrid", g_variant_new_boolean (TRUE));
  g_signal_connect (demo->client, "notification::redraw", G_CALLBACK (redraw), demo);
  demo_call (demo, "nvim_ui_attach", g_variant_new ("(iia{sv})", COLUMNS, ROWS, &options), called);
}

static void
draw (Demo *demo)
{
  demo_call (demo, "nvim_command", g_variant_new ("(s)", "redraw"), called);
}

static void
scroll (Demo *demo)
{
  demo_call (demo, "nvim_command",
             g_variant_new ("(s)", "execute \"normal! 5\\<C-e>\" | redrawstatus"), called);
}

/* Messages are delivered in the order in which they were sent. What the command drew was sent
 * before the command was answered, so the screen is up to date. */
static void
print_screen (Demo *demo)
{
  screen_print (&demo->screen);
  demo_next (demo);
}

/* ---- Step: be called back, while Neovim waits, while we wait, three deep ---- */

/* A request of Neovim's that waits for the answer to a call of ours. */
typedef struct
{
  Demo *demo;
  MsgpackRpcInvocation *invocation; /* owned */
  gint64 level;
} Waiting;

static void
call_down (Demo                *demo,
           gint64               level,
           GAsyncReadyCallback  callback,
           gpointer             user_data)
{
  GVariant *params = g_variant_new ("(s(xsx))", "rpcrequest", demo->channel, "descend", level);

  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (demo->client), "nvim_call_function", params, NULL,
                               callback, user_data);
}

static void
came_up (GObject      *client,
         GAsyncResult *result,
         gpointer      user_data)
{
  Waiting *waiting = user_data;
  g_autoptr(GVariant) answer = demo_finish_call (waiting->demo, client, result);

  /* A request that is let go of without an answer is answered with an error. */
  if (answer != NULL)
    msgpack_rpc_invocation_return_value (waiting->invocation,
                                         g_variant_new ("(xv)", waiting->level, answer));
  g_object_unref (waiting->invocation);
  g_free (waiting);
}

/* Answers on the lowest level at once, and on any other when the one below has answered. */
static gboolean
descend (MsgpackRpcInvocation  *invocation,
         GVariant              *params,
         gpointer               user_data,
         GError               **error G_GNUC_UNUSED)
{
  Demo *demo = user_data;
  Waiting *waiting;
  gint64 level;

  g_variant_get (params, "(x)", &level);
  g_print ("Neovim calls back on level %" G_GINT64_FORMAT ".\n", level);
  if (level >= LEVELS)
    return msgpack_rpc_invocation_return_value (invocation,
                                                g_variant_new ("(xs)", level, "the bottom"));

  waiting = g_new (Waiting, 1);
  waiting->demo = demo;
  waiting->invocation = g_object_ref (invocation);
  waiting->level = level;
  call_down (demo, level + 1, came_up, waiting);
  return TRUE;
}

static void
came_all_the_way_up (GObject      *client,
                     GAsyncResult *result,
                     gpointer      user_data)
{
  Demo *demo = user_data;
  g_autoptr(GVariant) answer = demo_finish_call (demo, client, result);
  g_autoptr(GString) text = g_string_new (NULL);

  if (answer == NULL)
    return;

  append_value (text, answer);
  g_print ("Nested calls brought %s.\n", text->str);
  demo_next (demo);
}

static void
nest (Demo *demo)
{
  call_down (demo, 1, came_all_the_way_up, demo);
}

/* ---- Steps: leave ---- */

static void
detach_ui (Demo *demo)
{
  demo_call (demo, "nvim_ui_detach", NULL, called);
}

static void
delete_buffer (Demo *demo)
{
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&options, "{sv}", "force", g_variant_new_boolean (TRUE));
  demo_call (demo, "nvim_buf_delete", g_variant_new ("(va{sv})", demo->buffer, &options), called);
}

/* Neovim closes the connection instead of answering. */
static void
quitted (GObject      *client,
         GAsyncResult *result,
         gpointer      user_data)
{
  Demo *demo = user_data;
  g_autoptr(GVariant) value = NULL;
  GError *error = NULL;

  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (client), result, &error);
  if (value == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    {
      demo_fail (demo, error);
      return;
    }

  g_clear_error (&error);
  g_print ("Neovim has quit.\n");
  demo_end (demo, MSGPACK_RPC_CLOSE_MODE_NOW);
}

static void
leave (Demo *demo)
{
  demo->is_leaving = TRUE;
  if (demo->is_own)
    {
      demo_call (demo, "nvim_command", g_variant_new ("(s)", "qall!"), quitted);
      return;
    }

  g_print ("Detached.\n");
  demo_end (demo, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE);
}

/* ---- All together ---- */

static void (* const steps[]) (Demo *demo) = {
  open_client,
  get_api_info,
  evaluate,
  create_buffer,
  write_lines,
  read_lines,
  show_buffer,
  attach_ui,
  draw,
  scroll,
  draw,
  print_screen,
  nest,
  detach_ui,
  delete_buffer,
  leave,
};

static void
demo_next (Demo *demo)
{
  steps[demo->step++] (demo);
}

/* Calls in flight fail by themselves when Neovim goes; this is for when there are none. */
static void
status_changed (MsgpackRpcClient           *client G_GNUC_UNUSED,
                MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                MsgpackRpcConnectionStatus  new_status,
                const GError               *error,
                gpointer                    user_data)
{
  Demo *demo = user_data;

  if (new_status != MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED || demo->is_leaving)
    return;

  demo_fail (demo, error != NULL ? g_error_copy (error)
                                 : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                                                        "Neovim closed the connection"));
}

static MsgpackRpcClient *
create_client (Demo       *demo,
               const char *address,
               int         timeout)
{
  const char * const argv[] = { "nvim", "--embed", "--headless", "--clean", NULL };
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  MsgpackRpcClient *client;

  if (address != NULL)
    client = msgpack_rpc_client_new (address);
  else
    client = msgpack_rpc_client_new_for_argv (argv);

  msgpack_rpc_dispatcher_add_method (dispatcher, "descend", "(x)", descend, demo, NULL);
  msgpack_rpc_client_set_dispatcher (client, dispatcher);
  msgpack_rpc_client_set_default_timeout (client, timeout * 1000);
  g_signal_connect (client, "status-changed", G_CALLBACK (status_changed), demo);
  return client;
}

static int
run (const char  *address,
     char       **more_expressions,
     int          timeout)
{
  Demo demo = { .is_own = address == NULL, .expressions = more_expressions };
  int status = EXIT_SUCCESS;

  demo.loop = g_main_loop_new (NULL, FALSE);
  demo.client = create_client (&demo, address, timeout);
  demo_next (&demo);
  g_main_loop_run (demo.loop);

  if (demo.error != NULL)
    {
      g_printerr ("neovim: %s\n", demo.error->message);
      status = EXIT_FAILURE;
    }

  g_signal_handlers_disconnect_by_data (demo.client, &demo);
  g_object_unref (demo.client);
  g_main_loop_unref (demo.loop);
  g_clear_pointer (&demo.buffer, g_variant_unref);
  g_clear_pointer (&demo.lines, g_variant_unref);
  g_clear_error (&demo.error);
  g_free (demo.screen.cells);
  return status;
}

int
main (int    argc,
      char **argv)
{
  g_autofree char *address = NULL;
  g_auto(GStrv) more_expressions = NULL;
  int timeout = 25;
  const GOptionEntry entries[] = {
    { "connect", 'c', 0, G_OPTION_ARG_STRING, &address,
      "Attach to the Neovim at ADDRESS instead of starting one: tcp://HOST:PORT, HOST:PORT, "
      "unix:///PATH or /PATH", "ADDRESS" },
    { "eval", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &more_expressions,
      "Evaluate EXPRESSION too; may be given several times", "EXPRESSION" },
    { "timeout", 't', 0, G_OPTION_ARG_INT, &timeout,
      "How long Neovim may take to answer, from 1 to 3600 (default: 25)", "SECONDS" },
    G_OPTION_ENTRY_NULL
  };
  g_autoptr(GOptionContext) context = g_option_context_new ("- what a front end of Neovim does");
  g_autoptr(GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("neovim: %s\n", error->message);
      return EXIT_FAILURE;
    }
  if (argc > 1 || timeout < 1 || timeout > MAX_TIMEOUT)
    {
      g_printerr ("neovim: These arguments make no sense; see --help\n");
      return EXIT_FAILURE;
    }

  return run (address, more_expressions, timeout);
}
