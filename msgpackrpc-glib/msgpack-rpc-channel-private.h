/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include "msgpack-rpc-call-private.h"
#include "msgpack-rpc-channel.h"
#include "msgpack-rpc-handlers-private.h"
#include "msgpack-rpc-link-private.h"
#include "msgpack-rpc-stream-decoder-private.h"
#include "msgpack-rpc-stream-encoder-private.h"
#include "msgpack-rpc-target-private.h"

G_BEGIN_DECLS

/* What the files of a channel share: msgpack-rpc-channel.c is the object that applications see,
 * msgpack-rpc-channel-output.c makes bytes of messages, msgpack-rpc-channel-input.c messages of bytes,
 * msgpack-rpc-channel-ends.c opens and closes. */

/* Of the messages to send: guarded by the channel's lock, but for what belongs to the main context. */
typedef struct
{
  GQueue messages;        /* of Outgoing: what is not known to be written, in order */
  GList *next;            /* the first of these that is not encoded to its end, or NULL */
  guint64 position;       /* in the stream: where the next chunk begins */
  gsize unencoded_bytes;  /* the size of the messages from the next on */
  int n_unencoded;        /* atomic; how many they are */
  guint64 last_serial;
  int is_posted;          /* atomic; the main context will look at it */

  /* In the main context. */
  MsgpackRpcStreamEncoder *encoder; /* owned, nullable */
  guint64 serial;         /* of the message that it encodes */
  GCancellable *reading;  /* owned; while a stream is read for it */
  gboolean is_running;    /* the codec's code, which may run the loop */
} MsgpackRpcChannelOutput;

/* Of what has come. */
typedef struct
{
  int undelivered;        /* atomic; items that wait for the main context */
  gsize held_bytes;       /* atomic; what waits there, to be decoded, or to be received */
  gsize event_bytes;      /* atomic; what of it waits in a queue of events */
  int waits_for_events;   /* atomic; the decoder waits until some of them are taken */
  int is_paused;          /* atomic; for that the link does not read */
  int is_decoding;        /* atomic; there may be messages in what was delivered */
  int is_posted;          /* atomic; the main context will go on decoding */

  /* In the main context. */
  GBytes *bytes;          /* owned, nullable; what was not used yet */
  GQueue chunks;          /* of GBytes, which come after it */
  gsize chunk_bytes;      /* their size */
  gsize counted;          /* how much of them is in held_bytes */
  gboolean is_starved;    /* the decoder has seen the bytes, and needs more */
  gboolean must_run;      /* it is to be called, also without any bytes */
  guint64 used;           /* what it has used for the present message */
  guint64 written;        /* and what was written to streams */
  MsgpackRpcStreamDecoder *decoder; /* owned, nullable */
  GCancellable *writing;  /* owned; while a stream is written to for it */
  gboolean is_running;    /* the codec's code, which may run the loop */
  gboolean is_at_end;     /* the peer has sent its last byte */

  /* Guarded by the lock. */
  GQueue inbox;           /* of GVariant: messages that nobody has taken */
  gsize inbox_bytes;
  GQueue receivers;       /* of MsgpackRpcCall, owned: who waits for one */
  gboolean has_ended;     /* nothing more will come */
} MsgpackRpcChannelInput;

/* How it has ended, until that is told. */
typedef struct
{
  GError *error;
  GVariant *incomplete;
  GVariant *unsent;
} MsgpackRpcChannelEnding;

struct _MsgpackRpcChannel
{
  GObject parent_instance;

  guint64 id;                 /* fixed */
  MsgpackRpcCodec *codec;     /* fixed, owned */
  GMainContext *main_context; /* fixed, owned */
  MsgpackRpcReactor *reactor; /* fixed, owned */
  GThread *thread;            /* fixed, never followed; which has made it */
  MsgpackRpcLink *link;       /* fixed, owned */
  MsgpackRpcLimits *limits;   /* fixed, owned */
  MsgpackRpcTarget *target;   /* fixed, owned; NULL with a stream that was given */
  int is_closed;              /* atomic; in whatever mode, by the application */
  int is_cut_off;             /* atomic; at once: nothing more is delivered */

  int has_connected;          /* atomic; at some time */
  gboolean has_told_connected; /* in the main context; by an event */
  MsgpackRpcChannelEnding *ending; /* in the main context; owned, nullable */
  GError *failure;            /* likewise, owned, nullable; of the codec */
  gboolean has_told_end;      /* likewise */

  GMutex lock;                /* taken before the link's lock */
  GIOStream *io_stream;       /* owned, nullable */
  MsgpackRpcEventQueue *queue; /* owned, nullable; where events go */
  GWeakRef last_queue;        /* where those go that come after the end */
  gboolean is_followed;       /* its signals, for the queue */
  MsgpackRpcChannelEnding *untold; /* owned, nullable; on its way to the main context */
  GQueue operations;          /* of MsgpackRpcCall, owned: opening and closing */
  GPtrArray *unsent;          /* of GVariant: what closing has taken out of the queue */
  MsgpackRpcChannelOutput output;
  MsgpackRpcChannelInput input;
};

