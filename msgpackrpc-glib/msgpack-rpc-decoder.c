/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

/* One more than the limit, so that our callback sees the container that goes over it. */
#define MSGPACK_EMBED_STACK_SIZE 41

#include <msgpack/sysdep.h>
#include <msgpack/unpack.h>
#include <msgpack/unpack_define.h>

#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-serial-private.h"
#include "msgpack-rpc-utf8-private.h"

G_STATIC_ASSERT (MSGPACK_EMBED_STACK_SIZE == MSGPACK_RPC_LIMIT_DEPTH + 1);

/* msgpack-c's parser calls back for each value. A value is written at once, as GVariant's
 * serialised form of a variant: its data at a multiple of 8, a NUL, its type. The framing offsets
 * of a container follow its items when the last one is complete; until then the ends of the items
 * are kept in a table of their own. All starts are multiples of 8, so positions in the output and
 * positions within a container are aligned alike.
 *
 * The parser tells neither a container's end nor that a map's key is complete: a stack of
 * containers keeps count. */

/* A message of which no more than this has come is not begun: its bytes wait as they are, for a
 * byte can take twenty once it is decoded. */
#define SMALL_MESSAGE 1024

/* The working memory that each call has on the stack: whatever a small message takes. */
#define SCRATCH_SIZE (24 * SMALL_MESSAGE)
#define SCRATCH_ENDS SMALL_MESSAGE

/* The output grows three times as large, from here on by a quarter. */
#define LARGE_SIZE (1024 * 1024)

/* The eighths of a message's size that decoding it takes, before any was seen; that it takes more
 * than twice its size is relied on up to a limit. */
#define DEFAULT_EXPANSION 16
#define MAX_EXPECTED_MORE (4 * 1024 * 1024)

/* What a value takes besides its data: padding, NUL, type, and the framing offset of a key. */
#define VALUE_OVERHEAD 24

/* No value takes less of the output than this, with its share of framing offsets. */
#define VALUE_MIN_SIZE 4

typedef enum
{
  KIND_MESSAGE, /* the bottom of the stack */
  KIND_ARRAY,   /* av */
  KIND_MAP,     /* a map whose first key has not come */
  KIND_MAP_STR, /* a{sv} */
  KIND_MAP_INT, /* a{xv} */
  KIND_MAP_ANY, /* a(vv) */
} Kind;

/* What comes next in a container. */
typedef enum
{
  EXPECT_MESSAGE,
  EXPECT_ITEM,
  EXPECT_KEY,
  EXPECT_VALUE, /* of the key */
} Expectation;

/* What follows a value: a NUL and its type, in as many bytes as can be written at once. */
typedef struct
{
  guint64 text;
  gsize length;
} Suffix;

/* To a compiler, two constants. */
static inline Suffix
suffix_new (const char text[8],
            gsize      length)
{
  Suffix self = { .length = length };

  memcpy (&self.text, text, sizeof self.text);

  return self;
}

#define SUFFIX(type) suffix_new ("\0" type "\0\0\0\0\0\0", sizeof ("\0" type) - 1)

typedef struct
{
  guint32 start;     /* where its data begin in the output */
  guint32 first_end; /* where its items' ends begin in the table */
  guint32 remaining; /* items or entries that have not come, the current one included */
  guint32 entry;     /* where the current entry begins in the output */
  guint32 key_end;   /* where the current entry's key ends, from the entry's begin */
  guint8 kind;       /* a Kind */
  guint8 expects;    /* an Expectation */
} Container;

typedef struct
{
  guint8 data[SCRATCH_SIZE];
  guint32 ends[SCRATCH_ENDS];
} Scratch;

typedef struct
{
  MsgpackRpcDecoderLimits limits;

  Scratch *scratch; /* of the current call */

  guint8 *data; /* the output: allocated, or the scratch's */
  gsize length;
  gsize capacity;
  gboolean guessed; /* the capacity is what the message was expected to take */

  guint32 *ends; /* of the items of all open containers; allocated, or the scratch's */
  gsize n_ends;
  gsize ends_capacity;

  guint64 pending;   /* values that must still come for the message to be complete */
  guint64 consumed;  /* wire bytes of the message */
  gsize available;   /* wire bytes given to the current call */
  guint expansion;   /* eighths of the last large message's size that decoding it took, and more */
  Suffix type;       /* of the complete message */

  int failure; /* a MsgpackRpcError, or -1 */
  const char *failure_what;
  guint64 failure_limit;
  guint64 failure_value;

  guint depth;
  Container *top; /* the one at that depth */
  Container containers[MSGPACK_EMBED_STACK_SIZE];
} Writer;

static int
writer_fail (Writer     *self,
             int         code,
             const char *what,
             guint64     limit,
             guint64     value)
{
  self->failure = code;
  self->failure_what = what;
  self->failure_limit = limit;
  self->failure_value = value;

  return -1;
}

