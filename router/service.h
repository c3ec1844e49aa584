// RouterService of the contract over one shard. Stateless: every method is passed on to the shard
// with nine tenths of the client's remaining time, and ends when the client's call does. A shard
// that cannot be reached is UNAVAILABLE, by its address. The shard gets the client's request id,
// its token and its tenant, and decides what it may do. Requests and answers are passed on as bytes,
// but for the few methods that the shard does not have in the same form.
// Thread-safe.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/limits.h"
#include "proto/unirust.grpc.pb.h"
#include "rpc/byte_service.h"

namespace unirust::router {

class RouterService final : public rpc::ByteService {
 public:
  // `address` names the shard in messages. `deadline` is for unary calls whose client sets none;
  // streams, and operations that may take long, then have none.
  RouterService(std::shared_ptr<grpc::Channel> shard, std::string address,
                std::chrono::milliseconds deadline);

 private:
  using Stub = proto::ShardService::Stub;
  using AnswerWriter = grpc::ServerWriter<grpc::ByteBuffer>;
  using ImportStream = rpc::ByteStream<proto::ImportRecordsResponse>;
  enum class NoDeadline { kDefault, kForever };  // what becomes of a client that sets no deadline

  rpc::RequestRoom& RoomOf(const grpc::ServerContextBase&) override { return room_; }

  // --- methods that the shard has, too, and how they are passed on ---
  void PassOn(const char* method, NoDeadline no_deadline);
  void PassOnAnswers(const char* method);
  void PassOnIngest();

  // --- methods of the router alone ---
  grpc::Status Reconcile(grpc::ServerContext* context, const proto::ReconcileRequest* request,
                         proto::ReconcileResponse* response);

  // These name a shard: NOT_FOUND if it is not ours.
  grpc::Status GetRecordIdRange(grpc::ServerContext* context,
                                const proto::RouterRecordIdRangeRequest* request,
                                proto::RecordIdRangeResponse* response);
  grpc::Status ExportRecords(grpc::ServerContext* context,
                             const proto::RouterExportRecordsRequest* request,
                             proto::ExportRecordsResponse* response);
  grpc::Status ExportRecordsStream(grpc::ServerContext* context,
                                   const proto::RouterExportRecordsRequest* request,
                                   AnswerWriter* writer);
  grpc::Status ImportRecords(grpc::ServerContext* context, const grpc::ByteBuffer* request,
                             proto::ImportRecordsResponse* response);
  grpc::Status ImportRecordsStream(grpc::ServerContext* context, ImportStream* stream);

  // A call to the shard on behalf of the client's, cancelled when that one ends.
  std::unique_ptr<grpc::ClientContext> NewCall(const grpc::ServerContextBase& context,
                                               NoDeadline no_deadline) const;

  template <typename Request, typename Response>
  grpc::Status Forward(grpc::ServerContext* context,
                       grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                    Response*),
                       const Request& request, Response* response);

  // Sends the chunks of the shard's answer to `request` as they come.
  grpc::Status ForwardAnswers(grpc::ServerContext* context, const char* method,
                              const grpc::ByteBuffer& request, AnswerWriter* writer);

  // Ends the client's call as the shard ended ours.
  grpc::Status End(grpc::ServerContextBase* context, const grpc::ClientContext& call,
                   const grpc::Status& status) const;

  static grpc::Status IfCutOff(const grpc::Status& status);

  // NOT_FOUND unless the shard has this number.
  grpc::Status CheckShardId(grpc::ServerContext* context, uint32_t shard_id);

  const std::shared_ptr<grpc::Channel> shard_;
  const std::unique_ptr<Stub> stub_;
  grpc::GenericStub generic_stub_;
  const std::string address_;
  const std::chrono::milliseconds deadline_;
  rpc::RequestRoom room_{limits::kDecodedBytesMax};
};

}  // namespace unirust::router
