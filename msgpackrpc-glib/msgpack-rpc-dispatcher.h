/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#if !defined(MSGPACK_RPC_INSIDE) && !defined(MSGPACK_RPC_COMPILATION)
#error "Only <msgpackrpc-glib/msgpackrpc-glib.h> can be included directly."
#endif

#include "msgpack-rpc-types.h"

G_BEGIN_DECLS

/**
 * MsgpackRpcHandler:
 * @invocation: the request; for a notification, one that needs no answer
 * @params: the parameters, of the type that the method's signature declares, or as they came
 *   (`av`, or a map for named ones: `a{sv}`, `a{xv}` or `a(vv)`) when it declares none
 * @user_data: the data given with the handler
 * @error: return location for an error
 *
 * Handles a request.
 *
 * `TRUE` means that the request was answered, or that it will be: keep a reference on @invocation
 * and call one of its `return_` methods later, from any thread. `FALSE` without an answer makes
 * the library answer at once, with @error or, where none is set, with a general text. `FALSE` after
 * an answer means nothing.
 *
 * An exception in a language binding is the same as `FALSE`. In JavaScript its text is the answer;
 * in Python that of a `GLib.Error` is, and any other exception is answered with the general text.
 *
 * Returns: whether the request is, or will be, answered
 * Since: 1.0
 */
typedef gboolean (*MsgpackRpcHandler) (MsgpackRpcInvocation  *invocation,
                                       GVariant              *params,
                                       gpointer               user_data,
                                       GError               **error);

/**
 * MsgpackRpcFilter:
 * @invocation: a request, or a notification
 * @user_data: the data given with the filter
 * @error: return location for an error
 *
 * Looks at a request before its method runs, and says whether it goes on: to the next filter, and then
 * to the method.
 *
 * `FALSE` refuses it: it is answered with @error or, where none is set, with a general text, unless the
 * filter has answered it by itself; a notification is dropped. A request that a filter has answered
 * goes no further either, whatever is returned.
 *
 * Before it returns, the filter may call [method@Invocation.set_method],
 * [method@Invocation.set_params] and [method@Invocation.add_answer_filter]. One that has to answer later
 * gives the request to a method of its own making, which can do that.
 *
 * An exception in a language binding is the same as `FALSE`, as for [callback@Handler].
 *
 * Returns: whether the request goes on
 * Since: 1.0
 */
typedef gboolean (*MsgpackRpcFilter) (MsgpackRpcInvocation  *invocation,
                                      gpointer               user_data,
                                      GError               **error);

#define MSGPACK_RPC_TYPE_DISPATCHER (msgpack_rpc_dispatcher_get_type ())

MSGPACK_RPC_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (MsgpackRpcDispatcher, msgpack_rpc_dispatcher, MSGPACK_RPC, DISPATCHER, GObject)

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcDispatcher *msgpack_rpc_dispatcher_new (void) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_dispatcher_add_method (MsgpackRpcDispatcher *self,
                                            const char           *name,
                                            const char           *signature,
                                            MsgpackRpcHandler     handler,
                                            gpointer              user_data,
                                            GDestroyNotify        user_data_destroy);
MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_dispatcher_add_method_full (MsgpackRpcDispatcher  *self,
                                                 const char            *name,
                                                 const char            *signature,
                                                 MsgpackRpcHandler      handler,
                                                 gpointer               user_data,
                                                 GDestroyNotify         user_data_destroy,
                                                 MsgpackRpcMethodFlags  flags);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_dispatcher_remove_method (MsgpackRpcDispatcher *self,
                                               guint                 id);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcMethod *msgpack_rpc_dispatcher_lookup_method (MsgpackRpcDispatcher *self,
                                                        const char           *name)
  G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
guint    msgpack_rpc_dispatcher_add_filter    (MsgpackRpcDispatcher *self,
                                               MsgpackRpcFilter      filter,
                                               gpointer              user_data,
                                               GDestroyNotify        user_data_destroy);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_dispatcher_remove_filter (MsgpackRpcDispatcher *self,
                                               guint                 id);

MSGPACK_RPC_AVAILABLE_IN_1_0
GVariant *msgpack_rpc_dispatcher_dispatch (MsgpackRpcDispatcher  *self,
                                           GVariant              *message,
                                           GError               **error) G_GNUC_WARN_UNUSED_RESULT;

