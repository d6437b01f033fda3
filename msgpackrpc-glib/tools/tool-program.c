/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-program.h"

#include <signal.h>
#include <unistd.h>

#include <gio/gfiledescriptorbased.h>
#include <glib-unix.h>

/* How much is read at a time. */
#define CHUNK_SIZE (64 * 1024)
/* How much of the standard error is kept: the last of it. */
#define MAX_ERRORS 4096

typedef struct
{
  ToolProgram *program;
  GPollableInputStream *stream; /* the subprocess's */
  GSource *source;              /* owned */
  GString *text;                /* owned */
} Pipe;

struct _ToolProgram
{
  GSubprocess *subprocess;   /* owned */
  pid_t group;               /* its process group */
  GCancellable *cancellable; /* owned; of what is written, which ends with the program */
  GSource *timeout;          /* owned, nullable */
  GBytes *input;             /* owned */
  Pipe output;
  Pipe errors;
  gsize max_output;
  ToolProgramEnd end;
  gboolean has_exited;
  guint n_pending;           /* of writing, and of waiting for the program */
  ToolProgramFunc func;
  gpointer user_data;
};

/* ---- ending ---- */

static void
drop_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
close_pipe (Pipe *pipe)
{
  drop_source (pipe->source);
  g_string_free (pipe->text, TRUE);
}

static void
tool_program_free (ToolProgram *self)
{
  g_clear_pointer (&self->timeout, drop_source);
  close_pipe (&self->output);
  close_pipe (&self->errors);
  g_clear_pointer (&self->input, g_bytes_unref);
  g_object_unref (self->cancellable);
  g_object_unref (self->subprocess);
  g_free (self);
}

static void
operation_ended (ToolProgram *self)
{
  if (--self->n_pending > 0)
    return;

  self->func (self, self->user_data);
  tool_program_free (self);
}

/* With all that it has started, unless that has got away from it. A program that was waited for has
 * no id any more, which may be another's by now. */
static void
kill_program (ToolProgram    *self,
              ToolProgramEnd  end)
{
  if (self->end != TOOL_PROGRAM_EXITED || self->has_exited)
    return;

  self->end = end;
  if (g_subprocess_get_identifier (self->subprocess) != NULL)
    kill (-self->group, SIGKILL);
}

void
tool_program_stop (ToolProgram *self)
{
  kill_program (self, TOOL_PROGRAM_STOPPED);
}

static gboolean
time_is_over (gpointer user_data)
{
  kill_program (user_data, TOOL_PROGRAM_TIMED_OUT);
  return G_SOURCE_REMOVE;
}

/* ---- what it reads ---- */

static void
written_cb (GObject      *source,
            GAsyncResult *result,
            gpointer      user_data)
{
  ToolProgram *self = user_data;

  /* It need not read it. */
  g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL);
  g_output_stream_close (G_OUTPUT_STREAM (source), NULL, NULL);
  g_clear_pointer (&self->input, g_bytes_unref);
  operation_ended (self);
}

/* ---- what it prints ---- */

static void
take_bytes (Pipe       *pipe,
            const char *bytes,
            gsize       size)
{
  ToolProgram *self = pipe->program;

  g_string_append_len (pipe->text, bytes, (gssize) size);
  if (pipe == &self->errors && pipe->text->len > 2 * MAX_ERRORS)
    g_string_erase (pipe->text, 0, (gssize) (pipe->text->len - MAX_ERRORS));
  else if (pipe == &self->output && pipe->text->len > self->max_output)
    {
      if (self->has_exited)
        self->end = TOOL_PROGRAM_TOO_LARGE;
      else
        kill_program (self, TOOL_PROGRAM_TOO_LARGE);
      g_string_truncate (pipe->text, 0);
    }
}

