#include "access/gate.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"

namespace unirust::access {
namespace {

bool Holds(const Principal& principal, const Credentials& credentials, const TokenHash& token) {
  // Both are compared for every principal, so that the time tells nothing.
  const bool has_token = principal.token && Equal(*principal.token, token);
  const auto& names = credentials.certificates;
  const bool has_certificate =
      !principal.certificate.empty() &&
      std::find(names.begin(), names.end(), principal.certificate) != names.end();
  // A token is of who calls, the certificate perhaps of a router on the way.
  return credentials.token.empty() ? has_certificate : has_token;
}

bool IsFor(const Principal& principal, std::string_view tenant) {
  const std::vector<std::string>& tenants = principal.tenants;
  if (tenants.empty()) return tenant.empty();
  return std::any_of(tenants.begin(), tenants.end(), [&](const std::string& name) {
    return name == kEveryTenant || name == tenant;
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gate>> Gate::Open(std::string path, uint64_t look_every_micros) {
  UNIRUST_ASSIGN_OR_RETURN(auto file, WatchedFile<Principal>::Open(std::move(path), "access file",
                                                                   ReadPrincipals,
                                                                   look_every_micros));
  return std::unique_ptr<Gate>(new Gate(std::move(file)));
}

bool Gate::KnowsCertificates() {
  const auto principals = file_->Current();
  return std::any_of(principals->begin(), principals->end(),
                     [](const Principal& one) { return !one.certificate.empty(); });
}

absl::StatusOr<std::string> Gate::Check(std::string_view path, const Credentials& credentials,
                                        std::string_view tenant) {
  const std::optional<Role> role = RequiredRole(path);
  if (!role) return absl::PermissionDeniedError("nobody may call " + std::string(path));
  if (*role == Role::kAnyone && tenant.empty()) return std::string();
  if (credentials.token.empty() && credentials.certificates.empty()) {
    return absl::UnauthenticatedError("a token is needed: metadata 'authorization: Bearer TOKEN'");
  }
  const auto principals = file_->Current();
  const TokenHash token = HashToken(credentials.token);
  const int64_t now = static_cast<int64_t>(WallClockMicros() / 1'000'000);
  const Principal* known = nullptr;
  const Principal* of_tenant = nullptr;
  const Principal* permitted = nullptr;
  for (const Principal& principal : *principals) {
    if (!Holds(principal, credentials, token) || now >= principal.expires) continue;
    known = &principal;
    if (!IsFor(principal, tenant)) continue;
    of_tenant = &principal;
    if (principal.roles.Has(*role)) permitted = &principal;
  }
  if (permitted != nullptr) return permitted->name;
  if (known == nullptr) {
    return absl::UnauthenticatedError(credentials.token.empty()
                                          ? "the certificate is not known here; or give a token"
                                          : "the token is not known here, or has expired");
  }
  if (of_tenant == nullptr) {
    return absl::PermissionDeniedError("'" + known->name + "' has no access to this tenant");
  }
  return absl::PermissionDeniedError("'" + of_tenant->name + "' has not the role " +
                                     std::string(RoleName(*role)) + ", which this needs");
}

}  // namespace unirust::access
