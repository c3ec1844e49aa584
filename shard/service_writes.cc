#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/limits.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "proto/records.h"
#include "proto/status.h"
#include "proto/write_list.h"
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

grpc::Status RefuseWrite(grpc::ServerContext* context, const absl::Status& status) {
  TellRetryDelay(status, *context);
  return proto::ToGrpc(status);
}

// Ends a stream at the chunk that was refused; the chunks before it are stored.
grpc::Status RefuseChunk(grpc::ServerContext* context, int number, const absl::Status& status) {
  TellRetryDelay(status, *context);
  return proto::ToGrpc(Prepend("chunk " + std::to_string(number) + ": ", status));
}

absl::Status CheckSize(const proto::WriteListSize& size) {
  if (size.records <= limits::kRecordsPerRequestMax) return rpc::CheckDecodedBytes(size.bytes);
  return absl::InvalidArgumentError(std::to_string(size.records) +
                                    " records in one request; at most " +
                                    std::to_string(limits::kRecordsPerRequestMax) + " are taken");
}

// The engine says "records[3] person/crm/42: ..."; clients know their records by index: "index 17
// person/crm/42: ...".
absl::Status NameIndex(const absl::Status& status, const std::vector<uint32_t>& indexes) {
  constexpr std::string_view kPosition = "records[";
  const std::string message(status.message());
  const size_t end = message.find(']');
  if (!message.starts_with(kPosition) || end == std::string::npos) return status;
  const size_t position = std::strtoull(message.c_str() + kPosition.size(), nullptr, 10);
  if (position >= indexes.size()) return status;
  return {status.code(), "index " + std::to_string(indexes[position]) + message.substr(end + 1)};
}

absl::Status NoRoom() {
  return Busy("too many bytes of requests wait for a commit already: send again a little later",
              limits::kRetryAfterMs);
}

// A list of writes that came, and its room until they are committed: not until they are answered, for which a client
// may take its time.
struct Received {
  rpc::RequestRoom::Share room;
  proto::WriteList list;
};

// Reads it, if it has the room that `take` gets: RESOURCE_EXHAUSTED if that is none.
template <typename Take>
absl::Status Receive(Engine& engine, const grpc::ByteBuffer& request, proto::ListOf what,
                     const Take& take, Received* received) {
  const rpc::MessageBytes bytes(request);
  const auto size = proto::MeasureWriteList(bytes.view());
  if (!size) return rpc::Malformed();
  UNIRUST_RETURN_IF_ERROR(CheckSize(*size));
  if (bytes.view().size() > limits::kSmallRequestBytesMax) {
    received->room = take(size->bytes);
    if (!received->room.taken()) return NoRoom();
  }
  const Histogram::Timer timer(engine.metrics().decode);
  proto::WriteList& list = received->list;
  list.writes.reserve(size->records);
  const std::optional<absl::Status> read = proto::ReadWriteList(bytes.view(), what, &list);
  return read ? NameIndex(*read, list.indexes) : rpc::Malformed();
}

auto TryRoom(const TenantCall& call) {
  return [&call](uint64_t bytes) { return call.request_room().Try(bytes); };
}

auto AwaitRoom(const TenantCall& call) {
  return [&call](uint64_t bytes) { return call.request_room().Wait(bytes); };
}

// Assignments are answered in the order of index; most clients count upwards.
void SortByIndex(google::protobuf::RepeatedPtrField<proto::IngestAssignment>* assignments) {
  const auto by_index = [](const auto& a, const auto& b) { return a.index() < b.index(); };
  if (std::is_sorted(assignments->begin(), assignments->end(), by_index)) return;
  std::stable_sort(assignments->pointer_begin(), assignments->pointer_end(),
                   [&](const auto* a, const auto* b) { return by_index(*a, *b); });
}

absl::StatusOr<std::vector<Assignment>> Apply(Engine& engine, std::vector<Write> writes,
                                              Lane lane) {
  const Histogram::Timer timer(engine.metrics().ingest);
  if (writes.empty()) return std::vector<Assignment>();
  UNIRUST_ASSIGN_OR_RETURN(Ingestion ingestion, engine.Submit(std::move(writes), lane));
  auto assignments = ingestion.Await();
  if (assignments.ok()) engine.metrics().ingested_records += assignments->size();
  return assignments;
}

proto::IngestRecordsResponse ToResponse(Engine& engine, const std::vector<uint32_t>& indexes,
                                        const std::vector<Assignment>& assignments) {
  const Histogram::Timer timer(engine.metrics().answer);
  proto::IngestRecordsResponse response;
  response.mutable_assignments()->Reserve(static_cast<int>(indexes.size()));
  for (size_t i = 0; i < indexes.size(); ++i) {
    *response.add_assignments() = proto::ToProto(assignments[i], indexes[i], engine.shard_id());
  }
  SortByIndex(response.mutable_assignments());
  return response;
}

