/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>

#include "msgpack-rpc-decoder-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-serial-private.h"
#include "msgpack-rpc-utf8-private.h"

/* What the decoder writes with, all of it static and included there alone: to be fast, it has to be
 * compiled into msgpack-c's parser.
 *
 * msgpack-c's parser calls back for each value. Its data are written at once, as those of a GVariant
 * of the type variant: at a multiple of 8. It calls back again when the value has become an item of
 * an array or of a map: then what else a variant has is written, a NUL and its type. If the item is
 * a container, the framing offsets of its own items come before that; until then the ends of the
 * items are kept in a table of their own. All starts are multiples of 8, so positions in the output
 * and positions within a container are aligned alike.
 *
 * The parser does not tell that a map's key is complete: a simple one ends when it is put, and one
 * that is a container counts its items. */

/* A message of which no more than this has come is not begun: its bytes wait as they are, for a
 * byte can take twenty once it is decoded. Fuzzers try short messages. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define SMALL_MESSAGE 64
#else
#define SMALL_MESSAGE 1024
#endif

/* The working memory that each call has on the stack: whatever a small message takes. */
#define SCRATCH_SIZE (24 * SMALL_MESSAGE)
#define SCRATCH_ENDS SMALL_MESSAGE

/* The output grows three times as large, from here on by a quarter. */
#define LARGE_SIZE (1024 * 1024)

/* The eighths of a message's size that decoding it takes, before any was seen; that it takes more
 * than twice its size is relied on up to a limit. */
#define DEFAULT_EXPANSION 16
#define MAX_EXPECTED_MORE (4 * 1024 * 1024)

/* A bin of so many bytes that have not all come is read to where it stays. The message that it is in
 * must not be a small one then: bytes of it cannot be given again. */
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define BODY_MIN_SIZE (SMALL_MESSAGE + 1)
#else
#define BODY_MIN_SIZE (16 * 1024)
#endif
G_STATIC_ASSERT (BODY_MIN_SIZE > SMALL_MESSAGE);

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

/* What follows a value: a NUL and its type, in as many bytes as can be written at once. */
typedef struct
{
  char text[8];
  gsize length;
} Suffix;

#define SUFFIX(type) { "\0" type, sizeof ("\0" type) - 1 }

static const Suffix suffix_b = SUFFIX ("b");
static const Suffix suffix_x = SUFFIX ("x");
static const Suffix suffix_t = SUFFIX ("t");
static const Suffix suffix_d = SUFFIX ("d");
static const Suffix suffix_s = SUFFIX ("s");
static const Suffix suffix_mv = SUFFIX ("mv");
static const Suffix suffix_ay = SUFFIX ("ay");
static const Suffix suffix_hay = SUFFIX ("(hay)");

/* A container with items gets its type when they have ended: that of a map follows from its keys. */
static const Suffix suffix_open = SUFFIX ("");
static const Suffix container_suffixes[] = {
  [KIND_ARRAY] = SUFFIX ("av"),
  [KIND_MAP] = SUFFIX ("a{sv}"),
  [KIND_MAP_STR] = SUFFIX ("a{sv}"),
  [KIND_MAP_INT] = SUFFIX ("a{xv}"),
  [KIND_MAP_ANY] = SUFFIX ("a(vv)"),
};

typedef struct
{
  guint32 start;     /* where its data begin in the output */
  guint32 first_end; /* where its items' ends begin in the table */
  guint32 remaining; /* of one that is a key: items or entries that have not come */
  guint32 entry;     /* where the current entry begins in the output */
  guint32 key_end;   /* where the current entry's key ends, from the entry's begin */
  Kind kind;
  gboolean expects_key;
  gboolean is_key;
} Container;

typedef struct
{
  guint8 data[SCRATCH_SIZE];
  guint32 ends[SCRATCH_ENDS];
} Scratch;

typedef struct
{
  MsgpackRpcDecoderSettings settings;

  Scratch *scratch; /* of the current call */

  guint8 *data; /* the output: allocated, or the scratch's */
  gsize length;
  gsize room;     /* up to where it can be written with no question asked */
  gsize capacity;
  gboolean guessed; /* the capacity is what the message was expected to take */

  guint32 *ends; /* of the items of all open containers; allocated, or the scratch's */
  guint32 *next_end;
  guint32 *ends_limit;

  guint64 claimed;   /* values that headers have said would come in the message */
  guint64 claimable; /* as many as that are within the limits for certain */
  guint64 consumed;  /* wire bytes of the message, before the current call */
  const guint8 *input; /* the wire bytes given to the current call */
  gsize available;   /* how many, save those that are in the output already */
  gboolean in_place; /* that is so: they are the body of the value that comes next */
  guint expansion;   /* eighths of the last large message's size that decoding it took, and more */
  const Suffix *type; /* of the container that was complete last, or of the complete message */

  int failure; /* a MsgpackRpcError, or -1 */
  const char *failure_what;
  guint64 failure_limit;
  guint64 failure_value;

  Container *top; /* the innermost that is open */
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
               self->settings.max_decoded_size, size);

  return FALSE;
}

