#include "shard/tenant_call.h"

#include <utility>

#include "base/clock.h"
#include "proto/status.h"
#include "rpc/admission.h"
#include "shard/retry_delay.h"

namespace unirust::shard {
namespace {

// Measuring a message takes a walk through it.
uint64_t BytesOf(const google::protobuf::MessageLite& message) { return message.ByteSizeLong(); }
uint64_t BytesOf(const grpc::ByteBuffer& message) { return message.Length(); }

}  // namespace

TenantCall::TenantCall(Tenants& tenants, grpc::ServerContext& context) : context_(context) {
  refusal_ = rpc::Refused(context);
  if (refusal_) return;
  const absl::StatusOr<Tenant*> found = tenants.Find(rpc::TenantName(context));
  if (found.ok()) {
    tenant_ = *found;
  } else {
    refusal_ = proto::ToGrpc(found.status());
  }
}

TenantCall::TenantCall(Tenants& tenants, grpc::ServerContext& context,
                       const google::protobuf::MessageLite& request)
    : TenantCall(tenants, context) {
  if (!refusal_) Take(request);
}

TenantCall::TenantCall(Tenants& tenants, grpc::ServerContext& context,
                       const grpc::ByteBuffer& request)
    : TenantCall(tenants, context) {
  if (!refusal_) Take(request);
}

template <typename Request>
void TenantCall::Take(const Request& request) {
  Quotas& quotas = tenant_->quotas;
  const uint64_t bytes = quotas.BoundsBytes() ? BytesOf(request) : 0;
  absl::StatusOr<Quotas::Room> room = quotas.Begin(bytes, SteadyClockMicros());
  if (room.ok()) {
    room_ = *std::move(room);
  } else {
    TellRetryDelay(room.status(), context_);
    refusal_ = proto::ToGrpc(room.status());
  }
}

absl::StatusOr<Quotas::Room> TenantCall::AwaitRoom(const grpc::ByteBuffer& message) const {
  return tenant_->quotas.AwaitBegin(message.Length(), [this] { return context_.IsCancelled(); });
}

}  // namespace unirust::shard
