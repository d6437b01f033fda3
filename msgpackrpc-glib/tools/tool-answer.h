/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#include "tool-format.h"
#include "tool.h"

G_BEGIN_DECLS

GVariant *tool_answer_await          (MsgpackRpcCall  *call,
                                      GError         **error) G_GNUC_WARN_UNUSED_RESULT;
ToolExit  tool_answer_report_failure (MsgpackRpcCall  *call,
                                      ToolFormat       format,
                                      const GError    *error);

G_END_DECLS
