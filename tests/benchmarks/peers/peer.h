/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* What the programs that are compared have in common: each is peer.c with one file that knows how to
 * do the same work with one library. */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_RECORDS 1000
#define BENCH_TAGS 3
/* More than the 128 calls that are in flight at most. */
#define BENCH_MAX_CONNECTIONS 20000

typedef struct
{
  int64_t id;
  char name[16 + 1];
  double score;
  const char *tags[BENCH_TAGS];
} BenchRecord;

/* What each peer defines. None of the first three may end a call before it returns. */

/* Starts a call; its end is told to bench_added () and so on, in the order of the calls. */
void peer_add           (int64_t a,
                         int64_t b);
void peer_echo_bytes    (const uint8_t *bytes,
                         size_t         size);
/* Of bench_records. */
void peer_echo_document (void);

/* Tells bench_listening (), and serves until it is killed. */
void peer_serve (const char *address);
/* Connects, and blocks for it if need be. */
void peer_open  (const char *address);
/* Runs until peer_quit (). */
void peer_run   (void);
void peer_quit  (void);
/* Has bench_idle () called once by the loop, as an application's idle handler. */
void peer_defer (void);

/* What they may use. */

extern BenchRecord bench_records[BENCH_RECORDS];

void bench_listening (const char *address);
void bench_die       (const char *format,
                      ...) __attribute__ ((format (printf, 1, 2), noreturn));
/* 10,000 connections need more than the usual limit. */
void bench_raise_file_limit (void);
void bench_idle      (void);

void bench_added        (int64_t sum);
void bench_echoed_bytes (const uint8_t *bytes,
                         size_t         size);
/* The last, for each echo of the document; if it is to be checked whole, bench_record () for each of
 * its records goes before. */
void bench_echoed_document (size_t  n_records,
                            int64_t last_id);
bool bench_checks_records  (void);
void bench_record          (size_t      index,
                            int64_t     id,
                            const char *name,
                            size_t      name_length,
                            double      score);
void bench_tag             (size_t      index,
                            size_t      tag,
                            const char *text,
                            size_t      length);

/* For those that do not listen and connect by themselves: descriptors that do not block, with
 * TCP_NODELAY. */

int         bench_listen  (const char *address);
/* -1 if there is none to accept. */
int         bench_accept  (int listener);
int         bench_connect (const char *address);

#ifdef __cplusplus
}
#endif
