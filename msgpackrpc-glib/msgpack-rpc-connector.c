/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#include "config.h"

#include "msgpack-rpc-connector.h"

#include "msgpack-rpc-channel-private.h"
#include "msgpack-rpc-event-queue-private.h"
#include "msgpack-rpc-i18n-private.h"
#include "msgpack-rpc-msgpack-codec.h"
#include "msgpack-rpc-object-list-private.h"
#include "msgpack-rpc-server-private.h"

/**
 * MsgpackRpcConnector:
 *
 * Channels that come and go, in both directions, and one queue of what happens to them.
 *
 * It is for programs whose threads wait for events, and do not want to know more of main contexts than
 * that one thread has to run one:
 *
 * ```c
 * g_autoptr(MsgpackRpcLoopThread) thread = msgpack_rpc_loop_thread_new ("network");
 * g_autoptr(MsgpackRpcCodec) codec = msgpack_rpc_lines_codec_new ();
 * g_autoptr(MsgpackRpcConnector) connector =
 *   g_object_new (MSGPACK_RPC_TYPE_CONNECTOR,
 *                 "codec", codec,
 *                 "main-context", msgpack_rpc_loop_thread_get_main_context (thread),
 *                 NULL);
 * g_auto(GStrv) addresses = NULL;
 * MsgpackRpcEvent *event;
 *
 * msgpack_rpc_loop_thread_start (thread);
 * addresses = msgpack_rpc_connector_listen_sync (connector, "tcp://localhost:0", NULL, NULL);
 * while ((event = msgpack_rpc_event_queue_receive (msgpack_rpc_connector_get_queue (connector),
 *                                                  -1, NULL, NULL)) != NULL)
 *   {
 *     handle_event (event);
 *     msgpack_rpc_event_unref (event);
 *   }
 * ```
 *
 * Who connects is let in by [method@Event.accept]: at once or later, from any thread, within
 * [property@Limits:handshake-timeout]; until then nothing is read from the peer. What may knock at all is
 * for [property@Connector:server] to say, by its policy, its limits and its certificate.
 *
 * JavaScript cannot wait in threads, and takes events by [method@EventQueue.receive_async].
 *
 * A connector that is dropped without being shut down closes its channels at once, in silence, and its
 * queue is shut down. All functions may be called from any thread.
 *
 * Since: 1.0
 */
struct _MsgpackRpcConnector
{
  GObject parent_instance;

  MsgpackRpcCodec *codec;         /* fixed, owned */
  GMainContext *main_context;     /* fixed, owned */
  MsgpackRpcServer *server;       /* fixed, owned; has the reactor */
  MsgpackRpcEventQueue *queue;    /* fixed, owned */
  MsgpackRpcObjectList *channels; /* fixed; those that are connected */

  GMutex lock;                    /* guards what follows */
  GCond ended;                    /* for threads that wait until it is shut down */
  GPtrArray *members;             /* of MsgpackRpcChannel: all that have not ended */
  gboolean is_shut_down;          /* or about to be */
  gboolean has_stopped;           /* nobody can connect any more */
  gboolean has_ended;             /* all channels have, and all events are in the queue */
  GPtrArray *leftovers;           /* of GVariant (tmvav), owned */
  GQueue tasks;                   /* of GTask, owned, which wait for the end */
};

typedef enum
{
  DECISION_NONE,
  DECISION_ACCEPTED,
  DECISION_REJECTED,
} Decision;

/* What a connector knows of a channel, which owns it. */
typedef struct
{
  GWeakRef connector;
  MsgpackRpcServer *server;    /* owned; NULL for one that we have opened, or whose place is free */
  MsgpackRpcPlace *place;      /* likewise; the server's */
  int decision;                /* atomic */
  MsgpackRpcEventQueue *queue; /* owned, nullable; from the decision until that is carried out */

  /* In the main context. */
  GSource *deadline;           /* owned, nullable; until when it is to be decided */
  gboolean was_told;           /* somebody has taken the event that it has come */
  gboolean has_ended;
  guint64 serial;              /* in the list */
  gboolean is_listed;
} Member;

enum
{
  PROP_0,
  PROP_CHANNELS,
  PROP_CODEC,
  PROP_MAIN_CONTEXT,
  PROP_QUEUE,
  PROP_SERVER,
  N_PROPS
};

static GParamSpec *props[N_PROPS];
static guint channel_connected_signal;

G_DEFINE_FINAL_TYPE (MsgpackRpcConnector, msgpack_rpc_connector, G_TYPE_OBJECT)

static G_DEFINE_QUARK (msgpack-rpc-connector-member, member)

static MsgpackRpcReactor *
get_reactor (MsgpackRpcConnector *self)
{
  return _msgpack_rpc_server_get_private (self->server)->reactor;
}

