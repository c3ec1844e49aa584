#include "base/status_macros.h"
#include "ontology/ontology.h"
#include "proto/ontology.h"
#include "proto/status.h"
#include "shard/audited.h"
#include "shard/metrics.h"
#include "shard/reply.h"
#include "shard/service.h"

namespace unirust::shard {
namespace {

void Fill(const Histogram& micros, proto::LatencyMetrics* metrics) {
  const Histogram::Counts counts = micros.counts();
  metrics->set_count(counts.total());
  metrics->set_total_micros(counts.sum());
  metrics->set_p50_micros(counts.Quantile(50));
  metrics->set_p99_micros(counts.Quantile(99));
  metrics->set_max_micros(counts.max());
}

absl::StatusOr<ontology::Ontology> Parse(const proto::ApplyOntologyRequest& request) {
  if (request.has_config() == !request.json().empty()) {
    return absl::InvalidArgumentError("exactly one of config and json is needed");
  }
  std::string json = request.json();
  if (request.has_config()) {
    UNIRUST_ASSIGN_OR_RETURN(json, proto::OntologyJson(request.config()));
  }
  return ontology::ParseOntology(json);
}

absl::StatusOr<proto::RetentionStatus> Retention(const Engine& engine) {
  UNIRUST_ASSIGN_OR_RETURN(const RetentionStatus status, engine.Read().GetRetention());
  proto::RetentionStatus out;
  out.set_shard_id(engine.shard_id());
  if (status.declared) out.set_declared(*status.declared);
  if (status.earliest_due) out.set_earliest_due(*status.earliest_due);
  return out;
}

absl::StatusOr<proto::AdvanceRetentionResponse> Advance(
    Engine& engine, const proto::AdvanceRetentionRequest& request,
    const std::function<bool()>& stop) {
  if (!request.has_now()) return absl::InvalidArgumentError("now is missing");
  UNIRUST_ASSIGN_OR_RETURN(const RetentionAdvance done,
                           engine.AdvanceRetention(request.now(), stop));
  proto::AdvanceRetentionResponse response;
  response.set_records(done.records);
  response.set_descriptors(done.descriptors);
  UNIRUST_ASSIGN_OR_RETURN(*response.add_shards(), Retention(engine));
  return response;
}

}  // namespace

grpc::Status ShardService::SetOntology(grpc::ServerContext* context,
                                       const proto::ApplyOntologyRequest* request,
                                       proto::ApplyOntologyResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const absl::StatusOr<ontology::Ontology> ontology = Parse(*request);
  if (!ontology.ok()) return proto::ToGrpc(ontology.status());
  const std::string version = ontology::Version(*ontology);
  response->set_version(version);
  if (request->check_only()) return proto::ToGrpc(call.engine().CheckOntology(*ontology));
  const Audited audited(audit_, *context, "SetOntology", version);
  return audited.End(proto::ToGrpc(call.engine().SetOntology(*ontology)));
}

grpc::Status ShardService::GetOntology(grpc::ServerContext* context,
                                       const proto::GetOntologyRequest* request,
                                       proto::GetOntologyResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const ontology::Ontology ontology = call.engine().GetOntology();
  response->set_json(ontology::ToJson(ontology));
  response->set_version(ontology::Version(ontology));
  return grpc::Status::OK;
}

grpc::Status ShardService::GetConfigVersion(grpc::ServerContext* context,
                                            const proto::ConfigVersionRequest* request,
                                            proto::ConfigVersionResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  response->set_version(ontology::Version(call.engine().GetOntology()));
  return grpc::Status::OK;
}

grpc::Status ShardService::GetStats(grpc::ServerContext* context,
                                    const proto::StatsRequest* request,
                                    proto::StatsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const absl::StatusOr<StoreStats> stats = call.engine().Read().GetStats();
  if (!stats.ok()) return proto::ToGrpc(stats.status());
  response->set_record_count(stats->records);
  response->set_cluster_count(stats->entities);
  response->set_conflict_count(stats->conflicts);
  response->set_graph_node_count(stats->records + stats->entities);
  response->set_graph_edge_count(stats->graph_edges);
  return grpc::Status::OK;
}

// A failed write ends the process, so a shard that answers can write; that it can read is tried,
// and all parts of the store are asked.
grpc::Status ShardService::HealthCheck(grpc::ServerContext* context,
                                       const proto::HealthCheckRequest* request,
                                       proto::HealthCheckResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  response->set_shard_id(call.engine().shard_id());
  absl::Status status;
  for (const PartStatus& part : call.engine().GetParts()) {
    if (part.fault.empty()) continue;
    status.Update(absl::UnavailableError("part " + std::to_string(part.part) + " of the store at " +
                                         part.address + ": " + part.fault));
  }
  if (status.ok()) status = call.engine().Read().GetStats().status();
  response->set_status(status.ok() ? "ok" : status.ToString());
  return grpc::Status::OK;
}

grpc::Status ShardService::GetMetrics(grpc::ServerContext* context,
                                      const proto::MetricsRequest* request,
                                      proto::MetricsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Metrics& metrics = call.engine().metrics();
  response->set_uptime_seconds((SteadyClockMicros() - started_micros_) / 1'000'000);
  response->set_ingest_records(metrics.ingested_records);
  Fill(metrics.ingest, response->mutable_ingest_latency());
  Fill(requests().OfName("QueryEntities").durations, response->mutable_query_latency());
  response->set_ingest_requests(response->ingest_latency().count());
  response->set_query_requests(response->query_latency().count());
  const StorageMetrics storage = call.engine().GetStorageMetrics();
  proto::StoreMetrics* store = response->mutable_store();
  store->set_persistent(storage.persistent);
  store->set_running_compactions(storage.running_compactions);
  store->set_running_flushes(storage.running_flushes);
  store->set_block_cache_capacity_bytes(storage.block_cache_capacity_bytes);
  store->set_block_cache_usage_bytes(storage.block_cache_usage_bytes);
  store->set_backups_made(storage.backups_made);
  store->set_backups_failed(storage.backups_failed);
  response->set_shards_reporting(1);
  return grpc::Status::OK;
}

grpc::Status ShardService::Checkpoint(grpc::ServerContext* context,
                                      const proto::CheckpointRequest* request,
                                      proto::CheckpointResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "Checkpoint", request->path());
  const absl::StatusOr<std::vector<std::string>> paths =
      call.engine().Checkpoint(request->path());
  if (!paths.ok()) return audited.End(proto::ToGrpc(paths.status()));
  response->mutable_paths()->Assign(paths->begin(), paths->end());
  return audited.End(grpc::Status::OK);
}

