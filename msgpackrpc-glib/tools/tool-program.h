/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One run of a program, with something to read and something to print. */
typedef struct _ToolProgram ToolProgram;

typedef enum
{
  TOOL_PROGRAM_EXITED,    /* by itself, or by a signal of others */
  TOOL_PROGRAM_TIMED_OUT,
  TOOL_PROGRAM_TOO_LARGE, /* it has printed more than it may */
  TOOL_PROGRAM_STOPPED,   /* by tool_program_stop() */
} ToolProgramEnd;

/* Called once, by the thread-default context of the start, never from within one of these functions.
 * Afterwards the program is gone. */
typedef void (*ToolProgramFunc) (ToolProgram *self,
                                 gpointer     user_data);

ToolProgram    *tool_program_start      (const char * const  *argv,
                                         GBytes              *input,
                                         gsize                max_output,
                                         int                  time_limit,
                                         ToolProgramFunc      func,
                                         gpointer             user_data,
                                         GError             **error) G_GNUC_WARN_UNUSED_RESULT;
void            tool_program_stop       (ToolProgram         *self);

/* For the function that is called at the end. */
ToolProgramEnd  tool_program_get_end    (const ToolProgram   *self);
int             tool_program_get_status (const ToolProgram   *self);
const char     *tool_program_get_output (const ToolProgram   *self,
                                         gsize               *size);
char           *tool_program_dup_errors (const ToolProgram   *self) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
