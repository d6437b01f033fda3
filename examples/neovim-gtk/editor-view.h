/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

#include "editor-grid.h"

G_BEGIN_DECLS

/* Shows a grid, and tells what is typed and where the mouse is. */

#define EDITOR_TYPE_VIEW (editor_view_get_type ())
G_DECLARE_FINAL_TYPE (EditorView, editor_view, EDITOR, VIEW, GtkWidget)

EditorGrid *editor_view_get_grid (EditorView *self);

/* The size of the widget in cells, at least one in each direction. */
void editor_view_get_size (EditorView *self,
                           guint      *columns,
                           guint      *rows);

/* What it asks for when the window is opened; 100 by 32 otherwise. */
void editor_view_set_natural_size (EditorView *self,
                                   guint       columns,
                                   guint       rows);

/* As a description of Pango, such as “Monospace 11”. */
void editor_view_set_font (EditorView *self,
                           const char *font);

/* Makes the font larger or smaller; by 0: as large as it was set. */
void editor_view_zoom (EditorView *self,
                       int         points);

G_END_DECLS
