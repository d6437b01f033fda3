/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-dispatcher-parts-private.h"

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-invocation-private.h"
#include "msgpack-rpc-method.h"
#include "msgpack-rpc-nearest-private.h"

/* ---- what there is ---- */

/* @text: NULL for nil. */
static void
add_text (GVariantBuilder *builder,
          const char      *key,
          const char      *text)
{
  GVariant *value;

  if (text != NULL)
    value = g_variant_new_string (text);
  else
    value = g_variant_new_maybe (G_VARIANT_TYPE_VARIANT, NULL);
  g_variant_builder_add (builder, "{sv}", key, value);
}

static GVariant *
flags_new (MsgpackRpcMethodFlags flags)
{
  g_autoptr(GFlagsClass) klass = g_type_class_ref (MSGPACK_RPC_TYPE_METHOD_FLAGS);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  /* How it was added is nothing to those who call it. */
  flags &= ~MSGPACK_RPC_METHOD_FLAGS_REPLACE;
  for (guint i = 0; i < klass->n_values; i++)
    {
      if (klass->values[i].value != 0 && (flags & klass->values[i].value))
        g_variant_builder_add (&builder, "s", klass->values[i].value_nick);
    }

  return g_variant_builder_end (&builder);
}

static GVariant *
describe_method (MsgpackRpcMethod *method)
{
  g_autofree char *description = msgpack_rpc_method_get_description (method);
  g_autofree char *result = msgpack_rpc_method_get_result_signature (method);
  g_auto(GStrv) names = msgpack_rpc_method_get_param_names (method);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  add_text (&builder, "name", msgpack_rpc_method_get_name (method));
  add_text (&builder, "params", msgpack_rpc_method_get_signature (method));
  g_variant_builder_add (&builder, "{sv}", "param_names",
                         g_variant_new_strv ((const char * const *) names, -1));
  add_text (&builder, "result", result);
  add_text (&builder, "doc", description);
  g_variant_builder_add (&builder, "{sv}", "flags", flags_new (msgpack_rpc_method_get_flags (method)));

  return g_variant_builder_end (&builder);
}

/* Calls @func for each method that peers may know of, until it returns FALSE: those of @self, and of
 * the dispatchers that come after it. */
static void
foreach_method (MsgpackRpcDispatcher *self,
                gboolean            (*func) (MsgpackRpcMethod *method,
                                             gpointer          data),
                gpointer              data)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = g_object_ref (self);

  while (dispatcher != NULL)
    {
      GListModel *methods = msgpack_rpc_dispatcher_get_methods (dispatcher);
      g_autoptr(MsgpackRpcMethod) method = NULL;
      MsgpackRpcDispatcher *next;

      for (guint i = 0; msgpack_rpc_dispatcher_get_discoverable (dispatcher); i++)
        {
          g_clear_object (&method);
          method = g_list_model_get_item (methods, i);
          if (method == NULL)
            break;
          if (!func (method, data))
            return;
        }

      next = msgpack_rpc_dispatcher_get_next (dispatcher);
      g_object_unref (dispatcher);
      dispatcher = next;
    }
}

typedef struct
{
  GHashTable *names; /* of those that are listed, owned */
  GVariantBuilder *builder;
} Listing;

static gboolean
list_method (MsgpackRpcMethod *method,
             gpointer          data)
{
  Listing *self = data;

  /* One of the same name that comes later is never called. */
  if (g_hash_table_add (self->names, g_strdup (msgpack_rpc_method_get_name (method))))
    g_variant_builder_add_value (self->builder, describe_method (method));
  return TRUE;
}

static GVariant *
describe_topic (MsgpackRpcTopic *topic)
{
  g_autofree char *description = msgpack_rpc_topic_get_description (topic);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  add_text (&builder, "name", msgpack_rpc_topic_get_name (topic));
  add_text (&builder, "signature", msgpack_rpc_topic_get_signature (topic));
  add_text (&builder, "doc", description);

  return g_variant_builder_end (&builder);
}

