/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Sends files to a receiver. A codec of its own has the channel read the content from one file and
 * write it to another, so that no more than a few chunks of it are in memory. A transfer that is
 * interrupted goes on where it ended. */

#include "filecopy-codec.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gunixoutputstream.h>
#include <glib-unix.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define ADDRESS "tcp://localhost:18804"
#define MAX_NAME 200           /* bytes; there is room for “_(1)” and more behind */
#define MAX_MESSAGE 4096       /* bytes, without the content */
#define MAX_SENDERS 20
#define MAX_SAME_NAME 1000
#define HASH_CHUNK (256 * 1024)
#define N_LOCK_ATTEMPTS 100
#define LOCK_PAUSE 20000       /* microseconds */
#define PROGRESS_INTERVAL 200  /* milliseconds */
#define BAR_WIDTH 40

/* ---- both sides ---- */

static void
send_message (MsgpackRpcChannel *channel,
              guint8             kind,
              guint64            number,
              const char        *text)
{
  msgpack_rpc_channel_send (channel, g_variant_new ("(yts)", kind, number, text), NULL);
}

/* What a peer wrote, for a terminal. */
static char *
clean (const char *text)
{
  GString *cleaned = g_string_new (NULL);

  for (; *text != '\0'; text = g_utf8_next_char (text))
    {
      gunichar c = g_utf8_get_char (text);

      g_string_append_unichar (cleaned, g_unichar_isprint (c) ? c : '?');
    }
  return g_string_free (cleaned, FALSE);
}

/* Of the first @size bytes of a file; in a thread, as it takes long. */
static char *
hash_start (int            fd,
            guint64        size,
            GCancellable  *cancellable,
            GError       **error)
{
  g_autoptr(GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree guchar *chunk = g_malloc (HASH_CHUNK);
  guint64 done = 0;

  while (done < size && !g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      ssize_t n = pread (fd, chunk, (size_t) MIN (size - done, HASH_CHUNK), (off_t) done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                               n < 0 ? g_strerror (errno) : "The file has become shorter");
          return NULL;
        }
      g_checksum_update (checksum, chunk, n);
      done += (guint64) n;
    }
  return done == size ? g_strdup (g_checksum_get_string (checksum)) : NULL;
}

/* On a terminal alone. */
static void
draw_bar (const char *what,
          guint64     done,
          guint64     size)
{
  double part = size > 0 ? (double) done / (double) size : 1;
  char bar[BAR_WIDTH + 1] = "";

  if (!isatty (STDOUT_FILENO))
    return;

  memset (bar, ' ', BAR_WIDTH);
  memset (bar, '#', (size_t) (MIN (part, 1) * BAR_WIDTH));
  printf ("\r%.30s [%s] %3d %%", what, bar, (int) (MIN (part, 1) * 100));
  fflush (stdout);
}

static void
end_bar (const char *what)
{
  draw_bar (what, 1, 1);
  if (isatty (STDOUT_FILENO))
    printf ("\n");
}

static MsgpackRpcConnector *
make_connector (FileCodec *codec)
{
  MsgpackRpcConnector *connector = msgpack_rpc_connector_new (MSGPACK_RPC_CODEC (codec));
  MsgpackRpcServer *server = msgpack_rpc_connector_get_server (connector);

  msgpack_rpc_limits_set_max_message_size (msgpack_rpc_server_get_limits (server), MAX_MESSAGE);
  msgpack_rpc_server_set_max_connections (server, MAX_SENDERS);
  return connector;
}

/* ---- the receiver ---- */

typedef struct
{
  GMainLoop *loop;
  FileCodec *codec;
  MsgpackRpcConnector *connector;
  const char *folder;
  GHashTable *transfers; /* channel, owned → Transfer, a reference */
} Receiver;

/* A file that is being received. A thread that prepares it has a reference, too. */
typedef struct
{
  Receiver *receiver;
  MsgpackRpcChannel *channel; /* owned */
  char *name;
  char *partial;              /* where it is until all of it is there */
  char *token;                /* NULL: being prepared */
  guint64 size;
  guint64 offset;             /* how much was there before */
  char *digest;               /* of that */
  int fd;                     /* the stream's */
  GOutputStream *stream;      /* NULL: being prepared */
  GCancellable *cancellable;
} Transfer;

