/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connection-messages-private.h"

#include <string.h>

#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-invocation-private.h"

/* What peers send that is not as the specification has it: understood and counted, or, of a connection
 * that is strict, the end of it. */

/* Neovim tells so of a notification that has failed. */
#define NEOVIM_ERROR "nvim_error_event"
/* Neovim closes the connection on a longer name. */
#define NEOVIM_MAX_METHOD 100

static void
count (MsgpackRpcConnection *self,
       MsgpackRpcStatistic   statistic)
{
  _msgpack_rpc_statistics_add (_msgpack_rpc_link_get_statistics (self->link), statistic, 1);
}

static gboolean
is_strict (MsgpackRpcConnection *self)
{
  return _msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_STRICT);
}

/* @is_new: not counted as invalid yet. */
static void
fail_strictly (MsgpackRpcConnection *self,
               gboolean              is_new,
               const char           *what)
{
  g_autoptr(GError) error = NULL;

  if (is_new)
    count (self, MSGPACK_RPC_STATISTIC_INVALID_MESSAGES);
  error = g_error_new (MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE,
                       "Message breaks the specification, which the profile “strict” does not "
                       "allow: %s", what);
  _msgpack_rpc_link_fail (self->link, error);
}

gboolean
_msgpack_rpc_connection_tolerate (MsgpackRpcConnection *self,
                                  const char           *what)
{
  if (is_strict (self))
    {
      fail_strictly (self, TRUE, what);
      return FALSE;
    }

  count (self, MSGPACK_RPC_STATISTIC_TOLERATED_MESSAGES);
  MSGPACK_RPC_DEBUG (MESSAGES, self->id, MSGPACK_RPC_DEBUG_NO_MSGID,
                     "a message is not as the specification says: %s", what);
  return TRUE;
}

gboolean
_msgpack_rpc_connection_tolerate_oddity (MsgpackRpcConnection    *self,
                                         const MsgpackRpcMessage *message)
{
  /* That is how callers say for how long they wait, if both know of it. */
  if (message->oddity == MSGPACK_RPC_ODDITY_ONE_MORE && message->time_left > 0 &&
      _msgpack_rpc_connection_peer_knows (self, MSGPACK_RPC_EXTENSIONS_DEADLINE))
    return TRUE;

  return _msgpack_rpc_connection_tolerate (self,
                                           _msgpack_rpc_message_describe_oddity (message->oddity));
}

gboolean
_msgpack_rpc_connection_tolerate_duplicate (MsgpackRpcConnection *self)
{
  count (self, MSGPACK_RPC_STATISTIC_DUPLICATE_REQUESTS);
  if (!is_strict (self))
    return TRUE;

  fail_strictly (self, TRUE, "a request has the id of another one that is not answered yet");
  return FALSE;
}

gboolean
_msgpack_rpc_connection_refuses_invalid (MsgpackRpcConnection *self,
                                         const GError         *error)
{
  if (!is_strict (self))
    return FALSE;

  fail_strictly (self, FALSE, error->message);
  return TRUE;
}

/* ---- errors that belong to no call ---- */

static gboolean
hears_peer_errors (MsgpackRpcConnection *self)
{
  g_autoptr(GObject) client = NULL;

  if (_msgpack_rpc_has_handler (self, _msgpack_rpc_connection_signals[SIGNAL_PEER_ERROR]))
    return TRUE;

  client = _msgpack_rpc_connection_ref_client (self);
  return client != NULL && self->client_funcs->hears_peer_errors (client);
}

/* In the main context. */
static void
tell_peer_error (MsgpackRpcConnection *self,
                 GVariant             *value,
                 GVariant             *result)
{
  g_autofree char *text = _msgpack_rpc_message_error_to_text (value, result);
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);

  g_signal_emit (self, _msgpack_rpc_connection_signals[SIGNAL_PEER_ERROR], 0, text, value);
  if (client != NULL)
    self->client_funcs->peer_error (client, text, value);
}

static void
deliver_unknown_reply (gpointer owner,
                       gpointer data)
{
  MsgpackRpcIncoming *incoming = data;
  MsgpackRpcMessage *message = &incoming->message;
  g_autoptr(GVariant) msgid = _msgpack_rpc_piece_to_value (&message->msgid, message->bytes);
  g_autoptr(GVariant) error = _msgpack_rpc_piece_to_value (&message->error, message->bytes);
  g_autoptr(GVariant) result = _msgpack_rpc_piece_to_value (&message->result, message->bytes);

  _msgpack_rpc_connection_release_message (owner, incoming->size);
  if (_msgpack_rpc_connection_is_over (owner))
    return;

  g_signal_emit (owner, _msgpack_rpc_connection_signals[SIGNAL_UNKNOWN_REPLY], 0, msgid, error,
                 result);
  if (!_msgpack_rpc_piece_is_nil (&message->error))
    tell_peer_error (owner, error, result);
}

