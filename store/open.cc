// Store::Open: from a directory to a store that is known to be whole.
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include "base/bytes.h"
#include "base/fault_point.h"
#include "base/files.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/version.h"
#include "store/repair.h"
#include "store/rocks_store.h"
#include "store/slots.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

constexpr uint32_t kFormatVersion = 7;
constexpr uint32_t kFormatVersionMin = 6;  // of what is upgraded

// True if the directory is open elsewhere, in this process or in another: RocksDB tells only in words.
bool IsInUse(const rdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("lock hold by current process") != std::string::npos ||
                                text.find("While lock file") != std::string::npos);
}

absl::Status CurrentIsGone(const std::string& dir) {
  return absl::DataLossError("data directory " + dir +
                             " held a store, and its file CURRENT or what this names is gone" +
                             kRestoreOrRepair);
}

absl::Status IsForeign(const std::string& dir) {
  return absl::FailedPreconditionError("data directory " + dir +
                                       " holds the database of another program, not unirust's");
}

absl::StatusOr<bool> HasCurrent(const std::string& dir) {
  const std::string path = dir + "/CURRENT";
  if (access(path.c_str(), F_OK) == 0) return true;
  if (errno == ENOENT) return false;
  return absl::InternalError("cannot read " + path + ": " + std::strerror(errno));
}

absl::Status NotMade(const std::string& dir) {
  return absl::FailedPreconditionError("there is no store in " + dir +
                                       ", or its creation was cut short: nothing can be read");
}

}  // namespace

std::string GenerationFamilyName(Family family, uint64_t generation) {
  return std::string(FamilyName(family)) + "@" + std::to_string(generation);
}

RocksStore::~RocksStore() {
  FlushLogs();
  closing_ = true;
  shrinking_.Join();
  current_.reset();
  pending_.reset();
  fixed_.reset();
  for (const auto& [name, handle] : found_) db_->DestroyColumnFamilyHandle(handle);
  if (db_ != nullptr) db_->Close();
}

absl::Status RocksStore::Load() {
  if (mkdir(options_.dir.c_str(), 0777) == 0) {
    UNIRUST_RETURN_IF_ERROR(SyncDirectory(options_.dir + "/.."));
  } else if (errno != EEXIST) {
    return absl::PermissionDeniedError("cannot create data directory " + options_.dir + ": " +
                                       std::strerror(errno));
  }
  if (access(options_.dir.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError("data directory " + options_.dir +
                                       " must be readable and writable: " + std::strerror(errno));
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<std::string> names, OpenMark());
  FaultPoint("open.marked");
  UNIRUST_RETURN_IF_ERROR(OpenFamilies(options_.dir, names));
  FaultPoint("open.recovered");
  UNIRUST_RETURN_IF_ERROR(CheckCommits());
  for (const std::string& loss : Losses(options_.dir)) Log(LogLevel::kInfo, loss);
  UNIRUST_RETURN_IF_ERROR(CheckIdentity());
  if (options_.rebuild) UNIRUST_RETURN_IF_ERROR(CheckIsWhole());
  UNIRUST_RETURN_IF_ERROR(options_.rebuild ? EmptyIndexes() : CheckRebuilding());
  FaultPoint("open.checked");
  UNIRUST_RETURN_IF_ERROR(ChooseGeneration());
  FaultPoint("open.chosen");
  UNIRUST_RETURN_IF_ERROR(Upgrade());
  if (!replays_) return absl::OkStatus();
  MutexLock lock(mutex_);
  shrinking_ = Thread("shrink_buffers", [this, families = current_] { ShrinkBuffers(families); });
  return absl::OkStatus();
}

// Write buffers that took in what was replayed. RocksDB writes files for each change of options: nobody waits for that.
void RocksStore::ShrinkBuffers(std::shared_ptr<Families> families) {
  for (size_t i = 0; i < kFamilies && !closing_; ++i) {
    const std::string bytes = std::to_string(rocks_.WriteBufferBytesOf(static_cast<Family>(i)));
    const rdb::Status status =
        db_->SetOptions(families->handles[i], {{"write_buffer_size", bytes}});
    FaultPoint("open.buffer_shrunk");
    if (status.ok()) continue;
    Log(LogLevel::kWarning,
        std::string(FamilyName(static_cast<Family>(i))) +
            ": write buffers stay as large as for the replay of logs: " + status.ToString());
  }
}

absl::Status RocksStore::OpenImage(const std::string& image, const KnownFiles& known) {
  UNIRUST_ASSIGN_OR_RETURN(const KnownManifest manifest,
                           CheckFiles(image, options_.dir, known, acknowledged_.sequence));
  LookBelow(image, known, manifest);
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFamilies(image));
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    const bool there = std::find(names.begin(), names.end(), FamilyName(family)) != names.end();
    if (!there && !IsDerived(family) && family != Family::kOutbox) return NotMade(options_.dir);
  }
  UNIRUST_RETURN_IF_ERROR(OpenFamilies(image, names));
  UNIRUST_RETURN_IF_ERROR(CheckCommits());
  UNIRUST_RETURN_IF_ERROR(CheckIdentity());
  UNIRUST_RETURN_IF_ERROR(CheckRebuilding());
  return ChooseGeneration();
}

