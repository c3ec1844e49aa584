#include "access/roles.h"

#include <algorithm>
#include <array>
#include <utility>

namespace unirust::access {
namespace {

constexpr std::array<std::string_view, 6> kRoleNames = {"anyone",  "reader", "writer",
                                                        "steward", "admin",  "peer"};

std::vector<Rpc> SortedTable() {
  // The router has no table: it passes a client's token on, and the shard decides.
  std::vector<Rpc> table = {
      {"/unirust.ShardService/HealthCheck", Role::kAnyone},

      {"/unirust.ShardService/ExportGraph", Role::kReader},
      {"/unirust.ShardService/ExportRecords", Role::kReader},
      {"/unirust.ShardService/ExportRecordsStream", Role::kReader},
      {"/unirust.ShardService/FindEntities", Role::kReader},
      {"/unirust.ShardService/GetConfigVersion", Role::kReader},
      {"/unirust.ShardService/GetDigest", Role::kReader},
      {"/unirust.ShardService/GetEntity", Role::kReader},
      {"/unirust.ShardService/GetOntology", Role::kReader},
      {"/unirust.ShardService/GetRecordIdRange", Role::kReader},
      {"/unirust.ShardService/GetRetention", Role::kReader},
      {"/unirust.ShardService/GetStats", Role::kReader},
      {"/unirust.ShardService/ListConflicts", Role::kReader},
      {"/unirust.ShardService/QueryEntities", Role::kReader},
      {"/unirust.ShardService/ScanRecords", Role::kReader},
      {"/unirust.ShardService/StreamConflicts", Role::kReader},

      {"/unirust.ShardService/ImportRecords", Role::kWriter},
      {"/unirust.ShardService/ImportRecordsStream", Role::kWriter},
      {"/unirust.ShardService/IngestChunks", Role::kWriter},
      {"/unirust.ShardService/IngestRecords", Role::kWriter},
      {"/unirust.ShardService/IngestRecordsFromUrl", Role::kWriter},
      {"/unirust.ShardService/IngestRecordsStream", Role::kWriter},

      {"/unirust.ShardService/AdvanceRetention", Role::kSteward},
      {"/unirust.ShardService/SetOntology", Role::kSteward},

      {"/unirust.ShardService/Backup", Role::kAdmin},
      {"/unirust.ShardService/CancelMoves", Role::kAdmin},
      {"/unirust.ShardService/Checkpoint", Role::kAdmin},
      {"/unirust.ShardService/EraseRecords", Role::kAdmin},
      {"/unirust.ShardService/GetErasures", Role::kAdmin},
      {"/unirust.ShardService/GetMetrics", Role::kAdmin},
      {"/unirust.ShardService/GetParts", Role::kAdmin},
      {"/unirust.ShardService/MoveSlots", Role::kAdmin},
      {"/unirust.ShardService/PlanSlots", Role::kAdmin},
      {"/unirust.ShardService/PurgeErased", Role::kAdmin},
      {"/unirust.ShardService/Reset", Role::kAdmin},

      {"/unirust.PartService/ApplyEpoch", Role::kPeer},
      {"/unirust.PartService/BackupPart", Role::kPeer},
      {"/unirust.PartService/BeginGeneration", Role::kPeer},
      {"/unirust.PartService/CheckpointPart", Role::kPeer},
      {"/unirust.PartService/CommitPending", Role::kPeer},
      {"/unirust.PartService/DropCopies", Role::kPeer},
      {"/unirust.PartService/DropPending", Role::kPeer},
      {"/unirust.PartService/EstimateRows", Role::kPeer},
      {"/unirust.PartService/GetPart", Role::kPeer},
      {"/unirust.PartService/GetRows", Role::kPeer},
      {"/unirust.PartService/Join", Role::kPeer},
      {"/unirust.PartService/OpenState", Role::kPeer},
      {"/unirust.PartService/ReadSlots", Role::kPeer},
      {"/unirust.PartService/RewritePart", Role::kPeer},
      {"/unirust.PartService/SealPending", Role::kPeer},
      {"/unirust.PartService/WalkRows", Role::kPeer},
  };
  std::sort(table.begin(), table.end(), [](const Rpc& a, const Rpc& b) { return a.path < b.path; });
  return table;
}

}  // namespace

std::string_view RoleName(Role role) { return kRoleNames.at(static_cast<size_t>(role)); }

std::optional<Role> ParseRole(std::string_view name) {
  for (size_t i = 1; i < kRoleNames.size(); ++i) {
    if (kRoleNames[i] == name) return static_cast<Role>(i);
  }
  return std::nullopt;
}

const std::vector<Rpc>& Rpcs() {
  static const auto& table = *new std::vector<Rpc>(SortedTable());
  return table;
}

std::optional<Role> RequiredRole(std::string_view path) {
  const std::vector<Rpc>& table = Rpcs();
  const auto row =
      std::lower_bound(table.begin(), table.end(), path,
                       [](const Rpc& rpc, std::string_view sought) { return rpc.path < sought; });
  if (row == table.end() || row->path != path) return std::nullopt;
  return row->role;
}

}  // namespace unirust::access
