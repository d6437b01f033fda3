/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-topic-private.h"

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-handlers-private.h"

#define DEFAULT_MAX_QUEUED 128

/**
 * MsgpackRpcTopic:
 *
 * Something that peers can subscribe to, and that is then published to them.
 *
 * [method@Dispatcher.add_topic] adds one. Peers subscribe with the request `rpc.subscribe` and end that
 * with `rpc.unsubscribe`; both have the topic's name as their only parameter, and nil as their result.
 * What is published comes as a notification whose method is the topic's name, and whose only parameter is
 * the value. From its answer on, a peer that has subscribed misses nothing but what the
 * [property@Topic:policy] drops; when its connection ends, so do its subscriptions. See
 * [method@Peer.subscribe_async] for the other end.
 *
 * ```c
 * g_autoptr(MsgpackRpcTopic) prices = msgpack_rpc_dispatcher_add_topic (dispatcher, "prices", "(sd)");
 *
 * msgpack_rpc_topic_set_policy (prices, MSGPACK_RPC_TOPIC_POLICY_CONFLATE);
 * msgpack_rpc_topic_publish_with_key (prices, "GNU", g_variant_new ("(sd)", "GNU", 42.5), NULL);
 * ```
 *
 * A handler of [signal@Dispatcher::authorize] is asked who may subscribe, with the detail
 * `rpc.subscribe`.
 *
 * ## Order
 *
 * Publications come in the same order to all who have subscribed, and, unless the policy is
 * [enum@TopicPolicy.CONFLATE], after what was sent to a peer before they were published, and before
 * what is sent to it afterwards.
 *
 * ## Threads
 *
 * All functions may be called from any thread, and none of them calls back. [property@Topic:n-subscribers]
 * and [property@Topic:n-dropped] notify, at most once in a turn of the loop, in the context that was the
 * thread-default one where the topic was added; what can be set notifies in the thread that sets it.
 *
 * Since: 1.0
 */
enum
{
  PROP_0,
  PROP_DESCRIPTION,
  PROP_MAX_QUEUED,
  PROP_N_DROPPED,
  PROP_N_SUBSCRIBERS,
  PROP_NAME,
  PROP_POLICY,
  PROP_SIGNATURE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcTopic, msgpack_rpc_topic, G_TYPE_OBJECT)

static void
msgpack_rpc_topic_dispose (GObject *object)
{
  _msgpack_rpc_topic_unbind_all (MSGPACK_RPC_TOPIC (object));

  G_OBJECT_CLASS (msgpack_rpc_topic_parent_class)->dispose (object);
}

static void
msgpack_rpc_topic_finalize (GObject *object)
{
  MsgpackRpcTopic *self = MSGPACK_RPC_TOPIC (object);

  /* Each of them would hold it. */
  g_assert (g_hash_table_size (self->subscriptions) == 0);

  g_hash_table_unref (self->subscriptions);
  g_array_unref (self->bindings);
  g_free (self->description);
  g_free (self->name);
  g_free (self->signature);
  g_clear_pointer (&self->type, g_variant_type_free);
  g_main_context_unref (self->context);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_topic_parent_class)->finalize (object);
}

