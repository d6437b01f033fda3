/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-client.h"
#include "msgpack-rpc-dispatcher.h"
#include "msgpack-rpc-loop-thread-private.h"
#include "msgpack-rpc-server.h"

/* Clients and servers that have a thread of their own. */

/**
 * msgpack_rpc_client_new_in_thread:
 * @address: an address; see [ctor@Client.new]
 *
 * Makes a client that is not opened, and a thread that runs its main context, for programs whose
 * own threads run none.
 *
 * Signals of the client come in that thread, and so do requests of the server. What is started here
 * still reports here, to the thread-default context of whoever starts it; [method@Peer.call_sync] and
 * [method@Call.wait] need no context at all.
 *
 * When the client goes, the thread ends after it has closed what else was made with its context. To
 * have all that is queued sent before, use [method@Client.close_sync].
 *
 * JavaScript, which cannot be called in another thread, has no use for this.
 *
 * Returns: (transfer full): a client
 *
 * Since: 1.0
 */
MsgpackRpcClient *
msgpack_rpc_client_new_in_thread (const char *address)
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcClient *self;

  g_return_val_if_fail (address != NULL, NULL);

  thread = msgpack_rpc_loop_thread_new ("rpc client");
  self = g_object_new (MSGPACK_RPC_TYPE_CLIENT,
                       "address", address,
                       "main-context", msgpack_rpc_loop_thread_get_main_context (thread),
                       NULL);
  _msgpack_rpc_loop_thread_start_for (thread, G_OBJECT (self));
  return self;
}

/**
 * msgpack_rpc_server_new_in_thread:
 * @dispatcher: (nullable): the methods that peers may call, or `NULL` for none yet
 *
 * Makes a server that does not listen yet, and a thread that runs its main context, for programs
 * whose own threads run none.
 *
 * Peers are accepted, signals emitted and handlers run in that thread.
 *
 * When the server goes, the thread ends after it has closed what else was made with its context. To
 * let calls that have begun come to their end before, use [method@Server.drain_sync].
 *
 * JavaScript, which cannot be called in another thread, has no use for this.
 *
 * Returns: (transfer full): a server
 *
 * Since: 1.0
 */
MsgpackRpcServer *
msgpack_rpc_server_new_in_thread (MsgpackRpcDispatcher *dispatcher)
{
  MsgpackRpcLoopThread *thread;
  MsgpackRpcServer *self;

  g_return_val_if_fail (dispatcher == NULL || MSGPACK_RPC_IS_DISPATCHER (dispatcher), NULL);

  thread = msgpack_rpc_loop_thread_new ("rpc server");
  self = g_object_new (MSGPACK_RPC_TYPE_SERVER,
                       "dispatcher", dispatcher,
                       "main-context", msgpack_rpc_loop_thread_get_main_context (thread),
                       NULL);
  _msgpack_rpc_loop_thread_start_for (thread, G_OBJECT (self));
  return self;
}
