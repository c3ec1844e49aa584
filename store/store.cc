#include "store/store.h"

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/utilities/checkpoint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "store/commit_mark.h"
#include "store/rocks_log.h"
#include "store/rocks_metrics.h"
#include "store/rocks_options.h"
#include "store/rocks_reader.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

constexpr uint32_t kFormatVersion = 1;
constexpr char kStoreKey[] = "store";            // format version, shard id, store id
constexpr char kGenerationKey[] = "generation";  // of the derived families
constexpr char kCommitsKey[] = "commits";        // how many there were, this one with them

// True if the directory is open elsewhere, in this process or in another: RocksDB tells only in words.
bool IsInUse(const rdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("lock hold by current process") != std::string::npos ||
                                text.find("While lock file") != std::string::npos);
}

// A whole, durable copy has a mark of its own.
absl::Status AddMark(const std::string& dir, uint64_t commits) {
  UNIRUST_ASSIGN_OR_RETURN(const auto mark,
                           CommitMark::Open(dir, CommitMark::IfAbsent::kCreate));
  UNIRUST_RETURN_IF_ERROR(mark->Advance(commits));
  return SyncDirectory(dir + "/..");
}

std::string GenerationFamilyName(Family family, uint64_t generation) {
  return std::string(FamilyName(family)) + "@" + std::to_string(generation);
}

}  // namespace

struct Store::Impl {
  explicit Impl(StoreOptions store_options)
      : options(std::move(store_options)), rocks(options.memory_budget_bytes) {}
  ~Impl() {
    current.reset();
    pending.reset();
    fixed.reset();
    for (const auto& [name, handle] : found) db->DestroyColumnFamilyHandle(handle);
    if (db != nullptr) db->Close();
  }

  absl::Status OpenDb();
  absl::StatusOr<std::vector<std::string>> ListFamilies() const;
  absl::Status CheckNotForeign() const;
  absl::Status OpenMark(const std::vector<std::string>& names);
  absl::Status OpenFamilies(const std::vector<std::string>& names);
  absl::Status CheckIdentity();
  absl::Status CheckCommits();
  absl::Status ChooseGeneration();
  absl::StatusOr<std::shared_ptr<Families>> CreateGeneration(uint64_t generation);
  absl::Status DropGeneration(const std::shared_ptr<Families>& families);
  void Write(Batch batch, const Families& families, bool sync);
  void Commit(rdb::WriteBatch* rows);
  [[noreturn]] void CannotWrite(const std::string& why) const;
  Reader MakeReader(std::shared_ptr<Families> families, bool snapshot) const;

  StoreOptions options;
  const RocksOptions rocks;
  LogGaps log_gaps;
  std::unique_ptr<CommitMark> mark;
  std::unique_ptr<rdb::DB> db;
  uint64_t commits = 0;  // the committing thread's
  std::shared_ptr<Families> fixed;  // not derived
  std::map<std::string, rdb::ColumnFamilyHandle*> found;  // derived ones found at opening, until chosen or dropped
  uint64_t last_generation = 0;
  mutable Mutex mutex;
  std::shared_ptr<Families> current ABSL_GUARDED_BY(mutex);
  std::shared_ptr<Families> pending ABSL_GUARDED_BY(mutex);
};

absl::Status Store::Impl::OpenDb() {
  if (mkdir(options.dir.c_str(), 0777) == 0) {
    UNIRUST_RETURN_IF_ERROR(SyncDirectory(options.dir + "/.."));
  } else if (errno != EEXIST) {
    return absl::PermissionDeniedError("cannot create data directory " + options.dir + ": " +
                                       std::strerror(errno));
  }
  if (access(options.dir.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError("data directory " + options.dir +
                                       " must be readable and writable: " + std::strerror(errno));
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFamilies());
  UNIRUST_RETURN_IF_ERROR(OpenMark(names));
  UNIRUST_RETURN_IF_ERROR(OpenFamilies(names));
  UNIRUST_RETURN_IF_ERROR(CheckCommits());
  UNIRUST_RETURN_IF_ERROR(CheckIdentity());
  return ChooseGeneration();
}

// None in a new directory.
absl::StatusOr<std::vector<std::string>> Store::Impl::ListFamilies() const {
  struct stat info {};
  const std::string path = options.dir + "/CURRENT";
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::vector<std::string>();
    return absl::InternalError("cannot read " + path + ": " + std::strerror(errno));
  }
  std::vector<std::string> names;
  const rdb::Status listed = rdb::DB::ListColumnFamilies(rocks.Db(), options.dir, &names);
  UNIRUST_RETURN_IF_ERROR(FromRocks(listed, "cannot read data directory " + options.dir));
  return names;
}