absl::StatusOr<std::vector<std::string>> RocksStore::ListFamilies(
    const std::string& dir) const {
  std::vector<std::string> names;
  rdb::Options options = rocks_.Db();
  if (env_ != nullptr) options.env = env_.get();
  rdb::Status listed = rdb::DB::ListColumnFamilies(options, dir, &names);
  if (listed.IsCorruption() && files_ != nullptr) {  // not in what is known: that was compared
    files_->ReadKnownOnly();
    listed = rdb::DB::ListColumnFamilies(options, dir, &names);
  }
  UNIRUST_RETURN_IF_ERROR(FromRocks(listed, "cannot read data directory " + options_.dir));
  return names;
}

void RocksStore::LookBelow(const std::string& dir, const KnownFiles& known,
                            const std::optional<KnownManifest>& manifest) {
  log_replay_.Expect(known.logs, acknowledged_.sequence);
  files_ = std::make_shared<MarkingFileSystem>(dir, mark_.get(), &log_replay_, manifest);
  env_ = rdb::NewCompositeEnv(files_);
  // What is not known was written when the power failed, and nothing was built upon it; or the mark is an old one.
  if (manifest && !GoesOnWhole(ManifestPath(dir, manifest->number), manifest->bytes)) {
    files_->ReadKnownOnly();
  }
}

// The mark comes before anything that RocksDB makes: no store is ever without it. A database without our families is
// one of ours whose creation was cut short if it has a mark, else another program's.
absl::StatusOr<std::vector<std::string>> RocksStore::OpenMark() {
  UNIRUST_ASSIGN_OR_RETURN(const bool made, HasCurrent(options_.dir));
  if (made && access(CommitMark::PathIn(options_.dir).c_str(), F_OK) != 0) {
    UNIRUST_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFamilies(options_.dir));
    const bool ours =
        std::find(names.begin(), names.end(), FamilyName(Family::kMeta)) != names.end();
    if (!ours) return IsForeign(options_.dir);
  }
  UNIRUST_ASSIGN_OR_RETURN(
      mark_, CommitMark::Open(options_.dir, made ? CommitMark::IfAbsent::kRefuse
                                               : CommitMark::IfAbsent::kCreate));
  acknowledged_ = mark_->acknowledged();
  const KnownFiles known = mark_->files();
  if (!made) {
    if (acknowledged_.commits > 0) return CurrentIsGone(options_.dir);
    LookBelow(options_.dir, known, std::nullopt);
    return std::vector<std::string>();
  }
  UNIRUST_ASSIGN_OR_RETURN(
      const KnownManifest manifest,
      CheckFiles(options_.dir, options_.dir, known, acknowledged_.sequence));
  // From now on CURRENT may name no MANIFEST but this one and the next.
  UNIRUST_RETURN_IF_ERROR(SyncDirectory(options_.dir));
  LookBelow(options_.dir, known, manifest);
  return ListFamilies(options_.dir);
}

