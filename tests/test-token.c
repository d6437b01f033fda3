/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A client and a server that know each other by a token, and peers of all kinds that do not. */

#include "test-token.h"

#include <sys/stat.h>

#define NOBODY 65534

/* ---- the file ---- */

typedef struct
{
  char *folder;
  char *path;
} Folder;

static void
folder_setup (Folder        *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  self->folder = g_dir_make_tmp ("msgpack-rpc-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  self->path = g_build_filename (self->folder, "token", NULL);
}

static void
folder_teardown (Folder        *self,
                 gconstpointer  data G_GNUC_UNUSED)
{
  g_unlink (self->path);
  g_rmdir (self->path);
  /* No draft was left behind. */
  g_assert_cmpint (g_rmdir (self->folder), ==, 0);
  g_free (self->path);
  g_free (self->folder);
}

static void
write_file (Folder     *self,
            const char *text,
            int         mode)
{
  g_autoptr(GError) error = NULL;

  g_file_set_contents (self->path, text, -1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_chmod (self->path, mode), ==, 0);
}

static void
assert_useless (Folder     *self,
                GIOErrorEnum code,
                const char *words)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (msgpack_rpc_token_new_for_file (self->path, MSGPACK_RPC_TOKEN_FLAGS_CREATE,
                                                 &error));
  g_assert_error (error, G_IO_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, self->path));
  g_assert_nonnull (strstr (error->message, words));
  /* What is in the file is told to nobody. */
  g_assert_null (strstr (error->message, SECRET));
}

