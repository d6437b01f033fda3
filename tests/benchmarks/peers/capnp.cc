/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Copyright 2026 The msgpackrpc-glib authors */

/* Cap’n Proto's RPC. */

#include "bench.capnp.h"
#include "peer.h"

#include <capnp/rpc-twoparty.h>
#include <kj/async-io.h>

namespace
{

class Server final : public Bench::Server
{
  kj::Promise<void>
  add (AddContext context) override
  {
    auto params = context.getParams ();

    context.getResults ().setSum (params.getA () + params.getB ());
    return kj::READY_NOW;
  }

  kj::Promise<void>
  echoBytes (EchoBytesContext context) override
  {
    context.getResults ().setBytes (context.getParams ().getBytes ());
    return kj::READY_NOW;
  }

  kj::Promise<void>
  echoDocument (EchoDocumentContext context) override
  {
    context.getResults ().setRecords (context.getParams ().getRecords ());
    return kj::READY_NOW;
  }
};

class Client final : private kj::TaskSet::ErrorHandler
{
public:
  explicit Client (int fd)
    : io (kj::setupAsyncIo ()),
      stream (io.lowLevelProvider->wrapSocketFd (fd)),
      connection (*stream),
      bench (connection.bootstrap ().castAs<Bench> ()),
      tasks (*this)
  {
  }

  void
  add (int64_t a, int64_t b)
  {
    auto request = bench.addRequest ();

    request.setA (a);
    request.setB (b);
    tasks.add (request.send ().then ([] (capnp::Response<Bench::AddResults> &&reply) {
      bench_added (reply.getSum ());
    }));
  }

  void
  echoBytes (const uint8_t *bytes, size_t size)
  {
    auto request = bench.echoBytesRequest ();

    request.setBytes (capnp::Data::Reader (bytes, size));
    tasks.add (request.send ().then ([] (capnp::Response<Bench::EchoBytesResults> &&reply) {
      auto echoed = reply.getBytes ();

      bench_echoed_bytes (echoed.begin (), echoed.size ());
    }));
  }

  void
  echoDocument ()
  {
    auto request = bench.echoDocumentRequest ();
    auto records = request.initRecords (BENCH_RECORDS);

    for (unsigned i = 0; i < BENCH_RECORDS; i++)
      setRecord (records[i], bench_records[i]);
    tasks.add (request.send ().then ([] (capnp::Response<Bench::EchoDocumentResults> &&reply) {
      endDocument (reply.getRecords ());
    }));
  }

  void
  run ()
  {
    auto paf = kj::newPromiseAndFulfiller<void> ();

    ended = kj::mv (paf.fulfiller);
    paf.promise.wait (io.waitScope);
  }

  void
  quit ()
  {
    ended->fulfill ();
  }

  void
  defer ()
  {
    tasks.add (kj::evalLater ([] { bench_idle (); }));
  }

private:
  static void
  setRecord (Record::Builder target, const BenchRecord &record)
  {
    auto tags = target.initTags (BENCH_TAGS);

    target.setId (record.id);
    target.setName (record.name);
    target.setScore (record.score);
    for (unsigned i = 0; i < BENCH_TAGS; i++)
      tags.set (i, record.tags[i]);
  }

  static void
  checkRecord (size_t index, Record::Reader record)
  {
    auto tags = record.getTags ();

    bench_record (index, record.getId (), record.getName ().begin (), record.getName ().size (),
                  record.getScore ());
    for (unsigned i = 0; i < tags.size (); i++)
      bench_tag (index, i, tags[i].begin (), tags[i].size ());
  }

  static void
  endDocument (capnp::List<Record>::Reader records)
  {
    int64_t last = -1;

    if (bench_checks_records ())
      {
        for (unsigned i = 0; i < records.size (); i++)
          checkRecord (i, records[i]);
      }
    if (records.size () > 0)
      last = records[records.size () - 1].getId ();
    bench_echoed_document (records.size (), last);
  }

  void
  taskFailed (kj::Exception &&exception) override
  {
    bench_die ("%s", exception.getDescription ().cStr ());
  }

  kj::AsyncIoContext io;
  kj::Own<kj::AsyncIoStream> stream;
  capnp::TwoPartyClient connection;
  Bench::Client bench;
  kj::TaskSet tasks;
  kj::Own<kj::PromiseFulfiller<void>> ended;
};

/* Is not freed: the program ends in the midst. */
Client *client;

} // namespace

void
peer_serve (const char *address)
{
  auto io = kj::setupAsyncIo ();
  auto listener = io.lowLevelProvider->wrapListenSocketFd (bench_listen (address));
  capnp::TwoPartyServer server (kj::heap<Server> ());

  server.listen (*listener).wait (io.waitScope);
}

void
peer_open (const char *address)
{
  client = new Client (bench_connect (address));
}

void
peer_add (int64_t a, int64_t b)
{
  client->add (a, b);
}

void
peer_echo_bytes (const uint8_t *bytes, size_t size)
{
  client->echoBytes (bytes, size);
}

void
peer_echo_document (void)
{
  client->echoDocument ();
}

void
peer_run (void)
{
  client->run ();
}

void
peer_quit (void)
{
  client->quit ();
}

void
peer_defer (void)
{
  client->defer ();
}
