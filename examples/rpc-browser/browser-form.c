/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "browser-form.h"

#include "browser-text.h"

struct _BrowserForm
{
  GtkGrid parent_instance;

  BrowserMethod *method; /* owned, nullable */
  GPtrArray *fields;     /* of GtkWidget: a switch or an entry for each parameter */
};

enum
{
  SIGNAL_ACTIVATED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (BrowserForm, browser_form, GTK_TYPE_GRID)

static char *
describe_type (const GVariantType *type)
{
  static const struct
  {
    const char *type;
    const char *description;
  } descriptions[] = {
    { "a{sv}", "a map, such as {'key': <1>}" },
    { "as", "an array of strings, such as ['one', 'two']" },
    { "av", "an array, such as [<1>, <'two'>]" },
    { "ax", "an array of integers, such as [1, 2]" },
    { "ay", "bytes, such as b'text' or [0x01, 0x02]" },
    { "d", "a number" },
    { "s", "a string" },
    { "v", "any value, such as 5, 'text' or [1, 2]" },
    { "x", "an integer" },
  };
  const GVariantType *inner = g_variant_type_is_maybe (type) ? g_variant_type_element (type) : type;
  g_autofree char *string = g_variant_type_dup_string (inner);
  const char *description = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (descriptions); i++)
    if (g_str_equal (string, descriptions[i].type))
      description = descriptions[i].description;

  return g_strdup_printf ("%s%s%s", description != NULL ? description : "a value of type ",
                          description != NULL ? "" : string,
                          inner != type ? "; may be left empty" : "");
}

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
  description = describe_type (type);
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
  gtk_widget_add_css_class (label, "dim-label");
  gtk_accessible_update_relation (GTK_ACCESSIBLE (field), GTK_ACCESSIBLE_RELATION_LABELLED_BY, label,
                                  NULL, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (field), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  gtk_grid_attach (GTK_GRID (self), label, 0, row, 1, 1);
  gtk_grid_attach (GTK_GRID (self), field, 1, row, 1, 1);
  g_ptr_array_add (self->fields, field);
}

void
browser_form_set_method (BrowserForm   *self,
                         BrowserMethod *method)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_grid_remove (GTK_GRID (self), child);
  g_ptr_array_set_size (self->fields, 0);
  g_set_object (&self->method, method);
  if (method == NULL)
    return;

  for (guint i = 0; i < browser_method_get_n_params (method); i++)
    add_field (self, browser_method_get_param_name (method, i),
               browser_method_get_param_type (method, i));
  if (browser_method_takes_anything (method))
    add_field (self, "arguments", G_VARIANT_TYPE ("av"));
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

  value = browser_text_to_value (gtk_editable_get_text (GTK_EDITABLE (field)), type, error);
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

  if (browser_method_takes_anything (self->method))
    {
      GtkWidget *field = self->fields->pdata[0];

      if (gtk_editable_get_text (GTK_EDITABLE (field))[0] == '\0')
        return g_variant_ref_sink (g_variant_new ("()"));
      return read_field (field, "arguments", G_VARIANT_TYPE ("av"), error);
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
  gtk_grid_set_row_spacing (GTK_GRID (self), 6);
  gtk_grid_set_column_spacing (GTK_GRID (self), 12);
}