static void
test_create (Folder        *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcToken) token = NULL;
  g_autoptr(MsgpackRpcToken) again = NULL;
  g_autoptr(GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *text_again = NULL;
  struct stat status;
  gsize size;

  g_test_summary ("A file is made only if that is asked for, with 256 bits for one user's eyes");

  g_assert_null (msgpack_rpc_token_new_for_file (self->path, MSGPACK_RPC_TOKEN_FLAGS_NONE, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_clear_error (&error);

  token = msgpack_rpc_token_new_for_file (self->path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
  g_assert_no_error (error);
  g_assert_true (MSGPACK_RPC_IS_TOKEN (token));
  g_assert_cmpint (stat (self->path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0600);
  g_assert_true (g_file_get_contents (self->path, &text, &size, NULL));
  g_assert_cmpuint (size, ==, 65);
  g_assert_cmpuint (strspn (text, "0123456789abcdef"), ==, 64);
  g_assert_cmpint (text[64], ==, '\n');

  again = msgpack_rpc_token_new_for_file (self->path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (self->path, &text_again, &size, NULL));
  g_assert_cmpstr (text, ==, text_again);

  /* Another one is another one. */
  g_clear_pointer (&text_again, g_free);
  g_unlink (self->path);
  g_clear_object (&again);
  again = msgpack_rpc_token_new_for_file (self->path, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (self->path, &text_again, &size, NULL));
  g_assert_cmpstr (text, !=, text_again);
}

static void
test_useless (Folder        *self,
              gconstpointer  data G_GNUC_UNUSED)
{
  g_autofree char *large = g_strnfill (4097, 'x');
  g_autoptr(GBytes) few = g_bytes_new_static ("0123456789012345678901234567890", 31);
  g_autoptr(GError) error = NULL;
  static const int modes[] = { 0644, 0640, 0604, 0620, 0602, 0601 };

  g_test_summary ("A file that others can use, or that is no token, is refused, and it is said why");

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      g_autofree char *words = g_strdup_printf ("its mode is %04o and must be 0600", modes[i]);

      write_file (self, SECRET, modes[i]);
      assert_useless (self, G_IO_ERROR_PERMISSION_DENIED, words);
    }

  write_file (self, "0123456789012345678901234567890\n\n", 0600);
  assert_useless (self, G_IO_ERROR_INVALID_DATA, "at least 32 bytes, this one has 31");
  write_file (self, "", 0600);
  assert_useless (self, G_IO_ERROR_INVALID_DATA, "this one has 0");
  write_file (self, large, 0600);
  assert_useless (self, G_IO_ERROR_INVALID_DATA, "4096");
  g_unlink (self->path);
  g_assert_cmpint (mkfifo (self->path, 0600), ==, 0);
  assert_useless (self, G_IO_ERROR_NOT_REGULAR_FILE, "no regular file");
  g_unlink (self->path);
  g_assert_cmpint (g_mkdir (self->path, 0700), ==, 0);
  assert_useless (self, G_IO_ERROR_NOT_REGULAR_FILE, "no regular file");

  g_assert_null (msgpack_rpc_token_new_for_bytes (few, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
test_owner (Folder        *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("A file of another user is refused");

  write_file (self, SECRET, 0600);
  if (geteuid () != 0)
    {
      g_autoptr(MsgpackRpcToken) token = NULL;

      /* There is no other user to be had. */
      token = msgpack_rpc_token_new_for_file (self->path, MSGPACK_RPC_TOKEN_FLAGS_NONE, NULL);
      g_assert_nonnull (token);
      return;
    }

  g_assert_cmpint (chown (self->path, NOBODY, NOBODY), ==, 0);
  assert_useless (self, G_IO_ERROR_PERMISSION_DENIED, "belongs to another user");
}

static gpointer
create_thread (gpointer data)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcToken *token;

  token = msgpack_rpc_token_new_for_file (data, MSGPACK_RPC_TOKEN_FLAGS_CREATE, &error);
  g_assert_no_error (error);
  return token;
}

static void
test_create_at_once (Folder        *self,
                     gconstpointer  data G_GNUC_UNUSED)
{
  GThread *threads[16];

  g_test_summary ("Many that make the same file at the same time never see a part of it");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("create", create_thread, self->path);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      g_autoptr(MsgpackRpcToken) token = g_thread_join (threads[i]);

      g_assert_nonnull (token);
    }
}

/* ---- a server ---- */

typedef struct
{
  Fixture f;
  char *address;
  char *local;
} Gate;

static void
gate_setup (Gate          *self,
            gconstpointer  data)
{
  g_autoptr(MsgpackRpcToken) token = token_new (SECRET);
  g_autofree char *path = NULL;

  server_setup (&self->f, data);
  self->address = listen_on (self->f.server, "127.0.0.1:0");
  path = path_address (&self->f, "s");
  self->local = listen_on (self->f.server, path);
  msgpack_rpc_server_set_token (self->f.server, token);
}

static void
gate_teardown (Gate          *self,
               gconstpointer  data)
{
  if (self->f.server != NULL)
    WAIT_UNTIL (count_connections (&self->f) == 0);
  server_teardown (&self->f, data);
  g_free (self->address);
  g_free (self->local);
}

/* Does what a plain peer has to do. */
static void
authenticate (RawPeer *peer)
{
  g_autoptr(GVariant) answer = NULL;
  guint8 nonce[32], proof[32], given[32];

  say_hello (peer, nonce);
  prove (CLIENT, my_nonce, nonce, proof);
  send_proof (peer, proof);
  answer = raw_peer_receive (peer);
  get_bin (answer, 3, given);
  prove (SERVER, my_nonce, nonce, proof);
  g_assert_cmpmem (given, 32, proof, 32);
}

/* The answer to a request, and then the same for everything. */
static void
assert_cut_off (RawPeer    *peer,
                gint64      msgid,
                const char *text)
{
  g_autoptr(GVariant) answer = raw_peer_receive (peer);
  g_autofree char *expected = g_strdup_printf ("(1, %d, '%s', @mv nothing)", (int) msgid, text);

  test_assert_value (answer, expected);
  raw_peer_wait_closed (peer);
  raw_peer_clear (peer);
}

static void
test_plain_peer (Gate          *self,
                 gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer peer;

  g_test_summary ("A plain peer gets in by two requests, and knows the server by the second answer");

  raw_peer_init_connected (&peer, self->address);
  authenticate (&peer);
  assert_add (&peer);
  g_assert_cmpstr (self->f.events->str, ==, "(0-0+1)+");
  raw_peer_clear (&peer);
}

static void
test_pipelined (Gate          *self,
                gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(GVariant) answer = NULL;
  guint8 nonce[32], proof[32];
  RawPeer peer;

  g_test_summary ("What follows the proof at once is handled when the peer is in");

  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  prove (CLIENT, my_nonce, nonce, proof);
  send_proof (&peer, proof);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  answer = raw_peer_receive (&peer);
  g_clear_pointer (&answer, g_variant_unref);
  answer = raw_peer_receive (&peer);
  test_assert_value (answer, "(1, 7, @mv nothing, 3)");
  raw_peer_clear (&peer);
}

#define FIRST_TEXT "access denied: rpc.authenticate must come first"
#define USAGE_TEXT "access denied: rpc.authenticate takes (\"hmac-sha256\", nonce of 32 bytes), " \
                   "and then (proof of 32 bytes)"
#define WRONG_TEXT "access denied: the token is another one"

static const struct
{
  const char *message; /* what it sends at first */
  gint64 msgid;        /* of the answer */
  const char *text;
} rude[] = {
  { "(0, 7, 'add', (1, 2))", 7, FIRST_TEXT },
  { "(2, 'add', (1, 2))", 0, FIRST_TEXT },
  { "(2, 'rpc.authenticate', ('hmac-sha256', b'0123456789012345678901234567890'))", 0, FIRST_TEXT },
  { "(1, 7, @mv nothing, 3)", 0, FIRST_TEXT },
  { "(5, 6, 7)", 0, FIRST_TEXT },
  { "(0, 9, 'rpc.authenticate', @av [])", 9, USAGE_TEXT },
  { "(0, 9, 'rpc.authenticate', {'a': 1})", 9, USAGE_TEXT },
  { "(0, 9, 'rpc.authenticate', ('hmac-sha256', 5))", 9, USAGE_TEXT },
  { "(0, 9, 'rpc.authenticate', ('hmac-sha256', b'0123456789012345678901234567890'))", 0, NULL },
  { "(0, 9, 'rpc.authenticate', ('hmac-sha256', b'012345678901234567890123456789'))", 9, USAGE_TEXT },
  { "(0, 9, 'rpc.authenticate', ('hmac-sha256', b'01234567890123456789012345678901'))", 9, USAGE_TEXT },
  { "(0, 9, 'rpc.authenticate', ('md5', b'0123456789012345678901234567890'))", 9, USAGE_TEXT },
  { "(0, 9, 'rpc.authenticate', (b'0123456789012345678901234567890',))", 9, USAGE_TEXT },
};

static void
test_rude (Gate          *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  g_test_summary ("Whoever says anything else before is told so, and cut off");

  for (guint i = 0; i < G_N_ELEMENTS (rude); i++)
    {
      g_autoptr(GVariant) message = test_parse (rude[i].message);
      RawPeer peer;

      raw_peer_init_connected (&peer, self->address);
      raw_peer_send_value (&peer, message);
      if (rude[i].text != NULL)
        assert_cut_off (&peer, rude[i].msgid, rude[i].text);
      else
        {
          g_autoptr(GVariant) answer = raw_peer_receive (&peer);
          guint8 nonce[32];

          /* 31 characters and what ends a string in C. */
          get_bin (answer, 3, nonce);
          raw_peer_clear (&peer);
        }
    }

  g_assert_cmpuint (self->f.n_connected, ==, 0);
}

static void
test_wrong_proofs (Gate          *self,
                   gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32], old_proof[32], proof[32];
  RawPeer peer;

  g_test_summary ("A proof is good for one connection, one role and one token");

  /* Of another token. */
  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  prove (CLIENT, my_nonce, nonce, old_proof);
  memcpy (proof, old_proof, 32);
  proof[31] ^= 1;
  send_proof (&peer, proof);
  assert_cut_off (&peer, 2, WRONG_TEXT);

  /* Of an earlier connection. */
  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  send_proof (&peer, old_proof);
  assert_cut_off (&peer, 2, WRONG_TEXT);

  /* Of the other role. */
  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  prove (SERVER, my_nonce, nonce, proof);
  send_proof (&peer, proof);
  assert_cut_off (&peer, 2, WRONG_TEXT);

  /* Before there was a nonce. */
  raw_peer_init_connected (&peer, self->address);
  send_proof (&peer, old_proof);
  assert_cut_off (&peer, 2, USAGE_TEXT);

  /* There is one try. */
  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  raw_peer_send_value (&peer, g_variant_new ("(iis(s@ay))", 0, 1, "rpc.authenticate", "hmac-sha256",
                                             bin (my_nonce)));
  assert_cut_off (&peer, 1, USAGE_TEXT);
  g_assert_cmpuint (self->f.n_connected, ==, 0);

  /* And once is enough. */
  raw_peer_init_connected (&peer, self->address);
  authenticate (&peer);
  send_proof (&peer, proof);
  assert_cut_off (&peer, 2, "access denied: rpc.authenticate was called before");
  WAIT_UNTIL (g_str_equal (self->f.events->str, "(0-0+1)+(0-1+0)!"));
}

static void
test_same_user (Gate          *self,
                gconstpointer  data G_GNUC_UNUSED)
{
  guint8 proof[32] = { 0 };
  guint8 nonce[32];
  RawPeer peer;

  g_test_summary ("The same user needs no token on a UNIX socket, but may ask for the server's");

  enter (&self->f, &peer, self->local);
  assert_add (&peer);
  authenticate (&peer);
  assert_add (&peer);
  raw_peer_clear (&peer);

  enter (&self->f, &peer, self->local);
  say_hello (&peer, nonce);
  assert_add (&peer);
  send_proof (&peer, proof);
  assert_cut_off (&peer, 2, WRONG_TEXT);
}

static void
test_policy (Gate          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  const MsgpackRpcAcceptPolicy near = MSGPACK_RPC_ACCEPT_POLICY_SAME_USER |
                                      MSGPACK_RPC_ACCEPT_POLICY_LOOPBACK;
  g_autoptr(MsgpackRpcToken) token = NULL;
  RawPeer peer;

  g_test_summary ("A token is asked for where nothing else suffices, unless the policy differs");

  g_assert_cmpuint (msgpack_rpc_server_get_policy (self->f.server), ==,
                    MSGPACK_RPC_ACCEPT_POLICY_SAME_USER | MSGPACK_RPC_ACCEPT_POLICY_TLS_CLIENT |
                    MSGPACK_RPC_ACCEPT_POLICY_TOKEN);
  /* Who is allowed to come from afar still has to show the token. */
  msgpack_rpc_server_set_allow_remote (self->f.server, TRUE);
  raw_peer_init_connected (&peer, self->address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  assert_cut_off (&peer, 7, FIRST_TEXT);

  /* Only the token. */
  msgpack_rpc_server_set_policy (self->f.server, MSGPACK_RPC_ACCEPT_POLICY_TOKEN);
  raw_peer_init_connected (&peer, self->local);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  assert_cut_off (&peer, 7, FIRST_TEXT);
  raw_peer_init_connected (&peer, self->local);
  authenticate (&peer);
  assert_add (&peer);
  raw_peer_clear (&peer);

  /* Anything but the token: then there is nothing to prove. */
  msgpack_rpc_server_set_policy (self->f.server, MSGPACK_RPC_ACCEPT_POLICY_SAME_USER);
  raw_peer_init_connected (&peer, self->address);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
  msgpack_rpc_server_set_policy (self->f.server, near);
  enter (&self->f, &peer, self->address);
  assert_add (&peer);
  raw_peer_clear (&peer);

  /* A policy that asks for a token that is not there. */
  g_object_set (self->f.server, "token", NULL, "policy", MSGPACK_RPC_ACCEPT_POLICY_TOKEN, NULL);
  raw_peer_init_connected (&peer, self->address);
  assert_turned_away (&peer, "(1, 0, 'access denied', @mv nothing)");
  raw_peer_clear (&peer);
  g_object_get (self->f.server, "token", &token, NULL);
  g_assert_null (token);
}

static gboolean
refuse_cb (MsgpackRpcServer            *server G_GNUC_UNUSED,
           MsgpackRpcPendingConnection *pending G_GNUC_UNUSED,
           gpointer                     data)
{
  ++*(guint *) data;
  return FALSE;
}

static void
test_authorize (Gate          *self,
                gconstpointer  data G_GNUC_UNUSED)
{
  guint n_asked = 0;
  RawPeer peer;

  g_test_summary ("Handlers of authorize are asked about those who know the token, and no others");

  g_signal_connect (self->f.server, "authorize", G_CALLBACK (refuse_cb), &n_asked);
  raw_peer_init_connected (&peer, self->address);
  raw_peer_send_value (&peer, g_variant_new_parsed ("(0, 7, 'add', (1, 2))"));
  assert_cut_off (&peer, 7, FIRST_TEXT);
  g_assert_cmpuint (n_asked, ==, 0);

  raw_peer_init_connected (&peer, self->address);
  authenticate (&peer);
  assert_cut_off (&peer, 0, "access denied");
  g_assert_cmpuint (n_asked, ==, 1);
  g_assert_cmpstr (self->f.events->str, ==, "");
}

static void
test_places (Gate          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer first, second, third;

  g_test_summary ("Who has not shown the token has no place yet, and who has may find none");

  msgpack_rpc_server_set_max_connections (self->f.server, 1);
  raw_peer_init_connected (&first, self->address);
  raw_peer_init_connected (&second, self->address);
  raw_peer_init_connected (&third, self->address);
  authenticate (&second);
  assert_add (&second);
  authenticate (&first);
  assert_cut_off (&first, 0, "There are too many connections (max-connections is 1)");
  raw_peer_clear (&second);
  WAIT_UNTIL (count_connections (&self->f) == 0);
  authenticate (&third);
  assert_add (&third);
  raw_peer_clear (&third);
}

static void
test_flood (Gate          *self,
            gconstpointer  data G_GNUC_UNUSED)
{
  RawPeer silent[400];
  RawPeer served, good;

  g_test_summary ("Silent peers without number keep nobody out and use few places");

  g_assert_cmpuint (msgpack_rpc_server_get_max_handshakes (self->f.server), ==, 128);
  g_object_set (self->f.server, "max-handshakes", 4, NULL);
  raw_peer_init_connected (&served, self->address);
  authenticate (&served);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    {
      raw_peer_init_connected (&silent[i], self->address);
      assert_add (&served);
      if (i % 50 != 0)
        continue;
      raw_peer_init_connected (&good, self->address);
      authenticate (&good);
      assert_add (&good);
      raw_peer_clear (&good);
    }

  for (guint i = 0; i < G_N_ELEMENTS (silent) - 4; i++)
    assert_cut_off (&silent[i], 0, "Too many others want to be let in (max-handshakes is 4)");
  /* The last ones still have time. */
  authenticate (&silent[G_N_ELEMENTS (silent) - 4]);
  assert_add (&silent[G_N_ELEMENTS (silent) - 4]);
  for (guint i = G_N_ELEMENTS (silent) - 4; i < G_N_ELEMENTS (silent); i++)
    raw_peer_clear (&silent[i]);
  assert_add (&served);
  raw_peer_clear (&served);
}

static void
test_deadline (Gate          *self,
               gconstpointer  data G_GNUC_UNUSED)
{
  MsgpackRpcLimits *limits = msgpack_rpc_server_get_limits (self->f.server);
  guint8 nonce[32];
  RawPeer peer;

  g_test_summary ("Who does not come to the point in time is cut off");

  msgpack_rpc_limits_set_handshake_timeout (limits, 50 * test_get_slowness ());
  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  {
    g_autoptr(GVariant) answer = raw_peer_receive (&peer);
    g_autofree char *text = g_variant_print (answer, FALSE);

    g_assert_nonnull (strstr (text, "handshake-timeout"));
  }
  raw_peer_wait_closed (&peer);
  raw_peer_clear (&peer);
  g_assert_cmpstr (self->f.events->str, ==, "");
}

static void
test_drop (Gate          *self,
           gconstpointer  data G_GNUC_UNUSED)
{
  guint8 nonce[32];
  RawPeer peer, silent;

  g_test_summary ("A server that is dropped closes those who have not shown the token yet");

  raw_peer_init_connected (&silent, self->address);
  raw_peer_init_connected (&peer, self->address);
  say_hello (&peer, nonce);
  g_assert_finalize_object (g_steal_pointer (&self->f.server));
  raw_peer_wait_closed (&peer);
  raw_peer_wait_closed (&silent);
  raw_peer_clear (&peer);
  raw_peer_clear (&silent);
}

static void
test_empty_token (Gate          *self,
                  gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcToken) empty = g_object_new (MSGPACK_RPC_TYPE_TOKEN, NULL);
  RawPeer peer;

  g_test_summary ("A token that a language has made of nothing is good for nothing");

  msgpack_rpc_server_set_token (self->f.server, empty);
  raw_peer_init_connected (&peer, self->address);
  raw_peer_send_value (&peer, g_variant_new ("(iis(s@ay))", 0, 1, "rpc.authenticate", "hmac-sha256",
                                             bin (my_nonce)));
  assert_cut_off (&peer, 1, "The token is empty");
}

/* ---- a client ---- */

static MsgpackRpcClient *
client_new (const char *address,
            const char *secret)
{
  g_autoptr(MsgpackRpcToken) token = token_new (secret);
  g_autoptr(MsgpackRpcToken) found = NULL;
  MsgpackRpcClient *client = msgpack_rpc_client_new (address);

  g_object_set (client, "token", token, NULL);
  g_object_get (client, "token", &found, NULL);
  g_assert_true (found == token);
  g_clear_object (&found);
  found = msgpack_rpc_client_get_token (client);
  g_assert_true (found == token);
  return client;
}

static void
assert_opens (MsgpackRpcClient *client)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  msgpack_rpc_client_open_async (client, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  msgpack_rpc_client_open_finish (client, result, &error);
  g_assert_no_error (error);
}

/* Opening and a call that was made before end alike. */
static void
assert_does_not_open (MsgpackRpcClient *client,
                      GQuark            domain,
                      int               code,
                      const char       *words)
{
  g_autoptr(MsgpackRpcCall) call = NULL;
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) last = NULL;

  call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "add",
                                      g_variant_new ("(xx)", (gint64) 1, (gint64) 2));
  msgpack_rpc_client_open_async (client, NULL, test_store_result, &result);
  WAIT_UNTIL (result != NULL);
  g_assert_false (msgpack_rpc_client_open_finish (client, result, &error));
  g_assert_error (error, domain, code);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_nonnull (strstr (error->message, "Could not connect to “"));
  g_assert_null (strstr (error->message, SECRET));
  last = msgpack_rpc_client_get_last_error (client);
  g_assert_error (last, domain, code);
  WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_FAILED);
  g_assert_cmpint (msgpack_rpc_call_get_delivery (call), ==, MSGPACK_RPC_DELIVERY_NOT_SENT);
  test_drain ();
}

