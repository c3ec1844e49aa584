#include "shard/service.h"

#include "absl/status/statusor.h"
#include "rpc/admission.h"

namespace unirust::shard {

ShardService::ShardService(Tenants& tenants, access::AuditLog* audit)
    : ByteService(proto::ShardService::service_full_name(), rpc::Callers::kRouters),
      tenants_(tenants),
      audit_(audit) {
  Serve("SetOntology", &ShardService::SetOntology);
  Serve("IngestRecords", &ShardService::IngestRecords);
  Serve("IngestRecordsStream", &ShardService::IngestRecordsStream);
  Serve("IngestRecordsFromUrl", &ShardService::IngestRecordsFromUrl);
  Serve("QueryEntities", &ShardService::QueryEntities);
  Serve("ListConflicts", &ShardService::ListConflicts);
  Serve("GetStats", &ShardService::GetStats);
  Serve("HealthCheck", &ShardService::HealthCheck);
  Serve("GetConfigVersion", &ShardService::GetConfigVersion);
  Serve("GetMetrics", &ShardService::GetMetrics);
  Serve("Checkpoint", &ShardService::Checkpoint);
  Serve("Reset", &ShardService::Reset);
  Serve("GetRecordIdRange", &ShardService::GetRecordIdRange);
  Serve("ExportRecords", &ShardService::ExportRecords);
  Serve("ExportRecordsStream", &ShardService::ExportRecordsStream);
  Serve("ImportRecords", &ShardService::ImportRecords);
  Serve("ImportRecordsStream", &ShardService::ImportRecordsStream);
  Serve("IngestChunks", &ShardService::IngestChunks);
  Serve("GetEntity", &ShardService::GetEntity);
  Serve("FindEntities", &ShardService::FindEntities);
  Serve("ScanRecords", &ShardService::ScanRecords);
  Serve("StreamConflicts", &ShardService::StreamConflicts);
  Serve("ExportGraph", &ShardService::ExportGraph);
  Serve("GetOntology", &ShardService::GetOntology);
  Serve("Backup", &ShardService::Backup);
  Serve("GetParts", &ShardService::GetParts);
  Serve("PlanSlots", &ShardService::PlanSlots);
  Serve("MoveSlots", &ShardService::MoveSlots);
  Serve("CancelMoves", &ShardService::CancelMoves);
  Serve("GetDigest", &ShardService::GetDigest);
  Serve("GetRetention", &ShardService::GetRetention);
  Serve("AdvanceRetention", &ShardService::AdvanceRetention);
  Serve("EraseRecords", &ShardService::EraseRecords);
  Serve("GetErasures", &ShardService::GetErasures);
  Serve("PurgeErased", &ShardService::PurgeErased);
}

// Of a tenant that is unknown: somebody's, since the handler refuses the call.
rpc::RequestRoom& ShardService::RoomOf(const grpc::ServerContextBase& context) {
  const absl::StatusOr<Tenant*> tenant = tenants_.Find(rpc::TenantName(context));
  return tenant.ok() ? *(*tenant)->room : tenants_.room();
}

}  // namespace unirust::shard
