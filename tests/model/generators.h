// Random instants, intervals and records for property tests.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "model/record.h"
#include "model/time.h"
#include "tests/base/generators.h"

namespace unirust::gen {

// Small times, so that intervals meet, and the extremes.
inline rc::Gen<Instant> AnyInstant() {
  return rc::gen::oneOf(
      rc::gen::cast<Instant>(rc::gen::inRange(-8, 8)),
      rc::gen::elementOf(std::vector<Instant>{kMinTime, kMinTime + 1, kMaxTime - 1, kMaxTime}),
      AnyInteger<int64_t>());
}

inline rc::Gen<Interval> AnyInterval() {
  const auto ends = rc::gen::suchThat(rc::gen::pair(AnyInstant(), AnyInstant()),
                                      [](const auto& e) { return e.first != e.second; });
  return rc::gen::map(ends, [](const std::pair<Instant, Instant>& e) {
    return Interval{std::min(e.first, e.second), std::max(e.first, e.second)};
  });
}

inline rc::Gen<std::vector<Interval>> AnyIntervals() {
  return rc::gen::container<std::vector<Interval>>(AnyInterval());
}

// Boundaries of the intervals, their neighbours and the extremes: whoever differs, differs at one
// of these instants.
inline std::vector<Instant> Probes(const std::vector<Interval>& intervals) {
  std::vector<Instant> out = {kMinTime, kMaxTime - 1};
  for (const Interval& i : intervals) {
    for (const Instant t : {i.start, i.end}) {
      out.push_back(t);
      if (t > kMinTime) out.push_back(t - 1);
    }
  }
  return out;
}

inline bool Holds(const std::vector<Interval>& intervals, Instant t) {
  return std::any_of(intervals.begin(), intervals.end(),
                     [t](const Interval& i) { return i.start <= t && t < i.end; });
}

}  // namespace unirust::gen
