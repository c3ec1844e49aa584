#include "store/store.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/checkpoint.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_replace.h"
#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/fault_point.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "store/rocks_metrics.h"
#include "store/rocks_store.h"
#include "store/slots.h"

namespace unirust::store {
namespace rdb = rocksdb;

absl::StatusOr<std::shared_ptr<Families>> RocksStore::CreateGeneration(uint64_t generation) {
  auto families = std::make_shared<Families>(db_.get());
  families->generation = generation;
  families->base = fixed_;
  families->handles = fixed_->handles;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (!IsDerived(family)) continue;
    const std::string name = GenerationFamilyName(family, generation);
    rdb::ColumnFamilyHandle* handle = nullptr;
    UNIRUST_RETURN_IF_ERROR(
        FromRocks(db_->CreateColumnFamily(rocks_.Of(family), name, &handle), "create " + name));
    families->handles[i] = handle;
    families->owned.push_back(handle);
    FaultPoint("generation.family_created");
  }
  return families;
}

absl::Status RocksStore::DropGeneration(const std::shared_ptr<Families>& families) {
  for (rdb::ColumnFamilyHandle* handle : families->owned) {
    UNIRUST_RETURN_IF_ERROR(
        FromRocks(db_->DropColumnFamily(handle), "drop column family " + handle->GetName()));
    FaultPoint("generation.family_dropped");
  }
  return absl::OkStatus();
}

void RocksStore::Add(Batch batch, const Families& families, rdb::WriteBatch* rows) {
  batch.VisitSorted([&](Family family, std::string_view key, std::string_view value, bool remove) {
    rdb::ColumnFamilyHandle* handle = families.handles[static_cast<size_t>(family)];
    const rdb::Status status = remove ? rows->Delete(handle, Slice(key))
                                      : rows->Put(handle, Slice(key), Slice(value));
    if (!status.ok()) Die(kExitStorage, "cannot gather a commit: " + status.ToString());
  });
}

void RocksStore::Write(Batch batch, const Families& families, bool sync) {
  rdb::WriteBatch rows;
  Add(std::move(batch), families, &rows);
  if (sync) return CommitRows(&rows);
  const rdb::Status status = db_->Write({}, &rows);
  if (!status.ok()) CannotWrite(status.ToString());
}

// On disk, and counted, when it returns.
void RocksStore::CommitRows(rdb::WriteBatch* rows) {
  std::string number;
  AppendBig64(&number, commits_ + 1);
  rdb::ColumnFamilyHandle* meta = Of(Family::kMeta);
  rdb::Status status = rows->Put(meta, kCommitsKey, number);
  rdb::WriteOptions sync;
  sync.sync = true;
  if (status.ok()) status = db_->Write(sync, rows);
  if (!status.ok()) CannotWrite(status.ToString());
  FaultPoint("commit.synced");
  const absl::Status marked =
      mark_->Advance({.commits = ++commits_, .sequence = db_->GetLatestSequenceNumber()});
  if (!marked.ok()) CannotWrite(std::string(marked.message()));
  FaultPoint("commit.marked");
}

absl::Status RocksStore::FlushAll() {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(mutex_);
    families = current_;
  }
  if (families == nullptr) return absl::OkStatus();
  const std::vector<rdb::ColumnFamilyHandle*> handles(families->handles.begin(),
                                                      families->handles.end());
  rdb::FlushOptions at_once;
  at_once.allow_write_stall = true;  // nobody writes
  return FromRocks(db_->Flush(at_once, handles), "cannot flush " + options_.dir);
}

// For an orderly end. What cannot be flushed stays in the logs.
void RocksStore::FlushLogs() {
  if (mark_ == nullptr || LogBytes(options_.dir) <= limits::kLogBytesLeftMax) return;
  const absl::Status status = FlushAll();
  if (!status.ok()) {
    Log(LogLevel::kWarning, "the next opening has more to replay: " + status.ToString());
  }
}

