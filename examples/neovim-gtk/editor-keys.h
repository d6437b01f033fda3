/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gdk/gdk.h>

G_BEGIN_DECLS

/* What was typed as Neovim writes it, such as “<C-Left>”; NULL for a key that says nothing alone. */
char *editor_keys_from_event (guint           keyval,
                              GdkModifierType state) G_GNUC_WARN_UNUSED_RESULT;

/* Text as it was committed by an input method. */
char *editor_keys_from_text (const char *text) G_GNUC_WARN_UNUSED_RESULT;

/* “C”, “S”, “A”, “D”, or several of them, as nvim_input_mouse() takes them. */
char *editor_keys_from_modifiers (GdkModifierType state) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
