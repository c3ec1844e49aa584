#include "resolve/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <utility>
#include <vector>

#include "tests/model/generators.h"

namespace unirust::resolve {
namespace {

using Pieces = std::vector<std::pair<Interval, std::multiset<size_t>>>;

RC_GTEST_PROP(ForEachPiece, VisitsEachElementaryIntervalWithWhatHoldsThere, ()) {
  const std::vector<Interval> intervals = *gen::AnyIntervals();
  std::vector<Claim> claims;
  for (size_t i = 0; i < intervals.size(); ++i) claims.push_back({"v", intervals[i], i});
  Pieces expected;
  for (const Interval& piece : ElementaryIntervals(intervals)) {
    std::multiset<size_t> holding;
    for (size_t i = 0; i < intervals.size(); ++i) {
      if (Covers(intervals[i], piece)) holding.insert(i);
    }
    if (!holding.empty()) expected.emplace_back(piece, holding);
  }
  Pieces visited;
  ForEachPiece(claims, [&](const Interval& piece, const std::vector<const Claim*>& holding) {
    std::multiset<size_t> records;
    for (const Claim* claim : holding) records.insert(claim->record);
    visited.emplace_back(piece, records);
  });
  RC_ASSERT(visited == expected);
}

TEST(OneValue, IsTrueIfNoTwoClaimsDiffer) {
  EXPECT_TRUE(OneValue({}));
  EXPECT_TRUE(OneValue({{"a", {0, 1}, 0}, {"a", {5, 6}, 1}}));
  EXPECT_FALSE(OneValue({{"a", {0, 1}, 0}, {"b", {5, 6}, 1}}));
}

}  // namespace
}  // namespace unirust::resolve
