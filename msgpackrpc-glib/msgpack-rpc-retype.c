/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-retype-private.h"
#include "msgpack-rpc-piece-private.h"

/* Small values need no more than this, which is on the stack. */
#define LOCAL_SIZE 512
#define N_LOCAL_ENDS 32

typedef struct
{
  guint8 data[LOCAL_SIZE];
  gsize ends[N_LOCAL_ENDS];
} Local;

typedef struct
{
  Local *local;

  guint8 *data; /* allocated, or the local ones */
  gsize length;
  gsize capacity;

  /* Of the items without a fixed size, in all containers that are not complete. */
  gsize *ends; /* allocated, or the local ones */
  gsize n_ends;
  gsize ends_capacity;
} Result;

static void
result_clear (Result *self)
{
  if (self->data != self->local->data)
    g_free (self->data);
  if (self->ends != self->local->ends)
    g_free (self->ends);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static G_GNUC_NO_INLINE gboolean
result_grow (Result *self,
             gsize   size)
{
  gsize capacity = MAX (2 * self->capacity, self->length + size + 64);
  gboolean is_local = self->data == self->local->data;
  guint8 *data = g_try_realloc (is_local ? NULL : self->data, capacity);

  if (data == NULL)
    return FALSE;

  if (is_local)
    memcpy (data, self->data, self->length);
  self->data = data;
  self->capacity = capacity;

  return TRUE;
}

static inline gboolean
result_reserve (Result *self,
                gsize   size)
{
  return G_LIKELY (size <= self->capacity - self->length) || result_grow (self, size);
}

static inline gboolean
result_append (Result     *self,
               const void *data,
               gsize       size)
{
  if (!result_reserve (self, size))
    return FALSE;

  if (size > 0)
    memcpy (self->data + self->length, data, size);
  self->length += size;

  return TRUE;
}

static inline gboolean
result_align (Result *self,
              guint   alignment)
{
  if (!result_reserve (self, 8))
    return FALSE;

  memset (self->data + self->length, 0, 8);
  self->length = _msgpack_rpc_serial_align (self->length, alignment);

  return TRUE;
}

static gboolean
result_reserve_ends (Result *self,
                     gsize   n)
{
  gboolean is_local = self->ends == self->local->ends;
  gsize capacity;
  gsize *ends;

  if (n <= self->ends_capacity - self->n_ends)
    return TRUE;

  capacity = MAX (2 * self->ends_capacity, self->n_ends + n);
  ends = g_try_renew (gsize, is_local ? NULL : self->ends, capacity);
  if (ends == NULL)
    return FALSE;

  if (is_local)
    memcpy (ends, self->ends, self->n_ends * sizeof (gsize));
  self->ends = ends;
  self->ends_capacity = capacity;

  return TRUE;
}

static inline gboolean
result_add_end (Result *self)
{
  if (!result_reserve_ends (self, 1))
    return FALSE;

  self->ends[self->n_ends++] = self->length;

  return TRUE;
}

/* Most takes less space than in variants. */
static gboolean
result_reserve_items (Result                *self,
                      const MsgpackRpcPiece           *piece,
                      const MsgpackRpcItems *items,
                      gsize                  fixed_size)
{
  if (fixed_size > 0)
    return result_reserve (self, MIN (items->n * fixed_size, piece->size));

  return result_reserve (self, piece->size) && result_reserve_ends (self, items->n);
}

/* Writes the framing offsets of a container that began at @start, and forgets its ends from
 * @first_end on. Those of an array come in the order of its items, those of a tuple backwards. */
static gboolean
result_put_offsets (Result   *self,
                    gsize     start,
                    gsize     first_end,
                    gboolean  backwards)
{
  gsize n = self->n_ends - first_end;
  guint offset_size = _msgpack_rpc_serial_offset_size_for_body (self->length - start, n);
  const gsize *ends = self->ends + first_end;

  if (!result_reserve (self, n * offset_size))
    return FALSE;

  for (gsize i = 0; i < n; i++)
    {
      gsize end = ends[backwards ? n - 1 - i : i];

      _msgpack_rpc_serial_store_offset (self->data + self->length, offset_size, end - start);
      self->length += offset_size;
    }

  self->n_ends = first_end;

  return TRUE;
}

/* What is in a maybe has to be taken out of it first. Nothing that was decoded is in one. */
static inline gboolean
piece_is_boxed (const MsgpackRpcPiece *self)
{
  return *self->type == 'v' || (*self->type == 'm' && self->size > 0);
}

static inline gboolean
result_put_unsigned (Result  *self,
                     char     type,
                     guint64  t)
{
  guint8 y = t;
  guint16 q = t;
  guint32 u = t;

  switch (type)
    {
    case 'y':
      return t == y && result_append (self, &y, sizeof y);
    case 'q':
      return t == q && result_append (self, &q, sizeof q);
    case 'u':
      return t == u && result_append (self, &u, sizeof u);
    case 't':
    default:
      return result_append (self, &t, sizeof t);
    }
}

static inline gboolean
result_put_signed (Result *self,
                   char    type,
                   gint64  x)
{
  gint16 n = x;
  gint32 i = x;

  switch (type)
    {
    case 'n':
      return x == n && result_append (self, &n, sizeof n);
    case 'i':
      return x == i && result_append (self, &i, sizeof i);
    case 'x':
      return result_append (self, &x, sizeof x);
    default:
      return x >= 0 && result_put_unsigned (self, type, x);
    }
}

/* A double that is integral may stand for an integer. */
static G_GNUC_NO_INLINE gboolean
result_put_integer (Result      *self,
                    char         type,
                    const MsgpackRpcPiece *piece)
{
  const double two_to_63 = 9223372036854775808.0;
  guint64 t;
  gint64 x;
  double d;

  if (piece->type_length != 1 || piece->size != sizeof x)
    return FALSE;

  switch (*piece->type)
    {
    case 'x':
      memcpy (&x, piece->data, sizeof x);
      return result_put_signed (self, type, x);

    case 't':
      memcpy (&t, piece->data, sizeof t);
      return t <= G_MAXINT64 ? result_put_signed (self, type, t)
                             : type == 't' && result_append (self, &t, sizeof t);

    case 'd':
      memcpy (&d, piece->data, sizeof d);
      return d >= -two_to_63 && d < two_to_63 && (double) (gint64) d == d &&
             result_put_signed (self, type, (gint64) d);

    default:
      return FALSE;
    }
}

static gboolean
result_put_double (Result      *self,
                   const MsgpackRpcPiece *piece)
{
  guint64 t;
  gint64 x;
  double d;

  if (piece->type_length != 1 || piece->size != sizeof d)
    return FALSE;

  switch (*piece->type)
    {
    case 'd':
      return result_append (self, piece->data, sizeof d);

    case 'x':
      memcpy (&x, piece->data, sizeof x);
      d = x;
      return result_append (self, &d, sizeof d);

    case 't':
      memcpy (&t, piece->data, sizeof t);
      d = t;
      return result_append (self, &d, sizeof d);

    default:
      return FALSE;
    }
}

static inline gboolean
result_put_string (Result      *self,
                   const MsgpackRpcPiece *piece)
{
  return _msgpack_rpc_piece_is (piece, "s", 1) && piece->size > 0 &&
         piece->data[piece->size - 1] == '\0' && result_append (self, piece->data, piece->size);
}

static gboolean result_put_other (Result      *self,
                                  const char  *type,
                                  const MsgpackRpcPiece *piece);

/* Puts the piece as the first type in @type. The output is aligned for it. */
static inline gboolean
result_put (Result      *self,
            const char  *type,
            const MsgpackRpcPiece *piece)
{
  switch (*type)
    {
    case 'y':
    case 'n':
    case 'q':
    case 'i':
    case 'u':
    case 'x':
    case 't':
      return result_put_integer (self, *type, piece);

    case 's':
      return result_put_string (self, piece);

    default:
      return result_put_other (self, type, piece);
    }
}

static gboolean
result_put_variant (Result      *self,
                    const MsgpackRpcPiece *piece)
{
  return !piece_is_boxed (piece) && result_append (self, piece->data, piece->size) &&
         result_append (self, "", 1) && result_append (self, piece->type, piece->type_length);
}

static gboolean
result_put_maybe (Result      *self,
                  const char  *child_type,
                  const MsgpackRpcPiece *piece)
{
  guint alignment;
  gsize fixed_size;

  if (*piece->type == 'm')
    return piece->size == 0;

  _msgpack_rpc_serial_type_layout (child_type, &alignment, &fixed_size);

  return result_put (self, child_type, piece) && (fixed_size > 0 || result_append (self, "", 1));
}

/* Puts an av as an array of @item_type. */
static gboolean
result_put_list (Result      *self,
                 const char  *item_type,
                 const MsgpackRpcPiece *piece)
{
  gsize first_end = self->n_ends;
  gsize container = self->length;
  gsize start = 0;
  gsize end;
  MsgpackRpcItems items;
  gsize fixed_size;
  guint alignment;
  MsgpackRpcPiece item;

  _msgpack_rpc_serial_type_layout (item_type, &alignment, &fixed_size);
  if (!_msgpack_rpc_piece_is (piece, "av", 2) ||
      !_msgpack_rpc_items_init (&items, piece->data, piece->size, 8, 0) ||
      !result_reserve_items (self, piece, &items, fixed_size))
    return FALSE;

  for (gsize i = 0; i < items.n; i++, start = end)
    {
      if (!_msgpack_rpc_items_get (&items, piece->data, i, &start, &end) ||
          !_msgpack_rpc_piece_open (&item, piece->data + start, end - start) ||
          !result_align (self, alignment) || !result_put (self, item_type, &item))
        return FALSE;

      if (fixed_size == 0 && !result_add_end (self))
        return FALSE;
    }

  return fixed_size > 0 || result_put_offsets (self, container, first_end, FALSE);
}

/* Finds key and value of an {sv} or {xv}. */
static gboolean
piece_open_entry (const MsgpackRpcPiece *map,
                  gsize        start,
                  gsize        end,
                  MsgpackRpcPiece       *key,
                  MsgpackRpcPiece       *value)
{
  const guint8 *data = map->data + start;
  gsize size = end - start;
  guint offset_size = 0;
  gsize value_start;

  key->type = map->type + 2;
  key->type_length = 1;
  key->data = data;
  key->size = sizeof (gint64);

  if (*key->type == 's')
    {
      offset_size = _msgpack_rpc_serial_offset_size (size);
      if (size < offset_size)
        return FALSE;
      key->size = _msgpack_rpc_serial_load_offset (data + size - offset_size, offset_size);
      if (key->size > size)
        return FALSE;
    }

  value_start = _msgpack_rpc_serial_align (key->size, 8);

  return value_start + offset_size <= size &&
         _msgpack_rpc_piece_open (value, data + value_start, size - offset_size - value_start);
}

/* Ends what is a tuple or an entry of a dictionary, of this layout. */
static gboolean
result_end_members (Result   *self,
                    gsize     start,
                    gsize     first_end,
                    guint     alignment,
                    gboolean  is_fixed)
{
  if (!is_fixed)
    return result_put_offsets (self, start, first_end, TRUE);

  return result_align (self, alignment) &&
         (self->length > start || result_append (self, "", 1));
}

/* @type is that of the entry, from the brace on. */
static gboolean
result_put_entry (Result      *self,
                  const char  *type,
                  const MsgpackRpcPiece *key,
                  const MsgpackRpcPiece *value)
{
  gsize first_end = self->n_ends;
  gsize start = self->length;
  const char *value_type;
  guint key_alignment;
  guint value_alignment;
  gsize key_size;
  gsize value_size;

  value_type = _msgpack_rpc_serial_type_layout (type + 1, &key_alignment, &key_size);
  _msgpack_rpc_serial_type_layout (value_type, &value_alignment, &value_size);

  return result_put (self, type + 1, key) && (key_size > 0 || result_add_end (self)) &&
         result_align (self, value_alignment) && result_put (self, value_type, value) &&
         result_end_members (self, start, first_end, MAX (key_alignment, value_alignment),
                             key_size > 0 && value_size > 0);
}

/* @entry_type is from the brace on. */
static gboolean
result_put_map (Result      *self,
                const char  *entry_type,
                const MsgpackRpcPiece *piece)
{
  gsize first_end = self->n_ends;
  gsize container = self->length;
  gsize start = 0;
  gsize end;
  MsgpackRpcItems items;
  gsize fixed_size;
  guint alignment;
  MsgpackRpcPiece key;
  MsgpackRpcPiece value;

  /* Some languages cannot tell an empty map from an empty array. */
  if (piece->size == 0)
    return *piece->type == 'a' && piece->type[1] != 'y';

  _msgpack_rpc_serial_type_layout (entry_type, &alignment, &fixed_size);
  if (!(_msgpack_rpc_piece_is (piece, "a{sv}", 5) ||
        _msgpack_rpc_piece_is (piece, "a{xv}", 5)) ||
      !_msgpack_rpc_items_init (&items, piece->data, piece->size, 8, 0) ||
      !result_reserve_items (self, piece, &items, fixed_size))
    return FALSE;

  for (gsize i = 0; i < items.n; i++, start = end)
    {
      if (!_msgpack_rpc_items_get (&items, piece->data, i, &start, &end) ||
          !piece_open_entry (piece, start, end, &key, &value) ||
          !result_align (self, alignment) || !result_put_entry (self, entry_type, &key, &value))
        return FALSE;

      if (fixed_size == 0 && !result_add_end (self))
        return FALSE;
    }

  return fixed_size > 0 || result_put_offsets (self, container, first_end, FALSE);
}

static gboolean
result_put_array (Result      *self,
                  const char  *item_type,
                  const MsgpackRpcPiece *piece)
{
  if (*item_type == '{')
    return result_put_map (self, item_type, piece);

  /* A map is no list of pairs. */
  if (*item_type == '(' && strncmp (item_type, "(vv)", 4) == 0)
    return FALSE;

  return result_put_list (self, item_type, piece);
}

/* @member is what comes behind the parenthesis. Gives the layout of the tuple. */
static gboolean
result_put_members (Result                *self,
                    const char            *member,
                    const MsgpackRpcPiece           *piece,
                    const MsgpackRpcItems *items,
                    guint                 *tuple_alignment,
                    gboolean              *is_fixed)
{
  gsize start = 0;
  gsize end;
  MsgpackRpcPiece item;

  *tuple_alignment = 1;
  *is_fixed = TRUE;

  for (gsize i = 0; i < items->n; i++, start = end)
    {
      const char *type = member;
      guint alignment;
      gsize fixed_size;

      if (*type == ')' || !_msgpack_rpc_items_get (items, piece->data, i, &start, &end) ||
          !_msgpack_rpc_piece_open (&item, piece->data + start, end - start))
        return FALSE;

      member = _msgpack_rpc_serial_type_layout (type, &alignment, &fixed_size);
      if (!result_align (self, alignment) || !result_put (self, type, &item))
        return FALSE;

      if (fixed_size == 0 && *member != ')' && !result_add_end (self))
        return FALSE;

      *tuple_alignment = MAX (*tuple_alignment, alignment);
      *is_fixed = *is_fixed && fixed_size > 0;
    }

  return *member == ')';
}

static gboolean
result_put_tuple (Result      *self,
                  const char  *type,
                  const MsgpackRpcPiece *piece)
{
  gsize first_end = self->n_ends;
  gsize start = self->length;
  MsgpackRpcItems items;
  gboolean is_fixed;
  guint alignment;

  return !(type[1] == 'h' && strncmp (type, "(hay)", 5) == 0) &&
         _msgpack_rpc_piece_is (piece, "av", 2) &&
         _msgpack_rpc_items_init (&items, piece->data, piece->size, 8, 0) &&
         result_put_members (self, type + 1, piece, &items, &alignment, &is_fixed) &&
         result_end_members (self, start, first_end, alignment, is_fixed);
}

/* Whether @type begins with the type of the piece. No type is the beginning of another one. */
static inline gboolean
piece_is_of_type (const MsgpackRpcPiece *self,
                  const char  *type)
{
  gsize i = 0;

  while (i < self->type_length && type[i] == self->type[i])
    i++;

  return i == self->type_length;
}

static gboolean
result_put_other (Result      *self,
                  const char  *type,
                  const MsgpackRpcPiece *piece)
{
  switch (*type)
    {
    case 'd':
      return result_put_double (self, piece);

    case 'v':
      return result_put_variant (self, piece);

    default:
      break;
    }

  if (piece_is_of_type (piece, type))
    return (*type != 'b' || piece->size == 1) && !piece_is_boxed (piece) &&
           result_append (self, piece->data, piece->size);

  switch (*type)
    {
    case 'm':
      return result_put_maybe (self, type + 1, piece);

    case 'a':
      return result_put_array (self, type + 1, piece);

    case '(':
      return result_put_tuple (self, type, piece);

    default:
      return FALSE;
    }
}

static GBytes *
result_end (Result *self)
{
  guint8 *data = self->data;

  if (data == self->local->data)
    return g_bytes_new (data, self->length);

  if (self->capacity - self->length > self->length / 4)
    data = g_realloc (data, self->length);
  self->data = self->local->data;

  return g_bytes_new_take (data, self->length);
}

GVariant *
_msgpack_rpc_retype_piece (const MsgpackRpcPiece *piece,
                           const GVariantType    *type)
{
  MsgpackRpcPiece content = *piece;
  Local local;
  g_auto(Result) result = { &local, local.data, 0, sizeof local.data, local.ends, 0,
                            G_N_ELEMENTS (local.ends) };
  g_autoptr(GBytes) bytes = NULL;

  if (_msgpack_rpc_piece_is (piece, "v", 1) &&
      !_msgpack_rpc_piece_open (&content, piece->data, piece->size))
    return NULL;

  if (piece_is_of_type (&content, g_variant_type_peek_string (type)) ||
      !result_put (&result, g_variant_type_peek_string (type), &content))
    return NULL;

  bytes = result_end (&result);

  return g_variant_take_ref (g_variant_new_from_bytes (type, bytes, TRUE));
}

GVariant *
_msgpack_rpc_retype (GVariant           *value,
                     const GVariantType *type)
{
  MsgpackRpcPiece piece;

  if (g_variant_is_of_type (value, type) || !g_variant_is_normal_form (value))
    return NULL;

  piece = _msgpack_rpc_piece_of_value (value);
  if (piece.data == NULL && piece.size > 0)
    return NULL;

  return _msgpack_rpc_retype_piece (&piece, type);
}
