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
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/exit_codes.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/status_macros.h"
#include "store/rocks_options.h"

namespace unirust::store {
namespace {

namespace rdb = rocksdb;

constexpr uint32_t kFormatVersion = 1;
constexpr char kStoreKey[] = "store";            // format version, shard id, store id
constexpr char kGenerationKey[] = "generation";  // of the derived families

absl::Status FromRocks(const rdb::Status& status, const std::string& what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = what + ": " + status.ToString();
  if (status.IsCorruption()) return absl::DataLossError(message);
  return absl::InternalError(message);
}

// True if the directory is open elsewhere, in this process or in another: RocksDB tells only in words.
bool IsInUse(const rdb::Status& status) {
  const std::string text = status.ToString();
  return status.IsIOError() && (text.find("lock hold by current process") != std::string::npos ||
                                text.find("While lock file") != std::string::npos);
}

std::string GenerationFamilyName(Family family, uint64_t generation) {
  return std::string(FamilyName(family)) + "@" + std::to_string(generation);
}

std::string_view View(const rdb::Slice& slice) { return {slice.data(), slice.size()}; }
rdb::Slice Slice(std::string_view text) { return {text.data(), text.size()}; }

class RocksCursor : public Cursor {
 public:
  RocksCursor(rdb::DB* db, rdb::ColumnFamilyHandle* family, const rdb::Snapshot* snapshot,
              std::string lower, std::string upper)
      : lower_(std::move(lower)),
        upper_(std::move(upper)),
        lower_slice_(lower_),
        upper_slice_(upper_) {
    rdb::ReadOptions options;
    options.snapshot = snapshot;
    options.total_order_seek = true;
    options.iterate_lower_bound = &lower_slice_;
    if (!upper_.empty()) options.iterate_upper_bound = &upper_slice_;
    iterator_.reset(db->NewIterator(options, family));
    iterator_->Seek(lower_);
  }
  bool Valid() const override { return iterator_->Valid(); }
  std::string_view key() const override { return View(iterator_->key()); }
  std::string_view value() const override { return View(iterator_->value()); }
  void Next() override { iterator_->Next(); }
  void Seek(std::string_view key) override {
    iterator_->Seek(Slice(std::max(key, std::string_view(lower_))));
  }
  void Prev() override { iterator_->Prev(); }
  void SeekToLast() override { iterator_->SeekToLast(); }
  absl::Status status() const override { return FromRocks(iterator_->status(), "read"); }

 private:
  std::string lower_;
  std::string upper_;
  rdb::Slice lower_slice_;
  rdb::Slice upper_slice_;
  std::unique_ptr<rdb::Iterator> iterator_;
};

}  // namespace

// The column families of one state; derived ones are of one generation. Handles close when the last reader is gone.
struct Families {
  Families(rdb::DB* database) : db(database) {}
  ~Families() {
    for (rdb::ColumnFamilyHandle* handle : owned) db->DestroyColumnFamilyHandle(handle);
  }
  Families(const Families&) = delete;
  Families& operator=(const Families&) = delete;

  rdb::DB* db;
  uint64_t generation = 0;
  std::array<rdb::ColumnFamilyHandle*, kFamilies> handles{};
  std::vector<rdb::ColumnFamilyHandle*> owned;
  std::shared_ptr<Families> base;  // keeps the handles of the families that are not derived
};

struct Reader::State {
  ~State() {
    if (snapshot != nullptr) families->db->ReleaseSnapshot(snapshot);
  }
  std::shared_ptr<Families> families;
  const rdb::Snapshot* snapshot = nullptr;
};

absl::StatusOr<bool> Reader::Get(Family family, std::string_view key, std::string* value) const {
  rdb::ReadOptions options;
  options.snapshot = state_->snapshot;
  const Families& families = *state_->families;
  const rdb::Status status =
      families.db->Get(options, families.handles[static_cast<size_t>(family)], Slice(key), value);
  if (status.IsNotFound()) return false;
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, std::string("read ") + FamilyName(family)));
  return true;
}

absl::Status Reader::MultiGet(Family family, std::span<const std::string> keys,
                              absl::FunctionRef<void(size_t, std::string_view)> row) const {
  constexpr size_t kAtOnce = 32;  // RocksDB looks up no more in one sweep
  rdb::ReadOptions options;
  options.snapshot = state_->snapshot;
  const Families& families = *state_->families;
  rdb::ColumnFamilyHandle* handle = families.handles[static_cast<size_t>(family)];
  std::array<rdb::Slice, kAtOnce> slices;
  std::array<rdb::PinnableSlice, kAtOnce> values;
  std::array<rdb::Status, kAtOnce> statuses;
  for (size_t first = 0; first < keys.size(); first += kAtOnce) {
    const size_t count = std::min(kAtOnce, keys.size() - first);
    for (size_t i = 0; i < count; ++i) slices[i] = Slice(keys[first + i]);
    families.db->MultiGet(options, handle, count, slices.data(), values.data(), statuses.data(),
                          true);
    for (size_t i = 0; i < count; ++i) {
      if (!statuses[i].IsNotFound()) {
        UNIRUST_RETURN_IF_ERROR(
            FromRocks(statuses[i], std::string("read ") + FamilyName(family)));
        row(first + i, View(values[i]));
      }
      values[i].Reset();
    }
  }
  return absl::OkStatus();
}

std::unique_ptr<Cursor> Reader::Scan(Family family, std::string lower, std::string upper) const {
  const Families& families = *state_->families;
  return std::make_unique<RocksCursor>(families.db, families.handles[static_cast<size_t>(family)],
                                       state_->snapshot, std::move(lower), std::move(upper));
}

