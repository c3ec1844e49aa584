// Retention by the wall clock: for data whose instants count the time since 1970.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/periodic.h"

namespace unirust::shard {

class Engine;

// Advances retention to an instant of the wall clock, in microseconds since 1970. Nothing happens without rules of
// retention, or if a later instant is declared already. Errors: Engine::AdvanceRetention.
absl::Status AdvanceToClock(Engine& engine, ClockUnit unit, uint64_t wall_clock_micros,
                            const std::function<bool()>& stop);

// Does so at once and then after every interval, in a thread of its own, from construction to destruction; an advance
// that is under way then is given up. Failures are logged, and tried again after the interval. The engine must outlive
// it.
class RetentionClock {
 public:
  RetentionClock(Engine& engine, ClockUnit unit, uint64_t interval_micros,
                 std::function<uint64_t()> wall_clock_micros = WallClockMicros);

 private:
  Periodic advancing_;
};

}  // namespace unirust::shard