static void
test_client (Gate          *self,
             gconstpointer  data G_GNUC_UNUSED)
{
  const char *addresses[] = { self->address, self->local };

  g_test_summary ("A client with a token shows it by itself; calls wait until it has");

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr(MsgpackRpcClient) client = client_new (addresses[i], SECRET);
      g_autoptr(MsgpackRpcCall) call = NULL;

      call = msgpack_rpc_peer_start_call (MSGPACK_RPC_PEER (client), "add",
                                          g_variant_new ("(xx)", (gint64) 1, (gint64) 2));
      assert_opens (client);
      WAIT_UNTIL (msgpack_rpc_call_get_state (call) == MSGPACK_RPC_CALL_STATE_SUCCEEDED);
      test_assert_value (msgpack_rpc_call_get_result (call), "3");
      g_clear_object (&call);
      g_assert_finalize_object (g_steal_pointer (&client));
      WAIT_UNTIL (count_connections (&self->f) == 0);
    }
}

static void
test_client_other_token (Gate          *self,
                         gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = client_new (self->address, SECRET " of another server");
  g_autoptr(MsgpackRpcToken) token = token_new (SECRET);

  g_test_summary ("A client whose token is another one is told so, and may try again");

  assert_does_not_open (client, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                        "The server does not accept the token: " WRONG_TEXT);
  g_assert_cmpuint (self->f.n_connected, ==, 0);

  msgpack_rpc_client_set_token (client, token);
  assert_opens (client);
  g_assert_finalize_object (g_steal_pointer (&client));
}