// RocksDB blames the MANIFEST for tables that it names, and no file for logs.
absl::Status RocksStore::WhyNotOpen(const std::string& dir, const rdb::Status& status) const {
  if (IsInUse(status)) return InUse(options_.dir);
  if (status.IsCorruption()) {
    UNIRUST_RETURN_IF_ERROR(log_replay_.Check(options_.dir));
    const std::string missing = files_->missing_table();
    const std::string tables = missing.empty() ? TablesThatDoNotOpen(dir, env_.get()) : missing;
    if (!tables.empty()) {
      return absl::DataLossError("in data directory " + options_.dir + " tables are " +
                                 (missing.empty() ? "damaged: " : "missing: ") + tables +
                                 ". Restore a backup");
    }
  }
  return FromRocks(status, "cannot open data directory " + options_.dir);
}

namespace {

constexpr uint64_t kMuchToReplay = limits::kLogBytesMax / 8;

uint64_t LogBytes(const std::string& dir) {
  uint64_t out = 0;
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(dir, ignored)) {
    if (file.path().extension() == ".log") out += file.file_size(ignored);
  }
  return out;
}

}  // namespace

rdb::ColumnFamilyOptions RocksStore::OptionsOf(Family family) const {
  return replays_ ? rocks_.OfReplay(family) : rocks_.Of(family);
}

