// How what was deleted leaves the disk (docs/erasure.md): all tables are compacted, then a new MANIFEST is begun, since
// the one in force names first and last keys of tables that are gone.
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "base/fault_point.h"
#include "base/files.h"
#include "base/sleep.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "store/rocks_store.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
namespace rdb = rocksdb;

constexpr uint64_t kPollMicros = 20'000;
constexpr uint64_t kFilePollMicros = 200'000;  // lists the directory
constexpr size_t kPaddingBytes = kManifestBytesMax / 8;
constexpr size_t kFlushesMax = 8;

absl::Status Stopped() { return absl::CancelledError("the rewrite was stopped"); }

// Names of the files that are not empty and pass.
template <typename Passes>
absl::StatusOr<std::set<std::string>> List(const std::string& dir, const Passes& passes) {
  std::set<std::string> out;
  std::error_code error;
  for (fs::directory_iterator file(dir, error); !error && file != fs::directory_iterator();
       file.increment(error)) {
    std::string name = file->path().filename();
    std::error_code gone;
    if (passes(name) && file->file_size(gone) > 0 && !gone) out.insert(std::move(name));
  }
  if (error) return absl::InternalError("cannot list " + dir + ": " + error.message());
  return out;
}

absl::StatusOr<std::set<std::string>> ListTables(const std::string& dir) {
  return List(dir, [](const std::string& name) { return name.ends_with(".sst"); });
}

absl::StatusOr<std::set<std::string>> ListLogs(const std::string& dir) {
  return List(dir, [](const std::string& name) { return name.ends_with(".log"); });
}

absl::StatusOr<std::set<std::string>> ListManifests(const std::string& dir) {
  return List(dir, [](const std::string& name) { return name.starts_with("MANIFEST-"); });
}

bool AnyIn(const std::set<std::string>& names, const std::set<std::string>& those) {
  for (const std::string& name : names) {
    if (those.contains(name)) return true;
  }
  return false;
}

template <typename Done>
absl::Status Await(uint64_t poll_micros, const Done& done,
                   const std::function<bool()>& stop) {
  while (true) {
    UNIRUST_ASSIGN_OR_RETURN(const bool is_done, done());
    if (is_done) return absl::OkStatus();
    if (stop()) return Stopped();
    SleepMicros(poll_micros);
  }
}

}  // namespace

uint64_t RocksStore::Moment() const { return db_->GetLatestSequenceNumber(); }

absl::Status RocksStore::AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const {
  return Await(
      kPollMicros,
      [&]() -> absl::StatusOr<bool> {
        uint64_t oldest = 0;  // 0: none is held
        if (!db_->GetIntProperty(rdb::DB::Properties::kOldestSnapshotSequence, &oldest)) {
          return absl::InternalError("RocksDB does not tell its oldest snapshot");
        }
        return oldest == 0 || oldest >= moment;
      },
      stop);
}

std::vector<rdb::ColumnFamilyHandle*> RocksStore::FamiliesInUse(
    std::vector<std::shared_ptr<Families>>* keep) const {
  {
    MutexLock lock(mutex_);
    keep->push_back(current_);
    if (pending_ != nullptr) keep->push_back(pending_);
  }
  std::set<rdb::ColumnFamilyHandle*> handles;
  for (const auto& families : *keep) {
    handles.insert(families->handles.begin(), families->handles.end());
  }
  return {handles.begin(), handles.end()};
}

// Each compaction takes all tables that its family has, and makes all anew (rocks_options.cc, NoFilter).
absl::Status RocksStore::Compact(const std::vector<rdb::ColumnFamilyHandle*>& handles,
                                 const std::function<bool()>& stop) {
  std::atomic<bool> done = false;
  std::atomic<bool> stopped = false;
  rdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rdb::BottommostLevelCompaction::kForce;
  rdb::Status status;
  Thread compacting("rewrite", [&] {
    GiveWay();
    for (size_t i = 0; i < handles.size() && status.ok() && !stopped; ++i) {
      status = db_->CompactRange(options, handles[i], nullptr, nullptr);
      if (status.IsColumnFamilyDropped()) status = rdb::Status::OK();  // a change of ontology
    }
    done = true;
  });
  while (!done) {
    if (!stopped && stop()) {
      stopped = true;
      db_->DisableManualCompaction();  // ends it, also where it waits for another compaction
    }
    SleepMicros(kPollMicros);
  }
  compacting.Join();
  if (!stopped) return FromRocks(status, "compact " + options_.dir);
  db_->EnableManualCompaction();
  return Stopped();
}

