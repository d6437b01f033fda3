/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

/* What Neovim has drawn: cells, what they look like, and the cursor. It knows of no window. */

/* A character with what combines with it, in UTF-8. */
#define EDITOR_CELL_TEXT 32

typedef enum
{
  EDITOR_STYLE_BOLD = 1 << 0,
  EDITOR_STYLE_ITALIC = 1 << 1,
  EDITOR_STYLE_UNDERLINE = 1 << 2,
  EDITOR_STYLE_UNDERDOUBLE = 1 << 3,
  EDITOR_STYLE_UNDERDOTTED = 1 << 4,
  EDITOR_STYLE_UNDERDASHED = 1 << 5,
  EDITOR_STYLE_UNDERCURL = 1 << 6,
  EDITOR_STYLE_STRIKETHROUGH = 1 << 7,
  EDITOR_STYLE_REVERSE = 1 << 8,
} EditorStyle;

typedef struct
{
  char text[EDITOR_CELL_TEXT]; /* empty for the right half of a wide character */
  guint highlight;
} EditorCell;

/* With the default colours where none are given. */
typedef struct
{
  GdkRGBA foreground;
  GdkRGBA background;
  GdkRGBA special; /* of underlines */
  EditorStyle style;
} EditorLook;

typedef enum
{
  EDITOR_CURSOR_BLOCK,
  EDITOR_CURSOR_HORIZONTAL,
  EDITOR_CURSOR_VERTICAL,
} EditorCursorShape;

typedef struct
{
  EditorCursorShape shape;
  double part;        /* of the cell, from 0 to 1 */
  guint highlight;    /* 0: that of the cell, reversed */
  guint blink_wait;   /* milliseconds; 0: it does not blink */
  guint blink_on;
  guint blink_off;
} EditorCursor;

#define EDITOR_TYPE_GRID (editor_grid_get_type ())
G_DECLARE_FINAL_TYPE (EditorGrid, editor_grid, EDITOR, GRID, GObject)

EditorGrid *editor_grid_new (void);

/* Draws what a notification “redraw” says. Anything in it that has not the right form is left out. */
void editor_grid_redraw (EditorGrid *self,
                         GVariant   *params);

guint             editor_grid_get_columns    (EditorGrid *self);
guint             editor_grid_get_rows       (EditorGrid *self);
const EditorCell *editor_grid_get_cells      (EditorGrid *self,
                                              guint       row);
void              editor_grid_get_look       (EditorGrid *self,
                                              guint       highlight,
                                              EditorLook *look);
void              editor_grid_get_cursor     (EditorGrid   *self,
                                              EditorCursor *cursor,
                                              guint        *row,
                                              guint        *column);
gboolean          editor_grid_is_busy        (EditorGrid *self);
gboolean          editor_grid_wants_mouse    (EditorGrid *self);
const char       *editor_grid_get_title      (EditorGrid *self);
const char       *editor_grid_get_mode       (EditorGrid *self);
/* The option “guifont”; empty if it is not set. */
const char       *editor_grid_get_font       (EditorGrid *self);

/* Whether the row has changed since the last time that this was asked. */
gboolean editor_grid_take_changed (EditorGrid *self,
                                   guint       row);

/* All rows have to be drawn again, since a font has changed. */
void editor_grid_change_all (EditorGrid *self);

/* The text of a row without the spaces at its end. */
char *editor_grid_dup_text (EditorGrid *self,
                            guint       row) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