grpc::Status ShardService::Backup(grpc::ServerContext* context, const proto::BackupRequest* request,
                                  proto::BackupResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "Backup");
  const absl::StatusOr<BackupInfo> made =
      call.engine().Backup([context] { return context->IsCancelled(); });
  if (!made.ok()) return audited.End(proto::ToGrpc(made.status()));
  proto::BackupInfo* info = response->add_backups();
  info->set_shard_id(made->shard_id);
  info->set_backup_id(made->id);
  info->set_created_seconds(made->created_seconds);
  info->set_bytes(made->bytes);
  info->set_files(made->files);
  info->set_commits(made->commits);
  for (const PartBackup& part : made->parts) {
    proto::PartBackup* of_part = info->add_parts();
    of_part->set_part(part.part);
    of_part->set_backup_id(part.id);
  }
  return audited.End(grpc::Status::OK);
}

grpc::Status ShardService::GetRetention(grpc::ServerContext* context,
                                        const proto::GetRetentionRequest* request,
                                        proto::GetRetentionResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  return Reply(Retention(call.engine()), response->add_shards());
}

grpc::Status ShardService::AdvanceRetention(grpc::ServerContext* context,
                                            const proto::AdvanceRetentionRequest* request,
                                            proto::AdvanceRetentionResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "AdvanceRetention",
                        "now=" + std::to_string(request->now()));
  return audited.End(
      Reply(Advance(call.engine(), *request, [context] { return context->IsCancelled(); }),
            response));
}

grpc::Status ShardService::Reset(grpc::ServerContext* context, const proto::Empty* request,
                                 proto::Empty*) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "Reset");
  return audited.End(proto::ToGrpc(call.engine().Reset()));
}

}  // namespace unirust::shard
