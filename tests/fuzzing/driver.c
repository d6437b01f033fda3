/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Gives files or whole folders to a fuzzer where there is no libFuzzer to do it, and what comes of
 * them by changes at random, always the same. */

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

#define N_MUTATIONS 100000
#define MAX_MUTATION_SIZE 256

static void
mutate (GByteArray *input,
        GPtrArray  *corpus,
        GRand      *rand)
{
  /* Where headers and lengths are at their limits. */
  static const guint8 bytes[] = {
    0x00, 0x01, 0x7f, 0x80, 0x81, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc4, 0xc7,
    0xca, 0xcb, 0xcc, 0xcf, 0xd0, 0xd3, 0xd4, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff,
  };
  guint position = g_rand_int_range (rand, 0, input->len);
  const GByteArray *other = g_ptr_array_index (corpus, g_rand_int_range (rand, 0, corpus->len));
  guint8 byte = bytes[g_rand_int_range (rand, 0, G_N_ELEMENTS (bytes))];
  guint n;

  switch (g_rand_int_range (rand, 0, 5))
    {
    case 0:
      input->data[position] ^= 1 << g_rand_int_range (rand, 0, 8);
      break;

    case 1:
      input->data[position] = byte;
      break;

    case 2:
      n = g_rand_int_range (rand, 1, 5);
      g_byte_array_remove_range (input, position, MIN (n, input->len - position));
      break;

    case 3:
      g_byte_array_append (input, &byte, 1);
      memmove (input->data + position + 1, input->data + position, input->len - 1 - position);
      input->data[position] = byte;
      break;

    default:
      g_byte_array_set_size (input, position);
      n = g_rand_int_range (rand, 0, other->len + 1);
      g_byte_array_append (input, other->data + n, MIN (other->len - n, MAX_MUTATION_SIZE));
      break;
    }
}

static void
run_mutations (gconstpointer data)
{
  GPtrArray *corpus = (GPtrArray *) data;
  g_autoptr(GRand) rand = g_rand_new_with_seed (1);

  g_test_summary ("Inputs like those of the corpus, but changed");

  for (guint i = 0; i < N_MUTATIONS; i++)
    {
      const GByteArray *base = g_ptr_array_index (corpus, i % corpus->len);
      g_autoptr(GByteArray) input = g_byte_array_new ();
      g_autofree guint8 *copy = NULL;
      guint n = g_rand_int_range (rand, 1, 6);

      g_byte_array_append (input, base->data, MIN (base->len, MAX_MUTATION_SIZE));
      for (guint j = 0; j < n && input->len > 0; j++)
        mutate (input, corpus, rand);

      copy = g_memdup2 (input->data, input->len);
      g_assert_cmpint (LLVMFuzzerTestOneInput (copy, input->len), ==, 0);
    }
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The folder's files in the order of their names: the same inputs on all machines. */
static void
add_mutations (const char *folder)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GDir) dir = g_dir_open (folder, 0, NULL);
  GPtrArray *corpus = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_build_filename (folder, name, NULL));
  g_ptr_array_sort (names, compare_names);

  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr(GError) error = NULL;
      char *contents;
      gsize size;

      g_file_get_contents (g_ptr_array_index (names, i), &contents, &size, &error);
      g_assert_no_error (error);
      g_ptr_array_add (corpus, g_byte_array_new_take ((guint8 *) contents, size));
    }

  g_test_add_data_func_full ("/msgpack-rpc/fuzzing/mutations", corpus, run_mutations,
                             (GDestroyNotify) g_ptr_array_unref);
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

  add_mutations (corpus);

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
