// How the memory budget of a shard is divided (docs/operations.md, "Memory"). All that grows under load has a share;
// what does not (code, threads, buffers of gRPC) is outside the budget.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/limits.h"

namespace unirust::shard {

struct MemoryShares {
  uint64_t store_bytes = 0;    // the block cache, to which write buffers, index and filter blocks are charged
  uint64_t queue_bytes = 0;    // of requests that wait for a commit
  uint64_t request_bytes() const { return 2 * queue_bytes; }  // of those from arrival to commit
  size_t commit_records = 0;   // gathered into one commit; the rows of three commits are in memory at a time
  uint64_t commit_bytes() const { return commit_records * limits::kCommitBytesPerRecord; }

  // Of limits::kMemoryBudgetBytesMin at least.
  static MemoryShares Of(uint64_t budget_bytes) {
    budget_bytes = std::max(budget_bytes, limits::kMemoryBudgetBytesMin);
    MemoryShares out;
    out.queue_bytes = budget_bytes / 16;
    out.commit_records = std::min<size_t>(budget_bytes / 4 / limits::kCommitBytesPerRecord,
                                          limits::kCommitRecordsMax);
    out.store_bytes = budget_bytes - out.queue_bytes - out.commit_bytes();
    return out;
  }
};

}  // namespace unirust::shard