/* ---- members ---- */

static Member *
get_member (MsgpackRpcChannel *channel)
{
  return g_object_get_qdata (G_OBJECT (channel), member_quark ());
}

static void
stop_deadline (Member *member)
{
  if (member->deadline == NULL)
    return;

  g_source_destroy (member->deadline);
  g_clear_pointer (&member->deadline, g_source_unref);
}

static void
leave_place (Member *member)
{
  if (member->server == NULL)
    return;

  _msgpack_rpc_places_release (_msgpack_rpc_server_get_private (member->server)->places,
                               g_steal_pointer (&member->place));
  g_clear_object (&member->server);
}

static void
member_free (gpointer data)
{
  Member *member = data;

  stop_deadline (member);
  leave_place (member);
  g_weak_ref_clear (&member->connector);
  g_clear_object (&member->queue);
  g_free (member);
}

static void end_if_alone (MsgpackRpcConnector *self);

static gboolean
has_leftovers (GVariant *incomplete,
               GVariant *unsent)
{
  return incomplete != NULL || (unsent != NULL && g_variant_n_children (unsent) > 0);
}

static GVariant *
make_leftover (MsgpackRpcChannel *channel,
               GVariant          *incomplete,
               GVariant          *unsent)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("(tmvav)"));
  g_variant_builder_add (&builder, "t", msgpack_rpc_channel_get_id (channel));
  g_variant_builder_add_value (&builder,
                               g_variant_new_maybe (G_VARIANT_TYPE_VARIANT,
                                                    incomplete != NULL
                                                        ? g_variant_new_variant (incomplete)
                                                        : NULL));
  g_variant_builder_add_value (&builder, unsent);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* After its event, which a handler that was connected before has put into the queue. */
static void
closed_cb (MsgpackRpcChannel *channel,
           const GError      *error G_GNUC_UNUSED,
           GVariant          *incomplete,
           GVariant          *unsent,
           gpointer           user_data G_GNUC_UNUSED)
{
  Member *member = get_member (channel);
  g_autoptr(MsgpackRpcConnector) self = g_weak_ref_get (&member->connector);
  guint position;

  member->has_ended = TRUE;
  stop_deadline (member);
  if (member->was_told)
    leave_place (member);
  if (self == NULL)
    return;

  if (member->is_listed &&
      _msgpack_rpc_object_list_remove_serial (self->channels, member->serial, &position))
    g_list_model_items_changed (G_LIST_MODEL (self->channels), position, 1, 0);

  g_mutex_lock (&self->lock);
  if (self->is_shut_down && has_leftovers (incomplete, unsent))
    g_ptr_array_add (self->leftovers, make_leftover (channel, incomplete, unsent));
  g_object_ref (channel);
  g_ptr_array_remove_fast (self->members, channel);
  g_mutex_unlock (&self->lock);
  g_object_unref (channel);

  end_if_alone (self);
}

/* It is connected, and nothing that it has sent is to be seen yet. In the main context. */
static void
admit (MsgpackRpcConnector *self,
       MsgpackRpcChannel   *channel)
{
  Member *member = get_member (channel);
  guint position;

  if (member->is_listed)
    return;

  member->is_listed = TRUE;
  position = _msgpack_rpc_object_list_append_with_serial (self->channels, channel, &member->serial);
  g_list_model_items_changed (G_LIST_MODEL (self->channels), position, 0, 1);
  g_signal_emit (self, channel_connected_signal, 0, channel);
}

static void
status_cb (MsgpackRpcChannel *channel,
           GParamSpec        *pspec G_GNUC_UNUSED,
           gpointer           user_data G_GNUC_UNUSED)
{
  g_autoptr(MsgpackRpcConnector) self = g_weak_ref_get (&get_member (channel)->connector);

  if (self != NULL && g_atomic_int_get (&channel->has_connected))
    admit (self, channel);
}

/* @place is taken. */
static void
make_member (MsgpackRpcConnector *self,
             MsgpackRpcChannel   *channel,
             MsgpackRpcPlace     *place)
{
  Member *member = g_new0 (Member, 1);

  g_weak_ref_init (&member->connector, self);
  member->place = place;
  member->server = place != NULL ? g_object_ref (self->server) : NULL;
  g_object_set_qdata_full (G_OBJECT (channel), member_quark (), member, member_free);
}

/* The lock is held. */
static gboolean
check_open (MsgpackRpcConnector  *self,
            GError              **error)
{
  if (!self->is_shut_down)
    return TRUE;

  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The connector was shut down"));
  return FALSE;
}

/* From here on it is closed when the connector is: all that it tells must be heard. FALSE, and the
 * channel is of no use, if it was shut down. */
