/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-budget-private.h"
#include "msgpack-rpc-call-list-private.h"
#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-connection.h"
#include "msgpack-rpc-limits-private.h"
#include "msgpack-rpc-message-private.h"
#include "msgpack-rpc-notice-private.h"
#include "msgpack-rpc-pending-connection-private.h"
#include "msgpack-rpc-settings-private.h"
#include "msgpack-rpc-token.h"

G_BEGIN_DECLS

/* ---- for a server and a client ---- */

void _msgpack_rpc_connection_set_setting  (MsgpackRpcConnection *self,
                                           MsgpackRpcSetting     setting,
                                           int                   value);
void _msgpack_rpc_connection_set_settings (MsgpackRpcConnection *self,
                                           MsgpackRpcSettings   *settings);

/* ---- for a server ---- */

/* Reads nothing until it is released, so that somebody can connect to its signals first. */
MsgpackRpcConnection *_msgpack_rpc_connection_new_held (GIOStream            *io_stream,
                                                        GMainContext         *main_context,
                                                        MsgpackRpcLimits     *limits,
                                                        MsgpackRpcBudget     *budget);
void                  _msgpack_rpc_connection_release  (MsgpackRpcConnection *self);
/* Reads a little, but delivers nothing until it is released. */
void                  _msgpack_rpc_connection_hold     (MsgpackRpcConnection *self);
/* Tells the peer why, and closes; what the peer has sent is dropped. */
void                  _msgpack_rpc_connection_refuse   (MsgpackRpcConnection *self,
                                                        const GError         *error);
void                  _msgpack_rpc_connection_drop     (MsgpackRpcConnection *self);

/* Queues a notification for several connections. */
gboolean              _msgpack_rpc_connection_send_notice (MsgpackRpcConnection  *self,
                                                           MsgpackRpcNotice      *notice,
                                                           GError               **error);

/* The peer may show that it knows @token. If there is @pending, it must, before anything else: then
 * @pending is accepted, else refused. Before the connection reads. */
void                  _msgpack_rpc_connection_set_gate (MsgpackRpcConnection        *self,
                                                        MsgpackRpcToken             *token,
                                                        MsgpackRpcPendingConnection *pending);

typedef struct _MsgpackRpcDrain MsgpackRpcDrain;

/* Answers what it has begun to handle, refuses the rest, and closes; or hurries that. */
void            _msgpack_rpc_connection_drain     (MsgpackRpcConnection *self,
                                                   MsgpackRpcDrain      *drain);
void            _msgpack_rpc_connection_cut_off   (MsgpackRpcConnection *self,
                                                   const GError         *error);
/* A call that ends with it, or when as many milliseconds are over. */
MsgpackRpcCall *_msgpack_rpc_connection_await_end (MsgpackRpcConnection *self,
                                                   int                   timeout);
/* Of what it posts to its context. */
gconstpointer   _msgpack_rpc_connection_get_lane  (MsgpackRpcConnection *self);

/* ---- for a client ---- */

/* What has come on the stream already, and is to be read before the rest. Before it is opened, by the
 * holder of the I/O. */
void _msgpack_rpc_connection_set_early_input (MsgpackRpcConnection *self,
                                              GBytes               *input);

