// How what was deleted leaves the disk (docs/erasure.md): all tables are compacted, then a new MANIFEST is begun, since
// the one in force names first and last keys of tables that are gone.
#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/fault_point.h"
#include "base/files.h"
#include "base/status_macros.h"
#include "base/thread.h"
#include "store/rocks_store.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
namespace rdb = rocksdb;

constexpr std::chrono::milliseconds kPoll(20);
constexpr size_t kCompactionsMax = 3;  // of one family: the first may only move a table to another level
constexpr size_t kPaddingBytes = 64U << 10U;
constexpr size_t kFlushesMax = 64;

absl::Status Stopped() { return absl::CancelledError("the rewrite was stopped"); }

// Names of the files that are not empty and pass.
template <typename Passes>
absl::StatusOr<std::set<std::string>> List(const std::string& dir, const Passes& passes) {
  std::set<std::string> out;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(dir, error)) {
    std::string name = file.path().filename();
    std::error_code gone;
    if (passes(name) && file.file_size(gone) > 0 && !gone) out.insert(std::move(name));
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

std::set<std::string> TablesOf(rdb::DB& db, rdb::ColumnFamilyHandle* family) {
  rdb::ColumnFamilyMetaData all;
  db.GetColumnFamilyMetaData(family, &all);
  std::set<std::string> out;
  for (const rdb::LevelMetaData& level : all.levels) {
    for (const rdb::SstFileMetaData& table : level.files) {
      out.insert(fs::path(table.name).filename());
    }
  }
  return out;
}

template <typename Done>
absl::Status Await(const Done& done, const std::function<bool()>& stop) {
  while (true) {
    UNIRUST_ASSIGN_OR_RETURN(const bool is_done, done());
    if (is_done) return absl::OkStatus();
    if (stop()) return Stopped();
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

absl::Status RocksStore::AwaitReaders(const std::function<bool()>& stop) const {
  const uint64_t now = db_->GetLatestSequenceNumber();
  return Await(
      [&]() -> absl::StatusOr<bool> {
        uint64_t oldest = 0;  // 0: none is held
        if (!db_->GetIntProperty(rdb::DB::Properties::kOldestSnapshotSequence, &oldest)) {
          return absl::InternalError("RocksDB does not tell its oldest snapshot");
        }
        return oldest == 0 || oldest >= now;
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

// Until no family has one of the tables `before`. Every compaction takes all tables that its family has.
absl::Status RocksStore::Compact(const std::vector<rdb::ColumnFamilyHandle*>& handles,
                                 const std::set<std::string>& before,
                                 const std::function<bool()>& stop) {
  std::atomic<bool> canceled = false;
  std::atomic<bool> done = false;
  rdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rdb::BottommostLevelCompaction::kForce;
  options.canceled = &canceled;
  rdb::Status status;
  Thread compacting("rewrite", [&] {
    GiveWay();
    for (rdb::ColumnFamilyHandle* handle : handles) {
      for (size_t n = 0; n < kCompactionsMax && status.ok() && !canceled; ++n) {
        if (!AnyIn(TablesOf(*db_, handle), before)) break;
        status = db_->CompactRange(options, handle, nullptr, nullptr);
        if (status.IsColumnFamilyDropped()) status = rdb::Status::OK();  // a change of ontology
      }
    }
    done = true;
  });
  bool stopped = false;
  while (!done) {
    stopped = stopped || stop();
    if (stopped) canceled = true;
    std::this_thread::sleep_for(kPoll);
  }
  compacting.Join();
  if (stopped) return Stopped();
  return FromRocks(status, "compact " + options_.dir);
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

absl::Status RocksStore::Rewrite(const InTurn& in_turn, const std::function<bool()>& stop) {
  UNIRUST_RETURN_IF_ERROR(AwaitReaders(stop));
  // Compactions that are under way may have seen readers that are gone: an exclusive one waits for them.
  rdb::CompactRangeOptions exclusive;
  exclusive.exclusive_manual_compaction = true;
  UNIRUST_RETURN_IF_ERROR(
      FromRocks(db_->CompactRange(exclusive, Of(Family::kMeta), nullptr, nullptr), "compact"));
  std::vector<std::shared_ptr<Families>> keep;
  const std::vector<rdb::ColumnFamilyHandle*> handles = FamiliesInUse(&keep);
  UNIRUST_ASSIGN_OR_RETURN(const std::set<std::string> logs, ListLogs(options_.dir));
  // RocksDB looks for logs to delete when it has flushed something.
  UNIRUST_RETURN_IF_ERROR(in_turn([this] {
    DeleteNothing("\xFF");
    return absl::OkStatus();
  }));
  for (rdb::ColumnFamilyHandle* handle : handles) {
    const rdb::Status status = db_->Flush({}, handle);
    if (status.IsColumnFamilyDropped()) continue;
    UNIRUST_RETURN_IF_ERROR(FromRocks(status, "flush " + options_.dir));
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::set<std::string> tables, ListTables(options_.dir));
  UNIRUST_RETURN_IF_ERROR(Compact(handles, tables, stop));
  keep.clear();
  UNIRUST_RETURN_IF_ERROR(DeleteObsolete());
  UNIRUST_RETURN_IF_ERROR(Await(
      [&]() -> absl::StatusOr<bool> {
        UNIRUST_ASSIGN_OR_RETURN(const auto tables_now, ListTables(options_.dir));
        UNIRUST_ASSIGN_OR_RETURN(const auto logs_now, ListLogs(options_.dir));
        return !AnyIn(tables, tables_now) && !AnyIn(logs, logs_now);
      },
      stop));
  FaultPoint("rewrite.compacted");
  UNIRUST_ASSIGN_OR_RETURN(const std::set<std::string> manifests, ListManifests(options_.dir));
  UNIRUST_RETURN_IF_ERROR(in_turn([this] { return BeginManifest(); }));
  FaultPoint("rewrite.manifest_begun");
  UNIRUST_RETURN_IF_ERROR(
      FromRocks(db_->CompactRange({}, Of(Family::kMeta), nullptr, nullptr), "compact"));
  return Await(
      [&]() -> absl::StatusOr<bool> {
        UNIRUST_ASSIGN_OR_RETURN(const auto now, ListManifests(options_.dir));
        return !AnyIn(manifests, now);
      },
      stop);
}

}  // namespace unirust::store
