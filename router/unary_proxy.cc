#include "router/unary_proxy.h"

#include <utility>

namespace unirust::router {

UnaryProxy::UnaryProxy(grpc::GenericStub& shard, const std::string& method,
                       std::unique_ptr<grpc::ClientContext> call, const grpc::ByteBuffer& request,
                       grpc::ByteBuffer* answer, End end)
    : call_(std::move(call)), end_(std::move(end)) {
  shard.UnaryCall(call_.get(), method, grpc::StubOptions(), &request, answer,
                  [this](const grpc::Status& status) { Finish(end_(*call_, status)); });
}

void UnaryProxy::OnDone() { delete this; }

}  // namespace unirust::router
