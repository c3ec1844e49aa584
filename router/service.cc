#include "router/service.h"

#include <grpcpp/impl/rpc_method.h>

#include <utility>

#include "router/ingest_proxy.h"
#include "rpc/admission.h"
#include "rpc/request_id.h"

namespace unirust::router {
namespace {

// A stream that ends as it begins. Deletes itself.
class RefusedStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

proto::ExportRecordsRequest ToShard(const proto::RouterExportRecordsRequest& request) {
  proto::ExportRecordsRequest result;
  result.set_start_id(request.start_id());
  result.set_end_id(request.end_id());
  result.set_limit(request.limit());
  return result;
}

}  // namespace

RouterService::RouterService(std::shared_ptr<grpc::Channel> shard, std::string address,
                             std::chrono::milliseconds deadline)
    : shard_(std::move(shard)),
      stub_(proto::ShardService::NewStub(shard_)),
      generic_stub_(shard_),
      address_(std::move(address)),
      deadline_(deadline) {
  ServeStream("FindEntities", &RouterService::ServeFindEntities);
  ServeStream("ScanRecords", &RouterService::ServeScanRecords);
  ServeStream("GetDigest", &RouterService::ServeGetDigest);
  ServeStream("StreamConflicts", &RouterService::ServeStreamConflicts);
  ServeStream("ExportGraph", &RouterService::ServeExportGraph);
  ServeStream("ExportRecordsStream", &RouterService::ServeExportRecordsStream);
  ServeStream("ImportRecordsStream", &RouterService::ServeImportRecordsStream);
}

template <typename Stream>
void RouterService::ServeStream(const std::string& method,
                                grpc::Status (RouterService::*serve)(grpc::ServerContext*,
                                                                     Stream&)) {
  MarkMethodStreamed(rpc::MethodIndex("unirust.RouterService." + method),
                     rpc::StreamHandler(this, serve));
}

// --- how a call is passed on ---------------------------------------------------------------------

std::unique_ptr<grpc::ClientContext> RouterService::NewCall(const grpc::ServerContextBase& context,
                                                            NoDeadline no_deadline) const {
  using Clock = std::chrono::system_clock;
  auto call = grpc::ClientContext::FromServerContext(context);
  call->AddMetadata(rpc::kRequestIdKey, rpc::RequestId(context));
  // Several of a kind, too: the shard refuses them.
  for (const char* const key : {rpc::kTokenKey, rpc::kTenantKey}) {
    const auto [begin, end] = context.client_metadata().equal_range(key);
    for (auto it = begin; it != end; ++it) {
      call->AddMetadata(key, std::string(it->second.data(), it->second.size()));
    }
  }
  const Clock::time_point now = Clock::now();
  if (context.deadline() != Clock::time_point::max()) {
    // A tenth is kept, so that the client hears from us what happened.
    call->set_deadline(now + (context.deadline() - now) / 10 * 9);
  } else if (no_deadline == NoDeadline::kDefault) {
    call->set_deadline(now + deadline_);
  }
  return call;
}

template <typename Request, typename Response>
grpc::Status RouterService::Forward(grpc::ServerContext* context,
                                    grpc::Status (Stub::*method)(grpc::ClientContext*,
                                                                 const Request&, Response*),
                                    const Request& request, Response* response,
                                    NoDeadline no_deadline) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const auto call = NewCall(*context, no_deadline);
  const grpc::Status status = ((*stub_).*method)(call.get(), request, response);
  return End(context, *call, status);
}

template <typename Request, typename Stream>
grpc::Status RouterService::ForwardChunks(grpc::ServerContext* context, const char* method,
                                          const Request& request, Stream& stream) {
  using Rpc = grpc::internal::RpcMethod;
  const auto call = NewCall(*context, NoDeadline::kForever);
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> chunks(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
          shard_.get(), Rpc(method, Rpc::SERVER_STREAMING), call.get(), request));
  for (grpc::ByteBuffer chunk; chunks->Read(&chunk);) {
    if (!stream.Write(chunk)) call->TryCancel();
  }
  return End(context, *call, chunks->Finish());
}

