#include "bench/run_options.h"

#include "base/limits.h"
#include "base/status_macros.h"

namespace unirust::bench {
namespace {

constexpr uint64_t kInFlightMax = 4096;
constexpr uint64_t kPagesMax = 1'000'000;

absl::Status CheckCounts(const RunOptions& options) {
  using limits::kWorkloadRecordsMax;
  const bool reads = options.kind == RunKind::kReads;
  if (options.batch == 0 || options.in_flight == 0 || options.slice == 0) {
    return absl::InvalidArgumentError("--batch, --in-flight and --slice must be above 0");
  }
  if (options.batch > limits::kRecordsPerRequestMax || options.in_flight > kInFlightMax) {
    return absl::InvalidArgumentError("--batch is at most " +
                                      std::to_string(limits::kRecordsPerRequestMax) +
                                      ", --in-flight at most " + std::to_string(kInFlightMax));
  }
  if (options.records == 0 && !reads) {
    return absl::InvalidArgumentError("--records must be above 0");
  }
  for (const uint64_t count : {options.records, options.known, options.preload, options.of}) {
    if (count <= kWorkloadRecordsMax) continue;
    return absl::InvalidArgumentError("a workload has at most " +
                                      std::to_string(kWorkloadRecordsMax) + " records");
  }
  if (options.pages == 0 || options.pages > kPagesMax) {
    return absl::InvalidArgumentError("--times is from 1 to " + std::to_string(kPagesMax));
  }
  return absl::OkStatus();
}

absl::Status CheckReads(const RunOptions& options) {
  if (options.known + options.preload == 0) {
    return absl::InvalidArgumentError("there is nothing to ask for: give --preload or --known");
  }
  if (options.query_rate == 0 && options.entity_rate == 0) {
    return absl::InvalidArgumentError(
        "there is nothing to ask: give --query-rate or --entity-rate");
  }
  if ((options.records == 0) != (options.seconds > 0)) {
    return absl::InvalidArgumentError(
        "reads last as long as --records are sent beside them, or, with --records 0, for "
        "--seconds");
  }
  if (options.records > 0 && options.preload == 0 && options.rate == 0) {
    return absl::InvalidArgumentError(
        "without --preload nothing tells how fast records may come beside the reads: give --rate");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckOptions(const RunOptions& options) {
  UNIRUST_RETURN_IF_ERROR(CheckCounts(options));
  const bool own = options.router.empty() && options.data_dir.empty();
  if (options.kind == RunKind::kCompared && !own) {
    return absl::InvalidArgumentError(
        "this needs two fresh stores: give neither --router nor --data-dir");
  }
  if (options.known > 0 && own) {
    return absl::InvalidArgumentError(
        "--known is of a store that is there: give --router or --data-dir");
  }
  if (options.known > 0 && options.of == 0 && options.kind != RunKind::kPages) {
    return absl::InvalidArgumentError(
        "--known needs --of: how many records the whole workload has, the same in each run");
  }
  return options.kind == RunKind::kReads ? CheckReads(options) : absl::OkStatus();
}

}  // namespace unirust::bench
