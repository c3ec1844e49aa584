#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "proto/records.h"
#include "proto/status.h"
#include "rpc/request_id.h"
#include "shard/audited.h"
#include "shard/chunk_answers.h"
#include "shard/import_file.h"
#include "shard/metrics.h"
#include "shard/reply.h"
#include "shard/retry_delay.h"
#include "shard/service.h"

namespace unirust::shard {
namespace {

using Inputs = google::protobuf::RepeatedPtrField<proto::RecordInput>;
using Snapshots = google::protobuf::RepeatedPtrField<proto::RecordSnapshot>;

absl::Status Prepend(const std::string& text, const absl::Status& status) {
  return {status.code(), text + std::string(status.message())};
}

// Ends a unary call. Tells its client when to try again if it met a full queue.
template <typename Response>
grpc::Status ReplyToWrite(grpc::ServerContext* context,
                          std::type_identity_t<absl::StatusOr<Response>> result,
                          Response* response) {
  TellRetryDelay(result.status(), *context);
  return Reply(std::move(result), response);
}

// Ends a stream at the chunk that was refused; the chunks before it are stored.
grpc::Status RefuseChunk(grpc::ServerContext* context, int number, const absl::Status& status) {
  TellRetryDelay(status, *context);
  return proto::ToGrpc(Prepend("chunk " + std::to_string(number) + ": ", status));
}

absl::Status CheckCount(int records) {
  if (static_cast<size_t>(records) <= limits::kRecordsPerRequestMax) return absl::OkStatus();
  return absl::InvalidArgumentError(std::to_string(records) + " records in one request; at most " +
                                    std::to_string(limits::kRecordsPerRequestMax) + " are taken");
}

// The engine says "records[3] person/crm/42: ..."; clients know their records by index: "index 17
// person/crm/42: ...".
absl::Status NameIndex(const absl::Status& status, const Inputs& inputs) {
  constexpr std::string_view kPosition = "records[";
  const std::string message(status.message());
  const size_t end = message.find(']');
  if (!message.starts_with(kPosition) || end == std::string::npos) return status;
  const int position = std::atoi(message.c_str() + kPosition.size());
  if (position < 0 || position >= inputs.size()) return status;
  return {status.code(),
          "index " + std::to_string(inputs[position].index()) + message.substr(end + 1)};
}

// The one answer of a client stream, once all of it was read.
template <typename Stream, typename Response>
grpc::Status EndStream(const grpc::ServerContext& context, Stream& stream,
                       const Response& response) {
  if (stream.status().ok() && !context.IsCancelled()) stream.Write(response);
  return stream.status();
}

// Reads the next chunk when there is room for it. `room` is of that chunk from then on, and of none meanwhile.
template <typename Stream, typename Chunk>
bool ReadInRoom(RequestRoom& all, Stream& stream, Chunk* chunk, RequestRoom::Share* room) {
  *room = RequestRoom::Share();
  return stream.Read(chunk, [&](size_t bytes) { *room = all.Wait(bytes); });
}

absl::Status NoRoom() {
  return Busy("too many bytes of requests wait for a commit already: send again a little later",
              limits::kRetryAfterMs);
}

// "records[3] person/crm/42: ", without the name where there is no identity.
std::string Position(int position, const proto::RecordInput& input) {
  std::string out = "records[" + std::to_string(position) + "] ";
  if (input.has_identity()) {
    const proto::RecordIdentity& id = input.identity();
    out += RecordName(id.entity_type(), id.perspective(), id.uid()) + ": ";
  }
  return out;
}

absl::StatusOr<std::vector<Write>> ToWrites(const Inputs& inputs) {
  UNIRUST_RETURN_IF_ERROR(CheckCount(inputs.size()));
  std::vector<Write> writes;
  writes.reserve(static_cast<size_t>(inputs.size()));
  for (int i = 0; i < inputs.size(); ++i) {
    absl::StatusOr<Write> write = proto::FromProto(inputs[i]);
    if (!write.ok()) return Prepend(Position(i, inputs[i]), write.status());
    writes.push_back(*std::move(write));
  }
  return writes;
}

// Assignments are answered in the order of index; most clients count upwards.
void SortByIndex(google::protobuf::RepeatedPtrField<proto::IngestAssignment>* assignments) {
  const auto by_index = [](const auto& a, const auto& b) { return a.index() < b.index(); };
  if (std::is_sorted(assignments->begin(), assignments->end(), by_index)) return;
  std::stable_sort(assignments->pointer_begin(), assignments->pointer_end(),
                   [&](const auto* a, const auto* b) { return by_index(*a, *b); });
}

absl::StatusOr<std::vector<Assignment>> Apply(Engine& engine, std::vector<Write> writes) {
  const Histogram::Timer timer(engine.metrics().ingest);
  if (writes.empty()) return std::vector<Assignment>();
  auto assignments = engine.Ingest(std::move(writes));
  if (assignments.ok()) engine.metrics().ingested_records += assignments->size();
  return assignments;
}

absl::StatusOr<std::vector<Write>> Decode(Engine& engine, const Inputs& inputs) {
  const Histogram::Timer timer(engine.metrics().decode);
  return ToWrites(inputs);
}

proto::IngestRecordsResponse ToResponse(Engine& engine, const Inputs& inputs,
                                        const std::vector<Assignment>& assignments) {
  proto::IngestRecordsResponse response;
  response.mutable_assignments()->Reserve(inputs.size());
  for (int i = 0; i < inputs.size(); ++i) {
    *response.add_assignments() =
        proto::ToProto(assignments[static_cast<size_t>(i)], inputs[i].index(), engine.shard_id());
  }
  SortByIndex(response.mutable_assignments());
  return response;
}

absl::StatusOr<proto::IngestRecordsResponse> Ingest(Engine& engine, const Inputs& inputs) {
  absl::StatusOr<std::vector<Write>> writes = Decode(engine, inputs);
  if (!writes.ok()) return NameIndex(writes.status(), inputs);
  const absl::StatusOr<std::vector<Assignment>> assignments = Apply(engine, *std::move(writes));
  if (!assignments.ok()) return NameIndex(assignments.status(), inputs);
  const Histogram::Timer timer(engine.metrics().answer);
  return ToResponse(engine, inputs, *assignments);
}

absl::StatusOr<Ingestion> Submit(Engine& engine, const Inputs& inputs, IfQueueFull if_full) {
  UNIRUST_ASSIGN_OR_RETURN(std::vector<Write> writes, Decode(engine, inputs));
  return engine.Submit(std::move(writes), if_full);
}

absl::StatusOr<proto::IngestRecordsResponse> IngestFile(const TenantCall& call,
                                                        const std::string& url) {
  UNIRUST_ASSIGN_OR_RETURN(std::vector<Write> writes,
                           ReadImportFile(call.import_dir(), url, limits::kRecordsPerRequestMax));
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments,
                           Apply(call.engine(), std::move(writes)));
  proto::IngestRecordsResponse response;
  for (const Assignment& assignment : assignments) {
    const auto index = static_cast<uint32_t>(response.assignments_size());
    *response.add_assignments() = proto::ToProto(assignment, index, call.engine().shard_id());
  }
  return response;
}

absl::StatusOr<proto::ImportRecordsResponse> Import(Engine& engine,
                                                    const Snapshots& snapshots) {
  UNIRUST_RETURN_IF_ERROR(CheckCount(snapshots.size()));
  std::vector<Write> writes;
  for (const proto::RecordSnapshot& snapshot : snapshots)
    writes.push_back(proto::FromProto(snapshot));
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments,
                           Apply(engine, std::move(writes)));
  proto::ImportRecordsResponse response;
  response.set_imported(static_cast<uint64_t>(
      std::count_if(assignments.begin(), assignments.end(),
                    [](const Assignment& a) { return a.outcome != WriteOutcome::kStale; })));
  return response;
}

}  // namespace

