// Which of many signatures clash or agree with another of them (semantics.md, 5), without comparing all pairs. Pure
// functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "resolve/signature.h"

namespace unirust::resolve {

using Signatures = std::vector<const Signature*>;

// For each signature the identifiers, ascending, on which it clashes with another one. O(m log m) for m rows of one
// value each; where an identifier has rows of several values, its rows are compared with all that overlap them.
std::vector<std::vector<uint16_t>> Disputes(const Signatures& signatures);

// Pairs of signatures that agree and do not clash: enough of them to connect all that such pairs connect. `disputes` is
// what Disputes says. O(m log m) but for values on which signatures agree that clash on others.
std::vector<std::pair<size_t, size_t>> Agreements(
    const Signatures& signatures, const std::vector<std::vector<uint16_t>>& disputes);

// The rows of all of them, or nothing if two clash.
std::optional<Signature> MergedIfClashFree(const Signatures& signatures);

}  // namespace unirust::resolve
