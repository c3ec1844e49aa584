#include "cluster/local_part.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/bytes.h"
#include "base/fault_point.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "cluster/slot_map.h"
#include "store/backup.h"
#include "store/slots.h"

namespace unirust::cluster {
namespace {

using store::Family;

constexpr size_t kAllBackups = std::numeric_limits<uint32_t>::max();
constexpr char kEpochKey[] = "epoch";  // row of meta: number and tag of the last one

std::string EpochRow(EpochId epoch) {
  std::string out;
  AppendBig64(&out, epoch.number);
  AppendBig64(&out, epoch.tag);
  return out;
}

absl::Status Malformed(const char* what) {
  return absl::DataLossError(std::string(what) + " for this part of the store are malformed");
}

absl::Status WentSeparateWays(EpochId last) {
  return absl::DataLossError(
      "epoch " + std::to_string(last.number) +
      " is not the same in it and in the home part: the store was written from two copies of the "
      "home directory. Go on with the other copy, or restore all parts from the same moment");
}

}  // namespace

absl::StatusOr<std::optional<Membership>> MembershipOf(const store::Store& store) {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           store.Latest().Get(Family::kMeta, store::kPartKey, &value));
  if (!found) return std::nullopt;
  ByteReader in(value);
  Membership out{.part = in.Big32(),
                 .store = std::string(in.String()),
                 .session = in.Big64()};
  if (!in.done()) return store::Damaged(Family::kMeta, store::kPartKey);
  return out;
}

// Home's own rows are there before it has others.
absl::Status LocalPart::CheckMembership(const Membership& membership, Holds holds) const {
  UNIRUST_ASSIGN_OR_RETURN(const std::optional<Membership> known, MembershipOf(store_));
  if (known && (known->part != membership.part || known->store != membership.store)) {
    return absl::FailedPreconditionError(
        "it is part " + std::to_string(known->part) +
        (known->store == membership.store ? " of this store" : " of another store") +
        ", not part " + std::to_string(membership.part));
  }
  const bool may_hold = known ? holds == Holds::kRows : membership.part == kHome;
  return may_hold ? absl::OkStatus() : CheckHoldsNothing();
}

absl::Status LocalPart::CheckHoldsNothing() const {
  const store::Reader reader = store_.Latest();
  for (size_t family = 0; family < store::kFamilies; ++family) {
    if (!store::HasSlots(static_cast<Family>(family))) continue;
    const auto rows = reader.Scan(static_cast<Family>(family), "", "");
    UNIRUST_RETURN_IF_ERROR(rows->status());
    if (!rows->Valid()) continue;
    return absl::FailedPreconditionError(
        "it holds records that are not of this store; only an empty directory becomes a part");
  }
  return absl::OkStatus();
}

std::string RestoreTogether() {
  return "Restore all parts from one backup: `unirust backups` of the home part's directory says "
         "which of theirs belong to it";
}

absl::StatusOr<Position> LocalPart::Join(const Membership& membership, EpochId home, Holds holds) {
  MutexLock writing(writing_);
  UNIRUST_RETURN_IF_ERROR(CheckMembership(membership, holds));
  EpochId last = this->last();
  if (last.number > home.number) {
    return absl::DataLossError("it has epoch " + std::to_string(last.number) +
                               ", but the last one of the store is " +
                               std::to_string(home.number) +
                               ": the home part is older than this one. " + RestoreTogether());
  }
  if (last.number == home.number && last != home) return WentSeparateWays(last);
  std::string value;
  AppendBig32(&value, membership.part);
  AppendString(&value, membership.store);
  AppendBig64(&value, membership.session);
  store::Batch batch;
  batch.Put(Family::kMeta, store::kPartKey, value);
  if (holds == Holds::kNothing) last = home;
  if (last != this->last()) batch.Put(Family::kMeta, kEpochKey, EpochRow(last));
  store_.Commit(std::move(batch));
  if (last != this->last()) Keep(last);
  session_ = membership.session;
  return Position{.epoch = last, .attempt = next_.attempt};
}

absl::Status LocalPart::CheckSession(uint64_t session) const {
  if (session == session_) return absl::OkStatus();
  return absl::AbortedError(
      "it does not belong to this opening of the store: another process has opened the store "
      "since, or another part answers at its address");
}

LocalPart::LocalPart(store::Store& store, std::string backup_dir, EpochId last, uint64_t session)
    : store_(store), backup_dir_(std::move(backup_dir)), session_(session) {
  Keep(last);
}

