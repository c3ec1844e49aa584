#include "bench/query_load.h"

#include <chrono>
#include <limits>
#include <random>
#include <thread>

#include "model/record.h"
#include "proto/status.h"

namespace unirust::bench {
namespace {

absl::Status QueryDescriptor(proto::RouterService::Stub* router, const Write& write) {
  proto::QueryEntitiesRequest request;
  request.set_start(std::numeric_limits<int64_t>::min());
  request.set_end(std::numeric_limits<int64_t>::max());
  proto::QueryDescriptor* pair = request.add_descriptors();
  pair->set_attr(write.descriptors.front().attribute);
  pair->set_value(write.descriptors.front().value);
  grpc::ClientContext context;
  proto::QueryEntitiesResponse answer;
  const absl::Status status = proto::FromGrpc(router->QueryEntities(&context, request, &answer));
  if (status.ok() && answer.has_matches() && answer.matches().matches().empty()) {
    return absl::InternalError("no entity holds " + pair->value());
  }
  return status;
}

absl::Status GetEntity(proto::RouterService::Stub* router, const Write& write) {
  proto::GetEntityRequest request;
  request.set_name(RecordName(write.identity));
  grpc::ClientContext context;
  proto::GetEntityResponse answer;
  return proto::FromGrpc(router->GetEntity(&context, request, &answer));
}

}  // namespace

absl::Status QueryUntil(proto::RouterService::Stub* router, const workload::Generator& source,
                        const QueryOptions& options, const std::atomic<uint64_t>* acknowledged,
                        const std::atomic<bool>* stop, std::vector<uint64_t>* latencies) {
  using Clock = std::chrono::steady_clock;
  const auto pause = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(1.0 / static_cast<double>(options.rate)));
  std::mt19937_64 random(options.seed);
  Write write;
  for (Clock::time_point due = Clock::now(); !stop->load(); due += pause) {
    std::this_thread::sleep_until(due);
    const uint64_t known = options.known + acknowledged->load(std::memory_order_relaxed);
    if (known == 0) continue;
    source.Make(random() % known, &write);
    if (write.version) continue;  // another write of the record may come, or stand already
    const Clock::time_point begin = Clock::now();
    const absl::Status status = options.kind == QueryKind::kEntity ? GetEntity(router, write)
                                                                   : QueryDescriptor(router, write);
    const auto taken = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
    if (!status.ok()) return status;
    latencies->push_back(static_cast<uint64_t>(taken.count()));
  }
  return absl::OkStatus();
}

}  // namespace unirust::bench
