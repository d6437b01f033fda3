/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <string.h>

#include "test-raw-bytes.h"

/* A connection, and a peer that sends bytes as peers are known to do. Bytes are given as
 * bytes_from_hex() reads them. */
typedef struct
{
  RawPeer raw;
  MsgpackRpcConnection *connection;
  MsgpackRpcPeer *peer; /* the connection */
  MsgpackRpcDispatcher *dispatcher;
  GString *log;         /* what the application was told, in order */
} Dialect;

static inline void
dialect_log_value (Dialect  *self,
                   GVariant *value)
{
  g_autofree char *text = g_variant_print (value, TRUE);

  g_string_append (self->log, text);
}

static inline void
dialect_notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                         const char           *method,
                         GVariant             *params,
                         gpointer              data)
{
  Dialect *self = data;

  g_string_append_printf (self->log, "%s ", method);
  dialect_log_value (self, params);
  g_string_append (self->log, "; ");
}

static inline void
dialect_unknown_reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                          GVariant             *msgid,
                          GVariant             *error,
                          GVariant             *result,
                          gpointer              data)
{
  Dialect *self = data;
  GVariant *values[] = { msgid, error, result };

  g_string_append (self->log, "unknown");
  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_string_append_c (self->log, ' ');
      dialect_log_value (self, values[i]);
    }
  g_string_append (self->log, "; ");
}

static inline void
dialect_closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                   GError               *error,
                   GVariant             *incomplete G_GNUC_UNUSED,
                   GVariant             *unsent G_GNUC_UNUSED,
                   gpointer              data)
{
  Dialect *self = data;

  g_string_append_printf (self->log, "closed %s; ", error != NULL ? error->message : "-");
}

static inline gboolean
dialect_echo_handler (MsgpackRpcInvocation  *invocation,
                      GVariant              *params,
                      gpointer               data,
                      GError               **error G_GNUC_UNUSED)
{
  Dialect *self = data;

  g_string_append (self->log, "echo ");
  dialect_log_value (self, params);
  g_string_append (self->log, "; ");
  return msgpack_rpc_invocation_return_value (invocation, params);
}

static inline void
dialect_take_connection (Dialect              *self,
                         MsgpackRpcConnection *connection)
{
  self->connection = connection;
  self->peer = MSGPACK_RPC_PEER (connection);
  g_signal_connect (connection, "notification", G_CALLBACK (dialect_notification_cb), self);
  g_signal_connect (connection, "unknown-reply", G_CALLBACK (dialect_unknown_reply_cb), self);
  g_signal_connect (connection, "closed", G_CALLBACK (dialect_closed_cb), self);
}

static inline void
dialect_setup (Dialect       *self,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GIOStream) stream = raw_peer_init (&self->raw);

  self->log = g_string_new (NULL);
  self->dispatcher = msgpack_rpc_dispatcher_new ();
  msgpack_rpc_dispatcher_add_method (self->dispatcher, "echo", NULL, dialect_echo_handler, self,
                                     NULL);
  dialect_take_connection (self, msgpack_rpc_connection_new (stream));
  msgpack_rpc_connection_set_dispatcher (self->connection, self->dispatcher);
}

static inline void
dialect_teardown (Dialect       *self,
                  gconstpointer  data G_GNUC_UNUSED)
{
  test_drain ();
  g_assert_finalize_object (self->connection);
  g_assert_finalize_object (self->dispatcher);
  g_string_free (self->log, TRUE);
  raw_peer_clear (&self->raw);
}

/* Begins again with a new connection. */
static inline void
dialect_renew (Dialect *self)
{
  dialect_teardown (self, NULL);
  dialect_setup (self, NULL);
}

/* What the application was told since it was looked at last. */
static inline void
dialect_assert_log (Dialect    *self,
                    const char *expected)
{
  gint64 end = g_get_monotonic_time () + TEST_DEADLINE;

  while (self->log->len < strlen (expected) && g_get_monotonic_time () < end)
    test_iterate ();
  test_drain ();
  g_assert_cmpstr (self->log->str, ==, expected);
  g_string_truncate (self->log, 0);
}

/* The same, but only how it begins. */
static inline void
dialect_assert_told (Dialect    *self,
                     const char *prefix)
{
  WAIT_UNTIL (self->log->len > 0);
  test_drain ();
  if (!g_str_has_prefix (self->log->str, prefix))
    g_assert_cmpstr (self->log->str, ==, prefix);
  g_string_truncate (self->log, 0);
}

/* The peer sends bytes; other bytes come back. */
static inline void
dialect_assert_answer (Dialect    *self,
                       const char *hex,
                       const char *expected)
{
  send_hex (&self->raw, hex);
  assert_comes (&self->raw, expected, "", "");
}

/* Starts a call, whose bytes are @hex. @params are GVariant text. */
static inline MsgpackRpcCall *
dialect_call (Dialect    *self,
              const char *method,
              const char *params,
              const char *hex)
{
  g_autoptr(GVariant) values = test_parse (params);
  MsgpackRpcCall *call = msgpack_rpc_peer_start_call (self->peer, method, values);

  assert_comes (&self->raw, hex, "", "");
  return call;
}

static inline gboolean
dialect_call_has_ended (MsgpackRpcCall *call)
{
  return msgpack_rpc_call_get_state (call) != MSGPACK_RPC_CALL_STATE_PENDING;
}

/* @expected is text as g_variant_print() writes it, with types. */
static inline void
dialect_assert_result (MsgpackRpcCall *call,
                       const char     *expected)
{
  g_autofree char *text = NULL;

  WAIT_UNTIL (dialect_call_has_ended (call));
  g_assert_no_error (msgpack_rpc_call_get_error (call));
  text = g_variant_print (msgpack_rpc_call_get_result (call), TRUE);
  g_assert_cmpstr (text, ==, expected);
}

static inline void
dialect_assert_error (MsgpackRpcCall *call,
                      const char     *expected)
{
  WAIT_UNTIL (dialect_call_has_ended (call));
  g_assert_nonnull (msgpack_rpc_call_get_error (call));
  g_assert_cmpstr (msgpack_rpc_call_get_error (call)->message, ==, expected);
}

static inline guint64
dialect_get_statistic (Dialect    *self,
                       const char *name)
{
  return test_get_statistic (self->connection, name);
}

/* What the application gets when the peer sends @hex as the only parameter of a notification. */
static inline void
dialect_assert_gets (Dialect    *self,
                     const char *hex,
                     const char *expected)
{
  g_autofree char *bytes = g_strdup_printf ("93 02 a1 'm' 91 %s", hex);
  g_autofree char *log = g_strdup_printf ("m [<%s>]; ", expected);

  send_hex (&self->raw, bytes);
  dialect_assert_log (self, log);
}

/* The bytes that the peer gets for a value, as the only parameter of a notification. */
static inline void
dialect_assert_sends (Dialect    *self,
                      const char *text,
                      const char *hex)
{
  g_autofree char *bytes = g_strdup_printf ("93 02 a1 'm' 91 %s", hex);
  g_autoptr(GVariant) value = test_parse (text);
  g_autoptr(GError) error = NULL;

  msgpack_rpc_peer_send_notification (self->peer, "m", g_variant_new_tuple (&value, 1), &error);
  g_assert_no_error (error);
  assert_comes (&self->raw, bytes, "", "");
}
