// Purges by themselves, so that what was erased leaves the disk (docs/erasure.md).
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"
#include "base/periodic.h"

namespace unirust::shard {

class Engine;

// Purges if what was erased first and is not purged yet was so `after_seconds` ago or earlier. Whether it did. Errors:
// Engine::Purge.
absl::StatusOr<bool> PurgeIfDue(Engine& engine, uint64_t after_seconds, uint64_t wall_clock_micros,
                                const std::function<bool()>& stop);

// Does so every limits::kPurgeLookSeconds, in a thread of its own, from construction to destruction; a purge under way
// then is given up. Failures are logged, and tried again. The engine must outlive it.
class PurgeSchedule {
 public:
  PurgeSchedule(Engine& engine, uint64_t after_seconds);

 private:
  Periodic purging_;
};

}  // namespace unirust::shard
