#include "rpc/admission.h"

#include <grpcpp/security/auth_context.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "access/gate.h"

namespace unirust::rpc {
namespace {

constexpr char kCallerKey[] = "x-unirust-caller";
constexpr char kRefusalKey[] = "x-unirust-refusal";

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

}  // namespace

void Admission::Decide(access::Gate* gate, const char* path, const grpc::ServerContextBase& context,
                       Metadata& metadata) {
  metadata.erase(kCallerKey);
  metadata.erase(kRefusalKey);
  if (gate != nullptr) {
    access::Credentials credentials;
    const auto token = metadata.find(kTokenKey);
    if (token != metadata.end() && View(token->second).starts_with(kTokenScheme)) {
      credentials.token = View(token->second).substr(std::string_view(kTokenScheme).size());
    }
    const std::shared_ptr<const grpc::AuthContext> connection = context.auth_context();
    if (connection != nullptr && connection->IsPeerAuthenticated()) {
      for (const grpc::string_ref& name : connection->GetPeerIdentity()) {
        credentials.certificates.push_back(View(name));
      }
    }
    absl::StatusOr<std::string> caller = gate->Check(path, credentials);
    if (!caller.ok()) {
      refusal_ =
          std::to_string(caller.status().raw_code()) + " " + std::string(caller.status().message());
      metadata.emplace(kRefusalKey, refusal_);
      return;
    }
    caller_ = *std::move(caller);
  }
  metadata.emplace(kCallerKey, caller_);
}

std::optional<grpc::Status> Refused(const grpc::ServerContextBase& context) {
  const Admission::Metadata& metadata = context.client_metadata();
  if (metadata.contains(kCallerKey)) return std::nullopt;
  const auto refusal = metadata.find(kRefusalKey);
  if (refusal == metadata.end()) {
    return grpc::Status(grpc::StatusCode::PERMISSION_DENIED, "nobody was asked about this call");
  }
  const std::string text(refusal->second.data(), refusal->second.size());
  return grpc::Status(static_cast<grpc::StatusCode>(std::atoi(text.c_str())),
                      text.substr(text.find(' ') + 1));
}

std::string CallerName(const grpc::ServerContextBase& context) {
  const auto caller = context.client_metadata().find(kCallerKey);
  if (caller == context.client_metadata().end()) return "";
  return std::string(View(caller->second));
}

}  // namespace unirust::rpc
