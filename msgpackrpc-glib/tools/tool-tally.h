/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many kinds are told apart, and how many characters of each are kept: a peer chooses them. */
#define TOOL_TALLY_KINDS 20
#define TOOL_TALLY_LENGTH 200

/* How often which text has come. */
typedef struct _ToolTally ToolTally;

typedef struct
{
  char *text; /* owned by the tally */
  guint64 count;
} ToolTallyKind;

ToolTally *tool_tally_new  (void) G_GNUC_WARN_UNUSED_RESULT;
void       tool_tally_free (ToolTally *self);

void    tool_tally_add        (ToolTally       *self,
                               const char      *text);
guint64 tool_tally_get_count  (const ToolTally *self);
/* Those that were of none of the kinds, as there were enough already. */
guint64 tool_tally_get_others (const ToolTally *self);
/* The kinds, that with the largest count first; each is a pointer to a ToolTallyKind. */
GPtrArray *tool_tally_get_kinds (const ToolTally *self) G_GNUC_WARN_UNUSED_RESULT;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolTally, tool_tally_free)

G_END_DECLS