static gboolean
add_member (MsgpackRpcConnector  *self,
            MsgpackRpcChannel    *channel,
            GError              **error)
{
  g_autoptr(GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (!check_open (self, error))
    return FALSE;

  g_ptr_array_add (self->members, g_object_ref (channel));
  return TRUE;
}

static MsgpackRpcChannel *
make_channel (MsgpackRpcConnector *self,
              GIOStream           *stream,
              const char          *address)
{
  g_autoptr(MsgpackRpcLimits) limits = NULL;

  limits = _msgpack_rpc_limits_copy (msgpack_rpc_server_get_limits (self->server));
  return g_object_new (MSGPACK_RPC_TYPE_CHANNEL,
                       "main-context", self->main_context,
                       "codec", self->codec,
                       "limits", limits,
                       "io-stream", stream,
                       "address", address,
                       NULL);
}

/* ---- those who come ---- */

static void
decided_cb (gpointer owner,
            gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcChannel *channel = owner;
  Member *member = get_member (channel);
  g_autoptr(MsgpackRpcConnector) self = g_weak_ref_get (&member->connector);
  g_autoptr(MsgpackRpcEventQueue) queue = g_steal_pointer (&member->queue);

  stop_deadline (member);
  if (self == NULL || g_atomic_int_get (&member->decision) == DECISION_REJECTED)
    {
      msgpack_rpc_channel_set_queue (channel, NULL);
      msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
      return;
    }

  if (queue != NULL)
    msgpack_rpc_channel_set_queue (channel, queue);
  admit (self, channel);
  _msgpack_rpc_link_set_paused (channel->link, MSGPACK_RPC_PAUSE_NEW, FALSE);
}

/* From any thread. FALSE if it was decided before. */
static gboolean
decide (MsgpackRpcChannel    *channel,
        gboolean              accept,
        MsgpackRpcEventQueue *queue)
{
  Member *member = get_member (channel);

  if (!g_atomic_int_compare_and_exchange (&member->decision, DECISION_NONE,
                                          accept ? DECISION_ACCEPTED : DECISION_REJECTED))
    return FALSE;

  g_set_object (&member->queue, queue);
  _msgpack_rpc_channel_post (channel, decided_cb, NULL, NULL);
  return TRUE;
}

static gboolean
deadline_cb (gpointer data)
{
  decide (data, FALSE, NULL);
  return G_SOURCE_REMOVE;
}

static void
start_deadline (MsgpackRpcConnector *self,
                MsgpackRpcChannel   *channel)
{
  Member *member = get_member (channel);
  int timeout = msgpack_rpc_limits_get_handshake_timeout (msgpack_rpc_channel_get_limits (channel));

  if (timeout <= 0)
    return;

  member->deadline = g_timeout_source_new ((guint) timeout);
  g_source_set_static_name (member->deadline, "[msgpackrpc-glib] accept");
  g_source_set_callback (member->deadline, deadline_cb, g_object_ref (channel),
                         g_object_unref);
  g_source_attach (member->deadline, self->main_context);
}

static void
told_cb (gpointer owner,
         gpointer data G_GNUC_UNUSED)
{
  Member *member = get_member (owner);

  member->was_told = TRUE;
  if (member->has_ended)
    leave_place (member);
}

/* Its place is not free before: those who come and go must not fill a queue that nobody reads. */
static void
taken_cb (MsgpackRpcChannel *channel,
          gsize              size G_GNUC_UNUSED)
{
  _msgpack_rpc_channel_post (channel, told_cb, NULL, NULL);
}

/* In the main context. */
static void
receive_stream (gpointer         owner,
                GIOStream       *stream,
                MsgpackRpcPlace *place)
{
  MsgpackRpcConnector *self = owner;
  g_autoptr(MsgpackRpcChannel) channel = make_channel (self, stream, NULL);
  g_autoptr(MsgpackRpcEvent) event = NULL;

  _msgpack_rpc_link_set_paused (channel->link, MSGPACK_RPC_PAUSE_NEW, TRUE);
  make_member (self, channel, place);
  msgpack_rpc_channel_set_queue (channel, self->queue);
  g_signal_connect (channel, "closed", G_CALLBACK (closed_cb), NULL);
  if (!add_member (self, channel, NULL))
    return;

  start_deadline (self, channel);

  event = _msgpack_rpc_event_new (MSGPACK_RPC_EVENT_KIND_REMOTE_CONNECT, channel);
  _msgpack_rpc_event_set_decide (event, decide);
  _msgpack_rpc_event_set_taken (event, taken_cb, 0);
  _msgpack_rpc_event_queue_push (self->queue, event);
}

/* ---- shutting down ---- */

/* With the lock held. */
static GVariant *
make_result (MsgpackRpcConnector *self)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(tmvav)"));
  for (guint i = 0; i < self->leftovers->len; i++)
    g_variant_builder_add_value (&builder, g_ptr_array_index (self->leftovers, i));
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* In the main context, as whatever else ends a task. */
static void
stop_watching (GTask *task)
{
  GSource *source = g_task_get_task_data (task);

  if (source != NULL)
    g_source_destroy (source);
}

static gboolean
task_cancelled_cb (GCancellable *cancellable G_GNUC_UNUSED,
                   gpointer      data)
{
  GTask *task = data;
  MsgpackRpcConnector *self = g_task_get_source_object (task);

  g_mutex_lock (&self->lock);
  g_queue_remove (&self->tasks, task);
  g_mutex_unlock (&self->lock);

  stop_watching (task);
  g_task_return_error_if_cancelled (task);
  g_object_unref (task);
  return G_SOURCE_REMOVE;
}

/* A task may be cancelled as soon as it is one of those that wait. With the lock held. */
static void
queue_task (MsgpackRpcConnector *self,
            GTask               *task)
{
  GSource *source;

  g_queue_push_tail (&self->tasks, task);
  if (g_task_get_cancellable (task) == NULL)
    return;

  source = g_cancellable_source_new (g_task_get_cancellable (task));
  g_source_set_static_name (source, "[msgpackrpc-glib] shut down");
  g_source_set_callback (source, G_SOURCE_FUNC (task_cancelled_cb), task, NULL);
  g_task_set_task_data (task, source, (GDestroyNotify) g_source_unref);
  g_source_attach (source, self->main_context);
}

static void
end_tasks_cb (gpointer owner,
              gpointer data G_GNUC_UNUSED)
{
  MsgpackRpcConnector *self = owner;
  g_autoptr(GVariant) result = NULL;
  GQueue tasks;

  g_mutex_lock (&self->lock);
  tasks = self->tasks;
  g_queue_init (&self->tasks);
  result = make_result (self);
  g_mutex_unlock (&self->lock);

  for (GList *link = tasks.head; link != NULL; link = link->next)
    {
      stop_watching (link->data);
      g_task_return_pointer (link->data, g_variant_ref (result), (GDestroyNotify) g_variant_unref);
    }
  g_queue_clear_full (&tasks, g_object_unref);
}

/* The last channel has gone, and there will be no other. In the main context. */
static void
end_if_alone (MsgpackRpcConnector *self)
{
  gboolean ends;

  g_mutex_lock (&self->lock);
  ends = self->has_stopped && !self->has_ended && self->members->len == 0;
  if (ends)
    self->has_ended = TRUE;
  g_mutex_unlock (&self->lock);
  if (!ends)
    return;

  msgpack_rpc_event_queue_shut_down (self->queue);
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->ended);
  g_mutex_unlock (&self->lock);
  _msgpack_rpc_reactor_post (get_reactor (self), NULL, self, TRUE, end_tasks_cb, NULL, NULL);
}

