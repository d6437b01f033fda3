/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-interests-private.h"

#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-peer.h"

typedef struct
{
  guint count;
  gboolean is_confirmed;
} Interest;

struct _MsgpackRpcInterests
{
  GMutex lock;         /* a leaf */
  GHashTable *by_topic; /* name → Interest, both owned */
};

enum
{
  SIGNAL_PUBLISHED,
  SIGNAL_SUBSCRIPTION_LOST,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

void
_msgpack_rpc_interests_free (MsgpackRpcInterests *self)
{
  g_hash_table_unref (self->by_topic);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static MsgpackRpcInterests *
interests_new (void)
{
  MsgpackRpcInterests *self = g_new0 (MsgpackRpcInterests, 1);

  g_mutex_init (&self->lock);
  self->by_topic = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

/* Makes it if there is none. */
static MsgpackRpcInterests *
get (MsgpackRpcInterests **where)
{
  MsgpackRpcInterests *self = g_atomic_pointer_get (where);

  if (self != NULL)
    return self;

  self = interests_new ();
  if (!g_atomic_pointer_compare_and_exchange (where, NULL, self))
    {
      _msgpack_rpc_interests_free (self);
      self = g_atomic_pointer_get (where);
    }

  return self;
}

void
_msgpack_rpc_interests_add (MsgpackRpcInterests **where,
                            const char           *topic)
{
  MsgpackRpcInterests *self = get (where);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Interest *interest = g_hash_table_lookup (self->by_topic, topic);

  if (interest == NULL)
    {
      interest = g_new0 (Interest, 1);
      g_hash_table_insert (self->by_topic, g_strdup (topic), interest);
    }
  interest->count++;
}

void
_msgpack_rpc_interests_confirm (MsgpackRpcInterests **where,
                                const char           *topic)
{
  MsgpackRpcInterests *self = get (where);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Interest *interest = g_hash_table_lookup (self->by_topic, topic);

  /* Somebody may have unsubscribed meanwhile. */
  if (interest != NULL)
    interest->is_confirmed = TRUE;
}

gboolean
_msgpack_rpc_interests_remove (MsgpackRpcInterests **where,
                               const char           *topic,
                               guint                *n_left)
{
  MsgpackRpcInterests *self = get (where);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  Interest *interest = g_hash_table_lookup (self->by_topic, topic);

  if (interest == NULL)
    return FALSE;

  *n_left = --interest->count;
  if (*n_left == 0)
    g_hash_table_remove (self->by_topic, topic);
  return TRUE;
}

void
_msgpack_rpc_interests_drop (MsgpackRpcInterests **where,
                             const char           *topic)
{
  MsgpackRpcInterests *self = get (where);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_hash_table_remove (self->by_topic, topic);
}

char **
_msgpack_rpc_interests_list (MsgpackRpcInterests **where)
{
  MsgpackRpcInterests *self = g_atomic_pointer_get (where);
  g_autoptr(GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr(GMutexLocker) locker = NULL;
  GHashTableIter iter;
  gpointer topic, interest;

  if (self == NULL)
    return g_strv_builder_end (builder);

  locker = g_mutex_locker_new (&self->lock);
  g_hash_table_iter_init (&iter, self->by_topic);
  while (g_hash_table_iter_next (&iter, &topic, &interest))
    if (((Interest *) interest)->is_confirmed)
      g_strv_builder_add (builder, topic);

  return g_strv_builder_end (builder);
}

/* ---- signals ---- */

void
_msgpack_rpc_interests_install_signals (GType peer_type)
{
  /**
   * MsgpackRpcPeer::published:
   * @self: the peer
   * @topic: the name of the topic
   * @value: what was published; nil is a value of type `mv`
   *
   * Something was published that was subscribed to with [method@Peer.subscribe_async]. The detail is
   * the topic.
   *
   * It comes where notifications come, and in their order; it is a notification, and is told as one
   * first.
   *
   * Since: 1.0
   */
  signals[SIGNAL_PUBLISHED] =
    g_signal_new ("published", peer_type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL, NULL,
                  G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);

  /**
   * MsgpackRpcPeer::subscription-lost:
   * @self: the peer
   * @topic: the name of the topic
   * @error: why
   *
   * A client has connected again, and the server does not let it subscribe any more to a topic to which
   * it had subscribed. The detail is the topic. Nobody is subscribed to it then.
   *
   * Since: 1.0
   */
  signals[SIGNAL_SUBSCRIPTION_LOST] =
    g_signal_new ("subscription-lost", peer_type, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL,
                  NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_ERROR);
}

static gboolean
contains (MsgpackRpcInterests *self,
          const char          *topic)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_hash_table_contains (self->by_topic, topic);
}

/* The only parameter; some peers may send more. */
static GVariant *
get_value (const MsgpackRpcMessage *message)
{
  g_autoptr(GVariant) params = _msgpack_rpc_piece_to_value (&message->params, message->bytes);
  GVariant *value;

  if (!g_variant_is_of_type (params, G_VARIANT_TYPE ("av")) || g_variant_n_children (params) != 1)
    return g_steal_pointer (&params);

  g_variant_get_child (params, 0, "v", &value);
  return value;
}

void
_msgpack_rpc_interests_emit (MsgpackRpcInterests     **where,
                             gpointer                  peer,
                             const MsgpackRpcMessage  *message)
{
  MsgpackRpcInterests *self = g_atomic_pointer_get (where);
  g_autoptr(GVariant) value = NULL;

  if (self == NULL || !_msgpack_rpc_has_handler (peer, signals[SIGNAL_PUBLISHED]) ||
      !contains (self, message->method))
    return;

  value = get_value (message);
  g_signal_emit (peer, signals[SIGNAL_PUBLISHED], g_quark_try_string (message->method),
                 message->method, value);
}

void
_msgpack_rpc_interests_emit_lost (gpointer      peer,
                                  const char   *topic,
                                  const GError *error)
{
  g_signal_emit (peer, signals[SIGNAL_SUBSCRIPTION_LOST], g_quark_from_string (topic), topic, error);
}
