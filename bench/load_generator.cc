// `unirust_load`: measures a running store from outside. bench/run.sh and bench/scale.sh
// start the daemons and this.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/exit_codes.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "bench/ceilings.h"
#include "bench/ingest_load.h"
#include "bench/page_load.h"
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
  uint32_t of = 0;
  uint32_t known = 0;
  uint32_t preload = 0;
  uint32_t records = 2000000;
  uint32_t slice = 0;
  uint32_t batch = 1000;
  uint32_t in_flight = 16;
  uint32_t rate = 0;
  uint32_t seed = 1;
  bool query = false;
  bool entity = false;
  uint32_t query_rate = 500;
  uint32_t seconds = 0;
  uint32_t first_pages = 0;
  std::vector<std::string> processes;
  std::string ceilings_dir;
};

config::Settings Declare(LoadSettings& load) {
  config::Settings settings;
  settings.Add("router", &load.router, "address of a router or of `unirust serve`");
  settings.Add("of", &load.of, "records of the whole workload; 0: as many as this run needs");
  settings.Add("known", &load.known, "records that the store has from earlier runs, in order");
  settings.Add("preload", &load.preload, "records to ingest before the measurement");
  settings.Add("records", &load.records, "records to ingest while measuring");
  settings.Add("slice", &load.slice, "tell the rate of each so many records; 0: of all");
  settings.Add("batch", &load.batch, "records in a chunk");
  settings.Add("in-flight", &load.in_flight, "chunks sent ahead of their answers");
  settings.Add("rate", &load.rate, "records a second at most while measuring; 0: no limit");
  settings.Add("seed", &load.seed, "of the records");
  settings.Add("query", &load.query, "query by one selective value meanwhile");
  settings.Add("entity", &load.entity, "ask for entities by the name of a record meanwhile");
  settings.Add("query-rate", &load.query_rate, "a second at most, of --query and of --entity each");
  settings.Add("seconds", &load.seconds, "how long to query after the records are ingested");
  settings.Add("first-pages", &load.first_pages,
               "ask so often for each first page of hot values and conflicts in the end");
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

// What so many records took.
struct Slice {
  uint64_t records = 0;
  double seconds = 0;
  std::map<std::string, uint64_t> cpu_micros;
};

struct Measured {
  IngestTimes times;
  std::vector<Slice> slices;
  std::vector<uint64_t> query_micros;
  std::vector<uint64_t> entity_micros;
  std::vector<PageTimes> pages;
  proto::LatencyMetrics in_shard;
};

// Records a second between two answered chunks, as fractions of all of them.
double Rate(const IngestTimes& times, const LoadSettings& load, double from, double to) {
  if (times.answered.empty()) return 0;
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

void PrintCpu(const std::map<std::string, uint64_t>& micros, uint64_t records) {
  const char* separator = "";
  std::printf("\"cpu_micros_per_record\": {");
  for (const auto& [name, total] : micros) {
    std::printf("%s\"%s\": %.2f", separator, name.c_str(),
                static_cast<double>(total) / static_cast<double>(records));
    separator = ", ";
  }
  std::printf("}");
}

void PrintIngest(const LoadSettings& load, const Measured& measured) {
  Slice all;
  for (const Slice& slice : measured.slices) {
    all.seconds += slice.seconds;
    for (const auto& [name, micros] : slice.cpu_micros) all.cpu_micros[name] += micros;
  }
  std::printf(" \"seconds\": %.1f,\n", all.seconds);
  std::printf(" \"records_per_second\": {\"overall\": %.0f,", Rate(measured.times, load, 0, 1));
  std::printf(" \"first_quarter\": %.0f, \"last_quarter\": %.0f},\n ",
              Rate(measured.times, load, 0, 0.25), Rate(measured.times, load, 0.75, 1));
  PrintCpu(all.cpu_micros, load.records);
  std::printf(",\n \"slices\": [");
  const char* separator = "";
  for (const Slice& slice : measured.slices) {
    std::printf("%s\n  {\"records\": %lu, \"records_per_second\": %.0f, ", separator, slice.records,
                static_cast<double>(slice.records) / slice.seconds);
    PrintCpu(slice.cpu_micros, slice.records);
    std::printf("}");
    separator = ",";
  }
  std::printf("],\n");
}

// `micros` in any order.
void PrintMicros(const char* name, std::vector<uint64_t> micros) {
  std::sort(micros.begin(), micros.end());
  std::printf(
      " \"%s\": {\"count\": %zu, \"min\": %lu, \"p50\": %lu, \"p99\": %lu, \"max\": %lu},\n", name,
      micros.size(), Percentile(micros, 0), Percentile(micros, 0.5), Percentile(micros, 0.99),
      Percentile(micros, 1));
}

void Print(const LoadSettings& load, const Measured& measured) {
  std::printf("{\"records\": %u, \"batch\": %u, \"in_flight\": %u,\n", load.records, load.batch,
              load.in_flight);
  if (load.records > 0) PrintIngest(load, measured);
  PrintMicros("query_micros", measured.query_micros);
  PrintMicros("entity_micros", measured.entity_micros);
  for (const PageTimes& page : measured.pages) {
    std::printf(" \"%s_items\": %lu,\n", page.name.c_str(), page.items);
    PrintMicros((page.name + "_micros").c_str(), page.latencies);
  }
  std::printf(" \"query_micros_in_shard\": {\"p50\": %lu, \"p99\": %lu, \"max\": %lu}}\n",
              measured.in_shard.p50_micros(), measured.in_shard.p99_micros(),
              measured.in_shard.max_micros());
}

// The load sends the first writes of as many as there would be.
workload::Generator SourceOf(const LoadSettings& load) {
  const uint64_t sent = uint64_t{load.known} + load.preload + load.records;
  return workload::Generator({.records = load.of == 0 ? sent : load.of, .seed = load.seed});
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

// Ingests what is measured, slice by slice; then waits, if told to.
absl::Status Send(proto::RouterService::Stub* router, const workload::Generator& source,
                  const LoadSettings& load, const Processes& processes,
                  std::atomic<uint64_t>* acknowledged, Measured* measured) {
  IngestOptions ingest{.first = uint64_t{load.known} + load.preload,
                       .batch = load.batch,
                       .in_flight = load.in_flight,
                       .rate = load.rate};
  const uint64_t end = ingest.first + load.records;
  measured->times.begin = std::chrono::steady_clock::now();
  for (; ingest.first < end; ingest.first += ingest.records) {
    ingest.records =
        std::min<uint64_t>(load.slice == 0 ? load.records : load.slice, end - ingest.first);
    Slice slice;
    slice.records = ingest.records;
    const std::map<std::string, uint64_t> before = CpuMicros(processes);
    const auto begin = std::chrono::steady_clock::now();
    UNIRUST_RETURN_IF_ERROR(Ingest(router, source, ingest, acknowledged, &measured->times));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    slice.seconds = seconds.count();
    for (const auto& [name, micros] : CpuMicros(processes)) {
      slice.cpu_micros[name] = micros - before.at(name);
    }
    measured->slices.push_back(std::move(slice));
  }
  std::this_thread::sleep_for(std::chrono::seconds(load.seconds));
  return absl::OkStatus();
}

// Sends, with the queries that are asked for beside it.
absl::Status SendAndQuery(proto::RouterService::Stub* router, const workload::Generator& source,
                          const LoadSettings& load, const Processes& processes,
                          Measured* measured) {
  std::atomic<uint64_t> acknowledged = 0;
  std::atomic<bool> stop = false;
  absl::Status status;
  absl::Status query_status;
  absl::Status entity_status;
  QueryOptions options{
      .known = uint64_t{load.known} + load.preload, .rate = load.query_rate, .seed = load.seed};
  const auto start = [&](QueryKind kind, absl::Status* result, std::vector<uint64_t>* micros) {
    options.kind = kind;
    return Thread("load-query", [&, options, result, micros] {
      const auto stub = proto::RouterService::NewStub(rpc::Connect(load.router));
      *result = QueryUntil(stub.get(), source, options, &acknowledged, &stop, micros);
    });
  };
  {
    Thread query;
    Thread entity;
    if (load.query) query = start(QueryKind::kDescriptor, &query_status, &measured->query_micros);
    if (load.entity) entity = start(QueryKind::kEntity, &entity_status, &measured->entity_micros);
    status = Send(router, source, load, processes, &acknowledged, measured);
    stop = true;
  }
  if (status.ok()) status = query_status;
  if (status.ok()) status = entity_status;
  return status;
}

absl::Status Measure(const LoadSettings& load, const Processes& processes) {
  Ceilings ceilings;
  if (!load.ceilings_dir.empty()) {
    UNIRUST_ASSIGN_OR_RETURN(ceilings, MeasureCeilings(load));
  }
  const auto router = proto::RouterService::NewStub(rpc::Connect(load.router));
  const workload::Generator source = SourceOf(load);
  if (load.known == 0) UNIRUST_RETURN_IF_ERROR(SetOntology(router.get()));
  if (load.preload > 0) {
    std::atomic<uint64_t> acknowledged = 0;
    IngestTimes times;
    const IngestOptions preload{.first = load.known,
                                .records = load.preload,
                                .batch = load.batch,
                                .in_flight = load.in_flight};
    UNIRUST_RETURN_IF_ERROR(Ingest(router.get(), source, preload, &acknowledged, &times));
  }
  Measured measured;
  UNIRUST_RETURN_IF_ERROR(SendAndQuery(router.get(), source, load, processes, &measured));
  if (load.first_pages > 0) {
    UNIRUST_RETURN_IF_ERROR(MeasureFirstPages(router.get(), load.first_pages, &measured.pages));
  }
  grpc::ClientContext context;
  proto::MetricsResponse metrics;
  UNIRUST_RETURN_IF_ERROR(proto::FromGrpc(router->GetMetrics(&context, {}, &metrics)));
  measured.in_shard = metrics.query_latency();
  Print(load, measured);
  if (!load.ceilings_dir.empty()) PrintCeilings(ceilings, Rate(measured.times, load, 0, 1));
  return absl::OkStatus();
}

int Main(int argc, const char* const* argv) {
  LoadSettings load;
  config::Settings settings = Declare(load);
  const config::ProgramText text{
      "unirust_load", "Measures ingest and queries of a running store with synthetic records.",
      "  unirust_load --router 127.0.0.1:50060 --records 2000000\n"
      "  unirust_load --preload 1000000 --records 200000 --rate 10000 --query\n"
      "  unirust_load --known 1200000 --records 0 --query --entity --seconds 30\n"};
  if (const auto exit_code = ParseCommandLine(text, settings, argc, argv)) return *exit_code;
  Processes processes;
  const char* wrong = nullptr;
  if (load.batch == 0 || load.in_flight == 0 || load.query_rate == 0) {
    wrong = "--batch, --in-flight and --query-rate must be above 0";
  } else if (uint64_t{load.known} + load.preload + load.records == 0) {
    wrong = "--records is 0, and the store has none: give --known";
  } else if (load.records == 0 && !load.ceilings_dir.empty()) {
    wrong = "--ceilings-dir compares with an ingest: give --records";
  } else if (!ParseProcesses(load.processes, &processes)) {
    wrong = "--processes is not name=pid,...";
  }
  if (wrong != nullptr) {
    std::fprintf(stderr, "unirust_load: %s\n", wrong);
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
