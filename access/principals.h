// The principals of a store, as its operator lists them in a TOML file:
//
//   [[principal]]
//   name = "crm-loader"
//   roles = ["reader", "writer"]
//   token-sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//   expires = 2027-06-30          # optional: the first day without access, in UTC
//
//   [[principal]]
//   name = "home"
//   roles = ["peer"]
//   certificate = "home.unirust.example"
//
//   [[principal]]
//   name = "acme-app"
//   roles = ["reader"]
//   tenants = ["acme"]            # absent: the default tenant only; "*": every one
//   token-sha256 = "..."
//
// A principal is known by a token (`unirust token` makes them) or by a name in the certificate of
// its connection. Entries may share a name: so a token is replaced by another while both hold; and a
// token: so it has other roles for another tenant.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "access/roles.h"
#include "access/token.h"

namespace unirust::access {

inline constexpr std::string_view kEveryTenant = "*";

struct Principal {
  std::string name;
  RoleSet roles;
  std::vector<std::string> tenants;  // names, or kEveryTenant; empty: the default one
  std::optional<TokenHash> token;  // exactly one of token and certificate
  std::string certificate;  // a subject alternative name, or the common name of one that has none
  int64_t expires = std::numeric_limits<int64_t>::max();  // seconds since 1970, exclusive
  bool operator==(const Principal&) const = default;
};

// INVALID_ARGUMENT, with `source` and line, if the text is not TOML, or an entry is incomplete or
// has an unknown key or role, or a tenant that can have no such name. The role peer is given to certificates only.
absl::StatusOr<std::vector<Principal>> ParsePrincipals(std::string_view text,
                                                       const std::string& source);

// Of a file. Also the errors of ReadWholeFile.
absl::StatusOr<std::vector<Principal>> ReadPrincipals(const std::string& path);

}  // namespace unirust::access
