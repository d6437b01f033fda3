/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Gives files or whole folders to a fuzzer where there is no libFuzzer to do it. */

#include <string.h>

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

static int
add_path (const char *path)
{
  g_autoptr(GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;
  int n_files = 0;

  if (dir == NULL)
    {
      g_autofree char *file = g_path_get_basename (path);
      g_autofree char *test = g_strconcat ("/msgpack-rpc/fuzzing/", file, NULL);

      g_test_add_data_func_full (test, g_strdup (path), run_file, g_free);
      return 1;
    }

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      n_files += add_path (child);
    }

  return n_files;
}

/* Adds the corpus of fuzz-NAME, which is in the folder NAME. */
static int
add_corpus (const char *program)
{
  g_autofree char *file = g_path_get_basename (program);
  g_autofree char *corpus = NULL;

  g_assert_true (g_str_has_prefix (file, "fuzz-"));
  corpus = g_test_build_filename (G_TEST_DIST, "fuzzing", "corpus", file + strlen ("fuzz-"), NULL);

  return add_path (corpus);
}

int
main (int   argc,
      char *argv[])
{
  int n_files = 0;

  g_test_init (&argc, &argv, NULL);

  for (int i = 1; i < argc; i++)
    n_files += add_path (argv[i]);
  if (argc < 2)
    n_files += add_corpus (argv[0]);
  g_assert_cmpint (n_files, >, 0);

  return g_test_run ();
}
