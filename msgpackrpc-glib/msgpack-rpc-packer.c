/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <math.h>

#include <msgpack/pack_define.h>
#include <msgpack/timestamp.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-packed-private.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-serial-private.h"

/* Writes a value from its serialised form, without making GVariants of its children.
 *
 * That form is in normal form, or the caller of g_variant_new_from_bytes () has said so without
 * reason: hence every offset is checked, and a wrong one is an error. */

#define MAX_LEVELS MSGPACK_RPC_PACK_MAX_LEVELS

/* The message has at least one in so many of the bytes of the serialised form, mostly. */
#define EXPECTED_SHRINKAGE 4

/* The header of a str, bin or ext has this many bytes at most. */
#define HEADER_SIZE 6

/* The longest str whose header is one byte. */
#define MAX_SHORT_STR 31

/* A body of so many bytes or more is not copied if it can be shared: a piece more to write costs
 * less. */
#define SHARED_SIZE (64 * 1024)

/* A value of that size is not serialised if its children have so many bytes on average. */
#define COARSE_SIZE (16 * 1024)

/* Small items of an envelope are written to this many bytes at most. */
#define SMALL_SIZE 9

typedef struct
{
  guint8 *data;
  gsize length;     /* what is in it; the rest of it is to be written */
  gsize capacity;
  GByteArray *out;  /* where the data are, or NULL if they cannot grow */
  gsize old_length; /* what was in it before */
  gsize expected;   /* a guess of how much will be written */
  MsgpackRpcPackFlags flags;
  GArray **references; /* of what is shared, or NULL if nothing is */
  guint n_shared;      /* how many this packer has added to them */
  GVariant *source;    /* what is being written */
  guint max_level;     /* from where on it may be too deep: a level is a container of either format */
  gboolean is_deep;    /* it went there */
  GError **error;
} Packer;

typedef enum
{
  BODY_STR,
  BODY_BIN,
  BODY_EXT,
} BodyKind;

/* A piece of serialised data. @type is definite and need not end with NUL. */
typedef struct
{
  const char *type;
  const guint8 *data;
  gsize size;
} Piece;

static gboolean packer_put (Packer      *self,
                            const Piece *piece,
                            guint        level);

static gboolean
packer_grow (Packer *self,
             gsize   length)
{
  if (self->out == NULL || length > MSGPACK_RPC_LIMIT_PACKED_SIZE - self->length)
    return FALSE;

  length = MAX (2 * self->length, self->length + length + 64);
  length = MAX (length, self->old_length + self->expected);
  g_byte_array_set_size (self->out, MIN (length, MSGPACK_RPC_LIMIT_PACKED_SIZE));
  self->data = self->out->data;
  self->capacity = self->out->len;

  return TRUE;
}

static inline gboolean
packer_reserve (Packer *self,
                gsize   length)
{
  return G_LIKELY (length <= self->capacity - self->length) || packer_grow (self, length);
}

static inline int
packer_write (Packer     *self,
              const void *data,
              gsize       length)
{
  if (!packer_reserve (self, length))
    return -1;

  memcpy (self->data + self->length, data, length);
  self->length += length;

  return 0;
}

/* msgpack-c's writer, into our buffer. */

#define msgpack_pack_inline_func(name) static inline int wire_put##name
#define msgpack_pack_user Packer *
#define msgpack_pack_append_buffer(self, data, length) return packer_write (self, data, length)
#define msgpack_pack_ext wire_put_ext

#include <msgpack/pack_template.h>

static gboolean
packer_init (Packer               *self,
             GByteArray           *out,
             MsgpackRpcPackFlags   flags,
             GError              **error)
{
  self->data = out->data;
  self->length = out->len;
  self->capacity = out->len;
  self->out = out;
  self->old_length = out->len;
  self->expected = 0;
  self->flags = flags;
  self->references = NULL;
  self->n_shared = 0;
  self->error = error;

  return out->len <= MSGPACK_RPC_LIMIT_PACKED_SIZE;
}

