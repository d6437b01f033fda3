/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-error-domain-private.h"
#include "msgpack-rpc-invocation-private.h"

/* What peers tell each other beside calls and answers, if both know how. */

#define ANNOUNCEMENT "rpc.extensions"
#define CANCEL "rpc.cancel"
#define PROGRESS "rpc.progress"

/* How many names of extensions are looked at. */
#define MAX_NAMES 32
/* The longest message about progress, in bytes: each call keeps the last one. */
#define MAX_PROGRESS_SIZE (64 * 1024)

typedef struct
{
  const char *name;
  MsgpackRpcExtensions extension;
} Extension;

static const Extension extensions[] = {
  { "cancel", MSGPACK_RPC_EXTENSIONS_CANCEL },
  { "deadline", MSGPACK_RPC_EXTENSIONS_DEADLINE },
  { "errors", MSGPACK_RPC_EXTENSIONS_ERRORS },
  { "progress", MSGPACK_RPC_EXTENSIONS_PROGRESS },
};

gboolean
_msgpack_rpc_connection_peer_knows (MsgpackRpcConnection *self,
                                    MsgpackRpcExtensions  extension)
{
  return (g_atomic_int_get (&self->peer) & extension) != 0;
}

/**
 * msgpack_rpc_connection_get_peer_extensions: (get-property peer-extensions)
 * @self: a connection
 *
 * Gets what the peer has said that it understands.
 *
 * Returns: the extensions
 * Since: 1.0
 */
MsgpackRpcExtensions
msgpack_rpc_connection_get_peer_extensions (MsgpackRpcConnection *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTION (self), MSGPACK_RPC_EXTENSIONS_NONE);

  return g_atomic_int_get (&self->peer) & ~(MSGPACK_RPC_PEER_WAS_TOLD | MSGPACK_RPC_PEER_SAYS_TRUE);
}

/* ---- telling what we know ---- */

static MsgpackRpcPacked *
pack_announcement (MsgpackRpcConnection *self)
{
  g_autoptr(GVariant) params = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_STRING_ARRAY);
  for (guint i = 0; i < G_N_ELEMENTS (extensions); i++)
    g_variant_builder_add (&builder, "s", extensions[i].name);
  params = g_variant_ref_sink (g_variant_builder_end (&builder));

  return _msgpack_rpc_message_pack_notification (ANNOUNCEMENT, params,
                                                 _msgpack_rpc_settings_get_pack_flags (
                                                   self->settings), NULL);
}

/* FALSE if that was done before. */
static gboolean
begin_announcement (MsgpackRpcConnection *self)
{
  guint before = g_atomic_int_or (&self->peer, MSGPACK_RPC_PEER_WAS_TOLD);

  return (before & MSGPACK_RPC_PEER_WAS_TOLD) == 0;
}

static void
announce (MsgpackRpcConnection *self)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  if (!begin_announcement (self))
    return;

  packed = pack_announcement (self);
  _msgpack_rpc_link_send (self->link, packed, NULL, TRUE, NULL);
}

static gboolean
wants_extensions (MsgpackRpcConnection *self)
{
  /* A notification is what peers of that profile do not take. */
  return _msgpack_rpc_settings_get (self->settings, MSGPACK_RPC_SETTING_EXTENSIONS) &&
         !_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_SERIAL);
}

void
_msgpack_rpc_connection_announce (MsgpackRpcConnection *self)
{
  if (wants_extensions (self) && msgpack_rpc_connection_is_connected (self))
    announce (self);
}

void
_msgpack_rpc_connection_announce_first (MsgpackRpcConnection *self)
{
  g_autoptr(MsgpackRpcPacked) packed = NULL;

  if (!wants_extensions (self) || !begin_announcement (self))
    return;

  packed = pack_announcement (self);
  _msgpack_rpc_link_send_first (self->link, packed, NULL);
}

/* ---- for calls and invocations ---- */

