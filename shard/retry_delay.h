// How long a client that was refused shall wait before it sends again. The delay rides on the
// status from where it was refused to where that becomes the answer; a refusal without one does not
// pass by waiting.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace grpc {
class ServerContext;
}

namespace unirust::shard {

// RESOURCE_EXHAUSTED, for so long.
absl::Status Busy(const std::string& message, uint64_t delay_ms);

// Of a status that Busy made; 0: none.
uint64_t RetryDelayMs(const absl::Status& status);

// Tells the client the delay, if the status has one.
void TellRetryDelay(const absl::Status& status, grpc::ServerContext& context);

}  // namespace unirust::shard
