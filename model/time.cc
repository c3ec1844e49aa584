#include "model/time.h"

#include <algorithm>
#include <cstddef>

namespace unirust {

IntervalSet Coalesce(std::vector<Interval> intervals) {
  std::sort(intervals.begin(), intervals.end());
  size_t used = 0;
  for (const Interval& next : intervals) {
    if (used > 0 && next.start <= intervals[used - 1].end) {
      intervals[used - 1].end = std::max(intervals[used - 1].end, next.end);
    } else {
      intervals[used++] = next;
    }
  }
  intervals.resize(used);
  return intervals;
}

IntervalSet Intersect(const IntervalSet& a, const IntervalSet& b) {
  IntervalSet out;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const Interval both{std::max(a[i].start, b[j].start), std::min(a[i].end, b[j].end)};
    if (both.start < both.end) out.push_back(both);
    if (a[i].end < b[j].end) {
      ++i;
    } else {
      ++j;
    }
  }
  return out;
}

bool Overlaps(const IntervalSet& a, const IntervalSet& b) {
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (Overlaps(a[i], b[j])) return true;
    if (a[i].end < b[j].end) {
      ++i;
    } else {
      ++j;
    }
  }
  return false;
}

bool Covers(const IntervalSet& set, const Interval& piece) {
  const auto after = std::upper_bound(set.begin(), set.end(), piece.start,
                                      [](Instant t, const Interval& i) { return t < i.start; });
  return after != set.begin() && Covers(*(after - 1), piece);
}

std::vector<Interval> ElementaryIntervals(const std::vector<Interval>& intervals) {
  std::vector<Instant> cuts;
  cuts.reserve(intervals.size() * 2);
  for (const Interval& i : intervals) {
    cuts.push_back(i.start);
    cuts.push_back(i.end);
  }
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  std::vector<Interval> out;
  for (size_t i = 0; i + 1 < cuts.size(); ++i) out.push_back({cuts[i], cuts[i + 1]});
  return out;
}

}  // namespace unirust
