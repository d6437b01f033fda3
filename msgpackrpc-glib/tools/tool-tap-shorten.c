/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-shorten.h"

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

/* About how many characters a value has afterwards. */
#define MAX_LENGTH 320

/* Of one string or of binary data, in bytes. */
#define MAX_STRING 100
#define MIN_STRING 20
#define MAX_BYTES 36

#define ELLIPSIS "…"

static GVariant *shorten (GVariant *value,
                          gssize   *room);

static char *
cut (const char *text,
     gsize       length)
{
  g_autofree char *start = NULL;

  /* A character is cut off whole. */
  while (length > 0 && (text[length] & 0xc0) == 0x80)
    length--;
  start = g_strndup (text, length);

  return g_strconcat (start, ELLIPSIS, NULL);
}

char *
tool_tap_shorten_text (const char *text)
{
  return strlen (text) > MAX_STRING ? cut (text, MAX_STRING) : g_strdup (text);
}

static GVariant *
shorten_string (GVariant *value,
                gssize   *room)
{
  gsize length;
  const char *text = g_variant_get_string (value, &length);
  gsize max = (gsize) CLAMP (*room, MIN_STRING, MAX_STRING);

  *room -= (gssize) MIN (length, max) + 3;
  return length > max ? g_variant_new_take_string (cut (text, max)) : value;
}

/* The data that is too long, in JSON as it would be but for an ellipsis, and its size. */
static GVariant *
shorten_bytes (GVariant   *value,
               GVariant   *data,
               const char *kind,
               gssize     *room)
{
  GVariantBuilder builder;
  gsize length;
  const guint8 *bytes = g_variant_get_fixed_array (data, &length, 1);
  g_autofree char *start = NULL;

  *room -= (gssize) MIN (length, MAX_BYTES) * 4 / 3 + 12;
  if (length <= MAX_BYTES)
    return value;

  start = g_base64_encode (bytes, MAX_BYTES);
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", kind,
                         g_variant_new_take_string (g_strconcat (start, ELLIPSIS, NULL)));
  g_variant_builder_add (&builder, "{sv}", "$size", g_variant_new_uint64 (length));

  return g_variant_builder_end (&builder);
}

static GVariant *
count_more (gsize n)
{
  return g_variant_new_take_string (g_strdup_printf (ELLIPSIS " %" G_GSIZE_FORMAT " more", n));
}

static GVariant *
shorten_array (GVariant *value,
               gssize   *room)
{
  gsize n = g_variant_n_children (value);
  GVariantBuilder builder;
  gsize i;

  *room -= 2;
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (i = 0; i < n && *room > 0; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);
      g_autoptr(GVariant) item = g_variant_get_variant (child);

      g_variant_builder_add (&builder, "v", shorten (item, room));
    }
  if (i < n)
    g_variant_builder_add (&builder, "v", count_more (n - i));

  return g_variant_builder_end (&builder);
}

/* A key or a value of a map's entry, as it is or in a variant. */
static GVariant *
get_half (GVariant *entry,
          gsize     half)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (entry, half);

  return g_variant_is_of_type (child, G_VARIANT_TYPE_VARIANT) ? g_variant_get_variant (child)
                                                              : g_steal_pointer (&child);
}

/* With string keys if it has them, otherwise with any. */
static GVariant *
shorten_map (GVariant *value,
             gssize   *room)
{
  gboolean has_names = g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT);
  gsize n = g_variant_n_children (value);
  GVariantBuilder builder;
  gsize i;

  *room -= 2;
  g_variant_builder_init (&builder, G_VARIANT_TYPE (has_names ? "a{sv}" : "a(vv)"));
  for (i = 0; i < n && *room > 0; i++)
    {
      g_autoptr(GVariant) entry = g_variant_get_child_value (value, i);
      g_autoptr(GVariant) key = get_half (entry, 0);
      g_autoptr(GVariant) item = get_half (entry, 1);
      GVariant *short_key = shorten (key, room);

      if (has_names)
        g_variant_builder_add (&builder, "{@sv}", short_key, shorten (item, room));
      else
        g_variant_builder_add (&builder, "(vv)", short_key, shorten (item, room));
    }

  if (i < n && has_names)
    g_variant_builder_add (&builder, "{sv}", ELLIPSIS, count_more (n - i));
  else if (i < n)
    g_variant_builder_add (&builder, "(vv)", g_variant_new_string (ELLIPSIS), count_more (n - i));

  return g_variant_builder_end (&builder);
}

/* Of the types that an unpacker makes. May be floating, or @value itself. */
static GVariant *
shorten (GVariant *value,
         gssize   *room)
{
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return shorten_string (value, room);

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING))
    return shorten_bytes (value, value, "$bin", room);

  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)")))
    {
      g_autoptr(GVariant) data = g_variant_get_child_value (value, 1);

      return shorten_bytes (value, data, msgpack_rpc_variant_is_ext (value) ? "$ext" : "$raw", room);
    }

  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("av")))
    return shorten_array (value, room);

  if (g_variant_is_of_type (value, G_VARIANT_TYPE ("a{?*}")) ||
      g_variant_is_of_type (value, G_VARIANT_TYPE ("a(vv)")))
    return shorten_map (value, room);

  *room -= 5;
  return value;
}

/* A new reference. */
GVariant *
tool_tap_shorten (GVariant *value)
{
  gssize room = MAX_LENGTH;
  GVariant *shortened;

  if (g_variant_get_size (value) <= MAX_STRING)
    return g_variant_ref (value);

  shortened = shorten (value, &room);
  return shortened == value ? g_variant_ref (value) : g_variant_ref_sink (shortened);
}
