/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-alarm.h"

#include <unistd.h>

#ifdef HAVE_TIMERFD
#include <sys/timerfd.h>
#endif

#include "tool-pace.h"

typedef struct
{
  GSource parent;

  int fd; /* a timer of the kernel's, or -1 */
} Alarm;

static gboolean
alarm_dispatch (GSource     *source,
                GSourceFunc  callback,
                gpointer     user_data)
{
  Alarm *self = (Alarm *) source;
  guint64 n;

  /* If there is nothing to read, it was set again meanwhile. */
  if (self->fd >= 0 && read (self->fd, &n, sizeof n) < 0)
    return G_SOURCE_CONTINUE;

  g_source_set_ready_time (source, -1);
  return callback (user_data);
}

static void
alarm_finalize (GSource *source)
{
  Alarm *self = (Alarm *) source;

  if (self->fd >= 0)
    close (self->fd);
}

static GSourceFuncs alarm_funcs = {
  .dispatch = alarm_dispatch,
  .finalize = alarm_finalize,
};

static int
open_timer (void)
{
#ifdef HAVE_TIMERFD
  return timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
#else
  return -1;
#endif
}

GSource *
tool_alarm_new (void)
{
  GSource *source = g_source_new (&alarm_funcs, sizeof (Alarm));
  Alarm *self = (Alarm *) source;

  g_source_set_static_name (source, "msgpackrpc alarm");
  self->fd = open_timer ();
  if (self->fd >= 0)
    g_source_add_unix_fd (source, self->fd, G_IO_IN);

  return source;
}

#ifdef HAVE_TIMERFD
static void
set_timer (int     fd,
           guint64 time)
{
  const struct itimerspec when = {
    .it_value = {
      .tv_sec = (time_t) MIN (time / TOOL_NANOSECONDS, G_MAXINT32),
      .tv_nsec = (long) (time % TOOL_NANOSECONDS),
    },
  };

  timerfd_settime (fd, TFD_TIMER_ABSTIME, &when, NULL);
}
#endif

void
tool_alarm_set (GSource *alarm,
                guint64  time)
{
  /* 0 would turn a timer off. */
  time = MAX (time, 1);

#ifdef HAVE_TIMERFD
  if (((Alarm *) alarm)->fd >= 0)
    {
      set_timer (((Alarm *) alarm)->fd, time);
      return;
    }
#endif

  g_source_set_ready_time (alarm, (gint64) MIN (time / 1000 + 1, G_MAXINT64));
}