static gboolean
writer_fail_decoded_size (Writer  *self,
                          guint64  size)
{
  writer_fail (self, MSGPACK_RPC_ERROR_TOO_LARGE, "Decoded message",
               self->limits.max_decoded_size, size);

  return FALSE;
}

static guint64
writer_used (Writer *self)
{
  return self->length + self->n_ends * sizeof (guint32);
}

/* Reallocates what may be in the scratch. */
static gpointer
writer_reallocate (gpointer data,
                   gsize    size,
                   gpointer scratch,
                   gsize    new_size)
{
  gpointer new_data;

  if (data != scratch)
    return g_try_realloc (data, new_size);

  new_data = g_try_malloc (new_size);
  if (new_data != NULL && size > 0)
    memcpy (new_data, data, size);

  return new_data;
}

/* How much of the output may come of what was given to the current call, besides @size bytes: if
 * all messages are alike, the buffer fits at once, and the allocator sees the same size again and
 * again. */
static gsize
writer_expect (Writer *self,
               gsize   size)
{
  guint64 available = self->available - MIN (self->available, size);
  guint64 expected = available * self->expansion / 8;

  return MIN (expected, 2 * available + MAX_EXPECTED_MORE);
}

/* How much of the output is still to come if the items that a container waits for are like those
 * that it has. G_MAXUINT64 if some have none before them. */
static guint64
writer_guess (Writer *self)
{
  guint64 more = 0;
  gsize end = self->length;
  gsize last_end = self->n_ends;

  for (Container *container = self->top; container > self->containers; container--)
    {
      guint64 done = last_end - container->first_end;
      guint64 missing = container->remaining - (container < self->top);

      if (missing > 0 && done == 0)
        return G_MAXUINT64;
      if (missing > 0)
        more += (end - container->start + VALUE_OVERHEAD) * missing / done;

      more += (done + missing + 1) * sizeof (guint32) + VALUE_OVERHEAD;
      end = container->start;
      last_end = container->first_end;
    }

  /* They are hardly ever quite alike. */
  return more + more / 32;
}

static gboolean
writer_grow (Writer *self,
             gsize   size)
{
  gsize needed = self->length + size;
  gsize capacity = self->capacity + self->capacity / 4;
  guint64 guess;
  guint8 *data;

  if (self->capacity < LARGE_SIZE)
    capacity = 3 * self->capacity;
  capacity = MAX (capacity, needed + writer_expect (self, size));

  /* One guess a message: the next, if that was too low, could be too low by as little. */
  if (!self->guessed)
    {
      guess = writer_guess (self);
      if (guess < capacity - needed)
        {
          self->guessed = TRUE;
          capacity = needed + guess;
        }
    }

  capacity = MIN (capacity, MAX (needed, self->limits.max_decoded_size));
  data = writer_reallocate (self->data, self->length, self->scratch->data, capacity);
  if (data == NULL)
    return writer_fail_decoded_size (self, capacity);

  self->data = data;
  self->capacity = capacity;

  return TRUE;
}

static inline gboolean
writer_reserve (Writer *self,
                gsize   size)
{
  if (G_UNLIKELY (writer_used (self) + size > self->limits.max_decoded_size))
    return writer_fail_decoded_size (self, writer_used (self) + size);

  if (G_LIKELY (size <= self->capacity - self->length))
    return TRUE;

  return writer_grow (self, size);
}

static gboolean
writer_grow_ends (Writer *self)
{
  gsize capacity = 2 * self->ends_capacity;
  guint32 *ends;

  /* A value that has come took a byte at least: so this is bounded by what was received. */
  capacity = MAX (capacity, self->n_ends + MIN (self->pending, self->available));
  capacity = MIN (capacity, self->n_ends + self->pending);
  capacity = MAX (capacity, self->n_ends + 1);

  ends = writer_reallocate (self->ends, self->n_ends * sizeof (guint32), self->scratch->ends,
                            capacity * sizeof (guint32));
  if (ends == NULL)
    return writer_fail_decoded_size (self, capacity * sizeof (guint32));

  self->ends = ends;
  self->ends_capacity = capacity;

  return TRUE;
}

/* Works with the scratch unless there is more already. */
static void
writer_enter (Writer  *self,
              Scratch *scratch)
{
  self->scratch = scratch;

  if (self->data == NULL)
    {
      self->data = scratch->data;
      self->capacity = SCRATCH_SIZE;
    }

  if (self->ends == NULL)
    {
      self->ends = scratch->ends;
      self->ends_capacity = SCRATCH_ENDS;
    }
}

static void
writer_drop (Writer *self)
{
  if (self->data != self->scratch->data)
    g_free (self->data);
  if (self->ends != self->scratch->ends)
    g_free (self->ends);

  self->data = NULL;
  self->ends = NULL;
}

