/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What decoding takes: how much memory at most, in how large pieces, and how many bytes are moved.
 *
 * The program's own allocator counts what was asked for, so that a buffer counts whole though the
 * system backs only the pages of it that are used. */

#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <errno.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "msgpack-rpc-unpacker-private.h"

#include "test-bytes.h"
#include "test-util.h"

#define KIB 1024
#define MIB (KIB * KIB)

/* The largest piece that may be taken while up to 1 KiB is refused. */
#define REFUSAL_LIMIT (4 * KIB)

/* ---- counting ---- */

static gssize live;    /* bytes */
static gssize peak;    /* of them */
static gsize largest;  /* piece that was asked for */
static gsize moved;    /* bytes, by copying and by reallocating to another place */

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__clang__)
#define COUNTS_MEMORY 1

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *data, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *data);

static void
count (gssize more,
       gsize  size)
{
  gssize now = __atomic_add_fetch (&live, more, __ATOMIC_RELAXED);

  if (now > __atomic_load_n (&peak, __ATOMIC_RELAXED))
    __atomic_store_n (&peak, now, __ATOMIC_RELAXED);
  if (size > __atomic_load_n (&largest, __ATOMIC_RELAXED))
    __atomic_store_n (&largest, size, __ATOMIC_RELAXED);
}

static void *
count_new (void  *data,
           gsize  size)
{
  if (data != NULL)
    count ((gssize) malloc_usable_size (data), size);

  return data;
}

void *
malloc (size_t size)
{
  return count_new (__libc_malloc (size), size);
}

void *
calloc (size_t n,
        size_t size)
{
  return count_new (__libc_calloc (n, size), n * size);
}

void *
memalign (size_t alignment,
          size_t size)
{
  return count_new (__libc_memalign (alignment, size), size);
}

void *
aligned_alloc (size_t alignment,
               size_t size)
{
  return memalign (alignment, size);
}

int
posix_memalign (void   **data,
                size_t   alignment,
                size_t   size)
{
  *data = memalign (alignment, size);

  return *data != NULL ? 0 : ENOMEM;
}

void
free (void *data)
{
  if (data != NULL)
    count (-(gssize) malloc_usable_size (data), 0);

  __libc_free (data);
}

void *
realloc (void   *data,
         size_t  size)
{
  gsize old_size = data != NULL ? malloc_usable_size (data) : 0;
  guintptr old_place = (guintptr) data;
  void *new_data = __libc_realloc (data, size);

  if (new_data == NULL && size > 0)
    return NULL;

  count (-(gssize) old_size, 0);
  if (old_size > 0 && (guintptr) new_data != old_place)
    moved += old_size;

  return count_new (new_data, size);
}

/* Not memmove() itself, which compilers know too well. */
static void *
count_moved (void       *to,
             const void *from,
             gsize       size)
{
  static void *(*real) (void *, const void *, size_t);
  static gboolean looking;

  if (real == NULL && !looking)
    {
      looking = TRUE;
      real = (void *(*) (void *, const void *, size_t)) dlsym (RTLD_NEXT, "memmove");
    }

  if (real == NULL)
    {
      volatile guint8 *out = to;
      const volatile guint8 *in = from;

      for (gsize i = 0; i < size; i++)
        {
          gsize j = out < in ? i : size - 1 - i;

          out[j] = in[j];
        }

      return to;
    }

  /* A number's bytes are no data that moves: compilers that optimise make no call of that. */
  if (size > sizeof (guint64))
    moved += size;

  return real (to, from, size);
}

void *
memcpy (void *restrict       to,
        const void *restrict from,
        size_t               size)
{
  return count_moved (to, from, size);
}

void *
memmove (void       *to,
         const void *from,
         size_t      size)
{
  return count_moved (to, from, size);
}
#endif

static gboolean
counts_memory (void)
{
#ifdef COUNTS_MEMORY
  /* Some tools put their own in the place of ours. */
  gssize before = live;
  void *volatile piece = g_malloc (1000);
  gboolean counted = live >= before + 1000;

  g_free (piece);

  return counted;
#else
  return FALSE;
#endif
}

/* What must hold where it can be counted. */
#define assert_counted(a, op, b)                                        \
  G_STMT_START                                                          \
    {                                                                   \
      if (counts_memory ())                                             \
        g_assert_cmpuint (a, op, b);                                    \
    }                                                                   \
  G_STMT_END

