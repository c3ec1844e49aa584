// The measurements of `unirust bench`: each starts a shard and a router of its own, or uses a
// running store, sends prepared requests and says what came out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "bench/load.h"
#include "bench/process_times.h"
#include "bench/report.h"
#include "bench/run_options.h"

namespace unirust::bench {

// What a run does at the moment. Thread-safe.
class Watch {
 public:
  struct Stage {
    std::string name;                    // "preparing records"
    uint64_t total = 0;                  // records or calls in it; 0: not known
    std::shared_ptr<const Meter> meter;  // null before the first stage
    Processes processes;
  };

  std::shared_ptr<Meter> Begin(std::string name, uint64_t total, const Processes& processes);
  Stage stage() const;

 private:
  mutable Mutex mutex_;
  Stage stage_ ABSL_GUARDED_BY(mutex_);
};

// Blocks until it is done. The errors of CheckOptions, Daemons::Start and the calls; FAILED_PRECONDITION if the store
// holds records of others; CANCELLED if it was stopped.
absl::StatusOr<Report> Measure(const RunOptions& options, Watch* watch);

}  // namespace unirust::bench
