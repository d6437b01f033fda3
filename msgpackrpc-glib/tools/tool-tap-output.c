/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-output.h"

#include <errno.h>

#include <glib/gi18n.h>

#include "tool.h"

/* Bytes that wait to be written. */
#define MAX_WAITING (16 << 20)

struct _ToolTapOutput
{
  FILE *file;         /* owned; used by the thread */
  GThread *thread;

  GMutex lock;        /* guards what follows */
  GCond changed;
  GString *waiting;   /* owned */
  guint64 n_left_out; /* texts, since the last one that was not */
  gboolean is_ending;
  gboolean has_failed;
};

static void
complain (int code)
{
  g_autoptr(GError) error = NULL;

  g_set_error (&error, G_FILE_ERROR, (int) g_file_error_from_errno (code),
               _("Could not write what was seen, which goes on all the same: %s"),
               g_strerror (code));
  tool_complain (error);
}

/* With the lock held, which it lets go of meanwhile. */
static void
write_waiting (ToolTapOutput *self)
{
  GString *text = self->waiting;
  gboolean is_written;
  int code;

  self->waiting = g_string_new (NULL);
  g_mutex_unlock (&self->lock);

  is_written = fwrite (text->str, 1, text->len, self->file) == text->len &&
               fflush (self->file) == 0;
  code = errno;
  if (!is_written)
    complain (code);
  g_string_free (text, TRUE);

  g_mutex_lock (&self->lock);
  self->has_failed = !is_written;
}

static gpointer
output_thread (gpointer data)
{
  ToolTapOutput *self = data;
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (!self->has_failed)
    {
      if (self->waiting->len > 0)
        write_waiting (self);
      else if (self->is_ending)
        break;
      else
        g_cond_wait (&self->changed, &self->lock);
    }

  return NULL;
}

ToolTapOutput *
tool_tap_output_new (FILE *file)
{
  ToolTapOutput *self = g_new0 (ToolTapOutput, 1);

  self->file = file;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->waiting = g_string_new (NULL);
  self->thread = g_thread_new ("output", output_thread, self);

  return self;
}

/* With the lock held. */
static void
tell_left_out (ToolTapOutput *self)
{
  if (self->n_left_out == 0)
    return;

  g_string_append_printf (self->waiting,
                          "… %" G_GUINT64_FORMAT " of these are missing: nobody reads them as fast "
                          "as they come\n",
                          self->n_left_out);
  self->n_left_out = 0;
}

void
tool_tap_output_free (ToolTapOutput *self)
{
  g_mutex_lock (&self->lock);
  tell_left_out (self);
  self->is_ending = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);

  g_thread_join (self->thread);
  fclose (self->file);
  g_string_free (self->waiting, TRUE);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
tool_tap_output_append (ToolTapOutput *self,
                        const char    *text)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->has_failed)
    return;

  if (self->waiting->len > MAX_WAITING)
    {
      self->n_left_out++;
      return;
    }

  tell_left_out (self);
  g_string_append (self->waiting, text);
  g_cond_signal (&self->changed);
}
