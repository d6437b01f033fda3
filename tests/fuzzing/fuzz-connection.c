/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* The input is the dialect of a connection, steps, and a stream of messages that a peer sends. It is
 * cut into pieces, and after each the application does something: it answers a request, calls, gives a
 * call up, changes its mind about the order of the answers.
 *
 * Whatever comes, what the connection writes are messages, framed if they are to be; no request is
 * answered twice, those that want an order get it; each call and each flush ends; and nothing is left
 * behind. */

#include "fuzz-util.h"

#include <gio/gio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "msgpack-rpc-call.h"
#include "msgpack-rpc-connection.h"
#include "msgpack-rpc-invocation.h"
#include "msgpack-rpc-limits.h"
#include "msgpack-rpc-peer.h"
#include "msgpack-rpc-unpacker-private.h"

#define FLAG_FRAME 1         /* lengths are put before the messages of the stream */
#define FLAG_SIGNALS 2       /* the application listens to all there is */
#define FLAG_KEEP 4          /* requests are answered later */
#define FLAG_FEW_REQUESTS 8
#define FLAG_SMALL_MESSAGES 16
#define FLAG_EXTENSIONS 32
#define FLAG_CLOSE_NOW 64

#define FEW_REQUESTS 3
#define SMALL_MESSAGE 64

#define N_PROFILES (MSGPACK_RPC_PROFILE_KEYBASE + 1)
#define N_ORDERS (MSGPACK_RPC_REPLY_ORDER_REVERSE + 1)

#define MAX_STEPS 24

/* What the application does after a piece: the upper half of a step. The lower one is the size of the
 * piece; 0 for all that is left. */
typedef enum
{
  STEP_WAIT,
  STEP_ANSWER_FIRST,
  STEP_ANSWER_LAST,
  STEP_FAIL_FIRST,
  STEP_DROP_LAST,
  STEP_CALL,
  STEP_CANCEL_FIRST,
  STEP_CANCEL_LAST,
  STEP_NOTIFY, /* and flush */
  STEP_ANY_ORDER,
  STEP_REQUEST_ORDER,
  STEP_REVERSE_ORDER,
  STEP_PAUSE,
  STEP_NEXT_PROFILE,
  STEP_HALF_CLOSE,
  STEP_NOTHING, /* not even wait */
} Step;

typedef struct
{
  MsgpackRpcProfile profile;
  MsgpackRpcFraming framing;
  MsgpackRpcReplyOrder order;
  guint8 flags;
  guint8 steps[MAX_STEPS];
  guint n_steps;
} Plan;

typedef struct
{
  MsgpackRpcConnection *connection;
  int fd;               /* the peer's, −1 once closed */
  GByteArray *output;   /* all that the peer has got */
  GPtrArray *kept;      /* of MsgpackRpcInvocation, owned; requests to be answered */
  GPtrArray *calls;     /* of MsgpackRpcCall, owned */
  gboolean keeps;
  guint n_requests;     /* the result of each is its number, from 1 */
  guint n_results;      /* given */
  guint n_flushing;
  gboolean is_reordered;
  gboolean is_closed;
  gboolean has_failed;
} End;

static void
plan_take (Plan      *self,
           FuzzInput *input)
{
  guint8 dialect = fuzz_input_take_byte (input);

  self->profile = dialect % N_PROFILES;
  self->framing = dialect / N_PROFILES % 2;
  self->order = dialect / N_PROFILES / 2 % N_ORDERS;
  self->flags = fuzz_input_take_byte (input);
  self->n_steps = fuzz_input_take_byte (input) % (MAX_STEPS + 1);
  for (guint i = 0; i < self->n_steps; i++)
    self->steps[i] = fuzz_input_take_byte (input);
}

static gboolean
plan_is_framed (const Plan *self)
{
  return self->profile == MSGPACK_RPC_PROFILE_KEYBASE || self->framing != MSGPACK_RPC_FRAMING_NONE;
}

/* ---- the peer ---- */

