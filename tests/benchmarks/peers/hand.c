/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* MessagePack-RPC by msgpack-c on epoll, as one writes it by hand for the one purpose: names are
 * compared one by one, bytes are copied into one buffer, and all that a read has brought is answered
 * with one write. */

#include "peer-loop.h"

#include <errno.h>
#include <msgpack.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE 65536

typedef struct
{
  msgpack_unpacker unpacker;
  msgpack_unpacked message;
} Parser;

static Stream *client;
static msgpack_packer packer;
static uint32_t last_id;

void
stream_opened (Stream *self)
{
  Parser *parser = malloc (sizeof *parser);

  if (parser == NULL || !msgpack_unpacker_init (&parser->unpacker, READ_SIZE))
    bench_die ("out of memory");
  msgpack_unpacked_init (&parser->message);
  self->parser = parser;
}

void
stream_closed (Stream *self)
{
  Parser *parser = self->parser;

  msgpack_unpacked_destroy (&parser->message);
  msgpack_unpacker_destroy (&parser->unpacker);
  free (parser);
}

static bool
is_str (const msgpack_object *object,
        const char           *text)
{
  size_t size = strlen (text);

  return object->type == MSGPACK_OBJECT_STR && object->via.str.size == size &&
         memcmp (object->via.str.ptr, text, size) == 0;
}

static bool
get_integer (const msgpack_object *object,
             int64_t              *result)
{
  *result = object->via.i64;
  return object->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
         object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER;
}

static void
answer_error (msgpack_packer *reply,
              const char     *text)
{
  msgpack_pack_str_with_body (reply, text, strlen (text));
  msgpack_pack_nil (reply);
}

static void
answer_add (msgpack_packer             *reply,
            const msgpack_object_array *params)
{
  int64_t a, b;

  if (params->size != 2 || !get_integer (&params->ptr[0], &a) || !get_integer (&params->ptr[1], &b))
    {
      answer_error (reply, "add() takes two integers");
      return;
    }

  msgpack_pack_nil (reply);
  msgpack_pack_int64 (reply, a + b);
}

