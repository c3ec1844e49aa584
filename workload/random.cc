#include "workload/random.h"

#include <bit>

namespace unirust::workload {

Permutation::Permutation(uint64_t size) : size_(size) {
  const auto bits = static_cast<uint32_t>(std::bit_width(size - 1));
  low_bits_ = (bits + 1) / 2;
  low_mask_ = (uint64_t{1} << low_bits_) - 1;
  high_mask_ = (uint64_t{1} << (bits - low_bits_)) - 1;
}

uint64_t Permutation::At(uint64_t key, uint64_t index) const {
  constexpr uint64_t kDoubleRounds = 2;
  do {
    uint64_t high = index >> low_bits_;
    uint64_t low = index & low_mask_;
    for (uint64_t round = 0; round < kDoubleRounds; ++round) {
      const Random random(key + round);
      high ^= random(0, low) & high_mask_;
      low ^= random(1, high) & low_mask_;
    }
    index = high << low_bits_ | low;
  } while (index >= size_);
  return index;
}

}  // namespace unirust::workload