static gboolean
packer_end (Packer   *self,
            gboolean  success)
{
  /* It is never longer than it was made: all that g_byte_array_set_size () would do. */
  self->out->len = success ? self->length : self->old_length;

  return success;
}

static gboolean
packer_fail (Packer     *self,
             const char *what)
{
  g_set_error (self->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "Value cannot be written as MessagePack: %s", what);

  return FALSE;
}

/* It is, by the levels of GVariant, of which there are at least as many as of MessagePack. */
static gboolean
packer_go_deeper (Packer *self,
                  guint   level)
{
  if (level > MAX_LEVELS)
    return packer_fail (self, "it is nested deeper than 128 levels");

  self->is_deep = TRUE;
  self->max_level = MAX_LEVELS;
  return TRUE;
}

static gboolean
packer_fail_broken (Packer *self)
{
  return packer_fail (self, "its serialised data are not in normal form");
}

static gboolean
packer_check (Packer *self,
              int     result)
{
  if (G_LIKELY (result == 0))
    return TRUE;

  g_set_error (self->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_LARGE,
               "Message too large: the limit is %" G_GSIZE_FORMAT " bytes",
               MSGPACK_RPC_LIMIT_PACKED_SIZE);

  return FALSE;
}

static inline gint64
load_signed (const Piece *piece)
{
  gint16 n;
  gint32 i;
  gint64 x;

  switch (piece->size)
    {
    case 2:
      memcpy (&n, piece->data, sizeof n);
      return n;

    case 4:
      memcpy (&i, piece->data, sizeof i);
      return i;

    default:
      memcpy (&x, piece->data, sizeof x);
      return x;
    }
}

static inline guint64
load_unsigned (const Piece *piece)
{
  guint16 q;
  guint32 u;
  guint64 t;

  switch (piece->size)
    {
    case 1:
      return piece->data[0];

    case 2:
      memcpy (&q, piece->data, sizeof q);
      return q;

    case 4:
      memcpy (&u, piece->data, sizeof u);
      return u;

    default:
      memcpy (&t, piece->data, sizeof t);
      return t;
    }
}

static gboolean
packer_put_float (Packer *self,
                  double  d)
{
  float f = (float) d;
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *what = NULL;

  if (!isinf (f) || isinf (d))
    return packer_check (self, wire_put_float (self, f));

  what = g_strdup_printf ("%s is too large for a 32-bit float",
                          g_ascii_dtostr (text, sizeof text, d));

  return packer_fail (self, what);
}

static gboolean
packer_put_double (Packer       *self,
                   const guint8 *data)
{
  double d;

  memcpy (&d, data, sizeof d);

  if (G_UNLIKELY (self->flags & MSGPACK_RPC_PACK_FLAGS_FLOAT32))
    return packer_put_float (self, d);

  return packer_check (self, wire_put_double (self, d));
}

static inline int
packer_write_str_header (Packer *self,
                         gsize   length)
{
  /* A short one has the same header in both. */
  if (length > 31 && self->flags & MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW)
    return wire_put_v4raw (self, length);

  return wire_put_str (self, length);
}

/* Makes room for the header of a str, bin or ext, and for its body. */
static inline gboolean
packer_reserve_body (Packer *self,
                     gsize   length)
{
  return length <= MSGPACK_RPC_LIMIT_PACKED_SIZE && packer_reserve (self, HEADER_SIZE + length);
}

static inline gboolean
packer_shares (Packer *self,
               gsize   length)
{
  return G_UNLIKELY (length >= SHARED_SIZE) && self->references != NULL;
}

