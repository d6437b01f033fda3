/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Who listens to the signals of an object. Most of ours have nobody, and to ask costs less than to
 * emit. */

/* Whether anybody has connected to the signal, with any detail or none. */
gboolean _msgpack_rpc_has_handler          (gpointer               object,
                                            guint                  signal_id);
/* Whether there is one for any signal that would be called now. */
gboolean _msgpack_rpc_has_any_handler      (gpointer               object);

/* Whether anybody has asked to be notified of any property; or of this one. */
gboolean _msgpack_rpc_has_notify_handler   (gpointer               object);
gboolean _msgpack_rpc_is_notified_of       (gpointer               object,
                                            const char            *property);

/* For signals whose handlers are asked until the first of them returns FALSE. */
gboolean _msgpack_rpc_accumulate_agreement (GSignalInvocationHint *hint,
                                            GValue                *all,
                                            const GValue          *one,
                                            gpointer               data);

G_END_DECLS