/* Whether there may be more. */
static gboolean
read_chunk (Pipe   *pipe,
            gssize *n)
{
  g_autofree char *bytes = g_malloc (CHUNK_SIZE);
  g_autoptr(GError) error = NULL;

  *n = g_pollable_input_stream_read_nonblocking (pipe->stream, bytes, CHUNK_SIZE, NULL, &error);
  if (*n > 0)
    take_bytes (pipe, bytes, (gsize) *n);
  return *n > 0 || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static gboolean
readable_cb (GPollableInputStream *stream G_GNUC_UNUSED,
             gpointer              user_data)
{
  gssize n;

  return read_chunk (user_data, &n) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* What is in the pipe when the program has ended. What it has left running may go on to print. */
static void
read_rest (Pipe *pipe)
{
  gsize size = 0;
  gssize n;

  g_source_destroy (pipe->source);
  while (size <= pipe->program->max_output && read_chunk (pipe, &n) && n > 0)
    size += (gsize) n;
}

/* What is more than fits into a pipe would be waited for. */
static void
set_nonblocking (gpointer stream)
{
  g_unix_set_fd_nonblocking (g_file_descriptor_based_get_fd (stream), TRUE, NULL);
}

static void
open_pipe (Pipe         *pipe,
           ToolProgram  *self,
           GInputStream *stream)
{
  set_nonblocking (stream);
  pipe->program = self;
  pipe->stream = G_POLLABLE_INPUT_STREAM (stream);
  pipe->text = g_string_new (NULL);
  pipe->source = g_pollable_input_stream_create_source (pipe->stream, NULL);
  g_source_set_static_name (pipe->source, "[msgpackrpc] output of a program");
  g_source_set_callback (pipe->source, G_SOURCE_FUNC (readable_cb), pipe, NULL);
  g_source_attach (pipe->source, g_main_context_get_thread_default ());
}

static void
exited_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  ToolProgram *self = user_data;

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  self->has_exited = TRUE;
  read_rest (&self->output);
  read_rest (&self->errors);
  g_cancellable_cancel (self->cancellable);
  operation_ended (self);
}

/* ---- starting ---- */

/* In the child: to be killed with all that it starts, and not by Ctrl+C, while it still has to answer. */
static void
lead_group (gpointer user_data G_GNUC_UNUSED)
{
  setpgid (0, 0);
}

static GSubprocess *
spawn (const char * const  *argv,
       GError             **error)
{
  g_autoptr(GSubprocessLauncher) launcher = NULL;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                        G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                        G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_subprocess_launcher_set_child_setup (launcher, lead_group, NULL, NULL);
  return g_subprocess_launcher_spawnv (launcher, argv, error);
}

static void
start_timeout (ToolProgram *self,
               int          time_limit)
{
  if (time_limit == G_MAXINT)
    return;

  self->timeout = g_timeout_source_new ((guint) time_limit);
  g_source_set_static_name (self->timeout, "[msgpackrpc] time limit");
  g_source_set_callback (self->timeout, time_is_over, self, NULL);
  g_source_attach (self->timeout, g_main_context_get_thread_default ());
}

/* The limits are in bytes, and in milliseconds, where G_MAXINT is none. */
ToolProgram *
tool_program_start (const char * const  *argv,
                    GBytes              *input,
                    gsize                max_output,
                    int                  time_limit,
                    ToolProgramFunc      func,
                    gpointer             user_data,
                    GError             **error)
{
  g_autoptr(GSubprocess) subprocess = spawn (argv, error);
  const char *id;
  ToolProgram *self;

  if (subprocess == NULL)
    return NULL;

  self = g_new0 (ToolProgram, 1);
  id = g_subprocess_get_identifier (subprocess);
  self->group = id != NULL ? (pid_t) g_ascii_strtoll (id, NULL, 10) : 0;
  self->subprocess = g_steal_pointer (&subprocess);
  self->cancellable = g_cancellable_new ();
  self->input = g_bytes_ref (input);
  self->max_output = max_output;
  self->func = func;
  self->user_data = user_data;
  start_timeout (self, time_limit);

  self->n_pending = 2;
  set_nonblocking (g_subprocess_get_stdin_pipe (self->subprocess));
  g_subprocess_wait_async (self->subprocess, NULL, exited_cb, self);
  g_output_stream_write_all_async (g_subprocess_get_stdin_pipe (self->subprocess),
                                   g_bytes_get_data (self->input, NULL),
                                   g_bytes_get_size (self->input), G_PRIORITY_DEFAULT,
                                   self->cancellable, written_cb, self);
  open_pipe (&self->output, self, g_subprocess_get_stdout_pipe (self->subprocess));
  open_pipe (&self->errors, self, g_subprocess_get_stderr_pipe (self->subprocess));
  return self;
}

/* ---- looking back ---- */

ToolProgramEnd
tool_program_get_end (const ToolProgram *self)
{
  return self->end;
}

/* As a shell has it: 128 and the number of a signal that has ended it. */
int
tool_program_get_status (const ToolProgram *self)
{
  if (g_subprocess_get_if_exited (self->subprocess))
    return g_subprocess_get_exit_status (self->subprocess);

  return 128 + g_subprocess_get_term_sig (self->subprocess);
}

/* It ends with a NUL that does not count. */
const char *
tool_program_get_output (const ToolProgram *self,
                         gsize             *size)
{
  *size = self->output.text->len;
  return self->output.text->str;
}

/* The last of its standard error, in UTF-8, with no white space around it. */
char *
tool_program_dup_errors (const ToolProgram *self)
{
  const GString *text = self->errors.text;
  gsize begin = text->len > MAX_ERRORS ? text->len - MAX_ERRORS : 0;

  return g_strstrip (g_utf8_make_valid (text->str + begin, (gssize) (text->len - begin)));
}
