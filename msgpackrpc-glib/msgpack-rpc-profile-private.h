/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

#ifdef HAVE_SYSPROF
#include <sysprof-capture.h>
#endif

G_BEGIN_DECLS

/* A span of time in a Sysprof recording, in the group “msgpackrpc-glib”. Times are those of
 * g_get_monotonic_time (). Nothing at all without the build option. */
static inline void
_msgpack_rpc_profile_mark (const char *name,
                           const char *message,
                           gint64      start_time,
                           gint64      end_time)
{
#ifdef HAVE_SYSPROF
  sysprof_collector_mark (start_time * 1000, (end_time - start_time) * 1000, "msgpackrpc-glib",
                          name, message);
#else
  (void) name;
  (void) message;
  (void) start_time;
  (void) end_time;
#endif
}

G_END_DECLS
