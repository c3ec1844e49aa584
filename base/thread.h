// The only place that creates threads.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <thread>

namespace unirust {

// A named thread, joined by the destructor.
class Thread {
 public:
  Thread() = default;
  Thread(const std::string& name, std::function<void()> body);
  ~Thread();
  Thread(Thread&&) = default;
  Thread& operator=(Thread&& other);
  void Join();  // returns at once if there is no thread

 private:
  std::thread thread_;
};

// From now on the calling thread gives way to others that want to run: it works through much, in which a wait of some
// milliseconds does not show. For good.
void GiveWay();

// From now on the calling thread, and those that it starts, run in short turns: they wake to answer somebody, and when
// all cores are busy they need not wait for the end of a longer turn. Takes effect on Linux 6.12 and later (a time
// slice asked for with sched_setattr); before, the kernel decides alone. GiveWay ends it for a thread.
void TakeShortTurns();

// Calls body(i) for every i in [0, count), on as many threads as the machine has cores; returns when all are done.
// The bodies must not depend on each other.
void ParallelFor(size_t count, const std::function<void(size_t)>& body);

}  // namespace unirust
