#include "rpc/admission.h"

#include <grpcpp/security/auth_context.h>

#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "access/gate.h"

namespace unirust::rpc {
namespace {

constexpr char kCallerKey[] = "x-unirust-caller";
constexpr char kRefusalKey[] = "x-unirust-refusal";

std::string_view View(grpc::string_ref text) { return {text.data(), text.size()}; }

// Empty if there is none.
std::string_view ValueOf(const Admission::Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? std::string_view() : View(found->second);
}

}  // namespace

absl::StatusOr<std::string> Permit::Ask() const {
  access::Credentials credentials;
  credentials.token = token_;
  credentials.certificates.assign(certificates_.begin(), certificates_.end());
  return gate_.Check(path_, credentials, tenant_);
}

bool Admission::Decide(access::Gate* gate, const char* path, const grpc::ServerContextBase& context,
                       Metadata& metadata) {
  metadata.erase(kCallerKey);
  metadata.erase(kRefusalKey);
  absl::StatusOr<std::string> caller = Ask(gate, path, context, metadata);
  if (!caller.ok()) {
    Refuse(static_cast<grpc::StatusCode>(caller.status().raw_code()),
           std::string(caller.status().message()), metadata);
    return false;
  }
  caller_ = *std::move(caller);
  metadata.emplace(kCallerKey, caller_);
  return true;
}

void Admission::Refuse(grpc::StatusCode code, const std::string& message, Metadata& metadata) {
  metadata.erase(kCallerKey);
  refusal_ = std::to_string(code) + " " + message;
  metadata.emplace(kRefusalKey, refusal_);
}

absl::StatusOr<std::string> Admission::Ask(access::Gate* gate, const char* path,
                                           const grpc::ServerContextBase& context,
                                           const Metadata& metadata) {
  if (metadata.count(kTenantKey) > 1) {
    return absl::InvalidArgumentError("unirust-tenant: a call is for one tenant");
  }
  if (gate == nullptr) return std::string();
  std::string_view token = ValueOf(metadata, kTokenKey);
  token = token.starts_with(kTokenScheme) ? token.substr(std::string_view(kTokenScheme).size())
                                          : std::string_view();
  std::vector<std::string> certificates;
  const std::shared_ptr<const grpc::AuthContext> connection = context.auth_context();
  if (connection != nullptr && connection->IsPeerAuthenticated()) {
    for (const grpc::string_ref& name : connection->GetPeerIdentity()) {
      certificates.emplace_back(View(name));
    }
  }
  permit_ = std::make_shared<const Permit>(*gate, path, std::string(token), std::move(certificates),
                                           std::string(ValueOf(metadata, kTenantKey)));
  return permit_->Ask();
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
  return std::string(ValueOf(context.client_metadata(), kCallerKey));
}

std::string TenantName(const grpc::ServerContextBase& context) {
  return std::string(ValueOf(context.client_metadata(), kTenantKey));
}

}  // namespace unirust::rpc