static GVariant *
list_topics (MsgpackRpcDispatcher *self)
{
  g_autoptr(MsgpackRpcDispatcher) dispatcher = g_object_ref (self);
  g_autoptr(GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  while (dispatcher != NULL)
    {
      GListModel *topics = msgpack_rpc_dispatcher_get_topics (dispatcher);
      gboolean is_listed = msgpack_rpc_dispatcher_get_discoverable (dispatcher);
      MsgpackRpcDispatcher *next = msgpack_rpc_dispatcher_get_next (dispatcher);
      MsgpackRpcTopic *topic;

      for (guint i = 0; is_listed && (topic = g_list_model_get_item (topics, i)) != NULL; i++)
        {
          if (g_hash_table_add (names, g_strdup (msgpack_rpc_topic_get_name (topic))))
            g_variant_builder_add_value (&builder, describe_topic (topic));
          g_object_unref (topic);
        }

      g_object_unref (dispatcher);
      dispatcher = next;
    }

  return g_variant_builder_end (&builder);
}

GVariant *
_msgpack_rpc_dispatcher_describe (MsgpackRpcDispatcher *self)
{
  g_autofree char *version = msgpack_rpc_dispatcher_get_version (self);
  g_autofree char *description = msgpack_rpc_dispatcher_get_description (self);
  g_autoptr(GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto(GVariantBuilder) methods = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  Listing listing = { names, &methods };

  foreach_method (self, list_method, &listing);
  add_text (&builder, "version", version);
  add_text (&builder, "description", description);
  g_variant_builder_add (&builder, "{sv}", "methods", g_variant_builder_end (&methods));
  g_variant_builder_add (&builder, "{sv}", "topics", list_topics (self));

  return g_variant_builder_end (&builder);
}

/* ---- what there is not ---- */

static gboolean
consider_method (MsgpackRpcMethod *method,
                 gpointer          nearest)
{
  /* What begins like it is no name to call. */
  if (msgpack_rpc_method_get_flags (method) & MSGPACK_RPC_METHOD_FLAGS_PREFIX)
    return TRUE;

  return _msgpack_rpc_nearest_consider (nearest, msgpack_rpc_method_get_name (method));
}

void
_msgpack_rpc_dispatcher_return_not_found (MsgpackRpcDispatcher *self,
                                          MsgpackRpcInvocation *invocation)
{
  g_auto(MsgpackRpcNearest) nearest = { NULL };
  g_autofree char *hint = NULL;

  if (self != NULL && _msgpack_rpc_invocation_is_awaited (invocation) &&
      _msgpack_rpc_nearest_init (&nearest, msgpack_rpc_invocation_get_method (invocation)))
    {
      foreach_method (self, consider_method, &nearest);
      hint = _msgpack_rpc_nearest_end (&nearest);
    }

  _msgpack_rpc_invocation_return_not_found (invocation, hint);
}

/* ---- properties ---- */

static void
set_text (MsgpackRpcDispatcher  *self,
          char                 **field,
          const char            *text,
          const char            *property)
{
  g_autofree char *old = NULL;

  g_mutex_lock (&self->lock);
  old = *field;
  *field = g_strdup (text);
  g_mutex_unlock (&self->lock);

  if (g_strcmp0 (old, text) != 0)
    g_object_notify (G_OBJECT (self), property);
}

static void
switch_built_in (MsgpackRpcDispatcher *self,
                 MsgpackRpcBuiltIn     which,
                 gboolean              is_on,
                 const char           *property)
{
  gboolean was_on;

  g_mutex_lock (&self->lock);
  was_on = self->is_on[which];
  self->is_on[which] = is_on;
  g_mutex_unlock (&self->lock);

  if (was_on != is_on)
    g_object_notify (G_OBJECT (self), property);
}

static gboolean
is_on (MsgpackRpcDispatcher *self,
       MsgpackRpcBuiltIn     which)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->is_on[which];
}

/**
 * msgpack_rpc_dispatcher_get_version: (get-property version)
 * @self: a dispatcher
 *
 * Gets the version of what the methods are.
 *
 * Returns: (transfer full) (nullable): the version, or `NULL` for none
 *
 * Since: 1.0
 */
char *
msgpack_rpc_dispatcher_get_version (MsgpackRpcDispatcher *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->version);
}

