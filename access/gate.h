// Decides whether a call may go on, by the file of principals (principals.h) and the table of
// methods (roles.h). The file is read again when it has changed: tokens are given and taken back
// while the daemon runs. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "access/principals.h"
#include "base/mutex.h"

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

  // The name of the principal that may call the method now, empty where anyone may. UNAUTHENTICATED
  // for a caller who shows nothing, or nothing that is known and has not expired; PERMISSION_DENIED
  // for one who has not the role, and for methods without a row. What was read before stays in
  // force while the file has a fault.
  absl::StatusOr<std::string> Check(std::string_view path, const Credentials& credentials);

  // Whether somebody is known by a certificate.
  bool KnowsCertificates();

 private:
  // What tells that the file is another one, or was written.
  struct Stamp {
    uint64_t inode = 0;
    int64_t size = 0;
    int64_t changed_ns = 0;  // also by a change of its rights
    bool operator==(const Stamp&) const = default;
  };
  using Principals = std::vector<Principal>;

  Gate(std::string path, uint64_t look_every_micros, Stamp stamp, Principals principals);
  static Stamp StampOf(const std::string& path);
  std::shared_ptr<const Principals> Current();

  const std::string path_;
  const uint64_t look_every_micros_;
  Mutex mutex_;
  std::shared_ptr<const Principals> principals_ ABSL_GUARDED_BY(mutex_);
  Stamp stamp_ ABSL_GUARDED_BY(mutex_);
  uint64_t looked_micros_ ABSL_GUARDED_BY(mutex_);
  bool looking_ ABSL_GUARDED_BY(mutex_) = false;
  std::string fault_ ABSL_GUARDED_BY(mutex_);  // told last
};

}  // namespace unirust::access
