/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-subscription-private.h"

#include "msgpack-rpc-link-private.h"
#include "msgpack-rpc-topic-private.h"

/* A publication of a topic that conflates: it waits for the end of the turn, or for the one before it. */
typedef struct
{
  GList link;                /* in the queue */
  char *key;
  MsgpackRpcPacked *packed;
} Pending;

struct _MsgpackRpcSubscription
{
  GObject parent_instance;

  MsgpackRpcTopic *topic;       /* fixed, owned */
  MsgpackRpcLink *link;         /* fixed, owned */
  MsgpackRpcReactor *reactor;   /* fixed, owned */
  GWeakRef connection;

  MsgpackRpcOutputGroup group;  /* what is in the link's queue; guarded by the link's lock */

  /* Guarded by the topic's lock. */
  gboolean has_ended;
  GQueue pending;               /* of Pending, in the order in which their keys came */
  GHashTable *by_key;           /* key → Pending, neither owned; NULL before the first */
  gboolean flush_corked;
  gboolean awaits_room;         /* for what is pending */
};

G_DEFINE_FINAL_TYPE (MsgpackRpcSubscription, _msgpack_rpc_subscription, G_TYPE_OBJECT)

static void
pending_free (Pending *pending)
{
  g_free (pending->key);
  _msgpack_rpc_packed_unref (pending->packed);
  g_free (pending);
}

/* The oldest, which is the caller's then, or NULL. */
static Pending *
pop_pending (MsgpackRpcSubscription *self)
{
  GList *link = g_queue_pop_head_link (&self->pending);

  if (link == NULL)
    return NULL;

  g_hash_table_remove (self->by_key, ((Pending *) link->data)->key);
  return link->data;
}

static void
clear_pending (MsgpackRpcSubscription *self)
{
  Pending *pending;

  while ((pending = pop_pending (self)) != NULL)
    pending_free (pending);
}

static void
_msgpack_rpc_subscription_finalize (GObject *object)
{
  MsgpackRpcSubscription *self = MSGPACK_RPC_SUBSCRIPTION (object);

  g_assert (self->group.messages.length == 0 && self->group.marks.length == 0);

  clear_pending (self);
  g_clear_pointer (&self->by_key, g_hash_table_unref);
  g_weak_ref_clear (&self->connection);
  _msgpack_rpc_reactor_unref (self->reactor);
  g_object_unref (self->link);
  g_object_unref (self->topic);

  G_OBJECT_CLASS (_msgpack_rpc_subscription_parent_class)->finalize (object);
}

static void
_msgpack_rpc_subscription_class_init (MsgpackRpcSubscriptionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = _msgpack_rpc_subscription_finalize;
}

static void
_msgpack_rpc_subscription_init (MsgpackRpcSubscription *self)
{
  g_queue_init (&self->group.messages);
  g_queue_init (&self->group.marks);
  g_queue_init (&self->pending);
}

MsgpackRpcSubscription *
_msgpack_rpc_subscription_new (MsgpackRpcTopic      *topic,
                               MsgpackRpcConnection *connection)
{
  MsgpackRpcSubscription *self = g_object_new (MSGPACK_RPC_TYPE_SUBSCRIPTION, NULL);

  self->topic = g_object_ref (topic);
  self->link = _msgpack_rpc_connection_ref_link (connection);
  self->reactor = _msgpack_rpc_connection_ref_reactor (connection);
  g_weak_ref_init (&self->connection, connection);
  return self;
}

MsgpackRpcTopic *
_msgpack_rpc_subscription_get_topic (MsgpackRpcSubscription *self)
{
  return self->topic;
}

/* ---- a call that waits for room ---- */

MsgpackRpcCall *
_msgpack_rpc_subscription_await_room (MsgpackRpcSubscription *self,
                                      gpointer                source,
                                      GCancellable           *cancellable,
                                      GAsyncReadyCallback     callback,
                                      gpointer                user_data)
{
  g_autoptr(MsgpackRpcConnection) connection = g_weak_ref_get (&self->connection);
  MsgpackRpcCall *call;

  if (connection == NULL)
    return NULL;

  call = _msgpack_rpc_call_start_operation (MSGPACK_RPC_CALL_KIND_FLUSH, source, self->reactor,
                                            cancellable, callback, user_data);
  /* Whoever ends the link from here on finds the call. */
  if (_msgpack_rpc_connection_register_call (connection, call, 0) &&
      (_msgpack_rpc_link_has_ended (self->link) ||
       !_msgpack_rpc_link_await_room (self->link, &self->group,
                                      msgpack_rpc_topic_get_max_queued (self->topic), call)))
    _msgpack_rpc_call_succeed (call);
  return call;
}

