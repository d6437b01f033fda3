/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-fault-side-private.h"

#include <string.h>

/* When what waits may go on. */
#define DUE_NONE (-1)   /* nothing waits */
#define DUE_PASSED 0

struct _MsgpackRpcFaultSide
{
  GObject *base;       /* owned */
  gboolean pollable;

  GMutex lock;         /* guards all below */
  gint64 values[MSGPACK_RPC_N_FAULTS];
  GRand *rand;         /* owned; NULL: chunks are all of the same size */
  guint64 offset;      /* how many bytes have come from the base, or were to go there */
  guint64 split_at;    /* the offset where the next chunk begins */
  GByteArray *held;    /* input that has come and is not given on yet */
  gint64 due;          /* monotonic time, or one of those above */
  GPtrArray *sources;  /* of FaultSource: those that may still fire */
};

typedef struct
{
  GSource source;
  gboolean with_base;
  GSource *base;       /* owned, nullable: a child of it */
} FaultSource;

MsgpackRpcFaultSide *
_msgpack_rpc_fault_side_new (GObject  *base,
                             gboolean  pollable)
{
  MsgpackRpcFaultSide *self = g_atomic_rc_box_new0 (MsgpackRpcFaultSide);

  self->base = g_object_ref (base);
  self->pollable = pollable;
  g_mutex_init (&self->lock);
  self->values[MSGPACK_RPC_FAULT_CORRUPT_OFFSET] = -1;
  self->values[MSGPACK_RPC_FAULT_CORRUPT_SIZE] = 1;
  self->values[MSGPACK_RPC_FAULT_CUT_OFFSET] = -1;
  self->values[MSGPACK_RPC_FAULT_DROP_OFFSET] = -1;
  self->values[MSGPACK_RPC_FAULT_DROP_SIZE] = 1;
  self->values[MSGPACK_RPC_FAULT_STOP_OFFSET] = -1;
  self->held = g_byte_array_new ();
  self->due = DUE_NONE;
  self->sources = g_ptr_array_new_with_free_func ((GDestroyNotify) g_source_unref);
  return self;
}

