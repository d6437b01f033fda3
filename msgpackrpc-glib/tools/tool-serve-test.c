/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-serve.h"

#include <math.h>

/* Methods for trying out clients of any implementation. Whoever is let in may call them, so what each of
 * them may cost is bounded; requests in flight are by the server. */

/* Of blob() and big(), in bytes. */
#define MAX_SIZE (16 * 1024 * 1024)
/* Of slow(), in seconds. */
#define MAX_DELAY 3600
/* Of the values that all its callers together wait for, in bytes. One alone may have more. */
#define MAX_NAPS_SIZE (64 * 1024 * 1024)
/* Of notified(). */
#define MAX_NOTES 1000
#define MAX_NOTE_BYTES (16 * 1024 * 1024)
#define NOTES "msgpackrpc-notes"

static gboolean
is_notification (MsgpackRpcInvocation *invocation)
{
  return msgpack_rpc_invocation_get_msgid (invocation) == NULL;
}

/* ---- values ---- */

/* Programs whose numbers are all floats send whole ones as integers. */
static gboolean
is_float (GVariant *value)
{
  return g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE);
}

/* NULL if there is no such integer of 64 bits. */
static GVariant *
add_integers (GVariant *a,
              GVariant *b)
{
  gint64 x, y, sum;
  guint64 ux, uy, usum;

  if (msgpack_rpc_variant_get_int64 (a, &x) && msgpack_rpc_variant_get_int64 (b, &y) &&
      !__builtin_add_overflow (x, y, &sum))
    return g_variant_new_int64 (sum);

  if (msgpack_rpc_variant_get_uint64 (a, &ux) && msgpack_rpc_variant_get_uint64 (b, &uy) &&
      !__builtin_add_overflow (ux, uy, &usum))
    return g_variant_new_uint64 (usum);

  return NULL;
}

static gboolean
take_number (GVariant  *params,
             guint      i,
             GVariant **value,
             double    *number,
             GError   **error)
{
  g_variant_get_child (params, i, "v", value);
  if (msgpack_rpc_variant_get_double (*value, number))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS,
               "add(): expected a number at params[%u]", i);
  return FALSE;
}

static gboolean
add (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data G_GNUC_UNUSED,
     GError               **error)
{
  g_autoptr(GVariant) a = NULL;
  g_autoptr(GVariant) b = NULL;
  GVariant *sum = NULL;
  double x, y;

  if (!take_number (params, 0, &a, &x, error) || !take_number (params, 1, &b, &y, error))
    return FALSE;

  if (!is_float (a) && !is_float (b))
    sum = add_integers (a, b);
  return msgpack_rpc_invocation_return_value (invocation,
                                              sum != NULL ? sum : g_variant_new_double (x + y));
}

static gboolean
echo (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data G_GNUC_UNUSED,
      GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) value = NULL;

  if (g_variant_is_of_type (params, G_VARIANT_TYPE ("av")) && g_variant_n_children (params) == 1)
    value = g_variant_get_child_value (params, 0);
  else
    value = g_variant_ref (params);
  return msgpack_rpc_invocation_return_value (invocation, value);
}

static gboolean
nothing (MsgpackRpcInvocation  *invocation,
         GVariant              *params G_GNUC_UNUSED,
         gpointer               user_data G_GNUC_UNUSED,
         GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_value (invocation, NULL);
}

/* Gives a size that somebody asked for as long as it is no larger than MAX_SIZE. */
static gboolean
take_size (MsgpackRpcInvocation  *invocation,
           GVariant              *params,
           gsize                 *size,
           GError               **error)
{
  guint64 n;

  g_variant_get (params, "(t)", &n);
  if (n <= MAX_SIZE)
    {
      *size = (gsize) n;
      return TRUE;
    }

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS,
               "%s(): %" G_GUINT64_FORMAT " is more than %d bytes, which is the most there is",
               msgpack_rpc_invocation_get_method (invocation), n, MAX_SIZE);
  return FALSE;
}