/* Takes what is in the scratch out of it, for the next call. */
static gboolean
writer_leave (Writer *self)
{
  if (self->data == self->scratch->data)
    {
      self->capacity = self->length;
      self->data = g_try_malloc (MAX (self->capacity, 1));
      if (self->data == NULL)
        return writer_fail_decoded_size (self, self->capacity);
      memcpy (self->data, self->scratch->data, self->length);
    }

  if (self->ends == self->scratch->ends)
    {
      self->ends_capacity = self->n_ends;
      self->ends = g_try_malloc_n (MAX (self->n_ends, 1), sizeof (guint32));
      if (self->ends == NULL)
        return writer_fail_decoded_size (self, self->n_ends * sizeof (guint32));
      memcpy (self->ends, self->scratch->ends, self->n_ends * sizeof (guint32));
    }

  return TRUE;
}

static inline gsize
align8 (gsize size)
{
  return _msgpack_rpc_serial_align (size, 8);
}

/* An entry of a map, from an a{sv} or a{xv} form to that of a(vv). */
typedef struct
{
  gsize key_size;
  gsize value_start;
  gsize value_size;
  gsize new_key_size;
  gsize new_value_start;
  guint new_offset_size;
  gsize new_size;
} Entry;

static void
entry_measure (Entry        *entry,
               const guint8 *data,
               gsize         size,
               Kind          kind)
{
  guint offset_size = 0;
  gsize new_body_size;

  if (kind == KIND_MAP_INT)
    {
      entry->key_size = sizeof (gint64);
    }
  else
    {
      offset_size = _msgpack_rpc_serial_offset_size (size);
      entry->key_size = _msgpack_rpc_serial_load_offset (data + size - offset_size, offset_size);
    }

  entry->value_start = align8 (entry->key_size);
  entry->value_size = size - offset_size - entry->value_start;
  entry->new_key_size = entry->key_size + 2;
  entry->new_value_start = align8 (entry->new_key_size);
  new_body_size = entry->new_value_start + entry->value_size;
  entry->new_offset_size = _msgpack_rpc_serial_offset_size_for_body (new_body_size, 1);
  entry->new_size = new_body_size + entry->new_offset_size;
}

static void
entry_move (const Entry  *entry,
            const guint8 *from,
            guint8       *to,
            Kind          kind)
{
  memmove (to + entry->new_value_start, from + entry->value_start, entry->value_size);
  memmove (to, from, entry->key_size);
  to[entry->key_size] = '\0';
  to[entry->key_size + 1] = kind == KIND_MAP_INT ? 'x' : 's';
  memset (to + entry->new_key_size, 0, entry->new_value_start - entry->new_key_size);
  _msgpack_rpc_serial_store_offset (to + entry->new_size - entry->new_offset_size,
                                    entry->new_offset_size, entry->new_key_size);
}

/* A key of another kind has come: gives the entries so far the form of a(vv), in place. Each map
 * is converted once at most, so a byte is moved once for each level of nesting at most. */
static gboolean
writer_convert_map (Writer    *self,
                    Container *container)
{
  guint32 *ends = self->ends + container->first_end;
  gsize n = self->n_ends - container->first_end;
  gsize new_length = container->start;
  gsize from_start;
  gsize to_start;
  Entry entry;

  for (gsize i = 0; i < n; i++)
    {
      from_start = i > 0 ? align8 (ends[i - 1]) : container->start;
      entry_measure (&entry, self->data + from_start, ends[i] - from_start, container->kind);
      new_length = align8 (new_length) + entry.new_size;
    }

  if (!writer_reserve (self, new_length - self->length + 8))
    return FALSE;

  self->length = new_length;
  to_start = align8 (new_length);

  /* Backwards: an entry never moves towards the front. */
  for (gsize i = n; i-- > 0;)
    {
      from_start = i > 0 ? align8 (ends[i - 1]) : container->start;
      entry_measure (&entry, self->data + from_start, ends[i] - from_start, container->kind);
      to_start -= align8 (entry.new_size);
      entry_move (&entry, self->data + from_start, self->data + to_start, container->kind);
      ends[i] = to_start + entry.new_size;
      memset (self->data + ends[i], 0, align8 (ends[i]) - ends[i]);
    }

  container->kind = KIND_MAP_ANY;

  return TRUE;
}

/* @key_kind is the map that this value would make as the first key. */
static gboolean
writer_begin_key (Writer    *self,
                  Container *container,
                  Kind       key_kind)
{
  if (container->kind == KIND_MAP)
    container->kind = key_kind;
  else if (container->kind != KIND_MAP_ANY && !writer_convert_map (self, container))
    return FALSE;

  return TRUE;
}