/* ---- conflating ---- */

static void flush (gpointer owner);

static void
room_is_there (GObject      *source,
               GAsyncResult *result G_GNUC_UNUSED,
               gpointer      user_data G_GNUC_UNUSED)
{
  MsgpackRpcSubscription *self = MSGPACK_RPC_SUBSCRIPTION (source);
  GMutex *lock = _msgpack_rpc_topic_get_lock (self->topic);

  g_mutex_lock (lock);
  self->awaits_room = FALSE;
  g_mutex_unlock (lock);

  flush (self);
}

/* Goes on when all that is queued now is written: also what is not of this topic may leave no room. */
static void
flush_later (MsgpackRpcSubscription *self)
{
  GMainContext *context = _msgpack_rpc_reactor_get_context (self->reactor);
  gboolean is_owner = g_main_context_is_owner (context);
  g_autoptr(MsgpackRpcConnection) connection = g_weak_ref_get (&self->connection);

  if (connection == NULL)
    return;

  if (is_owner)
    g_main_context_push_thread_default (context);
  _msgpack_rpc_connection_await_flush (connection, self, room_is_there, NULL);
  if (is_owner)
    g_main_context_pop_thread_default (context);
}

/* Queues what is pending; FALSE if there is no room. The topic's lock is held. */
static gboolean
queue_pending (MsgpackRpcSubscription *self,
               gboolean               *has_queued)
{
  Pending *pending;

  while ((pending = pop_pending (self)) != NULL)
    {
      g_autoptr(GError) error = NULL;
      gboolean is_full;
      guint n_queued;

      if (_msgpack_rpc_link_queue (self->link, pending->packed, &self->group, 0, NULL, &n_queued,
                                   &error))
        *has_queued = TRUE;

      is_full = g_error_matches (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
      if (is_full && _msgpack_rpc_link_get_queued_bytes (self->link) > 0)
        {
          g_queue_push_head_link (&self->pending, &pending->link);
          g_hash_table_insert (self->by_key, pending->key, pending);
          return FALSE;
        }

      /* It will never fit. */
      if (is_full)
        _msgpack_rpc_topic_count_dropped (self->topic, 1);
      pending_free (pending);
    }

  return TRUE;
}

/* In the connection's context, at the end of a turn; and when what was sent before has left. */
static void
flush (gpointer owner)
{
  MsgpackRpcSubscription *self = owner;
  GMutex *lock = _msgpack_rpc_topic_get_lock (self->topic);
  gboolean has_queued = FALSE, waits = FALSE;

  g_mutex_lock (lock);
  self->flush_corked = FALSE;
  /* One that is closing hears no more, and cannot be waited for. */
  if (_msgpack_rpc_link_get_status (self->link) == MSGPACK_RPC_CONNECTION_STATUS_CLOSING)
    clear_pending (self);
  if (!self->has_ended && !self->awaits_room && self->pending.head != NULL)
    {
      /* What has not left yet must not be followed by more, or it would not be bounded. */
      waits = !_msgpack_rpc_link_is_group_empty (self->link, &self->group) ||
              !queue_pending (self, &has_queued);
      self->awaits_room = waits;
    }
  g_mutex_unlock (lock);

  if (has_queued)
    _msgpack_rpc_link_write_queued (self->link);
  if (waits)
    flush_later (self);
}

/* The topic's lock is held. */
static MsgpackRpcPublished
conflate (MsgpackRpcSubscription *self,
          MsgpackRpcPacked       *packed,
          const char             *key)
{
  Pending *pending;

  if (self->by_key == NULL)
    self->by_key = g_hash_table_new (g_str_hash, g_str_equal);

  pending = g_hash_table_lookup (self->by_key, key);
  if (pending != NULL)
    _msgpack_rpc_packed_unref (pending->packed);
  else
    {
      while (self->pending.length >= msgpack_rpc_topic_get_max_queued (self->topic))
        {
          pending_free (pop_pending (self));
          _msgpack_rpc_topic_count_dropped (self->topic, 1);
        }
      pending = g_new0 (Pending, 1);
      pending->link.data = pending;
      pending->key = g_strdup (key);
      g_queue_push_tail_link (&self->pending, &pending->link);
      g_hash_table_insert (self->by_key, pending->key, pending);
    }
  pending->packed = _msgpack_rpc_packed_ref (packed);

  if (self->flush_corked || self->awaits_room)
    return MSGPACK_RPC_PUBLISHED;

  self->flush_corked = TRUE;
  return MSGPACK_RPC_PUBLISHED_TO_FLUSH;
}

/* ---- publishing ---- */

gboolean
_msgpack_rpc_subscription_prepare (MsgpackRpcSubscription  *self,
                                   MsgpackRpcNotice        *notice,
                                   GError                 **error)
{
  return _msgpack_rpc_notice_pack (notice, _msgpack_rpc_link_get_pack_flags (self->link), error) != NULL;
}

MsgpackRpcPublished
_msgpack_rpc_subscription_publish (MsgpackRpcSubscription  *self,
                                   MsgpackRpcNotice        *notice,
                                   const char              *key,
                                   GError                 **error)
{
  MsgpackRpcTopicPolicy policy = msgpack_rpc_topic_get_policy (self->topic);
  guint max = msgpack_rpc_topic_get_max_queued (self->topic);
  MsgpackRpcPacked *packed = _msgpack_rpc_notice_pack (notice, _msgpack_rpc_link_get_pack_flags (self->link), error);
  gboolean drops = policy == MSGPACK_RPC_TOPIC_POLICY_DROP_OLDEST;
  g_autoptr(GError) failure = NULL;
  guint n_dropped = 0, n_queued;
  gboolean is_full;

  /* The flags were changed just now. */
  if (packed == NULL)
    {
      g_clear_error (error);
      return MSGPACK_RPC_PUBLISHED;
    }

  if (policy == MSGPACK_RPC_TOPIC_POLICY_CONFLATE)
    return conflate (self, packed, key);

  _msgpack_rpc_link_queue (self->link, packed, &self->group, max, drops ? &n_dropped : NULL,
                           &n_queued, &failure);
  is_full = g_error_matches (failure, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_QUEUE_FULL);
  if (drops && is_full)
    n_dropped++;
  if (n_dropped > 0)
    _msgpack_rpc_topic_count_dropped (self->topic, n_dropped);

  if (is_full && !drops)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return MSGPACK_RPC_PUBLISHED_LOST;
    }
  /* One that is closing hears no more. */
  if (failure != NULL)
    return MSGPACK_RPC_PUBLISHED;

  return drops || n_queued < max ? MSGPACK_RPC_PUBLISHED_TO_WRITE : MSGPACK_RPC_PUBLISHED_FULL;
}

