/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <glib-object.h>

#include "msgpack-rpc-version.h"

G_BEGIN_DECLS

/**
 * MsgpackRpcExtEncoder:
 * @value: a value of the type that the encoder was added for, never empty
 * @user_data: the data given with the encoder
 * @error: return location for an error
 *
 * Makes the data of an ext from a value.
 *
 * An exception in a language binding is a failure.
 *
 * Returns: (transfer full) (nullable): the data, or `NULL` with @error set
 * Since: 1.0
 */
typedef GBytes *(*MsgpackRpcExtEncoder) (const GValue  *value,
                                         gpointer       user_data,
                                         GError       **error);

/**
 * MsgpackRpcExtDecoder:
 * @data: the data of an ext, which a peer has sent
 * @value: (out caller-allocates): return location for the value, all zeros at first: initialise it
 *   with the type that the decoder was added for
 * @user_data: the data given with the decoder
 * @error: return location for an error
 *
 * Makes a value from the data of an ext.
 *
 * The data may be of any length and content. An exception in a language binding is a failure; else
 * Python returns `True, value` and JavaScript `[true, value]`.
 *
 * Returns: `TRUE` with @value set, or `FALSE` with @error set
 * Since: 1.0
 */
typedef gboolean (*MsgpackRpcExtDecoder) (GBytes    *data,
                                          GValue    *value,
                                          gpointer   user_data,
                                          GError   **error);

#define MSGPACK_RPC_TYPE_EXT_REGISTRY (msgpack_rpc_ext_registry_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcExtRegistry, msgpack_rpc_ext_registry, MSGPACK_RPC, EXT_REGISTRY, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcExtRegistry *msgpack_rpc_ext_registry_new (void) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_ext_registry_add_variant_type (MsgpackRpcExtRegistry  *self,
                                                    int                     ext_type,
                                                    const char             *type_string,
                                                    GError                **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_ext_registry_add_encoder      (MsgpackRpcExtRegistry  *self,
                                                    int                     ext_type,
                                                    GType                   boxed_type,
                                                    MsgpackRpcExtEncoder    encoder,
                                                    gpointer                user_data,
                                                    GDestroyNotify          user_data_destroy,
                                                    GError                **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_ext_registry_add_decoder      (MsgpackRpcExtRegistry  *self,
                                                    int                     ext_type,
                                                    GType                   boxed_type,
                                                    MsgpackRpcExtDecoder    decoder,
                                                    gpointer                user_data,
                                                    GDestroyNotify          user_data_destroy,
                                                    GError                **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_ext_registry_remove           (MsgpackRpcExtRegistry  *self,
                                                    int                     ext_type);

MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean  msgpack_rpc_ext_registry_decode         (MsgpackRpcExtRegistry  *self,
                                                   GVariant               *ext,
                                                   GValue                 *value,
                                                   GError                **error);
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_ext_registry_decode_variant (MsgpackRpcExtRegistry  *self,
                                                   GVariant               *ext,
                                                   GError                **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
GValue   *msgpack_rpc_ext_registry_decode_value   (MsgpackRpcExtRegistry  *self,
                                                   GVariant               *ext,
                                                   GError                **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_ext_registry_encode         (MsgpackRpcExtRegistry  *self,
                                                   const GValue           *value,
                                                   GError                **error) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_ext_registry_encode_as      (MsgpackRpcExtRegistry  *self,
                                                   int                     ext_type,
                                                   const GValue           *value,
                                                   GError                **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
int  *msgpack_rpc_ext_registry_get_ext_types   (MsgpackRpcExtRegistry *self,
                                                gsize                 *n_ext_types) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
GType msgpack_rpc_ext_registry_get_value_type  (MsgpackRpcExtRegistry *self,
                                                int                    ext_type);
MSGPACK_RPC_AVAILABLE_IN_1_0
char *msgpack_rpc_ext_registry_get_type_string (MsgpackRpcExtRegistry *self,
                                                int                    ext_type) G_GNUC_WARN_UNUSED_RESULT;

G_END_DECLS
