/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What is nested too deep for a peer is not sent, and says so to whoever has sent it; what is not is
 * sent, however it is written. */

#include <string.h>

#include "test-util.h"

/* Of a value: the message is a level, and so are the parameters. */
#define MAX_RESULT 31
#define MAX_PARAM 30

typedef struct
{
  const char *name;
  GVariant *(*innermost) (void);       /* of a level, or none */
  GVariant *(*around)    (GVariant *); /* a level more */
} Kind;

static GVariant *
new_number (void)
{
  return g_variant_new_int32 (1);
}

static GVariant *
new_strings (void)
{
  return g_variant_new_parsed ("['a', 'b']");
}

static GVariant *
new_nothing (void)
{
  return g_variant_new_array (G_VARIANT_TYPE_INT32, NULL, 0);
}

static GVariant *
new_bytes (void)
{
  g_autofree char *bytes = g_strnfill (200000, 'x');

  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, bytes, 200000, 1);
}

static GVariant *
around_static (GVariant *value)
{
  return g_variant_new_array (NULL, &value, 1);
}

static GVariant *
around_tuple (GVariant *value)
{
  return g_variant_new_tuple (&value, 1);
}

static GVariant *
around_variant (GVariant *value)
{
  GVariant *boxed = g_variant_new_variant (value);

  return g_variant_new_array (NULL, &boxed, 1);
}

static GVariant *
around_map (GVariant *value)
{
  GVariant *entry = g_variant_new_dict_entry (g_variant_new_string ("k"),
                                              g_variant_new_variant (value));

  return g_variant_new_array (NULL, &entry, 1);
}

static const Kind kinds[] = {
  { "static", new_number, around_static },
  { "static-empty", new_nothing, around_static },
  { "tuples", new_number, around_tuple },
  { "tuples-large", new_bytes, around_tuple },
  { "variants", new_number, around_variant },
  { "variants-empty", new_nothing, around_variant },
  { "variants-strings", new_strings, around_variant },
  { "maps", new_number, around_map },
  { "maps-strings", new_strings, around_map },
};

static GVariant *
nest (const Kind *kind,
      guint       depth)
{
  GVariant *value = kind->innermost ();

  for (guint i = kind->innermost == new_nothing || kind->innermost == new_strings; i < depth; i++)
    value = kind->around (value);
  return value;
}

typedef struct
{
  MsgpackRpcConnection *ends[2];
  MsgpackRpcPeer *peer;
  const Kind *kind;
} Pair;

/* A value of the depth that is asked for. */
static gboolean
deep_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params,
              gpointer               data,
              GError               **error G_GNUC_UNUSED)
{
  Pair *self = data;
  gint64 depth;

  g_variant_get (params, "(x)", &depth);
  return msgpack_rpc_invocation_return_value (invocation, nest (self->kind, (guint) depth));
}

static gboolean
take_handler (MsgpackRpcInvocation  *invocation,
              GVariant              *params G_GNUC_UNUSED,
              gpointer               data G_GNUC_UNUSED,
              GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

static void
setup (Pair          *self,
       gconstpointer  data)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = msgpack_rpc_dispatcher_new ();
  g_autoptr(GError) error = NULL;

  self->kind = data;
  msgpack_rpc_connection_new_pair (&self->ends[0], &self->ends[1], &error);
  g_assert_no_error (error);
  self->peer = MSGPACK_RPC_PEER (self->ends[0]);
  msgpack_rpc_dispatcher_add_method (dispatcher, "deep", "(x)", deep_handler, self, NULL);
  msgpack_rpc_dispatcher_add_method (dispatcher, "take", NULL, take_handler, NULL, NULL);
  msgpack_rpc_connection_set_dispatcher (self->ends[1], dispatcher);
}

