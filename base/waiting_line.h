// The order of those that wait for the same thing: who came first has it first. Guarded by the lock of what they wait
// for:
//
//   const uint64_t number = line.Join();
//   while (!line.IsFirst(number) || !HasRoom()) changed.Wait(mutex);
//   line.Leave();
//   changed.NotifyAll();  // the next one may have room, too
#pragma once

#include <cstdint>

namespace unirust {

class WaitingLine {
 public:
  uint64_t Join() { return joined_++; }
  bool IsFirst(uint64_t number) const { return number == left_; }
  void Leave() { ++left_; }  // the first one
  uint64_t length() const { return joined_ - left_; }

 private:
  uint64_t joined_ = 0;
  uint64_t left_ = 0;
};

}  // namespace unirust
