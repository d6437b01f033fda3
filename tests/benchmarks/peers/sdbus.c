/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* sd-bus, from peer to peer. */

#include "peer.h"

#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define OBJECT_PATH "/org/example/Bench"
#define INTERFACE "org.example.Bench"

static sd_event *event;
static sd_bus *client;
static bool is_running;

static int
check (int         result,
       const char *what)
{
  if (result < 0)
    bench_die ("%s: %s", what, strerror (-result));
  return result;
}

static int
add (sd_bus_message *message,
     void           *data,
     sd_bus_error   *error)
{
  int64_t a, b;

  check (sd_bus_message_read (message, "xx", &a, &b), "reading params");
  return sd_bus_reply_method_return (message, "x", a + b);
}

static int
reply (sd_bus_message *message)
{
  check (sd_bus_send (NULL, message, NULL), "replying");
  sd_bus_message_unref (message);
  return 1;
}

static sd_bus_message *
reply_new (sd_bus_message *call)
{
  sd_bus_message *message = NULL;

  check (sd_bus_message_new_method_return (call, &message), "making a reply");
  return message;
}

/* To copy them as any value would be a matter of each byte. */
static int
echo_bytes (sd_bus_message *message,
            void           *data,
            sd_bus_error   *error)
{
  sd_bus_message *answer = reply_new (message);
  const void *bytes;
  size_t size;

  check (sd_bus_message_read_array (message, 'y', &bytes, &size), "reading bytes");
  check (sd_bus_message_append_array (answer, 'y', bytes, size), "appending bytes");
  return reply (answer);
}

static int
echo_document (sd_bus_message *message,
               void           *data,
               sd_bus_error   *error)
{
  sd_bus_message *answer = reply_new (message);

  check (sd_bus_message_copy (answer, message, true), "copying params");
  return reply (answer);
}

