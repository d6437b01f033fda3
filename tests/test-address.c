/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <string.h>

#include "msgpack-rpc-address-private.h"

#include "test-util.h"

static char *
connectable_to_string (GSocketConnectable *connectable)
{
  GNetworkService *service;

  if (!G_IS_NETWORK_SERVICE (connectable))
    return g_socket_connectable_to_string (connectable);

  service = G_NETWORK_SERVICE (connectable);
  return g_strdup_printf ("_%s._%s.%s", g_network_service_get_service (service),
                          g_network_service_get_protocol (service),
                          g_network_service_get_domain (service));
}

static void
test_client (void)
{
  const struct
  {
    const char *address;
    gboolean tls;
    const char *connectable;
  } cases[] = {
    { "tcp://localhost:80", FALSE, "localhost:80" },
    { "tcp://127.0.0.1:65535", FALSE, "127.0.0.1:65535" },
    { "tcp://[::1]:80", FALSE, "::1:80" },
    { "tcp://[fe80::1%1]:80", FALSE, "fe80::1%1:80" },
    { "tls://example.org:443", TRUE, "example.org:443" },
    { "example.org:443", FALSE, "example.org:443" },
    { "my_host-2.example.org:1", FALSE, "my_host-2.example.org:1" },
    { "exämple.org:443", FALSE, "exämple.org:443" },
    { "127.0.0.1:6666", FALSE, "127.0.0.1:6666" },
    { "[::1]:6666", FALSE, "::1:6666" },
    { "unix:///run/nvim.sock", FALSE, "/run/nvim.sock" },
    { "/run/nvim.sock", FALSE, "/run/nvim.sock" },
    { "/run/a b:7%20\xff", FALSE, "/run/a b:7%20\\xff" },
    { "unix-abstract:name", FALSE, "name" },
    { "unix-abstract:/a:b", FALSE, "/a:b" },
    { "srv://msgpack/example.org", FALSE, "_msgpack._tcp.example.org" },
    { "srv+tls://msgpack/example.org", TRUE, "_msgpack._tcp.example.org" },
  };

  g_test_summary ("Each form of an address is understood");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GSocketConnectable) connectable = NULL;
      g_autoptr(GError) error = NULL;
      g_autofree char *text = NULL;
      gboolean tls = !cases[i].tls;

      connectable = _msgpack_rpc_address_parse (cases[i].address, &tls, &error);
      g_assert_no_error (error);
      g_assert_nonnull (connectable);
      g_assert_true (tls == cases[i].tls);
      text = connectable_to_string (connectable);
      g_assert_cmpstr (text, ==, cases[i].connectable);
    }
}

/* What the message says after the address. */
static void
assert_reason (const char   *address,
               const GError *error,
               const char   *reason)
{
  g_autofree char *expected = g_strdup_printf ("Address “%s” is not valid: %s", address, reason);

  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
test_invalid (void)
{
  const struct
  {
    const char *address;
    const char *reason;
  } cases[] = {
    { "", "the port is missing" },
    { "localhost", "the port is missing" },
    { "localhost:", "the port is missing" },
    { "tcp://", "the port is missing" },
    { "tcp://localhost", "the port is missing" },
    { "tcp://localhost:x", "the port “x” is not a number from 0 to 65535" },
    { "tcp://localhost:65536", "the port “65536” is not a number from 0 to 65535" },
    { "tcp://localhost:-1", "the port “-1” is not a number from 0 to 65535" },
    { "tcp://localhost: 1", "the port “ 1” is not a number from 0 to 65535" },
    { "tcp://localhost:80/", "the port “80/” is not a number from 0 to 65535" },
    { "tcp://localhost:99999999999999999999999",
      "the port “99999999999999999999999” is not a number from 0 to 65535" },
    { "tcp://a b:80", "“a b” is no host name" },
    { "tcp://a/b:80", "“a/b” is no host name" },
    { "user@host:80", "“user@host” is no host name" },
    { "%s%n:80", "“%s%n” is no host name" },
    { "::1:80", "an IPv6 address must be in brackets" },
    { "tcp://::1", "an IPv6 address must be in brackets" },
    { "tcp://[::1:80", "the bracket “[” is not closed" },
    { "tcp://[::1]", "the port is missing" },
    { "tcp://[::1]:", "the port is missing" },
    { "tcp://[::1]80", "the port is missing" },
    { "tcp://[localhost]:80", "“localhost” is no IPv6 address" },
    { "tcp://[127.0.0.1]:80", "“127.0.0.1” is no IPv6 address" },
    { "http://localhost:80", "the scheme “http” is unknown" },
    { "://localhost:80", "the scheme “” is unknown" },
    { "exec:nvim --embed", "an address never starts a program" },
    { "exec:///bin/sh", "an address never starts a program" },
    { "unix:/path", "the path must be written like “unix:///path”" },
    { "unix:path", "the path must be written like “unix:///path”" },
    { "unix://", "the path is missing" },
    { "unix://path", "the path does not begin with “/”" },
    { "unix-abstract:", "the path is missing" },
    { "srv://msgpack", "the domain is missing" },
    { "srv://msgpack/", "“” is no domain" },
    { "srv:///example.org", "“” is no name of a service" },
    { "srv://msgpack/example.org/x", "“example.org/x” is no domain" },
  };

  g_test_summary ("An address that is not valid is an error that names the part");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) server_error = NULL;
      gboolean tls;

      g_assert_null (_msgpack_rpc_address_parse (cases[i].address, &tls, &error));
      assert_reason (cases[i].address, error, cases[i].reason);

      g_assert_null (_msgpack_rpc_address_resolve_sync (cases[i].address, NULL, &server_error));
      assert_reason (cases[i].address, server_error, cases[i].reason);
    }
}

