/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-address-private.h"

#include <string.h>
#include <sys/un.h>

#include <gio/gunixsocketaddress.h>

#include "msgpack-rpc-error.h"
#include "msgpack-rpc-i18n-private.h"

/* Without the NUL at its end, or at the beginning of an abstract one. */
#define MAX_PATH_LENGTH (sizeof (((struct sockaddr_un *) NULL)->sun_path) - 1)

/* How much of an address an error repeats, in bytes. */
#define MAX_SHOWN 200

typedef enum
{
  KIND_TCP,
  KIND_TLS,
  KIND_SRV,
  KIND_SRV_TLS,
  KIND_UNIX,
  KIND_UNIX_ABSTRACT,
} Kind;

typedef struct
{
  Kind kind;
  char *name;    /* host, path or service */
  char *domain;  /* of a service */
  guint16 port;
} Address;

static void
address_clear (Address *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->domain, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Address, address_clear)

static char *
shown (const char *text)
{
  gsize length = strlen (text);
  g_autofree char *valid = NULL;

  valid = g_utf8_make_valid (text, MIN (length, MAX_SHOWN));

  return length > MAX_SHOWN ? g_strconcat (valid, "…", NULL) : g_steal_pointer (&valid);
}

/* @reason and what is in it is translated. */
static gboolean G_GNUC_PRINTF (3, 4)
fail (const char  *text,
      GError     **error,
      const char  *reason,
      ...)
{
  g_autofree char *shown_text = shown (text);
  g_autofree char *formatted = NULL;
  g_autofree char *valid = NULL;
  va_list args;

  va_start (args, reason);
  formatted = g_strdup_vprintf (reason, args);
  va_end (args);

  valid = g_utf8_make_valid (formatted, -1);
  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS,
               _("Address “%s” is not valid: %s"), shown_text, valid);
  return FALSE;
}

/* Host and domain names, international ones included. */
static gboolean
is_name (const char *text)
{
  g_autofree char *ascii = NULL;

  if (*text == '\0' || !g_utf8_validate (text, -1, NULL))
    return FALSE;

  ascii = g_hostname_to_ascii (text);
  if (ascii == NULL)
    return FALSE;

  for (const char *p = ascii; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("-._", *p) == NULL)
      return FALSE;

  return TRUE;
}

static gboolean
parse_port (Address     *self,
            const char  *text,
            const char  *port,
            GError     **error)
{
  guint64 number;

  if (*port == '\0')
    return fail (text, error, _("the port is missing"));

  if (!g_ascii_string_to_unsigned (port, 10, 0, G_MAXUINT16, &number, NULL))
    return fail (text, error, _("the port “%s” is not a number from 0 to 65535"), port);

  self->port = (guint16) number;
  return TRUE;
}

/* An IPv6 address in brackets. */
static gboolean
parse_bracketed (Address     *self,
                 const char  *text,
                 const char  *host,
                 GError     **error)
{
  const char *end = strchr (host, ']');
  g_autoptr(GSocketAddress) parsed = NULL;

  if (end == NULL)
    return fail (text, error, _("the bracket “[” is not closed"));

  self->name = g_strndup (host + 1, end - host - 1);
  parsed = g_inet_socket_address_new_from_string (self->name, 0);
  if (parsed == NULL || g_socket_address_get_family (parsed) != G_SOCKET_FAMILY_IPV6)
    return fail (text, error, _("“%s” is no IPv6 address"), self->name);

  if (end[1] != ':')
    return fail (text, error, _("the port is missing"));

  return parse_port (self, text, end + 2, error);
}