void RocksStore::CannotWrite(const std::string& why) const {
  Die(kExitStorage, "cannot write to data directory " + options_.dir + ": " + why +
                        ". Nothing acknowledged is lost; free space or mend the disk, then start "
                        "again");
}

Reader RocksStore::MakeReader(std::shared_ptr<Families> families, bool snapshot) const {
  const rdb::Snapshot* const pinned =
      snapshot && !options_.read_only ? db_->GetSnapshot() : nullptr;
  return Reader(std::make_shared<RocksState>(std::move(families), pinned));
}

Reader RocksStore::Latest() const {
  MutexLock lock(mutex_);
  return MakeReader(current_, false);
}

Reader RocksStore::Snapshot() const {
  MutexLock lock(mutex_);
  return MakeReader(current_, true);
}

void RocksStore::Commit(Batch batch) {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(mutex_);
    families = current_;
  }
  Write(std::move(batch), *families, true);
}

absl::Status RocksStore::BeginGeneration() {
  UNIRUST_RETURN_IF_ERROR(DropPending());
  UNIRUST_ASSIGN_OR_RETURN(auto families, CreateGeneration(++last_generation_));
  FaultPoint("generation.begun");
  MutexLock lock(mutex_);
  pending_ = std::move(families);
  return absl::OkStatus();
}

bool RocksStore::HasPending() const {
  MutexLock lock(mutex_);
  return pending_ != nullptr;
}

Reader RocksStore::Pending() const {
  MutexLock lock(mutex_);
  return MakeReader(pending_, false);
}

absl::Status RocksStore::CommitPending(Batch batch) {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(mutex_);
    families = pending_;
  }
  Write(std::move(batch), *families, false);
  FaultPoint("generation.filled");
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> RocksStore::SwitchGeneration(Batch batch) {
  std::shared_ptr<Families> old;
  uint64_t number = 0;
  {
    MutexLock lock(mutex_);
    std::string generation;
    number = pending_->generation;
    AppendBig64(&generation, number);
    batch.Put(Family::kMeta, kGenerationKey, generation);
    batch.Delete(Family::kMeta, kSealedKey);
    if (options_.rebuild) batch.Delete(Family::kMeta, kRebuildingKey);
    FaultPoint("generation.before_switch");
    Write(std::move(batch), *pending_, true);
    FaultPoint("generation.switched");
    old = std::exchange(current_, std::exchange(pending_, nullptr));
  }
  const absl::Status dropped = DropGeneration(old);
  if (!dropped.ok()) Log(LogLevel::kWarning, std::string(dropped.message()));  // the next opening drops it
  return number;
}

absl::Status RocksStore::DropPending() {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(mutex_);
    families = std::exchange(pending_, nullptr);
  }
  if (families == nullptr) return absl::OkStatus();
  std::string ignored;
  UNIRUST_ASSIGN_OR_RETURN(const bool sealed, GetMeta(kSealedKey, &ignored));
  if (sealed) {  // before its families: an opening finds all of them, or no mention
    rdb::WriteBatch unsealed;
    UNIRUST_RETURN_IF_ERROR(FromRocks(unsealed.Delete(Of(Family::kMeta), kSealedKey), "unseal"));
    CommitRows(&unsealed);
  }
  return DropGeneration(families);
}

absl::Status RocksStore::SealPending() {
  std::string number;
  {
    MutexLock lock(mutex_);
    if (pending_ == nullptr) return absl::FailedPreconditionError("no generation is pending");
    AppendBig64(&number, pending_->generation);
  }
  rdb::WriteBatch sealed;  // synced, and with it what was written before
  UNIRUST_RETURN_IF_ERROR(FromRocks(sealed.Put(Of(Family::kMeta), kSealedKey, number), "seal"));
  FaultPoint("generation.before_seal");
  CommitRows(&sealed);
  FaultPoint("generation.sealed");
  return absl::OkStatus();
}

