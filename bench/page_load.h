// First pages of requests that very many rows answer: what a client waits until it can show
// something.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "proto/unirust.grpc.pb.h"

namespace unirust::bench {

struct PageTimes {
  std::string name;
  uint64_t items = 0;               // on the page
  std::vector<uint64_t> latencies;  // microseconds from the request to its first chunk
};

// Asks for each first page `times` times, of 100 items at most, and cancels the rest. INTERNAL if a
// request gets no chunk.
absl::Status MeasureFirstPages(proto::RouterService::Stub* router, uint32_t times,
                               std::vector<PageTimes>* pages);

}  // namespace unirust::bench
