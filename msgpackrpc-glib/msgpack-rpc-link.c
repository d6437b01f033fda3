/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-link-parts-private.h"

#include <glib/gi18n-lib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-nested-source-private.h"
#include "msgpack-rpc-unpacker-private.h"

/* How often a holder of the I/O writes for those who have sent meanwhile. */
#define MAX_WRITES 4

G_DEFINE_FINAL_TYPE (MsgpackRpcLink, _msgpack_rpc_link, G_TYPE_OBJECT)

static const char * const state_names[N_STATES] = {
  "new", "waiting", "connecting", "connected", "dismissed", "half-closed", "closing", "ended",
};

static MsgpackRpcConnectionStatus
state_to_status (State state)
{
  switch (state)
    {
    case STATE_CONNECTING:
      return MSGPACK_RPC_CONNECTION_STATUS_CONNECTING;
    case STATE_CONNECTED:
      return MSGPACK_RPC_CONNECTION_STATUS_CONNECTED;
    case STATE_DISMISSED:
    case STATE_HALF_CLOSED:
    case STATE_CLOSING:
      return MSGPACK_RPC_CONNECTION_STATUS_CLOSING;
    case STATE_NEW:
    case STATE_WAITING:
    case STATE_ENDED:
    case N_STATES:
    default:
      return MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED;
    }
}

void
_msgpack_rpc_link_wake_waiters (MsgpackRpcLink *self)
{
  for (GList *item = self->waiters.head; item != NULL; item = item->next)
    _msgpack_rpc_waiter_wake (item->data);
}

void
_msgpack_rpc_link_wake_others (MsgpackRpcLink *self)
{
  for (GList *item = self->waiters.head; item != NULL; item = item->next)
    if (!_msgpack_rpc_waiter_is_mine (item->data))
      _msgpack_rpc_waiter_wake (item->data);
}

void
_msgpack_rpc_link_set_state (MsgpackRpcLink *self,
                             State           state,
                             const GError   *error)
{
  G_GNUC_UNUSED static const gboolean allowed[N_STATES][N_STATES] = {
    [STATE_NEW] = { [STATE_WAITING] = TRUE, [STATE_CONNECTING] = TRUE, [STATE_CONNECTED] = TRUE,
                    [STATE_ENDED] = TRUE },
    [STATE_WAITING] = { [STATE_CONNECTING] = TRUE, [STATE_ENDED] = TRUE },
    [STATE_CONNECTING] = { [STATE_WAITING] = TRUE, [STATE_CONNECTED] = TRUE,
                           [STATE_ENDED] = TRUE },
    [STATE_CONNECTED] = { [STATE_DISMISSED] = TRUE, [STATE_HALF_CLOSED] = TRUE,
                          [STATE_CLOSING] = TRUE, [STATE_ENDED] = TRUE },
    [STATE_DISMISSED] = { [STATE_HALF_CLOSED] = TRUE, [STATE_CLOSING] = TRUE,
                          [STATE_ENDED] = TRUE },
    [STATE_HALF_CLOSED] = { [STATE_CLOSING] = TRUE, [STATE_ENDED] = TRUE },
    [STATE_CLOSING] = { [STATE_ENDED] = TRUE },
  };
  MsgpackRpcConnectionStatus old_status = state_to_status (self->state);
  MsgpackRpcConnectionStatus new_status = state_to_status (state);

  g_assert (allowed[self->state][state]);
  _msgpack_rpc_debug_event (MSGPACK_RPC_DEBUG_STATUS, self->id, "%s → %s%s%s",
                            state_names[self->state], state_names[state],
                            error != NULL ? ": " : "", error != NULL ? error->message : "");

  self->state = state;
  _msgpack_rpc_link_wake_waiters (self);
  if (old_status != new_status && self->owner != NULL)
    self->funcs->status (self->owner, old_status, new_status, error);
}

gboolean
_msgpack_rpc_link_has_stream (MsgpackRpcLink *self)
{
  return self->state == STATE_CONNECTED || self->state == STATE_DISMISSED ||
         self->state == STATE_HALF_CLOSED || self->state == STATE_CLOSING;
}

gboolean
_msgpack_rpc_link_reads_input (MsgpackRpcLink *self)
{
  return _msgpack_rpc_link_has_stream (self) && self->state != STATE_HALF_CLOSED &&
         self->paused == 0 && !self->input_ended;
}

/* A reference on the owner, or NULL when it is being disposed of. */
gpointer
_msgpack_rpc_link_ref_owner (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->owner != NULL ? g_object_ref (self->owner) : NULL;
}

/* ---- who holds the I/O ---- */

gboolean
_msgpack_rpc_link_enter_io (MsgpackRpcLink *self,
                            Wants           wants)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  while (self->io_thread != NULL)
    {
      if (wants == WANTS_NOTHING || (self->io_thread == g_thread_self () && wants != WANTS_TO_WRITE))
        return FALSE;
      if (self->nested != NULL || wants == WANTS_TO_WRITE)
        {
          self->io_wanted |= wants;
          return FALSE;
        }
      self->n_waiting_for_io++;
      g_cond_wait (&self->io_released, &self->lock);
      self->n_waiting_for_io--;
    }

  self->io_thread = g_thread_self ();
  return TRUE;
}

