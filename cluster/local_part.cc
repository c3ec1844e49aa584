#include "cluster/local_part.h"

#include "base/bytes.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "store/slots.h"

namespace unirust::cluster {
namespace {

using store::Family;

constexpr char kEpochKey[] = "epoch";  // row of meta

absl::Status Malformed(const char* what) {
  return absl::DataLossError(std::string(what) + " for this part of the store are malformed");
}

}  // namespace

absl::StatusOr<std::optional<Membership>> MembershipOf(const store::Store& store) {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           store.Latest().Get(Family::kMeta, store::kPartKey, &value));
  if (!found) return std::nullopt;
  ByteReader in(value);
  Membership out{.parts = in.Big32(), .part = in.Big32(), .store = std::string(in.String())};
  if (!in.done()) return store::Damaged(Family::kMeta, store::kPartKey);
  return out;
}

absl::Status LocalPart::Join(const Membership& membership) {
  MutexLock writing(writing_);
  UNIRUST_ASSIGN_OR_RETURN(const std::optional<Membership> known, MembershipOf(store_));
  if (known) {
    if (known->parts == membership.parts && known->part == membership.part &&
        known->store == membership.store) {
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(
        "it is part " + std::to_string(known->part) + " of " + std::to_string(known->parts) +
        (known->store == membership.store ? " of this store" : " of another store") +
        ", not part " + std::to_string(membership.part) + " of " +
        std::to_string(membership.parts));
  }
  const store::Reader reader = store_.Latest();
  const auto records = reader.Scan(Family::kRecords, "", "");
  UNIRUST_RETURN_IF_ERROR(records->status());
  if (records->Valid()) {
    return absl::FailedPreconditionError(
        "it holds records of a store of its own; only an empty directory becomes a part");
  }
  std::string value;
  AppendBig32(&value, membership.parts);
  AppendBig32(&value, membership.part);
  AppendString(&value, membership.store);
  store::Batch batch;
  batch.Put(Family::kMeta, store::kPartKey, value);
  store_.Commit(std::move(batch));
  return absl::OkStatus();
}

LocalPart::LocalPart(store::Store& store, uint64_t last) : store_(store), last_(last) {
  Keep(last);
}

absl::StatusOr<std::unique_ptr<LocalPart>> LocalPart::Open(store::Store& store) {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           store.Latest().Get(Family::kMeta, kEpochKey, &value));
  ByteReader in(value);
  const uint64_t last = found ? in.Big64() : 0;
  if (found && !in.done()) return store::Damaged(Family::kMeta, kEpochKey);
  return std::unique_ptr<LocalPart>(new LocalPart(store, last));
}

absl::StatusOr<uint64_t> LocalPart::LastEpoch() {
  MutexLock lock(mutex_);
  return last_;
}

absl::Status LocalPart::Apply(const Epoch& epoch) {
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t last, LastEpoch());
  if (epoch.number <= last) return absl::OkStatus();
  std::optional<store::Batch> batch = store::Batch::Decode(epoch.rows);
  if (!batch) return Malformed("the rows of an epoch");
  return ApplyBatch(epoch.number, epoch.kind, *std::move(batch));
}

absl::Status LocalPart::ApplyBatch(uint64_t epoch, EpochKind kind, store::Batch batch) {
  MutexLock writing(writing_);
  UNIRUST_ASSIGN_OR_RETURN(const uint64_t last, LastEpoch());
  if (epoch != last + 1) {
    return absl::FailedPreconditionError("epoch " + std::to_string(epoch) +
                                         " cannot be applied: the last one here is " +
                                         std::to_string(last));
  }
  std::string number;
  AppendBig64(&number, epoch);
  batch.Put(Family::kMeta, kEpochKey, number);
  switch (kind) {
    case EpochKind::kRows:
      store_.Commit(std::move(batch));
      break;
    case EpochKind::kSwitch:
      UNIRUST_RETURN_IF_ERROR(CheckPending());
      UNIRUST_RETURN_IF_ERROR(store_.SwitchGeneration(std::move(batch)));
      break;
    case EpochKind::kClear:
      UNIRUST_RETURN_IF_ERROR(store_.Clear(std::move(batch)));
      break;
  }
  Keep(epoch);
  return absl::OkStatus();
}

void LocalPart::Keep(uint64_t epoch) {
  store::Reader reader = store_.Snapshot();
  MutexLock lock(mutex_);
  kept_.push_back({epoch, std::move(reader)});
  if (kept_.size() > limits::kEpochsKept) kept_.pop_front();
  last_ = epoch;
}

absl::StatusOr<store::Reader> LocalPart::ReadEpoch(uint64_t epoch) {
  MutexLock lock(mutex_);
  for (const Kept& kept : kept_) {
    if (kept.epoch == epoch) return kept.reader;
  }
  return absl::OutOfRangeError("epoch " + std::to_string(epoch) +
                               " cannot be read: the last one is " + std::to_string(last_));
}

absl::StatusOr<store::Reader> LocalPart::ReadLatest() { return store_.Latest(); }

absl::StatusOr<store::Reader> LocalPart::ReadPending() {
  MutexLock writing(writing_);  // the generation must not go meanwhile
  UNIRUST_RETURN_IF_ERROR(CheckPending());
  return store_.Pending();
}

absl::Status LocalPart::CheckPending() const {
  if (store_.HasPending()) return absl::OkStatus();
  return absl::FailedPreconditionError("this part of the store has no pending generation");
}

absl::StatusOr<uint64_t> LocalPart::LastAttempt() {
  MutexLock writing(writing_);
  return attempt_;
}

absl::Status LocalPart::TakeAttempt(uint64_t attempt) {
  if (attempt < attempt_) {
    return absl::FailedPreconditionError("an earlier change of ontology was given up");
  }
  attempt_ = attempt;
  return absl::OkStatus();
}

absl::Status LocalPart::BeginGeneration(uint64_t attempt) {
  MutexLock writing(writing_);
  UNIRUST_RETURN_IF_ERROR(TakeAttempt(attempt));
  return store_.BeginGeneration();
}

absl::Status LocalPart::CommitPending(uint64_t attempt, const std::string& rows) {
  MutexLock writing(writing_);
  UNIRUST_RETURN_IF_ERROR(TakeAttempt(attempt));
  UNIRUST_RETURN_IF_ERROR(CheckPending());
  std::optional<store::Batch> batch = store::Batch::Decode(rows);
  if (!batch) return Malformed("rows of a pending generation");
  return store_.CommitPending(*std::move(batch));
}

absl::Status LocalPart::SealPending(uint64_t attempt) {
  MutexLock writing(writing_);
  UNIRUST_RETURN_IF_ERROR(TakeAttempt(attempt));
  UNIRUST_RETURN_IF_ERROR(CheckPending());
  return store_.SealPending();
}

absl::Status LocalPart::DropPending(uint64_t attempt) {
  MutexLock writing(writing_);
  UNIRUST_RETURN_IF_ERROR(TakeAttempt(attempt));
  return store_.DropPending();
}

}  // namespace unirust::cluster