/* Gives where the data of a value of @size bytes go: 8 bytes more may be written there. */
static G_ALWAYS_INLINE inline guint8 *
writer_begin (Writer *self,
              Kind    key_kind,
              gsize   size)
{
  Container *container = self->top;
  gsize start;

  self->pending--;

  if (container->expects == EXPECT_KEY)
    {
      if (G_UNLIKELY (container->kind != key_kind) &&
          !writer_begin_key (self, container, key_kind))
        return NULL;

      container->entry = align8 (self->length);
    }

  if (!writer_reserve (self, size + VALUE_OVERHEAD))
    return NULL;

  start = align8 (self->length);
  memset (self->data + self->length, 0, 8);
  self->length = start + size;

  return self->data + start;
}

static inline void
writer_append_suffix (Writer *self,
                      Suffix  suffix)
{
  memcpy (self->data + self->length, &suffix.text, sizeof suffix.text);
  self->length += suffix.length;
}

/* Writes the ends of @n items of a container that begins at @start. */
static inline void
store_ends (guint8        *data,
            guint          offset_size,
            const guint32 *ends,
            gsize          n,
            gsize          start)
{
  for (gsize i = 0; i < n; i++)
    _msgpack_rpc_serial_store_offset (data + i * offset_size, offset_size, ends[i] - start);
}

static gboolean
writer_end_container (Writer    *self,
                      Container *container)
{
  gsize body_size = self->length - container->start;
  gsize n = self->n_ends - container->first_end;
  const guint32 *ends = self->ends + container->first_end;
  guint offset_size = _msgpack_rpc_serial_offset_size_for_body (body_size, n);
  guint8 *data;

  if (!writer_reserve (self, n * offset_size + VALUE_OVERHEAD))
    return FALSE;

  data = self->data + self->length;
  if (offset_size == 1)
    store_ends (data, 1, ends, n, container->start);
  else if (offset_size == 2)
    store_ends (data, 2, ends, n, container->start);
  else if (offset_size == 4)
    store_ends (data, 4, ends, n, container->start);
  else
    store_ends (data, offset_size, ends, n, container->start);

  self->length += n * offset_size;
  self->n_ends = container->first_end;
  self->depth--;
  self->top--;

  return TRUE;
}

static inline Suffix
kind_to_suffix (Kind kind)
{
  switch (kind)
    {
    case KIND_ARRAY:
      return SUFFIX ("av");
    case KIND_MAP_INT:
      return SUFFIX ("a{xv}");
    case KIND_MAP_ANY:
      return SUFFIX ("a(vv)");
    case KIND_MAP:
    case KIND_MAP_STR:
      return SUFFIX ("a{sv}");
    case KIND_MESSAGE:
    default:
      g_assert_not_reached ();
    }
}

/* A key is complete. */
static inline void
writer_end_key (Writer    *self,
                Container *container,
                Suffix     suffix)
{
  if (container->kind == KIND_MAP_ANY)
    writer_append_suffix (self, suffix);

  container->key_end = self->length - container->entry;
  container->expects = EXPECT_VALUE;
}

/* The value of an entry is complete, and so is the entry. */
static inline void
writer_end_entry (Writer    *self,
                  Container *container)
{
  container->expects = EXPECT_KEY;

  if (container->kind != KIND_MAP_INT)
    {
      gsize body_size = self->length - container->entry;
      guint offset_size = _msgpack_rpc_serial_offset_size_for_body (body_size, 1);

      _msgpack_rpc_serial_store_offset (self->data + self->length, offset_size,
                                        container->key_end);
      self->length += offset_size;
    }
}

/* A value is complete. Returns what a callback returns, or 1 if the container is complete with
 * it. */
static G_ALWAYS_INLINE inline int
writer_end_value (Writer *self,
                  Suffix  suffix)
{
  Container *container = self->top;

  switch (container->expects)
    {
    case EXPECT_KEY:
      writer_end_key (self, container, suffix);
      return 0;

    case EXPECT_ITEM:
      writer_append_suffix (self, suffix);
      break;

    case EXPECT_VALUE:
      writer_append_suffix (self, suffix);
      writer_end_entry (self, container);
      break;

    case EXPECT_MESSAGE:
    default:
      self->type = suffix;
      return 0;
    }

  if (G_UNLIKELY (self->n_ends == self->ends_capacity) && !writer_grow_ends (self))
    return -1;

  self->ends[self->n_ends++] = self->length;

  return --container->remaining == 0;
}

/* The current container is complete, and perhaps others with it. */
static int
writer_end_containers (Writer *self)
{
  int result;

  do
    {
      Kind kind = self->top->kind;

      if (!writer_end_container (self, self->top))
        return -1;

      result = writer_end_value (self, kind_to_suffix (kind));
    }
  while (result > 0);

  return result;
}

/* A value is complete: closes whatever is complete with it. Returns what a callback returns. */
static G_ALWAYS_INLINE inline int
writer_end (Writer *self,
            Suffix  suffix)
{
  int result = writer_end_value (self, suffix);

  return G_UNLIKELY (result > 0) ? writer_end_containers (self) : result;
}

