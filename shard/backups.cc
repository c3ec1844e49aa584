#include "shard/backups.h"

#include <algorithm>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "shard/engine.h"
#include "store/backup.h"

namespace unirust::shard {

absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& backup_dir) {
  return store::ListBackups(backup_dir + "/" + kBackupsName);
}

absl::StatusOr<BackupInfo> RestoreBackup(const std::string& backup_dir, std::optional<uint32_t> id,
                                         const std::string& data_dir) {
  return store::RestoreBackup(backup_dir + "/" + kBackupsName, id, data_dir);
}

BackupSchedule::BackupSchedule(Engine& engine, const std::string& backup_dir,
                               uint64_t interval_seconds)
    : engine_(engine),
      backup_dir_(backup_dir),
      interval_seconds_(interval_seconds),
      thread_("backup", [this] { Run(); }) {}

BackupSchedule::~BackupSchedule() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  stopped_.NotifyAll();
}

// By the wall clock, so that restarts of the daemon do not put it off. One from the future says nothing.
uint64_t BackupSchedule::SecondsUntilDue() const {
  const absl::StatusOr<std::vector<BackupInfo>> backups = ListBackups(backup_dir_);
  if (!backups.ok() || backups->empty()) return 0;
  const int64_t age = static_cast<int64_t>(WallClockMicros() / 1'000'000) -
                      backups->back().created_seconds;
  if (age < 0 || static_cast<uint64_t>(age) >= interval_seconds_) return 0;
  return interval_seconds_ - static_cast<uint64_t>(age);
}

void BackupSchedule::Run() {
  const auto stopping = [this] {
    MutexLock lock(mutex_);
    return stopping_;
  };
  uint64_t wait_seconds = SecondsUntilDue();
  while (true) {
    {
      const uint64_t due_micros = SteadyClockMicros() + wait_seconds * 1'000'000;
      MutexLock lock(mutex_);
      for (uint64_t now = SteadyClockMicros(); !stopping_ && now < due_micros;
           now = SteadyClockMicros()) {
        stopped_.WaitFor(mutex_, due_micros - now);
      }
      if (stopping_) return;
    }
    const absl::StatusOr<BackupInfo> made = engine_.Backup(stopping);
    wait_seconds = made.ok() ? interval_seconds_
                             : std::min(interval_seconds_, limits::kBackupRetrySecondsMax);
    if (!made.ok() && !stopping()) {
      Log(LogLevel::kError, "the scheduled backup failed, and is tried again in " +
                                std::to_string(wait_seconds) +
                                " s: " + std::string(made.status().message()));
    }
  }
}

}  // namespace unirust::shard
