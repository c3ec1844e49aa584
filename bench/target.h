// The store that a measurement is about, and what its processes use.
#pragma once

#include <grpcpp/channel.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/files.h"
#include "bench/daemons.h"
#include "bench/process_times.h"
#include "bench/report.h"
#include "bench/run_options.h"
#include "proto/unirust.grpc.pb.h"

namespace unirust::bench {

// Behind a router: daemons of its own, which end with it, or a running store.
class Target {
 public:
  // The errors of Daemons::Start.
  static absl::StatusOr<std::unique_ptr<Target>> Open(const RunOptions& options);

  // Has it resolve by this ontology. FAILED_PRECONDITION if it holds records: those of others are
  // not touched.
  absl::Status TakeForMeasurement(const char* ontology_json);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  proto::RouterService::Stub* router() { return router_.get(); }
  const Processes& processes() const { return processes_; }  // and this one, "client"

 private:
  std::unique_ptr<TemporaryDirectory> directory_;
  std::unique_ptr<Daemons> daemons_;
  Processes processes_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<proto::RouterService::Stub> router_;
};

// What CPU is told as.
enum class CpuAs {
  kOfRecords,  // microseconds a record: all of it was for these records
  kCores,
};

// Time and CPU since construction, or since the last call of AddTo.
class Usage {
 public:
  explicit Usage(const Processes& processes);  // which must outlive it
  void AddTo(uint64_t records, CpuAs cpu_as, Figures* figures);

 private:
  const Processes& processes_;
  std::map<std::string, uint64_t> cpu_;
  uint64_t begin_;
};

}  // namespace unirust::bench
