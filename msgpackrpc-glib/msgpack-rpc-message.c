/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-message-private.h"

#include <math.h>
#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-packer-private.h"
#include "msgpack-rpc-variant.h"

/* How much of a text that a peer chose is repeated in a text of ours, in characters. */
#define QUOTE_LENGTH 100

/* What gives up a request, in Keybase's dialect. */
#define CANCEL_TYPE 3

/* A message of so many bytes or fewer is copied out of the buffer that it was written to. */
#define SMALL_SIZE 4096

/* ---- values ---- */

gboolean
_msgpack_rpc_value_is_map (GVariant *value)
{
  const char *type = g_variant_get_type_string (value);

  return *type == '{' || (*type == 'a' && (type[1] == '{' || g_str_equal (type, "a(vv)")));
}

gboolean
_msgpack_rpc_value_is_array (GVariant *value)
{
  const char *type = g_variant_get_type_string (value);

  switch (g_variant_classify (value))
    {
    case G_VARIANT_CLASS_ARRAY:
      return !_msgpack_rpc_value_is_map (value) && !g_str_equal (type, "ay");

    case G_VARIANT_CLASS_TUPLE:
      return !g_str_equal (type, "(hay)");

    default:
      return FALSE;
    }
}

gboolean
_msgpack_rpc_value_is_nil (GVariant *value)
{
  g_autoptr(GVariant) unboxed = NULL;

  if (value == NULL)
    return TRUE;

  unboxed = _msgpack_rpc_value_unbox (value);

  return g_variant_is_of_type (unboxed, G_VARIANT_TYPE_MAYBE);
}

gboolean
_msgpack_rpc_value_is_falsy (GVariant *value)
{
  g_autoptr(GVariant) unboxed = NULL;
  gint64 integer;

  if (_msgpack_rpc_value_is_nil (value))
    return TRUE;

  unboxed = _msgpack_rpc_value_unbox (value);
  if (_msgpack_rpc_value_get_int (unboxed, &integer))
    return integer == 0;

  switch (g_variant_classify (unboxed))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      return !g_variant_get_boolean (unboxed);

    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
    case G_VARIANT_CLASS_SIGNATURE:
      return *g_variant_get_string (unboxed, NULL) == '\0';

    case G_VARIANT_CLASS_ARRAY:
    case G_VARIANT_CLASS_TUPLE:
      return g_variant_n_children (unboxed) == 0;

    default:
      return FALSE;
    }
}

gboolean
_msgpack_rpc_value_get_int (GVariant *value,
                            gint64   *out)
{
  g_autoptr(GVariant) unboxed = _msgpack_rpc_value_unbox (value);

  switch (g_variant_classify (unboxed))
    {
    case G_VARIANT_CLASS_BYTE:
      *out = g_variant_get_byte (unboxed);
      return TRUE;

    case G_VARIANT_CLASS_INT16:
      *out = g_variant_get_int16 (unboxed);
      return TRUE;

    case G_VARIANT_CLASS_UINT16:
      *out = g_variant_get_uint16 (unboxed);
      return TRUE;

    case G_VARIANT_CLASS_INT32:
      *out = g_variant_get_int32 (unboxed);
      return TRUE;

    case G_VARIANT_CLASS_UINT32:
      *out = g_variant_get_uint32 (unboxed);
      return TRUE;

    case G_VARIANT_CLASS_INT64:
      *out = g_variant_get_int64 (unboxed);
      return TRUE;

    case G_VARIANT_CLASS_UINT64:
      *out = (gint64) g_variant_get_uint64 (unboxed);
      return *out >= 0;

    case G_VARIANT_CLASS_DOUBLE:
      {
        double number = g_variant_get_double (unboxed);

        /* Also refuses what is not a number. */
        if (!(number >= -0x1p63 && number < 0x1p63) || trunc (number) != number)
          return FALSE;
        *out = (gint64) number;
        return TRUE;
      }

    default:
      return FALSE;
    }
}

char *
_msgpack_rpc_message_quote_method (const char *method)
{
  GString *text = g_string_new (NULL);
  const char *p = method;

  for (gsize i = 0; i < QUOTE_LENGTH && *p != '\0'; i++, p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      /* In a log, it could begin a line of its own, or tell a terminal to do something. */
      if (g_unichar_iscntrl (c))
        g_string_append_printf (text, "\\x%02x", c);
      else
        g_string_append_len (text, p, g_utf8_next_char (p) - p);
    }

  if (*p != '\0')
    g_string_append (text, "…");
  return g_string_free (text, FALSE);
}