// The mark comes before anything that RocksDB makes: no store is ever without it.
absl::Status Store::Impl::OpenMark(const std::vector<std::string>& names) {
  const bool created =
      std::find(names.begin(), names.end(), FamilyName(Family::kMeta)) != names.end();
  if (!names.empty() && !created) UNIRUST_RETURN_IF_ERROR(CheckNotForeign());
  UNIRUST_ASSIGN_OR_RETURN(
      mark, CommitMark::Open(options.dir, created ? CommitMark::IfAbsent::kRefuse
                                                  : CommitMark::IfAbsent::kCreate));
  if (!created && mark->commits() > 0) {
    return absl::DataLossError("data directory " + options.dir +
                               " held a store, and its file CURRENT or what this names is gone. "
                               "Restore a checkpoint");
  }
  return absl::OkStatus();
}

// A database without our families is one of ours whose creation was cut short, or another program's. Ours has no rows
// in the default family.
absl::Status Store::Impl::CheckNotForeign() const {
  rdb::DB* raw = nullptr;
  const rdb::Status status = rdb::DB::OpenForReadOnly(rocks.Db(), options.dir, &raw);
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot open data directory " + options.dir));
  const std::unique_ptr<rdb::DB> foreign(raw);
  const std::unique_ptr<rdb::Iterator> rows(foreign->NewIterator({}));
  rows->SeekToFirst();
  if (!rows->Valid()) return FromRocks(rows->status(), "read");
  return absl::FailedPreconditionError("data directory " + options.dir +
                                       " holds the database of another program, not unirust's");
}

absl::Status Store::Impl::OpenFamilies(const std::vector<std::string>& names) {
  std::vector<rdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rdb::kDefaultColumnFamilyName, rocks.Of(Family::kMeta));
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (IsDerived(family)) {
      for (const std::string& name : names) {
        if (name.rfind(std::string(FamilyName(family)) + "@", 0) == 0) {
          descriptors.emplace_back(name, rocks.Of(family));
        }
      }
    } else {
      descriptors.emplace_back(FamilyName(family), rocks.Of(family));
    }
  }
  for (const std::string& name : names) {
    const bool known = std::any_of(descriptors.begin(), descriptors.end(),
                                   [&](const auto& d) { return d.name == name; });
    if (!known) {
      return absl::FailedPreconditionError(
          "data directory " + options.dir + " has a column family '" + name +
          "' that this program does not know: it was written by a newer one or is not unirust's");
    }
  }
  std::vector<rdb::ColumnFamilyHandle*> handles;
  rdb::DB* raw = nullptr;
  rdb::Options db_options = rocks.Db();
  db_options.wal_filter = &log_gaps;
  const rdb::Status status = rdb::DB::Open(db_options, options.dir, descriptors, &handles, &raw);
  if (IsInUse(status)) return InUse(options.dir);
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot open data directory " + options.dir));
  db.reset(raw);
  fixed = std::make_shared<Families>(raw);
  for (rdb::ColumnFamilyHandle* handle : handles) {
    bool ours = false;
    for (size_t i = 0; i < kFamilies && !ours; ++i) {
      ours = !IsDerived(static_cast<Family>(i)) &&
             handle->GetName() == FamilyName(static_cast<Family>(i));
      if (ours) fixed->handles[i] = handle;
    }
    if (ours || handle->GetName() == rdb::kDefaultColumnFamilyName) {
      fixed->owned.push_back(handle);
    } else {
      found[handle->GetName()] = handle;
    }
  }
  return absl::OkStatus();
}

absl::Status Store::Impl::CheckIdentity() {
  rdb::ColumnFamilyHandle* meta = fixed->handles[static_cast<size_t>(Family::kMeta)];
  std::string value;
  const rdb::Status status = db->Get({}, meta, kStoreKey, &value);
  if (status.IsNotFound()) {
    std::random_device random;
    std::string row;
    AppendBig32(&row, kFormatVersion);
    AppendBig32(&row, options.shard_id);
    for (int i = 0; i < 4; ++i) AppendBig32(&row, random());
    rdb::WriteOptions sync;
    sync.sync = true;
    return FromRocks(db->Put(sync, meta, kStoreKey, row), "cannot write to " + options.dir);
  }
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot read " + options.dir));
  ByteReader in(value);
  const uint32_t version = in.Big32();
  const uint32_t shard = in.Big32();
  if (!in.ok()) return Damaged(Family::kMeta, kStoreKey);
  if (version != kFormatVersion) {
    return absl::FailedPreconditionError(
        "data directory " + options.dir + " has format version " + std::to_string(version) +
        "; this program knows version " + std::to_string(kFormatVersion) +
        ". Use the program that wrote it, or ingest the records anew");
  }
  if (shard != options.shard_id) {
    return absl::FailedPreconditionError("data directory " + options.dir + " is of shard " +
                                         std::to_string(shard) + ", not of shard " +
                                         std::to_string(options.shard_id) +
                                         ": give --shard-id " + std::to_string(shard) +
                                         " or another --data-dir");
  }
  return absl::OkStatus();
}

