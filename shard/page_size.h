// How many items a page has.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/limits.h"

namespace unirust::shard {

// What a request for `wanted` items a page gets; 0: the default.
inline size_t PageSize(size_t wanted) {
  return wanted == 0 ? limits::kPageItemsDefault : std::min(wanted, limits::kPageItemsMax);
}

// Those of the pages of one stream. The first one has few items, so that it comes soon: as many as are looked up
// together in the first two sweeps (docs/reading.md). Each next one has up to four times as many.
class PageSizes {
 public:
  explicit PageSizes(size_t most) : most_(most) {}
  size_t Next() {
    const size_t out = std::min(most_, next_);
    next_ = 4 * out;
    return out;
  }

 private:
  const size_t most_;
  size_t next_ = 24;
};

}  // namespace unirust::shard