ShardService::ShardService(Tenants& tenants, access::AuditLog* audit)
    : tenants_(tenants), audit_(audit) {
  const auto serve = [this](const char* method, auto handler) {
    MarkMethodStreamed(rpc::MethodIndex(std::string("unirust.ShardService.") + method),
                       rpc::StreamHandler(this, handler));
  };
  serve("IngestChunks", &ShardService::ServeIngestChunks);
  serve("IngestRecordsStream", &ShardService::ServeIngestRecordsStream);
  serve("ImportRecordsStream", &ShardService::ServeImportRecordsStream);
  serve("ExportGraph", &ShardService::ServeExportGraph);
}

grpc::Status ShardService::IngestRecords(grpc::ServerContext* context,
                                         const proto::IngestRecordsRequest* request,
                                         proto::IngestRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "IngestRecords",
                        [&](auto& entry) { Name(request->records(), entry); });
  const RequestRoom::Share room = call.request_room().Try(request->ByteSizeLong());
  if (!room.taken()) return audited.End(ReplyToWrite(context, NoRoom(), response));
  return audited.End(
      ReplyToWrite(context, Ingest(call.engine(), request->records()), response));
}

grpc::Status ShardService::IngestRecordsFromUrl(grpc::ServerContext* context,
                                                const proto::IngestRecordsFromUrlRequest* request,
                                                proto::IngestRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "IngestRecordsFromUrl", request->url());
  return audited.End(ReplyToWrite(context, IngestFile(call, request->url()), response));
}

