/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-font.h"

#include <math.h>
#include <string.h>

/* Few programs show as many characters at a time; more of them are shaped again. */
#define MAX_SHAPES 8192

#define SHAPED_STYLES (EDITOR_STYLE_BOLD | EDITOR_STYLE_ITALIC)

typedef struct
{
  char text[EDITOR_CELL_TEXT];
  EditorStyle style;
} Key;

typedef struct
{
  Key key;
  PangoFont *font;          /* owned; NULL if there is nothing to draw */
  PangoGlyphString *glyphs; /* owned */
} Shape;

struct _EditorFont
{
  PangoContext *context; /* owned */
  GHashTable *shapes;    /* Key → Shape, which has it */
  int width;
  int height;
  int ascent;
};

static guint
key_hash (gconstpointer data)
{
  const Key *key = data;

  return g_str_hash (key->text) ^ key->style;
}

static gboolean
key_equal (gconstpointer a,
           gconstpointer b)
{
  const Key *one = a, *other = b;

  return one->style == other->style && g_str_equal (one->text, other->text);
}

static void
shape_free (gpointer data)
{
  Shape *shape = data;

  g_clear_object (&shape->font);
  g_clear_pointer (&shape->glyphs, pango_glyph_string_free);
  g_free (shape);
}

EditorFont *
editor_font_new (PangoContext               *context,
                 const PangoFontDescription *description)
{
  EditorFont *self = g_new0 (EditorFont, 1);
  g_autoptr(PangoLayout) layout = NULL;
  PangoRectangle extents;

  self->context = pango_font_map_create_context (pango_context_get_font_map (context));
  pango_context_set_font_description (self->context, description);
  pango_context_set_language (self->context, pango_context_get_language (context));
  self->shapes = g_hash_table_new_full (key_hash, key_equal, NULL, shape_free);

  layout = pango_layout_new (self->context);
  pango_layout_set_text (layout, "M", -1);
  pango_layout_get_extents (layout, NULL, &extents);
  self->width = MAX (1, PANGO_PIXELS (extents.width));
  self->height = MAX (1, PANGO_PIXELS_CEIL (extents.height));
  self->ascent = PANGO_PIXELS (pango_layout_get_baseline (layout));

  return self;
}

void
editor_font_free (EditorFont *self)
{
  g_hash_table_unref (self->shapes);
  g_object_unref (self->context);
  g_free (self);
}

int
editor_font_get_width (const EditorFont *self)
{
  return self->width;
}

int
editor_font_get_height (const EditorFont *self)
{
  return self->height;
}

int
editor_font_get_ascent (const EditorFont *self)
{
  return self->ascent;
}

static PangoAttrList *
new_attributes (EditorStyle style)
{
  PangoAttrList *attributes = pango_attr_list_new ();

  if ((style & EDITOR_STYLE_BOLD) != 0)
    pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  if ((style & EDITOR_STYLE_ITALIC) != 0)
    pango_attr_list_insert (attributes, pango_attr_style_new (PANGO_STYLE_ITALIC));
  /* A cell is one character, whatever the font has for some that stand together. */
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("liga=0, clig=0, calt=0"));

  return attributes;
}

static void
shape_text (EditorFont *self,
            Shape      *shape)
{
  int length = (int) strlen (shape->key.text);
  g_autoptr(PangoAttrList) attributes = new_attributes (shape->key.style);
  GList *items = pango_itemize (self->context, shape->key.text, 0, length, attributes, NULL);

  if (items != NULL)
    {
      PangoItem *item = items->data;

      shape->font = g_object_ref (item->analysis.font);
      shape->glyphs = pango_glyph_string_new ();
      pango_shape_item (item, shape->key.text, length, NULL, shape->glyphs, PANGO_SHAPE_ROUND_POSITIONS);
    }
  g_list_free_full (items, (GDestroyNotify) pango_item_free);
}

static const Shape *
get_shape (EditorFont       *self,
           const EditorCell *cell,
           EditorStyle       style)
{
  Key key = { .style = style & SHAPED_STYLES };
  Shape *shape;

  g_strlcpy (key.text, cell->text, sizeof key.text);
  shape = g_hash_table_lookup (self->shapes, &key);
  if (shape != NULL)
    return shape;

  if (g_hash_table_size (self->shapes) >= MAX_SHAPES)
    g_hash_table_remove_all (self->shapes);
  shape = g_new0 (Shape, 1);
  shape->key = key;
  shape_text (self, shape);
  g_hash_table_add (self->shapes, shape);
  return shape;
}

/* The right half of a wide character is an empty cell. */
static guint
count_cells (const EditorCell *cells,
             guint             n_cells)
{
  return n_cells > 1 && cells[1].text[0] == '\0' ? 2 : 1;
}

/* Puts the glyphs of one character at the end, in the middle of the cells that it takes. */
static void
append_shape (EditorFont       *self,
              PangoGlyphString *glyphs,
              const Shape      *shape,
              guint             n_cells)
{
  int start = glyphs->num_glyphs, room = self->width * PANGO_SCALE * (int) n_cells;
  int width = pango_glyph_string_get_width (shape->glyphs);
  int shift = (room - width) / 2, taken = 0;

  pango_glyph_string_set_size (glyphs, start + shape->glyphs->num_glyphs);
  for (int i = 0; i < shape->glyphs->num_glyphs; i++)
    {
      PangoGlyphInfo *glyph = &glyphs->glyphs[start + i];

      *glyph = shape->glyphs->glyphs[i];
      glyph->geometry.x_offset += shift;
      if (i + 1 == shape->glyphs->num_glyphs)
        glyph->geometry.width = room - taken;
      taken += glyph->geometry.width;
    }
}

guint
editor_font_append (EditorFont       *self,
                    GtkSnapshot      *snapshot,
                    const EditorCell *cells,
                    guint             n_cells,
                    EditorStyle       style,
                    const GdkRGBA    *colour,
                    float             x,
                    float             y)
{
  PangoGlyphString *glyphs = pango_glyph_string_new ();
  g_autoptr(PangoFont) font = NULL;
  guint i = 0;

  while (i < n_cells)
    {
      const Shape *shape = get_shape (self, &cells[i], style);
      guint n = count_cells (&cells[i], n_cells - i);

      if (shape->font == NULL || (font != NULL && shape->font != font))
        break;
      g_set_object (&font, shape->font);
      append_shape (self, glyphs, shape, n);
      i += n;
    }

  if (font != NULL)
    {
      g_autoptr(GskRenderNode) node = gsk_text_node_new (font, glyphs, colour,
        &GRAPHENE_POINT_INIT (x, y + (float) self->ascent));

      if (node != NULL)
        gtk_snapshot_append_node (snapshot, node);
    }
  pango_glyph_string_free (glyphs);

  /* What cannot be drawn is left out. */
  return MAX (i, 1);
}
