/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How fast messages are read and written, beside msgpack-c's own objects and a plain tree codec.
 *
 * Usage: codec [CASE]...
 *        codec --allocations [CASE]...
 *        codec --instructions [CASE]...
 *
 * The first prints a table of medians, of the times and of the ratios within a round; nothing in it
 * is asserted. The second counts allocations.
 * The third does each thing once between two marks, for a run under callgrind: see codec.py. */

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#define CALLGRIND_DUMP_STATS_AT(name) (void) (name)
#endif

#include "codec-tree.h"
#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-packer-private.h"

#define N_ROUNDS 25
#define ROUND_NSEC 2e6

/* Allocations */

static gsize n_allocations;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define COUNTS_ALLOCATIONS 1

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *data, size_t size);

void *
malloc (size_t size)
{
  n_allocations++;
  return __libc_malloc (size);
}

void *
calloc (size_t n,
        size_t size)
{
  n_allocations++;
  return __libc_calloc (n, size);
}

void *
realloc (void   *data,
         size_t  size)
{
  n_allocations++;
  return __libc_realloc (data, size);
}
#else
#define COUNTS_ALLOCATIONS 0
#endif

/* Messages */

typedef struct
{
  const char *name;
  const char *type; /* what it is decoded to when a type is declared */
  void (*write) (msgpack_packer *packer);
} Case;

static void
write_str (msgpack_packer *packer,
           const char     *str)
{
  msgpack_pack_str_with_body (packer, str, strlen (str));
}

static void
write_request (msgpack_packer *packer)
{
  msgpack_pack_array (packer, 4);
  msgpack_pack_uint32 (packer, 0);
  msgpack_pack_uint32 (packer, 1);
  write_str (packer, "add");
  msgpack_pack_array (packer, 2);
  msgpack_pack_uint32 (packer, 1);
  msgpack_pack_uint32 (packer, 2);
}

/* As a user interface of an editor gets it: 8 lines of 40 cells. */
static void
write_redraw (msgpack_packer *packer)
{
  msgpack_pack_array (packer, 3);
  msgpack_pack_uint32 (packer, 2);
  write_str (packer, "redraw");
  msgpack_pack_array (packer, 2);

  msgpack_pack_array (packer, 9);
  write_str (packer, "grid_line");
  for (guint row = 0; row < 8; row++)
    {
      msgpack_pack_array (packer, 4);
      msgpack_pack_uint32 (packer, 1);
      msgpack_pack_uint32 (packer, row);
      msgpack_pack_uint32 (packer, 0);
      msgpack_pack_array (packer, 80);
      for (guint column = 0; column < 80; column++)
        {
          gboolean styled = column % 8 == 0;

          msgpack_pack_array (packer, styled ? 3 : 1);
          write_str (packer, column % 5 == 4 ? "─" : "a");
          if (styled)
            {
              msgpack_pack_uint32 (packer, 100 + column);
              msgpack_pack_uint32 (packer, 1);
            }
        }
    }

  msgpack_pack_array (packer, 1);
  write_str (packer, "flush");
}

static void
write_records (msgpack_packer *packer)
{
  msgpack_pack_array (packer, 1000);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("record number %u", i);

      msgpack_pack_map (packer, 5);
      write_str (packer, "id");
      msgpack_pack_uint32 (packer, 1000 + i);
      write_str (packer, "name");
      write_str (packer, name);
      write_str (packer, "score");
      msgpack_pack_double (packer, i / 3.0);
      write_str (packer, "active");
      if (i % 2 == 0)
        msgpack_pack_true (packer);
      else
        msgpack_pack_false (packer);
      write_str (packer, "tags");
      msgpack_pack_array (packer, 2);
      write_str (packer, "alpha");
      write_str (packer, "beta");
    }
}

static void
write_lines (msgpack_packer *packer)
{
  msgpack_pack_array (packer, 2000);
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *line = g_strdup_printf ("%*sif (value_%u == NULL) return the_other_value "
                                               "(%u, \"text\");", i % 16, "", i, i);

      write_str (packer, line);
    }
}