grpc::Status ShardService::ImportRecords(grpc::ServerContext* context,
                                         const proto::ImportRecordsRequest* request,
                                         proto::ImportRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  const Audited audited(audit_, *context, "ImportRecords",
                        [&](auto& entry) { Name(request->records(), entry); });
  const RequestRoom::Share room = call.request_room().Try(request->ByteSizeLong());
  if (!room.taken()) return audited.End(ReplyToWrite(context, NoRoom(), response));
  return audited.End(
      ReplyToWrite(context, Import(call.engine(), request->records()), response));
}

grpc::Status ShardService::ServeIngestChunks(grpc::ServerContext* context, IngestStream& stream) {
  const TenantCall call(tenants_, *context);
  if (call.refusal()) return *call.refusal();
  ChunkAnswers answers([&](PendingChunk& chunk) {
    return AnswerChunk(context, call.engine(), chunk, stream);
  });
  grpc::Status refused;
  for (int number = 0; refused.ok(); ++number) {
    PendingChunk chunk;
    chunk.number = number;
    const auto take_room = [&](size_t bytes) { chunk.room = call.request_room().Wait(bytes); };
    if (!stream.Read(&chunk.inputs, take_room)) break;
    chunk.micros = SteadyClockMicros();
    absl::StatusOr<Quotas::Room> quota = call.AwaitRoom(chunk.inputs);
    if (!quota.ok()) {
      refused = proto::ToGrpc(quota.status());
      break;
    }
    chunk.quota = *std::move(quota);
    chunk.audited.emplace(audit_, *context, "IngestChunks",
                          [&](auto& entry) { Name(chunk.inputs.records(), entry); });
    absl::StatusOr<Ingestion> ingestion =
        Submit(call.engine(), chunk.inputs.records(), IfQueueFull::kWait);
    if (ingestion.ok()) {
      const bool certain = ingestion->certain();
      chunk.ingestion.emplace(*std::move(ingestion));
      answers.Add(std::move(chunk));
      if (!certain) refused = answers.Drain();  // nothing that comes after it is taken if it is not
    } else {
      refused = chunk.audited->End(RefuseChunk(
          context, number, NameIndex(ingestion.status(), chunk.inputs.records())));
    }
  }
  const grpc::Status failed = answers.Finish();
  if (!failed.ok()) return failed;
  return refused.ok() ? stream.status() : refused;
}