static void
refuse_unknown_reply (MsgpackRpcConnection    *self,
                      const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) value = _msgpack_rpc_piece_to_value (&message->error, message->bytes);
  g_autoptr(GVariant) result = _msgpack_rpc_piece_to_value (&message->result, message->bytes);
  g_autofree char *text = NULL;
  g_autofree char *quoted = NULL;
  g_autofree char *what = NULL;

  if (_msgpack_rpc_value_is_nil (value))
    {
      fail_strictly (self, TRUE, "a reply has the id of no request");
      return;
    }

  text = _msgpack_rpc_message_error_to_text (value, result);
  quoted = _msgpack_rpc_message_quote_method (text);
  what = g_strdup_printf ("a reply has the id of no request, and says: %s", quoted);
  fail_strictly (self, TRUE, what);
}

void
_msgpack_rpc_connection_take_unknown_reply (MsgpackRpcConnection *self,
                                            gsize                 size,
                                            MsgpackRpcMessage    *message)
{
  const guint *signals = _msgpack_rpc_connection_signals;
  gboolean is_error = !_msgpack_rpc_piece_is_nil (&message->error);

  count (self, MSGPACK_RPC_STATISTIC_UNKNOWN_REPLIES);
  if (is_error)
    count (self, MSGPACK_RPC_STATISTIC_PEER_ERRORS);
  if (is_strict (self))
    refuse_unknown_reply (self, message);
  else if ((_msgpack_rpc_has_handler (self, signals[SIGNAL_UNKNOWN_REPLY]) ||
            (is_error && hears_peer_errors (self))) &&
           _msgpack_rpc_connection_check_held_bytes (self))
    _msgpack_rpc_connection_post_incoming (self, size, message, deliver_unknown_reply);
}

void
_msgpack_rpc_connection_look_for_peer_error (MsgpackRpcConnection    *self,
                                             const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) params = NULL;

  if (!_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_NEOVIM) ||
      !g_str_equal (message->method, NEOVIM_ERROR))
    return;

  count (self, MSGPACK_RPC_STATISTIC_PEER_ERRORS);
  if (!hears_peer_errors (self))
    return;

  params = _msgpack_rpc_piece_to_value (&message->params, message->bytes);
  tell_peer_error (self, params, NULL);
}

/* ---- messages of unknown types ---- */

static void
deliver_unknown_message (gpointer owner,
                         gpointer data)
{
  MsgpackRpcConnection *self = owner;
  MsgpackRpcIncoming *incoming = data;
  g_autoptr(GObject) client = _msgpack_rpc_connection_ref_client (self);
  g_autoptr(GVariant) value = _msgpack_rpc_message_to_value (incoming->message.bytes);

  _msgpack_rpc_connection_release_message (self, incoming->size);
  if (_msgpack_rpc_connection_is_over (self))
    return;

  g_signal_emit (self, _msgpack_rpc_connection_signals[SIGNAL_UNKNOWN_MESSAGE], 0, value);
  if (client != NULL)
    self->client_funcs->unknown_message (client, value);
}

static void
deliver_cancel (gpointer owner,
                gpointer data)
{
  MsgpackRpcConnection *self = owner;
  MsgpackRpcIncoming *incoming = data;

  _msgpack_rpc_connection_release_message (self, incoming->size);
  _msgpack_rpc_connection_withdraw_request (self, &incoming->message.msgid, "cancel");
}

static gboolean
hears_unknown_messages (MsgpackRpcConnection *self)
{
  g_autoptr(GObject) client = NULL;

  if (_msgpack_rpc_has_handler (self, _msgpack_rpc_connection_signals[SIGNAL_UNKNOWN_MESSAGE]))
    return TRUE;

  client = _msgpack_rpc_connection_ref_client (self);
  return client != NULL && self->client_funcs->hears_unknown_messages (client);
}

gboolean
_msgpack_rpc_connection_take_unknown_message (MsgpackRpcConnection *self,
                                              gsize                 size,
                                              MsgpackRpcMessage    *message)
{
  MsgpackRpcPiece msgid;

  if (_msgpack_rpc_settings_has_dialect (self->settings, MSGPACK_RPC_DIALECT_CANCELS) &&
      _msgpack_rpc_message_parse_cancel (message->bytes, &msgid))
    {
      message->msgid = msgid;
      _msgpack_rpc_connection_post_incoming (self, size, message, deliver_cancel);
      return TRUE;
    }

  if (!is_strict (self) && hears_unknown_messages (self))
    {
      g_auto(MsgpackRpcMessage) seen = {
        .type = MSGPACK_RPC_MESSAGE_INVALID,
        .bytes = g_bytes_ref (message->bytes),
      };

      _msgpack_rpc_connection_post_incoming (self, size, &seen, deliver_unknown_message);
    }
  return FALSE;
}

/* ---- what is sent ---- */

void
_msgpack_rpc_connection_check_for_neovim (const char *method)
{
  g_autofree char *quoted = NULL;

  if (strlen (method) <= NEOVIM_MAX_METHOD)
    return;

  quoted = _msgpack_rpc_message_quote_method (method);
  g_warning ("Neovim closes the connection on a method name of more than %d bytes: “%s” has %zu",
             NEOVIM_MAX_METHOD, quoted, strlen (method));
}
