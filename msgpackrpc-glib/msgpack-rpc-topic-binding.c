/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-topic-private.h"

#include "msgpack-rpc-gvalue-private.h"

/* What objects tell of themselves, published. */

/* The handler of a signal. */
typedef struct
{
  GClosure closure;
  GWeakRef topic;
  char *property; /* nullable: that one's value, not the arguments */
} Handler;

static void
handler_finalized (gpointer  data G_GNUC_UNUSED,
                   GClosure *closure)
{
  Handler *self = (Handler *) closure;

  g_weak_ref_clear (&self->topic);
  g_free (self->property);
}

/* What is published for @n values: the one, or a tuple of them. */
static GVariant *
values_to_variant (const GValue       *values,
                   guint               n,
                   const GVariantType *wanted)
{
  g_autofree GVariant **children = NULL;
  const GVariantType *child = NULL;

  if (n == 1)
    return _msgpack_rpc_gvalue_to_variant (&values[0], wanted);

  if (wanted != NULL)
    child = g_variant_type_first (wanted);
  children = g_new (GVariant *, n);
  for (guint i = 0; i < n; i++)
    {
      children[i] = _msgpack_rpc_gvalue_to_variant (&values[i], child);
      child = child != NULL ? g_variant_type_next (child) : NULL;
    }

  return g_variant_new_tuple (children, n);
}

static void
publish (MsgpackRpcTopic *topic,
         GVariant        *value)
{
  g_autoptr(GError) error = NULL;

  if (!msgpack_rpc_topic_publish (topic, value, &error))
    g_warning ("What topic “%s” is bound to was not published: %s", topic->name, error->message);
}

static void
handle (GClosure     *closure,
        GValue       *return_value G_GNUC_UNUSED,
        guint         n_values,
        const GValue *values,
        gpointer      hint G_GNUC_UNUSED,
        gpointer      data G_GNUC_UNUSED)
{
  Handler *self = (Handler *) closure;
  g_autoptr(MsgpackRpcTopic) topic = g_weak_ref_get (&self->topic);
  g_auto(GValue) value = G_VALUE_INIT;

  if (topic == NULL)
    return;

  if (self->property == NULL)
    {
      publish (topic, values_to_variant (values + 1, n_values - 1, topic->type));
      return;
    }

  g_object_get_property (g_value_get_object (&values[0]), self->property, &value);
  publish (topic, values_to_variant (&value, 1, topic->type));
}

/* ---- what can be bound ---- */

/* Whether values of @type can be published as @wanted, which may be NULL for anything. */
static gboolean
check_type (MsgpackRpcTopic     *self,
            GType                type,
            const GVariantType  *wanted,
            GError             **error)
{
  const char *natural = _msgpack_rpc_gvalue_get_variant_type (type & ~G_SIGNAL_TYPE_STATIC_SCOPE);
  const GVariantType *element = wanted;

  if (natural == NULL)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                   "Values of the type %s cannot be published",
                   g_type_name (type & ~G_SIGNAL_TYPE_STATIC_SCOPE));
      return FALSE;
    }

  /* What a variant holds is checked when it is published. */
  if (wanted == NULL || *natural == '*')
    return TRUE;
  if (g_variant_type_is_maybe (wanted))
    element = g_variant_type_element (wanted);
  if (g_variant_type_equal (element, G_VARIANT_TYPE (natural)))
    return TRUE;

  g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
               "Topic “%s” takes values of type “%s”, and those of the type %s have “%s”",
               self->name, self->signature, g_type_name (type & ~G_SIGNAL_TYPE_STATIC_SCOPE), natural);
  return FALSE;
}

static gboolean
check_types (MsgpackRpcTopic  *self,
             const GType      *types,
             guint             n,
             GError          **error)
{
  const GVariantType *child = NULL;

  if (n == 1)
    return check_type (self, types[0], self->type, error);

  if (self->type != NULL &&
      (!g_variant_type_is_tuple (self->type) || !g_variant_type_is_definite (self->type) ||
       g_variant_type_n_items (self->type) != n))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                   "Topic “%s” takes values of type “%s”, which is no tuple of %u", self->name,
                   self->signature, n);
      return FALSE;
    }

  if (self->type != NULL)
    child = g_variant_type_first (self->type);
  for (guint i = 0; i < n; i++)
    {
      if (!check_type (self, types[i], child, error))
        return FALSE;
      child = child != NULL ? g_variant_type_next (child) : NULL;
    }

  return TRUE;
}

/* ---- binding ---- */

static void
binding_free (MsgpackRpcBinding *binding,
              GObject           *object)
{
  if (object != NULL && binding->handler != 0)
    g_signal_handler_disconnect (object, binding->handler);
  g_weak_ref_clear (binding->object);
  g_free (binding->object);
}

/* Takes out those of @object, or all, and those whose object is gone. */
static void
unbind (MsgpackRpcTopic *self,
        GObject         *object)
{
  g_autoptr(GArray) taken = g_array_new (FALSE, FALSE, sizeof (MsgpackRpcBinding));
  g_autoptr(GPtrArray) objects = g_ptr_array_new ();
  /* Nobody's last reference may be dropped with the lock held. */
  g_autoptr(GPtrArray) others = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->lock);
  for (guint i = self->bindings->len; i > 0; i--)
    {
      MsgpackRpcBinding binding = g_array_index (self->bindings, MsgpackRpcBinding, i - 1);
      GObject *bound = g_weak_ref_get (binding.object);

      if (bound != NULL && object != NULL && bound != object)
        {
          g_ptr_array_add (others, bound);
          continue;
        }

      g_array_append_val (taken, binding);
      g_ptr_array_add (objects, bound);
      g_array_remove_index_fast (self->bindings, i - 1);
    }
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < taken->len; i++)
    {
      GObject *bound = g_ptr_array_index (objects, i);

      binding_free (&g_array_index (taken, MsgpackRpcBinding, i), bound);
      g_clear_object (&bound);
    }
}

