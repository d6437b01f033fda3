/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-form.h"

#include "browser-reader.h"
#include "browser-text.h"
#include "browser-type.h"

struct _BrowserForm
{
  GtkGrid parent_instance;

  BrowserMethod *method; /* owned, nullable */
  GPtrArray *fields;     /* of GtkWidget: a switch or an entry for each parameter */
  GHashTable *drafts;    /* of GStrv by the names of methods: what was typed last */
};

enum
{
  SIGNAL_ACTIVATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (BrowserForm, browser_form, GTK_TYPE_GRID)

static void
entry_activated_cb (GtkEntry *entry G_GNUC_UNUSED,
                    gpointer  user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_ACTIVATED], 0);
}

static void
entry_changed_cb (GtkEditable *editable,
                  gpointer     user_data G_GNUC_UNUSED)
{
  gtk_widget_remove_css_class (GTK_WIDGET (editable), "error");
}

static GtkWidget *
new_field (BrowserForm        *self,
           const GVariantType *type)
{
  g_autofree char *description = NULL;
  GtkWidget *field;

  if (g_variant_type_equal (type, G_VARIANT_TYPE_BOOLEAN))
    {
      field = gtk_switch_new ();
      gtk_widget_set_halign (field, GTK_ALIGN_START);
      return field;
    }

  field = gtk_entry_new ();
  description = browser_type_explain (type);
  gtk_entry_set_placeholder_text (GTK_ENTRY (field), description);
  gtk_widget_set_tooltip_text (field, description);
  gtk_widget_set_hexpand (field, TRUE);
  g_signal_connect (field, "activate", G_CALLBACK (entry_activated_cb), self);
  g_signal_connect (field, "changed", G_CALLBACK (entry_changed_cb), NULL);
  return field;
}

static void
add_field (BrowserForm        *self,
           const char         *name,
           const GVariantType *type)
{
  GtkWidget *label = gtk_label_new (name);
  GtkWidget *field = new_field (self, type);
  int row = (int) self->fields->len;

  gtk_label_set_xalign (GTK_LABEL (label), 1);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_width_chars (GTK_LABEL (label), 4);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 24);
  gtk_accessible_update_property (GTK_ACCESSIBLE (field), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_grid_attach (GTK_GRID (self), label, 0, row, 1, 1);
  gtk_grid_attach (GTK_GRID (self), field, 1, row, 1, 1);
  g_ptr_array_add (self->fields, field);
}

/* ---- what was typed ---- */

static char *
get_field_text (GtkWidget *field)
{
  if (GTK_IS_SWITCH (field))
    return g_strdup (gtk_switch_get_active (GTK_SWITCH (field)) ? "true" : "false");

  return g_strdup (gtk_editable_get_text (GTK_EDITABLE (field)));
}

static void
set_field_text (GtkWidget  *field,
                const char *text)
{
  if (GTK_IS_SWITCH (field))
    gtk_switch_set_active (GTK_SWITCH (field), g_str_equal (text, "true"));
  else
    gtk_editable_set_text (GTK_EDITABLE (field), text);
}

static void
save_draft (BrowserForm *self)
{
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();

  if (self->method == NULL)
    return;

  for (guint i = 0; i < self->fields->len; i++)
    {
      g_autofree char *text = get_field_text (self->fields->pdata[i]);

      g_strv_builder_add (builder, text);
    }
  g_hash_table_insert (self->drafts, g_strdup (browser_method_get_name (self->method)),
                       g_strv_builder_end (builder));
}

static void
load_draft (BrowserForm *self)
{
  GStrv texts = g_hash_table_lookup (self->drafts, browser_method_get_name (self->method));

  /* The peer may have changed what it takes. */
  if (texts == NULL || g_strv_length (texts) != self->fields->len)
    return;

  for (guint i = 0; i < self->fields->len; i++)
    set_field_text (self->fields->pdata[i], texts[i]);
}

