/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

#pragma once

#include <glib.h>
#include <msgpack.h>

/* What the fuzzers share: how they read an input, and what must hold of whatever comes out. */

int LLVMFuzzerTestOneInput (const guint8 *data,
                            gsize         size);

/* Makes critical warnings end the program in a way that libFuzzer knows of. */
int LLVMFuzzerInitialize (int    *argc,
                          char ***argv);

/* An input is read from the front; beyond its end there are zeros. */
typedef struct
{
  const guint8 *data;
  gsize size;
} FuzzInput;

guint8  fuzz_input_take_byte (FuzzInput *self);
/* Up to the first NUL, which is taken, too. */
char   *fuzz_input_take_text (FuzzInput *self);
GBytes *fuzz_input_take_rest (FuzzInput *self);

/* Makes a type of any text; of one that is a type, that type. Types that are not definite come only
 * if that is allowed. */
char *fuzz_type_from_text (const char *text,
                           gboolean    definite);

/* Data that may not be in normal form, as a value; a full reference. */
GVariant *fuzz_value_from_data (const char *type,
                                GBytes     *data,
                                gboolean    trusted);

typedef enum
{
  FUZZ_WALK_COMPLETE, /* a message, perhaps with something behind it */
  FUZZ_WALK_CUT,      /* the beginning of one */
  FUZZ_WALK_HUGE,     /* the same, and a container claims more items than there are bytes left */
  FUZZ_WALK_INVALID,
} FuzzWalk;

/* Goes over the items of a message by their headers alone. It is no oracle for depth, and a length
 * of 32 bits that overflows is invalid.
 *
 * msgpack-c takes memory for what a header claims: do not give it what is huge or invalid. */
FuzzWalk fuzz_walk (const guint8 *data,
                    gsize         size,
                    gsize        *length);

/* Puts the length of each message before it. What is no message goes into a frame as it is. */
GByteArray *fuzz_frame (const guint8 *data,
                        gsize         size);

void fuzz_assert_same        (GVariant     *a,
                              GVariant     *b);
void fuzz_assert_normal_form (GVariant     *value);
/* One of the library's, with a text that can be shown and sent: a line of UTF-8 below 1 KiB. */
void fuzz_assert_error       (const GError *error);
