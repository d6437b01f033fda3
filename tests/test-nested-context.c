/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A private context, and the one that waits for it. */

#include <msgpackrpc-glib/msgpack-rpc-nested-source-private.h>

#include "test-util.h"

typedef struct
{
  GMainContext *context;
  guint n_wanted;        /* how often its source is ready */
  guint n_dispatched;
} Fixture;

static gboolean
ready_cb (gpointer data)
{
  Fixture *f = data;

  g_assert_true (g_main_context_get_thread_default () == f->context);
  f->n_dispatched++;
  return f->n_dispatched < f->n_wanted ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
setup (Fixture       *f,
       gconstpointer  data)
{
  g_autoptr(GSource) source = g_idle_source_new ();
  g_autoptr(GError) error = NULL;

  f->context = _msgpack_rpc_nested_context_new (&error);
  g_assert_no_error (error);
  f->n_wanted = GPOINTER_TO_UINT (data);
  g_source_set_callback (source, ready_cb, f, NULL);
  g_source_attach (source, f->context);
}

static void
teardown (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  g_main_context_unref (f->context);
}

static void
test_few (Fixture       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (GPollFD));

  g_test_summary ("What is ready is done at once, and nothing is left");

  g_assert_false (_msgpack_rpc_nested_context_iterate (f->context));
  g_assert_cmpuint (f->n_dispatched, ==, f->n_wanted);
  g_assert_cmpint (_msgpack_rpc_nested_context_query (f->context, fds), ==, -1);
}

static void
test_endless (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GArray) fds = g_array_new (FALSE, FALSE, sizeof (GPollFD));

  g_test_summary ("A source that is always ready has its turns, and is asked for again at once");

  for (guint i = 0; i < 3; i++)
    {
      f->n_dispatched = 0;
      g_assert_true (_msgpack_rpc_nested_context_iterate (f->context));
      g_assert_cmpuint (f->n_dispatched, >, 1);
      g_assert_cmpuint (f->n_dispatched, <=, 64);
      g_assert_cmpint (_msgpack_rpc_nested_context_query (f->context, fds), ==, 0);
    }
}

static int
query_cb (gpointer  owner,
          GArray   *fds)
{
  Fixture *f = g_object_get_data (owner, "fixture");

  return _msgpack_rpc_nested_context_query (f->context, fds);
}

static void
work_cb (gpointer owner)
{
  Fixture *f = g_object_get_data (owner, "fixture");

  _msgpack_rpc_nested_context_iterate (f->context);
}

static void
test_goes_on (Fixture       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GObject) owner = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr(GSource) source = _msgpack_rpc_nested_source_new (query_cb, work_cb, owner);

  g_test_summary ("What is left after a turn is done in the next ones, without any that wakes");

  g_object_set_data (owner, "fixture", f);
  g_source_attach (source, NULL);
  while (f->n_dispatched < f->n_wanted)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (f->n_dispatched, ==, f->n_wanted);
  _msgpack_rpc_nested_source_destroy (source);
}

#define ADD(name, func, n_wanted) \
  g_test_add ("/msgpack-rpc/nested-context/" name, Fixture, GUINT_TO_POINTER (n_wanted), setup, func, \
              teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("few", test_few, 5);
  ADD ("endless", test_endless, G_MAXUINT);
  ADD ("goes-on", test_goes_on, 1000);

  return g_test_run ();
}
