// Randomness as a pure function of numbers: no state, integers only, so that any part of a workload
// can be made at any time, by any thread, and is the same on every machine.
#pragma once

#include <cstdint>

namespace unirust::workload {

// The finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64-bit numbers.
constexpr uint64_t Mix(uint64_t x) {
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

// One random number for each (purpose, number) of a seed.
class Random {
 public:
  explicit constexpr Random(uint64_t seed) : key_(Mix(seed + 0x9E3779B97F4A7C15U)) {}

  constexpr uint64_t operator()(uint64_t purpose, uint64_t number) const {
    return Mix(key_ + number * 0x9E3779B97F4A7C15U + purpose * 0xD1B54A32D192ED03U);
  }

 private:
  uint64_t key_;
};

// A number in [0, bound) from the upper half of `random`; 1 <= bound <= 2^32.
constexpr uint64_t Below(uint64_t random, uint64_t bound) { return (random >> 32U) * bound >> 32U; }

// A rank in [0, 2^octaves - 1), the smaller the more frequent: as under Zipf's law, [1, 2), [2, 4),
// [4, 8) ... of rank + 1 are equally probable. 1 <= octaves <= 32.
constexpr uint64_t Skewed(uint64_t random, uint32_t octaves) {
  const uint64_t first = uint64_t{1} << Below(random, octaves);
  return first - 1 + (random & (first - 1));
}

// Bijections of [0, size), one for each key: a Feistel network over the next power of two, walked
// until it comes back into the range. Constant memory; At takes two walks on average at most.
class Permutation {
 public:
  explicit Permutation(uint64_t size);  // at least 1, at most 2^62

  uint64_t size() const { return size_; }
  uint64_t At(uint64_t key, uint64_t index) const;  // index < size

 private:
  uint64_t size_;
  uint32_t low_bits_;
  uint64_t low_mask_;
  uint64_t high_mask_;
};

}  // namespace unirust::workload