template <typename Request>
grpc::Status RouterService::ForwardStream(grpc::ServerContext* context, const char* method,
                                          ChunkStream<Request>& stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  Request request;
  if (const grpc::Status status = stream.ReadRequest(&request); !status.ok()) return status;
  return ForwardChunks(context, method, request, stream);
}

grpc::Status RouterService::End(grpc::ServerContextBase* context, const grpc::ClientContext& call,
                                const grpc::Status& status) const {
  const auto& metadata = call.GetServerTrailingMetadata();
  if (const auto delay = metadata.find(rpc::kRetryAfterKey); delay != metadata.end()) {
    context->AddTrailingMetadata(rpc::kRetryAfterKey,
                                 std::string(delay->second.data(), delay->second.size()));
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return {status.error_code(),
              "shard " + address_ + " is unavailable: " + status.error_message()};
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return {status.error_code(), "shard " + address_ + " did not answer in time"};
    default:
      return status;
  }
}

grpc::Status RouterService::CheckShardId(grpc::ServerContext* context, uint32_t shard_id) {
  proto::HealthCheckResponse health;
  const grpc::Status status =
      Forward(context, &Stub::HealthCheck, proto::HealthCheckRequest(), &health);
  if (!status.ok() || health.shard_id() == shard_id) return status;
  return {grpc::StatusCode::NOT_FOUND, "shard_id: there is no shard " + std::to_string(shard_id) +
                                           " here; the only one is " +
                                           std::to_string(health.shard_id())};
}

// --- methods that both services have -------------------------------------------------------------

grpc::Status RouterService::SetOntology(grpc::ServerContext* context,
                                        const proto::ApplyOntologyRequest* request,
                                        proto::ApplyOntologyResponse* response) {
  return Forward(context, &Stub::SetOntology, *request, response, NoDeadline::kForever);
}

grpc::Status RouterService::GetOntology(grpc::ServerContext* context,
                                        const proto::GetOntologyRequest* request,
                                        proto::GetOntologyResponse* response) {
  return Forward(context, &Stub::GetOntology, *request, response);
}

grpc::Status RouterService::GetConfigVersion(grpc::ServerContext* context,
                                             const proto::ConfigVersionRequest* request,
                                             proto::ConfigVersionResponse* response) {
  return Forward(context, &Stub::GetConfigVersion, *request, response);
}

grpc::Status RouterService::IngestRecords(grpc::ServerContext* context,
                                          const proto::IngestRecordsRequest* request,
                                          proto::IngestRecordsResponse* response) {
  return Forward(context, &Stub::IngestRecords, *request, response);
}

grpc::Status RouterService::IngestRecordsFromUrl(grpc::ServerContext* context,
                                                 const proto::IngestRecordsFromUrlRequest* request,
                                                 proto::IngestRecordsResponse* response) {
  return Forward(context, &Stub::IngestRecordsFromUrl, *request, response, NoDeadline::kForever);
}

grpc::Status RouterService::QueryEntities(grpc::ServerContext* context,
                                          const proto::QueryEntitiesRequest* request,
                                          proto::QueryEntitiesResponse* response) {
  return Forward(context, &Stub::QueryEntities, *request, response);
}

grpc::Status RouterService::GetEntity(grpc::ServerContext* context,
                                      const proto::GetEntityRequest* request,
                                      proto::GetEntityResponse* response) {
  return Forward(context, &Stub::GetEntity, *request, response);
}

grpc::Status RouterService::ServeFindEntities(
    grpc::ServerContext* context, ChunkStream<proto::FindEntitiesRequest>& stream) {
  return ForwardStream(context, "/unirust.ShardService/FindEntities", stream);
}

grpc::Status RouterService::ServeScanRecords(
    grpc::ServerContext* context, ChunkStream<proto::ScanRecordsRequest>& stream) {
  return ForwardStream(context, "/unirust.ShardService/ScanRecords", stream);
}

grpc::Status RouterService::ServeGetDigest(grpc::ServerContext* context,
                                           ChunkStream<proto::GetDigestRequest>& stream) {
  return ForwardStream(context, "/unirust.ShardService/GetDigest", stream);
}

