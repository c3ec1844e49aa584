// Claims: who says which value of one attribute when. The sweep below is how golden records, conflicts and strong
// identifiers cut time into pieces (semantics.md, 7.1).
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "model/time.h"

namespace unirust::resolve {

struct Claim {
  std::string_view value;
  Interval interval;
  size_t record = 0;  // the caller's index
};

// Calls `visit` for every piece of time between neighbouring boundaries of the claims in which some claim holds, in
// order, with the claims that hold. O(n log n + sum of the holding claims).
void ForEachPiece(
    const std::vector<Claim>& claims,
    const std::function<void(const Interval&, const std::vector<const Claim*>&)>& visit);

// True if all claims are of one value.
bool OneValue(const std::vector<Claim>& claims);

}  // namespace unirust::resolve
