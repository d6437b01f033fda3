/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Preloaded: counts allocations and their bytes in a file that the environment names, so that others
 * can read the numbers while the program runs. */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The GNU C library's own names of what is replaced here. */
extern void *__libc_malloc   (size_t size);
extern void *__libc_calloc   (size_t n_items,
                              size_t item_size);
extern void *__libc_realloc  (void   *old,
                              size_t  size);
extern void *__libc_memalign (size_t alignment,
                              size_t size);

typedef struct
{
  uint64_t n_allocations;
  uint64_t n_bytes;
} Counters;

static Counters unwatched;
static Counters *counters = &unwatched;

static void __attribute__ ((constructor))
map_counters (void)
{
  const char *path = getenv ("BENCH_ALLOCATIONS");
  int fd = path != NULL ? open (path, O_RDWR | O_CLOEXEC) : -1;
  void *mapped;

  if (fd < 0)
    return;

  mapped = mmap (NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped != MAP_FAILED)
    counters = mapped;
  close (fd);
}

static void
count (size_t size)
{
  __atomic_fetch_add (&counters->n_allocations, 1, __ATOMIC_RELAXED);
  __atomic_fetch_add (&counters->n_bytes, size, __ATOMIC_RELAXED);
}

void *
malloc (size_t size)
{
  count (size);
  return __libc_malloc (size);
}

void *
calloc (size_t n_items,
        size_t item_size)
{
  count (n_items * item_size);
  return __libc_calloc (n_items, item_size);
}

void *
realloc (void   *old,
         size_t  size)
{
  count (size);
  return __libc_realloc (old, size);
}

void *
memalign (size_t alignment,
          size_t size)
{
  count (size);
  return __libc_memalign (alignment, size);
}

void *
aligned_alloc (size_t alignment,
               size_t size)
{
  count (size);
  return __libc_memalign (alignment, size);
}

int
posix_memalign (void   **result,
                size_t   alignment,
                size_t   size)
{
  count (size);
  *result = __libc_memalign (alignment, size);
  return *result != NULL ? 0 : ENOMEM;
}
