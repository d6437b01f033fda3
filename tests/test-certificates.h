/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>
#include <glib/gstdio.h>

/* A folder of certificates, made by openssl as they are needed. */

static inline void
certificates_run (const char         *folder,
                  const char * const *argv)
{
  g_autoptr(GSubprocessLauncher) launcher = NULL;
  g_autoptr(GSubprocess) openssl = NULL;
  g_autofree char *output = NULL;
  g_autoptr(GError) error = NULL;

  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                        G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_subprocess_launcher_set_cwd (launcher, folder);
  openssl = g_subprocess_launcher_spawnv (launcher, argv, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (openssl, NULL, NULL, &output, NULL, &error));
  g_assert_no_error (error);
  if (!g_subprocess_get_successful (openssl))
    g_error ("openssl %s: %s", argv[1], output);
}

/* Makes @name.pem, which has the key, too. @names: as in “DNS:localhost”. @issuer: who signs it, or
 * NULL for an authority, which signs itself. @days: for how long it is good; −1 if it has expired. */
static inline GTlsCertificate *
certificates_make (const char *folder,
                   const char *name,
                   const char *names,
                   const char *issuer,
                   int         days)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.pem", folder, name);
  g_autofree char *request = g_strdup_printf ("%s.csr", name);
  g_autofree char *key = g_strdup_printf ("%s.key", name);
  g_autofree char *pem = g_strdup_printf ("%s.crt", name);
  g_autofree char *subject = g_strdup_printf ("/CN=%s", name);
  g_autofree char *extension = g_strdup_printf ("subjectAltName=%s", names);
  g_autofree char *ca = g_strdup_printf ("%s.pem", issuer != NULL ? issuer : "");
  g_autofree char *n_days = g_strdup_printf ("%d", days);
  g_autofree char *joined = NULL;
  g_autoptr(GError) error = NULL;
  GTlsCertificate *certificate;
  const char * const files[] = { key, pem };
  const char * const ask[] = {
    "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
    "-keyout", key, "-out", request, "-subj", subject, "-addext",
    issuer != NULL ? extension : "keyUsage=keyCertSign", "-addext",
    issuer != NULL ? "basicConstraints=critical,CA:FALSE" : "basicConstraints=critical,CA:TRUE",
    NULL
  };
  const char * const sign[] = {
    "openssl", "x509", "-req", "-copy_extensions", "copyall", "-in", request, "-out", pem,
    "-days", n_days, issuer != NULL ? "-CA" : "-signkey", issuer != NULL ? ca : key,
    issuer != NULL ? "-CAkey" : NULL, ca, NULL
  };

  certificates_run (folder, ask);
  certificates_run (folder, sign);

  joined = g_strdup ("");
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autofree char *file = g_build_filename (folder, files[i], NULL);
      g_autofree char *contents = NULL;
      char *both;

      g_assert_true (g_file_get_contents (file, &contents, NULL, &error));
      both = g_strconcat (joined, contents, NULL);
      g_free (joined);
      joined = both;
      g_assert_cmpint (g_unlink (file), ==, 0);
    }
  g_assert_true (g_file_set_contents (path, joined, -1, &error));

  g_free (g_steal_pointer (&pem));
  pem = g_build_filename (folder, request, NULL);
  g_assert_cmpint (g_unlink (pem), ==, 0);

  certificate = g_tls_certificate_new_from_file (path, &error);
  g_assert_no_error (error);
  return certificate;
}

/* Who trusts what @name.pem signs. */
static inline GTlsDatabase *
certificates_trust (const char *folder,
                    const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.pem", folder, name);
  g_autoptr(GError) error = NULL;
  GTlsDatabase *database = g_tls_file_database_new (path, &error);

  g_assert_no_error (error);
  return database;
}

static inline void
certificates_remove (const char *folder,
                     const char *name)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.pem", folder, name);

  g_assert_cmpint (g_unlink (path), ==, 0);
}