static gboolean
send_extension (MsgpackRpcConnection *self,
                const char           *method,
                GVariant             *params,
                gsize                 max_size)
{
  MsgpackRpcPackFlags flags = _msgpack_rpc_link_get_pack_flags (self->link);
  g_autoptr(GVariant) sunk = g_variant_ref_sink (params);
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(GError) error = NULL;

  packed = _msgpack_rpc_message_pack_notification (method, sunk, flags, &error);
  if (packed != NULL && packed->size <= max_size &&
      _msgpack_rpc_link_send (self->link, packed, NULL, TRUE, &error))
    return TRUE;

  MSGPACK_RPC_DEBUG (CALLS, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "“%s” is not sent: %s", method,
                     error != NULL ? error->message : "it is too large");
  return FALSE;
}

void
_msgpack_rpc_connection_cancel_call (MsgpackRpcConnection *self,
                                     guint32               msgid)
{
  send_extension (self, CANCEL, g_variant_new ("(u)", msgid), G_MAXSIZE);
}

gboolean
_msgpack_rpc_connection_send_progress (MsgpackRpcConnection  *self,
                                       const MsgpackRpcPiece *msgid,
                                       double                 fraction,
                                       GVariant              *value)
{
  g_autoptr(GVariant) id = NULL;
  GVariantBuilder builder;

  /* Who reads slowly learns less often how far it is. */
  if (!_msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_PROGRESS) ||
      _msgpack_rpc_link_is_congested (self->link))
    return FALSE;

  id = _msgpack_rpc_piece_copy (msgid);
  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  g_variant_builder_add (&builder, "v", id);
  g_variant_builder_add (&builder, "v", g_variant_new_double (fraction));
  if (value != NULL)
    g_variant_builder_add (&builder, "v", value);
  return send_extension (self, PROGRESS, g_variant_builder_end (&builder), MAX_PROGRESS_SIZE);
}

GVariant *
_msgpack_rpc_connection_make_error_value (MsgpackRpcConnection *self,
                                          GQuark                domain,
                                          int                   code,
                                          const char           *text)
{
  if (_msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_ERRORS))
    return g_variant_ref_sink (_msgpack_rpc_error_domain_make_value (domain, code, text));
  if (_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_NEOVIM))
    return g_variant_ref_sink (_msgpack_rpc_message_new_neovim_error (
                                 domain == MSGPACK_RPC_ERROR ? code : MSGPACK_RPC_ERROR_FAILED, text));

  return g_variant_ref_sink (_msgpack_rpc_message_error_from_text (text));
}

/* ---- what the peer says ---- */

/* Elements of an extension's parameters, unboxed; NULL if there is none. */
static GVariant *
get_param (GVariant *params,
           gsize     index)
{
  g_autoptr(GVariant) child = NULL;

  if (!g_variant_is_of_type (params, G_VARIANT_TYPE ("av")) ||
      index >= g_variant_n_children (params))
    return NULL;

  child = g_variant_get_child_value (params, index);
  return g_variant_get_variant (child);
}

static void
ignore (MsgpackRpcConnection *self,
        const char           *method)
{
  _msgpack_rpc_statistics_add (_msgpack_rpc_link_get_statistics (self->link),
                               MSGPACK_RPC_STATISTIC_IGNORED_EXTENSIONS, 1);
  MSGPACK_RPC_DEBUG (MESSAGES, self->id, MSGPACK_RPC_DEBUG_NO_MSGID, "“%s” is ignored", method);
}

static void
deliver_peer_extensions (gpointer owner,
                         gpointer data G_GNUC_UNUSED)
{
  g_object_notify (G_OBJECT (owner), "peer-extensions");
}

static MsgpackRpcExtensions
parse_announcement (GVariant *params)
{
  MsgpackRpcExtensions found = MSGPACK_RPC_EXTENSIONS_NONE;

  for (gsize i = 0; i < MAX_NAMES; i++)
    {
      g_autoptr(GVariant) name = get_param (params, i);

      if (name == NULL)
        break;
      if (!g_variant_is_of_type (name, G_VARIANT_TYPE_STRING))
        continue;

      for (guint j = 0; j < G_N_ELEMENTS (extensions); j++)
        if (g_str_equal (g_variant_get_string (name, NULL), extensions[j].name))
          found |= extensions[j].extension;
    }

  return found;
}

/* What is told once stays so; who says it again says nothing new. */
static void
take_announcement (MsgpackRpcConnection *self,
                   GVariant             *params)
{
  MsgpackRpcExtensions found = parse_announcement (params);
  guint before;

  if (!g_variant_is_of_type (params, G_VARIANT_TYPE ("av")))
    ignore (self, ANNOUNCEMENT);

  before = g_atomic_int_or (&self->peer, found);
  if ((before & found) != found)
    _msgpack_rpc_connection_post (self, deliver_peer_extensions, NULL, NULL);
  announce (self);
}