static void
test_invalid_client (void)
{
  const struct
  {
    const char *address;
    const char *reason;
  } cases[] = {
    { "tcp://:80", "the host is missing" },
    { "*:80", "the host is missing" },
    { "localhost:0", "a client cannot connect to the port 0" },
  };

  g_test_summary ("What only a server can bind is an error for a client");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      gboolean tls;

      g_assert_null (_msgpack_rpc_address_parse (cases[i].address, &tls, &error));
      assert_reason (cases[i].address, error, cases[i].reason);
    }
}

static void
test_length (void)
{
  g_autofree char *longest = g_strnfill (107, 'x');
  g_autofree char *too_long = g_strnfill (108, 'x');
  g_autofree char *huge = g_strnfill (100000, 'x');
  g_autoptr(GSocketConnectable) connectable = NULL;
  g_autoptr(GError) error = NULL;
  gboolean tls;

  g_test_summary ("A path that a socket cannot have is an error, and long addresses are cut in it");

  *longest = '/';
  connectable = _msgpack_rpc_address_parse (longest, &tls, &error);
  g_assert_no_error (error);
  g_assert_nonnull (connectable);

  *too_long = '/';
  g_assert_null (_msgpack_rpc_address_parse (too_long, &tls, &error));
  assert_reason (too_long, error, "the path is longer than 107 bytes");
  g_clear_error (&error);

  g_assert_null (_msgpack_rpc_address_parse (huge, &tls, &error));
  g_assert_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS);
  g_assert_cmpuint (strlen (error->message), <, 500);
  g_clear_error (&error);

  huge[100] = '\xff';
  g_assert_null (_msgpack_rpc_address_parse (huge, &tls, &error));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
assert_addresses (GPtrArray  *addresses,
                  const char *expected)
{
  g_autoptr(GString) text = g_string_new (NULL);

  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *address = NULL;

      address = g_socket_connectable_to_string (g_ptr_array_index (addresses, i));
      g_string_append_printf (text, "%s ", address);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_server (void)
{
  const struct
  {
    const char *address;
    const char *resolved;
  } cases[] = {
    { "tcp://127.0.0.1:0", "127.0.0.1 " },
    { "tcp://[::1]:80", "[::1]:80 " },
    { "tcp://:0", "0.0.0.0 :: " },
    { "*:80", "0.0.0.0:80 [::]:80 " },
    { "tls://127.0.0.1:443", "127.0.0.1:443 " },
    { "unix:///run/x", "/run/x " },
    { "/run/x", "/run/x " },
    { "unix-abstract:x", "x " },
    { "localhost:80", "127.0.0.1:80 [::1]:80 " },
  };

  g_test_summary ("A server binds addresses, resolved in one way or the other");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GPtrArray) addresses = NULL;
      g_autoptr(GPtrArray) later_addresses = NULL;
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error = NULL;

      addresses = _msgpack_rpc_address_resolve_sync (cases[i].address, NULL, &error);
      g_assert_no_error (error);
      assert_addresses (addresses, cases[i].resolved);

      _msgpack_rpc_address_resolve_async (cases[i].address, NULL, test_store_result, &result);
      g_assert_null (result);
      WAIT_UNTIL (result != NULL);
      later_addresses = _msgpack_rpc_address_resolve_finish (result, &error);
      g_assert_no_error (error);
      assert_addresses (later_addresses, cases[i].resolved);
    }
}

