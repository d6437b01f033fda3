/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-grid.h"

#include <string.h>

/* What Neovim sends, as text: events in the format of g_variant_parse(). */
static void
redraw (EditorGrid *grid,
        const char *text)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) params = g_variant_parse (G_VARIANT_TYPE ("av"), text, NULL, NULL, &error);

  g_assert_no_error (error);
  editor_grid_redraw (grid, params);
}

static void
assert_row (EditorGrid *grid,
            guint       row,
            const char *expected)
{
  g_autofree char *text = editor_grid_dup_text (grid, row);

  g_assert_cmpstr (text, ==, expected);
}

static void
assert_colour (const GdkRGBA *colour,
               const char    *expected)
{
  g_autofree char *text = gdk_rgba_to_string (colour);

  g_assert_cmpstr (text, ==, expected);
}

/* Three rows of ten cells: one, two, three. */
static EditorGrid *
new_grid (void)
{
  EditorGrid *grid = editor_grid_new ();

  redraw (grid, "[<[<'grid_resize'>, <[<1>, <10>, <3>]>]>,"
                " <[<'grid_line'>, <[<1>, <0>, <0>, <[<[<'o'>]>, <[<'n'>]>, <[<'e'>]>]>]>,"
                "                  <[<1>, <1>, <0>, <[<[<'t'>]>, <[<'w'>]>, <[<'o'>]>]>]>,"
                "                  <[<1>, <2>, <0>, <[<[<'t'>]>, <[<'h'>]>, <[<'r'>]>,"
                "                                     <[<'e'>, <0>, <2>]>]>]>]>]");
  return grid;
}

static void
test_lines (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();
  const EditorCell *cells = editor_grid_get_cells (grid, 1);

  g_test_summary ("Cells have text and looks, and cells without a look have that before them");

  g_assert_cmpuint (editor_grid_get_columns (grid), ==, 10);
  g_assert_cmpuint (editor_grid_get_rows (grid), ==, 3);
  assert_row (grid, 0, "one");
  assert_row (grid, 2, "three");

  redraw (grid, "[<[<'grid_line'>, <[<1>, <1>, <2>, <[<[<'x'>, <7>]>, <[<'日'>]>, <[<''>]>,"
                "                                     <[<'é'>, <8>, <3>]>]>]>]>]");
  assert_row (grid, 1, "twx日ééé");
  g_assert_cmpuint (cells[2].highlight, ==, 7);
  g_assert_cmpuint (cells[3].highlight, ==, 7);
  g_assert_cmpuint (cells[7].highlight, ==, 8);
  g_assert_cmpuint (cells[8].highlight, ==, 0);
  g_assert_cmpstr (cells[4].text, ==, "");

  redraw (grid, "[<[<'grid_clear'>, <[<1>]>]>]");
  assert_row (grid, 1, "");
}

static void
test_changes (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();

  g_test_summary ("Only rows that have changed are drawn again");

  for (guint row = 0; row < 3; row++)
    {
      g_assert_true (editor_grid_take_changed (grid, row));
      g_assert_false (editor_grid_take_changed (grid, row));
    }

  redraw (grid, "[<[<'grid_line'>, <[<1>, <1>, <0>, <[<[<'x'>]>]>]>]>]");
  g_assert_false (editor_grid_take_changed (grid, 0));
  g_assert_true (editor_grid_take_changed (grid, 1));
  g_assert_false (editor_grid_take_changed (grid, 2));
  redraw (grid, "[<[<'default_colors_set'>, <[<1>, <2>, <3>, <0>, <0>]>]>]");
  g_assert_true (editor_grid_take_changed (grid, 2));
}

static void
test_scroll (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();

  g_test_summary ("Rows move up and down, and so do parts of them");

  redraw (grid, "[<[<'grid_scroll'>, <[<1>, <0>, <3>, <0>, <10>, <1>, <0>]>]>]");
  assert_row (grid, 0, "two");
  assert_row (grid, 1, "three");
  redraw (grid, "[<[<'grid_scroll'>, <[<1>, <0>, <3>, <0>, <10>, <-1>, <0>]>]>]");
  assert_row (grid, 1, "two");
  assert_row (grid, 2, "three");
  redraw (grid, "[<[<'grid_scroll'>, <[<1>, <1>, <3>, <1>, <3>, <1>, <0>]>]>]");
  assert_row (grid, 1, "thr");
}

static void
test_resize (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();
  EditorCursor cursor;
  guint row, column;

  g_test_summary ("What there is stays, as far as there is room for it, and the cursor is inside");

  redraw (grid, "[<[<'grid_cursor_goto'>, <[<1>, <2>, <9>]>]>]");
  redraw (grid, "[<[<'grid_resize'>, <[<1>, <2>, <2>]>]>]");
  assert_row (grid, 0, "on");
  assert_row (grid, 1, "tw");
  editor_grid_get_cursor (grid, &cursor, &row, &column);
  g_assert_cmpuint (row, ==, 1);
  g_assert_cmpuint (column, ==, 1);
  redraw (grid, "[<[<'grid_resize'>, <[<1>, <20>, <5>]>]>]");
  assert_row (grid, 0, "on");
  assert_row (grid, 4, "");
}

