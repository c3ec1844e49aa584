// Who decides which thread goes on, what time it is and what is random: the operating system, or a
// simulation, in which all of that depends on a seed alone (tests/sim). Mutex, CondVar, Thread, the
// clocks and UniqueNumber ask here.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace unirust {

// In place of the standard library, for threads that it has started and the one that installed it.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  virtual void Lock(std::mutex& mutex) = 0;
  virtual void Unlock(std::mutex& mutex) = 0;
  // Unlocks, waits for a notification or so many microseconds, and locks again.
  virtual void Wait(const void* condition, std::mutex& mutex, std::optional<uint64_t> micros) = 0;
  enum class Whom { kOne, kAll };
  virtual void Notify(const void* condition, Whom whom) = 0;
  virtual std::thread Start(std::function<void()> body) = 0;
  virtual void Join(std::thread& thread) = 0;
  virtual uint64_t Micros() = 0;
  virtual uint64_t Random() = 0;

  // Null: the operating system.
  static Scheduler* Current() { return current_; }
  // While there is one thread.
  static void Install(Scheduler* scheduler) { current_ = scheduler; }

 private:
  static inline Scheduler* current_ = nullptr;
};

}  // namespace unirust
