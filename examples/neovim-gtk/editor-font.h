/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

#include "editor-grid.h"

G_BEGIN_DECLS

/* A font whose characters all take one cell or two, and the shapes of those that were drawn. */
typedef struct _EditorFont EditorFont;

EditorFont *editor_font_new  (PangoContext               *context,
                              const PangoFontDescription *description);
void        editor_font_free (EditorFont                 *self);

int editor_font_get_width  (const EditorFont *self);
int editor_font_get_height (const EditorFont *self);
int editor_font_get_ascent (const EditorFont *self);

/* Adds what draws cells, up to the first one that needs another font or style, with the left end of
 * the first at x and the top at y. Returns how many cells that were. */
guint editor_font_append (EditorFont       *self,
                          GtkSnapshot      *snapshot,
                          const EditorCell *cells,
                          guint             n_cells,
                          EditorStyle       style,
                          const GdkRGBA    *colour,
                          float             x,
                          float             y);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (EditorFont, editor_font_free)

G_END_DECLS