/* Puts the header, and has the body written from where it is. */
static G_GNUC_NO_INLINE gboolean
packer_share (Packer     *self,
              BodyKind    kind,
              gint8       ext_type,
              const void *data,
              gsize       length)
{
  g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes (self->source);
  gsize offset = (const guint8 *) data - (const guint8 *) g_bytes_get_data (bytes, NULL);
  MsgpackRpcReference reference;

  if (length > MSGPACK_RPC_LIMIT_PACKED_SIZE || !packer_reserve (self, HEADER_SIZE))
    return packer_check (self, -1);

  if (kind == BODY_STR)
    packer_write_str_header (self, length);
  else if (kind == BODY_BIN)
    wire_put_bin (self, length);
  else
    wire_put_ext (self, length, ext_type);

  if (*self->references == NULL)
    *self->references = _msgpack_rpc_references_new ();

  reference.position = self->length;
  reference.bytes = g_bytes_new_from_bytes (bytes, offset, length);
  g_array_append_val (*self->references, reference);
  self->n_shared++;

  return TRUE;
}

static G_GNUC_NO_INLINE gboolean
packer_put_long_str (Packer     *self,
                     const void *str,
                     gsize       length)
{
  if (packer_shares (self, length))
    return packer_share (self, BODY_STR, 0, str, length);

  if (!packer_reserve_body (self, length))
    return packer_check (self, -1);

  return packer_check (self, packer_write_str_header (self, length)) &&
         packer_check (self, packer_write (self, str, length));
}

/* Of the lengths that strings mostly have, without a call; halves may overlap. */
static inline void
copy_short (guint8       *to,
            const guint8 *from,
            gsize         length)
{
  guint64 head, tail;

  if (length > 16)
    {
      memcpy (to, from, 16);
      memcpy (to + length - 16, from + length - 16, 16);
    }
  else if (length >= 8)
    {
      memcpy (&head, from, 8);
      memcpy (&tail, from + length - 8, 8);
      memcpy (to, &head, 8);
      memcpy (to + length - 8, &tail, 8);
    }
  else
    {
      for (gsize i = 0; i < length; i++)
        to[i] = from[i];
    }
}

static inline gboolean
packer_put_str (Packer     *self,
                const void *str,
                gsize       length)
{
  if (G_LIKELY (length <= MAX_SHORT_STR && packer_reserve (self, 1 + MAX_SHORT_STR)))
    {
      self->data[self->length] = 0xa0 | length;
      copy_short (self->data + self->length + 1, str, length);
      self->length += 1 + length;
      return TRUE;
    }

  return packer_put_long_str (self, str, length);
}
/* A string with the NUL that ends it. */
static inline gboolean
packer_put_text (Packer       *self,
                 const guint8 *data,
                 gsize         size)
{
  if (size == 0 || data[size - 1] != '\0')
    return packer_fail_broken (self);

  return packer_put_str (self, data, size - 1);
}

static gboolean
packer_put_bin (Packer      *self,
                const Piece *piece)
{
  if (G_UNLIKELY (self->flags & MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW))
    return packer_put_str (self, piece->data, piece->size);

  if (packer_shares (self, piece->size))
    return packer_share (self, BODY_BIN, 0, piece->data, piece->size);

  if (!packer_reserve_body (self, piece->size))
    return packer_check (self, -1);

  return packer_check (self, wire_put_bin (self, piece->size)) &&
         (piece->size == 0 || packer_check (self, packer_write (self, piece->data, piece->size)));
}

/* A (hay): an extension value, or the bytes of a str that is not valid UTF-8. */
static gboolean
packer_put_opaque (Packer      *self,
                   const Piece *piece)
{
  const guint8 *body;
  gsize length;
  gint32 handle;

  if (piece->size < sizeof handle)
    return packer_fail_broken (self);

  memcpy (&handle, piece->data, sizeof handle);
  body = piece->data + sizeof handle;
  length = piece->size - sizeof handle;

  if (handle == 256)
    return packer_put_str (self, body, length);

  if (handle < G_MININT8 || handle > G_MAXINT8)
    return packer_fail (self, "an extension type is not between -128 and 127");

  if (self->flags & MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW)
    return packer_fail (self, "the legacy form has no extension values");

  if (packer_shares (self, length))
    return packer_share (self, BODY_EXT, handle, body, length);

  if (!packer_reserve_body (self, length))
    return packer_check (self, -1);

  return packer_check (self, wire_put_ext (self, length, handle)) &&
         (length == 0 || packer_check (self, packer_write (self, body, length)));
}

