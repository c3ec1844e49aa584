// How often something had which size, in buckets fine enough for quantiles: four to each power of two, so that a
// quantile is at most a fifth too high. Thread-safe; Add costs two atomic additions.
//
//   Histogram durations;                        // microseconds
//   { const Histogram::Timer timer(durations); Work(); }
//   durations.counts().Quantile(99);
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace unirust {

class Histogram {
  static constexpr size_t kBuckets = 252;

 public:
  // Adds the microseconds of the scope that it lives in.
  class Timer {
   public:
    explicit Timer(Histogram& histogram) : histogram_(histogram) {}
    ~Timer() { histogram_.Add(SteadyClockMicros() - start_); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    Histogram& histogram_;
    const uint64_t start_ = SteadyClockMicros();
  };

  void Add(uint64_t value) {
    buckets_[BucketOf(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
    uint64_t max = max_.load(std::memory_order_relaxed);
    while (max < value && !max_.compare_exchange_weak(max, value, std::memory_order_relaxed)) {
    }
  }

  // All that was added up to a moment; what is added meanwhile may be in some of the figures and not yet in others.
  class Counts {
   public:
    uint64_t total() const { return total_; }
    uint64_t sum() const { return sum_; }
    uint64_t max() const { return max_; }

    // How many values were at most 2^power; power below 64.
    uint64_t AtMost(size_t power) const {
      uint64_t count = 0;
      const size_t last = BucketOf(uint64_t{1} << power);
      for (size_t i = 0; i <= last; ++i) count += buckets_[i];
      return count;
    }

    // The least value that `percent` of the values do not exceed, or up to a fifth more; 0 if there are none.
    uint64_t Quantile(uint64_t percent) const {
      const uint64_t wanted = (total_ * percent + 99) / 100;
      uint64_t seen = 0;
      for (size_t i = 0; i < kBuckets && total_ > 0; ++i) {
        seen += buckets_[i];
        if (seen >= wanted) return std::min(UpperEndOf(i), max_);
      }
      return 0;
    }

   private:
    friend class Histogram;
    std::array<uint64_t, kBuckets> buckets_{};
    uint64_t total_ = 0;
    uint64_t sum_ = 0;
    uint64_t max_ = 0;
  };

  Counts counts() const {
    Counts out;
    for (size_t i = 0; i < kBuckets; ++i) {
      out.buckets_[i] = buckets_[i].load(std::memory_order_relaxed);
      out.total_ += out.buckets_[i];
    }
    out.sum_ = sum_.load(std::memory_order_relaxed);
    out.max_ = max_.load(std::memory_order_relaxed);
    return out;
  }

 private:
  // 0 and 1 together, 2, 3, 4; then (4, 5], (5, 6], (6, 7], (7, 8], (8, 10], (10, 12] and so on: a power of two ends a
  // bucket.
  static size_t BucketOf(uint64_t value) {
    if (value > 0) --value;
    if (value < 4) return value;
    const auto power = static_cast<size_t>(std::bit_width(value)) - 3;
    return 4 * power + (value >> power);
  }
  static uint64_t UpperEndOf(size_t bucket) {
    if (bucket < 4) return bucket + 1;
    const uint64_t end = (bucket % 4 + 5) << (bucket / 4 - 1);
    return end == 0 ? std::numeric_limits<uint64_t>::max() : end;
  }

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> sum_ = 0;
  std::atomic<uint64_t> max_ = 0;
};

}  // namespace unirust