static gssize
start_counting (void)
{
  peak = live;
  largest = 0;
  moved = 0;

  return live;
}

/* ---- large messages in small pieces ---- */

static void
append_header (GByteArray *wire,
               guint8      header,
               guint32     n)
{
  const guint8 bytes[] = { header, n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff };

  g_byte_array_append (wire, bytes, sizeof bytes);
}

static void
append_body (GByteArray *wire,
             guint8      header,
             gsize       size)
{
  gsize start;

  append_header (wire, header, size);
  start = wire->len;
  g_byte_array_set_size (wire, start + size);
  memset (wire->data + start, 'a', size);
}

static void
write_bin (GByteArray *wire,
           gsize       size)
{
  append_body (wire, 0xc6, size - 32);
}

static void
write_str (GByteArray *wire,
           gsize       size)
{
  append_body (wire, 0xdb, size - 32);
}

static void
write_strs (GByteArray *wire,
            gsize       size)
{
  guint32 n = (size - 32) / 1005;

  append_header (wire, 0xdd, n);
  for (guint32 i = 0; i < n; i++)
    append_body (wire, 0xdb, 1000);
}

static void
write_records (GByteArray *wire,
               gsize       size)
{
  g_autoptr(GByteArray) record = bytes_from_hex (
    "84 a2 69 64 ce 00 01 00 00 a4 6e 61 6d 65 ab 73 6f 6d 65 20 72 65 63 6f 72 64"
    "a4 74 61 67 73 93 a3 6f 6e 65 a3 74 77 6f a5 74 68 72 65 65"
    "a5 73 63 6f 72 65 cb 3f f8 00 00 00 00 00 00");
  guint32 n = (size - 32) / record->len;

  append_header (wire, 0xdd, n);
  for (guint32 i = 0; i < n; i++)
    g_byte_array_append (wire, record->data, record->len);
}

static void
write_ints (GByteArray *wire,
            gsize       size)
{
  static const guint8 number[] = { 0xd3, 0x80, 1, 2, 3, 4, 5, 6, 7 };
  guint32 n = (size - 32) / sizeof number;

  append_header (wire, 0xdd, n);
  for (guint32 i = 0; i < n; i++)
    g_byte_array_append (wire, number, sizeof number);
}

/* Bodies large and small by turns, so that no part foretells the rest. */
static void
write_mixture (GByteArray *wire,
               gsize       size)
{
  gsize small = MIN (1000, size / 8000);
  gsize headers = 20 * KIB;

  append_header (wire, 0xdd, 2001);
  for (guint i = 0; i < 1000; i++)
    append_body (wire, 0xdb, small);
  append_body (wire, 0xc6, size / 2);
  for (guint i = 0; i < 1000; i++)
    append_body (wire, 0xdb, (size / 2 - headers) / 1000 - small);
}

static const struct
{
  const char *name;
  void (*write) (GByteArray *wire, gsize size);
} shapes[] = {
  { "bin", write_bin },
  { "str", write_str },
  { "strs", write_strs },
  { "records", write_records },
  { "ints", write_ints },
  { "mixture", write_mixture },
};

/* Ways to give the unpacker a piece. */
typedef enum
{
  WAY_FEED,
  WAY_FEED_BYTES,
  WAY_LINK,
  N_WAYS
} Way;

static GVariant *
take (MsgpackRpcUnpacker *unpacker)
{
  g_autoptr(GError) error = NULL;
  GVariant *value = msgpack_rpc_unpacker_next (unpacker, &error);

  g_assert_no_error (error);

  return value;
}

static GVariant *
give (MsgpackRpcUnpacker *unpacker,
      Way                 way,
      const guint8       *data,
      gsize               size)
{
  g_autoptr(GBytes) bytes = NULL;
  GVariant *value;

  switch (way)
    {
    case WAY_FEED:
      msgpack_rpc_unpacker_feed (unpacker, data, size);
      return take (unpacker);

    case WAY_FEED_BYTES:
      bytes = g_bytes_new_static (data, size);
      msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
      return take (unpacker);

    case WAY_LINK:
    case N_WAYS:
    default:
      _msgpack_rpc_unpacker_lend (unpacker, data, size);
      value = take (unpacker);
      _msgpack_rpc_unpacker_keep (unpacker);
      return value;
    }
}

