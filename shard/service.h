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
#include "rpc/byte_service.h"
#include "shard/tenant_call.h"

namespace unirust::access {
class AuditLog;
}

namespace unirust::shard {

struct PendingChunk;

class ShardService final : public rpc::ByteService {
 public:
  // Calls that change something are noted in `audit`, if it is not null. It and `tenants` must outlive the service.
  explicit ShardService(Tenants& tenants, access::AuditLog* audit = nullptr);

 private:
  rpc::RequestRoom& RoomOf(const grpc::ServerContextBase& context) override;

  // --- writes (service_writes.cc); lists of writes come as bytes (proto/write_list.h) ---
  using IngestStream = rpc::ByteStream<proto::IngestRecordsResponse>;
  using ImportStream = rpc::ByteStream<proto::ImportRecordsResponse>;
  grpc::Status IngestRecords(grpc::ServerContext* context, const grpc::ByteBuffer* request,
                             proto::IngestRecordsResponse* response);
  grpc::Status IngestRecordsFromUrl(grpc::ServerContext* context,
                                    const proto::IngestRecordsFromUrlRequest* request,
                                    proto::IngestRecordsResponse* response);
  grpc::Status ImportRecords(grpc::ServerContext* context, const grpc::ByteBuffer* request,
                             proto::ImportRecordsResponse* response);
  grpc::Status IngestChunks(grpc::ServerContext* context, IngestStream* stream);
  grpc::Status AnswerChunk(grpc::ServerContext* context, Engine& engine, PendingChunk& chunk,
                           IngestStream& stream);
  grpc::Status IngestRecordsStream(grpc::ServerContext* context, IngestStream* stream);
  grpc::Status ImportRecordsStream(grpc::ServerContext* context, ImportStream* stream);

  // --- reads (service_reads.cc) ---
  grpc::Status QueryEntities(grpc::ServerContext* context,
                             const proto::QueryEntitiesRequest* request,
                             proto::QueryEntitiesResponse* response);
  grpc::Status GetEntity(grpc::ServerContext* context, const proto::GetEntityRequest* request,
                         proto::GetEntityResponse* response);
  grpc::Status ListConflicts(grpc::ServerContext* context,
                             const proto::ListConflictsRequest* request,
                             proto::ListConflictsResponse* response);
  grpc::Status FindEntities(grpc::ServerContext* context, const proto::FindEntitiesRequest* request,
                            grpc::ServerWriter<proto::FindEntitiesChunk>* writer);
  grpc::Status ScanRecords(grpc::ServerContext* context, const proto::ScanRecordsRequest* request,
                           grpc::ServerWriter<proto::ScanRecordsChunk>* writer);
  grpc::Status StreamConflicts(grpc::ServerContext* context,
                               const proto::StreamConflictsRequest* request,
                               grpc::ServerWriter<proto::StreamConflictsChunk>* writer);
  // Its chunks are written as bytes (proto/graph_chunk.h).
  grpc::Status ExportGraph(grpc::ServerContext* context, const proto::ExportGraphRequest* request,
                           grpc::ServerWriter<grpc::ByteBuffer>* writer);
  grpc::Status GetDigest(grpc::ServerContext* context, const proto::GetDigestRequest* request,
                         grpc::ServerWriter<proto::GetDigestChunk>* writer);
  grpc::Status GetRecordIdRange(grpc::ServerContext* context,
                                const proto::RecordIdRangeRequest* request,
                                proto::RecordIdRangeResponse* response);
  grpc::Status ExportRecords(grpc::ServerContext* context,
                             const proto::ExportRecordsRequest* request,
                             proto::ExportRecordsResponse* response);
  grpc::Status ExportRecordsStream(grpc::ServerContext* context,
                                   const proto::ExportRecordsRequest* request,
                                   grpc::ServerWriter<proto::ExportRecordsChunk>* writer);

  // --- ontology and operations (service_operations.cc) ---
  grpc::Status SetOntology(grpc::ServerContext* context, const proto::ApplyOntologyRequest* request,
                           proto::ApplyOntologyResponse* response);
  grpc::Status GetOntology(grpc::ServerContext* context, const proto::GetOntologyRequest* request,
                           proto::GetOntologyResponse* response);
  grpc::Status GetConfigVersion(grpc::ServerContext* context,
                                const proto::ConfigVersionRequest* request,
                                proto::ConfigVersionResponse* response);
  grpc::Status GetStats(grpc::ServerContext* context, const proto::StatsRequest* request,
                        proto::StatsResponse* response);
  grpc::Status HealthCheck(grpc::ServerContext* context, const proto::HealthCheckRequest* request,
                           proto::HealthCheckResponse* response);
  grpc::Status GetParts(grpc::ServerContext* context, const proto::GetPartsRequest* request,
                        proto::GetPartsResponse* response);
  grpc::Status PlanSlots(grpc::ServerContext* context, const proto::PlanSlotsRequest* request,
                         proto::PlanSlotsResponse* response);
  grpc::Status MoveSlots(grpc::ServerContext* context, const proto::MoveSlotsRequest* request,
                         proto::MoveSlotsResponse* response);
  grpc::Status CancelMoves(grpc::ServerContext* context, const proto::CancelMovesRequest* request,
                           proto::CancelMovesResponse* response);
  grpc::Status GetMetrics(grpc::ServerContext* context, const proto::MetricsRequest* request,
                          proto::MetricsResponse* response);
  grpc::Status Checkpoint(grpc::ServerContext* context, const proto::CheckpointRequest* request,
                          proto::CheckpointResponse* response);
  grpc::Status Backup(grpc::ServerContext* context, const proto::BackupRequest* request,
                      proto::BackupResponse* response);
  grpc::Status GetRetention(grpc::ServerContext* context,
                            const proto::GetRetentionRequest* request,
                            proto::GetRetentionResponse* response);
  grpc::Status AdvanceRetention(grpc::ServerContext* context,
                                const proto::AdvanceRetentionRequest* request,
                                proto::AdvanceRetentionResponse* response);

  // --- erasure (service_erasure.cc) ---
  grpc::Status EraseRecords(grpc::ServerContext* context, const proto::EraseRecordsRequest* request,
                            proto::EraseRecordsResponse* response);
  grpc::Status GetErasures(grpc::ServerContext* context, const proto::GetErasuresRequest* request,
                           proto::GetErasuresResponse* response);
  grpc::Status PurgeErased(grpc::ServerContext* context, const proto::PurgeErasedRequest* request,
                           proto::PurgeErasedResponse* response);
  grpc::Status Reset(grpc::ServerContext* context, const proto::Empty* request,
                     proto::Empty* response);

  Tenants& tenants_;
  access::AuditLog* const audit_;
  std::atomic<size_t> graph_exports_ = 0;  // of the whole graph, that run now
  const uint64_t started_micros_ = SteadyClockMicros();
};

}  // namespace unirust::shard
