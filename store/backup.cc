#include "store/backup.h"

#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/fault_point.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "store/rocks_store.h"
#include "store/stage.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
namespace rdb = rocksdb;

constexpr char kLockFile[] = "lock";
constexpr char kMetaDir[] = "meta";
constexpr size_t kCheckpointNameBytesMax = 64;
constexpr size_t kIdentityBytes = 24;

// What a backup says about itself: whose it is, and how far the store was before it was begun.
struct Origin {
  std::string identity;
  uint64_t commits = 0;       // acknowledged
  int64_t purged_micros = 0;  // Erasures; not in backups of format version 6, from before any
  std::vector<PartBackup> parts;  // none: not there

  std::string Encode() const {
    std::string out = identity;
    AppendBig64(&out, commits);
    AppendBigSigned64(&out, purged_micros);
    for (const PartBackup& part : parts) {
      AppendBig32(&out, part.part);
      AppendBig32(&out, part.id);
    }
    return out;
  }
  static std::optional<Origin> Decode(std::string_view bytes) {
    ByteReader in(bytes);
    Origin out;
    out.identity = in.Bytes(kIdentityBytes);
    out.commits = in.Big64();
    if (in.ok() && !in.done()) out.purged_micros = in.BigSigned64();
    while (in.ok() && !in.done()) {
      const uint32_t part = in.Big32();
      out.parts.push_back({.part = part, .id = in.Big32()});
    }
    if (!in.done()) return std::nullopt;
    return out;
  }
  uint32_t shard_id() const { return ByteReader(std::string_view(identity).substr(4)).Big32(); }
};

BackupInfo ToInfo(const rdb::BackupInfo& info, const Origin& origin) {
  return {.id = info.backup_id,
          .created_seconds = info.timestamp,
          .bytes = info.size,
          .files = info.number_files,
          .shard_id = origin.shard_id(),
          .commits = origin.commits,
          .purged_micros = origin.purged_micros,
          .damaged = false,
          .parts = origin.parts};
}

absl::Status NotOurs(const std::string& dir) {
  return absl::FailedPreconditionError(dir + " holds backups that are not unirust's");
}

absl::StatusOr<std::unique_ptr<rdb::BackupEngineReadOnly>> OpenToRead(const std::string& dir) {
  if (!fs::is_directory(dir + "/" + kMetaDir)) {  // RocksDB's; not there if the first one was cut short
    return absl::NotFoundError("there are no backups in " + dir);
  }
  rdb::BackupEngineReadOnly* raw = nullptr;
  UNIRUST_RETURN_IF_ERROR(FromRocks(
      rdb::BackupEngineReadOnly::Open(rdb::Env::Default(), rdb::BackupEngineOptions(dir), &raw),
      "cannot read the backups in " + dir));
  return std::unique_ptr<rdb::BackupEngineReadOnly>(raw);
}

absl::StatusOr<std::unique_ptr<rdb::BackupEngine>> OpenToChange(const std::string& dir) {
  rdb::BackupEngine* raw = nullptr;
  UNIRUST_RETURN_IF_ERROR(FromRocks(
      rdb::BackupEngine::Open(rdb::Env::Default(), rdb::BackupEngineOptions(dir), &raw),
      "cannot open the backups in " + dir));
  return std::unique_ptr<rdb::BackupEngine>(raw);
}

// Those of other stores would be purged by number as if they were this store's.
absl::Status CheckOwner(const rdb::BackupEngine& backups, const std::string& dir,
                        const std::string& identity) {
  std::vector<rdb::BackupInfo> infos;
  backups.GetBackupInfo(&infos);
  for (const rdb::BackupInfo& info : infos) {
    const std::optional<Origin> origin = Origin::Decode(info.app_metadata);
    if (!origin) return NotOurs(dir);
    if (origin->identity == identity) continue;
    return absl::FailedPreconditionError(dir + " holds backups of another store (backup " +
                                         std::to_string(info.backup_id) + " is of shard " +
                                         std::to_string(origin->shard_id()) +
                                         "): give each store a --backup-dir of its own");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<FileLock>> TakeLock(const std::string& dir) {
  return FileLock::Take(dir + "/" + kLockFile, "another backup into " + dir + " is under way");
}

absl::StatusOr<uint32_t> NewestId(const std::string& dir) {
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<BackupInfo> backups, ListBackups(dir));
  if (backups.empty()) return absl::NotFoundError("there are no backups in " + dir);
  const BackupInfo& newest = backups.back();
  if (!newest.damaged) return newest.id;
  return absl::DataLossError("backup " + std::to_string(newest.id) + " in " + dir +
                             " is damaged: name an older one with --backup");
}

}  // namespace

absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& dir) {
  UNIRUST_ASSIGN_OR_RETURN(const auto engine, OpenToRead(dir));
  std::vector<rdb::BackupInfo> infos;
  engine->GetBackupInfo(&infos);
  std::vector<BackupInfo> out;
  for (const rdb::BackupInfo& info : infos) {
    const std::optional<Origin> origin = Origin::Decode(info.app_metadata);
    if (!origin) return NotOurs(dir);
    out.push_back(ToInfo(info, *origin));
  }
  std::vector<rdb::BackupID> damaged;
  engine->GetCorruptedBackups(&damaged);
  for (const rdb::BackupID id : damaged) out.push_back({.id = id, .damaged = true});
  std::sort(out.begin(), out.end(),
            [](const BackupInfo& a, const BackupInfo& b) { return a.id < b.id; });
  return out;
}

bool IsCheckpointName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kCheckpointNameBytesMax && name != "." && name != ".." &&
         name != kBackupsName && name != kTenantsName &&
         std::all_of(name.begin(), name.end(), allowed);
}