/* As a socket that has only so much at a time. */
static gsize
give_or_read (MsgpackRpcUnpacker  *unpacker,
              Way                  way,
              const guint8        *data,
              gsize                size,
              GVariant           **value)
{
  gsize room = size;
  guint8 *space = way == WAY_LINK ? _msgpack_rpc_unpacker_get_space (unpacker, &room) : NULL;

  if (space == NULL)
    {
      *value = give (unpacker, way, data, size);
      return size;
    }

  /* That is what the system does. */
  size = MIN (size, room);
  for (gsize i = 0; i < size; i++)
    space[i] = data[i];
  _msgpack_rpc_unpacker_commit (unpacker, size);
  *value = take (unpacker);

  return size;
}

typedef struct
{
  gsize wire;
  gsize decoded;
  gsize peak;
  gsize moved;
} Costs;

static Costs
measure (guint shape,
         Way   way,
         gsize size,
         gsize piece)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GByteArray) wire = bytes_from_hex ("93 02 a3 61 64 64 91");
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GRand) rand = g_rand_new_with_seed (42);
  gssize before;
  gsize done = 0;
  Costs costs;

  shapes[shape].write (wire, size);
  g_assert_cmpuint (wire->len, <=, size);
  before = start_counting ();

  while (done < wire->len)
    {
      gsize most = piece > 0 ? piece : (gsize) g_rand_int_range (rand, 1, 8192);

      g_assert_null (value);
      done += give_or_read (unpacker, way, wire->data + done, MIN (most, wire->len - done),
                            &value);
    }

  g_assert_nonnull (value);
  costs.wire = wire->len;
  costs.decoded = g_variant_get_size (value);
  costs.peak = (gsize) (peak - before);
  costs.moved = moved;
  g_test_message ("%s, way %d: %zu bytes, decoded %zu, peak %zu, moved %zu", shapes[shape].name,
                  way, costs.wire, costs.decoded, costs.peak, costs.moved);

  return costs;
}

static void
test_large (gconstpointer data)
{
  const guint shape = GPOINTER_TO_UINT (data);
  const gsize size = 64 * MIB / (gsize) test_get_slowness ();

  g_test_summary ("A large message in small pieces takes its size and what comes of it, and moves "
                  "each byte a few times at most");

  for (Way way = 0; way < N_WAYS; way++)
    {
      for (gsize piece = 0; piece <= 4096; piece += 4096)
        {
          Costs costs = measure (shape, way, size, piece);

          assert_counted (costs.peak, <=, costs.wire + costs.decoded + MIB);
          assert_counted (costs.moved, <=, 4 * (costs.wire + costs.decoded));
        }
    }
}

static void
test_small_in_one (void)
{
  const guint n = 10000;
  g_autoptr(GByteArray) message = bytes_from_hex ("94 00 01 a3 61 64 64 92 01 02");
  g_autoptr(GByteArray) wire = g_byte_array_new ();
  gsize with_copies = 0;

  g_test_summary ("Many small messages in one piece are not copied before they are decoded");

  for (guint i = 0; i < n; i++)
    g_byte_array_append (wire, message->data, message->len);

  for (Way way = 0; way < N_WAYS; way++)
    {
      g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
      g_autoptr(GBytes) bytes = g_bytes_new_static (wire->data, wire->len);
      g_autoptr(GVariant) first = NULL;
      gsize decoded = 0;

      start_counting ();
      if (way == WAY_FEED)
        msgpack_rpc_unpacker_feed (unpacker, wire->data, wire->len);
      else if (way == WAY_FEED_BYTES)
        msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);
      else
        _msgpack_rpc_unpacker_lend (unpacker, wire->data, wire->len);

      for (guint i = 0; i < n; i++)
        {
          g_autoptr(GVariant) value = take (unpacker);

          g_assert_nonnull (value);
          decoded += g_variant_get_size (value);
        }

      g_assert_null (take (unpacker));
      _msgpack_rpc_unpacker_keep (unpacker);
      g_assert_cmpuint (_msgpack_rpc_unpacker_get_buffer_size (unpacker), ==, 0);

      if (way == WAY_FEED)
        with_copies = moved;
      else
        assert_counted (moved + wire->len, <=, with_copies);
      /* Beside it is what GLib does for each value. */
      assert_counted (moved, <, decoded + (way == WAY_FEED ? 2 : 1) * wire->len);
    }
}

/* ---- what is refused ---- */

