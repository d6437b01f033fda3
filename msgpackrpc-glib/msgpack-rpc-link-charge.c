/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

/* What a link holds, of all that the links of a server may hold together. */

/* By how many bytes what it holds must differ from what its budget was told. */
#define CHARGE_STEP (16 * 1024)

/* Each number is in use by its own: not for the sake of a few bytes. */
static gboolean
is_about (gsize charged,
          gsize now)
{
  gsize difference = MAX (charged, now) - MIN (charged, now);

  return difference == 0 || (now != 0 && difference < CHARGE_STEP);
}

void
_msgpack_rpc_link_charge (MsgpackRpcLink *self,
                          Charge          charge,
                          gsize           now)
{
  gsize *charged = &self->charged[charge];

  if (self->budget != NULL && !is_about ((gsize) g_atomic_pointer_get (charged), now))
    _msgpack_rpc_budget_charge (self->budget, charged, now);
}

void
_msgpack_rpc_link_charge_held (MsgpackRpcLink *self,
                               gsize          *held)
{
  gsize *charged = &self->charged[CHARGE_HELD];

  if (self->budget == NULL)
    return;

  /* Two threads may do this, and the one that looked first come last. */
  while (!is_about ((gsize) g_atomic_pointer_get (charged), (gsize) g_atomic_pointer_get (held)))
    _msgpack_rpc_budget_charge (self->budget, charged, (gsize) g_atomic_pointer_get (held));
}

gsize
_msgpack_rpc_link_get_charged (MsgpackRpcLink *self)
{
  gsize sum = 0;

  for (Charge i = 0; i < N_CHARGES; i++)
    sum += (gsize) g_atomic_pointer_get (&self->charged[i]);
  return sum;
}

void
_msgpack_rpc_link_set_budget (MsgpackRpcLink   *self,
                              MsgpackRpcBudget *budget)
{
  self->budget = _msgpack_rpc_budget_ref (budget);
  _msgpack_rpc_budget_join (budget, self);
}

void
_msgpack_rpc_link_drop_budget (MsgpackRpcLink *self)
{
  if (self->budget == NULL)
    return;

  for (Charge i = 0; i < N_CHARGES; i++)
    _msgpack_rpc_link_charge (self, i, 0);
  _msgpack_rpc_budget_unref (self->budget);
}

void
_msgpack_rpc_link_enforce_budget (MsgpackRpcLink *self)
{
  if (self->budget != NULL)
    _msgpack_rpc_budget_enforce (self->budget);
}

void
_msgpack_rpc_link_set_budget_position (MsgpackRpcLink *self,
                                       guint           position)
{
  self->budget_position = position;
}

guint
_msgpack_rpc_link_get_budget_position (MsgpackRpcLink *self)
{
  return self->budget_position;
}
