/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Bytes that are no good MessagePack-RPC, cut in two at every place. */

#include "test-hostile.h"

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#define REQUEST "94 00 01 a3'add' 92 01 02"
#define NOTIFICATION "93 02 a3'add' 92 01 02"
#define ANSWER "(1, 1, @mv nothing, 3)"
#define POST "'POST / HTTP/1.1' 0d0a 'Host: localhost:18800' 0d0a" \
             "'Content-Type: text/plain' 0d0a 'Content-Length: 11' 0d0a0d0a"

/* What a peer says, and what it comes to. */
typedef struct
{
  const char *name;
  const char *bytes;
  const char *log;              /* the methods that run */
  const char *answers[5];       /* GVariant text */
  const char *outcomes[3];      /* of the calls that were started before: the result as GVariant
                                 * text, a part of the error after “!”, or “?” for none yet */
  const char *statistic;        /* a counter, */
  guint count;                  /* and what it must have come to */
  int code;                     /* of MSGPACK_RPC_ERROR: how the connection ends; or LIVES */
  const char *message;          /* a part of the error's text */
} Conversation;

#define LIVES -1

static MsgpackRpcCall *
start_call (Hostile *f,
            guint    i)
{
  g_autofree char *method = g_strdup_printf ("call%u", i);
  g_autofree char *expected = g_strdup_printf ("(0, %u, 'call%u', @av [])", i, i);
  MsgpackRpcCall *call = msgpack_rpc_peer_start_call (f->peer, method, NULL);
  g_autoptr(GVariant) request = raw_peer_receive (&f->raw);

  test_assert_value (request, expected);
  return call;
}

static void
start_calls (Hostile            *f,
             const Conversation *conversation,
             GPtrArray          *calls)
{
  for (guint i = 0; i < G_N_ELEMENTS (conversation->outcomes); i++)
    if (conversation->outcomes[i] != NULL)
      g_ptr_array_add (calls, start_call (f, i + 1));
}

static void
assert_outcome (MsgpackRpcCall *call,
                const char     *outcome)
{
  GError *error = msgpack_rpc_call_get_error (call);

  if (*outcome == '?')
    {
      g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_PENDING);
      msgpack_rpc_call_cancel (call);
    }
  else if (*outcome == '!')
    {
      g_assert_cmpint (msgpack_rpc_call_get_state (call), ==, MSGPACK_RPC_CALL_STATE_FAILED);
      g_assert_nonnull (strstr (error->message, outcome + 1));
    }
  else
    {
      g_assert_no_error (error);
      test_assert_value (msgpack_rpc_call_get_result (call), outcome);
    }
}

static gboolean
is_value (GVariant   *value,
          const char *text)
{
  g_autoptr(GVariant) parsed = test_parse (text);
  g_autoptr(GBytes) left = msgpack_rpc_pack (value, NULL);
  g_autoptr(GBytes) right = msgpack_rpc_pack (parsed, NULL);

  return g_bytes_equal (left, right);
}

/* The answers come in any order: a refusal need not wait for its turn in the context. */
static void
assert_answers (Hostile            *f,
                const char * const *answers,
                gsize               n_answers)
{
  g_autoptr(GPtrArray) expected = g_ptr_array_new ();

  for (gsize i = 0; i < n_answers && answers[i] != NULL; i++)
    g_ptr_array_add (expected, (gpointer) answers[i]);

  while (expected->len > 0)
    {
      g_autoptr(GVariant) answer = raw_peer_receive (&f->raw);
      guint i = 0;

      while (i < expected->len - 1 && !is_value (answer, g_ptr_array_index (expected, i)))
        i++;
      test_assert_value (answer, g_ptr_array_index (expected, i));
      g_ptr_array_remove_index (expected, i);
    }
}

static void
assert_end (Hostile            *f,
            const Conversation *conversation)
{
  if (conversation->code == LIVES)
    {
      const char *probe[] = { "(1, 99, @mv nothing, 5)" };
      g_autofree char *log = g_strconcat (conversation->log, "add ", NULL);

      raw_peer_send_value (&f->raw, g_variant_new_parsed ("(0, 99, 'add', (2, 3))"));
      assert_answers (f, probe, 1);
      g_assert_cmpstr (f->log->str, ==, log);
      g_assert_true (msgpack_rpc_connection_is_connected (f->connection));
    }
  else
    {
      g_autofree char *log = g_strconcat (conversation->log, "closed", NULL);

      hostile_assert_told (f, conversation->answers);
      WAIT_UNTIL (f->n_closed > 0);
      test_drain ();
      g_assert_cmpuint (f->n_closed, ==, 1);
      g_assert_error (f->error, MSGPACK_RPC_ERROR, conversation->code);
      g_assert_nonnull (strstr (f->error->message, conversation->message));
      g_assert_cmpstr (f->log->str, ==, log);
    }
}

