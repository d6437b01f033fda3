#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Writes msgpack-rpc-version.h for a version MAJOR.MINOR.MICRO to standard output."""

import sys

HEAD = '''\
/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include <glib.h>

#ifndef _MSGPACK_RPC_EXTERN
#define _MSGPACK_RPC_EXTERN extern
#endif

/**
 * MSGPACK_RPC_MAJOR_VERSION:
 *
 * The major version of the library that a program is compiled against.
 *
 * Since: 1.0
 */
#define MSGPACK_RPC_MAJOR_VERSION ({major})

/**
 * MSGPACK_RPC_MINOR_VERSION:
 *
 * The minor version of the library that a program is compiled against.
 *
 * Since: 1.0
 */
#define MSGPACK_RPC_MINOR_VERSION ({minor})

/**
 * MSGPACK_RPC_MICRO_VERSION:
 *
 * The micro version of the library that a program is compiled against.
 *
 * Since: 1.0
 */
#define MSGPACK_RPC_MICRO_VERSION ({micro})

/**
 * MSGPACK_RPC_CHECK_VERSION:
 * @major: a major version
 * @minor: a minor version
 * @micro: a micro version
 *
 * Whether the library that a program is compiled against is the given version or a newer one.
 *
 * Since: 1.0
 */
#define MSGPACK_RPC_CHECK_VERSION(major, minor, micro) \\
  (MSGPACK_RPC_MAJOR_VERSION > (major) || \\
   (MSGPACK_RPC_MAJOR_VERSION == (major) && \\
    (MSGPACK_RPC_MINOR_VERSION > (minor) || \\
     (MSGPACK_RPC_MINOR_VERSION == (minor) && MSGPACK_RPC_MICRO_VERSION >= (micro)))))
'''

NUMBER = '''
/**
 * MSGPACK_RPC_VERSION_{v}:
 *
 * Version {dotted}, as [const@VERSION_MIN_REQUIRED] and [const@VERSION_MAX_ALLOWED] take it.
 *
 * Since: {dotted}
 */
#define MSGPACK_RPC_VERSION_{v} (G_ENCODE_VERSION ({major}, {minor}))
'''

BOUNDS = '''
#define MSGPACK_RPC_VERSION_CUR_STABLE (G_ENCODE_VERSION ({major}, {minor}))

/**
 * MSGPACK_RPC_VERSION_MIN_REQUIRED:
 *
 * The oldest version that a program wants to work with.
 *
 * Defined before the library's header is included, as one of the version constants such as
 * `MSGPACK_RPC_VERSION_1_0`. What was deprecated in that version or before it brings a compiler
 * warning. The default is the version that the program is compiled against.
 *
 * Since: 1.0
 */
#ifndef MSGPACK_RPC_VERSION_MIN_REQUIRED
#define MSGPACK_RPC_VERSION_MIN_REQUIRED (MSGPACK_RPC_VERSION_CUR_STABLE)
#elif MSGPACK_RPC_VERSION_MIN_REQUIRED == 0
#undef MSGPACK_RPC_VERSION_MIN_REQUIRED
#define MSGPACK_RPC_VERSION_MIN_REQUIRED (MSGPACK_RPC_VERSION_CUR_STABLE)
#endif

/**
 * MSGPACK_RPC_VERSION_MAX_ALLOWED:
 *
 * The newest version whose functions a program may use.
 *
 * Defined before the library's header is included, as one of the version constants such as
 * `MSGPACK_RPC_VERSION_1_0`. What is newer brings a compiler warning. The default is the version
 * that the program is compiled against, or [const@VERSION_MIN_REQUIRED] if that is newer.
 *
 * Since: 1.0
 */
#if !defined(MSGPACK_RPC_VERSION_MAX_ALLOWED) || MSGPACK_RPC_VERSION_MAX_ALLOWED == 0
#undef MSGPACK_RPC_VERSION_MAX_ALLOWED
#if MSGPACK_RPC_VERSION_MIN_REQUIRED > MSGPACK_RPC_VERSION_CUR_STABLE
#define MSGPACK_RPC_VERSION_MAX_ALLOWED (MSGPACK_RPC_VERSION_MIN_REQUIRED)
#else
#define MSGPACK_RPC_VERSION_MAX_ALLOWED (MSGPACK_RPC_VERSION_CUR_STABLE)
#endif
#endif

#if MSGPACK_RPC_VERSION_MAX_ALLOWED < MSGPACK_RPC_VERSION_MIN_REQUIRED
#error "MSGPACK_RPC_VERSION_MAX_ALLOWED must be >= MSGPACK_RPC_VERSION_MIN_REQUIRED"
#endif
#if MSGPACK_RPC_VERSION_MIN_REQUIRED < G_ENCODE_VERSION (1, 0)
#error "MSGPACK_RPC_VERSION_MIN_REQUIRED must be >= MSGPACK_RPC_VERSION_1_0"
#endif

#define MSGPACK_RPC_AVAILABLE_IN_ALL _MSGPACK_RPC_EXTERN
'''

MACROS = '''
#if MSGPACK_RPC_VERSION_MAX_ALLOWED < MSGPACK_RPC_VERSION_{v}
#define MSGPACK_RPC_AVAILABLE_IN_{v} _MSGPACK_RPC_EXTERN G_UNAVAILABLE ({major}, {minor})
#else
#define MSGPACK_RPC_AVAILABLE_IN_{v} _MSGPACK_RPC_EXTERN
#endif
#if MSGPACK_RPC_VERSION_MIN_REQUIRED >= MSGPACK_RPC_VERSION_{v}
#define MSGPACK_RPC_DEPRECATED_IN_{v} _MSGPACK_RPC_EXTERN G_DEPRECATED
#define MSGPACK_RPC_DEPRECATED_IN_{v}_FOR(f) _MSGPACK_RPC_EXTERN G_DEPRECATED_FOR (f)
#else
#define MSGPACK_RPC_DEPRECATED_IN_{v} _MSGPACK_RPC_EXTERN
#define MSGPACK_RPC_DEPRECATED_IN_{v}_FOR(f) _MSGPACK_RPC_EXTERN
#endif
'''

TAIL = '''
G_BEGIN_DECLS

MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_get_major_version (void);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_get_minor_version (void);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_get_micro_version (void);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_check_version     (guint major,
                                        guint minor,
                                        guint micro);

G_END_DECLS
'''


def header(version):
    major, minor, micro = (int(part) for part in version.split('.'))
    stable = [{'v': f'{major}_{n}', 'dotted': f'{major}.{n}', 'major': major, 'minor': n}
              for n in range(minor + 1)]
    return ''.join([
        HEAD.format(major=major, minor=minor, micro=micro),
        *(NUMBER.format(**release) for release in stable),
        BOUNDS.format(major=major, minor=minor),
        *(MACROS.format(**release) for release in stable),
        TAIL,
    ])


if __name__ == '__main__':
    sys.stdout.write(header(sys.argv[1]))
