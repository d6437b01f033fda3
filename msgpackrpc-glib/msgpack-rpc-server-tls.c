/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-server-private.h"

#include "msgpack-rpc-certificate-pins.h"
#include "msgpack-rpc-guard-private.h"
#include "msgpack-rpc-limits-private.h"
#include "msgpack-rpc-tls-private.h"
#include "msgpack-rpc-transport-private.h"

/* Those who come to a socket where TLS is spoken, until they have shaken hands, and what is shown to
 * them and asked of them. */

/* ---- shaking hands ---- */

/* GIO does that in a thread, which blocks for as long as the peer is silent. Therefore it begins when
 * the peer has said something. */
typedef struct
{
  gatomicrefcount ref_count;
  GWeakRef server;
  GIOStream *stream;          /* owned: TLS */
  GSocket *socket;            /* not owned: the stream's */
  GCancellable *cancellable;  /* owned */
  GSource *begin;             /* owned: the peer has said something */
  GSource *deadline;          /* owned, nullable */
  int timeout;                /* milliseconds */
  gboolean timed_out;
} Handshake;

static Handshake *
handshake_ref (Handshake *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
handshake_unref (gpointer data)
{
  Handshake *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_clear_pointer (&self->begin, g_source_unref);
  g_clear_pointer (&self->deadline, g_source_unref);
  g_object_unref (self->cancellable);
  g_object_unref (self->stream);
  g_weak_ref_clear (&self->server);
  g_free (self);
}

static void
stop_waiting (Handshake *self)
{
  g_source_destroy (self->begin);
  if (self->deadline != NULL)
    g_source_destroy (self->deadline);
}

/* Ends what it waits for; in any thread. */
static void
handshake_stop (gpointer data)
{
  Handshake *self = data;

  stop_waiting (self);
  g_cancellable_cancel (self->cancellable);
  _msgpack_rpc_transport_cut_off (self->stream);
  handshake_unref (self);
}

GPtrArray *
_msgpack_rpc_server_new_handshakes (void)
{
  return g_ptr_array_new_with_free_func (handshake_stop);
}

void
_msgpack_rpc_server_drop_handshakes (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) handshakes = NULL;

  g_mutex_lock (&priv->lock);
  handshakes = g_steal_pointer (&priv->handshakes);
  priv->handshakes = _msgpack_rpc_server_new_handshakes ();
  g_mutex_unlock (&priv->lock);
}

static gboolean
take_off_list (MsgpackRpcServer *self,
               Handshake        *handshake)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  gboolean found;
  guint i;

  g_mutex_lock (&priv->lock);
  found = g_ptr_array_find (priv->handshakes, handshake, &i);
  if (found)
    g_ptr_array_steal_index (priv->handshakes, i);
  g_mutex_unlock (&priv->lock);

  return found;
}

static GSource *
attach (Handshake    *self,
        GSource      *source,
        GSourceFunc   func,
        GMainContext *context)
{
  g_source_set_static_name (source, "[msgpackrpc-glib] TLS handshake");
  g_source_set_callback (source, func, handshake_ref (self), handshake_unref);
  g_source_attach (source, context);
  return source;
}

void
_msgpack_rpc_server_dismiss_handshakes (MsgpackRpcServer *self,
                                        gboolean          all)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GPtrArray) dismissed = _msgpack_rpc_server_new_handshakes ();

  g_mutex_lock (&priv->lock);
  for (guint i = priv->handshakes->len; i > 0; i--)
    {
      Handshake *handshake = g_ptr_array_index (priv->handshakes, i - 1);

      if (all || !g_source_is_destroyed (handshake->begin))
        g_ptr_array_add (dismissed, g_ptr_array_steal_index (priv->handshakes, i - 1));
    }
  g_mutex_unlock (&priv->lock);
}

/* In the main context, as all that follows. */
static void
cut_off (Handshake    *self,
         const GError *error)
{
  g_autoptr(MsgpackRpcServer) server = g_weak_ref_get (&self->server);

  if (server == NULL || !take_off_list (server, self))
    return;

  _msgpack_rpc_guard_cut_off (self->socket, error);
  handshake_stop (self);
  _msgpack_rpc_server_check_drained (server);
}

static void
time_out (Handshake *self)
{
  g_autoptr(GError) error = NULL;

  error = g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                       "The TLS handshake was not finished within %d ms", self->timeout);
  cut_off (self, error);
}

static void
succeed (Handshake *self)
{
  g_autoptr(MsgpackRpcServer) server = g_weak_ref_get (&self->server);

  if (server == NULL || !take_off_list (server, self))
    return;

  stop_waiting (self);
  _msgpack_rpc_server_enter (server, self->stream);
  _msgpack_rpc_server_check_drained (server);
  handshake_unref (self);
}

