/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "fuzz-util.h"

#include <stdlib.h>
#include <string.h>

#include "msgpack-rpc-error.h"

/* Longer texts only make the same types larger. */
#define MAX_TYPE_LENGTH 64
#define MAX_TYPE_LEVELS 32

/* Of what is not in normal form, any byte may stand for a default of the whole type. */
#define MAX_PARTS 1024

static GLogWriterOutput
write_log (GLogLevelFlags   level,
           const GLogField *fields,
           gsize            n_fields,
           gpointer         user_data)
{
  GLogWriterOutput output = g_log_writer_default (level, fields, n_fields, user_data);

  if (level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING))
    abort ();

  return output;
}

int
LLVMFuzzerInitialize (int    *argc,
                      char ***argv)
{
  g_log_set_writer_func (write_log, NULL, NULL);

  return 0;
}

/* An input without bytes may have no data. */
static void
fuzz_input_skip (FuzzInput *self,
                 gsize      size)
{
  if (size > 0)
    self->data += size;
  self->size -= size;
}

guint8
fuzz_input_take_byte (FuzzInput *self)
{
  guint8 byte = 0;

  if (self->size > 0)
    {
      byte = *self->data;
      fuzz_input_skip (self, 1);
    }

  return byte;
}

char *
fuzz_input_take_text (FuzzInput *self)
{
  gsize length = 0;
  char *text;

  while (length < self->size && self->data[length] != '\0')
    length++;
  text = g_strndup (length > 0 ? (const char *) self->data : "", length);

  fuzz_input_skip (self, MIN (length + 1, self->size));

  return text;
}

GBytes *
fuzz_input_take_rest (FuzzInput *self)
{
  GBytes *bytes = g_bytes_new (self->data, self->size);

  fuzz_input_skip (self, self->size);

  return bytes;
}

typedef struct
{
  GString *out;
  const char *rest;
  gboolean definite;
} TypeMaker;

static void
type_maker_skip (TypeMaker  *self,
                 const char *end)
{
  if (*self->rest != '\0' && strchr (end, *self->rest) != NULL)
    self->rest++;
}

static void
type_maker_add_basic (TypeMaker *self)
{
  char c = *self->rest != '\0' ? *self->rest++ : 's';

  g_string_append_c (self->out, strchr ("bdghinoqstuxy", c) != NULL ? c : 's');
}

static void
type_maker_add (TypeMaker *self,
                guint      level)
{
  const char *others = self->definite ? "sxdbtaymv(a{nqi(" : "sxdbtayr*?(a{nqi";
  char c = *self->rest != '\0' ? *self->rest++ : 'v';

  if (strchr (self->definite ? "abdghimnoqstuvxy({" : "abdghimnoqrstuvxy({*?", c) == NULL)
    c = others[(guchar) c % 16];

  if (strchr ("am({", c) != NULL && (level == 0 || self->out->len > 2 * MAX_TYPE_LENGTH))
    c = 'v';

  g_string_append_c (self->out, c);

  if (c == 'a' || c == 'm')
    {
      type_maker_add (self, level - 1);
    }
  else if (c == '(')
    {
      while (*self->rest != '\0' && *self->rest != ')')
        type_maker_add (self, level - 1);
      type_maker_skip (self, ")");
      g_string_append_c (self->out, ')');
    }
  else if (c == '{')
    {
      type_maker_add_basic (self);
      type_maker_add (self, level - 1);
      type_maker_skip (self, "}");
      g_string_append_c (self->out, '}');
    }
}

char *
fuzz_type_from_text (const char *text,
                     gboolean    definite)
{
  g_autofree char *head = g_strndup (text, MAX_TYPE_LENGTH);
  TypeMaker maker = { g_string_new (NULL), head, definite };

  type_maker_add (&maker, MAX_TYPE_LEVELS);
  g_assert_true (g_variant_type_string_is_valid (maker.out->str));

  return g_string_free (maker.out, FALSE);
}

GVariant *
fuzz_value_from_data (const char *type,
                      GBytes     *data,
                      gboolean    trusted)
{
  gsize max_size = MAX_PARTS / strlen (type);
  gsize size = MIN (g_bytes_get_size (data), max_size);
  g_autoptr(GBytes) part = g_bytes_new_from_bytes (data, 0, size);

  return g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), part, trusted));
}

/* An item behind its first byte: a length of so many bytes, if any, of the rest of the body or of
 * the children; then the part of the body that has a fixed size. */
typedef struct
{
  guint8 length_size;
  guint8 fixed_body;
  guint8 children; /* that each unit of the length stands for; 0 if it is bytes */
} Form;

