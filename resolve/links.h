// Runs and their links (semantics.md, 4.3 and 6.1): pure functions of the pieces of one group and the signatures of the
// nodes that hold them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "model/time.h"
#include "resolve/signature.h"

namespace unirust::resolve {

// Connected parts of 0..n-1.
class UnionFind {
 public:
  explicit UnionFind(size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  size_t Find(size_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  // True if the two were not connected before.
  bool Unite(size_t a, size_t b) {
    a = Find(a);
    b = Find(b);
    parent_[b] = a;
    return a != b;
  }

 private:
  std::vector<size_t> parent_;
};

// The maximal chains of things (with a member `interval`) that overlap along the time axis, as [first, last) index
// ranges. They are sorted by start.
template <typename Thing>
std::vector<std::pair<size_t, size_t>> Chains(std::span<const Thing> things) {
  std::vector<std::pair<size_t, size_t>> out;
  Instant reach = kMinTime;
  for (size_t i = 0; i < things.size(); ++i) {
    const Interval& interval = things[i].interval;
    if (!out.empty() && interval.start < reach) {
      reach = std::max(reach, interval.end);
      out.back().second = i + 1;
    } else {
      reach = interval.end;
      out.emplace_back(i, i + 1);
    }
  }
  return out;
}

// A run that has pieces which it had not before.
struct GainedRun {
  std::vector<store::Piece> added;
  std::vector<store::Piece> old;  // one of each run of before
};

// Those of the runs of `now` of which some pieces are not in `before`; all of `before` are in `now`. Both are sorted.
std::vector<GainedRun> GainedRuns(std::span<const store::Piece> before,
                                  std::span<const store::Piece> now);

// One piece of a run and who holds it: an index into the signatures.
struct NodePiece {
  Interval interval;
  size_t node = 0;
};

using NodeLinks = std::vector<std::pair<size_t, size_t>>;  // node indexes

// The links that a run draws between its nodes: enough of them to connect what 6.1 connects, all nodes taken together.
// `pieces` are one run's, sorted by start. `signatures[i]` is node i's; nodes that hold no piece are left alone.
NodeLinks RunLinks(const std::vector<NodePiece>& pieces,
                   const std::vector<const Signature*>& signatures, bool hold);

// The same for those of 6.1's links that have both ends among some nodes: enough of them to connect what these connect.
NodeLinks RunLinksAmong(const std::vector<NodePiece>& pieces,
                        const std::vector<const Signature*>& signatures, bool hold,
                        const std::vector<bool>& among);

}  // namespace unirust::resolve
