/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* PROGRAM serve ADDRESS
 * PROGRAM run ADDRESS SCENARIO COUNT|SECONDSs [--wait]
 *
 * The server prints “listening ADDRESS”, with the port if that was 0. The client prints its result as
 * an object of JSON. With --wait it prints “ready” once it has connected and done a few calls, and
 * begins to measure when it reads a line. Wrong answers end it. */

#include "peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

typedef enum
{
  KIND_ADD,
  KIND_BYTES,
  KIND_DOCUMENT,
} Kind;

typedef struct
{
  const char *name;
  Kind kind;
  unsigned window;
  bool is_burst;
  size_t size;
} Scenario;

/* Where TCP_NODELAY is missing, each write waits 40 ms for the peer to confirm the one before. */
#define STALL (35 * (uint64_t) 1000000)

static const Scenario scenarios[] = {
  { "add", KIND_ADD, 1 },
  { "add-128", KIND_ADD, 128 },
  { "burst-128", KIND_ADD, 128, .is_burst = true },
  { "bytes-1MiB", KIND_BYTES, 1, .size = 1 << 20 },
  { "bytes-16MiB", KIND_BYTES, 1, .size = 16 << 20 },
  { "document", KIND_DOCUMENT, 1 },
};

static const char *const words[] = {
  "alpha", "beta", "gamma", "delta", "epsilon", "lambda", "sigma", "upsilon",
};

BenchRecord bench_records[BENCH_RECORDS];

static struct
{
  const Scenario *scenario;
  uint8_t *bytes;
  bool is_checked_whole;

  uint64_t n_wanted;
  uint64_t n_started;
  uint64_t n_ended;
  /* Nanoseconds; 0 to stop after n_wanted alone. */
  uint64_t until;
  uint64_t looked_at_clock;
  uint64_t longest_gap;
  uint64_t n_stalls;
} run;