// What RocksDB recovered against what was acknowledged.
absl::Status Store::Impl::CheckCommits() {
  std::string value;
  const rdb::Status status =
      db->Get({}, fixed->handles[static_cast<size_t>(Family::kMeta)], kCommitsKey, &value);
  if (!status.IsNotFound()) {
    UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot read " + options.dir));
    ByteReader in(value);
    commits = in.Big64();
    if (!in.done()) return Damaged(Family::kMeta, kCommitsKey);
  }
  if (commits >= mark->commits()) return absl::OkStatus();
  return absl::DataLossError(
      "data directory " + options.dir + " holds " + std::to_string(commits) + " commits, but " +
      std::to_string(mark->commits()) +
      " were acknowledged: its newest files are damaged or missing. Restore a checkpoint");
}

absl::Status Store::Impl::ChooseGeneration() {
  rdb::ColumnFamilyHandle* meta = fixed->handles[static_cast<size_t>(Family::kMeta)];
  std::string value;
  uint64_t generation = 0;
  const rdb::Status status = db->Get({}, meta, kGenerationKey, &value);
  if (!status.IsNotFound()) {
    UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot read " + options.dir));
    ByteReader in(value);
    generation = in.Big64();
    if (!in.done()) return Damaged(Family::kMeta, kGenerationKey);
  }
  auto families = std::make_shared<Families>(db.get());
  families->generation = generation;
  families->base = fixed;
  families->handles = fixed->handles;
  size_t chosen = 0;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (!IsDerived(family)) continue;
    const auto it = found.find(GenerationFamilyName(family, generation));
    if (it == found.end()) continue;
    families->handles[i] = it->second;
    families->owned.push_back(it->second);
    found.erase(it);
    ++chosen;
  }
  for (const auto& [name, handle] : found) {  // of a rebuild that never finished
    UNIRUST_RETURN_IF_ERROR(FromRocks(db->DropColumnFamily(handle), "drop " + name));
    db->DestroyColumnFamilyHandle(handle);
  }
  found.clear();
  last_generation = generation;
  if (chosen == 0 && generation == 0) {
    UNIRUST_ASSIGN_OR_RETURN(families, CreateGeneration(0));
  } else if (chosen != families->owned.size() ||
             chosen != kFamilies - static_cast<size_t>(Family::kGroups)) {
    return absl::DataLossError("data directory " + options.dir +
                               " lacks column families of generation " +
                               std::to_string(generation));
  }
  MutexLock lock(mutex);
  current = families;
  return absl::OkStatus();
}

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
  const absl::Status marked = mark->Advance(++commits);
  if (!marked.ok()) CannotWrite(std::string(marked.message()));
}

void Store::Impl::CannotWrite(const std::string& why) const {
  Die(kExitStorage, "cannot write to data directory " + options.dir + ": " + why +
                        ". Nothing acknowledged is lost; free space or mend the disk, then start "
                        "again");
}

Reader Store::Impl::MakeReader(std::shared_ptr<Families> families, bool snapshot) const {
  auto state = std::make_shared<Reader::State>();
  state->families = std::move(families);
  if (snapshot) state->snapshot = db->GetSnapshot();
  Reader reader;
  reader.state_ = std::move(state);
  return reader;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;

bool Store::Exists(const std::string& dir) {
  std::error_code ignored;
  return std::filesystem::exists(dir + "/CURRENT", ignored) ||
         std::filesystem::exists(CommitMark::PathIn(dir), ignored);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  StoreOptions sane = options;
  sane.memory_budget_bytes = std::max(options.memory_budget_bytes, limits::kMemoryBudgetBytesMin);
  auto impl = std::make_unique<Impl>(std::move(sane));
  UNIRUST_RETURN_IF_ERROR(impl->OpenDb());
  return std::unique_ptr<Store>(new Store(std::move(impl)));
}

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
    if (meta->key() == kCommitsKey) continue;
    UNIRUST_RETURN_IF_ERROR(FromRocks(
        writes.Delete(families->handles[static_cast<size_t>(Family::kMeta)], Slice(meta->key())),
        "reset"));
  }
  UNIRUST_RETURN_IF_ERROR(meta->status());
  impl_->Commit(&writes);
  return absl::OkStatus();
}

absl::Status Store::Checkpoint(const std::string& dir) const {
  rdb::Checkpoint* raw = nullptr;
  UNIRUST_RETURN_IF_ERROR(FromRocks(rdb::Checkpoint::Create(impl_->db.get(), &raw), "checkpoint"));
  const std::unique_ptr<rdb::Checkpoint> checkpoint(raw);
  const uint64_t commits = impl_->mark->commits();
  UNIRUST_RETURN_IF_ERROR(FromRocks(checkpoint->CreateCheckpoint(dir), "checkpoint"));
  absl::Status status = AddMark(dir, commits);
  if (!status.ok()) {  // half a copy is none
    std::error_code ignored;
    std::filesystem::remove_all(dir, ignored);
  }
  return status;
}

absl::Status Store::VerifyChecksums() const {
  return FromRocks(impl_->db->VerifyChecksum(), "checksums of " + impl_->options.dir);
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
