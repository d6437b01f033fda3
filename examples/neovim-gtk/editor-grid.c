/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-grid.h"

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* What Neovim is asked for has one grid, of this number. */
#define GRID 1

#define MAX_SIZE 1000
#define MAX_HIGHLIGHTS 100000
#define MAX_MODES 100

typedef struct
{
  gint64 foreground; /* −1: the default */
  gint64 background;
  gint64 special;
  EditorStyle style;
} Highlight;

static const Highlight none = { .foreground = -1, .background = -1, .special = -1 };

typedef struct
{
  char *name;
  EditorCursor cursor;
} Mode;

struct _EditorGrid
{
  GObject parent_instance;

  guint columns;
  guint rows;
  EditorCell *cells;    /* owned; row after row */
  gboolean *is_changed; /* owned; of each row */
  GArray *highlights;   /* of Highlight, by their numbers */
  Highlight defaults;
  GArray *modes;        /* of Mode */
  guint mode;
  guint cursor_row;
  guint cursor_column;
  gboolean is_busy;
  gboolean wants_mouse;
  char *title;
  char *font;
};

enum
{
  SIGNAL_FLUSHED,
  SIGNAL_BELL,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EditorGrid, editor_grid, G_TYPE_OBJECT)

/* ---- reading what comes ---- */

static gint64
get_int (GVariant *array,
         gsize     i,
         gint64    otherwise)
{
  g_autoptr(GVariant) child = NULL;
  gint64 value;

  if (i >= g_variant_n_children (array))
    return otherwise;

  child = g_variant_get_child_value (array, i);
  return msgpack_rpc_variant_get_int64 (child, &value) ? value : otherwise;
}

/* A number of cells or a place among them. */
static guint
get_count (GVariant *array,
           gsize     i,
           guint     most)
{
  gint64 value = get_int (array, i, 0);

  return (guint) CLAMP (value, 0, (gint64) most);
}

static char *
get_text (GVariant *array,
          gsize     i)
{
  g_autoptr(GVariant) child = NULL;
  g_autoptr(GBytes) bytes = NULL;
  gconstpointer data;
  gsize size;

  if (i >= g_variant_n_children (array))
    return g_strdup ("");

  child = g_variant_get_child_value (array, i);
  bytes = msgpack_rpc_variant_get_bytes (child);
  if (bytes == NULL)
    return g_strdup ("");

  data = g_bytes_get_data (bytes, &size);
  return g_utf8_make_valid (data != NULL ? data : "", (gssize) size);
}

/* An array or a map at a place, without the variants around it; NULL if there is none. */
static GVariant *
get_container (GVariant *array,
               gsize     i)
{
  GVariant *child;

  if (i >= g_variant_n_children (array))
    return NULL;

  child = g_variant_get_child_value (array, i);
  while (g_variant_is_of_type (child, G_VARIANT_TYPE_VARIANT))
    {
      GVariant *inner = g_variant_get_variant (child);

      g_variant_unref (child);
      child = inner;
    }
  if (g_variant_is_of_type (child, G_VARIANT_TYPE ("av")) ||
      g_variant_is_of_type (child, G_VARIANT_TYPE_VARDICT))
    return child;

  g_variant_unref (child);
  return NULL;
}

static gint64
look_up_int (GVariant   *map,
             const char *key,
             gint64      otherwise)
{
  g_autoptr(GVariant) child = g_variant_lookup_value (map, key, NULL);
  gint64 value;

  return child != NULL && msgpack_rpc_variant_get_int64 (child, &value) ? value : otherwise;
}

static gboolean
look_up_flag (GVariant   *map,
              const char *key)
{
  g_autoptr(GVariant) child = g_variant_lookup_value (map, key, NULL);
  gboolean value;

  return child != NULL && msgpack_rpc_variant_get_boolean (child, &value) && value;
}

static char *
look_up_text (GVariant   *map,
              const char *key)
{
  g_autoptr(GVariant) child = g_variant_lookup_value (map, key, NULL);

  return child != NULL ? msgpack_rpc_variant_get_string (child) : NULL;
}

/* ---- cells ---- */

static EditorCell *
get_cell (EditorGrid *self,
          guint       row,
          guint       column)
{
  return &self->cells[(gsize) row * self->columns + column];
}