/* ---- reading ---- */

static gboolean
fail (GError     **error,
      const char  *message)
{
  g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE, message);

  return FALSE;
}

/* The elements of the envelope. What comes behind those that are known is ignored. */
typedef struct
{
  MsgpackRpcPiece pieces[5];
  gsize n; /* of all */
} Elements;

/* Inline, as each message goes through it. */
static inline gboolean
split (Elements *self,
       GBytes   *bytes)
{
  MsgpackRpcPiece array = _msgpack_rpc_piece_of_array (bytes);
  MsgpackRpcItems items;
  gsize start = 0;
  gsize end;

  if (!_msgpack_rpc_items_init (&items, array.data, array.size, 8, 0))
    g_return_val_if_reached (FALSE);

  self->n = items.n;
  for (gsize i = 0; i < MIN (items.n, G_N_ELEMENTS (self->pieces)); i++, start = end)
    if (!_msgpack_rpc_items_get (&items, array.data, i, &start, &end) ||
        !_msgpack_rpc_piece_open (&self->pieces[i], array.data + start, end - start))
      g_return_val_if_reached (FALSE);

  return TRUE;
}

static gboolean
parse_type (MsgpackRpcMessageType  *type,
            MsgpackRpcOddity       *oddity,
            const Elements         *elements,
            GError                **error)
{
  gint64 number;

  if (elements->n == 0)
    return fail (error, "Message is an empty array");

  if (!_msgpack_rpc_piece_get_int (&elements->pieces[0], &number))
    return fail (error, "Message does not begin with its type, an integer");

  if (number < MSGPACK_RPC_MESSAGE_REQUEST || number > MSGPACK_RPC_MESSAGE_NOTIFICATION)
    {
      *oddity = MSGPACK_RPC_ODDITY_TYPE;
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                   "Message is of the unknown type %" G_GINT64_FORMAT, number);
      return FALSE;
    }

  *type = (MsgpackRpcMessageType) number;
  return TRUE;
}

static gboolean
check_length (const Elements  *elements,
              gsize            length,
              const char      *what,
              GError         **error)
{
  if (elements->n >= length)
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
               "%s has %" G_GSIZE_FORMAT " elements instead of %" G_GSIZE_FORMAT,
               what, elements->n, length);
  return FALSE;
}

/* Some peers write strings as bin. */
static gboolean
parse_other_method (MsgpackRpcMessage      *self,
                    const MsgpackRpcPiece  *piece,
                    GError                **error)
{
  g_autoptr(GVariant) method = _msgpack_rpc_piece_copy (piece);
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (method);

  if (bytes == NULL)
    return fail (error, "Method name is no string");

  self->oddity = MSGPACK_RPC_ODDITY_METHOD;
  self->method_copy = msgpack_rpc_variant_get_string (method);
  self->method = self->method_copy;
  if (self->method == NULL)
    return fail (error, "Method name is not valid UTF-8");

  return TRUE;
}

static gboolean
parse_method (MsgpackRpcMessage      *self,
              const MsgpackRpcPiece  *piece,
              GError                **error)
{
  self->method = _msgpack_rpc_piece_get_text (piece);

  return self->method != NULL || parse_other_method (self, piece, error);
}

static gboolean
parse_params (MsgpackRpcMessage      *self,
              const MsgpackRpcPiece  *piece,
              GError                **error)
{
  static const MsgpackRpcPiece none = { "av", 2, NULL, 0 };

  if (G_LIKELY (_msgpack_rpc_piece_is_array (piece)))
    {
      self->params = *piece;
      return TRUE;
    }

  self->oddity = MSGPACK_RPC_ODDITY_PARAMS;
  if (_msgpack_rpc_piece_is_map (piece))
    self->params = *piece;
  else if (_msgpack_rpc_piece_is_nil (piece))
    self->params = none;
  else
    return fail (error, "Parameters are neither an array nor a map");

  return TRUE;
}

/* Whether it is a number of 32 bits without a sign, as it should be. */
static gboolean
is_usual_id (const MsgpackRpcPiece *piece)
{
  gint64 number;

  return _msgpack_rpc_piece_get_int (piece, &number) && number >= 0 && number <= G_MAXUINT32;
}