// Writes the deletion of a row that there never was.
void RocksStore::DeleteNothing(const std::string& key) {
  rdb::WriteOptions sync;
  sync.sync = true;
  const rdb::Status status = db_->Delete(sync, Of(Family::kMeta), key);
  if (!status.ok()) CannotWrite(status.ToString());
}

// RocksDB begins a MANIFEST when the one that there is has grown to kManifestBytesMax. So that it grows,
// tables with a long key are made.
absl::Status RocksStore::BeginManifest() {
  const auto current = [this] { return ReadWholeFile(options_.dir + "/CURRENT"); };
  UNIRUST_ASSIGN_OR_RETURN(const std::string before, current());
  for (size_t n = 0; n < kFlushesMax; ++n) {
    DeleteNothing(std::string(kPaddingBytes, '\xFF'));
    UNIRUST_RETURN_IF_ERROR(
        FromRocks(db_->Flush({}, Of(Family::kMeta)), "flush " + options_.dir));
    UNIRUST_ASSIGN_OR_RETURN(const std::string now, current());
    if (now != before) return absl::OkStatus();
  }
  return absl::InternalError("RocksDB does not begin a new MANIFEST in " + options_.dir);
}

// RocksDB deletes what it knows of; a log that an opening found, and needed nothing of, it comes by only when it looks
// at the whole directory, as it does after deletions were forbidden.
absl::Status RocksStore::DeleteObsolete() {
  UNIRUST_RETURN_IF_ERROR(FromRocks(db_->DisableFileDeletions(), "delete in " + options_.dir));
  return FromRocks(db_->EnableFileDeletions(/*force=*/false), "delete in " + options_.dir);
}

// While nothing commits and no generation comes or goes.
absl::Status RocksStore::FlushAll(OldFiles* old) {
  old->families = FamiliesInUse(&old->keep);
  UNIRUST_ASSIGN_OR_RETURN(old->logs, ListLogs(options_.dir));
  DeleteNothing("\xFF");  // RocksDB looks for logs to delete when it has flushed something
  for (rdb::ColumnFamilyHandle* family : old->families) {
    UNIRUST_RETURN_IF_ERROR(FromRocks(db_->Flush({}, family), "flush " + options_.dir));
  }
  UNIRUST_ASSIGN_OR_RETURN(old->tables, ListTables(options_.dir));
  return absl::OkStatus();
}

absl::Status RocksStore::Rewrite(uint64_t moment, const InTurn& in_turn,
                                 const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(AwaitReaders(moment, stop));
  OldFiles old;
  UNIRUST_RETURN_IF_ERROR(in_turn([&] { return FlushAll(&old); }));
  UNIRUST_RETURN_IF_ERROR(Compact(old.families, stop));
  old.keep.clear();
  UNIRUST_RETURN_IF_ERROR(DeleteObsolete());
  UNIRUST_RETURN_IF_ERROR(Await(
      kFilePollMicros,
      [&]() -> absl::StatusOr<bool> {
        UNIRUST_ASSIGN_OR_RETURN(const auto tables, ListTables(options_.dir));
        UNIRUST_ASSIGN_OR_RETURN(const auto logs, ListLogs(options_.dir));
        return !AnyIn(old.tables, tables) && !AnyIn(old.logs, logs);
      },
      stop));
  FaultPoint("rewrite.compacted");
  UNIRUST_ASSIGN_OR_RETURN(const std::set<std::string> manifests, ListManifests(options_.dir));
  UNIRUST_RETURN_IF_ERROR(in_turn([this] { return BeginManifest(); }));
  FaultPoint("rewrite.manifest_begun");
  UNIRUST_RETURN_IF_ERROR(Compact({Of(Family::kMeta)}, stop));  // the padding goes
  UNIRUST_RETURN_IF_ERROR(DeleteObsolete());
  return Await(
      kFilePollMicros,
      [&]() -> absl::StatusOr<bool> {
        UNIRUST_ASSIGN_OR_RETURN(const auto now, ListManifests(options_.dir));
        return !AnyIn(manifests, now);
      },
      stop);
}

}  // namespace unirust::store
