/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include <msgpack/pack.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-serial-private.h"

/* Writes a value from its serialised form, without making GVariants of its children.
 *
 * That form is in normal form, or the caller of g_variant_new_from_bytes () has said so without
 * reason: hence every offset is checked, and a wrong one is an error. */

/* As many levels as GVariant itself allows. */
#define MAX_LEVELS 128

typedef struct
{
  msgpack_packer packer;
  GByteArray *out;
  gsize old_length; /* what was in it before */
  gsize length;     /* what is in it; the rest of it is to be written */
  GError **error;
} Packer;

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
  if (length > MSGPACK_RPC_LIMIT_PACKED_SIZE - self->length)
    return FALSE;

  length = MAX (2 * self->length, self->length + length + 64);
  g_byte_array_set_size (self->out, MIN (length, MSGPACK_RPC_LIMIT_PACKED_SIZE));

  return TRUE;
}

static int
packer_write_cb (void       *data,
                 const char *buffer,
                 size_t      length)
{
  Packer *self = data;

  if (length > self->out->len - self->length && !packer_grow (self, length))
    return -1;

  memcpy (self->out->data + self->length, buffer, length);
  self->length += length;

  return 0;
}

static gboolean
packer_init (Packer     *self,
             GByteArray *out,
             GError    **error)
{
  msgpack_packer_init (&self->packer, self, packer_write_cb);
  self->out = out;
  self->old_length = out->len;
  self->length = out->len;
  self->error = error;

  return out->len <= MSGPACK_RPC_LIMIT_PACKED_SIZE;
}

static gboolean
packer_end (Packer   *self,
            gboolean  success)
{
  g_byte_array_set_size (self->out, success ? self->length : self->old_length);

  return success;
}

/* For the small items of an envelope: GByteArray has room for them beyond the limit. */
static int
write_small_cb (void       *data,
                const char *buffer,
                size_t      length)
{
  g_byte_array_append (data, (const guint8 *) buffer, length);

  return 0;
}