/* How a client hears of its connection, in the connection's context. */
typedef struct
{
  /* Starts to open a stream, and calls _msgpack_rpc_connection_opened() when done: both from the link's
   * private context, which is thread-default. */
  void     (*open)         (gpointer                    client,
                            MsgpackRpcConnection       *connection,
                            GCancellable               *cancellable);
  void     (*status)       (gpointer                    client,
                            MsgpackRpcConnectionStatus  old_status,
                            MsgpackRpcConnectionStatus  new_status,
                            const GError               *error);
  gboolean (*request)      (gpointer                    client,
                            MsgpackRpcInvocation       *invocation);
  /* Returns whether anybody listens. */
  gboolean (*notification) (gpointer                    client,
                            const MsgpackRpcMessage    *message);
  void     (*peer_error)   (gpointer                    client,
                            const char                 *text,
                            GVariant                   *value);
  void     (*reply)        (gpointer                    client,
                            MsgpackRpcCall             *call);
  void     (*unknown_message) (gpointer                 client,
                               GVariant                *message);
  /* In any thread. */
  gboolean (*hears_peer_errors) (gpointer               client);
  gboolean (*hears_replies) (gpointer                   client);
  gboolean (*hears_unknown_messages) (gpointer          client);
  /* What the client would keep of the calls of a connection that is about to end, or has ended: it may
   * have another one soon. In any thread, no lock held. */
  MsgpackRpcKeep (*get_keep) (gpointer                  client,
                              MsgpackRpcConnection     *connection);
  /* The connection has ended, but not told so yet; the client takes the calls that go on. Returns the
   * rest, or NULL if it has taken none. Likewise. */
  GPtrArray * (*ended)     (gpointer                    client,
                            MsgpackRpcConnection       *connection,
                            const GError               *error,
                            gboolean                    opened);
  /* A call waits for its answer, and the connection is not watched. In any thread, with the client's lock
   * held or not. */
  void     (*awaits_reply) (gpointer                    client);
  /* Something has come from a peer that was overdue. In any thread, no lock held. */
  void     (*has_heard)    (gpointer                    client);
} MsgpackRpcClientFuncs;

/* Without a stream: messages wait until it is opened. @client is not referenced. */
MsgpackRpcConnection *_msgpack_rpc_connection_new_unopened (GMainContext                *main_context,
                                                            MsgpackRpcLimits            *limits,
                                                            gpointer                     client,
                                                            const MsgpackRpcClientFuncs *funcs);
/* The client that hears of everything too: a reference, or NULL. */
GObject              *_msgpack_rpc_connection_ref_client  (MsgpackRpcConnection        *self);
/* In the main context, before the signal. */
typedef void (*MsgpackRpcClosedFunc) (MsgpackRpcConnection *connection,
                                      const GError         *error,
                                      gpointer              data);

/* Not a handler of the signal: while there are none at all, none is looked for. */
void _msgpack_rpc_connection_set_closed_func (MsgpackRpcConnection *self,
                                              MsgpackRpcClosedFunc  func,
                                              gpointer              data,
                                              GDestroyNotify        destroy);

/* Emit the signals of connections and clients, if anybody listens. */
gboolean              _msgpack_rpc_emit_request            (gpointer                  object,
                                                            guint                     signal_id,
                                                            MsgpackRpcInvocation     *invocation);
gboolean              _msgpack_rpc_emit_notification       (gpointer                  object,
                                                            guint                     signal_id,
                                                            const MsgpackRpcMessage  *message);
/* The detail for a signal about @method; a peer must not make us intern what it likes. */
GQuark                _msgpack_rpc_connection_get_detail   (const char             *method);
/* @call ends when the connection is opened. @first: nobody has called this for it before. */
void                  _msgpack_rpc_connection_open         (MsgpackRpcConnection   *self,
                                                            MsgpackRpcCall         *call,
                                                            gboolean                first);
void                  _msgpack_rpc_connection_opened       (MsgpackRpcConnection   *self,
                                                            GIOStream              *stream,
                                                            const GError           *error);
gboolean              _msgpack_rpc_connection_has_ended    (MsgpackRpcConnection   *self);
/* Whether all has been told of its end. In its context. */
gboolean              _msgpack_rpc_connection_has_told_end (MsgpackRpcConnection   *self);

/* Whether calls wait for their answer. */
gboolean _msgpack_rpc_connection_awaits_replies (MsgpackRpcConnection *self);
/* How many bytes have come. FALSE if nothing is read at the moment. */
gboolean _msgpack_rpc_connection_get_received   (MsgpackRpcConnection *self,
                                                 gsize                *received);
/* While it is watched it does not tell that calls wait; while it is overdue it tells what comes next. */
void     _msgpack_rpc_connection_set_watched    (MsgpackRpcConnection *self,
                                                 gboolean              watched);
