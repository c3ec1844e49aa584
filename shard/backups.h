// Backups of a shard's store: on a schedule, and those that there are. Engine::Backup makes one.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/periodic.h"
#include "model/answers.h"

namespace unirust::shard {

class Engine;

// The backups below `backup_dir`, oldest first. NOT_FOUND if there are none.
absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& backup_dir);

// Makes the data directory of a new store from a backup below `backup_dir`, by default the newest. See
// store::RestoreBackup: all is checked, and nothing is left half done.
absl::StatusOr<BackupInfo> RestoreBackup(const std::string& backup_dir, std::optional<uint32_t> id,
                                         const std::string& data_dir);

// Makes a backup whenever the newest is older than the interval, in a thread of its own, from construction to
// destruction; what is under way then is given up. Failures are logged, and tried again after the interval or
// limits::kBackupRetrySecondsMax, whichever is less. The engine must outlive it.
class BackupSchedule {
 public:
  BackupSchedule(Engine& engine, const std::string& backup_dir, uint64_t interval_seconds);

 private:
  Periodic backing_up_;
};

}  // namespace unirust::shard