static void
transfer_clear (gpointer data)
{
  Transfer *transfer = data;

  g_clear_object (&transfer->stream);
  g_object_unref (transfer->channel);
  g_object_unref (transfer->cancellable);
  g_free (transfer->name);
  g_free (transfer->partial);
  g_free (transfer->token);
  g_free (transfer->digest);
}

static void
transfer_unref (gpointer transfer)
{
  g_atomic_rc_box_release_full (transfer, transfer_clear);
}

/* What is wrong with a name that a peer has sent, or NULL. Those with a dot in front are ours. */
static const char *
check_name (const char *name)
{
  if (name[0] == '\0')
    return "a file needs a name";
  if (strlen (name) > MAX_NAME)
    return "the name is too long";
  if (name[0] == '.')
    return "the name begins with a dot";
  for (const char *p = name; *p != '\0'; p = g_utf8_next_char (p))
    if (*p == '/' || *p == '\\' || !g_unichar_isprint (g_utf8_get_char (p)))
      return "the name has a slash or a character that cannot be printed";
  return NULL;
}

static gboolean
has_room (Receiver *receiver,
          guint64   size)
{
  struct statvfs info;

  return statvfs (receiver->folder, &info) == 0 && size / info.f_frsize < info.f_bavail;
}

static gboolean
is_in_use (Receiver   *receiver,
           const char *partial)
{
  GHashTableIter iter;
  gpointer transfer;

  g_hash_table_iter_init (&iter, receiver->transfers);
  while (g_hash_table_iter_next (&iter, NULL, &transfer))
    if (strcmp (((Transfer *) transfer)->partial, partial) == 0)
      return TRUE;
  return FALSE;
}

/* What is left of a transfer is found by name and size; another one at the same time has its own. */
static char *
choose_partial (Receiver   *receiver,
                const char *name,
                guint64     size)
{
  char *partial = g_strdup_printf ("%s/.%s-%" G_GUINT64_FORMAT ".part", receiver->folder, name,
                                   size);

  for (int i = 1; is_in_use (receiver, partial); i++)
    {
      g_free (partial);
      partial = g_strdup_printf ("%s/.%s-%" G_GUINT64_FORMAT "-%d.part", receiver->folder, name,
                                 size, i);
    }
  return partial;
}

/* Nobody else writes to it: no other program, and no write that is left of a transfer that has
 * ended. */
static gboolean
lock_partial (Transfer *transfer)
{
  for (int i = 0; i < N_LOCK_ATTEMPTS && !g_cancellable_is_cancelled (transfer->cancellable); i++)
    {
      struct stat opened, named;

      transfer->fd = open (transfer->partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (transfer->fd < 0)
        return FALSE;
      if (flock (transfer->fd, LOCK_EX | LOCK_NB) == 0 && fstat (transfer->fd, &opened) == 0 &&
          stat (transfer->partial, &named) == 0 && opened.st_ino == named.st_ino &&
          S_ISREG (opened.st_mode))
        {
          transfer->offset = (guint64) opened.st_size;
          return TRUE;
        }
      close (transfer->fd);
      g_usleep (LOCK_PAUSE);
    }
  errno = EBUSY;
  return FALSE;
}

static void
prepare_thread (GTask        *task,
                gpointer      source G_GNUC_UNUSED,
                gpointer      data,
                GCancellable *cancellable)
{
  Transfer *transfer = data;
  GError *error = NULL;

  if (!lock_partial (transfer))
    {
      g_task_return_new_error (task, G_IO_ERROR, g_io_error_from_errno (errno), "%s",
                               g_strerror (errno));
      return;
    }

  transfer->stream = g_unix_output_stream_new (transfer->fd, TRUE);
  if (transfer->offset > transfer->size && ftruncate (transfer->fd, 0) == 0)
    transfer->offset = 0;
  transfer->digest = hash_start (transfer->fd, transfer->offset, cancellable, &error);
  if (transfer->digest != NULL && lseek (transfer->fd, (off_t) transfer->offset, SEEK_SET) >= 0)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error != NULL ? error
                                             : g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
                                                                    "The file cannot be written"));
}