static void close_transport (MsgpackRpcLink *self);

/* Whether something of a link that has ended is still to be told so. The lock is held. */
static gboolean
is_untold (MsgpackRpcLink *self)
{
  if (self->state != STATE_ENDED)
    return FALSE;
  return (self->transport != NULL && !self->transport_closed) ||
         (self->opening != NULL && !g_cancellable_is_cancelled (self->opening->cancellable));
}

static gboolean
enter_again (MsgpackRpcLink *self,
             gboolean        untold,
             gboolean        unwritten)
{
  if (!unwritten)
    return untold && _msgpack_rpc_link_enter_io (self, WANTS_NOTHING);
  if (!_msgpack_rpc_link_enter_io (self, WANTS_TO_WRITE))
    return FALSE;

  _msgpack_rpc_link_write_output (self);
  _msgpack_rpc_link_settle (self);
  return TRUE;
}

/* Whoever has sent meanwhile, or ended the link, left the stream to the holder of the I/O. */
void
_msgpack_rpc_link_leave_io (MsgpackRpcLink *self)
{
  gboolean untold, unwritten, ended;
  guint n_writes = 0;
  Wants wanted;

  do
    {
      close_transport (self);

      g_mutex_lock (&self->lock);
      self->io_thread = NULL;
      untold = is_untold (self);
      wanted = self->io_wanted;
      ended = self->state == STATE_ENDED;
      self->io_wanted = WANTS_NOTHING;
      /* Those who send without end must not keep it here. */
      unwritten = (wanted & WANTS_TO_WRITE) != 0 && !ended;
      if (unwritten && ++n_writes > MAX_WRITES)
        {
          unwritten = FALSE;
          wanted |= WANTS_AS_WAITER | WANTS_AS_HOME;
        }
      if ((wanted & WANTS_AS_WAITER) != 0)
        _msgpack_rpc_link_wake_waiters (self);
      /* It is a system call, whether there is somebody to hear it or not. */
      if (self->n_waiting_for_io > 0)
        g_cond_signal (&self->io_released);
      g_mutex_unlock (&self->lock);

      /* What waits for its next turn holds a link, and this may have been its last. */
      if ((wanted & WANTS_AS_HOME) != 0 && ended)
        _msgpack_rpc_reactor_wake (self->reactor);
      else if ((wanted & WANTS_AS_HOME) != 0)
        _msgpack_rpc_link_work_later (self);
    }
  while (enter_again (self, untold, unwritten));
}

/* ---- ports ---- */

static gboolean input_ready (gpointer     owner,
                             GIOCondition condition);
static gboolean port_ready  (gpointer     owner,
                             GIOCondition condition);

static void
set_port (MsgpackRpcLink *self,
          guint           i,
          int             fd,
          GIOCondition    condition,
          gboolean        keep,
          gboolean        is_output)
{
  MsgpackRpcPortFunc func = is_output ? port_ready : input_ready;

  if (!keep && self->ports[i] != NULL)
    _msgpack_rpc_reactor_remove_port (self->reactor, g_steal_pointer (&self->ports[i]));
  else if (keep && self->ports[i] == NULL)
    self->ports[i] = _msgpack_rpc_reactor_add_port (self->reactor, self->lane, fd, condition,
                                                    func, G_OBJECT (self));
  else if (keep)
    _msgpack_rpc_reactor_modify_port (self->reactor, self->ports[i], condition);
}

/* A pause is often over before more has come, so polling goes on until there is something that must
 * wait: to stop and to begin again wakes the context each time. */
static gboolean
polls_input (MsgpackRpcLink *self)
{
  if (self->paused == 0)
    self->input_waits = FALSE;

  return _msgpack_rpc_link_reads_input (self) ||
         ((self->state == STATE_CONNECTED || self->state == STATE_DISMISSED) &&
          self->ports[0] != NULL && !self->input_waits);
}

static GIOCondition
wanted_condition (MsgpackRpcLink *self)
{
  GIOCondition condition = 0;

  if (polls_input (self))
    condition |= G_IO_IN;
  if (!_msgpack_rpc_output_is_empty (&self->output) && !self->write_failed)
    condition |= G_IO_OUT;
  return condition;
}

static int
wanted_hangup_fd (MsgpackRpcLink *self)
{
  return self->input_waits ? _msgpack_rpc_link_get_hangup_fd (self) : -1;
}

/* Polls what the state asks for. A descriptor that is watched for nothing still reports that the
 * peer is gone, over and over, so it is only kept where that is wanted: that for output, while the
 * last requests are being answered, or reading pauses for answers. The lock is held. */
