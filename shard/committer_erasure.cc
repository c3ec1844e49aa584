// How a Committer erases records, and what their files still have of them (docs/erasure.md).
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "base/clock.h"
#include "base/fault_point.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "resolve/unused_names.h"
#include "shard/committer.h"

namespace unirust::shard {
namespace {

using resolve::RecordState;
using resolve::WorkingSet;
using store::Family;

// As if the record had been retracted, and then forgotten. False if there is none.
absl::StatusOr<bool> EraseOne(const Identity& identity, interner::Interner& interner,
                              WorkingSet& rows) {
  UNIRUST_ASSIGN_OR_RETURN(const auto type, interner.Find(identity.entity_type));
  UNIRUST_ASSIGN_OR_RETURN(const auto perspective, interner.Find(identity.perspective));
  if (!type || !perspective) return false;
  const std::optional<RecordId> id = rows.FindRecord(identity, *type, *perspective);
  if (!id) return false;
  RecordState& record = rows.Record(*id);
  record.row.Edit() = store::RecordRow::Erased();
  record.live_now = false;
  record.signature_now.reset();
  record.written = true;
  return true;
}

}  // namespace

absl::StatusOr<std::vector<bool>> Committer::Erase(std::vector<Identity> records) {
  if (records.size() > limits::kErasuresPerRequestMax) {
    return absl::InvalidArgumentError(
        std::to_string(records.size()) + " records in one request, at most " +
        std::to_string(limits::kErasuresPerRequestMax) + " are allowed: send several requests");
  }
  for (size_t i = 0; i < records.size(); ++i) {
    const absl::Status status =
        Check(Write{.identity = records[i], .version = {}, .descriptors = {}});
    if (status.ok()) continue;
    return absl::InvalidArgumentError("records[" + std::to_string(i) +
                                      "]: " + std::string(status.message()));
  }
  Erasure erasure{.records = std::move(records), .erased = {}, .after = {}};
  Request request;
  request.erasure = &erasure;
  Enqueue(request);
  Await(request);
  UNIRUST_RETURN_IF_ERROR(request.status);
  return std::move(erasure.erased);
}

absl::Status Committer::ResolveErasure(Erasure& erasure, WorkingSet& rows,
                                       store::CountersRow& counters, store::Batch& batch) {
  erasure.after = erasures_;
  for (const Identity& identity : erasure.records) {
    UNIRUST_ASSIGN_OR_RETURN(const bool erased, EraseOne(identity, interner_, rows));
    erasure.erased.push_back(erased);
    if (erased) ++erasure.after.records;
  }
  if (erasure.after == erasures_) return rows.status();
  UNIRUST_RETURN_IF_ERROR(resolve::Resolve(rows, interner_, &counters, &batch));
  Erasures& after = erasure.after;
  after.last_micros = NextErasureMicros();
  if (after.pending_since_micros == 0) after.pending_since_micros = after.last_micros;
  batch.Put(Family::kMeta, store::kErasuresKey, store::ErasuresRow{after}.Encode());
  return rows.status();
}

// Of an erasure, or of a purge: the clock may jump, they ascend.
int64_t Committer::NextErasureMicros() const {
  const auto now = static_cast<int64_t>(WallClockMicros());
  return std::max({now, erasures_.last_micros + 1, erasures_.purged_micros, purge_micros_});
}

absl::Status Committer::Purge(const std::function<bool()>& stop) {
  State before;
  const auto begin = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_) {
    purge_micros_ = NextErasureMicros();
    interner_.BeginWatch();
    before = Read();
    return absl::OkStatus();
  };
  UNIRUST_RETURN_IF_ERROR(InTurn(begin));
  const auto names = resolve::UnusedNames(before.reader, before.config->ontology, stop);
  before = {};
  absl::Status status = names.status();
  if (status.ok()) {
    status = store_.AwaitReaders(store_.Moment(), stop);  // whoever may still ask for the names
  }
  FaultPoint("purge.names_found");
  if (status.ok()) {
    status = InTurn([&] {
      RetireNames(*names);
      return absl::OkStatus();
    });
  }
  if (!status.ok()) {
    interner_.EndWatch();
    return status;
  }
  FaultPoint("purge.names_retired");
  const auto in_turn = [this](const std::function<absl::Status()>& work) { return InTurn(work); };
  UNIRUST_RETURN_IF_ERROR(store_.Rewrite(store_.Moment(), in_turn, stop));
  FaultPoint("purge.rewritten");
  return InTurn([&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(resolving_) {
    erasures_.purged_micros = purge_micros_;
    const bool more = erasures_.last_micros >= purge_micros_;
    erasures_.pending_since_micros = more ? purge_micros_ : 0;
    store::Batch batch;
    batch.Put(Family::kMeta, store::kErasuresKey, store::ErasuresRow{erasures_}.Encode());
    store_.Commit(std::move(batch));
    return absl::OkStatus();
  });
}

// `unused`: when the watch began. No state from before is read any more, and what was used since is left.
void Committer::RetireNames(const std::vector<store::SymbolRow>& unused) {
  const absl::flat_hash_set<interner::SymbolId> used = interner_.EndWatch();
  store::Batch retired;
  absl::flat_hash_set<interner::SymbolId> ids;
  for (const store::SymbolRow& name : unused) {
    if (used.contains(name.id)) continue;
    ids.insert(name.id);
    retired.Delete(Family::kSymbols, store::SymbolByTextKey(name.text));
    retired.Put(Family::kSymbols, store::SymbolByIdKey(name.id), store::kRetiredText);
  }
  if (ids.empty()) return;
  store_.Commit(std::move(retired));
  interner_.Retired(ids);
}

}  // namespace unirust::shard
