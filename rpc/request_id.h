// The name by which one request is found in the logs of every daemon that it passes. A client may
// give it as metadata `x-request-id`; where it gives none, or one that is no sane name, the first
// daemon makes one up. Every call ends with it in its trailing metadata.
#pragma once

#include <grpcpp/server_context.h>

#include <string>
#include <string_view>

namespace unirust::rpc {

inline constexpr char kRequestIdKey[] = "x-request-id";

// 1 to limits::kRequestIdBytesMax letters, digits and ._:/- signs.
bool IsRequestId(std::string_view text);

// One that no other request of any process has. Thread-safe.
std::string NewRequestId();

// Of the call that an rpc::Server serves.
std::string RequestId(const grpc::ServerContextBase& context);

}  // namespace unirust::rpc
