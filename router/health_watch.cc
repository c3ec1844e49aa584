#include "router/health_watch.h"

#include <chrono>
#include <utility>

namespace unirust::router {
namespace {

constexpr std::chrono::milliseconds kLookAgainAfter(200);  // also how long a stop may take

constexpr rpc::Metric kReachable{rpc::MetricType::kGauge, "unirust_router_shard_reachable",
                                 "1 while the router is connected to its shard, else 0"};

}  // namespace

HealthWatch::HealthWatch(std::shared_ptr<grpc::Channel> shard, rpc::Server& server)
    : shard_(std::move(shard)), server_(server), thread_("health", [this] { Watch(); }) {}

void HealthWatch::Watch() {
  while (!stopped_) {
    const grpc_connectivity_state state = shard_->GetState(/*try_to_connect=*/true);
    reachable_ = state == GRPC_CHANNEL_READY;
    server_.SetServing(reachable_);
    shard_->WaitForStateChange(state, std::chrono::system_clock::now() + kLookAgainAfter);
  }
}

void HealthWatch::AddTo(rpc::MetricFamilies& families) const {
  families.Add(kReachable, reachable_ ? 1 : 0);
}

}  // namespace unirust::router
