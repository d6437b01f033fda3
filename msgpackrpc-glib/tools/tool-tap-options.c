/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-tap-options.h"

#include <glib/gi18n.h>

#define FRAMING_NONE "none"
#define FRAMING_LENGTH "msgpack-length"

/* It must live while the context parses. */
void
tool_tap_options_add (ToolTapOptions *self,
                      GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "framing", 0, 0, G_OPTION_ARG_STRING, &self->framing,
      N_("What stands around each message"), FRAMING_NONE "|" FRAMING_LENGTH },
    { "full", 0, 0, G_OPTION_ARG_NONE, &self->is_full, N_("Do not shorten long values"), NULL },
    { "method", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &self->methods,
      N_("Print only what is about methods with such a name; may be given several times"),
      N_("PATTERN") },
    { "relative", 'r', 0, G_OPTION_ARG_NONE, &self->is_relative,
      N_("Print times as seconds since the beginning"), NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  tool_format_add_option (&self->format, context);
}

gboolean
tool_tap_options_check (const ToolTapOptions  *self,
                        GError               **error)
{
  if (self->framing == NULL || g_str_equal (self->framing, FRAMING_NONE) ||
      g_str_equal (self->framing, FRAMING_LENGTH))
    return TRUE;

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               /* Translators: the value of an option, the option, and what it can be */
               _("Unknown value “%s” of “--%s”; the values are: %s"), self->framing, "framing",
               FRAMING_NONE ", " FRAMING_LENGTH);
  return FALSE;
}

gboolean
tool_tap_options_is_framed (const ToolTapOptions *self,
                            gboolean              otherwise)
{
  return self->framing != NULL ? g_str_equal (self->framing, FRAMING_LENGTH) : otherwise;
}

void
tool_tap_options_clear (ToolTapOptions *self)
{
  g_clear_pointer (&self->methods, g_strfreev);
  g_clear_pointer (&self->framing, g_free);
}
