#include "bench/runs.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/sleep.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "bench/ceilings.h"
#include "bench/page_load.h"
#include "bench/target.h"
#include "proto/status.h"

namespace unirust::bench {
namespace {

constexpr uint64_t kCeilingRecords = 500'000;
constexpr uint64_t kPreparedQueries = 200'000;  // then they begin anew
constexpr uint64_t kReadsInFlight = 64;

class Run {
 public:
  Run(const RunOptions& options, Watch* watch) : options_(options), watch_(*watch) {}

  absl::StatusOr<Report> operator()() {
    UNIRUST_RETURN_IF_ERROR(CheckOptions(options_));
    switch (options_.kind) {
      case RunKind::kStream:
      case RunKind::kUnary:
        UNIRUST_RETURN_IF_ERROR(MeasureIngest());
        break;
      case RunKind::kResend:
        UNIRUST_RETURN_IF_ERROR(MeasureResend());
        break;
      case RunKind::kCompared:
        UNIRUST_RETURN_IF_ERROR(MeasureCompared());
        break;
      case RunKind::kReads:
        UNIRUST_RETURN_IF_ERROR(MeasureReads());
        break;
      case RunKind::kPages:
        UNIRUST_RETURN_IF_ERROR(MeasurePages());
        break;
      case RunKind::kCeilings:
        UNIRUST_RETURN_IF_ERROR(MeasureCeilings());
        break;
    }
    return std::move(report_);
  }

 private:
  using Source = std::unique_ptr<workload::Source>;

  absl::StatusOr<Source> MakeSource(const std::string& workload) const {
    const uint64_t sent = options_.known + options_.preload + options_.records;
    Source source = workload::MakeSource(
        workload, {.records = options_.of == 0 ? sent : options_.of, .seed = options_.seed});
    if (source == nullptr) {
      return absl::InvalidArgumentError("there is no workload '" + workload + "'");
    }
    if (sent > source->writes()) {
      return absl::InvalidArgumentError("--of is less than what this run and earlier ones send");
    }
    return source;
  }

  absl::StatusOr<std::unique_ptr<Requests>> Prepare(const workload::Source& source, uint64_t first,
                                                    uint64_t records) {
    const auto meter = watch_.Begin("making records", records, {{"client", getpid()}});
    UNIRUST_ASSIGN_OR_RETURN(auto requests, Requests::Create());
    const RecordsToSend what{.first = first, .records = records, .batch = options_.batch};
    const auto made = [&](uint64_t count) {
      meter->done = count;
      return Stopped().ok();
    };
    UNIRUST_RETURN_IF_ERROR(AppendRecords(source, what, made, requests.get()));
    return requests;
  }

  absl::Status OpenTarget(const workload::Source& source) {
    target_.reset();
    watch_.Begin("starting", 0, {});
    UNIRUST_ASSIGN_OR_RETURN(target_, Target::Open(options_));
    return options_.known > 0 ? absl::OkStatus() : target_->TakeForMeasurement(source.ontology());
  }

  absl::Status Stopped() const {
    return options_.stop != nullptr && options_.stop->load() ? absl::CancelledError("interrupted")
                                                             : absl::OkStatus();
  }

  // Sends them all; adds a slice for each --slice records, and what all took to `figures`, unless
  // that is null.
  absl::Status Send(const std::string& stage, const Requests& requests, uint64_t rate,
                    Figures* figures) {
    const auto meter = watch_.Begin(stage, requests.count() * options_.batch, target_->processes());
    const LoadOptions load{.in_flight = options_.in_flight,
                           .rate = static_cast<double>(rate) / static_cast<double>(options_.batch),
                           .stop = options_.stop};
    Usage all(target_->processes());
    Usage slice(target_->processes());
    uint64_t sliced = 0;
    const CpuAs cpu_as = options_.kind == RunKind::kReads ? CpuAs::kCores : CpuAs::kOfRecords;
    const auto answered = [&](uint64_t records) {
      if (figures == nullptr || records - sliced < options_.slice) return;
      slice.AddTo(records - sliced, cpu_as, &report_.slices.emplace_back());
      sliced = records;
    };
    RequestReader reader(requests);
    LoadTimes times;
    UNIRUST_RETURN_IF_ERROR(
        options_.kind == RunKind::kUnary
            ? CallEach(target_->channel(), Method::kIngestRecords, &reader, load, meter.get(),
                       answered, &times)
            : StreamRecords(target_->channel(), &reader, load, meter.get(), answered, &times));
    UNIRUST_RETURN_IF_ERROR(Stopped());
    last_rate_ = times.PerSecond();
    if (figures == nullptr) return absl::OkStatus();
    all.AddTo(times.records, cpu_as, figures);
    figures->AddLatencies("request", std::move(times.latencies));
    AddOfTarget(figures);
    return absl::OkStatus();
  }

