// Queries by a record's most selective descriptor, one after another, and how long each took.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "proto/unirust.grpc.pb.h"
#include "workload/generator.h"

namespace unirust::bench {

struct QueryOptions {
  uint64_t first = 0;  // queries are about all writes before `first` and those acknowledged since
  uint64_t pause_micros = 1000;  // between an answer and the next query
  uint64_t seed = 1;
};

// Queries until `*stop`; waits for `*acknowledged` to be above `first`. Microseconds of each query
// in `*latencies`. INTERNAL if an entity is not found.
absl::Status QueryUntil(proto::RouterService::Stub* router, const workload::Generator& source,
                        const QueryOptions& options, const std::atomic<uint64_t>* acknowledged,
                        const std::atomic<bool>* stop, std::vector<uint64_t>* latencies);

}  // namespace unirust::bench
