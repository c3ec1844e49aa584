#include "shard/retention_clock.h"

#include <string>
#include <utility>

#include "base/log.h"
#include "base/status_macros.h"
#include "shard/engine.h"

namespace unirust::shard {

absl::Status AdvanceToClock(Engine& engine, ClockUnit unit, uint64_t wall_clock_micros,
                            const std::function<bool()>& stop) {
  if (engine.GetOntology().retention.empty()) return absl::OkStatus();
  const Instant now = InUnits(wall_clock_micros, unit);
  UNIRUST_ASSIGN_OR_RETURN(const RetentionStatus status, engine.Read().GetRetention());
  if (status.declared && *status.declared >= now) return absl::OkStatus();
  return engine.AdvanceRetention(now, stop).status();
}

RetentionClock::RetentionClock(Engine& engine, ClockUnit unit, uint64_t interval_micros,
                               std::function<uint64_t()> wall_clock_micros)
    : advancing_("retention", 0,
                 [&engine, unit, interval_micros, wall_clock = std::move(wall_clock_micros)](
                     const Periodic::Stopping& stopping) {
                   const absl::Status status =
                       AdvanceToClock(engine, unit, wall_clock(), stopping);
                   if (!status.ok() && !stopping()) {
                     Log(LogLevel::kError,
                         "retention by the wall clock failed, and is tried again later",
                         {{"why", std::string(status.message())}});
                   }
                   return interval_micros;
                 }) {}

}  // namespace unirust::shard
