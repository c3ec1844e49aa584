#include "store/backup.h"

#include <fcntl.h>
#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/fault_point.h"
#include "base/files.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "store/rocks_store.h"

namespace unirust::store {
namespace {

namespace fs = std::filesystem;
namespace rdb = rocksdb;

constexpr char kLockFile[] = "lock";
constexpr size_t kIdentityBytes = 24;

// What a backup says about itself: whose it is, and how far the store was before it was begun.
struct Origin {
  std::string identity;
  uint64_t commits = 0;       // acknowledged
  int64_t purged_micros = 0;  // Erasures; not in backups of format version 6, from before any

  std::string Encode() const {
    std::string out = identity;
    AppendBig64(&out, commits);
    AppendBigSigned64(&out, purged_micros);
    return out;
  }
  static std::optional<Origin> Decode(std::string_view bytes) {
    ByteReader in(bytes);
    Origin out;
    out.identity = in.Bytes(kIdentityBytes);
    out.commits = in.Big64();
    if (in.ok() && !in.done()) out.purged_micros = in.BigSigned64();
    if (!in.done()) return std::nullopt;
    return out;
  }
  uint32_t shard_id() const { return ByteReader(std::string_view(identity).substr(4)).Big32(); }
};

absl::Status Failed(const std::string& what, const std::string& path) {
  const std::string message = "cannot " + what + " " + path + ": " + std::strerror(errno);
  return errno == EACCES || errno == EROFS ? absl::PermissionDeniedError(message)
                                           : absl::InternalError(message);
}

// A file that one process at a time may hold.
class FileLock {
 public:
  // UNAVAILABLE with `in_use` if another has it.
  static absl::StatusOr<std::unique_ptr<FileLock>> Take(const std::string& path,
                                                        const std::string& in_use) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return Failed("open", path);
    std::unique_ptr<FileLock> lock(new FileLock(file));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) return absl::UnavailableError(in_use);
    return lock;
  }
  ~FileLock() { close(file_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

BackupInfo ToInfo(const rdb::BackupInfo& info, const Origin& origin) {
  return {.id = info.backup_id,
          .created_seconds = info.timestamp,
          .bytes = info.size,
          .files = info.number_files,
          .shard_id = origin.shard_id(),
          .commits = origin.commits,
          .purged_micros = origin.purged_micros,
          .damaged = false};
}

absl::Status NotOurs(const std::string& dir) {
  return absl::FailedPreconditionError(dir + " holds backups that are not unirust's");
}

absl::StatusOr<std::unique_ptr<rdb::BackupEngineReadOnly>> OpenToRead(const std::string& dir) {
  if (!fs::is_directory(dir)) return absl::NotFoundError("there are no backups in " + dir);
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

absl::Status MakeDirectory(const std::string& dir) {
  if (mkdir(dir.c_str(), 0777) == 0) return SyncDirectory(fs::path(dir).parent_path());
  return errno == EEXIST ? absl::OkStatus() : Failed("create", dir);
}

// --- restore --------------------------------------------------------------------------------------------

// The directory as it will be named, without links: a rename replaces the name itself.
absl::StatusOr<std::string> CheckTarget(const std::string& wanted) {
  std::error_code error;
  fs::path dir = fs::weakly_canonical(fs::absolute(wanted), error);
  if (!error && !dir.has_filename()) dir = dir.parent_path();
  struct stat parent {};
  if (error || stat(dir.parent_path().c_str(), &parent) != 0) {
    if (error) errno = error.value();
    return Failed("restore below", dir.parent_path());
  }
  struct stat info {};
  if (stat(dir.c_str(), &info) != 0) return dir.string();
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(dir.string() + " is no directory");
  }
  const bool empty = fs::is_empty(dir, error);
  if (error || !empty) {
    return absl::FailedPreconditionError(
        "data directory " + dir.string() +
        " is not empty: restore into a new one. Nothing was changed");
  }
  if (info.st_dev != parent.st_dev) {
    return absl::FailedPreconditionError(dir.string() +
                                         " is where a file system is mounted: name a new "
                                         "directory below it");
  }
  return dir.string();
}

// Where a store is put together before it gets its name; removed by the destructor.
class Stage {
 public:
  static absl::StatusOr<std::unique_ptr<Stage>> Make(const std::string& target) {
    std::unique_ptr<Stage> stage(new Stage(target + ".restoring"));
    const std::string lock_path = stage->dir_ + "/" + kLockFile;
    std::error_code error;
    if (fs::exists(stage->dir_, error) && !fs::exists(lock_path, error) &&
        !fs::is_empty(stage->dir_, error)) {
      return absl::FailedPreconditionError(
          stage->dir_ + " is in the way, and no interrupted restore: rename it");
    }
    UNIRUST_RETURN_IF_ERROR(MakeDirectory(stage->dir_));
    UNIRUST_ASSIGN_OR_RETURN(
        stage->lock_,
        FileLock::Take(lock_path, "another process restores into " + target + " already"));
    fs::remove_all(stage->data(), error);
    if (error) {
      return absl::InternalError("cannot remove " + stage->data() + ": " + error.message());
    }
    return stage;
  }
  ~Stage() {
    if (lock_ == nullptr) return;
    std::error_code error;
    fs::remove_all(dir_, error);
    if (error) Log(LogLevel::kWarning, dir_ + " is left behind: " + error.message());
  }
  std::string data() const { return dir_ + "/data"; }

 private:
  explicit Stage(std::string dir) : dir_(std::move(dir)) {}
  std::string dir_;
  std::unique_ptr<FileLock> lock_;
};

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

absl::Status RemoveHalfBackups(const std::string& dir) {
  if (!fs::is_directory(dir)) return absl::OkStatus();
  const auto lock = FileLock::Take(dir + "/" + kLockFile, "a backup is under way");
  if (absl::IsUnavailable(lock.status())) return absl::OkStatus();
  UNIRUST_RETURN_IF_ERROR(lock.status());
  UNIRUST_ASSIGN_OR_RETURN(const auto backups, OpenToChange(dir));
  return FromRocks(backups->GarbageCollect(), "cannot remove half backups in " + dir);
}

absl::StatusOr<BackupInfo> RestoreBackup(const std::string& dir, std::optional<uint32_t> wanted,
                                         const std::string& data_dir) {
  UNIRUST_ASSIGN_OR_RETURN(const std::string target, CheckTarget(data_dir));
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

  UNIRUST_ASSIGN_OR_RETURN(const auto stage, Stage::Make(target));
  UNIRUST_RETURN_IF_ERROR(
      FromRocks(engine->RestoreDBFromBackup(id, stage->data(), stage->data()), named));
  FaultPoint("restore.copied");
  UNIRUST_RETURN_IF_ERROR(AddMark(stage->data(), {.commits = origin->commits}));
  FaultPoint("restore.marked");
  UNIRUST_RETURN_IF_ERROR(
      Store::Open({.dir = stage->data(), .shard_id = origin->shard_id()}).status());
  FaultPoint("restore.opened");
  UNIRUST_RETURN_IF_ERROR(SyncDirectory(stage->data()));
  if (rename(stage->data().c_str(), target.c_str()) != 0) return Failed("make", target);
  FaultPoint("restore.renamed");
  UNIRUST_RETURN_IF_ERROR(SyncDirectory(fs::path(target).parent_path()));
  return ToInfo(info, *origin);
}

absl::StatusOr<BackupInfo> RocksStore::Backup(const std::string& dir, size_t keep,
                                         const std::function<bool()>& stop) const {
  UNIRUST_RETURN_IF_ERROR(MakeDirectory(dir));
  UNIRUST_ASSIGN_OR_RETURN(
      const auto lock,
      FileLock::Take(dir + "/" + kLockFile, "another backup into " + dir + " is under way"));
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
                      .purged_micros = erasures.purged_micros};
  rdb::BackupID id = 0;
  FaultPoint("backup.begun");
  const rdb::Status made =
      backups->CreateNewBackupWithMetadata(options, db_.get(), origin.Encode(), &id);
  if (made.IsIncomplete()) return absl::CancelledError("the backup into " + dir + " was stopped");
  UNIRUST_RETURN_IF_ERROR(FromRocks(made, "cannot back up into " + dir));
  FaultPoint("backup.made");
  rdb::BackupInfo info;
  UNIRUST_RETURN_IF_ERROR(FromRocks(backups->GetBackupInfo(id, &info), "backup"));
  const rdb::Status purged = backups->PurgeOldBackups(static_cast<uint32_t>(keep));
  if (!purged.ok()) {  // the next backup tries again
    Log(LogLevel::kWarning, "old backups in " + dir + " are still there: " + purged.ToString());
  }
  FaultPoint("backup.purged");
  return ToInfo(info, origin);
}

}  // namespace unirust::store
