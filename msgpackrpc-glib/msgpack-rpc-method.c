/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-method-private.h"

/**
 * MsgpackRpcMethod:
 *
 * What a [class@Dispatcher] knows of one of its methods.
 *
 * These objects are the items of [property@Dispatcher:methods]. They never change, may be used from
 * any thread, and stay as they are when the method is removed.
 *
 * Since: 1.0
 */
struct _MsgpackRpcMethod
{
  GObject parent_instance;

  guint id;
  char *name;
  char *signature; /* NULL: none */
};

enum
{
  PROP_0,
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
msgpack_rpc_method_class_init (MsgpackRpcMethodClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  object_class->finalize = msgpack_rpc_method_finalize;
  object_class->get_property = msgpack_rpc_method_get_property;

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
}

MsgpackRpcMethod *
_msgpack_rpc_method_new (guint       id,
                         const char *name,
                         const char *signature)
{
  MsgpackRpcMethod *self = g_object_new (MSGPACK_RPC_TYPE_METHOD, NULL);

  self->id = id;
  self->name = g_strdup (name);
  self->signature = g_strdup (signature);
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