static MsgpackRpcCall *
ref_call (MsgpackRpcConnection *self,
          GVariant             *msgid)
{
  g_autoptr(GMutexLocker) locker = NULL;
  gint64 id;

  if (msgid == NULL || !_msgpack_rpc_value_get_int (msgid, &id))
    return NULL;

  locker = g_mutex_locker_new (&self->lock);
  return _msgpack_rpc_call_table_lookup (&self->calls, id);
}

/* Peers write 1.0 as 1. Not a number is none. */
static gboolean
get_fraction (GVariant *value,
              double   *fraction)
{
  gint64 integer;

  if (value == NULL)
    return FALSE;

  if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    *fraction = g_variant_get_double (value);
  else if (_msgpack_rpc_value_get_int (value, &integer))
    *fraction = (double) integer;
  else
    return FALSE;

  if (!(*fraction == *fraction))
    return FALSE;

  *fraction = CLAMP (*fraction, 0, 1);
  return TRUE;
}

static void
take_progress (MsgpackRpcConnection *self,
               gsize                 size,
               GVariant             *params)
{
  g_autoptr(GVariant) msgid = get_param (params, 0);
  g_autoptr(GVariant) number = get_param (params, 1);
  g_autoptr(GVariant) value = get_param (params, 2);
  g_autoptr(MsgpackRpcCall) call = ref_call (self, msgid);
  double fraction;

  if (call == NULL || size > MAX_PROGRESS_SIZE || !get_fraction (number, &fraction) ||
      !_msgpack_rpc_call_report_progress (call, fraction, value))
    ignore (self, PROGRESS);
}

gboolean
_msgpack_rpc_connection_is_extension (MsgpackRpcConnection    *self,
                                      const MsgpackRpcMessage *message)
{
  if (message->type != MSGPACK_RPC_MESSAGE_NOTIFICATION || message->method[0] != 'r')
    return FALSE;

  return g_str_equal (message->method, ANNOUNCEMENT) ||
         (g_str_equal (message->method, PROGRESS) &&
          _msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_PROGRESS));
}

void
_msgpack_rpc_connection_take_extension (MsgpackRpcConnection    *self,
                                        gsize                    size,
                                        const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) params = _msgpack_rpc_piece_to_value (&message->params, message->bytes);

  if (g_str_equal (message->method, ANNOUNCEMENT))
    take_announcement (self, params);
  else
    take_progress (self, size, params);
}

/* ---- the peer gives up a request ---- */

/* There are no more than may be in flight. */
static MsgpackRpcInvocation *
ref_invocation (MsgpackRpcConnection  *self,
                const MsgpackRpcPiece *msgid)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  for (GList *item = self->invocations.head; item != NULL; item = item->next)
    if (_msgpack_rpc_piece_is_same_id (_msgpack_rpc_invocation_get_msgid_piece (item->data), msgid))
      return g_object_ref (item->data);

  return NULL;
}

void
_msgpack_rpc_connection_withdraw_request (MsgpackRpcConnection  *self,
                                          const MsgpackRpcPiece *msgid,
                                          const char            *name)
{
  g_autoptr(MsgpackRpcInvocation) invocation = ref_invocation (self, msgid);

  if (invocation == NULL || !_msgpack_rpc_invocation_withdraw (invocation))
    ignore (self, name);
}

gboolean
_msgpack_rpc_connection_deliver_extension (MsgpackRpcConnection    *self,
                                           const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) params = NULL;
  g_autoptr(GVariant) msgid = NULL;
  MsgpackRpcPiece piece;

  if (message->method[0] != 'r' || !g_str_equal (message->method, CANCEL) ||
      !_msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_CANCEL))
    return FALSE;

  params = _msgpack_rpc_piece_to_value (&message->params, message->bytes);
  msgid = get_param (params, 0);
  piece = _msgpack_rpc_piece_of_value (msgid);
  _msgpack_rpc_connection_withdraw_request (self, &piece, CANCEL);
  return TRUE;
}
