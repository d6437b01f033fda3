/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

/* How long a test waits for anything, in microseconds. */
#define WAIT_TIME (20 * G_USEC_PER_SEC)

static inline gboolean
wait_tick_cb (gpointer data G_GNUC_UNUSED)
{
  return G_SOURCE_CONTINUE;
}

/* Looks at conditions that other threads fulfil, too. */
static inline GSource *
wait_begin (GMainContext *context)
{
  GSource *source = g_timeout_source_new (2);

  g_source_set_callback (source, wait_tick_cb, NULL, NULL);
  g_source_attach (source, context);
  return source;
}

static inline void
wait_end (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* Runs @context until @condition holds. */
#define WAIT_UNTIL_IN(context, condition)                                       \
  G_STMT_START                                                                  \
  {                                                                             \
    GMainContext *wait_context = (context);                                     \
    GSource *wait_source = wait_begin (wait_context);                           \
    const gint64 wait_limit = g_get_monotonic_time () + WAIT_TIME;              \
                                                                                \
    while (!(condition))                                                        \
      {                                                                         \
        if (g_get_monotonic_time () > wait_limit)                               \
          g_error ("%s:%d: waited in vain for %s", __FILE__, __LINE__, #condition); \
        g_main_context_iteration (wait_context, TRUE);                          \
      }                                                                         \
    wait_end (wait_source);                                                     \
  }                                                                             \
  G_STMT_END

/* The same with the thread-default context. */
#define WAIT_UNTIL(condition) WAIT_UNTIL_IN (g_main_context_get_thread_default (), condition)

/* Runs @context until it has nothing more to do at once. */
static inline void
run_pending_in (GMainContext *context)
{
  while (g_main_context_iteration (context, FALSE))
    ;
}
