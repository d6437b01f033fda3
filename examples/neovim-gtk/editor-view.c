/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-view.h"

#include <math.h>

#include "editor-font.h"
#include "editor-keys.h"

#define DEFAULT_FONT "Monospace 11"
#define DEFAULT_FONT_SIZE 11
#define DEFAULT_COLUMNS 100
#define DEFAULT_ROWS 32
#define MIN_FONT_SIZE 4
#define MAX_FONT_SIZE 72

struct _EditorView
{
  GtkWidget parent_instance;

  EditorGrid *grid;             /* owned */
  EditorFont *font;             /* owned */
  PangoFontDescription *description; /* owned */
  int font_size;                /* before it was zoomed, in units of Pango */
  GPtrArray *rows;              /* of GskRenderNode, nullable: each row as it was drawn last */
  GtkIMContext *input_method;   /* owned */
  guint columns;
  guint n_rows;
  guint natural_columns;
  guint natural_rows;
  guint blink_id;
  gboolean is_cursor_hidden;
  char *preedit;                /* owned; what an input method has not committed yet */
  double scroll_left;
  int pressed_button;           /* 0: none */
  guint mouse_row;
  guint mouse_column;
};

enum
{
  SIGNAL_TYPED,
  SIGNAL_MOUSE,
  SIGNAL_RESIZED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (EditorView, editor_view, GTK_TYPE_WIDGET)

/* ---- drawing ---- */

static void
append_rectangle (GtkSnapshot   *snapshot,
                  const GdkRGBA *colour,
                  float          x,
                  float          y,
                  float          width,
                  float          height)
{
  gtk_snapshot_append_color (snapshot, colour, &GRAPHENE_RECT_INIT (x, y, width, height));
}

/* A line of pieces with gaps between them. */
static void
append_pieces (GtkSnapshot   *snapshot,
               const GdkRGBA *colour,
               float          x,
               float          y,
               float          width,
               float          piece,
               float          gap)
{
  for (float start = 0; start < width; start += piece + gap)
    append_rectangle (snapshot, colour, x + start, y, MIN (piece, width - start), 1);
}

/* A wave, four steps a cell. */
static void
append_undercurl (EditorView    *self,
                  GtkSnapshot   *snapshot,
                  const GdkRGBA *colour,
                  float          x,
                  guint          n_cells)
{
  static const float depths[] = { 0, 1, 2, 1 };
  float step = (float) editor_font_get_width (self->font) / 4;
  float top = (float) editor_font_get_height (self->font) - 4;

  for (guint i = 0; i < 4 * n_cells; i++)
    append_rectangle (snapshot, colour, x + (float) i * step, top + depths[i % 4], step, 1.5f);
}

static void
append_lines (EditorView       *self,
              GtkSnapshot      *snapshot,
              const EditorLook *look,
              float             x,
              guint             n_cells)
{
  float width = (float) (editor_font_get_width (self->font) * (int) n_cells);
  float height = (float) editor_font_get_height (self->font);
  float line = MIN ((float) editor_font_get_ascent (self->font) + 2, height - 1);

  if ((look->style & (EDITOR_STYLE_UNDERLINE | EDITOR_STYLE_UNDERDOUBLE)) != 0)
    append_rectangle (snapshot, &look->special, x, line, width, 1);
  if ((look->style & EDITOR_STYLE_UNDERDOUBLE) != 0)
    append_rectangle (snapshot, &look->special, x, MIN (line + 2, height - 1), width, 1);
  if ((look->style & EDITOR_STYLE_UNDERDOTTED) != 0)
    append_pieces (snapshot, &look->special, x, line, width, 1, 2);
  if ((look->style & EDITOR_STYLE_UNDERDASHED) != 0)
    append_pieces (snapshot, &look->special, x, line, width, 4, 3);
  if ((look->style & EDITOR_STYLE_STRIKETHROUGH) != 0)
    append_rectangle (snapshot, &look->foreground, x, floorf (height / 2), width, 1);
  if ((look->style & EDITOR_STYLE_UNDERCURL) != 0)
    append_undercurl (self, snapshot, &look->special, x, n_cells);
}

static gboolean
is_blank (const EditorCell *cell)
{
  return cell->text[0] == '\0' || (cell->text[0] == ' ' && cell->text[1] == '\0');
}

static void
append_text (EditorView       *self,
             GtkSnapshot      *snapshot,
             const EditorCell *cells,
             guint             n_cells,
             const EditorLook *look,
             float             x)
{
  float width = (float) editor_font_get_width (self->font);
  guint i = 0;

  while (i < n_cells)
    {
      guint end = i;

      if (is_blank (&cells[i]))
        {
          i++;
          continue;
        }
      while (end < n_cells && (!is_blank (&cells[end]) || cells[end].text[0] == '\0'))
        end++;
      i += editor_font_append (self->font, snapshot, &cells[i], end - i, look->style,
                               &look->foreground, x + (float) i * width, 0);
    }
}

/* Cells that look the same. */
static void
append_run (EditorView       *self,
            GtkSnapshot      *snapshot,
            const EditorCell *cells,
            guint             n_cells,
            float             x)
{
  float width = (float) (editor_font_get_width (self->font) * (int) n_cells);
  EditorLook look, plain;

  editor_grid_get_look (self->grid, cells[0].highlight, &look);
  editor_grid_get_look (self->grid, 0, &plain);
  if (!gdk_rgba_equal (&look.background, &plain.background))
    append_rectangle (snapshot, &look.background, x, 0, width,
                      (float) editor_font_get_height (self->font));
  append_text (self, snapshot, cells, n_cells, &look, x);
  append_lines (self, snapshot, &look, x, n_cells);
}

static GskRenderNode *
draw_row (EditorView *self,
          guint       row)
{
  const EditorCell *cells = editor_grid_get_cells (self->grid, row);
  guint columns = editor_grid_get_columns (self->grid);
  GtkSnapshot *snapshot = gtk_snapshot_new ();

  for (guint start = 0, end; start < columns; start = end)
    {
      for (end = start + 1; end < columns; end++)
        if (cells[end].highlight != cells[start].highlight)
          break;
      append_run (self, snapshot, &cells[start], end - start,
                  (float) (editor_font_get_width (self->font) * (int) start));
    }

  return gtk_snapshot_free_to_node (snapshot);
}

static void
append_rows (EditorView  *self,
             GtkSnapshot *snapshot)
{
  guint n_rows = editor_grid_get_rows (self->grid);
  int height = editor_font_get_height (self->font);

  g_ptr_array_set_size (self->rows, (int) n_rows);
  for (guint row = 0; row < n_rows; row++)
    {
      if (editor_grid_take_changed (self->grid, row))
        {
          g_clear_pointer (&self->rows->pdata[row], gsk_render_node_unref);
          self->rows->pdata[row] = draw_row (self, row);
        }
      if (self->rows->pdata[row] != NULL)
        {
          gtk_snapshot_save (snapshot);
          gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (0, (float) (height * (int) row)));
          gtk_snapshot_append_node (snapshot, self->rows->pdata[row]);
          gtk_snapshot_restore (snapshot);
        }
    }
}