static void
test_looks (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();
  EditorLook look;

  g_test_summary ("A look has colours and styles, and the default ones where it has none");

  redraw (grid, "[<[<'default_colors_set'>, <[<0x010203>, <0xffffff>, <0xff0000>, <0>, <0>]>]>,"
                " <[<'hl_attr_define'>,"
                "   <[<5>, <{'foreground': <0x0000ff>, 'bold': <true>, 'undercurl': <true>}>]>,"
                "   <[<6>, <{'reverse': <true>, 'underline': <true>, 'special': <0x00ff00>,"
                "            'blend': <30>}>]>,"
                "   <[<7>, <{'underdouble': <true>, 'foreground': <0xff>}>]>]>]");
  editor_grid_get_look (grid, 0, &look);
  assert_colour (&look.foreground, "rgb(1,2,3)");
  assert_colour (&look.background, "rgb(255,255,255)");
  editor_grid_get_look (grid, 5, &look);
  assert_colour (&look.foreground, "rgb(0,0,255)");
  assert_colour (&look.background, "rgb(255,255,255)");
  assert_colour (&look.special, "rgb(255,0,0)");
  g_assert_cmpuint (look.style, ==, EDITOR_STYLE_BOLD | EDITOR_STYLE_UNDERCURL);
  editor_grid_get_look (grid, 6, &look);
  assert_colour (&look.foreground, "rgb(255,255,255)");
  assert_colour (&look.background, "rgb(1,2,3)");
  assert_colour (&look.special, "rgb(0,255,0)");
  editor_grid_get_look (grid, 7, &look);
  g_assert_cmpuint (look.style, ==, EDITOR_STYLE_UNDERDOUBLE);
  assert_colour (&look.special, "rgb(0,0,255)");
  /* Those that were never told of are as the default. */
  editor_grid_get_look (grid, 3, &look);
  assert_colour (&look.foreground, "rgb(1,2,3)");
  editor_grid_get_look (grid, 100000, &look);
  assert_colour (&look.foreground, "rgb(1,2,3)");
}

static void
test_modes (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();
  EditorCursor cursor;
  guint row, column;

  g_test_summary ("The cursor is what the mode says");

  editor_grid_get_cursor (grid, &cursor, &row, &column);
  g_assert_cmpint (cursor.shape, ==, EDITOR_CURSOR_BLOCK);
  g_assert_null (editor_grid_get_mode (grid));

  redraw (grid, "[<[<'mode_info_set'>, <[<true>, <["
                "    <{'name': <'normal'>, 'cursor_shape': <'block'>}>,"
                "    <{'name': <'insert'>, 'cursor_shape': <'vertical'>, 'cell_percentage': <25>,"
                "      'blinkwait': <700>, 'blinkon': <400>, 'blinkoff': <250>}>]>]>]>,"
                " <[<'mode_change'>, <[<'insert'>, <1>]>]>]");
  g_assert_cmpstr (editor_grid_get_mode (grid), ==, "insert");
  editor_grid_get_cursor (grid, &cursor, &row, &column);
  g_assert_cmpint (cursor.shape, ==, EDITOR_CURSOR_VERTICAL);
  g_assert_cmpfloat (cursor.part, ==, 0.25);
  g_assert_cmpuint (cursor.blink_wait, ==, 700);
  g_assert_cmpuint (cursor.blink_off, ==, 250);

  redraw (grid, "[<[<'mode_change'>, <[<'what'>, <99>]>]>]");
  editor_grid_get_cursor (grid, &cursor, &row, &column);
  g_assert_cmpint (cursor.shape, ==, EDITOR_CURSOR_BLOCK);
}

static void
count_cb (EditorGrid *grid G_GNUC_UNUSED,
          gpointer    user_data)
{
  (*(guint *) user_data)++;
}

static void
test_rest (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();
  guint n_flushes = 0;

  g_test_summary ("Titles, fonts, the mouse, being busy, and the end of a frame");

  g_signal_connect (grid, "flushed", G_CALLBACK (count_cb), &n_flushes);
  redraw (grid, "[<[<'set_title'>, <[<'file - NVIM'>]>]>,"
                " <[<'option_set'>, <[<'guifont'>, <'Mono:h12'>]>, <[<'linespace'>, <0>]>]>,"
                " <[<'mouse_on'>, <@av []>]>, <[<'busy_start'>, <@av []>]>,"
                " <[<'flush'>, <@av []>]>]");
  g_assert_cmpstr (editor_grid_get_title (grid), ==, "file - NVIM");
  g_assert_cmpstr (editor_grid_get_font (grid), ==, "Mono:h12");
  g_assert_true (editor_grid_wants_mouse (grid));
  g_assert_true (editor_grid_is_busy (grid));
  g_assert_cmpuint (n_flushes, ==, 1);
}