absl::Status RocksStore::OpenFamilies(const std::string& dir,
                                        const std::vector<std::string>& names) {
  replays_ = !options_.read_only && LogBytes(dir) > kMuchToReplay;
  std::vector<rdb::ColumnFamilyDescriptor> descriptors;
  descriptors.emplace_back(rdb::kDefaultColumnFamilyName, OptionsOf(Family::kMeta));
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (IsDerived(family)) {
      for (const std::string& name : names) {
        if (name.rfind(std::string(FamilyName(family)) + "@", 0) == 0) {
          descriptors.emplace_back(name, OptionsOf(family));
        }
      }
    } else if (!options_.read_only ||
               std::find(names.begin(), names.end(), FamilyName(family)) != names.end()) {
      descriptors.emplace_back(FamilyName(family), OptionsOf(family));
    }
  }
  for (const std::string& name : names) {
    const bool known = std::any_of(descriptors.begin(), descriptors.end(),
                                   [&](const auto& d) { return d.name == name; });
    if (!known) {
      return absl::FailedPreconditionError(
          "data directory " + options_.dir + " has a column family '" + name +
          "' that this program does not know: it was written by a newer one or is not unirust's");
    }
  }
  std::vector<rdb::ColumnFamilyHandle*> handles;
  rdb::DB* raw = nullptr;
  rdb::Options db_options = options_.read_only ? rocks_.ReadOnlyDb() : rocks_.Db();
  db_options.wal_filter = &log_replay_;
  db_options.env = env_.get();
  const rdb::Status status =
      options_.read_only ? rdb::DB::OpenForReadOnly(db_options, dir, descriptors, &handles, &raw)
                        : rdb::DB::Open(db_options, dir, descriptors, &handles, &raw);
  if (!status.ok()) return WhyNotOpen(dir, status);
  db_.reset(raw);
  files_->Opened(raw);
  fixed_ = std::make_shared<Families>(raw);
  for (rdb::ColumnFamilyHandle* handle : handles) {
    bool ours = false;
    for (size_t i = 0; i < kFamilies && !ours; ++i) {
      ours = !IsDerived(static_cast<Family>(i)) &&
             handle->GetName() == FamilyName(static_cast<Family>(i));
      if (ours) fixed_->handles[i] = handle;
    }
    if (ours || handle->GetName() == rdb::kDefaultColumnFamilyName) {
      fixed_->owned.push_back(handle);
    } else {
      found_[handle->GetName()] = handle;
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> RocksStore::GetMeta(const char* key, std::string* value) const {
  const rdb::Status status =
      db_->Get({}, Of(Family::kMeta), key, value);
  if (status.IsNotFound()) return false;
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot read " + options_.dir));
  return true;
}

std::string IdentityIn(std::string_view store_row) {
  std::string out;
  AppendBig32(&out, kFormatVersionMin);
  return out.append(store_row.substr(out.size()));
}

absl::Status RocksStore::MakeIdentity() {
  std::random_device random;
  std::string row;
  AppendBig32(&row, kFormatVersion);
  AppendBig32(&row, options_.shard_id);
  for (int i = 0; i < 4; ++i) AppendBig32(&row, random());
  identity_ = IdentityIn(row);
  rdb::WriteOptions sync;
  sync.sync = true;
  rdb::ColumnFamilyHandle* meta = Of(Family::kMeta);
  return FromRocks(db_->Put(sync, meta, kStoreKey, row), "cannot write to " + options_.dir);
}

absl::Status RocksStore::CheckIdentity() {
  std::string row;
  UNIRUST_ASSIGN_OR_RETURN(const bool made, GetMeta(kStoreKey, &row));
  if (!made && options_.read_only) return NotMade(options_.dir);
  if (!made) {
    UNIRUST_RETURN_IF_ERROR(MakeIdentity());
    FaultPoint("open.identified");
    return absl::OkStatus();
  }
  ByteReader in(row);
  const uint32_t version = in.Big32();
  const uint32_t shard = in.Big32();
  if (!in.ok()) return Damaged(Family::kMeta, kStoreKey);
  identity_ = IdentityIn(row);
  if (version < kFormatVersionMin || version > kFormatVersion) {
    return absl::FailedPreconditionError(
        "data directory " + options_.dir + " has format version " + std::to_string(version) +
        "; this program knows versions " + std::to_string(kFormatVersionMin) + " to " +
        std::to_string(kFormatVersion) +
        ". Use the program that wrote it, or ingest the records anew");
  }
  if (shard != options_.shard_id) {
    return absl::FailedPreconditionError("data directory " + options_.dir + " is of shard " +
                                         std::to_string(shard) + ", not of shard " +
                                         std::to_string(options_.shard_id) +
                                         ": give --shard-id " + std::to_string(shard) +
                                         " or another --data-dir");
  }
  return absl::OkStatus();
}

// Every version so far only added to what may be stored: what is there stays as it is.
absl::Status RocksStore::Upgrade() {
  std::string row;
  UNIRUST_RETURN_IF_ERROR(GetMeta(kStoreKey, &row).status());
  const uint32_t version = ByteReader(row).Big32();
  if (version == kFormatVersion) return absl::OkStatus();
  std::string now;
  AppendBig32(&now, kFormatVersion);
  row.replace(0, now.size(), now);
  rdb::WriteOptions sync;
  sync.sync = true;
  UNIRUST_RETURN_IF_ERROR(FromRocks(db_->Put(sync, Of(Family::kMeta), kStoreKey, row),
                                    "cannot write to " + options_.dir));
  FaultPoint("open.upgraded");
  Log(LogLevel::kInfo, "data directory " + options_.dir + " is of format version " +
                           std::to_string(kFormatVersion) + " now, from " +
                           std::to_string(version) + "; older programs refuse it");
  return absl::OkStatus();
}

// What RocksDB recovered against what was acknowledged.
absl::Status RocksStore::CheckCommits() {
  UNIRUST_RETURN_IF_ERROR(log_replay_.Check(options_.dir));
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool counted, GetMeta(kCommitsKey, &value));
  if (counted) {
    ByteReader in(value);
    commits_ = in.Big64();
    if (!in.done()) return Damaged(Family::kMeta, kCommitsKey);
  }
  if (commits_ >= acknowledged_.commits) return absl::OkStatus();
  return absl::DataLossError(
      "data directory " + options_.dir + " holds " + std::to_string(commits_) + " commits, but " +
      std::to_string(acknowledged_.commits) +
      " were acknowledged: its newest files are damaged or missing" + kRestoreOrRepair);
}

absl::Status RocksStore::CheckRebuilding() const {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool rebuilding, GetMeta(kRebuildingKey, &value));
  if (!rebuilding) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "in data directory " + options_.dir + " a rebuild was cut short: run `unirust verify "
      "--rebuild-derived --data-dir " + options_.dir + "` again");
}

