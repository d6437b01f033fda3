/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "browser-entry.h"

G_BEGIN_DECLS

/* A peer that somebody wants to be connected to, and what it offers. Connects again by itself.
 *
 * Emits “changed” when anything of it is another, “methods-changed” when the methods are, “happened” with
 * an entry for what is worth remembering, and “notified” with one for each notification. */

#define BROWSER_TYPE_SESSION (browser_session_get_type ())
G_DECLARE_FINAL_TYPE (BrowserSession, browser_session, BROWSER, SESSION, GObject)

BrowserSession *browser_session_new (void) G_GNUC_WARN_UNUSED_RESULT;

/* The secret may be NULL. */
void browser_session_open    (BrowserSession *self,
                              const char     *address,
                              const char     *secret);
void browser_session_close   (BrowserSession *self);
void browser_session_refresh (BrowserSession *self);

/* NULL before it is opened. */
MsgpackRpcClient *browser_session_get_client   (BrowserSession *self);
/* Whether it is connected or tries to be. */
gboolean          browser_session_is_open      (BrowserSession *self);
gboolean          browser_session_is_connected (BrowserSession *self);
const char       *browser_session_get_status   (BrowserSession *self);
gboolean          browser_session_has_error    (BrowserSession *self);

/* The SHA-256 fingerprint of a certificate that is not good enough to connect, or NULL. What is trusted all
 * the same is so until an address is opened the next time. */
char *browser_session_get_refused (BrowserSession *self) G_GNUC_WARN_UNUSED_RESULT;
void  browser_session_trust       (BrowserSession *self);

/* What it offers; if that is nothing, the hint says why. */
GListModel *browser_session_get_methods (BrowserSession *self);
const char *browser_session_get_hint    (BrowserSession *self);

gboolean browser_session_is_subscribed  (BrowserSession *self,
                                         const char     *topic);
void     browser_session_set_subscribed (BrowserSession *self,
                                         const char     *topic,
                                         gboolean        is_subscribed);

G_END_DECLS
