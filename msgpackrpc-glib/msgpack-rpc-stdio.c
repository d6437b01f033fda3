/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <gio/gunixinputstream.h>
#include <gio/gunixoutputstream.h>
#include <glib/gstdio.h>

#include "msgpack-rpc-i18n-private.h"

/* Descriptors that were the standard ones. Other processes may have what they are of, too: they find it
 * as it was when the stream is closed. */

typedef struct
{
  GIOStream parent_instance;

  GInputStream *input;   /* owned; closes its descriptor */
  GOutputStream *output; /* the same */
  int input_flags;       /* as of fcntl(); −1 if they are not known */
  int output_flags;
} StdioStream;

typedef struct
{
  GIOStreamClass parent_class;
} StdioStreamClass;

static GType stdio_stream_get_type (void);
G_DEFINE_TYPE (StdioStream, stdio_stream, G_TYPE_IO_STREAM)

static int is_taken; /* atomic */

static GInputStream *
stdio_stream_get_input_stream (GIOStream *stream)
{
  return ((StdioStream *) stream)->input;
}

static GOutputStream *
stdio_stream_get_output_stream (GIOStream *stream)
{
  return ((StdioStream *) stream)->output;
}

static void
restore_flags (int fd,
               int flags)
{
  if (flags >= 0)
    fcntl (fd, F_SETFL, flags);
}

static gboolean
stdio_stream_close (GIOStream     *stream,
                    GCancellable  *cancellable,
                    GError       **error)
{
  StdioStream *self = (StdioStream *) stream;

  /* One that was closed by itself may be something else by now. */
  if (!g_input_stream_is_closed (self->input))
    restore_flags (g_unix_input_stream_get_fd (G_UNIX_INPUT_STREAM (self->input)),
                   self->input_flags);
  if (!g_output_stream_is_closed (self->output))
    restore_flags (g_unix_output_stream_get_fd (G_UNIX_OUTPUT_STREAM (self->output)),
                   self->output_flags);

  return G_IO_STREAM_CLASS (stdio_stream_parent_class)->close_fn (stream, cancellable, error);
}

static void
stdio_stream_finalize (GObject *object)
{
  StdioStream *self = (StdioStream *) object;

  /* Which has closed them. */
  G_OBJECT_CLASS (stdio_stream_parent_class)->finalize (object);
  g_object_unref (self->input);
  g_object_unref (self->output);
}

static void
stdio_stream_class_init (StdioStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  object_class->finalize = stdio_stream_finalize;
  stream_class->get_input_stream = stdio_stream_get_input_stream;
  stream_class->get_output_stream = stdio_stream_get_output_stream;
  stream_class->close_fn = stdio_stream_close;
}

static void
stdio_stream_init (StdioStream *self G_GNUC_UNUSED)
{
}

/* A copy of a standard descriptor, that is none of those. */
static int
copy_fd (int      fd,
         GError **error)
{
  int copy = fcntl (fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  int saved_errno = errno;

  if (copy < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                 fd == STDIN_FILENO ? _("Could not use the standard input: %s")
                                    : _("Could not use the standard output: %s"),
                 g_strerror (saved_errno));
  return copy;
}

static void
put_nothing (int fd,
             int flags)
{
  int nothing = g_open ("/dev/null", flags | O_CLOEXEC, 0);

  if (nothing < 0)
    return;

  dup2 (nothing, fd);
  if (nothing != fd)
    g_close (nothing, NULL);
}

/* What others read and print from now on is no message. */
static void
give_others_away (void)
{
  put_nothing (STDIN_FILENO, O_RDONLY);
  if (dup2 (STDERR_FILENO, STDOUT_FILENO) < 0)
    put_nothing (STDOUT_FILENO, O_WRONLY);
}

static GIOStream *
take (GError **error)
{
  StdioStream *self;
  int input, output;

  input = copy_fd (STDIN_FILENO, error);
  if (input < 0)
    return NULL;

  output = copy_fd (STDOUT_FILENO, error);
  if (output < 0)
    {
      g_close (input, NULL);
      return NULL;
    }

  self = g_object_new (stdio_stream_get_type (), NULL);
  self->input_flags = fcntl (input, F_GETFL);
  self->output_flags = fcntl (output, F_GETFL);
  self->input = g_unix_input_stream_new (input, TRUE);
  self->output = g_unix_output_stream_new (output, TRUE);
  give_others_away ();

  return G_IO_STREAM (self);
}

/**
 * msgpack_rpc_take_stdio:
 * @error: return location for an error
 *
 * Takes the standard input and output of the process, to talk to whoever has started it.
 *
 * For [ctor@Connection.new], [ctor@Client.new_for_stream] or [method@Server.accept_stream], in a program
 * that is started as a plug-in of another one, as by [ctor@Client.new_for_argv].
 *
 * What any part of the process prints from then on goes to its standard error, where it would else be
 * read as messages; so does what was printed before and is not flushed yet. What reads its standard
 * input finds the end of it. Children that are started later have them so, too.
 *
 * Can be called once in a process, before other threads print or read. Fails with `G_IO_ERROR_BUSY`
 * after that, and with whatever the system says if one of the two is not open.
 *
 * Returns: (transfer full): a stream, which closes both when it is closed
 * Since: 1.0
 */
GIOStream *
msgpack_rpc_take_stdio (GError **error)
{
  GIOStream *stream;

  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  if (!g_atomic_int_compare_and_exchange (&is_taken, FALSE, TRUE))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                           "Standard input and output were taken before");
      return NULL;
    }

  stream = take (error);
  if (stream == NULL)
    g_atomic_int_set (&is_taken, FALSE);
  return stream;
}