static void
clear_cells (EditorGrid *self,
             guint       first_row,
             guint       n_rows)
{
  for (guint row = first_row; row < first_row + n_rows; row++)
    {
      for (guint column = 0; column < self->columns; column++)
        *get_cell (self, row, column) = (EditorCell) { .text = " " };
      self->is_changed[row] = TRUE;
    }
}

static void
resize (EditorGrid *self,
        guint       columns,
        guint       rows)
{
  EditorCell *cells = self->cells;
  guint old_columns = self->columns, old_rows = self->rows;

  self->columns = columns;
  self->rows = rows;
  self->cells = g_new (EditorCell, (gsize) columns * rows);
  g_free (self->is_changed);
  self->is_changed = g_new (gboolean, rows);
  clear_cells (self, 0, rows);
  for (guint row = 0; row < MIN (rows, old_rows); row++)
    memcpy (get_cell (self, row, 0), &cells[(gsize) row * old_columns],
            MIN (columns, old_columns) * sizeof (EditorCell));
  g_free (cells);
  self->cursor_row = MIN (self->cursor_row, rows - 1);
  self->cursor_column = MIN (self->cursor_column, columns - 1);
}

static void
grid_resize (EditorGrid *self,
             GVariant   *args)
{
  guint columns = get_count (args, 1, MAX_SIZE), rows = get_count (args, 2, MAX_SIZE);

  if (get_int (args, 0, 0) == GRID && columns > 0 && rows > 0)
    resize (self, columns, rows);
}

static void
grid_clear (EditorGrid *self,
            GVariant   *args G_GNUC_UNUSED)
{
  clear_cells (self, 0, self->rows);
}

static void
set_text (EditorCell *cell,
          const char *text)
{
  gsize length = strlen (text);

  if (length >= EDITOR_CELL_TEXT)
    length = (gsize) (g_utf8_find_prev_char (text, text + EDITOR_CELL_TEXT) - text);
  memcpy (cell->text, text, length);
  cell->text[length] = '\0';
}

static void
grid_line (EditorGrid *self,
           GVariant   *args)
{
  guint row = get_count (args, 1, MAX_SIZE), column = get_count (args, 2, MAX_SIZE);
  g_autoptr(GVariant) cells = get_container (args, 3);
  guint highlight = 0;

  if (get_int (args, 0, 0) != GRID || row >= self->rows || cells == NULL)
    return;

  for (gsize i = 0; i < g_variant_n_children (cells) && column < self->columns; i++)
    {
      g_autoptr(GVariant) cell = get_container (cells, i);
      g_autofree char *text = cell != NULL ? get_text (cell, 0) : NULL;
      guint repeat;

      if (cell == NULL)
        continue;
      highlight = (guint) CLAMP (get_int (cell, 1, highlight), 0, MAX_HIGHLIGHTS);
      repeat = (guint) CLAMP (get_int (cell, 2, 1), 0, MAX_SIZE);
      for (; repeat > 0 && column < self->columns; repeat--, column++)
        {
          EditorCell *target = get_cell (self, row, column);

          set_text (target, text);
          target->highlight = highlight;
        }
    }
  self->is_changed[row] = TRUE;
}

static void
grid_scroll (EditorGrid *self,
             GVariant   *args)
{
  guint top = get_count (args, 1, self->rows), bottom = get_count (args, 2, self->rows);
  guint left = get_count (args, 3, self->columns), right = get_count (args, 4, self->columns);
  gint64 lines = get_int (args, 5, 0);
  guint height = bottom > top ? bottom - top : 0;
  guint distance = (guint) MIN (ABS (CLAMP (lines, -MAX_SIZE, MAX_SIZE)), height);

  if (get_int (args, 0, 0) != GRID || left >= right)
    return;

  for (guint i = 0; i + distance < height; i++)
    {
      guint to = lines > 0 ? top + i : bottom - 1 - i;
      guint from = lines > 0 ? to + distance : to - distance;

      memcpy (get_cell (self, to, left), get_cell (self, from, left),
              (right - left) * sizeof (EditorCell));
    }
  for (guint row = top; row < bottom; row++)
    self->is_changed[row] = TRUE;
}

