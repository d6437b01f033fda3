/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-record.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-tap-record-form.h"
#include "tool.h"

struct _ToolTapRecord
{
  char *path;
  int fd;       /* −1 once it has failed */
  goffset size; /* of what is whole */
};

static gboolean
write_all (ToolTapRecord  *self,
           GBytes         *bytes,
           GError        **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (bytes, &length);
  gsize written = 0;

  while (written < length)
    {
      gssize n = write (self->fd, data + written, length - written);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          int code = n < 0 ? errno : ENOSPC;

          g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (code),
                       _("Could not write to “%s”: %s"), self->path, g_strerror (code));
          return FALSE;
        }
      written += (gsize) n;
    }

  self->size += (goffset) length;
  return TRUE;
}

static gboolean
write_value (ToolTapRecord  *self,
             GVariant       *value,
             GError        **error)
{
  g_autoptr(GVariant) sunk = g_variant_ref_sink (value);
  g_autoptr(GBytes) packed = msgpack_rpc_pack (sunk, error);

  return packed != NULL && write_all (self, packed, error);
}

static GVariant *
describe_head (const ToolTapHead *head)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert_value (&dict, TOOL_TAP_RECORD_ADDRESSES,
                               g_variant_new_strv ((const char * const *) head->addresses, -1));
  g_variant_dict_insert (&dict, TOOL_TAP_RECORD_TARGET, "s", head->target);
  g_variant_dict_insert (&dict, TOOL_TAP_RECORD_IS_FRAMED, "b", head->is_framed);

  return g_variant_new ("(sxx@a{sv})", TOOL_TAP_RECORD_MAGIC, (gint64) TOOL_TAP_RECORD_VERSION,
                        head->start, g_variant_dict_end (&dict));
}

ToolTapRecord *
tool_tap_record_new (const char         *path,
                     const ToolTapHead  *head,
                     GError            **error)
{
  ToolTapRecord *self = g_new0 (ToolTapRecord, 1);

  /* What peers say may be secret. */
  self->path = g_filename_display_name (path);
  self->fd = g_open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
  if (self->fd < 0)
    {
      int code = errno;

      g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (code),
                   _("Could not open “%s”: %s"), self->path, g_strerror (code));
      tool_tap_record_free (self);
      return NULL;
    }

  if (write_value (self, describe_head (head), error))
    return self;

  tool_tap_record_free (self);
  return NULL;
}

void
tool_tap_record_free (ToolTapRecord *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->path);
  g_free (self);
}

static GVariant *
describe_end (const char *text)
{
  return text != NULL ? g_variant_new_string (text) : g_variant_new ("mv", NULL);
}

static GVariant *
describe_event (const ToolTapEvent *event)
{
  const char *arrow = event->side == TOOL_TAP_SIDE_CLIENT ? TOOL_TAP_RECORD_TO_TARGET
                                                          : TOOL_TAP_RECORD_TO_CLIENT;
  const char *kind;
  GVariant *value;

  switch (event->kind)
    {
    case TOOL_TAP_OPENED:
      kind = TOOL_TAP_RECORD_OPEN;
      value = describe_end (event->text);
      break;

    case TOOL_TAP_BYTES:
      kind = arrow;
      value = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, event->bytes, event->n_bytes, 1);
      break;

    case TOOL_TAP_ENDED:
      kind = arrow;
      value = describe_end (event->text);
      break;

    case TOOL_TAP_CLOSED:
      kind = TOOL_TAP_RECORD_CLOSE;
      value = describe_end (event->text);
      break;

    default:
      g_return_val_if_reached (NULL);
    }

  return g_variant_new ("(xxs@*)", event->time, event->connection, kind, value);
}

void
tool_tap_record_write (ToolTapRecord      *self,
                       const ToolTapEvent *event)
{
  g_autoptr(GError) error = NULL;

  if (self->fd < 0 || write_value (self, describe_event (event), &error))
    return;

  /* What is there stays readable to its end. */
  if (ftruncate (self->fd, self->size) != 0)
    g_debug ("The record ends within an event: %s", g_strerror (errno));
  close (self->fd);
  self->fd = -1;

  g_prefix_error (&error, "%s: ", _("Recording has ended, the connections go on"));
  tool_complain (error);
}