static void
msgpack_rpc_topic_get_property (GObject    *object,
                                guint       prop_id,
                                GValue     *value,
                                GParamSpec *pspec)
{
  MsgpackRpcTopic *self = MSGPACK_RPC_TOPIC (object);

  switch (prop_id)
    {
    case PROP_DESCRIPTION:
      g_value_take_string (value, msgpack_rpc_topic_get_description (self));
      break;

    case PROP_MAX_QUEUED:
      g_value_set_uint (value, msgpack_rpc_topic_get_max_queued (self));
      break;

    case PROP_N_DROPPED:
      g_value_set_uint64 (value, msgpack_rpc_topic_get_n_dropped (self));
      break;

    case PROP_N_SUBSCRIBERS:
      g_value_set_uint (value, msgpack_rpc_topic_get_n_subscribers (self));
      break;

    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_POLICY:
      g_value_set_enum (value, (int) msgpack_rpc_topic_get_policy (self));
      break;

    case PROP_SIGNATURE:
      g_value_set_string (value, self->signature);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_topic_set_property (GObject      *object,
                                guint         prop_id,
                                const GValue *value,
                                GParamSpec   *pspec)
{
  MsgpackRpcTopic *self = MSGPACK_RPC_TOPIC (object);

  switch (prop_id)
    {
    case PROP_DESCRIPTION:
      msgpack_rpc_topic_set_description (self, g_value_get_string (value));
      break;

    case PROP_MAX_QUEUED:
      msgpack_rpc_topic_set_max_queued (self, g_value_get_uint (value));
      break;

    case PROP_POLICY:
      msgpack_rpc_topic_set_policy (self, (MsgpackRpcTopicPolicy) g_value_get_enum (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_topic_class_init (MsgpackRpcTopicClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags setting = flags | G_PARAM_WRITABLE | G_PARAM_EXPLICIT_NOTIFY;

  object_class->dispose = msgpack_rpc_topic_dispose;
  object_class->finalize = msgpack_rpc_topic_finalize;
  object_class->get_property = msgpack_rpc_topic_get_property;
  object_class->set_property = msgpack_rpc_topic_set_property;

  /**
   * MsgpackRpcTopic:description: (getter get_description) (setter set_description)
   *
   * What is published, for those who want to subscribe, or `NULL`, the default.
   *
   * Since: 1.0
   */
  props[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, setting);

  /**
   * MsgpackRpcTopic:max-queued: (getter get_max_queued) (setter set_max_queued)
   *
   * How many publications may wait for one subscriber, besides those that are being written: with
   * [enum@TopicPolicy.PAUSE], until [method@Topic.publish_async] waits; with
   * [enum@TopicPolicy.DROP_OLDEST], until the oldest is dropped; with [enum@TopicPolicy.CONFLATE], of
   * different keys, until the oldest key is dropped.
   *
   * Since: 1.0
   */
  props[PROP_MAX_QUEUED] =
    g_param_spec_uint ("max-queued", NULL, NULL, 1, G_MAXINT, DEFAULT_MAX_QUEUED, setting);

  /**
   * MsgpackRpcTopic:n-dropped: (getter get_n_dropped)
   *
   * How many publications were dropped since the topic was added, counted for each subscriber. One that
   * a newer one of the same key has replaced is not among them.
   *
   * Since: 1.0
   */
  props[PROP_N_DROPPED] =
    g_param_spec_uint64 ("n-dropped", NULL, NULL, 0, G_MAXUINT64, 0, flags);

  /**
   * MsgpackRpcTopic:n-subscribers: (getter get_n_subscribers)
   *
   * How many connections have subscribed now.
   *
   * Since: 1.0
   */
  props[PROP_N_SUBSCRIBERS] =
    g_param_spec_uint ("n-subscribers", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * MsgpackRpcTopic:name: (getter get_name)
   *
   * The name that peers subscribe to, and the method of the notifications that they get.
   *
   * Since: 1.0
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * MsgpackRpcTopic:policy: (getter get_policy) (setter set_policy)
   *
   * What becomes of publications whose subscriber reads too slowly. A change holds for what is published
   * afterwards.
   *
   * Since: 1.0
   */
  props[PROP_POLICY] =
    g_param_spec_enum ("policy", NULL, NULL, MSGPACK_RPC_TYPE_TOPIC_POLICY,
                       MSGPACK_RPC_TOPIC_POLICY_PAUSE, setting);

  /**
   * MsgpackRpcTopic:signature: (getter get_signature)
   *
   * The type that each value must have, as a `GVariant` type string, or `NULL` if it may have any.
   *
   * Since: 1.0
   */
  props[PROP_SIGNATURE] = g_param_spec_string ("signature", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_topic_init (MsgpackRpcTopic *self)
{
  g_mutex_init (&self->lock);
  self->context = g_main_context_ref_thread_default ();
  self->max_queued = DEFAULT_MAX_QUEUED;
  self->subscriptions = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->bindings = g_array_new (FALSE, FALSE, sizeof (MsgpackRpcBinding));
}

MsgpackRpcTopic *
_msgpack_rpc_topic_new (const char *name,
                        const char *signature)
{
  MsgpackRpcTopic *self = g_object_new (MSGPACK_RPC_TYPE_TOPIC, NULL);

  self->name = g_strdup (name);
  self->signature = g_strdup (signature);
  self->type = signature != NULL ? g_variant_type_new (signature) : NULL;
  return self;
}

GMutex *
_msgpack_rpc_topic_get_lock (MsgpackRpcTopic *self)
{
  return &self->lock;
}

/* ---- counters ---- */

static void
tell_change (gpointer owner,
             gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcTopic *self = owner;
  guint n_subscribers = msgpack_rpc_topic_get_n_subscribers (self);
  gsize n_dropped = (gsize) g_atomic_pointer_get (&self->n_dropped);

  g_atomic_int_set (&self->change_posted, FALSE);
  /* What changes from here on is posted anew. */
  g_object_freeze_notify (G_OBJECT (self));
  if (self->told_subscribers != n_subscribers)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_SUBSCRIBERS]);
  if (self->told_dropped != n_dropped)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_N_DROPPED]);
  self->told_subscribers = n_subscribers;
  self->told_dropped = n_dropped;
  g_object_thaw_notify (G_OBJECT (self));
}

/* Posts only, so any lock may be held but the reactor's. */
static void
post_change (MsgpackRpcTopic *self)
{
  MsgpackRpcReactor *reactor;

  if (!_msgpack_rpc_has_any_handler (self) ||
      !g_atomic_int_compare_and_exchange (&self->change_posted, FALSE, TRUE))
    return;

  reactor = _msgpack_rpc_reactor_get (self->context);
  _msgpack_rpc_reactor_post (reactor, NULL, self, TRUE, tell_change, NULL, NULL);
  _msgpack_rpc_reactor_unref (reactor);
}

void
_msgpack_rpc_topic_count_dropped (MsgpackRpcTopic *self,
                                  guint            n)
{
  g_atomic_pointer_add (&self->n_dropped, (gssize) n);
  post_change (self);
}

/* ---- who hears of it ---- */

void
_msgpack_rpc_topic_set_not_found (const char  *name,
                                  GError     **error)
{
  g_autofree char *quoted = _msgpack_rpc_message_quote_method (name);

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_TOPIC_NOT_FOUND, "There is no topic “%s”",
               quoted);
}

void
_msgpack_rpc_topic_forget (MsgpackRpcTopic        *self,
                           MsgpackRpcSubscription *subscription)
{
  gboolean was_there;

  g_mutex_lock (&self->lock);
  was_there = g_hash_table_steal (self->subscriptions, subscription);
  g_mutex_unlock (&self->lock);

  if (!was_there)
    return;

  g_object_unref (subscription);
  post_change (self);
}

gboolean
_msgpack_rpc_topic_subscribe (MsgpackRpcTopic       *self,
                              MsgpackRpcConnection  *connection,
                              GError               **error)
{
  g_autoptr(MsgpackRpcSubscription) subscription = NULL;
  gboolean is_new, is_removed;

  subscription = _msgpack_rpc_subscription_new (self, connection);
  if (!_msgpack_rpc_connection_add_subscription (connection, subscription, &is_new, error))
    return FALSE;
  if (!is_new)
    return TRUE;

  /* The connection may have ended meanwhile, and its subscriptions with it. */
  g_mutex_lock (&self->lock);
  is_removed = self->is_removed;
  if (!is_removed && !_msgpack_rpc_subscription_has_ended (subscription))
    g_hash_table_add (self->subscriptions, g_object_ref (subscription));
  g_mutex_unlock (&self->lock);

  if (is_removed)
    {
      _msgpack_rpc_subscription_end (subscription, TRUE);
      _msgpack_rpc_topic_set_not_found (self->name, error);
      return FALSE;
    }

  post_change (self);
  return TRUE;
}

void
_msgpack_rpc_topic_unsubscribe (MsgpackRpcTopic      *self,
                                MsgpackRpcConnection *connection)
{
  g_autoptr(MsgpackRpcSubscription) subscription = NULL;

  subscription = _msgpack_rpc_connection_ref_subscription (connection, self);
  if (subscription != NULL)
    _msgpack_rpc_subscription_end (subscription, TRUE);
}

/* A reference on any of them, or NULL. */
static MsgpackRpcSubscription *
ref_one (MsgpackRpcTopic *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GHashTableIter iter;
  gpointer subscription;

  self->is_removed = TRUE;
  g_hash_table_iter_init (&iter, self->subscriptions);
  return g_hash_table_iter_next (&iter, &subscription, NULL) ? g_object_ref (subscription) : NULL;
}

void
_msgpack_rpc_topic_remove (MsgpackRpcTopic *self)
{
  MsgpackRpcSubscription *subscription;

  while ((subscription = ref_one (self)) != NULL)
    {
      _msgpack_rpc_subscription_end (subscription, FALSE);
      g_object_unref (subscription);
    }

  _msgpack_rpc_topic_unbind_all (self);
}

/* ---- properties ---- */

/**
 * msgpack_rpc_topic_get_name: (get-property name)
 * @self: a topic
 *
 * Gets the name that peers subscribe to.
 *
 * Returns: (transfer none): the name
 * Since: 1.0
 */
const char *
msgpack_rpc_topic_get_name (MsgpackRpcTopic *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), NULL);

  return self->name;
}

/**
 * msgpack_rpc_topic_get_signature: (get-property signature)
 * @self: a topic
 *
 * Gets the type that each value must have.
 *
 * Returns: (transfer none) (nullable): a `GVariant` type string, or `NULL` if it may have any
 * Since: 1.0
 */
const char *
msgpack_rpc_topic_get_signature (MsgpackRpcTopic *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), NULL);

  return self->signature;
}

