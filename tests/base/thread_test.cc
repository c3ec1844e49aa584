#include "base/thread.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "tests/base/turns.h"

namespace unirust {
namespace {

TEST(Thread, RunsUnderItsNameCutToWhatTheSystemTakes) {
  std::array<char, 16> name{};
  Thread thread("a-name-longer-than-fifteen",
                [&] { pthread_getname_np(pthread_self(), name.data(), name.size()); });
  thread.Join();
  EXPECT_STREQ(name.data(), "a-name-longer-t");
}

TEST(Thread, IsJoinedByDestructionAndAssignment) {
  std::atomic<int> done = 0;
  {
    Thread thread("one", [&] { ++done; });
    thread = Thread("two", [&] { ++done; });
    EXPECT_GE(done, 1);
    Thread moved = std::move(thread);
  }
  EXPECT_EQ(done, 2);
  Thread none;
  none.Join();
}

TEST(Thread, GivesWayAlone) {
  int nice = 0;
  Thread thread("worker", [&] {
    GiveWay();
    nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  });
  thread.Join();
  const int own = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  EXPECT_EQ(nice, std::min(own + 5, 19));
}

TEST(Thread, TakesShortTurnsUntilItGivesWay) {
  uint64_t usual = 0;
  uint64_t own = 0;
  uint64_t inherited = 0;
  uint64_t giving_way = 0;
  Thread("daemon", [&] {
    usual = TurnNanos();
    TakeShortTurns();
    own = TurnNanos();
    Thread("answering", [&] { inherited = TurnNanos(); }).Join();
    GiveWay();
    giving_way = TurnNanos();
  }).Join();
  if (usual == 0) GTEST_SKIP() << "needs Linux 6.12";
  EXPECT_LT(own, usual);
  EXPECT_EQ(inherited, own);
  EXPECT_EQ(giving_way, usual);
}

TEST(Thread, TakesShortTurnsUnderThePolicyThatItHas) {
  int policy = SCHED_OTHER;
  Thread("batch", [&] {
    const sched_param priority = {.sched_priority = 0};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &priority), 0);
    TakeShortTurns();
    GiveWay();
    policy = sched_getscheduler(0);
  }).Join();
  EXPECT_EQ(policy, SCHED_BATCH);
}

TEST(ParallelFor, CallsTheBodyOnceForEachIndex) {
  for (const size_t count : {size_t{0}, size_t{1}, size_t{1000}}) {
    std::vector<std::atomic<int>> calls(count);
    ParallelFor(count, [&](size_t i) { ++calls[i]; });
    for (const std::atomic<int>& n : calls) EXPECT_EQ(n, 1);
  }
}

}  // namespace
}  // namespace unirust