static void
write_ints (msgpack_packer *packer)
{
  msgpack_pack_array (packer, 100000);
  for (guint i = 0; i < 100000; i++)
    msgpack_pack_uint32 (packer, (i * 2654435761u) >> (i % 32));
}

static void
write_bin (msgpack_packer *packer)
{
  g_autofree char *data = g_malloc (1 << 20);

  memset (data, 0xa5, 1 << 20);
  msgpack_pack_bin_with_body (packer, data, 1 << 20);
}

static void
write_deep (msgpack_packer *packer)
{
  for (guint i = 0; i < 30; i++)
    {
      msgpack_pack_array (packer, 3);
      msgpack_pack_uint32 (packer, i);
      write_str (packer, "deeper");
    }
  msgpack_pack_nil (packer);
}

static const Case cases[] = {
  { "request", "(uusax)", write_request },
  { "redraw", "(usav)", write_redraw },
  { "records", "aa{sv}", write_records },
  { "lines", "as", write_lines },
  { "ints", "ax", write_ints },
  { "bin", "ay", write_bin },
  { "deep", "(xsav)", write_deep },
};

/* What is measured */

typedef struct
{
  const Case *c;
  const GVariantType *type;
  msgpack_sbuffer wire;
  msgpack_unpacked object;
  GVariant *value;      /* serialised */
  GVariant *typed;      /* the same, of the declared type */
  MsgpackRpcDecoder *decoder;
} Fixture;

typedef void (*Function) (Fixture *fixture);

static GVariant *
decode (Fixture            *fixture,
        const GVariantType *type)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcDecoded decoded = { NULL };
  gsize offset = 0;

  _msgpack_rpc_decoder_decode (fixture->decoder, (const guint8 *) fixture->wire.data,
                               fixture->wire.size, &offset, type, &decoded, &error);
  g_assert_no_error (error);

  return decoded.value;
}

static void
decode_floor (Fixture *fixture)
{
  msgpack_unpacked unpacked;
  gsize offset = 0;

  msgpack_unpacked_init (&unpacked);
  if (msgpack_unpack_next (&unpacked, fixture->wire.data, fixture->wire.size, &offset) !=
      MSGPACK_UNPACK_SUCCESS)
    g_assert_not_reached ();
  msgpack_unpacked_destroy (&unpacked);
}

static void
decode_tree (Fixture *fixture)
{
  msgpack_unpacked unpacked;
  gsize offset = 0;

  msgpack_unpacked_init (&unpacked);
  if (msgpack_unpack_next (&unpacked, fixture->wire.data, fixture->wire.size, &offset) !=
      MSGPACK_UNPACK_SUCCESS)
    g_assert_not_reached ();
  g_variant_unref (g_variant_ref_sink (codec_tree_from_object (&unpacked.data)));
  msgpack_unpacked_destroy (&unpacked);
}

static void
decode_ours (Fixture *fixture)
{
  g_variant_unref (decode (fixture, NULL));
}

static void
typed_ours (Fixture *fixture)
{
  g_variant_unref (decode (fixture, fixture->type));
}

static void
encode_floor (Fixture *fixture)
{
  msgpack_sbuffer out;
  msgpack_packer packer;

  msgpack_sbuffer_init (&out);
  msgpack_packer_init (&packer, &out, msgpack_sbuffer_write);
  msgpack_pack_object (&packer, fixture->object.data);
  msgpack_sbuffer_destroy (&out);
}

static void
encode_tree (Fixture *fixture)
{
  msgpack_sbuffer out;
  msgpack_packer packer;

  msgpack_sbuffer_init (&out);
  msgpack_packer_init (&packer, &out, msgpack_sbuffer_write);
  codec_tree_pack (&packer, fixture->value);
  msgpack_sbuffer_destroy (&out);
}

static void
encode_value (GVariant *value)
{
  GByteArray *out = g_byte_array_new ();
  g_autoptr(GError) error = NULL;

  _msgpack_rpc_packer_append_value (out, value, 0, &error);
  g_assert_no_error (error);
  g_byte_array_unref (out);
}

