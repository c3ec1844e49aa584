#include "shard/retention_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/shard/engine_fixture.h"

namespace unirust::shard {
namespace {

constexpr char kRules[] = R"({"retention": [{"ended_before": 10}]})";
constexpr uint64_t kDayMicros = 86'400'000'000;

// A clock that the test sets, and that tells how often it was read.
class TestClock {
 public:
  uint64_t Read() {
    MutexLock lock(mutex_);
    ++reads_;
    changed_.NotifyAll();
    return micros_;
  }
  void Set(uint64_t micros) {
    MutexLock lock(mutex_);
    micros_ = micros;
  }
  // Until what was begun by two more readings is done: the first of them sees what was set before.
  void AwaitTick() {
    MutexLock lock(mutex_);
    const int wanted = reads_ + 2;
    while (reads_ < wanted) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  uint64_t micros_ ABSL_GUARDED_BY(mutex_) = 0;
  int reads_ ABSL_GUARDED_BY(mutex_) = 0;
};

class RetentionClockTest : public EngineTest {
 protected:
  absl::Status Advance(uint64_t micros, ClockUnit unit = ClockUnit::kDays) {
    return AdvanceToClock(*engine_, unit, micros, [] { return false; });
  }
  std::optional<Instant> Declared() { return engine_->Read().GetRetention()->declared; }
};

TEST_F(RetentionClockTest, DeclaresTheTimeInTheUnitOfTheData) {
  SetOntology(kRules);
  ASSERT_TRUE(Advance(20 * kDayMicros + 5).ok());
  EXPECT_EQ(Declared(), 20);
  ASSERT_TRUE(Advance(21 * kDayMicros, ClockUnit::kSeconds).ok());
  EXPECT_EQ(Declared(), 21 * 86'400);
}

TEST_F(RetentionClockTest, DoesNothingWithoutRules) {
  ASSERT_TRUE(Advance(20 * kDayMicros).ok());
  EXPECT_EQ(Declared(), std::nullopt);
}

TEST_F(RetentionClockTest, DoesNothingWhenTheClockGoesBack) {
  SetOntology(kRules);
  ASSERT_TRUE(Advance(20 * kDayMicros).ok());
  ASSERT_TRUE(Advance(19 * kDayMicros).ok());
  EXPECT_EQ(Declared(), 20);
}

TEST_F(RetentionClockTest, AdvancesAtOnceAndAfterEveryInterval) {
  SetOntology(kRules);
  IngestOne(Person("crm", "1", {Email("a", {0, 5}), Email("b", {0, 7})}));
  TestClock clock;
  clock.Set(16 * kDayMicros);
  {
    const RetentionClock retention(*engine_, ClockUnit::kDays, 1, [&] { return clock.Read(); });
    clock.AwaitTick();
    EXPECT_EQ(Declared(), 16);
    EXPECT_EQ(engine_->Read().GetRetention()->earliest_due, 17);
    clock.Set(18 * kDayMicros);
    clock.AwaitTick();
    EXPECT_EQ(Declared(), 18);
    EXPECT_EQ(engine_->Read().GetRetention()->earliest_due, std::nullopt);
  }
  clock.Set(30 * kDayMicros);
  EXPECT_EQ(Declared(), 18) << "it stopped";
}

TEST_F(RetentionClockTest, StopsAtOnceBeforeALongInterval) {
  SetOntology(kRules);
  TestClock clock;
  const RetentionClock retention(*engine_, ClockUnit::kDays, 366 * kDayMicros,
                                 [&] { return clock.Read(); });
}

}  // namespace
}  // namespace unirust::shard