/**
 * msgpack_rpc_topic_get_n_subscribers: (get-property n-subscribers)
 * @self: a topic
 *
 * Gets how many connections have subscribed now.
 *
 * Returns: how many
 * Since: 1.0
 */
guint
msgpack_rpc_topic_get_n_subscribers (MsgpackRpcTopic *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), 0);

  locker = g_mutex_locker_new (&self->lock);
  return g_hash_table_size (self->subscriptions);
}

/**
 * msgpack_rpc_topic_get_n_dropped: (get-property n-dropped)
 * @self: a topic
 *
 * Gets how many publications were dropped, counted for each subscriber.
 *
 * Returns: how many; on machines of 32 bits it starts over after 4,294,967,295
 * Since: 1.0
 */
guint64
msgpack_rpc_topic_get_n_dropped (MsgpackRpcTopic *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), 0);

  return (gsize) g_atomic_pointer_get (&self->n_dropped);
}

/**
 * msgpack_rpc_topic_get_description: (get-property description)
 * @self: a topic
 *
 * Gets what is published.
 *
 * Returns: (transfer full) (nullable): the text, or `NULL` for none
 * Since: 1.0
 */
char *
msgpack_rpc_topic_get_description (MsgpackRpcTopic *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->description);
}

/**
 * msgpack_rpc_topic_set_description: (set-property description)
 * @self: a topic
 * @description: (nullable): a text in UTF-8, or `NULL` for none
 *
 * Sets what is published, for those who want to subscribe.
 *
 * Since: 1.0
 */
