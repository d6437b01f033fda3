/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-named-params-private.h"

#include <string.h>

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-error.h"
#include "msgpack-rpc-message-private.h"

gboolean
_msgpack_rpc_params_are_named (GVariant *params)
{
  return g_variant_is_of_type (params, G_VARIANT_TYPE_DICTIONARY) ||
         g_variant_is_of_type (params, G_VARIANT_TYPE ("a(vv)"));
}

/* What is wrong with the argument that @name says. */
static gboolean
fail (const char  *method,
      const char  *what,
      const char  *name,
      GError     **error)
{
  g_autofree char *quoted_method = _msgpack_rpc_message_quote_method (method);
  g_autofree char *quoted_name = _msgpack_rpc_message_quote_method (name);

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS, "%s() %s “%s”",
               quoted_method, what, quoted_name);
  return FALSE;
}

static gboolean
find_name (const char * const *names,
           gsize               n,
           const char         *name,
           gsize              *index)
{
  for (gsize i = 0; i < n && names[i] != NULL; i++)
    {
      if (strcmp (names[i], name) == 0)
        {
          *index = i;
          return TRUE;
        }
    }

  return FALSE;
}

/* Puts each value of the map where it belongs. Who sends a key that is not known, or one twice, is
 * told so at once: no more keys are looked at than there are names. */
static gboolean
sort_values (const char          *method,
             GVariant            *params,
             const char * const  *names,
             GPtrArray           *values,
             GError             **error)
{
  gsize n = g_variant_n_children (params);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) entry = g_variant_get_child_value (params, i);
      g_autoptr(GVariant) raw_key = g_variant_get_child_value (entry, 0);
      g_autoptr(GVariant) key = NULL;
      const char *name;
      gsize index;

      key = _msgpack_rpc_coerce (raw_key, G_VARIANT_TYPE_STRING, "the keys of params", error);
      if (key == NULL)
        return FALSE;

      name = g_variant_get_string (key, NULL);
      if (!find_name (names, values->len, name, &index))
        return fail (method, "takes no argument", name, error);

      if (g_ptr_array_index (values, index) != NULL)
        return fail (method, "takes only one argument", name, error);

      g_ptr_array_index (values, index) = g_variant_get_child_value (entry, 1);
    }

  return TRUE;
}

static GVariant *
coerce_value (const char          *method,
              GVariant            *value,
              const GVariantType  *type,
              const char          *name,
              GError             **error)
{
  g_autofree char *path = NULL;

  if (value == NULL && g_variant_type_is_maybe (type))
    return g_variant_ref_sink (g_variant_new_maybe (g_variant_type_element (type), NULL));

  if (value == NULL)
    {
      fail (method, "lacks the argument", name, error);
      return NULL;
    }

  path = g_strdup_printf ("params[\"%s\"]", name);
  return _msgpack_rpc_coerce (value, type, path, error);
}

static GVariant *
build_tuple (const char          *method,
             GPtrArray           *values,
             const GVariantType  *type,
             const char * const  *names,
             GError             **error)
{
  const GVariantType *member = g_variant_type_first (type);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (type);

  for (guint i = 0; i < values->len; i++)
    {
      g_autofree char *position = NULL;
      g_autoptr(GVariant) item = NULL;

      /* The method may have more parameters than names. */
      if (*names == NULL)
        position = g_strdup_printf ("params[%u]", i);

      item = coerce_value (method, g_ptr_array_index (values, i), member,
                           position != NULL ? position : *names, error);
      if (item == NULL)
        return NULL;

      g_variant_builder_add_value (&builder, item);
      member = g_variant_type_next (member);
      if (*names != NULL)
        names++;
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
clear_value (gpointer value)
{
  if (value != NULL)
    g_variant_unref (value);
}

GVariant *
_msgpack_rpc_coerce_named_params (const char          *method,
                                  GVariant            *params,
                                  const GVariantType  *type,
                                  const char * const  *names,
                                  GError             **error)
{
  guint n = g_variant_type_n_items (type);
  g_autoptr(GPtrArray) values = g_ptr_array_new_full (n, clear_value);

  g_ptr_array_set_size (values, n);
  if (!sort_values (method, params, names, values, error))
    return NULL;

  return build_tuple (method, values, type, names, error);
}
