// What a Committer does with all records at once: a change of ontology, verification, deleting everything.
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "resolve/evidence.h"
#include "resolve/indexes.h"
#include "resolve/names.h"
#include "resolve/retention.h"
#include "resolve/verify.h"
#include "shard/committer.h"
#include "shard/meta_keys.h"

namespace unirust::shard {
namespace {

using resolve::RecordState;
using resolve::WorkingSet;
using store::Family;

// Faults for counters that a fresh resolution has otherwise.
void CompareCounters(const store::CountersRow& stored, const store::CountersRow& fresh,
                     VerifyReport& report) {
  const auto compare = [&](const char* name, uint64_t is, uint64_t should_be) {
    if (is == should_be) return;
    report.Fault("meta: the counters tell of " + std::to_string(is) + " " + name + ", there are " +
                 std::to_string(should_be));
  };
  compare("entities", stored.entities, fresh.entities);
  compare("conflicts", stored.conflicts, fresh.conflicts);
  compare("same_as edges", stored.same_as, fresh.same_as);
  compare("conflicts_with edges", stored.conflicts_with, fresh.conflicts_with);
  if (stored.handles < fresh.handles) {
    report.Fault("meta: the counters tell of fewer handles than there are");
  }
}

// What was due before the declared instant must be gone.
absl::Status VerifyNothingExpired(const store::Reader& reader, Instant declared,
                                  VerifyReport& report) {
  UNIRUST_ASSIGN_OR_RETURN(const resolve::ExpiryStep expired,
                           resolve::NextExpiries(reader, kMinTime, declared, 1));
  if (!expired.records.empty()) {
    report.Fault("expiries: descriptors are there that expired before the declared instant " +
                 std::to_string(declared));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status FaultIfDamaged(const absl::Status& status, VerifyReport& report) {
  if (!absl::IsDataLoss(status)) return status;
  report.Fault(std::string(status.message()));
  return absl::OkStatus();
}

// Its names are symbols on disk then.
absl::StatusOr<resolve::Rules> Committer::CompileRules(const ontology::Ontology& ontology) {
  store::Batch symbols;
  const interner::SymbolId last_symbol = interner_.Last();
  auto rules = resolve::Rules::Compile(ontology, interner_, symbols);
  if (!rules.ok()) interner_.Abandoned(last_symbol);
  UNIRUST_RETURN_IF_ERROR(rules.status());
  if (!symbols.empty()) store_.Commit(std::move(symbols));
  interner_.Committed(interner_.Last());
  return rules;
}

absl::Status Committer::CheckOntology(const ontology::Ontology& ontology) {
  MutexLock lock(resolving_);
  AwaitWritten();
  UNIRUST_ASSIGN_OR_RETURN(const resolve::Rules rules, CompileRules(ontology));
  const store::Reader reader = store_.Latest();
  resolve::Names names(interner_);
  const auto cursor = reader.Scan(Family::kRecords, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    store::RecordRow record;
    if (!store::RecordRow::Decode(cursor->value(), &record)) {
      return store::Damaged(Family::kRecords, cursor->key());
    }
    for (const resolve::KeyRule& key : rules.keys()) {
      if (!key.types.Has(record.entity_type)) continue;
      const absl::Status status =
          resolve::KeyInstances(key, record.descriptors, rules).status();
      if (!status.ok()) {
        return absl::FailedPreconditionError("the ontology does not fit stored record " +
                                             RecordName(names.IdentityOf(record)) + ": " +
                                             std::string(status.message()));
      }
    }
  }
  return cursor->status();
}

absl::Status Committer::SetOntology(const ontology::Ontology& ontology) {
  UNIRUST_RETURN_IF_ERROR(CheckOntology(ontology));
  MutexLock lock(resolving_);
  AwaitWritten();
  if (ontology == this->config()->ontology) return absl::OkStatus();
  auto config = std::make_shared<Config>();
  config->ontology = ontology;
  UNIRUST_ASSIGN_OR_RETURN(config->rules, CompileRules(ontology));
  UNIRUST_RETURN_IF_ERROR(store_.BeginGeneration());
  store::CountersRow counters;
  counters.records = counters_.records;
  const absl::Status status = ResolveAnew(*config, &counters, nullptr);
  if (!status.ok()) return DropPendingAfter(status);
  store::Batch batch;
  batch.Put(Family::kMeta, kOntologyKey, ontology::Archive(ontology));
  batch.Put(Family::kMeta, kCountersKey, counters.Encode());
  // An instant is declared under certain rules: under others nothing expires before the next one is.
  const bool same_rules = ontology.retention == this->config()->ontology.retention;
  if (!same_rules) batch.Delete(Family::kMeta, kRetentionKey);
  UNIRUST_RETURN_IF_ERROR(SwitchTo(std::move(config), counters, std::move(batch)));
  if (!same_rules) retention_.reset();
  return absl::OkStatus();
}

// The pending generation becomes the current one; it was resolved under `config`.
absl::Status Committer::SwitchTo(std::shared_ptr<const Config> config,
                                 const store::CountersRow& counters, store::Batch batch) {
  const absl::StatusOr<uint64_t> generation = store_.SwitchGeneration(std::move(batch));
  if (!generation.ok()) return DropPendingAfter(generation.status());
  counters_ = counters;
  last_rows_.reset();
  MutexLock lock(state_);
  config_ = std::move(config);
  generation_ = *generation;
  switched_.NotifyAll();
  return absl::OkStatus();
}

// What cannot be dropped now is by the next change, or at the next opening.
absl::Status Committer::DropPendingAfter(absl::Status why) {
  const absl::Status dropped = store_.DropPending();
  if (!dropped.ok()) Log(LogLevel::kWarning, "a generation stays for now: " + dropped.ToString());
  return why;
}

// Every live record arrives anew in the pending generation, some thousand at a time.
absl::Status Committer::ResolveAnew(const Config& config, store::CountersRow* counters,
                                    VerifyReport* report) {
  const uint64_t records = counters->records;
  uint64_t resolved = 0;
  const store::Reader all = store_.Latest();
  const auto cursor = all.Scan(Family::kRecords, "", "");
  while (cursor->Valid()) {
    WorkingSet rows(store_.Pending(), config.rules);
    for (size_t n = 0; n < limits::kCommitRecordsMax && cursor->Valid(); cursor->Next(), ++n) {
      ++resolved;
      const auto key = store::RecordKey::Decode(cursor->key());
      if (!key) return store::Damaged(Family::kRecords, cursor->key());
      RecordState& record = rows.Record(key->record);
      record.written = record.live_now;
      record.live_before = false;
    }
    store::Batch batch;
    UNIRUST_RETURN_IF_ERROR(resolve::Resolve(rows, interner_, counters, &batch));
    resolve::AddRows(rows, resolve::Scope::kDerived, &batch);
    UNIRUST_RETURN_IF_ERROR(store_.CommitPending(std::move(batch)));
    if (report != nullptr) report->Progress("resolved anew", resolved);
  }
  counters->records = records;
  return cursor->status();
}

absl::Status Committer::Verify(VerifyReport& report) {
  MutexLock lock(resolving_);
  AwaitWritten();
  const std::shared_ptr<const Config> config = this->config();
  const resolve::ReadContext stored{store_.Latest(), &config->rules, &interner_};
  UNIRUST_RETURN_IF_ERROR(FaultIfDamaged(resolve::VerifySymbols(stored.reader, report), report));
  UNIRUST_RETURN_IF_ERROR(
      FaultIfDamaged(resolve::VerifyRecords(stored, counters_.records, report), report));
  UNIRUST_RETURN_IF_ERROR(store_.BeginGeneration());
  store::CountersRow counters;
  counters.records = counters_.records;
  absl::Status status = ResolveAnew(*config, &counters, &report);
  if (status.ok()) {
    CompareCounters(counters_, counters, report);
    status = resolve::VerifyDerived(stored, {store_.Pending(), &config->rules, &interner_}, report);
  }
  if (status.ok() && retention_) status = VerifyNothingExpired(stored.reader, *retention_, report);
  return FaultIfDamaged(DropPendingAfter(status), report);
}

// Fills the indexes, which are empty, and counts the live records.
absl::Status Committer::WriteIndexesAnew(store::CountersRow* counters, VerifyReport& report) {
  const store::Reader all = store_.Latest();
  const auto cursor = all.Scan(Family::kRecords, "", "");
  while (cursor->Valid()) {
    store::Batch batch;
    for (size_t n = 0; n < limits::kCommitRecordsMax && cursor->Valid(); cursor->Next(), ++n) {
      const auto key = store::RecordKey::Decode(cursor->key());
      store::RecordRow record;
      if (!key || !store::RecordRow::Decode(cursor->value(), &record)) {
        return store::Damaged(Family::kRecords, cursor->key());
      }
      if (record.retracted) continue;
      ++counters->records;
      resolve::ForEachIndexRow(
          key->record, record,
          [&](Family family, const std::string& row, const std::string& value) {
            batch.Put(family, row, value);
          });
    }
    if (!batch.empty()) store_.Commit(std::move(batch));
    report.Progress("indexed anew", counters->records);
  }
  return cursor->status();
}

absl::Status Committer::RebuildDerived(VerifyReport& report) {
  MutexLock lock(resolving_);
  AwaitWritten();
  store::CountersRow counters;
  UNIRUST_RETURN_IF_ERROR(WriteIndexesAnew(&counters, report));
  UNIRUST_RETURN_IF_ERROR(store_.BeginGeneration());
  UNIRUST_RETURN_IF_ERROR(ResolveAnew(*config(), &counters, &report));
  store::Batch batch;
  batch.Put(Family::kMeta, kCountersKey, counters.Encode());
  return SwitchTo(this->config(), counters, std::move(batch));
}

absl::Status Committer::Reset() {
  MutexLock lock(resolving_);
  UNIRUST_RETURN_IF_ERROR(AwaitComplete());
  auto config = std::make_shared<Config>();
  MutexLock state_lock(state_);
  last_rows_.reset();
  store::Batch kept;  // what a purge is for stays on disk
  if (erasures_.records > 0) {
    kept.Put(Family::kMeta, store::kErasuresKey, store::ErasuresRow{erasures_}.Encode());
  }
  UNIRUST_RETURN_IF_ERROR(store_.Clear(std::move(kept)));
  counters_ = {};
  retention_.reset();
  config_ = std::move(config);
  ++resets_;
  return absl::OkStatus();
}

}  // namespace unirust::shard