absl::StatusOr<std::unique_ptr<LocalPart>> LocalPart::Open(store::Store& store,
                                                           std::string backup_dir) {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           store.Latest().Get(Family::kMeta, kEpochKey, &value));
  EpochId last;
  if (found) {
    ByteReader in(value);
    last = {.number = in.Big64(), .tag = in.Big64()};
    if (!in.done()) return store::Damaged(Family::kMeta, kEpochKey);
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::optional<Membership> known, MembershipOf(store));
  return std::unique_ptr<LocalPart>(
      new LocalPart(store, std::move(backup_dir), last, known ? known->session : 0));
}

EpochId LocalPart::last() const {
  MutexLock lock(mutex_);
  return kept_.back().epoch;
}

absl::Status LocalPart::Apply(const Epoch& epoch) {
  std::optional<store::Batch> batch = store::Batch::Decode(epoch.rows);
  if (!batch) return Malformed("the rows of an epoch");
  return ApplyBatch(epoch, *std::move(batch));
}

absl::Status LocalPart::ApplyBatch(const Epoch& epoch, store::Batch batch) {
  MutexLock writing(writing_);
  const EpochId last = this->last();
  const uint64_t number = epoch.id.number;
  if (number < last.number || epoch.id == last) return absl::OkStatus();
  if (number > last.number + 1) {
    return absl::FailedPreconditionError("epoch " + std::to_string(number) +
                                         " cannot be applied: the last one here is " +
                                         std::to_string(last.number));
  }
  if (number == last.number || epoch.after_tag != last.tag) return WentSeparateWays(last);
  batch.Put(Family::kMeta, kEpochKey, EpochRow(epoch.id));
  FaultPoint("part.before_epoch");
  switch (epoch.kind) {
    case EpochKind::kRows:
      store_.Commit(std::move(batch));
      break;
    case EpochKind::kSwitch:
      UNIRUST_RETURN_IF_ERROR(CheckPending());
      UNIRUST_RETURN_IF_ERROR(store_.SwitchGeneration(std::move(batch)).status());
      break;
    case EpochKind::kClear:
      UNIRUST_RETURN_IF_ERROR(store_.Clear(std::move(batch)));
      break;
  }
  FaultPoint("part.applied");
  Keep(epoch.id);
  return absl::OkStatus();
}

void LocalPart::Keep(EpochId epoch) {
  const uint64_t moment = store_.Moment();
  store::Reader reader = store_.Snapshot();
  MutexLock lock(mutex_);
  std::erase_if(watched_, [](const Watched& one) { return one.state.expired(); });
  watched_.push_back({epoch.number, moment, reader.Watch()});
  kept_.push_back({epoch, std::move(reader)});
  if (kept_.size() > limits::kEpochsKept) kept_.pop_front();
}

absl::StatusOr<store::Reader> LocalPart::ReadEpoch(uint64_t epoch) {
  MutexLock lock(mutex_);
  for (const Kept& kept : kept_) {
    if (kept.epoch.number == epoch) return kept.reader;
  }
  return absl::OutOfRangeError("epoch " + std::to_string(epoch) +
                               " cannot be read: the last one is " +
                               std::to_string(kept_.back().epoch.number));
}

absl::StatusOr<store::Reader> LocalPart::ReadLatest() { return store_.Latest(); }

absl::StatusOr<store::Reader> LocalPart::ReadPending() {
  MutexLock writing(writing_);  // the generation must not go meanwhile
  if (store_.HasPending()) return store_.Pending();
  return absl::UnavailableError("this part of the store was started again meanwhile: try again");
}

PartStatus LocalPart::GetStatus() {
  PartStatus out;
  out.epoch = last().number;
  out.version = ProgramVersion();
  return out;
}

absl::Status LocalPart::CheckPending() const {
  if (store_.HasPending()) return absl::OkStatus();
  return absl::FailedPreconditionError("this part of the store has no pending generation");
}

absl::Status LocalPart::TakeStep(PendingStep step, absl::FunctionRef<absl::Status()> body) {
  if (step.attempt < next_.attempt) {
    return absl::FailedPreconditionError("an earlier change of ontology was given up");
  }
  if (step.attempt > next_.attempt) next_ = {.attempt = step.attempt, .number = 0};
  if (step.number < next_.number) return absl::OkStatus();
  if (step.number > next_.number) {
    return absl::FailedPreconditionError("this part of the store lacks steps of the change of "
                                         "ontology");
  }
  UNIRUST_RETURN_IF_ERROR(body());
  ++next_.number;
  return absl::OkStatus();
}

absl::Status LocalPart::BeginGeneration(PendingStep step) {
  MutexLock writing(writing_);
  return TakeStep(step, [&] { return store_.BeginGeneration(); });
}

