/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-object-list-private.h"

struct _MsgpackRpcObjectList
{
  GObject parent_instance;

  GType item_type;
  GMutex lock;
  GPtrArray *objects; /* owned; guarded by lock, which is not held while one is unreferenced */
  GArray *serials;    /* of guint64, rising: one for each; likewise */
  guint64 last_serial;
};

static void list_model_iface_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (MsgpackRpcObjectList, _msgpack_rpc_object_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_iface_init))

static GType
object_list_get_item_type (GListModel *model)
{
  return MSGPACK_RPC_OBJECT_LIST (model)->item_type;
}

static guint
object_list_get_n_items (GListModel *model)
{
  MsgpackRpcObjectList *self = MSGPACK_RPC_OBJECT_LIST (model);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->objects->len;
}

static gpointer
object_list_get_item (GListModel *model,
                      guint       position)
{
  MsgpackRpcObjectList *self = MSGPACK_RPC_OBJECT_LIST (model);
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (position >= self->objects->len)
    return NULL;

  return g_object_ref (g_ptr_array_index (self->objects, position));
}

static void
list_model_iface_init (GListModelInterface *iface)
{
  iface->get_item_type = object_list_get_item_type;
  iface->get_n_items = object_list_get_n_items;
  iface->get_item = object_list_get_item;
}

static void
_msgpack_rpc_object_list_finalize (GObject *object)
{
  MsgpackRpcObjectList *self = MSGPACK_RPC_OBJECT_LIST (object);

  g_ptr_array_unref (self->objects);
  g_array_unref (self->serials);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (_msgpack_rpc_object_list_parent_class)->finalize (object);
}

static void
_msgpack_rpc_object_list_class_init (MsgpackRpcObjectListClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = _msgpack_rpc_object_list_finalize;
}

static void
_msgpack_rpc_object_list_init (MsgpackRpcObjectList *self)
{
  g_mutex_init (&self->lock);
  self->objects = g_ptr_array_new_with_free_func (g_object_unref);
  self->serials = g_array_new (FALSE, FALSE, sizeof (guint64));
}

MsgpackRpcObjectList *
_msgpack_rpc_object_list_new (GType item_type)
{
  MsgpackRpcObjectList *self = g_object_new (MSGPACK_RPC_TYPE_OBJECT_LIST, NULL);

  self->item_type = item_type;
  return self;
}

guint
_msgpack_rpc_object_list_append_with_serial (MsgpackRpcObjectList *self,
                                             gpointer              object,
                                             guint64              *serial)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  g_ptr_array_add (self->objects, g_object_ref (object));
  *serial = ++self->last_serial;
  g_array_append_val (self->serials, self->last_serial);
  return self->objects->len - 1;
}

guint
_msgpack_rpc_object_list_append (MsgpackRpcObjectList *self,
                                 gpointer              object)
{
  guint64 serial;

  return _msgpack_rpc_object_list_append_with_serial (self, object, &serial);
}

static int
compare_serials (gconstpointer a,
                 gconstpointer b)
{
  guint64 left = *(const guint64 *) a;
  guint64 right = *(const guint64 *) b;

  return left < right ? -1 : left > right;
}

/* The object, which is the caller's now. The lock is held. */
static gpointer
take_position (MsgpackRpcObjectList *self,
               guint                 position)
{
  g_array_remove_index (self->serials, position);
  return g_ptr_array_steal_index (self->objects, position);
}

gboolean
_msgpack_rpc_object_list_remove_serial (MsgpackRpcObjectList *self,
                                        guint64               serial,
                                        guint                *position)
{
  g_autoptr(GObject) object = NULL;

  g_mutex_lock (&self->lock);
  if (g_array_binary_search (self->serials, &serial, compare_serials, position))
    object = take_position (self, *position);
  g_mutex_unlock (&self->lock);

  return object != NULL;
}

gboolean
_msgpack_rpc_object_list_remove (MsgpackRpcObjectList *self,
                                 gpointer              object,
                                 guint                *position)
{
  gboolean found;

  g_mutex_lock (&self->lock);
  found = g_ptr_array_find (self->objects, object, position);
  if (found)
    take_position (self, *position);
  g_mutex_unlock (&self->lock);

  if (found)
    g_object_unref (object);
  return found;
}

gboolean
_msgpack_rpc_object_list_replace (MsgpackRpcObjectList *self,
                                  gpointer              object,
                                  gpointer              replacement,
                                  guint                *position)
{
  gboolean found;

  g_mutex_lock (&self->lock);
  found = g_ptr_array_find (self->objects, object, position);
  if (found)
    g_ptr_array_index (self->objects, *position) = g_object_ref (replacement);
  g_mutex_unlock (&self->lock);

  if (found)
    g_object_unref (object);
  return found;
}

GPtrArray *
_msgpack_rpc_object_list_take (MsgpackRpcObjectList *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPtrArray *taken = self->objects;

  self->objects = g_ptr_array_new_with_free_func (g_object_unref);
  g_array_set_size (self->serials, 0);
  return taken;
}

GPtrArray *
_msgpack_rpc_object_list_copy (MsgpackRpcObjectList *self)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  GPtrArray *copy = g_ptr_array_new_full (self->objects->len, g_object_unref);

  for (guint i = 0; i < self->objects->len; i++)
    g_ptr_array_add (copy, g_object_ref (g_ptr_array_index (self->objects, i)));

  return copy;
}
