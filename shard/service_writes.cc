#include <algorithm>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "proto/records.h"
#include "proto/status.h"
#include "rpc/admission.h"
#include "rpc/request_id.h"
#include "shard/audited.h"
#include "shard/chunk_answers.h"
#include "shard/import_file.h"
#include "shard/metrics.h"
#include "shard/reply.h"
#include "shard/service.h"

namespace unirust::shard {
namespace {

constexpr char kRetryAfterMs[] = "100";

absl::Status Prepend(const std::string& text, const absl::Status& status) {
  return {status.code(), text + std::string(status.message())};
}

// Tells clients that met a full queue when to try again.
grpc::Status WithRetryDelay(grpc::ServerContext* context, grpc::Status status) {
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) {
    context->AddTrailingMetadata("retry-after-ms", kRetryAfterMs);
  }
  return status;
}

// Ends a stream at the chunk that was refused; the chunks before it are stored.
grpc::Status RefuseChunk(grpc::ServerContext* context, int number, const absl::Status& status) {
  return WithRetryDelay(context,
                        proto::ToGrpc(Prepend("chunk " + std::to_string(number) + ": ", status)));
}

absl::Status CheckCount(int records) {
  if (static_cast<size_t>(records) <= limits::kRecordsPerRequestMax) return absl::OkStatus();
  return absl::InvalidArgumentError(std::to_string(records) + " records in one request; at most " +
                                    std::to_string(limits::kRecordsPerRequestMax) + " are taken");
}

// The engine says "records[3] person/crm/42: ..."; clients know their records by index: "index 17
// person/crm/42: ...".
absl::Status NameIndex(const absl::Status& status,
                       const google::protobuf::RepeatedPtrField<proto::RecordInput>& inputs) {
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

// "records[3] person/crm/42: ", without the name where there is no identity.
std::string Position(int position, const proto::RecordInput& input) {
  std::string out = "records[" + std::to_string(position) + "] ";
  if (input.has_identity()) {
    const proto::RecordIdentity& id = input.identity();
    out += RecordName(id.entity_type(), id.perspective(), id.uid()) + ": ";
  }
  return out;
}

absl::StatusOr<std::vector<Write>> ToWrites(
    const google::protobuf::RepeatedPtrField<proto::RecordInput>& inputs) {
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

}  // namespace

ShardService::ShardService(Engine& engine, std::string import_dir, access::AuditLog* audit)
    : engine_(engine),
      import_dir_(std::move(import_dir)),
      audit_(audit),
      metrics_(engine.metrics()) {
  const auto serve = [this](const char* method, auto handler) {
    MarkMethodStreamed(rpc::MethodIndex(std::string("unirust.ShardService.") + method),
                       rpc::StreamHandler(this, handler));
  };
  serve("IngestChunks", &ShardService::ServeIngestChunks);
  serve("IngestRecordsStream", &ShardService::ServeIngestRecordsStream);
  serve("ImportRecordsStream", &ShardService::ServeImportRecordsStream);
  serve("ExportGraph", &ShardService::ServeExportGraph);
}

absl::StatusOr<std::vector<Assignment>> ShardService::Apply(std::vector<Write> writes) {
  const Histogram::Timer timer(metrics_.ingest);
  if (writes.empty()) return std::vector<Assignment>();
  auto assignments = engine_.Ingest(std::move(writes));
  if (assignments.ok()) metrics_.ingested_records += assignments->size();
  return assignments;
}

absl::StatusOr<std::vector<Write>> ShardService::Decode(const Inputs& inputs) {
  const Histogram::Timer timer(metrics_.decode);
  return ToWrites(inputs);
}

absl::StatusOr<proto::IngestRecordsResponse> ShardService::Ingest(const Inputs& inputs) {
  absl::StatusOr<std::vector<Write>> writes = Decode(inputs);
  if (!writes.ok()) return NameIndex(writes.status(), inputs);
  const absl::StatusOr<std::vector<Assignment>> assignments = Apply(*std::move(writes));
  if (!assignments.ok()) return NameIndex(assignments.status(), inputs);
  const Histogram::Timer timer(metrics_.answer);
  return ToResponse(inputs, *assignments);
}

absl::StatusOr<Ingestion> ShardService::Submit(const Inputs& inputs, IfQueueFull if_full) {
  UNIRUST_ASSIGN_OR_RETURN(std::vector<Write> writes, Decode(inputs));
  return engine_.Submit(std::move(writes), if_full);
}

proto::IngestRecordsResponse ShardService::ToResponse(
    const Inputs& inputs, const std::vector<Assignment>& assignments) const {
  proto::IngestRecordsResponse response;
  response.mutable_assignments()->Reserve(inputs.size());
  for (int i = 0; i < inputs.size(); ++i) {
    *response.add_assignments() =
        proto::ToProto(assignments[static_cast<size_t>(i)], inputs[i].index(), engine_.shard_id());
  }
  SortByIndex(response.mutable_assignments());
  return response;
}

absl::StatusOr<proto::IngestRecordsResponse> ShardService::IngestFile(const std::string& url) {
  UNIRUST_ASSIGN_OR_RETURN(std::vector<Write> writes,
                           ReadImportFile(import_dir_, url, limits::kRecordsPerRequestMax));
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments, Apply(std::move(writes)));
  proto::IngestRecordsResponse response;
  for (const Assignment& assignment : assignments) {
    const auto index = static_cast<uint32_t>(response.assignments_size());
    *response.add_assignments() = proto::ToProto(assignment, index, engine_.shard_id());
  }
  return response;
}

absl::StatusOr<proto::ImportRecordsResponse> ShardService::Import(const Snapshots& snapshots) {
  UNIRUST_RETURN_IF_ERROR(CheckCount(snapshots.size()));
  std::vector<Write> writes;
  for (const proto::RecordSnapshot& snapshot : snapshots)
    writes.push_back(proto::FromProto(snapshot));
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments, Apply(std::move(writes)));
  proto::ImportRecordsResponse response;
  response.set_imported(static_cast<uint64_t>(
      std::count_if(assignments.begin(), assignments.end(),
                    [](const Assignment& a) { return a.outcome != WriteOutcome::kStale; })));
  return response;
}