static GPtrArray *
list_members (MsgpackRpcConnector *self)
{
  GPtrArray *members = g_ptr_array_new_with_free_func (g_object_unref);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->members->len; i++)
    g_ptr_array_add (members, g_object_ref (g_ptr_array_index (self->members, i)));
  g_mutex_unlock (&self->lock);
  return members;
}

/* Those about whom nothing was decided are rejected; others close as is asked for. */
static void
close_members (MsgpackRpcConnector *self,
               MsgpackRpcCloseMode  mode)
{
  g_autoptr(GPtrArray) members = list_members (self);

  for (guint i = 0; i < members->len; i++)
    {
      MsgpackRpcChannel *channel = g_ptr_array_index (members, i);

      if (msgpack_rpc_channel_get_address (channel) != NULL || !decide (channel, FALSE, NULL))
        msgpack_rpc_channel_close_async (channel, mode, NULL, NULL, NULL);
    }
}

static void
shut_down_cb (gpointer owner,
              gpointer data)
{
  MsgpackRpcConnector *self = owner;

  g_socket_service_stop (G_SOCKET_SERVICE (self->server));
  g_socket_listener_close (G_SOCKET_LISTENER (self->server));
  g_mutex_lock (&self->lock);
  self->has_stopped = TRUE;
  g_mutex_unlock (&self->lock);

  close_members (self, (MsgpackRpcCloseMode) GPOINTER_TO_INT (data));
  end_if_alone (self);
}

/* Called again, it hurries. */
static void
start_shut_down (MsgpackRpcConnector *self,
                 MsgpackRpcCloseMode  mode)
{
  g_mutex_lock (&self->lock);
  self->is_shut_down = TRUE;
  g_mutex_unlock (&self->lock);

  _msgpack_rpc_reactor_post (get_reactor (self), NULL, self, TRUE, shut_down_cb,
                             GINT_TO_POINTER ((int) mode), NULL);
}

/* ---- the object ---- */

