/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-places-private.h"

#include "msgpack-rpc-error.h"

#define DEFAULT_MAX_CONNECTIONS 1024

/* What all places that were taken from one origin are. */
struct _MsgpackRpcPlace
{
  guint64 key;
  MsgpackRpcOriginKind kind;
  guint n_taken;
};

struct _MsgpackRpcPlaces
{
  GMutex lock;               /* guards what follows */
  GHashTable *by_origin;     /* a set of MsgpackRpcPlace, owned */
  guint limits[MSGPACK_RPC_N_PLACES_LIMITS];
  guint n_taken;
};

static const char * const limit_names[MSGPACK_RPC_N_PLACES_LIMITS] = {
  [MSGPACK_RPC_PLACES_IN_ALL] = "max-connections",
  [MSGPACK_RPC_PLACES_PER_USER] = "max-connections-per-user",
  [MSGPACK_RPC_PLACES_PER_ADDRESS] = "max-connections-per-address",
};

static const char * const limit_origins[MSGPACK_RPC_N_PLACES_LIMITS] = {
  [MSGPACK_RPC_PLACES_IN_ALL] = "",
  [MSGPACK_RPC_PLACES_PER_USER] = " of this user",
  [MSGPACK_RPC_PLACES_PER_ADDRESS] = " from this address",
};

static guint
place_hash (gconstpointer data)
{
  const MsgpackRpcPlace *place = data;
  gint64 key = (gint64) place->key;

  return g_int64_hash (&key) * 31 + place->kind;
}

static gboolean
place_equal (gconstpointer a,
             gconstpointer b)
{
  const MsgpackRpcPlace *left = a;
  const MsgpackRpcPlace *right = b;

  return left->kind == right->kind && left->key == right->key;
}

MsgpackRpcPlaces *
_msgpack_rpc_places_new (void)
{
  MsgpackRpcPlaces *self = g_new0 (MsgpackRpcPlaces, 1);

  g_mutex_init (&self->lock);
  self->by_origin = g_hash_table_new_full (place_hash, place_equal, g_free, NULL);
  self->limits[MSGPACK_RPC_PLACES_IN_ALL] = DEFAULT_MAX_CONNECTIONS;
  self->limits[MSGPACK_RPC_PLACES_PER_USER] = G_MAXUINT;
  self->limits[MSGPACK_RPC_PLACES_PER_ADDRESS] = G_MAXUINT;
  return self;
}

void
_msgpack_rpc_places_free (MsgpackRpcPlaces *self)
{
  g_hash_table_unref (self->by_origin);
  g_mutex_clear (&self->lock);
  g_free (self);
}

guint
_msgpack_rpc_places_get_limit (MsgpackRpcPlaces      *self,
                               MsgpackRpcPlacesLimit  limit)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->limits[limit];
}

gboolean
_msgpack_rpc_places_set_limit (MsgpackRpcPlaces      *self,
                               MsgpackRpcPlacesLimit  limit,
                               guint                  value)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gboolean has_changed = self->limits[limit] != value;

  self->limits[limit] = value;
  return has_changed;
}

static gboolean
check (MsgpackRpcPlaces       *self,
       guint                   n_taken,
       MsgpackRpcPlacesLimit   limit,
       GError                **error)
{
  if (n_taken < self->limits[limit])
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_BUSY,
               "There are too many connections%s (%s is %u)", limit_origins[limit],
               limit_names[limit], self->limits[limit]);
  return FALSE;
}

static gboolean
check_origin (MsgpackRpcPlaces       *self,
              const MsgpackRpcPlace  *place,
              GError                **error)
{
  switch (place->kind)
    {
    case MSGPACK_RPC_ORIGIN_USER:
      return check (self, place->n_taken, MSGPACK_RPC_PLACES_PER_USER, error);

    case MSGPACK_RPC_ORIGIN_IPV4:
    case MSGPACK_RPC_ORIGIN_IPV6:
      return check (self, place->n_taken, MSGPACK_RPC_PLACES_PER_ADDRESS, error);

    case MSGPACK_RPC_ORIGIN_UNKNOWN:
    default:
      return TRUE;
    }
}

MsgpackRpcPlace *
_msgpack_rpc_places_take (MsgpackRpcPlaces        *self,
                          const MsgpackRpcOrigin  *origin,
                          GError                 **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  const MsgpackRpcPlace first = { .key = origin->key, .kind = origin->kind };
  MsgpackRpcPlace *place = g_hash_table_lookup (self->by_origin, &first);

  if (!check (self, self->n_taken, MSGPACK_RPC_PLACES_IN_ALL, error) ||
      !check_origin (self, place != NULL ? place : &first, error))
    return NULL;

  if (place == NULL)
    {
      place = g_memdup2 (&first, sizeof first);
      g_hash_table_add (self->by_origin, place);
    }
  place->n_taken++;
  self->n_taken++;
  return place;
}

void
_msgpack_rpc_places_release (MsgpackRpcPlaces *self,
                             MsgpackRpcPlace  *place)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->n_taken--;
  if (--place->n_taken == 0)
    g_hash_table_remove (self->by_origin, place);
}
