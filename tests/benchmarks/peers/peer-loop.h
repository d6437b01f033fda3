/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* A loop of epoll, as one writes it by hand: for the peers that have no library for it. */

#pragma once

#include "peer.h"

typedef struct
{
  int fd;
  bool polls_output;
  /* What is to be written, from n_written on. */
  char *output;
  size_t n_output;
  size_t n_written;
  size_t output_capacity;
  /* The peer's own. */
  void *parser;
} Stream;

/* What the peer that uses the loop defines. */

void stream_opened   (Stream *self);
/* FALSE at the end. What this writes is sent when it returns. */
bool stream_readable (Stream *self);
void stream_closed   (Stream *self);

/* With the signature that msgpack_packer wants. */
int stream_write (void       *self,
                  const char *bytes,
                  size_t      size);

Stream *loop_connect (const char *address);