static void
assert_conversation (Hostile            *f,
                     const Conversation *conversation,
                     GPtrArray          *calls)
{
  if (conversation->code == LIVES)
    assert_answers (f, conversation->answers, G_N_ELEMENTS (conversation->answers));
  assert_end (f, conversation);
  if (conversation->statistic != NULL)
    g_assert_cmpuint (hostile_get_statistic (f, conversation->statistic), ==, conversation->count);
  for (guint i = 0; i < calls->len; i++)
    assert_outcome (g_ptr_array_index (calls, i), conversation->outcomes[i]);
}

/* Sends the bytes in two parts, or with @cut 0 in one, or with @cut -1 one by one. */
static void
run_conversation (Hostile            *f,
                  const Conversation *conversation,
                  GByteArray         *bytes,
                  int                 cut)
{
  g_autoptr(GPtrArray) calls = g_ptr_array_new_with_free_func (g_object_unref);

  hostile_renew (f);
  start_calls (f, conversation, calls);
  if (cut >= 0)
    {
      raw_peer_send (&f->raw, bytes->data, (gsize) cut);
      test_drain ();
      hostile_try_send (f, bytes->data + cut, bytes->len - (guint) cut);
    }
  else
    for (guint i = 0; i < bytes->len; i++)
      {
        hostile_try_send (f, bytes->data + i, 1);
        test_drain ();
      }
  test_drain ();
  assert_conversation (f, conversation, calls);
}

static void
run_conversations (Hostile            *f,
                   const Conversation *conversations,
                   gsize               n)
{
  for (gsize i = 0; i < n; i++)
    {
      const Conversation *conversation = &conversations[i];
      g_autoptr(GByteArray) bytes = bytes_from_hex (conversation->bytes);

      g_test_message ("%s", conversation->name);
      for (int cut = -1; cut < (int) bytes->len; cut++)
        run_conversation (f, conversation, bytes, cut);
    }
}

/* ---- what is no message ---- */

static const Conversation no_messages[] = {
  {
    .name = "a POST of a browser, with a request as its body",
    .bytes = POST REQUEST,
    .log = "",
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "got \"P",
  },
  {
    .name = "a stray print between two requests",
    .bytes = REQUEST "'Warning: 3 > 2' 0a" REQUEST,
    .log = "add ",
    .answers = { ANSWER },
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "got \"W",
  },
  {
    .name = "an empty line",
    .bytes = "0a" REQUEST,
    .log = "",
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "got \"\\n",
  },
  {
    .name = "a map",
    .bytes = "81 a4'call' 94 00 01 a3'add' 92 01 02",
    .log = "",
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "expected a message (an array)",
  },
  {
    .name = "the length of a message before it",
    .bytes = "0a" REQUEST,
    .log = "",
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "expected a message (an array)",
  },
  {
    .name = "what is no MessagePack within a message",
    .bytes = REQUEST "94 00 02 c1 92 01 02" REQUEST,
    .log = "add ",
    .answers = { ANSWER },
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "",
  },
};

static void
test_no_messages (Hostile       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What is no message ends the connection with its first bytes, and runs nothing");

  run_conversations (f, no_messages, G_N_ELEMENTS (no_messages));
}

static void
test_post (Hostile       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (POST REQUEST);

  g_test_summary ("The error after an HTTP request shows that it was one");

  hostile_try_send (f, bytes->data, bytes->len);
  WAIT_UNTIL (f->n_closed == 1);
  g_assert_nonnull (strstr (f->error->message, "POST / HTTP"));
  g_assert_null (strchr (f->error->message, '\r'));
  g_assert_cmpstr (f->log->str, ==, "closed");
}

static gboolean
begins_array (guint byte)
{
  return (byte & 0xf0) == 0x90 || byte == 0xdc || byte == 0xdd;
}

