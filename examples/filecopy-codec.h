/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* How filecopy sends files. */

#pragma once

#include <msgpackrpc-glib/msgpackrpc-glib.h>

#define MAX_TEXT 1024 /* bytes */

/* A message is of type (yts): its kind, a number and a text. */
#define OFFER 'o'   /* size, name */
#define GO 'g'      /* how much is there already, “token digest-of-that” */
#define CONTENT 'c' /* where it begins, token; the content follows */
#define DONE 'd'    /* size, the name that it got */
#define REFUSED 'r' /* 0, why */

/* A file whose content is to be read or written. */
typedef struct
{
  GObject *stream; /* owned */
  int fd;          /* the stream's, of one that is written */
  guint64 offset;
  guint64 size;
} Content;

#define FILE_TYPE_CODEC (file_codec_get_type ())
G_DECLARE_FINAL_TYPE (FileCodec, file_codec, FILE, CODEC, GObject)

/* Content that is to be sent, or that may come: from @offset on, or from the start. */
void file_codec_expect (FileCodec  *self,
                        const char *token,
                        gpointer    stream,
                        int         fd,
                        guint64     offset,
                        guint64     size);
void file_codec_forget (FileCodec  *self,
                        const char *token);