enum
{
  MSGPACK_RPC_CHANNEL_SIGNAL_CLOSED,
  MSGPACK_RPC_CHANNEL_SIGNAL_MESSAGE,
  MSGPACK_RPC_CHANNEL_SIGNAL_REJECTED,
  MSGPACK_RPC_CHANNEL_N_SIGNALS
};

extern guint _msgpack_rpc_channel_signals[MSGPACK_RPC_CHANNEL_N_SIGNALS];
extern const MsgpackRpcLinkOwnerFuncs _msgpack_rpc_channel_link_funcs;

/* Delivers func (self, data) in the main context, unless the channel is disposed of before. */
void _msgpack_rpc_channel_post (MsgpackRpcChannel  *self,
                                MsgpackRpcPostFunc  func,
                                gpointer            data,
                                GDestroyNotify      destroy);
/* Whether this thread, when it blocks, should deliver what is posted. */
gboolean _msgpack_rpc_channel_serves_itself (MsgpackRpcChannel *self);
/* A coder waits no more. From any thread. */
void _msgpack_rpc_channel_resume_coders (MsgpackRpcChannel *self);
/* The codec cannot go on. In the main context. */
void _msgpack_rpc_channel_fail          (MsgpackRpcChannel *self,
                                         const GError      *error);

/* In the main context. */
void _msgpack_rpc_channel_notify_queue  (MsgpackRpcChannel *self);
/* As msgpack_rpc_channel_open_sync (), for so many milliseconds at most; −1 for as long as it takes. */
gboolean _msgpack_rpc_channel_open_within (MsgpackRpcChannel  *self,
                                           int                 timeout,
                                           GCancellable       *cancellable,
                                           GError            **error);

/* ---- output ---- */

void     _msgpack_rpc_channel_output_init    (MsgpackRpcChannel   *self);
void     _msgpack_rpc_channel_output_clear   (MsgpackRpcChannel   *self);
/* The main context goes on encoding. From any thread, with any lock held. */
void     _msgpack_rpc_channel_post_output    (MsgpackRpcChannel   *self);
/* The message will not be sent: tells so later. */
void     _msgpack_rpc_channel_reject         (MsgpackRpcChannel   *self,
                                              GVariant            *message,
                                              const GError        *error);
/* The link has begun to close: what comes after @position is unsent. The lock is held. */
void     _msgpack_rpc_channel_cut_output     (MsgpackRpcChannel   *self,
                                              guint64              position);
/* The link has ended: what was not written goes to the unsent messages, but for the one that was begun,
 * which is returned, or NULL. The lock is held. */
GVariant *_msgpack_rpc_channel_drop_output   (MsgpackRpcChannel   *self);
/* Nothing is encoded any more. In the main context. */
void     _msgpack_rpc_channel_stop_encoding  (MsgpackRpcChannel   *self);

/* ---- input ---- */

void     _msgpack_rpc_channel_input_init     (MsgpackRpcChannel *self);
void     _msgpack_rpc_channel_input_clear    (MsgpackRpcChannel *self);
void     _msgpack_rpc_channel_post_input     (MsgpackRpcChannel *self);
/* So many bytes more, or less, wait for somebody to take them: too many keep the link from reading. From
 * any thread. */
void     _msgpack_rpc_channel_hold           (MsgpackRpcChannel *self,
                                              gssize             change);
/* The same for what waits in a queue: too many keep the decoder from running, too. */
void     _msgpack_rpc_channel_hold_event     (MsgpackRpcChannel *self,
                                              gssize             change);
/* For the link. */
void     _msgpack_rpc_channel_take_bytes     (gpointer           owner,
                                              GBytes            *bytes);
void     _msgpack_rpc_channel_take_end       (gpointer           owner);
/* Whether all that has come was delivered. */
gboolean _msgpack_rpc_channel_is_drained     (MsgpackRpcChannel *self);
/* Nothing is decoded any more. In the main context. */
void     _msgpack_rpc_channel_stop_decoding  (MsgpackRpcChannel *self);
/* Nobody gets a message any more. */
void     _msgpack_rpc_channel_fail_receivers (MsgpackRpcChannel *self);

/* ---- ends ---- */

/* If the link has ended, and all is delivered that came before. In the main context. */
void     _msgpack_rpc_channel_tell_end       (MsgpackRpcChannel   *self);
void     _msgpack_rpc_channel_ending_free    (MsgpackRpcChannelEnding *ending);

G_END_DECLS
