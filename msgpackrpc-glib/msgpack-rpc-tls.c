/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-tls-private.h"

#include "msgpack-rpc-i18n-private.h"

static char *
describe_identity (GTlsConnection *stream)
{
  GSocketConnectable *identity = NULL;

  if (G_IS_TLS_CLIENT_CONNECTION (stream))
    identity = g_tls_client_connection_get_server_identity (G_TLS_CLIENT_CONNECTION (stream));

  if (G_IS_NETWORK_ADDRESS (identity))
    return g_strdup (g_network_address_get_hostname (G_NETWORK_ADDRESS (identity)));
  if (G_IS_NETWORK_SERVICE (identity))
    return g_strdup (g_network_service_get_domain (G_NETWORK_SERVICE (identity)));
  return identity != NULL ? g_socket_connectable_to_string (identity) : g_strdup ("");
}

static void
add_reason (GString    *reasons,
            const char *reason)
{
  if (reasons->len > 0)
    g_string_append (reasons, ", ");
  g_string_append (reasons, reason);
}

static char *
describe_flags (GTlsConnection       *stream,
                GTlsCertificateFlags  flags)
{
  const struct
  {
    GTlsCertificateFlags flag;
    const char *reason;
  } others[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, _("no authority that is trusted here has signed it") },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, _("it is not valid yet") },
    { G_TLS_CERTIFICATE_EXPIRED, _("it has expired") },
    { G_TLS_CERTIFICATE_REVOKED, _("it was revoked") },
    { G_TLS_CERTIFICATE_INSECURE, _("its algorithm is not safe") },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, _("it cannot be checked") },
  };
  g_autoptr(GString) reasons = g_string_new (NULL);
  g_autofree char *identity = describe_identity (stream);
  g_autofree char *wrong_name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if ((flags & others[i].flag) != 0)
      add_reason (reasons, others[i].reason);

  if ((flags & G_TLS_CERTIFICATE_BAD_IDENTITY) != 0)
    {
      wrong_name = g_strdup_printf (_("it is not for “%s”"), identity);
      add_reason (reasons, wrong_name);
    }

  return g_string_free (g_steal_pointer (&reasons), FALSE);
}

GTlsConnection *
_msgpack_rpc_tls_get_connection (GIOStream *stream)
{
  if (G_IS_TCP_WRAPPER_CONNECTION (stream))
    stream = g_tcp_wrapper_connection_get_base_io_stream (G_TCP_WRAPPER_CONNECTION (stream));

  return G_IS_TLS_CONNECTION (stream) ? G_TLS_CONNECTION (stream) : NULL;
}

GError *
_msgpack_rpc_tls_explain (GIOStream *stream,
                          GError    *error)
{
  GTlsConnection *connection = _msgpack_rpc_tls_get_connection (stream);
  g_autofree char *reasons = NULL;
  GTlsCertificateFlags flags;
  GError *explained = NULL;

  if (error->domain != G_TLS_ERROR || connection == NULL)
    return error;

  switch (error->code)
    {
    case G_TLS_ERROR_BAD_CERTIFICATE:
      flags = g_tls_connection_get_peer_certificate_errors (connection);
      if (flags == 0)
        return error;
      reasons = describe_flags (connection, flags);
      explained = g_error_new (G_TLS_ERROR, error->code,
                               _("The peer’s certificate is not acceptable: %s"), reasons);
      break;

    case G_TLS_ERROR_CERTIFICATE_REQUIRED:
      explained = g_error_new (G_TLS_ERROR, error->code,
                               _("The peer demands a certificate of this end: %s"), error->message);
      break;

    case G_TLS_ERROR_NOT_TLS:
      explained = g_error_new (G_TLS_ERROR, error->code, _("The peer does not speak TLS: %s"),
                               error->message);
      break;

    default:
      return error;
    }

  g_error_free (error);
  return explained;
}

GError *
_msgpack_rpc_tls_explain_silent (GIOStream *stream,
                                 GError    *error)
{
  GTlsConnection *connection = _msgpack_rpc_tls_get_connection (stream);
  GError *explained;

  error = _msgpack_rpc_tls_explain (stream, error);
  if (!G_IS_TLS_CLIENT_CONNECTION (connection) ||
      g_error_matches (error, G_TLS_ERROR, G_TLS_ERROR_CERTIFICATE_REQUIRED))
    return error;

  if (g_tls_connection_get_certificate (connection) == NULL)
    explained = g_error_new (error->domain, error->code,
                             _("The peer may demand a certificate of this end: %s"),
                             error->message);
  else
    explained = g_error_new (error->domain, error->code,
                             _("The peer may not accept the certificate of this end: %s"),
                             error->message);
  g_error_free (error);
  return explained;
}
