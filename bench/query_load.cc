#include "bench/query_load.h"

#include <chrono>
#include <limits>
#include <random>
#include <thread>

#include "proto/status.h"

namespace unirust::bench {

absl::Status QueryUntil(proto::RouterService::Stub* router, const workload::Generator& source,
                        const QueryOptions& options, const std::atomic<uint64_t>* acknowledged,
                        const std::atomic<bool>* stop, std::vector<uint64_t>* latencies) {
  using Clock = std::chrono::steady_clock;
  std::mt19937_64 random(options.seed);
  proto::QueryEntitiesRequest request;
  request.set_start(std::numeric_limits<int64_t>::min());
  request.set_end(std::numeric_limits<int64_t>::max());
  proto::QueryDescriptor* pair = request.add_descriptors();
  Write write;
  while (!stop->load()) {
    std::this_thread::sleep_for(std::chrono::microseconds(options.pause_micros));
    const uint64_t known = options.first + acknowledged->load(std::memory_order_relaxed);
    if (known == 0) continue;
    source.Make(random() % known, &write);
    if (write.version) continue;  // another write of the record may come, or stand already
    pair->set_attr(write.descriptors.front().attribute);
    pair->set_value(write.descriptors.front().value);
    grpc::ClientContext context;
    proto::QueryEntitiesResponse answer;
    const Clock::time_point begin = Clock::now();
    const grpc::Status status = router->QueryEntities(&context, request, &answer);
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    if (!status.ok()) return proto::FromGrpc(status);
    if (answer.has_matches() && answer.matches().matches().empty()) {
      return absl::InternalError("no entity holds " + pair->value());
    }
    latencies->push_back(static_cast<uint64_t>(taken.count()));
  }
  return absl::OkStatus();
}

}  // namespace unirust::bench