static gboolean
parse_host_and_port (Address     *self,
                     const char  *text,
                     const char  *host,
                     GError     **error)
{
  const char *colon = strchr (host, ':');

  if (*host == '[')
    return parse_bracketed (self, text, host, error);

  if (colon == NULL)
    return fail (text, error, _("the port is missing"));

  if (strchr (colon + 1, ':') != NULL)
    return fail (text, error, _("an IPv6 address must be in brackets"));

  self->name = g_strndup (host, colon - host);
  if (g_str_equal (self->name, "*"))
    *self->name = '\0';
  if (*self->name != '\0' && !is_name (self->name))
    return fail (text, error, _("“%s” is no host name"), self->name);

  return parse_port (self, text, colon + 1, error);
}

static gboolean
parse_service (Address     *self,
               const char  *text,
               const char  *service,
               GError     **error)
{
  const char *slash = strchr (service, '/');

  if (slash == NULL)
    return fail (text, error, _("the domain is missing"));

  self->name = g_strndup (service, slash - service);
  if (!is_name (self->name))
    return fail (text, error, _("“%s” is no name of a service"), self->name);

  self->domain = g_strdup (slash + 1);
  if (!is_name (self->domain))
    return fail (text, error, _("“%s” is no domain"), self->domain);

  return TRUE;
}

static gboolean
parse_path (Address     *self,
            const char  *text,
            const char  *path,
            GError     **error)
{
  if (*path == '\0')
    return fail (text, error, _("the path is missing"));

  if (strlen (path) > MAX_PATH_LENGTH)
    return fail (text, error, _("the path is longer than %u bytes"), (guint) MAX_PATH_LENGTH);

  if (self->kind == KIND_UNIX && *path != '/')
    return fail (text, error, _("the path does not begin with “/”"));

  self->name = g_strdup (path);
  return TRUE;
}

/* Text that looks like an address with a scheme but has none that is known. */
static gboolean
refuse_scheme (const char  *text,
               GError     **error)
{
  const char *separator = strstr (text, "://");
  g_autofree char *scheme = NULL;

  if (g_str_has_prefix (text, "exec:"))
    return fail (text, error, _("an address never starts a program"));
  if (g_str_has_prefix (text, "unix:"))
    return fail (text, error, _("the path must be written like “unix:///path”"));
  if (separator == NULL)
    return TRUE;

  scheme = g_strndup (text, separator - text);
  return fail (text, error, _("the scheme “%s” is unknown"), scheme);
}

static gboolean
parse (Address     *self,
       const char  *text,
       GError     **error)
{
  const struct
  {
    const char *prefix;
    Kind kind;
    gboolean (*parse) (Address     *self,
                       const char  *text,
                       const char  *rest,
                       GError     **error);
  } schemes[] = {
    { "tcp://", KIND_TCP, parse_host_and_port },
    { "tls://", KIND_TLS, parse_host_and_port },
    { "srv://", KIND_SRV, parse_service },
    { "srv+tls://", KIND_SRV_TLS, parse_service },
    { "unix://", KIND_UNIX, parse_path },
    { "unix-abstract:", KIND_UNIX_ABSTRACT, parse_path },
  };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++)
    if (g_str_has_prefix (text, schemes[i].prefix))
      {
        self->kind = schemes[i].kind;
        return schemes[i].parse (self, text, text + strlen (schemes[i].prefix), error);
      }

  if (*text == '/')
    {
      self->kind = KIND_UNIX;
      return parse_path (self, text, text, error);
    }

  self->kind = KIND_TCP;
  return refuse_scheme (text, error) && parse_host_and_port (self, text, text, error);
}

static GSocketAddress *
make_unix_address (Address  *self,
                   GError  **error)
{
  if (self->kind == KIND_UNIX)
    return g_unix_socket_address_new (self->name);

  if (!g_unix_socket_address_abstract_names_supported ())
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           _("Abstract UNIX socket addresses are not supported on this system"));
      return NULL;
    }

  return g_unix_socket_address_new_with_type (self->name, -1, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
}

