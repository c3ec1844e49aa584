#include "shard/purge_schedule.h"

#include <string>

#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "shard/engine.h"

namespace unirust::shard {

absl::StatusOr<bool> PurgeIfDue(Engine& engine, uint64_t after_seconds, uint64_t wall_clock_micros,
                                const std::function<bool()>& stop) {
  UNIRUST_ASSIGN_OR_RETURN(const Erasures erasures, engine.ErasuresInStore());
  const auto since = static_cast<uint64_t>(erasures.pending_since_micros);
  if (since == 0) return false;
  // In the future: the clock was wrong.
  const bool waits =
      since <= wall_clock_micros && (wall_clock_micros - since) / 1'000'000 < after_seconds;
  if (waits) return false;
  UNIRUST_RETURN_IF_ERROR(engine.Purge(stop));
  return true;
}

PurgeSchedule::PurgeSchedule(Engine& engine, uint64_t after_seconds)
    : engine_(engine), after_seconds_(after_seconds), thread_("purge", [this] { Run(); }) {}

PurgeSchedule::~PurgeSchedule() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.NotifyAll();
}

bool PurgeSchedule::Stopping() {
  MutexLock lock(mutex_);
  return stopping_;
}

void PurgeSchedule::Run() {
  while (!Stopping()) {
    const absl::StatusOr<bool> purged =
        PurgeIfDue(engine_, after_seconds_, WallClockMicros(), [this] { return Stopping(); });
    const bool another = absl::IsUnavailable(purged.status());  // somebody has asked for one
    if (!purged.ok() && !another && !Stopping()) {
      Log(LogLevel::kError, "the purge of what was erased failed, and is tried again",
          {{"why", std::string(purged.status().message())}});
    }
    const uint64_t next_micros = SteadyClockMicros() + limits::kPurgeLookSeconds * 1'000'000;
    MutexLock lock(mutex_);
    for (uint64_t now = SteadyClockMicros(); !stopping_ && now < next_micros;
         now = SteadyClockMicros()) {
      stopped_.WaitFor(mutex_, next_micros - now);
    }
  }
}

}  // namespace unirust::shard