absl::Status RocksStore::CheckIsWhole() const {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool part, GetMeta(kPartKey, &value));
  if (!part) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "data directory " + options_.dir +
      " is a part of a store: what it holds cannot be made anew without the other parts");
}

// Families are dropped, not read: their files may be damaged. One that is not there yet when this is cut short is made
// by the next opening.
absl::Status RocksStore::EmptyIndexes() {
  rdb::WriteBatch begin;
  rdb::ColumnFamilyHandle* meta = Of(Family::kMeta);
  UNIRUST_RETURN_IF_ERROR(FromRocks(begin.Put(meta, kRebuildingKey, ""), "rebuild"));
  CommitRows(&begin);
  for (const Family index : {Family::kAttributeValues, Family::kSources}) {
    rdb::ColumnFamilyHandle*& handle = fixed_->handles[static_cast<size_t>(index)];
    UNIRUST_RETURN_IF_ERROR(FromRocks(db_->DropColumnFamily(handle), "drop indexes"));
    std::erase(fixed_->owned, handle);
    db_->DestroyColumnFamilyHandle(std::exchange(handle, nullptr));
    UNIRUST_RETURN_IF_ERROR(FromRocks(
        db_->CreateColumnFamily(rocks_.Of(index), FamilyName(index), &handle), "create indexes"));
    fixed_->owned.push_back(handle);
  }
  return absl::OkStatus();
}

// The number of a generation that a row of `meta` names; `fallback` without the row.
absl::StatusOr<uint64_t> RocksStore::NumberIn(const char* key, uint64_t fallback) const {
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool found, GetMeta(key, &value));
  if (!found) return fallback;
  ByteReader in(value);
  const uint64_t number = in.Big64();
  if (!in.done()) return Damaged(Family::kMeta, key);
  return number;
}

// Of the families found; null if there is none of this generation.
absl::StatusOr<std::shared_ptr<Families>> RocksStore::TakeGeneration(uint64_t generation) {
  auto families = std::make_shared<Families>(db_.get());
  families->generation = generation;
  families->base = fixed_;
  families->handles = fixed_->handles;
  size_t derived = 0;
  for (size_t i = 0; i < kFamilies; ++i) {
    const auto family = static_cast<Family>(i);
    if (!IsDerived(family)) continue;
    ++derived;
    const auto it = found_.find(GenerationFamilyName(family, generation));
    if (it == found_.end()) continue;
    families->handles[i] = it->second;
    families->owned.push_back(it->second);
    found_.erase(it);
  }
  if (families->owned.empty()) return std::shared_ptr<Families>();
  if (families->owned.size() == derived) return families;
  if (commits_ > 0 && !options_.rebuild) return LacksFamilies(generation);
  // The creation of the store was cut short: nothing was ever written to them.
  if (!options_.read_only) UNIRUST_RETURN_IF_ERROR(DropGeneration(families));
  return std::shared_ptr<Families>();
}

absl::Status RocksStore::LacksFamilies(uint64_t generation) const {
  return absl::DataLossError("data directory " + options_.dir +
                             " lacks column families of generation " +
                             std::to_string(generation) +
                             ": MANIFEST or commit-mark is of another time. Restore a backup");
}

