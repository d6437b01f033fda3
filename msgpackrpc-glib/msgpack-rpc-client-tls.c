/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client-private.h"

/* Whom a client trusts, and what it shows. */

/**
 * msgpack_rpc_client_get_tls_certificate: (get-property tls-certificate)
 * @self: a client
 *
 * Gets what is shown to a server that asks for a certificate.
 *
 * Returns: (transfer full) (nullable): the certificate, or `NULL`
 * Since: 1.0
 */
GTlsCertificate *
msgpack_rpc_client_get_tls_certificate (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  return _msgpack_rpc_target_ref_tls_certificate (&self->target);
}

/**
 * msgpack_rpc_client_set_tls_certificate: (set-property tls-certificate)
 * @self: a client
 * @tls_certificate: (nullable): a certificate with its private key, or `NULL`
 *
 * Sets what is shown to a server that asks for a certificate, from the next connection on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_tls_certificate (MsgpackRpcClient *self,
                                        GTlsCertificate  *tls_certificate)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (tls_certificate == NULL || G_IS_TLS_CERTIFICATE (tls_certificate));

  if (_msgpack_rpc_target_set_tls_certificate (&self->target, tls_certificate))
    _msgpack_rpc_client_notify (self, "tls-certificate");
}

/**
 * msgpack_rpc_client_get_tls_database: (get-property tls-database)
 * @self: a client
 *
 * Gets what the certificate of a server is checked against.
 *
 * Returns: (transfer full) (nullable): the database, or `NULL` for the system's
 * Since: 1.0
 */
GTlsDatabase *
msgpack_rpc_client_get_tls_database (MsgpackRpcClient *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CLIENT (self), NULL);

  return _msgpack_rpc_target_ref_tls_database (&self->target);
}

/**
 * msgpack_rpc_client_set_tls_database: (set-property tls-database)
 * @self: a client
 * @tls_database: (nullable): a database of authorities, such as a [iface@Gio.TlsFileDatabase], or
 *   [class@CertificatePins]; or `NULL` for the system's
 *
 * Sets what the certificate of a server is checked against, from the next connection on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_client_set_tls_database (MsgpackRpcClient *self,
                                     GTlsDatabase     *tls_database)
{
  g_return_if_fail (MSGPACK_RPC_IS_CLIENT (self));
  g_return_if_fail (tls_database == NULL || G_IS_TLS_DATABASE (tls_database));

  if (_msgpack_rpc_target_set_tls_database (&self->target, tls_database))
    _msgpack_rpc_client_notify (self, "tls-database");
}