MSGPACK_RPC_AVAILABLE_IN_1_0
GListModel *msgpack_rpc_dispatcher_get_methods (MsgpackRpcDispatcher *self);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_dispatcher_get_max_answer_time (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_dispatcher_set_max_answer_time (MsgpackRpcDispatcher *self,
                                                 int                   max_answer_time);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcDispatcher *msgpack_rpc_dispatcher_get_next (MsgpackRpcDispatcher *self)
  G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean              msgpack_rpc_dispatcher_set_next (MsgpackRpcDispatcher *self,
                                                       MsgpackRpcDispatcher *next);

MSGPACK_RPC_AVAILABLE_IN_1_0
char    *msgpack_rpc_dispatcher_get_version (MsgpackRpcDispatcher *self) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_dispatcher_set_version (MsgpackRpcDispatcher *self,
                                             const char           *version);
MSGPACK_RPC_AVAILABLE_IN_1_0
char    *msgpack_rpc_dispatcher_get_description (MsgpackRpcDispatcher *self)
  G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_dispatcher_set_description (MsgpackRpcDispatcher *self,
                                                 const char           *description);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_dispatcher_get_discoverable (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_dispatcher_set_discoverable (MsgpackRpcDispatcher *self,
                                                  gboolean              discoverable);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean msgpack_rpc_dispatcher_get_answers_pings (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void     msgpack_rpc_dispatcher_set_answers_pings (MsgpackRpcDispatcher *self,
                                                   gboolean              answers_pings);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_dispatcher_get_n_threads (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_dispatcher_set_n_threads (MsgpackRpcDispatcher *self,
                                            guint                 n_threads);
MSGPACK_RPC_AVAILABLE_IN_1_0
int   msgpack_rpc_dispatcher_get_slow_handler_time (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_dispatcher_set_slow_handler_time (MsgpackRpcDispatcher *self,
                                                    int                   slow_handler_time);

MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcTopic *msgpack_rpc_dispatcher_add_topic    (MsgpackRpcDispatcher *self,
                                                      const char           *name,
                                                      const char           *signature);
MSGPACK_RPC_AVAILABLE_IN_1_0
MsgpackRpcTopic *msgpack_rpc_dispatcher_lookup_topic (MsgpackRpcDispatcher *self,
                                                      const char           *name) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean         msgpack_rpc_dispatcher_remove_topic (MsgpackRpcDispatcher *self,
                                                      const char           *name);
MSGPACK_RPC_AVAILABLE_IN_1_0
GListModel      *msgpack_rpc_dispatcher_get_topics   (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
gboolean         msgpack_rpc_dispatcher_publish      (MsgpackRpcDispatcher *self,
                                                      const char           *topic,
                                                      GVariant             *value,
                                                      GError              **error);

MSGPACK_RPC_AVAILABLE_IN_1_0
char **msgpack_rpc_dispatcher_get_worker_argv (MsgpackRpcDispatcher *self) G_GNUC_WARN_UNUSED_RESULT;
MSGPACK_RPC_AVAILABLE_IN_1_0
void   msgpack_rpc_dispatcher_set_worker_argv (MsgpackRpcDispatcher *self,
                                               const char * const   *worker_argv);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_dispatcher_get_n_workers (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_dispatcher_set_n_workers (MsgpackRpcDispatcher *self,
                                            guint                 n_workers);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_dispatcher_get_worker_max_calls (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_dispatcher_set_worker_max_calls (MsgpackRpcDispatcher *self,
                                                   guint                 worker_max_calls);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint msgpack_rpc_dispatcher_get_worker_max_queued (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void  msgpack_rpc_dispatcher_set_worker_max_queued (MsgpackRpcDispatcher *self,
                                                    guint                 worker_max_queued);

MSGPACK_RPC_AVAILABLE_IN_1_0
guint64 msgpack_rpc_dispatcher_get_worker_memory_limit (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void    msgpack_rpc_dispatcher_set_worker_memory_limit (MsgpackRpcDispatcher *self,
                                                        guint64               worker_memory_limit);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_dispatcher_get_worker_start_timeout (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_dispatcher_set_worker_start_timeout (MsgpackRpcDispatcher *self,
                                                      int                   worker_start_timeout);

MSGPACK_RPC_AVAILABLE_IN_1_0
int  msgpack_rpc_dispatcher_get_worker_time_limit (MsgpackRpcDispatcher *self);
MSGPACK_RPC_AVAILABLE_IN_1_0
void msgpack_rpc_dispatcher_set_worker_time_limit (MsgpackRpcDispatcher *self,
                                                   int                   worker_time_limit);

G_END_DECLS
