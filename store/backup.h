// Incremental backups of a store, side by side in one directory (RocksDB's BackupEngine: docs/operations.md has the
// layout). A table is copied once, however many backups it belongs to; every file carries a checksum; a backup counts
// from the moment when it is whole and synced. Store::Backup makes them.
//
// Backups of one directory are made and purged one at a time, whoever makes them; they may be restored meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"

namespace unirust::store {

// Where backups are, below --backup-dir, and what is of tenants. No checkpoint has these names.
inline constexpr char kBackupsName[] = "backups";
inline constexpr char kTenantsName[] = "tenants";

// Whether a checkpoint may be called so: [A-Za-z0-9._-]{1,64}.
bool IsCheckpointName(std::string_view name);

// Creates a --backup-dir that is absent. FAILED_PRECONDITION if it cannot be, or is not given at all; `what` is for the
// message: who needs it.
absl::Status MakeBackupDir(const std::string& root, const std::string& what);

// Oldest first; also those that are damaged. NOT_FOUND if there is no such directory.
absl::StatusOr<std::vector<BackupInfo>> ListBackups(const std::string& dir);

// Makes `data_dir` from a backup, by default from the newest; it must be absent or empty, and its parent exist. Every
// file is checked against its checksum, the store is opened once and what it acknowledged before the backup is looked
// for; only then the directory gets its name. What an interrupted restore leaves lies in "<data_dir>.restoring", where
// no program looks for a store and the next restore removes it. NOT_FOUND: no such backup; FAILED_PRECONDITION:
// `data_dir` holds something; DATA_LOSS: the backup is damaged; UNAVAILABLE: another process restores there.
absl::StatusOr<BackupInfo> RestoreBackup(const std::string& dir, std::optional<uint32_t> id,
                                         const std::string& data_dir);

// Removes the backups of which `unwanted` says so, and what RemoveHalfBackups does. UNAVAILABLE while one is made.
// Nothing happens if there is no such directory.
absl::Status DropBackups(const std::string& dir, const std::function<bool(uint32_t id)>& unwanted);

// Removes the files of backups that were cut short, which no backup counts. Nothing happens while one is made, or if
// there is no such directory.
absl::Status RemoveHalfBackups(const std::string& dir);

}  // namespace unirust::store
