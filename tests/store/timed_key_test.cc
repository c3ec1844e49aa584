// TimedKey: which keys a query by time reads.
#include "store/timed_key.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/base/generators.h"
#include "tests/model/generators.h"

namespace unirust::store {
namespace {

using gen::AnyInteger;
using gen::AnyInterval;

TEST(TimedKey, LevelIsTheBitLengthOfTheLengthLessOne) {
  const std::vector<std::pair<Interval, int>> expected = {
      {{0, 1}, 0},         {{0, 2}, 1},         {{0, 3}, 2},         {{0, 4}, 2},
      {{0, 5}, 3},         {{-4, 4}, 3},        {{-4, 5}, 4},        {{kMaxTime - 1, kMaxTime}, 0},
      {{kMinTime, 0}, 63}, {{0, kMaxTime}, 63}, {{kMinTime, 1}, 64}, {{kMinTime, kMaxTime}, 64}};
  for (const auto& [interval, level] : expected) {
    EXPECT_EQ(TimedKey::LevelOf(interval), level)
        << interval.start << ".." << interval.end;
  }
}

std::string KeyOf(const Interval& interval, uint32_t record) {
  std::string key = "prefix";
  TimedKey{interval, RecordId(record)}.AppendTo(&key);
  return key;
}

// What a query reads: per level, from Seek to the first start behind the query.
RC_GTEST_PROP(TimedKey, ScanOfEachLevelFindsWhatOverlapsAndReadsFewOthers, ()) {
  const std::vector<Interval> intervals = *gen::AnyIntervals();
  const Interval query = *AnyInterval();
  std::set<std::string> keys;
  for (uint32_t i = 0; i < intervals.size(); ++i) keys.insert(KeyOf(intervals[i], i));
  std::set<uint32_t> found;
  for (uint8_t level = 0; level <= 64; ++level) {
    const std::string seek = TimedKey::Seek("prefix", level, query.start);
    for (auto it = keys.lower_bound(seek); it != keys.end(); ++it) {
      const auto key = TimedKey::Decode(std::string_view(*it).substr(6));
      RC_ASSERT(key.has_value());
      const Interval& interval = intervals[key->record.value()];
      RC_ASSERT(key->interval == interval);
      if (TimedKey::LevelOf(interval) != level || interval.start >= query.end) break;
      if (Overlaps(interval, query)) found.insert(key->record.value());
      // Whatever is read starts at most one length of its level before the query: no interval is
      // read for nothing but the short ones of its level.
      const auto length =
          static_cast<uint64_t>(interval.end) - static_cast<uint64_t>(interval.start);
      const auto gap = static_cast<uint64_t>(query.start) - static_cast<uint64_t>(interval.start);
      if (interval.end <= query.start) RC_ASSERT(gap < 2 * length || length > UINT64_MAX / 2);
    }
  }
  std::set<uint32_t> expected;
  for (uint32_t i = 0; i < intervals.size(); ++i) {
    if (Overlaps(intervals[i], query)) expected.insert(i);
  }
  RC_ASSERT(found == expected);
}

// It passes over what starts at the same time and ends too early, and over nothing else.
RC_GTEST_PROP(TimedKey, SeekEndPassesOverWhatEndsTooEarly, ()) {
  const std::vector<Interval> intervals = *gen::AnyIntervals();
  RC_PRE(!intervals.empty());
  const Interval& early = *rc::gen::elementOf(intervals);
  const Instant from = *rc::gen::suchThat(gen::AnyInstant(), [&](Instant t) {
    return t >= early.end;
  });
  const std::string seek = TimedKey::SeekEnd("prefix", early, from);
  const auto level = TimedKey::LevelOf(early);
  for (const Interval& interval : intervals) {
    const bool passed = KeyOf(interval, *AnyInteger<uint32_t>()) < seek;
    const auto same_level = TimedKey::LevelOf(interval) == level;
    const bool before = TimedKey::LevelOf(interval) < level ||
                        (same_level && interval.start < early.start);
    const bool too_early =
        same_level && interval.start == early.start && interval.end <= from;
    RC_ASSERT(passed == (before || too_early));
  }
}

}  // namespace
}  // namespace unirust::store
