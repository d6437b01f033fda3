/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "tool-bench-load.h"

#include <glib/gi18n.h>

#include "tool-alarm.h"
#include "tool-pace.h"

/* Of a client whose connection is known to be lost. */
#define LOST "msgpackrpc-lost"

/* A place for a call in flight. */
typedef struct
{
  ToolBenchLoad *load;
  MsgpackRpcPeer *peer; /* a client; owned by the load */
  guint64 start;        /* when the call was to begin */
} Slot;

struct _ToolBenchLoad
{
  const ToolRequest *request;
  ToolBenchPlan plan;

  MsgpackRpcClient **clients;
  MsgpackRpcConnection **connections; /* NULL until they are open */
  guint n_open;
  guint n_opening;
  GCancellable *opening;
  GError *open_error;

  Slot *slots;
  guint n_slots;
  /* Those without a call: a ring, so that the connections take turns. */
  Slot **free;
  guint first_free;
  guint n_free;
  GSource *alarm; /* the next call that is due, or the end */
  guint64 alarm_time;

  guint64 begin;
  guint64 measure_from;
  guint64 end;
  guint64 n_started;
  guint64 n_measured; /* among them, those that are in the result */
  gboolean is_measuring;
  gboolean is_stopped; /* begins no more calls */
  gboolean is_closing; /* those in flight end as closed */

  ToolBenchResult result;
};

static void start_calls (ToolBenchLoad *self,
                         guint64        now);

static guint64
add_times (guint64 a,
           guint64 b)
{
  return a + MIN (b, G_MAXUINT64 - a);
}

static void
make_slots (ToolBenchLoad *self)
{
  self->n_slots = self->plan.n_connections * self->plan.n_in_flight;
  self->slots = g_new0 (Slot, self->n_slots);
  self->free = g_new0 (Slot *, self->n_slots);
  self->n_free = self->n_slots;

  for (guint i = 0; i < self->n_slots; i++)
    {
      self->slots[i].load = self;
      self->slots[i].peer = MSGPACK_RPC_PEER (self->clients[i % self->plan.n_connections]);
      self->free[i] = &self->slots[i];
    }
}

static void
status_changed_cb (MsgpackRpcClient           *client,
                   MsgpackRpcConnectionStatus  old_status G_GNUC_UNUSED,
                   MsgpackRpcConnectionStatus  new_status,
                   const GError               *error G_GNUC_UNUSED,
                   gpointer                    user_data G_GNUC_UNUSED)
{
  if (new_status == MSGPACK_RPC_CONNECTION_STATUS_DISCONNECTED)
    g_object_set_data (G_OBJECT (client), LOST, GINT_TO_POINTER (TRUE));
}

ToolBenchLoad *
tool_bench_load_new (const ToolRequest    *request,
                     const ToolBenchPlan  *plan,
                     GError              **error)
{
  g_autoptr(ToolBenchLoad) self = g_new0 (ToolBenchLoad, 1);

  self->request = request;
  self->plan = *plan;
  self->opening = g_cancellable_new ();
  self->alarm = tool_alarm_new ();
  self->result.times = tool_histogram_new ();
  self->result.errors = tool_tally_new ();
  self->clients = g_new0 (MsgpackRpcClient *, plan->n_connections);
  self->connections = g_new0 (MsgpackRpcConnection *, plan->n_connections);

  for (guint i = 0; i < plan->n_connections; i++)
    {
      self->clients[i] = tool_target_new_client (request->target, request->address, error);
      if (self->clients[i] == NULL)
        return NULL;
      g_signal_connect (self->clients[i], "status-changed", G_CALLBACK (status_changed_cb), NULL);
    }
  make_slots (self);

  return g_steal_pointer (&self);
}

void
tool_bench_load_free (ToolBenchLoad *self)
{
  for (guint i = 0; i < self->plan.n_connections; i++)
    {
      g_clear_object (&self->connections[i]);
      g_clear_object (&self->clients[i]);
    }
  g_free (self->connections);
  g_free (self->clients);
  g_free (self->slots);
  g_free (self->free);
  g_source_destroy (self->alarm);
  g_source_unref (self->alarm);
  g_object_unref (self->opening);
  g_clear_error (&self->open_error);
  tool_histogram_free (self->result.times);
  tool_tally_free (self->result.errors);
  g_clear_error (&self->result.lost);
  g_free (self);
}

/* A peer that takes so many and no more does not say so. */
static void
explain (const ToolBenchLoad  *self,
         guint                 n_open,
         GError              **error)
{
  if (n_open > 0)
    /* Translators: two numbers; a colon and why there are not more follow */
    g_prefix_error (error, _("Only %u of %u connections could be made: "), n_open,
                    self->plan.n_connections);
}

