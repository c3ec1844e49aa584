#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "proto/answers.h"
#include "proto/graph_chunk.h"
#include "proto/records.h"
#include "proto/status.h"
#include "shard/paging.h"
#include "shard/reply.h"
#include "shard/retry_delay.h"
#include "shard/service.h"

namespace unirust::shard {
namespace {

constexpr uint64_t kRecordsBetweenNews = 50'000;

template <typename Request>
View ViewFor(const Engine& engine, const Request& request) {
  return request.allow_partial() ? engine.ReadPartial() : engine.Read();
}

Interval IntervalOf(const auto& request) { return {request.start(), request.end()}; }

// One page of an export by record id. Both messages that carry one have these fields.
template <typename Response>
absl::StatusOr<Response> ExportPage(const View& view, uint32_t start,
                                    const proto::ExportRecordsRequest& request) {
  if (request.end_id() != 0 && start >= request.end_id()) {
    return absl::InvalidArgumentError("start_id: " + std::to_string(start) + " >= end_id " +
                                      std::to_string(request.end_id()));
  }
  UNIRUST_ASSIGN_OR_RETURN(const View::RecordRange range,
                           view.ExportRecords(start, request.end_id(), request.limit()));
  Response response;
  for (const RecordView& record : range.records) proto::ToProto(record, response.add_records());
  response.set_has_more(range.next != 0);
  response.set_next_start_id(range.next);
  return response;
}

// A page of the graph as it is sent.
struct GraphChunk {
  ByteBuffer bytes;
  std::string cursor;
};

// The same memory, for gRPC to keep as long as it needs it.
grpc::ByteBuffer ToGrpc(ByteBuffer bytes) {
  const size_t size = bytes.size();
  char* memory = bytes.Release().release();
  const grpc::Slice slice(memory, size, [](void* owned) { delete[] static_cast<char*>(owned); });
  return {&slice, 1};
}

absl::StatusOr<proto::GetEntityResponse> Entity(const Engine& engine,
                                                const proto::GetEntityRequest& request) {
  UNIRUST_ASSIGN_OR_RETURN(const Identity record, ParseRecordName(request.name()));
  std::optional<Instant> as_of;
  if (request.has_as_of()) as_of = request.as_of();
  UNIRUST_ASSIGN_OR_RETURN(const EntityView entity, engine.Read().GetEntity(record, as_of));
  proto::GetEntityResponse response = proto::ToProto(entity, engine.shard_id());
  if (response.ByteSizeLong() > limits::kUnaryAnswerBytesMax) {
    return absl::ResourceExhaustedError(
        "the entity has " + std::to_string(entity.records.size()) +
        " records, too many for one answer; use ExportGraph with `entities`");
  }
  return response;
}

absl::StatusOr<proto::ListConflictsResponse> Conflicts(
    const Engine& engine, const proto::ListConflictsRequest& request) {
  UNIRUST_ASSIGN_OR_RETURN(const ConflictFilter filter, proto::FromProto(request));
  const View view = ViewFor(engine, request);
  proto::ListConflictsResponse response;
  proto::AddMissing(view.missing(), &response);
  std::string cursor;
  size_t bytes = 0;
  do {
    UNIRUST_ASSIGN_OR_RETURN(Page<Conflict> page, view.ListConflicts(filter, 0, cursor));
    for (const Conflict& conflict : page.items) {
      *response.add_conflicts() = proto::ToProto(conflict);
      bytes += response.conflicts(response.conflicts_size() - 1).ByteSizeLong();
    }
    if (bytes > limits::kUnaryAnswerBytesMax) {
      return absl::ResourceExhaustedError("too many conflicts for one answer; use StreamConflicts");
    }
    cursor = std::move(page.cursor);
  } while (!cursor.empty());
  return response;
}

}  // namespace

grpc::Status ShardService::QueryEntities(grpc::ServerContext* context,
                                         const proto::QueryEntitiesRequest* request,
                                         proto::QueryEntitiesResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const View view = ViewFor(call.engine(), *request);
  const absl::StatusOr<QueryOutcome> outcome =
      view.Query(proto::FromProto(request->descriptors()), IntervalOf(*request));
  if (!outcome.ok()) return proto::ToGrpc(outcome.status());
  *response = proto::ToProto(*outcome, call.engine().shard_id());
  proto::AddMissing(view.missing(), response);
  return grpc::Status::OK;
}

grpc::Status ShardService::GetEntity(grpc::ServerContext* context,
                                     const proto::GetEntityRequest* request,
                                     proto::GetEntityResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  return Reply(Entity(call.engine(), *request), response);
}

grpc::Status ShardService::ListConflicts(grpc::ServerContext* context,
                                         const proto::ListConflictsRequest* request,
                                         proto::ListConflictsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  return Reply(Conflicts(call.engine(), *request), response);
}

grpc::Status ShardService::FindEntities(grpc::ServerContext* context,
                                        const proto::FindEntitiesRequest* request,
                                        grpc::ServerWriter<proto::FindEntitiesChunk>* writer) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const View view = ViewFor(call.engine(), *request);
  const std::vector<AttributeValue> pairs = proto::FromProto(request->descriptors());
  return proto::ToGrpc(StreamPages(
      view, *request, *context, *writer,
      [&](size_t page_size, const std::string& cursor) {
        return view.FindEntities(pairs, IntervalOf(*request), page_size, cursor);
      },
      [&](const Match& match, proto::FindEntitiesChunk* chunk) {
        *chunk->add_matches() = proto::ToProto(match, call.engine().shard_id());
      }));
}

