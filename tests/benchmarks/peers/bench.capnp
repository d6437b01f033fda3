# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

@0xb3a5c1f0d2e49687;

struct Record {
  id @0 :Int64;
  name @1 :Text;
  score @2 :Float64;
  tags @3 :List(Text);
}

interface Bench {
  add @0 (a :Int64, b :Int64) -> (sum :Int64);
  echoBytes @1 (bytes :Data) -> (bytes :Data);
  echoDocument @2 (records :List(Record)) -> (records :List(Record));
}