static void
shaken_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  Handshake *self = user_data;
  g_autoptr(GError) error = NULL;

  if (g_tls_connection_handshake_finish (G_TLS_CONNECTION (source), result, &error))
    {
      succeed (self);
    }
  else if (self->timed_out)
    {
      time_out (self);
    }
  else
    {
      error = _msgpack_rpc_tls_explain (self->stream, error);
      cut_off (self, error);
    }
  handshake_unref (self);
}

static gboolean
begin_cb (GSocket      *socket G_GNUC_UNUSED,
          GIOCondition  condition G_GNUC_UNUSED,
          gpointer      user_data)
{
  Handshake *self = user_data;
  GMainContext *context = g_source_get_context (self->begin);

  /* Whoever runs the context need not have made it the thread-default one. */
  g_main_context_push_thread_default (context);
  g_tls_connection_handshake_async (G_TLS_CONNECTION (self->stream), G_PRIORITY_DEFAULT,
                                    self->cancellable, shaken_cb, handshake_ref (self));
  g_main_context_pop_thread_default (context);
  return G_SOURCE_REMOVE;
}

static gboolean
deadline_cb (gpointer user_data)
{
  Handshake *self = user_data;

  self->timed_out = TRUE;
  if (g_source_is_destroyed (self->begin))
    {
      /* The thread ends, and calls back. */
      g_cancellable_cancel (self->cancellable);
      _msgpack_rpc_transport_cut_off (self->stream);
    }
  else
    time_out (self);
  return G_SOURCE_REMOVE;
}

/* A server is asked about each certificate, also about good ones. */
static gboolean
accept_certificate_cb (GTlsConnection       *stream G_GNUC_UNUSED,
                       GTlsCertificate      *certificate G_GNUC_UNUSED,
                       GTlsCertificateFlags  errors,
                       gpointer              user_data G_GNUC_UNUSED)
{
  return errors == 0;
}

static GIOStream *
make_stream (MsgpackRpcServerPrivate  *priv,
             GIOStream                *io_stream,
             GError                  **error)
{
  g_autoptr(GTlsCertificate) certificate = NULL;
  g_autoptr(GTlsDatabase) database = NULL;
  GTlsAuthenticationMode mode;
  GIOStream *stream;

  g_mutex_lock (&priv->lock);
  g_set_object (&certificate, priv->tls_certificate);
  g_set_object (&database, priv->tls_database);
  mode = priv->tls_authentication_mode;
  g_mutex_unlock (&priv->lock);

  stream = g_tls_server_connection_new (io_stream, certificate, error);
  if (stream == NULL)
    return NULL;

  /* Else whoever has a certificate of any authority that this system trusts would be let in. */
  if (database == NULL)
    database = G_TLS_DATABASE (msgpack_rpc_certificate_pins_new ());
  g_tls_connection_set_database (G_TLS_CONNECTION (stream), database);
  g_object_set (stream, "authentication-mode", mode, NULL);
  g_signal_connect (stream, "accept-certificate", G_CALLBACK (accept_certificate_cb), NULL);
  return stream;
}

/* If there are too many, the oldest goes for it: one that means it needs its place for a moment. */
static void
add_handshake (MsgpackRpcServer *self,
               Handshake        *handshake)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  g_autoptr(GError) error = NULL;
  Handshake *oldest = NULL;

  g_mutex_lock (&priv->lock);
  if (priv->handshakes->len >= priv->max_handshakes)
    oldest = handshake_ref (g_ptr_array_index (priv->handshakes, 0));
  g_ptr_array_add (priv->handshakes, handshake);
  g_mutex_unlock (&priv->lock);

  if (oldest == NULL)
    return;

  error = _msgpack_rpc_server_new_handshakes_error (self);
  cut_off (oldest, error);
  handshake_unref (oldest);
}

void
_msgpack_rpc_server_shake_hands (MsgpackRpcServer *self,
                                 GIOStream        *io_stream)
{
  MsgpackRpcServerPrivate *priv = _msgpack_rpc_server_get_private (self);
  GSocket *socket = _msgpack_rpc_transport_get_socket (io_stream);
  g_autoptr(GError) error = NULL;
  g_autoptr(GIOStream) stream = make_stream (priv, io_stream, &error);
  Handshake *handshake;

  if (stream == NULL)
    {
      _msgpack_rpc_guard_cut_off (socket, error);
      return;
    }

  handshake = g_new0 (Handshake, 1);
  g_atomic_ref_count_init (&handshake->ref_count);
  g_weak_ref_init (&handshake->server, self);
  handshake->stream = g_steal_pointer (&stream);
  handshake->socket = socket;
  handshake->cancellable = g_cancellable_new ();
  handshake->timeout = msgpack_rpc_limits_get_handshake_timeout (priv->limits);

  handshake->begin = attach (handshake, g_socket_create_source (socket, G_IO_IN, NULL),
                             G_SOURCE_FUNC (begin_cb), priv->main_context);
  if (handshake->timeout != G_MAXINT)
    handshake->deadline = attach (handshake, g_timeout_source_new ((guint) handshake->timeout),
                                  deadline_cb, priv->main_context);
  add_handshake (self, handshake);
}