static const char *const refused[] = {
  "c1", "91 c1", "dd 10 00 00 00", "dd ff ff ff ff", "df ff ff ff ff", "df 08 00 00 00",
  "db ff ff ff ff", "c6 ff ff ff ff", "c9 ff ff ff fe", "c9 ff ff ff ff 05", "dd 03 ff ff fc",
  "db 04 00 00 00", "c6 04 00 00 00", "c9 04 00 00 00 05", "dd 04 00 00 00", "df 02 00 00 00",
  "92 db 04 00 00 00", "dd 10 00 00 00 01 02 c1", "91 df ff ff ff ff 01 02 c1",
  "93 dd 03 00 00 00 dd 03 00 00 00", "91 df 01 00 00 00 01 dd 02 ff ff ff",
};

/* @n times the header, then something invalid. */
static GByteArray *
repeat (const char *header,
        const char *item,
        guint       n,
        const char *end)
{
  GByteArray *bytes = bytes_from_hex (header);
  g_autoptr(GByteArray) middle = bytes_from_hex (item);
  g_autoptr(GByteArray) last = bytes_from_hex (end);

  while (n-- > 0)
    g_byte_array_append (bytes, middle->data, middle->len);
  g_byte_array_append (bytes, last->data, last->len);
  g_assert_cmpuint (bytes->len, <=, KIB);

  return bytes;
}

static GPtrArray *
refused_inputs (void)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    g_ptr_array_add (inputs, bytes_from_hex (refused[i]));

  for (guint n = 1; n <= 400; n += 57)
    {
      g_ptr_array_add (inputs, repeat ("", "91", n / 10 + 33, ""));
      g_ptr_array_add (inputs, repeat ("", "81 01", n / 10 + 33, ""));
      g_ptr_array_add (inputs, repeat ("dc 03 e8", "01", n, "c1"));
      g_ptr_array_add (inputs, repeat ("dc 03 e8", "91 90", n, "c1"));
      g_ptr_array_add (inputs, repeat ("de 03 e8", "01 c0", n, "c1"));
      g_ptr_array_add (inputs, repeat ("de 03 e8", "a1 61 80", n / 2, "05 90 c1"));
      g_ptr_array_add (inputs, repeat ("", "dc ff ff", MIN (n, 340), "c1"));
      g_ptr_array_add (inputs, repeat ("", "dd 00 ff ff ff", n / 2, "c1"));
      g_ptr_array_add (inputs, repeat ("", "df 00 7f ff ff 01", n / 3, "c1"));
      g_ptr_array_add (inputs, repeat ("", "de ff ff a0", n / 2, "c1"));
    }

  g_ptr_array_add (inputs, repeat ("dc 03 ff", "00", 1020, "c1"));
  g_ptr_array_add (inputs, repeat ("dc 03 ff", "90", 1020, "c1"));
  g_ptr_array_add (inputs, repeat ("de 03 ff", "c0", 1020, "c1"));
  g_ptr_array_add (inputs, repeat ("de 03 ff", "01 c0", 509, "a0 c0 c1"));
  g_ptr_array_add (inputs, repeat ("91 da 03 f0", "61", 1008, "c1"));

  return inputs;
}

/* Through an unpacker, in pieces of @piece bytes. Returns whether it was refused, and gives the
 * largest allocation. */
static gboolean
refuse_in_pieces (GByteArray *input,
                  gsize       piece,
                  Way         way,
                  gsize      *size)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GError) error = NULL;

  start_counting ();
  for (gsize start = 0; start < input->len && error == NULL; start += piece)
    {
      const guint8 *data = input->data + start;
      gsize length = MIN (piece, input->len - start);
      g_autoptr(GBytes) bytes = g_bytes_new_static (data, length);
      g_autoptr(GVariant) value = NULL;

      if (way == WAY_FEED)
        msgpack_rpc_unpacker_feed (unpacker, data, length);
      else
        msgpack_rpc_unpacker_feed_bytes (unpacker, bytes);

      value = msgpack_rpc_unpacker_next (unpacker, &error);
      /* What comes after a message is another input. */
      if (value != NULL)
        return FALSE;
    }
  *size = largest;

  return error != NULL;
}

