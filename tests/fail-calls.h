/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* System calls of the program, all its libraries included, that fail on purpose: linked into it, this
 * comes before the C library. */

/* A call and an error that it may have. */
typedef struct
{
  const char *function;
  int error;
  gboolean transparent;  /* nobody may notice it */
} FailCall;

extern const FailCall fail_calls[];
extern const guint n_fail_calls;

/* Lets the @n-th such call from now on fail, from 1; 0: none. */
void        fail_calls_arm   (const FailCall *call,
                              guint           n);
/* Whether it has failed. */
gboolean    fail_calls_fired (void);
/* Who made it: a module and the offset in it, for addr2line; of the library if it is there. */
char       *fail_calls_where (void);

G_END_DECLS
