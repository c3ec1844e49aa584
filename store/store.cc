#include "store/store.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/checkpoint.h>

#include <filesystem>
#include <utility>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "store/rocks_metrics.h"
#include "store/rocks_store.h"

namespace unirust::store {
namespace rdb = rocksdb;

absl::StatusOr<std::shared_ptr<Families>> Store::Impl::CreateGeneration(uint64_t generation) {
  auto families = std::make_shared<Families>(db.get());
  families->generation = generation;
  families->base = fixed;
  families->handles = fixed->handles;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (!IsDerived(family)) continue;
    const std::string name = GenerationFamilyName(family, generation);
    rdb::ColumnFamilyHandle* handle = nullptr;
    UNIRUST_RETURN_IF_ERROR(
        FromRocks(db->CreateColumnFamily(rocks.Of(family), name, &handle), "create " + name));
    families->handles[i] = handle;
    families->owned.push_back(handle);
  }
  return families;
}

absl::Status Store::Impl::DropGeneration(const std::shared_ptr<Families>& families) {
  for (rdb::ColumnFamilyHandle* handle : families->owned) {
    UNIRUST_RETURN_IF_ERROR(
        FromRocks(db->DropColumnFamily(handle), "drop column family " + handle->GetName()));
  }
  return absl::OkStatus();
}

void Store::Impl::Write(Batch batch, const Families& families, bool sync) {
  rdb::WriteBatch rows;
  for (size_t i = 0; i < kFamilies; ++i) {
    Batch::FamilyWrites& family = batch.families_[i];
    family.Sort();
    rdb::ColumnFamilyHandle* handle = families.handles[i];
    for (const Batch::Write& write : family.writes) {
      const rdb::Slice key = Slice(family.Key(write));
      const rdb::Status status = write.remove ? rows.Delete(handle, key)
                                              : rows.Put(handle, key, Slice(family.Value(write)));
      if (!status.ok()) Die(kExitStorage, "cannot gather a commit: " + status.ToString());
    }
  }
  if (sync) return Commit(&rows);
  const rdb::Status status = db->Write({}, &rows);
  if (!status.ok()) CannotWrite(status.ToString());
}

// On disk, and counted, when it returns.
void Store::Impl::Commit(rdb::WriteBatch* rows) {
  std::string number;
  AppendBig64(&number, commits + 1);
  rdb::ColumnFamilyHandle* meta = fixed->handles[static_cast<size_t>(Family::kMeta)];
  rdb::Status status = rows->Put(meta, kCommitsKey, number);
  rdb::WriteOptions sync;
  sync.sync = true;
  if (status.ok()) status = db->Write(sync, rows);
  if (!status.ok()) CannotWrite(status.ToString());
  const absl::Status marked =
      mark->Advance({.commits = ++commits, .sequence = db->GetLatestSequenceNumber()});
  if (!marked.ok()) CannotWrite(std::string(marked.message()));
}

// For an orderly end. What cannot be flushed stays in the logs.
void Store::Impl::FlushLogs() {
  if (mark == nullptr || LogBytes(options.dir) <= limits::kLogBytesLeftMax) return;
  std::shared_ptr<Families> families;
  {
    MutexLock lock(mutex);
    families = current;
  }
  if (families == nullptr) return;
  const std::vector<rdb::ColumnFamilyHandle*> handles(families->handles.begin(),
                                                      families->handles.end());
  rdb::FlushOptions at_once;
  at_once.allow_write_stall = true;  // nobody writes
  const rdb::Status status = db->Flush(at_once, handles);
  if (!status.ok()) {
    Log(LogLevel::kWarning, "the next opening has more to replay: " + status.ToString());
  }
}

void Store::Impl::CannotWrite(const std::string& why) const {
  Die(kExitStorage, "cannot write to data directory " + options.dir + ": " + why +
                        ". Nothing acknowledged is lost; free space or mend the disk, then start "
                        "again");
}

Reader Store::Impl::MakeReader(std::shared_ptr<Families> families, bool snapshot) const {
  auto state = std::make_shared<Reader::State>();
  state->families = std::move(families);
  if (snapshot && !options.read_only) state->snapshot = db->GetSnapshot();
  Reader reader;
  reader.state_ = std::move(state);
  return reader;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() { impl_->FlushLogs(); }

Reader Store::Latest() const {
  MutexLock lock(impl_->mutex);
  return impl_->MakeReader(impl_->current, false);
}

Reader Store::Snapshot() const {
  MutexLock lock(impl_->mutex);
  return impl_->MakeReader(impl_->current, true);
}

void Store::Commit(Batch batch) {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(impl_->mutex);
    families = impl_->current;
  }
  impl_->Write(std::move(batch), *families, true);
}

