#include "shard/tenant_call.h"

#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "proto/status.h"
#include "rpc/admission.h"
#include "shard/retry_delay.h"

namespace unirust::shard {
namespace {

// Measuring a message takes a walk through it.
uint64_t BytesOf(const google::protobuf::MessageLite& message, const Quotas& quotas) {
  return quotas.BoundsBytes() ? message.ByteSizeLong() : 0;
}

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
  if (refusal_) return;
  const absl::Status taken = Take(request);
  if (taken.ok()) return;
  TellRetryDelay(taken, context);
  refusal_ = proto::ToGrpc(taken);
}

absl::Status TenantCall::Take(const google::protobuf::MessageLite& request) {
  Quotas& quotas = tenant_->quotas;
  UNIRUST_ASSIGN_OR_RETURN(room_, quotas.Begin(BytesOf(request, quotas), SteadyClockMicros()));
  return absl::OkStatus();
}

absl::StatusOr<Quotas::Room> TenantCall::AwaitRoom(
    const google::protobuf::MessageLite& message) const {
  Quotas& quotas = tenant_->quotas;
  return quotas.AwaitBegin(BytesOf(message, quotas), [this] { return context_.IsCancelled(); });
}

}  // namespace unirust::shard