void
browser_form_set_method (BrowserForm   *self,
                         BrowserMethod *method)
{
  GtkWidget *child;

  save_draft (self);
  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_grid_remove (GTK_GRID (self), child);
  g_ptr_array_set_size (self->fields, 0);
  g_set_object (&self->method, method);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
  if (method == NULL || browser_method_is_topic (method))
    return;

  for (guint i = 0; i < browser_method_get_n_params (method); i++)
    add_field (self, browser_method_get_param_name (method, i),
               browser_method_get_param_type (method, i));
  if (browser_method_takes_anything (method))
    add_field (self, "Arguments", G_VARIANT_TYPE ("av"));
  gtk_widget_set_visible (GTK_WIDGET (self), self->fields->len > 0);
  load_draft (self);
}

void
browser_form_focus (BrowserForm *self)
{
  if (self->fields->len > 0)
    gtk_widget_grab_focus (self->fields->pdata[0]);
}

void
browser_form_set_params (BrowserForm *self,
                         GVariant    *params)
{
  g_autofree char *all = browser_text_from_value (params);

  if (self->method != NULL && browser_method_takes_anything (self->method))
    {
      set_field_text (self->fields->pdata[0], all);
      return;
    }
  if (!g_variant_is_container (params) || g_variant_n_children (params) != self->fields->len)
    return;

  for (guint i = 0; i < self->fields->len; i++)
    {
      g_autoptr(GVariant) value = g_variant_get_child_value (params, i);
      g_autofree char *text = browser_text_from_value (value);

      set_field_text (self->fields->pdata[i], text);
    }
}

static GVariant *
read_field (GtkWidget           *field,
            const char          *name,
            const GVariantType  *type,
            GError             **error)
{
  GVariant *value;

  if (GTK_IS_SWITCH (field))
    return g_variant_ref_sink (g_variant_new_boolean (gtk_switch_get_active (GTK_SWITCH (field))));

  value = browser_reader_read (gtk_editable_get_text (GTK_EDITABLE (field)), type, error);
  if (value == NULL)
    {
      g_prefix_error (error, "“%s”: ", name);
      gtk_widget_add_css_class (field, "error");
      gtk_widget_grab_focus (field);
    }

  return value;
}

GVariant *
browser_form_get_params (BrowserForm  *self,
                         GError      **error)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_TUPLE);

  if (self->method == NULL)
    return g_variant_ref_sink (g_variant_new ("()"));
  if (browser_method_takes_anything (self->method))
    {
      GtkWidget *field = self->fields->pdata[0];

      if (gtk_editable_get_text (GTK_EDITABLE (field))[0] == '\0')
        return g_variant_ref_sink (g_variant_new ("()"));
      return read_field (field, "Arguments", G_VARIANT_TYPE ("av"), error);
    }

  for (guint i = 0; i < self->fields->len; i++)
    {
      g_autoptr(GVariant) value = NULL;

      value = read_field (self->fields->pdata[i], browser_method_get_param_name (self->method, i),
                          browser_method_get_param_type (self->method, i), error);
      if (value == NULL)
        return NULL;
      g_variant_builder_add_value (&builder, value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
browser_form_dispose (GObject *object)
{
  BrowserForm *self = BROWSER_FORM (object);

  g_clear_object (&self->method);
  g_clear_pointer (&self->fields, g_ptr_array_unref);
  g_clear_pointer (&self->drafts, g_hash_table_unref);

  G_OBJECT_CLASS (browser_form_parent_class)->dispose (object);
}

static void
browser_form_class_init (BrowserFormClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = browser_form_dispose;

  /* Enter in one of the fields. */
  signals[SIGNAL_ACTIVATED] = g_signal_new ("activated", BROWSER_TYPE_FORM, G_SIGNAL_RUN_LAST, 0,
                                            NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
browser_form_init (BrowserForm *self)
{
  self->fields = g_ptr_array_new ();
  self->drafts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) g_strfreev);
  gtk_grid_set_row_spacing (GTK_GRID (self), 6);
  gtk_grid_set_column_spacing (GTK_GRID (self), 12);
}
