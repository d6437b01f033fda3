/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

#include "msgpack-rpc-limits-private.h"

G_BEGIN_DECLS

/* What connecting needs when the target may be gone. */
typedef struct _MsgpackRpcTargetShared MsgpackRpcTargetShared;

/* What a client connects to: one of the first four, none of which changes. */
typedef struct
{
  char *address;
  GSocketConnectable *connectable;
  GIOStream *io_stream;
  GStrv argv;
  GMainContext *home;           /* not owned: the client's */
  int forwards_stderr;          /* atomic; of what argv starts */
  GSocketClient *socket_client;
  MsgpackRpcTargetShared *shared; /* owned */
} MsgpackRpcTarget;

void       _msgpack_rpc_target_init        (MsgpackRpcTarget     *self);
void       _msgpack_rpc_target_clear       (MsgpackRpcTarget     *self);
/* What it is, for messages, or NULL. */
char      *_msgpack_rpc_target_describe    (MsgpackRpcTarget     *self);
/* From here on the socket client tells nothing of what it does, which may go on for a while. */
void       _msgpack_rpc_target_silence     (MsgpackRpcTarget     *self);
/* The errors name the target. */
void       _msgpack_rpc_target_open_async  (MsgpackRpcTarget     *self,
                                            MsgpackRpcLimits     *limits,
                                            GCancellable         *cancellable,
                                            GAsyncReadyCallback   callback,
                                            gpointer              user_data);
/* @subprocess: the program that was started, or NULL. @self may be gone. */
GIOStream *_msgpack_rpc_target_open_finish (GAsyncResult         *result,
                                            GSubprocess         **subprocess,
                                            GError              **error);

/* References, or NULL; and whether it was another one. */
GTlsCertificate *_msgpack_rpc_target_ref_tls_certificate (MsgpackRpcTarget *self);
gboolean         _msgpack_rpc_target_set_tls_certificate (MsgpackRpcTarget *self,
                                                          GTlsCertificate  *certificate);
GTlsDatabase    *_msgpack_rpc_target_ref_tls_database    (MsgpackRpcTarget *self);
gboolean         _msgpack_rpc_target_set_tls_database    (MsgpackRpcTarget *self,
                                                          GTlsDatabase     *database);

G_END_DECLS
