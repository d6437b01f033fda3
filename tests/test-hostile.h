/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-bytes.h"
#include "test-util.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature (address_sanitizer)
#include <sanitizer/allocator_interface.h>
#include <sanitizer/lsan_interface.h>
#define HOSTILE_SANITIZED 1
#endif

/* A connection to a raw peer that misbehaves, and another one in the same context that must not
 * notice. */
typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer;             /* the connection */
  MsgpackRpcDispatcher *dispatcher;
  GPtrArray *kept;                  /* of MsgpackRpcInvocation: requests to “keep” */
  GString *log;                     /* what was delivered, in order */
  guint n_closed;
  GError *error;                    /* what closed told */

  RawPeer bystander_raw;
  MsgpackRpcConnection *bystander;
} Hostile;

static inline gboolean
hostile_log_handler (MsgpackRpcInvocation  *invocation,
                     GVariant              *params G_GNUC_UNUSED,
                     gpointer               data,
                     GError               **error)
{
  Hostile *self = data;

  g_string_append_printf (self->log, "%s ", msgpack_rpc_invocation_get_method (invocation));
  return test_add_handler (invocation, params, NULL, error);
}

static inline gboolean
hostile_keep_handler (MsgpackRpcInvocation  *invocation,
                      GVariant              *params G_GNUC_UNUSED,
                      gpointer               data,
                      GError               **error G_GNUC_UNUSED)
{
  Hostile *self = data;

  g_string_append (self->log, "keep ");
  g_ptr_array_add (self->kept, g_object_ref (invocation));
  return TRUE;
}

static inline void
hostile_closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                   GError               *error,
                   GVariant             *incomplete G_GNUC_UNUSED,
                   GVariant             *unsent G_GNUC_UNUSED,
                   gpointer              data)
{
  Hostile *self = data;

  g_assert_null (self->error);
  self->n_closed++;
  self->error = error != NULL ? g_error_copy (error) : NULL;
  g_string_append (self->log, "closed");
}

/* @connection: consumed. */
static inline void
hostile_take_connection (Hostile              *self,
                         MsgpackRpcConnection *connection)
{
  self->connection = connection;
  self->peer = MSGPACK_RPC_PEER (connection);
  msgpack_rpc_connection_set_dispatcher (connection, self->dispatcher);
  g_signal_connect (connection, "closed", G_CALLBACK (hostile_closed_cb), self);
}

/* All but the connection itself. */
static inline void
hostile_prepare (Hostile *self)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&self->bystander_raw);
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();

  *self = (Hostile) { .raw = { .fd = -1 }, .bystander_raw = self->bystander_raw };
  self->log = g_string_new (NULL);
  self->kept = g_ptr_array_new_with_free_func (g_object_unref);
  self->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (self->dispatcher, "add", "(xx)", hostile_log_handler, self,
                                     NULL);
  msgpack_rpc_dispatcher_add_method (self->dispatcher, "keep", NULL, hostile_keep_handler, self,
                                     NULL);

  self->bystander = msgpack_rpc_connection_new (stream);
  msgpack_rpc_dispatcher_add_method (dispatcher, "add", "(xx)", test_add_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (self->bystander, dispatcher);
}

static inline void
hostile_setup (Hostile       *self,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = NULL;

  hostile_prepare (self);
  stream = raw_peer_init (&self->raw);
  hostile_take_connection (self, msgpack_rpc_connection_new (stream));
}

/* The other connection goes on working. */
static inline void
hostile_assert_bystander (Hostile *self)
{
  g_autoptr(GVariant) answer = NULL;

  raw_peer_send_value (&self->bystander_raw, g_variant_new_parsed ("(0, 1, 'add', (40, 2))"));
  answer = raw_peer_receive (&self->bystander_raw);
  test_assert_value (answer, "(1, 1, @mv nothing, 42)");
}

static inline guint64
hostile_get_statistic (Hostile    *self,
                       const char *name)
{
  return test_get_statistic (self->connection, name);
}

static inline void
hostile_drop_connection (Hostile *self)
{
  g_ptr_array_set_size (self->kept, 0);
  /* Calls in flight would keep it. */
  if (hostile_get_statistic (self, "calls-in-flight") > 0)
    msgpack_rpc_connection_close_sync (self->connection, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL);
  test_drain ();
  g_assert_finalize_object (g_steal_pointer (&self->connection));
  if (self->raw.unpacker != NULL)
    raw_peer_clear (&self->raw);
  self->raw = (RawPeer) { .fd = -1 };
  g_string_truncate (self->log, 0);
  g_clear_error (&self->error);
  self->n_closed = 0;
}

