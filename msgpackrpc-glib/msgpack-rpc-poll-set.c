/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-poll-set-private.h"

#include <glib-unix.h>
#include <glib/gstdio.h>

#ifdef HAVE_EPOLL
#include <sys/epoll.h>
#endif

/* GLib polls with poll(2), whose cost grows with the number of descriptors; from here on they go
 * into an epoll descriptor, and GLib polls only that. */
#define EPOLL_THRESHOLD 8

static void
take_ready (MsgpackRpcReadyList *ready,
            MsgpackRpcPort      *port,
            GIOCondition         condition)
{
  if (ready->n < MSGPACK_RPC_READY_MAX)
    ready->entries[ready->n++] = (MsgpackRpcReady) { port->lane, port->func,
                                                     g_object_ref (port->owner), condition };
}

/* Has GLib poll a port by itself. Not by g_source_add_unix_fd(): a source that has a ready one of those
 * is dispatched, whatever it has found when it was asked. */
static void
start_polling (MsgpackRpcPollSet *self,
               MsgpackRpcPort    *port)
{
  port->poll_fd = (GPollFD) { port->fd, port->condition, 0 };
  g_source_add_poll (self->source, &port->poll_fd);
  port->polled = TRUE;
  self->n_polled++;
}

static void
stop_polling (MsgpackRpcPollSet *self,
              MsgpackRpcPort    *port)
{
  g_source_remove_poll (self->source, &port->poll_fd);
  port->polled = FALSE;
  self->n_polled--;
}

#ifdef HAVE_EPOLL
static guint32
condition_to_epoll (GIOCondition condition)
{
  return ((condition & G_IO_IN) ? EPOLLIN : 0) | ((condition & G_IO_OUT) ? EPOLLOUT : 0);
}

static GIOCondition
condition_from_epoll (guint32 events)
{
  return ((events & EPOLLIN) ? G_IO_IN : 0) | ((events & EPOLLOUT) ? G_IO_OUT : 0) |
         ((events & EPOLLERR) ? G_IO_ERR : 0) | ((events & EPOLLHUP) ? G_IO_HUP : 0);
}

/* Ports are removed from the epoll descriptor under the lock, so each pointer it gives is good. */
static void
take_epoll (MsgpackRpcPollSet   *self,
            MsgpackRpcReadyList *ready)
{
  struct epoll_event events[MSGPACK_RPC_READY_MAX];
  int n = epoll_wait (self->epoll_fd, events, MSGPACK_RPC_READY_MAX, 0);

  for (int i = 0; i < n; i++)
    take_ready (ready, events[i].data.ptr, condition_from_epoll (events[i].events));
}

static gboolean
control_epoll (MsgpackRpcPollSet *self,
               MsgpackRpcPort    *port,
               int                operation)
{
  struct epoll_event event = {
    .events = condition_to_epoll (port->condition),
    .data.ptr = port,
  };

  return self->epoll_fd >= 0 && epoll_ctl (self->epoll_fd, operation, port->fd, &event) == 0;
}

static void
start_epoll (MsgpackRpcPollSet *self)
{
  self->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  if (self->epoll_fd < 0)
    return;

  self->epoll_tag = g_source_add_unix_fd (self->source, self->epoll_fd, G_IO_IN);
  for (guint i = 0; i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      /* A suspended one comes when it goes on. */
      if (port->polled && (port->suspended || control_epoll (self, port, EPOLL_CTL_ADD)))
        stop_polling (self, port);
    }
}

/* The application has closed a descriptor of ours, which is an error of its own. If the file is open
 * elsewhere, it stays with epoll, out of reach, and would be reported for a port that is gone: so epoll
 * forgets everything. Those that cannot be added again are polled by GLib, which says that they are bad.
 * Not at once, but before epoll is asked again: the new descriptor would get the number of the closed
 * one, which who has it closes next. */
static void
restart_epoll (MsgpackRpcPollSet *self)
{
  self->is_stale = FALSE;
  g_source_remove_unix_fd (self->source, g_steal_pointer (&self->epoll_tag));
  g_close (self->epoll_fd, NULL);
  self->epoll_fd = -1;

  for (guint i = 0; i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      if (port->source == NULL && !port->polled && !port->suspended)
        start_polling (self, port);
    }
  start_epoll (self);
}
#endif

/* Begins to poll a port. */
static void
attach (MsgpackRpcPollSet *self,
        MsgpackRpcPort    *port)
{
  if (port->source != NULL)
    g_source_set_priority (port->source, G_PRIORITY_DEFAULT);
  if (port->source != NULL || port->polled)
    return;

#ifdef HAVE_EPOLL
  if (self->epoll_fd < 0 && self->ports->len >= EPOLL_THRESHOLD)
    start_epoll (self);
  if (control_epoll (self, port, EPOLL_CTL_ADD))
    return;
#endif
  start_polling (self, port);
}

/* What GLib polls by itself stays there, unheeded: the context does not block meanwhile, and to take
 * it out and put it back would wake the context each time. A source of its own is only polled later
 * than others. */
