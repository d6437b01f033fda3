/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#define _GNU_SOURCE 1 /* mkostemp */

#include "config.h"

#include "msgpack-rpc-token-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msgpack-rpc-i18n-private.h"

/* Of a new one, before it is written as hexadecimal digits. */
#define NEW_SIZE 32
#define MIN_SIZE 32
#define MAX_SIZE 4096

/**
 * MsgpackRpcToken:
 *
 * A secret that a client and a server share, to know each other by.
 *
 * It mostly is in a file that only one user can read, which the server makes and the client reads:
 *
 * ```c
 * token = msgpack_rpc_token_new_for_file (path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
 * ```
 *
 * Give it to a server as its [property@Server:token], and to a client as its
 * [property@Client:token]. Each then proves to the other that it knows the token, which itself is
 * neither sent nor logged. [The manual](security.html) says how, for peers of other making.
 *
 * A token does not change. All functions may be called from any thread.
 *
 * Since: 1.0
 */
struct _MsgpackRpcToken
{
  GObject parent_instance;

  guint8 *secret; /* fixed, owned */
  gsize size;     /* fixed */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcToken, msgpack_rpc_token, G_TYPE_OBJECT)

static void
msgpack_rpc_token_finalize (GObject *object)
{
  MsgpackRpcToken *self = MSGPACK_RPC_TOKEN (object);

  if (self->secret != NULL)
    explicit_bzero (self->secret, self->size);
  g_free (self->secret);

  G_OBJECT_CLASS (msgpack_rpc_token_parent_class)->finalize (object);
}

static void
msgpack_rpc_token_class_init (MsgpackRpcTokenClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_rpc_token_finalize;
}

static void
msgpack_rpc_token_init (MsgpackRpcToken *self G_GNUC_UNUSED)
{
}

void
_msgpack_rpc_token_sign (MsgpackRpcToken *self,
                         const guint8    *data,
                         gsize            size,
                         guint8           mac[MSGPACK_RPC_MAC_SIZE])
{
  g_autoptr(GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, self->secret, self->size);
  gsize length = MSGPACK_RPC_MAC_SIZE;

  g_hmac_update (hmac, data, (gssize) size);
  g_hmac_get_digest (hmac, mac, &length);
}

gboolean
_msgpack_rpc_get_random (guint8  *bytes,
                         gsize    size,
                         GError **error)
{
  int saved_errno;

  if (getentropy (bytes, size) == 0)
    return TRUE;

  saved_errno = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
               _("The system has no random numbers: %s"), g_strerror (saved_errno));
  return FALSE;
}

gboolean
_msgpack_rpc_token_check (MsgpackRpcToken  *self,
                          GError          **error)
{
  if (self->secret != NULL)
    return TRUE;

  /* Bindings can make one of nothing. */
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("The token is empty"));
  return FALSE;
}

static gboolean
is_short (gsize    size,
          GError **error)
{
  if (size >= MIN_SIZE)
    return FALSE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               _("A token has at least %d bytes, this one has %zu"), MIN_SIZE, size);
  return TRUE;
}

static MsgpackRpcToken *
token_new (const guint8  *secret,
           gsize          size,
           GError       **error)
{
  MsgpackRpcToken *self;

  if (is_short (size, error))
    return NULL;

  self = g_object_new (MSGPACK_RPC_TYPE_TOKEN, NULL);
  self->secret = g_memdup2 (secret, size);
  self->size = size;
  return self;
}

/* ---- files ---- */

static void
set_error (GError     **error,
           const char  *path,
           int          saved_errno)
{
  g_autofree char *shown = g_filename_display_name (path);

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
               _("The token file “%s” cannot be used: %s"), shown, g_strerror (saved_errno));
}

static gboolean
write_all (int           fd,
           const guint8 *data,
           gsize         size)
{
  while (size > 0)
    {
      ssize_t n = write (fd, data, size);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return FALSE;
      data += n;
      size -= (gsize) n;
    }
  return TRUE;
}

/* 256 bits as text, with a newline. */
static gboolean
make_secret (char      text[2 * NEW_SIZE + 2],
             GError  **error)
{
  guint8 bytes[NEW_SIZE];

  if (!_msgpack_rpc_get_random (bytes, sizeof bytes, error))
    return FALSE;

  for (gsize i = 0; i < sizeof bytes; i++)
    g_snprintf (text + 2 * i, 3, "%02x", bytes[i]);
  strcpy (text + 2 * sizeof bytes, "\n");
  explicit_bzero (bytes, sizeof bytes);
  return TRUE;
}

/* Nobody ever sees a part of it under its own name, and one that is there already stays. */
static gboolean
create_file (const char  *path,
             GError     **error)
{
  g_autofree char *draft = g_strconcat (path, ".XXXXXX", NULL);
  char text[2 * NEW_SIZE + 2];
  int fd, saved_errno = 0;

  if (!make_secret (text, error))
    return FALSE;

  /* With the mode 0600. GLib's counts the names that it has tried, without a lock. */
  fd = mkostemp (draft, O_CLOEXEC);
  if (fd < 0)
    saved_errno = errno;
  else
    {
      if (!write_all (fd, (const guint8 *) text, strlen (text)) || fsync (fd) != 0 ||
          (link (draft, path) != 0 && errno != EEXIST))
        saved_errno = errno;
      unlink (draft);
      close (fd);
    }

  explicit_bzero (text, sizeof text);
  if (saved_errno != 0)
    set_error (error, path, saved_errno);
  return saved_errno == 0;
}