void
_msgpack_rpc_link_update_ports (MsgpackRpcLink *self)
{
  GIOCondition condition = wanted_condition (self);
  GPollFD fds[2];
  guint n;

  if (self->transport == NULL || !_msgpack_rpc_link_has_stream (self))
    return;

  /* Output that is corked is written in the next turn anyway. */
  if (self->corked)
    condition &= ~G_IO_OUT;

  n = self->transport->klass->get_fds (self->transport, condition, fds);
  for (guint i = 0; i < n; i++)
    {
      gboolean is_output = i == n - 1;

      set_port (self, i, fds[i].fd, fds[i].events,
                fds[i].events != 0 ||
                  (is_output && (self->state == STATE_HALF_CLOSED || wanted_hangup_fd (self) >= 0)),
                is_output);
    }
  if (n == 0)
    set_port (self, 0, wanted_hangup_fd (self), 0, wanted_hangup_fd (self) >= 0, TRUE);
}

static void
remove_ports (MsgpackRpcLink *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->ports); i++)
    if (self->ports[i] != NULL)
      _msgpack_rpc_reactor_remove_port (self->reactor, g_steal_pointer (&self->ports[i]));
}

/* ---- the end ---- */

void
_msgpack_rpc_link_drop_private_context (MsgpackRpcLink *self)
{
  GSource *nested;
  MsgpackRpcPort *port;

  g_mutex_lock (&self->lock);
  nested = g_steal_pointer (&self->nested);
  port = g_steal_pointer (&self->nested_port);
  g_mutex_unlock (&self->lock);

  if (nested != NULL)
    {
      _msgpack_rpc_reactor_remove_port (self->reactor, port);
      _msgpack_rpc_nested_source_destroy (nested);
      g_source_unref (nested);
    }
}

/* If the link has ended, stops opening, or closes the stream, and frees it once nothing is pending on
 * it. By the holder of the I/O: GLib loses what is cancelled while another thread begins to wait
 * for it. */
static void
close_transport (MsgpackRpcLink *self)
{
  g_autoptr(GCancellable) opening = NULL;
  MsgpackRpcTransport *transport;
  gboolean ended, closed;

  g_mutex_lock (&self->lock);
  ended = self->state == STATE_ENDED;
  transport = self->transport;
  closed = self->transport_closed;
  if (ended)
    opening = _msgpack_rpc_link_stop_opening (self);
  self->transport_closed = ended && transport != NULL;
  g_mutex_unlock (&self->lock);

  if (!ended)
    return;

  /* What it holds will never be whole. */
  g_clear_object (&self->unpacker);
  _msgpack_rpc_link_charge (self, CHARGE_INPUT, 0);
  g_cancellable_cancel (opening);
  if (transport != NULL)
    {
      if (!closed)
        transport->klass->close (transport);
      if (!transport->klass->is_idle (transport))
        return;

      g_mutex_lock (&self->lock);
      self->transport = NULL;
      self->transport_closed = FALSE;
      g_mutex_unlock (&self->lock);
      transport->klass->free (transport);
    }

  if (opening == NULL)
    _msgpack_rpc_link_drop_private_context (self);
}

/* Where closing puts what it takes out of the queue. The lock is held. */
static GPtrArray *
get_unsent (MsgpackRpcLink *self)
{
  if (self->unsent == NULL)
    self->unsent = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  return self->unsent;
}

static GVariant *
make_unsent (MsgpackRpcLink *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("av"));
  for (guint i = 0; i < self->unsent->len; i++)
    g_variant_builder_add (&builder, "v", g_ptr_array_index (self->unsent, i));
  g_ptr_array_set_size (self->unsent, 0);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

void
_msgpack_rpc_link_end (MsgpackRpcLink *self,
                       const GError   *error)
{
  g_autoptr(GVariant) incomplete = NULL;
  g_autoptr(GVariant) unsent = NULL;
  g_autoptr(GObject) owner = NULL;
  gboolean opened;

  g_mutex_lock (&self->lock);
  if (self->state == STATE_ENDED)
    {
      g_mutex_unlock (&self->lock);
      return;
    }

  if (self->error == NULL && error != NULL)
    self->error = g_error_copy (error);
  opened = _msgpack_rpc_link_has_stream (self);
  incomplete = _msgpack_rpc_output_clear (&self->output, FALSE, get_unsent (self));
  unsent = make_unsent (self);
  _msgpack_rpc_link_update_congestion (self);
  _msgpack_rpc_link_set_state (self, STATE_ENDED, self->error);
  remove_ports (self);
  if (self->owner != NULL)
    owner = g_object_ref (self->owner);
  g_mutex_unlock (&self->lock);

  if (self->budget != NULL)
    _msgpack_rpc_budget_leave (self->budget, self);
  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->close_timer);
  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->handshake_timer);
  _msgpack_rpc_link_stop_idle (self);
  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->stall_timer);
  _msgpack_rpc_reactor_stop_timer (self->reactor, &self->due_timer);
  _msgpack_rpc_reactor_uncork (self->reactor, G_OBJECT (self));
  if (owner != NULL)
    self->funcs->ended (owner, self->error, opened, incomplete, unsent);

  /* Whoever holds the I/O does the rest when it has finished. */
  if (_msgpack_rpc_link_enter_io (self, WANTS_NOTHING))
    _msgpack_rpc_link_leave_io (self);
}

