#include "resolve/claims.h"

#include <algorithm>

namespace unirust::resolve {

void ForEachPiece(
    const std::vector<Claim>& claims,
    const std::function<void(const Interval&, const std::vector<const Claim*>&)>& visit) {
  if (claims.size() == 1) {
    visit(claims[0].interval, {&claims[0]});
    return;
  }
  std::vector<const Claim*> by_start;
  std::vector<Interval> intervals;
  for (const Claim& claim : claims) {
    by_start.push_back(&claim);
    intervals.push_back(claim.interval);
  }
  std::stable_sort(by_start.begin(), by_start.end(), [](const Claim* a, const Claim* b) {
    return a->interval.start < b->interval.start;
  });
  std::vector<const Claim*> holding;
  size_t next = 0;
  for (const Interval& piece : ElementaryIntervals(intervals)) {
    std::erase_if(holding, [&](const Claim* c) { return c->interval.end <= piece.start; });
    for (; next < by_start.size() && by_start[next]->interval.start <= piece.start; ++next) {
      holding.push_back(by_start[next]);
    }
    if (!holding.empty()) visit(piece, holding);
  }
}

bool OneValue(const std::vector<Claim>& claims) {
  return std::all_of(claims.begin(), claims.end(),
                     [&](const Claim& c) { return c.value == claims[0].value; });
}

}  // namespace unirust::resolve
