/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "peer-glib.h"

static GMainLoop *loop;
static GVariant *bytes_params;
static GVariant *document_params;

void
peer_run (void)
{
  if (loop == NULL)
    loop = g_main_loop_new (NULL, FALSE);
  g_main_loop_run (loop);
}

void
peer_quit (void)
{
  g_main_loop_quit (loop);
}

static gboolean
idle_cb (gpointer data)
{
  bench_idle ();
  return G_SOURCE_REMOVE;
}

void
peer_defer (void)
{
  g_idle_add (idle_cb, NULL);
}

static GVariant *
finish (GAsyncResult *result)
{
  g_autoptr(GError) error = NULL;
  GVariant *reply = glib_call_finish (result, &error);

  if (reply == NULL)
    bench_die ("%s", error->message);
  return reply;
}

static void
added_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  g_autoptr(GVariant) reply = finish (result);

  bench_added (glib_get_sum (reply));
}

void
peer_add (int64_t a,
          int64_t b)
{
  glib_call ("add", glib_add_params (a, b), added_cb);
}

static GVariant *
document_new (void)
{
  GVariantBuilder records;

  g_variant_builder_init (&records, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; i < BENCH_RECORDS; i++)
    {
      const BenchRecord *record = &bench_records[i];

      g_variant_builder_open (&records, G_VARIANT_TYPE ("a{sv}"));
      g_variant_builder_add (&records, "{sv}", "id", g_variant_new_int64 (record->id));
      g_variant_builder_add (&records, "{sv}", "name", g_variant_new_string (record->name));
      g_variant_builder_add (&records, "{sv}", "score", g_variant_new_double (record->score));
      g_variant_builder_add (&records, "{sv}", "tags",
                             g_variant_new_strv (record->tags, BENCH_TAGS));
      g_variant_builder_close (&records);
    }
  return g_variant_builder_end (&records);
}

static GVariant *
get_child (GVariant *value,
           gsize     index)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (value, index);

  if (g_variant_is_of_type (child, G_VARIANT_TYPE_VARIANT))
    return g_variant_get_variant (child);
  return g_steal_pointer (&child);
}

static GVariant *
get_field (GVariant           *record,
           const char         *name,
           const GVariantType *type)
{
  GVariant *field = g_variant_lookup_value (record, name, type);

  if (field == NULL)
    bench_die ("a record has no field %s: %s", name, g_variant_get_type_string (record));
  return field;
}

static void
check_record (guint     index,
              GVariant *record)
{
  g_autoptr(GVariant) id = get_field (record, "id", G_VARIANT_TYPE_INT64);
  g_autoptr(GVariant) name = get_field (record, "name", G_VARIANT_TYPE_STRING);
  g_autoptr(GVariant) score = get_field (record, "score", G_VARIANT_TYPE_DOUBLE);
  g_autoptr(GVariant) tags = get_field (record, "tags", G_VARIANT_TYPE_ARRAY);
  gsize name_length;
  const char *name_text = g_variant_get_string (name, &name_length);

  bench_record (index, g_variant_get_int64 (id), name_text, name_length,
                g_variant_get_double (score));
  for (guint i = 0; i < g_variant_n_children (tags); i++)
    {
      g_autoptr(GVariant) tag = get_child (tags, i);
      gsize length;
      const char *text = g_variant_get_string (tag, &length);

      bench_tag (index, i, text, length);
    }
}

/* What is echoed may be a tuple or an array of variants, and so on for what is in it: it is read as it
 * is. */
static void
echoed_bytes_cb (GObject      *source,
                 GAsyncResult *result,
                 gpointer      data)
{
  g_autoptr(GVariant) reply = finish (result);
  g_autoptr(GVariant) bytes = get_child (reply, 0);
  const guint8 *items;
  gsize size;

  items = g_variant_get_fixed_array (bytes, &size, 1);
  bench_echoed_bytes (items, size);
}

void
peer_echo_bytes (const uint8_t *bytes,
                 size_t         size)
{
  if (bytes_params == NULL)
    {
      GVariant *value = g_variant_new_from_data (G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, NULL,
                                                 NULL);

      bytes_params = g_variant_ref_sink (g_variant_new_tuple (&value, 1));
    }
  glib_call ("echo_bytes", bytes_params, echoed_bytes_cb);
}

static void
echoed_document_cb (GObject      *source,
                    GAsyncResult *result,
                    gpointer      data)
{
  g_autoptr(GVariant) reply = finish (result);
  g_autoptr(GVariant) document = get_child (reply, 0);
  gsize n = g_variant_n_children (document);
  gint64 last_id = -1;

  for (gsize i = bench_checks_records () || n == 0 ? 0 : n - 1; i < n; i++)
    {
      g_autoptr(GVariant) record = get_child (document, i);

      if (bench_checks_records ())
        check_record (i, record);
      g_variant_lookup (record, "id", "x", &last_id);
    }
  bench_echoed_document (n, last_id);
}

void
peer_echo_document (void)
{
  if (document_params == NULL)
    {
      GVariant *document = document_new ();

      document_params = g_variant_ref_sink (g_variant_new_tuple (&document, 1));
    }
  glib_call ("echo_document", document_params, echoed_document_cb);
}
