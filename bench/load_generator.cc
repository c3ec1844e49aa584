// `unirust_load`: measures a running store from outside. bench/run.sh starts the daemons and this.
#include <algorithm>
#include <cstdio>
#include <string>

#include "base/exit_codes.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "bench/ceilings.h"
#include "bench/ingest_load.h"
#include "bench/process_times.h"
#include "bench/query_load.h"
#include "config/settings.h"
#include "proto/status.h"
#include "rpc/channel.h"
#include "workload/generator.h"

namespace unirust::bench {
namespace {

struct LoadSettings {
  std::string router = "127.0.0.1:50060";
  uint32_t preload = 0;
  uint32_t records = 2000000;
  uint32_t batch = 1000;
  uint32_t in_flight = 16;
  uint32_t rate = 0;
  uint32_t seed = 1;
  bool query = false;
  uint32_t query_pause_micros = 1000;
  std::vector<std::string> processes;
  std::string ceilings_dir;
};

config::Settings Declare(LoadSettings& load) {
  config::Settings settings;
  settings.Add("router", &load.router, "address of a router or of `unirust serve`, still empty");
  settings.Add("preload", &load.preload, "records to ingest before the measurement");
  settings.Add("records", &load.records, "records to ingest while measuring");
  settings.Add("batch", &load.batch, "records in a chunk");
  settings.Add("in-flight", &load.in_flight, "chunks sent ahead of their answers");
  settings.Add("rate", &load.rate, "records a second at most while measuring; 0: no limit");
  settings.Add("seed", &load.seed, "of the records");
  settings.Add("query", &load.query, "query by one selective value meanwhile");
  settings.Add("query-pause-micros", &load.query_pause_micros, "from an answer to the next query");
  settings.Add("processes", &load.processes, "whose CPU time to report: name=pid,...");
  settings.Add("ceilings-dir", &load.ceilings_dir,
               "measure first what this machine can take at most, with a store in this directory");
  return settings;
}

absl::Status SetOntology(proto::RouterService::Stub* router) {
  grpc::ClientContext context;
  proto::ApplyOntologyRequest request;
  request.set_json(workload::Ontology());
  proto::ApplyOntologyResponse response;
  return proto::FromGrpc(router->SetOntology(&context, request, &response));
}

// Records a second between two answered chunks, as fractions of all of them.
double Rate(const IngestTimes& times, const LoadSettings& load, double from, double to) {
  const auto at = [&](double part) {
    const auto chunk = static_cast<size_t>(part * static_cast<double>(times.answered.size()));
    return chunk == 0 ? times.begin : times.answered[chunk - 1];
  };
  const std::chrono::duration<double> seconds = at(to) - at(from);
  return static_cast<double>(load.records) * (to - from) / seconds.count();
}

uint64_t Percentile(const std::vector<uint64_t>& sorted, double part) {
  if (sorted.empty()) return 0;
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<size_t>(part * last)];
}

void Print(const LoadSettings& load, const IngestTimes& times,
           const std::map<std::string, uint64_t>& cpu, std::vector<uint64_t> latencies,
           const proto::LatencyMetrics& in_shard) {
  const std::chrono::duration<double> seconds = times.answered.back() - times.begin;
  std::printf("{\"records\": %u, \"batch\": %u, \"in_flight\": %u, \"seconds\": %.1f,\n",
              load.records, load.batch, load.in_flight, seconds.count());
  std::printf(" \"records_per_second\": {\"overall\": %.0f,", Rate(times, load, 0, 1));
  std::printf(" \"first_quarter\": %.0f, \"last_quarter\": %.0f},\n", Rate(times, load, 0, 0.25),
              Rate(times, load, 0.75, 1));
  std::printf(" \"cpu_micros_per_record\": {");
  const char* separator = "";
  for (const auto& [name, micros] : cpu) {
    std::printf("%s\"%s\": %.2f", separator, name.c_str(),
                static_cast<double>(micros) / load.records);
    separator = ", ";
  }
  std::sort(latencies.begin(), latencies.end());
  std::printf(
      "},\n \"query_micros\": {\"count\": %zu, \"p50\": %lu, \"p99\": %lu, \"max\": %lu},\n",
      latencies.size(), Percentile(latencies, 0.5), Percentile(latencies, 0.99),
      Percentile(latencies, 1));
  std::printf(" \"query_micros_in_shard\": {\"p50\": %lu, \"p99\": %lu, \"max\": %lu}}\n",
              in_shard.p50_micros(), in_shard.p99_micros(), in_shard.max_micros());
}

// The load sends the first writes of as many as there would be.
workload::Generator SourceOf(const LoadSettings& load) {
  return workload::Generator({.records = uint64_t{load.preload} + load.records, .seed = load.seed});
}

struct Ceilings {
  double commits = 0;    // records a second
  double transport = 0;  // records a second
};

absl::StatusOr<Ceilings> MeasureCeilings(const LoadSettings& load) {
  const uint64_t records = std::min<uint64_t>(load.records, 500000);
  const workload::Generator source = SourceOf(load);
  Ceilings out;
  UNIRUST_ASSIGN_OR_RETURN(out.commits, CommitCeiling(load.ceilings_dir, source, records));
  UNIRUST_ASSIGN_OR_RETURN(out.transport,
                           TransportCeiling(source, records, load.batch, load.in_flight));
  return out;
}

void PrintCeilings(const Ceilings& ceilings, double rate) {
  std::printf("{\"ceilings\": {\"commits_without_resolution\": %.0f, \"transport\": %.0f},\n",
              ceilings.commits, ceilings.transport);
  std::printf(" \"ratio\": {\"to_commits\": %.2f, \"to_transport\": %.2f}}\n",
              rate / ceilings.commits, rate / ceilings.transport);
}

absl::Status Measure(const LoadSettings& load, const Processes& processes) {
  Ceilings ceilings;
  if (!load.ceilings_dir.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(ceilings, MeasureCeilings(load));
  }
  const auto channel = rpc::Connect(load.router);
  const auto router = proto::RouterService::NewStub(channel);
  const auto query_router = proto::RouterService::NewStub(rpc::Connect(load.router));
  const workload::Generator source = SourceOf(load);
  absl::Status status = SetOntology(router.get());
  std::atomic<uint64_t> acknowledged = 0;
  IngestTimes times;
  IngestOptions ingest{.records = load.preload, .batch = load.batch, .in_flight = load.in_flight};
  if (status.ok() && load.preload > 0) {
    status = Ingest(router.get(), source, ingest, &acknowledged, &times);
  }
  if (!status.ok()) return status;

  ingest.first = load.preload;
  ingest.records = load.records;
  ingest.rate = load.rate;
  times = IngestTimes();
  acknowledged = 0;
  std::atomic<bool> stop = false;
  std::vector<uint64_t> latencies;
  absl::Status query_status;
  const QueryOptions queries{
      .first = load.preload, .pause_micros = load.query_pause_micros, .seed = load.seed};
  std::map<std::string, uint64_t> cpu = CpuMicros(processes);
  {
    Thread query_thread;
    if (load.query) {
      query_thread = Thread("load-query", [&] {
        query_status =
            QueryUntil(query_router.get(), source, queries, &acknowledged, &stop, &latencies);
      });
    }
    status = Ingest(router.get(), source, ingest, &acknowledged, &times);
    stop = true;
  }
  if (status.ok()) status = query_status;
  if (!status.ok()) return status;
  for (const auto& [name, micros] : CpuMicros(processes)) cpu[name] = micros - cpu[name];
  grpc::ClientContext context;
  proto::MetricsResponse metrics;
  status = proto::FromGrpc(router->GetMetrics(&context, {}, &metrics));
  Print(load, times, cpu, std::move(latencies), metrics.query_latency());
  if (!load.ceilings_dir.empty()) PrintCeilings(ceilings, Rate(times, load, 0, 1));
  return status;
}

int Main(int argc, const char* const* argv) {
  LoadSettings load;
  config::Settings settings = Declare(load);
  const config::ProgramText text{
      "unirust_load", "Measures ingest and queries of a running store with synthetic records.",
      "  unirust_load --router 127.0.0.1:50060 --records 2000000\n"
      "  unirust_load --preload 1000000 --records 200000 --rate 10000 --query\n"};
  if (const auto exit_code = ParseCommandLine(text, settings, argc, argv)) return *exit_code;
  Processes processes;
  if (load.records == 0 || load.batch == 0 || load.in_flight == 0 ||
      !ParseProcesses(load.processes, &processes)) {
    std::fprintf(stderr, "unirust_load: a number is 0, or --processes is not name=pid,...\n");
    return kExitUsage;
  }
  const absl::Status status = Measure(load, processes);
  if (status.ok()) return kExitOk;
  std::fprintf(stderr, "unirust_load: %s\n", status.ToString().c_str());
  return kExitFailure;
}

}  // namespace
}  // namespace unirust::bench

int main(int argc, char** argv) { return unirust::bench::Main(argc, argv); }