static void
grid_cursor_goto (EditorGrid *self,
                  GVariant   *args)
{
  if (get_int (args, 0, 0) != GRID || self->rows == 0)
    return;

  self->cursor_row = get_count (args, 1, self->rows - 1);
  self->cursor_column = get_count (args, 2, self->columns - 1);
}

/* ---- what they look like ---- */

static void
default_colors_set (EditorGrid *self,
                    GVariant   *args)
{
  self->defaults.foreground = get_int (args, 0, 0);
  self->defaults.background = get_int (args, 1, 0xffffff);
  self->defaults.special = get_int (args, 2, 0xff0000);
  editor_grid_change_all (self);
}

static EditorStyle
read_style (GVariant *map)
{
  static const struct
  {
    const char *key;
    EditorStyle style;
  } styles[] = {
    { "bold", EDITOR_STYLE_BOLD },
    { "italic", EDITOR_STYLE_ITALIC },
    { "underline", EDITOR_STYLE_UNDERLINE },
    { "undercurl", EDITOR_STYLE_UNDERCURL },
    { "underdouble", EDITOR_STYLE_UNDERDOUBLE },
    { "underdotted", EDITOR_STYLE_UNDERDOTTED },
    { "underdashed", EDITOR_STYLE_UNDERDASHED },
    /* As Neovim up to 0.7 calls them. */
    { "underlineline", EDITOR_STYLE_UNDERDOUBLE },
    { "underdot", EDITOR_STYLE_UNDERDOTTED },
    { "underdash", EDITOR_STYLE_UNDERDASHED },
    { "strikethrough", EDITOR_STYLE_STRIKETHROUGH },
    { "reverse", EDITOR_STYLE_REVERSE },
  };
  EditorStyle style = 0;

  for (guint i = 0; i < G_N_ELEMENTS (styles); i++)
    if (look_up_flag (map, styles[i].key))
      style |= styles[i].style;

  return style;
}

static void
hl_attr_define (EditorGrid *self,
                GVariant   *args)
{
  gint64 number = get_int (args, 0, -1);
  g_autoptr(GVariant) map = get_container (args, 1);
  Highlight *highlight;

  if (number <= 0 || number > MAX_HIGHLIGHTS || map == NULL ||
      !g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT))
    return;

  while (self->highlights->len <= number)
    g_array_append_val (self->highlights, none);
  highlight = &g_array_index (self->highlights, Highlight, number);
  highlight->foreground = look_up_int (map, "foreground", -1);
  highlight->background = look_up_int (map, "background", -1);
  highlight->special = look_up_int (map, "special", -1);
  highlight->style = read_style (map);
}

static void
set_colour (GdkRGBA *colour,
            gint64   given,
            gint64   otherwise)
{
  gint64 rgb = given >= 0 ? given : otherwise;

  colour->red = (float) (rgb >> 16 & 0xff) / 255;
  colour->green = (float) (rgb >> 8 & 0xff) / 255;
  colour->blue = (float) (rgb & 0xff) / 255;
  colour->alpha = 1;
}

void
editor_grid_get_look (EditorGrid *self,
                      guint       number,
                      EditorLook *look)
{
  Highlight highlight = none;

  if (number > 0 && number < self->highlights->len)
    highlight = g_array_index (self->highlights, Highlight, number);

  set_colour (&look->foreground, highlight.foreground, self->defaults.foreground);
  set_colour (&look->background, highlight.background, self->defaults.background);
  look->special = look->foreground;
  if (highlight.special >= 0 || (highlight.style & EDITOR_STYLE_UNDERCURL) != 0)
    set_colour (&look->special, highlight.special, self->defaults.special);
  look->style = highlight.style;
  if ((highlight.style & EDITOR_STYLE_REVERSE) != 0)
    {
      GdkRGBA foreground = look->foreground;

      look->foreground = look->background;
      look->background = foreground;
    }
}

/* ---- modes ---- */

static void
clear_mode (gpointer data)
{
  Mode *mode = data;

  g_free (mode->name);
}

static EditorCursorShape
read_shape (GVariant *map)
{
  g_autofree char *name = look_up_text (map, "cursor_shape");

  if (g_strcmp0 (name, "horizontal") == 0)
    return EDITOR_CURSOR_HORIZONTAL;
  if (g_strcmp0 (name, "vertical") == 0)
    return EDITOR_CURSOR_VERTICAL;
  return EDITOR_CURSOR_BLOCK;
}

