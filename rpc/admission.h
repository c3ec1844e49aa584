// Whether a call may go on. An rpc::Server asks its gate (access/gate.h) when a call arrives,
// before its handler runs; gRPC has no way to stop a call there, so every handler of ours begins
// with
//
//   if (const auto refused = rpc::Refused(*context)) return *refused;
//
// or with what asks that first (shard/tenant_call.h). A test calls every method without
// credentials; a call whose gate was never asked is refused.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace unirust::access {
class Gate;
}

namespace unirust::rpc {

// Where a client's token is: "authorization: Bearer TOKEN".
inline constexpr char kTokenKey[] = "authorization";
inline constexpr char kTokenScheme[] = "Bearer ";

// The tenant that a call is for (docs/tenants.md); without it, or empty: the default one.
inline constexpr char kTenantKey[] = "unirust-tenant";

// Why the call may not go on, if it may not.
std::optional<grpc::Status> Refused(const grpc::ServerContextBase& context);

// The principal that calls; empty for anyone. Of a call that is not refused.
std::string CallerName(const grpc::ServerContextBase& context);

// The tenant that it names, which may be unknown; empty: the default one.
std::string TenantName(const grpc::ServerContextBase& context);

// What a gate is asked about a call. May outlive the call, but not the gate. Thread-safe.
class Permit {
 public:
  Permit(access::Gate& gate, std::string path, std::string token,
         std::vector<std::string> certificates, std::string tenant)
      : gate_(gate),
        path_(std::move(path)),
        token_(std::move(token)),
        certificates_(std::move(certificates)),
        tenant_(std::move(tenant)) {}

  // See access::Gate::Check: the answer at this moment.
  absl::StatusOr<std::string> Ask() const;

 private:
  access::Gate& gate_;
  const std::string path_;
  const std::string token_;
  const std::vector<std::string> certificates_;
  const std::string tenant_;
};

// The gate's answer about one call, left among its metadata for the handler. Must outlive the call.
class Admission {
 public:
  using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

  // Asks the gate, null for a server without one. What a client says under our keys is removed. INVALID_ARGUMENT for
  // a call that names several tenants: what the gate is asked about is what the handler sees. Whether it may go on.
  bool Decide(access::Gate* gate, const char* path, const grpc::ServerContextBase& context,
              Metadata& metadata);

  // It may not, whatever was decided.
  void Refuse(grpc::StatusCode code, const std::string& message, Metadata& metadata);

  // What was asked; null without a gate.
  const std::shared_ptr<const Permit>& permit() const { return permit_; }

 private:
  absl::StatusOr<std::string> Ask(access::Gate* gate, const char* path,
                                  const grpc::ServerContextBase& context,
                                  const Metadata& metadata);
  std::shared_ptr<const Permit> permit_;
  std::string caller_;
  std::string refusal_;  // code and message; empty: it may go on
};

}  // namespace unirust::rpc