static void
msgpack_rpc_connector_constructed (GObject *object)
{
  MsgpackRpcConnector *self = MSGPACK_RPC_CONNECTOR (object);

  G_OBJECT_CLASS (msgpack_rpc_connector_parent_class)->constructed (object);

  if (self->codec == NULL)
    self->codec = msgpack_rpc_msgpack_codec_new ();
  if (self->main_context == NULL)
    self->main_context = g_main_context_ref_thread_default ();
  self->server = g_object_new (MSGPACK_RPC_TYPE_SERVER, "main-context", self->main_context, NULL);
  _msgpack_rpc_server_set_receiver (self->server, object, receive_stream);
  _msgpack_rpc_event_queue_add_producer (self->queue, self->main_context);
}

/* They end in silence. */
static void
forget_members (MsgpackRpcConnector *self)
{
  g_autoptr(GPtrArray) members = list_members (self);

  for (guint i = 0; i < members->len; i++)
    {
      MsgpackRpcChannel *channel = g_ptr_array_index (members, i);
      g_autoptr(MsgpackRpcEventQueue) queue = msgpack_rpc_channel_get_queue (channel);

      if (queue != NULL && _msgpack_rpc_event_queue_goes_to (queue, self->queue))
        msgpack_rpc_channel_set_queue (channel, NULL);
    }
}

static void
msgpack_rpc_connector_dispose (GObject *object)
{
  MsgpackRpcConnector *self = MSGPACK_RPC_CONNECTOR (object);

  g_mutex_lock (&self->lock);
  self->is_shut_down = TRUE;
  g_mutex_unlock (&self->lock);

  g_object_run_dispose (G_OBJECT (self->server));
  forget_members (self);
  close_members (self, MSGPACK_RPC_CLOSE_MODE_NOW);
  msgpack_rpc_event_queue_shut_down (self->queue);

  G_OBJECT_CLASS (msgpack_rpc_connector_parent_class)->dispose (object);
}

static void
msgpack_rpc_connector_finalize (GObject *object)
{
  MsgpackRpcConnector *self = MSGPACK_RPC_CONNECTOR (object);

  g_assert (self->tasks.length == 0);

  g_ptr_array_unref (self->members);
  g_ptr_array_unref (self->leftovers);
  g_object_unref (self->channels);
  _msgpack_rpc_event_queue_remove_producer (self->queue, self->main_context);
  g_object_unref (self->queue);
  g_object_unref (self->server);
  g_object_unref (self->codec);
  g_main_context_unref (self->main_context);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->ended);

  G_OBJECT_CLASS (msgpack_rpc_connector_parent_class)->finalize (object);
}