static guint
look_up_time (GVariant   *map,
              const char *key)
{
  return (guint) CLAMP (look_up_int (map, key, 0), 0, 60 * 1000);
}

static void
add_mode (EditorGrid *self,
          GVariant   *map)
{
  gint64 percentage = look_up_int (map, "cell_percentage", 100);
  Mode mode = {
    .name = look_up_text (map, "name"),
    .cursor = {
      .shape = read_shape (map),
      .part = percentage > 0 ? (double) MIN (percentage, 100) / 100 : 1,
      .highlight = (guint) CLAMP (look_up_int (map, "attr_id", 0), 0, MAX_HIGHLIGHTS),
      .blink_wait = look_up_time (map, "blinkwait"),
      .blink_on = look_up_time (map, "blinkon"),
      .blink_off = look_up_time (map, "blinkoff"),
    },
  };

  g_array_append_val (self->modes, mode);
}

static void
mode_info_set (EditorGrid *self,
               GVariant   *args)
{
  g_autoptr(GVariant) modes = get_container (args, 1);

  if (modes == NULL)
    return;

  g_array_set_size (self->modes, 0);
  for (gsize i = 0; i < MIN (g_variant_n_children (modes), MAX_MODES); i++)
    {
      g_autoptr(GVariant) mode = get_container (modes, i);

      if (mode != NULL && g_variant_is_of_type (mode, G_VARIANT_TYPE_VARDICT))
        add_mode (self, mode);
    }
}

static void
mode_change (EditorGrid *self,
             GVariant   *args)
{
  self->mode = get_count (args, 1, MAX_MODES);
}

static void
busy_start (EditorGrid *self,
            GVariant   *args G_GNUC_UNUSED)
{
  self->is_busy = TRUE;
}

static void
busy_stop (EditorGrid *self,
           GVariant   *args G_GNUC_UNUSED)
{
  self->is_busy = FALSE;
}

static void
mouse_on (EditorGrid *self,
          GVariant   *args G_GNUC_UNUSED)
{
  self->wants_mouse = TRUE;
}

static void
mouse_off (EditorGrid *self,
           GVariant   *args G_GNUC_UNUSED)
{
  self->wants_mouse = FALSE;
}

static void
set_title (EditorGrid *self,
           GVariant   *args)
{
  g_free (self->title);
  self->title = get_text (args, 0);
}

static void
option_set (EditorGrid *self,
            GVariant   *args)
{
  g_autofree char *name = get_text (args, 0);

  if (!g_str_equal (name, "guifont"))
    return;

  g_free (self->font);
  self->font = get_text (args, 1);
}

static void
bell (EditorGrid *self,
      GVariant   *args G_GNUC_UNUSED)
{
  g_signal_emit (self, signals[SIGNAL_BELL], 0);
}

static void
flush (EditorGrid *self,
       GVariant   *args G_GNUC_UNUSED)
{
  g_signal_emit (self, signals[SIGNAL_FLUSHED], 0);
}

/* ---- events ---- */

typedef void (*Draw) (EditorGrid *self,
                      GVariant   *args);

/* Sorted. */
static const struct
{
  const char *name;
  Draw draw;
} events[] = {
  { "bell", bell },
  { "busy_start", busy_start },
  { "busy_stop", busy_stop },
  { "default_colors_set", default_colors_set },
  { "flush", flush },
  { "grid_clear", grid_clear },
  { "grid_cursor_goto", grid_cursor_goto },
  { "grid_line", grid_line },
  { "grid_resize", grid_resize },
  { "grid_scroll", grid_scroll },
  { "hl_attr_define", hl_attr_define },
  { "mode_change", mode_change },
  { "mode_info_set", mode_info_set },
  { "mouse_off", mouse_off },
  { "mouse_on", mouse_on },
  { "option_set", option_set },
  { "set_title", set_title },
  { "visual_bell", bell },
};

static Draw
find_draw (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    if (g_str_equal (events[i].name, name))
      return events[i].draw;

  return NULL;
}