/* Besides what it has given to the link. The lock is held. */
static gboolean
owner_has_output (MsgpackRpcLink *self)
{
  return self->funcs->has_output != NULL && self->owner != NULL &&
         self->funcs->has_output (self->owner);
}

static void
close_timed_out (gpointer owner)
{
  MsgpackRpcLink *self = owner;
  g_autoptr(GError) error = NULL;
  gboolean has_output;

  g_mutex_lock (&self->lock);
  has_output = owner_has_output (self);
  g_mutex_unlock (&self->lock);

  error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
                               has_output
                               ? _("Closing took too long: a message was not finished")
                               : _("Closing took too long: the peer does not read"));
  _msgpack_rpc_link_end (self, error);
}

/* ---- doing the I/O ---- */

static void
iterate_private_context (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = NULL;
  MsgpackRpcWaiter *poller;

  if (self->context == NULL)
    return;

  _msgpack_rpc_link_open_if_due (self);
  /* Whoever polls it asks anew what it waits for, and finds the rest. */
  if (_msgpack_rpc_nested_context_iterate (self->context))
    _msgpack_rpc_reactor_wake (self->reactor);

  locker = g_mutex_locker_new (&self->lock);
  /* What it polls may be out of date now, and what would have woken it is taken. */
  poller = g_queue_peek_head (&self->waiters);
  if (poller != NULL && !_msgpack_rpc_waiter_is_mine (poller))
    _msgpack_rpc_waiter_wake (poller);
  if (self->nested == NULL)
    g_clear_pointer (&self->context, g_main_context_unref);
}

static gboolean
can_end (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!_msgpack_rpc_output_is_empty (&self->output))
    return FALSE;
  if (owner_has_output (self))
    return FALSE;
  if (self->state == STATE_HALF_CLOSED)
    return self->owner == NULL || !self->funcs->is_busy (self->owner);
  return self->state == STATE_CLOSING && !_msgpack_rpc_link_lingers (self);
}

void
_msgpack_rpc_link_settle (MsgpackRpcLink *self)
{
  g_return_if_fail (MSGPACK_RPC_IS_LINK (self));

  if (can_end (self))
    _msgpack_rpc_link_end (self, NULL);

  g_mutex_lock (&self->lock);
  _msgpack_rpc_link_update_ports (self);
  g_mutex_unlock (&self->lock);
}

static void
do_io (MsgpackRpcLink *self,
       gpointer        owner)
{
  gboolean connected;

  iterate_private_context (self);

  g_mutex_lock (&self->lock);
  connected = _msgpack_rpc_link_has_stream (self) && self->transport != NULL;
  g_mutex_unlock (&self->lock);
  if (!connected)
    return;

  _msgpack_rpc_link_write_output (self);
  if (!_msgpack_rpc_link_parse_input (self, owner))
    _msgpack_rpc_link_look_for_peer (self);
  else if (_msgpack_rpc_link_may_read (self) && self->funcs->wants_input (owner))
    _msgpack_rpc_link_read_input (self, owner);
  _msgpack_rpc_link_read_leftovers (self, owner);
}

/* The reactor's timers do the same, if its context is run. */
static void
act_if_due (MsgpackRpcLink *self)
{
  gboolean closed, stalled, due, lacks_context;

  g_mutex_lock (&self->lock);
  closed = self->state == STATE_CLOSING && g_get_monotonic_time () >= self->close_deadline;
  stalled = _msgpack_rpc_link_has_stalled (self);
  due = self->due_time != G_MAXINT64 && g_get_monotonic_time () >= self->due_time;
  lacks_context = _msgpack_rpc_link_lacks_context (self);
  g_mutex_unlock (&self->lock);

  if (lacks_context)
    _msgpack_rpc_link_open_later (self, 0);
  else if (closed)
    close_timed_out (self);
  else if (stalled)
    _msgpack_rpc_link_check_stall (self);
  else if (due)
    _msgpack_rpc_link_check_due (self);
}

/* Whether it should have another turn: there was something to read, or is more to write. A thread that
 * waits parses all of it: its reply may be the last. */