static void
test_server_refused (void)
{
  const char *const names[] = { "localhost:80", "127.0.0.1:80", "/run/x" };
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_test_summary ("What only a client can connect to, and a cancelled cancellable, are errors");

  g_assert_null (_msgpack_rpc_address_resolve_sync ("srv://a/b", NULL, &error));
  assert_reason ("srv://a/b", error, "a server cannot listen on the name of a service");
  g_clear_error (&error);

  g_assert_null (_msgpack_rpc_address_resolve_sync ("srv+tls://a/b", NULL, &error));
  assert_reason ("srv+tls://a/b", error, "a server cannot listen on the name of a service");
  g_clear_error (&error);

  g_cancellable_cancel (cancellable);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr(GAsyncResult) result = NULL;

      g_assert_null (_msgpack_rpc_address_resolve_sync (names[i], cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);

      _msgpack_rpc_address_resolve_async (names[i], cancellable, test_store_result, &result);
      WAIT_UNTIL (result != NULL);
      g_assert_null (_msgpack_rpc_address_resolve_finish (result, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
    }
}

static void
test_format (void)
{
  const struct
  {
    const char *address;
    const char *formatted;
  } cases[] = {
    { "tcp://127.0.0.1:43211", "tcp://127.0.0.1:43211" },
    { "10.1.2.3:1", "tcp://10.1.2.3:1" },
    { "[::1]:43211", "tcp://[::1]:43211" },
    { "[fe80::1%1]:7", "tcp://[fe80::1%1]:7" },
    { "tls://127.0.0.1:1", "tls://127.0.0.1:1" },
    { "tls://[::1]:1", "tls://[::1]:1" },
    { "/run/a b", "unix:///run/a b" },
    { "unix-abstract:a/b", "unix-abstract:a/b" },
  };

  g_test_summary ("A bound address is written so that a client can use it");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GPtrArray) addresses = NULL;
      g_autoptr(GSocketConnectable) connectable = NULL;
      g_autoptr(GError) error = NULL;
      g_autofree char *formatted = NULL;
      gboolean tls;

      addresses = _msgpack_rpc_address_resolve_sync (cases[i].address, NULL, &error);
      g_assert_no_error (error);
      formatted = _msgpack_rpc_address_format (g_ptr_array_index (addresses, 0),
                                               _msgpack_rpc_address_is_tls (cases[i].address));
      g_assert_cmpstr (formatted, ==, cases[i].formatted);

      connectable = _msgpack_rpc_address_parse (formatted, &tls, &error);
      g_assert_no_error (error);
      g_assert_nonnull (connectable);
    }
}

static void
test_format_any (void)
{
  const char *const expected[] = { "tcp://127.0.0.1:80", "tcp://[::1]:80" };
  g_autoptr(GPtrArray) addresses = NULL;

  g_test_summary ("Any interface is written as the one that clients on this machine can use");

  addresses = _msgpack_rpc_address_resolve_sync (":80", NULL, NULL);
  g_assert_cmpuint (addresses->len, ==, 2);
  for (guint i = 0; i < addresses->len; i++)
    {
      g_autofree char *formatted = NULL;

      formatted = _msgpack_rpc_address_format (g_ptr_array_index (addresses, i), FALSE);
      g_assert_cmpstr (formatted, ==, expected[i]);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/msgpack-rpc/address/client", test_client);
  g_test_add_func ("/msgpack-rpc/address/invalid", test_invalid);
  g_test_add_func ("/msgpack-rpc/address/invalid-client", test_invalid_client);
  g_test_add_func ("/msgpack-rpc/address/length", test_length);
  g_test_add_func ("/msgpack-rpc/address/server", test_server);
  g_test_add_func ("/msgpack-rpc/address/server-refused", test_server_refused);
  g_test_add_func ("/msgpack-rpc/address/format", test_format);
  g_test_add_func ("/msgpack-rpc/address/format-any", test_format_any);

  return g_test_run ();
}
