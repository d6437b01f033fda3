/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-connection-private.h"
#include "msgpack-rpc-subscription-private.h"
#include "msgpack-rpc-topic.h"

G_BEGIN_DECLS

/* What the files of a topic share: msgpack-rpc-topic.c has the object and who hears of it,
 * msgpack-rpc-topic-publishing.c publishes, and msgpack-rpc-topic-binding.c does so for what objects
 * tell. */

struct _MsgpackRpcTopic
{
  GObject parent_instance;

  char *name;                /* fixed */
  GVariantType *type;        /* fixed, nullable: the signature */
  char *signature;           /* likewise, as a string */
  GMainContext *context;     /* fixed, owned: where counters notify */

  int policy;                /* atomic, MsgpackRpcTopicPolicy */
  int max_queued;            /* atomic */
  gsize n_dropped;           /* atomic */
  int change_posted;         /* atomic; the context will look at the counters */
  guint told_subscribers;    /* in the context: as last notified */
  gsize told_dropped;        /* likewise */

  GMutex lock;               /* guards all below; a link's is taken after it, and a call's is not held */
  char *description;         /* nullable */
  gboolean is_removed;       /* nobody can subscribe any more */
  GHashTable *subscriptions; /* set of MsgpackRpcSubscription, owned */
  GArray *bindings;          /* of Binding */
};

/* A handler of an object's signal. */
typedef struct
{
  GWeakRef *object;
  gulong handler;
} MsgpackRpcBinding;

MsgpackRpcTopic *_msgpack_rpc_topic_new         (const char             *name,
                                                 const char             *signature);
/* Ends all subscriptions and bindings; what was published is still sent. */
void             _msgpack_rpc_topic_remove      (MsgpackRpcTopic        *self);
/* The peer of @connection hears of it from here on, or does already. */
gboolean         _msgpack_rpc_topic_subscribe   (MsgpackRpcTopic        *self,
                                                 MsgpackRpcConnection   *connection,
                                                 GError                **error);
/* It hears no more of it; what waits is not sent. */
void             _msgpack_rpc_topic_unsubscribe (MsgpackRpcTopic        *self,
                                                 MsgpackRpcConnection   *connection);
/* Disconnects from all objects. */
void             _msgpack_rpc_topic_unbind_all  (MsgpackRpcTopic        *self);

/* ---- for subscriptions ---- */

GMutex          *_msgpack_rpc_topic_get_lock      (MsgpackRpcTopic        *self);
void             _msgpack_rpc_topic_forget        (MsgpackRpcTopic        *self,
                                                   MsgpackRpcSubscription *subscription);
/* In any thread, with the lock held or not. */
void             _msgpack_rpc_topic_count_dropped (MsgpackRpcTopic        *self,
                                                   guint                   n);
/* The same for “there is no topic”. */
void             _msgpack_rpc_topic_set_not_found (const char             *name,
                                                   GError                **error);

G_END_DECLS