/* Begins again with a new connection. */
static inline void
hostile_renew (Hostile *self)
{
  g_autoptr(GIOStream) stream = NULL;

  hostile_drop_connection (self);
  stream = raw_peer_init (&self->raw);
  hostile_take_connection (self, msgpack_rpc_connection_new (stream));
}

static inline void
hostile_teardown (Hostile       *self,
                  gconstpointer  data G_GNUC_UNUSED)
{
  hostile_assert_bystander (self);
  g_assert_finalize_object (self->bystander);
  raw_peer_clear (&self->bystander_raw);

  if (self->connection != NULL)
    hostile_drop_connection (self);
  g_ptr_array_unref (self->kept);
  g_assert_finalize_object (self->dispatcher);
  g_string_free (self->log, TRUE);
}

static inline void
hostile_send_text (Hostile    *self,
                   const char *text)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (text);

  raw_peer_send (&self->raw, bytes->data, bytes->len);
}

/* As raw_peer_send(), for when the other end may have closed. */
static inline void
hostile_try_send (Hostile       *self,
                  gconstpointer  data,
                  gsize          size)
{
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE;
  gsize done = 0;

  while (done < size)
    {
      gssize n = send (self->raw.fd, (const guint8 *) data + done, size - done, MSG_NOSIGNAL);

      if (n >= 0)
        done += (gsize) n;
      else if (errno == EAGAIN)
        {
          g_assert_cmpint (g_get_monotonic_time (), <, end);
          test_iterate ();
        }
      else
        {
          g_assert_true (errno == EPIPE || errno == ECONNRESET);
          return;
        }
    }
}

static inline gboolean
hostile_is_complaint (GVariant *message)
{
  g_autofree char *text = g_variant_print (message, FALSE);

  return g_str_has_prefix (text, "[<int64 1>, <int64 0>, <'") ||
         g_str_has_prefix (text, "[<int64 1>, <int64 0>, <\"");
}

/* The peer is told what was wrong with what it sent, under the id 0, and then comes the end.
 * Answers may come before, if there was time for them. */
static inline void
hostile_assert_told (Hostile            *self,
                     const char * const *answers)
{
  g_autoptr(GVariant) message = raw_peer_receive (&self->raw);

  for (gsize i = 0; !hostile_is_complaint (message); i++)
    {
      test_assert_value (message, answers[i]);
      g_variant_unref (message);
      message = raw_peer_receive (&self->raw);
    }
  raw_peer_wait_closed (&self->raw);
}

static inline gboolean
hostile_tick (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* The context sleeps: nothing in it is ready again and again. */
static inline void
hostile_assert_idle (void)
{
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr(GSource) source = g_timeout_source_new (8);
  guint n_ticks = 0, n = 0;

  test_drain ();
  g_source_set_callback (source, hostile_tick, &n_ticks, NULL);
  g_source_attach (source, context);
  while (n_ticks < 3)
    {
      g_main_context_iteration (context, TRUE);
      n++;
    }
  g_assert_cmpuint (n, <, 50);
  g_source_destroy (source);
}

/* What a peer may do that has had enough. */
typedef void (*HostileLeave) (Hostile *self);

static inline void
hostile_stay (Hostile *self G_GNUC_UNUSED)
{
}

static inline void
hostile_half_close (Hostile *self)
{
  raw_peer_shutdown_write (&self->raw);
}

static inline void
hostile_vanish (Hostile *self)
{
  raw_peer_close (&self->raw);
}

static inline void
hostile_shut_down (Hostile *self)
{
  g_assert_cmpint (shutdown (self->raw.fd, SHUT_RDWR), ==, 0);
}

static inline void
hostile_shut_reading (Hostile *self)
{
  g_assert_cmpint (shutdown (self->raw.fd, SHUT_RD), ==, 0);
}

/* Closes so that the other end gets an error instead of the end of the stream. */
static inline void
hostile_reset (Hostile *self)
{
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };

  g_assert_cmpint (setsockopt (self->raw.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  raw_peer_close (&self->raw);
}

/* As raw_peer_init(), over TCP. */
static inline GIOStream *
tcp_peer_init (RawPeer *raw)
{
  return raw_peer_init_transport (raw, "tcp");
}

/* The bytes that are allocated now; 0 where that is not known. */
static inline gsize
hostile_get_heap (void)
{
#if defined(HOSTILE_SANITIZED)
  return __sanitizer_get_current_allocated_bytes ();
#elif defined(__GLIBC__) && __GLIBC_PREREQ (2, 33)
  struct mallinfo2 info = mallinfo2 ();

  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}
