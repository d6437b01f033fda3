/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-method-entry-private.h"
#include "msgpack-rpc-object-list-private.h"

G_BEGIN_DECLS

/* The methods of a dispatcher. It has no lock: whoever uses it holds the dispatcher's. */
typedef struct
{
  GHashTable *by_name;           /* name → MsgpackRpcMethodEntry, neither owned */
  GHashTable *by_id;             /* id → MsgpackRpcMethodEntry, owned */
  GPtrArray *prefixes;           /* those that take all names that begin like theirs, not owned, the
                                  * longest first; NULL: there has been none */
  MsgpackRpcObjectList *methods; /* of MsgpackRpcMethod; fixed, and has a lock of its own */
  guint last_id;
} MsgpackRpcMethodTable;

void _msgpack_rpc_method_table_init  (MsgpackRpcMethodTable *self);
void _msgpack_rpc_method_table_clear (MsgpackRpcMethodTable *self);

/* An id that no other method has. */
guint                  _msgpack_rpc_method_table_next_id (MsgpackRpcMethodTable *self);

/* No reference; NULL: there is none of that name. */
MsgpackRpcMethodEntry *_msgpack_rpc_method_table_lookup  (MsgpackRpcMethodTable *self,
                                                          const char            *name);

/* The method with the longest prefix of @name. No reference; NULL: there is none. */
MsgpackRpcMethodEntry *_msgpack_rpc_method_table_match   (MsgpackRpcMethodTable *self,
                                                          const char            *name);

/* Takes @entry, and puts it in the place of @old, whose reference is the caller's now; or, if that
 * is NULL, at the end. Returns the position in the list, which the caller tells the change of. */
guint                  _msgpack_rpc_method_table_put     (MsgpackRpcMethodTable *self,
                                                          MsgpackRpcMethodEntry *entry,
                                                          MsgpackRpcMethodEntry *old);

/* Removes a method and returns the reference; NULL: there is none of that id. */
MsgpackRpcMethodEntry *_msgpack_rpc_method_table_take    (MsgpackRpcMethodTable *self,
                                                          guint                  id,
                                                          guint                 *position);

G_END_DECLS