std::unique_ptr<Cursor> Reader::ScanPrefix(Family family, std::string_view prefix) const {
  return Scan(family, std::string(prefix), PrefixEnd(prefix));
}

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
  absl::Status CheckNotForeign(const rdb::Options& db_options) const;
  absl::Status OpenFamilies(const rdb::Options& db_options, const std::vector<std::string>& names);
  absl::Status CheckIdentity();
  absl::Status ChooseGeneration();
  absl::StatusOr<std::shared_ptr<Families>> CreateGeneration(uint64_t generation);
  absl::Status DropGeneration(const std::shared_ptr<Families>& families);
  void Write(Batch batch, const Families& families, bool sync);
  Reader MakeReader(std::shared_ptr<Families> families, bool snapshot) const;

  StoreOptions options;
  const RocksOptions rocks;
  std::unique_ptr<rdb::DB> db;
  std::shared_ptr<Families> fixed;  // not derived
  std::map<std::string, rdb::ColumnFamilyHandle*> found;  // derived ones found at opening, until chosen or dropped
  uint64_t last_generation = 0;
  mutable Mutex mutex;
  std::shared_ptr<Families> current ABSL_GUARDED_BY(mutex);
  std::shared_ptr<Families> pending ABSL_GUARDED_BY(mutex);
};

absl::Status Store::Impl::OpenDb() {
  if (mkdir(options.dir.c_str(), 0777) != 0 && errno != EEXIST) {
    return absl::PermissionDeniedError("cannot create data directory " + options.dir + ": " +
                                       std::strerror(errno));
  }
  if (access(options.dir.c_str(), R_OK | W_OK | X_OK) != 0) {
    return absl::PermissionDeniedError("data directory " + options.dir +
                                       " must be readable and writable: " + std::strerror(errno));
  }
  const rdb::Options db_options = rocks.Db();
  std::vector<std::string> names;
  const rdb::Status listed = rdb::DB::ListColumnFamilies(db_options, options.dir, &names);
  if (!listed.ok()) {
    // No CURRENT file: a new directory. Anything else that is there without one is not ours to write into.
    struct stat info {};
    if (stat((options.dir + "/CURRENT").c_str(), &info) == 0) {
      return FromRocks(listed, "cannot read data directory " + options.dir);
    }
    names.clear();
  }
  UNIRUST_RETURN_IF_ERROR(OpenFamilies(db_options, names));
  UNIRUST_RETURN_IF_ERROR(CheckIdentity());
  return ChooseGeneration();
}

// A database without our families is one of ours whose creation was cut short, or another program's. Ours has no rows
// in the default family.
absl::Status Store::Impl::CheckNotForeign(const rdb::Options& db_options) const {
  rdb::DB* raw = nullptr;
  const rdb::Status status = rdb::DB::OpenForReadOnly(db_options, options.dir, &raw);
  UNIRUST_RETURN_IF_ERROR(FromRocks(status, "cannot open data directory " + options.dir));
  const std::unique_ptr<rdb::DB> foreign(raw);
  const std::unique_ptr<rdb::Iterator> rows(foreign->NewIterator({}));
  rows->SeekToFirst();
  if (!rows->Valid()) return FromRocks(rows->status(), "read");
  return absl::FailedPreconditionError("data directory " + options.dir +
                                       " holds the database of another program, not unirust's");
}

absl::Status Store::Impl::OpenFamilies(const rdb::Options& db_options,
                                       const std::vector<std::string>& names) {
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
  const auto meta = std::find(names.begin(), names.end(), FamilyName(Family::kMeta));
  if (!names.empty() && meta == names.end()) {
    UNIRUST_RETURN_IF_ERROR(CheckNotForeign(db_options));
  }
  std::vector<rdb::ColumnFamilyHandle*> handles;
  rdb::DB* raw = nullptr;
  const rdb::Status status = rdb::DB::Open(db_options, options.dir, descriptors, &handles, &raw);
  if (IsInUse(status)) {
    return absl::UnavailableError(
        "data directory " + options.dir +
        " is in use by another process: stop it first, or ask it over --router");
  }
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
  rdb::WriteOptions write_options;
  write_options.sync = sync;
  const rdb::Status status = db->Write(write_options, &rows);
  if (!status.ok()) {
    Die(kExitStorage, "cannot write to data directory " + options.dir + ": " + status.ToString() +
                          ". Nothing acknowledged is lost and nothing of this write is kept; free "
                          "space or mend the disk, then start again");
  }
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
    UNIRUST_RETURN_IF_ERROR(FromRocks(
        writes.Delete(families->handles[static_cast<size_t>(Family::kMeta)], Slice(meta->key())),
        "reset"));
  }
  UNIRUST_RETURN_IF_ERROR(meta->status());
  rdb::WriteOptions sync;
  sync.sync = true;
  return FromRocks(impl_->db->Write(sync, &writes), "reset");
}

absl::Status Store::Checkpoint(const std::string& dir) const {
  rdb::Checkpoint* raw = nullptr;
  UNIRUST_RETURN_IF_ERROR(FromRocks(rdb::Checkpoint::Create(impl_->db.get(), &raw), "checkpoint"));
  const std::unique_ptr<rdb::Checkpoint> checkpoint(raw);
  return FromRocks(checkpoint->CreateCheckpoint(dir), "checkpoint");
}

StorageMetrics Store::Metrics() const {
  StorageMetrics out;
  impl_->db->GetAggregatedIntProperty(rdb::DB::Properties::kNumRunningCompactions,
                                      &out.running_compactions);
  impl_->db->GetAggregatedIntProperty(rdb::DB::Properties::kNumRunningFlushes,
                                      &out.running_flushes);
  out.block_cache_capacity_bytes = impl_->rocks.cache().GetCapacity();
  out.block_cache_usage_bytes = impl_->rocks.cache().GetUsage();
  return out;
}

}  // namespace unirust::store