static void
test_first_bytes (Hostile       *f,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) request = bytes_from_hex (REQUEST);

  g_test_summary ("No byte but those that begin an array can begin a message");

  for (guint byte = 0; byte <= 0xff; byte++)
    {
      guint8 first = (guint8) byte;

      hostile_renew (f);
      hostile_try_send (f, &first, 1);
      if (byte % 2 == 0)
        test_drain ();
      if (!begins_array (byte))
        hostile_try_send (f, request->data, request->len);
      else
        raw_peer_shutdown_write (&f->raw);
      WAIT_UNTIL (f->n_closed == 1);
      g_assert_cmpstr (f->log->str, ==, "closed");
      if (byte == 0x90)
        g_assert_no_error (f->error);
      else
        g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
    }
}

/* ---- messages cut short ---- */

static gboolean
is_cut_short (const guint8 *data,
              gsize         size,
              guint        *n_messages)
{
  g_autoptr(MsgpackRpcUnpacker) unpacker = msgpack_rpc_unpacker_new ();
  GVariant *message;

  *n_messages = 0;
  msgpack_rpc_unpacker_feed (unpacker, data, size);
  while ((message = msgpack_rpc_unpacker_next (unpacker, NULL)) != NULL)
    {
      g_variant_unref (message);
      ++*n_messages;
    }
  return !msgpack_rpc_unpacker_finish (unpacker, NULL);
}

static void
test_cut_short (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (NOTIFICATION REQUEST
                                               "dc0004 ce00000000 cd0002 d903'add'"
                                               "dd00000002 d20000000a cf0000000000000002");

  g_test_summary ("A stream that ends within a message is an error; all before it counts");

  for (gsize size = 0; size <= bytes->len; size++)
    {
      guint n_messages;
      gboolean cut_short = is_cut_short (bytes->data, size, &n_messages);
      GString *log = g_string_new (NULL);

      hostile_renew (f);
      raw_peer_send (&f->raw, bytes->data, size);
      if (size % 2 == 0)
        test_drain ();
      raw_peer_shutdown_write (&f->raw);
      WAIT_UNTIL (f->n_closed == 1);

      for (guint i = 0; i < n_messages; i++)
        g_string_append (log, "add ");
      g_string_append (log, "closed");
      g_assert_cmpstr (f->log->str, ==, log->str);
      g_string_free (log, TRUE);
      if (cut_short)
        {
          g_assert_error (f->error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_MESSAGE);
          g_assert_nonnull (strstr (f->error->message, "cut short"));
        }
      else
        g_assert_no_error (f->error);
    }
}

static void
test_vanished (Hostile       *f,
               gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex (NOTIFICATION REQUEST NOTIFICATION);

  g_test_summary ("A peer that vanishes at any byte ends the connection once, after what it sent");

  for (gsize size = 0; size <= bytes->len; size++)
    {
      guint n_messages;
      g_autoptr(GString) log = g_string_new (NULL);

      is_cut_short (bytes->data, size, &n_messages);
      hostile_renew (f);
      raw_peer_send (&f->raw, bytes->data, size);
      if (size % 2 == 0)
        test_drain ();
      raw_peer_close (&f->raw);
      WAIT_UNTIL (f->n_closed == 1);
      test_drain ();

      for (guint i = 0; i < n_messages; i++)
        g_string_append (log, "add ");
      g_string_append (log, "closed");
      g_assert_cmpstr (f->log->str, ==, log->str);
      g_assert_cmpuint (f->n_closed, ==, 1);
    }
}

/* ---- messages that mean nothing ---- */

#define INVALID(name_, bytes_) \
  { .name = name_, .bytes = bytes_, .log = "", .statistic = "invalid-messages", .count = 1, \
    .code = LIVES }