GSocketConnectable *
_msgpack_rpc_address_parse (const char  *address,
                            gboolean    *tls,
                            GError     **error)
{
  g_auto(Address) parsed = { KIND_TCP };

  if (!parse (&parsed, address, error))
    return NULL;

  *tls = parsed.kind == KIND_TLS || parsed.kind == KIND_SRV_TLS;

  switch (parsed.kind)
    {
    case KIND_TCP:
    case KIND_TLS:
      if (*parsed.name == '\0')
        {
          fail (address, error, _("the host is missing"));
          return NULL;
        }
      if (parsed.port == 0)
        {
          fail (address, error, _("a client cannot connect to the port 0"));
          return NULL;
        }
      return g_network_address_new (parsed.name, parsed.port);

    case KIND_SRV:
    case KIND_SRV_TLS:
      return g_network_service_new (parsed.name, "tcp", parsed.domain);

    case KIND_UNIX:
    case KIND_UNIX_ABSTRACT:
      return (GSocketConnectable *) make_unix_address (&parsed, error);

    default:
      g_return_val_if_reached (NULL);
    }
}

static void
add_any (GPtrArray     *addresses,
         GSocketFamily  family,
         guint16        port)
{
  g_autoptr(GInetAddress) any = g_inet_address_new_any (family);

  g_ptr_array_add (addresses, g_inet_socket_address_new (any, port));
}

/* Appends what @self means without asking a resolver. */
static gboolean
add_inet_addresses (Address   *self,
                    GPtrArray *addresses)
{
  GSocketAddress *numeric;

  if (*self->name == '\0')
    {
      add_any (addresses, G_SOCKET_FAMILY_IPV4, self->port);
      add_any (addresses, G_SOCKET_FAMILY_IPV6, self->port);
      return TRUE;
    }

  numeric = g_inet_socket_address_new_from_string (self->name, self->port);
  if (numeric == NULL)
    return FALSE;

  g_ptr_array_add (addresses, numeric);
  return TRUE;
}

/* Returns the addresses; or NULL without an error if @host must be resolved first. */
static GPtrArray *
parse_for_server (const char  *address,
                  char       **host,
                  guint16     *port,
                  GError     **error)
{
  g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func (g_object_unref);
  g_auto(Address) parsed = { KIND_TCP };
  GSocketAddress *unix_address;

  *host = NULL;
  if (!parse (&parsed, address, error))
    return NULL;

  switch (parsed.kind)
    {
    case KIND_TCP:
    case KIND_TLS:
      if (add_inet_addresses (&parsed, addresses))
        return g_steal_pointer (&addresses);
      *host = g_steal_pointer (&parsed.name);
      *port = parsed.port;
      return NULL;

    case KIND_UNIX:
    case KIND_UNIX_ABSTRACT:
      unix_address = make_unix_address (&parsed, error);
      if (unix_address == NULL)
        return NULL;
      g_ptr_array_add (addresses, unix_address);
      return g_steal_pointer (&addresses);

    case KIND_SRV:
    case KIND_SRV_TLS:
      fail (address, error, _("a server cannot listen on the name of a service"));
      return NULL;

    default:
      g_return_val_if_reached (NULL);
    }
}

/* IPv4 first. */
static GPtrArray *
addresses_from_names (GList   *names,
                      guint16  port)
{
  const GSocketFamily families[] = { G_SOCKET_FAMILY_IPV4, G_SOCKET_FAMILY_IPV6 };
  GPtrArray *addresses = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < G_N_ELEMENTS (families); i++)
    for (GList *l = names; l != NULL; l = l->next)
      if (g_inet_address_get_family (l->data) == families[i])
        g_ptr_array_add (addresses, g_inet_socket_address_new (l->data, port));

  g_resolver_free_addresses (names);
  return addresses;
}