static gboolean
packer_fail (Packer     *self,
             const char *what)
{
  g_set_error (self->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "Value cannot be written as MessagePack: %s", what);

  return FALSE;
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
packer_put_double (Packer      *self,
                   const Piece *piece)
{
  double d;

  memcpy (&d, piece->data, sizeof d);

  return packer_check (self, msgpack_pack_double (&self->packer, d));
}

static gboolean
packer_put_str (Packer     *self,
                const void *str,
                gsize       length)
{
  if (length > MSGPACK_RPC_LIMIT_PACKED_SIZE)
    return packer_check (self, -1);

  return packer_check (self, msgpack_pack_str_with_body (&self->packer, str, length));
}

static gboolean
packer_put_bin (Packer      *self,
                const Piece *piece)
{
  if (piece->size > MSGPACK_RPC_LIMIT_PACKED_SIZE)
    return packer_check (self, -1);

  if (!packer_check (self, msgpack_pack_bin (&self->packer, piece->size)))
    return FALSE;

  return piece->size == 0 ||
         packer_check (self, msgpack_pack_bin_body (&self->packer, piece->data, piece->size));
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

  if (length > MSGPACK_RPC_LIMIT_PACKED_SIZE)
    return packer_check (self, -1);

  return packer_check (self, msgpack_pack_ext (&self->packer, length, handle)) &&
         (length == 0 ||
          packer_check (self, msgpack_pack_ext_body (&self->packer, body, length)));
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

/* The types that messages are decoded to. */
static gboolean
type_is_canonical (const char *type,
                   gsize       length)
{
  if (length == 2)
    return type_begins (type, "av") || type_begins (type, "ay") || type_begins (type, "mv");

  return length == 5 && (type_begins (type, "a{sv}") || type_begins (type, "a{xv}") ||
                         type_begins (type, "a(vv)") || type_begins (type, "(hay)"));
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

  /* What is most common is not measured. */
  if (end - type == 1)
    {
      if (*type == 'x' || *type == 'd' || *type == 't')
        return size == 8;
      if (*type == 's')
        return TRUE;
      if (*type == 'b')
        return size == 1;
    }
  else if (type_is_canonical (type, end - type))
    {
      return TRUE;
    }

  if (!g_variant_type_string_scan (type, end, &type_end) || type_end != end)
    return FALSE;

  _msgpack_rpc_serial_type_layout (type, &alignment, &fixed_size);

  return fixed_size == 0 || fixed_size == size;
}

static gboolean
packer_put_variant (Packer      *self,
                    const Piece *piece,
                    guint        level)
{
  const char *start = (const char *) piece->data;
  const char *end = start + piece->size;
  const char *nul = end;
  Piece child;

  while (nul > start && nul[-1] != '\0')
    nul--;
  if (nul-- == start)
    return packer_fail_broken (self);

  child.type = nul + 1;
  child.data = piece->data;
  child.size = nul - start;

  if (!type_allows (child.type, end, child.size))
    return packer_fail_broken (self);

  return packer_put (self, &child, level);
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
    return packer_check (self, msgpack_pack_nil (&self->packer));

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
      else if (*type == ')' || *type == '}')
        {
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

  return packer_check (self, msgpack_pack_array (&self->packer,
                                                 type_count_members (piece->type))) &&
         packer_put_members (self, piece, level);
}

typedef struct
{
  gsize n;
  guint alignment;
  gsize fixed_size;
  guint offset_size;  /* of an array whose items have no fixed size */
  gsize table;        /* where its framing offsets begin */
} Items;

/* Finds the items of an array. */
static gboolean
items_init (Items       *self,
            const Piece *piece)
{
  memset (self, 0, sizeof *self);
  _msgpack_rpc_serial_type_layout (piece->type + 1, &self->alignment, &self->fixed_size);
  self->table = piece->size;

  if (piece->size == 0)
    return TRUE;

  if (self->fixed_size > 0)
    {
      self->n = piece->size / self->fixed_size;
      return piece->size % self->fixed_size == 0;
    }

  self->offset_size = _msgpack_rpc_serial_offset_size (piece->size);
  if (piece->size < self->offset_size)
    return FALSE;

  self->table = _msgpack_rpc_serial_load_offset (piece->data + piece->size - self->offset_size,
                                                 self->offset_size);
  if (self->table >= piece->size || (piece->size - self->table) % self->offset_size != 0)
    return FALSE;

  self->n = (piece->size - self->table) / self->offset_size;

  return TRUE;
}

/* Finds item @i, which begins at @start or at the next multiple of the alignment. */
static inline gboolean
items_get (const Items *self,
           const Piece *piece,
           gsize        i,
           gsize        start,
           Piece       *item)
{
  gsize end;

  start = _msgpack_rpc_serial_align (start, self->alignment);
  if (self->fixed_size > 0)
    end = start + self->fixed_size;
  else
    end = _msgpack_rpc_serial_load_offset (piece->data + self->table + i * self->offset_size,
                                           self->offset_size);

  if (start > end || end > self->table)
    return FALSE;

  item->type = piece->type + 1;
  item->data = piece->data + start;
  item->size = end - start;

  return TRUE;
}

static gboolean
packer_put_array (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  const char *item_type = piece->type + 1;
  gboolean is_map = *item_type == '{' || type_begins (item_type, "(vv)");
  gsize start = 0;
  Items items;
  Piece item;

  if (!items_init (&items, piece))
    return packer_fail_broken (self);

  if (items.n > MSGPACK_RPC_LIMIT_PACKED_SIZE)
    return packer_check (self, -1);

  if (!packer_check (self, is_map ? msgpack_pack_map (&self->packer, items.n)
                                  : msgpack_pack_array (&self->packer, items.n)))
    return FALSE;

  for (gsize i = 0; i < items.n; i++)
    {
      if (!items_get (&items, piece, i, start, &item))
        return packer_fail_broken (self);

      if (is_map ? !packer_put_members (self, &item, level) : !packer_put (self, &item, level))
        return FALSE;

      start = item.data + item.size - piece->data;
    }

  return TRUE;
}

static gboolean
packer_put_entry (Packer      *self,
                  const Piece *piece,
                  guint        level)
{
  return packer_check (self, msgpack_pack_map (&self->packer, 1)) &&
         packer_put_members (self, piece, level);
}

/* The size of a piece whose type has a fixed size was checked when the piece was found. */
static gboolean
packer_put (Packer      *self,
            const Piece *piece,
            guint        level)
{
  if (level > MAX_LEVELS)
    return packer_fail (self, "it is nested deeper than 128 levels");

  switch (*piece->type)
    {
    case 'b':
      return packer_check (self, piece->data[0] ? msgpack_pack_true (&self->packer)
                                                : msgpack_pack_false (&self->packer));

    case 'y':
    case 'q':
    case 'u':
    case 't':
      return packer_check (self, msgpack_pack_uint64 (&self->packer, load_unsigned (piece)));

    case 'n':
    case 'i':
    case 'x':
      return packer_check (self, msgpack_pack_int64 (&self->packer, load_signed (piece)));

    case 'd':
      return packer_put_double (self, piece);

    case 's':
    case 'o':
    case 'g':
      if (piece->size == 0 || piece->data[piece->size - 1] != '\0')
        return packer_fail_broken (self);
      return packer_put_str (self, piece->data, piece->size - 1);

    case 'v':
      return packer_put_variant (self, piece, level + 1);

    case 'm':
      return packer_put_maybe (self, piece, level + 1);

    case 'a':
      return piece->type[1] == 'y' ? packer_put_bin (self, piece)
                                   : packer_put_array (self, piece, level + 1);

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

gboolean
_msgpack_rpc_packer_append_value (GByteArray  *out,
                                  GVariant    *value,
                                  GError     **error)
{
  g_autoptr(GVariant) normal = NULL;
  Packer packer;
  Piece piece;

  if (!packer_init (&packer, out, error))
    return packer_check (&packer, -1);

  if (!g_variant_is_normal_form (value))
    value = normal = g_variant_get_normal_form (value);

  piece.type = g_variant_get_type_string (value);
  piece.data = g_variant_get_data (value);
  piece.size = g_variant_get_size (value);

  /* Without data, any size is only what the type asks for. */
  if (piece.data == NULL && piece.size > 0)
    return packer_fail_broken (&packer);

  if (piece.data == NULL)
    piece.data = (const guint8 *) "";

  return packer_end (&packer, packer_put (&packer, &piece, 0));
}

gboolean
_msgpack_rpc_packer_append_str (GByteArray  *out,
                                const char  *str,
                                gsize        length,
                                GError     **error)
{
  Packer packer;

  if (!packer_init (&packer, out, error))
    return packer_check (&packer, -1);

  return packer_end (&packer, packer_put_str (&packer, str, length));
}

void
_msgpack_rpc_packer_append_array (GByteArray *out,
                                  guint32     n)
{
  msgpack_packer packer = { out, write_small_cb };

  msgpack_pack_array (&packer, n);
}

void
_msgpack_rpc_packer_append_uint (GByteArray *out,
                                 guint64     value)
{
  msgpack_packer packer = { out, write_small_cb };

  msgpack_pack_uint64 (&packer, value);
}

void
_msgpack_rpc_packer_append_int (GByteArray *out,
                                gint64      value)
{
  msgpack_packer packer = { out, write_small_cb };

  msgpack_pack_int64 (&packer, value);
}

void
_msgpack_rpc_packer_append_bool (GByteArray *out,
                                 gboolean    value)
{
  msgpack_packer packer = { out, write_small_cb };

  if (value)
    msgpack_pack_true (&packer);
  else
    msgpack_pack_false (&packer);
}

void
_msgpack_rpc_packer_append_nil (GByteArray *out)
{
  msgpack_packer packer = { out, write_small_cb };

  msgpack_pack_nil (&packer);
}
