// The other parts of a daemon's stores (docs/cluster.md): where they are, and those that come while it runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "base/periodic.h"
#include "config/parts.h"
#include "config/programs.h"
#include "peer/remote_part.h"

namespace unirust::shard {

class Engine;

using RemoteParts = std::vector<std::unique_ptr<peer::RemotePart>>;

// Thread-safe.
class OtherParts {
 public:
  // As the settings, which have passed CheckShard, declare them; null if its stores lie in one directory each.
  // INVALID_ARGUMENT: config::OpenPartsFile, rpc::MakeChannelCredentials, and what is no address.
  static absl::StatusOr<std::unique_ptr<OtherParts>> Open(const config::ShardSettings& settings);

  // Of parts 1, 2 and so on, now.
  std::vector<std::string> Addresses() const;
  bool MayChange() const { return file_ != nullptr; }

  // A part of the tenant's store. With `wait_ms` UNAVAILABLE if there is no connection after so long; else one is made
  // when it is first used. Other errors as Open.
  absl::StatusOr<std::unique_ptr<peer::RemotePart>> Connect(const std::string& address,
                                                            const std::string& tenant,
                                                            uint64_t wait_ms) const;

 private:
  OtherParts(const config::ShardSettings& settings, std::unique_ptr<config::PartsFile> file)
      : addresses_(settings.parts), tls_(settings.tls), file_(std::move(file)) {}

  const std::vector<std::string> addresses_;
  const config::TlsSettings tls_;
  const std::unique_ptr<config::PartsFile> file_;  // instead of addresses_, if it is not null
};

// Gives a store the parts that are added to the file, in a thread of its own, from construction to destruction. What
// fails is logged and tried again. All arguments must outlive it, `parts` the engine too: the new ones go there.
class PartFollower {
 public:
  PartFollower(const OtherParts& others, std::string tenant, Engine& engine, RemoteParts& parts);

 private:
  void Follow();
  absl::Status AddNext(const std::string& address);

  const OtherParts& others_;
  const std::string tenant_;
  Engine& engine_;
  RemoteParts& parts_;
  std::string told_;
  Periodic following_;
};

}  // namespace unirust::shard