absl::Status RocksStore::Clear(Batch batch) {
  rdb::WriteBatch writes;
  std::shared_ptr<Families> families;
  {
    MutexLock lock(mutex_);
    families = current_;
  }
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (!HasSlots(family)) continue;
    rdb::Status status = writes.DeleteRange(families->handles[i], rdb::Slice(),
                                            rdb::Slice(std::string(64, '\xFF')));
    UNIRUST_RETURN_IF_ERROR(FromRocks(status, "reset"));
  }
  const Reader reader = Latest();
  const auto meta = reader.Scan(Family::kMeta, "", "");
  for (; meta->Valid(); meta->Next()) {
    if (meta->key() == kStoreKey || meta->key() == kGenerationKey) continue;
    if (meta->key() == kCommitsKey || meta->key() == kClearedKey) continue;
    if (meta->key() == kPartKey) continue;
    UNIRUST_RETURN_IF_ERROR(FromRocks(
        writes.Delete(families->handles[static_cast<size_t>(Family::kMeta)], Slice(meta->key())),
        "reset"));
  }
  UNIRUST_RETURN_IF_ERROR(meta->status());
  std::string cleared;
  AppendBig64(&cleared, commits_);
  UNIRUST_RETURN_IF_ERROR(FromRocks(
      writes.Put(families->handles[static_cast<size_t>(Family::kMeta)], kClearedKey, cleared),
      "reset"));
  Add(std::move(batch), *families, &writes);
  CommitRows(&writes);
  return absl::OkStatus();
}

absl::Status AddMark(const std::string& dir, const Acknowledged& acknowledged) {
  UNIRUST_ASSIGN_OR_RETURN(const KnownFiles files, LookAtFiles(dir, acknowledged.sequence));
  UNIRUST_ASSIGN_OR_RETURN(const auto mark,
                           CommitMark::Open(dir, CommitMark::IfAbsent::kCreate));
  UNIRUST_RETURN_IF_ERROR(mark->SetFiles(files));
  UNIRUST_RETURN_IF_ERROR(mark->Advance(acknowledged));
  return SyncDirectory(dir + "/..");
}

absl::Status RocksStore::Checkpoint(const std::string& dir) const {
  rdb::Checkpoint* raw = nullptr;
  UNIRUST_RETURN_IF_ERROR(FromRocks(rdb::Checkpoint::Create(db_.get(), &raw), "checkpoint"));
  const std::unique_ptr<rdb::Checkpoint> checkpoint(raw);
  const Acknowledged acknowledged = mark_->acknowledged();
  UNIRUST_RETURN_IF_ERROR(FromRocks(checkpoint->CreateCheckpoint(dir), "checkpoint"));
  FaultPoint("checkpoint.linked");
  absl::Status status = AddMark(dir, acknowledged);
  if (!status.ok()) {  // half a copy is none
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
  }
  FaultPoint("checkpoint.marked");
  return status;
}

absl::Status RocksStore::VerifyChecksums() const {
  if (image_ == nullptr) return VerifyChecksumsIn(options_.dir);
  UNIRUST_RETURN_IF_ERROR(image_->Show());
  const absl::Status status = VerifyChecksumsIn(image_->path());
  image_->Hide();
  // The files of an image are those of the directory.
  return {status.code(), absl::StrReplaceAll(status.message(), {{image_->path(), options_.dir}})};
}

absl::Status RocksStore::VerifyChecksumsIn(const std::string& dir) const {
  const rdb::Status status = db_->VerifyChecksum();
  if (!status.ok()) {
    const std::string tables = TablesThatDoNotOpen(dir, env_.get());
    if (!tables.empty()) {
      return absl::DataLossError("in data directory " + options_.dir +
                                 " tables are damaged: " + tables + ". Restore a backup");
    }
  }
  return FromRocks(status, "checksums of " + options_.dir);
}

StorageMetrics RocksStore::Metrics() const {
  std::vector<std::shared_ptr<Families>> generations;
  {
    MutexLock lock(mutex_);
    generations.push_back(current_);
    if (pending_ != nullptr) generations.push_back(pending_);
  }
  return ReadMetrics(*db_, rocks_, options_.dir, generations);
}

}  // namespace unirust::store
