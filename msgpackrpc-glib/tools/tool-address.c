/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-address.h"

#include <string.h>

#include <glib/gi18n.h>
#include <msgpackrpc-glib/msgpackrpc-glib.h>

#define PROGRAM_PREFIX "exec:"

/* A socket may be given by where it is from here, which the library does not take: an address may come
 * from anywhere. All other addresses but that of a file from the root have a colon. */
char *
tool_address_resolve (const char *address)
{
  if (address[0] != '/' && strchr (address, '/') != NULL &&
      (address[0] == '.' || strchr (address, ':') == NULL))
    return g_canonicalize_filename (address, NULL);

  return g_strdup (address);
}

/* ---- programs ---- */

gboolean
tool_address_is_program (const char *address)
{
  return g_str_has_prefix (address, PROGRAM_PREFIX);
}

/* The words of the command line after "exec:", which starts a program, with no shell; the library
 * starts none for an address, which may be from anywhere. */
GStrv
tool_address_split_program (const char  *address,
                            GError     **error)
{
  g_autoptr(GError) cause = NULL;
  GStrv argv = NULL;

  if (!g_shell_parse_argv (address + strlen (PROGRAM_PREFIX), NULL, &argv, &cause))
    g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_ADDRESS,
                 _("Address “%s” is not valid: %s"), address, cause->message);

  return argv;
}

/* ---- TLS ---- */

/* Whoever asks for a certificate must not be left without TLS. */
static gboolean
check_is_tls (const char  *address,
              const char  *ca,
              GError     **error)
{
  if (g_str_has_prefix (address, "tls://") || g_str_has_prefix (address, "srv+tls://"))
    return TRUE;

  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               /* Translators: an option, and two beginnings of addresses */
               _("“%s” needs an address that begins with “%s” or “%s”"),
               ca != NULL ? "--tls-ca" : "--tls-certificate", "tls://", "srv+tls://");
  return FALSE;
}

/* The authorities in a file. */
GTlsDatabase *
tool_address_load_authorities (const char  *path,
                               GError     **error)
{
  /* GIO takes no other. */
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);

  return g_tls_file_database_new (absolute, error);
}

/* The certificate in a file, and its key. */
GTlsCertificate *
tool_address_load_certificate (const char  *path,
                               GError     **error)
{
  GTlsCertificate *certificate = g_tls_certificate_new_from_file (path, error);

  /* Others name the file. */
  if (certificate == NULL && error != NULL && (*error)->domain == G_TLS_ERROR)
    g_prefix_error (error, "“%s”: ", path);
  return certificate;
}

/* Reads the files of --tls-ca and --tls-certificate, each of which may be NULL, as what it gives is
 * then; if there is an error, both are. */
gboolean
tool_address_load_tls (const char       *address,
                       const char       *ca,
                       const char       *certificate,
                       GTlsDatabase    **database_out,
                       GTlsCertificate **certificate_out,
                       GError          **error)
{
  g_autoptr(GTlsDatabase) database = NULL;

  *database_out = NULL;
  *certificate_out = NULL;
  if (ca == NULL && certificate == NULL)
    return TRUE;

  if (!check_is_tls (address, ca, error))
    return FALSE;

  if (ca != NULL)
    {
      database = tool_address_load_authorities (ca, error);
      if (database == NULL)
        return FALSE;
    }

  if (certificate != NULL)
    {
      *certificate_out = tool_address_load_certificate (certificate, error);
      if (*certificate_out == NULL)
        return FALSE;
    }

  *database_out = g_steal_pointer (&database);
  return TRUE;
}
