#include "base/mutex.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <vector>

#include "base/thread.h"

namespace unirust {
namespace {

TEST(Mutex, ExcludesOtherThreads) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 10000;
  Mutex mutex;
  int64_t counter = 0;
  std::vector<std::unique_ptr<Thread>> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.push_back(std::make_unique<Thread>("count", [&] {
      for (int i = 0; i < kRounds; ++i) {
        MutexLock lock(mutex);
        ++counter;
      }
    }));
  }
  threads.clear();
  EXPECT_EQ(counter, kThreads * kRounds);
}

// Every item passes from a producer to a consumer exactly once; nobody sleeps and nobody is
// forgotten.
TEST(CondVar, WakesWaitersOfBothSides) {
  constexpr int kItems = 5000;
  Mutex mutex;
  CondVar changed;
  std::deque<int> queue;
  int64_t sum = 0;
  Thread consumer("consumer", [&] {
    for (int i = 0; i < kItems; ++i) {
      MutexLock lock(mutex);
      while (queue.empty()) changed.Wait(mutex);
      sum += queue.front();
      queue.pop_front();
      changed.NotifyOne();
    }
  });
  for (int i = 0; i < kItems; ++i) {
    MutexLock lock(mutex);
    while (queue.size() >= 2) changed.Wait(mutex);
    queue.push_back(i);
    changed.NotifyOne();
  }
  consumer.Join();
  EXPECT_EQ(sum, int64_t{kItems} * (kItems - 1) / 2);
}

TEST(CondVar, NotifyAllWakesEveryWaiter) {
  Mutex mutex;
  CondVar changed;
  bool go = false;
  int awake = 0;
  std::vector<std::unique_ptr<Thread>> threads;
  for (int t = 0; t < 8; ++t) {
    threads.push_back(std::make_unique<Thread>("wait", [&] {
      MutexLock lock(mutex);
      while (!go) changed.Wait(mutex);
      ++awake;
    }));
  }
  {
    MutexLock lock(mutex);
    go = true;
  }
  changed.NotifyAll();
  threads.clear();
  EXPECT_EQ(awake, 8);
}

}  // namespace
}  // namespace unirust