static gboolean
blob (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data G_GNUC_UNUSED,
      GError               **error)
{
  g_autoptr(GBytes) bytes = NULL;
  guint8 *data;
  gsize size;

  if (!take_size (invocation, params, &size, error))
    return FALSE;

  data = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i % 255 + 1);
  bytes = g_bytes_new_take (data, size);
  return msgpack_rpc_invocation_return_value (invocation, msgpack_rpc_variant_new_bytes (bytes));
}

static gboolean
big (MsgpackRpcInvocation  *invocation,
     GVariant              *params,
     gpointer               user_data G_GNUC_UNUSED,
     GError               **error)
{
  char *text;
  gsize size;

  if (!take_size (invocation, params, &size, error))
    return FALSE;

  text = g_malloc (size + 1);
  for (gsize i = 0; i < size; i++)
    text[i] = "0123456789abcdef"[i % 16];
  text[size] = '\0';
  return msgpack_rpc_invocation_return_value (invocation, g_variant_new_take_string (text));
}

/* ---- errors ---- */

static gboolean
fail (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data G_GNUC_UNUSED,
      GError               **error G_GNUC_UNUSED)
{
  g_autoptr(GVariant) text = g_variant_get_child_value (params, 0);

  return msgpack_rpc_invocation_return_error_value (invocation, text);
}

static gboolean
fail_obj (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data G_GNUC_UNUSED,
          GError               **error G_GNUC_UNUSED)
{
  return msgpack_rpc_invocation_return_error_value (invocation, params);
}

/* ---- later ---- */

typedef struct
{
  MsgpackRpcInvocation *invocation; /* owned */
  GVariant *value;                  /* owned */
  gulong cancelled_id;
} Nap;

/* Of the values of all. */
static gsize naps_size;

static void
nap_free (gpointer data)
{
  Nap *nap = data;

  g_signal_handler_disconnect (nap->invocation, nap->cancelled_id);
  g_object_unref (nap->invocation);
  naps_size -= g_variant_get_size (nap->value);
  g_variant_unref (nap->value);
  g_free (nap);
}

static gboolean
wake_up (gpointer user_data)
{
  Nap *nap = user_data;

  msgpack_rpc_invocation_return_value (nap->invocation, nap->value);
  return G_SOURCE_REMOVE;
}

static void
stop_nap (MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
          GSource              *timeout)
{
  g_source_destroy (timeout);
}

static gboolean
check_nap (double     seconds,
           GVariant  *value,
           GError   **error)
{
  if (!(seconds >= 0 && seconds <= MAX_DELAY))
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_PARAMS,
                 "slow(): expected a number of seconds from 0 to %d", MAX_DELAY);
  else if (naps_size > 0 && naps_size + g_variant_get_size (value) > MAX_NAPS_SIZE)
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
                 "slow(): values of %" G_GSIZE_FORMAT " bytes wait already, and %d is the most there "
                 "may be", naps_size, MAX_NAPS_SIZE);
  else
    return TRUE;

  return FALSE;
}

static gboolean
slow (MsgpackRpcInvocation  *invocation,
      GVariant              *params,
      gpointer               user_data G_GNUC_UNUSED,
      GError               **error)
{
  g_autoptr(GVariant) value = g_variant_get_child_value (params, 1);
  g_autoptr(GSource) timeout = NULL;
  double seconds;
  Nap *nap;

  g_variant_get_child (params, 0, "d", &seconds);
  if (!check_nap (seconds, value, error))
    return FALSE;

  /* Nobody waits for it, and of notifications there may be any number. */
  if (is_notification (invocation))
    return TRUE;

  timeout = g_timeout_source_new ((guint) ceil (seconds * 1000));
  nap = g_new0 (Nap, 1);
  nap->invocation = g_object_ref (invocation);
  nap->value = g_variant_ref (value);
  naps_size += g_variant_get_size (value);
  nap->cancelled_id = g_signal_connect (invocation, "cancelled", G_CALLBACK (stop_nap), timeout);
  g_source_set_static_name (timeout, "[msgpackrpc] slow()");
  g_source_set_callback (timeout, wake_up, nap, nap_free);
  g_source_attach (timeout, g_main_context_get_thread_default ());
  return TRUE;
}