grpc::Status ShardService::IngestRecords(grpc::ServerContext* context,
                                         const proto::IngestRecordsRequest* request,
                                         proto::IngestRecordsResponse* response) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const Audited audited(audit_, *context, "IngestRecords",
                        [&](auto& entry) { Name(request->records(), entry); });
  return audited.End(WithRetryDelay(context, Reply(Ingest(request->records()), response)));
}

grpc::Status ShardService::IngestRecordsFromUrl(grpc::ServerContext* context,
                                                const proto::IngestRecordsFromUrlRequest* request,
                                                proto::IngestRecordsResponse* response) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const Audited audited(audit_, *context, "IngestRecordsFromUrl", request->url());
  return audited.End(WithRetryDelay(context, Reply(IngestFile(request->url()), response)));
}

grpc::Status ShardService::ImportRecords(grpc::ServerContext* context,
                                         const proto::ImportRecordsRequest* request,
                                         proto::ImportRecordsResponse* response) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const Audited audited(audit_, *context, "ImportRecords",
                        [&](auto& entry) { Name(request->records(), entry); });
  return audited.End(WithRetryDelay(context, Reply(Import(request->records()), response)));
}

grpc::Status ShardService::ServeIngestChunks(grpc::ServerContext* context, IngestStream& stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  ChunkAnswers answers([&](PendingChunk& chunk) { return AnswerChunk(context, chunk, stream); });
  grpc::Status refused;
  for (int number = 0; refused.ok(); ++number) {
    PendingChunk chunk;
    chunk.number = number;
    if (!stream.Read(&chunk.inputs)) break;
    chunk.micros = SteadyClockMicros();
    chunk.audited.emplace(audit_, *context, "IngestChunks",
                          [&](auto& entry) { Name(chunk.inputs.records(), entry); });
    absl::StatusOr<Ingestion> ingestion = Submit(chunk.inputs.records(), IfQueueFull::kWait);
    if (ingestion.ok()) {
      chunk.ingestion.emplace(*std::move(ingestion));
      answers.Add(std::move(chunk));
    } else {
      refused = chunk.audited->End(RefuseChunk(
          context, number, NameIndex(ingestion.status(), chunk.inputs.records())));
    }
  }
  const grpc::Status failed = answers.Finish();
  if (!failed.ok()) return failed;
  return refused.ok() ? stream.status() : refused;
}