static gboolean
work (MsgpackRpcLink *self,
      Wants           wants)
{
  g_autoptr(GObject) owner = _msgpack_rpc_link_ref_owner (self);
  gboolean goes_on;

  if (!_msgpack_rpc_link_enter_io (self, wants))
    return FALSE;

  self->turn_end = 0;
  if (wants == WANTS_AS_HOME)
    self->turn_end = g_get_monotonic_time () + MSGPACK_RPC_REACTOR_BUDGET;
  self->goes_on = FALSE;
  if (owner != NULL)
    do_io (self, owner);
  else
    iterate_private_context (self);
  goes_on = self->goes_on;
  _msgpack_rpc_link_charge (self, CHARGE_INPUT,
                            self->unpacker != NULL
                            ? _msgpack_rpc_unpacker_get_memory (self->unpacker) : 0);
  _msgpack_rpc_link_rest_input (self);

  _msgpack_rpc_link_settle (self);
  _msgpack_rpc_link_leave_io (self);
  _msgpack_rpc_link_watch_idle (self);
  _msgpack_rpc_link_enforce_budget (self);
  if (goes_on)
    _msgpack_rpc_link_wake_serving (self);
  return goes_on;
}

gboolean
_msgpack_rpc_link_work (MsgpackRpcLink *self)
{
  return work (self, WANTS_AS_HOME);
}

/* Of a descriptor that is for input alone. That its other end is closed says nothing of output. */
static gboolean
input_ready (gpointer     owner,
             GIOCondition condition)
{
  MsgpackRpcLink *self = owner;

  g_mutex_lock (&self->lock);
  if (self->paused != 0 && (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) != 0)
    {
      self->input_waits = TRUE;
      _msgpack_rpc_link_update_ports (self);
    }
  g_mutex_unlock (&self->lock);

  return _msgpack_rpc_link_work (self);
}

static gboolean
port_ready (gpointer     owner,
            GIOCondition condition)
{
  MsgpackRpcLink *self = owner;
  gboolean goes_on = input_ready (owner, condition);
  gboolean gone;

  g_mutex_lock (&self->lock);
  gone = self->state == STATE_HALF_CLOSED && (condition & (G_IO_HUP | G_IO_ERR)) != 0;
  g_mutex_unlock (&self->lock);

  /* Nothing is left to read, and nobody to answer. */
  if (gone)
    _msgpack_rpc_link_end (self, NULL);
  return goes_on;
}

/* ---- the private context ---- */

/* Whoever polls it meanwhile iterates it, too: the holder of the I/O alone touches the context. */
static int
query_private_context (MsgpackRpcLink *self,
                       GArray         *fds,
                       Wants           wants)
{
  int timeout = -1;

  if (!_msgpack_rpc_link_enter_io (self, wants))
    return -1;

  if (self->context != NULL)
    timeout = _msgpack_rpc_link_get_open_timeout (self);
  if (self->context != NULL && timeout != 0)
    timeout = _msgpack_rpc_shorter_timeout (
      timeout, _msgpack_rpc_nested_context_query (self->context, fds));
  _msgpack_rpc_link_leave_io (self);
  return timeout;
}

static int
query_for_home (gpointer  owner,
                GArray   *fds)
{
  return query_private_context (owner, fds, WANTS_AS_HOME);
}

/* ---- threads that wait ---- */

void
_msgpack_rpc_link_add_waiter (MsgpackRpcLink   *self,
                              MsgpackRpcWaiter *waiter,
                              gboolean          serves)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->n_serving += serves ? 1 : 0;
  g_queue_push_tail (&self->waiters, waiter);
}

void
_msgpack_rpc_link_remove_waiter (MsgpackRpcLink   *self,
                                 MsgpackRpcWaiter *waiter,
                                 gboolean          serves)
{
  gboolean was_poller, nested;

  g_mutex_lock (&self->lock);
  was_poller = g_queue_peek_head (&self->waiters) == waiter;
  g_queue_remove (&self->waiters, waiter);
  self->n_serving -= serves ? 1 : 0;
  nested = self->nested != NULL;
  if (was_poller && nested && self->waiters.head != NULL)
    _msgpack_rpc_waiter_wake (self->waiters.head->data);
  g_mutex_unlock (&self->lock);

  /* The same holds for the reactor's context: what it polls may be out of date. */
  if (was_poller && nested)
    _msgpack_rpc_reactor_wake (self->reactor);
}

/* Handlers that wait and serve could be called within one another until the stack is full. */
gboolean
_msgpack_rpc_link_is_too_deep (MsgpackRpcLink *self)
{
  return _msgpack_rpc_reactor_get_depth (self->reactor) >=
         _msgpack_rpc_limits_get (self->limits, MSGPACK_RPC_LIMIT_MAX_NESTED_WAITS);
}

gboolean
_msgpack_rpc_link_serve (MsgpackRpcLink *self)
{
  return !_msgpack_rpc_link_is_too_deep (self) &&
         _msgpack_rpc_reactor_serve (self->reactor, self->lane);
}

/* Another thread may be the one to deliver what was read. */
void
_msgpack_rpc_link_wake_serving (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->n_serving > 0)
    _msgpack_rpc_link_wake_others (self);
}

gboolean
_msgpack_rpc_link_is_held (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->io_thread == g_thread_self ();
}

void
_msgpack_rpc_link_work_waiting (MsgpackRpcLink *self)
{
  act_if_due (self);
  work (self, WANTS_AS_WAITER);
}