/* ---- to the caller ---- */

static gboolean
notify_back (MsgpackRpcInvocation  *invocation,
             GVariant              *params,
             gpointer               user_data G_GNUC_UNUSED,
             GError               **error)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  g_autoptr(GVariant) sent = g_variant_get_child_value (params, 1);
  const char *method;

  g_variant_get_child (params, 0, "&s", &method);
  return msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (connection), method, sent, error) &&
         (is_notification (invocation) || msgpack_rpc_invocation_return_value (invocation, NULL));
}

typedef struct
{
  MsgpackRpcInvocation *invocation; /* owned */
  gulong cancelled_id;
} Forwarding;

static void
forwarded_cb (GObject      *source,
              GAsyncResult *result,
              gpointer      user_data)
{
  MsgpackRpcCall *call = MSGPACK_RPC_CALL (source);
  Forwarding *forwarding = user_data;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_signal_handler_disconnect (forwarding->invocation, forwarding->cancelled_id);
  value = msgpack_rpc_call_wait_finish (call, result, &error);
  if (value != NULL)
    msgpack_rpc_invocation_return_value (forwarding->invocation, value);
  else if (msgpack_rpc_call_get_error_value (call) != NULL)
    msgpack_rpc_invocation_return_error_value (forwarding->invocation,
                                               msgpack_rpc_call_get_error_value (call));
  else
    msgpack_rpc_invocation_return_gerror (forwarding->invocation, error);

  g_object_unref (forwarding->invocation);
  g_free (forwarding);
}

static void
stop_forwarding (MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
                 MsgpackRpcCall       *call)
{
  msgpack_rpc_call_cancel (call);
}

static gboolean
callback (MsgpackRpcInvocation  *invocation,
          GVariant              *params,
          gpointer               user_data G_GNUC_UNUSED,
          GError               **error G_GNUC_UNUSED)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  g_autoptr(GVariant) sent = g_variant_get_child_value (params, 1);
  g_autoptr(MsgpackRpcCall) call = NULL;
  Forwarding *forwarding;
  const char *method;

  /* There is nobody to pass the answer on to. */
  if (is_notification (invocation))
    return TRUE;

  g_variant_get_child (params, 0, "&s", &method);
  forwarding = g_new0 (Forwarding, 1);
  forwarding->invocation = g_object_ref (invocation);
  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (connection), method, sent);
  forwarding->cancelled_id = g_signal_connect_object (invocation, "cancelled",
                                                      G_CALLBACK (stop_forwarding), call, 0);
  msgpack_rpc_call_wait_async (call, NULL, forwarded_cb, forwarding);
  return TRUE;
}

/* ---- notifications ---- */

/* Those that have come on a connection. */
typedef struct
{
  GQueue values; /* of GVariant, owned: each the method and its parameters */
  gsize size;    /* of all of them, in bytes */
} Notes;

static void
notes_free (gpointer data)
{
  Notes *notes = data;

  g_queue_clear_full (&notes->values, (GDestroyNotify) g_variant_unref);
  g_free (notes);
}

static void
take_note (MsgpackRpcConnection *connection,
           const char           *method,
           GVariant             *params,
           gpointer              user_data G_GNUC_UNUSED)
{
  Notes *notes = g_object_get_data (G_OBJECT (connection), NOTES);
  GVariant *value = g_variant_ref_sink (g_variant_new ("(s@*)", method, params));

  g_queue_push_tail (&notes->values, value);
  notes->size += g_variant_get_size (value);
  while (notes->values.length > MAX_NOTES || notes->size > MAX_NOTE_BYTES)
    {
      g_autoptr(GVariant) oldest = g_queue_pop_head (&notes->values);

      notes->size -= g_variant_get_size (oldest);
    }
}