static void
forget (Transfer *transfer)
{
  Receiver *receiver = transfer->receiver;

  if (transfer->token != NULL)
    file_codec_forget (receiver->codec, transfer->token);
  g_hash_table_remove (receiver->transfers, transfer->channel);
}

static void
refuse (MsgpackRpcChannel *channel,
        const char        *name,
        const char        *reason)
{
  g_autofree char *cleaned = clean (name);

  g_printerr ("%.*s: refused: %s\n", MAX_NAME, cleaned, reason);
  send_message (channel, REFUSED, 0, reason);
}

static char *
make_token (void)
{
  guint8 bytes[16];
  GString *token = g_string_new (NULL);

  if (getrandom (bytes, sizeof bytes, 0) != sizeof bytes)
    g_error ("There are no random numbers");
  for (gsize i = 0; i < sizeof bytes; i++)
    g_string_append_printf (token, "%02x", bytes[i]);
  return g_string_free (token, FALSE);
}

static void
prepared_cb (GObject      *source G_GNUC_UNUSED,
             GAsyncResult *result,
             gpointer      user_data G_GNUC_UNUSED)
{
  Transfer *transfer = g_task_get_task_data (G_TASK (result));
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;
  gboolean done = g_task_propagate_boolean (G_TASK (result), &error);

  /* The sender has gone meanwhile. */
  if (g_cancellable_is_cancelled (transfer->cancellable))
    return;

  if (!done)
    {
      refuse (transfer->channel, transfer->name, error->message);
      forget (transfer);
      return;
    }

  transfer->token = make_token ();
  file_codec_expect (transfer->receiver->codec, transfer->token, transfer->stream, transfer->fd,
                     transfer->offset, transfer->size);
  text = g_strdup_printf ("%s %s", transfer->token, transfer->digest);
  send_message (transfer->channel, GO, transfer->offset, text);
}

static void
take_offer (Receiver          *receiver,
            MsgpackRpcChannel *channel,
            const char        *name,
            guint64            size)
{
  const char *problem = check_name (name);
  g_autoptr(GTask) task = NULL;
  Transfer *transfer;

  if (problem == NULL && !has_room (receiver, size))
    problem = "there is no room for so large a file";
  if (problem == NULL && g_hash_table_contains (receiver->transfers, channel))
    problem = "the file before it is not there yet";
  if (problem != NULL)
    {
      refuse (channel, name, problem);
      return;
    }

  transfer = g_atomic_rc_box_new0 (Transfer);
  transfer->receiver = receiver;
  transfer->channel = g_object_ref (channel);
  transfer->name = g_strdup (name);
  transfer->partial = choose_partial (receiver, name, size);
  transfer->size = size;
  transfer->cancellable = g_cancellable_new ();
  g_hash_table_insert (receiver->transfers, g_object_ref (channel), transfer);

  task = g_task_new (NULL, transfer->cancellable, prepared_cb, NULL);
  g_task_set_task_data (task, g_atomic_rc_box_acquire (transfer), transfer_unref);
  g_task_run_in_thread (task, prepare_thread);
}

/* Gives the file its name, or one that nobody has: never that of another file. */
static char *
give_name (Transfer *transfer)
{
  for (int i = 0; i < MAX_SAME_NAME; i++)
    {
      g_autofree char *name = i == 0 ? g_strdup (transfer->name)
                                     : g_strdup_printf ("%s_(%d)", transfer->name, i);
      g_autofree char *path = g_build_filename (transfer->receiver->folder, name, NULL);

      if (link (transfer->partial, path) == 0)
        {
          unlink (transfer->partial);
          return g_steal_pointer (&name);
        }
      if (errno != EEXIST)
        break;
    }
  return NULL;
}