/* Milliseconds until an orderly close, or the peer, has taken too long, or there may be descriptors. The
 * lock is held. */
static int
get_timeout (MsgpackRpcLink *self)
{
  gint64 deadline = MIN (self->stall_deadline, self->due_time);
  gint64 left;

  if (_msgpack_rpc_link_lacks_context (self))
    return _msgpack_rpc_link_get_context_timeout (self);
  if (self->state == STATE_CLOSING)
    deadline = MIN (deadline, _msgpack_rpc_link_get_close_deadline (self));
  if (deadline == G_MAXINT64)
    return -1;

  left = deadline - g_get_monotonic_time ();
  return left <= 0 ? 0 : (int) MIN ((left + 999) / 1000, G_MAXINT);
}

/* Of several threads that waited for the private context, one would take what should wake another:
 * only the first of them waits for it. */
int
_msgpack_rpc_link_query (MsgpackRpcLink   *self,
                         MsgpackRpcWaiter *waiter,
                         GArray           *fds)
{
  int timeout, nested_timeout;
  gboolean is_poller;

  g_return_val_if_fail (MSGPACK_RPC_IS_LINK (self), -1);

  g_mutex_lock (&self->lock);
  if (self->transport != NULL && _msgpack_rpc_link_has_stream (self))
    {
      GPollFD own[2];
      GIOCondition condition = wanted_condition (self);
      GPollFD hangup = { .fd = _msgpack_rpc_link_get_hangup_fd (self) };
      guint n;

      /* What is not read stays ready. */
      if (self->owner == NULL || !self->funcs->wants_input (self->owner) ||
          !_msgpack_rpc_link_reads_input (self))
        condition &= ~G_IO_IN;
      n = self->transport->klass->get_fds (self->transport, condition, own);

      for (guint i = 0; i < n; i++)
        if (own[i].events != 0)
          g_array_append_val (fds, own[i]);
      if (hangup.fd >= 0)
        g_array_append_val (fds, hangup);
    }
  is_poller = self->nested != NULL && g_queue_peek_head (&self->waiters) == waiter;
  timeout = get_timeout (self);
  g_mutex_unlock (&self->lock);

  nested_timeout = is_poller ? query_private_context (self, fds, WANTS_AS_WAITER) : -1;
  return _msgpack_rpc_shorter_timeout (timeout, nested_timeout);
}

static void
work_cb (gpointer owner)
{
  _msgpack_rpc_link_work (owner);
}

static void
nested_ready (gpointer owner)
{
  MsgpackRpcLink *self = owner;
  gint64 start = g_get_monotonic_time ();

  _msgpack_rpc_link_work (self);
  _msgpack_rpc_reactor_charge (self->reactor, self->lane, g_get_monotonic_time () - start);
}

void
_msgpack_rpc_link_work_later (MsgpackRpcLink *self)
{
  _msgpack_rpc_reactor_cork (self->reactor, work_cb, G_OBJECT (self));
}

/* It is polled by the reactor's context, and by a thread that waits. The lock is
 * held. */
gboolean
_msgpack_rpc_link_start_private_context (MsgpackRpcLink  *self,
                                         GError         **error)
{
  if (self->nested != NULL)
    return TRUE;

  if (self->context == NULL)
    self->context = _msgpack_rpc_nested_context_new (error);
  if (self->context == NULL)
    return FALSE;

  self->nested = _msgpack_rpc_nested_source_new (query_for_home, nested_ready, G_OBJECT (self));
  self->nested_port = _msgpack_rpc_reactor_add_source (self->reactor, self->lane, self->nested,
                                                       input_ready, G_OBJECT (self));
  g_source_attach (self->nested, _msgpack_rpc_reactor_get_context (self->reactor));
  return TRUE;
}

/* Nagle's algorithm makes a request wait for the acknowledgement of the one before: 40 ms. */
static void
disable_delay (GIOStream *stream)
{
  GSocket *socket = _msgpack_rpc_transport_get_socket (stream);

  if (socket != NULL && g_socket_get_family (socket) != G_SOCKET_FAMILY_UNIX)
    g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
}

static MsgpackRpcTransport *
choose_transport (MsgpackRpcLink  *self,
                  GIOStream       *stream,
                  GError         **error)
{
  MsgpackRpcTransport *transport;
  gboolean started;

  disable_delay (stream);
  transport = _msgpack_rpc_fd_transport_new (stream);
  if (transport == NULL)
    {
      g_mutex_lock (&self->lock);
      started = _msgpack_rpc_link_start_private_context (self, error);
      g_mutex_unlock (&self->lock);
      if (!started)
        return NULL;
      transport = _msgpack_rpc_pollable_transport_new (stream, self->context);
    }
  if (transport == NULL)
    transport = _msgpack_rpc_async_transport_new (stream, self->context);

  _msgpack_rpc_debug_event (MSGPACK_RPC_DEBUG_STATUS, self->id, "%s transport for a %s",
                            transport->klass->name, G_OBJECT_TYPE_NAME (stream));
  return transport;
}

