/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "editor-view.h"

G_BEGIN_DECLS

/* Draws what a file has of a Neovim's messages, one frame for each flush, prints how long frames
 * took, and ends the application. */
void editor_replay_start (EditorView *view,
                          const char *path);

G_END_DECLS
