#include "model/time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/model/generators.h"

namespace unirust {
namespace {

using gen::AnyInterval;
using gen::AnyIntervals;
using gen::Holds;
using gen::Probes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Interval kAlways{kMinTime, kMaxTime};

bool IsSet(const IntervalSet& set) {
  for (size_t i = 0; i < set.size(); ++i) {
    if (set[i].start >= set[i].end) return false;
    if (i > 0 && set[i - 1].end >= set[i].start) return false;
  }
  return true;
}

std::vector<Interval> Both(std::vector<Interval> a, const std::vector<Interval>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(Overlaps, IsFalseForAdjacentIntervals) {
  EXPECT_TRUE(Overlaps(Interval{0, 2}, Interval{1, 3}));
  EXPECT_FALSE(Overlaps(Interval{0, 2}, Interval{2, 3}));
  EXPECT_FALSE(Overlaps(Interval{2, 3}, Interval{0, 2}));
  EXPECT_TRUE(Overlaps(kAlways, Interval{kMaxTime - 1, kMaxTime}));
  EXPECT_FALSE(Overlaps(Interval{kMinTime, 0}, Interval{0, kMaxTime}));
}

TEST(Coalesce, JoinsOverlappingAndAdjacentOnes) {
  EXPECT_THAT(Coalesce({}), IsEmpty());
  EXPECT_THAT(Coalesce({{3, 4}, {0, 1}, {1, 2}}), ElementsAre(Interval{0, 2}, Interval{3, 4}));
  EXPECT_THAT(Coalesce({{kMinTime, 0}, {0, kMaxTime}}), ElementsAre(kAlways));
  EXPECT_THAT(Coalesce({kAlways, {5, 6}}), ElementsAre(kAlways));
}

RC_GTEST_PROP(Coalesce, HoldsWhenSomeIntervalDoes, ()) {
  const std::vector<Interval> intervals = *AnyIntervals();
  const IntervalSet set = Coalesce(intervals);
  RC_ASSERT(IsSet(set));
  for (const Instant t : Probes(intervals)) RC_ASSERT(Holds(set, t) == Holds(intervals, t));
}

RC_GTEST_PROP(Intersect, HoldsWhenBothDo, ()) {
  const IntervalSet a = Coalesce(*AnyIntervals());
  const IntervalSet b = Coalesce(*AnyIntervals());
  const IntervalSet both = Intersect(a, b);
  RC_ASSERT(IsSet(both));
  for (const Instant t : Probes(Both(a, b)))
    RC_ASSERT(Holds(both, t) == (Holds(a, t) && Holds(b, t)));
  RC_ASSERT(Overlaps(a, b) == !both.empty());
}

RC_GTEST_PROP(Covers, IsTrueWhenThePieceHoldsThroughout, ()) {
  const IntervalSet set = Coalesce(*AnyIntervals());
  const Interval piece = *AnyInterval();
  const std::vector<Interval> both = Both(set, {piece});
  bool all = true;
  for (const Instant t : Probes(both)) all = all && (!Holds({piece}, t) || Holds(set, t));
  RC_ASSERT(Covers(set, piece) == all);
}

RC_GTEST_PROP(ElementaryIntervals, LieBetweenAllNeighbouringBoundaries, ()) {
  const std::vector<Interval> intervals = *AnyIntervals();
  const std::vector<Interval> pieces = ElementaryIntervals(intervals);
  std::vector<Instant> cuts;
  for (const Interval& i : intervals) cuts.insert(cuts.end(), {i.start, i.end});
  std::sort(cuts.begin(), cuts.end());
  cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
  RC_ASSERT(pieces.size() + (cuts.empty() ? 0 : 1) == cuts.size());
  for (size_t i = 0; i < pieces.size(); ++i)
    RC_ASSERT(pieces[i] == (Interval{cuts[i], cuts[i + 1]}));
}

TEST(ElementaryIntervals, CostNothingMoreForUnboundedOnes) {
  EXPECT_THAT(ElementaryIntervals({kAlways}), ElementsAre(kAlways));
  EXPECT_THAT(ElementaryIntervals({kAlways, {0, 1}}),
              ElementsAre(Interval{kMinTime, 0}, Interval{0, 1}, Interval{1, kMaxTime}));
}

}  // namespace
}  // namespace unirust
