// A store opened by this process: an engine, a shard and a router, joined by channels in memory.
// What it answers is what daemons on the same directory would answer.
#pragma once

#include <grpcpp/channel.h>

#include <memory>

#include "absl/status/statusor.h"
#include "cli/flags.h"

namespace unirust::cli {

class EmbeddedStore {
 public:
  // The errors of Engine::Open, with the exit codes of base/exit_codes.h.
  static absl::StatusOr<std::unique_ptr<EmbeddedStore>> Open(const StoreFlags& flags);
  ~EmbeddedStore();

  // To the RouterService. Not to be used after the store is gone.
  std::shared_ptr<grpc::Channel> channel() const;

 private:
  struct Parts;
  explicit EmbeddedStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace unirust::cli