static G_ALWAYS_INLINE inline int
writer_put (Writer     *self,
            Kind        key_kind,
            const void *data,
            gsize       size,
            Suffix      suffix)
{
  guint8 *out = writer_begin (self, key_kind, size);

  if (G_UNLIKELY (out == NULL))
    return -1;

  memcpy (out, data, size);

  return writer_end (self, suffix);
}

static int
writer_put_int (Writer *self,
                gint64  value)
{
  return writer_put (self, KIND_MAP_INT, &value, sizeof value, SUFFIX ("x"));
}

static int
writer_put_opaque (Writer       *self,
                   gint32        handle,
                   const guint8 *data,
                   gsize         size)
{
  guint8 *out = writer_begin (self, KIND_MAP_ANY, sizeof handle + size);

  if (out == NULL)
    return -1;

  memcpy (out, &handle, sizeof handle);
  memcpy (out + sizeof handle, data, size);

  return writer_end (self, SUFFIX ("(hay)"));
}

static int
writer_put_container (Writer  *self,
                      Kind     kind,
                      guint64  n)
{
  guint64 n_values = kind == KIND_ARRAY ? n : 2 * n;
  Container *container;

  if (self->depth >= self->limits.max_depth)
    return writer_fail (self, MSGPACK_RPC_ERROR_TOO_DEEP, "Message",
                        self->limits.max_depth, self->depth + 1);

  if (self->consumed + self->pending + n_values > self->limits.max_message_size)
    return writer_fail (self, MSGPACK_RPC_ERROR_TOO_LARGE, "Message",
                        self->limits.max_message_size,
                        self->consumed + self->pending + n_values);

  if (writer_begin (self, KIND_MAP_ANY, 0) == NULL)
    return -1;

  if (n == 0)
    return writer_end (self, kind_to_suffix (kind));

  self->pending += n_values;
  if (writer_used (self) + VALUE_MIN_SIZE * self->pending > self->limits.max_decoded_size)
    {
      writer_fail_decoded_size (self, writer_used (self) + VALUE_MIN_SIZE * self->pending);
      return -1;
    }

  self->depth++;
  container = ++self->top;
  container->kind = kind;
  container->start = self->length;
  container->first_end = self->n_ends;
  container->remaining = n;
  container->expects = kind == KIND_MAP ? EXPECT_KEY : EXPECT_ITEM;

  return 0;
}

/* Whether all of the bytes in @word are ASCII and none of them is NUL. */
static inline gboolean
is_ascii (guint64 word)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);

  return ((word | (word - ones)) & (ones << 7)) == 0;
}

/* UTF-8 without NUL; @length is not 0. */
static inline gboolean
is_text (const char *str,
         gsize       length)
{
  guint64 word;
  guint32 half;
  gsize i = 0;

  if (length >= sizeof word)
    {
      for (; i < length - sizeof word; i += sizeof word)
        {
          memcpy (&word, str + i, sizeof word);
          if (!is_ascii (word))
            return g_utf8_validate_len (str + i, length - i, NULL);
        }
      memcpy (&word, str + length - sizeof word, sizeof word);
    }
  else if (length >= sizeof half)
    {
      memcpy (&half, str, sizeof half);
      word = half;
      memcpy (&half, str + length - sizeof half, sizeof half);
      word |= (guint64) half << 32;
    }
  else
    {
      const guint8 *bytes = (const guint8 *) str;

      word = G_GUINT64_CONSTANT (0x0101010101000000) | bytes[0] | bytes[length / 2] << 8 |
             bytes[length - 1] << 16;
    }

  return G_LIKELY (is_ascii (word)) || g_utf8_validate_len (str + i, length - i, NULL);
}

/* Copies to where 8 bytes more may be written. */
static inline void
copy_str (guint8     *out,
          const char *str,
          gsize       length)
{
  if (length > 16)
    {
      memcpy (out, str, length);
    }
  else if (length >= 8)
    {
      memcpy (out, str, 8);
      memcpy (out + length - 8, str + length - 8, 8);
    }
  else if (length >= 4)
    {
      memcpy (out, str, 4);
      memcpy (out + length - 4, str + length - 4, 4);
    }
  else
    {
      out[0] = str[0];
      out[length / 2] = str[length / 2];
      out[length - 1] = str[length - 1];
    }
}

static int
writer_put_repaired (Writer     *self,
                     const char *str,
                     gsize       length)
{
  guint64 size = _msgpack_rpc_utf8_repair (NULL, str, length) + 1;
  guint8 *out;

  if (size > self->limits.max_decoded_size)
    {
      writer_fail_decoded_size (self, size);
      return -1;
    }

  out = writer_begin (self, KIND_MAP_STR, size);
  if (out == NULL)
    return -1;

  _msgpack_rpc_utf8_repair ((char *) out, str, length);
  out[size - 1] = '\0';

  return writer_end (self, SUFFIX ("s"));
}

