#include "shard/erasure_copies.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/limits.h"
#include "base/status_macros.h"
#include "shard/backups.h"
#include "store/store.h"

namespace unirust::shard {
namespace {

namespace fs = std::filesystem;

int64_t ModifiedSeconds(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mtime : 0;
}

// One that cannot be opened may hold anything.
ErasureCopy CheckpointIn(const std::string& dir, const std::string& name, uint32_t shard_id) {
  ErasureCopy out{.name = "checkpoint " + name,
                  .created_seconds = ModifiedSeconds(dir + "/CURRENT"),
                  .purged_micros = 0};
  const auto store = store::Store::Open({.dir = dir, .shard_id = shard_id, .read_only = true});
  if (!store.ok()) return out;
  const absl::StatusOr<Erasures> erasures = (*store)->Latest().ReadErasures();
  if (erasures.ok()) out.purged_micros = erasures->purged_micros;
  return out;
}

}  // namespace

absl::StatusOr<ErasureStatus> StatusOf(const Erasures& erasures, const std::string& backup_dir,
                                       uint32_t shard_id) {
  ErasureStatus out{.store = erasures, .copies = {}, .gone_before_micros = erasures.purged_micros};
  if (backup_dir.empty() || erasures.records == 0) return out;
  const auto add = [&](ErasureCopy copy) {
    if (copy.purged_micros > erasures.last_micros) return;
    out.gone_before_micros = std::min(out.gone_before_micros, copy.purged_micros);
    out.copies.push_back(std::move(copy));
  };
  const absl::StatusOr<std::vector<BackupInfo>> backups = ListBackups(backup_dir);
  if (!backups.ok() && !absl::IsNotFound(backups.status())) return backups.status();
  if (backups.ok()) {
    for (const BackupInfo& backup : *backups) {
      add({.name = "backup " + std::to_string(backup.id),
           .created_seconds = backup.created_seconds,
           .purged_micros = backup.purged_micros});
    }
  }
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(backup_dir, error)) {
    const std::string name = entry.path().filename();
    if (name == kBackupsName || !store::Store::Exists(entry.path())) continue;
    add(CheckpointIn(entry.path(), name, shard_id));
  }
  std::stable_sort(out.copies.begin(), out.copies.end(), [](const auto& a, const auto& b) {
    return a.created_seconds < b.created_seconds;
  });
  return out;
}

}  // namespace unirust::shard