static void
get_cursor_look (EditorView         *self,
                 const EditorCursor *cursor,
                 const EditorCell   *cell,
                 EditorLook         *look)
{
  EditorLook under;

  editor_grid_get_look (self->grid, cell->highlight, &under);
  if (cursor->highlight != 0)
    {
      editor_grid_get_look (self->grid, cursor->highlight, look);
    }
  else
    {
      *look = under;
      look->background = under.foreground;
      look->foreground = under.background;
    }
  look->style = under.style;
}

static void
append_outline (GtkSnapshot   *snapshot,
                const GdkRGBA *colour,
                float          width,
                float          height)
{
  append_rectangle (snapshot, colour, 0, 0, width, 1);
  append_rectangle (snapshot, colour, 0, height - 1, width, 1);
  append_rectangle (snapshot, colour, 0, 0, 1, height);
  append_rectangle (snapshot, colour, width - 1, 0, 1, height);
}

static void
append_shaped_cursor (EditorView         *self,
                      GtkSnapshot        *snapshot,
                      const EditorCursor *cursor,
                      const EditorLook   *look,
                      const EditorCell   *cells,
                      guint               n_cells)
{
  float width = (float) (editor_font_get_width (self->font) * (int) n_cells);
  float height = (float) editor_font_get_height (self->font);
  float part = (float) cursor->part;

  switch (cursor->shape)
    {
    case EDITOR_CURSOR_HORIZONTAL:
      append_rectangle (snapshot, &look->background, 0, height - MAX (1, height * part), width,
                        MAX (1, height * part));
      break;

    case EDITOR_CURSOR_VERTICAL:
      append_rectangle (snapshot, &look->background, 0, 0, MAX (1, width * part), height);
      break;

    case EDITOR_CURSOR_BLOCK:
    default:
      append_rectangle (snapshot, &look->background, 0, 0, width, height);
      append_text (self, snapshot, cells, n_cells, look, 0);
      break;
    }
}