static void
opened_cb (GObject      *source,
           GAsyncResult *result,
           gpointer      user_data)
{
  ToolBenchLoad *self = user_data;
  g_autoptr(GError) error = NULL;

  self->n_opening--;
  if (msgpack_rpc_client_open_finish (MSGPACK_RPC_CLIENT (source), result, &error))
    {
      self->n_open++;
      return;
    }

  if (self->open_error == NULL)
    {
      if (!self->result.was_interrupted)
        explain (self, self->n_open, &error);
      self->open_error = g_steal_pointer (&error);
    }
  /* The others cannot make up for it. */
  g_cancellable_cancel (self->opening);
}

/* That it is lost can be seen before it is told, and why with that. */
static GError *
await_reason (MsgpackRpcClient *client)
{
  GError *reason;

  while (g_object_get_data (G_OBJECT (client), LOST) == NULL)
    g_main_context_iteration (NULL, TRUE);

  reason = msgpack_rpc_client_get_last_error (client);
  if (reason == NULL)
    reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CLOSED,
                                  _("The peer closed the connection"));
  return reason;
}

/* A connection may be lost as soon as it is there. */
static gboolean
take_connections (ToolBenchLoad  *self,
                  GError        **error)
{
  MsgpackRpcClient *lost = NULL;
  guint n_open = 0;

  for (guint i = 0; i < self->plan.n_connections; i++)
    {
      self->connections[i] = msgpack_rpc_client_get_connection (self->clients[i]);
      if (self->connections[i] != NULL)
        n_open++;
      else
        lost = self->clients[i];
    }
  if (lost == NULL)
    return TRUE;

  g_propagate_error (error, await_reason (lost));
  explain (self, n_open, error);
  return FALSE;
}

gboolean
tool_bench_load_open (ToolBenchLoad  *self,
                      GError        **error)
{
  self->n_opening = self->plan.n_connections;
  for (guint i = 0; i < self->plan.n_connections; i++)
    msgpack_rpc_client_open_async (self->clients[i], self->opening, opened_cb, self);
  while (self->n_opening > 0)
    g_main_context_iteration (NULL, TRUE);

  if (self->open_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->open_error));
      return FALSE;
    }

  return take_connections (self, error);
}

static void
count_bytes (ToolBenchLoad *self,
             guint64       *sent,
             guint64       *received)
{
  *sent = *received = 0;
  for (guint i = 0; i < self->plan.n_connections; i++)
    {
      g_autoptr(GVariant) statistics = NULL;
      guint64 n;

      statistics = msgpack_rpc_connection_get_statistics (self->connections[i]);
      if (g_variant_lookup (statistics, "sent-bytes", "t", &n))
        *sent += n;
      if (g_variant_lookup (statistics, "received-bytes", "t", &n))
        *received += n;
    }
}

static void
begin_measuring (ToolBenchLoad *self,
                 guint64        start)
{
  self->is_measuring = TRUE;
  self->measure_from = start;
  count_bytes (self, &self->result.sent_bytes, &self->result.received_bytes);
}

static void
stop (ToolBenchLoad *self)
{
  self->is_stopped = TRUE;
}

/* Ends the calls in flight, too. */
static void
close_all (ToolBenchLoad *self)
{
  stop (self);
  if (self->is_closing)
    return;

  self->is_closing = TRUE;
  for (guint i = 0; i < self->plan.n_connections; i++)
    msgpack_rpc_client_close_async (self->clients[i], MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL,
                                    NULL);
}

void
tool_bench_load_interrupt (ToolBenchLoad *self)
{
  self->result.was_interrupted = TRUE;
  g_cancellable_cancel (self->opening);
  close_all (self);
}

/* What is no answer is the end, unless it is that none came in time. */
static gboolean
ends_run (ToolBenchLoad  *self,
          MsgpackRpcCall *call,
          const GError   *error)
{
  return msgpack_rpc_call_get_delivery (call) != MSGPACK_RPC_DELIVERY_ANSWERED &&
         !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
}

static void
note_error (ToolBenchLoad  *self,
            MsgpackRpcCall *call,
            const GError   *error)
{
  tool_tally_add (self->result.errors, error->message);
  if (msgpack_rpc_call_get_delivery (call) != MSGPACK_RPC_DELIVERY_ANSWERED)
    self->result.n_timed_out++;
}

static void
note_lost (ToolBenchLoad *self,
           gboolean       is_measured,
           const GError  *error)
{
  if (is_measured)
    self->result.n_unfinished++;
  if (!self->is_closing && self->result.lost == NULL)
    self->result.lost = g_error_copy (error);
  close_all (self);
}