static void
msgpack_rpc_connector_get_property (GObject    *object,
                                    guint       prop_id,
                                    GValue     *value,
                                    GParamSpec *pspec)
{
  MsgpackRpcConnector *self = MSGPACK_RPC_CONNECTOR (object);

  switch (prop_id)
    {
    case PROP_CHANNELS:
      g_value_set_object (value, self->channels);
      break;

    case PROP_CODEC:
      g_value_set_object (value, self->codec);
      break;

    case PROP_MAIN_CONTEXT:
      g_value_set_boxed (value, self->main_context);
      break;

    case PROP_QUEUE:
      g_value_set_object (value, self->queue);
      break;

    case PROP_SERVER:
      g_value_set_object (value, self->server);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
msgpack_rpc_connector_set_property (GObject      *object,
                                    guint         prop_id,
                                    const GValue *value,
                                    GParamSpec   *pspec)
{
  MsgpackRpcConnector *self = MSGPACK_RPC_CONNECTOR (object);

  switch (prop_id)
    {
    case PROP_CODEC:
      self->codec = g_value_dup_object (value);
      break;

    case PROP_MAIN_CONTEXT:
      self->main_context = g_value_dup_boxed (value);
      break;

    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags construct = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | G_PARAM_CONSTRUCT_ONLY;

  /**
   * MsgpackRpcConnector:channels: (getter get_channels)
   *
   * The channels that are connected, as a list of [class@Channel]: those that we have opened, and those
   * that were accepted. It changes in the [property@Connector:main-context].
   *
   * Since: 1.0
   */
  props[PROP_CHANNELS] =
      g_param_spec_object ("channels", NULL, NULL, G_TYPE_LIST_MODEL, readable);

  /**
   * MsgpackRpcConnector:codec: (getter get_codec)
   *
   * The [property@Channel:codec] of all channels; given as `NULL`, MessagePack.
   *
   * Since: 1.0
   */
  props[PROP_CODEC] =
      g_param_spec_object ("codec", NULL, NULL, MSGPACK_RPC_TYPE_CODEC, construct);

  /**
   * MsgpackRpcConnector:main-context: (getter get_main_context)
   *
   * Where all is done; given as `NULL`, the thread-default context. Somebody has to run it.
   *
   * Since: 1.0
   */
  props[PROP_MAIN_CONTEXT] =
      g_param_spec_boxed ("main-context", NULL, NULL, G_TYPE_MAIN_CONTEXT, construct);

  /**
   * MsgpackRpcConnector:queue: (getter get_queue)
   *
   * Where events come that go to no other queue.
   *
   * Since: 1.0
   */
  props[PROP_QUEUE] =
      g_param_spec_object ("queue", NULL, NULL, MSGPACK_RPC_TYPE_EVENT_QUEUE, readable);

  /**
   * MsgpackRpcConnector:server: (getter get_server)
   *
   * What listens, and says who may come: its policy, certificate, limits, and numbers of connections.
   * It has no connections of its own, and asks for no token.
   *
   * Since: 1.0
   */
  props[PROP_SERVER] =
      g_param_spec_object ("server", NULL, NULL, MSGPACK_RPC_TYPE_SERVER, readable);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
msgpack_rpc_connector_class_init (MsgpackRpcConnectorClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = msgpack_rpc_connector_constructed;
  object_class->dispose = msgpack_rpc_connector_dispose;
  object_class->finalize = msgpack_rpc_connector_finalize;
  object_class->get_property = msgpack_rpc_connector_get_property;
  object_class->set_property = msgpack_rpc_connector_set_property;
  install_properties (object_class);

  /**
   * MsgpackRpcConnector::channel-connected:
   * @self: the connector
   * @channel: a channel that we have opened, or that was accepted
   *
   * A channel is connected, and nothing that it sends is in a queue yet: what its messages will need can
   * be prepared. It comes in the [property@Connector:main-context].
   *
   * Since: 1.0
   */
  channel_connected_signal =
      g_signal_new ("channel-connected", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                    NULL, G_TYPE_NONE, 1, MSGPACK_RPC_TYPE_CHANNEL);
}

static void
msgpack_rpc_connector_init (MsgpackRpcConnector *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->ended);
  g_queue_init (&self->tasks);
  self->queue = msgpack_rpc_event_queue_new ();
  self->channels = _msgpack_rpc_object_list_new (MSGPACK_RPC_TYPE_CHANNEL);
  self->members = g_ptr_array_new_with_free_func (g_object_unref);
  self->leftovers = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
}

/**
 * msgpack_rpc_connector_new:
 * @codec: (nullable): how messages become bytes, and bytes messages, or `NULL` for MessagePack
 *
 * Makes a connector for the thread-default context, which neither listens nor connects.
 *
 * Returns: (transfer full): a connector
 *
 * Since: 1.0
 */
MsgpackRpcConnector *
msgpack_rpc_connector_new (MsgpackRpcCodec *codec)
{
  g_return_val_if_fail (codec == NULL || MSGPACK_RPC_IS_CODEC (codec), NULL);

  return g_object_new (MSGPACK_RPC_TYPE_CONNECTOR, "codec", codec, NULL);
}

/**
 * msgpack_rpc_connector_listen_sync:
 * @self: a connector
 * @address: where to listen, as for [method@Server.listen_sync]
 * @cancellable: (nullable): what cancels it
 * @error: return location for an error
 *
 * Listens for peers, of whom [struct@Event]s of the kind `REMOTE_CONNECT` tell.
 *
 * For [method@Server.listen_async] use [property@Connector:server].
 *
 * Returns: (transfer full) (array zero-terminated=1): the addresses that it listens on, or `NULL` with
 *   @error set, as for [method@Server.listen_sync], or to `G_IO_ERROR_CLOSED` if the connector was shut
 *   down
 *
 * Since: 1.0
 */
char **
msgpack_rpc_connector_listen_sync (MsgpackRpcConnector  *self,
                                   const char           *address,
                                   GCancellable         *cancellable,
                                   GError              **error)
{
  gboolean is_open;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  g_mutex_lock (&self->lock);
  is_open = check_open (self, error);
  g_mutex_unlock (&self->lock);
  return is_open ? msgpack_rpc_server_listen_sync (self->server, address, cancellable, error) : NULL;
}

/* The first to hear of the channel are those who prepare what its messages need. */
static MsgpackRpcChannel *
prepare (MsgpackRpcConnector   *self,
         const char            *address,
         MsgpackRpcEventQueue  *queue,
         GError               **error)
{
  g_autoptr(MsgpackRpcChannel) channel = make_channel (self, NULL, address);

  make_member (self, channel, NULL);
  g_signal_connect (channel, "notify::status", G_CALLBACK (status_cb), NULL);
  msgpack_rpc_channel_set_queue (channel, queue != NULL ? queue : self->queue);
  g_signal_connect (channel, "closed", G_CALLBACK (closed_cb), NULL);
  return add_member (self, channel, error) ? g_steal_pointer (&channel) : NULL;
}

/**
 * msgpack_rpc_connector_open:
 * @self: a connector
 * @address: where to connect to, as for [property@Client:address]
 * @queue: (nullable): where the events of the channel go, or `NULL` for [property@Connector:queue]
 * @error: return location for an error
 *
 * Begins to connect to a peer.
 *
 * The channel can be used at once: what is sent goes out when it is connected. An event of the kind
 * `FINISH_CONNECT` tells when that is, or why it is not to be, and then what was not sent. The connector
 * keeps the channel until it has ended.
 *
 * Returns: (transfer full): the channel, or `NULL` with @error set to `G_IO_ERROR_CLOSED` if the
 *   connector was shut down
 *
 * Since: 1.0
 */
MsgpackRpcChannel *
msgpack_rpc_connector_open (MsgpackRpcConnector   *self,
                            const char            *address,
                            MsgpackRpcEventQueue  *queue,
                            GError               **error)
{
  MsgpackRpcChannel *channel;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);
  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (queue == NULL || MSGPACK_RPC_IS_EVENT_QUEUE (queue), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  channel = prepare (self, address, queue, error);
  if (channel != NULL)
    msgpack_rpc_channel_open_async (channel, NULL, NULL, NULL);
  return channel;
}

/**
 * msgpack_rpc_connector_open_sync:
 * @self: a connector
 * @address: where to connect to, as for [property@Client:address]
 * @queue: (nullable): where the events of the channel go, or `NULL` for [property@Connector:queue]
 * @timeout: how long that may take, in milliseconds; -1 for as long as it takes
 * @cancellable: (nullable): what cancels it
 * @error: return location for an error
 *
 * Connects to a peer, and waits until that is done.
 *
 * There are the same events as of [method@Connector.open]. A channel that could not be connected in time
 * is closed, also if it could be a moment later.
 *
 * Fails with `G_IO_ERROR_TIMED_OUT`, `G_IO_ERROR_CANCELLED`, `G_IO_ERROR_CLOSED` if the connector was
 * shut down, and with what [method@Channel.open_finish] can fail with.
 *
 * Returns: (transfer full): the channel, which is connected, or `NULL` with @error set
 *
 * Since: 1.0
 */
MsgpackRpcChannel *
msgpack_rpc_connector_open_sync (MsgpackRpcConnector   *self,
                                 const char            *address,
                                 MsgpackRpcEventQueue  *queue,
                                 int                    timeout,
                                 GCancellable          *cancellable,
                                 GError               **error)
{
  g_autoptr(MsgpackRpcChannel) channel = NULL;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);
  g_return_val_if_fail (address != NULL, NULL);
  g_return_val_if_fail (queue == NULL || MSGPACK_RPC_IS_EVENT_QUEUE (queue), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  channel = prepare (self, address, queue, error);
  if (channel == NULL)
    return NULL;

  if (_msgpack_rpc_channel_open_within (channel, timeout, cancellable, error))
    return g_steal_pointer (&channel);

  msgpack_rpc_channel_close_async (channel, MSGPACK_RPC_CLOSE_MODE_NOW, NULL, NULL, NULL);
  return NULL;
}

/**
 * msgpack_rpc_connector_shut_down_async:
 * @self: a connector
 * @mode: what becomes of messages that are queued
 * @cancellable: (nullable): ends the waiting; the connector is shut down all the same
 * @callback: (scope async) (nullable): called when all channels have ended
 * @user_data: data for @callback
 *
 * Closes all channels, and takes no new ones.
 *
 * Nobody can connect from here on, and those who are not accepted are rejected; what we were connecting
 * to is given up. Each channel is closed with @mode, within [property@Limits:close-timeout] and then at
 * once; events tell of each. When the last one has ended, the queue is shut down, too: threads that wait
 * for events get what is in it, and then `G_IO_ERROR_CLOSED`.
 *
 * Called again, it may hurry. Call [method@Connector.shut_down_finish] from @callback.
 *
 * Since: 1.0
 */
void
msgpack_rpc_connector_shut_down_async (MsgpackRpcConnector *self,
                                       MsgpackRpcCloseMode  mode,
                                       GCancellable        *cancellable,
                                       GAsyncReadyCallback  callback,
                                       gpointer             user_data)
{
  GTask *task;

  g_return_if_fail (MSGPACK_RPC_IS_CONNECTOR (self));
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, msgpack_rpc_connector_shut_down_async);
  g_mutex_lock (&self->lock);
  queue_task (self, task);
  if (self->has_ended)
    _msgpack_rpc_reactor_post (get_reactor (self), NULL, self, TRUE, end_tasks_cb, NULL, NULL);
  g_mutex_unlock (&self->lock);

  start_shut_down (self, mode);
}

/**
 * msgpack_rpc_connector_shut_down_finish:
 * @self: a connector
 * @result: the result given to the callback
 * @error: return location for an error
 *
 * Gets what was not sent: a value of type `a(tmvav)`, with an element for each channel on which
 * something was left: its [property@Channel:id], the message that was sent in part, if there is one, and
 * those of which nothing was sent.
 *
 * Returns: (transfer full): what was not sent, or `NULL` with @error set to `G_IO_ERROR_CANCELLED`
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_connector_shut_down_finish (MsgpackRpcConnector  *self,
                                        GAsyncResult         *result,
                                        GError              **error)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
wake_cb (GCancellable *cancellable G_GNUC_UNUSED,
         gpointer      user_data)
{
  MsgpackRpcConnector *self = user_data;

  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->ended);
  g_mutex_unlock (&self->lock);
}

/**
 * msgpack_rpc_connector_shut_down_sync:
 * @self: a connector
 * @mode: what becomes of messages that are queued
 * @cancellable: (nullable): ends the waiting; the connector is shut down all the same
 * @error: return location for an error
 *
 * Closes all channels, takes no new ones, and waits until that is done; see
 * [method@Connector.shut_down_async], and [method@Connector.shut_down_finish] for what is returned.
 *
 * Another thread has to run the [property@Connector:main-context], and as long as none does, this waits.
 * In a thread that is just running it, this fails with `G_IO_ERROR_WOULD_BLOCK`, and the connector is shut
 * down all the same. Who has no other thread uses [method@Connector.shut_down_async].
 *
 * Returns: (transfer full): what was not sent, or `NULL` with @error set to that or
 *   `G_IO_ERROR_CANCELLED`
 *
 * Since: 1.0
 */
GVariant *
msgpack_rpc_connector_shut_down_sync (MsgpackRpcConnector  *self,
                                      MsgpackRpcCloseMode   mode,
                                      GCancellable         *cancellable,
                                      GError              **error)
{
  GVariant *result = NULL;
  gulong id = 0;

  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  start_shut_down (self, mode);
  if (g_main_context_is_owner (self->main_context))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK,
                           _("This thread runs the connector’s main context, and would wait for "
                             "itself; use shut_down_async()"));
      return NULL;
    }

  if (cancellable != NULL)
    id = g_cancellable_connect (cancellable, G_CALLBACK (wake_cb), self, NULL);
  g_mutex_lock (&self->lock);
  while (!self->has_ended && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&self->ended, &self->lock);
  if (self->has_ended)
    result = make_result (self);
  else
    g_cancellable_set_error_if_cancelled (cancellable, error);
  g_mutex_unlock (&self->lock);
  if (id != 0)
    g_cancellable_disconnect (cancellable, id);
  return result;
}