/* Not strncmp (): there need not be that many characters. */
static inline gboolean
type_begins (const char *type,
             const char *with)
{
  while (*with != '\0' && *type == *with)
    {
      type++;
      with++;
    }

  return *with == '\0';
}

/* Whether @type up to @end is one type, and data of that type can have @size bytes. */
static gboolean
type_allows (const char *type,
             const char *end,
             gsize       size)
{
  const char *type_end;
  guint alignment;
  gsize fixed_size;

  if (!g_variant_type_string_scan (type, end, &type_end) || type_end != end)
    return FALSE;

  _msgpack_rpc_serial_type_layout (type, &alignment, &fixed_size);

  return fixed_size == 0 || fixed_size == size;
}

static gboolean
packer_put_any_variant (Packer       *self,
                        const guint8 *data,
                        gsize         size,
                        guint         level)
{
  const char *start = (const char *) data;
  const char *end = start + size;
  const char *nul = end;
  Piece child;

  while (nul > start && nul[-1] != '\0')
    nul--;
  if (nul-- == start)
    return packer_fail_broken (self);

  child.type = nul + 1;
  child.data = data;
  child.size = nul - start;

  if (!type_allows (child.type, end, child.size))
    return packer_fail_broken (self);

  return packer_put (self, &child, level);
}

static gboolean packer_put_variants (Packer       *self,
                                     const guint8 *data,
                                     gsize         size,
                                     guint         level);
static gboolean packer_put_vardict  (Packer       *self,
                                     const guint8 *data,
                                     gsize         size,
                                     guint         level);

/* Whether data of @size bytes end with a NUL and @type, which has @length bytes. */
static inline gboolean
ends_with_type (const guint8 *data,
                gsize         size,
                const char   *type,
                gsize         length)
{
  return size > length && data[size - length - 1] == '\0' &&
         memcmp (data + size - length, type, length) == 0;
}

/* The header of an array or a map with @n items. */
static G_ALWAYS_INLINE inline gboolean
packer_put_header (Packer   *self,
                   gboolean  is_map,
                   gsize     n)
{
  if (n > MSGPACK_RPC_LIMIT_PACKED_SIZE)
    return packer_check (self, -1);

  return packer_check (self, is_map ? wire_put_map (self, n) : wire_put_array (self, n));
}

/* An as. */
static gboolean
packer_put_strings (Packer       *self,
                    const guint8 *data,
                    gsize         size)
{
  gsize start = 0;
  gsize end;
  MsgpackRpcItems items;

  if (!_msgpack_rpc_items_init (&items, data, size, 1, 0))
    return packer_fail_broken (self);

  if (!packer_put_header (self, FALSE, items.n))
    return FALSE;

  for (gsize i = 0; i < items.n; i++, start = end)
    {
      if (!_msgpack_rpc_items_get (&items, data, i, &start, &end))
        return packer_fail_broken (self);

      if (!packer_put_text (self, data + start, end - start))
        return FALSE;
    }

  return TRUE;
}

/* What is most common is found without looking for the type. @level is that of what is in it. */
static inline gboolean
packer_put_variant (Packer       *self,
                    const guint8 *data,
                    gsize         size,
                    guint         level)
{
  gint64 x;

  if (G_UNLIKELY (level >= self->max_level || size < 2))
    return packer_put_any_variant (self, data, size, level);

  if (data[size - 2] == '\0')
    {
      switch (data[size - 1])
        {
        case 's':
          return packer_put_text (self, data, size - 2);

        case 'x':
          if (size != sizeof x + 2)
            return packer_fail_broken (self);
          memcpy (&x, data, sizeof x);
          return packer_check (self, wire_put_int64 (self, x));

        case 'd':
          return size == sizeof (double) + 2 ? packer_put_double (self, data)
                                             : packer_fail_broken (self);

        default:
          return packer_put_any_variant (self, data, size, level);
        }
    }

  if (ends_with_type (data, size, "av", 2))
    return packer_put_variants (self, data, size - 3, level + 1);

  if (ends_with_type (data, size, "a{sv}", 5))
    return packer_put_vardict (self, data, size - 6, level + 1);

  if (ends_with_type (data, size, "as", 2))
    return packer_put_strings (self, data, size - 3);

  return packer_put_any_variant (self, data, size, level);
}