/* In one piece, and in @n_pieces sizes of pieces. Returns whether it was refused. */
static gboolean
check_refusal (GByteArray *input,
               guint       n_pieces)
{
  static const gsize pieces[] = { KIB, 100, 7, 1 };
  g_autoptr(GBytes) bytes = g_bytes_new (input->data, input->len);
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = NULL;
  gboolean is_refused;
  gsize size;

  start_counting ();
  value = msgpack_rpc_unpack (bytes, &error);
  is_refused = value == NULL;
  if (is_refused)
    assert_counted (largest, <, REFUSAL_LIMIT);

  for (gsize i = 0; i < n_pieces; i++)
    for (Way way = WAY_FEED; way <= WAY_FEED_BYTES; way++)
      if (refuse_in_pieces (input, pieces[i], way, &size))
        assert_counted (size, <, REFUSAL_LIMIT);

  return is_refused;
}

static void
test_refused (void)
{
  g_autoptr(GPtrArray) inputs = refused_inputs ();

  g_test_summary ("Refusing what is short takes no large piece of memory");

  for (guint i = 0; i < inputs->len; i++)
    g_assert_true (check_refusal (g_ptr_array_index (inputs, i), 4));
}

static void
test_refused_at_random (void)
{
  static const guint8 bytes[] = {
    0x00, 0x7f, 0x81, 0x82, 0x8f, 0x90, 0x91, 0x92, 0x9f, 0xa0, 0xa1, 0xbf, 0xc0, 0xc1, 0xc4, 0xc5,
    0xc6, 0xc7, 0xc9, 0xcb, 0xcf, 0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xff,
  };
  const guint n = 5000 / (guint) test_get_slowness ();
  g_autoptr(GRand) rand = g_rand_new_with_seed (7);
  guint n_refused = 0;

  g_test_summary ("Nor does refusing what was changed at random");

  for (guint i = 0; i < n; i++)
    {
      guint length = g_rand_int_range (rand, 3, KIB + 1);
      g_autoptr(GByteArray) input = repeat ("dc 03 e8", "01", length - 3, "");

      for (guint j = g_rand_int_range (rand, 0, 60); j > 0; j--)
        input->data[g_rand_int_range (rand, 0, length)] =
          bytes[g_rand_int_range (rand, 0, G_N_ELEMENTS (bytes))];

      n_refused += check_refusal (input, 2);
    }

  g_test_message ("%u of %u refused", n_refused, n);
  g_assert_cmpuint (n_refused, >, n / 2);
}

static void
closed_cb (MsgpackRpcConnection *connection,
           GError               *error,
           GVariant             *incomplete,
           GVariant             *unsent,
           gpointer              user_data)
{
  ++*(guint *) user_data;
}

/* Sends it to a connection and ends the stream. */
static gsize
refuse_on_connection (GByteArray *input)
{
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_connection_new (stream);
  guint n_closed = 0;
  gsize result;

  g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), &n_closed);
  test_drain ();
  start_counting ();
  raw_peer_send (&peer, input->data, input->len);
  test_drain ();
  raw_peer_shutdown_write (&peer);
  WAIT_UNTIL (n_closed == 1);
  result = largest;
  raw_peer_clear (&peer);

  return result;
}

static void
test_refused_by_connection (void)
{
  g_autoptr(GPtrArray) inputs = refused_inputs ();

  g_test_summary ("A connection takes no large piece of memory to refuse what is short");

  /* What is made once. */
  refuse_on_connection (g_ptr_array_index (inputs, 0));

  for (guint i = 0; i < inputs->len; i++)
    {
      gsize size = refuse_on_connection (g_ptr_array_index (inputs, i));

      assert_counted (size, <, REFUSAL_LIMIT);
    }
}

/* ---- a peer that reads nothing ---- */

#define QUEUE_LIMIT (4 * MIB)

static void
fill_with_notifications (MsgpackRpcConnection *connection,
                         RawPeer              *peer,
                         gsize                 size)
{
  g_autofree char *text = g_strnfill (size, 'x');
  g_autoptr(GVariant) params = g_variant_ref_sink (g_variant_new ("(s)", text));
  g_autoptr(GError) error = NULL;

  while (msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), "n", params, &error))
    test_drain ();
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
}

static void
fill_with_messages (MsgpackRpcConnection *connection,
                    RawPeer              *peer G_GNUC_UNUSED,
                    gsize                 size)
{
  g_autofree char *text = g_strnfill (size, 'x');
  g_autoptr(GVariant) message = g_variant_ref_sink (g_variant_new ("(is)", 2, text));
  g_autoptr(GError) error = NULL;

  while (msgpack_rpc_connection_send_message (connection, message, &error))
    test_drain ();
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
}

