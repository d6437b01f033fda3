/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-method.h"

#include <string.h>

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "browser-text.h"
#include "browser-type.h"

/* A form with more fields is of no use to anybody. */
#define MAX_PARAMS 32
#define MAX_SIGNATURE_LENGTH 255
/* What a peer lists beyond these is left out. */
#define MAX_METHODS 20000

typedef struct
{
  char *name;
  GVariantType *type;
} Param;

struct _BrowserMethod
{
  GObject parent_instance;

  char *name;        /* as the peer knows it */
  char *title;       /* to be shown */
  char *description; /* nullable */
  char *result;      /* in words; nullable */
  GArray *params;    /* of Param */
  gboolean takes_anything;
  gboolean is_topic;
};

enum
{
  PROP_0,
  PROP_ICON_NAME,
  PROP_NAME,
  PROP_SUMMARY,
  PROP_TITLE,
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

  param.name = name != NULL ? browser_text_from_name (name)
                            : g_strdup_printf ("Argument %u", self->params->len + 1);
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

/* NULL if it has no name. */
static BrowserMethod *
method_new (GVariant *map)
{
  g_autofree char *name = look_up_text (map, "name");
  g_autofree char *description = look_up_text (map, "doc");
  BrowserMethod *self;

  if (name == NULL)
    return NULL;

  self = browser_method_new (name);
  self->takes_anything = FALSE;
  if (description != NULL && *description != '\0')
    self->description = browser_text_from_words (g_strstrip (description));
  return self;
}

static gboolean
is_readable (const char *signature)
{
  return signature != NULL && strlen (signature) <= MAX_SIGNATURE_LENGTH &&
         g_variant_type_string_is_valid (signature) &&
         g_variant_type_is_definite (G_VARIANT_TYPE (signature));
}

/* What is no tuple is one parameter for each item of an array. */
static void
read_signature (BrowserMethod *self,
                const char    *signature,
                GVariant      *names)
{
  const GVariantType *item;

  if (!is_readable (signature) || !g_variant_type_is_tuple (G_VARIANT_TYPE (signature)) ||
      g_variant_type_n_items (G_VARIANT_TYPE (signature)) > MAX_PARAMS)
    {
      self->takes_anything = TRUE;
      return;
    }

  item = g_variant_type_first (G_VARIANT_TYPE (signature));
  for (gsize i = 0; item != NULL; i++, item = g_variant_type_next (item))
    {
      g_autofree char *name = get_text (names, i);

      add_param (self, name, g_variant_type_copy (item));
    }
}

static void
read_result (BrowserMethod *self,
             const char    *signature)
{
  if (is_readable (signature))
    self->result = browser_type_describe (G_VARIANT_TYPE (signature));
}

static BrowserMethod *
read_discovered (GVariant *map)
{
  BrowserMethod *self = method_new (map);
  g_autofree char *signature = look_up_text (map, "params");
  g_autofree char *result = look_up_text (map, "result");
  g_autoptr(GVariant) names = look_up_array (map, "param_names");

  if (self == NULL)
    return NULL;

  read_signature (self, signature, names);
  read_result (self, result);
  return self;
}

static BrowserMethod *
read_topic (GVariant *map)
{
  BrowserMethod *self = method_new (map);
  g_autofree char *signature = look_up_text (map, "signature");

  if (self == NULL)
    return NULL;

  self->is_topic = TRUE;
  read_result (self, signature);
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

static void
read_neovim_params (BrowserMethod *self,
                    GVariant      *params)
{
  for (gsize i = 0; i < MIN (g_variant_n_children (params), MAX_PARAMS); i++)
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
}

static BrowserMethod *
read_neovim_function (GVariant *map)
{
  BrowserMethod *self;
  g_autoptr(GVariant) params = look_up_array (map, "parameters");
  g_autoptr(GVariant) deprecated = g_variant_lookup_value (map, "deprecated_since", NULL);
  g_autofree char *result = look_up_text (map, "return_type");

  if (deprecated != NULL)
    return NULL;

  self = method_new (map);
  if (self == NULL)
    return NULL;

  if (params != NULL)
    read_neovim_params (self, params);
  if (result != NULL && !g_str_equal (result, "void"))
    {
      g_autoptr(GVariantType) type = type_of_neovim (result);

      self->result = browser_type_describe (type);
    }
  return self;
}

typedef BrowserMethod *(*ReadMethod) (GVariant *map);

static void
read_methods (GListStore *list,
              GVariant   *methods,
              ReadMethod  read)
{
  g_autoptr(GPtrArray) items = g_ptr_array_new_with_free_func (g_object_unref);
  gsize n = methods != NULL ? MIN (g_variant_n_children (methods), MAX_METHODS) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr(GVariant) boxed = g_variant_get_child_value (methods, i);
      g_autoptr(GVariant) map = g_variant_get_variant (boxed);
      BrowserMethod *method = NULL;

      if (g_variant_is_of_type (map, G_VARIANT_TYPE_VARDICT))
        method = read (map);
      if (method != NULL)
        g_ptr_array_add (items, method);
    }

  /* One by one they would be told of one by one. */
  g_list_store_splice (list, g_list_model_get_n_items (G_LIST_MODEL (list)), 0, items->pdata,
                       items->len);
}

GListModel *
browser_method_list_from_discovery (GVariant *answer)
{
  GListStore *list = g_list_store_new (BROWSER_TYPE_METHOD);
  g_autoptr(GVariant) methods = NULL;
  g_autoptr(GVariant) topics = NULL;

  if (g_variant_is_of_type (answer, G_VARIANT_TYPE_VARDICT))
    {
      methods = look_up_array (answer, "methods");
      topics = look_up_array (answer, "topics");
    }
  read_methods (list, methods, read_discovered);
  read_methods (list, topics, read_topic);

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

BrowserMethod *
browser_method_new (const char *name)
{
  BrowserMethod *self = g_object_new (BROWSER_TYPE_METHOD, NULL);

  self->name = g_strdup (name);
  self->title = browser_text_from_name (name);
  self->takes_anything = TRUE;
  return self;
}

const char *
browser_method_get_name (BrowserMethod *self)
{
  return self->name;
}

const char *
browser_method_get_title (BrowserMethod *self)
{
  return self->title;
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

gboolean
browser_method_is_topic (BrowserMethod *self)
{
  return self->is_topic;
}

/* The first line of what it is for; what it takes if that is not known. */
static char *
summarise (BrowserMethod *self)
{
  g_autoptr(GString) out = g_string_new (NULL);

  if (self->description != NULL)
    return g_strndup (self->description, strcspn (self->description, "\n"));
  if (self->is_topic)
    return g_strdup ("Topic");
  if (self->takes_anything)
    return g_strdup ("Any arguments");
  if (self->params->len == 0)
    return g_strdup ("No arguments");

  for (guint i = 0; i < self->params->len; i++)
    g_string_append_printf (out, "%s%s", i > 0 ? ", " : "", browser_method_get_param_name (self, i));
  return g_strdup (out->str);
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
    case PROP_ICON_NAME:
      g_value_set_string (value, self->is_topic ? "application-rss+xml-symbolic"
                                                : "system-run-symbolic");
      break;

    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_SUMMARY:
      g_value_take_string (value, summarise (self));
      break;

    case PROP_TITLE:
      g_value_set_string (value, self->title);
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
  g_free (self->title);
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

  props[PROP_ICON_NAME] = g_param_spec_string ("icon-name", NULL, NULL, NULL, flags);
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);
  props[PROP_SUMMARY] = g_param_spec_string ("summary", NULL, NULL, NULL, flags);
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
browser_method_init (BrowserMethod *self)
{
  self->params = g_array_new (FALSE, FALSE, sizeof (Param));
  g_array_set_clear_func (self->params, clear_param);
}
