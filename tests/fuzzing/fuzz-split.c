/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is a byte of flags, three that choose limits, the sizes of pieces, and a stream of
 * messages. Read in one piece and in these, it must give the same messages at the same offsets, and
 * end in the same way. With a length before each, they must be the same messages, too. */

#include "fuzz-util.h"

#include <string.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-unpacker-private.h"

#define FLAG_FEED_BYTES 1
#define FLAG_REQUIRE_ARRAY 2
#define FLAG_SMALL_MESSAGE 4 /* the limit of the message's size is chosen */
#define FLAG_SMALL_DECODED 8
#define FLAG_DEPTH 16
#define FLAGS_STRING_POLICY_SHIFT 5
#define FLAG_LEND 128 /* what is not fed as GBytes is given as the link does it */

/* In the byte that has the number of pieces. */
#define FLAG_FRAMED 64 /* there are lengths in the stream */
#define FLAG_FRAME 128 /* they are put there */

#define MAX_PIECES 16

#define LARGE_PIECE 8000

/* Pieces of such a size are not looked at before the next one has come, as on a link that pauses. */
#define IS_UNREAD(size) ((size) % 8 == 5)

/* What is left after so many comes at once: else small pieces take most of the time. */
#define MAX_READS 16

typedef struct
{
  guint8 flags;
  guint64 max_message_size;
  guint64 max_decoded_size;
  guint max_depth;
  guint8 pieces[MAX_PIECES]; /* their sizes, again and again; 0 for a large one */
  guint n_pieces;            /* 0 for one piece */
  gboolean framed;
  gboolean frame;
} Plan;

typedef struct
{
  GPtrArray *values;
  GArray *ends; /* of the messages, in the stream */
  GError *error;
  gboolean cut;
} Reading;

static void
plan_take (Plan      *self,
           FuzzInput *input)
{
  guint8 framing;

  self->flags = fuzz_input_take_byte (input);
  self->max_message_size = 1 + 8 * fuzz_input_take_byte (input);
  self->max_decoded_size = 1 + 16 * fuzz_input_take_byte (input);
  self->max_depth = fuzz_input_take_byte (input) % 41;
  framing = fuzz_input_take_byte (input);
  self->n_pieces = 1 + framing % MAX_PIECES;
  self->frame = (framing & FLAG_FRAME) != 0;
  self->framed = self->frame || (framing & FLAG_FRAMED) != 0;
  for (guint i = 0; i < self->n_pieces; i++)
    self->pieces[i] = fuzz_input_take_byte (input);
}

/* Those that a link sets hold of lengths, too. */
static void
plan_set_limits (const Plan         *self,
                 MsgpackRpcUnpacker *unpacker)
{
  guint64 max_message_size = msgpack_rpc_unpacker_get_max_message_size (unpacker);
  guint64 max_decoded_size = msgpack_rpc_unpacker_get_max_decoded_size (unpacker);
  guint max_depth = msgpack_rpc_unpacker_get_max_depth (unpacker);

  if (self->flags & FLAG_SMALL_MESSAGE)
    max_message_size = self->max_message_size;
  if (self->flags & FLAG_SMALL_DECODED)
    max_decoded_size = self->max_decoded_size;
  if (self->flags & FLAG_DEPTH)
    max_depth = self->max_depth;
  _msgpack_rpc_unpacker_set_limits (unpacker, (guint) max_message_size, (guint) max_decoded_size,
                                    max_depth);
}

static MsgpackRpcUnpacker *
plan_make_unpacker (const Plan *self)
{
  MsgpackRpcUnpacker *unpacker = msgpack_rpc_unpacker_new ();

  plan_set_limits (self, unpacker);
  msgpack_rpc_unpacker_set_string_policy (unpacker,
                                          (self->flags >> FLAGS_STRING_POLICY_SHIFT & 3) % 3);
  _msgpack_rpc_unpacker_set_require_array (unpacker, self->flags & FLAG_REQUIRE_ARRAY);
  _msgpack_rpc_unpacker_set_framed (unpacker, self->framed);

  return unpacker;
}

static gsize
plan_get_piece (const Plan *self,
                guint       i,
                gsize       left)
{
  guint8 size = self->n_pieces > 0 ? self->pieces[i % self->n_pieces] : 0;

  if (self->n_pieces == 0 || i == MAX_READS)
    return left;

  return MIN (size > 0 ? size : LARGE_PIECE, left);
}

static void
read_messages (Reading            *self,
               MsgpackRpcUnpacker *unpacker)
{
  GVariant *value;

  while ((value = msgpack_rpc_unpacker_next (unpacker, &self->error)) != NULL)
    {
      guint64 end = _msgpack_rpc_unpacker_get_message_offset (unpacker);

      g_assert_no_error (self->error);
      g_assert_false (g_variant_is_floating (value));
      g_assert_cmpuint (msgpack_rpc_unpacker_get_offset (unpacker), ==, end);
      g_ptr_array_add (self->values, value);
      g_array_append_val (self->ends, end);
    }
}

/* As the link reads: to where the unpacker wants it if it waits for a large body, else into memory
 * that is gone afterwards. */
static void
read_lent (Reading            *self,
           MsgpackRpcUnpacker *unpacker,
           const guint8       *data,
           gsize               size,
           gboolean            unread)
{
  while (size > 0 && self->error == NULL)
    {
      gsize n = size;
      guint8 *space = _msgpack_rpc_unpacker_get_space (unpacker, &n);
      g_autofree guint8 *copy = NULL;

      if (space != NULL)
        {
          n = MIN (n, size);
          memcpy (space, data, n);
          _msgpack_rpc_unpacker_commit (unpacker, n);
        }
      else
        {
          n = size;
          copy = g_memdup2 (data, n);
          _msgpack_rpc_unpacker_lend (unpacker, copy, n);
        }

      if (!unread)
        read_messages (self, unpacker);
      _msgpack_rpc_unpacker_keep (unpacker);
      data += n;
      size -= n;
    }
}