absl::StatusOr<proto::IngestRecordsResponse> Ingest(Engine& engine, proto::WriteList list,
                                                    Lane lane) {
  const absl::StatusOr<std::vector<Assignment>> assignments =
      Apply(engine, std::move(list.writes), lane);
  if (!assignments.ok()) return NameIndex(assignments.status(), list.indexes);
  return ToResponse(engine, list.indexes, *assignments);
}

absl::StatusOr<proto::IngestRecordsResponse> IngestFile(const TenantCall& call,
                                                        const std::string& url) {
  UNIRUST_ASSIGN_OR_RETURN(std::vector<Write> writes,
                           ReadImportFile(call.import_dir(), url, limits::kRecordsPerRequestMax));
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments,
                           Apply(call.engine(), std::move(writes), Lane::kUnary));
  proto::IngestRecordsResponse response;
  for (const Assignment& assignment : assignments) {
    const auto index = static_cast<uint32_t>(response.assignments_size());
    *response.add_assignments() = proto::ToProto(assignment, index, call.engine().shard_id());
  }
  return response;
}

absl::StatusOr<proto::ImportRecordsResponse> Import(Engine& engine, proto::WriteList list,
                                                    Lane lane) {
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<Assignment> assignments,
                           Apply(engine, std::move(list.writes), lane));
  proto::ImportRecordsResponse response;
  response.set_imported(static_cast<uint64_t>(
      std::count_if(assignments.begin(), assignments.end(),
                    [](const Assignment& a) { return a.outcome != WriteOutcome::kStale; })));
  return response;
}

}  // namespace

grpc::Status ShardService::IngestRecords(grpc::ServerContext* context,
                                         const grpc::ByteBuffer* request,
                                         proto::IngestRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  Received received;
  const absl::Status status =
      Receive(call.engine(), *request, proto::ListOf::kInputs, TryRoom(call), &received);
  if (!status.ok()) return RefuseWrite(context, status);
  const Audited audited(audit_, *context, "IngestRecords",
                        [&](auto& entry) { Name(received.list.writes, entry); });
  return audited.End(
      ReplyToWrite(context, Ingest(call.engine(), std::move(received.list), Lane::kUnary),
                   response));
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
                                         const grpc::ByteBuffer* request,
                                         proto::ImportRecordsResponse* response) {
  const TenantCall call(tenants_, *context, *request);
  if (call.refusal()) return *call.refusal();
  Received received;
  const absl::Status status =
      Receive(call.engine(), *request, proto::ListOf::kSnapshots, TryRoom(call), &received);
  if (!status.ok()) return RefuseWrite(context, status);
  const Audited audited(audit_, *context, "ImportRecords",
                        [&](auto& entry) { Name(received.list.writes, entry); });
  return audited.End(
      ReplyToWrite(context, Import(call.engine(), std::move(received.list), Lane::kUnary),
                   response));
}

grpc::Status ShardService::IngestChunks(grpc::ServerContext* context, IngestStream* stream) {
  const TenantCall call(tenants_, *context);
  if (call.refusal()) return *call.refusal();
  ChunkAnswers answers([&](PendingChunk& chunk) {
    return AnswerChunk(context, call.engine(), chunk, *stream);
  });
  grpc::Status refused;
  grpc::ByteBuffer bytes;
  for (int number = 0; refused.ok() && stream->Read(&bytes); ++number) {
    PendingChunk chunk;
    chunk.number = number;
    chunk.micros = SteadyClockMicros();
    absl::StatusOr<Quotas::Room> quota = call.AwaitRoom(bytes);
    if (!quota.ok()) {
      refused = proto::ToGrpc(quota.status());
      break;
    }
    chunk.quota = *std::move(quota);
    Received received;
    const absl::Status status =
        Receive(call.engine(), bytes, proto::ListOf::kInputs, AwaitRoom(call), &received);
    bytes.Clear();
    if (!status.ok()) {
      refused = RefuseChunk(context, number, status);
      break;
    }
    chunk.indexes = std::move(received.list.indexes);
    chunk.audited.emplace(audit_, *context, "IngestChunks",
                          [&](auto& entry) { Name(received.list.writes, entry); });
    absl::StatusOr<Ingestion> ingestion =
        call.engine().Submit(std::move(received.list.writes), Lane::kStreams,
                             std::make_shared<rpc::RequestRoom::Share>(std::move(received.room)));
    if (ingestion.ok()) {
      const bool certain = ingestion->certain();
      chunk.ingestion.emplace(*std::move(ingestion));
      answers.Add(std::move(chunk));
      if (!certain) refused = answers.Drain();  // nothing that comes after it is taken if it is not
    } else {
      refused = chunk.audited->End(
          RefuseChunk(context, number, NameIndex(ingestion.status(), chunk.indexes)));
    }
  }
  const grpc::Status failed = answers.Finish();
  return failed.ok() ? refused : failed;
}