  void AddOfTarget(Figures* figures) const {
    const auto router = figures->Find("router_cpu_micros_per_record");
    if (router)
      figures->Add("router_share_of_cpu", *router / *figures->Find("all_cpu_micros_per_record"), 3);
    if (report_.slices.size() > 1) {
      figures->Add("last_slice_to_first",
                   *report_.slices.back().Find("records_per_second") /
                       *report_.slices.front().Find("records_per_second"),
                   2);
    }
    const auto shard = target_->processes().find("shard");
    if (shard == target_->processes().end()) return;
    figures->Add("shard_resident_peak_mebibytes",
                 static_cast<double>(ResidentBytes(shard->second).peak >> 20U));
  }

  absl::Status AddCeilings(const Requests& requests) {
    if (!options_.ceilings || options_.kind == RunKind::kReads) return absl::OkStatus();
    UNIRUST_ASSIGN_OR_RETURN(const Source people, MakeSource("people"));
    const uint64_t records = std::min({options_.records, kCeilingRecords, people->writes()});
    UNIRUST_ASSIGN_OR_RETURN(const auto directory, TemporaryDirectory::Create());
    watch_.Begin("measuring what the machine can take", 0, {{"client", getpid()}});
    UNIRUST_ASSIGN_OR_RETURN(const double sync, SyncMicros(directory->path()));
    UNIRUST_RETURN_IF_ERROR(Stopped());
    UNIRUST_ASSIGN_OR_RETURN(const double commits,
                             CommitCeiling(directory->path() + "/store", *people, records));
    UNIRUST_ASSIGN_OR_RETURN(
        const double transport,
        TransportCeiling(requests, options_.in_flight, options_.kind == RunKind::kUnary));
    report_.figures.Add("calibration_cpu_micros", CalibrationMicros());
    report_.figures.Add("ceiling_sync_micros", sync);
    report_.figures.Add("ceiling_commits_records_per_second", commits);
    report_.figures.Add("ceiling_transport_records_per_second", transport);
    return absl::OkStatus();
  }

  void AddRatios() {
    const auto rate = report_.figures.Find("records_per_second");
    for (const char* ceiling : {"commits", "transport"}) {
      const auto most =
          report_.figures.Find(std::string("ceiling_") + ceiling + "_records_per_second");
      if (rate && most) report_.figures.Add(std::string("ratio_to_") + ceiling, *rate / *most, 3);
    }
  }

  // Opens a store, sends what comes before the measurement, and gives what is measured.
  absl::StatusOr<std::unique_ptr<Requests>> OpenAndPreload(const workload::Source& source) {
    UNIRUST_ASSIGN_OR_RETURN(auto requests,
                             Prepare(source, options_.known + options_.preload, options_.records));
    UNIRUST_RETURN_IF_ERROR(AddCeilings(*requests));
    std::unique_ptr<Requests> before;
    if (options_.preload > 0) {
      UNIRUST_ASSIGN_OR_RETURN(before, Prepare(source, options_.known, options_.preload));
    }
    UNIRUST_RETURN_IF_ERROR(OpenTarget(source));
    if (before != nullptr) {
      UNIRUST_RETURN_IF_ERROR(Send("ingest before the measurement", *before, 0, nullptr));
    }
    return requests;
  }

