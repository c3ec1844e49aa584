// Whether a call may go on. An rpc::Server asks its gate (access/gate.h) when a call arrives,
// before its handler runs; gRPC has no way to stop a call there, so every handler of ours begins
// with
//
//   if (const auto refused = rpc::Refused(*context)) return *refused;
//
// A test calls every method without credentials; a call whose gate was never asked is refused.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <map>
#include <optional>
#include <string>

namespace unirust::access {
class Gate;
}

namespace unirust::rpc {

// Where a client's token is: "authorization: Bearer TOKEN".
inline constexpr char kTokenKey[] = "authorization";
inline constexpr char kTokenScheme[] = "Bearer ";

// Why the call may not go on, if it may not.
std::optional<grpc::Status> Refused(const grpc::ServerContextBase& context);

// The principal that calls; empty for anyone. Of a call that is not refused.
std::string CallerName(const grpc::ServerContextBase& context);

// The gate's answer about one call, left among its metadata for the handler. Must outlive the call.
class Admission {
 public:
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

  // Asks the gate, null for a server without one. What a client says under our keys is removed.
  void Decide(access::Gate* gate, const char* path, const grpc::ServerContextBase& context,
              Metadata& metadata);

 private:
  std::string caller_;
  std::string refusal_;  // code and message; empty: it may go on
};

}  // namespace unirust::rpc