void
_msgpack_rpc_subscription_follow_up (MsgpackRpcSubscription *self,
                                     MsgpackRpcPublished     published,
                                     const GError           *error)
{
  switch (published)
    {
    case MSGPACK_RPC_PUBLISHED_TO_WRITE:
    case MSGPACK_RPC_PUBLISHED_FULL:
      _msgpack_rpc_link_write_queued (self->link);
      break;

    case MSGPACK_RPC_PUBLISHED_TO_FLUSH:
      _msgpack_rpc_reactor_cork (self->reactor, flush, G_OBJECT (self));
      break;

    case MSGPACK_RPC_PUBLISHED_LOST:
      _msgpack_rpc_link_close (self->link, MSGPACK_RPC_CLOSE_MODE_NOW, error);
      break;

    case MSGPACK_RPC_PUBLISHED:
    default:
      break;
    }
}

void
_msgpack_rpc_subscription_end (MsgpackRpcSubscription *self,
                               gboolean                drop)
{
  GMutex *lock = _msgpack_rpc_topic_get_lock (self->topic);
  g_autoptr(MsgpackRpcConnection) connection = g_weak_ref_get (&self->connection);
  g_autoptr(MsgpackRpcSubscription) keep = g_object_ref (self);
  gboolean has_queued = FALSE;

  g_mutex_lock (lock);
  if (!self->has_ended && !drop)
    queue_pending (self, &has_queued);
  self->has_ended = TRUE;
  clear_pending (self);
  g_mutex_unlock (lock);

  _msgpack_rpc_topic_forget (self->topic, self);
  if (connection != NULL)
    _msgpack_rpc_connection_forget_subscription (connection, self);
  _msgpack_rpc_link_dissolve (self->link, &self->group, drop);
  if (has_queued)
    _msgpack_rpc_link_write_queued (self->link);
}

gboolean
_msgpack_rpc_subscription_has_ended (MsgpackRpcSubscription *self)
{
  return self->has_ended;
}