static void
resolved_cb (GObject      *source,
             GAsyncResult *result,
             gpointer      user_data)
{
  g_autoptr(GTask) task = user_data;
  guint port = GPOINTER_TO_UINT (g_task_get_task_data (task));
  GError *error = NULL;
  GList *names;

  names = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  if (names != NULL)
    g_task_return_pointer (task, addresses_from_names (names, (guint16) port),
                           (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

void
_msgpack_rpc_address_resolve_async (const char          *address,
                                    GCancellable        *cancellable,
                                    GAsyncReadyCallback  callback,
                                    gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr(GResolver) resolver = NULL;
  g_autofree char *host = NULL;
  GPtrArray *addresses;
  GError *error = NULL;
  guint16 port = 0;

  g_task_set_source_tag (task, _msgpack_rpc_address_resolve_async);
  addresses = parse_for_server (address, &host, &port, &error);

  if (addresses != NULL)
    {
      g_task_return_pointer (task, addresses, (GDestroyNotify) g_ptr_array_unref);
    }
  else if (error != NULL)
    {
      g_task_return_error (task, error);
    }
  else
    {
      g_task_set_task_data (task, GUINT_TO_POINTER (port), NULL);
      resolver = g_resolver_get_default ();
      g_resolver_lookup_by_name_async (resolver, host, cancellable, resolved_cb,
                                       g_steal_pointer (&task));
    }
}

GPtrArray *
_msgpack_rpc_address_resolve_finish (GAsyncResult  *result,
                                     GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

GPtrArray *
_msgpack_rpc_address_resolve_sync (const char    *address,
                                   GCancellable  *cancellable,
                                   GError       **error)
{
  g_autoptr(GPtrArray) addresses = NULL;
  g_autoptr(GResolver) resolver = NULL;
  g_autoptr(GError) local_error = NULL;
  g_autofree char *host = NULL;
  guint16 port = 0;
  GList *names;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  addresses = parse_for_server (address, &host, &port, &local_error);
  if (addresses != NULL)
    return g_steal_pointer (&addresses);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }

  resolver = g_resolver_get_default ();
  names = g_resolver_lookup_by_name (resolver, host, cancellable, error);

  return names != NULL ? addresses_from_names (names, port) : NULL;
}

gboolean
_msgpack_rpc_address_is_tls (const char *address)
{
  return g_str_has_prefix (address, "tls://");
}

static char *
format_inet (GInetSocketAddress *address,
             gboolean            tls)
{
  const char *scheme = tls ? "tls" : "tcp";
  GInetAddress *inet = g_inet_socket_address_get_address (address);
  GSocketFamily family = g_inet_address_get_family (inet);
  guint port = g_inet_socket_address_get_port (address);
  guint32 scope_id;
  g_autoptr(GInetAddress) loopback = NULL;
  g_autofree char *host = NULL;

  if (g_inet_address_get_is_any (inet))
    inet = loopback = g_inet_address_new_loopback (family);

  host = g_inet_address_to_string (inet);
  if (family != G_SOCKET_FAMILY_IPV6)
    return g_strdup_printf ("%s://%s:%u", scheme, host, port);

  scope_id = g_inet_socket_address_get_scope_id (address);
  if (scope_id != 0)
    return g_strdup_printf ("%s://[%s%%%u]:%u", scheme, host, scope_id, port);

  return g_strdup_printf ("%s://[%s]:%u", scheme, host, port);
}

char *
_msgpack_rpc_address_format (GSocketAddress *address,
                             gboolean        tls)
{
  if (G_IS_INET_SOCKET_ADDRESS (address))
    return format_inet (G_INET_SOCKET_ADDRESS (address), tls);

  if (G_IS_UNIX_SOCKET_ADDRESS (address))
    {
      GUnixSocketAddress *unix_address = G_UNIX_SOCKET_ADDRESS (address);
      const char *path = g_unix_socket_address_get_path (unix_address);
      gboolean is_path = g_unix_socket_address_get_address_type (unix_address) ==
                         G_UNIX_SOCKET_ADDRESS_PATH;

      return g_strconcat (is_path ? "unix://" : "unix-abstract:", path, NULL);
    }

  return g_socket_connectable_to_string (G_SOCKET_CONNECTABLE (address));
}
