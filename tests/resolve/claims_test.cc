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

RC_GTEST_PROP(ForEachPiece, TellsWhatBeginsAndEndsAtEachBoundary, ()) {
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
  std::multiset<size_t> holding;
  ForEachPiece(claims, [&](const Interval& piece, const auto& begun, const auto& ended) {
    for (const Claim* claim : begun) holding.insert(claim->record);
    for (const Claim* claim : ended) RC_ASSERT(holding.erase(claim->record) == 1U);
    if (!holding.empty()) visited.emplace_back(piece, holding);
  });
  RC_ASSERT(visited == expected);
}

}  // namespace
}  // namespace unirust::resolve
