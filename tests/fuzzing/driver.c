/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Gives files to a fuzzer, one by one, where there is no libFuzzer to do it. */

#include <glib.h>

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

static void
run_file (gconstpointer data)
{
  const char *path = data;
  g_autofree char *contents = NULL;
  g_autofree guint8 *copy = NULL;
  g_autoptr(GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &contents, &size, &error);
  g_assert_no_error (error);

  /* Without the NUL byte that ends contents, so that reading one byte too many is noticed. */
  copy = g_memdup2 (contents, size);
  g_assert_cmpint (LLVMFuzzerTestOneInput (copy, size), ==, 0);
}

static void
add_path (const char *path)
{
  g_autoptr(GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    {
      g_autofree char *name_of_file = g_path_get_basename (path);
      g_autofree char *test = g_strconcat ("/msgpack-rpc/fuzzing/", name_of_file, NULL);

      g_test_add_data_func_full (test, g_strdup (path), run_file, g_free);
      return;
    }

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      add_path (child);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  if (argc < 2)
    g_error ("Usage: %s FILE-OR-FOLDER…", argv[0]);

  for (int i = 1; i < argc; i++)
    add_path (argv[i]);

  return g_test_run ();
}
