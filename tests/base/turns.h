// The turns of threads, by what the kernel says of them.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace unirust {

// The time slice of the calling thread, by sched_getattr(2); 0 before Linux 6.12.
inline uint64_t TurnNanos() {
  std::array<uint64_t, 6> attributes = {};  // the fourth is sched_runtime
  syscall(SYS_sched_getattr, 0, attributes.data(), sizeof attributes, 0);
  return attributes[3];
}

}  // namespace unirust
