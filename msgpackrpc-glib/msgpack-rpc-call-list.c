/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-call-list-private.h"

struct _MsgpackRpcCallList
{
  GObject parent_instance;

  MsgpackRpcReactor *reactor;  /* fixed, owned */
  gconstpointer lane;          /* fixed */
  GWeakRef owner;
  MsgpackRpcCallListFunc func; /* fixed, nullable */
  guint told;                  /* in the context: how many there were when it was told last */

  GMutex lock;                 /* guards all below; taken after a connection's */
  GSequence *shown;            /* of MsgpackRpcCall, owned; changes in the context */
  GHashTable *places;          /* each of them → GSequenceIter */
  GHashTable *gone;            /* set of those among them that are not in flight any more */
  GQueue come;                 /* of MsgpackRpcCall, owned: not shown yet */
  GHashTable *come_links;      /* each of them → its GList in it */
  gboolean is_posted;
};

enum
{
  PROP_0,
  PROP_ITEM_TYPE,
  PROP_N_ITEMS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void list_model_iface_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcCallList, _msgpack_rpc_call_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

/* ---- GListModel ---- */

static GType
call_list_get_item_type (GListModel *model G_GNUC_UNUSED)
{
  return MSGPACK_RPC_TYPE_CALL;
}

static guint
call_list_get_n_items (GListModel *model)
{
  MsgpackRpcCallList *self = MSGPACK_RPC_CALL_LIST (model);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_hash_table_size (self->places);
}

static gpointer
call_list_get_item (GListModel *model,
                    guint       position)
{
  MsgpackRpcCallList *self = MSGPACK_RPC_CALL_LIST (model);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (position >= g_hash_table_size (self->places))
    return NULL;

  return g_object_ref (g_sequence_get (g_sequence_get_iter_at_pos (self->shown, (int) position)));
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = call_list_get_item_type;
  iface->get_n_items = call_list_get_n_items;
  iface->get_item = call_list_get_item;
}

/* ---- showing what has happened, in the context ---- */

typedef struct
{
  guint position;
  guint n_removed;
  guint n_added;
  GPtrArray *dropped; /* let go with no lock held */
} Change;

static gboolean
is_gone (MsgpackRpcCallList *self,
         GSequenceIter      *iter)
{
  return !g_sequence_iter_is_end (iter) &&
         g_hash_table_contains (self->gone, g_sequence_get (iter));
}

/* One that is gone, and those around it. */
static void
take_gone (MsgpackRpcCallList *self,
           Change             *change)
{
  GHashTableIter hash_iter;
  GSequenceIter *iter;
  gpointer call;

  g_hash_table_iter_init (&hash_iter, self->gone);
  g_hash_table_iter_next (&hash_iter, &call, NULL);
  iter = g_hash_table_lookup (self->places, call);
  while (!g_sequence_iter_is_begin (iter) && is_gone (self, g_sequence_iter_prev (iter)))
    iter = g_sequence_iter_prev (iter);

  change->position = (guint) g_sequence_iter_get_position (iter);
  while (is_gone (self, iter))
    {
      GSequenceIter *next = g_sequence_iter_next (iter);

      call = g_sequence_get (iter);
      g_ptr_array_add (change->dropped, call);
      g_hash_table_remove (self->gone, call);
      g_hash_table_remove (self->places, call);
      g_sequence_remove (iter);
      change->n_removed++;
      iter = next;
    }
}

static void
take_come (MsgpackRpcCallList *self,
           Change             *change)
{
  gpointer call;

  change->position = g_hash_table_size (self->places);
  while ((call = g_queue_pop_head (&self->come)) != NULL)
    {
      g_hash_table_insert (self->places, call, g_sequence_append (self->shown, call));
      change->n_added++;
    }
  g_hash_table_remove_all (self->come_links);
}

/* The next change, which is to be told before there is another. */
static gboolean
take_change (MsgpackRpcCallList *self,
             Change             *change)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  self->is_posted = FALSE;
  if (g_hash_table_size (self->gone) > 0)
    take_gone (self, change);
  else if (self->come.length > 0)
    take_come (self, change);
  return change->n_removed + change->n_added > 0;
}

static gboolean
show_next (MsgpackRpcCallList *self)
{
  Change change = { .dropped = g_ptr_array_new_with_free_func (g_object_unref) };
  gboolean changed = take_change (self, &change);

  if (changed)
    g_list_model_items_changed (G_LIST_MODEL (self), change.position, change.n_removed,
                                change.n_added);
  g_ptr_array_unref (change.dropped);
  return changed;
}

