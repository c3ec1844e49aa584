// An order of arrival: random among neighbours, so that what belongs together comes apart, but no
// further than a window. Arithmetic on numbers, without a table.
#pragma once

#include <cstdint>

#include "workload/random.h"

namespace unirust::workload {

// Thread-safe: nothing changes after construction.
class Order {
 public:
  // Of the numbers below `count`. `window`: so many consecutive ones, at least 1, come in random
  // order before any later one; the last window may be cut short.
  Order(uint64_t count, uint64_t window, Random random);

  uint64_t count() const { return count_; }

  // The number at this position, below count().
  uint64_t At(uint64_t position) const;

 private:
  uint64_t count_;
  Random random_;
  Permutation window_;
  Permutation last_window_;  // of one that is cut short
};

}  // namespace unirust::workload
