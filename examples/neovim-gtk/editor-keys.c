/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "editor-keys.h"

/* Those whose names differ from GDK's. */
static const struct
{
  guint keyval;
  const char *name;
} names[] = {
  { GDK_KEY_BackSpace, "BS" },
  { GDK_KEY_Delete, "Del" },
  { GDK_KEY_Down, "Down" },
  { GDK_KEY_End, "End" },
  { GDK_KEY_Escape, "Esc" },
  { GDK_KEY_Home, "Home" },
  { GDK_KEY_ISO_Left_Tab, "Tab" },
  { GDK_KEY_Insert, "Insert" },
  { GDK_KEY_KP_0, "k0" },
  { GDK_KEY_KP_1, "k1" },
  { GDK_KEY_KP_2, "k2" },
  { GDK_KEY_KP_3, "k3" },
  { GDK_KEY_KP_4, "k4" },
  { GDK_KEY_KP_5, "k5" },
  { GDK_KEY_KP_6, "k6" },
  { GDK_KEY_KP_7, "k7" },
  { GDK_KEY_KP_8, "k8" },
  { GDK_KEY_KP_9, "k9" },
  { GDK_KEY_KP_Add, "kPlus" },
  { GDK_KEY_KP_Decimal, "kPoint" },
  { GDK_KEY_KP_Delete, "Del" },
  { GDK_KEY_KP_Divide, "kDivide" },
  { GDK_KEY_KP_Down, "Down" },
  { GDK_KEY_KP_End, "kEnd" },
  { GDK_KEY_KP_Enter, "kEnter" },
  { GDK_KEY_KP_Home, "kHome" },
  { GDK_KEY_KP_Insert, "Insert" },
  { GDK_KEY_KP_Left, "Left" },
  { GDK_KEY_KP_Multiply, "kMultiply" },
  { GDK_KEY_KP_Page_Down, "kPageDown" },
  { GDK_KEY_KP_Page_Up, "kPageUp" },
  { GDK_KEY_KP_Right, "Right" },
  { GDK_KEY_KP_Subtract, "kMinus" },
  { GDK_KEY_KP_Up, "Up" },
  { GDK_KEY_Left, "Left" },
  { GDK_KEY_Page_Down, "PageDown" },
  { GDK_KEY_Page_Up, "PageUp" },
  { GDK_KEY_Return, "CR" },
  { GDK_KEY_Right, "Right" },
  { GDK_KEY_Tab, "Tab" },
  { GDK_KEY_Up, "Up" },
  { GDK_KEY_backslash, "Bslash" },
  { GDK_KEY_bar, "Bar" },
  { GDK_KEY_less, "lt" },
  { GDK_KEY_space, "Space" },
};

static const char *
find_name (guint keyval)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (names[i].keyval == keyval)
      return names[i].name;

  return NULL;
}

char *
editor_keys_from_modifiers (GdkModifierType state)
{
  GString *modifiers = g_string_new (NULL);

  if ((state & GDK_CONTROL_MASK) != 0)
    g_string_append_c (modifiers, 'C');
  if ((state & GDK_SHIFT_MASK) != 0)
    g_string_append_c (modifiers, 'S');
  if ((state & GDK_ALT_MASK) != 0)
    g_string_append_c (modifiers, 'A');
  if ((state & GDK_SUPER_MASK) != 0)
    g_string_append_c (modifiers, 'D');

  return g_string_free (modifiers, FALSE);
}

static char *
join (GdkModifierType state,
      const char     *name)
{
  g_autofree char *modifiers = editor_keys_from_modifiers (state);
  GString *keys = g_string_new ("<");

  for (const char *modifier = modifiers; *modifier != '\0'; modifier++)
    g_string_append_printf (keys, "%c-", *modifier);
  g_string_append_printf (keys, "%s>", name);

  return g_string_free (keys, FALSE);
}

char *
editor_keys_from_event (guint           keyval,
                        GdkModifierType state)
{
  const GdkModifierType commands = GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK;
  const char *name = find_name (keyval);
  gunichar character = gdk_keyval_to_unicode (keyval);
  char text[7] = "";

  /* Shift has made the character what it is. */
  if (name != NULL && character > ' ' && character < 0x7f)
    return join (state & ~GDK_SHIFT_MASK, name);
  if (name != NULL)
    return join (state, name);
  if (keyval >= GDK_KEY_F1 && keyval <= GDK_KEY_F35)
    return join (state, gdk_keyval_name (keyval));
  if (character == 0 || !g_unichar_isprint (character))
    return NULL;

  g_unichar_to_utf8 (character, text);
  return (state & commands) != 0 ? join (state & commands, text) : g_strdup (text);
}

char *
editor_keys_from_text (const char *text)
{
  GString *keys = g_string_new (text);

  g_string_replace (keys, "<", "<lt>", 0);
  return g_string_free (keys, FALSE);
}
