// The fields of a message whose bytes are in pieces.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include "absl/functional/function_ref.h"

namespace unirust::rpc {

// Calls `see` with the number of each, in order, not of those of messages within it. Ends where the
// bytes do not decode. Allocates nothing.
void EachField(const grpc::ByteBuffer& message, absl::FunctionRef<void(int number)> see);

}  // namespace unirust::rpc
