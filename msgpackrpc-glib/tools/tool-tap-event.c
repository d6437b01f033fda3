/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-event.h"

void
tool_tap_head_clear (ToolTapHead *self)
{
  g_clear_pointer (&self->addresses, g_strfreev);
  g_clear_pointer (&self->target, g_free);
}