absl::Status MakeBackupDir(const std::string& root, const std::string& what) {
  if (root.empty()) {
    return absl::FailedPreconditionError(what +
                                         " need a place: start the daemon with --backup-dir");
  }
  std::error_code error;
  fs::create_directories(root, error);
  if (!error) return absl::OkStatus();
  return absl::FailedPreconditionError("cannot create --backup-dir " + root + ": " +
                                       error.message());
}

absl::Status DropBackups(const std::string& dir, const std::function<bool(uint32_t id)>& unwanted) {
  if (!fs::is_directory(dir)) return absl::OkStatus();
  UNIRUST_ASSIGN_OR_RETURN(const auto lock, TakeLock(dir));
  UNIRUST_ASSIGN_OR_RETURN(const auto backups, OpenToChange(dir));
  std::vector<rdb::BackupInfo> infos;
  backups->GetBackupInfo(&infos);
  for (const rdb::BackupInfo& info : infos) {
    if (!unwanted(info.backup_id)) continue;
    UNIRUST_RETURN_IF_ERROR(FromRocks(backups->DeleteBackup(info.backup_id),
                                      "cannot remove backup " + std::to_string(info.backup_id) +
                                          " in " + dir));
  }
  return FromRocks(backups->GarbageCollect(), "cannot remove half backups in " + dir);
}

absl::Status RemoveHalfBackups(const std::string& dir) {
  if (!fs::is_directory(dir)) return absl::OkStatus();
  const auto lock = TakeLock(dir);
  if (absl::IsUnavailable(lock.status())) return absl::OkStatus();
  UNIRUST_RETURN_IF_ERROR(lock.status());
  UNIRUST_ASSIGN_OR_RETURN(const auto backups, OpenToChange(dir));
  return FromRocks(backups->GarbageCollect(), "cannot remove half backups in " + dir);
}

absl::StatusOr<BackupInfo> RestoreBackup(const std::string& dir, std::optional<uint32_t> wanted,
                                         const std::string& data_dir) {
  UNIRUST_ASSIGN_OR_RETURN(const auto stage, Stage::Make(data_dir));
  UNIRUST_ASSIGN_OR_RETURN(const uint32_t id,
                           wanted ? absl::StatusOr<uint32_t>(*wanted) : NewestId(dir));
  UNIRUST_ASSIGN_OR_RETURN(const auto engine, OpenToRead(dir));
  const std::string named = "backup " + std::to_string(id) + " in " + dir;
  rdb::BackupInfo info;
  const rdb::Status found = engine->GetBackupInfo(id, &info);
  if (found.IsNotFound()) return absl::NotFoundError("there is no " + named);
  UNIRUST_RETURN_IF_ERROR(FromRocks(found, named));
  const std::optional<Origin> origin = Origin::Decode(info.app_metadata);
  if (!origin) return NotOurs(dir);

  UNIRUST_RETURN_IF_ERROR(
      FromRocks(engine->RestoreDBFromBackup(id, stage->data(), stage->data()), named));
  FaultPoint("restore.copied");
  UNIRUST_RETURN_IF_ERROR(AddMark(stage->data(), {.commits = origin->commits}));
  FaultPoint("restore.marked");
  UNIRUST_RETURN_IF_ERROR(
      Store::Open({.dir = stage->data(), .shard_id = origin->shard_id()}).status());
  FaultPoint("restore.opened");
  UNIRUST_RETURN_IF_ERROR(stage->Publish([] { FaultPoint("restore.renamed"); }));
  return ToInfo(info, *origin);
}

absl::StatusOr<BackupInfo> RocksStore::Backup(const BackupPlan& plan,
                                              const std::function<bool()>& stop) const {
  const std::string& dir = plan.dir;
  UNIRUST_RETURN_IF_ERROR(MakeDirectory(dir));
  UNIRUST_ASSIGN_OR_RETURN(const auto lock, TakeLock(dir));
  UNIRUST_ASSIGN_OR_RETURN(const auto backups, OpenToChange(dir));
  UNIRUST_RETURN_IF_ERROR(CheckOwner(*backups, dir, identity_));

  rdb::CreateBackupOptions options;
  options.flush_before_backup = true;  // else each backup has a log of its own (kLogBytesMax)
  options.progress_callback = [&] {
    FaultPoint("backup.copying");
    if (stop()) backups->StopBackup();
  };
  UNIRUST_ASSIGN_OR_RETURN(const Erasures erasures, Latest().ReadErasures());
  const Origin origin{.identity = identity_,
                      .commits = mark_->acknowledged().commits,
                      .purged_micros = plan.purged_micros.value_or(erasures.purged_micros),
                      .parts = plan.parts};
  rdb::BackupID id = 0;
  FaultPoint("backup.begun");
  const rdb::Status made =
      backups->CreateNewBackupWithMetadata(options, db_.get(), origin.Encode(), &id);
  if (made.IsIncomplete()) return absl::CancelledError("the backup into " + dir + " was stopped");
  UNIRUST_RETURN_IF_ERROR(FromRocks(made, "cannot back up into " + dir));
  FaultPoint("backup.made");
  rdb::BackupInfo info;
  UNIRUST_RETURN_IF_ERROR(FromRocks(backups->GetBackupInfo(id, &info), "backup"));
  const rdb::Status purged = backups->PurgeOldBackups(static_cast<uint32_t>(plan.keep));
  if (!purged.ok()) {  // the next backup tries again
    Log(LogLevel::kWarning, "old backups in " + dir + " are still there: " + purged.ToString());
  }
  FaultPoint("backup.purged");
  return ToInfo(info, origin);
}

}  // namespace unirust::store
