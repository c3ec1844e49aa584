#include "shard/retry_delay.h"

#include <grpcpp/server_context.h>

#include <cstdlib>

#include "absl/strings/cord.h"
#include "rpc/requests.h"

namespace unirust::shard {
namespace {

constexpr char kPayload[] = "unirust/retry-after-ms";

}  // namespace

absl::Status Busy(const std::string& message, uint64_t delay_ms) {
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kPayload, absl::Cord(std::to_string(delay_ms)));
  return status;
}

uint64_t RetryDelayMs(const absl::Status& status) {
  const auto delay = status.GetPayload(kPayload);
  return delay ? std::strtoull(std::string(*delay).c_str(), nullptr, 10) : 0;
}

void TellRetryDelay(const absl::Status& status, grpc::ServerContext& context) {
  const uint64_t delay_ms = RetryDelayMs(status);
  if (delay_ms > 0) context.AddTrailingMetadata(rpc::kRetryAfterKey, std::to_string(delay_ms));
}

}  // namespace unirust::shard