static const Conversation invalid_messages[] = {
  INVALID ("type 3", "94 03 01 a3'add' 92 01 02"),
  INVALID ("type 127", "94 7f 01 a3'add' 92 01 02"),
  INVALID ("type -1", "94 ff 01 a3'add' 92 01 02"),
  INVALID ("type -2^63", "94 d3 8000000000000000 01 a3'add' 92 01 02"),
  INVALID ("type 2^32", "94 cf 0000000100000000 01 a3'add' 92 01 02"),
  INVALID ("type 2^64 - 1", "94 cf ffffffffffffffff 01 a3'add' 92 01 02"),
  INVALID ("type nil", "94 c0 01 a3'add' 92 01 02"),
  INVALID ("type false", "94 c2 01 a3'add' 92 01 02"),
  INVALID ("type 0.0", "94 ca 00000000 01 a3'add' 92 01 02"),
  INVALID ("type 2.0", "93 cb 4000000000000000 a3'add' 92 01 02"),
  INVALID ("type '0'", "94 a1'0' 01 a3'add' 92 01 02"),
  INVALID ("type as bytes", "94 c401 00 01 a3'add' 92 01 02"),
  INVALID ("type in an array", "94 91 00 01 a3'add' 92 01 02"),
  INVALID ("type a map", "94 80 01 a3'add' 92 01 02"),
  INVALID ("type an extension", "94 d400 00 01 a3'add' 92 01 02"),
  INVALID ("an empty array", "90"),
  INVALID ("an empty array32", "dd00000000"),
  INVALID ("an array in an array", "91 94 00 01 a3'add' 92 01 02"),
  INVALID ("a notification whose method is a number", "93 02 07 92 01 02"),
  INVALID ("a notification whose method is nil", "93 02 c0 92 01 02"),
  INVALID ("a notification whose method is no text", "93 02 a2 c328 92 01 02"),
  INVALID ("a notification whose parameters are a number", "93 02 a3'add' 07"),
  INVALID ("a notification whose parameters are a text", "93 02 a3'add' a1'x'"),
  INVALID ("a response without an id", "94 01 c0 c0 03"),
};

static void
test_invalid_messages (Hostile       *f,
                       gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A message that means nothing is counted and dropped, and all goes on");

  run_conversations (f, invalid_messages, G_N_ELEMENTS (invalid_messages));
}

static const Conversation odd_messages[] = {
  {
    .name = "the type in every width",
    .bytes = "94 cc00 01 a3'add' 92 01 02"
             "94 cd0000 01 a3'add' 92 01 02"
             "94 d200000000 01 a3'add' 92 01 02"
             "94 cf0000000000000000 01 a3'add' 92 01 02"
             "93 d10002 a3'add' 92 01 02"
             "93 d002 a3'add' 92 01 02",
    .log = "add add add add add add ",
    .answers = { ANSWER, ANSWER, ANSWER, ANSWER },
    .statistic = "invalid-messages",
    .count = 0,
    .code = LIVES,
  },
  {
    .name = "no parameters",
    .bytes = "93 00 01 a3'add'",
    .log = "",
    .answers = { "(1, 1, 'Request has 3 elements instead of 4', @mv nothing)" },
    .statistic = "invalid-messages",
    .count = 1,
    .code = LIVES,
  },
  {
    .name = "parameters nil, a number, a text, a map, and too many",
    .bytes = "94 00 01 a3'add' c0"
             "94 00 02 a3'add' 07"
             "94 00 03 a3'add' a1'x'"
             "94 00 04 a3'add' 82 a1'a' 01 a1'b' 02"
             "94 00 05 a3'add' 93 01 02 03",
    .log = "",
    .answers = {
      "(1, 1, 'add() takes 2 arguments (0 given)', @mv nothing)",
      "(1, 2, 'Parameters are neither an array nor a map', @mv nothing)",
      "(1, 3, 'Parameters are neither an array nor a map', @mv nothing)",
      "(1, 4, 'expected an array at params, got a map', @mv nothing)",
      "(1, 5, 'add() takes 2 arguments (3 given)', @mv nothing)",
    },
    .code = LIVES,
  },
  {
    .name = "methods that are empty, bytes, no text, with NUL, and formats",
    .bytes = "94 00 01 a0 90"
             "94 00 02 c403'add' 92 01 02"
             "94 00 03 a2 c328 90"
             "94 00 04 a3'a' 00 'd' 90"
             "94 00 05 a9'%s%n\"\\%d\"' 90",
    .log = "add ",
    .answers = {
      "(1, 1, 'There is no method “”', @mv nothing)",
      "(1, 2, @mv nothing, 3)",
      "(1, 3, 'Method name is not valid UTF-8', @mv nothing)",
      "(1, 4, 'Method name is not valid UTF-8', @mv nothing)",
      "(1, 5, 'There is no method “%s%n\"\\\\%d\"”', @mv nothing)",
    },
    .code = LIVES,
  },
  {
    .name = "a method with control characters",
    .bytes = "94 00 01 a6'a' 0a 'b' 1b c2 9b 90",
    .log = "",
    .answers = {
      "(1, 1, 'There is no method “a\\\\x0ab\\\\x1b\\\\x9b”', @mv nothing)",
    },
    .code = LIVES,
  },
  {
    .name = "methods that are a number, nil, an array, a map and an extension",
    .bytes = "94 00 01 07 90"
             "94 00 02 c0 90"
             "94 00 03 90 90"
             "94 00 04 80 90"
             "94 00 05 d40100 90",
    .log = "",
    .answers = {
      "(1, 1, 'Method name is no string', @mv nothing)",
      "(1, 2, 'Method name is no string', @mv nothing)",
      "(1, 3, 'Method name is no string', @mv nothing)",
      "(1, 4, 'Method name is no string', @mv nothing)",
      "(1, 5, 'Method name is no string', @mv nothing)",
    },
    .statistic = "invalid-messages",
    .count = 5,
    .code = LIVES,
  },
};

