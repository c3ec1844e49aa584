// Counters behind GetMetrics. Thread-safe.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "proto/unirust.pb.h"

namespace unirust::shard {

// How many calls there were and how long they took.
class Latency {
 public:
  // Counts the scope that it lives in.
  class Timer {
   public:
    explicit Timer(Latency& latency) : latency_(latency) {}
    ~Timer() { latency_.Add(SteadyClockMicros() - start_); }
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

   private:
    Latency& latency_;
    const uint64_t start_ = SteadyClockMicros();
  };

  void Add(uint64_t micros) {
    ++buckets_[BucketOf(micros)];
    ++count_;
    total_micros_ += micros;
    uint64_t max = max_micros_;
    while (max < micros && !max_micros_.compare_exchange_weak(max, micros)) {
    }
  }

  uint64_t count() const { return count_; }

  void Fill(proto::LatencyMetrics* metrics) const {
    metrics->set_count(count_);
    metrics->set_total_micros(total_micros_);
    metrics->set_p50_micros(Quantile(50));
    metrics->set_p99_micros(Quantile(99));
    metrics->set_max_micros(max_micros_);
  }

 private:
  // Four buckets for each power of two.
  static size_t BucketOf(uint64_t micros) {
    if (micros < 4) return micros;
    const auto power = static_cast<size_t>(std::bit_width(micros)) - 3;
    return 4 * power + (micros >> power);
  }
  static uint64_t UpperEndOf(size_t bucket) {
    if (bucket < 4) return bucket;
    const size_t power = bucket / 4 - 1;
    return ((bucket % 4 + 5) << power) - 1;
  }
  uint64_t Quantile(uint64_t percent) const {
    const uint64_t wanted = (count_ * percent + 99) / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return std::min<uint64_t>(UpperEndOf(i), max_micros_);
    }
    return max_micros_;
  }

  std::array<std::atomic<uint64_t>, 256> buckets_{};
  std::atomic<uint64_t> count_ = 0;
  std::atomic<uint64_t> total_micros_ = 0;
  std::atomic<uint64_t> max_micros_ = 0;
};

}  // namespace unirust::shard
