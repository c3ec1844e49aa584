// RouterService of the contract over one shard. Stateless: every method is passed on to the shard
// with nine tenths of the client's remaining time, and ends when the client's call does. A shard
// that cannot be reached is UNAVAILABLE, by its address. The shard gets the client's request id,
// its token and its tenant, and decides what it may do.
// Thread-safe.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "proto/unirust.grpc.pb.h"
#include "rpc/message_stream.h"
#include "rpc/requests.h"

namespace unirust::router {

class RouterService final : public proto::RouterService::WithRawCallbackMethod_IngestRecordsStream<
                                proto::RouterService::Service> {
 public:
  // `address` names the shard in messages. `deadline` is for unary calls whose client sets none;
  // streams and the long operations (SetOntology, IngestRecordsFromUrl, Checkpoint, Reset) then
  // have none.
  RouterService(std::shared_ptr<grpc::Channel> shard, std::string address,
                std::chrono::milliseconds deadline);

  grpc::Status SetOntology(grpc::ServerContext* context, const proto::ApplyOntologyRequest* request,
                           proto::ApplyOntologyResponse* response) override;
  grpc::Status GetOntology(grpc::ServerContext* context, const proto::GetOntologyRequest* request,
                           proto::GetOntologyResponse* response) override;
  grpc::Status GetConfigVersion(grpc::ServerContext* context,
                                const proto::ConfigVersionRequest* request,
                                proto::ConfigVersionResponse* response) override;
  grpc::Status IngestRecords(grpc::ServerContext* context,
                             const proto::IngestRecordsRequest* request,
                             proto::IngestRecordsResponse* response) override;
  grpc::Status IngestRecordsFromUrl(grpc::ServerContext* context,
                                    const proto::IngestRecordsFromUrlRequest* request,
                                    proto::IngestRecordsResponse* response) override;
  grpc::Status QueryEntities(grpc::ServerContext* context,
                             const proto::QueryEntitiesRequest* request,
                             proto::QueryEntitiesResponse* response) override;
  grpc::Status GetEntity(grpc::ServerContext* context, const proto::GetEntityRequest* request,
                         proto::GetEntityResponse* response) override;
  grpc::Status ListConflicts(grpc::ServerContext* context,
                             const proto::ListConflictsRequest* request,
                             proto::ListConflictsResponse* response) override;
  grpc::Status GetStats(grpc::ServerContext* context, const proto::StatsRequest* request,
                        proto::StatsResponse* response) override;
  grpc::Status HealthCheck(grpc::ServerContext* context, const proto::HealthCheckRequest* request,
                           proto::HealthCheckResponse* response) override;
  grpc::Status GetParts(grpc::ServerContext* context, const proto::GetPartsRequest* request,
                        proto::GetPartsResponse* response) override;
  grpc::Status PlanSlots(grpc::ServerContext* context, const proto::PlanSlotsRequest* request,
                         proto::PlanSlotsResponse* response) override;
  grpc::Status MoveSlots(grpc::ServerContext* context, const proto::MoveSlotsRequest* request,
                         proto::MoveSlotsResponse* response) override;
  grpc::Status CancelMoves(grpc::ServerContext* context, const proto::CancelMovesRequest* request,
                           proto::CancelMovesResponse* response) override;
  grpc::Status GetMetrics(grpc::ServerContext* context, const proto::MetricsRequest* request,
                          proto::MetricsResponse* response) override;
  grpc::Status Checkpoint(grpc::ServerContext* context, const proto::CheckpointRequest* request,
                          proto::CheckpointResponse* response) override;
  grpc::Status Backup(grpc::ServerContext* context, const proto::BackupRequest* request,
                      proto::BackupResponse* response) override;
  grpc::Status GetRetention(grpc::ServerContext* context,
                            const proto::GetRetentionRequest* request,
                            proto::GetRetentionResponse* response) override;
  grpc::Status AdvanceRetention(grpc::ServerContext* context,
                                const proto::AdvanceRetentionRequest* request,
                                proto::AdvanceRetentionResponse* response) override;
  grpc::Status EraseRecords(grpc::ServerContext* context, const proto::EraseRecordsRequest* request,
                            proto::EraseRecordsResponse* response) override;
  grpc::Status GetErasures(grpc::ServerContext* context, const proto::GetErasuresRequest* request,
                           proto::GetErasuresResponse* response) override;
  grpc::Status PurgeErased(grpc::ServerContext* context, const proto::PurgeErasedRequest* request,
                           proto::PurgeErasedResponse* response) override;
  grpc::Status Reset(grpc::ServerContext* context, const proto::Empty* request,
                     proto::Empty* response) override;
  grpc::Status Reconcile(grpc::ServerContext* context, const proto::ReconcileRequest* request,
                         proto::ReconcileResponse* response) override;

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* IngestRecordsStream(
      grpc::CallbackServerContext* context) override;

  // The calls of the server that has this service.
  rpc::RequestMetrics& requests() { return requests_; }

  // These name a shard: NOT_FOUND if it is not ours.
  grpc::Status GetRecordIdRange(grpc::ServerContext* context,
                                const proto::RouterRecordIdRangeRequest* request,
                                proto::RecordIdRangeResponse* response) override;
  grpc::Status ExportRecords(grpc::ServerContext* context,
                             const proto::RouterExportRecordsRequest* request,
                             proto::ExportRecordsResponse* response) override;
  grpc::Status ImportRecords(grpc::ServerContext* context,
                             const proto::RouterImportRecordsRequest* request,
                             proto::ImportRecordsResponse* response) override;

 private:
  using Stub = proto::ShardService::Stub;
  using ImportStream =
      rpc::MessageStream<proto::RouterImportRecordsRequest, proto::ImportRecordsResponse>;
  // Chunks of answers are passed on as bytes: the router has no use for what is in them.
  template <typename Request>
  using ChunkStream = rpc::MessageStream<Request, grpc::ByteBuffer>;
  enum class NoDeadline { kDefault, kForever };  // what becomes of a client that sets no deadline

  grpc::Status ServeFindEntities(grpc::ServerContext* context,
                                 ChunkStream<proto::FindEntitiesRequest>& stream);
  grpc::Status ServeScanRecords(grpc::ServerContext* context,
                                ChunkStream<proto::ScanRecordsRequest>& stream);
  grpc::Status ServeGetDigest(grpc::ServerContext* context,
                              ChunkStream<proto::GetDigestRequest>& stream);
  grpc::Status ServeStreamConflicts(grpc::ServerContext* context,
                                    ChunkStream<proto::StreamConflictsRequest>& stream);
  grpc::Status ServeExportGraph(grpc::ServerContext* context,
                                ChunkStream<proto::ExportGraphRequest>& stream);
  grpc::Status ServeExportRecordsStream(grpc::ServerContext* context,
                                        ChunkStream<proto::RouterExportRecordsRequest>& stream);
  grpc::Status ServeImportRecordsStream(grpc::ServerContext* context, ImportStream& stream);

  // Has `serve` serve the method of that name.
  template <typename Stream>
  void ServeStream(const std::string& method,
                   grpc::Status (RouterService::*serve)(grpc::ServerContext*, Stream&));

  // A call to the shard on behalf of the client's, cancelled when that one ends.
  std::unique_ptr<grpc::ClientContext> NewCall(const grpc::ServerContextBase& context,
                                               NoDeadline no_deadline) const;

  template <typename Request, typename Response>
  grpc::Status Forward(grpc::ServerContext* context,
                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                    Response*),
                       const Request& request, Response* response,
                       NoDeadline no_deadline = NoDeadline::kDefault);

  // Sends the chunks of the shard's answer to `request` as they come. `method` is a path, for good.
  template <typename Request, typename Stream>
  grpc::Status ForwardChunks(grpc::ServerContext* context, const char* method,
                             const Request& request, Stream& stream);

  // The same for a request that is the shard's too.
  template <typename Request>
  grpc::Status ForwardStream(grpc::ServerContext* context, const char* method,
                             ChunkStream<Request>& stream);

  // Ends the client's call as the shard ended ours.
  grpc::Status End(grpc::ServerContextBase* context, const grpc::ClientContext& call,
                   const grpc::Status& status) const;

  // NOT_FOUND unless the shard has this number.
  grpc::Status CheckShardId(grpc::ServerContext* context, uint32_t shard_id);

  rpc::RequestMetrics requests_{proto::RouterService::service_full_name()};
  const std::shared_ptr<grpc::Channel> shard_;
  const std::unique_ptr<Stub> stub_;
  grpc::GenericStub generic_stub_;
  const std::string address_;
  const std::chrono::milliseconds deadline_;
};

}  // namespace unirust::router
