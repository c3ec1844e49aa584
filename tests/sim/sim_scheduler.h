// Threads of which one runs at a time, until it waits or is made to give way: which one goes on,
// what time it is and what is random depends on a seed alone. Time passes only while all wait.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "base/scheduler.h"

namespace unirust::sim {

class SimScheduler final : public Scheduler {
 public:
  // The calling thread becomes the first one; installs itself until destruction, when all others
  // must have ended.
  explicit SimScheduler(uint64_t seed);
  ~SimScheduler() override;

  void Lock(std::mutex& mutex) override;
  void Unlock(std::mutex& mutex) override;
  void Wait(const void* condition, std::mutex& mutex, std::optional<uint64_t> micros) override;
  void Notify(const void* condition, Whom whom) override;
  std::thread Start(std::function<void()> body) override;
  void Join(std::thread& thread) override;
  uint64_t Micros() override { return micros_; }
  uint64_t Random() override { return random_(); }

  size_t Below(size_t count) { return random_() % count; }
  void Sleep(uint64_t micros);

 private:
  struct Task {
    enum class State { kReady, kWaiting, kEnded };
    State state = State::kReady;
    const void* waits_for =
        nullptr;  // a mutex, a condition, a task that shall end; null: time alone
    std::optional<uint64_t> until_micros;  // at the latest
    bool runs = false;
    std::condition_variable go;
  };

  void WaitFor(const void* what, std::optional<uint64_t> micros);
  void WakeAll(const void* what);
  void MayGiveWay();
  void GoOnWithAnother(std::unique_lock<std::mutex>& lock);
  Task* Next();
  [[noreturn]] void Stuck(const char* how) const;

  std::mutex mutex_;  // of all below, while no task runs; held by nobody for long
  const uint64_t seed_;
  std::mt19937_64 random_;
  uint64_t micros_ = 1'000'000;
  std::vector<std::unique_ptr<Task>> tasks_;
  std::map<std::thread::id, Task*> task_of_;
  static thread_local Task* self_;
};

}  // namespace unirust::sim
