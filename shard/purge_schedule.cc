#include "shard/purge_schedule.h"

#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "shard/engine.h"

namespace unirust::shard {

absl::StatusOr<bool> PurgeIfDue(Engine& engine, uint64_t after_seconds, uint64_t wall_clock_micros,
                                const std::function<bool()>& stop) {
  UNIRUST_ASSIGN_OR_RETURN(const Erasures erasures, engine.ErasuresInStore());
  const auto since = static_cast<uint64_t>(erasures.pending_since_micros);
  if (since == 0 || engine.IsPurging()) return false;  // somebody has asked for one
  // In the future: the clock was wrong.
  const bool waits =
      since <= wall_clock_micros && (wall_clock_micros - since) / 1'000'000 < after_seconds;
  if (waits) return false;
  UNIRUST_RETURN_IF_ERROR(engine.Purge(stop));
  return true;
}

PurgeSchedule::PurgeSchedule(Engine& engine, uint64_t after_seconds)
    : purging_("purge", 0, [&engine, after_seconds](const Periodic::Stopping& stopping) {
        const absl::StatusOr<bool> purged =
            PurgeIfDue(engine, after_seconds, WallClockMicros(), stopping);
        if (!purged.ok() && !stopping()) {
          Log(LogLevel::kError, "the purge of what was erased failed, and is tried again",
              {{"why", std::string(purged.status().message())}});
        }
        return limits::kPurgeLookSeconds * 1'000'000;
      }) {}

}  // namespace unirust::shard
