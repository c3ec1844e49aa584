#include "shard/slot_mover.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "shard/engine.h"

namespace unirust::shard {
namespace {

constexpr uint64_t kIdleMicros =
    200'000;  // until it looks again whether there is something to move
constexpr uint64_t kRetryMicros = 1'000'000;  // until a step that failed is tried again

constexpr uint64_t kRestMicrosMax = 500'000;  // a step may have waited for long

}  // namespace

SlotMover::SlotMover(Engine& engine) : engine_(engine), thread_("move", [this] { Run(); }) {}

SlotMover::~SlotMover() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  engine_.StopWaiting();  // a comparison takes long
  stopped_.NotifyAll();
}

void SlotMover::Run() {
  GiveWay();
  std::string told;
  MutexLock lock(mutex_);
  while (!stopping_) {
    mutex_.Unlock();
    const uint64_t start = SteadyClockMicros();
    const absl::StatusOr<bool> moved = engine_.MoveStep();
    uint64_t rest =
        moved.ok() && *moved ? std::min(SteadyClockMicros() - start, kRestMicrosMax) : kIdleMicros;
    if (!moved.ok()) {
      rest = kRetryMicros;
      const std::string why(moved.status().message());
      if (why != told) Log(LogLevel::kWarning, "slots cannot move for now", {{"why", why}});
      told = why;
    } else {
      told.clear();
    }
    mutex_.Lock();
    const uint64_t next = SteadyClockMicros() + rest;
    for (uint64_t now = SteadyClockMicros(); !stopping_ && now < next; now = SteadyClockMicros()) {
      stopped_.WaitFor(mutex_, next - now);
    }
  }
}

}  // namespace unirust::shard