static void
append_cursor (EditorView  *self,
               GtkSnapshot *snapshot)
{
  guint row, column, columns = editor_grid_get_columns (self->grid), n_cells;
  const EditorCell *cells;
  EditorCursor cursor;
  EditorLook look;

  if (editor_grid_get_rows (self->grid) == 0 || self->is_cursor_hidden ||
      editor_grid_is_busy (self->grid))
    return;

  editor_grid_get_cursor (self->grid, &cursor, &row, &column);
  cells = editor_grid_get_cells (self->grid, row) + column;
  n_cells = column + 1 < columns && cells[1].text[0] == '\0' ? 2 : 1;
  get_cursor_look (self, &cursor, cells, &look);

  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT (
    (float) (editor_font_get_width (self->font) * (int) column),
    (float) (editor_font_get_height (self->font) * (int) row)));
  if (gtk_widget_has_focus (GTK_WIDGET (self)))
    append_shaped_cursor (self, snapshot, &cursor, &look, cells, n_cells);
  else
    append_outline (snapshot, &look.background,
                    (float) (editor_font_get_width (self->font) * (int) n_cells),
                    (float) editor_font_get_height (self->font));
  gtk_snapshot_restore (snapshot);
}

/* What is being composed stands at the cursor, underlined, and over what is there. */
static void
append_preedit (EditorView  *self,
                GtkSnapshot *snapshot)
{
  g_autoptr(PangoLayout) layout = NULL;
  EditorCursor cursor;
  EditorLook plain;
  guint row, column;
  int width, height;
  GdkRectangle place;

  if (self->preedit == NULL || self->preedit[0] == '\0')
    return;

  editor_grid_get_cursor (self->grid, &cursor, &row, &column);
  editor_grid_get_look (self->grid, 0, &plain);
  layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), self->preedit);
  pango_layout_set_font_description (layout, self->description);
  pango_layout_get_pixel_size (layout, &width, &height);
  place = (GdkRectangle) {
    .x = editor_font_get_width (self->font) * (int) column,
    .y = editor_font_get_height (self->font) * (int) row,
    .width = width,
    .height = MAX (height, editor_font_get_height (self->font)),
  };
  append_rectangle (snapshot, &plain.background, (float) place.x, (float) place.y,
                    (float) place.width, (float) place.height);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((float) place.x, (float) place.y));
  gtk_snapshot_append_layout (snapshot, layout, &plain.foreground);
  gtk_snapshot_restore (snapshot);
  append_rectangle (snapshot, &plain.foreground, (float) place.x,
                    (float) (place.y + place.height - 1), (float) place.width, 1);
}

static void
editor_view_snapshot (GtkWidget   *widget,
                      GtkSnapshot *snapshot)
{
  EditorView *self = EDITOR_VIEW (widget);
  EditorLook plain;

  editor_grid_get_look (self->grid, 0, &plain);
  append_rectangle (snapshot, &plain.background, 0, 0, (float) gtk_widget_get_width (widget),
                    (float) gtk_widget_get_height (widget));
  append_rows (self, snapshot);
  append_cursor (self, snapshot);
  append_preedit (self, snapshot);
}

