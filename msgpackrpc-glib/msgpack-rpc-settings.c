/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-settings-private.h"

#include "msgpack-rpc-enum-types.h"
#include "msgpack-rpc-enums.h"

/* In milliseconds. */
#define DEFAULT_TIMEOUT 25000

static const char * const names[MSGPACK_RPC_N_SETTINGS] = {
  [MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT] = "default-timeout",
  [MSGPACK_RPC_SETTING_EXTENSIONS] = "extensions",
  [MSGPACK_RPC_SETTING_FRAMING] = "framing",
  [MSGPACK_RPC_SETTING_PACK_FLAGS] = "pack-flags",
  [MSGPACK_RPC_SETTING_PROFILE] = "profile",
  [MSGPACK_RPC_SETTING_REPLY_ORDER] = "reply-order",
  [MSGPACK_RPC_SETTING_STRING_POLICY] = "string-policy",
};

MsgpackRpcSettings *
_msgpack_rpc_settings_new (void)
{
  MsgpackRpcSettings *self = g_atomic_rc_box_new0 (MsgpackRpcSettings);

  /* The default of all others is 0. */
  self->values[MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT] = DEFAULT_TIMEOUT;

  return self;
}

MsgpackRpcSettings *
_msgpack_rpc_settings_ref (MsgpackRpcSettings *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
_msgpack_rpc_settings_unref (MsgpackRpcSettings *self)
{
  g_atomic_rc_box_release (self);
}

static const MsgpackRpcDialect dialects[] = {
  [MSGPACK_RPC_PROFILE_TOLERANT] = MSGPACK_RPC_DIALECT_PLAIN,
  [MSGPACK_RPC_PROFILE_BOOLEAN_ERROR] = MSGPACK_RPC_DIALECT_BOOLEAN_ERROR,
  [MSGPACK_RPC_PROFILE_STRICT] = MSGPACK_RPC_DIALECT_STRICT,
  [MSGPACK_RPC_PROFILE_NEOVIM] = MSGPACK_RPC_DIALECT_NEOVIM,
  [MSGPACK_RPC_PROFILE_LEGACY] = MSGPACK_RPC_DIALECT_LEGACY,
  [MSGPACK_RPC_PROFILE_SERIAL] = MSGPACK_RPC_DIALECT_SERIAL,
  [MSGPACK_RPC_PROFILE_KEYBASE] = MSGPACK_RPC_DIALECT_CANCELS | MSGPACK_RPC_DIALECT_FRAMED,
};

static MsgpackRpcDialect
find_dialect (MsgpackRpcSettings *self)
{
  guint profile = (guint) _msgpack_rpc_settings_get (self, MSGPACK_RPC_SETTING_PROFILE);
  MsgpackRpcDialect dialect = MSGPACK_RPC_DIALECT_PLAIN;

  if (profile < G_N_ELEMENTS (dialects))
    dialect = dialects[profile];
  if (_msgpack_rpc_settings_get (self, MSGPACK_RPC_SETTING_FRAMING) != MSGPACK_RPC_FRAMING_NONE)
    dialect |= MSGPACK_RPC_DIALECT_FRAMED;
  if (_msgpack_rpc_settings_get (self, MSGPACK_RPC_SETTING_REPLY_ORDER) !=
      MSGPACK_RPC_REPLY_ORDER_ANY)
    dialect |= MSGPACK_RPC_DIALECT_IN_ORDER;
  return dialect;
}

/* Whoever sets something at the same time looks at it after having done so, too. */
static void
update_dialect (MsgpackRpcSettings *self)
{
  MsgpackRpcDialect dialect;

  do
    {
      dialect = find_dialect (self);
      g_atomic_int_set (&self->dialect, (int) dialect);
    }
  while (find_dialect (self) != dialect);
}

MsgpackRpcPackFlags
_msgpack_rpc_settings_get_pack_flags (MsgpackRpcSettings *self)
{
  MsgpackRpcPackFlags flags = _msgpack_rpc_settings_get (self, MSGPACK_RPC_SETTING_PACK_FLAGS);

  if (_msgpack_rpc_settings_has_dialect (self, MSGPACK_RPC_DIALECT_LEGACY))
    flags |= MSGPACK_RPC_PACK_FLAGS_LEGACY_RAW;
  return flags;
}

MsgpackRpcStringPolicy
_msgpack_rpc_settings_get_string_policy (MsgpackRpcSettings *self)
{
  int policy = _msgpack_rpc_settings_get (self, MSGPACK_RPC_SETTING_STRING_POLICY);

  if (policy == MSGPACK_RPC_STRING_POLICY_RAW &&
      _msgpack_rpc_settings_has_dialect (self, MSGPACK_RPC_DIALECT_LEGACY))
    return MSGPACK_RPC_STRING_POLICY_BYTES;
  return policy;
}

void
_msgpack_rpc_settings_set (MsgpackRpcSettings *self,
                           MsgpackRpcSetting   setting,
                           int                 value,
                           gpointer            object,
                           MsgpackRpcReactor  *reactor)
{
  GParamSpec *pspec;

  if (g_atomic_int_exchange (&self->values[setting], value) == value)
    return;

  update_dialect (self);
  pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (object), names[setting]);
  if (pspec != NULL)
    _msgpack_rpc_reactor_notify (reactor, object, pspec);
}

