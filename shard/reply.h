// Ends a unary call with a result.
#pragma once

#include <grpcpp/support/status.h>

#include <utility>

#include "absl/status/statusor.h"
#include "proto/status.h"

namespace unirust::shard {

template <typename Response>
grpc::Status Reply(absl::StatusOr<Response> result, Response* response) {
  if (result.ok()) *response = *std::move(result);
  return proto::ToGrpc(result.status());
}

}  // namespace unirust::shard