grpc::Status RouterService::ListConflicts(grpc::ServerContext* context,
                                          const proto::ListConflictsRequest* request,
                                          proto::ListConflictsResponse* response) {
  return Forward(context, &Stub::ListConflicts, *request, response);
}

grpc::Status RouterService::ServeStreamConflicts(
    grpc::ServerContext* context, ChunkStream<proto::StreamConflictsRequest>& stream) {
  return ForwardStream(context, "/unirust.ShardService/StreamConflicts", stream);
}

grpc::Status RouterService::ServeExportGraph(
    grpc::ServerContext* context, ChunkStream<proto::ExportGraphRequest>& stream) {
  return ForwardStream(context, "/unirust.ShardService/ExportGraph", stream);
}

grpc::Status RouterService::GetStats(grpc::ServerContext* context,
                                     const proto::StatsRequest* request,
                                     proto::StatsResponse* response) {
  return Forward(context, &Stub::GetStats, *request, response);
}

grpc::Status RouterService::HealthCheck(grpc::ServerContext* context,
                                        const proto::HealthCheckRequest* request,
                                        proto::HealthCheckResponse* response) {
  return Forward(context, &Stub::HealthCheck, *request, response);
}

grpc::Status RouterService::GetMetrics(grpc::ServerContext* context,
                                       const proto::MetricsRequest* request,
                                       proto::MetricsResponse* response) {
  return Forward(context, &Stub::GetMetrics, *request, response);
}

grpc::Status RouterService::Checkpoint(grpc::ServerContext* context,
                                       const proto::CheckpointRequest* request,
                                       proto::CheckpointResponse* response) {
  return Forward(context, &Stub::Checkpoint, *request, response, NoDeadline::kForever);
}

grpc::Status RouterService::GetParts(grpc::ServerContext* context,
                                     const proto::GetPartsRequest* request,
                                     proto::GetPartsResponse* response) {
  return Forward(context, &Stub::GetParts, *request, response);
}

grpc::Status RouterService::PlanSlots(grpc::ServerContext* context,
                                      const proto::PlanSlotsRequest* request,
                                      proto::PlanSlotsResponse* response) {
  return Forward(context, &Stub::PlanSlots, *request, response);
}

grpc::Status RouterService::MoveSlots(grpc::ServerContext* context,
                                      const proto::MoveSlotsRequest* request,
                                      proto::MoveSlotsResponse* response) {
  return Forward(context, &Stub::MoveSlots, *request, response);
}

grpc::Status RouterService::CancelMoves(grpc::ServerContext* context,
                                        const proto::CancelMovesRequest* request,
                                        proto::CancelMovesResponse* response) {
  return Forward(context, &Stub::CancelMoves, *request, response);
}

grpc::Status RouterService::Backup(grpc::ServerContext* context,
                                   const proto::BackupRequest* request,
                                   proto::BackupResponse* response) {
  return Forward(context, &Stub::Backup, *request, response, NoDeadline::kForever);
}

grpc::Status RouterService::GetRetention(grpc::ServerContext* context,
                                         const proto::GetRetentionRequest* request,
                                         proto::GetRetentionResponse* response) {
  return Forward(context, &Stub::GetRetention, *request, response);
}

grpc::Status RouterService::AdvanceRetention(grpc::ServerContext* context,
                                             const proto::AdvanceRetentionRequest* request,
                                             proto::AdvanceRetentionResponse* response) {
  return Forward(context, &Stub::AdvanceRetention, *request, response, NoDeadline::kForever);
}

grpc::Status RouterService::EraseRecords(grpc::ServerContext* context,
                                         const proto::EraseRecordsRequest* request,
                                         proto::EraseRecordsResponse* response) {
  return Forward(context, &Stub::EraseRecords, *request, response);
}

grpc::Status RouterService::GetErasures(grpc::ServerContext* context,
                                        const proto::GetErasuresRequest* request,
                                        proto::GetErasuresResponse* response) {
  return Forward(context, &Stub::GetErasures, *request, response);
}

