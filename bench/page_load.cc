#include "bench/page_load.h"

#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/sleep.h"
#include "proto/status.h"

namespace unirust::bench {
namespace {

// A day of the workload's time (docs/scale.md), YYYYMMDD. Roles begin between 2000 and 2017, and
// few have ended before 2023: nearly all that begin hold on `kLate`, hardly any on `kEarly`, none
// on `kBefore`.
struct Day {
  int64_t start;
  int64_t end;
};
constexpr Day kBefore{19990101, 19990102};
constexpr Day kEarly{20000103, 20000104};
constexpr Day kLate{20220615, 20220616};

constexpr uint32_t kPageItems = 100;
constexpr std::chrono::seconds kPageTime{60};  // what takes longer has failed
// After a page, for the shard to give up the next one.
constexpr uint64_t kPauseMicros = 20'000;

// `call` makes the stream of answers in a context, `items` counts those of a chunk.
template <typename Chunk, typename Call, typename Items>
absl::Status Measure(std::string name, uint32_t times, const Call& call, const Items& items,
                     std::vector<PageTimes>* pages) {
  PageTimes page;
  page.name = std::move(name);
  for (uint32_t i = 0; i < times; ++i) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPageTime);
    Chunk chunk;
    const uint64_t begin = SteadyClockMicros();
    const auto stream = call(&context);
    const bool got = stream->Read(&chunk);
    page.latencies.push_back(SteadyClockMicros() - begin);
    context.TryCancel();
    const absl::Status status = proto::FromGrpc(stream->Finish());
    if (!got) return absl::InternalError(page.name + " got no chunk: " + status.ToString());
    SleepMicros(kPauseMicros);
    page.items = static_cast<uint64_t>(items(chunk));
  }
  pages->push_back(std::move(page));
  return absl::OkStatus();
}

void SetAdmin(proto::QueryDescriptor* descriptor) {
  descriptor->set_attr("role");
  descriptor->set_value("admin");
}

absl::Status FindAdmins(proto::RouterService::Stub* router, const char* when, Day day,
                        uint32_t times, std::vector<PageTimes>* pages) {
  proto::FindEntitiesRequest request;
  SetAdmin(request.add_descriptors());
  request.set_start(day.start);
  request.set_end(day.end);
  request.set_page_size(kPageItems);
  return Measure<proto::FindEntitiesChunk>(
      std::string("find_admins_") + when, times,
      [&](grpc::ClientContext* context) { return router->FindEntities(context, request); },
      [](const proto::FindEntitiesChunk& chunk) { return chunk.matches_size(); }, pages);
}

absl::Status ScanAdmins(proto::RouterService::Stub* router, const char* when, Day day,
                        uint32_t times, std::vector<PageTimes>* pages) {
  proto::ScanRecordsRequest request;
  SetAdmin(request.mutable_descriptor());
  request.set_start(day.start);
  request.set_end(day.end);
  request.set_page_size(kPageItems);
  return Measure<proto::ScanRecordsChunk>(
      std::string("scan_admins_") + when, times,
      [&](grpc::ClientContext* context) { return router->ScanRecords(context, request); },
      [](const proto::ScanRecordsChunk& chunk) { return chunk.records_size(); }, pages);
}

absl::Status ListConflicts(proto::RouterService::Stub* router, uint32_t times,
                           std::vector<PageTimes>* pages) {
  proto::StreamConflictsRequest request;
  request.set_page_size(kPageItems);
  return Measure<proto::StreamConflictsChunk>(
      "conflicts", times,
      [&](grpc::ClientContext* context) { return router->StreamConflicts(context, request); },
      [](const proto::StreamConflictsChunk& chunk) { return chunk.conflicts_size(); }, pages);
}

}  // namespace

absl::Status MeasureFirstPages(proto::RouterService::Stub* router, uint32_t times,
                               std::vector<PageTimes>* pages) {
  constexpr struct {
    const char* name;
    Day day;
  } kDays[] = {{"before", kBefore}, {"early", kEarly}, {"late", kLate}};
  absl::Status status;
  for (const auto& [name, day] : kDays) {
    if (status.ok()) status = FindAdmins(router, name, day, times, pages);
    if (status.ok()) status = ScanAdmins(router, name, day, times, pages);
  }
  if (status.ok()) status = ListConflicts(router, times, pages);
  return status;
}

}  // namespace unirust::bench
