/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#define _GNU_SOURCE 1 /* pthread_getname_np */

#include "config.h"

#include "msgpack-rpc-debug-private.h"

#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "msgpack-rpc-message-private.h"

/* Of a message's text, how many bytes are shown. */
#define SHOWN_LENGTH 2000
/* Larger messages are not made text of at all. */
#define SHOWN_SIZE (64 * 1024)

guint _msgpack_rpc_debug_flags;

void
_msgpack_rpc_debug_init (void)
{
  static const GDebugKey keys[] = {
    { "calls", MSGPACK_RPC_DEBUG_CALLS },
    { "messages", MSGPACK_RPC_DEBUG_MESSAGES },
    { "io", MSGPACK_RPC_DEBUG_IO },
    { "status", MSGPACK_RPC_DEBUG_STATUS },
  };

  _msgpack_rpc_debug_flags = g_parse_debug_string (g_getenv ("MSGPACK_RPC_DEBUG"), keys,
                                                   G_N_ELEMENTS (keys));
}

/* What comes from a peer must not look like another line, or move a terminal's cursor. */
static char *
escape (const char *text)
{
  GString *escaped = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      g_string_append_printf (escaped, "\\x%02x", (guint) *p);
    else
      g_string_append_c (escaped, *p);

  return g_string_free (escaped, FALSE);
}

/* As messages of the log: they need not be asked for a second time, and go to standard error, since
 * standard output may be a stream to a peer. */
static void G_GNUC_PRINTF (4, 0)
print (GLogLevelFlags  level,
       guint64         connection_id,
       gint64          msgid,
       const char     *format,
       va_list         args)
{
  g_autofree char *raw = g_strdup_vprintf (format, args);
  g_autofree char *text = escape (raw);

  if (connection_id == 0)
    g_log_structured (G_LOG_DOMAIN, level, "MESSAGE", "%s", text);
  else if (msgid >= 0)
    g_log_structured (G_LOG_DOMAIN, level,
                      "MESSAGE", "[%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT "] %s",
                      connection_id, msgid, text);
  else
    g_log_structured (G_LOG_DOMAIN, level,
                      "MESSAGE", "[%" G_GUINT64_FORMAT "] %s", connection_id, text);
}

void
_msgpack_rpc_debug_print (guint64     connection_id,
                          gint64      msgid,
                          const char *format,
                          ...)
{
  va_list args;

  va_start (args, format);
  print (G_LOG_LEVEL_MESSAGE, connection_id, msgid, format, args);
  va_end (args);
}

void
_msgpack_rpc_debug_event (MsgpackRpcDebugFlags  flag,
                          guint64               connection_id,
                          const char           *format,
                          ...)
{
  gboolean wanted = (_msgpack_rpc_debug_flags & flag) != 0;
  va_list args;

  va_start (args, format);
  print (wanted ? G_LOG_LEVEL_MESSAGE : G_LOG_LEVEL_DEBUG, connection_id,
         MSGPACK_RPC_DEBUG_NO_MSGID, format, args);
  va_end (args);
}

void
_msgpack_rpc_debug_info (guint64                connection_id,
                         const MsgpackRpcPiece *msgid,
                         const char            *format,
                         ...)
{
  va_list args;

  va_start (args, format);
  print (G_LOG_LEVEL_INFO, connection_id, _msgpack_rpc_debug_get_msgid (msgid), format, args);
  va_end (args);
}

gint64
_msgpack_rpc_debug_get_msgid (const MsgpackRpcPiece *msgid)
{
  gint64 id;

  if (msgid == NULL || msgid->type == NULL || !_msgpack_rpc_piece_get_int (msgid, &id))
    return MSGPACK_RPC_DEBUG_NO_MSGID;

  return id;
}

const char *
_msgpack_rpc_debug_get_thread (char name[static 16])
{
  if (pthread_getname_np (pthread_self (), name, 16) != 0)
    return "without a name";

  return name;
}

char *
_msgpack_rpc_debug_show (GVariant *message)
{
  gsize size = g_variant_get_size (message);
  g_autofree char *text = NULL;

  if (size > SHOWN_SIZE)
    return g_strdup_printf ("a message of %" G_GSIZE_FORMAT " bytes", size);

  text = g_variant_print (message, FALSE);
  if (strlen (text) <= SHOWN_LENGTH)
    return g_steal_pointer (&text);

  *g_utf8_find_prev_char (text, text + SHOWN_LENGTH + 1) = '\0';
  return g_strconcat (text, "…", NULL);
}
