/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "test-transport.h"

G_BEGIN_DECLS

/* How long a condition may take to come true, in microseconds. Nothing waits that long unless it
 * fails. */
#define TEST_DEADLINE (test_get_deadline ())

/* How many times slower than usual the program may be, as under valgrind. */
int test_get_slowness (void);
/* How long what never comes is waited for, in microseconds. */
gint64 test_get_deadline (void);

/* Runs the thread-default context until @condition holds. */
#define WAIT_UNTIL(condition) WAIT_UNTIL_WITH (condition, test_iterate ())
#define WAIT_UNTIL_WITH(condition, iterate)                                          \
  G_STMT_START                                                                       \
    {                                                                                \
      gint64 end_ = g_get_monotonic_time () + TEST_DEADLINE;                         \
      while (!(condition))                                                           \
        {                                                                            \
          if (g_get_monotonic_time () > end_)                                        \
            g_error ("%s:%d: timed out waiting for %s", __FILE__, __LINE__, #condition); \
          iterate;                                                                   \
        }                                                                            \
    }                                                                                \
  G_STMT_END

/* One iteration of the thread-default context, which blocks for 50 ms at most. */
void test_iterate (void);
/* Runs what is ready now, and nothing else. */
void test_drain (void);
/* Drops the last reference but those that others are about to drop, and runs the context until they have. */
void test_wait_finalized (gpointer object);

/* Whether there are @n threads of that name, and none of them has anything to do. */
gboolean test_threads_sleep (const char *name,
                             guint       n);

/* Appends a status that a client has now to what it had before, with “!” if that has a reason. */
void test_log_status (GString                    *log,
                      MsgpackRpcConnectionStatus  status,
                      const GError               *reason);

/* A GAsyncReadyCallback that puts a reference on the result where @user_data points. */
void test_store_result (GObject      *source,
                        GAsyncResult *result,
                        gpointer      user_data);

/* A peer of raw bytes: the other end of a socket, without anything of the library in between. */
typedef struct
{
  int fd;                        /* −1 once closed */
  MsgpackRpcUnpacker *unpacker;  /* what came and was not taken */
  TestTransport *transport;      /* what is between the two, or NULL */
} RawPeer;

/* Two ends of a stream: one for a connection, one for a raw peer. Of which kind it is can be told by
 * the environment. */
GIOStream *raw_peer_init  (RawPeer       *self);
GIOStream *raw_peer_init_transport (RawPeer    *self,
                                    const char *name);
/* One whose end of a stream is there already, and is the peer's own now. */
void       raw_peer_take  (RawPeer       *self,
                           int            fd);
void       raw_peer_clear (RawPeer       *self);
void       raw_peer_close (RawPeer       *self);
/* Sends what is left of what the peer says: nothing, but its end can still read. */
void       raw_peer_shutdown_write (RawPeer *self);
void       raw_peer_send  (RawPeer       *self,
                           gconstpointer  data,
                           gsize          size);
/* A value, packed. A floating one is consumed. */
void       raw_peer_send_value (RawPeer  *self,
                                GVariant *value);
/* Runs the thread-default context until a whole message is there, and takes it. */
GVariant  *raw_peer_receive (RawPeer *self);
/* The same, or NULL at the end of the stream. */
GVariant *raw_peer_receive_or_end (RawPeer *self);
/* The same, until the other end has closed; what came before is dropped. */
void       raw_peer_wait_closed (RawPeer *self);

/* A GVariant from text, not floating. */
GVariant *test_parse (const char *text);
/* Whether two values are the same as MessagePack. @expected is GVariant text. */
void      test_assert_value (GVariant   *value,
                             const char *expected);

/* One of a connection's statistics. */
guint64   test_get_statistic (MsgpackRpcConnection *connection,
                              const char           *name);

/* The sum of two integers, of signature (xx). */
gboolean test_add_handler (MsgpackRpcInvocation  *invocation,
                           GVariant              *params,
                           gpointer               user_data,
                           GError               **error);

G_END_DECLS
