#include "base/limits.h"
#include "base/status_macros.h"
#include "model/record.h"
#include "proto/status.h"
#include "rpc/admission.h"
#include "shard/audited.h"
#include "shard/reply.h"
#include "shard/service.h"

namespace unirust::shard {

absl::StatusOr<proto::EraseRecordsResponse> ShardService::Erase(
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
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<bool> erased, engine_.Erase(std::move(records)));
  proto::EraseRecordsResponse response;
  for (const bool was_there : erased) response.add_erased(was_there);
  return response;
}

grpc::Status ShardService::EraseRecords(grpc::ServerContext* context,
                                        const proto::EraseRecordsRequest* request,
                                        proto::EraseRecordsResponse* response) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const Audited audited(audit_, *context, "EraseRecords",
                        [&](access::AuditEntry& entry) { Name(request->records(), entry); });
  return audited.End(Reply(Erase(*request), response));
}

absl::StatusOr<proto::ErasureStatus> ShardService::Erasures() const {
  UNIRUST_ASSIGN_OR_RETURN(const ErasureStatus status, engine_.GetErasures());
  proto::ErasureStatus out;
  out.set_shard_id(engine_.shard_id());
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

grpc::Status ShardService::GetErasures(grpc::ServerContext* context,
                                       const proto::GetErasuresRequest*,
                                       proto::GetErasuresResponse* response) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  return Reply(Erasures(), response->add_shards());
}

grpc::Status ShardService::PurgeErased(grpc::ServerContext* context,
                                       const proto::PurgeErasedRequest*,
                                       proto::PurgeErasedResponse* response) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const Audited audited(audit_, *context, "PurgeErased");
  const absl::Status purged = engine_.Purge([context] { return context->IsCancelled(); });
  if (!purged.ok()) return audited.End(proto::ToGrpc(purged));
  return audited.End(Reply(Erasures(), response->add_shards()));
}

}  // namespace unirust::shard
