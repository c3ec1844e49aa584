#include "base/periodic.h"

#include <utility>

#include "base/clock.h"

namespace unirust {

Periodic::Periodic(const std::string& name, uint64_t wait_micros, Step step)
    : step_(std::move(step)), thread_(name, [this, wait_micros] { Run(wait_micros); }) {}

Periodic::~Periodic() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.NotifyAll();
  thread_.Join();
}

void Periodic::Run(uint64_t wait_micros) {
  const Stopping stopping = [this] {
    MutexLock lock(mutex_);
    return stopping_;
  };
  while (Await(wait_micros)) wait_micros = step_(stopping);
}

// False: it is to stop.
bool Periodic::Await(uint64_t micros) {
  const uint64_t due_micros = SteadyClockMicros() + micros;
  MutexLock lock(mutex_);
  for (uint64_t now = SteadyClockMicros(); !stopping_ && now < due_micros;
       now = SteadyClockMicros()) {
    stopped_.WaitFor(mutex_, due_micros - now);
  }
  return !stopping_;
}

}  // namespace unirust
