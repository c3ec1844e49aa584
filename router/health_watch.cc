#include "router/health_watch.h"

#include <chrono>
#include <utility>

namespace unirust::router {
namespace {

constexpr std::chrono::milliseconds kLookAgainAfter(200);  // also how long a stop may take

}  // namespace

HealthWatch::HealthWatch(std::shared_ptr<grpc::Channel> shard, rpc::Server& server)
    : shard_(std::move(shard)), server_(server), thread_("health", [this] { Watch(); }) {}

void HealthWatch::Watch() {
  while (!stopped_) {
    const grpc_connectivity_state state = shard_->GetState(/*try_to_connect=*/true);
    server_.SetServing(state == GRPC_CHANNEL_READY);
    shard_->WaitForStateChange(state, std::chrono::system_clock::now() + kLookAgainAfter);
  }
}

}  // namespace unirust::router
