/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-link.h"

#include <signal.h>

/* What is read at a time, and thus what waits at most for each direction. */
#define PIECE_SIZE 65536

/* What one side sends. */
typedef struct
{
  ToolTapLink *link; /* not owned */
  ToolTapSide side;
  GSource *source;   /* owned; for reading, or for writing while something waits */
  guint8 *waiting;   /* owned; read but not written; NULL if there is nothing */
  gsize n_waiting;
  gsize n_written;   /* of these */
  gboolean is_over;
} Direction;

struct _ToolTapLink
{
  ToolTapEnd *ends[TOOL_TAP_N_SIDES];       /* owned; the target's is NULL at first */
  Direction directions[TOOL_TAP_N_SIDES];
  GCancellable *cancellable;                /* owned; of opening the target, and waiting for it */
  gboolean is_busy;                         /* a callback of the target's will come */
  gboolean is_closed;
  ToolTapLinkFunc func;
  gpointer user_data;
};

static void read_on (Direction *self);

static void
link_free (ToolTapLink *self)
{
  for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
    {
      g_clear_pointer (&self->ends[i], tool_tap_end_free);
      g_free (self->directions[i].waiting);
    }
  g_object_unref (self->cancellable);
  g_free (self);
}

static void
tell (ToolTapLink  *self,
      ToolTapEvent  event)
{
  self->func (self, &event, self->user_data);
}

static void
set_source (Direction   *self,
            GSource     *source,
            GSourceFunc  callback)
{
  if (self->source != NULL)
    g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);

  if (source == NULL)
    return;

  self->source = source;
  g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, NULL);
}

/* ---- the end ---- */

/* The link may be gone afterwards. */
static void
closed (ToolTapLink *self,
        const char  *reason)
{
  self->is_closed = TRUE;
  tell (self, (ToolTapEvent) { .kind = TOOL_TAP_CLOSED, .text = reason });

  if (!self->is_busy)
    link_free (self);
}

static char *
describe_status (GSubprocess *program)
{
  if (g_subprocess_get_if_signaled (program))
    return g_strdup_printf ("the program was ended by signal %d",
                            g_subprocess_get_term_sig (program));

  if (g_subprocess_get_exit_status (program) != 0)
    return g_strdup_printf ("the program ended with status %d",
                            g_subprocess_get_exit_status (program));

  return NULL;
}

static void
program_ended_cb (GObject      *source,
                  GAsyncResult *result,
                  gpointer      user_data)
{
  ToolTapLink *self = user_data;
  gboolean has_ended = g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  g_autofree char *status = has_ended ? describe_status (G_SUBPROCESS (source)) : NULL;

  self->is_busy = FALSE;
  if (self->is_closed)
    link_free (self);
  else
    closed (self, status);
}

static void
stop (ToolTapLink *self)
{
  for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
    {
      set_source (&self->directions[i], NULL, NULL);
      self->directions[i].is_over = TRUE;
      if (self->ends[i] != NULL)
        tool_tap_end_close (self->ends[i]);
    }
}

/* A program is waited for: how it ended may be what one wants to know. */
static void
close_link (ToolTapLink *self,
            const char  *reason)
{
  ToolTapEnd *target = self->ends[TOOL_TAP_SIDE_TARGET];
  GSubprocess *program = target != NULL ? tool_tap_end_get_program (target) : NULL;

  stop (self);
  if (program == NULL)
    {
      closed (self, reason);
      return;
    }

  self->is_busy = TRUE;
  g_subprocess_wait_async (program, self->cancellable, program_ended_cb, self);
}

/* At once: g_subprocess_send_signal() does it in another thread, some time later. */
static void
send_signal (GSubprocess *program,
             int          number)
{
  const char *identifier = g_subprocess_get_identifier (program);

  if (identifier != NULL)
    kill ((pid_t) g_ascii_strtoll (identifier, NULL, 10), number);
}

void
tool_tap_link_cut (ToolTapLink *self,
                   int          signal_number,
                   const char  *reason)
{
  ToolTapEnd *target = self->ends[TOOL_TAP_SIDE_TARGET];
  GSubprocess *program = target != NULL ? tool_tap_end_get_program (target) : NULL;

  if (program != NULL)
    send_signal (program, signal_number);
  g_cancellable_cancel (self->cancellable);
  stop (self);
  closed (self, reason);
}

/* ---- one direction ---- */

static ToolTapEnd *
get_source_end (Direction *self)
{
  return self->link->ends[self->side];
}

static ToolTapEnd *
get_sink_end (Direction *self)
{
  return self->link->ends[!self->side];
}

/* The link may be gone afterwards. */
static void
end_direction (Direction  *self,
               const char *reason)
{
  ToolTapLink *link = self->link;

  set_source (self, NULL, NULL);
  self->is_over = TRUE;
  tell (link, (ToolTapEvent) { .kind = TOOL_TAP_ENDED, .side = self->side, .text = reason });

  if (link->directions[!self->side].is_over)
    close_link (link, NULL);
}