static void
take_content (Receiver          *receiver,
              MsgpackRpcChannel *channel,
              guint64            offset)
{
  Transfer *transfer = g_hash_table_lookup (receiver->transfers, channel);
  g_autofree char *name = NULL;

  if (transfer == NULL)
    return;

  name = give_name (transfer);
  if (name == NULL)
    refuse (channel, transfer->name, g_strerror (errno));
  else
    {
      end_bar (name);
      g_print ("%s: %" G_GUINT64_FORMAT " bytes received", name, transfer->size);
      if (offset > 0)
        g_print (", %" G_GUINT64_FORMAT " of them before", offset);
      g_print ("\n");
      send_message (channel, DONE, transfer->size, name);
    }
  forget (transfer);
}

static void
take_end (Receiver        *receiver,
          MsgpackRpcEvent *event)
{
  Transfer *transfer = g_hash_table_lookup (receiver->transfers,
                                            msgpack_rpc_event_get_channel (event));
  const GError *error = msgpack_rpc_event_get_error (event);
  off_t done;

  if (transfer != NULL)
    {
      g_cancellable_cancel (transfer->cancellable);
      done = transfer->token != NULL ? lseek (transfer->fd, 0, SEEK_CUR) : 0;
      g_printerr ("%s: interrupted at %" G_GINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes%s%s\n",
                  transfer->name, (gint64) done, transfer->size, error != NULL ? ": " : "",
                  error != NULL ? error->message : "");
      forget (transfer);
    }
  else if (error != NULL)
    g_printerr ("A sender is lost: %s\n", error->message);
}

static void
take_message (Receiver          *receiver,
              MsgpackRpcChannel *channel,
              GVariant          *message)
{
  const char *text;
  guint64 number;
  guint8 kind;

  g_variant_get (message, "(yt&s)", &kind, &number, &text);
  if (kind == OFFER)
    take_offer (receiver, channel, text, number);
  else if (kind == CONTENT)
    take_content (receiver, channel, number);
  else
    msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

static void
receiver_event_cb (GObject      *source,
                   GAsyncResult *result,
                   gpointer      user_data)
{
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive_finish (queue, result, NULL);
  Receiver *receiver = user_data;

  if (event == NULL)
    {
      g_main_loop_quit (receiver->loop);
      return;
    }

  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT:
      msgpack_rpc_event_accept (event, NULL);
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      take_message (receiver, msgpack_rpc_event_get_channel (event),
                    msgpack_rpc_event_get_message (event));
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      take_end (receiver, event);
      break;

    default:
      break;
    }
  msgpack_rpc_event_queue_receive_async (queue, -1, NULL, receiver_event_cb, receiver);
}

static gboolean
receiver_progress_cb (gpointer data)
{
  Receiver *receiver = data;
  GHashTableIter iter;
  gpointer value;
  guint64 done = 0, size = 0;

  g_hash_table_iter_init (&iter, receiver->transfers);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      Transfer *transfer = value;

      size += transfer->size;
      done += transfer->token != NULL ? (guint64) lseek (transfer->fd, 0, SEEK_CUR) : 0;
    }
  if (size > 0)
    draw_bar ("receiving", done, size);
  return G_SOURCE_CONTINUE;
}

static gboolean
receiver_stop_cb (gpointer data)
{
  Receiver *receiver = data;

  msgpack_rpc_connector_shut_down_async (receiver->connector, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                         NULL);
  return G_SOURCE_CONTINUE;
}

static gboolean
receiver_run (Receiver    *receiver,
              const char  *address,
              GError     **error)
{
  g_auto(GStrv) addresses = NULL;

  if (!g_file_test (receiver->folder, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_DIRECTORY, "%s is no folder", receiver->folder);
      return FALSE;
    }

  addresses = msgpack_rpc_connector_listen_sync (receiver->connector, address, NULL, error);
  if (addresses == NULL)
    return FALSE;

  g_unix_signal_add (SIGINT, receiver_stop_cb, receiver);
  g_unix_signal_add (SIGTERM, receiver_stop_cb, receiver);
  g_timeout_add (PROGRESS_INTERVAL, receiver_progress_cb, receiver);
  msgpack_rpc_event_queue_receive_async (msgpack_rpc_connector_get_queue (receiver->connector), -1,
                                         NULL, receiver_event_cb, receiver);
  for (int i = 0; addresses[i] != NULL; i++)
    g_print ("listening on %s\n", addresses[i]);
  g_main_loop_run (receiver->loop);
  return TRUE;
}

