// Decides whether a call may go on, by the file of principals (principals.h) and the table of
// methods (roles.h). The file is read again when it has changed: tokens are given and taken back
// while the daemon runs. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "access/principals.h"
#include "base/watched_file.h"

namespace unirust::access {

// What a caller shows. Views of the call that is asked about.
struct Credentials {
  std::string_view token = {};  // empty: none
  std::vector<std::string_view> certificates = {};  // names in its certificate, which the connection has verified
};

class Gate {
 public:
  // Looks at the file every `look_every_micros` at most. The errors of ReadPrincipals, as INVALID_ARGUMENT.
  static absl::StatusOr<std::unique_ptr<Gate>> Open(std::string path,
                                                    uint64_t look_every_micros = 1'000'000);

  // The name of the principal that may call the method now, empty where anyone may: such methods, of
  // the default tenant. UNAUTHENTICATED for a caller who shows nothing, or nothing that is known and
  // has not expired; PERMISSION_DENIED for one who has not the role for that tenant, whether there is
  // such a tenant or not, and for methods without a row. What was read before stays in force while
  // the file has a fault. `tenant`: as the call names it; empty: the default one.
  absl::StatusOr<std::string> Check(std::string_view path, const Credentials& credentials,
                                    std::string_view tenant = {});

  // Whether somebody is known by a certificate.
  bool KnowsCertificates();

 private:
  explicit Gate(std::unique_ptr<WatchedFile<Principal>> file) : file_(std::move(file)) {}

  const std::unique_ptr<WatchedFile<Principal>> file_;
};

}  // namespace unirust::access
