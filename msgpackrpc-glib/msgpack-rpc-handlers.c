/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-handlers-private.h"

static guint
get_notify_signal (void)
{
  static gsize id;

  if (g_once_init_enter (&id))
    g_once_init_leave (&id, g_signal_lookup ("notify", G_TYPE_OBJECT));
  return (guint) id;
}

gboolean
_msgpack_rpc_has_handler (gpointer object,
                          guint    signal_id)
{
  return g_signal_handler_find (object, G_SIGNAL_MATCH_ID, signal_id, 0, NULL, NULL, NULL) != 0;
}

gboolean
_msgpack_rpc_has_any_handler (gpointer object)
{
  return g_signal_handler_find (object, G_SIGNAL_MATCH_UNBLOCKED, 0, 0, NULL, NULL, NULL) != 0;
}

gboolean
_msgpack_rpc_has_notify_handler (gpointer object)
{
  return _msgpack_rpc_has_handler (object, get_notify_signal ());
}

/* Few objects have any handler at all, and the first question costs least. */
gboolean
_msgpack_rpc_is_notified_of (gpointer    object,
                             const char *property)
{
  GQuark details[] = { 0, 0 };

  if (!_msgpack_rpc_has_notify_handler (object))
    return FALSE;

  details[0] = g_quark_try_string (property);
  for (guint i = 0; i < G_N_ELEMENTS (details); i++)
    if (g_signal_handler_find (object, G_SIGNAL_MATCH_ID | G_SIGNAL_MATCH_DETAIL,
                               get_notify_signal (), details[i], NULL, NULL, NULL) != 0)
      return TRUE;

  return FALSE;
}

gboolean
_msgpack_rpc_accumulate_agreement (GSignalInvocationHint *hint G_GNUC_UNUSED,
                                   GValue                *all,
                                   const GValue          *one,
                                   gpointer               data G_GNUC_UNUSED)
{
  gboolean agrees = g_value_get_boolean (one);

  g_value_set_boolean (all, agrees);
  return agrees;
}
