/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* No protocol, no library: the server sends back the bytes as they come, and the client knows how
 * many there are. This is what the kernel costs. */

#include "peer-loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK 65536
/* About as long as a request and its response in MessagePack. */
#define ADD_SIZE 16

typedef enum
{
  CALL_ADD,
  CALL_BYTES,
  CALL_DOCUMENT,
} Call;

static Stream *client;
static Call call;
static char *reply;
static size_t reply_size;
static size_t reply_capacity;
static size_t n_received;

static char *document;
static size_t document_size;

void
stream_opened (Stream *self)
{
}

void
stream_closed (Stream *self)
{
}

static bool
read_as_server (Stream *self)
{
  static char chunk[CHUNK];
  ssize_t n = recv (self->fd, chunk, sizeof chunk, 0);

  if (n > 0)
    stream_write (self, chunk, n);
  return n > 0 || (n < 0 && errno == EAGAIN);
}

static void
end_call (const char *bytes)
{
  int64_t numbers[2];

  switch (call)
    {
    case CALL_ADD:
      memcpy (numbers, bytes, sizeof numbers);
      bench_added (numbers[0] + numbers[1]);
      break;
    case CALL_BYTES:
      bench_echoed_bytes ((const uint8_t *) bytes, reply_size);
      break;
    case CALL_DOCUMENT:
      if (bench_checks_records () && memcmp (bytes, document, document_size) != 0)
        bench_die ("another document was echoed");
      bench_echoed_document (BENCH_RECORDS, bench_records[BENCH_RECORDS - 1].id);
      break;
    }
}

bool
stream_readable (Stream *self)
{
  size_t offset = 0;
  ssize_t n;

  if (self != client)
    return read_as_server (self);

  n = recv (self->fd, reply + n_received, reply_capacity - n_received, 0);
  if (n <= 0)
    return n < 0 && errno == EAGAIN;

  n_received += n;
  for (; n_received - offset >= reply_size; offset += reply_size)
    end_call (reply + offset);
  n_received -= offset;
  memmove (reply, reply + offset, n_received);
  return true;
}

static void
expect (Call   new_call,
        size_t size)
{
  call = new_call;
  reply_size = size;
  if (reply_capacity < size)
    {
      reply_capacity = size < CHUNK ? CHUNK : size;
      reply = realloc (reply, reply_capacity);
      if (reply == NULL)
        bench_die ("out of memory");
    }
}

void
peer_add (int64_t a,
          int64_t b)
{
  int64_t numbers[2] = { a, b };

  expect (CALL_ADD, ADD_SIZE);
  stream_write (client, (const char *) numbers, sizeof numbers);
}

void
peer_echo_bytes (const uint8_t *bytes,
                 size_t         size)
{
  expect (CALL_BYTES, size);
  stream_write (client, (const char *) bytes, size);
}

static void
append (const void *bytes,
        size_t      size)
{
  document = realloc (document, document_size + size);
  if (document == NULL)
    bench_die ("out of memory");
  memcpy (document + document_size, bytes, size);
  document_size += size;
}

/* As long as it is in MessagePack, where the names of the fields are written, too. */
static void
make_document (void)
{
  for (unsigned i = 0; i < BENCH_RECORDS; i++)
    {
      const BenchRecord *record = &bench_records[i];

      append ("idnamescoretags", 15);
      append (&record->id, sizeof record->id);
      append (record->name, sizeof record->name);
      append (&record->score, sizeof record->score);
      for (unsigned j = 0; j < BENCH_TAGS; j++)
        append (record->tags[j], strlen (record->tags[j]) + 1);
    }
}

void
peer_echo_document (void)
{
  if (document == NULL)
    make_document ();
  expect (CALL_DOCUMENT, document_size);
  stream_write (client, document, document_size);
}

void
peer_open (const char *address)
{
  client = loop_connect (address);
}