static guint64
writer_used (Writer *self)
{
  return self->length + (self->next_end - self->ends) * sizeof (guint32);
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

/* How many items or entries of an open container have not ended. The parser keeps count. */
static guint64 writer_count_remaining (Writer    *self,
                                       Container *container);

/* How many values must still come for the message to be complete, one that is being put included. */
static guint64 writer_count_pending (Writer *self);

/* How much of the output is still to come if the items that a container waits for are like those
 * that it has. G_MAXUINT64 if some have none before them. */
static guint64
writer_guess (Writer *self)
{
  guint64 more = 0;
  gsize end = self->length;
  gsize last_end = self->next_end - self->ends;

  for (Container *container = self->top; container > self->containers; container--)
    {
      guint64 done = last_end - container->first_end;
      guint64 missing = writer_count_remaining (self, container) - (container < self->top);

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

/* The limits are compared with what is used; what is allowed without a look at them is reckoned
 * from what could be used. */
static void
writer_update_room (Writer *self)
{
  guint64 ends = (self->ends_limit - self->ends) * sizeof (guint32);
  guint64 limit = self->settings.max_decoded_size;
  guint64 wire = self->settings.max_message_size;

  limit = limit > ends ? limit - ends : 0;
  self->room = MIN (self->capacity, limit);

  wire = wire > self->consumed ? wire - self->consumed : 0;
  self->claimable = MIN (wire, (limit - self->room) / VALUE_MIN_SIZE);
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

  capacity = MIN (capacity, MAX (needed, self->settings.max_decoded_size));
  data = writer_reallocate (self->data, self->length, self->scratch->data, capacity);
  if (data == NULL)
    return writer_fail_decoded_size (self, capacity);

  self->data = data;
  self->capacity = capacity;
  writer_update_room (self);

  return TRUE;
}

static G_GNUC_NO_INLINE gboolean
writer_make_room (Writer *self,
                  gsize   size)
{
  if (writer_used (self) + size > self->settings.max_decoded_size)
    return writer_fail_decoded_size (self, writer_used (self) + size);

  return size <= self->capacity - self->length || writer_grow (self, size);
}

static inline gboolean
writer_reserve (Writer *self,
                gsize   size)
{
  return G_LIKELY (self->length + size <= self->room) || writer_make_room (self, size);
}

static gboolean
writer_grow_ends (Writer *self)
{
  gsize n = self->next_end - self->ends;
  guint64 pending = writer_count_pending (self);
  gsize capacity = 2 * n;
  guint32 *ends;

  /* A value that has come took a byte at least: so this is bounded by what was received. */
  capacity = MAX (capacity, n + MIN (pending, self->available));
  capacity = MIN (capacity, n + pending);
  capacity = MAX (capacity, n + 1);

  ends = writer_reallocate (self->ends, n * sizeof (guint32), self->scratch->ends,
                            capacity * sizeof (guint32));
  if (ends == NULL)
    return writer_fail_decoded_size (self, capacity * sizeof (guint32));

  self->ends = ends;
  self->next_end = ends + n;
  self->ends_limit = ends + capacity;
  writer_update_room (self);

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
      self->next_end = scratch->ends;
      self->ends_limit = scratch->ends + SCRATCH_ENDS;
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
      gsize n = self->next_end - self->ends;

      self->ends = g_try_malloc_n (MAX (n, 1), sizeof (guint32));
      if (self->ends == NULL)
        return writer_fail_decoded_size (self, n * sizeof (guint32));
      memcpy (self->ends, self->scratch->ends, n * sizeof (guint32));
      self->next_end = self->ends + n;
      self->ends_limit = self->next_end;
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
  gsize n = self->next_end - self->ends - container->first_end;
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

/* @kind is the map that this value would make as the first key. */
static G_ALWAYS_INLINE inline gboolean
writer_begin_key (Writer    *self,
                  Container *container,
                  Kind       kind)
{
  if (G_UNLIKELY (container->kind != kind))
    {
      if (container->kind == KIND_MAP)
        container->kind = kind;
      else if (container->kind != KIND_MAP_ANY && !writer_convert_map (self, container))
        return FALSE;
    }

  container->entry = align8 (self->length);

  return TRUE;
}

/* A key is complete: its data are written up to @length. */
static inline void
writer_end_key (Writer       *self,
                Container    *container,
                gsize         length,
                const Suffix *suffix)
{
  if (G_UNLIKELY (container->kind == KIND_MAP_ANY))
    {
      memcpy (self->data + length, suffix->text, sizeof suffix->text);
      length += suffix->length;
    }

  container->key_end = length - container->entry;
  container->expects_key = FALSE;
  self->length = length;
}

/* A value is complete: its data are written up to @length. */
static G_ALWAYS_INLINE inline void
writer_end (Writer       *self,
            Container    *container,
            gsize         length,
            const Suffix *suffix,
            gboolean      is_key)
{
  if (is_key)
    {
      writer_end_key (self, container, length, suffix);
      return;
    }

  memcpy (self->data + length, suffix->text, sizeof suffix->text);
  self->length = length + suffix->length;
}

/* Gives where the data of a value of @size bytes begin: 8 bytes more may be written there. The
 * value must be ended. */
static G_ALWAYS_INLINE inline gboolean
writer_begin (Writer *self,
              gsize   size,
              gsize  *start)
{
  if (!writer_reserve (self, size + VALUE_OVERHEAD))
    return FALSE;

  *start = align8 (self->length);
  memset (self->data + self->length, 0, 8);

  return TRUE;
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

/* All items of the current container have come. */
static G_ALWAYS_INLINE inline gboolean
writer_end_container (Writer   *self,
                      gboolean  is_key)
{
  Container *container = self->top;
  gsize length = self->length;
  gsize n = self->next_end - self->ends - container->first_end;
  const guint32 *ends = self->ends + container->first_end;
  guint offset_size = _msgpack_rpc_serial_offset_size_for_body (length - container->start, n);
  guint8 *data;

  if (!writer_reserve (self, n * offset_size + VALUE_OVERHEAD))
    return FALSE;

  data = self->data + length;
  if (offset_size == 1)
    store_ends (data, 1, ends, n, container->start);
  else if (offset_size == 2)
    store_ends (data, 2, ends, n, container->start);
  else if (offset_size == 4)
    store_ends (data, 4, ends, n, container->start);
  else
    store_ends (data, offset_size, ends, n, container->start);

  self->next_end = self->ends + container->first_end;
  self->top = container - 1;
  self->type = &container_suffixes[container->kind];
  writer_end (self, container - 1, length + n * offset_size, self->type, is_key);

  return TRUE;
}

/* A container that is a key has got another item. */
static G_GNUC_NO_INLINE gboolean
writer_count_in_key (Writer *self)
{
  return --self->top->remaining > 0 || writer_end_container (self, TRUE);
}

/* Notes where an item ends. */
static G_ALWAYS_INLINE inline int
writer_end_item (Writer    *self,
                 Container *container,
                 gsize      length)
{
  if (G_UNLIKELY (self->next_end == self->ends_limit) && !writer_grow_ends (self))
    return -1;

  *self->next_end++ = length;

  return G_LIKELY (!container->is_key) || writer_count_in_key (self) ? 0 : -1;
}

/* The value of an entry is complete. Returns the new length. */
static G_ALWAYS_INLINE inline gsize
writer_end_entry (Writer    *self,
                  Container *container)
{
  gsize length = self->length;
  guint offset_size;

  container->expects_key = TRUE;
  if (container->kind == KIND_MAP_INT)
    return length;

  offset_size = _msgpack_rpc_serial_offset_size_for_body (length - container->entry, 1);
  _msgpack_rpc_serial_store_offset (self->data + length, offset_size, container->key_end);

  return self->length = length + offset_size;
}

/* @key_kind is the map that this value would make as the first key. */
static G_ALWAYS_INLINE inline int
writer_put (Writer        *self,
            Kind           key_kind,
            const void    *data,
            gsize          size,
            const Suffix  *suffix,
            const Suffix **object)
{
  Container *container = self->top;
  gboolean is_key = container->expects_key;
  gsize start;

  *object = suffix;

  if (G_UNLIKELY (is_key) && !writer_begin_key (self, container, key_kind))
    return -1;

  if (!writer_begin (self, size, &start))
    return -1;

  memcpy (self->data + start, data, size);
  writer_end (self, container, start + size, suffix, is_key);

  return 0;
}

/* Where the body of a value is, or goes, that comes next. */
static inline guint8 *
writer_body (Writer *self)
{
  return self->data + align8 (self->length);
}

/* Makes room for the first @length bytes of such a body of @size bytes, and what follows them; the
 * output is not in the scratch. It doubles, but not beyond the whole, unless there is much before
 * it: then there may be many bodies, each of which would move that. */
static gboolean
writer_make_body_room (Writer *self,
                       gsize   size,
                       gsize   length)
{
  gsize rest = align8 (self->length) + VALUE_OVERHEAD;
  gsize capacity;
  guint8 *data;

  if (rest + length <= self->capacity)
    return TRUE;

  capacity = MAX (MIN (rest + size, 2 * self->capacity), rest + rest / 4);
  capacity = MAX (MIN (capacity, self->settings.max_decoded_size), rest + length);
  data = g_try_realloc (self->data, capacity);
  if (data == NULL)
    return FALSE;

  self->data = data;
  self->capacity = capacity;
  return TRUE;
}

/* Puts a value, no key, whose body is there already. */
static int
writer_put_body (Writer        *self,
                 gsize          size,
                 const Suffix  *suffix,
                 const Suffix **object)
{
  gsize start = align8 (self->length);

  *object = suffix;
  if (!writer_reserve (self, size + VALUE_OVERHEAD))
    return -1;

  memset (self->data + self->length, 0, start - self->length);
  writer_end (self, self->top, start + size, suffix, FALSE);

  return 0;
}

static G_ALWAYS_INLINE inline int
writer_put_int (Writer        *self,
                gint64         value,
                const Suffix **object)
{
  return writer_put (self, KIND_MAP_INT, &value, sizeof value, &suffix_x, object);
}

static int
writer_put_opaque (Writer        *self,
                   gint32         handle,
                   const guint8  *data,
                   gsize          size,
                   const Suffix **object)
{
  Container *container = self->top;
  gboolean is_key = container->expects_key;
  gsize start;

  *object = &suffix_hay;

  if (is_key && !writer_begin_key (self, container, KIND_MAP_ANY))
    return -1;

  if (!writer_begin (self, sizeof handle + size, &start))
    return -1;

  memcpy (self->data + start, &handle, sizeof handle);
  memcpy (self->data + start + sizeof handle, data, size);
  writer_end (self, container, start + sizeof handle + size, &suffix_hay, is_key);

  return 0;
}

/* Fails if the items that a header claims cannot be within the limits. */
static G_GNUC_NO_INLINE gboolean
writer_check_claim (Writer  *self,
                    guint64  n_values,
                    gsize    length)
{
  guint64 pending = writer_count_pending (self);
  guint64 message_size = self->consumed + length + pending - 1 + n_values;
  guint64 decoded_size;

  if (message_size > self->settings.max_message_size)
    {
      writer_fail (self, MSGPACK_RPC_ERROR_TOO_LARGE, "Message",
                   self->settings.max_message_size, message_size);
      return FALSE;
    }

  decoded_size = writer_used (self) + VALUE_MIN_SIZE * (pending - 1 + n_values);
  if (decoded_size > self->settings.max_decoded_size)
    return writer_fail_decoded_size (self, decoded_size);

  return TRUE;
}

static int
writer_put_empty (Writer        *self,
                  Kind           kind,
                  const Suffix **object)
{
  return writer_put (self, KIND_MAP_ANY, "", 0, &container_suffixes[kind], object);
}

/* @end is where its header ends. */
static G_ALWAYS_INLINE inline int
writer_put_container (Writer        *self,
                      Kind           kind,
                      guint64        n,
                      const guint8  *end,
                      const Suffix **object)
{
  guint64 n_values = kind == KIND_ARRAY ? n : 2 * n;
  gsize length = end - self->input;
  guint depth = self->top - self->containers;
  gboolean is_key = self->top->expects_key;
  Container *container;
  gsize start;

  if (depth >= self->settings.max_depth)
    return writer_fail (self, MSGPACK_RPC_ERROR_TOO_DEEP, "Message",
                        self->settings.max_depth, depth + 1);

  /* More have been claimed than are still to come. */
  if (G_UNLIKELY (self->claimed + n_values + length >= self->claimable) &&
      !writer_check_claim (self, n_values, length))
    return -1;

  if (n == 0)
    return writer_put_empty (self, kind, object);

  if (G_UNLIKELY (is_key) && !writer_begin_key (self, self->top, KIND_MAP_ANY))
    return -1;

  if (!writer_begin (self, 0, &start))
    return -1;

  self->claimed += n_values;
  self->length = start;
  container = ++self->top;
  container->kind = kind;
  container->start = start;
  container->first_end = self->next_end - self->ends;
  container->remaining = n;
  container->expects_key = kind == KIND_MAP;
  container->is_key = is_key;
  *object = &suffix_open;

  return 0;
}

/* Is 0 if all of the bytes in @word are ASCII and none of them is NUL. */
static inline guint64
find_not_ascii (guint64 word)
{
  const guint64 ones = G_GUINT64_CONSTANT (0x0101010101010101);

  return (word | (word - ones)) & (ones << 7);
}

/* Copies @str to where 8 bytes more may be written. Returns FALSE if it is not all ASCII, or has a
 * NUL; then what was written is of no use. */
static G_ALWAYS_INLINE inline gboolean
copy_ascii (guint8     *out,
            const char *str,
            gsize       length)
{
  guint64 first;
  guint64 last;
  guint32 head;
  guint32 tail;
  gsize i = 0;

  if (length < sizeof head)
    {
      for (; i < length; i++)
        {
          out[i] = str[i];
          if ((guint8) (str[i] - 1) >= 0x7f)
            return FALSE;
        }

      return TRUE;
    }

  if (length < sizeof first)
    {
      memcpy (&head, str, sizeof head);
      memcpy (&tail, str + length - sizeof tail, sizeof tail);
      memcpy (out, &head, sizeof head);
      memcpy (out + length - sizeof tail, &tail, sizeof tail);

      return find_not_ascii (head | (guint64) tail << 32) == 0;
    }

  for (; i + 2 * sizeof first < length; i += sizeof first)
    {
      memcpy (&first, str + i, sizeof first);
      if (find_not_ascii (first) != 0)
        return FALSE;
      memcpy (out + i, &first, sizeof first);
    }

  memcpy (&first, str + i, sizeof first);
  memcpy (&last, str + length - sizeof last, sizeof last);
  memcpy (out + i, &first, sizeof first);
  memcpy (out + length - sizeof last, &last, sizeof last);

  return (find_not_ascii (first) | find_not_ascii (last)) == 0;
}

static int
writer_put_repaired (Writer        *self,
                     const char    *str,
                     gsize          length,
                     const Suffix **object)
{
  Container *container = self->top;
  gboolean is_key = container->expects_key;
  guint64 size = _msgpack_rpc_utf8_repair (NULL, str, length) + 1;
  gsize start;

  *object = &suffix_s;

  if (size > self->settings.max_decoded_size)
    {
      writer_fail_decoded_size (self, size);
      return -1;
    }

  if (is_key && !writer_begin_key (self, container, KIND_MAP_STR))
    return -1;

  if (!writer_begin (self, size, &start))
    return -1;

  _msgpack_rpc_utf8_repair ((char *) self->data + start, str, length);
  self->data[start + size - 1] = '\0';
  writer_end (self, container, start + size, &suffix_s, is_key);

  return 0;
}

/* A str that is no text. */
static int
writer_put_raw_str (Writer        *self,
                    const char    *str,
                    gsize          length,
                    const Suffix **object)
{
  const char *end;

  switch (self->settings.string_policy)
    {
    case MSGPACK_RPC_STRING_POLICY_REPLACE:
      return writer_put_repaired (self, str, length, object);

    case MSGPACK_RPC_STRING_POLICY_STRICT:
      g_utf8_validate_len (str, length, &end);
      return writer_fail (self, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                          *end == '\0' ? "NUL in a str" : "str that is not valid UTF-8",
                          0, end - str);

    case MSGPACK_RPC_STRING_POLICY_BYTES:
      return writer_put (self, KIND_MAP_ANY, str, length, &suffix_ay, object);

    case MSGPACK_RPC_STRING_POLICY_RAW:
    default:
      return writer_put_opaque (self, 256, (const guint8 *) str, length, object);
    }
}

/* Puts a str of any kind, as any key. */
static G_GNUC_NO_INLINE int
writer_put_str (Writer        *self,
                const char    *str,
                gsize          length,
                const Suffix **object)
{
  Container *container = self->top;
  gboolean is_key = container->expects_key;
  gsize start;

  if (length > 0 && !g_utf8_validate_len (str, length, NULL))
    return writer_put_raw_str (self, str, length, object);

  *object = &suffix_s;

  if (is_key && !writer_begin_key (self, container, KIND_MAP_STR))
    return -1;

  if (!writer_begin (self, length + 1, &start))
    return -1;

  if (length > 0)
    memcpy (self->data + start, str, length);
  self->data[start + length] = '\0';
  writer_end (self, container, start + length + 1, &suffix_s, is_key);

  return 0;
}
