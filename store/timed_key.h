// The end of keys that lie by time behind a common prefix (families attribute_values and sources): level, start,
// length, record. The level is the bit length of the interval's length less one, so intervals of level l are at most
// 2^l long, and a query for [from, to) seeks, per level present, starts in (from - 2^l, to), and among those of one
// start the first that reaches `from`. docs/key-encoding.md shows the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/answers.h"
#include "model/time.h"

namespace unirust::store {

struct TimedKey {
  Interval interval;
  RecordId record;

  static constexpr size_t kBytesMax = 1 + 8 + 8 + 4;

  static uint8_t LevelOf(const Interval& interval);  // 0 to 64
  void AppendTo(std::string* prefix) const;
  static std::optional<TimedKey> Decode(std::string_view end);

  // The first key of the level that can overlap a query from `from`. Level 65: behind the last.
  static std::string Seek(std::string_view prefix, uint8_t level, Instant from);
  // The first key, of those that begin with the key of `interval` does, of an interval that starts with it and ends
  // behind `from`; interval.end <= from.
  static std::string SeekEnd(std::string_view prefix, const Interval& interval, Instant from);
};

}  // namespace unirust::store
