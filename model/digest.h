// One number for what a store holds (docs/operations.md, "Is it the same?").
#pragma once

#include <cstdint>
#include <vector>

#include "absl/numeric/int128.h"
#include "base/limits.h"

namespace unirust {

// Sums, modulo 2^128, of a hash of each live record and of each pair of a record and the entity that holds it. Equal
// for equal records and entities, whatever the order of arrival and however many parts the store has; different but for
// a chance of 2^-128 otherwise. Tells damage and mistakes, not forgery.
struct StoreDigest {
  uint64_t records = 0;
  uint64_t entities = 0;
  std::vector<absl::uint128> slots = std::vector<absl::uint128>(limits::kSlots);  // by the slot of the record

  absl::uint128 Total() const {
    absl::uint128 out = 0;
    for (const absl::uint128& slot : slots) out += slot;
    return out;
  }
  bool operator==(const StoreDigest&) const = default;
};

}  // namespace unirust
