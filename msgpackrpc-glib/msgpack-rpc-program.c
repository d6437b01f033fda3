/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-program-private.h"

#include <errno.h>
#include <gio/gfiledescriptorbased.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "msgpack-rpc-i18n-private.h"

/* How much of its standard error is kept. */
#define TAIL_BYTES 8192
#define TAIL_LINES 20
/* How much of it is read at a time: what fits into a pipe that is ready, without blocking. */
#define CHUNK_SIZE 4096
#define CHUNKS_A_TURN 16
/* How long a program that has closed a pipe may take to end, in microseconds. One that is about to end
 * closes them first. */
#define END_TIMEOUT G_USEC_PER_SEC

struct _MsgpackRpcProgram
{
  gatomicrefcount ref_count;
  char *name;
  GSubprocess *subprocess;     /* owned */
  int in;                      /* its standard output; the subprocess's */
  int out;                     /* its standard input; likewise */
  int err;                     /* its standard error; likewise; −1 at its end */
  GMainContext *home;          /* owned */
  GCancellable *cancellable;   /* owned; of waiting for it */
  gboolean has_exited;
  gint64 end_time;             /* when a pipe's end was seen first, monotonic; 0: not yet */
  GSource *end_sources[2];     /* owned, nullable: for whoever waits for has_exited, to write and to
                                * read */

  GSource *err_source;         /* owned, nullable: it has a reference on this, too */
  gpointer err_tag;            /* what the source polls: our standard error if some is pending */
  GString *tail;               /* the last of its standard error, TAIL_BYTES or somewhat more */
  gboolean forwards;
  char pending[CHUNK_SIZE];    /* read, and not passed on yet */
  gsize n_pending;
};

MsgpackRpcProgram *
_msgpack_rpc_program_ref (MsgpackRpcProgram *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
drop_end_sources (MsgpackRpcProgram *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->end_sources); i++)
    g_clear_pointer (&self->end_sources[i], g_source_unref);
}

void
_msgpack_rpc_program_unref (MsgpackRpcProgram *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  drop_end_sources (self);
  g_string_free (self->tail, TRUE);
  g_object_unref (self->cancellable);
  g_object_unref (self->subprocess);
  g_main_context_unref (self->home);
  g_free (self->name);
  g_free (self);
}

/* ---- its standard error ---- */

static void
keep_tail (MsgpackRpcProgram *self,
           const char        *bytes,
           gsize              size)
{
  g_string_append_len (self->tail, bytes, (gssize) size);
  if (self->tail->len > 2 * TAIL_BYTES)
    g_string_erase (self->tail, 0, (gssize) (self->tail->len - TAIL_BYTES));
}

/* Whether all was passed on. Never blocks: a pipe that is ready takes a chunk. */
static gboolean
forward (MsgpackRpcProgram *self)
{
  while (self->forwards && self->n_pending > 0)
    {
      GPollFD fd = { .fd = STDERR_FILENO, .events = G_IO_OUT };
      gssize n;

      if (g_poll (&fd, 1, 0) == 0)
        return FALSE;

      n = write (STDERR_FILENO, self->pending, self->n_pending);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return FALSE;
      /* There is nobody to read it. */
      if (n < 0)
        break;
      self->n_pending -= (gsize) n;
      memmove (self->pending, self->pending + n, self->n_pending);
    }

  self->n_pending = 0;
  return TRUE;
}

/* What is there now. FALSE at its end, or if there is too much for one turn. */
static void
pass_on_stderr (MsgpackRpcProgram *self)
{
  for (guint i = 0; i < CHUNKS_A_TURN && self->err >= 0 && forward (self); i++)
    {
      gssize n = read (self->err, self->pending, sizeof self->pending);

      if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
      if (n <= 0)
        {
          self->err = -1;
          return;
        }
      keep_tail (self, self->pending, (gsize) n);
      self->n_pending = (gsize) n;
    }

  forward (self);
}

/* It polls one descriptor: either there is something to read, or to be got rid of first. */
static void
update_err_source (MsgpackRpcProgram *self)
{
  gboolean pending = self->forwards && self->n_pending > 0;

  if (self->err_tag != NULL)
    g_source_remove_unix_fd (self->err_source, self->err_tag);
  self->err_tag = g_source_add_unix_fd (self->err_source, pending ? STDERR_FILENO : self->err,
                                        pending ? G_IO_OUT : G_IO_IN);
}

static void
stop_err_source (MsgpackRpcProgram *self)
{
  if (self->err_source != NULL)
    g_source_destroy (self->err_source);
  g_clear_pointer (&self->err_source, g_source_unref);
  self->err_tag = NULL;
}

static gboolean
err_source_dispatch (GSource     *source G_GNUC_UNUSED,
                     GSourceFunc  callback,
                     gpointer     user_data)
{
  return callback (user_data);
}

static gboolean
err_ready_cb (gpointer user_data)
{
  MsgpackRpcProgram *self = user_data;

  pass_on_stderr (self);
  if (self->err >= 0 || (self->forwards && self->n_pending > 0))
    {
      update_err_source (self);
      return G_SOURCE_CONTINUE;
    }

  stop_err_source (self);
  return G_SOURCE_REMOVE;
}

static void
start_err_source (MsgpackRpcProgram *self,
                  GMainContext      *context)
{
  static GSourceFuncs funcs = { .dispatch = err_source_dispatch };

  if (self->err < 0 && self->n_pending == 0)
    return;

  self->err_source = g_source_new (&funcs, sizeof (GSource));
  g_source_set_static_name (self->err_source, "[msgpackrpc-glib] standard error");
  g_source_set_callback (self->err_source, err_ready_cb, _msgpack_rpc_program_ref (self),
                         (GDestroyNotify) _msgpack_rpc_program_unref);
  update_err_source (self);
  g_source_attach (self->err_source, context);
}