/* Of a method that is not there: all are answered at once. */
static void
fill_with_answers (MsgpackRpcConnection *connection,
                   RawPeer              *peer,
                   gsize                 size)
{
  g_autoptr(GByteArray) requests = repeat ("", "94 00 01 a1 6e 90", size, "");

  while (msgpack_rpc_connection_is_connected (connection))
    {
      gssize n = send (peer->fd, requests->data, requests->len, MSG_NOSIGNAL | MSG_DONTWAIT);

      g_assert_true (n > 0 || errno == EAGAIN || errno == EPIPE || errno == ECONNRESET);
      /* The next begins in the middle of a request. */
      g_assert_true (n <= 0 || n % 6 == 0 || n < (gssize) requests->len);
      if (n > 0 && n % 6 != 0)
        raw_peer_send (peer, requests->data + n % 6, 6 - (gsize) n % 6);
      test_drain ();
    }
}

typedef struct
{
  const char *name;
  void (*fill) (MsgpackRpcConnection *connection,
                RawPeer              *peer,
                gsize                 size);
  gsize size;
} Filling;

static const Filling fillings[] = {
  { "no-bytes", fill_with_notifications, 0 },
  { "some-bytes", fill_with_notifications, 100 },
  { "more-bytes", fill_with_notifications, 130 },
  { "many-bytes", fill_with_notifications, 4200 },
  { "most-bytes", fill_with_notifications, 33000 },
  { "messages", fill_with_messages, 4200 },
  { "answers", fill_with_answers, 160 },
};

static void
test_never_reads (gconstpointer data)
{
  const Filling *filling = data;
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_connection_new (stream);
  guint n_closed = 0;
  gssize before;

  g_test_summary ("A peer that reads nothing costs no more than the output queue may hold");

  g_signal_connect (connection, "closed", G_CALLBACK (closed_cb), &n_closed);
  msgpack_rpc_limits_set_max_queued_bytes (msgpack_rpc_connection_get_limits (connection),
                                           QUEUE_LIMIT);
  test_drain ();
  before = start_counting ();
  filling->fill (connection, &peer, filling->size);
  g_test_message ("%zd bytes at most", peak - before);
  /* And one message, while it is packed. */
  assert_counted (peak - before, <, QUEUE_LIMIT + 3 * (gssize) filling->size + 64 * KIB);

  /* What was not sent is decoded for whoever wants it back: as much again. */
  msgpack_rpc_connection_close_async (connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  WAIT_UNTIL (n_closed == 1);
  raw_peer_clear (&peer);
}

static gboolean
return_part (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               data G_GNUC_UNUSED,
             GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) part = g_variant_get_child_value (params, 0);

  return msgpack_rpc_invocation_return_value (invocation, part);
}

static void
test_parts (void)
{
  const gsize part_size = 80 * KIB;
  const gssize n_requests = 8;
  RawPeer peer;
  g_autoptr(GIOStream) stream = raw_peer_init (&peer);
  g_autoptr(MsgpackRpcConnection) connection = msgpack_rpc_connection_new (stream);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GByteArray) request = bytes_from_hex ("94 00 01 a4 70 61 72 74 92");
  gssize before;

  g_test_summary ("An answer that is a part of its request does not keep all of it");

  append_body (request, 0xc6, part_size);
  append_body (request, 0xc6, 4 * MIB);
  msgpack_rpc_dispatcher_add_method (dispatcher, "part", NULL, return_part, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (connection, dispatcher);
  test_drain ();
  before = start_counting ();
  for (gssize i = 0; i < n_requests; i++)
    raw_peer_send (&peer, request->data, request->len);
  WAIT_UNTIL (test_get_statistic (connection, "received-messages") == (guint64) n_requests);
  test_drain ();

  /* The stream has taken some already. */
  g_assert_cmpuint (msgpack_rpc_connection_get_queued_bytes (connection), >, part_size);
  assert_counted (live - before, <, n_requests * (gssize) part_size + MIB);
  raw_peer_clear (&peer);
}

/* ---- many peers ---- */

#define N_PEERS 1000

typedef struct
{
  MsgpackRpcServer *server;
  GListModel *connections;
  char *folder;
  char *path;
  int fds[N_PEERS];
} Crowd;