static const sd_bus_vtable vtable[] = {
  SD_BUS_VTABLE_START (0),
  SD_BUS_METHOD ("add", "xx", "x", add, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("echo_bytes", "ay", "ay", echo_bytes, SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_METHOD ("echo_document", "aa{sv}", "aa{sv}", echo_document,
                 SD_BUS_VTABLE_UNPRIVILEGED),
  SD_BUS_VTABLE_END,
};

static sd_bus *
bus_new (int fd)
{
  sd_bus *bus = NULL;

  check (sd_bus_new (&bus), "sd_bus_new");
  check (sd_bus_set_fd (bus, fd, fd), "sd_bus_set_fd");
  check (sd_bus_set_anonymous (bus, true), "sd_bus_set_anonymous");
  return bus;
}

static int
accept_cb (sd_event_source *source,
           int              listener,
           uint32_t         events,
           void            *data)
{
  sd_id128_t id;
  int fd;

  check (sd_id128_randomize (&id), "sd_id128_randomize");
  while ((fd = bench_accept (listener)) >= 0)
    {
      sd_bus *bus = bus_new (fd);

      check (sd_bus_set_server (bus, true, id), "sd_bus_set_server");
      check (sd_bus_add_object_vtable (bus, NULL, OBJECT_PATH, INTERFACE, vtable, NULL),
             "sd_bus_add_object_vtable");
      check (sd_bus_start (bus), "sd_bus_start");
      check (sd_bus_attach_event (bus, event, SD_EVENT_PRIORITY_NORMAL), "sd_bus_attach_event");
    }
  return 0;
}

void
peer_serve (const char *address)
{
  check (sd_event_default (&event), "sd_event_default");
  check (sd_event_add_io (event, NULL, bench_listen (address), EPOLLIN, accept_cb, NULL),
         "sd_event_add_io");
  check (sd_event_loop (event), "sd_event_loop");
}

static sd_bus_message *
call_new (const char *method)
{
  sd_bus_message *message = NULL;

  check (sd_bus_message_new_method_call (client, &message, NULL, OBJECT_PATH, INTERFACE, method),
         "making a call");
  return message;
}

static void
call (sd_bus_message           *message,
      sd_bus_message_handler_t  handler)
{
  check (sd_bus_call_async (client, NULL, message, handler, NULL, 0), "sd_bus_call_async");
  sd_bus_message_unref (message);
}

static void
check_reply (sd_bus_message *reply)
{
  const sd_bus_error *error = sd_bus_message_get_error (reply);

  if (error != NULL)
    bench_die ("%s: %s", error->name, error->message);
}

static int
added_cb (sd_bus_message *reply,
          void           *data,
          sd_bus_error   *error)
{
  int64_t sum;

  check_reply (reply);
  check (sd_bus_message_read (reply, "x", &sum), "reading a sum");
  bench_added (sum);
  return 1;
}

void
peer_add (int64_t a,
          int64_t b)
{
  sd_bus_message *message = call_new ("add");

  check (sd_bus_message_append (message, "xx", a, b), "appending numbers");
  call (message, added_cb);
}

static int
echoed_bytes_cb (sd_bus_message *reply,
                 void           *data,
                 sd_bus_error   *error)
{
  const void *bytes;
  size_t size;

  check_reply (reply);
  check (sd_bus_message_read_array (reply, 'y', &bytes, &size), "reading bytes");
  bench_echoed_bytes (bytes, size);
  return 1;
}

void
peer_echo_bytes (const uint8_t *bytes,
                 size_t         size)
{
  sd_bus_message *message = call_new ("echo_bytes");

  check (sd_bus_message_append_array (message, 'y', bytes, size), "appending bytes");
  call (message, echoed_bytes_cb);
}

static int64_t
read_record (sd_bus_message *message,
             size_t          index)
{
  const char *keys[4], *name, *tags[BENCH_TAGS];
  double score;
  int64_t id;

  check (sd_bus_message_read (message, "a{sv}", 4, &keys[0], "x", &id, &keys[1], "s", &name,
                              &keys[2], "d", &score, &keys[3], "as", BENCH_TAGS, &tags[0],
                              &tags[1], &tags[2]),
         "reading a record");
  bench_record (index, id, name, strlen (name), score);
  for (unsigned i = 0; i < BENCH_TAGS; i++)
    bench_tag (index, i, tags[i], strlen (tags[i]));
  return id;
}

/* There is no way to the last record but past the others, and no count of them. */
static int
echoed_document_cb (sd_bus_message *reply,
                    void           *data,
                    sd_bus_error   *error)
{
  int64_t last_id = -1;
  size_t n = 0;

  check_reply (reply);
  check (sd_bus_message_enter_container (reply, 'a', "a{sv}"), "reading the document");
  for (; check (sd_bus_message_at_end (reply, false), "reading the document") == 0; n++)
    {
      if (bench_checks_records () || n == BENCH_RECORDS - 1)
        last_id = read_record (reply, n);
      else
        check (sd_bus_message_skip (reply, "a{sv}"), "skipping a record");
    }
  bench_echoed_document (n, last_id);
  return 1;
}

static void
append_record (sd_bus_message    *message,
               const BenchRecord *record)
{
  check (sd_bus_message_append (message, "a{sv}", 4, "id", "x", record->id, "name", "s",
                                record->name, "score", "d", record->score, "tags", "as",
                                BENCH_TAGS, record->tags[0], record->tags[1], record->tags[2]),
         "appending a record");
}

void
peer_echo_document (void)
{
  sd_bus_message *message = call_new ("echo_document");

  check (sd_bus_message_open_container (message, 'a', "a{sv}"), "appending the document");
  for (unsigned i = 0; i < BENCH_RECORDS; i++)
    append_record (message, &bench_records[i]);
  check (sd_bus_message_close_container (message), "appending the document");
  call (message, echoed_document_cb);
}

void
peer_open (const char *address)
{
  check (sd_event_default (&event), "sd_event_default");
  client = bus_new (bench_connect (address));
  check (sd_bus_start (client), "sd_bus_start");
  check (sd_bus_attach_event (client, event, SD_EVENT_PRIORITY_NORMAL), "sd_bus_attach_event");
}

void
peer_run (void)
{
  is_running = true;
  while (is_running)
    check (sd_event_run (event, UINT64_MAX), "sd_event_run");
}

void
peer_quit (void)
{
  is_running = false;
}

static int
idle_cb (sd_event_source *source,
         void            *data)
{
  sd_event_source_unref (source);
  bench_idle ();
  return 0;
}

void
peer_defer (void)
{
  sd_event_source *source = NULL;

  check (sd_event_add_defer (event, &source, idle_cb, NULL), "sd_event_add_defer");
}
