// Annotated mutual exclusion over the standard library (Clang's thread-safety analysis checks GUARDED_BY). Standard
// mutexes rather than absl::Mutex: ThreadSanitizer understands them without an instrumented Abseil.
#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define UNIRUST_TSA(x) __attribute__((x))
#else
#define UNIRUST_TSA(x)
#endif
#define GUARDED_BY(x) UNIRUST_TSA(guarded_by(x))
#define REQUIRES(...) UNIRUST_TSA(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) UNIRUST_TSA(locks_excluded(__VA_ARGS__))

namespace unirust {

class UNIRUST_TSA(capability("mutex")) Mutex {
 public:
  void Lock() UNIRUST_TSA(acquire_capability()) { mutex_.lock(); }
  void Unlock() UNIRUST_TSA(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds a Mutex for a scope.
class UNIRUST_TSA(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) UNIRUST_TSA(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() UNIRUST_TSA(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits are always on a condition, re-checked by the caller in a loop.
class CondVar {
 public:
  void Wait(Mutex& mutex) REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace unirust