/* From 0xc0 to 0xdf. */
static const Form forms[32] = {
  { 0, 0 }, { 0, 0 }, { 0, 0 }, { 0, 0 },                /* nil, never used, false, true */
  { 1, 0 }, { 2, 0 }, { 4, 0 },                          /* bin */
  { 1, 1 }, { 2, 1 }, { 4, 1 },                          /* ext */
  { 0, 4 }, { 0, 8 },                                    /* float */
  { 0, 1 }, { 0, 2 }, { 0, 4 }, { 0, 8 },                /* uint */
  { 0, 1 }, { 0, 2 }, { 0, 4 }, { 0, 8 },                /* int */
  { 0, 2 }, { 0, 3 }, { 0, 5 }, { 0, 9 }, { 0, 17 },     /* fixext */
  { 1, 0 }, { 2, 0 }, { 4, 0 },                          /* str */
  { 2, 0, 1 }, { 4, 0, 1 },                              /* array */
  { 2, 0, 2 }, { 4, 0, 2 },                              /* map */
};

/* Reads the header of the item at the front, which moves to the next one. */
static FuzzWalk
walk_item (const guint8 **data,
           gsize         *size,
           guint64       *pending)
{
  guint8 byte = **data;
  Form form = { 0, 0, 0 };
  guint64 length = 0;

  if (byte == 0xc1)
    return FUZZ_WALK_INVALID;

  if (byte >= 0x80 && byte < 0xa0)
    *pending += (byte < 0x90 ? 2 : 1) * (byte & 15);
  else if (byte >= 0xa0 && byte < 0xc0)
    form.fixed_body = byte & 31;
  else if (byte >= 0xc0 && byte < 0xe0)
    form = forms[byte - 0xc0];

  (*data)++;
  (*size)--;
  if (*size < form.length_size)
    return FUZZ_WALK_CUT;

  for (guint i = 0; i < form.length_size; i++)
    length = length << 8 | (*data)[i];
  if (byte == 0xc9 && length == G_MAXUINT32)
    return FUZZ_WALK_INVALID;

  *data += form.length_size;
  *size -= form.length_size;
  *pending += length * form.children;
  length = (form.children == 0 ? length : 0) + form.fixed_body;
  if (*size < length)
    return FUZZ_WALK_CUT;

  *data += length;
  *size -= length;

  return *pending - 1 > *size ? FUZZ_WALK_HUGE : FUZZ_WALK_COMPLETE;
}

FuzzWalk
fuzz_walk (const guint8 *data,
           gsize         size,
           gsize        *length)
{
  const guint8 *start = data;
  guint64 pending = 1;

  while (pending > 0)
    {
      FuzzWalk walk = size > 0 ? walk_item (&data, &size, &pending) : FUZZ_WALK_CUT;

      if (walk != FUZZ_WALK_COMPLETE)
        return walk;

      pending--;
    }

  *length = data - start;

  return FUZZ_WALK_COMPLETE;
}

/* Small numbers are their own bytes. */
static void
append_length (GByteArray *self,
               gsize       length)
{
  guint8 bytes[] = {
    0xce, (guint8) (length >> 24), (guint8) (length >> 16), (guint8) (length >> 8), (guint8) length,
  };

  if (length < 0x80)
    g_byte_array_append (self, bytes + 4, 1);
  else
    g_byte_array_append (self, bytes, sizeof bytes);
}

GByteArray *
fuzz_frame (const guint8 *data,
            gsize         size)
{
  GByteArray *framed = g_byte_array_new ();

  while (size > 0)
    {
      gsize length = 0;

      if (fuzz_walk (data, size, &length) != FUZZ_WALK_COMPLETE)
        length = size;
      append_length (framed, length);
      g_byte_array_append (framed, data, length);
      data += length;
      size -= length;
    }

  return framed;
}

void
fuzz_assert_same (GVariant *a,
                  GVariant *b)
{
  g_assert_cmpstr (g_variant_get_type_string (a), ==, g_variant_get_type_string (b));
  g_assert_cmpmem (g_variant_get_data (a), g_variant_get_size (a),
                   g_variant_get_data (b), g_variant_get_size (b));
}

void
fuzz_assert_normal_form (GVariant *value)
{
  g_autofree guint8 *copy = g_memdup2 (g_variant_get_data (value), g_variant_get_size (value));
  g_autoptr(GVariant) untrusted = NULL;

  untrusted = g_variant_ref_sink (g_variant_new_from_data (g_variant_get_type (value), copy,
                                                           g_variant_get_size (value), FALSE,
                                                           NULL, NULL));
  g_assert_true (g_variant_is_normal_form (untrusted));
}

void
fuzz_assert_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == MSGPACK_RPC_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 1024);
  for (const char *p = error->message; *p != '\0'; p++)
    g_assert_false (g_ascii_iscntrl (*p));
}