static void
teardown (Pair          *self,
          gconstpointer  data G_GNUC_UNUSED)
{
  for (guint i = 0; i < 2; i++)
    g_assert_true (msgpack_rpc_connection_is_connected (self->ends[i]));
  for (guint i = 0; i < 2; i++)
    msgpack_rpc_connection_close_async (self->ends[i], MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  test_drain ();
  for (guint i = 0; i < 2; i++)
    g_assert_finalize_object (self->ends[i]);
}

/* Consumes @params. */
static MsgpackRpcCall *
call (Pair       *self,
      const char *method,
      GVariant   *params)
{
  MsgpackRpcCall *started = msgpack_rpc_peer_start_call (self->peer, method, params);

  WAIT_UNTIL (msgpack_rpc_call_get_state (started) != MSGPACK_RPC_CALL_STATE_PENDING);
  return started;
}

static void
assert_result (Pair  *self,
               guint  depth)
{
  g_autoptr(MsgpackRpcCall) ended = call (self, "deep", g_variant_new ("(x)", (gint64) depth));

  g_assert_no_error (msgpack_rpc_call_get_error (ended));
}

static void
assert_no_result (Pair  *self,
                  guint  depth)
{
  g_autoptr(MsgpackRpcCall) ended = call (self, "deep", g_variant_new ("(x)", (gint64) depth));
  const GError *error = msgpack_rpc_call_get_error (ended);

  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_nonnull (strstr (error->message, "may have 31 levels"));
}

static GVariant *
nest_param (Pair  *self,
            guint  depth)
{
  GVariant *value = nest (self->kind, depth);

  return g_variant_new_tuple (&value, 1);
}

static void
assert_param (Pair  *self,
              guint  depth)
{
  g_autoptr(MsgpackRpcCall) ended = call (self, "take", nest_param (self, depth));

  g_assert_no_error (msgpack_rpc_call_get_error (ended));
}

static void
assert_no_param (Pair  *self,
                 guint  depth)
{
  g_autoptr(MsgpackRpcCall) ended = call (self, "take", nest_param (self, depth));
  g_autoptr(GError) error = NULL;

  g_assert_error (msgpack_rpc_call_get_error (ended), MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (ended), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);

  g_assert_false (msgpack_rpc_peer_send_notification (self->peer, "n", nest_param (self, depth),
                                                      &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
}

static void
test_default (Pair          *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What a peer takes by default is sent, and a level more is an error of who sends it");

  assert_result (self, 1);
  assert_result (self, MAX_RESULT / 2);
  assert_result (self, MAX_RESULT);
  assert_no_result (self, MAX_RESULT + 1);
  assert_no_result (self, MAX_RESULT + 5);
  assert_param (self, MAX_PARAM);
  assert_no_param (self, MAX_PARAM + 1);
  assert_result (self, MAX_RESULT);
}

static void
test_raised (Pair          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Where more is taken more may be sent; to take less is not to send less");

  for (guint i = 0; i < 2; i++)
    msgpack_rpc_limits_set_max_depth (msgpack_rpc_connection_get_limits (self->ends[i]), 40);
  assert_result (self, MAX_RESULT + 8);
  assert_param (self, MAX_PARAM + 8);
  assert_no_param (self, MAX_PARAM + 9);

  msgpack_rpc_limits_set_max_depth (msgpack_rpc_connection_get_limits (self->ends[0]), 4);
  assert_param (self, MAX_PARAM);
  assert_no_param (self, MAX_PARAM + 1);
}

static void
test_message (Pair          *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GError) error = NULL;
  GVariant *message[] = { g_variant_new_int32 (2), g_variant_new_string ("n"), NULL };

  g_test_summary ("The same holds for a message as it is");

  message[2] = nest (self->kind, MAX_RESULT + 1);
  g_assert_false (msgpack_rpc_connection_send_message (
    self->ends[0], g_variant_new_tuple (message, G_N_ELEMENTS (message)), &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOO_DEEP);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *by_default = g_strconcat ("/msgpack-rpc/depth/default/", kinds[i].name, NULL);
      g_autofree char *raised = g_strconcat ("/msgpack-rpc/depth/raised/", kinds[i].name, NULL);
      g_autofree char *message = g_strconcat ("/msgpack-rpc/depth/message/", kinds[i].name, NULL);

      g_test_add (by_default, Pair, &kinds[i], setup, test_default, teardown);
      g_test_add (raised, Pair, &kinds[i], setup, test_raised, teardown);
      g_test_add (message, Pair, &kinds[i], setup, test_message, teardown);
    }

  return g_test_run ();
}