static uint64_t
now (clockid_t id)
{
  struct timespec time;

  clock_gettime (id, &time);
  return (uint64_t) time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Numbers that stay below 128, as their sums do, so that each message is as long as the others. */
static int64_t
first_number (uint64_t call)
{
  return call % 100;
}

static int64_t
second_number (uint64_t call)
{
  return call % 27;
}

static void
start_call (void)
{
  uint64_t call = run.n_started++;

  switch (run.scenario->kind)
    {
    case KIND_ADD:
      peer_add (first_number (call), second_number (call));
      break;
    case KIND_BYTES:
      peer_echo_bytes (run.bytes, run.scenario->size);
      break;
    case KIND_DOCUMENT:
      peer_echo_document ();
      break;
    }
}

static void
start_burst (void)
{
  for (unsigned i = 0; i < run.scenario->window; i++)
    start_call ();
}

void
bench_idle (void)
{
  start_burst ();
}

/* Once for each window, so that the clock costs nothing. */
static void
look_at_clock (void)
{
  uint64_t time = now (CLOCK_MONOTONIC);

  if (time - run.looked_at_clock > run.longest_gap)
    run.longest_gap = time - run.looked_at_clock;
  run.n_stalls += time - run.looked_at_clock > STALL;
  run.looked_at_clock = time;

  if (run.until != 0 && time >= run.until)
    run.n_wanted = run.n_started;
}

static void
call_ended (void)
{
  run.n_ended++;
  if (run.n_ended % run.scenario->window == 0)
    look_at_clock ();

  if (run.n_started >= run.n_wanted)
    {
      if (run.n_ended == run.n_started)
        peer_quit ();
    }
  else if (!run.scenario->is_burst)
    start_call ();
  else if (run.n_ended == run.n_started)
    peer_defer ();
}

void
bench_added (int64_t sum)
{
  int64_t expected = first_number (run.n_ended) + second_number (run.n_ended);

  if (sum != expected)
    bench_die ("call %ju: the sum is %jd instead of %jd", (uintmax_t) run.n_ended, (intmax_t) sum,
               (intmax_t) expected);
  call_ended ();
}

void
bench_echoed_bytes (const uint8_t *bytes,
                    size_t         size)
{
  size_t middle = size / 2;

  if (size != run.scenario->size)
    bench_die ("%zu bytes were echoed instead of %zu", size, run.scenario->size);
  if (bytes[0] != run.bytes[0] || bytes[middle] != run.bytes[middle] ||
      bytes[size - 1] != run.bytes[size - 1])
    bench_die ("other bytes were echoed");
  if (run.is_checked_whole && memcmp (bytes, run.bytes, size) != 0)
    bench_die ("other bytes were echoed");
  call_ended ();
}

bool
bench_checks_records (void)
{
  return run.is_checked_whole;
}

static const BenchRecord *
record_at (size_t index)
{
  if (index >= BENCH_RECORDS)
    bench_die ("there are more than %d records", BENCH_RECORDS);
  return &bench_records[index];
}

static bool
is_text (const char *expected,
         const char *text,
         size_t      length)
{
  return strlen (expected) == length && memcmp (expected, text, length) == 0;
}

void
bench_record (size_t      index,
              int64_t     id,
              const char *name,
              size_t      name_length,
              double      score)
{
  const BenchRecord *record = record_at (index);

  if (id != record->id || !is_text (record->name, name, name_length) || score != record->score)
    bench_die ("another record was echoed at %zu", index);
}

void
bench_tag (size_t      index,
           size_t      tag,
           const char *text,
           size_t      length)
{
  const BenchRecord *record = record_at (index);

  if (tag >= BENCH_TAGS || !is_text (record->tags[tag], text, length))
    bench_die ("another tag %zu was echoed at %zu", tag, index);
}

void
bench_echoed_document (size_t  n_records,
                       int64_t last_id)
{
  if (n_records != BENCH_RECORDS || last_id != bench_records[BENCH_RECORDS - 1].id)
    bench_die ("%zu records to %jd were echoed", n_records, (intmax_t) last_id);
  call_ended ();
}

static void
make_records (void)
{
  for (unsigned i = 0; i < BENCH_RECORDS; i++)
    {
      BenchRecord *record = &bench_records[i];

      record->id = i;
      snprintf (record->name, sizeof record->name, "record number %02u", i % 100);
      record->score = i / 8.0;
      for (unsigned j = 0; j < BENCH_TAGS; j++)
        record->tags[j] = words[(i + 3 * j) % (sizeof words / sizeof words[0])];
    }
}

static void
make_bytes (size_t size)
{
  uint32_t state = 1;

  run.bytes = malloc (size);
  if (run.bytes == NULL)
    bench_die ("out of memory");
  for (size_t i = 0; i < size; i++)
    {
      state = state * 1664525 + 1013904223;
      run.bytes[i] = state >> 24;
    }
}

static void
do_calls (uint64_t n_calls,
          uint64_t duration)
{
  run.n_wanted = n_calls;
  run.n_started = run.n_ended = run.longest_gap = run.n_stalls = 0;
  run.looked_at_clock = now (CLOCK_MONOTONIC);
  run.until = duration > 0 ? run.looked_at_clock + duration : 0;

  if (run.scenario->is_burst)
    peer_defer ();
  else
    {
      for (unsigned i = 0; i < run.scenario->window && run.n_started < run.n_wanted; i++)
        start_call ();
    }
  peer_run ();
}

static void
measure (const char *count)
{
  char *unit;
  double number = strtod (count, &unit);
  bool is_seconds = strcmp (unit, "s") == 0;
  uint64_t start, cpu_start, end;

  if (number <= 0 || (!is_seconds && *unit != '\0'))
    bench_die ("“%s” is neither a number of calls nor of seconds", count);

  run.is_checked_whole = false;
  cpu_start = now (CLOCK_PROCESS_CPUTIME_ID);
  start = now (CLOCK_MONOTONIC);
  do_calls (is_seconds ? UINT64_MAX : (uint64_t) number,
            is_seconds ? (uint64_t) (number * 1e9) : 0);
  end = now (CLOCK_MONOTONIC);

  printf ("{\"calls\": %ju, \"seconds\": %.9f, \"cpu\": %.9f, \"longest\": %.9f, \"stalls\": %ju}\n",
          (uintmax_t) run.n_ended, (end - start) / 1e9,
          (now (CLOCK_PROCESS_CPUTIME_ID) - cpu_start) / 1e9, run.longest_gap / 1e9,
          (uintmax_t) run.n_stalls);
  fflush (stdout);
}

static void
run_client (const char *address,
            const char *scenario,
            const char *count,
            bool        waits)
{
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    {
      if (strcmp (scenarios[i].name, scenario) == 0)
        run.scenario = &scenarios[i];
    }
  if (run.scenario == NULL)
    bench_die ("there is no scenario “%s”", scenario);

  make_records ();
  if (run.scenario->size > 0)
    make_bytes (run.scenario->size);

  peer_open (address);
  run.is_checked_whole = true;
  do_calls (3 * run.scenario->window, 0);
  if (waits)
    {
      bool is_told = false;

      printf ("ready\n");
      fflush (stdout);
      for (char c = 0; c != '\n';)
        {
          is_told = read (STDIN_FILENO, &c, 1) == 1;
          if (!is_told)
            exit (1);
        }
    }
  measure (count);
}

int
main (int    argc,
      char **argv)
{
  bool waits = argc == 6 && strcmp (argv[5], "--wait") == 0;

  signal (SIGPIPE, SIG_IGN);
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  bench_raise_file_limit ();

  if (argc == 3 && strcmp (argv[1], "serve") == 0)
    peer_serve (argv[2]);
  else if ((argc == 5 || waits) && strcmp (argv[1], "run") == 0)
    run_client (argv[2], argv[3], argv[4], waits);
  else
    bench_die ("Usage: %s serve ADDRESS | run ADDRESS SCENARIO COUNT|SECONDSs [--wait]", argv[0]);

  return 0;
}
