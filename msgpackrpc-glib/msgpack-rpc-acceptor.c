/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-acceptor-private.h"

#include <sys/socket.h>
#include <unistd.h>

#include "msgpack-rpc-listener-private.h"

/* How many peers are let in by one dispatch. */
#define BATCH 16

/* How long accepting pauses, in milliseconds: twice as long each time that it fails again. */
#define MIN_PAUSE 100
#define MAX_PAUSE 5000

/* How many of those who wait in a socket are told that it is closed: more than the system lets wait,
 * unless it was told to. */
#define MAX_WAITING 4096

struct _MsgpackRpcAcceptor
{
  int ref_count;            /* atomic; each source has one */
  GWeakRef owner;
  MsgpackRpcAcceptFunc func;
  MsgpackRpcPausedFunc paused;
  GMainContext *context;    /* owned */

  GSocket *sentinel;        /* among a listener's sockets, and closed with them; nullable */
  GSocket *sentinel_peer;   /* hears of that */
  GSource *sentinel_source;

  GMutex lock;              /* guards what follows, and use of the listeners' sockets */
  GPtrArray *listeners;     /* of MsgpackRpcListener */
  gboolean is_active;
  gboolean was_stopped;     /* since when the base class accepts by itself */
  gboolean is_dismissed;
  gboolean has_added;       /* the base class may have sockets of its own */
  GCancellable *added;      /* while one is awaited on these */
  GSource *pause_source;    /* while accepting pauses */
  guint pause;              /* how long the last one was; 0: none since the last success */
};

static void acceptor_unref (gpointer            data);
static void update_sources (MsgpackRpcAcceptor *self);
static void accept_added   (MsgpackRpcAcceptor *self);

static MsgpackRpcAcceptor *
acceptor_ref (MsgpackRpcAcceptor *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

gboolean
_msgpack_rpc_acceptor_is_paused (MsgpackRpcAcceptor *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->pause_source != NULL;
}

/* With no lock held: letting go of the owner may close this. */
static void
tell_paused (MsgpackRpcAcceptor *self)
{
  g_autoptr(GObject) owner = g_weak_ref_get (&self->owner);

  if (owner != NULL)
    self->paused (owner);
}

static gboolean
pause_over_cb (gpointer user_data)
{
  MsgpackRpcAcceptor *self = user_data;
  gboolean is_over;

  /* Closing may have been faster, and accepting may have paused again since. */
  g_mutex_lock (&self->lock);
  is_over = self->pause_source == g_main_current_source ();
  if (is_over)
    {
      g_clear_pointer (&self->pause_source, g_source_unref);
      update_sources (self);
    }
  g_mutex_unlock (&self->lock);

  if (is_over)
    {
      accept_added (self);
      tell_paused (self);
    }
  return G_SOURCE_REMOVE;
}

/* With the lock held. */
static void
pause_accepting (MsgpackRpcAcceptor *self,
                 const GError       *error)
{
  self->pause = CLAMP (2 * self->pause, MIN_PAUSE, MAX_PAUSE);
  g_info ("Cannot accept a connection, will try again in %u ms: %s", self->pause, error->message);

  self->pause_source = g_timeout_source_new (self->pause);
  g_source_set_static_name (self->pause_source, "[msgpackrpc-glib] accept pause");
  g_source_set_callback (self->pause_source, pause_over_cb, acceptor_ref (self), acceptor_unref);
  g_source_attach (self->pause_source, self->context);
  update_sources (self);
}

static GSocketConnection *
accept_one (MsgpackRpcAcceptor *self,
            GSocket            *listening)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GError) error = NULL;
  GSocketConnection *connection;

  /* Another thread may have closed it, or a handler that ran the loop may have paused. */
  if (g_socket_is_closed (listening) || !self->is_active || self->pause_source != NULL)
    return NULL;

  socket = g_socket_accept (listening, NULL, &error);
  if (socket != NULL)
    {
      self->pause = 0;
      connection = g_socket_connection_factory_create_connection (socket);
      if (_msgpack_rpc_listener_is_tls (listening))
        _msgpack_rpc_listener_mark_tls (connection);
      return connection;
    }

  if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    pause_accepting (self, error);
  return NULL;
}