/* ---- the cursor blinks ---- */

static gboolean
blink_cb (gpointer user_data)
{
  EditorView *self = user_data;
  EditorCursor cursor;
  guint row, column;

  editor_grid_get_cursor (self->grid, &cursor, &row, &column);
  self->is_cursor_hidden = !self->is_cursor_hidden;
  self->blink_id = g_timeout_add (self->is_cursor_hidden ? cursor.blink_off : cursor.blink_on,
                                  blink_cb, self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
  return G_SOURCE_REMOVE;
}

/* It is there first, so that it can be seen where it goes. */
static void
start_blinking (EditorView *self)
{
  EditorCursor cursor;
  guint row, column;

  g_clear_handle_id (&self->blink_id, g_source_remove);
  self->is_cursor_hidden = FALSE;
  editor_grid_get_cursor (self->grid, &cursor, &row, &column);
  if (cursor.blink_wait > 0 && cursor.blink_on > 0 && cursor.blink_off > 0 &&
      gtk_widget_has_focus (GTK_WIDGET (self)))
    self->blink_id = g_timeout_add (cursor.blink_wait, blink_cb, self);
}

static void
place_input_method (EditorView *self)
{
  EditorCursor cursor;
  guint row, column;
  GdkRectangle place = { 0 };

  editor_grid_get_cursor (self->grid, &cursor, &row, &column);
  place.width = editor_font_get_width (self->font);
  place.height = editor_font_get_height (self->font);
  place.x = place.width * (int) column;
  place.y = place.height * (int) row;
  gtk_im_context_set_cursor_location (self->input_method, &place);
}

/* Assistive technologies are told the line with the cursor, as in any entry, and where that is. */
static void
tell_line (EditorView *self)
{
  EditorCursor cursor;
  guint row, column;
  g_autofree char *text = NULL, *place = NULL;
  const char *mode = editor_grid_get_mode (self->grid);

  if (editor_grid_get_rows (self->grid) == 0)
    return;

  editor_grid_get_cursor (self->grid, &cursor, &row, &column);
  text = editor_grid_dup_text (self->grid, row);
  place = g_strdup_printf ("%s, row %u, column %u", mode != NULL ? mode : "normal", row + 1,
                           column + 1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, text,
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, place, -1);
}

static void
flushed_cb (EditorGrid *grid G_GNUC_UNUSED,
            gpointer    user_data)
{
  EditorView *self = user_data;

  start_blinking (self);
  place_input_method (self);
  tell_line (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
bell_cb (EditorGrid *grid G_GNUC_UNUSED,
         gpointer    user_data)
{
  gtk_widget_error_bell (user_data);
}

/* ---- keys ---- */

static gboolean
key_pressed_cb (GtkEventControllerKey *controller,
                guint                  keyval,
                guint                  keycode G_GNUC_UNUSED,
                GdkModifierType        state,
                gpointer               user_data)
{
  EditorView *self = user_data;
  GdkEvent *event = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));
  g_autofree char *keys = NULL;

  if (gtk_im_context_filter_keypress (self->input_method, event))
    return GDK_EVENT_STOP;

  keys = editor_keys_from_event (keyval, state);
  if (keys == NULL)
    return GDK_EVENT_PROPAGATE;

  g_signal_emit (self, signals[SIGNAL_TYPED], 0, keys);
  return GDK_EVENT_STOP;
}

static void
key_released_cb (GtkEventControllerKey *controller,
                 guint                  keyval G_GNUC_UNUSED,
                 guint                  keycode G_GNUC_UNUSED,
                 GdkModifierType        state G_GNUC_UNUSED,
                 gpointer               user_data)
{
  EditorView *self = user_data;

  gtk_im_context_filter_keypress (self->input_method, gtk_event_controller_get_current_event (
    GTK_EVENT_CONTROLLER (controller)));
}

static void
commit_cb (GtkIMContext *input_method G_GNUC_UNUSED,
           const char   *text,
           gpointer      user_data)
{
  g_autofree char *keys = editor_keys_from_text (text);

  g_signal_emit (user_data, signals[SIGNAL_TYPED], 0, keys);
}

static void
preedit_cb (GtkIMContext *input_method,
            gpointer      user_data)
{
  EditorView *self = user_data;

  g_clear_pointer (&self->preedit, g_free);
  gtk_im_context_get_preedit_string (input_method, &self->preedit, NULL, NULL);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
focus_changed_cb (GtkEventControllerFocus *controller,
                  gpointer                 user_data)
{
  EditorView *self = user_data;

  if (gtk_event_controller_focus_is_focus (controller))
    gtk_im_context_focus_in (self->input_method);
  else
    gtk_im_context_focus_out (self->input_method);
  start_blinking (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* ---- the mouse ---- */

static guint
to_cell (double place,
         int    size,
         guint  n_cells)
{
  return n_cells > 0 ? (guint) CLAMP (place / size, 0, n_cells - 1) : 0;
}

static void
emit_mouse (EditorView         *self,
            GtkEventController *controller,
            const char         *button,
            const char         *action)
{
  GdkModifierType state = gtk_event_controller_get_current_event_state (controller);
  g_autofree char *modifiers = editor_keys_from_modifiers (state);

  if (editor_grid_wants_mouse (self->grid))
    g_signal_emit (self, signals[SIGNAL_MOUSE], 0, button, action, modifiers, self->mouse_row,
                   self->mouse_column);
}

/* FALSE if that is the same cell as before. */
static gboolean
move_mouse (EditorView *self,
            double      x,
            double      y)
{
  guint row = to_cell (y, editor_font_get_height (self->font), editor_grid_get_rows (self->grid));
  guint column = to_cell (x, editor_font_get_width (self->font),
                          editor_grid_get_columns (self->grid));
  gboolean is_new = row != self->mouse_row || column != self->mouse_column;

  self->mouse_row = row;
  self->mouse_column = column;
  return is_new;
}

static const char *
name_button (int button)
{
  switch (button)
    {
    case GDK_BUTTON_PRIMARY:
      return "left";

    case GDK_BUTTON_MIDDLE:
      return "middle";

    case GDK_BUTTON_SECONDARY:
      return "right";

    default:
      return NULL;
    }
}

static void
pressed_cb (GtkGestureClick *gesture,
            int              n_press G_GNUC_UNUSED,
            double           x,
            double           y,
            gpointer         user_data)
{
  EditorView *self = user_data;
  int button = (int) gtk_gesture_single_get_current_button (GTK_GESTURE_SINGLE (gesture));

  gtk_widget_grab_focus (GTK_WIDGET (self));
  if (name_button (button) == NULL)
    return;

  move_mouse (self, x, y);
  self->pressed_button = button;
  emit_mouse (self, GTK_EVENT_CONTROLLER (gesture), name_button (button), "press");
}

static void
released_cb (GtkGestureClick *gesture,
             int              n_press G_GNUC_UNUSED,
             double           x,
             double           y,
             gpointer         user_data)
{
  EditorView *self = user_data;

  if (self->pressed_button == 0)
    return;

  move_mouse (self, x, y);
  emit_mouse (self, GTK_EVENT_CONTROLLER (gesture), name_button (self->pressed_button), "release");
  self->pressed_button = 0;
}

static void
motion_cb (GtkEventControllerMotion *controller,
           double                    x,
           double                    y,
           gpointer                  user_data)
{
  EditorView *self = user_data;

  if (move_mouse (self, x, y) && self->pressed_button != 0)
    emit_mouse (self, GTK_EVENT_CONTROLLER (controller), name_button (self->pressed_button),
                "drag");
}

static gboolean
scroll_cb (GtkEventControllerScroll *controller,
           double                    dx,
           double                    dy,
           gpointer                  user_data)
{
  EditorView *self = user_data;

  /* A touchpad scrolls by parts of a line. */
  self->scroll_left += dy;
  for (; self->scroll_left <= -1; self->scroll_left++)
    emit_mouse (self, GTK_EVENT_CONTROLLER (controller), "wheel", "up");
  for (; self->scroll_left >= 1; self->scroll_left--)
    emit_mouse (self, GTK_EVENT_CONTROLLER (controller), "wheel", "down");
  if (dx != 0)
    emit_mouse (self, GTK_EVENT_CONTROLLER (controller), "wheel", dx < 0 ? "left" : "right");

  return GDK_EVENT_STOP;
}

/* ---- the size ---- */

static void
update_size (EditorView *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  guint columns = (guint) MAX (1, gtk_widget_get_width (widget) / editor_font_get_width (self->font));
  guint rows = (guint) MAX (1, gtk_widget_get_height (widget) / editor_font_get_height (self->font));

  if (columns == self->columns && rows == self->n_rows)
    return;

  self->columns = columns;
  self->n_rows = rows;
  g_signal_emit (self, signals[SIGNAL_RESIZED], 0, columns, rows);
}

static void
editor_view_size_allocate (GtkWidget *widget,
                           int        width,
                           int        height,
                           int        baseline)
{
  GTK_WIDGET_CLASS (editor_view_parent_class)->size_allocate (widget, width, height, baseline);
  update_size (EDITOR_VIEW (widget));
}

static void
editor_view_measure (GtkWidget      *widget,
                     GtkOrientation  orientation,
                     int             for_size G_GNUC_UNUSED,
                     int            *minimum,
                     int            *natural,
                     int            *minimum_baseline G_GNUC_UNUSED,
                     int            *natural_baseline G_GNUC_UNUSED)
{
  EditorView *self = EDITOR_VIEW (widget);
  gboolean is_wide = orientation == GTK_ORIENTATION_HORIZONTAL;
  int cell = is_wide ? editor_font_get_width (self->font) : editor_font_get_height (self->font);

  *minimum = cell * (is_wide ? 20 : 3);
  *natural = cell * (int) (is_wide ? self->natural_columns : self->natural_rows);
}

static void
renew_font (EditorView *self)
{
  g_clear_pointer (&self->font, editor_font_free);
  self->font = editor_font_new (gtk_widget_get_pango_context (GTK_WIDGET (self)), self->description);
  g_ptr_array_set_size (self->rows, 0);
  editor_grid_change_all (self->grid);
}

static void
editor_view_system_setting_changed (GtkWidget        *widget,
                                    GtkSystemSetting  setting)
{
  GTK_WIDGET_CLASS (editor_view_parent_class)->system_setting_changed (widget, setting);
  renew_font (EDITOR_VIEW (widget));
  gtk_widget_queue_resize (widget);
}

/* ---- the object ---- */

EditorGrid *
editor_view_get_grid (EditorView *self)
{
  return self->grid;
}

void
editor_view_get_size (EditorView *self,
                      guint      *columns,
                      guint      *rows)
{
  *columns = MAX (self->columns, 1);
  *rows = MAX (self->n_rows, 1);
}

void
editor_view_set_natural_size (EditorView *self,
                              guint       columns,
                              guint       rows)
{
  self->natural_columns = columns;
  self->natural_rows = rows;
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

static void
change_font (EditorView *self)
{
  renew_font (self);
  update_size (self);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
editor_view_set_font (EditorView *self,
                      const char *font)
{
  pango_font_description_free (self->description);
  self->description = pango_font_description_from_string (font);
  if (pango_font_description_get_size (self->description) == 0)
    pango_font_description_set_size (self->description, DEFAULT_FONT_SIZE * PANGO_SCALE);
  self->font_size = pango_font_description_get_size (self->description);
  change_font (self);
}

void
editor_view_zoom (EditorView *self,
                  int         points)
{
  int size = pango_font_description_get_size (self->description) + points * PANGO_SCALE;

  if (points == 0)
    size = self->font_size;
  if (size < MIN_FONT_SIZE * PANGO_SCALE || size > MAX_FONT_SIZE * PANGO_SCALE)
    return;

  pango_font_description_set_size (self->description, size);
  change_font (self);
}

static void
editor_view_dispose (GObject *object)
{
  EditorView *self = EDITOR_VIEW (object);

  g_clear_handle_id (&self->blink_id, g_source_remove);
  if (self->input_method != NULL)
    gtk_im_context_set_client_widget (self->input_method, NULL);
  g_clear_object (&self->input_method);
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->font, editor_font_free);
  g_clear_pointer (&self->description, pango_font_description_free);
  g_clear_pointer (&self->preedit, g_free);
  g_clear_object (&self->grid);

  G_OBJECT_CLASS (editor_view_parent_class)->dispose (object);
}

static void
editor_view_class_init (EditorViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = editor_view_dispose;
  widget_class->measure = editor_view_measure;
  widget_class->size_allocate = editor_view_size_allocate;
  widget_class->snapshot = editor_view_snapshot;
  widget_class->system_setting_changed = editor_view_system_setting_changed;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_TEXT_BOX);
  gtk_widget_class_set_css_name (widget_class, "editor");

  /* Keys, as Neovim writes them. */
  signals[SIGNAL_TYPED] = g_signal_new ("typed", EDITOR_TYPE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  /* Button, action and modifiers as in nvim_input_mouse(), row and column. */
  signals[SIGNAL_MOUSE] = g_signal_new ("mouse", EDITOR_TYPE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                        NULL, G_TYPE_NONE, 5, G_TYPE_STRING, G_TYPE_STRING,
                                        G_TYPE_STRING, G_TYPE_UINT, G_TYPE_UINT);
  /* Columns and rows that there is room for. */
  signals[SIGNAL_RESIZED] = g_signal_new ("resized", EDITOR_TYPE_VIEW, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
}

static void
add_key_controllers (EditorView *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  g_signal_connect (keys, "key-pressed", G_CALLBACK (key_pressed_cb), self);
  g_signal_connect (keys, "key-released", G_CALLBACK (key_released_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
  g_signal_connect (focus, "enter", G_CALLBACK (focus_changed_cb), self);
  g_signal_connect (focus, "leave", G_CALLBACK (focus_changed_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), focus);
}

static void
add_mouse_controllers (EditorView *self)
{
  GtkGesture *click = gtk_gesture_click_new ();
  GtkEventController *motion = gtk_event_controller_motion_new ();
  GtkEventController *scroll;

  scroll = gtk_event_controller_scroll_new (GTK_EVENT_CONTROLLER_SCROLL_BOTH_AXES);
  gtk_gesture_single_set_button (GTK_GESTURE_SINGLE (click), 0);
  g_signal_connect (click, "pressed", G_CALLBACK (pressed_cb), self);
  g_signal_connect (click, "released", G_CALLBACK (released_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  g_signal_connect (motion, "motion", G_CALLBACK (motion_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), motion);
  g_signal_connect (scroll, "scroll", G_CALLBACK (scroll_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), scroll);
}

static void
unref_node (gpointer node)
{
  if (node != NULL)
    gsk_render_node_unref (node);
}

static void
editor_view_init (EditorView *self)
{
  self->natural_columns = DEFAULT_COLUMNS;
  self->natural_rows = DEFAULT_ROWS;
  self->grid = editor_grid_new ();
  g_signal_connect_object (self->grid, "flushed", G_CALLBACK (flushed_cb), self, 0);
  g_signal_connect_object (self->grid, "bell", G_CALLBACK (bell_cb), self, 0);
  self->rows = g_ptr_array_new_with_free_func (unref_node);
  self->description = pango_font_description_from_string (DEFAULT_FONT);
  self->font_size = pango_font_description_get_size (self->description);
  renew_font (self);

  gtk_widget_set_focusable (GTK_WIDGET (self), TRUE);
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  self->input_method = gtk_im_multicontext_new ();
  gtk_im_context_set_client_widget (self->input_method, GTK_WIDGET (self));
  g_signal_connect_object (self->input_method, "commit", G_CALLBACK (commit_cb), self, 0);
  g_signal_connect_object (self->input_method, "preedit-changed", G_CALLBACK (preedit_cb), self, 0);
  add_key_controllers (self);
  add_mouse_controllers (self);
}
