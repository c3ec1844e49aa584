// Sends the writes of a workload over one IngestRecordsStream with a window of unanswered chunks:
// as fast as the store acknowledges them, or at a rate.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "proto/unirust.grpc.pb.h"
#include "workload/generator.h"

namespace unirust::bench {

struct IngestOptions {
  uint64_t first = 0;          // position of the first write
  uint64_t records = 2000000;  // how many writes
  uint64_t batch = 1000;       // records in a chunk
  uint64_t in_flight = 8;      // chunks sent and not yet answered
  uint64_t rate = 0;           // records a second at most; 0: no limit
};

struct IngestTimes {
  std::chrono::steady_clock::time_point begin;
  std::vector<std::chrono::steady_clock::time_point> answered;  // per chunk, in order
};

// Blocks until everything is acknowledged. Adds records to `*acknowledged` while it runs, and the
// times of its chunks to `*times`, whose begin is the caller's. The status of the stream if it
// breaks; INTERNAL if an answer has not one assignment per record.
absl::Status Ingest(proto::RouterService::Stub* router, const workload::Generator& source,
                    const IngestOptions& options, std::atomic<uint64_t>* acknowledged,
                    IngestTimes* times);

}  // namespace unirust::bench
