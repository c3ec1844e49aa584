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

}  // namespace unirust::shard
