/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

#define MSGPACK_RPC_TYPE_CERTIFICATE_PINS (msgpack_rpc_certificate_pins_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcCertificatePins, msgpack_rpc_certificate_pins,
                      MSGPACK_RPC, CERTIFICATE_PINS, GTlsDatabase)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcCertificatePins *msgpack_rpc_certificate_pins_new (void) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void                       msgpack_rpc_certificate_pins_add (MsgpackRpcCertificatePins *self,
                                                             GTlsCertificate           *certificate);

G_END_DECLS
