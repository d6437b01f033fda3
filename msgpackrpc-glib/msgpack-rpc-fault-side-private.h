/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* One direction of a fault stream: what goes wrong in it, how far it got, and what waits there.
 *
 * It is shared by the stream that is set up and the stream that is read or written. Settings may
 * change in any thread; all else belongs to whoever reads or writes. */
typedef struct _MsgpackRpcFaultSide MsgpackRpcFaultSide;

typedef enum
{
  MSGPACK_RPC_FAULT_CHUNK_SIZE,
  MSGPACK_RPC_FAULT_CORRUPT_OFFSET,
  MSGPACK_RPC_FAULT_CORRUPT_SIZE,
  MSGPACK_RPC_FAULT_CUT_OFFSET,
  MSGPACK_RPC_FAULT_DELAY,
  MSGPACK_RPC_FAULT_DROP_OFFSET,
  MSGPACK_RPC_FAULT_DROP_SIZE,
  MSGPACK_RPC_FAULT_STOP_OFFSET,
  MSGPACK_RPC_N_FAULTS
} MsgpackRpcFault;

/* What is to be done next. */
typedef enum
{
  MSGPACK_RPC_FAULT_ACTION_PASS,  /* read or write so many bytes */
  MSGPACK_RPC_FAULT_ACTION_WAIT,  /* for its source */
  MSGPACK_RPC_FAULT_ACTION_HELD,  /* take what was held */
  MSGPACK_RPC_FAULT_ACTION_CUT,   /* nothing passes any more */
} MsgpackRpcFaultAction;

/* @base: a GInputStream or a GOutputStream. */
MsgpackRpcFaultSide *_msgpack_rpc_fault_side_new   (GObject             *base,
                                                    gboolean             pollable);
MsgpackRpcFaultSide *_msgpack_rpc_fault_side_ref   (MsgpackRpcFaultSide *self);
void                 _msgpack_rpc_fault_side_unref (MsgpackRpcFaultSide *self);

gint64   _msgpack_rpc_fault_side_get        (MsgpackRpcFaultSide *self,
                                             MsgpackRpcFault      fault);
/* Whether it has changed. */
gboolean _msgpack_rpc_fault_side_set        (MsgpackRpcFaultSide *self,
                                             MsgpackRpcFault      fault,
                                             gint64               value);
void     _msgpack_rpc_fault_side_set_seed   (MsgpackRpcFaultSide *self,
                                             guint                seed);
guint64  _msgpack_rpc_fault_side_get_offset (MsgpackRpcFaultSide *self);
gpointer _msgpack_rpc_fault_side_get_base   (MsgpackRpcFaultSide *self);
gboolean _msgpack_rpc_fault_side_can_poll   (MsgpackRpcFaultSide *self);

/* What to do with the next @count bytes; makes them fewer where something else begins. */
MsgpackRpcFaultAction
         _msgpack_rpc_fault_side_begin      (MsgpackRpcFaultSide *self,
                                             gsize               *count);
/* Input: @count bytes have come. Returns how many of them are left to be given on now; 0: begin
 * again. */
gsize    _msgpack_rpc_fault_side_arrived    (MsgpackRpcFaultSide *self,
                                             guint8              *bytes,
                                             gsize                count);
gsize    _msgpack_rpc_fault_side_take_held  (MsgpackRpcFaultSide *self,
                                             guint8              *bytes,
                                             gsize                count);
/* Output: changes the @count bytes that come next. Returns how many of them are left, which is all
 * or none when begin() was asked about them. */
gsize    _msgpack_rpc_fault_side_filter     (MsgpackRpcFaultSide *self,
                                             guint8              *bytes,
                                             gsize                count);
/* Output: @count bytes were written, or dropped. */
void     _msgpack_rpc_fault_side_advance    (MsgpackRpcFaultSide *self,
                                             gsize                count);

/* Whether it could be read or written now. */
gboolean _msgpack_rpc_fault_side_is_ready      (MsgpackRpcFaultSide  *self);
/* As g_pollable_input_stream_create_source(), for either kind of stream. */
GSource *_msgpack_rpc_fault_side_create_source (MsgpackRpcFaultSide  *self,
                                                gpointer              stream,
                                                GCancellable         *cancellable);
/* Calls @callback with @task when it is time to begin again, or the task was cancelled. */
void     _msgpack_rpc_fault_side_attach        (MsgpackRpcFaultSide  *self,
                                                GTask                *task,
                                                GSourceFunc           callback);
/* The same, blocking: FALSE if it was cancelled; or, unless @blocking, if there is anything to wait
 * for, which is then G_IO_ERROR_WOULD_BLOCK. */
gboolean _msgpack_rpc_fault_side_wait          (MsgpackRpcFaultSide  *self,
                                                gboolean              blocking,
                                                GCancellable         *cancellable,
                                                GError              **error);

G_END_DECLS