absl::Status LocalPart::CommitPending(PendingStep step, const std::string& rows) {
  MutexLock writing(writing_);
  return TakeStep(step, [&]() -> absl::Status {
    UNIRUST_RETURN_IF_ERROR(CheckPending());
    std::optional<store::Batch> batch = store::Batch::Decode(rows);
    if (!batch) return Malformed("rows of a pending generation");
    return store_.CommitPending(*std::move(batch));
  });
}

absl::Status LocalPart::SealPending(PendingStep step) {
  MutexLock writing(writing_);
  return TakeStep(step, [&]() -> absl::Status {
    UNIRUST_RETURN_IF_ERROR(CheckPending());
    return store_.SealPending();
  });
}

absl::Status LocalPart::DropPending(PendingStep step) {
  MutexLock writing(writing_);
  return TakeStep(step, [&] { return store_.DropPending(); });
}

absl::StatusOr<uint64_t> LocalPart::ForgetBefore(uint64_t epoch) {
  MutexLock lock(mutex_);
  const uint64_t last = kept_.back().epoch.number;
  if (last < epoch) {
    return absl::FailedPreconditionError("it has epoch " + std::to_string(last) + ", not " +
                                         std::to_string(epoch) + " yet");
  }
  while (kept_.front().epoch.number < epoch) kept_.pop_front();
  return std::find_if(watched_.begin(), watched_.end(),
                      [&](const Watched& one) {
                        return one.epoch >= epoch && !one.state.expired();
                      })
      ->moment;
}

absl::Status LocalPart::Rewrite(uint64_t epoch, const std::function<bool()>& stop) {
  if (rewriting_.exchange(true)) {
    return absl::UnavailableError("its files are being made anew already: try again later");
  }
  const auto in_turn = [this](const std::function<absl::Status()>& work) {
    MutexLock writing(writing_);
    return work();
  };
  const absl::StatusOr<uint64_t> moment = ForgetBefore(epoch);
  const absl::Status status =
      moment.ok() ? store_.Rewrite(*moment, in_turn, stop) : moment.status();
  rewriting_ = false;
  return status;
}

// --- copies ----------------------------------------------------------------------------------------

std::string LocalPart::BackupsDir() const { return backup_dir_ + "/" + store::kBackupsName; }

absl::StatusOr<uint32_t> LocalPart::Backup(const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(store::MakeBackupDir(backup_dir_, "backups"));
  UNIRUST_ASSIGN_OR_RETURN(const BackupInfo made,
                           store_.Backup({.dir = BackupsDir(), .keep = kAllBackups}, stop));
  Log(LogLevel::kInfo, "backup " + std::to_string(made.id) + " of this part below " + backup_dir_,
      {{"bytes", made.bytes}});
  return made.id;
}

absl::StatusOr<std::string> LocalPart::Checkpoint(const std::string& name) {
  MutexLock lock(checkpointing_);
  UNIRUST_RETURN_IF_ERROR(store::MakeBackupDir(backup_dir_, "checkpoints"));
  UNIRUST_RETURN_IF_ERROR(DropCheckpoint(name));
  const std::string dir = backup_dir_ + "/" + name;
  UNIRUST_RETURN_IF_ERROR(store_.Checkpoint(dir));
  return dir;
}

absl::Status LocalPart::DropCheckpoint(const std::string& name) const {
  if (!store::IsCheckpointName(name)) {
    return absl::InvalidArgumentError("'" + name + "' is not a checkpoint name");
  }
  const std::string dir = backup_dir_ + "/" + name;
  std::error_code error;
  if (store::Store::Exists(dir)) std::filesystem::remove_all(dir, error);
  if (!error && !std::filesystem::exists(dir)) return absl::OkStatus();
  return absl::FailedPreconditionError(dir + " is in the way of a checkpoint: remove it");
}

absl::Status LocalPart::DropCopies(const UnwantedCopies& unwanted) {
  if (backup_dir_.empty()) return absl::OkStatus();
  UNIRUST_RETURN_IF_ERROR(store::DropBackups(BackupsDir(), [&](uint32_t id) {
    const auto is_in = [id](const std::vector<uint32_t>& list) {
      return std::find(list.begin(), list.end(), id) != list.end();
    };
    return is_in(unwanted.backups) || (!unwanted.keep.empty() && !is_in(unwanted.keep));
  }));
  if (unwanted.checkpoint.empty()) return absl::OkStatus();
  MutexLock lock(checkpointing_);
  return DropCheckpoint(unwanted.checkpoint);
}

}  // namespace unirust::cluster
