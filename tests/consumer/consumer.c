/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include <msgpackrpc-glib/msgpackrpc-glib.h>

int
main (void)
{
  g_print ("Built with msgpackrpc-glib %d.%d.%d\n",
           MSGPACK_RPC_MAJOR_VERSION, MSGPACK_RPC_MINOR_VERSION, MSGPACK_RPC_MICRO_VERSION);

  return msgpack_rpc_check_version (1, 0, 0) ? 0 : 1;
}