static void
send_piece (End          *self,
            const guint8 *data,
            gsize         size)
{
  /* It may have been closed. */
  while (size > 0)
    {
      gssize n = send (self->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (n <= 0)
        return;
      data += n;
      size -= n;
    }
}

static gboolean
read_output (End *self)
{
  guint8 buffer[4096];
  gssize n = recv (self->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n > 0)
    g_byte_array_append (self->output, buffer, n);

  return n > 0;
}

static void
iterate (End *self)
{
  gboolean goes_on = TRUE;

  while (goes_on)
    {
      goes_on = g_main_context_iteration (NULL, FALSE);
      goes_on = read_output (self) || goes_on;
    }
}

/* ---- the application ---- */

static void
return_number (End                  *self,
               MsgpackRpcInvocation *invocation)
{
  gpointer number = g_object_get_data (G_OBJECT (invocation), "number");

  if (msgpack_rpc_invocation_return_value (invocation,
                                           g_variant_new_uint32 (GPOINTER_TO_UINT (number))))
    self->n_results++;
}

static gboolean
request_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
            MsgpackRpcInvocation *invocation,
            GVariant             *params,
            gpointer              data)
{
  End *self = data;
  const char *method = msgpack_rpc_invocation_get_method (invocation);

  fuzz_assert_normal_form (params);
  if (*method == 'n')
    return FALSE;

  g_object_set_data (G_OBJECT (invocation), "number", GUINT_TO_POINTER (++self->n_requests));
  if (self->keeps || *method == 'k')
    g_ptr_array_add (self->kept, g_object_ref (invocation));
  else
    return_number (self, invocation);

  return TRUE;
}

static void
closed_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
           GError               *error,
           GVariant             *incomplete G_GNUC_UNUSED,
           GVariant             *unsent G_GNUC_UNUSED,
           gpointer              data)
{
  End *self = data;

  g_assert_false (self->is_closed);
  if (error != NULL && error->domain != G_IO_ERROR)
    fuzz_assert_error (error);
  self->is_closed = TRUE;
  self->has_failed = error != NULL;
}

static void
notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                 const char           *method,
                 GVariant             *params,
                 gpointer              data G_GNUC_UNUSED)
{
  g_assert_true (g_utf8_validate (method, -1, NULL));
  fuzz_assert_normal_form (params);
}

static void
peer_error_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
               const char           *text,
               GVariant             *value,
               gpointer              data G_GNUC_UNUSED)
{
  g_assert_true (g_utf8_validate (text, -1, NULL));
  fuzz_assert_normal_form (value);
}

static void
unknown_reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                  GVariant             *msgid,
                  GVariant             *error,
                  GVariant             *result,
                  gpointer              data G_GNUC_UNUSED)
{
  fuzz_assert_normal_form (msgid);
  fuzz_assert_normal_form (error);
  fuzz_assert_normal_form (result);
}

static void
unknown_message_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                    GVariant             *message,
                    gpointer              data G_GNUC_UNUSED)
{
  fuzz_assert_normal_form (message);
}

static gboolean
message_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
            GVariant             *message,
            gpointer              data G_GNUC_UNUSED)
{
  fuzz_assert_normal_form (message);

  return FALSE;
}

static MsgpackRpcInvocation *
take_kept (End      *self,
           gboolean  last)
{
  return self->kept->len > 0 ? g_ptr_array_steal_index (self->kept, last ? self->kept->len - 1 : 0)
                             : NULL;
}

static void
answer (End  *self,
        Step  step)
{
  gboolean last = step == STEP_ANSWER_LAST || step == STEP_DROP_LAST;
  g_autoptr(MsgpackRpcInvocation) invocation = take_kept (self, last);

  if (invocation == NULL || step == STEP_DROP_LAST)
    return;

  if (step == STEP_FAIL_FIRST)
    msgpack_rpc_invocation_return_error (invocation, G_IO_ERROR, G_IO_ERROR_FAILED, "no");
  else
    return_number (self, invocation);
}

static void
cancel (End      *self,
        gboolean  last)
{
  if (self->calls->len > 0)
    msgpack_rpc_call_cancel (self->calls->pdata[last ? self->calls->len - 1 : 0]);
}

static void
call (End *self)
{
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (self->connection);
  MsgpackRpcCall *new_call = msgpack_rpc_call_new ("m", NULL);

  msgpack_rpc_call_set_timeout (new_call, G_MAXINT);
  msgpack_rpc_peer_send_call (peer, new_call);
  g_ptr_array_add (self->calls, new_call);
}

static void
flushed_cb (GObject      *connection,
            GAsyncResult *result,
            gpointer      data)
{
  End *self = data;

  msgpack_rpc_connection_flush_finish (MSGPACK_RPC_CONNECTION (connection), result, NULL);
  self->n_flushing--;
}

static void
notify (End *self)
{
  msgpack_rpc_peer_send_notification (MSGPACK_RPC_PEER (self->connection), "m", NULL, NULL);
  msgpack_rpc_connection_flush_async (self->connection, NULL, flushed_cb, self);
  self->n_flushing++;
}

/* One whose messages have the same form. */
static void
next_profile (End *self)
{
  MsgpackRpcProfile profile = msgpack_rpc_connection_get_profile (self->connection);

  if (profile != MSGPACK_RPC_PROFILE_KEYBASE)
    msgpack_rpc_connection_set_profile (self->connection,
                                        (profile + 1) % MSGPACK_RPC_PROFILE_KEYBASE);
}