/* A str that is no text. */
static int
writer_put_raw_str (Writer     *self,
                    const char *str,
                    gsize       length)
{
  const char *end;

  switch (self->limits.string_policy)
    {
    case MSGPACK_RPC_STRING_POLICY_REPLACE:
      return writer_put_repaired (self, str, length);

    case MSGPACK_RPC_STRING_POLICY_STRICT:
      g_utf8_validate_len (str, length, &end);
      return writer_fail (self, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                          *end == '\0' ? "NUL in a str" : "str that is not valid UTF-8",
                          0, end - str);

    case MSGPACK_RPC_STRING_POLICY_RAW:
    default:
      return writer_put_opaque (self, 256, (const guint8 *) str, length);
    }
}

/* What the parser calls. Its own objects are of no use to us: they are all 0. */

static inline char
decoder_callback_root (Writer *self)
{
  return 0;
}

static inline int
decoder_callback_uint64 (Writer   *self,
                         guint64   value,
                         char     *object)
{
  *object = 0;
  if (value <= G_MAXINT64)
    return writer_put_int (self, value);

  return writer_put (self, KIND_MAP_ANY, &value, sizeof value, SUFFIX ("t"));
}

#define DEFINE_INT_CALLBACK(name, type)       \
  static inline int                           \
  decoder_callback_##name (Writer *self,      \
                           type    value,     \
                           char   *object)    \
  {                                           \
    *object = 0;                              \
    return writer_put_int (self, value);      \
  }

DEFINE_INT_CALLBACK (uint8, guint8)
DEFINE_INT_CALLBACK (uint16, guint16)
DEFINE_INT_CALLBACK (uint32, guint32)
DEFINE_INT_CALLBACK (int8, gint8)
DEFINE_INT_CALLBACK (int16, gint16)
DEFINE_INT_CALLBACK (int32, gint32)
DEFINE_INT_CALLBACK (int64, gint64)

static inline int
decoder_callback_double (Writer *self,
                         double  value,
                         char   *object)
{
  *object = 0;
  return writer_put (self, KIND_MAP_ANY, &value, sizeof value, SUFFIX ("d"));
}

static inline int
decoder_callback_float (Writer *self,
                        float   value,
                        char   *object)
{
  return decoder_callback_double (self, value, object);
}

static inline int
decoder_callback_nil (Writer *self,
                      char   *object)
{
  *object = 0;
  return writer_put (self, KIND_MAP_ANY, "", 0, SUFFIX ("mv"));
}

static inline int
decoder_callback_true (Writer *self,
                       char   *object)
{
  *object = 0;
  return writer_put (self, KIND_MAP_ANY, "\1", 1, SUFFIX ("b"));
}

static inline int
decoder_callback_false (Writer *self,
                        char   *object)
{
  *object = 0;
  return writer_put (self, KIND_MAP_ANY, "\0", 1, SUFFIX ("b"));
}

static inline int
decoder_callback_array (Writer *self,
                        gsize   n,
                        char   *object)
{
  *object = 0;
  return writer_put_container (self, KIND_ARRAY, n);
}

static inline int
decoder_callback_array_item (Writer *self,
                             char   *array,
                             char    item)
{
  return 0;
}

static inline int
decoder_callback_map (Writer *self,
                      gsize   n,
                      char   *object)
{
  *object = 0;
  return writer_put_container (self, KIND_MAP, n);
}

static inline int
decoder_callback_map_item (Writer *self,
                           char   *map,
                           char    key,
                           char    value)
{
  return 0;
}

static inline int
decoder_callback_str (Writer     *self,
                      const char *base,
                      const char *str,
                      guint       length,
                      char       *object)
{
  guint8 *out;

  *object = 0;

  if (length == 0)
    return writer_put (self, KIND_MAP_STR, "", 1, SUFFIX ("s"));

  if (!is_text (str, length))
    return writer_put_raw_str (self, str, length);

  out = writer_begin (self, KIND_MAP_STR, (gsize) length + 1);
  if (G_UNLIKELY (out == NULL))
    return -1;

  copy_str (out, str, length);
  out[length] = '\0';

  return writer_end (self, SUFFIX ("s"));
}

static inline int
decoder_callback_bin (Writer     *self,
                      const char *base,
                      const char *data,
                      guint       length,
                      char       *object)
{
  *object = 0;

  if (length == 0)
    return writer_put (self, KIND_MAP_ANY, "", 0, SUFFIX ("ay"));

  return writer_put (self, KIND_MAP_ANY, data, length, SUFFIX ("ay"));
}

/* @length is that of the body and the type before it; it is 0 when it overflowed. */
static inline int
decoder_callback_ext (Writer     *self,
                      const char *base,
                      const char *data,
                      guint       length,
                      char       *object)
{
  *object = 0;

  if (length == 0)
    return writer_fail (self, MSGPACK_RPC_ERROR_INVALID_MESSAGE, "extension length 0xffffffff",
                        0, 0);

  return writer_put_opaque (self, *(const gint8 *) data, (const guint8 *) data + 1, length - 1);
}

