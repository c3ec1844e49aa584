// Sends prepared requests and times their answers: over one stream, or as calls of their own. The
// bytes go out as they are.
//
// With a rate, requests are due at fixed times and a latency counts from there, however late the
// request was sent: what waits for a slow answer is not left out (G. Tene's "coordinated
// omission"). Without one, the next request is sent when fewer than `in_flight` are unanswered, and
// its latency counts from then.
#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/histogram.h"
#include "bench/requests.h"

namespace unirust::bench {

// Shown while a load runs. Thread-safe.
struct Meter {
  std::atomic<uint64_t> done = 0;  // records or calls that were answered
  Histogram latency;               // microseconds
};

struct LoadOptions {
  uint64_t in_flight = 16;
  double rate = 0;                          // requests a second; 0: as in_flight allows
  const std::atomic<bool>* stop = nullptr;  // none is sent any more when it is set
};

struct LoadTimes {
  std::chrono::steady_clock::time_point begin;
  std::chrono::steady_clock::time_point end;
  uint64_t records = 0;             // or calls
  std::vector<uint64_t> latencies;  // microseconds, in the order of the answers
  double seconds() const { return std::chrono::duration<double>(end - begin).count(); }
  double PerSecond() const { return static_cast<double>(records) / seconds(); }
};

// Called after each answer with all records so far.
using Answered = std::function<void(uint64_t records)>;

// All requests as chunks of one IngestRecordsStream. The stream's status if it breaks.
absl::Status StreamRecords(const std::shared_ptr<grpc::Channel>& channel, RequestReader* requests,
                           const LoadOptions& options, Meter* meter, const Answered& answered,
                           LoadTimes* times);

enum class Method { kIngestRecords, kQueryEntities, kGetEntity };

// Each request as a call. The first status that is none; INTERNAL for a query without a match.
absl::Status CallEach(const std::shared_ptr<grpc::Channel>& channel, Method method,
                      RequestReader* requests, const LoadOptions& options, Meter* meter,
                      const Answered& answered, LoadTimes* times);

}  // namespace unirust::bench
