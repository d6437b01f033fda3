/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-dialect.h"

#include <glib/gi18n.h>

/* Options whose values are the nicks of an enumeration: of a property with the same name. */
typedef struct
{
  const char *name;
  const char *description;
} Setting;

static const Setting settings[] = {
  { "framing", N_("What stands around each message") },
  { "profile", N_("The dialect that the peer speaks") },
  { "reply-order", N_("The order of the answers to the peer’s requests") },
};

G_STATIC_ASSERT (G_N_ELEMENTS (settings) == TOOL_DIALECT_MAX_SETTINGS);

static GEnumClass *
find_enum (GObjectClass *object_class,
           const char   *property)
{
  GParamSpec *pspec = g_object_class_find_property (object_class, property);

  return G_IS_PARAM_SPEC_ENUM (pspec) ? G_PARAM_SPEC_ENUM (pspec)->enum_class : NULL;
}

static char *
join_nicks (GEnumClass *enum_class,
            const char *separator)
{
  GString *nicks = g_string_new (NULL);

  for (guint i = 0; i < enum_class->n_values; i++)
    g_string_append_printf (nicks, "%s%s", i == 0 ? "" : separator,
                            enum_class->values[i].value_nick);

  return g_string_free (nicks, FALSE);
}

static void
add_setting (ToolDialect    *self,
             guint           i,
             GEnumClass     *enum_class,
             GOptionContext *context)
{
  g_autofree char *nicks = join_nicks (enum_class, ", ");
  g_autofree char *description = g_strdup_printf ("%s: %s", _(settings[i].description), nicks);
  const GOptionEntry entries[] = {
    /* The context keeps no copy of the text. */
    { settings[i].name, 0, 0, G_OPTION_ARG_STRING, &self->names[i],
      g_intern_string (description), N_("NAME") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

/* Adds --profile and the like. */
void
tool_dialect_add_options (ToolDialect    *self,
                          GOptionContext *context)
{
  GObjectClass *object_class = g_type_class_ref (MSGPACK_RPC_TYPE_CLIENT);
  const GOptionEntry entries[] = {
    { "float32", 0, 0, G_OPTION_ARG_NONE, &self->float32, N_("Send floats with 32 bits"), NULL },
    { "legacy-raw", 0, 0, G_OPTION_ARG_NONE, &self->legacy_raw,
      N_("Send strings and binary data as programs from before 2013 expect them"), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      GEnumClass *enum_class = find_enum (object_class, settings[i].name);

      if (enum_class != NULL)
        add_setting (self, i, enum_class, context);
    }

  g_type_class_unref (object_class);
}

static gboolean
check_setting (const ToolDialect  *self,
               guint               i,
               GObjectClass       *object_class,
               GError            **error)
{
  GEnumClass *enum_class = find_enum (object_class, settings[i].name);
  g_autofree char *nicks = NULL;

  if (self->names[i] == NULL || g_enum_get_value_by_nick (enum_class, self->names[i]) != NULL)
    return TRUE;

  nicks = join_nicks (enum_class, ", ");
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               /* Translators: the value of an option, the option, and what it can be */
               _("Unknown value “%s” of “--%s”; the values are: %s"), self->names[i],
               settings[i].name, nicks);
  return FALSE;
}

/* Whether the options have values that exist. */
gboolean
tool_dialect_check (const ToolDialect  *self,
                    GError            **error)
{
  GObjectClass *object_class = g_type_class_ref (MSGPACK_RPC_TYPE_CLIENT);
  gboolean is_right = TRUE;

  for (guint i = 0; is_right && i < G_N_ELEMENTS (settings); i++)
    is_right = check_setting (self, i, object_class, error);

  g_type_class_unref (object_class);
  return is_right;
}

MsgpackRpcPackFlags
tool_dialect_get_pack_flags (const ToolDialect *self)
{
  return (self->legacy_raw ? MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW : 0) |
         (self->float32 ? MSGPACK_RPC_PACK_FLAGS_FLOAT32 : 0);
}

/* Sets the properties of a client, a connection, or a server; the options were checked. */
void
tool_dialect_apply (const ToolDialect *self,
                    GObject           *object)
{
  GObjectClass *object_class = G_OBJECT_GET_CLASS (object);

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (self->names[i] != NULL)
      {
        GEnumClass *enum_class = find_enum (object_class, settings[i].name);

        g_object_set (object, settings[i].name,
                      g_enum_get_value_by_nick (enum_class, self->names[i])->value, NULL);
      }

  g_object_set (object, "pack-flags", tool_dialect_get_pack_flags (self), NULL);
}

void
tool_dialect_clear (ToolDialect *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->names); i++)
    g_clear_pointer (&self->names[i], g_free);
}
