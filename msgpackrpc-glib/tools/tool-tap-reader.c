/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-reader.h"

#include <errno.h>
#include <stdio.h>

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "tool-tap-record-form.h"

/* No tap writes an event that is larger. */
#define MAX_EVENT_SIZE (1 << 20)
#define MAX_DECODED_SIZE (8 << 20)
#define MAX_DEPTH 8

/* Microseconds: some 10,000 years. */
#define MAX_TIME (G_GINT64_CONSTANT (10000) * 366 * 24 * 3600 * 1000000)

#define PIECE_SIZE 65536

struct _ToolTapReader
{
  char *path;                   /* for messages */
  FILE *file;
  MsgpackRpcUnpacker *unpacker; /* owned */
  ToolTapHead head;
  GVariant *value;              /* owned; what the last event is from, or NULL */
};

/* The texts go on after the name of the file. */
static void G_GNUC_PRINTF (3, 4)
fail (ToolTapReader  *self,
      GError        **error,
      const char     *format,
      ...)
{
  g_autofree char *reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL, _("“%s” %s"), self->path, reason);
}

/* Whether there was more to read. */
static gboolean
read_piece (ToolTapReader  *self,
            GError        **error)
{
  guint8 piece[PIECE_SIZE];
  gsize n = fread (piece, 1, sizeof piece, self->file);
  int code = errno;

  if (n > 0)
    {
      msgpack_rpc_unpacker_feed (self->unpacker, piece, n);
      return TRUE;
    }

  if (ferror (self->file))
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_IO, _("Could not read “%s”: %s"), self->path,
                 g_strerror (code));

  return FALSE;
}

/* NULL without an error at the end. */
static GVariant *
read_value (ToolTapReader  *self,
            GError        **error)
{
  g_autoptr(GError) local_error = NULL;
  GVariant *value;

  while ((value = msgpack_rpc_unpacker_next (self->unpacker, &local_error)) == NULL &&
         local_error == NULL && read_piece (self, &local_error));

  if (value != NULL)
    return value;

  if (local_error == NULL && !msgpack_rpc_unpacker_finish (self->unpacker, NULL))
    fail (self, error, _("ends within an event, whose beginning is left out: whoever recorded it was "
                         "stopped, or the file is not whole"));
  else if (local_error != NULL && local_error->domain == MSGPACK_RPC_ERROR)
    fail (self, error, _("is damaged: %s"), local_error->message);
  else if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));

  return NULL;
}

/* Of an array: a new reference, or NULL. */
static GVariant *
get_item (GVariant           *array,
          gsize               index,
          const GVariantType *type)
{
  g_autoptr(GVariant) child = NULL;
  g_autoptr(GVariant) item = NULL;

  if (!g_variant_is_of_type (array, G_VARIANT_TYPE ("av")) || index >= g_variant_n_children (array))
    return NULL;

  child = g_variant_get_child_value (array, index);
  item = g_variant_get_variant (child);
  return g_variant_is_of_type (item, type) ? g_steal_pointer (&item) : NULL;
}

static gboolean
get_int (GVariant *array,
         gsize     index,
         gint64    max,
         gint64   *number)
{
  g_autoptr(GVariant) item = get_item (array, index, G_VARIANT_TYPE_INT64);

  if (item == NULL)
    return FALSE;

  *number = g_variant_get_int64 (item);
  return *number >= 0 && *number <= max;
}

/* Belongs to @array. */
static const char *
get_text (GVariant *array,
          gsize     index)
{
  g_autoptr(GVariant) item = get_item (array, index, G_VARIANT_TYPE_STRING);

  return item != NULL ? g_variant_get_string (item, NULL) : NULL;
}

/* ---- the head ---- */

static char **
get_addresses (GVariantDict *dict)
{
  g_autoptr(GVariant) list = g_variant_dict_lookup_value (dict, TOOL_TAP_RECORD_ADDRESSES,
                                                          G_VARIANT_TYPE ("av"));
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; list != NULL && i < g_variant_n_children (list); i++)
    {
      const char *address = get_text (list, i);

      if (address != NULL)
        g_strv_builder_add (builder, address);
    }

  return g_strv_builder_end (builder);
}

static gboolean
read_version (ToolTapReader  *self,
              GVariant       *value,
              GError        **error)
{
  gint64 version;

  if (value == NULL || g_strcmp0 (get_text (value, 0), TOOL_TAP_RECORD_MAGIC) != 0 ||
      !get_int (value, 1, G_MAXINT64, &version))
    {
      fail (self, error, _("is no record of “msgpackrpc tap”"));
      return FALSE;
    }

  if (version != TOOL_TAP_RECORD_VERSION)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, version);

      fail (self, error, _("is a record of version %s, but this program knows version %d alone"),
            text, TOOL_TAP_RECORD_VERSION);
      return FALSE;
    }

  return TRUE;
}