static gboolean
receive_files (const char  *address,
               const char  *folder,
               GError     **error)
{
  FileCodec *codec = g_object_new (FILE_TYPE_CODEC, NULL);
  Receiver receiver = {
    .loop = g_main_loop_new (NULL, FALSE),
    .codec = codec,
    .connector = make_connector (codec),
    .folder = folder,
    .transfers = g_hash_table_new_full (NULL, NULL, g_object_unref, transfer_unref),
  };
  gboolean done = receiver_run (&receiver, address, error);

  g_hash_table_unref (receiver.transfers);
  g_object_unref (receiver.connector);
  g_object_unref (receiver.codec);
  g_main_loop_unref (receiver.loop);
  return done;
}

/* ---- the sender: one file after the other ---- */

typedef struct
{
  GMainLoop *loop;
  FileCodec *codec;
  MsgpackRpcConnector *connector;
  MsgpackRpcChannel *channel;
  char **paths;             /* the first is the one that is being sent */
  GFileInputStream *stream; /* owned, nullable; of that one */
  guint64 size;
  char *token;
  guint64 offset;           /* what the receiver has already */
  gboolean has_failed;
  gboolean is_sending;
} Sender;

static void
fail_file (Sender     *sender,
           const char *problem)
{
  g_autofree char *cleaned = clean (problem);

  g_printerr ("%s: %s\n", sender->paths[0], cleaned);
  sender->has_failed = TRUE;
}

static void
sender_stop (Sender *sender)
{
  msgpack_rpc_channel_close_async (sender->channel, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
}

static gboolean
open_file (Sender  *sender,
           GError **error)
{
  g_autoptr(GFile) file = g_file_new_for_commandline_arg (sender->paths[0]);
  g_autofree char *name = g_file_get_basename (file);
  g_autoptr(GFileInputStream) stream = g_file_read (file, NULL, error);
  g_autoptr(GFileInfo) info = NULL;

  if (stream == NULL)
    return FALSE;
  info = g_file_query_info (file, "standard::size,standard::type", G_FILE_QUERY_INFO_NONE, NULL,
                            error);
  if (info == NULL)
    return FALSE;
  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR || name == NULL ||
      !g_utf8_validate (name, -1, NULL) || strlen (name) > MAX_TEXT)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                           "This is no file with a name that can be sent");
      return FALSE;
    }

  sender->size = (guint64) g_file_info_get_size (info);
  sender->stream = g_steal_pointer (&stream);
  send_message (sender->channel, OFFER, sender->size, name);
  return TRUE;
}

static void
send_first (Sender *sender)
{
  while (sender->paths[0] != NULL)
    {
      g_autoptr(GError) error = NULL;

      if (open_file (sender, &error))
        return;
      fail_file (sender, error->message);
      sender->paths++;
    }
  msgpack_rpc_channel_close_async (sender->channel, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, NULL, NULL,
                                   NULL);
}

static void
send_next (Sender *sender)
{
  g_clear_object (&sender->stream);
  g_clear_pointer (&sender->token, g_free);
  sender->is_sending = FALSE;
  sender->paths++;
  send_first (sender);
}

static void
send_content (Sender  *sender,
              guint64  offset)
{
  g_autoptr(GError) error = NULL;

  if (!g_seekable_seek (G_SEEKABLE (sender->stream), (goffset) offset, G_SEEK_SET, NULL, &error))
    {
      fail_file (sender, error->message);
      sender_stop (sender);
      return;
    }

  if (offset > 0)
    g_print ("%s: going on at %" G_GUINT64_FORMAT "\n", sender->paths[0], offset);
  file_codec_expect (sender->codec, sender->token, sender->stream, -1, offset, sender->size);
  send_message (sender->channel, CONTENT, offset, sender->token);
  sender->is_sending = TRUE;
}