static void
suspend (MsgpackRpcPollSet *self,
         MsgpackRpcPort    *port)
{
  if (port->source != NULL)
    g_source_set_priority (port->source, MSGPACK_RPC_SATURATED_PRIORITY);
#ifdef HAVE_EPOLL
  else if (!port->polled && !control_epoll (self, port, EPOLL_CTL_DEL))
    self->is_stale = TRUE;
#endif
}

static gconstpointer
lane_at (MsgpackRpcPollSet *self,
         guint              i)
{
  MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

  return port->lane;
}

/* Where the ports of a lane begin, or would. */
static guint
find_lane (MsgpackRpcPollSet *self,
           gconstpointer      lane)
{
  guint low = 0;
  guint high = self->ports->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if ((guintptr) lane_at (self, middle) < (guintptr) lane)
        low = middle + 1;
      else
        high = middle;
    }

  return low;
}

static gboolean
is_of_lane (MsgpackRpcPollSet *self,
            guint              i,
            gconstpointer      lane)
{
  return i < self->ports->len && lane_at (self, i) == lane;
}

static GIOCondition
get_polled (MsgpackRpcPort *port)
{
  return port->polled && !port->suspended ? port->poll_fd.revents : 0;
}

void
_msgpack_rpc_poll_set_init (MsgpackRpcPollSet *self,
                            GSource           *source)
{
  self->source = source;
  self->ports = g_ptr_array_new_with_free_func (g_free);
  self->epoll_fd = -1;
}

void
_msgpack_rpc_poll_set_clear (MsgpackRpcPollSet *self)
{
  g_assert (self->ports->len == 0);

  g_ptr_array_unref (self->ports);
  if (self->epoll_fd >= 0)
    g_close (self->epoll_fd, NULL);
}

MsgpackRpcPort *
_msgpack_rpc_poll_set_add (MsgpackRpcPollSet *self,
                           MsgpackRpcPort     port)
{
  MsgpackRpcPort *added = g_memdup2 (&port, sizeof port);

  if (!added->suspended)
    attach (self, added);
  else if (added->source != NULL)
    suspend (self, added);
  g_ptr_array_insert (self->ports, (int) find_lane (self, port.lane), added);

  return added;
}

void
_msgpack_rpc_poll_set_modify (MsgpackRpcPollSet *self,
                              MsgpackRpcPort    *port,
                              GIOCondition       condition)
{
  if (port->condition == condition)
    return;

  port->condition = condition;
  if (port->polled)
    {
      stop_polling (self, port);
      start_polling (self, port);
      return;
    }
  if (port->suspended)
    return;

#ifdef HAVE_EPOLL
  if (!control_epoll (self, port, EPOLL_CTL_MOD))
    {
      self->is_stale |= !control_epoll (self, port, EPOLL_CTL_DEL);
      start_polling (self, port);
    }
#endif
}

void
_msgpack_rpc_poll_set_remove (MsgpackRpcPollSet *self,
                              MsgpackRpcPort    *port)
{
  guint i = find_lane (self, port->lane);

  if (port->polled)
    stop_polling (self, port);
#ifdef HAVE_EPOLL
  else if (port->source == NULL && !port->suspended)
    self->is_stale |= !control_epoll (self, port, EPOLL_CTL_DEL);
#endif

  while (g_ptr_array_index (self->ports, i) != port)
    i++;
  g_ptr_array_remove_index (self->ports, i);
}

void
_msgpack_rpc_poll_set_suspend (MsgpackRpcPollSet *self,
                               gconstpointer      lane,
                               gboolean           suspended)
{
  for (guint i = find_lane (self, lane); is_of_lane (self, i, lane); i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      if (port->suspended == suspended)
        continue;

      port->suspended = suspended;
      if (suspended)
        suspend (self, port);
      else
        attach (self, port);
    }
}

gboolean
_msgpack_rpc_poll_set_is_ready (MsgpackRpcPollSet *self)
{
  if (self->epoll_tag != NULL && g_source_query_unix_fd (self->source, self->epoll_tag) != 0)
    return TRUE;

  for (guint i = 0; self->n_polled > 0 && i < self->ports->len; i++)
    if (get_polled (g_ptr_array_index (self->ports, i)) != 0)
      return TRUE;

  return FALSE;
}

void
_msgpack_rpc_poll_set_take_ready (MsgpackRpcPollSet   *self,
                                  MsgpackRpcReadyList *ready)
{
  ready->n = 0;

#ifdef HAVE_EPOLL
  if (self->is_stale)
    restart_epoll (self);
  if (self->epoll_tag != NULL && g_source_query_unix_fd (self->source, self->epoll_tag) != 0)
    take_epoll (self, ready);
#endif

  for (guint i = 0; self->n_polled > 0 && i < self->ports->len; i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);
      GIOCondition condition = get_polled (port);

      if (condition != 0)
        take_ready (ready, port, condition);
    }
}

void
_msgpack_rpc_poll_set_take_suspended (MsgpackRpcPollSet   *self,
                                      gconstpointer        lane,
                                      MsgpackRpcReadyList *ready)
{
  ready->n = 0;

  for (guint i = find_lane (self, lane); is_of_lane (self, i, lane); i++)
    {
      MsgpackRpcPort *port = g_ptr_array_index (self->ports, i);

      if (port->suspended)
        take_ready (ready, port, 0);
    }
}