void
msgpack_rpc_topic_set_description (MsgpackRpcTopic *self,
                                   const char      *description)
{
  g_autofree char *old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_TOPIC (self));
  g_return_if_fail (description == NULL || g_utf8_validate (description, -1, NULL));

  g_mutex_lock (&self->lock);
  old = self->description;
  self->description = g_strdup (description);
  g_mutex_unlock (&self->lock);

  if (g_strcmp0 (old, description) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_DESCRIPTION]);
}

/**
 * msgpack_rpc_topic_get_policy: (get-property policy)
 * @self: a topic
 *
 * Gets what becomes of publications whose subscriber reads too slowly.
 *
 * Returns: the policy
 * Since: 1.0
 */
MsgpackRpcTopicPolicy
msgpack_rpc_topic_get_policy (MsgpackRpcTopic *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), MSGPACK_RPC_TOPIC_POLICY_PAUSE);

  return (MsgpackRpcTopicPolicy) g_atomic_int_get (&self->policy);
}

/**
 * msgpack_rpc_topic_set_policy: (set-property policy)
 * @self: a topic
 * @policy: a policy
 *
 * Sets what becomes of publications whose subscriber reads too slowly.
 *
 * Since: 1.0
 */
void
msgpack_rpc_topic_set_policy (MsgpackRpcTopic       *self,
                              MsgpackRpcTopicPolicy  policy)
{
  g_return_if_fail (MSGPACK_RPC_IS_TOPIC (self));
  g_return_if_fail (policy <= MSGPACK_RPC_TOPIC_POLICY_CONFLATE);

  if (g_atomic_int_exchange (&self->policy, (int) policy) != (int) policy)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_POLICY]);
}

/**
 * msgpack_rpc_topic_get_max_queued: (get-property max-queued)
 * @self: a topic
 *
 * Gets how many publications may wait for one subscriber.
 *
 * Returns: a number from 1
 * Since: 1.0
 */
guint
msgpack_rpc_topic_get_max_queued (MsgpackRpcTopic *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), 1);

  return (guint) g_atomic_int_get (&self->max_queued);
}

/**
 * msgpack_rpc_topic_set_max_queued: (set-property max-queued)
 * @self: a topic
 * @max_queued: a number from 1
 *
 * Sets how many publications may wait for one subscriber.
 *
 * Since: 1.0
 */
void
msgpack_rpc_topic_set_max_queued (MsgpackRpcTopic *self,
                                  guint            max_queued)
{
  g_return_if_fail (MSGPACK_RPC_IS_TOPIC (self));
  g_return_if_fail (max_queued >= 1 && max_queued <= G_MAXINT);

  if (g_atomic_int_exchange (&self->max_queued, (int) max_queued) != (int) max_queued)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_MAX_QUEUED]);
}
