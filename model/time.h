// Time (semantics.md, 1): instants, half-open intervals and sets of them. Pure values; every operation is linear in
// the number of intervals, never in their length.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <vector>

namespace unirust {

// Signed, in the user's unit; the store never looks inside.
using Instant = int64_t;

inline constexpr Instant kMinTime = std::numeric_limits<Instant>::min();  // unbounded start
inline constexpr Instant kMaxTime = std::numeric_limits<Instant>::max();  // unbounded end

// [start, end), start < end.
struct Interval {
  Instant start = kMinTime;
  Instant end = kMaxTime;
  friend auto operator<=>(const Interval&, const Interval&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Interval& i) {
    return H::combine(std::move(h), i.start, i.end);
  }
};

// True if the two share an instant. Adjacent intervals do not.
constexpr bool Overlaps(const Interval& a, const Interval& b) {
  return a.start < b.end && b.start < a.end;
}

// True if `outer` holds at every instant of `inner`.
constexpr bool Covers(const Interval& outer, const Interval& inner) {
  return outer.start <= inner.start && inner.end <= outer.end;
}

// Sorted, disjoint and not adjacent.
using IntervalSet = std::vector<Interval>;

// Sorts and joins overlapping and adjacent intervals.
IntervalSet Coalesce(std::vector<Interval> intervals);

// The times in both; both arguments and the result are IntervalSets. Linear.
IntervalSet Intersect(const IntervalSet& a, const IntervalSet& b);

// True if two IntervalSets share an instant. Linear.
bool Overlaps(const IntervalSet& a, const IntervalSet& b);

// True if some interval of the set covers `piece`. Logarithmic.
bool Covers(const IntervalSet& set, const Interval& piece);

// The elementary intervals between neighbouring distinct boundaries of `intervals`, sorted; gaps are included.
std::vector<Interval> ElementaryIntervals(const std::vector<Interval>& intervals);

}  // namespace unirust