/* Whether this is what it means is for the connection to say. */
static int
parse_time_left (const MsgpackRpcPiece *piece)
{
  gint64 number;

  return _msgpack_rpc_piece_get_int (piece, &number) ? (int) CLAMP (number, 1, G_MAXINT) : 0;
}

static gboolean
parse_request (MsgpackRpcMessage  *self,
               const Elements     *elements,
               GError            **error)
{
  /* Any value will do: it is only given back. */
  if (elements->n > 1)
    {
      self->msgid = elements->pieces[1];
      if (G_UNLIKELY (!is_usual_id (&self->msgid)))
        self->oddity = MSGPACK_RPC_ODDITY_ID;
    }
  if (G_UNLIKELY (elements->n > 4))
    {
      self->oddity = elements->n == 5 ? MSGPACK_RPC_ODDITY_ONE_MORE : MSGPACK_RPC_ODDITY_MORE;
      self->time_left = parse_time_left (&elements->pieces[4]);
    }

  return check_length (elements, 4, "Request", error) &&
         parse_method (self, &elements->pieces[2], error) &&
         parse_params (self, &elements->pieces[3], error);
}

static gboolean
parse_response (MsgpackRpcMessage  *self,
                const Elements     *elements,
                GError            **error)
{
  if (!check_length (elements, 4, "Response", error))
    return FALSE;

  if (_msgpack_rpc_piece_is_nil (&elements->pieces[1]))
    return fail (error, "Response has no id");

  if (G_UNLIKELY (elements->n > 4))
    self->oddity = MSGPACK_RPC_ODDITY_MORE;
  self->msgid = elements->pieces[1];
  self->error = elements->pieces[2];
  self->result = elements->pieces[3];
  return TRUE;
}

static gboolean
parse_notification (MsgpackRpcMessage  *self,
                    const Elements     *elements,
                    GError            **error)
{
  if (G_UNLIKELY (elements->n > 3))
    self->oddity = MSGPACK_RPC_ODDITY_MORE;

  return check_length (elements, 3, "Notification", error) &&
         parse_method (self, &elements->pieces[1], error) &&
         parse_params (self, &elements->pieces[2], error);
}

static gboolean
parse_body (MsgpackRpcMessage  *self,
            const Elements     *elements,
            GError            **error)
{
  switch (self->type)
    {
    case MSGPACK_RPC_MESSAGE_REQUEST:
      return parse_request (self, elements, error);

    case MSGPACK_RPC_MESSAGE_RESPONSE:
      return parse_response (self, elements, error);

    case MSGPACK_RPC_MESSAGE_NOTIFICATION:
      return parse_notification (self, elements, error);

    case MSGPACK_RPC_MESSAGE_INVALID:
    default:
      g_return_val_if_reached (FALSE);
    }
}

gboolean
_msgpack_rpc_message_parse (MsgpackRpcMessage  *self,
                            GBytes             *bytes,
                            GError            **error)
{
  Elements elements;

  *self = (MsgpackRpcMessage) { .type = MSGPACK_RPC_MESSAGE_INVALID,
                                .bytes = g_bytes_ref (bytes) };

  if (split (&elements, bytes) && parse_type (&self->type, &self->oddity, &elements, error) &&
      parse_body (self, &elements, error))
    return TRUE;

  self->type = MSGPACK_RPC_MESSAGE_INVALID;
  self->method = NULL;
  return FALSE;
}

gboolean
_msgpack_rpc_message_parse_cancel (GBytes          *bytes,
                                   MsgpackRpcPiece *msgid)
{
  Elements elements;
  gint64 number;

  if (!split (&elements, bytes) || elements.n < 2 ||
      !_msgpack_rpc_piece_get_int (&elements.pieces[0], &number) || number != CANCEL_TYPE)
    return FALSE;

  *msgid = elements.pieces[1];
  return TRUE;
}

const char *
_msgpack_rpc_message_describe_oddity (MsgpackRpcOddity oddity)
{
  switch (oddity)
    {
    case MSGPACK_RPC_ODDITY_ID:
      return "its id is no integer from 0 to 4294967295";

    case MSGPACK_RPC_ODDITY_METHOD:
      return "the name of its method is no str";

    case MSGPACK_RPC_ODDITY_PARAMS:
      return "its parameters are no array";

    case MSGPACK_RPC_ODDITY_ONE_MORE:
    case MSGPACK_RPC_ODDITY_MORE:
      return "it has too many elements";

    case MSGPACK_RPC_ODDITY_TYPE:
      return "it is of an unknown type";

    case MSGPACK_RPC_ODDITY_NONE:
    default:
      return "nothing is wrong";
    }
}