static void
set_order (End                  *self,
           MsgpackRpcReplyOrder  order)
{
  if (order == msgpack_rpc_connection_get_reply_order (self->connection))
    return;

  self->is_reordered = TRUE;
  msgpack_rpc_connection_set_reply_order (self->connection, order);
}

static void
take_step (End  *self,
           Step  step)
{
  gboolean paused = msgpack_rpc_connection_get_paused (self->connection);

  switch (step)
    {
    case STEP_ANSWER_FIRST:
    case STEP_ANSWER_LAST:
    case STEP_FAIL_FIRST:
    case STEP_DROP_LAST:
      answer (self, step);
      break;

    case STEP_CALL:
      call (self);
      break;

    case STEP_CANCEL_FIRST:
    case STEP_CANCEL_LAST:
      cancel (self, step == STEP_CANCEL_LAST);
      break;

    case STEP_NOTIFY:
      notify (self);
      break;

    case STEP_ANY_ORDER:
    case STEP_REQUEST_ORDER:
    case STEP_REVERSE_ORDER:
      set_order (self, MSGPACK_RPC_REPLY_ORDER_ANY + (step - STEP_ANY_ORDER));
      break;

    case STEP_PAUSE:
      msgpack_rpc_connection_set_paused (self->connection, !paused);
      break;

    case STEP_NEXT_PROFILE:
      next_profile (self);
      break;

    case STEP_HALF_CLOSE:
      shutdown (self->fd, SHUT_WR);
      break;

    case STEP_WAIT:
    case STEP_NOTHING:
    default:
      break;
    }

  if (step != STEP_NOTHING)
    iterate (self);
}

/* ---- both ---- */

static void
listen_to_all (End *self)
{
  g_signal_connect (self->connection, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->connection, "notification", G_CALLBACK (notification_cb), self);
  g_signal_connect (self->connection, "peer-error", G_CALLBACK (peer_error_cb), self);
  g_signal_connect (self->connection, "unknown-message", G_CALLBACK (unknown_message_cb), self);
  g_signal_connect (self->connection, "unknown-reply", G_CALLBACK (unknown_reply_cb), self);
}

static void
apply_plan (End        *self,
            const Plan *plan)
{
  MsgpackRpcLimits *limits = msgpack_rpc_connection_get_limits (self->connection);

  msgpack_rpc_connection_set_profile (self->connection, plan->profile);
  msgpack_rpc_connection_set_framing (self->connection, plan->framing);
  msgpack_rpc_connection_set_reply_order (self->connection, plan->order);
  msgpack_rpc_connection_set_extensions (self->connection, (plan->flags & FLAG_EXTENSIONS) != 0);
  if (plan->flags & FLAG_FEW_REQUESTS)
    msgpack_rpc_limits_set_max_requests_in_flight (limits, FEW_REQUESTS);
  if (plan->flags & FLAG_SMALL_MESSAGES)
    msgpack_rpc_limits_set_max_message_size (limits, SMALL_MESSAGE);
  if (plan->flags & FLAG_SIGNALS)
    listen_to_all (self);
}

static void
end_init (End        *self,
          const Plan *plan)
{
  g_autoptr(GSocket) socket = NULL;
  g_autoptr(GIOStream) stream = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->fd = fds[1];
  socket = g_socket_new_from_fd (fds[0], NULL);
  g_assert_nonnull (socket);
  stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));

  self->output = g_byte_array_new ();
  self->kept = g_ptr_array_new_with_free_func (g_object_unref);
  self->calls = g_ptr_array_new_with_free_func (g_object_unref);
  self->keeps = (plan->flags & FLAG_KEEP) != 0;
  self->connection = msgpack_rpc_connection_new (stream);
  g_signal_connect (self->connection, "closed", G_CALLBACK (closed_cb), self);
  g_signal_connect (self->connection, "request", G_CALLBACK (request_cb), self);
  apply_plan (self, plan);
}

static void
run (End          *self,
     const Plan   *plan,
     const guint8 *data,
     gsize         size)
{
  for (guint i = 0; i < plan->n_steps; i++)
    {
      gsize piece = plan->steps[i] % 16;

      if (piece == 0 || piece > size)
        piece = size;
      send_piece (self, data, piece);
      /* Of nothing, there may be no data. */
      if (piece > 0)
        data += piece;
      size -= piece;
      take_step (self, plan->steps[i] / 16);
    }

  send_piece (self, data, size);
  iterate (self);
}