static void
test_hostile (void)
{
  /* Numbers that are too large, too small, of no type, or not there at all. */
  static const char * const values[] = {
    "<-1>", "<0>", "<1>", "<3>", "<10>", "<1000000>", "<int64 -9223372036854775808>",
    "<uint64 18446744073709551615>", "<'x'>", "<@mb nothing>", "<@av []>", "<1.5>", "<[<1>, <2>]>",
    "<{'cell_percentage': <-5>, 'blinkon': <int64 -9>, 'name': <7>}>", "<[<['', '']>]>",
    "<[<[<'y'>, <int64 -1>, <int64 99999999>]>, <3>]>",
  };
  static const char * const names[] = {
    "bell", "busy_start", "default_colors_set", "flush", "grid_clear", "grid_cursor_goto",
    "grid_line", "grid_resize", "grid_scroll", "hl_attr_define", "mode_change", "mode_info_set",
    "mouse_on", "option_set", "set_title", "what",
  };

  g_test_summary ("Whatever stands in an event, the grid stays one, and its cells are there");

  for (guint name = 0; name < G_N_ELEMENTS (names); name++)
    for (guint i = 0; i < 300; i++)
      {
        g_autoptr(EditorGrid) grid = new_grid ();
        g_autoptr(GString) text = g_string_new (NULL);
        guint n_args = (guint) g_test_rand_int_range (0, 8);
        EditorCursor cursor;
        guint row, column;

        g_string_printf (text, "[<[<'%s'>, <@av [", names[name]);
        for (guint j = 0; j < n_args; j++)
          g_string_append_printf (text, "%s%s", j > 0 ? ", " : "",
            /* The number of the grid is right, mostly. */
            j == 0 && i % 4 != 0 ? "<1>"
              : values[g_test_rand_int_range (0, G_N_ELEMENTS (values))]);
        g_string_append (text, "]>]>]");
        redraw (grid, text->str);

        g_assert_cmpuint (editor_grid_get_columns (grid), >, 0);
        g_assert_cmpuint (editor_grid_get_rows (grid), >, 0);
        editor_grid_get_cursor (grid, &cursor, &row, &column);
        g_assert_cmpuint (row, <, editor_grid_get_rows (grid));
        g_assert_cmpuint (column, <, editor_grid_get_columns (grid));
        for (row = 0; row < editor_grid_get_rows (grid); row += 100)
          {
            g_autofree char *line = editor_grid_dup_text (grid, row);

            g_assert_true (g_utf8_validate (line, -1, NULL));
          }
      }
}

static void
test_odd_events (void)
{
  g_autoptr(EditorGrid) grid = editor_grid_new ();

  g_test_summary ("What is no event is left out, also before there are any cells");

  redraw (grid, "[<1>, <@av []>, <'flush'>, <[<1>, <2>]>, <[<'flush'>]>, <[<'flush'>, <3>]>,"
                " <[<'grid_line'>, <[<1>, <0>, <0>, <[<[<'o'>]>]>]>]>,"
                " <[<'grid_scroll'>, <[<1>, <0>, <3>, <0>, <10>, <1>, <0>]>]>,"
                " <[<'grid_cursor_goto'>, <[<1>, <0>, <3>]>]>,"
                " <[<'grid_clear'>, <[<1>]>]>]");
  g_assert_cmpuint (editor_grid_get_rows (grid), ==, 0);
}

static void
test_long_text (void)
{
  g_autoptr(EditorGrid) grid = new_grid ();
  g_autoptr(GString) text = g_string_new (NULL);

  g_test_summary ("A character with more that combines with it than a cell has room for is cut");

  g_string_append (text, "[<[<'grid_line'>, <[<1>, <0>, <0>, <[<[<'e");
  for (guint i = 0; i < 100; i++)
    g_string_append (text, "\u0301");
  g_string_append (text, "'>]>]>]>]>]");
  redraw (grid, text->str);
  g_assert_cmpuint (strlen (editor_grid_get_cells (grid, 0)[0].text), ==, 31);
  g_assert_true (g_utf8_validate (editor_grid_get_cells (grid, 0)[0].text, -1, NULL));
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/editor/grid/lines", test_lines);
  g_test_add_func ("/editor/grid/changes", test_changes);
  g_test_add_func ("/editor/grid/scroll", test_scroll);
  g_test_add_func ("/editor/grid/resize", test_resize);
  g_test_add_func ("/editor/grid/looks", test_looks);
  g_test_add_func ("/editor/grid/modes", test_modes);
  g_test_add_func ("/editor/grid/rest", test_rest);
  g_test_add_func ("/editor/grid/hostile", test_hostile);
  g_test_add_func ("/editor/grid/odd-events", test_odd_events);
  g_test_add_func ("/editor/grid/long-text", test_long_text);

  return g_test_run ();
}