  absl::Status MeasureIngest() {
    UNIRUST_ASSIGN_OR_RETURN(const Source source, MakeSource(options_.workload));
    UNIRUST_ASSIGN_OR_RETURN(const auto requests, OpenAndPreload(*source));
    UNIRUST_RETURN_IF_ERROR(Send("ingest", *requests, options_.rate, &report_.figures));
    AddRatios();
    return absl::OkStatus();
  }

  absl::Status MeasureResend() {
    UNIRUST_ASSIGN_OR_RETURN(const Source source, MakeSource(options_.workload));
    UNIRUST_ASSIGN_OR_RETURN(const auto requests, OpenAndPreload(*source));
    UNIRUST_RETURN_IF_ERROR(Send("ingest, the first time", *requests, 0, nullptr));
    UNIRUST_RETURN_IF_ERROR(
        Send("ingest of the same again", *requests, options_.rate, &report_.figures));
    AddRatios();
    return absl::OkStatus();
  }

  absl::Status MeasureCompared() {
    Figures plain;
    {
      UNIRUST_ASSIGN_OR_RETURN(const Source people, MakeSource("people"));
      UNIRUST_ASSIGN_OR_RETURN(const auto requests, OpenAndPreload(*people));
      UNIRUST_RETURN_IF_ERROR(Send("ingest of people", *requests, options_.rate, &plain));
      report_.slices.clear();
    }
    UNIRUST_ASSIGN_OR_RETURN(const Source source, MakeSource(options_.workload));
    UNIRUST_ASSIGN_OR_RETURN(const auto requests, Prepare(*source, 0, options_.records));
    UNIRUST_RETURN_IF_ERROR(OpenTarget(*source));
    UNIRUST_RETURN_IF_ERROR(
        Send("ingest of " + options_.workload, *requests, options_.rate, &report_.figures));
    const double rate = *plain.Find("records_per_second");
    report_.figures.Add("people_records_per_second", rate);
    report_.figures.Add("ratio_to_people", *report_.figures.Find("records_per_second") / rate, 2);
    constexpr char kCpu[] = "all_cpu_micros_per_record";
    report_.figures.Add("cpu_ratio_to_people", *report_.figures.Find(kCpu) / *plain.Find(kCpu), 2);
    AddRatios();
    return absl::OkStatus();
  }

  // Calls of one kind at their rate until `stop`.
  struct Reads {
    uint64_t rate = 0;  // a second; 0: none
    std::unique_ptr<Requests> requests;
    LoadTimes times;
    absl::Status status;
  };

  absl::Status PrepareReads(const workload::Source& source, QueryKind kind, Reads* reads) {
    if (reads->rate == 0) return absl::OkStatus();
    UNIRUST_ASSIGN_OR_RETURN(reads->requests, Requests::Create());
    return AppendQueries(source, kind, options_.known + options_.preload, kPreparedQueries,
                         options_.seed, reads->requests.get());
  }

  Thread StartReads(Method method, const std::atomic<bool>* stop, Reads* reads) {
    if (reads->rate == 0) return {};
    return Thread("load-reads", [this, method, stop, reads] {
      Meter meter;
      RequestReader reader(*reads->requests, /*again=*/true);
      const LoadOptions load{
          .in_flight = kReadsInFlight, .rate = static_cast<double>(reads->rate), .stop = stop};
      reads->status = CallEach(
          target_->channel(), method, &reader, load, &meter, [](uint64_t) {}, &reads->times);
    });
  }

  absl::Status MeasureReads() {
    UNIRUST_ASSIGN_OR_RETURN(const Source source, MakeSource("people"));
    UNIRUST_ASSIGN_OR_RETURN(const auto requests, OpenAndPreload(*source));
    watch_.Begin("making queries", 0, {{"client", getpid()}});
    Reads queries;
    Reads entities;
    queries.rate = options_.query_rate;
    entities.rate = options_.entity_rate;
    UNIRUST_RETURN_IF_ERROR(PrepareReads(*source, QueryKind::kDescriptor, &queries));
    UNIRUST_RETURN_IF_ERROR(PrepareReads(*source, QueryKind::kEntity, &entities));
    std::atomic<bool> done = false;
    absl::Status status;
    {
      const Thread query = StartReads(Method::kQueryEntities, &done, &queries);
      const Thread entity = StartReads(Method::kGetEntity, &done, &entities);
      if (options_.records > 0) {
        const auto half = static_cast<uint64_t>(last_rate_ / 2);
        status = Send("reads beside an ingest", *requests,
                      options_.rate == 0 ? half : options_.rate, &report_.figures);
      } else {
        watch_.Begin("reads", 0, target_->processes());
        for (uint64_t second = 0; second < options_.seconds && Stopped().ok(); ++second) {
          SleepMicros(1'000'000);
        }
      }
      done = true;
    }
    for (const absl::Status& one : {status, Stopped(), queries.status, entities.status}) {
      UNIRUST_RETURN_IF_ERROR(one);
    }
    AddReads("query", &queries);
    AddReads("entity", &entities);
    return queries.rate > 0 ? AddInShard() : absl::OkStatus();
  }