static void
finish (End        *self,
        const Plan *plan)
{
  while (self->kept->len > 0)
    answer (self, STEP_ANSWER_FIRST);

  iterate (self);
  msgpack_rpc_connection_close_async (self->connection,
                                      plan->flags & FLAG_CLOSE_NOW ? MSGPACK_RPC_CLOSE_MODE_NOW
                                                                   : MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE,
                                      NULL, NULL, NULL);
  while (!self->is_closed)
    iterate (self);
  iterate (self);
}

/* ---- what the peer has got ---- */

/* Its number, if it is the result of a request that the application has answered; or 0. */
static guint
get_number (GVariant *message)
{
  gint64 number, type;
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) result = NULL;

  if (g_variant_n_children (message) < 4)
    return 0;

  g_variant_get_child (message, 0, "v", &first);
  g_variant_get_child (message, 3, "v", &result);
  if (!g_variant_is_of_type (first, G_VARIANT_TYPE_INT64) ||
      !g_variant_is_of_type (result, G_VARIANT_TYPE_INT64))
    return 0;

  type = g_variant_get_int64 (first);
  number = g_variant_get_int64 (result);
  g_assert_cmpint (type, ==, 1);
  g_assert_cmpint (number, >, 0);

  return (guint) number;
}

/* Whatever the peer has sent, an answer that shows it is a line. What comes before that is its id. */
static void
check_texts (GVariant *message)
{
  for (gsize i = 2; i < g_variant_n_children (message); i++)
    {
      g_autoptr(GVariant) item = NULL;

      g_variant_get_child (message, i, "v", &item);
      if (!g_variant_is_of_type (item, G_VARIANT_TYPE_STRING))
        continue;

      for (const char *p = g_variant_get_string (item, NULL); *p != '\0'; p++)
        g_assert_false (g_ascii_iscntrl (*p));
    }
}

static void
check_message (const End  *self,
               const Plan *plan,
               GVariant   *message,
               GHashTable *seen,
               guint      *last)
{
  guint number;

  g_assert_true (g_variant_is_of_type (message, G_VARIANT_TYPE ("av")));
  check_texts (message);
  number = get_number (message);
  if (number == 0)
    return;

  g_assert_cmpuint (number, <=, self->n_requests);
  g_assert_true (g_hash_table_add (seen, GUINT_TO_POINTER (number)));
  if (plan->order == MSGPACK_RPC_REPLY_ORDER_REQUEST && !self->is_reordered)
    g_assert_cmpuint (number, >, *last);
  *last = number;
}

static void
check_output (const End  *self,
              const Plan *plan)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  g_autoptr(GHashTable) seen = g_hash_table_new (NULL, NULL);
  g_autoptr(GError) error = NULL;
  GVariant *message;
  guint last = 0;

  _msgpack_rpc_unpacker_set_limits (unpacker, G_MAXUINT, G_MAXUINT, 40);
  _msgpack_rpc_unpacker_set_require_array (unpacker, TRUE);
  _msgpack_rpc_unpacker_set_framed (unpacker, plan_is_framed (plan));
  msgpack_rpc_unpacker_feed (unpacker, self->output->data, self->output->len);
  while ((message = msgpack_rpc_unpacker_next (unpacker, &error)) != NULL)
    {
      check_message (self, plan, message, seen, &last);
      g_variant_unref (message);
    }
  g_assert_no_error (error);
  if (!(plan->flags & FLAG_CLOSE_NOW) && !self->has_failed)
    g_assert_cmpuint (g_hash_table_size (seen), ==, self->n_results);

  /* At once may be in the midst of one. */
  if (!(plan->flags & FLAG_CLOSE_NOW))
    g_assert_true (_msgpack_rpc_unpacker_is_empty (unpacker));
}

static void
end_clear (End *self)
{
  for (guint i = 0; i < self->calls->len; i++)
    g_assert_cmpint (msgpack_rpc_call_get_state (self->calls->pdata[i]), !=,
                     MSGPACK_RPC_CALL_STATE_PENDING);

  g_assert_cmpuint (self->n_flushing, ==, 0);
  g_ptr_array_unref (self->calls);
  g_ptr_array_unref (self->kept);
  g_assert_finalize_object (self->connection);
  g_byte_array_unref (self->output);
  close (self->fd);
}

int
LLVMFuzzerTestOneInput (const guint8 *data,
                        gsize         size)
{
  FuzzInput input = { data, size };
  g_autoptr(GByteArray) framed = NULL;
  End end = { NULL };
  Plan plan;

  plan_take (&plan, &input);
  end_init (&end, &plan);
  if (plan.flags & FLAG_FRAME)
    {
      framed = fuzz_frame (input.data, input.size);
      input = (FuzzInput) { framed->data, framed->len };
    }

  run (&end, &plan, input.data, input.size);
  finish (&end, &plan);
  check_output (&end, &plan);
  end_clear (&end);

  return 0;
}