MsgpackRpcFaultSide *
_msgpack_rpc_fault_side_ref (MsgpackRpcFaultSide *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
fault_side_clear (gpointer data)
{
  MsgpackRpcFaultSide *self = data;

  g_object_unref (self->base);
  g_clear_pointer (&self->rand, g_rand_free);
  g_byte_array_unref (self->held);
  g_ptr_array_unref (self->sources);
  g_mutex_clear (&self->lock);
}

void
_msgpack_rpc_fault_side_unref (MsgpackRpcFaultSide *self)
{
  g_atomic_rc_box_release_full (self, fault_side_clear);
}

/* ---- where faults are; the lock is held ---- */

static gboolean
is_past (MsgpackRpcFaultSide *self,
         MsgpackRpcFault      fault)
{
  return self->values[fault] >= 0 && self->offset >= (guint64) self->values[fault];
}

static gboolean
is_stopped (MsgpackRpcFaultSide *self)
{
  return is_past (self, MSGPACK_RPC_FAULT_STOP_OFFSET);
}

/* Whether the byte at @offset is among those that begin at the one setting, and are as many as the
 * other says. */
static gboolean
is_within (MsgpackRpcFaultSide *self,
           guint64              offset,
           MsgpackRpcFault      start,
           MsgpackRpcFault      size)
{
  guint64 from = (guint64) self->values[start];

  return self->values[start] >= 0 && offset >= from &&
         offset - from < (guint64) self->values[size];
}

static gint64
get_due (MsgpackRpcFaultSide *self)
{
  return g_get_monotonic_time () + self->values[MSGPACK_RPC_FAULT_DELAY] * 1000;
}

static void
limit (MsgpackRpcFaultSide *self,
       guint64              edge,
       gsize               *count)
{
  if (edge > self->offset && edge - self->offset < *count)
    *count = (gsize) (edge - self->offset);
}

/* Chunks end at the same offsets, however much is read or written at once. */
static void
limit_to_chunk (MsgpackRpcFaultSide *self,
                gsize               *count)
{
  gint64 size = self->values[MSGPACK_RPC_FAULT_CHUNK_SIZE];

  if (size == 0)
    return;

  if (self->offset >= self->split_at)
    self->split_at = self->offset +
                     (self->rand != NULL ? g_rand_int (self->rand) % (guint64) size + 1
                                         : (guint64) size);
  limit (self, self->split_at, count);
}

static void
limit_to_faults (MsgpackRpcFaultSide *self,
                 gsize               *count)
{
  static const MsgpackRpcFault edges[] = {
    MSGPACK_RPC_FAULT_CUT_OFFSET, MSGPACK_RPC_FAULT_DROP_OFFSET, MSGPACK_RPC_FAULT_STOP_OFFSET,
  };

  for (guint i = 0; i < G_N_ELEMENTS (edges); i++)
    if (self->values[edges[i]] >= 0)
      limit (self, (guint64) self->values[edges[i]], count);

  if (is_within (self, self->offset, MSGPACK_RPC_FAULT_DROP_OFFSET, MSGPACK_RPC_FAULT_DROP_SIZE))
    limit (self,
           (guint64) self->values[MSGPACK_RPC_FAULT_DROP_OFFSET] +
             (guint64) self->values[MSGPACK_RPC_FAULT_DROP_SIZE],
           count);
}

static gsize
filter (MsgpackRpcFaultSide *self,
        guint8              *bytes,
        gsize                count)
{
  guint64 cut = self->values[MSGPACK_RPC_FAULT_CUT_OFFSET] >= 0
                ? (guint64) self->values[MSGPACK_RPC_FAULT_CUT_OFFSET] : G_MAXUINT64;
  gsize kept = 0;

  for (gsize i = 0; i < count && self->offset + i < cut; i++)
    {
      guint64 offset = self->offset + i;

      if (is_within (self, offset, MSGPACK_RPC_FAULT_DROP_OFFSET, MSGPACK_RPC_FAULT_DROP_SIZE))
        continue;

      bytes[kept++] = is_within (self, offset, MSGPACK_RPC_FAULT_CORRUPT_OFFSET,
                                 MSGPACK_RPC_FAULT_CORRUPT_SIZE) ? (guint8) ~bytes[i] : bytes[i];
    }

  return kept;
}

/* ---- waiting ---- */

static gboolean
fault_source_dispatch (GSource     *source G_GNUC_UNUSED,
                       GSourceFunc  callback,
                       gpointer     user_data)
{
  return callback != NULL ? callback (user_data) : G_SOURCE_REMOVE;
}

static void
fault_source_finalize (GSource *source)
{
  g_clear_pointer (&((FaultSource *) source)->base, g_source_unref);
}

static GSourceFuncs fault_source_funcs = {
  .dispatch = fault_source_dispatch,
  .finalize = fault_source_finalize,
};

static GSource *
create_base_source (MsgpackRpcFaultSide *self)
{
  if (G_IS_INPUT_STREAM (self->base))
    return g_pollable_input_stream_create_source (G_POLLABLE_INPUT_STREAM (self->base), NULL);

  return g_pollable_output_stream_create_source (G_POLLABLE_OUTPUT_STREAM (self->base), NULL);
}

/* Whether the time does not matter any more, but only the base stream. */
static gboolean
is_open (MsgpackRpcFaultSide *self)
{
  return !is_stopped (self) && self->due <= DUE_PASSED &&
         !is_past (self, MSGPACK_RPC_FAULT_CUT_OFFSET);
}

static gint64
get_ready_time (MsgpackRpcFaultSide *self,
                FaultSource         *source)
{
  if (is_stopped (self))
    return -1;
  if (self->due > DUE_PASSED)
    return self->due;
  if (is_past (self, MSGPACK_RPC_FAULT_CUT_OFFSET))
    return 0;
  return source->with_base ? -1 : 0;
}

static void
update_source (MsgpackRpcFaultSide *self,
               FaultSource         *source)
{
  gboolean wants_base = source->with_base && is_open (self);

  g_source_set_ready_time (&source->source, get_ready_time (self, source));
  if (wants_base && source->base == NULL)
    {
      source->base = create_base_source (self);
      g_source_set_dummy_callback (source->base);
      g_source_add_child_source (&source->source, source->base);
    }
  else if (!wants_base && source->base != NULL)
    {
      g_source_remove_child_source (&source->source, source->base);
      g_clear_pointer (&source->base, g_source_unref);
    }
}

static void
drop_destroyed_sources (MsgpackRpcFaultSide *self)
{
  for (guint i = self->sources->len; i > 0; i--)
    if (g_source_is_destroyed (g_ptr_array_index (self->sources, i - 1)))
      g_ptr_array_remove_index_fast (self->sources, i - 1);
}

/* Only by whoever reads or writes, who also destroys them: a destroyed source takes no child. */
static void
update_sources (MsgpackRpcFaultSide *self)
{
  drop_destroyed_sources (self);
  for (guint i = 0; i < self->sources->len; i++)
    update_source (self, g_ptr_array_index (self->sources, i));
}

/* Fires when it is time to begin again; @with_base: and the base stream is ready, if that is what
 * matters then. */
static GSource *
create_source (MsgpackRpcFaultSide *self,
               gboolean             with_base)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GSource *source = g_source_new (&fault_source_funcs, sizeof (FaultSource));

  g_source_set_static_name (source, "[msgpackrpc-glib] fault stream");
  ((FaultSource *) source)->with_base = with_base;
  drop_destroyed_sources (self);
  g_ptr_array_add (self->sources, g_source_ref (source));
  update_source (self, (FaultSource *) source);
  return source;
}