#define msgpack_unpack_struct(name) struct decoder##name
#define msgpack_unpack_func(ret, name) static inline ret decoder##name
#define msgpack_unpack_callback(name) decoder_callback##name
#define msgpack_unpack_object char
#define msgpack_unpack_user Writer

struct decoder_context;
typedef struct decoder_context decoder_context;

#include <msgpack/unpack_template.h>

struct _MsgpackRpcDecoder
{
  decoder_context context;
  guint64 offset; /* of the first byte not consumed, in the stream */
  gsize wanted;   /* bytes behind it, before decoding can go on */
};

static void
decoder_reset (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;

  writer->length = 0;
  writer->guessed = FALSE;
  writer->n_ends = 0;
  writer->pending = 1;
  writer->consumed = 0;
  writer->depth = 0;
  writer->top = writer->containers;

  decoder_init (&self->context);
}

/* GLib makes the description of a type anew whenever no value of it exists. */
static void
keep_type_descriptions (void)
{
  static gsize once = 0;

  if (g_once_init_enter (&once))
    {
      const GVariantType *type = G_VARIANT_TYPE ("(avmvaya{sv}a{xv}a(vv)(hay))");
      static GVariant *value;

      value = g_variant_ref_sink (g_variant_new_from_data (type, NULL, 0, FALSE, NULL, NULL));
      g_once_init_leave (&once, GPOINTER_TO_SIZE (value));
    }
}

MsgpackRpcDecoder *
_msgpack_rpc_decoder_new (void)
{
  MsgpackRpcDecoder *self = g_new0 (MsgpackRpcDecoder, 1);

  keep_type_descriptions ();

  self->context.user.limits.max_message_size = MSGPACK_RPC_DEFAULT_MAX_MESSAGE_SIZE;
  self->context.user.limits.max_decoded_size = MSGPACK_RPC_DEFAULT_MAX_DECODED_SIZE;
  self->context.user.limits.max_depth = MSGPACK_RPC_DEFAULT_MAX_DEPTH;
  self->context.user.expansion = DEFAULT_EXPANSION;
  self->context.user.failure = -1;
  decoder_reset (self);

  return self;
}

void
_msgpack_rpc_decoder_free (MsgpackRpcDecoder *self)
{
  g_free (self->context.user.data);
  g_free (self->context.user.ends);
  g_free (self);
}

MsgpackRpcDecoderLimits *
_msgpack_rpc_decoder_limits (MsgpackRpcDecoder *self)
{
  return &self->context.user.limits;
}

gboolean
_msgpack_rpc_decoder_is_between_messages (MsgpackRpcDecoder *self)
{
  return self->context.user.consumed == 0;
}

guint64
_msgpack_rpc_decoder_get_offset (MsgpackRpcDecoder *self)
{
  return self->offset;
}

guint64
_msgpack_rpc_decoder_get_message_offset (MsgpackRpcDecoder *self)
{
  return self->offset - self->context.user.consumed;
}

gsize
_msgpack_rpc_decoder_get_wanted (MsgpackRpcDecoder *self)
{
  return self->wanted;
}

static GVariant *
decoder_take_value (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;
  const GVariantType *type = (const GVariantType *) ((const char *) &writer->type.text + 1);
  g_autoptr(GBytes) bytes = NULL;
  GVariant *value;

  if (writer->data == writer->scratch->data)
    {
      bytes = g_bytes_new (writer->data, writer->length);
    }
  else
    {
      guint8 *data = g_steal_pointer (&writer->data);

      /* An eighth more, which is not too much to keep. */
      writer->expansion = (guint64) writer->length * 9 / writer->consumed + 1;
      if (writer->capacity - writer->length > writer->length / 4)
        data = g_realloc (data, writer->length);

      bytes = g_bytes_new_take (data, writer->length);
    }

  value = g_variant_new_from_bytes (type, bytes, TRUE);
  decoder_reset (self);

  return value;
}

/* Where the item begins that made the parser stop; of a body, where the body begins. */
static guint64
decoder_get_failure_offset (MsgpackRpcDecoder *self)
{
  if (self->context.cs == MSGPACK_CS_HEADER)
    return self->offset;

  if (self->context.cs < MSGPACK_ACS_STR_VALUE)
    return self->offset - self->context.trail;

  return self->offset + 1 - self->context.trail;
}