static void
test_odd_messages (Hostile       *f,
                   gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A request that makes no sense is answered with why");

  run_conversations (f, odd_messages, G_N_ELEMENTS (odd_messages));
}

/* The first @length elements of a message of @type, and more than it has. */
static GByteArray *
message_of_length (guint type,
                   guint length)
{
  static const char * const elements[][9] = {
    { "00", "07", "a3'add'", "92 01 02", "c0", "c0", "c0", "c0", "c0" },
    { "01", "07", "c0", "03", "c0", "c0", "c0", "c0", "c0" },
    { "02", "a3'add'", "92 01 02", "c0", "c0", "c0", "c0", "c0", "c0" },
  };
  g_autoptr(GString) text = g_string_new (NULL);

  g_string_printf (text, "9%u", length);
  for (guint i = 0; i < length; i++)
    g_string_append_printf (text, " %s", elements[type][i]);
  return bytes_from_hex (text->str);
}

static void
test_lengths (Hostile       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  static const guint needed[] = { 4, 4, 3 };

  g_test_summary ("A message with too few elements is refused; those it has too many are ignored");

  for (guint type = 0; type <= 2; type++)
    for (guint length = 0; length <= 8; length++)
      {
        g_autoptr(GByteArray) bytes = message_of_length (type, length);
        gboolean valid = length >= needed[type];
        g_autofree char *refusal = g_strdup_printf ("(1, 7, 'Request has %u elements instead of 4',"
                                                    " @mv nothing)", length);
        Conversation conversation = {
          .log = valid && type != 1 ? "add " : "",
          .statistic = valid ? "unknown-replies" : "invalid-messages",
          .count = valid ? type == 1 : 1,
          .code = LIVES,
        };

        if (type == 0 && length >= 2)
          conversation.answers[0] = valid ? "(1, 7, @mv nothing, 3)" : refusal;
        for (int cut = -1; cut < (int) bytes->len; cut++)
          run_conversation (f, &conversation, bytes, cut);
      }
}

/* ---- responses ---- */

static const Conversation responses[] = {
  {
    .name = "responses to what nobody asked",
    .bytes = "94 01 00 c0 03"
             "94 01 ff c0 03"
             "94 01 02 c0 03"
             "94 01 ce80000001 c0 03"
             "94 01 cf0000000100000001 c0 03"
             "94 01 cfffffffffffffffff c0 03"
             "94 01 d38000000000000000 c0 03"
             "94 01 cb3ff8000000000000 c0 03"
             "94 01 cb7ff8000000000000 c0 03"
             "94 01 cb43f0000000000000 c0 03"
             "94 01 a1'1' c0 03"
             "94 01 c401 01 c0 03"
             "94 01 91 01 c0 03"
             "94 01 c3 c0 03"
             "94 01 d40101 c0 03",
    .log = "",
    .outcomes = { "?" },
    .statistic = "unknown-replies",
    .count = 15,
    .code = LIVES,
  },
  {
    .name = "an error for nobody",
    .bytes = "94 01 00 aa'no \"sense\"' c0",
    .log = "",
    .outcomes = { "?" },
    .statistic = "unknown-replies",
    .count = 1,
    .code = LIVES,
  },
  {
    .name = "ids of other widths, and one as a float",
    .bytes = "94 01 d30000000000000003 c0 03"
             "94 01 cd0002 c0 02"
             "94 01 cb3ff0000000000000 c0 01",
    .log = "",
    .outcomes = { "1", "2", "3" },
    .statistic = "unknown-replies",
    .code = LIVES,
  },
  {
    .name = "responses that come twice",
    .bytes = "94 01 01 c0 03"
             "94 01 01 c0 04"
             "94 01 02 a2'no' c0"
             "94 01 02 c0 05"
             "94 01 01 a2'no' c0",
    .log = "",
    .outcomes = { "3", "!no", "?" },
    .statistic = "unknown-replies",
    .count = 3,
    .code = LIVES,
  },
  {
    .name = "one message as request, response and notification",
    .bytes = "94 01 01 a3'add' 92 01 02"
             "94 00 01 a3'add' 92 01 02"
             "94 02 a3'add' 92 01 02 c0",
    .log = "add add ",
    .answers = { ANSWER },
    .outcomes = { "!add" },
    .code = LIVES,
  },
  {
    .name = "a response, then no message",
    .bytes = "94 01 01 c0 03 'oops'",
    .log = "",
    .outcomes = { "3", "!closed" },
    .code = MSGPACK_RPC_ERROR_INVALID_MESSAGE,
    .message = "got \"o",
  },
};

