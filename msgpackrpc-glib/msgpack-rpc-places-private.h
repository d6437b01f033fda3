/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Where a peer has come from. */
typedef enum
{
  MSGPACK_RPC_ORIGIN_UNKNOWN,
  MSGPACK_RPC_ORIGIN_USER,      /* the key is a user's number */
  MSGPACK_RPC_ORIGIN_IPV4,      /* an address */
  MSGPACK_RPC_ORIGIN_IPV6,      /* the first 64 bits of one: a machine has all others at will */
} MsgpackRpcOriginKind;

typedef struct
{
  MsgpackRpcOriginKind kind;
  gboolean is_near;             /* the same user, or this machine */
  guint64 key;
} MsgpackRpcOrigin;

typedef enum
{
  MSGPACK_RPC_PLACES_IN_ALL,
  MSGPACK_RPC_PLACES_PER_USER,
  MSGPACK_RPC_PLACES_PER_ADDRESS,
  MSGPACK_RPC_N_PLACES_LIMITS
} MsgpackRpcPlacesLimit;

/* How many connections a server has, in all and from each origin. Locked; for any thread. */
typedef struct _MsgpackRpcPlaces MsgpackRpcPlaces;
/* One taken place. */
typedef struct _MsgpackRpcPlace  MsgpackRpcPlace;

MsgpackRpcPlaces *_msgpack_rpc_places_new  (void);
void              _msgpack_rpc_places_free (MsgpackRpcPlaces *self);

guint             _msgpack_rpc_places_get_limit (MsgpackRpcPlaces      *self,
                                                 MsgpackRpcPlacesLimit  limit);
/* Whether it was another one. */
gboolean          _msgpack_rpc_places_set_limit (MsgpackRpcPlaces      *self,
                                                 MsgpackRpcPlacesLimit  limit,
                                                 guint                  value);

/* NULL with MSGPACK_RPC_ERROR_BUSY, which names the limit, if there is none. */
MsgpackRpcPlace  *_msgpack_rpc_places_take    (MsgpackRpcPlaces        *self,
                                               const MsgpackRpcOrigin  *origin,
                                               GError                 **error);
void              _msgpack_rpc_places_release (MsgpackRpcPlaces        *self,
                                               MsgpackRpcPlace         *place);

G_END_DECLS