static gboolean
packer_put_maybe (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  Piece child = { piece->type + 1, piece->data, piece->size };
  guint alignment;
  gsize fixed_size;

  if (piece->size == 0)
    return packer_check (self, wire_put_nil (self));

  _msgpack_rpc_serial_type_layout (child.type, &alignment, &fixed_size);
  if (fixed_size == 0)
    child.size--;
  else if (child.size != fixed_size)
    return packer_fail_broken (self);

  return packer_put (self, &child, level);
}

/* Puts the members of a tuple or of a dictionary entry, without a header. */
static gboolean
packer_put_members (Packer      *self,
                    const Piece *piece,
                    guint        level)
{
  guint offset_size = _msgpack_rpc_serial_offset_size (piece->size);
  const char *type = piece->type + 1;
  gsize limit = piece->size; /* where the framing offsets begin that were used so far */
  gsize start = 0;

  while (*type != ')' && *type != '}')
    {
      Piece child = { type, NULL, 0 };
      guint alignment;
      gsize end;

      type = _msgpack_rpc_serial_type_layout (type, &alignment, &child.size);
      start = _msgpack_rpc_serial_align (start, alignment);

      if (child.size > 0)
        {
          end = start + child.size;
        }
      else if (*type == ')' || *type == '}' || piece->size == 0)
        {
          /* GLib takes no bytes at all for members that are empty, without framing offsets. */
          end = limit;
        }
      else
        {
          if (limit < offset_size)
            return packer_fail_broken (self);
          limit -= offset_size;
          end = _msgpack_rpc_serial_load_offset (piece->data + limit, offset_size);
        }

      if (start > end || end > limit)
        return packer_fail_broken (self);

      child.data = piece->data + start;
      child.size = end - start;
      if (!packer_put (self, &child, level))
        return FALSE;

      start = end;
    }

  return TRUE;
}

static guint
type_count_members (const char *type)
{
  guint alignment;
  gsize fixed_size;
  guint n = 0;

  for (type++; *type != ')' && *type != '}'; n++)
    type = _msgpack_rpc_serial_type_layout (type, &alignment, &fixed_size);

  return n;
}

static gboolean
packer_put_tuple (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  if (type_begins (piece->type, "(hay)"))
    return packer_put_opaque (self, piece);

  return packer_check (self, wire_put_array (self,
                                                 type_count_members (piece->type))) &&
         packer_put_members (self, piece, level);
}

/* An av. */
static gboolean
packer_put_variants (Packer       *self,
                     const guint8 *data,
                     gsize         size,
                     guint         level)
{
  gsize start = 0;
  gsize end;
  MsgpackRpcItems items;

  if (!_msgpack_rpc_items_init (&items, data, size, 8, 0))
    return packer_fail_broken (self);

  if (!packer_put_header (self, FALSE, items.n))
    return FALSE;

  for (gsize i = 0; i < items.n; i++, start = end)
    {
      if (!_msgpack_rpc_items_get (&items, data, i, &start, &end))
        return packer_fail_broken (self);

      if (!packer_put_variant (self, data + start, end - start, level + 1))
        return FALSE;
    }

  return TRUE;
}