static void
answered_cb (GObject      *source G_GNUC_UNUSED,
             GAsyncResult *result,
             gpointer      user_data)
{
  Slot *slot = user_data;
  ToolBenchLoad *self = slot->load;
  guint64 now = tool_pace_get_time ();
  gboolean is_measured = self->is_measuring && slot->start >= self->measure_from;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) value = msgpack_rpc_peer_call_finish (slot->peer, result, &error);

  if (value == NULL && ends_run (self, MSGPACK_RPC_CALL (result), error))
    note_lost (self, is_measured, error);
  else if (is_measured)
    {
      tool_histogram_add (self->result.times, now - slot->start);
      if (value == NULL)
        note_error (self, MSGPACK_RPC_CALL (result), error);
    }

  self->free[(self->first_free + self->n_free++) % self->n_slots] = slot;
  start_calls (self, now);
}

static void
start_call (ToolBenchLoad *self,
            guint64        start)
{
  Slot *slot = self->free[self->first_free];

  self->first_free = (self->first_free + 1) % self->n_slots;
  self->n_free--;

  if (!self->is_measuring && start >= self->measure_from)
    begin_measuring (self, start);
  if (self->is_measuring)
    self->n_measured++;
  self->n_started++;

  slot->start = start;
  msgpack_rpc_peer_call_async (slot->peer, self->request->method, self->request->params, NULL,
                               answered_cb, slot);
}

/* When the next call is to begin: with a rate, that does not depend on how late the answers are, so
 * that the time that a call waits until the peer has an answer for others is in what is measured. */
static guint64
get_next_start (ToolBenchLoad *self,
                guint64        now)
{
  if (self->plan.rate <= 0)
    return now;

  return add_times (self->begin, tool_pace_get_due (self->plan.rate, self->n_started));
}

static void
set_alarm (ToolBenchLoad *self,
           guint64        time)
{
  if (time == self->alarm_time)
    return;

  self->alarm_time = time;
  tool_alarm_set (self->alarm, time);
}

/* Those that were due before the end, but had no place. */
static guint64
count_not_started (ToolBenchLoad *self)
{
  if (self->plan.rate <= 0)
    return 0;

  return tool_pace_count_due (self->plan.rate, self->end - self->begin - 1) - self->n_started;
}

static void
start_calls (ToolBenchLoad *self,
             guint64        now)
{
  guint64 start = get_next_start (self, now);

  while (!self->is_stopped && self->n_free > 0 && start <= now && start < self->end)
    {
      start_call (self, start);
      if (self->n_measured >= self->plan.count)
        stop (self);
      start = get_next_start (self, now);
    }

  if (!self->is_stopped && now >= self->end)
    {
      self->result.n_not_started = count_not_started (self);
      stop (self);
    }

  if (!self->is_stopped)
    set_alarm (self, self->n_free > 0 ? MIN (start, self->end) : self->end);
}

static gboolean
alarm_cb (gpointer user_data)
{
  ToolBenchLoad *self = user_data;

  self->alarm_time = 0;
  start_calls (self, tool_pace_get_time ());

  return G_SOURCE_CONTINUE;
}

static void
finish (ToolBenchLoad *self,
        guint64        now)
{
  guint64 sent, received;

  if (!self->is_measuring)
    return;

  self->result.elapsed = now - self->measure_from;
  count_bytes (self, &sent, &received);
  self->result.sent_bytes = sent - self->result.sent_bytes;
  self->result.received_bytes = received - self->result.received_bytes;
}

const ToolBenchResult *
tool_bench_load_run (ToolBenchLoad *self)
{
  guint64 now = tool_pace_get_time ();

  self->begin = now;
  self->measure_from = add_times (now, self->plan.warm_up);
  self->end = add_times (self->measure_from, self->plan.duration);
  g_source_set_callback (self->alarm, alarm_cb, self, NULL);
  g_source_attach (self->alarm, NULL);

  start_calls (self, now);
  while (!self->is_stopped || self->n_free < self->n_slots)
    g_main_context_iteration (NULL, TRUE);
  finish (self, tool_pace_get_time ());

  return &self->result;
}

static double
get_fraction (ToolBenchLoad *self,
              guint64        elapsed)
{
  double by_time = (double) elapsed / (double) self->plan.duration;
  double by_count = (double) tool_histogram_get_count (self->result.times) /
                    (double) self->plan.count;

  return MIN (MAX (by_time, by_count), 1);
}

void
tool_bench_load_get_progress (ToolBenchLoad     *self,
                              ToolBenchProgress *progress)
{
  guint64 now = tool_pace_get_time ();

  *progress = (ToolBenchProgress) {
    .is_connected = self->begin != 0,
    .is_warm = self->is_measuring,
    .n_calls = tool_histogram_get_count (self->result.times),
  };
  if (!self->is_measuring)
    return;

  progress->elapsed = now - self->measure_from;
  progress->fraction = get_fraction (self, progress->elapsed);
  if (self->is_stopped)
    progress->n_waiting = self->n_slots - self->n_free;
}
