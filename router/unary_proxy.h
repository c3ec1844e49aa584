// One unary call of a client, passed on to the shard: request and answer as bytes, without a thread
// that waits between them.
#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <memory>
#include <string>

namespace unirust::router {

// Deletes itself when the client's call is over.
class UnaryProxy final : public grpc::ServerUnaryReactor {
 public:
  // Makes the status of the client's call from that of `call`, which has ended.
  using End = std::function<grpc::Status(const grpc::ClientContext& call, const grpc::Status&)>;

  // Starts `call` to `method` of the shard. `request` and `answer` are the client's call's.
  UnaryProxy(grpc::GenericStub& shard, const std::string& method,
             std::unique_ptr<grpc::ClientContext> call, const grpc::ByteBuffer& request,
             grpc::ByteBuffer* answer, End end);

 private:
  void OnDone() override;

  const std::unique_ptr<grpc::ClientContext> call_;
  const End end_;
};

}  // namespace unirust::router
