// A call of ShardService as its tenant has it: whether it may go on, in which store, within which
// quotas. Every handler begins with
//
//   const TenantCall call(tenants_, *context, *request);
//   if (call.refusal()) return *call.refusal();
//
// and works on call.engine(), nothing else: what a call does is done in the store of its tenant.
#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/quotas.h"
#include "shard/tenants.h"

namespace unirust::shard {

class TenantCall {
 public:
  // Of a stream, whose messages take room one by one.
  TenantCall(Tenants& tenants, grpc::ServerContext& context);

  // Of one request, which has its room until this ends.
  TenantCall(Tenants& tenants, grpc::ServerContext& context,
             const google::protobuf::MessageLite& request);
  TenantCall(Tenants& tenants, grpc::ServerContext& context, const grpc::ByteBuffer& request);

  // Why it may not go on: by rpc::Refused, an unknown tenant, or a quota, then with a delay.
  const std::optional<grpc::Status>& refusal() const { return refusal_; }

  // Not of a call that is refused.
  Engine& engine() const { return *tenant_->engine; }
  rpc::RequestRoom& request_room() const { return *tenant_->room; }
  const std::string& import_dir() const { return tenant_->import_dir; }

  // For a message of a stream. Waits while a quota is used up: so its sender is slowed down.
  // CANCELLED if it has gone.
  absl::StatusOr<Quotas::Room> AwaitRoom(const grpc::ByteBuffer& message) const;

 private:
  template <typename Request>
  void Take(const Request& request);

  grpc::ServerContext& context_;
  Tenant* tenant_ = nullptr;
  Quotas::Room room_;
  std::optional<grpc::Status> refusal_;
};

}  // namespace unirust::shard