grpc::Status RouterService::PurgeErased(grpc::ServerContext* context,
                                        const proto::PurgeErasedRequest* request,
                                        proto::PurgeErasedResponse* response) {
  return Forward(context, &Stub::PurgeErased, *request, response, NoDeadline::kForever);
}

grpc::Status RouterService::Reset(grpc::ServerContext* context, const proto::Empty* request,
                                  proto::Empty* response) {
  return Forward(context, &Stub::Reset, *request, response, NoDeadline::kForever);
}

// --- methods of the router alone -----------------------------------------------------------------

// What one shard has acknowledged is resolved, and nothing spans shards.
grpc::Status RouterService::Reconcile(grpc::ServerContext* context, const proto::ReconcileRequest*,
                                      proto::ReconcileResponse*) {
  proto::HealthCheckResponse health;
  return Forward(context, &Stub::HealthCheck, proto::HealthCheckRequest(), &health);
}

grpc::Status RouterService::GetRecordIdRange(grpc::ServerContext* context,
                                             const proto::RouterRecordIdRangeRequest* request,
                                             proto::RecordIdRangeResponse* response) {
  if (const grpc::Status status = CheckShardId(context, request->shard_id()); !status.ok())
    return status;
  return Forward(context, &Stub::GetRecordIdRange, proto::RecordIdRangeRequest(), response);
}

grpc::Status RouterService::ExportRecords(grpc::ServerContext* context,
                                          const proto::RouterExportRecordsRequest* request,
                                          proto::ExportRecordsResponse* response) {
  if (const grpc::Status status = CheckShardId(context, request->shard_id()); !status.ok())
    return status;
  return Forward(context, &Stub::ExportRecords, ToShard(*request), response);
}

grpc::Status RouterService::ServeExportRecordsStream(
    grpc::ServerContext* context, ChunkStream<proto::RouterExportRecordsRequest>& stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  proto::RouterExportRecordsRequest request;
  if (const grpc::Status status = stream.ReadRequest(&request); !status.ok()) return status;
  if (const grpc::Status status = CheckShardId(context, request.shard_id()); !status.ok())
    return status;
  return ForwardChunks(context, "/unirust.ShardService/ExportRecordsStream", ToShard(request),
                       stream);
}

grpc::Status RouterService::ImportRecords(grpc::ServerContext* context,
                                          const proto::RouterImportRecordsRequest* request,
                                          proto::ImportRecordsResponse* response) {
  if (const grpc::Status status = CheckShardId(context, request->shard_id()); !status.ok())
    return status;
  proto::ImportRecordsRequest to_shard;
  *to_shard.mutable_records() = request->records();
  return Forward(context, &Stub::ImportRecords, to_shard, response);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RouterService::IngestRecordsStream(
    grpc::CallbackServerContext* context) {
  if (const auto refused = rpc::Refused(*context)) return new RefusedStream(*refused);
  return new IngestProxy(
      generic_stub_, "/unirust.ShardService/IngestChunks", NewCall(*context, NoDeadline::kForever),
      [this, context](const grpc::ClientContext& ended, const grpc::Status& status) {
        return End(context, ended, status);
      });
}

grpc::Status RouterService::ServeImportRecordsStream(grpc::ServerContext* context,
                                                     ImportStream& stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const auto call = NewCall(*context, NoDeadline::kForever);
  proto::ImportRecordsResponse response;
  const auto shard = stub_->ImportRecordsStream(call.get(), &response);
  proto::RouterImportRecordsRequest request;
  proto::ImportRecordsChunk chunk;
  grpc::Status refused;
  while (refused.ok() && stream.Read(&request)) {
    refused = CheckShardId(context, request.shard_id());
    chunk.mutable_records()->Swap(request.mutable_records());
    if (refused.ok() && !shard->Write(chunk)) break;
  }
  if (refused.ok()) refused = stream.status();
  if (!refused.ok()) call->TryCancel();
  shard->WritesDone();
  const grpc::Status status = shard->Finish();
  if (!refused.ok()) return refused;
  if (status.ok()) stream.Write(response);
  return End(context, *call, status);
}

}  // namespace unirust::router
