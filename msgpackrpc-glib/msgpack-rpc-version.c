/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-version.h"

/**
 * msgpack_rpc_get_major_version:
 *
 * Gets the major version of the library that is running, which may be newer than
 * [const@MAJOR_VERSION], that of the library a program was compiled against.
 *
 * Returns: the major version
 *
 * Since: 1.0
 */
guint
msgpack_rpc_get_major_version (void)
{
  return MSGPACK_RPC_MAJOR_VERSION;
}

/**
 * msgpack_rpc_get_minor_version:
 *
 * Gets the minor version of the library that is running, which may be newer than
 * [const@MINOR_VERSION], that of the library a program was compiled against.
 *
 * Returns: the minor version
 *
 * Since: 1.0
 */
guint
msgpack_rpc_get_minor_version (void)
{
  return MSGPACK_RPC_MINOR_VERSION;
}

/**
 * msgpack_rpc_get_micro_version:
 *
 * Gets the micro version of the library that is running, which may be newer than
 * [const@MICRO_VERSION], that of the library a program was compiled against.
 *
 * Returns: the micro version
 *
 * Since: 1.0
 */
guint
msgpack_rpc_get_micro_version (void)
{
  return MSGPACK_RPC_MICRO_VERSION;
}

/**
 * msgpack_rpc_check_version:
 * @major: a major version
 * @minor: a minor version
 * @micro: a micro version
 *
 * Whether the library that is running is the given version or a newer one.
 *
 * `MSGPACK_RPC_CHECK_VERSION()` asks the same of the library that a program was compiled against.
 *
 * Returns: `TRUE` if the library is that version or newer
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_check_version (guint major,
                           guint minor,
                           guint micro)
{
  const guint version[] = {
    MSGPACK_RPC_MAJOR_VERSION,
    MSGPACK_RPC_MINOR_VERSION,
    MSGPACK_RPC_MICRO_VERSION,
  };

  if (version[0] != major)
    return version[0] > major;
  if (version[1] != minor)
    return version[1] > minor;
  return version[2] >= micro;
}