static void
encode_ours (Fixture *fixture)
{
  encode_value (fixture->value);
}

static void
encode_typed_ours (Fixture *fixture)
{
  encode_value (fixture->typed);
}

enum
{
  FLOOR,
  OURS,
  TREE,
  N_WAYS
};

static const char *const ways[N_WAYS] = { "msgpack-c", "ours", "tree" };

typedef struct
{
  const char *name;
  Function functions[N_WAYS];
} Operation;

static const Operation operations[] = {
  { "decode", { decode_floor, decode_ours, decode_tree } },
  { "decode into type", { decode_floor, typed_ours, NULL } },
  { "encode", { encode_floor, encode_ours, encode_tree } },
  { "encode typed", { encode_floor, encode_typed_ours, NULL } },
};

static void
fixture_init (Fixture    *self,
              const Case *c)
{
  g_autoptr(GError) error = NULL;
  msgpack_packer packer;
  gsize offset = 0;

  self->c = c;
  msgpack_sbuffer_init (&self->wire);
  msgpack_packer_init (&packer, &self->wire, msgpack_sbuffer_write);
  c->write (&packer);

  msgpack_unpacked_init (&self->object);
  if (msgpack_unpack_next (&self->object, self->wire.data, self->wire.size, &offset) !=
      MSGPACK_UNPACK_SUCCESS)
    g_assert_not_reached ();

  self->decoder = _msgpack_rpc_decoder_new ();
  self->value = decode (self, NULL);
  self->type = G_VARIANT_TYPE (c->type);
  self->typed = decode (self, self->type);
}

static void
fixture_clear (Fixture *self)
{
  g_variant_unref (self->typed);
  g_variant_unref (self->value);
  _msgpack_rpc_decoder_free (self->decoder);
  msgpack_unpacked_destroy (&self->object);
  msgpack_sbuffer_destroy (&self->wire);
}

/* What is measured is right: our bytes are msgpack-c's, our value is the tree. */
static void
fixture_check (Fixture *self)
{
  g_autoptr(GByteArray) out = g_byte_array_new ();
  g_autoptr(GVariant) tree = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_variant_is_of_type (self->typed, self->type));

  _msgpack_rpc_packer_append_value (out, self->value, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (out->data, out->len, self->wire.data, self->wire.size);

  g_byte_array_set_size (out, 0);
  _msgpack_rpc_packer_append_value (out, self->typed, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (out->data, out->len, self->wire.data, self->wire.size);

  tree = g_variant_ref_sink (codec_tree_from_object (&self->object.data));
  g_assert_cmpstr (g_variant_get_type_string (tree), ==, g_variant_get_type_string (self->value));
  g_assert_cmpmem (g_variant_get_data (tree), g_variant_get_size (tree),
                   g_variant_get_data (self->value), g_variant_get_size (self->value));
}

/* The table */

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);

  return time.tv_sec * 1e9 + time.tv_nsec;
}

static double
measure (Fixture  *fixture,
         Function  function,
         guint     n)
{
  double start;

  /* What was measured before has left the caches to itself. */
  function (fixture);

  start = now ();
  for (guint i = 0; i < n; i++)
    function (fixture);

  return (now () - start) / n;
}

static int
compare (const void *a,
         const void *b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return (x > y) - (x < y);
}

static gsize
count_allocations (Fixture  *fixture,
                   Function  function)
{
  gsize before;

  function (fixture);
  before = n_allocations;
  function (fixture);

  return n_allocations - before;
}

static double
median (double *numbers)
{
  qsort (numbers, N_ROUNDS, sizeof (double), compare);

  return numbers[N_ROUNDS / 2];
}

static void
print_ratio (double *times,
             double *floor_times)
{
  double ratios[N_ROUNDS];

  for (guint i = 0; i < N_ROUNDS; i++)
    ratios[i] = times[i] / floor_times[i];

  g_print ("  x%-7.2f", median (ratios));
}

