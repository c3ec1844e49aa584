#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#ifndef UNIRUST_TSAN
#include <tbb/parallel_for.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/scheduler.h"

namespace unirust {

Thread::Thread(const std::string& name, std::function<void()> body) {
  std::function<void()> named = [name, body = std::move(body)] {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    body();
  };
  Scheduler* const scheduler = Scheduler::Current();
  thread_ = scheduler == nullptr ? std::thread(std::move(named))
                                 : scheduler->Start(std::move(named));
}

Thread::~Thread() { Join(); }

Thread& Thread::operator=(Thread&& other) {
  Join();
  thread_ = std::move(other.thread_);
  return *this;
}

void Thread::Join() {
  if (!thread_.joinable()) return;
  if (Scheduler* scheduler = Scheduler::Current()) return scheduler->Join(thread_);
  thread_.join();
}

namespace {

// The kernel's sched_attr (linux/sched/types.h, which cannot be included beside <sched.h>), in its first form.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;
  uint64_t flags = 0x08;  // SCHED_FLAG_KEEP_POLICY: an operator may have chosen another one
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_nanos = 0;
  uint64_t deadline_nanos = 0;
  uint64_t period_nanos = 0;
};
static_assert(sizeof(SchedulingAttributes) == 48);

// The length of the calling thread's turns; 0 is the kernel's default. Nothing changes where the kernel refuses it.
void SetTurnNanos(uint64_t nanos) {
  SchedulingAttributes attributes;
  attributes.nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  attributes.runtime_nanos = nanos;
  syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

void GiveWay() {
  constexpr int kSteps = 5;  // a third of the share of a thread that does not give way
  constexpr int kLast = 19;
  const auto self = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, self, std::min(getpriority(PRIO_PROCESS, self) + kSteps, kLast));
  SetTurnNanos(0);
}

void TakeShortTurns() {
  constexpr uint64_t kShortestNanos = 100'000;  // that there are
  SetTurnNanos(kShortestNanos);
}

#ifndef UNIRUST_TSAN
void ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  tbb::parallel_for(size_t{0}, count, body);
}
#else
// TBB's work stealing cannot be annotated for ThreadSanitizer (docs/testing.md).
void ParallelFor(size_t count, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next{0};
  std::vector<Thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back("parallel", [&] {
      for (size_t i = next++; i < count; i = next++) body(i);
    });
  }
}
#endif

}  // namespace unirust