// Not OK: nothing more is answered, and the client is cut off, since its next chunk may never come.
grpc::Status ShardService::AnswerChunk(grpc::ServerContext* context, PendingChunk& chunk,
                                       IngestStream& stream) {
  const absl::StatusOr<std::vector<Assignment>> assignments = chunk.ingestion->Await();
  const uint64_t micros = SteadyClockMicros() - chunk.micros;
  metrics_.ingest.Add(micros);
  if (IsSlow(micros)) {
    Log(LogLevel::kWarning, "slow chunk",
        {{"request_id", rpc::RequestId(*context)},
         {"duration_ms", static_cast<double>(micros) / 1000},
         {"records", static_cast<uint64_t>(chunk.inputs.records_size())}});
  }
  if (!assignments.ok()) {
    const absl::Status status = NameIndex(assignments.status(), chunk.inputs.records());
    Log(LogLevel::kError, "a chunk of an ingest stream failed",
        {{"request_id", rpc::RequestId(*context)}, {"error", std::string(status.message())}});
    context->TryCancel();
    return chunk.audited->End(RefuseChunk(context, chunk.number, status));
  }
  chunk.audited->End(grpc::Status::OK);
  metrics_.ingested_records += assignments->size();
  const Histogram::Timer timer(metrics_.answer);
  if (stream.Write(ToResponse(chunk.inputs.records(), *assignments))) return grpc::Status::OK;
  return grpc::Status::CANCELLED;
}

grpc::Status ShardService::ServeIngestRecordsStream(grpc::ServerContext* context,
                                                    IngestStream& stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  proto::IngestRecordsChunk chunk;
  proto::IngestRecordsResponse all;
  size_t bytes = 0;
  for (int number = 0; stream.Read(&chunk); ++number) {
    if (bytes > limits::kAnswerBytesMax / 2) {
      return RefuseChunk(context, number,
                         absl::ResourceExhaustedError(
                             "the answer to the chunks before, which are stored, is as large "
                             "as it may be; IngestChunks answers each chunk"));
    }
    const Audited audited(audit_, *context, "IngestRecordsStream",
                          [&](auto& entry) { Name(chunk.records(), entry); });
    const absl::StatusOr<proto::IngestRecordsResponse> response = Ingest(chunk.records());
    if (!response.ok()) return audited.End(RefuseChunk(context, number, response.status()));
    audited.End(grpc::Status::OK);
    bytes += response->ByteSizeLong();
    all.MergeFrom(*response);
  }
  return EndStream(*context, stream, all);
}

grpc::Status ShardService::ServeImportRecordsStream(grpc::ServerContext* context,
                                                    ImportStream& stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  proto::ImportRecordsChunk chunk;
  proto::ImportRecordsResponse all;
  for (int number = 0; stream.Read(&chunk); ++number) {
    const Audited audited(audit_, *context, "ImportRecordsStream",
                          [&](auto& entry) { Name(chunk.records(), entry); });
    const absl::StatusOr<proto::ImportRecordsResponse> response = Import(chunk.records());
    if (!response.ok()) return audited.End(RefuseChunk(context, number, response.status()));
    audited.End(grpc::Status::OK);
    all.set_imported(all.imported() + response->imported());
  }
  return EndStream(*context, stream, all);
}

}  // namespace unirust::shard