GParamSpec *
_msgpack_rpc_setting_new_pspec (MsgpackRpcSetting setting)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;
  const char *name = names[setting];

  switch (setting)
    {
    case MSGPACK_RPC_SETTING_DEFAULT_TIMEOUT:
      return g_param_spec_int (name, NULL, NULL, 0, G_MAXINT, DEFAULT_TIMEOUT, flags);

    case MSGPACK_RPC_SETTING_EXTENSIONS:
      return g_param_spec_boolean (name, NULL, NULL, FALSE, flags);

    case MSGPACK_RPC_SETTING_FRAMING:
      return g_param_spec_enum (name, NULL, NULL, MSGPACK_RPC_TYPE_FRAMING,
                                MSGPACK_RPC_FRAMING_NONE, flags);

    case MSGPACK_RPC_SETTING_PACK_FLAGS:
      return g_param_spec_flags (name, NULL, NULL, MSGPACK_RPC_TYPE_PACK_FLAGS,
                                 MSGPACK_RPC_PACK_FLAGS_NONE, flags);

    case MSGPACK_RPC_SETTING_PROFILE:
      return g_param_spec_enum (name, NULL, NULL, MSGPACK_RPC_TYPE_PROFILE,
                                MSGPACK_RPC_PROFILE_TOLERANT, flags);

    case MSGPACK_RPC_SETTING_REPLY_ORDER:
      return g_param_spec_enum (name, NULL, NULL, MSGPACK_RPC_TYPE_REPLY_ORDER,
                                MSGPACK_RPC_REPLY_ORDER_ANY, flags);

    case MSGPACK_RPC_SETTING_STRING_POLICY:
      return g_param_spec_enum (name, NULL, NULL, MSGPACK_RPC_TYPE_STRING_POLICY,
                                MSGPACK_RPC_STRING_POLICY_RAW, flags);

    case MSGPACK_RPC_N_SETTINGS:
    default:
      g_assert_not_reached ();
    }
}

MsgpackRpcSetting
_msgpack_rpc_setting_from_pspec (GParamSpec *pspec)
{
  MsgpackRpcSetting setting = 0;

  while (setting < MSGPACK_RPC_N_SETTINGS - 1 && !g_str_equal (names[setting], pspec->name))
    setting++;

  return setting;
}

int
_msgpack_rpc_setting_from_value (const GValue *value)
{
  if (G_VALUE_HOLDS_FLAGS (value))
    return (int) g_value_get_flags (value);
  if (G_VALUE_HOLDS_ENUM (value))
    return g_value_get_enum (value);
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_value_get_boolean (value);

  return g_value_get_int (value);
}

void
_msgpack_rpc_settings_get_value (MsgpackRpcSettings *self,
                                 GParamSpec         *pspec,
                                 GValue             *value)
{
  int number = _msgpack_rpc_settings_get (self, _msgpack_rpc_setting_from_pspec (pspec));

  if (G_VALUE_HOLDS_FLAGS (value))
    g_value_set_flags (value, (guint) number);
  else if (G_VALUE_HOLDS_ENUM (value))
    g_value_set_enum (value, number);
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_value_set_boolean (value, number);
  else
    g_value_set_int (value, number);
}