void
_msgpack_rpc_link_attach (MsgpackRpcLink *self,
                          GIOStream      *stream)
{
  g_autoptr(GError) error = NULL;
  MsgpackRpcTransport *transport = choose_transport (self, stream, &error);
  gboolean ended, has_port;

  if (transport == NULL)
    {
      /* The peer would wait for as long as somebody has the stream. */
      g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, NULL, NULL);
      _msgpack_rpc_link_end (self, error);
      return;
    }

  _msgpack_rpc_link_expect_handshake (self, stream);
  g_mutex_lock (&self->lock);
  g_assert (self->transport == NULL);
  self->transport = transport;
  ended = self->state == STATE_ENDED;
  if (!ended)
    {
      _msgpack_rpc_link_set_state (self, STATE_CONNECTED, NULL);
      _msgpack_rpc_link_update_ports (self);
    }
  has_port = self->ports[0] != NULL;
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_link_watch_idle (self);
  /* It was closed meanwhile: whoever holds the I/O closes the late stream too. */
  if (ended && _msgpack_rpc_link_enter_io (self, WANTS_NOTHING))
    _msgpack_rpc_link_leave_io (self);
  /* Nothing tells that there is something to read before somebody has tried. */
  if (!ended && !has_port)
    _msgpack_rpc_link_work_later (self);
}

/* ---- closing ---- */

void
_msgpack_rpc_link_start_closing (MsgpackRpcLink      *self,
                                 MsgpackRpcCloseMode  mode)
{
  if (mode == MSGPACK_RPC_CLOSE_MODE_FINISH_MESSAGE)
    {
      g_autoptr(GVariant) started = NULL;

      started = _msgpack_rpc_output_clear (&self->output, TRUE, get_unsent (self));
      g_assert (started == NULL);
      _msgpack_rpc_link_update_congestion (self);
    }

  if (self->state == STATE_CLOSING)
    return;

  self->close_deadline = _msgpack_rpc_limits_get_deadline (self->limits,
                                                           MSGPACK_RPC_LIMIT_CLOSE_TIMEOUT);
  _msgpack_rpc_link_set_state (self, STATE_CLOSING, NULL);
  if (self->close_deadline != G_MAXINT64)
    _msgpack_rpc_reactor_start_timer (self->reactor, &self->close_timer, self->close_deadline);
}

void
_msgpack_rpc_link_close (MsgpackRpcLink      *self,
                         MsgpackRpcCloseMode  mode,
                         const GError        *error)
{
  gboolean orderly;

  g_return_if_fail (MSGPACK_RPC_IS_LINK (self));

  g_mutex_lock (&self->lock);
  orderly = _msgpack_rpc_link_has_stream (self) && mode != MSGPACK_RPC_CLOSE_MODE_NOW;
  if (orderly && error != NULL && self->error == NULL)
    self->error = g_error_copy (error);
  if (orderly)
    _msgpack_rpc_link_start_closing (self, mode);
  g_mutex_unlock (&self->lock);

  if (!orderly)
    {
      _msgpack_rpc_link_end (self, error);
      return;
    }

  _msgpack_rpc_link_try_write (self);
  _msgpack_rpc_link_settle (self);
}

static gboolean
may_report (MsgpackRpcLink *self)
{
  return !self->is_quiet ||
         _msgpack_rpc_statistics_get (self->statistics, MSGPACK_RPC_STATISTIC_REQUESTS) > 0;
}

/* Queues an error reply of the id 0. Returns whether this thread holds the I/O. */
static gboolean
push_failure (MsgpackRpcLink *self,
              const GError   *error)
{
  const gint64 number = 0;
  const MsgpackRpcPiece msgid = _msgpack_rpc_piece_of_int (&number);
  g_autoptr(GVariant) text = g_variant_ref_sink (g_variant_new_string (error->message));
  MsgpackRpcPackFlags flags = _msgpack_rpc_settings_get_pack_flags (self->settings);
  g_autoptr(MsgpackRpcPacked) packed = NULL;
  g_autoptr(MsgpackRpcPacked) framed = NULL;
  g_autoptr(GMutexLocker) locker = NULL;

  if (may_report (self))
    packed = _msgpack_rpc_message_pack_response (&msgid, text, NULL, flags, NULL);
  framed = packed != NULL ? _msgpack_rpc_link_frame (self, packed) : NULL;

  locker = g_mutex_locker_new (&self->lock);
  /* A peer that speaks something else would not understand it. */
  if (packed != NULL && self->output.position == NULL &&
      (self->state == STATE_CONNECTED || self->state == STATE_HALF_CLOSED))
    _msgpack_rpc_output_push (&self->output, framed != NULL ? framed : packed, NULL);
  return self->io_thread == g_thread_self ();
}

