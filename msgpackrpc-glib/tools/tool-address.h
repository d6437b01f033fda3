/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

char            *tool_address_resolve          (const char       *address)
                                                G_GNUC_WARN_UNUSED_RESULT;

gboolean         tool_address_is_program       (const char       *address);
GStrv            tool_address_split_program    (const char       *address,
                                                GError          **error) G_GNUC_WARN_UNUSED_RESULT;

GTlsDatabase    *tool_address_load_authorities (const char       *path,
                                                GError          **error) G_GNUC_WARN_UNUSED_RESULT;
GTlsCertificate *tool_address_load_certificate (const char       *path,
                                                GError          **error) G_GNUC_WARN_UNUSED_RESULT;
gboolean         tool_address_load_tls         (const char       *address,
                                                const char       *ca,
                                                const char       *certificate,
                                                GTlsDatabase    **database_out,
                                                GTlsCertificate **certificate_out,
                                                GError          **error);

G_END_DECLS