/* The last lines, as text, or NULL if there are none. */
static char *
describe_stderr (MsgpackRpcProgram *self)
{
  const char *end = self->tail->str + self->tail->len;
  const char *start = self->tail->str;
  guint n_lines = 1;

  while (end > start && (end[-1] == '\n' || end[-1] == '\r'))
    end--;
  if (end - start > TAIL_BYTES)
    start = end - TAIL_BYTES;
  for (const char *p = end; p > start; p--)
    if (p[-1] == '\n' && n_lines++ == TAIL_LINES)
      start = p;

  return end > start ? g_utf8_make_valid (start, end - start) : NULL;
}

/* ---- its end ---- */

static GError *
make_end_error (MsgpackRpcProgram *self)
{
  g_autofree char *how = NULL;
  g_autofree char *lines = NULL;
  int number;

  if (g_subprocess_get_if_signaled (self->subprocess))
    {
      number = g_subprocess_get_term_sig (self->subprocess);
      how = g_strdup_printf (_("The program “%s” was ended by signal %d (%s)"), self->name, number,
                             g_strsignal (number));
    }
  else
    {
      number = g_subprocess_get_exit_status (self->subprocess);
      how = g_strdup_printf (_("The program “%s” has exited with status %d"), self->name, number);
    }

  lines = describe_stderr (self);
  if (lines == NULL)
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED, how);

  return g_error_new (G_IO_ERROR, G_IO_ERROR_CLOSED,
                      _("%s; its standard error ends with:\n%s"), how, lines);
}

gssize
_msgpack_rpc_program_end (MsgpackRpcProgram  *self,
                          GError            **error)
{
  if (self->has_exited)
    {
      /* What it wrote last is in the pipe; another process may keep that open. */
      pass_on_stderr (self);
      g_propagate_error (error, make_end_error (self));
      return -1;
    }

  if (self->end_time == 0)
    self->end_time = g_get_monotonic_time ();
  if (g_get_monotonic_time () >= self->end_time + END_TIMEOUT)
    return 0;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The program may have ended");
  return -1;
}

GSource *
_msgpack_rpc_program_create_end_source (MsgpackRpcProgram *self,
                                        gboolean           input)
{
  GSource **where = &self->end_sources[input ? 1 : 0];
  GSource *source = g_timeout_source_new (0);

  g_source_set_static_name (source, "[msgpackrpc-glib] program end");
  g_source_set_ready_time (source, self->has_exited ? 0 : self->end_time + END_TIMEOUT);
  /* One that was there has fired. */
  g_clear_pointer (where, g_source_unref);
  *where = g_source_ref (source);
  return source;
}

static void
exited_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  MsgpackRpcProgram *self = user_data;

  if (g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL))
    {
      self->has_exited = TRUE;
      for (guint i = 0; i < G_N_ELEMENTS (self->end_sources); i++)
        if (self->end_sources[i] != NULL)
          g_source_set_ready_time (self->end_sources[i], 0);
    }
  drop_end_sources (self);
  _msgpack_rpc_program_unref (self);
}

/* ---- the program ---- */

static int
get_fd (gpointer stream)
{
  int fd = g_file_descriptor_based_get_fd (stream);

  g_unix_set_fd_nonblocking (fd, TRUE, NULL);
  return fd;
}

MsgpackRpcProgram *
_msgpack_rpc_program_start (const char * const  *argv,
                            gboolean             forwards_stderr,
                            GMainContext        *home,
                            GError             **error)
{
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();
  GSubprocess *subprocess;
  MsgpackRpcProgram *self;

  subprocess = g_subprocess_newv (argv, G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                  G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                  G_SUBPROCESS_FLAGS_STDERR_PIPE, error);
  if (subprocess == NULL)
    return NULL;

  self = g_new0 (MsgpackRpcProgram, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->name = g_filename_display_name (argv[0]);
  self->subprocess = subprocess;
  self->in = get_fd (g_subprocess_get_stdout_pipe (subprocess));
  self->out = get_fd (g_subprocess_get_stdin_pipe (subprocess));
  self->err = get_fd (g_subprocess_get_stderr_pipe (subprocess));
  self->home = g_main_context_ref (home);
  self->cancellable = g_cancellable_new ();
  self->tail = g_string_new (NULL);
  self->forwards = forwards_stderr;

  start_err_source (self, context);
  g_subprocess_wait_async (subprocess, self->cancellable, exited_cb, _msgpack_rpc_program_ref (self));
  return self;
}

GSubprocess *
_msgpack_rpc_program_get_subprocess (MsgpackRpcProgram *self)
{
  return self->subprocess;
}

int
_msgpack_rpc_program_get_fd (MsgpackRpcProgram *self,
                             gboolean           input)
{
  return input ? self->in : self->out;
}

void
_msgpack_rpc_program_close (MsgpackRpcProgram *self)
{
  g_input_stream_close (g_subprocess_get_stdout_pipe (self->subprocess), NULL, NULL);
  g_output_stream_close (g_subprocess_get_stdin_pipe (self->subprocess), NULL, NULL);
  g_cancellable_cancel (self->cancellable);

  /* It may still have something to say. */
  pass_on_stderr (self);
  stop_err_source (self);
  start_err_source (self, self->home);
}