/* The ways take turns, so that whatever else the machine does hits all alike. */
static void
compare_ways (Fixture         *fixture,
              const Operation *operation)
{
  double times[N_WAYS][N_ROUNDS] = { 0 };
  guint n[N_WAYS] = { 0 };

  for (guint way = 0; way < N_WAYS; way++)
    {
      double time;

      if (operation->functions[way] == NULL)
        continue;

      time = measure (fixture, operation->functions[way], 2);
      n[way] = CLAMP (ROUND_NSEC / time, 1, 10000);
    }

  for (guint round = 0; round < N_ROUNDS; round++)
    {
      for (guint way = 0; way < N_WAYS; way++)
        {
          if (n[way] > 0)
            times[way][round] = measure (fixture, operation->functions[way], n[way]);
        }
    }

  for (guint way = 0; way < N_WAYS; way++)
    {
      double ordered[N_ROUNDS];

      if (way == FLOOR)
        g_print ("%-8s %-17s", fixture->c->name, operation->name);

      if (n[way] == 0)
        {
          g_print (" %9s  %-8s", "-", "-");
          continue;
        }

      memcpy (ordered, times[way], sizeof ordered);
      g_print (" %9.0f", median (ordered));
      if (way != FLOOR)
        print_ratio (times[way], times[FLOOR]);
    }
  g_print ("\n");
}

static void
print_allocations (Fixture         *fixture,
                   const Operation *operation)
{
  g_print ("%-8s %-17s", fixture->c->name, operation->name);
  for (guint way = 0; way < N_WAYS; way++)
    {
      if (operation->functions[way] == NULL)
        g_print (" %9s", "-");
      else
        g_print (" %9" G_GSIZE_FORMAT, count_allocations (fixture, operation->functions[way]));
    }
  g_print ("\n");
}

static void
mark_instructions (Fixture         *fixture,
                   const Operation *operation)
{
  for (guint way = 0; way < N_WAYS; way++)
    {
      g_autofree char *name = g_strdup_printf ("%s/%s/%s", fixture->c->name, operation->name,
                                               ways[way]);

      if (operation->functions[way] == NULL)
        continue;

      /* What is done once only, such as binding symbols, is not counted. */
      operation->functions[way] (fixture);
      CALLGRIND_TOGGLE_COLLECT;
      operation->functions[way] (fixture);
      CALLGRIND_TOGGLE_COLLECT;
      CALLGRIND_DUMP_STATS_AT (name);
    }
}

typedef void (*Report) (Fixture         *fixture,
                        const Operation *operation);

static void
report_cases (Report       report,
              char *const *names)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Fixture fixture;

      if (*names != NULL && !g_strv_contains ((const char *const *) names, cases[i].name))
        continue;

      fixture_init (&fixture, &cases[i]);
      fixture_check (&fixture);
      for (gsize j = 0; j < G_N_ELEMENTS (operations); j++)
        report (&fixture, &operations[j]);
      fixture_clear (&fixture);
    }
}

int
main (int    argc,
      char **argv)
{
  /* Else it depends on what was freed before whether memory goes back to the system each time. */
  mallopt (M_MMAP_THRESHOLD, 32 * 1024 * 1024);
  mallopt (M_TRIM_THRESHOLD, 256 * 1024 * 1024);

  if (g_strcmp0 (argv[1], "--instructions") == 0)
    {
      report_cases (mark_instructions, argv + 2);
      return EXIT_SUCCESS;
    }

  if (g_strcmp0 (argv[1], "--allocations") == 0)
    {
      g_print ("%-8s %-17s %9s %9s %9s\n", "", "allocations", "msgpack-c", "ours", "tree");
      if (COUNTS_ALLOCATIONS)
        report_cases (print_allocations, argv + 2);
      return EXIT_SUCCESS;
    }

  g_print ("%-8s %-17s %9s %9s  %-8s %9s  %-8s\n", "", "median of ns", "msgpack-c", "ours", "ratio",
           "tree", "ratio");
  report_cases (compare_ways, argv + 1);

  return EXIT_SUCCESS;
}