/**
 * msgpack_rpc_dispatcher_set_version: (set-property version)
 * @self: a dispatcher
 * @version: (nullable): the version, in UTF-8, or `NULL` for none
 *
 * Sets the version of what the methods are, which is told to peers that ask.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_version (MsgpackRpcDispatcher *self,
                                    const char           *version)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));
  g_return_if_fail (version == NULL || g_utf8_validate (version, -1, NULL));

  set_text (self, &self->version, version, "version");
}

/**
 * msgpack_rpc_dispatcher_get_description: (get-property description)
 * @self: a dispatcher
 *
 * Gets what the methods are for.
 *
 * Returns: (transfer full) (nullable): the text, or `NULL` for none
 *
 * Since: 1.0
 */
char *
msgpack_rpc_dispatcher_get_description (MsgpackRpcDispatcher *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->description);
}

/**
 * msgpack_rpc_dispatcher_set_description: (set-property description)
 * @self: a dispatcher
 * @description: (nullable): a text in UTF-8, or `NULL` for none
 *
 * Sets what the methods are for, which is told to peers that ask.
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_description (MsgpackRpcDispatcher *self,
                                        const char           *description)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));
  g_return_if_fail (description == NULL || g_utf8_validate (description, -1, NULL));

  set_text (self, &self->description, description, "description");
}

/**
 * msgpack_rpc_dispatcher_get_discoverable: (get-property discoverable)
 * @self: a dispatcher
 *
 * Gets whether peers are told which methods there are.
 *
 * Returns: `TRUE` if they are
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_get_discoverable (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);

  return is_on (self, MSGPACK_RPC_BUILT_IN_DISCOVER);
}

/**
 * msgpack_rpc_dispatcher_set_discoverable: (set-property discoverable)
 * @self: a dispatcher
 * @discoverable: whether peers are told which methods there are
 *
 * Sets whether peers are told which methods there are; see [property@Dispatcher:discoverable].
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_discoverable (MsgpackRpcDispatcher *self,
                                         gboolean              discoverable)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  switch_built_in (self, MSGPACK_RPC_BUILT_IN_DISCOVER, !!discoverable, "discoverable");
}

/**
 * msgpack_rpc_dispatcher_get_answers_pings: (get-property answers-pings)
 * @self: a dispatcher
 *
 * Gets whether there is a method `rpc.ping`.
 *
 * Returns: `TRUE` if there is
 *
 * Since: 1.0
 */
gboolean
msgpack_rpc_dispatcher_get_answers_pings (MsgpackRpcDispatcher *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_DISPATCHER (self), FALSE);

  return is_on (self, MSGPACK_RPC_BUILT_IN_PING);
}

/**
 * msgpack_rpc_dispatcher_set_answers_pings: (set-property answers-pings)
 * @self: a dispatcher
 * @answers_pings: whether there is a method `rpc.ping`
 *
 * Sets whether there is a method `rpc.ping`; see [property@Dispatcher:answers-pings].
 *
 * Since: 1.0
 */
void
msgpack_rpc_dispatcher_set_answers_pings (MsgpackRpcDispatcher *self,
                                          gboolean              answers_pings)
{
  g_return_if_fail (MSGPACK_RPC_IS_DISPATCHER (self));

  switch_built_in (self, MSGPACK_RPC_BUILT_IN_PING, !!answers_pings, "answers-pings");
}
