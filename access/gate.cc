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
  // A token is of who calls, the certificate perhaps of a router on the way.
  return credentials.token.empty() ? has_certificate : has_token;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gate>> Gate::Open(std::string path, uint64_t look_every_micros) {
  const Stamp stamp = StampOf(path);
  absl::StatusOr<Principals> principals = ReadPrincipals(path);
  if (!principals.ok()) return absl::InvalidArgumentError(principals.status().message());
  return std::unique_ptr<Gate>(
      new Gate(std::move(path), look_every_micros, stamp, *std::move(principals)));
}

Gate::Gate(std::string path, uint64_t look_every_micros, Stamp stamp, Principals principals)
    : path_(std::move(path)),
      look_every_micros_(look_every_micros),
      principals_(std::make_shared<const Principals>(std::move(principals))),
      stamp_(stamp),
      looked_micros_(SteadyClockMicros()) {}

// None for a file that may still be written: it is read again at the next look.
Gate::Stamp Gate::StampOf(const std::string& path) {
  constexpr int64_t kSettlesNs = 1'000'000'000;
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) return {};
  const int64_t changed_ns = file.st_ctim.tv_sec * 1'000'000'000 + file.st_ctim.tv_nsec;
  if (static_cast<int64_t>(WallClockMicros()) * 1000 - changed_ns < kSettlesNs) return {};
  return {.inode = file.st_ino, .size = file.st_size, .changed_ns = changed_ns};
}

// One thread looks, without the lock; meanwhile the others go by what was read before.
std::shared_ptr<const Gate::Principals> Gate::Current() {
  Stamp before;
  {
    MutexLock lock(mutex_);
    const uint64_t now = SteadyClockMicros();
    if (looking_ || now - looked_micros_ < look_every_micros_) return principals_;
    looked_micros_ = now;
    looking_ = true;
    before = stamp_;
  }
  // The stamp is taken before the file is read: what is written in between is seen the next time.
  const Stamp stamp = StampOf(path_);
  if (stamp == before && stamp != Stamp()) {
    MutexLock lock(mutex_);
    looking_ = false;
    return principals_;
  }
  absl::StatusOr<Principals> principals = ReadPrincipals(path_);
  const bool readable = principals.ok() || absl::IsInvalidArgument(principals.status());
  MutexLock lock(mutex_);
  looking_ = false;
  // What cannot be read is tried again at every look: perhaps somebody lost a right just now.
  stamp_ = readable ? stamp : Stamp();
  if (!principals.ok()) {
    const std::string fault(principals.status().message());
    if (std::exchange(fault_, fault) != fault) {
      Log(LogLevel::kError, "access file refused; the one before stays in force",
          {{"error", fault}});
    }
    return principals_;
  }
  fault_.clear();
  if (*principals != *principals_) {
    Log(LogLevel::kInfo, "access file read", {{"principals", uint64_t{principals->size()}}});
    principals_ = std::make_shared<const Principals>(*std::move(principals));
  }
  return principals_;
}

bool Gate::KnowsCertificates() {
  const auto principals = Current();
  return std::any_of(principals->begin(), principals->end(),
                     [](const Principal& one) { return !one.certificate.empty(); });
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
    return absl::UnauthenticatedError(credentials.token.empty()
                                          ? "the certificate is not known here; or give a token"
                                          : "the token is not known here, or has expired");
  }
  return absl::PermissionDeniedError("'" + known->name + "' has not the role " +
                                     std::string(RoleName(*role)) + ", which this needs");
}

}  // namespace unirust::access
