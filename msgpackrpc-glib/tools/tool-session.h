/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-format.h"
#include "tool-target.h"
#include "tool.h"

G_BEGIN_DECLS

/* A command that stays connected and prints what arrives: until it is interrupted, has printed as
 * much as was wanted, or the connection is lost. */
typedef struct
{
  ToolTarget *target;       /* owned */
  MsgpackRpcClient *client; /* owned; NULL until there is an address */
  GMainLoop *loop;          /* owned */
  gint64 count;             /* how many lines are still to be printed; -1 for no limit */
  ToolFormat format;
  gboolean is_json;         /* each line is JSON */
  gboolean colours;
  gboolean reconnects;      /* when the connection is lost */
  void (*opened) (gpointer data); /* called when it is connected for the first time; or NULL */
  gpointer data;
  gboolean is_open;         /* it was connected */
  gboolean is_lost;         /* the connection is, and another one is tried */
  gboolean has_ended;
  ToolExit exit;            /* once it has */
} ToolSession;

/* What arrived. The names of the fields are those of the JSON form. */
typedef struct
{
  const char *kind;     /* what it is, or NULL if that is clear */
  GVariant *id;         /* of a request, or NULL */
  const char *name_key;
  const char *name;     /* or NULL; as the peer wrote it */
  const char *value_key;
  GVariant *value;
} ToolEvent;

ToolSession *tool_session_new         (void) G_GNUC_WARN_UNUSED_RESULT;
void         tool_session_free        (ToolSession        *self);

void         tool_session_add_options (ToolSession        *self,
                                       GOptionContext     *context);
gboolean     tool_session_prepare     (ToolSession        *self,
                                       const char         *address,
                                       GError            **error);
ToolExit     tool_session_run         (ToolSession        *self);

void         tool_session_print       (ToolSession        *self,
                                       const ToolEvent    *event);
void         tool_session_fail        (ToolSession        *self,
                                       ToolExit            exit,
                                       const GError       *error);
void         tool_session_end         (ToolSession        *self,
                                       ToolExit            exit);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ToolSession, tool_session_free)

G_END_DECLS