absl::Status RocksStore::ChooseGeneration() {
  UNIRUST_ASSIGN_OR_RETURN(last_generation_, NumberIn(kGenerationKey, 0));
  UNIRUST_ASSIGN_OR_RETURN(auto families, TakeGeneration(last_generation_));
  if (families == nullptr) {
    if (options_.read_only) return NotMade(options_.dir);
    if (last_generation_ != 0 && !options_.rebuild) return LacksFamilies(last_generation_);
    UNIRUST_ASSIGN_OR_RETURN(families, CreateGeneration(last_generation_));
  }
  std::shared_ptr<Families> sealed;
  if (!options_.read_only) {
    UNIRUST_ASSIGN_OR_RETURN(const uint64_t number, NumberIn(kSealedKey, last_generation_));
    if (number != last_generation_) {
      UNIRUST_ASSIGN_OR_RETURN(sealed, TakeGeneration(number));
      last_generation_ = number;
    }
    UNIRUST_RETURN_IF_ERROR(DropLeftovers());
  }
  MutexLock lock(mutex_);
  current_ = families;
  pending_ = sealed;
  return absl::OkStatus();
}

// Families of a rebuild that never finished.
absl::Status RocksStore::DropLeftovers() {
  for (const auto& [name, handle] : found_) {
    UNIRUST_RETURN_IF_ERROR(FromRocks(db_->DropColumnFamily(handle), "drop " + name));
    FaultPoint("open.leftover_dropped");
    db_->DestroyColumnFamilyHandle(handle);
  }
  found_.clear();
  return absl::OkStatus();
}

std::vector<PartStatus> Store::Parts() const {
  PartStatus one;
  one.slots = static_cast<uint32_t>(limits::kSlots);
  one.version = ProgramVersion();
  return {one};
}

bool Store::Exists(const std::string& dir) {
  std::error_code ignored;
  return std::filesystem::exists(dir + "/CURRENT", ignored) ||
         std::filesystem::exists(CommitMark::PathIn(dir), ignored);
}

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  return options.read_only ? RocksStore::OpenToRead(options) : RocksStore::OpenToWrite(options);
}

absl::StatusOr<std::unique_ptr<Store>> RocksStore::OpenToWrite(const StoreOptions& options) {
  std::unique_ptr<RocksStore> store(new RocksStore(options));
  UNIRUST_RETURN_IF_ERROR(store->Load());
  return store;
}

// What fails on an image although the shard changed nothing since is no race with it.
absl::StatusOr<std::unique_ptr<Store>> RocksStore::OpenToRead(const StoreOptions& options) {
  if (!Exists(options.dir)) return NotMade(options.dir);
  for (size_t attempt = 1;; ++attempt) {
    std::unique_ptr<RocksStore> store(new RocksStore(options));
    // Before the image: that may lack what is acknowledged after it was taken.
    UNIRUST_ASSIGN_OR_RETURN(const CommitMark::Content before, CommitMark::Read(options.dir));
    store->acknowledged_ = before.acknowledged;
    UNIRUST_ASSIGN_OR_RETURN(const bool made, HasCurrent(options.dir));
    if (!made) {
      return before.acknowledged.commits > 0 ? CurrentIsGone(options.dir) : NotMade(options.dir);
    }
    UNIRUST_ASSIGN_OR_RETURN(store->image_, DirectoryImage::Take(options.dir));
    const DirectoryImage& image = *store->image_;
    UNIRUST_ASSIGN_OR_RETURN(const CommitMark::Content after, CommitMark::Read(options.dir));
    const bool last = attempt == limits::kReadOnlyAttemptsMax;
    if (!last && before.files != after.files) continue;
    const absl::Status status = store->OpenImage(image.path(), before.files);
    if (status.ok()) {
      store->image_->Hide();  // RocksDB holds every file open
      return store;
    }
    if (image.IsCurrent()) return status;
    if (last) {
      return absl::UnavailableError("data directory " + options.dir +
                                    " changes too fast to be read beside the shard: try again");
    }
  }
}

}  // namespace unirust::store
