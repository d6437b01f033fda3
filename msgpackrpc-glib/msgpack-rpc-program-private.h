/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A program that was started, with its three pipes. What it writes to its standard error is passed on,
 * and the end of it is kept for the error that says how the program ended.
 *
 * Used by the holder of a link's I/O, from whose private context it hears; after it is closed, by the
 * context that it was given for that. */
typedef struct _MsgpackRpcProgram MsgpackRpcProgram;

/* In the thread-default context. @home: who passes on what comes after it was closed. */
MsgpackRpcProgram *_msgpack_rpc_program_start (const char * const  *argv,
                                               gboolean             forwards_stderr,
                                               GMainContext        *home,
                                               GError             **error);
MsgpackRpcProgram *_msgpack_rpc_program_ref   (MsgpackRpcProgram   *self);
void               _msgpack_rpc_program_unref (MsgpackRpcProgram   *self);

/* Not a reference. */
GSubprocess *_msgpack_rpc_program_get_subprocess (MsgpackRpcProgram *self);
/* Its standard output, which we read, or its standard input. */
int          _msgpack_rpc_program_get_fd         (MsgpackRpcProgram *self,
                                                  gboolean           input);

/* One of its pipes is at its end: returns −1 with an error that says how the program has ended, or
 * G_IO_ERROR_WOULD_BLOCK while it may yet be known; 0 if the program seems to go on without. */
gssize   _msgpack_rpc_program_end               (MsgpackRpcProgram  *self,
                                                 GError            **error);
/* Becomes ready when that is to be asked again, of what it writes if @input, or else of what it reads.
 * Of each there is one at a time. */
GSource *_msgpack_rpc_program_create_end_source (MsgpackRpcProgram  *self,
                                                 gboolean            input);

/* Closes its standard input and output. */
void _msgpack_rpc_program_close (MsgpackRpcProgram *self);

G_END_DECLS
