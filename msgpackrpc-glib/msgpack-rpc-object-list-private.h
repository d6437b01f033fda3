/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A GListModel that any thread may read and change at any time.
 *
 * Changing it emits nothing: whoever does it calls g_list_model_items_changed () afterwards, with
 * no lock held. */
#define MSGPACK_RPC_TYPE_OBJECT_LIST (_msgpack_rpc_object_list_get_type ())

G_DECLARE_FINAL_TYPE (MsgpackRpcObjectList, _msgpack_rpc_object_list, MSGPACK_RPC, OBJECT_LIST, GObject)

MsgpackRpcObjectList *_msgpack_rpc_object_list_new (GType item_type);

/* Each gives the position of the change. Removing and replacing return FALSE if the object is not
 * there. */
guint    _msgpack_rpc_object_list_append  (MsgpackRpcObjectList *self,
                                           gpointer              object);
/* The same; @serial finds it again without looking at all the others. */
guint    _msgpack_rpc_object_list_append_with_serial (MsgpackRpcObjectList *self,
                                                      gpointer              object,
                                                      guint64              *serial);
gboolean _msgpack_rpc_object_list_remove_serial      (MsgpackRpcObjectList *self,
                                                      guint64               serial,
                                                      guint                *position);
gboolean _msgpack_rpc_object_list_remove  (MsgpackRpcObjectList *self,
                                           gpointer              object,
                                           guint                *position);
gboolean _msgpack_rpc_object_list_replace (MsgpackRpcObjectList *self,
                                           gpointer              object,
                                           gpointer              replacement,
                                           guint                *position);

/* Removes all, which it returns. */
GPtrArray *_msgpack_rpc_object_list_take (MsgpackRpcObjectList *self);
/* The objects that are there now. */
GPtrArray *_msgpack_rpc_object_list_copy (MsgpackRpcObjectList *self);

G_END_DECLS