// Not OK: nothing more is answered. The client is cut off unless the stream is drained for this chunk: its next one may
// never come.
grpc::Status ShardService::AnswerChunk(grpc::ServerContext* context, Engine& engine,
                                       PendingChunk& chunk, IngestStream& stream) {
  const absl::StatusOr<std::vector<Assignment>> assignments = chunk.ingestion->Await();
  chunk.room = RequestRoom::Share();  // its client may take long to read the answer
  const uint64_t micros = SteadyClockMicros() - chunk.micros;
  engine.metrics().ingest.Add(micros);
  if (IsSlow(micros)) {
    Log(LogLevel::kWarning, "slow chunk",
        {{"request_id", rpc::RequestId(*context)},
         {"duration_ms", static_cast<double>(micros) / 1000},
         {"records", static_cast<uint64_t>(chunk.inputs.records_size())}});
  }
  if (!assignments.ok()) {
    const absl::Status status = NameIndex(assignments.status(), chunk.inputs.records());
    if (chunk.ingestion->certain()) {
      Log(LogLevel::kError, "a chunk of an ingest stream failed",
          {{"request_id", rpc::RequestId(*context)}, {"error", std::string(status.message())}});
      context->TryCancel();
    }
    return chunk.audited->End(RefuseChunk(context, chunk.number, status));
  }
  chunk.audited->End(grpc::Status::OK);
  engine.metrics().ingested_records += assignments->size();
  const Histogram::Timer timer(engine.metrics().answer);
  const bool sent = stream.Write(ToResponse(engine, chunk.inputs.records(), *assignments));
  return sent ? grpc::Status::OK : grpc::Status::CANCELLED;
}

grpc::Status ShardService::ServeIngestRecordsStream(grpc::ServerContext* context,
                                                    IngestStream& stream) {
  const TenantCall call(tenants_, *context);
  if (call.refusal()) return *call.refusal();
  proto::IngestRecordsChunk chunk;
  proto::IngestRecordsResponse all;
  size_t bytes = 0;
  RequestRoom::Share room;
  for (int number = 0; ReadInRoom(call.request_room(), stream, &chunk, &room); ++number) {
    if (bytes > limits::kAnswerBytesMax / 2) {
      return RefuseChunk(context, number,
                         absl::ResourceExhaustedError(
                             "the answer to the chunks before, which are stored, is as large "
                             "as it may be; IngestChunks answers each chunk"));
    }
    const absl::StatusOr<Quotas::Room> quota = call.AwaitRoom(chunk);
    if (!quota.ok()) return proto::ToGrpc(quota.status());
    const Audited audited(audit_, *context, "IngestRecordsStream",
                          [&](auto& entry) { Name(chunk.records(), entry); });
    const absl::StatusOr<proto::IngestRecordsResponse> response =
        Ingest(call.engine(), chunk.records());
    if (!response.ok()) return audited.End(RefuseChunk(context, number, response.status()));
    audited.End(grpc::Status::OK);
    bytes += response->ByteSizeLong();
    all.MergeFrom(*response);
  }
  return EndStream(*context, stream, all);
}

grpc::Status ShardService::ServeImportRecordsStream(grpc::ServerContext* context,
                                                    ImportStream& stream) {
  const TenantCall call(tenants_, *context);
  if (call.refusal()) return *call.refusal();
  proto::ImportRecordsChunk chunk;
  proto::ImportRecordsResponse all;
  RequestRoom::Share room;
  for (int number = 0; ReadInRoom(call.request_room(), stream, &chunk, &room); ++number) {
    const absl::StatusOr<Quotas::Room> quota = call.AwaitRoom(chunk);
    if (!quota.ok()) return proto::ToGrpc(quota.status());
    const Audited audited(audit_, *context, "ImportRecordsStream",
                          [&](auto& entry) { Name(chunk.records(), entry); });
    const absl::StatusOr<proto::ImportRecordsResponse> response =
        Import(call.engine(), chunk.records());
    if (!response.ok()) return audited.End(RefuseChunk(context, number, response.status()));
    audited.End(grpc::Status::OK);
    all.set_imported(all.imported() + response->imported());
  }
  return EndStream(*context, stream, all);
}

}  // namespace unirust::shard
