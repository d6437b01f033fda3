/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-method.h"

#include <msgpackrpc-glib/msgpackrpc-glib.h>

typedef struct
{
  char *name;
  GVariantType *type;
} Param;

struct _BrowserMethod
{
  GObject parent_instance;

  char *name;
  char *description;
  char *result;
  GArray *params; /* of Param */
  gboolean takes_anything;
};

enum
{
  PROP_0,
  PROP_NAME,
  PROP_DESCRIPTION,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (BrowserMethod, browser_method, G_TYPE_OBJECT)

static void
clear_param (gpointer data)
{
  Param *param = data;

  g_free (param->name);
  g_variant_type_free (param->type);
}

/* Takes the type. */
static void
add_param (BrowserMethod *self,
           const char    *name,
           GVariantType  *type)
{
  Param param = { .type = type };

  param.name = name != NULL ? g_strdup (name) : g_strdup_printf ("#%u", self->params->len + 1);
  g_array_append_val (self->params, param);
}

/* ---- reading what peers say of themselves ---- */

static char *
look_up_text (GVariant   *map,
              const char *key)
{
  g_autoptr(GVariant) child = g_variant_lookup_value (map, key, NULL);

  return child != NULL ? msgpack_rpc_variant_get_string (child) : NULL;
}

static GVariant *
look_up_array (GVariant   *map,
               const char *key)
{
  return g_variant_lookup_value (map, key, G_VARIANT_TYPE ("av"));
}

static char *
get_text (GVariant *array,
          gsize     i)
{
  g_autoptr(GVariant) child = NULL;

  if (array == NULL || i >= g_variant_n_children (array))
    return NULL;

  child = g_variant_get_child_value (array, i);
  return msgpack_rpc_variant_get_string (child);
}

static gboolean
get_flag (GVariant   *map,
          const char *key)
{
  g_autoptr(GVariant) child = g_variant_lookup_value (map, key, NULL);
  gboolean value;

  return child != NULL && msgpack_rpc_variant_get_boolean (child, &value) && value;
}

static BrowserMethod *
method_new (GVariant   *map,
            const char *description_key,
            const char *result_key)
{
  BrowserMethod *self = g_object_new (BROWSER_TYPE_METHOD, NULL);

  self->name = look_up_text (map, "name");
  self->description = look_up_text (map, description_key);
  self->result = look_up_text (map, result_key);
  return self;
}

/* What is no tuple is one parameter for each item of an array. */
static void
read_signature (BrowserMethod *self,
                const char    *signature,
                GVariant      *names)
{
  const GVariantType *type, *item;

  if (signature == NULL || !g_variant_type_string_is_valid (signature))
    {
      self->takes_anything = TRUE;
      return;
    }

  type = G_VARIANT_TYPE (signature);
  if (!g_variant_type_is_tuple (type))
    {
      self->takes_anything = TRUE;
      return;
    }

  item = g_variant_type_first (type);
  for (gsize i = 0; item != NULL; i++, item = g_variant_type_next (item))
    {
      g_autofree char *name = get_text (names, i);

      add_param (self, name, g_variant_type_copy (item));
    }
}

static BrowserMethod *
read_discovered (GVariant *map)
{
  BrowserMethod *self = method_new (map, "doc", "result");
  g_autofree char *signature = look_up_text (map, "params");
  g_autoptr(GVariant) names = look_up_array (map, "param_names");

  read_signature (self, signature, names);
  return self;
}

static GVariantType *
type_of_neovim (const char *name)
{
  static const struct
  {
    const char *name;
    const char *type;
  } types[] = {
    { "Boolean", "b" },
    { "Dictionary", "a{sv}" },
    { "Float", "d" },
    { "Integer", "x" },
    { "String", "s" },
    /* Numbers will do for these. */
    { "Buffer", "x" },
    { "Tabpage", "x" },
    { "Window", "x" },
  };

  if (name == NULL)
    return g_variant_type_new ("v");
  if (g_str_has_prefix (name, "Array"))
    return g_variant_type_new (g_str_equal (name, "ArrayOf(String)") ? "as" : "av");
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_equal (name, types[i].name))
      return g_variant_type_new (types[i].type);

  return g_variant_type_new ("v");
}