static void
crowd_init (Crowd *self)
{
  g_autoptr(GError) error = NULL;
  g_auto(GStrv) addresses = NULL;
  g_autofree char *address = NULL;
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  g_assert_cmpuint (limit.rlim_cur, >, 2 * N_PEERS + 100);

  self->folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", &error);
  g_assert_no_error (error);
  self->path = g_build_filename (self->folder, "socket", NULL);
  address = g_strconcat ("unix://", self->path, NULL);

  self->server = msgpack_rpc_server_new ();
  self->connections = g_object_ref (msgpack_rpc_server_get_connections (self->server));
  addresses = msgpack_rpc_server_listen_sync (self->server, address, NULL, &error);
  g_assert_no_error (error);
}

static void
crowd_clear (Crowd *self)
{
  for (guint i = 0; i < N_PEERS; i++)
    g_close (self->fds[i], NULL);

  WAIT_UNTIL (g_list_model_get_n_items (self->connections) == 0);
  g_object_unref (self->connections);
  g_assert_finalize_object (self->server);
  test_drain ();
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->folder);
  g_free (self->path);
}

static int
crowd_connect (Crowd *self)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (fd, >=, 0);
  g_strlcpy (address.sun_path, self->path, sizeof address.sun_path);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &address, sizeof address), ==, 0);

  return fd;
}

/* Whether all that was sent has been read. */
static gboolean
crowd_was_read (Crowd *self)
{
  for (guint i = 0; i < N_PEERS; i++)
    {
      int n = -1;

      g_assert_cmpint (ioctl (self->fds[i], SIOCOUTQ, &n), ==, 0);
      if (n > 0)
        return FALSE;
    }

  return TRUE;
}

static void
test_many_peers (gconstpointer data)
{
  g_autoptr(GByteArray) header = bytes_from_hex (data);
  gssize before;
  Crowd crowd;

  g_test_summary ("A thousand peers that say that much will come take little memory");

  crowd_init (&crowd);
  before = start_counting ();

  for (guint i = 0; i < N_PEERS; i++)
    {
      crowd.fds[i] = crowd_connect (&crowd);
      g_assert_cmpint (send (crowd.fds[i], header->data, header->len, MSG_NOSIGNAL), ==,
                       header->len);
      /* No more can wait to be accepted than the system allows. */
      if (i % 8 == 7)
        WAIT_UNTIL (g_list_model_get_n_items (crowd.connections) == i + 1);
    }

  WAIT_UNTIL (crowd_was_read (&crowd));
  g_assert_cmpuint (g_list_model_get_n_items (crowd.connections), ==, N_PEERS);
  g_test_message ("%zd bytes, at most %zd", live - before, peak - before);
  assert_counted (peak - before, <, 16 * MIB);
  crowd_clear (&crowd);
}

int
main (int   argc,
      char *argv[])
{
  /* Slices keep what was freed. */
  g_setenv ("G_SLICE", "always-malloc", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_message ("%s", counts_memory () ? "memory is counted" : "memory cannot be counted here");

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autofree char *path = g_strconcat ("/msgpack-rpc/memory/large/", shapes[i].name, NULL);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_large);
    }

  g_test_add_func ("/msgpack-rpc/memory/small-in-one", test_small_in_one);
  g_test_add_func ("/msgpack-rpc/memory/refused", test_refused);
  g_test_add_func ("/msgpack-rpc/memory/refused-at-random", test_refused_at_random);
  g_test_add_func ("/msgpack-rpc/memory/refused-by-connection", test_refused_by_connection);
  for (guint i = 0; i < G_N_ELEMENTS (fillings); i++)
    {
      g_autofree char *path = g_strconcat ("/msgpack-rpc/memory/never-reads/", fillings[i].name,
                                           NULL);

      g_test_add_data_func (path, &fillings[i], test_never_reads);
    }
  g_test_add_func ("/msgpack-rpc/memory/parts", test_parts);
  g_test_add_data_func ("/msgpack-rpc/memory/many-peers/array", "dd 03 ff ff fb", test_many_peers);
  g_test_add_data_func ("/msgpack-rpc/memory/many-peers/map", "91 df 01 ff ff fc",
                        test_many_peers);
  g_test_add_data_func ("/msgpack-rpc/memory/many-peers/str", "91 db 03 ff ff fa",
                        test_many_peers);
  g_test_add_data_func ("/msgpack-rpc/memory/many-peers/bin", "91 c6 03 ff ff fa",
                        test_many_peers);
  g_test_add_data_func ("/msgpack-rpc/memory/many-peers/ext", "91 c9 03 ff ff f9",
                        test_many_peers);

  return g_test_run ();
}
