#include "base/status_macros.h"
#include "model/record.h"
#include "proto/status.h"
#include "shard/audited.h"
#include "shard/reply.h"
#include "shard/service.h"
#include "shard/tenant_call.h"

namespace unirust::shard {
namespace {

absl::StatusOr<proto::EraseRecordsResponse> Erase(Engine& engine,
                                                  const proto::EraseRecordsRequest& request) {
  std::vector<Identity> records;
  for (int i = 0; i < request.records_size(); ++i) {
    absl::StatusOr<Identity> identity = ParseRecordName(request.records(i));
    if (!identity.ok()) {
      return absl::InvalidArgumentError("records[" + std::to_string(i) +
                                        "]: " + std::string(identity.status().message()));
    }
    records.push_back(*std::move(identity));
  }
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<bool> erased, engine.Erase(std::move(records)));
  proto::EraseRecordsResponse response;
  for (const bool was_there : erased) response.add_erased(was_there);
  return response;
}

absl::StatusOr<proto::ErasureStatus> ErasuresOf(const Engine& engine) {
  UNIRUST_ASSIGN_OR_RETURN(const ErasureStatus status, engine.GetErasures());
  proto::ErasureStatus out;
  out.set_shard_id(engine.shard_id());
  out.set_records(status.store.records);
  out.set_last_micros(status.store.last_micros);
  out.set_pending_since_micros(status.store.pending_since_micros);
  out.set_purged_micros(status.store.purged_micros);
  out.set_gone_before_micros(status.gone_before_micros);
  out.set_all_gone(status.AllGone());
  for (const ErasureCopy& copy : status.copies) {
    proto::ErasureCopy* added = out.add_copies();
    added->set_name(copy.name);
    added->set_created_seconds(copy.created_seconds);
    added->set_purged_micros(copy.purged_micros);
  }
  return out;
}

}  // namespace

grpc::Status ShardService::EraseRecords(grpc::ServerContext* context,
                                        const proto::EraseRecordsRequest* request,
                                        proto::EraseRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "EraseRecords",
                        [&](access::AuditEntry& entry) { Name(request->records(), entry); });
  return audited.End(Reply(Erase(call.engine(), *request), response));
}

grpc::Status ShardService::GetErasures(grpc::ServerContext* context,
                                       const proto::GetErasuresRequest* request,
                                       proto::GetErasuresResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  return Reply(ErasuresOf(call.engine()), response->add_shards());
}

grpc::Status ShardService::PurgeErased(grpc::ServerContext* context,
                                       const proto::PurgeErasedRequest* request,
                                       proto::PurgeErasedResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "PurgeErased");
  const absl::Status purged = call.engine().Purge([context] { return context->IsCancelled(); });
  if (!purged.ok()) return audited.End(proto::ToGrpc(purged));
  return audited.End(Reply(ErasuresOf(call.engine()), response->add_shards()));
}

}  // namespace unirust::shard
