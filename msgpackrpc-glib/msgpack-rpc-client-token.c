/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-introduction-private.h"

/* How a client and its server show each other that they know a token: it is a part of opening. */

/**
 * msgpack_rpc_client_get_token: (get-property token)
 * @self: a client
 *
 * Gets the secret that the server knows, too.
 *
 * Returns: (transfer full) (nullable): the token, or `NULL` for none
 *
 * Since: 1.0
 */
MsgpackRpcToken *
msgpack_rpc_client_get_token (MsgpackRpcClient *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return self->token != NULL ? g_object_ref (self->token) : NULL;
}

/**
 * msgpack_rpc_client_set_token: (set-property token)
 * @self: a client
 * @token: (nullable): a token, or `NULL` for none
 *
 * Sets the secret that the server knows, too, for when the client is opened next.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_token (MsgpackRpcClient *self,
                              MsgpackRpcToken  *token)
{
  g_autoptr(MsgpackRpcToken) old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (token == NULL || MSGPACK_RPC_IS_TOKEN (token));

  g_mutex_lock (&self->lock);
  old = self->token;
  self->token = token != NULL ? g_object_ref (token) : NULL;
  g_mutex_unlock (&self->lock);

  if (old != token)
    _msgpack_rpc_reactor_notify (self->reactor, G_OBJECT (self),
                                 g_object_class_find_property (G_OBJECT_GET_CLASS (self), "token"));
}

/* What the introduction needs after the client may be gone. */
typedef struct
{
  MsgpackRpcConnection *connection; /* owned */
  GIOStream *stream;                /* owned */
  char *name;                       /* of the server */
  GWeakRef client;
} Guest;

static void
introduced_cb (GObject      *source G_GNUC_UNUSED,
               GAsyncResult *result,
               gpointer      user_data)
{
  Guest *guest = user_data;
  g_autoptr(MsgpackRpcClient) client = g_weak_ref_get (&guest->client);
  g_autoptr(GBytes) early = NULL;
  g_autoptr(GError) error = NULL;

  early = _msgpack_rpc_introduction_finish (result, &error);
  if (early == NULL)
    {
      /* The application may hold the stream. */
      g_io_stream_close_async (guest->stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
      g_clear_object (&guest->stream);
      g_prefix_error (&error, _("Could not connect to “%s”: "), guest->name);
    }
  else if (g_bytes_get_size (early) > 0)
    _msgpack_rpc_connection_set_early_input (guest->connection, early);
  _msgpack_rpc_client_end_attempt (client, guest->connection, guest->stream,
                                   g_steal_pointer (&error));

  g_object_unref (guest->connection);
  g_clear_object (&guest->stream);
  g_free (guest->name);
  g_weak_ref_clear (&guest->client);
  g_free (guest);
}

gboolean
_msgpack_rpc_client_introduce (MsgpackRpcClient     *self,
                               MsgpackRpcConnection *connection,
                               GIOStream            *stream,
                               GCancellable         *cancellable)
{
  g_autoptr(MsgpackRpcToken) token = msgpack_rpc_client_get_token (self);
  Guest *guest;

  if (token == NULL)
    return FALSE;

  guest = g_new0 (Guest, 1);
  guest->connection = g_object_ref (connection);
  guest->stream = g_object_ref (stream);
  guest->name = _msgpack_rpc_target_describe (&self->target);
  g_weak_ref_init (&guest->client, self);
  _msgpack_rpc_introduction_start_async (stream, token, self->limits, self->settings, cancellable,
                                         introduced_cb, guest);
  return TRUE;
}
