// Copies of a store of several parts (docs/cluster.md, 6): first the other parts, then home, whose outbox has what the
// others got meanwhile.
#include <optional>
#include <string>
#include <vector>

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

}  // namespace

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

absl::StatusOr<BackupInfo> ClusterStore::Backup(const store::BackupPlan& plan,
                                                const std::function<bool()>& stop) const {
  const CopyHolds::Outbox outbox(holds_, [this] { return Published(); });
  const Shape shape = GetShape();
  store::BackupPlan home = plan;
  UNIRUST_ASSIGN_OR_RETURN(const Erasures erasures, home_store_->Latest().ReadErasures());
  home.purged_micros = erasures.purged_micros;
  UNIRUST_ASSIGN_OR_RETURN(const auto named, Named(plan.dir, shape.parts));
  std::vector<uint32_t> made(shape.parts);
  UNIRUST_RETURN_IF_ERROR(
      AtOnce(1, shape.parts, stop, [&](size_t part, const auto& ending) -> absl::Status {
        UNIRUST_ASSIGN_OR_RETURN(made[part], parts_[part]->Backup(named[part], ending));
        return absl::OkStatus();
      }));
  for (size_t part = 1; part < shape.parts; ++part) {
    home.parts.push_back({.part = static_cast<uint32_t>(part), .id = made[part]});
  }
  const CopyHolds::Home copying(holds_);
  UNIRUST_RETURN_IF_ERROR(CheckShape(shape));
  if (stop()) return absl::CancelledError("the backup into " + plan.dir + " was stopped");
  return home_store_->Backup(home, stop);
}

absl::Status ClusterStore::KeepBackups(const std::string& dir) const {
  const size_t parts = parts_.size();
  UNIRUST_ASSIGN_OR_RETURN(const auto named, Named(dir, parts));
  return AtOnce(1, parts, [] { return false; }, [&](size_t part, const auto&) {
    return parts_[part]->KeepBackups(named[part]);
  });
}

absl::StatusOr<std::vector<std::string>> ClusterStore::CheckpointParts(
    const std::string& dir, const std::string& name) const {
  const CopyHolds::Outbox outbox(holds_, [this] { return Published(); });
  const Shape shape = GetShape();
  std::vector<std::string> out(shape.parts);
  UNIRUST_RETURN_IF_ERROR(AtOnce(
      1, shape.parts, [] { return false; }, [&](size_t part, const auto&) -> absl::Status {
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
