/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-message-private.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error-domain-private.h"
#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-variant.h"

/* What stands in the error slot of a reply: what peers put there, and what this end does. */

/* Error values of other forms are shown as they are, if they take no more bytes than this. */
#define PRINTED_SIZE 1024

/* How many entries of an error that is a map are looked at. */
#define ERROR_MAP_SIZE 64

#define UNKNOWN_ERROR "Unknown error"

static GVariant *
get_element (GVariant *array,
             gsize     index)
{
  g_autoptr(GVariant) child = g_variant_get_child_value (array, index);

  return _msgpack_rpc_value_unbox (child);
}

/* The text of a str or bin, made readable if it is in another encoding; NULL if it is neither or
 * empty. */
static char *
get_text (GVariant *value)
{
  g_autoptr(GBytes) bytes = msgpack_rpc_variant_get_bytes (value);
  gsize size;
  const char *data;

  if (bytes == NULL)
    return NULL;

  data = g_bytes_get_data (bytes, &size);

  return size > 0 ? g_utf8_make_valid (data, size) : NULL;
}

/* The value at @name in a map of any form, or at @name in other letter case; NULL if there is none
 * among the first entries. */
static GVariant *
lookup (GVariant   *map,
        const char *name)
{
  gsize n = g_variant_is_of_type (map, G_VARIANT_TYPE_ARRAY) ? g_variant_n_children (map) : 0;

  for (gsize i = 0; i < MIN (n, ERROR_MAP_SIZE); i++)
    {
      g_autoptr(GVariant) entry = g_variant_get_child_value (map, i);
      g_autoptr(GVariant) key = g_variant_get_child_value (entry, 0);
      g_autofree char *text = msgpack_rpc_variant_get_string (key);

      if (text != NULL && g_ascii_strcasecmp (text, name) == 0)
        return get_element (entry, 1);
    }

  return NULL;
}

static char *
parse_error_map (GVariant *map,
                 gint64   *number)
{
  g_autoptr(GVariant) code = lookup (map, "code");
  g_autoptr(GVariant) message = lookup (map, "message");

  if (code != NULL)
    _msgpack_rpc_value_get_int (code, number);

  return message != NULL ? get_text (message) : NULL;
}

/* `[number, text, …]`, or the text alone. */
static char *
parse_error_array (GVariant *array,
                   gint64   *number)
{
  for (gsize i = 0; i < MIN (g_variant_n_children (array), 2); i++)
    {
      g_autoptr(GVariant) element = get_element (array, i);
      char *text = get_text (element);

      if (text != NULL)
        return text;
      _msgpack_rpc_value_get_int (element, number);
    }

  return NULL;
}

/* The text of an error in any form, or of what its details say; NULL if there is none. @number is
 * the code that comes with it, if any. */
static char *
parse_error (GVariant *value,
             gint64   *number)
{
  g_autoptr(GVariant) unboxed = _msgpack_rpc_value_unbox (value);

  if (_msgpack_rpc_value_is_map (unboxed))
    return parse_error_map (unboxed, number);
  if (_msgpack_rpc_value_is_array (unboxed))
    return parse_error_array (unboxed, number);

  return get_text (unboxed);
}

/* Dotted names of the Ruby and .NET implementations; their text is in the result slot. */
static gboolean
is_identifier (const char *text)
{
  return g_str_has_prefix (text, ".CallError") ||
         g_str_has_prefix (text, ".ServerError") ||
         g_str_has_prefix (text, "RPCError.");
}

static MsgpackRpcError
code_from_identifier (const char *identifier)
{
  if (g_str_has_suffix (identifier, ".NoMethodError"))
    return MSGPACK_RPC_ERROR_METHOD_NOT_FOUND;
  if (g_str_has_suffix (identifier, ".ArgumentError"))
    return MSGPACK_RPC_ERROR_INVALID_PARAMS;
  if (g_str_has_suffix (identifier, ".ServerBusyError"))
    return MSGPACK_RPC_ERROR_BUSY;

  return MSGPACK_RPC_ERROR_REMOTE;
}

/* JSON-RPC's numbers, which others have taken over with the form of its errors. */
static MsgpackRpcError
code_from_number (gint64 number)
{
  switch (number)
    {
    case -32601:
      return MSGPACK_RPC_ERROR_METHOD_NOT_FOUND;

    case -32602:
      return MSGPACK_RPC_ERROR_INVALID_PARAMS;

    default:
      return MSGPACK_RPC_ERROR_REMOTE;
    }
}

static GError *
error_from_bare_number (const char *method,
                        gint64      number)
{
  g_autofree char *text = NULL;

  switch (number)
    {
    case 1:
      return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_METHOD_NOT_FOUND,
                          _("The peer has no method “%s”"), method);

    case 2:
      return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS,
                          _("The peer does not take these parameters for the method “%s”"), method);

    default:
      text = g_strdup_printf ("%" G_GINT64_FORMAT, number);
      return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE,
                          _("Method “%s” failed with the error %s"), method, text);
    }
}