static void
test_responses (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Responses end the call with their id, once, and no other");

  run_conversations (f, responses, G_N_ELEMENTS (responses));
}

static void
test_late (Hostile       *f,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GByteArray) bytes = bytes_from_hex ("94 01 01 c0 07 94 01 01 c0 08 94 01 02 c0 09");

  g_test_summary ("A late response is counted, and so is the one after it; no other call takes it");

  for (gsize cut = 0; cut <= bytes->len; cut++)
    {
      g_autoptr(MsgpackRpcCall) first = NULL;
      g_autoptr(MsgpackRpcCall) second = NULL;

      hostile_renew (f);
      first = start_call (f, 1);
      msgpack_rpc_call_cancel (first);
      second = start_call (f, 2);
      raw_peer_send (&f->raw, bytes->data, cut);
      test_drain ();
      raw_peer_send (&f->raw, bytes->data + cut, bytes->len - cut);
      WAIT_UNTIL (msgpack_rpc_call_get_result (second) != NULL);
      test_assert_value (msgpack_rpc_call_get_result (second), "9");
      g_assert_error (msgpack_rpc_call_get_error (first), G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpuint (hostile_get_statistic (f, "late-replies"), ==, 1);
      g_assert_cmpuint (hostile_get_statistic (f, "unknown-replies"), ==, 1);
      g_assert_cmpuint (hostile_get_statistic (f, "calls-in-flight"), ==, 0);
    }
}

static void
unknown_reply_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                  GVariant             *msgid,
                  GVariant             *error,
                  GVariant             *result,
                  gpointer              data)
{
  Hostile *f = data;
  g_autofree char *id_text = g_variant_print (msgid, FALSE);
  g_autofree char *error_text = g_variant_print (error, FALSE);
  g_autofree char *result_text = g_variant_print (result, FALSE);

  g_string_append_printf (f->log, "%s:%s:%s ", id_text, error_text, result_text);
}

static void
test_unknown_reply (Hostile       *f,
                    gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("What a peer complains about under an id of nobody can be heard");

  g_signal_connect (f->connection, "unknown-reply", G_CALLBACK (unknown_reply_cb), f);
  hostile_send_text (f, "94 01 00 a3'bad' c0" NOTIFICATION "94 01 a1'x' c0 90");
  WAIT_UNTIL (strstr (f->log->str, "x") != NULL);
  g_assert_cmpstr (f->log->str, ==, "0:'bad':nothing add 'x':nothing:[] ");
}

/* ---- ids ---- */

