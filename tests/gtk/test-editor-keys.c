/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-keys.h"

static void
test_keys (void)
{
  static const struct
  {
    guint keyval;
    GdkModifierType state;
    const char *keys;
  } cases[] = {
    { GDK_KEY_a, 0, "a" },
    { GDK_KEY_A, GDK_SHIFT_MASK, "A" },
    { GDK_KEY_a, GDK_LOCK_MASK, "a" },
    { GDK_KEY_a, GDK_CONTROL_MASK, "<C-a>" },
    { GDK_KEY_A, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "<C-A>" },
    { GDK_KEY_a, GDK_ALT_MASK, "<A-a>" },
    { GDK_KEY_a, GDK_SUPER_MASK, "<D-a>" },
    { GDK_KEY_a, GDK_CONTROL_MASK | GDK_ALT_MASK, "<C-A-a>" },
    { GDK_KEY_adiaeresis, GDK_ALT_MASK, "<A-ä>" },
    { GDK_KEY_EuroSign, 0, "€" },
    { GDK_KEY_less, 0, "<lt>" },
    { GDK_KEY_less, GDK_SHIFT_MASK, "<lt>" },
    { GDK_KEY_backslash, 0, "<Bslash>" },
    { GDK_KEY_bar, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "<C-Bar>" },
    { GDK_KEY_space, 0, "<Space>" },
    { GDK_KEY_space, GDK_SHIFT_MASK, "<S-Space>" },
    { GDK_KEY_Tab, 0, "<Tab>" },
    { GDK_KEY_ISO_Left_Tab, GDK_SHIFT_MASK, "<S-Tab>" },
    { GDK_KEY_Escape, 0, "<Esc>" },
    { GDK_KEY_Return, GDK_CONTROL_MASK, "<C-CR>" },
    { GDK_KEY_KP_Enter, 0, "<kEnter>" },
    { GDK_KEY_BackSpace, GDK_ALT_MASK, "<A-BS>" },
    { GDK_KEY_Left, GDK_SHIFT_MASK | GDK_CONTROL_MASK, "<C-S-Left>" },
    { GDK_KEY_Page_Up, 0, "<PageUp>" },
    { GDK_KEY_F1, 0, "<F1>" },
    { GDK_KEY_F12, GDK_SHIFT_MASK, "<S-F12>" },
    /* Those that say nothing alone. */
    { GDK_KEY_Shift_L, 0, NULL },
    { GDK_KEY_Control_R, GDK_CONTROL_MASK, NULL },
    { GDK_KEY_ISO_Level3_Shift, 0, NULL },
    { GDK_KEY_dead_acute, 0, NULL },
    { GDK_KEY_VoidSymbol, 0, NULL },
    { 0, 0, NULL },
  };

  g_test_summary ("Keys are named as Neovim names them");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *keys = editor_keys_from_event (cases[i].keyval, cases[i].state);

      g_assert_cmpstr (keys, ==, cases[i].keys);
    }
}

static void
test_text (void)
{
  g_autofree char *keys = editor_keys_from_text ("a <b> ü<");

  g_test_summary ("What an input method commits is no name of a key, whatever it looks like");

  g_assert_cmpstr (keys, ==, "a <lt>b> ü<lt>");
}

static void
test_modifiers (void)
{
  g_autofree char *none = editor_keys_from_modifiers (GDK_LOCK_MASK | GDK_BUTTON1_MASK);
  g_autofree char *two = editor_keys_from_modifiers (GDK_SHIFT_MASK | GDK_CONTROL_MASK);

  g_test_summary ("Of modifiers, those that Neovim knows are told");

  g_assert_cmpstr (none, ==, "");
  g_assert_cmpstr (two, ==, "CS");
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/editor/keys/keys", test_keys);
  g_test_add_func ("/editor/keys/text", test_text);
  g_test_add_func ("/editor/keys/modifiers", test_modifiers);

  return g_test_run ();
}
