#include "base/clock.h"

#include <gtest/gtest.h>

namespace unirust {
namespace {

TEST(ClockUnit, HasNamesBothWays) {
  for (const char* name :
       {"none", "days", "seconds", "milliseconds", "microseconds", "nanoseconds"}) {
    ClockUnit unit = ClockUnit::kNone;
    EXPECT_TRUE(ParseClockUnit(name, &unit)) << name;
    EXPECT_EQ(ClockUnitName(unit), name);
  }
  ClockUnit unit = ClockUnit::kDays;
  for (const char* name : {"", "day", "Days", "hours"}) EXPECT_FALSE(ParseClockUnit(name, &unit));
  EXPECT_EQ(unit, ClockUnit::kDays) << "unchanged";
}

TEST(InUnits, CountsWholeUnits) {
  constexpr uint64_t kMicros = 2 * 86'400'000'000 - 1;  // the end of the second day
  EXPECT_EQ(InUnits(kMicros, ClockUnit::kDays), 1);
  EXPECT_EQ(InUnits(kMicros + 1, ClockUnit::kDays), 2);
  EXPECT_EQ(InUnits(kMicros, ClockUnit::kSeconds), 2 * 86'400 - 1);
  EXPECT_EQ(InUnits(kMicros, ClockUnit::kMilliseconds), 2 * 86'400'000 - 1);
  EXPECT_EQ(InUnits(kMicros, ClockUnit::kMicroseconds), 2 * 86'400'000'000 - 1);
  EXPECT_EQ(InUnits(kMicros, ClockUnit::kNanoseconds), (2 * 86'400'000'000 - 1) * 1000);
}

}  // namespace
}  // namespace unirust