void
_msgpack_rpc_link_fail (MsgpackRpcLink *self,
                        const GError   *error)
{
  g_return_if_fail (MSGPACK_RPC_IS_LINK (self));

  if (push_failure (self, error))
    _msgpack_rpc_link_write_output (self);
  else
    _msgpack_rpc_link_try_write (self);
  _msgpack_rpc_link_end (self, error);
}

void
_msgpack_rpc_link_refuse (MsgpackRpcLink *self,
                          const GError   *error)
{
  g_return_if_fail (MSGPACK_RPC_IS_LINK (self));

  push_failure (self, error);
  _msgpack_rpc_link_close (self, MSGPACK_RPC_CLOSE_MODE_FINISH_QUEUE, error);
}

/* ---- the object ---- */

MsgpackRpcConnectionStatus
_msgpack_rpc_link_get_status (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return state_to_status (self->state);
}

MsgpackRpcStatistics *
_msgpack_rpc_link_get_statistics (MsgpackRpcLink *self)
{
  return self->statistics;
}

gboolean
_msgpack_rpc_link_has_ended (MsgpackRpcLink *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->state == STATE_ENDED;
}

void
_msgpack_rpc_link_set_quiet (MsgpackRpcLink *self)
{
  self->is_quiet = TRUE;
}

void
_msgpack_rpc_link_set_lane (MsgpackRpcLink *self,
                            gconstpointer   lane)
{
  self->lane = lane;
}

gconstpointer
_msgpack_rpc_link_get_lane (MsgpackRpcLink *self)
{
  return self->lane;
}

void
_msgpack_rpc_link_disown (MsgpackRpcLink *self)
{
  g_mutex_lock (&self->lock);
  self->owner = NULL;
  g_mutex_unlock (&self->lock);

  /* Nobody may ever run the context again, which would be kept by what is pending in it. */
  if (_msgpack_rpc_link_enter_io (self, WANTS_NOTHING))
    {
      iterate_private_context (self);
      _msgpack_rpc_link_leave_io (self);
    }
}

MsgpackRpcLink *
_msgpack_rpc_link_new (GObject                        *owner,
                       guint64                         id,
                       const MsgpackRpcLinkOwnerFuncs *funcs,
                       MsgpackRpcReactor              *reactor,
                       MsgpackRpcSettings             *settings,
                       MsgpackRpcLimits               *limits)
{
  MsgpackRpcLink *self = g_object_new (MSGPACK_RPC_TYPE_LINK, NULL);

  self->id = id;
  self->owner = owner;
  self->funcs = funcs;
  self->lane = self;
  self->reactor = _msgpack_rpc_reactor_ref (reactor);
  self->settings = _msgpack_rpc_settings_ref (settings);
  self->limits = g_object_ref (limits);
  if (funcs->bytes != NULL)
    self->output.position = g_new0 (MsgpackRpcOutputPosition, 1);
  return self;
}

static void
msgpack_rpc_link_finalize (GObject *object)
{
  MsgpackRpcLink *self = MSGPACK_RPC_LINK (object);

  g_assert (self->state == STATE_NEW || self->state == STATE_ENDED);
  g_assert (self->owner == NULL);
  g_assert (self->io_thread == NULL);
  g_assert (self->transport == NULL);
  g_assert (self->nested == NULL);
  g_assert (self->opening == NULL);
  g_assert (self->nested_port == NULL);
  g_assert (self->waiters.head == NULL);
  g_assert (_msgpack_rpc_output_is_empty (&self->output));

  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_pointer (&self->early_input, g_bytes_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->unsent, g_ptr_array_unref);
  g_free (self->output.position);
  g_clear_object (&self->handshake);
  g_free (self->idle);
  g_clear_object (&self->unpacker);
  _msgpack_rpc_link_drop_budget (self);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->io_released);
  _msgpack_rpc_reactor_unref (self->reactor);
  _msgpack_rpc_settings_unref (self->settings);
  g_object_unref (self->limits);
  g_atomic_rc_box_release (self->statistics);

  G_OBJECT_CLASS (_msgpack_rpc_link_parent_class)->finalize (object);
}

static void
_msgpack_rpc_link_class_init (MsgpackRpcLinkClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = msgpack_rpc_link_finalize;
  _msgpack_rpc_debug_init ();
}

static void
_msgpack_rpc_link_init (MsgpackRpcLink *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->io_released);
  g_queue_init (&self->waiters);
  self->statistics = g_atomic_rc_box_new0 (MsgpackRpcStatistics);
  _msgpack_rpc_output_init (&self->output);
  self->close_timer.func = close_timed_out;
  self->close_timer.owner = G_OBJECT (self);
  self->handshake_timer.func = _msgpack_rpc_link_check_handshake;
  self->handshake_timer.owner = G_OBJECT (self);
  self->stall_timer.func = _msgpack_rpc_link_check_stall;
  self->stall_timer.owner = G_OBJECT (self);
  self->stall_deadline = G_MAXINT64;
  self->due_timer.func = _msgpack_rpc_link_check_due;
  self->due_timer.owner = G_OBJECT (self);
  self->due_time = G_MAXINT64;
}
