// Rests of a thread.
#pragma once

#include <cstdint>

#include "base/mutex.h"

namespace unirust {

// Of simulated time in a simulation (base/scheduler.h).
inline void SleepMicros(uint64_t micros) {
  Mutex mutex;
  CondVar never;
  MutexLock lock(mutex);
  never.WaitFor(mutex, micros);
}

}  // namespace unirust
