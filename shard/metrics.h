// Counters behind GetMetrics. Thread-safe.
#pragma once

#include <atomic>
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
    metrics->set_max_micros(max_micros_);
  }

 private:
  std::atomic<uint64_t> count_ = 0;
  std::atomic<uint64_t> total_micros_ = 0;
  std::atomic<uint64_t> max_micros_ = 0;
};

}  // namespace unirust::shard
