/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tally.h"

#include <string.h>

struct _ToolTally
{
  ToolTallyKind kinds[TOOL_TALLY_KINDS]; /* in the order in which they came */
  guint n_kinds;
  guint64 count;
  guint64 others;
};

ToolTally *
tool_tally_new (void)
{
  return g_new0 (ToolTally, 1);
}

void
tool_tally_free (ToolTally *self)
{
  for (guint i = 0; i < self->n_kinds; i++)
    g_free (self->kinds[i].text);
  g_free (self);
}

/* Finds the end of what is kept. Does not look at the rest: errors come often, and may be long. */
static gsize
get_kept_length (const char *text,
                 gboolean   *is_cut)
{
  gsize size = strnlen (text, TOOL_TALLY_LENGTH * 4 + 1);
  const char *end = text;

  for (guint n = 0; n < TOOL_TALLY_LENGTH && *end != '\0'; n++)
    {
      gunichar c = g_utf8_get_char_validated (end, (gssize) (text + size - end));

      if (c == (gunichar) -1 || c == (gunichar) -2)
        break;
      end = g_utf8_next_char (end);
    }

  *is_cut = *end != '\0';
  return (gsize) (end - text);
}

static ToolTallyKind *
find_kind (ToolTally  *self,
           const char *text,
           gsize       length,
           gboolean    is_cut)
{
  for (guint i = 0; i < self->n_kinds; i++)
    if (strncmp (self->kinds[i].text, text, length) == 0 &&
        g_str_equal (self->kinds[i].text + length, is_cut ? "…" : ""))
      return &self->kinds[i];

  return NULL;
}

static ToolTallyKind *
add_kind (ToolTally  *self,
          const char *text,
          gsize       length,
          gboolean    is_cut)
{
  ToolTallyKind *kind;

  if (self->n_kinds == TOOL_TALLY_KINDS)
    return NULL;

  kind = &self->kinds[self->n_kinds++];
  kind->text = g_strdup_printf ("%.*s%s", (int) length, text, is_cut ? "…" : "");
  return kind;
}

void
tool_tally_add (ToolTally  *self,
                const char *text)
{
  gboolean is_cut;
  gsize length = get_kept_length (text, &is_cut);
  ToolTallyKind *kind = find_kind (self, text, length, is_cut);

  if (kind == NULL)
    kind = add_kind (self, text, length, is_cut);

  self->count++;
  if (kind != NULL)
    kind->count++;
  else
    self->others++;
}

guint64
tool_tally_get_count (const ToolTally *self)
{
  return self->count;
}

guint64
tool_tally_get_others (const ToolTally *self)
{
  return self->others;
}

static gint
compare_kinds (gconstpointer a,
               gconstpointer b)
{
  const ToolTallyKind *left = *(const ToolTallyKind * const *) a;
  const ToolTallyKind *right = *(const ToolTallyKind * const *) b;

  if (left->count != right->count)
    return left->count > right->count ? -1 : 1;
  return left < right ? -1 : 1;
}

GPtrArray *
tool_tally_get_kinds (const ToolTally *self)
{
  GPtrArray *kinds = g_ptr_array_sized_new (self->n_kinds);

  for (guint i = 0; i < self->n_kinds; i++)
    g_ptr_array_add (kinds, (gpointer) &self->kinds[i]);
  g_ptr_array_sort (kinds, compare_kinds);

  return kinds;
}