static gboolean
accept_cb (GSocket      *socket,
           GIOCondition  condition G_GNUC_UNUSED,
           gpointer      user_data)
{
  MsgpackRpcAcceptor *self = user_data;
  g_autoptr(GObject) owner = g_weak_ref_get (&self->owner);

  for (guint i = 0; owner != NULL && i < BATCH; i++)
    {
      g_autoptr(GSocketConnection) connection = accept_one (self, socket);

      if (connection == NULL)
        break;
      self->func (owner, connection, NULL);
    }

  if (owner != NULL && _msgpack_rpc_acceptor_is_paused (self))
    tell_paused (self);
  return owner != NULL ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static GSource *
accept_source_new (MsgpackRpcAcceptor *self,
                   GSocket            *socket)
{
  GSource *source = g_socket_create_source (socket, G_IO_IN, NULL);

  g_source_set_static_name (source, "[msgpackrpc-glib] accept");
  /* Whoever is told of a connection may run the loop. */
  g_source_set_can_recurse (source, TRUE);
  g_source_set_callback (source, G_SOURCE_FUNC (accept_cb), acceptor_ref (self), acceptor_unref);
  g_source_attach (source, self->context);
  return source;
}

/* With the lock held. */
static void
stop_sources (MsgpackRpcAcceptor *self)
{
  for (guint i = 0; i < self->listeners->len; i++)
    {
      MsgpackRpcListener *listener = g_ptr_array_index (self->listeners, i);

      if (listener->source != NULL)
        g_source_destroy (listener->source);
      g_clear_pointer (&listener->source, g_source_unref);
    }
}

/* With the lock held. */
static void
stop_added (MsgpackRpcAcceptor *self)
{
  if (self->added != NULL)
    g_cancellable_cancel (self->added);
}

/* With the lock held. */
static void
update_sources (MsgpackRpcAcceptor *self)
{
  if (!self->is_active || self->pause_source != NULL)
    {
      stop_sources (self);
      stop_added (self);
      return;
    }

  for (guint i = 0; i < self->listeners->len; i++)
    {
      MsgpackRpcListener *listener = g_ptr_array_index (self->listeners, i);

      if (listener->source == NULL)
        listener->source = accept_source_new (self, listener->socket);
    }
}

static GPtrArray *
listeners_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) _msgpack_rpc_listener_free);
}

MsgpackRpcAcceptor *
_msgpack_rpc_acceptor_new (GObject              *owner,
                           MsgpackRpcAcceptFunc  func,
                           MsgpackRpcPausedFunc  paused,
                           GMainContext         *context)
{
  MsgpackRpcAcceptor *self = g_new0 (MsgpackRpcAcceptor, 1);

  self->ref_count = 1;
  g_weak_ref_init (&self->owner, owner);
  self->func = func;
  self->paused = paused;
  self->context = g_main_context_ref (context);
  g_mutex_init (&self->lock);
  self->listeners = listeners_new ();
  return self;
}

static void
acceptor_unref (gpointer data)
{
  MsgpackRpcAcceptor *self = data;

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_object (&self->sentinel);
  g_clear_object (&self->sentinel_peer);
  g_ptr_array_unref (self->listeners);
  g_clear_object (&self->added);
  g_weak_ref_clear (&self->owner);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
_msgpack_rpc_acceptor_add (MsgpackRpcAcceptor *self,
                           GPtrArray          *listeners)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->is_dismissed)
    return FALSE;

  g_ptr_array_extend_and_steal (self->listeners, g_ptr_array_ref (listeners));
  update_sources (self);
  return TRUE;
}

void
_msgpack_rpc_acceptor_set_active (MsgpackRpcAcceptor *self,
                                  gboolean            active)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->is_active = active;
  self->was_stopped |= !active;
  update_sources (self);
}

/* With the lock held. */
static void
close_all (MsgpackRpcAcceptor *self)
{
  g_ptr_array_set_size (self->listeners, 0);
  if (self->pause_source != NULL)
    g_source_destroy (self->pause_source);
  g_clear_pointer (&self->pause_source, g_source_unref);
  self->pause = 0;
}

void
_msgpack_rpc_acceptor_close (MsgpackRpcAcceptor *self)
{
  gboolean was_paused;

  g_mutex_lock (&self->lock);
  was_paused = self->pause_source != NULL;
  close_all (self);
  g_mutex_unlock (&self->lock);

  if (was_paused)
    tell_paused (self);
}

void
_msgpack_rpc_acceptor_set_dismissed (MsgpackRpcAcceptor *self,
                                     gboolean            dismissed)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->is_dismissed = dismissed;
}

/* Those who go on coming have no end, and the system tells of one who has gone before he was accepted as
 * an error: then it has somebody else for the next call. */
static void
dismiss_waiting (GSocket               *listening,
                 MsgpackRpcDismissFunc  func,
                 gpointer               data)
{
  for (guint i = 0; i < MAX_WAITING; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GSocket) socket = g_socket_accept (listening, NULL, &error);

      if (socket != NULL)
        func (socket, data);
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ||
               g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES))
        break;
    }
}

void
_msgpack_rpc_acceptor_dismiss (MsgpackRpcAcceptor    *self,
                               MsgpackRpcDismissFunc  func,
                               gpointer               data)
{
  g_autoptr(GPtrArray) listeners = NULL;
  gboolean was_paused;

  g_mutex_lock (&self->lock);
  was_paused = self->pause_source != NULL;
  stop_sources (self);
  listeners = g_steal_pointer (&self->listeners);
  self->listeners = listeners_new ();
  close_all (self);
  g_mutex_unlock (&self->lock);

  /* They are nobody else's any more. */
  for (guint i = 0; i < listeners->len; i++)
    {
      MsgpackRpcListener *listener = g_ptr_array_index (listeners, i);

      _msgpack_rpc_listener_retire (listener);
      /* On TLS they cannot have sent anything yet; elsewhere others can still accept them. */
      if (!listener->is_shared && !_msgpack_rpc_listener_is_tls (listener->socket))
        dismiss_waiting (listener->socket, func, data);
    }

  /* A source that is being dispatched looks whether its socket is closed. */
  g_mutex_lock (&self->lock);
  g_ptr_array_set_size (listeners, 0);
  g_mutex_unlock (&self->lock);

  if (was_paused)
    tell_paused (self);
}