static void
compare_thread (GTask        *task,
                gpointer      source G_GNUC_UNUSED,
                gpointer      data,
                GCancellable *cancellable)
{
  g_autofree char *digest = NULL;
  const char *path, *expected;
  guint64 size;
  int fd;

  g_variant_get (data, "(^&ayt&s)", &path, &size, &expected);
  fd = open (path, O_RDONLY | O_CLOEXEC);
  digest = fd >= 0 ? hash_start (fd, size, cancellable, NULL) : NULL;
  if (fd >= 0)
    close (fd);
  g_task_return_boolean (task, g_strcmp0 (digest, expected) == 0);
}

static void
compared_cb (GObject      *source G_GNUC_UNUSED,
             GAsyncResult *result,
             gpointer      user_data)
{
  Sender *sender = user_data;

  if (g_main_loop_is_running (sender->loop))
    send_content (sender, g_task_propagate_boolean (G_TASK (result), NULL) ? sender->offset : 0);
}

/* What the receiver has must be the beginning of this file, or all is sent. */
static void
take_go (Sender     *sender,
         guint64     offset,
         const char *text)
{
  g_auto(GStrv) words = g_strsplit (text, " ", 2);
  g_autoptr(GTask) task = NULL;

  if (sender->stream == NULL || sender->token != NULL || g_strv_length (words) != 2 ||
      offset > sender->size)
    {
      fail_file (sender, "The receiver has answered nonsense");
      sender_stop (sender);
      return;
    }

  sender->token = g_strdup (words[0]);
  sender->offset = offset;
  if (offset == 0)
    {
      send_content (sender, 0);
      return;
    }

  task = g_task_new (NULL, NULL, compared_cb, sender);
  g_task_set_task_data (task, g_variant_ref_sink (g_variant_new ("(^ayts)", sender->paths[0], offset,
                                                                words[1])),
                        (GDestroyNotify) g_variant_unref);
  g_task_run_in_thread (task, compare_thread);
}

static void
take_done (Sender     *sender,
           const char *name)
{
  g_autofree char *cleaned = clean (name);

  end_bar (sender->paths[0]);
  g_print ("%s: %" G_GUINT64_FORMAT " bytes sent, as %s\n", sender->paths[0], sender->size, cleaned);
  send_next (sender);
}

static void
take_answer (Sender   *sender,
             GVariant *message)
{
  g_autofree char *problem = NULL;
  const char *text;
  guint64 number;
  guint8 kind;

  g_variant_get (message, "(yt&s)", &kind, &number, &text);
  if (sender->paths[0] == NULL)
    return;

  if (kind == GO)
    take_go (sender, number, text);
  else if (kind == DONE && sender->is_sending)
    take_done (sender, text);
  else if (kind == REFUSED && (sender->token == NULL || sender->is_sending))
    {
      problem = g_strdup_printf ("The receiver refuses it: %s", text);
      fail_file (sender, problem);
      send_next (sender);
    }
  else
    sender_stop (sender);
}

static void
sender_end (Sender       *sender,
            const char   *what,
            const GError *error)
{
  if (what != NULL)
    g_printerr ("%s%s%s\n", what, error != NULL ? ": " : "", error != NULL ? error->message : "");
  if (sender->paths[0] != NULL && sender->is_sending)
    g_printerr ("%s: interrupted; send it again, and it goes on there\n", sender->paths[0]);
  sender->has_failed |= what != NULL || sender->paths[0] != NULL;
  g_main_loop_quit (sender->loop);
}

