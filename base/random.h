// Numbers by which things are told from all others of their kind, in this process and elsewhere.
#pragma once

#include <cstdint>
#include <random>

#include "base/scheduler.h"

namespace unirust {

// From the system's source of randomness. A system call.
inline uint64_t UniqueNumber() {
  if (Scheduler* scheduler = Scheduler::Current()) return scheduler->Random();
  std::random_device random;
  return uint64_t{random()} << 32U | random();
}

}  // namespace unirust