void
_msgpack_rpc_topic_unbind_all (MsgpackRpcTopic *self)
{
  unbind (self, NULL);
}

/* Unless the topic was removed, which ends all bindings. */
static void
bind (MsgpackRpcTopic *self,
      GObject         *object,
      guint            signal_id,
      GQuark           detail,
      const char      *property)
{
  GClosure *closure = g_closure_new_simple (sizeof (Handler), NULL);
  Handler *handler = (Handler *) closure;
  MsgpackRpcBinding binding = { .object = g_new0 (GWeakRef, 1) };
  gboolean is_removed;

  g_weak_ref_init (&handler->topic, self);
  handler->property = g_strdup (property);
  g_closure_set_marshal (closure, handle);
  g_closure_add_finalize_notifier (closure, NULL, handler_finalized);

  binding.handler = g_signal_connect_closure_by_id (object, signal_id, detail, closure, FALSE);
  g_weak_ref_init (binding.object, object);

  g_mutex_lock (&self->lock);
  is_removed = self->is_removed;
  if (!is_removed)
    g_array_append_val (self->bindings, binding);
  g_mutex_unlock (&self->lock);

  if (is_removed)
    binding_free (&binding, object);
}

/**
 * msgpack_rpc_topic_bind_to_property:
 * @self: a topic
 * @object: an object
 * @property_name: the name of a property of it
 * @error: return location for an error
 *
 * Publishes the value of a property whenever the object notifies of it.
 *
 * It is published where the notification is emitted. Numbers, booleans, strings, enumerations and flags
 * (as numbers), `GStrv`, `GBytes` and `GVariant` can be published; `NULL` is nil where the topic's
 * type has a place for that (`ms`, or no signature), and else empty. This ends when the object or the
 * topic is gone, when the topic is removed, and with [method@Topic.unbind].
 *
 * Returns: `TRUE`, or `FALSE` with @error set to [error@Error.INVALID_VALUE] if there is no such
 *   property that can be read, if its values cannot be published, or if the topic takes another type
 * Since: 1.0
 */
gboolean
msgpack_rpc_topic_bind_to_property (MsgpackRpcTopic  *self,
                                    GObject          *object,
                                    const char       *property_name,
                                    GError          **error)
{
  GParamSpec *pspec;

  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), FALSE);
  g_return_val_if_fail (G_IS_OBJECT (object), FALSE);
  g_return_val_if_fail (property_name != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), property_name);
  if (pspec == NULL || (pspec->flags & G_PARAM_READABLE) == 0)
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                   "%s has no property “%s” that can be read", G_OBJECT_TYPE_NAME (object),
                   property_name);
      return FALSE;
    }

  if (!check_type (self, pspec->value_type, self->type, error))
    return FALSE;

  bind (self, object, g_signal_lookup ("notify", G_TYPE_OBJECT),
        g_quark_from_string (pspec->name), pspec->name);
  return TRUE;
}

/**
 * msgpack_rpc_topic_bind_to_signal:
 * @self: a topic
 * @object: an object
 * @detailed_signal: the name of a signal of it, with `::` and a detail if there is one
 * @error: return location for an error
 *
 * Publishes the arguments of a signal whenever the object emits it: the one that there is as it is, or
 * else a tuple of all.
 *
 * Otherwise as [method@Topic.bind_to_property], which says what types they may have.
 *
 * Returns: `TRUE`, or `FALSE` with @error set to [error@Error.INVALID_VALUE] if there is no such
 *   signal, if its arguments cannot be published, or if the topic takes another type
 * Since: 1.0
 */
gboolean
msgpack_rpc_topic_bind_to_signal (MsgpackRpcTopic  *self,
                                  GObject          *object,
                                  const char       *detailed_signal,
                                  GError          **error)
{
  GSignalQuery query;
  guint id;
  GQuark detail;

  g_return_val_if_fail (MSGPACK_RPC_IS_TOPIC (self), FALSE);
  g_return_val_if_fail (G_IS_OBJECT (object), FALSE);
  g_return_val_if_fail (detailed_signal != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!g_signal_parse_name (detailed_signal, G_OBJECT_TYPE (object), &id, &detail, TRUE))
    {
      g_set_error (error, MSGPACK_RPC_ERROR, MSGPACK_RPC_ERROR_INVALID_VALUE,
                   "%s has no signal “%s”", G_OBJECT_TYPE_NAME (object), detailed_signal);
      return FALSE;
    }

  g_signal_query (id, &query);
  if (!check_types (self, query.param_types, query.n_params, error))
    return FALSE;

  bind (self, object, id, detail, NULL);
  return TRUE;
}

/**
 * msgpack_rpc_topic_unbind:
 * @self: a topic
 * @object: an object
 *
 * Publishes no more what @object tells, by whichever of its properties and signals.
 *
 * Since: 1.0
 */
void
msgpack_rpc_topic_unbind (MsgpackRpcTopic *self,
                          GObject         *object)
{
  g_return_if_fail (MSGPACK_RPC_IS_TOPIC (self));
  g_return_if_fail (G_IS_OBJECT (object));

  unbind (self, object);
}