static void
show_cb (gpointer owner,
         gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcCallList *self = owner;
  g_autoptr(GObject) list_owner = NULL;
  guint told, now;

  while (show_next (self))
    continue;

  /* Whoever was told may have run the loop, and this have been done in there. */
  now = call_list_get_n_items (owner);
  told = self->told;
  self->told = now;
  if (now == told)
    return;

  g_object_notify_by_pspec (owner, props[PROP_N_ITEMS]);
  list_owner = g_weak_ref_get (&self->owner);
  if (list_owner != NULL && (told == 0 || now == 0))
    self->func (list_owner);
}

/* The lock is held. */
static void
show_later (MsgpackRpcCallList *self)
{
  if (self->is_posted)
    return;

  self->is_posted = TRUE;
  _msgpack_rpc_reactor_post (self->reactor, self->lane, self, TRUE, show_cb, NULL, NULL);
}

/* ---- what happens ---- */

void
_msgpack_rpc_call_list_add (MsgpackRpcCallList *self,
                            MsgpackRpcCall     *call)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  /* Gone from one connection, and on to the next. */
  if (g_hash_table_remove (self->gone, call) || g_hash_table_contains (self->places, call) ||
      g_hash_table_contains (self->come_links, call))
    return;

  g_queue_push_tail (&self->come, g_object_ref (call));
  g_hash_table_insert (self->come_links, call, self->come.tail);
  show_later (self);
}

void
_msgpack_rpc_call_list_remove (MsgpackRpcCallList *self,
                               MsgpackRpcCall     *call)
{
  GList *link;

  g_mutex_lock (&self->lock);
  link = g_hash_table_lookup (self->come_links, call);
  if (link != NULL)
    {
      g_hash_table_remove (self->come_links, call);
      g_queue_delete_link (&self->come, link);
    }
  else if (g_hash_table_contains (self->places, call))
    {
      g_hash_table_add (self->gone, call);
      show_later (self);
    }
  g_mutex_unlock (&self->lock);

  /* The caller has one, too. */
  if (link != NULL)
    g_object_unref (call);
}

gboolean
_msgpack_rpc_call_list_is_empty (MsgpackRpcCallList *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_hash_table_size (self->places) - g_hash_table_size (self->gone) + self->come.length == 0;
}

/* ---- the object ---- */

static void
call_list_get_property (GObject    *object,
                        guint       prop_id,
                        GValue     *value,
                        GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_ITEM_TYPE:
      g_value_set_gtype (value, MSGPACK_RPC_TYPE_CALL);
      break;
    case PROP_N_ITEMS:
      g_value_set_uint (value, call_list_get_n_items (G_LIST_MODEL (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

/* The sequence does not do so, as those that are removed are let go with no lock held. */
static void
release_call (gpointer call,
              gpointer data G_GNUC_UNUSED)
{
  g_object_unref (call);
}

static void
call_list_finalize (GObject *object)
{
  MsgpackRpcCallList *self = MSGPACK_RPC_CALL_LIST (object);

  g_sequence_foreach (self->shown, release_call, NULL);
  g_sequence_free (self->shown);
  g_hash_table_unref (self->places);
  g_hash_table_unref (self->gone);
  g_hash_table_unref (self->come_links);
  g_queue_clear_full (&self->come, g_object_unref);
  g_weak_ref_clear (&self->owner);
  _msgpack_rpc_reactor_unref (self->reactor);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (_msgpack_rpc_call_list_parent_class)->finalize (object);
}

static void
_msgpack_rpc_call_list_class_init (MsgpackRpcCallListClass *klass)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = call_list_get_property;
  object_class->finalize = call_list_finalize;

  /* Those of other lists of GLib and GTK. */
  props[PROP_ITEM_TYPE] =
    g_param_spec_gtype ("item-type", NULL, NULL, G_TYPE_OBJECT, readable);
  props[PROP_N_ITEMS] =
    g_param_spec_uint ("n-items", NULL, NULL, 0, G_MAXUINT, 0, readable);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
_msgpack_rpc_call_list_init (MsgpackRpcCallList *self)
{
  g_mutex_init (&self->lock);
  g_weak_ref_init (&self->owner, NULL);
  g_queue_init (&self->come);
  self->shown = g_sequence_new (NULL);
  self->places = g_hash_table_new (NULL, NULL);
  self->gone = g_hash_table_new (NULL, NULL);
  self->come_links = g_hash_table_new (NULL, NULL);
}

MsgpackRpcCallList *
_msgpack_rpc_call_list_new (MsgpackRpcReactor      *reactor,
                            gconstpointer           lane,
                            GObject                *owner,
                            MsgpackRpcCallListFunc  func)
{
  MsgpackRpcCallList *self = g_object_new (MSGPACK_RPC_TYPE_CALL_LIST, NULL);

  self->reactor = _msgpack_rpc_reactor_ref (reactor);
  self->lane = lane;
  g_weak_ref_set (&self->owner, owner);
  self->func = func;
  return self;
}
