// Reads of what a load has sent, one after another at a rate, and how long each took.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "proto/unirust.grpc.pb.h"
#include "workload/generator.h"

namespace unirust::bench {

enum class QueryKind {
  kDescriptor,  // QueryEntities by a record's most selective descriptor, over all time
  kEntity,      // GetEntity by a record's name
};

struct QueryOptions {
  QueryKind kind = QueryKind::kDescriptor;
  uint64_t known = 0;   // queries are about all writes before this one and those acknowledged since
  uint64_t rate = 500;  // queries a second at most; what is late is not left out
  uint64_t seed = 1;
};

// Queries until `*stop`; waits until a write is known. Microseconds of each query are added to
// `*latencies`. INTERNAL if an entity is not found.
absl::Status QueryUntil(proto::RouterService::Stub* router, const workload::Generator& source,
                        const QueryOptions& options, const std::atomic<uint64_t>* acknowledged,
                        const std::atomic<bool>* stop, std::vector<uint64_t>* latencies);

}  // namespace unirust::bench