/**
 * msgpack_rpc_connector_get_codec: (get-property codec)
 * @self: a connector
 *
 * Gets how messages become bytes, and bytes messages.
 *
 * Returns: (transfer none): the codec
 *
 * Since: 1.0
 */
MsgpackRpcCodec *
msgpack_rpc_connector_get_codec (MsgpackRpcConnector *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);

  return self->codec;
}

/**
 * msgpack_rpc_connector_get_main_context: (get-property main-context)
 * @self: a connector
 *
 * Gets the context in which all is done.
 *
 * Returns: (transfer none): the context
 *
 * Since: 1.0
 */
GMainContext *
msgpack_rpc_connector_get_main_context (MsgpackRpcConnector *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);

  return self->main_context;
}

/**
 * msgpack_rpc_connector_get_server: (get-property server)
 * @self: a connector
 *
 * Gets what listens, and says who may come.
 *
 * Returns: (transfer none): the server
 *
 * Since: 1.0
 */
MsgpackRpcServer *
msgpack_rpc_connector_get_server (MsgpackRpcConnector *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);

  return self->server;
}

/**
 * msgpack_rpc_connector_get_queue: (get-property queue)
 * @self: a connector
 *
 * Gets the queue of events that go to no other queue.
 *
 * Returns: (transfer none): the queue
 *
 * Since: 1.0
 */
MsgpackRpcEventQueue *
msgpack_rpc_connector_get_queue (MsgpackRpcConnector *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);

  return self->queue;
}

/**
 * msgpack_rpc_connector_get_channels: (get-property channels)
 * @self: a connector
 *
 * Gets the channels that are connected, as a list of [class@Channel].
 *
 * Returns: (transfer none): the list
 *
 * Since: 1.0
 */
GListModel *
msgpack_rpc_connector_get_channels (MsgpackRpcConnector *self)
{
  g_return_val_if_fail (MSGPACK_RPC_IS_CONNECTOR (self), NULL);

  return G_LIST_MODEL (self->channels);
}
