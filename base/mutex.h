// Annotated mutual exclusion over the standard library (Clang's thread-safety analysis checks
// ABSL_GUARDED_BY). Standard mutexes rather than absl::Mutex: ThreadSanitizer understands them
// without an instrumented Abseil.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "base/scheduler.h"

namespace unirust {

class ABSL_LOCKABLE Mutex {
 public:
  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    if (Scheduler* scheduler = Scheduler::Current()) return scheduler->Lock(mutex_);
    mutex_.lock();
  }
  void Unlock() ABSL_UNLOCK_FUNCTION() {
    if (Scheduler* scheduler = Scheduler::Current()) return scheduler->Unlock(mutex_);
    mutex_.unlock();
  }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits are always on a condition, re-checked by the caller in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (Scheduler* scheduler = Scheduler::Current()) {
      return scheduler->Wait(this, mutex.mutex_, std::nullopt);
    }
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // Returns after `micros` at the latest.
  void WaitFor(Mutex& mutex, uint64_t micros) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (Scheduler* scheduler = Scheduler::Current()) {
      return scheduler->Wait(this, mutex.mutex_, micros);
    }
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_for(lock, std::chrono::microseconds(micros));
    lock.release();
  }
  void NotifyOne() {
    if (Scheduler* scheduler = Scheduler::Current()) {
      return scheduler->Notify(this, Scheduler::Whom::kOne);
    }
    condition_.notify_one();
  }
  void NotifyAll() {
    if (Scheduler* scheduler = Scheduler::Current()) {
      return scheduler->Notify(this, Scheduler::Whom::kAll);
    }
    condition_.notify_all();
  }

 private:
  std::condition_variable condition_;
};

}  // namespace unirust