// Not OK: nothing more is answered. The client is cut off unless the stream is drained for this chunk: its next one may
// never come.
grpc::Status ShardService::AnswerChunk(grpc::ServerContext* context, Engine& engine,
                                       PendingChunk& chunk, IngestStream& stream) {
  const absl::StatusOr<std::vector<Assignment>> assignments = chunk.ingestion->Await();
  const uint64_t micros = SteadyClockMicros() - chunk.micros;
  engine.metrics().ingest.Add(micros);
  if (IsSlow(micros)) {
    Log(LogLevel::kWarning, "slow chunk",
        {{"request_id", rpc::RequestId(*context)},
         {"duration_ms", static_cast<double>(micros) / 1000},
         {"records", uint64_t{chunk.indexes.size()}}});
  }
  if (!assignments.ok()) {
    const absl::Status status = NameIndex(assignments.status(), chunk.indexes);
    if (chunk.ingestion->certain()) {
      Log(LogLevel::kError, "a chunk of an ingest stream failed",
          {{"request_id", rpc::RequestId(*context)}, {"error", std::string(status.message())}});
      context->TryCancel();
    }
    return chunk.audited->End(RefuseChunk(context, chunk.number, status));
  }
  chunk.audited->End(grpc::Status::OK);
  engine.metrics().ingested_records += assignments->size();
  const bool sent = stream.Write(ToResponse(engine, chunk.indexes, *assignments));
  return sent ? grpc::Status::OK : grpc::Status::CANCELLED;
}

grpc::Status ShardService::IngestRecordsStream(grpc::ServerContext* context,
                                               IngestStream* stream) {
  const TenantCall call(tenants_, *context);
  if (call.refusal()) return *call.refusal();
  proto::IngestRecordsResponse all;
  size_t bytes = 0;
  grpc::ByteBuffer chunk;
  for (int number = 0; stream->Read(&chunk); ++number) {
    if (bytes > limits::kAnswerBytesMax / 2) {
      return RefuseChunk(context, number,
                         absl::ResourceExhaustedError(
                             "the answer to the chunks before, which are stored, is as large "
                             "as it may be; IngestChunks answers each chunk"));
    }
    const absl::StatusOr<Quotas::Room> quota = call.AwaitRoom(chunk);
    if (!quota.ok()) return proto::ToGrpc(quota.status());
    Received received;
    const absl::Status status =
        Receive(call.engine(), chunk, proto::ListOf::kInputs, AwaitRoom(call), &received);
    if (!status.ok()) return RefuseChunk(context, number, status);
    const Audited audited(audit_, *context, "IngestRecordsStream",
                          [&](auto& entry) { Name(received.list.writes, entry); });
    const absl::StatusOr<proto::IngestRecordsResponse> response =
        Ingest(call.engine(), std::move(received.list), Lane::kStreams);
    if (!response.ok()) return audited.End(RefuseChunk(context, number, response.status()));
    audited.End(grpc::Status::OK);
    bytes += response->ByteSizeLong();
    all.MergeFrom(*response);
  }
  if (!context->IsCancelled()) stream->Write(all);
  return grpc::Status::OK;
}

grpc::Status ShardService::ImportRecordsStream(grpc::ServerContext* context,
                                               ImportStream* stream) {
  const TenantCall call(tenants_, *context);
  if (call.refusal()) return *call.refusal();
  proto::ImportRecordsResponse all;
  grpc::ByteBuffer chunk;
  for (int number = 0; stream->Read(&chunk); ++number) {
    const absl::StatusOr<Quotas::Room> quota = call.AwaitRoom(chunk);
    if (!quota.ok()) return proto::ToGrpc(quota.status());
    Received received;
    const absl::Status status =
        Receive(call.engine(), chunk, proto::ListOf::kSnapshots, AwaitRoom(call), &received);
    if (!status.ok()) return RefuseChunk(context, number, status);
    const Audited audited(audit_, *context, "ImportRecordsStream",
                          [&](auto& entry) { Name(received.list.writes, entry); });
    const absl::StatusOr<proto::ImportRecordsResponse> response =
        Import(call.engine(), std::move(received.list), Lane::kStreams);
    if (!response.ok()) return audited.End(RefuseChunk(context, number, response.status()));
    audited.End(grpc::Status::OK);
    all.set_imported(all.imported() + response->imported());
  }
  if (!context->IsCancelled()) stream->Write(all);
  return grpc::Status::OK;
}

}  // namespace unirust::shard