void     _msgpack_rpc_connection_set_overdue    (MsgpackRpcConnection *self,
                                                 gboolean              overdue);
/* Does what I/O there is to do. */
void     _msgpack_rpc_connection_work           (MsgpackRpcConnection *self);

/* Opens it at @time (monotonic). FALSE if there are no descriptors for that now: to be called again. */
gboolean _msgpack_rpc_connection_open_later (MsgpackRpcConnection *self,
                                             gint64                time);
/* The attempt has failed, and the next one is made at @time; what does not wait for that fails with
 * @error. FALSE if the connection has ended. */
gboolean _msgpack_rpc_connection_retry      (MsgpackRpcConnection *self,
                                             gint64                time,
                                             const GError         *error);
/* The next attempt is made now, if one is waited for. */
void     _msgpack_rpc_connection_hurry      (MsgpackRpcConnection *self);

/* Takes the calls that go on, and the @rest: of MsgpackRpcCall, in the order in which they were sent. */
GPtrArray *_msgpack_rpc_connection_take_calls (MsgpackRpcConnection  *self,
                                               MsgpackRpcKeep         keep,
                                               GPtrArray            **rest);
/* Takes over a call of another connection. */
void       _msgpack_rpc_connection_adopt      (MsgpackRpcConnection *self,
                                               MsgpackRpcCall       *call);

/* From here on the client's list shows its calls, too. */
void     _msgpack_rpc_connection_show_calls (MsgpackRpcConnection *self,
                                             MsgpackRpcCallList   *list);

/* Sends a request or notification, already started. */
void _msgpack_rpc_connection_submit (MsgpackRpcConnection *self,
                                     MsgpackRpcCall       *call);
/* The same for one that goes out before all that is queued; while the connection is being opened. */
void _msgpack_rpc_connection_submit_first (MsgpackRpcConnection *self,
                                           MsgpackRpcCall       *call);
/* The same, but returns FALSE with @may_refuse if the connection takes no more: the call is as it was
 * before then. */
gboolean _msgpack_rpc_connection_try_submit (MsgpackRpcConnection *self,
                                             MsgpackRpcCall       *call,
                                             gboolean              may_refuse);
/* Keeps a call that is not sent here, but taken by the client when the connection has ended. FALSE if the
 * call cannot be sent, or there is no room for it. By one thread at a time. */
gboolean _msgpack_rpc_connection_park   (MsgpackRpcConnection  *self,
                                         MsgpackRpcCall        *call,
                                         GError               **error);
/* From here on the connection ends the call. FALSE if it has ended already. */
gboolean _msgpack_rpc_connection_register_call (MsgpackRpcConnection *self,
                                                MsgpackRpcCall       *call,
                                                guint32               msgid);
/* Begins to close; @call, already started, ends with it. */
void _msgpack_rpc_connection_close  (MsgpackRpcConnection *self,
                                     MsgpackRpcCloseMode   mode,
                                     MsgpackRpcCall       *call);

/* ---- for topics ---- */

typedef struct _MsgpackRpcInterests    MsgpackRpcInterests;
typedef struct _MsgpackRpcSubscription MsgpackRpcSubscription;

MsgpackRpcLink     *_msgpack_rpc_connection_ref_link     (MsgpackRpcConnection *self);
/* Calls back when all that is queued now is written, or the connection has ended. */
void                _msgpack_rpc_connection_await_flush  (MsgpackRpcConnection *self,
                                                          gpointer              source,
                                                          GAsyncReadyCallback   callback,
                                                          gpointer              user_data);
/* What the peer has subscribed to; ended when the connection is. There is one of a topic: @is_new. FALSE
 * if there are as many as may be, or if the connection has ended. */
gboolean _msgpack_rpc_connection_add_subscription    (MsgpackRpcConnection    *self,
                                                      MsgpackRpcSubscription  *subscription,
                                                      gboolean                *is_new,
                                                      GError                 **error);
void     _msgpack_rpc_connection_forget_subscription (MsgpackRpcConnection    *self,
                                                      MsgpackRpcSubscription  *subscription);
