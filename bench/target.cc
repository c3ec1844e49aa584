#include "bench/target.h"

#include <unistd.h>

#include <chrono>

#include "base/clock.h"
#include "base/status_macros.h"
#include "proto/status.h"
#include "rpc/channel.h"

namespace unirust::bench {
namespace {

constexpr std::chrono::seconds kControlTime{60};  // for calls that are not measured

}  // namespace

absl::StatusOr<std::unique_ptr<Target>> Target::Open(const RunOptions& options) {
  auto target = std::make_unique<Target>();
  std::string address = options.router;
  target->processes_ = options.processes;
  if (address.empty()) {
    DaemonOptions daemons{.data_dir = options.data_dir, .memory_budget = options.memory_budget};
    if (daemons.data_dir.empty()) {
      UNIRUST_ASSIGN_OR_RETURN(target->directory_, TemporaryDirectory::Create());
      daemons.data_dir = target->directory_->path() + "/data";
    }
    UNIRUST_ASSIGN_OR_RETURN(target->daemons_, Daemons::Start(daemons));
    address = target->daemons_->address();
    target->processes_ = target->daemons_->processes();
  }
  target->processes_["client"] = getpid();
  target->channel_ = rpc::Connect(address);
  target->router_ = proto::RouterService::NewStub(target->channel_);
  return target;
}

absl::Status Target::TakeForMeasurement(const char* ontology_json) {
  proto::StatsResponse stats;
  {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kControlTime);
    UNIRUST_RETURN_IF_ERROR(proto::FromGrpc(router_->GetStats(&context, {}, &stats)));
  }
  if (stats.record_count() > 0) {
    return absl::FailedPreconditionError(
        "the store has " + std::to_string(stats.record_count()) +
        " records; a measurement brings an ontology and records of its own. Give an empty store, "
        "or --known N --of M if the records are those of earlier measurements");
  }
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kControlTime);
  proto::ApplyOntologyRequest request;
  request.set_json(ontology_json);
  proto::ApplyOntologyResponse response;
  return proto::FromGrpc(router_->SetOntology(&context, request, &response));
}

Usage::Usage(const Processes& processes)
    : processes_(processes), cpu_(CpuMicros(processes)), begin_(SteadyClockMicros()) {}

void Usage::AddTo(uint64_t records, CpuAs cpu_as, Figures* figures) {
  const uint64_t now = SteadyClockMicros();
  const std::map<std::string, uint64_t> cpu = CpuMicros(processes_);
  const auto micros = static_cast<double>(now - begin_);
  const auto count = static_cast<double>(records);
  figures->Add("records", count);
  figures->Add("seconds", micros / 1e6, 1);
  figures->Add("records_per_second", count / micros * 1e6);
  uint64_t all = 0;
  for (const auto& [name, total] : cpu) {
    if (total < cpu_.at(name)) continue;  // it ended
    const uint64_t used = total - cpu_.at(name);
    all += used;
    if (cpu_as == CpuAs::kOfRecords) {
      figures->Add(name + "_cpu_micros_per_record", static_cast<double>(used) / count, 2);
    } else {
      figures->Add(name + "_cores", static_cast<double>(used) / micros, 2);
    }
  }
  if (cpu_as == CpuAs::kOfRecords) {
    figures->Add("all_cpu_micros_per_record", static_cast<double>(all) / count, 2);
  }
  cpu_ = cpu;
  begin_ = now;
}

}  // namespace unirust::bench
