// gRPC answers a unary request that does not decode with INTERNAL and no message. It is the
// client's mistake.
#pragma once

#include <grpcpp/support/server_interceptor.h>

#include <memory>

namespace unirust::rpc {

inline constexpr char kMalformedMessage[] =
    "the request does not decode: malformed, or a string that is not UTF-8";

// Turns that answer into INVALID_ARGUMENT. Our own services give every INTERNAL status a message.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeMalformedRequestInterceptor();

}  // namespace unirust::rpc