static bool
handle_request (Stream                     *self,
                const msgpack_object_array *request)
{
  msgpack_packer reply;

  if (request->size != 4 || request->ptr[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
      request->ptr[3].type != MSGPACK_OBJECT_ARRAY)
    return false;

  msgpack_packer_init (&reply, self, stream_write);
  msgpack_pack_array (&reply, 4);
  msgpack_pack_int (&reply, 1);
  msgpack_pack_uint32 (&reply, request->ptr[1].via.u64);
  if (is_str (&request->ptr[2], "add"))
    answer_add (&reply, &request->ptr[3].via.array);
  else if (is_str (&request->ptr[2], "echo_bytes") ||
           is_str (&request->ptr[2], "echo_document"))
    {
      msgpack_pack_nil (&reply);
      msgpack_pack_object (&reply, request->ptr[3]);
    }
  else
    answer_error (&reply, "there is no such method");
  return true;
}

static void
check_record (size_t                index,
              const msgpack_object *object)
{
  const msgpack_object_kv *fields = object->via.map.ptr;
  const msgpack_object_array *tags;

  if (object->type != MSGPACK_OBJECT_MAP || object->via.map.size != 4 ||
      !is_str (&fields[0].key, "id") || !is_str (&fields[1].key, "name") ||
      !is_str (&fields[2].key, "score") || !is_str (&fields[3].key, "tags") ||
      fields[1].val.type != MSGPACK_OBJECT_STR || fields[2].val.type != MSGPACK_OBJECT_FLOAT64 ||
      fields[3].val.type != MSGPACK_OBJECT_ARRAY)
    bench_die ("what was echoed at %zu is no record", index);

  bench_record (index, fields[0].val.via.i64, fields[1].val.via.str.ptr, fields[1].val.via.str.size,
                fields[2].val.via.f64);
  tags = &fields[3].val.via.array;
  for (uint32_t i = 0; i < tags->size; i++)
    bench_tag (index, i, tags->ptr[i].via.str.ptr, tags->ptr[i].via.str.size);
}

static void
end_document (const msgpack_object_array *document)
{
  int64_t last = -1;

  if (bench_checks_records ())
    {
      for (uint32_t i = 0; i < document->size; i++)
        check_record (i, &document->ptr[i]);
    }
  if (document->size > 0)
    last = document->ptr[document->size - 1].via.map.ptr[0].val.via.i64;
  bench_echoed_document (document->size, last);
}

static bool
handle_echo (const msgpack_object *echoed)
{
  if (echoed->type == MSGPACK_OBJECT_BIN)
    bench_echoed_bytes ((const uint8_t *) echoed->via.bin.ptr, echoed->via.bin.size);
  else if (echoed->type == MSGPACK_OBJECT_ARRAY)
    end_document (&echoed->via.array);
  else
    return false;
  return true;
}

static bool
handle_response (const msgpack_object_array *response)
{
  const msgpack_object *result = &response->ptr[3];
  int64_t sum;

  if (response->size != 4 || response->ptr[2].type != MSGPACK_OBJECT_NIL)
    return false;

  if (result->type == MSGPACK_OBJECT_ARRAY && result->via.array.size == 1)
    return handle_echo (&result->via.array.ptr[0]);
  if (!get_integer (result, &sum))
    return false;
  bench_added (sum);
  return true;
}

static bool
handle_message (Stream               *self,
                const msgpack_object *message)
{
  if (message->type != MSGPACK_OBJECT_ARRAY || message->via.array.size < 1 ||
      message->via.array.ptr[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
    return false;

  if (self == client)
    return handle_response (&message->via.array);
  return handle_request (self, &message->via.array);
}

bool
stream_readable (Stream *self)
{
  Parser *parser = self->parser;
  msgpack_unpack_return status;
  ssize_t n;

  if (!msgpack_unpacker_reserve_buffer (&parser->unpacker, READ_SIZE / 2))
    bench_die ("out of memory");
  n = recv (self->fd, msgpack_unpacker_buffer (&parser->unpacker),
            msgpack_unpacker_buffer_capacity (&parser->unpacker), 0);
  if (n <= 0)
    return n < 0 && errno == EAGAIN;
  msgpack_unpacker_buffer_consumed (&parser->unpacker, n);

  while ((status = msgpack_unpacker_next (&parser->unpacker, &parser->message)) ==
         MSGPACK_UNPACK_SUCCESS)
    {
      if (!handle_message (self, &parser->message.data))
        return false;
    }
  return status == MSGPACK_UNPACK_CONTINUE;
}

static void
pack_call (const char *method,
           uint32_t    n_params)
{
  msgpack_pack_array (&packer, 4);
  msgpack_pack_int (&packer, 0);
  msgpack_pack_uint32 (&packer, last_id++);
  msgpack_pack_str_with_body (&packer, method, strlen (method));
  msgpack_pack_array (&packer, n_params);
}

void
peer_add (int64_t a,
          int64_t b)
{
  pack_call ("add", 2);
  msgpack_pack_int64 (&packer, a);
  msgpack_pack_int64 (&packer, b);
}

void
peer_echo_bytes (const uint8_t *bytes,
                 size_t         size)
{
  pack_call ("echo_bytes", 1);
  msgpack_pack_bin_with_body (&packer, bytes, size);
}

static void
pack_text (const char *text)
{
  msgpack_pack_str_with_body (&packer, text, strlen (text));
}

static void
pack_record (const BenchRecord *record)
{
  msgpack_pack_map (&packer, 4);
  pack_text ("id");
  msgpack_pack_int64 (&packer, record->id);
  pack_text ("name");
  pack_text (record->name);
  pack_text ("score");
  msgpack_pack_double (&packer, record->score);
  pack_text ("tags");
  msgpack_pack_array (&packer, BENCH_TAGS);
  for (unsigned i = 0; i < BENCH_TAGS; i++)
    pack_text (record->tags[i]);
}

void
peer_echo_document (void)
{
  pack_call ("echo_document", 1);
  msgpack_pack_array (&packer, BENCH_RECORDS);
  for (unsigned i = 0; i < BENCH_RECORDS; i++)
    pack_record (&bench_records[i]);
}

void
peer_open (const char *address)
{
  client = loop_connect (address);
  msgpack_packer_init (&packer, client, stream_write);
}
