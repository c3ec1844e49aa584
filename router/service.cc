#include "router/service.h"

#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_method.h>

#include <utility>

#include "proto/status.h"
#include "router/import_request.h"
#include "router/ingest_proxy.h"
#include "router/unary_proxy.h"
#include "rpc/admission.h"
#include "rpc/request_id.h"

namespace unirust::router {
namespace {

using Rpc = grpc::internal::RpcMethod;

constexpr char kIngestChunks[] = "/unirust.ShardService/IngestChunks";
constexpr char kExportRecordsStream[] = "/unirust.ShardService/ExportRecordsStream";
constexpr char kImportRecords[] = "/unirust.ShardService/ImportRecords";
constexpr char kImportRecordsStream[] = "/unirust.ShardService/ImportRecordsStream";

// Calls that end as they begin. They delete themselves.
class RefusedCall final : public grpc::ServerUnaryReactor {
 public:
  explicit RefusedCall(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

class RefusedStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  explicit RefusedStream(const grpc::Status& status) { Finish(status); }
  void OnDone() override { delete this; }
};

std::string ShardPath(const std::string& method) { return "/unirust.ShardService/" + method; }

proto::ExportRecordsRequest ToShard(const proto::RouterExportRecordsRequest& request) {
  proto::ExportRecordsRequest result;
  result.set_start_id(request.start_id());
  result.set_end_id(request.end_id());
  result.set_limit(request.limit());
  return result;
}

grpc::ByteBuffer ToBytes(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

}  // namespace

RouterService::RouterService(std::shared_ptr<grpc::Channel> shard, std::string address,
                             std::chrono::milliseconds deadline)
    : ByteService(proto::RouterService::service_full_name(), rpc::Callers::kClients),
      shard_(std::move(shard)),
      stub_(proto::ShardService::NewStub(shard_)),
      generic_stub_(shard_),
      address_(std::move(address)),
      deadline_(deadline) {
  for (const char* method :
       {"AdvanceRetention", "Backup", "Checkpoint", "IngestRecordsFromUrl", "PurgeErased", "Reset",
        "SetOntology"}) {
    PassOn(method, NoDeadline::kForever);
  }
  for (const char* method :
       {"CancelMoves", "EraseRecords", "GetConfigVersion", "GetEntity", "GetErasures", "GetMetrics",
        "GetOntology", "GetParts", "GetRetention", "GetStats", "HealthCheck", "IngestRecords",
        "ListConflicts", "MoveSlots", "PlanSlots", "QueryEntities"}) {
    PassOn(method, NoDeadline::kDefault);
  }
  for (const char* method :
       {"ExportGraph", "FindEntities", "GetDigest", "ScanRecords", "StreamConflicts"}) {
    PassOnAnswers(method);
  }
  PassOnIngest();
  Serve("ExportRecords", &RouterService::ExportRecords);
  Serve("ExportRecordsStream", &RouterService::ExportRecordsStream);
  Serve("GetRecordIdRange", &RouterService::GetRecordIdRange);
  Serve("ImportRecords", &RouterService::ImportRecords);
  Serve("ImportRecordsStream", &RouterService::ImportRecordsStream);
  Serve("Reconcile", &RouterService::Reconcile);
}

// --- methods that the shard has, too -------------------------------------------------------------

void RouterService::PassOn(const char* method, NoDeadline no_deadline) {
  using grpc::ByteBuffer;
  const auto begin = [this, path = ShardPath(method), no_deadline](
                         grpc::CallbackServerContext* context, const ByteBuffer* request,
                         ByteBuffer* answer) -> grpc::ServerUnaryReactor* {
    if (const auto refused = RefusedWith(*context, *request)) return new RefusedCall(*refused);
    return new UnaryProxy(generic_stub_, path, NewCall(*context, no_deadline), *request, answer,
                          [this, context](const auto& ended, const grpc::Status& status) {
                            return End(context, ended, status);
                          });
  };
  const int position = Add(method, Rpc::NORMAL_RPC, nullptr);
  MarkMethodRawCallback(position,
                        new grpc::internal::CallbackUnaryHandler<ByteBuffer, ByteBuffer>(begin));
}

void RouterService::PassOnAnswers(const char* method) {
  using grpc::ByteBuffer;
  const auto forward = [path = ShardPath(method)](RouterService* self,
                                                  grpc::ServerContext* context,
                                                  const ByteBuffer* request,
                                                  AnswerWriter* writer) {
    if (const auto refused = RefusedWith(*context, *request)) return *refused;
    return self->ForwardAnswers(context, path.c_str(), *request, writer);
  };
  Add(method, Rpc::SERVER_STREAMING,
      new grpc::internal::ServerStreamingHandler<RouterService, ByteBuffer, ByteBuffer>(forward,
                                                                                         this));
}

void RouterService::PassOnIngest() {
  using grpc::ByteBuffer;
  using Stream = grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>;
  const auto begin = [this](grpc::CallbackServerContext* context) -> Stream* {
    if (const auto refused = rpc::Refused(*context)) return new RefusedStream(*refused);
    return new IngestProxy(generic_stub_, kIngestChunks, NewCall(*context, NoDeadline::kForever),
                           [this, context](const auto& ended, const grpc::Status& status) {
                             return End(context, ended,
                                        context->IsCancelled() ? status : IfCutOff(status));
                           });
  };
  const int position = Add("IngestRecordsStream", Rpc::BIDI_STREAMING, nullptr);
  MarkMethodRawCallback(position,
                        new grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>(begin));
}

// A shard cuts a stream off if what it has taken cannot be written.
grpc::Status RouterService::IfCutOff(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return status;
  return {grpc::StatusCode::UNAVAILABLE,
          "it ended the stream, since a write failed: its log says why, and if a part of the store "
          "does not answer. What was answered is stored: send the rest again"};
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
                                    const Request& request, Response* response) {
  const auto call = NewCall(*context, NoDeadline::kDefault);
  const grpc::Status status = ((*stub_).*method)(call.get(), request, response);
  return End(context, *call, status);
}

grpc::Status RouterService::ForwardAnswers(grpc::ServerContext* context, const char* method,
                                           const grpc::ByteBuffer& request, AnswerWriter* writer) {
  const auto call = NewCall(*context, NoDeadline::kForever);
  const std::unique_ptr<grpc::ClientReader<grpc::ByteBuffer>> answers(
      grpc::internal::ClientReaderFactory<grpc::ByteBuffer>::Create(
          shard_.get(), Rpc(method, Rpc::SERVER_STREAMING), call.get(), request));
  for (grpc::ByteBuffer answer; answers->Read(&answer);) {
    if (!writer->Write(answer)) call->TryCancel();
  }
  return End(context, *call, answers->Finish());
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

grpc::Status RouterService::ExportRecordsStream(grpc::ServerContext* context,
                                                const proto::RouterExportRecordsRequest* request,
                                                AnswerWriter* writer) {
  if (const grpc::Status status = CheckShardId(context, request->shard_id()); !status.ok())
    return status;
  return ForwardAnswers(context, kExportRecordsStream, ToBytes(ToShard(*request)), writer);
}

grpc::Status RouterService::ImportRecords(grpc::ServerContext* context,
                                          const grpc::ByteBuffer* request,
                                          proto::ImportRecordsResponse* response) {
  const auto import = ReadImportRequest(*request);
  if (!import) return proto::ToGrpc(rpc::Malformed());
  if (const grpc::Status status = CheckShardId(context, import->shard_id); !status.ok())
    return status;
  const auto call = NewCall(*context, NoDeadline::kDefault);
  const grpc::Status status = grpc::internal::BlockingUnaryCall<grpc::ByteBuffer,
                                                                proto::ImportRecordsResponse>(
      shard_.get(), Rpc(kImportRecords, Rpc::NORMAL_RPC), call.get(), import->to_shard, response);
  return End(context, *call, status);
}

grpc::Status RouterService::ImportRecordsStream(grpc::ServerContext* context,
                                                ImportStream* stream) {
  if (const auto refused = rpc::Refused(*context)) return *refused;
  const auto call = NewCall(*context, NoDeadline::kForever);
  proto::ImportRecordsResponse response;
  const std::unique_ptr<grpc::ClientWriter<grpc::ByteBuffer>> shard(
      grpc::internal::ClientWriterFactory<grpc::ByteBuffer>::Create(
          shard_.get(), Rpc(kImportRecordsStream, Rpc::CLIENT_STREAMING), call.get(), &response));
  grpc::ByteBuffer request;
  grpc::Status refused;
  while (refused.ok() && stream->Read(&request)) {
    const auto import = ReadImportRequest(request);
    refused = import ? CheckShardId(context, import->shard_id) : proto::ToGrpc(rpc::Malformed());
    if (refused.ok() && !shard->Write(import->to_shard)) break;
  }
  if (!refused.ok()) call->TryCancel();
  shard->WritesDone();
  const grpc::Status status = shard->Finish();
  if (!refused.ok()) return refused;
  if (status.ok()) stream->Write(response);
  return End(context, *call, status);
}

}  // namespace unirust::router