/* An event is its name, and then the arguments of each time that it has happened. */
static void
draw_event (EditorGrid *self,
            GVariant   *event)
{
  g_autofree char *name = get_text (event, 0);
  Draw draw = find_draw (name);

  if (draw == NULL)
    return;

  for (gsize i = 1; i < g_variant_n_children (event); i++)
    {
      g_autoptr(GVariant) args = get_container (event, i);

      if (args != NULL)
        draw (self, args);
    }
}

void
editor_grid_redraw (EditorGrid *self,
                    GVariant   *params)
{
  for (gsize i = 0; i < g_variant_n_children (params); i++)
    {
      g_autoptr(GVariant) event = get_container (params, i);

      if (event != NULL)
        draw_event (self, event);
    }
}

/* ---- as it is now ---- */

guint
editor_grid_get_columns (EditorGrid *self)
{
  return self->columns;
}

guint
editor_grid_get_rows (EditorGrid *self)
{
  return self->rows;
}

const EditorCell *
editor_grid_get_cells (EditorGrid *self,
                       guint       row)
{
  return get_cell (self, row, 0);
}

void
editor_grid_get_cursor (EditorGrid   *self,
                        EditorCursor *cursor,
                        guint        *row,
                        guint        *column)
{
  *cursor = (EditorCursor) { .shape = EDITOR_CURSOR_BLOCK, .part = 1 };
  if (self->mode < self->modes->len)
    *cursor = g_array_index (self->modes, Mode, self->mode).cursor;
  *row = self->cursor_row;
  *column = self->cursor_column;
}

gboolean
editor_grid_is_busy (EditorGrid *self)
{
  return self->is_busy;
}

gboolean
editor_grid_wants_mouse (EditorGrid *self)
{
  return self->wants_mouse;
}

const char *
editor_grid_get_title (EditorGrid *self)
{
  return self->title;
}

const char *
editor_grid_get_mode (EditorGrid *self)
{
  return self->mode < self->modes->len ? g_array_index (self->modes, Mode, self->mode).name : NULL;
}

const char *
editor_grid_get_font (EditorGrid *self)
{
  return self->font;
}

gboolean
editor_grid_take_changed (EditorGrid *self,
                          guint       row)
{
  gboolean is_changed = self->is_changed[row];

  self->is_changed[row] = FALSE;
  return is_changed;
}

void
editor_grid_change_all (EditorGrid *self)
{
  for (guint row = 0; row < self->rows; row++)
    self->is_changed[row] = TRUE;
}

char *
editor_grid_dup_text (EditorGrid *self,
                      guint       row)
{
  g_autoptr(GString) text = g_string_new (NULL);

  for (guint column = 0; column < self->columns; column++)
    g_string_append (text, get_cell (self, row, column)->text);

  return g_strdup (g_strchomp (text->str));
}

static void
editor_grid_finalize (GObject *object)
{
  EditorGrid *self = EDITOR_GRID (object);

  g_free (self->cells);
  g_free (self->is_changed);
  g_array_unref (self->highlights);
  g_array_unref (self->modes);
  g_free (self->title);
  g_free (self->font);

  G_OBJECT_CLASS (editor_grid_parent_class)->finalize (object);
}

static void
editor_grid_class_init (EditorGridClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = editor_grid_finalize;

  /* What was drawn belongs together, and can be shown. */
  signals[SIGNAL_FLUSHED] = g_signal_new ("flushed", EDITOR_TYPE_GRID, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_BELL] = g_signal_new ("bell", EDITOR_TYPE_GRID, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                       NULL, G_TYPE_NONE, 0);
}

static void
editor_grid_init (EditorGrid *self)
{
  self->highlights = g_array_new (FALSE, TRUE, sizeof (Highlight));
  g_array_append_val (self->highlights, none);
  self->defaults = (Highlight) { .foreground = 0, .background = 0xffffff, .special = 0xff0000 };
  self->modes = g_array_new (FALSE, TRUE, sizeof (Mode));
  g_array_set_clear_func (self->modes, clear_mode);
  self->title = g_strdup ("");
  self->font = g_strdup ("");
}

EditorGrid *
editor_grid_new (void)
{
  return g_object_new (EDITOR_TYPE_GRID, NULL);
}