grpc::Status ShardService::ScanRecords(grpc::ServerContext* context,
                                       const proto::ScanRecordsRequest* request,
                                       grpc::ServerWriter<proto::ScanRecordsChunk>* writer) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const View view = ViewFor(call.engine(), *request);
  const RecordFilter filter = proto::FromProto(*request);
  return proto::ToGrpc(StreamPages(
      view, *request, *context, *writer,
      [&](size_t page_size, const std::string& cursor) {
        return view.ScanRecords(filter, page_size, cursor);
      },
      [](const RecordView& record, proto::ScanRecordsChunk* chunk) {
        proto::ToProto(record, chunk->add_records());
      }));
}

grpc::Status ShardService::StreamConflicts(
    grpc::ServerContext* context, const proto::StreamConflictsRequest* request,
    grpc::ServerWriter<proto::StreamConflictsChunk>* writer) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const View view = ViewFor(call.engine(), *request);
  const absl::StatusOr<ConflictFilter> filter = proto::FromProto(*request);
  if (!filter.ok()) return proto::ToGrpc(filter.status());
  return proto::ToGrpc(StreamPages(
      view, *request, *context, *writer,
      [&](size_t page_size, const std::string& cursor) {
        return view.ListConflicts(*filter, page_size, cursor);
      },
      [](const Conflict& conflict, proto::StreamConflictsChunk* chunk) {
        *chunk->add_conflicts() = proto::ToProto(conflict);
      }));
}

grpc::Status ShardService::ExportGraph(grpc::ServerContext* context,
                                       const proto::ExportGraphRequest* request,
                                       grpc::ServerWriter<grpc::ByteBuffer>* writer) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const absl::StatusOr<GraphFilter> filter = proto::FromProto(*request);
  if (!filter.ok()) return proto::ToGrpc(filter.status());
  const size_t whole = filter->entities.empty() ? 1 : 0;
  const bool too_many = (graph_exports_ += whole) > limits::kGraphExportsMax && whole == 1;
  const absl::Cleanup ended = [&] { graph_exports_ -= whole; };
  if (too_many) {
    const absl::Status busy =
        Busy(std::to_string(limits::kGraphExportsMax) +
                 " exports of the graph run already: send again later",
             limits::kRetryAfterMs);
    TellRetryDelay(busy, *context);
    return proto::ToGrpc(busy);
  }
  const View view = call.engine().Read();
  const auto fetch = [&](size_t page_size,
                         const std::string& cursor) -> absl::StatusOr<GraphChunk> {
    GraphChunk chunk;
    proto::GraphChunkWriter items;
    UNIRUST_ASSIGN_OR_RETURN(chunk.cursor, view.ExportGraph(*filter, page_size, cursor, &items));
    chunk.bytes = items.Finish(chunk.cursor);
    return chunk;
  };
  return proto::ToGrpc(
      SendPages(request->page_size(), request->cursor(), *context, fetch,
                [&](GraphChunk chunk) { return writer->Write(ToGrpc(std::move(chunk.bytes))); }));
}

grpc::Status ShardService::GetDigest(grpc::ServerContext* context,
                                     const proto::GetDigestRequest* request,
                                     grpc::ServerWriter<proto::GetDigestChunk>* writer) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  uint64_t told = 0;
  const absl::StatusOr<StoreDigest> digest = call.engine().Read().GetDigest([&](uint64_t records) {
    if (context->IsCancelled()) return false;
    if (records - told < kRecordsBetweenNews) return true;
    told = records;
    proto::GetDigestChunk chunk;
    chunk.set_records(records);
    return writer->Write(chunk);
  });
  if (!digest.ok()) return proto::ToGrpc(digest.status());
  writer->Write(proto::ToProto(*digest));
  return grpc::Status::OK;
}

grpc::Status ShardService::GetRecordIdRange(grpc::ServerContext* context,
                                            const proto::RecordIdRangeRequest* request,
                                            proto::RecordIdRangeResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const absl::StatusOr<RecordIdRange> range = call.engine().Read().GetRecordIdRange();
  if (!range.ok()) return proto::ToGrpc(range.status());
  response->set_empty(range->empty);
  response->set_min_id(range->min.value());
  response->set_max_id(range->max.value());
  response->set_record_count(range->records);
  return grpc::Status::OK;
}

grpc::Status ShardService::ExportRecords(grpc::ServerContext* context,
                                         const proto::ExportRecordsRequest* request,
                                         proto::ExportRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const View view = call.engine().Read();
  return Reply(ExportPage<proto::ExportRecordsResponse>(view, request->start_id(), *request),
               response);
}

grpc::Status ShardService::ExportRecordsStream(
    grpc::ServerContext* context, const proto::ExportRecordsRequest* request,
    grpc::ServerWriter<proto::ExportRecordsChunk>* writer) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const View view = call.engine().Read();
  uint32_t start = request->start_id();
  do {
    const auto chunk = ExportPage<proto::ExportRecordsChunk>(view, start, *request);
    if (!chunk.ok()) return proto::ToGrpc(chunk.status());
    if (context->IsCancelled() || !writer->Write(*chunk)) return grpc::Status::CANCELLED;
    start = chunk->next_start_id();
  } while (start != 0);
  return grpc::Status::OK;
}

}  // namespace unirust::shard