  void AddReads(const std::string& name, Reads* reads) {
    if (reads->times.records == 0) return;
    report_.figures.Add(name + "_per_second", reads->times.PerSecond());
    report_.figures.Add(name + "_of_rate",
                        reads->times.PerSecond() / static_cast<double>(reads->rate), 3);
    report_.figures.AddLatencies(name, std::move(reads->times.latencies));
  }

  // What the shard itself says of all QueryEntities since it began.
  absl::Status AddInShard() {
    grpc::ClientContext context;
    proto::MetricsResponse metrics;
    UNIRUST_RETURN_IF_ERROR(proto::FromGrpc(target_->router()->GetMetrics(&context, {}, &metrics)));
    const proto::LatencyMetrics& latency = metrics.query_latency();
    report_.figures.Add("query_in_shard_p50_micros", static_cast<double>(latency.p50_micros()));
    report_.figures.Add("query_in_shard_p99_micros", static_cast<double>(latency.p99_micros()));
    return absl::OkStatus();
  }

  absl::Status MeasurePages() {
    if (options_.known > 0) {
      UNIRUST_ASSIGN_OR_RETURN(target_, Target::Open(options_));
    } else {
      UNIRUST_ASSIGN_OR_RETURN(const Source source, MakeSource("people"));
      UNIRUST_ASSIGN_OR_RETURN(const auto requests, Prepare(*source, 0, options_.records));
      UNIRUST_RETURN_IF_ERROR(OpenTarget(*source));
      UNIRUST_RETURN_IF_ERROR(Send("ingest before the measurement", *requests, 0, nullptr));
    }
    watch_.Begin("asking for first pages", 0, target_->processes());
    std::vector<PageTimes> pages;
    UNIRUST_RETURN_IF_ERROR(
        MeasureFirstPages(target_->router(), static_cast<uint32_t>(options_.pages), &pages));
    UNIRUST_RETURN_IF_ERROR(Stopped());
    for (PageTimes& page : pages) {
      report_.figures.Add(page.name + "_items", static_cast<double>(page.items));
      report_.figures.Add(
          page.name + "_min_micros",
          static_cast<double>(*std::min_element(page.latencies.begin(), page.latencies.end())));
      report_.figures.AddLatencies(page.name, std::move(page.latencies));
    }
    return absl::OkStatus();
  }

  absl::Status MeasureCeilings() {
    UNIRUST_ASSIGN_OR_RETURN(const Source source, MakeSource("people"));
    UNIRUST_ASSIGN_OR_RETURN(const auto requests,
                             Prepare(*source, 0, std::min(options_.records, kCeilingRecords)));
    return AddCeilings(*requests);
  }

  const RunOptions& options_;
  Watch& watch_;
  std::unique_ptr<Target> target_;
  Report report_;
  double last_rate_ = 0;  // records a second of the last ingest
};

}  // namespace

std::shared_ptr<Meter> Watch::Begin(std::string name, uint64_t total, const Processes& processes) {
  auto meter = std::make_shared<Meter>();
  MutexLock lock(mutex_);
  stage_ = {std::move(name), total, meter, processes};
  return meter;
}

Watch::Stage Watch::stage() const {
  MutexLock lock(mutex_);
  return stage_;
}

absl::StatusOr<Report> Measure(const RunOptions& options, Watch* watch) {
  return Run(options, watch)();
}

}  // namespace unirust::bench