/* A {sv}. */
static inline gboolean
packer_put_vardict_entry (Packer       *self,
                          const guint8 *data,
                          gsize         size,
                          guint         level)
{
  guint offset_size = _msgpack_rpc_serial_offset_size (size);
  gsize value_start;
  gsize value_end;
  gsize key_end;

  if (size < offset_size)
    return packer_fail_broken (self);

  value_end = size - offset_size;
  key_end = _msgpack_rpc_serial_load_offset (data + value_end, offset_size);
  value_start = _msgpack_rpc_serial_align (key_end, 8);
  if (key_end > value_end || value_start > value_end)
    return packer_fail_broken (self);

  return packer_put_text (self, data, key_end) &&
         packer_put_variant (self, data + value_start, value_end - value_start, level + 1);
}

/* An a{sv}. */
static gboolean
packer_put_vardict (Packer       *self,
                    const guint8 *data,
                    gsize         size,
                    guint         level)
{
  gsize start = 0;
  gsize end;
  MsgpackRpcItems items;

  if (!_msgpack_rpc_items_init (&items, data, size, 8, 0))
    return packer_fail_broken (self);

  if (!packer_put_header (self, TRUE, items.n))
    return FALSE;

  for (gsize i = 0; i < items.n; i++, start = end)
    {
      if (!_msgpack_rpc_items_get (&items, data, i, &start, &end))
        return packer_fail_broken (self);

      if (!packer_put_vardict_entry (self, data + start, end - start, level))
        return FALSE;
    }

  return TRUE;
}

static gboolean
packer_put_items (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  const char *item_type = piece->type + 1;
  gboolean is_map = *item_type == '{' || type_begins (item_type, "(vv)");
  Piece item = { .type = item_type };
  gsize start = 0;
  gsize end;
  gsize fixed_size;
  guint alignment;
  MsgpackRpcItems items;

  _msgpack_rpc_serial_type_layout (item_type, &alignment, &fixed_size);
  if (!_msgpack_rpc_items_init (&items, piece->data, piece->size, alignment, fixed_size))
    return packer_fail_broken (self);

  if (!packer_put_header (self, is_map, items.n))
    return FALSE;

  for (gsize i = 0; i < items.n; i++, start = end)
    {
      if (!_msgpack_rpc_items_get (&items, piece->data, i, &start, &end))
        return packer_fail_broken (self);

      item.data = piece->data + start;
      item.size = end - start;
      if (is_map ? !packer_put_members (self, &item, level) : !packer_put (self, &item, level))
        return FALSE;
    }

  return TRUE;
}

static gboolean
packer_put_array (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  switch (piece->type[1])
    {
    case 'y':
      return packer_put_bin (self, piece);

    case 's':
      return packer_put_strings (self, piece->data, piece->size);

    case 'v':
      return packer_put_variants (self, piece->data, piece->size, level);

    case '{':
      if (type_begins (piece->type, "a{sv}"))
        return packer_put_vardict (self, piece->data, piece->size, level);
      return packer_put_items (self, piece, level);

    default:
      return packer_put_items (self, piece, level);
    }
}

static gboolean
packer_put_entry (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  return packer_check (self, wire_put_map (self, 1)) &&
         packer_put_members (self, piece, level);
}

/* The size of a piece whose type has a fixed size was checked when the piece was found. */
static gboolean
packer_put (Packer      *self,
            const Piece *piece,
            guint        level)
{
  if (G_UNLIKELY (level > self->max_level) && !packer_go_deeper (self, level))
    return FALSE;

  switch (*piece->type)
    {
    case 'b':
      return packer_check (self, piece->data[0] ? wire_put_true (self)
                                                : wire_put_false (self));

    case 'y':
    case 'q':
    case 'u':
    case 't':
      return packer_check (self, wire_put_uint64 (self, load_unsigned (piece)));

    case 'n':
    case 'i':
    case 'x':
      return packer_check (self, wire_put_int64 (self, load_signed (piece)));

    case 'd':
      return packer_put_double (self, piece->data);

    case 's':
    case 'o':
    case 'g':
      return packer_put_text (self, piece->data, piece->size);

    case 'v':
      return packer_put_variant (self, piece->data, piece->size, level + 1);

    case 'm':
      return packer_put_maybe (self, piece, level + 1);

    case 'a':
      return packer_put_array (self, piece, level + 1);

    case '(':
      return packer_put_tuple (self, piece, level + 1);

    case '{':
      return packer_put_entry (self, piece, level + 1);

    case 'h':
      return packer_fail (self, "a handle has no meaning on the wire");

    default:
      return packer_fail_broken (self);
    }
}

