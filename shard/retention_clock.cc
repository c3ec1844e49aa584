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
    : engine_(engine),
      unit_(unit),
      interval_micros_(interval_micros),
      wall_clock_micros_(std::move(wall_clock_micros)),
      thread_("retention", [this] { Run(); }) {}

RetentionClock::~RetentionClock() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.NotifyAll();
}

void RetentionClock::Run() {
  const auto stopping = [this] {
    MutexLock lock(mutex_);
    return stopping_;
  };
  while (!stopping()) {
    const absl::Status status = AdvanceToClock(engine_, unit_, wall_clock_micros_(), stopping);
    if (!status.ok() && !stopping()) {
      Log(LogLevel::kError, "retention by the wall clock failed, and is tried again later",
          {{"why", std::string(status.message())}});
    }
    const uint64_t next_micros = SteadyClockMicros() + interval_micros_;
    MutexLock lock(mutex_);
    for (uint64_t now = SteadyClockMicros(); !stopping_ && now < next_micros;
         now = SteadyClockMicros()) {
      stopped_.WaitFor(mutex_, next_micros - now);
    }
  }
}

}  // namespace unirust::shard