static gboolean
check_file (const struct stat  *status,
            const char         *path,
            GError            **error)
{
  g_autofree char *shown = g_filename_display_name (path);

  if (!S_ISREG (status->st_mode))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                 _("The token file “%s” is no regular file"), shown);
  else if (status->st_uid != geteuid () && status->st_uid != 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 _("The token file “%s” belongs to another user"), shown);
  else if ((status->st_mode & 077) != 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 _("Others can use the token file “%s”: its mode is %04o and must be 0600"), shown,
                 (guint) status->st_mode & 07777);
  else if (status->st_size > MAX_SIZE)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 _("The token file “%s” has more than %d bytes"), shown, MAX_SIZE);
  else
    return TRUE;

  return FALSE;
}

/* The number of bytes, or −1. */
static gssize
read_all (int     fd,
          guint8 *buffer,
          gsize   size)
{
  gsize n_read = 0;
  ssize_t n = 1;

  while (n_read < size && n != 0)
    {
      n = read (fd, buffer + n_read, size - n_read);
      if (n < 0 && errno != EINTR)
        return -1;
      n_read += n > 0 ? (gsize) n : 0;
    }
  return (gssize) n_read;
}

static MsgpackRpcToken *
read_token (int          fd,
            const char  *path,
            GError     **error)
{
  MsgpackRpcToken *self = NULL;
  guint8 buffer[MAX_SIZE];
  struct stat status;
  gssize size = -1;

  /* What is looked at is what is read. */
  if (fstat (fd, &status) == 0)
    {
      if (!check_file (&status, path, error))
        return NULL;
      size = read_all (fd, buffer, sizeof buffer);
    }
  if (size < 0)
    {
      set_error (error, path, errno);
      return NULL;
    }

  while (size > 0 && g_ascii_isspace ((char) buffer[size - 1]))
    size--;
  self = token_new (buffer, (gsize) size, error);
  explicit_bzero (buffer, sizeof buffer);
  if (self == NULL)
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_prefix_error (error, _("The token file “%s” is of no use: "), shown);
    }
  return self;
}

/**
 * msgpack_rpc_token_new_for_file:
 * @path: (type filename): the path of a file
 * @flags: flags
 * @error: return location for an error
 *
 * Reads a token from a file, and makes the file if it is not there and @flags say so.
 *
 * The token is what the file holds, without white space at its end, from 32 to 4,096 bytes. A new
 * file is of mode 0600 and holds 256 bits from the kernel's random source, as 64 hexadecimal digits
 * and a newline. If several programs make the same one at the same time, all get the same token.
 *
 * Fails with
 *
 * - `G_IO_ERROR_PERMISSION_DENIED` if the group or others may read or write the file, or it belongs
 *   to a user other than this one and root;
 * - `G_IO_ERROR_INVALID_DATA` if it is too short or too long, `G_IO_ERROR_NOT_REGULAR_FILE` if it is
 *   no file;
 * - `G_IO_ERROR_NOT_FOUND`, and what else opening, reading and writing a file can fail with.
 *
 * It is read once: a file that changes makes a new token necessary.
 *
 * Returns: (transfer full): the token, or `NULL` with @error set
 *
 * Since: 1.0
 */
MsgpackRpcToken *
msgpack_rpc_token_new_for_file (const char            *path,
                                MsgpackRpcTokenFlags   flags,
                                GError               **error)
{
  MsgpackRpcToken *self;
  int fd;

  g_return_val_if_fail (path != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  /* A pipe would keep it waiting. */
  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
  if (fd < 0 && errno == ENOENT && (flags & MSGPACK_RPC_TOKEN_FLAGS_CREATE) != 0)
    {
      if (!create_file (path, error))
        return NULL;
      fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
    }
  if (fd < 0)
    {
      set_error (error, path, errno);
      return NULL;
    }

  self = read_token (fd, path, error);
  close (fd);
  return self;
}

/**
 * msgpack_rpc_token_new_for_bytes:
 * @secret: at least 32 bytes
 * @error: return location for an error
 *
 * Makes a token of a secret that comes from elsewhere, such as a keyring.
 *
 * It should be random: whoever can guess it gets in.
 *
 * Returns: (transfer full): the token, or `NULL` with @error set to `G_IO_ERROR_INVALID_DATA` if
 *   @secret is too short
 *
 * Since: 1.0
 */
MsgpackRpcToken *
msgpack_rpc_token_new_for_bytes (GBytes  *secret,
                                 GError **error)
{
  gsize size;
  gconstpointer data;

  g_return_val_if_fail (secret != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  data = g_bytes_get_data (secret, &size);
  return token_new (data, size, error);
}
