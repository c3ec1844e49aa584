// Who may call what: one table of all methods of our services. A method that is not in it is
// refused to everyone (docs/security.md has the same table; tests/access/ keeps them equal).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace unirust::access {

enum class Role : uint8_t {
  kAnyone,   // needs no credentials
  kReader,   // asks
  kWriter,   // ingests
  kSteward,  // decides what the records mean and how long they stay
  kAdmin,    // operates the store
  kPeer,     // is a daemon of the same store
};

// "reader"; kAnyone is "anyone".
std::string_view RoleName(Role role);

// The role of that name; nothing for kAnyone, which nobody is given.
std::optional<Role> ParseRole(std::string_view name);

// Roles do not include each other: a principal may have several.
class RoleSet {
 public:
  void Add(Role role) { bits_ |= Bit(role); }
  bool Has(Role role) const { return role == Role::kAnyone || (bits_ & Bit(role)) != 0; }
  bool operator==(const RoleSet&) const = default;

 private:
  static constexpr uint32_t Bit(Role role) { return uint32_t{1} << static_cast<uint32_t>(role); }
  uint32_t bits_ = 0;
};

struct Rpc {
  std::string_view path;  // "/unirust.ShardService/GetStats"
  Role role;
};

// Ascending by path.
const std::vector<Rpc>& Rpcs();

// What a caller of the method must be; nothing if there is no row for it.
std::optional<Role> RequiredRole(std::string_view path);

}  // namespace unirust::access
