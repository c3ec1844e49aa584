// Copies of a store of several parts (docs/cluster.md, 6): first the other parts, then home, whose outbox has what the
// others got meanwhile.
#include <functional>
#include <string>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "cluster/at_once.h"
#include "cluster/cluster_store.h"
#include "store/backup.h"

namespace unirust::cluster {
namespace {

// By part: the numbers that the backups of home name. Empty if there are none.
absl::StatusOr<std::vector<std::vector<uint32_t>>> Named(const std::string& dir, size_t parts) {
  const absl::StatusOr<std::vector<BackupInfo>> backups = store::ListBackups(dir);
  std::vector<std::vector<uint32_t>> out(parts);
  if (absl::IsNotFound(backups.status())) return out;
  UNIRUST_RETURN_IF_ERROR(backups.status());
  for (const BackupInfo& backup : *backups) {
    for (const PartBackup& part : backup.parts) {
      if (part.part < parts) out[part.part].push_back(part.id);
    }
  }
  return out;
}

// The next backup tries again.
void LogLeft(const absl::Status& why) {
  Log(LogLevel::kWarning,
      "copies that belong to none of home are still there: " + std::string(why.message()));
}

}  // namespace

absl::Status BeingCopied() {
  return absl::UnavailableError("a backup or a checkpoint of the store is under way");
}

// Home is copied as it is now if no copy of another part, which was made before, is useless to it.
absl::Status ClusterStore::CheckShape(const Shape& before) const {
  const Shape now = GetShape();
  if (now.parts != before.parts) {
    return absl::UnavailableError("a part joined the store while it was copied: try again");
  }
  if (now.generation != before.generation) {
    return absl::UnavailableError("the ontology was changed while the store was copied: try again");
  }
  return absl::OkStatus();
}

ClusterStore::Shape ClusterStore::GetShape() const {
  return {.parts = parts_.size(), .generation = home_store_->Latest().generation()};
}

// Which copies of parts belong to which of home is decided by one at a time.
absl::StatusOr<BackupInfo> ClusterStore::Backup(const store::BackupPlan& plan,
                                                const std::function<bool()>& stop) const {
  if (copying_.exchange(true)) return BeingCopied();
  const absl::Cleanup ended = [this] { copying_ = false; };
  const CopyHolds::Outbox outbox(holds_, [this] { return Published(); });
  std::vector<uint32_t> made(parts_.size());  // by part; 0: none
  const Stop stopped = [&] { return stopping_ || stop(); };
  absl::StatusOr<BackupInfo> backup = BackUpAll(plan, stopped, &made);
  const absl::Status dropped =
      backup.ok() ? DropUnnamed(plan.dir) : DropFromAll([&](size_t part) {
        UnwantedCopies unwanted;
        if (part < made.size() && made[part] != 0) unwanted.backups = {made[part]};
        return unwanted;
      });
  if (!dropped.ok()) LogLeft(dropped);
  return backup;
}

absl::StatusOr<BackupInfo> ClusterStore::BackUpAll(const store::BackupPlan& plan,
                                                   const std::function<bool()>& stop,
                                                   std::vector<uint32_t>* made) const {
  const Shape shape = GetShape();
  if (shape.parts != made->size()) return BeingCopied();  // one has joined just now
  store::BackupPlan home = plan;
  UNIRUST_ASSIGN_OR_RETURN(const Erasures erasures, home_store_->Latest().ReadErasures());
  home.purged_micros = erasures.purged_micros;
  UNIRUST_RETURN_IF_ERROR(
      AtOnce(1, shape.parts, stop, [&](size_t part, const Stop& ending) -> absl::Status {
        UNIRUST_ASSIGN_OR_RETURN((*made)[part], parts_[part]->Backup(ending));
        return absl::OkStatus();
      }));
  for (size_t part = 1; part < shape.parts; ++part) {
    home.parts.push_back({.part = static_cast<uint32_t>(part), .id = (*made)[part]});
  }
  const CopyHolds::Home copying(holds_);
  UNIRUST_RETURN_IF_ERROR(CheckShape(shape));
  if (stop()) return absl::CancelledError("the backup into " + plan.dir + " was stopped");
  return home_store_->Backup(home, stop);
}

absl::Status ClusterStore::DropFromAll(
    const std::function<UnwantedCopies(size_t part)>& unwanted) const {
  return AtOnce(1, parts_.size(), [] { return false; }, [&](size_t part, const Stop&) {
    return parts_[part]->DropCopies(unwanted(part));
  });
}

absl::Status ClusterStore::DropUnnamed(const std::string& dir) const {
  const size_t parts = parts_.size();
  UNIRUST_ASSIGN_OR_RETURN(const auto named, Named(dir, parts));
  return DropFromAll([&](size_t part) {
    UnwantedCopies unwanted;
    if (part < parts) unwanted.keep = named[part];
    return unwanted;
  });
}

absl::Status ClusterStore::DropUnnamedBackups(const std::string& dir) const {
  if (copying_.exchange(true)) return BeingCopied();
  const absl::Cleanup ended = [this] { copying_ = false; };
  return DropUnnamed(dir);
}

absl::Status ClusterStore::Checkpoint(const std::string& dir) const {
  return CheckpointParts(dir).status();
}

absl::StatusOr<std::vector<std::string>> ClusterStore::CheckpointParts(
    const std::string& dir) const {
  const std::string name = dir.substr(dir.rfind('/') + 1);
  const CopyHolds::Outbox outbox(holds_, [this] { return Published(); });
  absl::StatusOr<std::vector<std::string>> dirs = CheckpointAll(dir, name);
  if (dirs.ok()) return dirs;
  const absl::Status dropped = DropFromAll([&](size_t) {
    UnwantedCopies unwanted;
    unwanted.checkpoint = name;
    return unwanted;
  });
  if (!dropped.ok()) LogLeft(dropped);
  return dirs;
}

absl::StatusOr<std::vector<std::string>> ClusterStore::CheckpointAll(
    const std::string& dir, const std::string& name) const {
  const Shape shape = GetShape();
  std::vector<std::string> out(shape.parts);
  UNIRUST_RETURN_IF_ERROR(AtOnce(
      1, shape.parts, [] { return false; }, [&](size_t part, const Stop&) -> absl::Status {
        UNIRUST_ASSIGN_OR_RETURN(out[part], parts_[part]->Checkpoint(name));
        return absl::OkStatus();
      }));
  const CopyHolds::Home copying(holds_);
  UNIRUST_RETURN_IF_ERROR(CheckShape(shape));
  UNIRUST_RETURN_IF_ERROR(home_store_->Checkpoint(dir));
  out[kHome] = dir;
  return out;
}

}  // namespace unirust::cluster
