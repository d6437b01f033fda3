/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

#include "editor-grid.h"

G_BEGIN_DECLS

/* A Neovim of its own, as a subprocess, whose user interface is a grid. Nothing here blocks. */

#define EDITOR_TYPE_SESSION (editor_session_get_type ())
G_DECLARE_FINAL_TYPE (EditorSession, editor_session, EDITOR, SESSION, GObject)

/* What Neovim is started with, besides what makes it a user interface's: files and options. */
EditorSession *editor_session_new (EditorGrid         *grid,
                                   GdkClipboard       *clipboard,
                                   GdkClipboard       *primary,
                                   const char * const *arguments);

/* Starts Neovim; once. */
void editor_session_start  (EditorSession *self,
                            guint          columns,
                            guint          rows);
void editor_session_resize (EditorSession *self,
                            guint          columns,
                            guint          rows);
void editor_session_type   (EditorSession *self,
                            const char    *keys);
void editor_session_mouse  (EditorSession *self,
                            const char    *button,
                            const char    *action,
                            const char    *modifiers,
                            guint          row,
                            guint          column);
void editor_session_edit     (EditorSession *self,
                              const char    *path);
/* The option “background”, unless the user's configuration has its own will. */
void editor_session_set_dark (EditorSession *self,
                              gboolean       is_dark);

/* Neovim asks about what is not saved, and ends, or does not. FALSE if it is still asking. */
gboolean editor_session_quit (EditorSession *self);
/* Ends it, whatever it is doing. */
void     editor_session_stop (EditorSession *self);

gboolean editor_session_is_running (EditorSession *self);
/* It has been asked something, and says nothing at all. */
gboolean editor_session_is_stalled (EditorSession *self);

G_END_DECLS
