/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-method.h"
#include "msgpack-rpc-user-data-private.h"

G_BEGIN_DECLS

/* A method in the table of a dispatcher, with its handler. A call that has begun holds it, so that
 * it ends with the handler that it began with. Nothing in it changes; what may be set at any time is
 * in the method. */
typedef struct
{
  int ref_count;            /* atomic */
  MsgpackRpcMethod *method;
  MsgpackRpcMethodFlags flags;
  GVariantType *signature;  /* nullable */
  GVariant *example;        /* of that type, nullable: while there is one, GLib keeps its description */
  MsgpackRpcHandler handler; /* NULL only if it runs in a worker */
  MsgpackRpcUserData user_data;
} MsgpackRpcMethodEntry;

MsgpackRpcMethodEntry *_msgpack_rpc_method_entry_new   (MsgpackRpcMethod      *method,
                                                        MsgpackRpcHandler      handler,
                                                        gpointer               user_data,
                                                        GDestroyNotify         destroy);
MsgpackRpcMethodEntry *_msgpack_rpc_method_entry_ref   (MsgpackRpcMethodEntry *self);
/* With no lock held. The last one lets go of the handler's data in the thread that has added it. */
void                   _msgpack_rpc_method_entry_unref (gpointer               self);

/* Checks the parameters and calls the handler, in the calling thread; sees to it that the
 * invocation is answered at once if one of the two fails. */
void                   _msgpack_rpc_method_entry_run   (MsgpackRpcMethodEntry *self,
                                                        MsgpackRpcInvocation  *invocation);

/* The same for one that is handled elsewhere: whether the parameters fit. @params: as they came, but
 * for those by name, which are put into their order; a reference. */
gboolean               _msgpack_rpc_method_entry_check (MsgpackRpcMethodEntry  *self,
                                                        MsgpackRpcInvocation   *invocation,
                                                        GVariant              **params);

G_END_DECLS
