// A store opened by this process: an engine, a shard and a router, joined by channels in memory.
// `unirust serve` lets others talk to the router; embedded mode is the same without an address.
// What it answers is what daemons on the same directory would answer.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "config/programs.h"
#include "rpc/metrics.h"
#include "rpc/server.h"

namespace unirust::cli {

// With the exit code that a directory of a store has for the status.
absl::Status WithExitCodeOfStore(const absl::Status& status);

// Where others may talk to a store: nowhere without an address.
struct Listener {
  std::string address = {};
  config::TlsSettings tls = {};
  config::AccessSettings access = {};
};

class LocalStore {
 public:
  // The errors of OpenStore and rpc::MakeServerSecurity, with their exit codes; UNAVAILABLE if the
  // address cannot be had.
  static absl::StatusOr<std::unique_ptr<LocalStore>> Open(const config::StoreSettings& settings,
                                                          const Listener& listener = {});
  ~LocalStore();

  // The router's; valid as long as the store.
  rpc::Server& server();

  // What router and shard count.
  void AddMetrics(rpc::MetricFamilies& families) const;

 private:
  struct Parts;
  explicit LocalStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace unirust::cli