static gboolean
read_head (ToolTapReader  *self,
           GError        **error)
{
  g_autoptr(GError) local_error = NULL;
  g_autoptr(GVariant) value = read_value (self, &local_error);
  g_autoptr(GVariant) map = NULL;
  g_autoptr(GVariantDict) dict = NULL;
  const char *target;

  if (g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_IO))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  if (!read_version (self, value, error))
    return FALSE;

  map = get_item (value, 3, G_VARIANT_TYPE_VARDICT);
  if (map == NULL || !get_int (value, 2, MAX_TIME, &self->head.start))
    {
      fail (self, error, _("is damaged: its head is not as it should be"));
      return FALSE;
    }

  dict = g_variant_dict_new (map);
  self->head.addresses = get_addresses (dict);
  if (g_variant_dict_lookup (dict, TOOL_TAP_RECORD_TARGET, "&s", &target))
    self->head.target = g_strdup (target);
  g_variant_dict_lookup (dict, TOOL_TAP_RECORD_IS_FRAMED, "b", &self->head.is_framed);

  return TRUE;
}

/* ---- opening ---- */

ToolTapReader *
tool_tap_reader_new (const char  *path,
                     GError     **error)
{
  g_autoptr(ToolTapReader) self = g_new0 (ToolTapReader, 1);

  self->path = g_filename_display_name (path);
  self->unpacker = msgpack_rpc_unpacker_new ();
  msgpack_rpc_unpacker_set_max_message_size (self->unpacker, MAX_EVENT_SIZE);
  msgpack_rpc_unpacker_set_max_decoded_size (self->unpacker, MAX_DECODED_SIZE);
  msgpack_rpc_unpacker_set_max_depth (self->unpacker, MAX_DEPTH);

  self->file = g_fopen (path, "rbe");
  if (self->file == NULL)
    {
      int code = errno;

      g_set_error (error, G_FILE_ERROR, (int) g_file_error_from_errno (code),
                   _("Could not open “%s”: %s"), self->path, g_strerror (code));
      return NULL;
    }

  return read_head (self, error) ? g_steal_pointer (&self) : NULL;
}

void
tool_tap_reader_free (ToolTapReader *self)
{
  g_clear_pointer (&self->value, g_variant_unref);
  tool_tap_head_clear (&self->head);
  g_object_unref (self->unpacker);
  if (self->file != NULL)
    fclose (self->file);
  g_free (self->path);
  g_free (self);
}

const ToolTapHead *
tool_tap_reader_get_head (ToolTapReader *self)
{
  return &self->head;
}

/* ---- events ---- */

/* Bytes, a text, or nothing. */
static gboolean
read_content (GVariant     *value,
              ToolTapEvent *event,
              gboolean     *has_bytes)
{
  g_autoptr(GVariant) content = get_item (value, 3, G_VARIANT_TYPE_ANY);

  if (content == NULL)
    return FALSE;

  *has_bytes = g_variant_is_of_type (content, G_VARIANT_TYPE_BYTESTRING);
  if (*has_bytes)
    event->bytes = g_variant_get_fixed_array (content, &event->n_bytes, 1);
  else if (g_variant_is_of_type (content, G_VARIANT_TYPE_STRING))
    event->text = g_variant_get_string (content, NULL);
  else
    return msgpack_rpc_variant_is_nil (content);

  return TRUE;
}

static gboolean
read_kind (const char   *kind,
           gboolean      has_bytes,
           ToolTapEvent *event)
{
  if (g_str_equal (kind, TOOL_TAP_RECORD_OPEN))
    event->kind = TOOL_TAP_OPENED;
  else if (g_str_equal (kind, TOOL_TAP_RECORD_CLOSE))
    event->kind = TOOL_TAP_CLOSED;
  else if (g_str_equal (kind, TOOL_TAP_RECORD_TO_TARGET))
    event->side = TOOL_TAP_SIDE_CLIENT;
  else if (g_str_equal (kind, TOOL_TAP_RECORD_TO_CLIENT))
    event->side = TOOL_TAP_SIDE_TARGET;
  else
    return FALSE;

  if (*kind == *TOOL_TAP_RECORD_TO_TARGET || *kind == *TOOL_TAP_RECORD_TO_CLIENT)
    event->kind = has_bytes ? TOOL_TAP_BYTES : TOOL_TAP_ENDED;

  return has_bytes == (event->kind == TOOL_TAP_BYTES);
}

gboolean
tool_tap_reader_next (ToolTapReader  *self,
                      ToolTapEvent   *event,
                      GError        **error)
{
  gboolean has_bytes;
  const char *kind;

  *event = (ToolTapEvent) { 0 };
  g_clear_pointer (&self->value, g_variant_unref);
  self->value = read_value (self, error);
  if (self->value == NULL)
    return FALSE;

  kind = get_text (self->value, 2);
  if (get_int (self->value, 0, MAX_TIME, &event->time) &&
      get_int (self->value, 1, G_MAXINT64, &event->connection) &&
      kind != NULL && read_content (self->value, event, &has_bytes) &&
      read_kind (kind, has_bytes, event))
    return TRUE;

  fail (self, error, _("is damaged: an event is not as it should be"));
  return FALSE;
}
