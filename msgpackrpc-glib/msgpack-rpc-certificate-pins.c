/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-certificate-pins.h"

/**
 * MsgpackRpcCertificatePins:
 *
 * Trusts these certificates, and no others.
 *
 * For peers whose certificates no authority has signed: what a peer shows is good if it is one of
 * these, whoever has issued it, whatever name is in it, and also after it has expired. All else is
 * refused, however well it is signed.
 *
 * Make it the [property@Client:tls-database] of a client to talk to that server alone, or the
 * [property@Server:tls-database] of a server to let in those clients alone.
 *
 * ```c
 * g_autoptr(MsgpackRpcCertificatePins) pins = msgpack_rpc_certificate_pins_new ();
 *
 * msgpack_rpc_certificate_pins_add (pins, certificate);
 * msgpack_rpc_client_set_tls_database (client, G_TLS_DATABASE (pins));
 * ```
 *
 * All functions may be called from any thread.
 *
 * Since: 1.0
 */
struct _MsgpackRpcCertificatePins
{
  GTlsDatabase parent_instance;

  GMutex lock;
  GPtrArray *certificates; /* of GTlsCertificate; guarded by lock */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcCertificatePins, msgpack_rpc_certificate_pins, G_TYPE_TLS_DATABASE)

static gboolean
is_same (gconstpointer a,
         gconstpointer b)
{
  return g_tls_certificate_is_same ((GTlsCertificate *) a, (GTlsCertificate *) b);
}

static gboolean
certificate_pins_contain (MsgpackRpcCertificatePins *self,
                          GTlsCertificate           *certificate)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_ptr_array_find_with_equal_func (self->certificates, certificate, is_same, NULL);
}

static GTlsCertificateFlags
certificate_pins_verify_chain (GTlsDatabase             *database,
                               GTlsCertificate          *chain,
                               const char               *purpose G_GNUC_UNUSED,
                               GSocketConnectable       *identity G_GNUC_UNUSED,
                               GTlsInteraction          *interaction G_GNUC_UNUSED,
                               GTlsDatabaseVerifyFlags   flags G_GNUC_UNUSED,
                               GCancellable             *cancellable G_GNUC_UNUSED,
                               GError                  **error G_GNUC_UNUSED)
{
  return certificate_pins_contain (MSGPACK_RPC_CERTIFICATE_PINS (database), chain)
         ? 0 : G_TLS_CERTIFICATE_UNKNOWN_CA;
}

/* There is none to look up. The base class would call what is not there. */
static GTlsCertificate *
certificate_pins_lookup_issuer (GTlsDatabase             *database G_GNUC_UNUSED,
                                GTlsCertificate          *certificate G_GNUC_UNUSED,
                                GTlsInteraction          *interaction G_GNUC_UNUSED,
                                GTlsDatabaseLookupFlags   flags G_GNUC_UNUSED,
                                GCancellable             *cancellable G_GNUC_UNUSED,
                                GError                  **error G_GNUC_UNUSED)
{
  return NULL;
}

static void
certificate_pins_finalize (GObject *object)
{
  MsgpackRpcCertificatePins *self = MSGPACK_RPC_CERTIFICATE_PINS (object);

  g_ptr_array_unref (self->certificates);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_certificate_pins_parent_class)->finalize (object);
}

static void
msgpack_rpc_certificate_pins_class_init (MsgpackRpcCertificatePinsClass *klass)
{
  GTlsDatabaseClass *database_class = G_TLS_DATABASE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = certificate_pins_finalize;
  database_class->verify_chain = certificate_pins_verify_chain;
  database_class->lookup_certificate_issuer = certificate_pins_lookup_issuer;
}

static void
msgpack_rpc_certificate_pins_init (MsgpackRpcCertificatePins *self)
{
  g_mutex_init (&self->lock);
  self->certificates = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * msgpack_rpc_certificate_pins_new:
 *
 * Makes an empty set, which trusts nobody.
 *
 * Returns: (transfer full): a new set
 * Since: 1.0
 */
MsgpackRpcCertificatePins *
msgpack_rpc_certificate_pins_new (void)
{
  return g_object_new (MSGPACK_RPC_TYPE_CERTIFICATE_PINS, NULL);
}

/**
 * msgpack_rpc_certificate_pins_add:
 * @self: a set of certificates
 * @certificate: a certificate; a private key is not needed
 *
 * Trusts a certificate from now on.
 *
 * Since: 1.0
 */
void
msgpack_rpc_certificate_pins_add (MsgpackRpcCertificatePins *self,
                                  GTlsCertificate           *certificate)
{
  g_return_if_fail (MSGPACK_RPC_IS_CERTIFICATE_PINS (self));
  g_return_if_fail (G_IS_TLS_CERTIFICATE (certificate));

  if (certificate_pins_contain (self, certificate))
    return;

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->certificates, g_object_ref (certificate));
  g_mutex_unlock (&self->lock);
}