static gboolean
go_on (gpointer data G_GNUC_UNUSED)
{
  return G_SOURCE_CONTINUE;
}

GSource *
_msgpack_rpc_fault_side_create_source (MsgpackRpcFaultSide *self,
                                       gpointer             stream,
                                       GCancellable        *cancellable)
{
  GSource *source = g_pollable_source_new_full (stream, NULL, cancellable);
  g_autoptr(GSource) child = create_source (self, TRUE);

  g_source_set_callback (child, go_on, NULL, NULL);
  g_source_add_child_source (source, child);
  return source;
}

static GSource *
create_cancellable_source (MsgpackRpcFaultSide *self,
                           GCancellable        *cancellable)
{
  GSource *source = create_source (self, FALSE);

  if (cancellable != NULL)
    {
      g_autoptr(GSource) child = g_cancellable_source_new (cancellable);

      g_source_set_dummy_callback (child);
      g_source_add_child_source (source, child);
    }
  return source;
}

void
_msgpack_rpc_fault_side_attach (MsgpackRpcFaultSide *self,
                                GTask               *task,
                                GSourceFunc          callback)
{
  g_autoptr(GSource) source = create_cancellable_source (self, g_task_get_cancellable (task));

  g_task_attach_source (task, source, callback);
}

static gboolean
set_true (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

gboolean
_msgpack_rpc_fault_side_wait (MsgpackRpcFaultSide  *self,
                              gboolean              blocking,
                              GCancellable         *cancellable,
                              GError              **error)
{
  g_autoptr(GMainContext) context = NULL;
  g_autoptr(GSource) source = NULL;
  gboolean fired = FALSE;

  if (!blocking)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "The stream is not ready");
      return FALSE;
    }

  context = g_main_context_new ();
  source = create_cancellable_source (self, cancellable);
  g_source_set_callback (source, set_true, &fired, NULL);
  g_source_attach (source, context);
  while (!fired)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (source);
  return !g_cancellable_set_error_if_cancelled (cancellable, error);
}

/* ---- settings ---- */

gint64
_msgpack_rpc_fault_side_get (MsgpackRpcFaultSide *self,
                             MsgpackRpcFault      fault)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->values[fault];
}

gboolean
_msgpack_rpc_fault_side_set (MsgpackRpcFaultSide *self,
                             MsgpackRpcFault      fault,
                             gint64               value)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->values[fault] == value)
    return FALSE;

  self->values[fault] = value;
  if (fault == MSGPACK_RPC_FAULT_CHUNK_SIZE)
    self->split_at = self->offset;
  if (fault == MSGPACK_RPC_FAULT_DELAY && self->due > DUE_PASSED)
    self->due = MIN (self->due, get_due (self));
  /* Whoever waits looks again. */
  drop_destroyed_sources (self);
  for (guint i = 0; i < self->sources->len; i++)
    g_source_set_ready_time (g_ptr_array_index (self->sources, i), 0);
  return TRUE;
}

void
_msgpack_rpc_fault_side_set_seed (MsgpackRpcFaultSide *self,
                                  guint                seed)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_clear_pointer (&self->rand, g_rand_free);
  self->rand = seed != 0 ? g_rand_new_with_seed (seed) : NULL;
  self->split_at = self->offset;
}