static inline gboolean
packer_put_serialised (Packer   *self,
                       GVariant *value,
                       guint     level)
{
  Piece piece;

  piece.type = g_variant_get_type_string (value);
  piece.data = g_variant_get_data (value);
  piece.size = g_variant_get_size (value);

  /* Without data, any size is only what the type asks for. */
  if (piece.data == NULL && piece.size > 0)
    return packer_fail_broken (self);

  if (piece.data == NULL)
    piece.data = (const guint8 *) "";

  /* Of a coarse value, most is in the pieces. */
  if (level == 0)
    self->expected = piece.size / EXPECTED_SHRINKAGE;
  self->source = value;

  return packer_put (self, &piece, level);
}

static gboolean packer_put_value (Packer   *self,
                                  GVariant *value,
                                  guint     level);

/* @is_map: the children are entries, whose children are put. */
static gboolean
packer_put_children (Packer   *self,
                     GVariant *value,
                     gboolean  is_map,
                     guint     level)
{
  gsize n = g_variant_n_children (value);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) child = g_variant_get_child_value (value, i);

      if (!(is_map ? packer_put_children (self, child, FALSE, level)
                   : packer_put_value (self, child, level)))
        return FALSE;
    }

  return TRUE;
}

/* Writes a large value with few children, which would be copied if it were serialised. */
static gboolean
packer_put_coarse (Packer   *self,
                   GVariant *value,
                   guint     level)
{
  const char *type = g_variant_get_type_string (value);

  if (level > self->max_level && !packer_go_deeper (self, level))
    return FALSE;

  if (type_begins (type, "a{") || type_begins (type, "a(vv)"))
    return packer_put_header (self, TRUE, g_variant_n_children (value)) &&
           packer_put_children (self, value, TRUE, level + 1);

  if (*type == '{')
    return packer_put_header (self, TRUE, 1) && packer_put_children (self, value, FALSE, level + 1);

  if (*type == 'a' || *type == '(')
    return packer_put_header (self, FALSE, g_variant_n_children (value)) &&
           packer_put_children (self, value, FALSE, level + 1);

  return packer_put_children (self, value, FALSE, level + 1);
}

/* GLib does not tell whether a value is serialised already; then this costs little, too. */
static gboolean
value_is_coarse (GVariant *value)
{
  gsize size = g_variant_get_size (value);

  return size >= SHARED_SIZE && g_variant_is_container (value) &&
         !g_variant_is_of_type (value, G_VARIANT_TYPE_BYTESTRING) &&
         !g_variant_is_of_type (value, G_VARIANT_TYPE ("(hay)")) &&
         g_variant_n_children (value) <= size / COARSE_SIZE;
}

static gboolean
packer_put_value (Packer   *self,
                  GVariant *value,
                  guint     level)
{
  if (self->references != NULL && value_is_coarse (value))
    return packer_put_coarse (self, value, level);

  return packer_put_serialised (self, value, level);
}

/* Whether it is an array of numbers: each of its bytes is as good as any other. GLib looks at every
 * element of what is not trusted, such as what g_variant_new_fixed_array() makes. */
static gboolean
is_number_array (GVariant *value)
{
  const char *type = g_variant_get_type_string (value);
  guint alignment;
  gsize width;

  if (type[0] != 'a' || type[1] == '\0' || strchr ("ynqiuxtd", type[1]) == NULL)
    return FALSE;

  _msgpack_rpc_serial_type_layout (type + 1, &alignment, &width);
  return g_variant_get_size (value) % width == 0;
}