void
_msgpack_rpc_message_clear (MsgpackRpcMessage *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->method_copy);
  *self = (MsgpackRpcMessage) { .type = MSGPACK_RPC_MESSAGE_INVALID };
}

GVariant *
_msgpack_rpc_message_to_value (GBytes *bytes)
{
  return g_variant_take_ref (g_variant_new_from_bytes (G_VARIANT_TYPE ("av"), bytes, TRUE));
}

MsgpackRpcMessage
_msgpack_rpc_message_steal (MsgpackRpcMessage *self)
{
  MsgpackRpcMessage stolen = *self;

  *self = (MsgpackRpcMessage) { .type = MSGPACK_RPC_MESSAGE_INVALID };
  return stolen;
}

/* ---- writing ---- */

static gboolean
append_method (GByteArray           *out,
               const char           *method,
               MsgpackRpcPackFlags   flags,
               GError              **error)
{
  if (!g_utf8_validate (method, -1, NULL))
    {
      g_set_error_literal (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                           "Method name is not valid UTF-8");
      return FALSE;
    }

  return _msgpack_rpc_packer_append_str (out, method, strlen (method), flags, error);
}

static gboolean
append_params (GByteArray           *out,
               GArray              **references,
               GVariant             *params,
               MsgpackRpcPackFlags   flags,
               GError              **error)
{
  g_autoptr(GVariant) unboxed = NULL;

  if (params == NULL)
    {
      _msgpack_rpc_packer_append_array (out, 0);
      return TRUE;
    }

  unboxed = _msgpack_rpc_value_unbox (params);
  if (!_msgpack_rpc_value_is_array (unboxed) && !_msgpack_rpc_value_is_map (unboxed))
    _msgpack_rpc_packer_append_array (out, 1);

  return _msgpack_rpc_packer_append_shared (out, references, unboxed, flags, error);
}

static gboolean
append_nullable (GByteArray           *out,
                 GArray              **references,
                 GVariant             *value,
                 MsgpackRpcPackFlags   flags,
                 GError              **error)
{
  if (value != NULL)
    return _msgpack_rpc_packer_append_shared (out, references, value, flags, error);

  _msgpack_rpc_packer_append_nil (out);
  return TRUE;
}

/* Messages are written to a buffer of the thread's. A small one is copied out of it, a large one takes
 * the buffer's memory along. */
static void
buffer_free (gpointer data)
{
  g_byte_array_unref (data);
}

static GPrivate buffer_key = G_PRIVATE_INIT (buffer_free);

static GByteArray *
begin_message (MsgpackRpcMessageType type,
               guint                 n_elements)
{
  GByteArray *out = g_private_get (&buffer_key);

  if (out == NULL)
    {
      out = g_byte_array_new ();
      g_private_set (&buffer_key, out);
    }

  g_byte_array_set_size (out, 0);
  _msgpack_rpc_packer_append_array (out, n_elements);
  _msgpack_rpc_packer_append_uint (out, type);
  return out;
}

static MsgpackRpcPacked *
end_message (GByteArray *out,
             GArray     *references)
{
  guint8 *data;
  gsize size;

  if (references == NULL && out->len <= SMALL_SIZE)
    return _msgpack_rpc_packed_new_small (out->data, out->len);

  /* Messages that wait to be written keep no more memory than they are counted with. */
  data = g_byte_array_steal (out, &size);
  data = g_realloc (data, size);
  return _msgpack_rpc_packed_new (g_bytes_new_take (data, size), references);
}

/* Much may have been written until it failed. */
static MsgpackRpcPacked *
drop_message (GByteArray *out)
{
  g_free (g_byte_array_steal (out, NULL));
  return NULL;
}

