// gRPC answers a unary request that does not decode with INTERNAL and no message. It is the
// client's mistake.
#pragma once

#include <grpcpp/support/status.h>

namespace unirust::rpc {

inline constexpr char kMalformedMessage[] =
    "the request does not decode: malformed, or a string that is not UTF-8";

// INVALID_ARGUMENT for that answer, any other as it is. Our own services give every INTERNAL status
// a message.
grpc::Status ExplainMalformed(const grpc::Status& status);

}  // namespace unirust::rpc
