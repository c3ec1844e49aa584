#include "workload/order.h"

#include <algorithm>

#include "workload/draws.h"

namespace unirust::workload {

Order::Order(uint64_t count, uint64_t window, Random random)
    : count_(count),
      random_(random),
      window_(window),
      last_window_(std::max<uint64_t>(count % window, 1)) {}

uint64_t Order::At(uint64_t position) const {
  const uint64_t window = position / window_.size();
  const uint64_t first = window * window_.size();
  const bool whole = first + window_.size() <= count_;
  const uint64_t key = random_(draws::kOrder, window);
  return first + (whole ? window_ : last_window_).At(key, position - first);
}

}  // namespace unirust::workload
