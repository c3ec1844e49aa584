// The names of tenants (docs/tenants.md). The default tenant has none.
#pragma once

#include <algorithm>
#include <string_view>

#include "base/limits.h"

namespace unirust {

// [a-z0-9][a-z0-9-]{0,62}: so a name is one component of a path, and none that is hidden or leads
// elsewhere.
inline bool IsTenantName(std::string_view name) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= limits::kTenantNameBytesMax && plain(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
}

}  // namespace unirust
