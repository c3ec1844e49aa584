#include "base/thread.h"

#include <pthread.h>
#include <sys/resource.h>
#ifndef UNIRUST_TSAN
#include <tbb/parallel_for.h>
#endif
#include <unistd.h>

#include <algorithm>
#include <atomic>
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

void GiveWay() {
  constexpr int kSteps = 5;  // a third of the share of a thread that does not give way
  constexpr int kLast = 19;
  const auto self = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, self, std::min(getpriority(PRIO_PROCESS, self) + kSteps, kLast));
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
