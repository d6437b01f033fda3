/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Gives inputs to a fuzzer where there is no libFuzzer to do it: those of its corpus, and what
 * comes of them by changes at random, always the same. Or the files that it is given. */

#include <string.h>

#include "fuzz-util.h"

/* Fewer of those that take longer. */
#ifndef N_MUTATIONS
#define N_MUTATIONS 100000
#endif
#define MAX_MUTATION_SIZE 128

/* A copy of its own size, so that reading one byte too many is noticed. */
static void
run_input (gconstpointer data,
           gsize         size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);

  g_assert_cmpint (LLVMFuzzerTestOneInput (copy, size), ==, 0);
}

static void
run_file (gconstpointer data)
{
  const char *path = data;
  g_autofree char *contents = NULL;
  g_autoptr(GError) error = NULL;
  gsize size;

  g_file_get_contents (path, &contents, &size, &error);
  g_assert_no_error (error);
  run_input (contents, size);
}

static void
run_corpus (gconstpointer data)
{
  GPtrArray *corpus = (GPtrArray *) data;

  g_test_summary ("Inputs that a fuzzer has found to be unlike others");

  for (guint i = 0; i < corpus->len; i++)
    {
      GBytes *input = g_ptr_array_index (corpus, i);

      run_input (g_bytes_get_data (input, NULL), g_bytes_get_size (input));
    }
}

static void
append (GByteArray *self,
        GBytes     *input,
        gsize       start)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (input, &size);

  start = MIN (start, size);
  g_byte_array_append (self, data + start, MIN (size - start, MAX_MUTATION_SIZE));
}

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
  GBytes *other = g_ptr_array_index (corpus, g_rand_int_range (rand, 0, corpus->len));
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
      append (input, other, g_rand_int_range (rand, 0, g_bytes_get_size (other) + 1));
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
      g_autoptr(GByteArray) input = g_byte_array_new ();
      guint n = g_rand_int_range (rand, 1, 6);

      append (input, g_ptr_array_index (corpus, i % corpus->len), 0);
      for (guint j = 0; j < n && input->len > 0; j++)
        mutate (input, corpus, rand);

      run_input (input->data, input->len);
    }
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GBytes *
read_file (const char *path)
{
  g_autoptr(GError) error = NULL;
  char *contents;
  gsize size;

  g_file_get_contents (path, &contents, &size, &error);
  g_assert_no_error (error);

  return g_bytes_new_take (contents, size);
}

/* The inputs written by hand, in the order of their names: the same on all machines. */
static void
read_folder (GPtrArray  *corpus,
             const char *path)
{
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_build_filename (path, name, NULL));
  g_ptr_array_sort (names, compare_names);

  for (guint i = 0; i < names->len; i++)
    g_ptr_array_add (corpus, read_file (g_ptr_array_index (names, i)));
}

/* The inputs found by libFuzzer: as MessagePack, a bin each. */
static void
read_pack (GPtrArray  *corpus,
           const char *path)
{
  g_autoptr(GBytes) pack = read_file (path);
  gsize size;
  const char *data = g_bytes_get_data (pack, &size);
  msgpack_unpacked unpacked;
  gsize offset = 0;

  msgpack_unpacked_init (&unpacked);
  while (msgpack_unpack_next (&unpacked, data, size, &offset) == MSGPACK_UNPACK_SUCCESS)
    {
      g_assert_cmpint (unpacked.data.type, ==, MSGPACK_OBJECT_BIN);
      g_ptr_array_add (corpus, g_bytes_new (unpacked.data.via.bin.ptr,
                                            unpacked.data.via.bin.size));
    }
  g_assert_cmpuint (offset, ==, size);
  msgpack_unpacked_destroy (&unpacked);
}

/* The inputs of fuzz-NAME are the files in the folder NAME, and what is in NAME.msgpack. */
static GPtrArray *
read_corpus (const char *program)
{
  g_autofree char *file = g_path_get_basename (program);
  const char *name = file + strlen ("fuzz-");
  g_autofree char *folder = NULL;
  g_autofree char *pack = NULL;
  GPtrArray *corpus = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  g_assert_true (g_str_has_prefix (file, "fuzz-"));
  folder = g_test_build_filename (G_TEST_DIST, "fuzzing", "corpus", name, NULL);
  pack = g_strconcat (folder, ".msgpack", NULL);
  read_folder (corpus, folder);
  read_pack (corpus, pack);
  g_assert_cmpuint (corpus->len, >, 0);

  return corpus;
}

int
main (int   argc,
      char *argv[])
{
  g_autoptr(GPtrArray) corpus = NULL;

  g_test_init (&argc, &argv, NULL);

  if (argc < 2)
    {
      corpus = read_corpus (argv[0]);
      g_test_add_data_func ("/msgpack-rpc/fuzzing/corpus", corpus, run_corpus);
      g_test_add_data_func ("/msgpack-rpc/fuzzing/mutations", corpus, run_mutations);
    }

  for (int i = 1; i < argc; i++)
    {
      g_autofree char *file = g_path_get_basename (argv[i]);
      g_autofree char *test = g_strconcat ("/msgpack-rpc/fuzzing/", file, NULL);

      g_test_add_data_func (test, argv[i], run_file);
    }

  return g_test_run ();
}