/* ---- the properties ---- */

/* Whether it was another one. */
static gboolean
set_object (MsgpackRpcServerPrivate *priv,
            gpointer                *where,
            gpointer                 object)
{
  g_autoptr(GObject) old = object != NULL ? g_object_ref (object) : NULL;
  gpointer previous;

  g_mutex_lock (&priv->lock);
  previous = *where;
  *where = g_steal_pointer (&old);
  old = previous;
  g_mutex_unlock (&priv->lock);

  return previous != object;
}

static gpointer
ref_object (MsgpackRpcServerPrivate *priv,
            gpointer                *where)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return *where != NULL ? g_object_ref (*where) : NULL;
}

/**
 * msgpack_rpc_server_get_tls_certificate: (get-property tls-certificate)
 * @self: a server
 *
 * Gets what is shown to peers that come to a `tls://` address.
 *
 * Returns: (transfer full) (nullable): the certificate, or `NULL`
 *
 * Since: 1.0
 */
GTlsCertificate *
msgpack_rpc_server_get_tls_certificate (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  priv = _msgpack_rpc_server_get_private (self);
  return ref_object (priv, (gpointer *) &priv->tls_certificate);
}

/**
 * msgpack_rpc_server_set_tls_certificate: (set-property tls-certificate)
 * @self: a server
 * @tls_certificate: (nullable): a certificate with its private key, or `NULL`
 *
 * Sets what is shown to peers that come to a `tls://` address.
 *
 * It may be changed at any time, as when it is about to expire, and counts for those who come later.
 * Without one, nobody gets in there.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_tls_certificate (MsgpackRpcServer *self,
                                        GTlsCertificate  *tls_certificate)
{
  MsgpackRpcServerPrivate *priv;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (tls_certificate == NULL || G_IS_TLS_CERTIFICATE (tls_certificate));

  priv = _msgpack_rpc_server_get_private (self);
  if (set_object (priv, (gpointer *) &priv->tls_certificate, tls_certificate))
    _msgpack_rpc_server_notify (self, "tls-certificate");
}

/**
 * msgpack_rpc_server_get_tls_database: (get-property tls-database)
 * @self: a server
 *
 * Gets what the certificates of peers are checked against.
 *
 * Returns: (transfer full) (nullable): the database, or `NULL` if none is good enough
 *
 * Since: 1.0
 */
GTlsDatabase *
msgpack_rpc_server_get_tls_database (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), NULL);

  priv = _msgpack_rpc_server_get_private (self);
  return ref_object (priv, (gpointer *) &priv->tls_database);
}

/**
 * msgpack_rpc_server_set_tls_database: (set-property tls-database)
 * @self: a server
 * @tls_database: (nullable): a database of authorities, such as a
 *   [iface@Gio.TlsFileDatabase], or [class@CertificatePins]; or `NULL` for none
 *
 * Sets what the certificates of peers are checked against.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_tls_database (MsgpackRpcServer *self,
                                     GTlsDatabase     *tls_database)
{
  MsgpackRpcServerPrivate *priv;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));
  g_return_if_fail (tls_database == NULL || G_IS_TLS_DATABASE (tls_database));

  priv = _msgpack_rpc_server_get_private (self);
  if (set_object (priv, (gpointer *) &priv->tls_database, tls_database))
    _msgpack_rpc_server_notify (self, "tls-database");
}

/**
 * msgpack_rpc_server_get_tls_authentication_mode: (get-property tls-authentication-mode)
 * @self: a server
 *
 * Gets whether peers are asked for a certificate.
 *
 * Returns: the mode
 *
 * Since: 1.0
 */
GTlsAuthenticationMode
msgpack_rpc_server_get_tls_authentication_mode (MsgpackRpcServer *self)
{
  MsgpackRpcServerPrivate *priv;
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_SERVER (self), G_TLS_AUTHENTICATION_NONE);

  priv = _msgpack_rpc_server_get_private (self);
  locker = g_mutex_locker_new (&priv->lock);
  return priv->tls_authentication_mode;
}

/**
 * msgpack_rpc_server_set_tls_authentication_mode: (set-property tls-authentication-mode)
 * @self: a server
 * @mode: the mode
 *
 * Sets whether peers are asked for a certificate.
 *
 * Since: 1.0
 */
void
msgpack_rpc_server_set_tls_authentication_mode (MsgpackRpcServer       *self,
                                                GTlsAuthenticationMode  mode)
{
  MsgpackRpcServerPrivate *priv;
  gboolean has_changed;

  g_return_if_fail (MSGPACK_RPC_IS_SERVER (self));

  priv = _msgpack_rpc_server_get_private (self);
  g_mutex_lock (&priv->lock);
  has_changed = priv->tls_authentication_mode != mode;
  priv->tls_authentication_mode = mode;
  g_mutex_unlock (&priv->lock);

  if (has_changed)
    _msgpack_rpc_server_notify (self, "tls-authentication-mode");
}