absl::Status Store::BeginGeneration() {
  UNIRUST_RETURN_IF_ERROR(DropPending());
  UNIRUST_ASSIGN_OR_RETURN(auto families, impl_->CreateGeneration(++impl_->last_generation));
  MutexLock lock(impl_->mutex);
  impl_->pending = std::move(families);
  return absl::OkStatus();
}

Reader Store::Pending() const {
  MutexLock lock(impl_->mutex);
  return impl_->MakeReader(impl_->pending, false);
}

void Store::CommitPending(Batch batch) {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(impl_->mutex);
    families = impl_->pending;
  }
  impl_->Write(std::move(batch), *families, false);
}

void Store::SwitchGeneration(Batch batch) {
  std::shared_ptr<Families> old;
  {
    MutexLock lock(impl_->mutex);
    std::string generation;
    AppendBig64(&generation, impl_->pending->generation);
    batch.Put(Family::kMeta, kGenerationKey, generation);
    if (impl_->options.rebuild) batch.Delete(Family::kMeta, kRebuildingKey);
    impl_->Write(std::move(batch), *impl_->pending, true);
    old = std::exchange(impl_->current, std::exchange(impl_->pending, nullptr));
  }
  const absl::Status dropped = impl_->DropGeneration(old);
  if (!dropped.ok()) Log(LogLevel::kWarning, std::string(dropped.message()));  // the next opening drops it
}

absl::Status Store::DropPending() {
  std::shared_ptr<Families> families;
  {
    MutexLock lock(impl_->mutex);
    families = std::exchange(impl_->pending, nullptr);
  }
  return families == nullptr ? absl::OkStatus() : impl_->DropGeneration(families);
}

absl::Status Store::Clear() {
  rdb::WriteBatch writes;
  std::shared_ptr<Families> families;
  {
    MutexLock lock(impl_->mutex);
    families = impl_->current;
  }
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (family == Family::kMeta || family == Family::kSymbols) continue;
    rdb::Status status = writes.DeleteRange(families->handles[i], rdb::Slice(),
                                            rdb::Slice(std::string(64, '\xFF')));
    UNIRUST_RETURN_IF_ERROR(FromRocks(status, "reset"));
  }
  const Reader reader = Latest();
  const auto meta = reader.Scan(Family::kMeta, "", "");
  for (; meta->Valid(); meta->Next()) {
    if (meta->key() == kStoreKey || meta->key() == kGenerationKey) continue;
    if (meta->key() == kCommitsKey || meta->key() == kClearedKey) continue;
    UNIRUST_RETURN_IF_ERROR(FromRocks(
        writes.Delete(families->handles[static_cast<size_t>(Family::kMeta)], Slice(meta->key())),
        "reset"));
  }
  UNIRUST_RETURN_IF_ERROR(meta->status());
  std::string cleared;
  AppendBig64(&cleared, impl_->commits);
  UNIRUST_RETURN_IF_ERROR(FromRocks(
      writes.Put(families->handles[static_cast<size_t>(Family::kMeta)], kClearedKey, cleared),
      "reset"));
  impl_->Commit(&writes);
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

absl::Status Store::Checkpoint(const std::string& dir) const {
  rdb::Checkpoint* raw = nullptr;
  UNIRUST_RETURN_IF_ERROR(FromRocks(rdb::Checkpoint::Create(impl_->db.get(), &raw), "checkpoint"));
  const std::unique_ptr<rdb::Checkpoint> checkpoint(raw);
  const Acknowledged acknowledged = impl_->mark->acknowledged();
  UNIRUST_RETURN_IF_ERROR(FromRocks(checkpoint->CreateCheckpoint(dir), "checkpoint"));
  absl::Status status = AddMark(dir, acknowledged);
  if (!status.ok()) {  // half a copy is none
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
  }
  return status;
}

absl::Status Store::VerifyChecksums() const {
  const rdb::Status status = impl_->db->VerifyChecksum();
  if (!status.ok()) {
    const std::string tables = TablesThatDoNotOpen(impl_->options.dir);
    if (!tables.empty()) {
      return absl::DataLossError("in data directory " + impl_->options.dir +
                                 " tables are damaged: " + tables + ". Restore a backup");
    }
  }
  return FromRocks(status, "checksums of " + impl_->options.dir);
}

StorageMetrics Store::Metrics() const {
  std::vector<std::shared_ptr<Families>> generations;
  {
    MutexLock lock(impl_->mutex);
    generations.push_back(impl_->current);
    if (impl_->pending != nullptr) generations.push_back(impl_->pending);
  }
  return ReadMetrics(*impl_->db, impl_->rocks, impl_->options.dir, generations);
}

}  // namespace unirust::store
