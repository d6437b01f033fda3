/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-method-private.h"

#include "msgpack-rpc-enum-types.h"

/**
 * MsgpackRpcMethod:
 *
 * What a [class@Dispatcher] knows of one of its methods.
 *
 * These objects are the items of [property@Dispatcher:methods];
 * [method@Dispatcher.lookup_method] finds one by its name.
 *
 * The properties that can be set are the settings of the method. Any thread may set them at any time;
 * a change holds for later requests, and notifies in the thread that has made it, within the function
 * that made it. When the method is removed, its object stays as it is and means nothing any more.
 *
 * Since: 1.0
 */
struct _MsgpackRpcMethod
{
  GObject parent_instance;

  /* Never change. */
  guint id;
  char *name;
  char *signature;   /* NULL: none */
  MsgpackRpcMethodFlags flags;

  GMutex lock;       /* guards what follows */
  char *description; /* NULL: none */
};

enum
{
  PROP_0,
  PROP_DESCRIPTION,
  PROP_FLAGS,
  PROP_ID,
  PROP_NAME,
  PROP_SIGNATURE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (MsgpackRpcMethod, msgpack_rpc_method, G_TYPE_OBJECT)

static void
msgpack_rpc_method_finalize (GObject *object)
{
  MsgpackRpcMethod *self = MSGPACK_RPC_METHOD (object);

  g_free (self->name);
  g_free (self->signature);
  g_free (self->description);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (msgpack_rpc_method_parent_class)->finalize (object);
}

static void
msgpack_rpc_method_get_property (GObject    *object,
                                 guint       prop_id,
                                 GValue     *value,
                                 GParamSpec *pspec)
{
  MsgpackRpcMethod *self = MSGPACK_RPC_METHOD (object);

  switch (prop_id)
    {
    case PROP_DESCRIPTION:
      g_value_take_string (value, msgpack_rpc_method_get_description (self));
      break;

    case PROP_FLAGS:
      g_value_set_flags (value, self->flags);
      break;

    case PROP_ID:
      g_value_set_uint (value, self->id);
      break;

    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;

    case PROP_SIGNATURE:
      g_value_set_string (value, self->signature);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_method_set_property (GObject      *object,
                                 guint         prop_id,
                                 const GValue *value,
                                 GParamSpec   *pspec)
{
  MsgpackRpcMethod *self = MSGPACK_RPC_METHOD (object);

  switch (prop_id)
    {
    case PROP_DESCRIPTION:
      msgpack_rpc_method_set_description (self, g_value_get_string (value));
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_method_class_init (MsgpackRpcMethodClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags setting = flags | G_PARAM_WRITABLE | G_PARAM_EXPLICIT_NOTIFY;

  object_class->finalize = msgpack_rpc_method_finalize;
  object_class->get_property = msgpack_rpc_method_get_property;
  object_class->set_property = msgpack_rpc_method_set_property;

  /**
   * MsgpackRpcMethod:description: (getter get_description) (setter set_description)
   *
   * What the method does, for those who want to call it, or `NULL`, the default.
   *
   * Since: 1.0
   */
  props[PROP_DESCRIPTION] = g_param_spec_string ("description", NULL, NULL, NULL, setting);

  /**
   * MsgpackRpcMethod:flags: (getter get_flags)
   *
   * The flags that the method was added with.
   *
   * Since: 1.0
   */
  props[PROP_FLAGS] = g_param_spec_flags ("flags", NULL, NULL, MSGPACK_RPC_TYPE_METHOD_FLAGS,
                                          MSGPACK_RPC_METHOD_FLAGS_NONE, flags);

  /**
   * MsgpackRpcMethod:id: (getter get_id)
   *
   * The id with which [method@Dispatcher.remove_method] removes the method. It is never 0.
   *
   * Since: 1.0
   */
  props[PROP_ID] = g_param_spec_uint ("id", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * MsgpackRpcMethod:name: (getter get_name)
   *
   * The name that peers call it by.
   *
   * Since: 1.0
   */
  props[PROP_NAME] = g_param_spec_string ("name", NULL, NULL, NULL, flags);

  /**
   * MsgpackRpcMethod:signature: (getter get_signature)
   *
   * The type of the parameters, as a `GVariant` type string, or `NULL` if they are taken as they
   * come.
   *
   * Since: 1.0
   */
  props[PROP_SIGNATURE] = g_param_spec_string ("signature", NULL, NULL, NULL, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_method_init (MsgpackRpcMethod *self)
{
  g_mutex_init (&self->lock);
}

MsgpackRpcMethod *
_msgpack_rpc_method_new (guint                  id,
                         const char            *name,
                         const char            *signature,
                         MsgpackRpcMethodFlags  flags)
{
  MsgpackRpcMethod *self = g_object_new (MSGPACK_RPC_TYPE_METHOD, NULL);

  self->id = id;
  self->name = g_strdup (name);
  self->signature = g_strdup (signature);
  self->flags = flags;
  return self;
}

/**
 * msgpack_rpc_method_get_id: (get-property id)
 * @self: a method
 *
 * Gets the id with which [method@Dispatcher.remove_method] removes the method.
 *
 * Returns: the id, never 0
 *
 * Since: 1.0
 */
guint
msgpack_rpc_method_get_id (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), 0);

  return self->id;
}

/**
 * msgpack_rpc_method_get_name: (get-property name)
 * @self: a method
 *
 * Gets the name that peers call the method by.
 *
 * Returns: (transfer none): the name
 *
 * Since: 1.0
 */
const char *
msgpack_rpc_method_get_name (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  return self->name;
}

/**
 * msgpack_rpc_method_get_signature: (get-property signature)
 * @self: a method
 *
 * Gets the type of the parameters.
 *
 * Returns: (transfer none) (nullable): a `GVariant` type string, or `NULL` if the parameters are
 *   taken as they come
 *
 * Since: 1.0
 */
const char *
msgpack_rpc_method_get_signature (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  return self->signature;
}

/**
 * msgpack_rpc_method_get_flags: (get-property flags)
 * @self: a method
 *
 * Gets the flags that the method was added with.
 *
 * Returns: the flags
 *
 * Since: 1.0
 */
MsgpackRpcMethodFlags
msgpack_rpc_method_get_flags (MsgpackRpcMethod *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), MSGPACK_RPC_METHOD_FLAGS_NONE);

  return self->flags;
}

/**
 * msgpack_rpc_method_get_description: (get-property description)
 * @self: a method
 *
 * Gets what the method does.
 *
 * Returns: (transfer full) (nullable): the text, or `NULL` for none
 *
 * Since: 1.0
 */
char *
msgpack_rpc_method_get_description (MsgpackRpcMethod *self)
{
  g_autoptr(GMutexLocker) locker = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_METHOD (self), NULL);

  locker = g_mutex_locker_new (&self->lock);
  return g_strdup (self->description);
}

/**
 * msgpack_rpc_method_set_description: (set-property description)
 * @self: a method
 * @description: (nullable): a text in UTF-8, or `NULL` for none
 *
 * Sets what the method does, for those who want to call it.
 *
 * Since: 1.0
 */
void
msgpack_rpc_method_set_description (MsgpackRpcMethod *self,
                                    const char       *description)
{
  g_autofree char *old = NULL;

  g_return_if_fail (MSGPACK_RPC_IS_METHOD (self));
  g_return_if_fail (description == NULL || g_utf8_validate (description, -1, NULL));

  g_mutex_lock (&self->lock);
  old = self->description;
  self->description = g_strdup (description);
  g_mutex_unlock (&self->lock);

  if (g_strcmp0 (old, description) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), props[PROP_DESCRIPTION]);
}
