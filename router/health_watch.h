// Keeps grpc.health.v1 of a router true: serving while its shard can be reached.
#pragma once

#include <grpcpp/channel.h>

#include <atomic>
#include <memory>

#include "base/thread.h"
#include "rpc/metrics.h"
#include "rpc/server.h"

namespace unirust::router {

class HealthWatch {
 public:
  // Watches until destroyed; `server` must outlive it.
  HealthWatch(std::shared_ptr<grpc::Channel> shard, rpc::Server& server);
  ~HealthWatch() { stopped_ = true; }

  void AddTo(rpc::MetricFamilies& families) const;

 private:
  void Watch();

  const std::shared_ptr<grpc::Channel> shard_;
  rpc::Server& server_;
  std::atomic<bool> reachable_ = false;
  std::atomic<bool> stopped_ = false;
  Thread thread_;  // last: joined first
};

}  // namespace unirust::router
