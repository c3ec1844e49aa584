// How a Committer lets descriptors expire: in ordinary commits, each of which declares an instant together with the
// rows without what was due before it (docs/decisions/0012-retention.md).
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "resolve/retention.h"
#include "shard/committer.h"
#include "shard/meta_keys.h"

namespace unirust::shard {
namespace {

using resolve::RecordState;
using resolve::WorkingSet;
using store::Family;

constexpr uint64_t kLogRecords = 100000;  // expired between two lines of progress

std::string Counts(const RetentionAdvance& done) {
  return std::to_string(done.descriptors) + " descriptors of " + std::to_string(done.records) +
         " records expired";
}

// As if the record had been rewritten without what is expired. The number of descriptors that go.
size_t Expire(RecordState& record, Instant expired_at, const resolve::Rules& rules) {
  if (!record.live_now) return 0;
  store::RecordRow& row = record.row.Edit();
  const size_t expired = resolve::RemoveExpired(row.entity_type, row.perspective, rules, expired_at,
                                                &row.descriptors);
  record.signature_now.reset();
  record.written = expired > 0;
  return expired;
}

}  // namespace

absl::StatusOr<RetentionAdvance> Committer::AdvanceRetention(Instant now,
                                                             const std::function<bool()>& stop) {
  Advance advance;
  advance.now = now;
  uint64_t told = 0;
  while (!advance.complete) {
    if (stop()) {
      return absl::CancelledError("given up: " + Counts(advance.done) + "; advance again to go on");
    }
    Request request;
    request.advance = &advance;
    Enqueue(request);
    Await(request);
    UNIRUST_RETURN_IF_ERROR(request.status);
    FaultPoint("retention.committed");
    if (advance.done.records - told < kLogRecords && !advance.complete) continue;
    told = advance.done.records;
    if (told == 0) continue;
    Log(LogLevel::kInfo, "retention advanced",
        {{"declared", std::to_string(advance.done.declared)},
         {"now", std::to_string(now)},
         {"records", advance.done.records},
         {"descriptors", advance.done.descriptors}});
  }
  return advance.done;
}

// The next commit of an advance. Changes `advance` only if the commit is to be made, or none is needed.
absl::Status Committer::ResolveAdvance(Advance& advance,
                                       const std::shared_ptr<const Config>& config,
                                       WorkingSet& rows, store::CountersRow& counters,
                                       store::Batch& batch) {
  if (advance.config != nullptr && advance.config != config) {
    return absl::AbortedError("the ontology changed meanwhile; check its rules and advance again");
  }
  if (!config->rules.HasRetention()) {
    return absl::FailedPreconditionError("the ontology in force has no rules of retention: apply "
                                         "one that has");
  }
  if (advance.config == nullptr && retention_ && advance.now < *retention_) {
    return absl::InvalidArgumentError(
        "now: " + std::to_string(advance.now) + " is before " + std::to_string(*retention_) +
        ", which is declared already: what expired does not come back");
  }
  if (retention_ && advance.now <= *retention_) {
    advance.done.declared = *retention_;
    advance.complete = true;
    return absl::OkStatus();
  }
  UNIRUST_ASSIGN_OR_RETURN(
      const resolve::ExpiryStep step,
      resolve::NextExpiries(rows.reader(), retention_.value_or(kMinTime), advance.now,
                            shares_.commit_records));
  rows.PreloadRecords(step.records);
  size_t descriptors = 0;
  for (const RecordId id : step.records) {
    const size_t expired = Expire(rows.Record(id), step.expired_at, rows.rules());
    if (expired == 0 && rows.status().ok()) {
      return absl::DataLossError("family expiries: record id " + std::to_string(id.value()) +
                                 " is listed, and has nothing that is due");
    }
    descriptors += expired;
  }
  UNIRUST_RETURN_IF_ERROR(resolve::Resolve(rows, interner_, &counters, &batch));
  batch.Put(Family::kMeta, kRetentionKey, store::RetentionRow{step.declared}.Encode());
  advance.config = config;
  advance.done.declared = step.declared;
  advance.done.records += step.records.size();
  advance.commit_records = step.records.size();
  advance.done.descriptors += descriptors;
  advance.complete = step.declared == advance.now;
  FaultPoint("retention.resolved");
  return absl::OkStatus();
}

}  // namespace unirust::shard