guint64
_msgpack_rpc_fault_side_get_offset (MsgpackRpcFaultSide *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->offset;
}

gpointer
_msgpack_rpc_fault_side_get_base (MsgpackRpcFaultSide *self)
{
  return self->base;
}

/* What a stream holds back until it is flushed cannot be flushed without blocking. */
gboolean
_msgpack_rpc_fault_side_can_poll (MsgpackRpcFaultSide *self)
{
  if (!self->pollable)
    return FALSE;
  if (G_IS_POLLABLE_INPUT_STREAM (self->base))
    return g_pollable_input_stream_can_poll (G_POLLABLE_INPUT_STREAM (self->base));
  if (G_IS_POLLABLE_OUTPUT_STREAM (self->base))
    return G_OUTPUT_STREAM_GET_CLASS (self->base)->flush == NULL &&
           g_pollable_output_stream_can_poll (G_POLLABLE_OUTPUT_STREAM (self->base));
  return FALSE;
}

gboolean
_msgpack_rpc_fault_side_is_ready (MsgpackRpcFaultSide *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (is_stopped (self) || self->due > g_get_monotonic_time ())
    return FALSE;
  if (self->held->len > 0 || is_past (self, MSGPACK_RPC_FAULT_CUT_OFFSET))
    return TRUE;
  if (G_IS_INPUT_STREAM (self->base))
    return g_pollable_input_stream_is_readable (G_POLLABLE_INPUT_STREAM (self->base));
  return g_pollable_output_stream_is_writable (G_POLLABLE_OUTPUT_STREAM (self->base));
}

/* ---- reading and writing ---- */

static MsgpackRpcFaultAction
begin (MsgpackRpcFaultSide *self,
       gsize               *count)
{
  if (is_stopped (self))
    return MSGPACK_RPC_FAULT_ACTION_WAIT;

  /* Output waits before it goes, input after it has come. */
  if (G_IS_OUTPUT_STREAM (self->base) && self->due == DUE_NONE &&
      self->values[MSGPACK_RPC_FAULT_DELAY] > 0)
    self->due = get_due (self);
  if (self->due > g_get_monotonic_time ())
    return MSGPACK_RPC_FAULT_ACTION_WAIT;
  if (self->held->len > 0)
    return MSGPACK_RPC_FAULT_ACTION_HELD;
  if (self->due != DUE_NONE)
    self->due = DUE_PASSED;

  if (is_past (self, MSGPACK_RPC_FAULT_CUT_OFFSET))
    return MSGPACK_RPC_FAULT_ACTION_CUT;

  limit_to_chunk (self, count);
  limit_to_faults (self, count);
  return MSGPACK_RPC_FAULT_ACTION_PASS;
}

MsgpackRpcFaultAction
_msgpack_rpc_fault_side_begin (MsgpackRpcFaultSide *self,
                               gsize               *count)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  MsgpackRpcFaultAction action = begin (self, count);

  update_sources (self);
  return action;
}

gsize
_msgpack_rpc_fault_side_arrived (MsgpackRpcFaultSide *self,
                                 guint8              *bytes,
                                 gsize                count)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gsize kept = filter (self, bytes, count);
  gboolean stopped = is_stopped (self);  /* since it was begun */

  self->offset += count;
  if (kept > 0 && (stopped || self->values[MSGPACK_RPC_FAULT_DELAY] > 0))
    {
      g_byte_array_append (self->held, bytes, (guint) kept);
      self->due = get_due (self);
      kept = 0;
    }

  update_sources (self);
  return kept;
}

gsize
_msgpack_rpc_fault_side_take_held (MsgpackRpcFaultSide *self,
                                   guint8              *bytes,
                                   gsize                count)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gsize n = MIN (count, self->held->len);

  memcpy (bytes, self->held->data, n);
  g_byte_array_remove_range (self->held, 0, (guint) n);
  if (self->held->len == 0)
    self->due = DUE_NONE;

  update_sources (self);
  return n;
}

gsize
_msgpack_rpc_fault_side_filter (MsgpackRpcFaultSide *self,
                                guint8              *bytes,
                                gsize                count)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return filter (self, bytes, count);
}

void
_msgpack_rpc_fault_side_advance (MsgpackRpcFaultSide *self,
                                 gsize                count)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->offset += count;
  self->due = DUE_NONE;
  update_sources (self);
}
