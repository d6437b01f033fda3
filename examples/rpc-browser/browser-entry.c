/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-entry.h"

#include <string.h>

#include "browser-text.h"

struct _BrowserEntry
{
  GObject parent_instance;

  char *icon_name;
  char *time;
  char *title;
  char *text;
  char *whole;
  char *method;     /* nullable */
  GVariant *params; /* nullable */
};

enum
{
  PROP_0,
  PROP_ICON_NAME,
  PROP_TIME,
  PROP_TITLE,
  PROP_TEXT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (BrowserEntry, browser_entry, G_TYPE_OBJECT)

static void
browser_entry_get_property (GObject    *object,
                            guint       prop_id,
                            GValue     *value,
                            GParamSpec *pspec)
{
  BrowserEntry *self = BROWSER_ENTRY (object);

  switch (prop_id)
    {
    case PROP_ICON_NAME:
      g_value_set_string (value, self->icon_name);
      break;

    case PROP_TIME:
      g_value_set_string (value, self->time);
      break;

    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;

    case PROP_TEXT:
      g_value_set_string (value, self->text);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
browser_entry_finalize (GObject *object)
{
  BrowserEntry *self = BROWSER_ENTRY (object);

  g_free (self->icon_name);
  g_free (self->time);
  g_free (self->title);
  g_free (self->text);
  g_free (self->whole);
  g_free (self->method);
  g_clear_pointer (&self->params, g_variant_unref);

  G_OBJECT_CLASS (browser_entry_parent_class)->finalize (object);
}

static void
browser_entry_class_init (BrowserEntryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = browser_entry_get_property;
  object_class->finalize = browser_entry_finalize;

  props[PROP_ICON_NAME] = g_param_spec_string ("icon-name", NULL, NULL, NULL, flags);
  props[PROP_TIME] = g_param_spec_string ("time", NULL, NULL, NULL, flags);
  props[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  props[PROP_TEXT] = g_param_spec_string ("text", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
browser_entry_init (BrowserEntry *self)
{
  g_autoptr(GDateTime) now = g_date_time_new_now_local ();

  self->time = g_date_time_format (now, "%H:%M:%S");
}

BrowserEntry *
browser_entry_new (const char *icon_name,
                   const char *title,
                   const char *whole)
{
  BrowserEntry *self = g_object_new (BROWSER_TYPE_ENTRY, NULL);

  self->icon_name = g_strdup (icon_name);
  self->title = browser_text_from_name (title);
  self->text = browser_text_from_name (whole);
  self->whole = browser_text_from_words (whole);
  return self;
}

void
browser_entry_set_call (BrowserEntry *self,
                        const char   *method,
                        GVariant     *params)
{
  self->method = g_strdup (method);
  self->params = params != NULL ? g_variant_ref (params) : NULL;
}

const char *
browser_entry_get_method (BrowserEntry *self)
{
  return self->method;
}

GVariant *
browser_entry_get_params (BrowserEntry *self)
{
  return self->params;
}

char *
browser_entry_get_whole (BrowserEntry *self)
{
  return g_strdup_printf ("%s  %s\n\n%s", self->time, self->title, self->whole);
}

gboolean
browser_entry_contains (BrowserEntry *self,
                        const char   *text)
{
  g_autofree char *all = g_strdup_printf ("%s\n%s", self->title, self->whole);
  g_autofree char *folded = g_utf8_casefold (all, -1);
  g_autofree char *folded_text = g_utf8_casefold (text, -1);

  return strstr (folded, folded_text) != NULL;
}
