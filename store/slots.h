// Which slot a row belongs to (docs/key-encoding.md, Placement): where it lies if a store has several parts.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "store/batch.h"

namespace unirust::store {

// Row of `meta`: which part of a store of several a directory is (cluster/). A reset leaves it, a rebuild is refused.
inline constexpr char kPartKey[] = "part";

// False for families whose rows belong to the store as a whole: meta, symbols, outbox.
bool HasSlots(Family family);

// Below limits::kSlots. Nothing for families without slots, and for keys that no row of the family can have.
std::optional<uint16_t> SlotOf(Family family, std::string_view key);

// The slot that all keys in [lower, upper) have in common, whatever rows there are. Empty `upper`: to the end.
std::optional<uint16_t> SlotOfRange(Family family, std::string_view lower, std::string_view upper);

// The first key that a row of the slot can have, where the rows of a slot lie together. Else nothing.
std::optional<std::string> FirstKeyOf(Family family, uint16_t slot);

using SlotSet = std::bitset<limits::kSlots>;

}  // namespace unirust::store