/* Whoever sent it has gone, in both directions. */
static void
end_by_reading (Direction    *self,
                const GError *error)
{
  ToolTapLink *link = self->link;

  if (error == NULL)
    {
      tool_tap_end_finish_output (get_sink_end (self));
      end_direction (self, NULL);
      return;
    }

  set_source (self, NULL, NULL);
  tell (link, (ToolTapEvent) { .kind = TOOL_TAP_ENDED, .side = self->side,
                               .text = error->message });
  close_link (link, NULL);
}

/* Nobody reads it: what the other one sends may go on. */
static void
end_by_writing (Direction    *self,
                const GError *error)
{
  g_autofree char *reason = g_strdup_printf ("not read any more: %s", error->message);

  tool_tap_end_finish_input (get_source_end (self));
  end_direction (self, reason);
}

static gboolean
would_block (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

/* All that is taken, which may be nothing. FALSE: the direction has ended, and the link may be gone. */
static gboolean
write_out (Direction    *self,
           const guint8 *bytes,
           gsize         size,
           gsize        *n_written,
           GError      **error)
{
  *n_written = 0;
  while (*n_written < size)
    {
      g_autoptr(GError) local_error = NULL;
      gssize n = tool_tap_end_write (get_sink_end (self), bytes + *n_written, size - *n_written,
                                     &local_error);

      if (n < 0 && !would_block (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (n <= 0)
        break;
      *n_written += (gsize) n;
    }

  return TRUE;
}

static gboolean
writable_cb (gpointer stream G_GNUC_UNUSED,
             gpointer user_data)
{
  Direction *self = user_data;
  g_autoptr(GError) error = NULL;
  gsize n;

  if (!write_out (self, self->waiting + self->n_written, self->n_waiting - self->n_written, &n,
                  &error))
    {
      end_by_writing (self, error);
      return G_SOURCE_REMOVE;
    }

  self->n_written += n;
  if (self->n_written < self->n_waiting)
    return G_SOURCE_CONTINUE;

  g_clear_pointer (&self->waiting, g_free);
  read_on (self);
  return G_SOURCE_REMOVE;
}

static void
wait_for_sink (Direction    *self,
               const guint8 *bytes,
               gsize         size)
{
  self->waiting = g_memdup2 (bytes, size);
  self->n_waiting = size;
  self->n_written = 0;
  set_source (self, tool_tap_end_create_source (get_sink_end (self), TRUE),
              G_SOURCE_FUNC (writable_cb));
}

/* First they are passed on, then they are looked at. */
static gboolean
pass_on (Direction    *self,
         const guint8 *bytes,
         gsize         size)
{
  g_autoptr(GError) error = NULL;
  gsize n;
  gboolean is_read = write_out (self, bytes, size, &n, &error);

  tell (self->link, (ToolTapEvent) { .kind = TOOL_TAP_BYTES, .side = self->side, .bytes = bytes,
                                     .n_bytes = size });
  if (!is_read)
    end_by_writing (self, error);
  else if (n < size)
    wait_for_sink (self, bytes + n, size - n);
  else
    return G_SOURCE_CONTINUE;

  return G_SOURCE_REMOVE;
}

static gboolean
readable_cb (gpointer stream G_GNUC_UNUSED,
             gpointer user_data)
{
  Direction *self = user_data;
  g_autoptr(GError) error = NULL;
  guint8 piece[PIECE_SIZE];
  gssize n = tool_tap_end_read (get_source_end (self), piece, sizeof piece, &error);

  if (n > 0)
    return pass_on (self, piece, (gsize) n);

  if (n < 0 && would_block (error))
    return G_SOURCE_CONTINUE;

  end_by_reading (self, error);
  return G_SOURCE_REMOVE;
}

static void
read_on (Direction *self)
{
  set_source (self, tool_tap_end_create_source (get_source_end (self), FALSE),
              G_SOURCE_FUNC (readable_cb));
}

/* ---- the beginning ---- */

static void
target_opened_cb (GObject      *source G_GNUC_UNUSED,
                  GAsyncResult *result,
                  gpointer      user_data)
{
  ToolTapLink *self = user_data;
  g_autoptr(GError) error = NULL;
  ToolTapEnd *target = tool_tap_target_open_finish (result, &error);

  self->is_busy = FALSE;
  self->ends[TOOL_TAP_SIDE_TARGET] = target;
  if (self->is_closed)
    link_free (self);
  else if (target == NULL)
    {
      g_autofree char *reason = g_strdup_printf ("no target: %s", error->message);

      close_link (self, reason);
    }
  else
    for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
      read_on (&self->directions[i]);
}

ToolTapLink *
tool_tap_link_new (ToolTapEnd      *client,
                   ToolTapTarget   *target,
                   ToolTapLinkFunc  func,
                   gpointer         user_data)
{
  ToolTapLink *self = g_new0 (ToolTapLink, 1);

  self->ends[TOOL_TAP_SIDE_CLIENT] = client;
  for (guint i = 0; i < TOOL_TAP_N_SIDES; i++)
    {
      self->directions[i].link = self;
      self->directions[i].side = i;
    }
  self->cancellable = g_cancellable_new ();
  self->func = func;
  self->user_data = user_data;

  self->is_busy = TRUE;
  tool_tap_target_open_async (target, self->cancellable, target_opened_cb, self);
  return self;
}
