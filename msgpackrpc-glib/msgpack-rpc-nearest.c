/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-nearest-private.h"

#include <string.h>

#define MAX_LENGTH 64
#define MAX_DISTANCE 3
#define MAX_CONSIDERED 512

gboolean
_msgpack_rpc_nearest_init (MsgpackRpcNearest *self,
                           const char        *wanted)
{
  gsize length = strnlen (wanted, MAX_LENGTH + 1);

  if (length == 0 || length > MAX_LENGTH)
    return FALSE;

  self->wanted = wanted;
  self->length = length;
  self->limit = MIN (1 + length / 4, MAX_DISTANCE);
  return TRUE;
}

/* How many bytes are to be added, dropped or replaced to make one of the other, whatever their case;
 * or more than the limit. */
static guint
get_distance (MsgpackRpcNearest *self,
              const char        *name,
              gsize              length)
{
  guint8 row[MAX_LENGTH + 1]; /* of each beginning of @name, to the beginning of what is wanted */

  for (gsize j = 0; j <= length; j++)
    row[j] = j;

  for (gsize i = 1; i <= self->length; i++)
    {
      /* What is further from the diagonal is beyond the limit. */
      gsize first = i > self->limit ? i - self->limit : 1;
      gsize last = MIN (i + self->limit, length);
      guint8 diagonal = row[first - 1];
      guint8 least;

      row[first - 1] = least = first == 1 ? i : G_MAXUINT8 - 1;
      for (gsize j = first; j <= last; j++)
        {
          gboolean is_same = g_ascii_tolower (self->wanted[i - 1]) == g_ascii_tolower (name[j - 1]);
          guint8 above = j < i + self->limit ? row[j] : G_MAXUINT8 - 1;
          guint8 replaced = diagonal + !is_same;

          diagonal = row[j];
          row[j] = MIN (replaced, MIN (above, row[j - 1]) + 1);
          least = MIN (least, row[j]);
        }

      if (least > self->limit)
        return self->limit + 1;
    }

  return row[length];
}

static void
insert (MsgpackRpcNearest *self,
        const char        *name,
        guint              distance)
{
  guint i = self->n;

  if (i == MSGPACK_RPC_N_NEAREST)
    {
      i--;
      if (distance >= self->distances[i])
        return;
      g_free (self->names[i]);
    }
  else
    {
      self->n++;
    }

  for (; i > 0 && self->distances[i - 1] > distance; i--)
    {
      self->names[i] = self->names[i - 1];
      self->distances[i] = self->distances[i - 1];
    }
  self->names[i] = g_strdup (name);
  self->distances[i] = distance;
}

gboolean
_msgpack_rpc_nearest_consider (MsgpackRpcNearest *self,
                               const char        *name)
{
  gsize length = strnlen (name, MAX_LENGTH + 1);
  gsize difference = length > self->length ? length - self->length : self->length - length;
  guint distance;

  /* What is wanted itself was added after it had been looked up in vain. */
  if (length > 0 && length <= MAX_LENGTH && difference <= self->limit &&
      strcmp (name, self->wanted) != 0)
    {
      distance = get_distance (self, name, length);
      if (distance <= self->limit)
        insert (self, name, distance);
    }

  return ++self->n_considered < MAX_CONSIDERED;
}

char *
_msgpack_rpc_nearest_end (MsgpackRpcNearest *self)
{
  g_autoptr(GString) text = NULL;

  if (self->n == 0)
    return NULL;

  text = g_string_new (self->n == 1 ? "; the nearest is" : "; the nearest are");
  for (guint i = 0; i < self->n; i++)
    {
      if (i > 0)
        g_string_append (text, i + 1 < self->n ? "," : " and");
      g_string_append_printf (text, " “%s”", self->names[i]);
    }

  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
_msgpack_rpc_nearest_clear (MsgpackRpcNearest *self)
{
  for (guint i = 0; i < self->n; i++)
    g_free (self->names[i]);
  self->n = 0;
}
