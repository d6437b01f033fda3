/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-error-domain-private.h"

#include <string.h>

#include "msgpack-rpc-message-private.h"

/* Errors of domains that both ends have registered. */

/* The longest name of a domain that a peer may send, in bytes. */
#define MAX_NAME_LENGTH 255
/* How many entries a map may have that stands for an error. */
#define MAX_ENTRIES 16

static GMutex lock;          /* guards what follows */
static GHashTable *domains;  /* set of GQuark; NULL: none */

/**
 * msgpack_rpc_register_error_domain:
 * @domain: a domain of errors, such as `G_IO_ERROR`
 *
 * Lets errors of a domain travel.
 *
 * A handler that fails with an error of a registered domain sends its domain, code and text to a peer
 * that understands that ([flags@Extensions.ERRORS]); all others get the text, as always. A peer's error
 * of a domain that is registered here becomes an error of the same domain, code and text. All else
 * that peers answer with is [error@Error.REMOTE], with the whole value in
 * [property@Call:error-value].
 *
 * So both ends register the domain, best when the program begins. It stays registered. Doing so again
 * does nothing. The domain goes by its name, and the code by its number: the two ends must agree on
 * what that means.
 *
 * A peer that may say so can make a call fail with any code of a registered domain. What
 * the application takes for its own, as `G_IO_ERROR_CANCELLED`, may then come from the peer:
 * [property@Call:error-value] is `NULL` if it does not.
 *
 * Of the library's own domain, `MSGPACK_RPC_ERROR`, those codes travel that say why a request has
 * failed: [error@Error.METHOD_NOT_FOUND], [error@Error.INVALID_PARAMS],
 * [error@Error.INVALID_RESULT], [error@Error.BUSY], [error@Error.NOT_ANSWERED] and
 * [error@Error.ACCESS_DENIED].
 *
 * May be called from any thread.
 *
 * Since: 1.0
 */
void
msgpack_rpc_register_error_domain (GQuark domain)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_if_fail (domain != 0);

  locker = g_mutex_locker_new (&lock);
  if (domains == NULL)
    domains = g_hash_table_new (NULL, NULL);
  g_hash_table_add (domains, GUINT_TO_POINTER (domain));
}

/* Others are of this end alone: that it is not connected, as one. */
static gboolean
is_about_request (int code)
{
  switch (code)
    {
    case MSGPACK_RPC_ERROR_METHOD_NOT_FOUND:
    case MSGPACK_RPC_ERROR_INVALID_PARAMS:
    case MSGPACK_RPC_ERROR_INVALID_RESULT:
    case MSGPACK_RPC_ERROR_BUSY:
    case MSGPACK_RPC_ERROR_NOT_ANSWERED:
    case MSGPACK_RPC_ERROR_ACCESS_DENIED:
      return TRUE;

    default:
      return FALSE;
    }
}

static gboolean
may_travel (GQuark domain,
            int    code)
{
  g_autoptr(GMutexLocker) locker = NULL;

  if (domain == MSGPACK_RPC_ERROR)
    return is_about_request (code);

  locker = g_mutex_locker_new (&lock);
  return domains != NULL && g_hash_table_contains (domains, GUINT_TO_POINTER (domain));
}

GVariant *
_msgpack_rpc_error_domain_make_value (GQuark      domain,
                                      int         code,
                                      const char *text)
{
  GVariant *message = _msgpack_rpc_message_error_from_text (text);
  GVariantBuilder builder;

  if (domain == 0 || !may_travel (domain, code))
    return message;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "message", message);
  g_variant_builder_add (&builder, "{sv}", "domain",
                         g_variant_new_string (g_quark_to_string (domain)));
  g_variant_builder_add (&builder, "{sv}", "code", g_variant_new_int32 (code));
  return g_variant_builder_end (&builder);
}

static gboolean
get_code (GVariant *map,
          int      *code)
{
  g_autoptr(GVariant) value = g_variant_lookup_value (map, "code", NULL);
  gint64 number;

  if (value == NULL || !_msgpack_rpc_value_get_int (value, &number) ||
      number < G_MININT || number > G_MAXINT)
    return FALSE;

  *code = (int) number;
  return TRUE;
}

/* What a peer sends is only looked up: it makes no new domain. */
GError *
_msgpack_rpc_error_domain_parse (GVariant *value)
{
  const char *name, *text;
  GQuark domain;
  int code;

  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_VARDICT) ||
      g_variant_n_children (value) > MAX_ENTRIES ||
      !g_variant_lookup (value, "message", "&s", &text) ||
      !g_variant_lookup (value, "domain", "&s", &name) || strlen (name) > MAX_NAME_LENGTH ||
      !get_code (value, &code))
    return NULL;

  domain = g_quark_try_string (name);
  if (domain == 0 || !may_travel (domain, code))
    return NULL;

  return g_error_new_literal (domain, code, text);
}
