#include "shard/erasure_copies.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "base/limits.h"
#include "base/status_macros.h"
#include "shard/backups.h"
#include "store/backup.h"
#include "store/store.h"

namespace unirust::shard {
namespace {

namespace fs = std::filesystem;

int64_t ModifiedSeconds(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mtime : 0;
}

absl::StatusOr<std::vector<fs::path>> List(const fs::path& dir) {
  std::vector<fs::path> out;
  std::error_code error;
  for (fs::directory_iterator entry(dir, error); !error && entry != fs::directory_iterator();
       entry.increment(error)) {
    out.push_back(entry->path());
  }
  if (!error) return out;
  return absl::FailedPreconditionError("cannot list " + dir.string() + ": " + error.message());
}

// Whether there are files of a store, be they a whole one or not.
bool HasData(const fs::path& dir) {
  const auto files = List(dir);
  return files.ok() && std::any_of(files->begin(), files->end(), [](const fs::path& file) {
    return file.extension() == ".sst" || file.extension() == ".log" ||
           file.filename().string().starts_with("MANIFEST-");
  });
}

// A checkpoint of the store; one that cannot be opened may be, and may hold anything.
std::optional<ErasureCopy> CheckpointIn(const fs::path& dir, const CopiesOf& of) {
  ErasureCopy out{.name = "checkpoint " + dir.filename().string(),
                  .created_seconds = ModifiedSeconds(dir),
                  .purged_micros = 0};
  const auto store =
      store::Store::Open({.dir = dir, .shard_id = of.shard_id, .read_only = true});
  if (!store.ok()) return out;
  const store::Reader reader = (*store)->Latest();
  const absl::StatusOr<std::string> identity = reader.ReadIdentity();
  if (identity.ok() && *identity != of.identity) return std::nullopt;
  const absl::StatusOr<Erasures> erasures = reader.ReadErasures();
  if (erasures.ok()) out.purged_micros = erasures->purged_micros;
  return out;
}

absl::StatusOr<std::vector<ErasureCopy>> CopiesBelow(const CopiesOf& of) {
  std::vector<ErasureCopy> out;
  const absl::StatusOr<std::vector<BackupInfo>> backups = ListBackups(of.backup_dir);
  if (!backups.ok() && !absl::IsNotFound(backups.status())) return backups.status();
  if (backups.ok()) {
    for (const BackupInfo& backup : *backups) {
      out.push_back({.name = "backup " + std::to_string(backup.id),
                     .created_seconds = backup.created_seconds,
                     .purged_micros = backup.purged_micros});
    }
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<fs::path> entries, List(of.backup_dir));
  for (const fs::path& dir : entries) {
    if (dir.filename() == store::kBackupsName || !HasData(dir)) continue;
    std::optional<ErasureCopy> copy = CheckpointIn(dir, of);
    if (copy) out.push_back(*std::move(copy));
  }
  return out;
}

}  // namespace

absl::StatusOr<ErasureStatus> StatusOf(const Erasures& erasures, const CopiesOf& store) {
  ErasureStatus out{.store = erasures, .copies = {}, .gone_before_micros = erasures.purged_micros};
  struct stat info {};
  const bool any = !store.backup_dir.empty() &&
                   (stat(store.backup_dir.c_str(), &info) == 0 || errno != ENOENT);
  if (!any || erasures.records == 0) return out;
  UNIRUST_ASSIGN_OR_RETURN(out.copies, CopiesBelow(store));
  std::erase_if(out.copies, [&](const ErasureCopy& copy) {
    return copy.purged_micros > erasures.last_micros;
  });
  for (const ErasureCopy& copy : out.copies) {
    out.gone_before_micros = std::min(out.gone_before_micros, copy.purged_micros);
  }
  std::stable_sort(out.copies.begin(), out.copies.end(), [](const auto& a, const auto& b) {
    return a.created_seconds < b.created_seconds;
  });
  return out;
}

}  // namespace unirust::shard