static void
test_client_no_token (Gate          *self,
                      gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = msgpack_rpc_client_new (self->address);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;

  g_test_summary ("A client without a token learns by its first call that there should be one");

  assert_opens (client);
  msgpack_rpc_peer_call_async (MSGPACK_RPC_PEER (client), "add", NULL, NULL, test_store_result,
                               &result);
  WAIT_UNTIL (result != NULL);
  value = msgpack_rpc_peer_call_finish (MSGPACK_RPC_PEER (client), result, &error);
  g_assert_null (value);
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_REMOTE);
  g_assert_nonnull (strstr (error->message, FIRST_TEXT));
  WAIT_UNTIL (!msgpack_rpc_client_is_connected (client));
  g_clear_object (&result);
  test_drain ();
  g_assert_finalize_object (g_steal_pointer (&client));
}

static void
test_client_server_without (Gate          *self,
                            gconstpointer  data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcClient) client = client_new (self->address, SECRET);

  g_test_summary ("A server that knows no token is the wrong one");

  msgpack_rpc_server_set_token (self->f.server, NULL);
  assert_does_not_open (client, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_ACCESS_DENIED,
                        "rpc.authenticate");
  g_assert_finalize_object (g_steal_pointer (&client));
}

static gpointer
call_thread (gpointer data)
{
  g_autoptr(GMainContext) context = g_main_context_new ();
  g_autoptr(GVariant) value = NULL;
  g_autoptr(GError) error = NULL;
  MsgpackRpcClient *client;

  g_main_context_push_thread_default (context);
  client = client_new (data, SECRET);
  msgpack_rpc_client_open_async (client, NULL, NULL, NULL);
  value = msgpack_rpc_peer_call_sync (MSGPACK_RPC_PEER (client), "add",
                                      g_variant_new ("(xx)", (gint64) 1, (gint64) 2), NULL, &error);
  g_assert_no_error (error);
  test_assert_value (value, "3");
  g_object_unref (client);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static gpointer
run_calls (gpointer data)
{
  int *n_done = ((gpointer *) data)[1];

  call_thread (((gpointer *) data)[0]);
  g_atomic_int_inc (n_done);
  return NULL;
}

static void
test_client_sync (Gate          *self,
                  gconstpointer  data G_GNUC_UNUSED)
{
  int n_done = 0;
  gpointer what[] = { self->address, &n_done };
  GThread *threads[4];

  g_test_summary ("A thread without a loop waits for a call that waits for the token");

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("call", run_calls, what);
  WAIT_UNTIL (g_atomic_int_get (&n_done) == G_N_ELEMENTS (threads));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD_FILE(name, func) \
  g_test_add ("/msgpack-rpc/token/file/" name, Folder, NULL, folder_setup, func, folder_teardown)
  ADD_FILE ("create", test_create);
  ADD_FILE ("useless", test_useless);
  ADD_FILE ("owner", test_owner);
  ADD_FILE ("create-at-once", test_create_at_once);

#define ADD(name, func) \
  g_test_add ("/msgpack-rpc/token/" name, Gate, NULL, gate_setup, func, gate_teardown)
  ADD ("server/plain-peer", test_plain_peer);
  ADD ("server/pipelined", test_pipelined);
  ADD ("server/rude", test_rude);
  ADD ("server/wrong-proofs", test_wrong_proofs);
  ADD ("server/same-user", test_same_user);
  ADD ("server/policy", test_policy);
  ADD ("server/authorize", test_authorize);
  ADD ("server/places", test_places);
  ADD ("server/flood", test_flood);
  ADD ("server/deadline", test_deadline);
  ADD ("server/drop", test_drop);
  ADD ("server/empty-token", test_empty_token);
  ADD ("client/both", test_client);
  ADD ("client/other-token", test_client_other_token);
  ADD ("client/no-token", test_client_no_token);
  ADD ("client/server-without", test_client_server_without);
  ADD ("client/sync", test_client_sync);

  return g_test_run ();
}