void
_msgpack_rpc_acceptor_free (MsgpackRpcAcceptor *self)
{
  _msgpack_rpc_acceptor_close (self);

  if (self->sentinel_source != NULL)
    g_source_destroy (self->sentinel_source);
  g_clear_pointer (&self->sentinel_source, g_source_unref);

  acceptor_unref (self);
}

/* ---- sockets that the owner's base class was given ---- */

/* Whether it pauses now. */
static gboolean
note_added (MsgpackRpcAcceptor *self,
            const GError       *error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_clear_object (&self->added);
  if (error == NULL)
    self->pause = 0;
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CLOSED))
    self->has_added = FALSE;
  else if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) &&
           self->pause_source == NULL)
    {
      pause_accepting (self, error);
      return TRUE;
    }

  return FALSE;
}

static void
added_cb (GObject      *source,
          GAsyncResult *result,
          gpointer      user_data)
{
  MsgpackRpcAcceptor *self = user_data;
  g_autoptr(GSocketConnection) connection = NULL;
  g_autoptr(GObject) source_object = NULL;
  g_autoptr(GError) error = NULL;
  gboolean pauses;

  connection = g_socket_listener_accept_finish (G_SOCKET_LISTENER (source), result, &source_object,
                                                &error);
  pauses = note_added (self, error);
  if (connection != NULL)
    self->func (source, connection, source_object);
  accept_added (self);
  if (pauses)
    tell_paused (self);
  acceptor_unref (self);
}

/* In the context. */
static void
accept_added (MsgpackRpcAcceptor *self)
{
  g_autoptr(GObject) owner = g_weak_ref_get (&self->owner);
  g_autoptr(GCancellable) cancellable = NULL;

  g_mutex_lock (&self->lock);
  if (owner != NULL && self->has_added && self->is_active && !self->was_stopped &&
      self->pause_source == NULL && self->added == NULL)
    {
      self->added = g_cancellable_new ();
      cancellable = g_object_ref (self->added);
    }
  g_mutex_unlock (&self->lock);
  if (cancellable == NULL)
    return;

  g_main_context_push_thread_default (self->context);
  g_socket_listener_accept_async (G_SOCKET_LISTENER (owner), cancellable, added_cb,
                                  acceptor_ref (self));
  g_main_context_pop_thread_default (self->context);
}

gboolean
_msgpack_rpc_acceptor_accept_added (MsgpackRpcAcceptor *self)
{
  gboolean was_stopped;

  g_mutex_lock (&self->lock);
  was_stopped = self->was_stopped;
  self->has_added = TRUE;
  /* It is to look at the new ones as well. */
  stop_added (self);
  g_mutex_unlock (&self->lock);

  accept_added (self);
  return !was_stopped;
}

static gboolean
sentinel_cb (GSocket      *socket G_GNUC_UNUSED,
             GIOCondition  condition G_GNUC_UNUSED,
             gpointer      user_data)
{
  _msgpack_rpc_acceptor_close (user_data);
  return G_SOURCE_REMOVE;
}

/* Two sockets, or NULL. */
static void
make_sentinel (MsgpackRpcAcceptor *self)
{
  int fds[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
    return;

  self->sentinel = g_socket_new_from_fd (fds[0], NULL);
  self->sentinel_peer = g_socket_new_from_fd (fds[1], NULL);
  if (self->sentinel == NULL)
    close (fds[0]);
  if (self->sentinel_peer == NULL)
    close (fds[1]);
}

/* There is no other way to hear of it. Besides, a GSocketService without any socket leaks itself
 * when it is stopped and started. */
void
_msgpack_rpc_acceptor_follow (MsgpackRpcAcceptor *self,
                              GSocketListener    *listener)
{
  make_sentinel (self);

  if (self->sentinel == NULL || self->sentinel_peer == NULL ||
      !g_socket_listener_add_socket (listener, self->sentinel, NULL, NULL))
    {
      g_info ("It will go unnoticed if the server is closed");
      return;
    }

  self->sentinel_source = g_socket_create_source (self->sentinel_peer, G_IO_HUP, NULL);
  g_source_set_static_name (self->sentinel_source, "[msgpackrpc-glib] server closed");
  g_source_set_callback (self->sentinel_source, G_SOURCE_FUNC (sentinel_cb), acceptor_ref (self),
                         acceptor_unref);
  g_source_attach (self->sentinel_source, self->context);
}

gboolean
_msgpack_rpc_acceptor_is_closed (MsgpackRpcAcceptor *self)
{
  return self->sentinel != NULL && g_socket_is_closed (self->sentinel);
}