static void
test_ids (Hostile       *f,
          gconstpointer  data G_GNUC_UNUSED)
{
  static const char * const ids[] = {
    "00", "7f", "cc80", "cd0100", "ce80000000", "ceffffffff", "cf7fffffffffffffff",
    "cfffffffffffffffff", "ff", "d080", "d18000", "d280000000", "d38000000000000000",
    "ca3fc00000", "cb3ff0000000000000", "cb7ff0000000000000", "cbfff8000000000000",
    "cb8000000000000000", "c0", "c2", "c3", "a0", "a3'abc'", "a2c328", "a3'a'00'b'",
    "c400", "c403000102", "90", "9301c0a1'x'", "80", "81a1'k'01", "820102c003",
    "d40100", "d6ff00000001", "d7010102030405060708", "c70005", "c703ff000102",
  };

  g_test_summary ("The id of a request is given back as it came, whatever it is");

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *text = g_strdup_printf ("9400%sa3'add'920102", ids[i]);
      g_autofree char *refused_text = g_strdup_printf ("9400%sa4'nope'90", ids[i]);
      g_autofree char *expected_text = g_strdup_printf ("9401%sc003", ids[i]);
      g_autoptr(GByteArray) expected = bytes_from_hex (expected_text);
      g_autoptr(GBytes) expected_bytes = g_bytes_new (expected->data, expected->len);
      g_autoptr(GVariant) expected_value = msgpack_rpc_unpack (expected_bytes, NULL);
      g_autoptr(GVariant) answer = NULL;
      g_autoptr(GVariant) refusal = NULL;
      g_autoptr(GVariant) left = NULL;
      g_autoptr(GVariant) right = NULL;

      hostile_send_text (f, text);
      hostile_send_text (f, refused_text);
      answer = raw_peer_receive (&f->raw);
      refusal = raw_peer_receive (&f->raw);
      g_assert_cmpmem (g_variant_get_data (answer), g_variant_get_size (answer),
                       g_variant_get_data (expected_value), g_variant_get_size (expected_value));
      left = g_variant_get_child_value (refusal, 1);
      right = g_variant_get_child_value (expected_value, 1);
      g_assert_cmpmem (g_variant_get_data (left), g_variant_get_size (left),
                       g_variant_get_data (right), g_variant_get_size (right));
    }
}

static void
test_same_id (Hostile       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) first = NULL;
  g_autoptr(GVariant) second = NULL;

  g_test_summary ("Two requests with the same id at the same time are both answered");

  hostile_send_text (f, "94 00 05 a4'keep' 90 94 00 05 a4'keep' 90");
  WAIT_UNTIL (f->kept->len == 2);
  msgpack_rpc_invocation_return_value (g_ptr_array_index (f->kept, 1), g_variant_new_int32 (2));
  msgpack_rpc_invocation_return_value (g_ptr_array_index (f->kept, 0), g_variant_new_int32 (1));
  first = raw_peer_receive (&f->raw);
  second = raw_peer_receive (&f->raw);
  test_assert_value (first, "(1, 5, @mv nothing, 2)");
  test_assert_value (second, "(1, 5, @mv nothing, 1)");
}

/* ---- names ---- */

static void
send_named (Hostile    *f,
            const char *method,
            gsize       length)
{
  guint8 header[] = {
    0x94, 0x00, 0x01, 0xdb,
    (guint8) (length >> 24), (guint8) (length >> 16), (guint8) (length >> 8), (guint8) length,
  };
  static const guint8 params[] = { 0x90 };

  raw_peer_send (&f->raw, header, sizeof header);
  raw_peer_send (&f->raw, method, length);
  raw_peer_send (&f->raw, params, sizeof params);
}

static gboolean
ignore_request_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                   MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
                   GVariant             *params G_GNUC_UNUSED,
                   gpointer              data G_GNUC_UNUSED)
{
  return FALSE;
}

static void
ignore_notification_cb (MsgpackRpcConnection *connection G_GNUC_UNUSED,
                        const char           *method G_GNUC_UNUSED,
                        GVariant             *params G_GNUC_UNUSED,
                        gpointer              data G_GNUC_UNUSED)
{
}

static void
connect_ignoring (Hostile *f)
{
  g_signal_connect (f->connection, "request", G_CALLBACK (ignore_request_cb), NULL);
  g_signal_connect (f->connection, "request::other", G_CALLBACK (ignore_request_cb), NULL);
  g_signal_connect (f->connection, "notification", G_CALLBACK (ignore_notification_cb), NULL);
  g_signal_connect (f->connection, "notification::other", G_CALLBACK (ignore_notification_cb),
                    NULL);
}

static void
test_long_name (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *name = g_strnfill (1024 * 1024, 'm');
  g_autoptr(GVariant) answer = NULL;
  g_autofree char *text = NULL;

  g_test_summary ("A method name of a megabyte is no method, and is not repeated whole");

  connect_ignoring (f);
  send_named (f, name, strlen (name));
  answer = raw_peer_receive (&f->raw);
  text = g_variant_print (answer, FALSE);
  g_assert_nonnull (strstr (text, "There is no method “mmmm"));
  g_assert_cmpuint (strlen (text), <, 1000);
  g_assert_cmpuint (g_quark_try_string (name), ==, 0);
}

