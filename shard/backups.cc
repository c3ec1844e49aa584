#include "shard/backups.h"

#include <algorithm>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "shard/engine.h"
#include "store/backup.h"

namespace unirust::shard {
namespace {

// By the wall clock, so that restarts of the daemon do not put it off. One from the future says nothing.
uint64_t SecondsUntilDue(const std::string& backup_dir, uint64_t interval_seconds) {
  const absl::StatusOr<std::vector<BackupInfo>> backups = ListBackups(backup_dir);
  if (!backups.ok() || backups->empty()) return 0;
  const int64_t age = static_cast<int64_t>(WallClockMicros() / 1'000'000) -
                      backups->back().created_seconds;
  if (age < 0 || static_cast<uint64_t>(age) >= interval_seconds) return 0;
  return interval_seconds - static_cast<uint64_t>(age);
}

// How many seconds to wait then.
uint64_t BackUp(Engine& engine, uint64_t interval_seconds, const Periodic::Stopping& stopping) {
  const absl::StatusOr<BackupInfo> made = engine.Backup(stopping);
  if (made.ok()) return interval_seconds;
  const uint64_t wait_seconds = std::min(interval_seconds, limits::kBackupRetrySecondsMax);
  if (!stopping()) {
    Log(LogLevel::kError, "the scheduled backup failed, and is tried again in " +
                              std::to_string(wait_seconds) +
                              " s: " + std::string(made.status().message()));
  }
  return wait_seconds;
}

}  // namespace

absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& backup_dir) {
  return store::ListBackups(backup_dir + "/" + store::kBackupsName);
}

absl::StatusOr<BackupInfo> RestoreBackup(const std::string& backup_dir, std::optional<uint32_t> id,
                                         const std::string& data_dir) {
  return store::RestoreBackup(backup_dir + "/" + store::kBackupsName, id, data_dir);
}

BackupSchedule::BackupSchedule(Engine& engine, const std::string& backup_dir,
                               uint64_t interval_seconds)
    : backing_up_("backup", SecondsUntilDue(backup_dir, interval_seconds) * 1'000'000,
                  [&engine, interval_seconds](const Periodic::Stopping& stopping) {
                    return BackUp(engine, interval_seconds, stopping) * 1'000'000;
                  }) {}

}  // namespace unirust::shard