static G_ALWAYS_INLINE inline gboolean
append_value (GByteArray           *out,
              GArray              **references,
              GVariant             *value,
              MsgpackRpcPackFlags   flags,
              GError              **error)
{
  g_autoptr(GVariant) normal = NULL;
  Packer packer;
  gboolean success;

  if (!packer_init (&packer, out, flags, error))
    return packer_check (&packer, -1);

  if (!is_number_array (value) && !g_variant_is_normal_form (value))
    value = normal = g_variant_get_normal_form (value);

  packer.references = references;
  /* What is in the deepest container may be written without a look at the level. */
  packer.max_level = MSGPACK_RPC_PACK_GET_DEPTH (flags) - 1;
  packer.is_deep = FALSE;
  if (references != NULL && value_is_coarse (value))
    success = packer_put_coarse (&packer, value, 0);
  else
    success = packer_put_serialised (&packer, value, 0);
  if (G_UNLIKELY (packer.is_deep) && success && MSGPACK_RPC_PACK_GET_DEPTH (flags) < MAX_LEVELS)
    success = _msgpack_rpc_packer_check_depth (value, flags, error);

  if (references != NULL && !success && packer.n_shared > 0)
    g_array_set_size (*references, (*references)->len - packer.n_shared);

  return packer_end (&packer, success);
}

gboolean
_msgpack_rpc_packer_append_value (GByteArray           *out,
                                  GVariant             *value,
                                  MsgpackRpcPackFlags   flags,
                                  GError              **error)
{
  return append_value (out, NULL, value, flags, error);
}

gboolean
_msgpack_rpc_packer_append_shared (GByteArray           *out,
                                   GArray              **references,
                                   GVariant             *value,
                                   MsgpackRpcPackFlags   flags,
                                   GError              **error)
{
  return append_value (out, references, value, flags, error);
}

gboolean
_msgpack_rpc_packer_append_str (GByteArray           *out,
                                const char           *str,
                                gsize                 length,
                                MsgpackRpcPackFlags   flags,
                                GError              **error)
{
  Packer packer;

  if (!packer_init (&packer, out, flags, error))
    return packer_check (&packer, -1);

  return packer_end (&packer, packer_put_str (&packer, str, length));
}

/* The small items of an envelope always have room in a GByteArray: there is more of it beyond the
 * limit than an envelope takes. */

#define APPEND_SMALL(out, function, ...)                                    \
  G_STMT_START {                                                            \
    guint8 data[SMALL_SIZE];                                                \
    Packer packer = { .data = data, .capacity = sizeof data };              \
                                                                            \
    function (&packer, ##__VA_ARGS__);                                      \
    g_byte_array_append ((out), data, packer.length);                       \
  } G_STMT_END

void
_msgpack_rpc_packer_append_array (GByteArray *out,
                                  guint32     n)
{
  APPEND_SMALL (out, wire_put_array, n);
}

void
_msgpack_rpc_packer_append_uint (GByteArray *out,
                                 guint64     value)
{
  APPEND_SMALL (out, wire_put_uint64, value);
}

void
_msgpack_rpc_packer_append_int (GByteArray *out,
                                gint64      value)
{
  APPEND_SMALL (out, wire_put_int64, value);
}

void
_msgpack_rpc_packer_append_bool (GByteArray *out,
                                 gboolean    value)
{
  if (value)
    APPEND_SMALL (out, wire_put_true);
  else
    APPEND_SMALL (out, wire_put_false);
}

void
_msgpack_rpc_packer_append_nil (GByteArray *out)
{
  APPEND_SMALL (out, wire_put_nil);
}

GBytes *
_msgpack_rpc_packer_free_to_bytes (GByteArray *out)
{
  gsize size;
  guint8 *data = g_byte_array_steal (out, &size);

  if (size > MSGPACK_RPC_PACKED_ROOM)
    data = g_realloc (data, size);

  g_byte_array_unref (out);
  return g_bytes_new_take (data, size);
}