static MsgpackRpcDecoderStatus
decoder_fail (MsgpackRpcDecoder  *self,
              guint64             offset,
              guint8              byte,
              GError            **error)
{
  Writer *writer = &self->context.user;

  switch (writer->failure)
    {
    case MSGPACK_RPC_ERROR_TOO_LARGE:
      g_set_error (error, MSGPACK_RPC_ERROR, writer->failure,
                   "%s too large: %" G_GUINT64_FORMAT " bytes or more, the limit is "
                   "%" G_GUINT64_FORMAT ", at offset %" G_GUINT64_FORMAT,
                   writer->failure_what, writer->failure_value, writer->failure_limit, offset);
      break;

    case MSGPACK_RPC_ERROR_TOO_DEEP:
      g_set_error (error, MSGPACK_RPC_ERROR, writer->failure,
                   "%s too deep: %" G_GUINT64_FORMAT " levels or more, the limit is "
                   "%" G_GUINT64_FORMAT ", at offset %" G_GUINT64_FORMAT,
                   writer->failure_what, writer->failure_value, writer->failure_limit, offset);
      break;

    case MSGPACK_RPC_ERROR_INVALID_MESSAGE:
      g_set_error (error, MSGPACK_RPC_ERROR, writer->failure,
                   "Invalid MessagePack: %s at offset %" G_GUINT64_FORMAT,
                   writer->failure_what, offset + writer->failure_value);
      break;

    default:
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Invalid MessagePack: byte 0x%02x at offset %" G_GUINT64_FORMAT, byte, offset);
      break;
    }

  return MSGPACK_RPC_DECODER_FAILED;
}

/* How many bytes the item has that the parser is at. */
static gsize
decoder_get_item_size (MsgpackRpcDecoder *self)
{
  return self->context.cs == MSGPACK_CS_HEADER ? 1 : self->context.trail;
}

/* The parser has run out of bytes: whether what it waits for is within the limits. */
static gboolean
decoder_check_claim (MsgpackRpcDecoder *self)
{
  Writer *writer = &self->context.user;
  gboolean in_body = self->context.cs >= MSGPACK_ACS_STR_VALUE;
  guint64 wanted = decoder_get_item_size (self);
  guint64 message_size = writer->consumed + wanted + writer->pending - 1;
  guint64 decoded_size = writer_used (writer) + VALUE_MIN_SIZE * (writer->pending - 1);

  if (message_size > writer->limits.max_message_size)
    {
      writer_fail (writer, MSGPACK_RPC_ERROR_TOO_LARGE, "Message",
                   writer->limits.max_message_size, message_size);
      return FALSE;
    }

  if (in_body && decoded_size + wanted > writer->limits.max_decoded_size)
    return writer_fail_decoded_size (writer, decoded_size + wanted);

  return TRUE;
}

/* More must come. Unless much of the message has, it is begun anew then. */
static gboolean
decoder_suspend (MsgpackRpcDecoder *self,
                 gsize             *offset)
{
  Writer *writer = &self->context.user;
  guint64 consumed = writer->consumed;

  self->wanted = decoder_get_item_size (self);
  if (consumed > SMALL_MESSAGE)
    return writer_leave (writer);

  self->wanted += consumed;
  self->offset -= consumed;
  *offset -= consumed;
  decoder_reset (self);

  return TRUE;
}

static MsgpackRpcDecoderStatus
decoder_decode (MsgpackRpcDecoder  *self,
                const guint8       *data,
                gsize               length,
                gsize              *offset,
                GVariant          **value,
                GError            **error)
{
  Writer *writer = &self->context.user;
  gsize start = *offset;
  gsize end = length;
  int result = 0;

  if (writer->consumed < writer->limits.max_message_size)
    end = start + MIN (length - start, writer->limits.max_message_size - writer->consumed);
  else
    end = start;

  writer->available = end - start;
  if (start < end)
    result = decoder_execute (&self->context, (const char *) data, end, offset);
  writer->consumed += *offset - start;
  self->offset += *offset - start;
  self->wanted = 1;

  if (result < 0)
    return decoder_fail (self, decoder_get_failure_offset (self), data[*offset], error);

  if (result == 0 &&
      (((writer->consumed > 0 || end < length) && !decoder_check_claim (self)) ||
       !decoder_suspend (self, offset)))
    return decoder_fail (self, self->offset, 0, error);

  if (result == 0)
    return MSGPACK_RPC_DECODER_MORE;

  if (!writer->limits.alone || *offset == length)
    *value = decoder_take_value (self);

  return MSGPACK_RPC_DECODER_DONE;
}

MsgpackRpcDecoderStatus
_msgpack_rpc_decoder_decode (MsgpackRpcDecoder  *self,
                             const guint8       *data,
                             gsize               length,
                             gsize              *offset,
                             GVariant          **value,
                             GError            **error)
{
  Writer *writer = &self->context.user;
  MsgpackRpcDecoderStatus status;
  Scratch scratch;

  writer_enter (writer, &scratch);
  status = decoder_decode (self, data, length, offset, value, error);
  if (status != MSGPACK_RPC_DECODER_MORE || writer->consumed == 0)
    writer_drop (writer);
  writer->scratch = NULL;

  return status;
}