static void
read_piece (Reading            *self,
            MsgpackRpcUnpacker *unpacker,
            const guint8       *data,
            gsize               size,
            gboolean            as_bytes,
            gboolean            lent,
            gboolean            unread)
{
  g_autoptr(GBytes) bytes = NULL;

  if (lent && !as_bytes)
    {
      read_lent (self, unpacker, data, size, unread);
      return;
    }

  if (as_bytes)
    {
      bytes = g_bytes_new (data, size);
      msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
      g_clear_pointer (&bytes, g_bytes_unref);
    }
  else
    {
      msgpack_rpc_unpacker_feed (unpacker, data, size);
    }

  if (!unread)
    read_messages (self, unpacker);
}

/* At the end of the stream. A failed unpacker stays failed. */
static void
finish (Reading            *self,
        MsgpackRpcUnpacker *unpacker)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) again = NULL;
  gboolean empty = _msgpack_rpc_unpacker_is_empty (unpacker);

  self->cut = !msgpack_rpc_unpacker_finish (unpacker, &error) && self->error == NULL;
  g_assert_true (self->error != NULL || empty != self->cut);
  if (self->error != NULL)
    g_assert_cmpstr (error->message, ==, self->error->message);
  else
    self->error = g_steal_pointer (&error);

  if (self->error == NULL)
    return;

  fuzz_assert_error (self->error);
  msgpack_rpc_unpacker_feed (unpacker, (const guint8 *) "\0", 1);
  g_assert_null (msgpack_rpc_unpacker_next (unpacker, &again));
  g_assert_nonnull (again);
  g_assert_cmpstr (again->message, ==, self->error->message);
  g_assert_cmpuint (_msgpack_rpc_unpacker_get_memory (unpacker), ==, 0);
}

static void
reading_init (Reading      *self,
              const Plan   *plan,
              const guint8 *data,
              gsize         size)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = plan_make_unpacker (plan);
  gsize piece;

  self->values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  self->ends = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->error = NULL;

  for (guint i = 0; size > 0 && self->error == NULL; i++)
    {
      piece = plan_get_piece (plan, i, size);
      read_piece (self, unpacker, data, piece, plan->flags & FLAG_FEED_BYTES && i % 2 == 0,
                  plan->flags & FLAG_LEND, piece < size && IS_UNREAD (piece));
      data += piece;
      size -= piece;
    }

  finish (self, unpacker);
}

static void
reading_clear (Reading *self)
{
  g_ptr_array_unref (self->values);
  g_array_unref (self->ends);
  g_clear_error (&self->error);
}

static void
check_same_end (const Reading *whole,
                const Reading *pieces)
{
  g_assert_true ((whole->error == NULL) == (pieces->error == NULL));
  g_assert_cmpint (whole->cut, ==, pieces->cut);
  if (whole->error == NULL)
    return;

  /* That the rest will not fit is seen where a piece ends, before what follows. */
  if (!whole->cut && (g_error_matches (pieces->error, MSGPACK_RPC_ERROR,
                                       MSGPACK_RPC_ERROR_TOO_LARGE) ||
                      g_str_has_prefix (pieces->error->message, "Message is longer ")))
    return;

  /* What is shown of no message is less. */
  g_assert_cmpint (whole->error->code, ==, pieces->error->code);
  if (!g_str_has_prefix (whole->error->message, "expected "))
    g_assert_cmpstr (whole->error->message, ==, pieces->error->message);
}

static void
check_same (const Reading *whole,
            const Reading *pieces)
{
  g_assert_cmpuint (whole->values->len, ==, pieces->values->len);
  for (guint i = 0; i < whole->values->len; i++)
    {
      fuzz_assert_same (g_ptr_array_index (whole->values, i),
                        g_ptr_array_index (pieces->values, i));
      fuzz_assert_normal_form (g_ptr_array_index (whole->values, i));
      g_assert_cmpuint (g_array_index (whole->ends, guint64, i), ==,
                        g_array_index (pieces->ends, guint64, i));
    }
  check_same_end (whole, pieces);
}

/* Of what is no message, the frame may be at fault where the message is else. */
static void
check_frames (const Reading *plain,
              const Reading *framed)
{
  g_assert_cmpuint (plain->values->len, ==, framed->values->len);
  for (guint i = 0; i < plain->values->len; i++)
    fuzz_assert_same (g_ptr_array_index (plain->values, i),
                      g_ptr_array_index (framed->values, i));
  g_assert_true ((plain->error == NULL) == (framed->error == NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  FuzzInput input = { data, size };
  g_autoptr(GByteArray) frames = NULL;
  Reading whole, pieces, plain;
  Plan plan;

  plan_take (&plan, &input);
  if (plan.frame)
    frames = fuzz_frame (input.data, input.size);
  data = frames != NULL ? frames->data : input.data;
  size = frames != NULL ? frames->len : input.size;
  reading_init (&pieces, &plan, data, size);
  plan.n_pieces = 0;
  reading_init (&whole, &plan, data, size);
  check_same (&whole, &pieces);

  if (plan.frame)
    {
      plan.framed = FALSE;
      reading_init (&plain, &plan, input.data, input.size);
      check_frames (&plain, &whole);
      reading_clear (&plain);
    }

  reading_clear (&whole);
  reading_clear (&pieces);

  return 0;
}
