/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gtk/gtk.h>

#include "editor-view.h"

G_BEGIN_DECLS

#define EDITOR_TYPE_WINDOW (editor_window_get_type ())
G_DECLARE_FINAL_TYPE (EditorWindow, editor_window, EDITOR, WINDOW, GtkApplicationWindow)

/* With no arguments at all, NULL, there is no Neovim, and others draw in the view. */
EditorWindow *editor_window_new      (GtkApplication     *application,
                                      const char * const *arguments);
EditorView   *editor_window_get_view (EditorWindow       *self);

G_END_DECLS