static void
sender_event_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      user_data)
{
  MsgpackRpcEventQueue *queue = MSGPACK_RPC_EVENT_QUEUE (source);
  g_autoptr(MsgpackRpcEvent) event = msgpack_rpc_event_queue_receive_finish (queue, result, NULL);
  Sender *sender = user_data;
  const GError *error = event != NULL ? msgpack_rpc_event_get_error (event) : NULL;

  if (event == NULL)
    return;

  switch (msgpack_rpc_event_get_kind (event))
    {
    case MSGPACK_RPC_EVENT_KIND_FINISH_CONNECT:
      if (error != NULL)
        sender_end (sender, msgpack_rpc_channel_get_address (sender->channel), error);
      else
        send_first (sender);
      break;

    case MSGPACK_RPC_EVENT_KIND_MESSAGE_RECEIVED:
      take_answer (sender, msgpack_rpc_event_get_message (event));
      break;

    case MSGPACK_RPC_EVENT_KIND_REMOTE_DISCONNECT:
      sender_end (sender, "The connection is lost", error);
      break;

    case MSGPACK_RPC_EVENT_KIND_FINISH_DISCONNECT:
      sender_end (sender, NULL, NULL);
      break;

    default:
      break;
    }
  if (g_main_loop_is_running (sender->loop))
    msgpack_rpc_event_queue_receive_async (queue, -1, NULL, sender_event_cb, sender);
}

static gboolean
sender_progress_cb (gpointer data)
{
  Sender *sender = data;

  if (sender->is_sending)
    draw_bar (sender->paths[0], (guint64) g_seekable_tell (G_SEEKABLE (sender->stream)),
              sender->size);
  return G_SOURCE_CONTINUE;
}

static gboolean
sender_stop_cb (gpointer data)
{
  sender_stop (data);
  return G_SOURCE_CONTINUE;
}

static gboolean
send_files (const char  *address,
            char       **paths,
            GError     **error)
{
  FileCodec *codec = g_object_new (FILE_TYPE_CODEC, NULL);
  Sender sender = {
    .loop = g_main_loop_new (NULL, FALSE),
    .codec = codec,
    .connector = make_connector (codec),
    .paths = paths,
  };

  sender.channel = msgpack_rpc_connector_open (sender.connector, address, NULL, error);
  if (sender.channel != NULL)
    {
      g_unix_signal_add (SIGINT, sender_stop_cb, &sender);
      g_unix_signal_add (SIGTERM, sender_stop_cb, &sender);
      g_timeout_add (PROGRESS_INTERVAL, sender_progress_cb, &sender);
      msgpack_rpc_event_queue_receive_async (msgpack_rpc_connector_get_queue (sender.connector), -1,
                                             NULL, sender_event_cb, &sender);
      g_main_loop_run (sender.loop);
    }

  g_clear_object (&sender.stream);
  g_clear_object (&sender.channel);
  g_free (sender.token);
  g_object_unref (sender.connector);
  g_object_unref (sender.codec);
  g_main_loop_unref (sender.loop);
  return !sender.has_failed;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) options = g_option_context_new ("— send files, and receive them");
  g_autoptr(GError) error = NULL;
  g_autofree char *listen = NULL;
  g_autofree char *connect = NULL;
  g_autofree char *folder = NULL;
  g_auto(GStrv) paths = NULL;
  gboolean done;
  const GOptionEntry entries[] = {
    { "listen", 'l', 0, G_OPTION_ARG_STRING, &listen, "Receive files at an address", "ADDRESS" },
    { "into", 'i', 0, G_OPTION_ARG_FILENAME, &folder, "Where to put them (.)", "FOLDER" },
    { "connect", 'c', 0, G_OPTION_ARG_STRING, &connect, "Send files there (" ADDRESS ")", "ADDRESS" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "[FILE…]" },
    { NULL },
  };

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  g_option_context_set_summary (options,
                                "Receives with --listen, and sends the files named otherwise. What was\n"
                                "interrupted goes on where it ended when it is sent again. A file never\n"
                                "replaces another one: the second “name” becomes “name_(1)”.");
  g_option_context_add_main_entries (options, entries, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  if (listen != NULL ? connect != NULL || paths != NULL : folder != NULL || paths == NULL)
    {
      g_printerr ("Use --listen and perhaps --into, or name files to send and perhaps --connect\n");
      return 2;
    }

  done = listen != NULL ? receive_files (listen, folder != NULL ? folder : ".", &error)
                        : send_files (connect != NULL ? connect : ADDRESS, paths, &error);
  if (error != NULL)
    g_printerr ("%s\n", error->message);
  return done && error == NULL ? 0 : 1;
}