static void
test_no_quarks (Hostile       *f,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Names that a peer chose are not interned");

  connect_ignoring (f);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("hostile-name-%u", i);
      g_autoptr(GVariant) answer = NULL;

      send_named (f, name, strlen (name));
      raw_peer_send_value (&f->raw, g_variant_new ("(isav)", 2, name, NULL));
      answer = raw_peer_receive (&f->raw);
    }
  hostile_send_text (f, REQUEST);
  g_variant_unref (raw_peer_receive (&f->raw));
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("hostile-name-%u", i);

      g_assert_cmpuint (g_quark_try_string (name), ==, 0);
    }
}

/* ---- nobody there ---- */

/* What a resolver says of a name that is not there depends on the network. */
#define ANY_CODE -1

static void
assert_why (GError     **error,
            const char  *address,
            GQuark       domain,
            int          code)
{
  if (code != ANY_CODE)
    g_assert_error (*error, domain, code);
  g_assert_true ((*error)->domain == domain);
  g_assert_nonnull (strstr ((*error)->message, address));
  g_clear_error (error);
}

static void
assert_refused (const char *address,
                GQuark      domain,
                int         code)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (address);
  MsgpackRpcPeer *peer = MSGPACK_RPC_PEER (client);
  g_autoptr(GAsyncResult) queued = NULL;
  g_autoptr(GAsyncResult) opened = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_peer_call_async (peer, "add", NULL, NULL, test_store_result, &queued);
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &opened);
  g_assert_null (opened);
  WAIT_UNTIL (opened != NULL && queued != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (client, opened, &error));
  assert_why (&error, address, domain, code);
  g_assert_null (msgpack_rpc_peer_call_finish (peer, queued, &error));
  assert_why (&error, address, domain, code);
  g_assert_false (msgpack_rpc_client_open_sync (client, NULL, &error));
  assert_why (&error, address, domain, code);
  g_assert_null (msgpack_rpc_peer_call_sync (peer, "add", NULL, NULL, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_NOT_CONNECTED);
  g_assert_cmpint (msgpack_rpc_client_get_status (client), ==,
                   MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED);
  test_drain ();
  g_clear_object (&queued);
  g_clear_object (&opened);
  g_assert_finalize_object (g_steal_pointer (&client));
}

static void
test_refused (Hostile       *f,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  g_autofree char *folder = g_dir_make_tmp ("hostile-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "socket", NULL);
  g_autofree char *missing = g_strconcat ("unix://", path, ".not", NULL);
  g_autofree char *stale = g_strconcat ("unix://", path, NULL);
  g_autoptr(GSocketAddress) unix_address = g_unix_socket_address_new (path);
  g_autofree char *tcp = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A connection that is refused fails opening, and all that waited for it");

  tcp = g_strdup_printf ("tcp://127.0.0.1:%u",
                         g_socket_listener_add_any_inet_port (listener, NULL, &error));
  g_assert_no_error (error);
  g_socket_listener_add_address (listener, unix_address, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &error);
  g_assert_no_error (error);
  g_socket_listener_close (listener);

  assert_refused (tcp, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  assert_refused (stale, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  assert_refused (missing, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  hostile_assert_bystander (f);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_unresolved (Hostile       *f,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A host that does not resolve fails opening, and all that waited for it");

  assert_refused ("tcp://nobody.invalid:18800", G_RESOLVER_ERROR, ANY_CODE);
  hostile_assert_bystander (f);
}

#define ADD(name, function) \
  g_test_add ("/msgpack-rpc/connection/bad-input/" name, Hostile, NULL, hostile_setup, function, \
              hostile_teardown)

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("no-messages", test_no_messages);
  ADD ("post", test_post);
  ADD ("first-bytes", test_first_bytes);
  ADD ("cut-short", test_cut_short);
  ADD ("vanished", test_vanished);
  ADD ("invalid-messages", test_invalid_messages);
  ADD ("odd-messages", test_odd_messages);
  ADD ("lengths", test_lengths);
  ADD ("responses", test_responses);
  ADD ("late", test_late);
  ADD ("unknown-reply", test_unknown_reply);
  ADD ("ids", test_ids);
  ADD ("same-id", test_same_id);
  ADD ("long-name", test_long_name);
  ADD ("no-quarks", test_no_quarks);
  ADD ("refused", test_refused);
  ADD ("unresolved", test_unresolved);

  return g_test_run ();
}
