#include "access/gate.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
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
  return (has_token && !credentials.token.empty()) || has_certificate;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gate>> Gate::Open(std::string path, uint64_t look_every_micros) {
  const Stamp stamp = StampOf(path);
  UNIRUST_ASSIGN_OR_RETURN(Principals principals, ReadPrincipals(path));
  return std::unique_ptr<Gate>(
      new Gate(std::move(path), look_every_micros, stamp, std::move(principals)));
}

Gate::Gate(std::string path, uint64_t look_every_micros, Stamp stamp, Principals principals)
    : path_(std::move(path)),
      look_every_micros_(look_every_micros),
      principals_(std::make_shared<const Principals>(std::move(principals))),
      stamp_(stamp),
      looked_micros_(SteadyClockMicros()) {}

Gate::Stamp Gate::StampOf(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return {};
  return {.inode = file.st_ino,
          .size = file.st_size,
          .changed_ns = file.st_mtim.tv_sec * 1'000'000'000 + file.st_mtim.tv_nsec};
}

// The stamp is taken before the file is read: what is written in between is seen the next time.
std::shared_ptr<const Gate::Principals> Gate::Current() {
  MutexLock lock(mutex_);
  const uint64_t now = SteadyClockMicros();
  if (now - looked_micros_ < look_every_micros_) return principals_;
  looked_micros_ = now;
  const Stamp stamp = StampOf(path_);
  if (stamp == stamp_) return principals_;
  stamp_ = stamp;
  absl::StatusOr<Principals> principals = ReadPrincipals(path_);
  if (!principals.ok()) {
    Log(LogLevel::kError, "access file refused; the one before stays in force",
        {{"error", std::string(principals.status().message())}});
    return principals_;
  }
  Log(LogLevel::kInfo, "access file read", {{"principals", uint64_t{principals->size()}}});
  principals_ = std::make_shared<const Principals>(*std::move(principals));
  return principals_;
}

absl::StatusOr<std::string> Gate::Check(std::string_view path, const Credentials& credentials) {
  const std::optional<Role> role = RequiredRole(path);
  if (!role) return absl::PermissionDeniedError("nobody may call " + std::string(path));
  if (*role == Role::kAnyone) return std::string();
  if (credentials.token.empty() && credentials.certificates.empty()) {
    return absl::UnauthenticatedError("a token is needed: metadata 'authorization: Bearer TOKEN'");
  }
  const auto principals = Current();
  const TokenHash token = HashToken(credentials.token);
  const int64_t now = static_cast<int64_t>(WallClockMicros() / 1'000'000);
  const Principal* known = nullptr;
  const Principal* permitted = nullptr;
  for (const Principal& principal : *principals) {
    if (!Holds(principal, credentials, token) || now >= principal.expires) continue;
    known = &principal;
    if (principal.roles.Has(*role)) permitted = &principal;
  }
  if (permitted != nullptr) return permitted->name;
  if (known == nullptr) {
    return absl::UnauthenticatedError("the token is not known here, or has expired");
  }
  return absl::PermissionDeniedError("'" + known->name + "' has not the role " +
                                     std::string(RoleName(*role)) + ", which this needs");
}

}  // namespace unirust::access