MsgpackRpcPacked *
_msgpack_rpc_message_pack_request (guint32               msgid,
                                   const char           *method,
                                   GVariant             *params,
                                   int                   time_left,
                                   MsgpackRpcPackFlags   flags,
                                   GError              **error)
{
  GByteArray *out = begin_message (MSGPACK_RPC_MESSAGE_REQUEST, time_left > 0 ? 5 : 4);
  g_autoptr(GArray) references = NULL;

  _msgpack_rpc_packer_append_uint (out, msgid);
  if (!append_method (out, method, flags, error) ||
      !append_params (out, &references, params, flags, error))
    return drop_message (out);

  if (time_left > 0)
    _msgpack_rpc_packer_append_uint (out, (guint) time_left);
  return end_message (out, references);
}

MsgpackRpcPacked *
_msgpack_rpc_message_pack_notification (const char           *method,
                                        GVariant             *params,
                                        MsgpackRpcPackFlags   flags,
                                        GError              **error)
{
  GByteArray *out = begin_message (MSGPACK_RPC_MESSAGE_NOTIFICATION, 3);
  g_autoptr(GArray) references = NULL;

  if (!append_method (out, method, flags, error) ||
      !append_params (out, &references, params, flags, error))
    return drop_message (out);

  return end_message (out, references);
}

static gboolean
append_msgid (GByteArray             *out,
              const MsgpackRpcPiece  *msgid,
              MsgpackRpcPackFlags     flags,
              GError                **error)
{
  g_autoptr(GVariant) value = NULL;
  gint64 number;

  if (_msgpack_rpc_piece_get_int (msgid, &number))
    {
      _msgpack_rpc_packer_append_int (out, number);
      return TRUE;
    }

  value = _msgpack_rpc_piece_copy (msgid);
  /* A peer finds its call by the very id that it has sent, be that a float with 64 bits, or an ext of one
   * that is said to know none. */
  flags &= ~MSGPACK_RPC_PACK_FLAGS_FLOAT32;
  if (_msgpack_rpc_packer_append_value (out, value, flags, NULL))
    return TRUE;

  return _msgpack_rpc_packer_append_value (out, value, flags & ~MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW,
                                           error);
}

MsgpackRpcPacked *
_msgpack_rpc_message_pack_response (const MsgpackRpcPiece  *msgid,
                                    GVariant               *error_value,
                                    GVariant               *result,
                                    MsgpackRpcPackFlags     flags,
                                    GError                **error)
{
  GByteArray *out = begin_message (MSGPACK_RPC_MESSAGE_RESPONSE, 4);
  g_autoptr(GArray) references = NULL;

  if (!append_msgid (out, msgid, flags, error) ||
      !append_nullable (out, &references, error_value, flags, error) ||
      !append_nullable (out, &references, result, flags, error))
    return drop_message (out);

  return end_message (out, references);
}

static MsgpackRpcPacked *
pack_answer (MsgpackRpcProfile       profile,
             MsgpackRpcPackFlags     flags,
             const MsgpackRpcPiece  *msgid,
             GVariant               *error_value,
             GVariant               *result,
             GError                **error)
{
  g_autoptr(GVariant) flag = NULL;

  if (profile == MSGPACK_RPC_PROFILE_NEOVIM && error_value != NULL)
    {
      flag = _msgpack_rpc_message_error_for_neovim (error_value);
      return _msgpack_rpc_message_pack_response (msgid, flag, NULL, flags, error);
    }

  if (profile != MSGPACK_RPC_PROFILE_BOOLEAN_ERROR)
    return _msgpack_rpc_message_pack_response (msgid, error_value, result, flags, error);

  flag = g_variant_ref_sink (g_variant_new_boolean (error_value != NULL));
  return _msgpack_rpc_message_pack_response (msgid, flag,
                                             error_value != NULL ? error_value : result,
                                             flags, error);
}

MsgpackRpcPacked *
_msgpack_rpc_message_pack_answer (MsgpackRpcProfile      profile,
                                  MsgpackRpcPackFlags    flags,
                                  guint64                connection_id,
                                  const MsgpackRpcPiece *msgid,
                                  GVariant              *error_value,
                                  GVariant              *result)
{
  g_autoptr(GVariant) text = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcPacked *packed;

  packed = pack_answer (profile, flags, msgid, error_value, result, &error);
  if (packed != NULL)
    return packed;

  _msgpack_rpc_debug_info (connection_id, msgid, "An answer cannot be sent: %s", error->message);
  text = g_variant_ref_sink (_msgpack_rpc_message_error_from_gerror (error));
  return pack_answer (profile, flags, msgid, text, NULL, NULL);
}