/* What this end has subscribed to; where that is. */
MsgpackRpcInterests **
         _msgpack_rpc_connection_get_interests       (MsgpackRpcConnection    *self);
/* A reference, or NULL. */
MsgpackRpcSubscription *
         _msgpack_rpc_connection_ref_subscription    (MsgpackRpcConnection    *self,
                                                      MsgpackRpcTopic         *topic);
/* The connection has ended, or is disposed of. With no lock held. */
void     _msgpack_rpc_connection_end_subscriptions   (MsgpackRpcConnection    *self);

/* About what a waiting message takes beside its value. */
#define MSGPACK_RPC_MESSAGE_COST 1024

/* ---- for calls and invocations ---- */

MsgpackRpcReactor *_msgpack_rpc_connection_ref_reactor (MsgpackRpcConnection *self);

/* What was delivered waits for its turn elsewhere, and keeps @size bytes; it does no more. Reading
 * pauses when that is too much. */
void     _msgpack_rpc_connection_begin_waiting     (MsgpackRpcConnection *self,
                                                    gsize                 size);
void     _msgpack_rpc_connection_end_waiting       (MsgpackRpcConnection *self,
                                                    gsize                 size);

/* What is to be done when a call has ended without a reply. */
typedef enum
{
  MSGPACK_RPC_AFTERMATH_NONE = 0,
  MSGPACK_RPC_AFTERMATH_CANCEL = 1 << 0, /* the peer is to be told */
  MSGPACK_RPC_AFTERMATH_NEXT = 1 << 1,   /* the next call has its turn */
} MsgpackRpcAftermath;

/* The call is about to end without a reply. With the call's lock held. Returns what the next one does
 * then, with no lock held. */
MsgpackRpcAftermath
         _msgpack_rpc_connection_forget_call       (MsgpackRpcConnection *self,
                                                    MsgpackRpcCall       *call,
                                                    guint32               msgid);
void     _msgpack_rpc_connection_follow_up         (MsgpackRpcConnection *self,
                                                    guint32               msgid,
                                                    MsgpackRpcAftermath   aftermath);
/* Whether the call waits until the peer has answered another one. */
gboolean _msgpack_rpc_connection_awaits_turn       (MsgpackRpcConnection *self,
                                                    MsgpackRpcCall       *call);
/* Whether the next one is worth asking. */
gboolean _msgpack_rpc_connection_has_handlers_in_turn (void);
/* FALSE if it would wait for ever if this thread waited for it. */
gboolean _msgpack_rpc_connection_check_turn        (MsgpackRpcConnection  *self,
                                                    MsgpackRpcCall        *call,
                                                    GError               **error);
void     _msgpack_rpc_connection_cancel_call       (MsgpackRpcConnection *self,
                                                    guint32               msgid);
/* Whether the peer has said that it does. */
gboolean _msgpack_rpc_connection_peer_knows        (MsgpackRpcConnection *self,
                                                    MsgpackRpcExtensions  extension);
/* FALSE if it is not sent: the peer does not know of it, is slow to read, or it is too large. */
gboolean _msgpack_rpc_connection_send_progress     (MsgpackRpcConnection  *self,
                                                    const MsgpackRpcPiece *msgid,
                                                    double                 fraction,
                                                    GVariant              *value);
/* What stands for an error, as far as the peer understands it. */
GVariant *_msgpack_rpc_connection_make_error_value (MsgpackRpcConnection *self,
                                                    GQuark                domain,
                                                    int                   code,
                                                    const char           *text);
/* Queues the answer of a request, once. @request_size: of the memory that it may share with the
 * request; @error_value NULL: success. FALSE when it cannot be sent
 * any more. */
gboolean _msgpack_rpc_connection_answer            (MsgpackRpcConnection *self,
                                                    MsgpackRpcInvocation *invocation,
                                                    const MsgpackRpcPiece *msgid,
                                                    gsize                 request_size,
                                                    GVariant             *error_value,
                                                    GVariant             *result);

G_END_DECLS