static GError *
error_from_unknown_form (const char *method,
                         GVariant   *value)
{
  g_autofree char *printed = NULL;

  if (_msgpack_rpc_value_is_nil (value) || g_variant_get_size (value) > PRINTED_SIZE)
    return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE,
                        _("Method “%s” failed"), method);

  printed = g_variant_print (value, FALSE);
  return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE,
                      _("Method “%s” failed with the error %s"), method, printed);
}

/* @value is unboxed. */
static GError *
error_from_value (const char *method,
                  GVariant   *value,
                  GVariant   *details)
{
  g_autofree char *text = NULL;
  g_autofree char *detailed_text = NULL;
  gint64 number = 0;
  MsgpackRpcError code;

  text = parse_error (value, &number);
  if (text == NULL && _msgpack_rpc_value_get_int (value, &number))
    return error_from_bare_number (method, number);
  if (text == NULL)
    return error_from_unknown_form (method, value);

  code = code_from_number (number);
  if (is_identifier (text))
    {
      code = code_from_identifier (text);
      detailed_text = details != NULL ? parse_error (details, &number) : NULL;
    }

  return g_error_new_literal (MSGPACK_RPC_ERROR, code,
                              detailed_text != NULL ? detailed_text : text);
}

GError *
_msgpack_rpc_message_error_to_gerror (const char *method,
                                      GVariant   *error_value,
                                      GVariant   *result,
                                      gboolean    has_domains)
{
  GError *error = NULL;
  g_autofree char *quoted = _msgpack_rpc_message_quote_method (method);
  g_autoptr(GVariant) value = _msgpack_rpc_value_unbox (error_value);

  /* A flag: what it says is in the result slot. */
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN) && !_msgpack_rpc_value_is_nil (result))
    {
      g_variant_unref (value);
      value = _msgpack_rpc_value_unbox (result);
      result = NULL;
    }

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN))
    return g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE,
                        _("Method “%s” failed"), quoted);

  if (has_domains)
    error = _msgpack_rpc_error_domain_parse (value);
  if (error != NULL)
    return error;

  return error_from_value (quoted, value, result);
}

char *
_msgpack_rpc_message_error_to_text (GVariant *error_value,
                                    GVariant *result)
{
  g_autoptr(GVariant) value = _msgpack_rpc_value_unbox (error_value);
  gint64 number;
  char *text;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_BOOLEAN) && !_msgpack_rpc_value_is_nil (result))
    {
      g_variant_unref (value);
      value = _msgpack_rpc_value_unbox (result);
    }

  text = parse_error (value, &number);
  if (text != NULL)
    return text;
  if (_msgpack_rpc_value_is_falsy (value) || g_variant_get_size (value) > PRINTED_SIZE)
    return g_strdup (UNKNOWN_ERROR);

  return g_variant_print (value, FALSE);
}

/* `[0, text]` or `[1, text]`, which is all of an error that Neovim shows but for a text. */
static gboolean
is_neovim_error (GVariant *value)
{
  g_autoptr(GVariant) code = NULL;
  g_autoptr(GVariant) text = NULL;
  gint64 number;

  if (!_msgpack_rpc_value_is_array (value) || g_variant_n_children (value) != 2)
    return FALSE;

  code = get_element (value, 0);
  text = get_element (value, 1);
  return _msgpack_rpc_value_get_int (code, &number) && (number == 0 || number == 1) &&
         g_variant_is_of_type (text, G_VARIANT_TYPE_STRING);
}

GVariant *
_msgpack_rpc_message_error_for_neovim (GVariant *error_value)
{
  g_autoptr(GVariant) value = _msgpack_rpc_value_unbox (error_value);
  g_autofree char *text = NULL;

  if (is_neovim_error (value))
    return g_steal_pointer (&value);

  text = _msgpack_rpc_message_error_to_text (value, NULL);
  return g_variant_ref_sink (_msgpack_rpc_message_new_neovim_error (MSGPACK_RPC_ERROR_FAILED, text));
}

GVariant *
_msgpack_rpc_message_new_neovim_error (int         code,
                                       const char *text)
{
  /* Its names for them are “validation” and “exception”. */
  gint64 number = code == MSGPACK_RPC_ERROR_METHOD_NOT_FOUND ||
                  code == MSGPACK_RPC_ERROR_INVALID_PARAMS;

  return g_variant_new ("(x@s)", number, _msgpack_rpc_message_error_from_text (text));
}

GVariant *
_msgpack_rpc_message_error_from_text (const char *text)
{
  g_autofree char *valid = NULL;

  if (text == NULL || *text == '\0')
    return g_variant_new_string (UNKNOWN_ERROR);

  valid = g_utf8_make_valid (text, -1);
  return g_variant_new_take_string (g_steal_pointer (&valid));
}

GVariant *
_msgpack_rpc_message_error_from_gerror (const GError *error)
{
  return _msgpack_rpc_message_error_from_text (error->message);
}