static void
keep_notes (MsgpackRpcServer     *server G_GNUC_UNUSED,
            MsgpackRpcConnection *connection,
            gpointer              user_data G_GNUC_UNUSED)
{
  Notes *notes = g_new0 (Notes, 1);

  g_queue_init (&notes->values);
  g_object_set_data_full (G_OBJECT (connection), NOTES, notes, notes_free);
  g_signal_connect (connection, "notification", G_CALLBACK (take_note), NULL);
}

static gboolean
notified (MsgpackRpcInvocation  *invocation,
          GVariant              *params G_GNUC_UNUSED,
          gpointer               user_data G_GNUC_UNUSED,
          GError               **error G_GNUC_UNUSED)
{
  MsgpackRpcConnection *connection = msgpack_rpc_invocation_get_connection (invocation);
  const Notes *notes = g_object_get_data (G_OBJECT (connection), NOTES);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("av"));

  for (const GList *l = notes->values.head; l != NULL; l = l->next)
    g_variant_builder_add (&builder, "v", l->data);
  return msgpack_rpc_invocation_return_value (invocation, g_variant_builder_end (&builder));
}

/* ---- all ---- */

static const ToolServeMethod methods[] = {
  { "add", "(vv)", { "a", "b" }, "v",
    "The sum of two numbers: an integer if both are, and if it has 64 bits; else a float", add },
  { "big", "(t)", { "n" }, "s",
    "A str of n bytes, “0123456789abcdef” over and over again", big },
  { "blob", "(t)", { "n" }, "ay",
    "A bin of n bytes, of which byte i is i % 255 + 1", blob },
  { "callback", "(sav)", { "method", "params" }, "v",
    "Calls a method of the caller, and passes its result or its error on", callback },
  { "echo", NULL, { NULL }, "v",
    "The argument, if it is one; the array of all arguments, if there are more or none", echo },
  { "fail", "(s)", { "text" }, NULL,
    "Fails with the text", fail },
  { "fail_obj", "(vs)", { "code", "text" }, NULL,
    "Fails with the array of both", fail_obj },
  { "nothing", "()", { NULL }, "mv",
    "Returns nil", nothing },
  { "notified", "()", { NULL }, "av",
    "The notifications that have come on this connection, oldest first, each as [method, params]; "
    "the last 1000, and not more than 16 MiB", notified },
  { "notify_back", "(sav)", { "method", "params" }, "mv",
    "Sends a notification to the caller, then returns nil", notify_back },
  { "slow", "(dv)", { "seconds", "value" }, "v",
    "Returns the value after that time, while other calls are answered; at most an hour", slow },
};

static void
add_method (MsgpackRpcDispatcher  *dispatcher,
            const ToolServeMethod *template)
{
  g_autoptr(MsgpackRpcMethod) method = NULL;

  msgpack_rpc_dispatcher_add_method (dispatcher, template->name, template->signature,
                                     template->handler, NULL, NULL);
  method = msgpack_rpc_dispatcher_lookup_method (dispatcher, template->name);
  if (template->signature != NULL)
    msgpack_rpc_method_set_param_names (method, (const char * const *) template->param_names);
  msgpack_rpc_method_set_result_signature (method, template->result_signature);
  msgpack_rpc_method_set_description (method, template->description);
}

/* To the server's dispatcher. */
void
tool_serve_add_test_methods (MsgpackRpcServer *server)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    add_method (msgpack_rpc_server_get_dispatcher (server), &methods[i]);
  g_signal_connect (server, "client-connected", G_CALLBACK (keep_notes), NULL);
}