static BrowserMethod *
read_neovim_function (GVariant *map)
{
  BrowserMethod *self;
  g_autoptr(GVariant) params = look_up_array (map, "parameters");

  if (g_variant_lookup (map, "deprecated_since", "v", NULL) || get_flag (map, "deprecated"))
    return NULL;

  self = method_new (map, "doc", "return_type");
  for (gsize i = 0; params != NULL && i < g_variant_n_children (params); i++)
    {
      g_autoptr(GVariant) boxed = g_variant_get_child_value (params, i);
      g_autoptr(GVariant) pair = g_variant_get_variant (boxed);
      g_autofree char *type = NULL;
      g_autofree char *name = NULL;

      if (!g_variant_is_of_type (pair, G_VARIANT_TYPE ("av")))
        continue;
      type = get_text (pair, 0);
      name = get_text (pair, 1);
      add_param (self, name, type_of_neovim (type));
    }

  return self;
}

typedef BrowserMethod *(*ReadMethod) (GVariant *map);

static void
read_methods (GListStore *list,
              GVariant   *methods,
              ReadMethod  read)
{
  for (gsize i = 0; methods != NULL && i < g_variant_n_children (methods); i++)
    {
      g_autoptr(GVariant) boxed = g_variant_get_child_value (methods, i);
      g_autoptr(GVariant) map = g_variant_get_variant (boxed);
      g_autoptr(BrowserMethod) method = NULL;

      if (g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT))
        method = read (map);
      if (method != NULL && method->name != NULL)
        g_list_store_append (list, method);
    }
}

GListModel *
browser_method_list_from_discovery (GVariant *answer)
{
  GListStore *list = g_list_store_new (BROWSER_TYPE_METHOD);
  g_autoptr(GVariant) methods = NULL;

  if (g_variant_is_of_type (answer, G_VARIANT_TYPE_VARDICT))
    methods = look_up_array (answer, "methods");
  read_methods (list, methods, read_discovered);

  return G_LIST_MODEL (list);
}

/* The answer is the number of the channel, and a map. */
GListModel *
browser_method_list_from_neovim (GVariant *answer)
{
  GListStore *list = g_list_store_new (BROWSER_TYPE_METHOD);
  g_autoptr(GVariant) boxed = NULL;
  g_autoptr(GVariant) map = NULL;
  g_autoptr(GVariant) functions = NULL;

  if (g_variant_is_of_type (answer, G_VARIANT_TYPE ("av")) && g_variant_n_children (answer) == 2)
    {
      boxed = g_variant_get_child_value (answer, 1);
      map = g_variant_get_variant (boxed);
    }
  if (map != NULL && g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT))
    functions = look_up_array (map, "functions");
  read_methods (list, functions, read_neovim_function);

  return G_LIST_MODEL (list);
}

/* ---- what is known of it ---- */

const char *
browser_method_get_name (BrowserMethod *self)
{
  return self->name;
}

const char *
browser_method_get_description (BrowserMethod *self)
{
  return self->description;
}

const char *
browser_method_get_result (BrowserMethod *self)
{
  return self->result;
}

guint
browser_method_get_n_params (BrowserMethod *self)
{
  return self->params->len;
}

const char *
browser_method_get_param_name (BrowserMethod *self,
                               guint          i)
{
  return g_array_index (self->params, Param, i).name;
}

const GVariantType *
browser_method_get_param_type (BrowserMethod *self,
                               guint          i)
{
  return g_array_index (self->params, Param, i).type;
}

gboolean
browser_method_takes_anything (BrowserMethod *self)
{
  return self->takes_anything;
}

static void
browser_method_get_property (GObject    *object,
                             guint       prop_id,
                             GValue     *value,
                             GParamSpec *pspec)
{
  BrowserMethod *self = BROWSER_METHOD (object);

  switch (prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_DESCRIPTION:
      g_value_set_string (value, self->description);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
browser_method_finalize (GObject *object)
{
  BrowserMethod *self = BROWSER_METHOD (object);

  g_free (self->name);
  g_free (self->description);
  g_free (self->result);
  g_array_unref (self->params);

  G_OBJECT_CLASS (browser_method_parent_class)->finalize (object);
}

static void
browser_method_class_init (BrowserMethodClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = browser_method_get_property;
  object_class->finalize = browser_method_finalize;

  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  props[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
browser_method_init (BrowserMethod *self)
{
  self->params = g_array_new (FALSE, FALSE, sizeof (Param));
  g_array_set_clear_func (self->params, clear_param);
}
