// ShardService of the contract over the engines of tenants. Every method decodes, calls the engine of its tenant
// (tenant_call.h) and encodes; docs/api.md says what each does. Thread-safe.
#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/message_stream.h"
#include "rpc/requests.h"
#include "shard/tenant_call.h"

namespace unirust::access {
class AuditLog;
}

namespace unirust::shard {

struct PendingChunk;

class ShardService final : public proto::ShardService::Service {
 public:
  // Calls that change something are noted in `audit`, if it is not null. It and `tenants` must outlive the service.
  explicit ShardService(Tenants& tenants, access::AuditLog* audit = nullptr);

  // The calls of the server that has this service.
  rpc::RequestMetrics& requests() { return requests_; }

  // --- writes (service_writes.cc) ---
  grpc::Status IngestRecords(grpc::ServerContext* context,
                             const proto::IngestRecordsRequest* request,
                             proto::IngestRecordsResponse* response) override;
  grpc::Status IngestRecordsFromUrl(grpc::ServerContext* context,
                                    const proto::IngestRecordsFromUrlRequest* request,
                                    proto::IngestRecordsResponse* response) override;
  grpc::Status ImportRecords(grpc::ServerContext* context,
                             const proto::ImportRecordsRequest* request,
                             proto::ImportRecordsResponse* response) override;

  // --- reads (service_reads.cc) ---
  grpc::Status QueryEntities(grpc::ServerContext* context,
                             const proto::QueryEntitiesRequest* request,
                             proto::QueryEntitiesResponse* response) override;
  grpc::Status GetEntity(grpc::ServerContext* context, const proto::GetEntityRequest* request,
                         proto::GetEntityResponse* response) override;
  grpc::Status ListConflicts(grpc::ServerContext* context,
                             const proto::ListConflictsRequest* request,
                             proto::ListConflictsResponse* response) override;
  grpc::Status FindEntities(grpc::ServerContext* context, const proto::FindEntitiesRequest* request,
                            grpc::ServerWriter<proto::FindEntitiesChunk>* writer) override;
  grpc::Status ScanRecords(grpc::ServerContext* context, const proto::ScanRecordsRequest* request,
                           grpc::ServerWriter<proto::ScanRecordsChunk>* writer) override;
  grpc::Status StreamConflicts(grpc::ServerContext* context,
                               const proto::StreamConflictsRequest* request,
                               grpc::ServerWriter<proto::StreamConflictsChunk>* writer) override;
  grpc::Status GetDigest(grpc::ServerContext* context, const proto::GetDigestRequest* request,
                         grpc::ServerWriter<proto::GetDigestChunk>* writer) override;
  grpc::Status GetRecordIdRange(grpc::ServerContext* context,
                                const proto::RecordIdRangeRequest* request,
                                proto::RecordIdRangeResponse* response) override;
  grpc::Status ExportRecords(grpc::ServerContext* context,
                             const proto::ExportRecordsRequest* request,
                             proto::ExportRecordsResponse* response) override;
  grpc::Status ExportRecordsStream(grpc::ServerContext* context,
                                   const proto::ExportRecordsRequest* request,
                                   grpc::ServerWriter<proto::ExportRecordsChunk>* writer) override;

  // --- ontology and operations (service_operations.cc) ---
  grpc::Status SetOntology(grpc::ServerContext* context, const proto::ApplyOntologyRequest* request,
                           proto::ApplyOntologyResponse* response) override;
  grpc::Status GetOntology(grpc::ServerContext* context, const proto::GetOntologyRequest* request,
                           proto::GetOntologyResponse* response) override;
  grpc::Status GetConfigVersion(grpc::ServerContext* context,
                                const proto::ConfigVersionRequest* request,
                                proto::ConfigVersionResponse* response) override;
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

  // --- erasure (service_erasure.cc) ---
  grpc::Status EraseRecords(grpc::ServerContext* context, const proto::EraseRecordsRequest* request,
                            proto::EraseRecordsResponse* response) override;
  grpc::Status GetErasures(grpc::ServerContext* context, const proto::GetErasuresRequest* request,
                           proto::GetErasuresResponse* response) override;
  grpc::Status PurgeErased(grpc::ServerContext* context, const proto::PurgeErasedRequest* request,
                           proto::PurgeErasedResponse* response) override;
  grpc::Status Reset(grpc::ServerContext* context, const proto::Empty* request,
                     proto::Empty* response) override;

 private:
  using IngestStream = rpc::MessageStream<proto::IngestRecordsChunk, proto::IngestRecordsResponse>;
  using ImportStream = rpc::MessageStream<proto::ImportRecordsChunk, proto::ImportRecordsResponse>;
  grpc::Status ServeIngestChunks(grpc::ServerContext* context, IngestStream& stream);
  grpc::Status AnswerChunk(grpc::ServerContext* context, Engine& engine, PendingChunk& chunk,
                           IngestStream& stream);
  grpc::Status ServeIngestRecordsStream(grpc::ServerContext* context, IngestStream& stream);
  grpc::Status ServeImportRecordsStream(grpc::ServerContext* context, ImportStream& stream);
  // Its chunks are written as bytes (proto/graph_chunk.h).
  using GraphStream = rpc::MessageStream<proto::ExportGraphRequest, grpc::ByteBuffer>;
  grpc::Status ServeExportGraph(grpc::ServerContext* context, GraphStream& stream);

  Tenants& tenants_;
  access::AuditLog* const audit_;
  std::atomic<size_t> graph_exports_ = 0;  // of the whole graph, that run now
  const uint64_t started_micros_ = SteadyClockMicros();
  rpc::RequestMetrics requests_{proto::ShardService::service_full_name()};
};

}  // namespace unirust::shard
