/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-worker-job-private.h"

#include "msgpack-rpc-coerce-private.h"
#include "msgpack-rpc-debug-private.h"
#include "msgpack-rpc-error-domain-private.h"
#include "msgpack-rpc-invocation-private.h"

MsgpackRpcWorkerJob *
_msgpack_rpc_worker_job_new (MsgpackRpcInvocation *invocation,
                             GVariant             *params)
{
  MsgpackRpcWorkerJob *self = g_new0 (MsgpackRpcWorkerJob, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended);
  self->link.data = self;
  self->invocation = g_object_ref (invocation);
  self->params = params != NULL ? g_variant_ref (params) : NULL;
  self->size = self->params != NULL ? g_variant_get_size (self->params) : 0;
  self->is_notification = _msgpack_rpc_invocation_get_msgid_piece (invocation)->type == NULL;
  self->connection_id = _msgpack_rpc_invocation_get_connection_id (invocation);
  return self;
}

MsgpackRpcWorkerJob *
_msgpack_rpc_worker_job_ref (MsgpackRpcWorkerJob *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
_msgpack_rpc_worker_job_unref (gpointer data)
{
  MsgpackRpcWorkerJob *self = data;

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  if (self->gone_destroy != NULL)
    self->gone_destroy (self->gone_owner);
  g_clear_object (&self->invocation);
  g_clear_pointer (&self->params, g_variant_unref);
  g_cond_clear (&self->ended);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
cancelled_cb (MsgpackRpcInvocation *invocation G_GNUC_UNUSED,
              gpointer              user_data)
{
  MsgpackRpcWorkerJob *self = user_data;

  self->gone_func (self->gone_owner, self);
}

static void
closure_unref (gpointer  data,
               GClosure *closure G_GNUC_UNUSED)
{
  _msgpack_rpc_worker_job_unref (data);
}

void
_msgpack_rpc_worker_job_watch (MsgpackRpcWorkerJob     *self,
                               MsgpackRpcWorkerJobFunc  func,
                               gpointer                 owner,
                               GDestroyNotify           destroy)
{
  self->gone_func = func;
  self->gone_owner = owner;
  self->gone_destroy = destroy;
  self->cancelled_id = g_signal_connect_data (self->invocation, "cancelled",
                                              G_CALLBACK (cancelled_cb),
                                              _msgpack_rpc_worker_job_ref (self), closure_unref,
                                              G_CONNECT_DEFAULT);
}

gboolean
_msgpack_rpc_worker_job_is_wanted (MsgpackRpcWorkerJob *self)
{
  return self->is_notification || _msgpack_rpc_invocation_is_awaited (self->invocation);
}

void
_msgpack_rpc_worker_job_begin (MsgpackRpcWorkerJob *self)
{
  self->n_attempts++;
  self->start_time = g_get_monotonic_time ();
}

int
_msgpack_rpc_worker_job_get_time_left (MsgpackRpcWorkerJob *self)
{
  gint64 deadline = msgpack_rpc_invocation_get_deadline (self->invocation);

  if (deadline < 0)
    return 0;

  return (int) CLAMP ((deadline - g_get_monotonic_time ()) / 1000, 1, G_MAXINT);
}

void
_msgpack_rpc_worker_job_report (MsgpackRpcWorkerJob *self,
                                double               fraction,
                                GVariant            *value)
{
  if (self->invocation != NULL)
    msgpack_rpc_invocation_report_progress (self->invocation, fraction, value);
}

static void
end (MsgpackRpcWorkerJob *self)
{
  if (self->start_time != 0)
    _msgpack_rpc_invocation_add_time (self->invocation,
                                      g_get_monotonic_time () - self->start_time);
  if (self->cancelled_id != 0)
    g_signal_handler_disconnect (self->invocation, self->cancelled_id);
  self->cancelled_id = 0;
  g_clear_object (&self->invocation);
  g_clear_pointer (&self->params, g_variant_unref);

  g_mutex_lock (&self->lock);
  self->has_ended = TRUE;
  g_cond_broadcast (&self->ended);
  g_mutex_unlock (&self->lock);
}

void
_msgpack_rpc_worker_job_succeed (MsgpackRpcWorkerJob *self,
                                 GVariant            *result)
{
  if (self->invocation == NULL)
    return;

  if (_msgpack_rpc_worker_job_is_wanted (self))
    msgpack_rpc_invocation_return_value (self->invocation, result);
  end (self);
}

void
_msgpack_rpc_worker_job_refuse (MsgpackRpcWorkerJob *self,
                                GVariant            *error_value)
{
  g_autoptr(GVariant) value = _msgpack_rpc_value_unbox (error_value);
  g_autoptr(GError) parsed = _msgpack_rpc_error_domain_parse (value);

  if (self->invocation == NULL)
    return;

  /* Not every caller understands what workers and we do. */
  if (_msgpack_rpc_worker_job_is_wanted (self) && parsed != NULL)
    msgpack_rpc_invocation_return_gerror (self->invocation, parsed);
  else if (_msgpack_rpc_worker_job_is_wanted (self))
    msgpack_rpc_invocation_return_error_value (self->invocation, error_value);
  end (self);
}

void
_msgpack_rpc_worker_job_fail (MsgpackRpcWorkerJob *self,
                              const GError        *error)
{
  if (self->invocation == NULL)
    return;

  _msgpack_rpc_debug_info (self->connection_id,
                           _msgpack_rpc_invocation_get_msgid_piece (self->invocation),
                           "Method “%s” failed: %s",
                           msgpack_rpc_invocation_get_method (self->invocation), error->message);
  if (_msgpack_rpc_worker_job_is_wanted (self))
    msgpack_rpc_invocation_return_gerror (self->invocation, error);
  end (self);
}

void
_msgpack_rpc_worker_job_wait (MsgpackRpcWorkerJob *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (!self->has_ended)
    g_cond_wait (&self->ended, &self->lock);
}
