// Status codes in and out of gRPC. Both families number their codes alike.
#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace unirust::proto {

// Messages longer than limits::kStatusMessageBytesMax are cut, since they travel in HTTP headers.
grpc::Status ToGrpc(const absl::Status& status);

absl::Status FromGrpc(const grpc::Status& status);

}  // namespace unirust::proto
