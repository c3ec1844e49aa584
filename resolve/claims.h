// Claims: who says which value of one attribute when. The sweep below is how golden records, conflicts and strong
// identifiers cut time into pieces (semantics.md, 7.1).
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "model/time.h"

namespace unirust::resolve {

struct Claim {
  std::string_view value;
  Interval interval;
  size_t record = 0;  // the caller's index
};

// Goes through time, for things with a member `interval`: calls `visit(piece, begun, ended)` for the pieces between
// neighbouring boundaries, in order, with what begins to hold at the start of the piece and what held until then, as
// vectors of pointers to const. A piece in which nothing holds is visited if something ended at its start; what ends at
// the last boundary is not told. O(n log n), whatever holds how long.
template <typename Thing, typename Visit>
void ForEachPiece(const std::vector<Thing>& things, const Visit& visit) {
  if (things.size() == 1) {
    visit(things[0].interval, std::vector<const Thing*>{&things[0]}, std::vector<const Thing*>());
    return;
  }
  std::vector<const Thing*> by_start;
  by_start.reserve(things.size());
  for (const Thing& thing : things) by_start.push_back(&thing);
  std::vector<const Thing*> by_end = by_start;
  std::sort(by_start.begin(), by_start.end(), [](const Thing* a, const Thing* b) {
    return a->interval.start < b->interval.start;
  });
  std::sort(by_end.begin(), by_end.end(), [](const Thing* a, const Thing* b) {
    return a->interval.end < b->interval.end;
  });
  std::vector<const Thing*> begun;
  std::vector<const Thing*> ended;
  size_t starts = 0;
  size_t ends = 0;
  while (ends < by_end.size()) {
    const bool at_start = starts < by_start.size() &&
                          by_start[starts]->interval.start <= by_end[ends]->interval.end;
    const Instant from =
        at_start ? by_start[starts]->interval.start : by_end[ends]->interval.end;
    begun.clear();
    ended.clear();
    for (; starts < by_start.size() && by_start[starts]->interval.start == from; ++starts) {
      begun.push_back(by_start[starts]);
    }
    for (; ends < by_end.size() && by_end[ends]->interval.end == from; ++ends) {
      ended.push_back(by_end[ends]);
    }
    if (ends == by_end.size()) return;
    Instant to = by_end[ends]->interval.end;
    if (starts < by_start.size()) to = std::min(to, by_start[starts]->interval.start);
    visit(Interval{from, to}, begun, ended);
  }
}

}  // namespace unirust::resolve
