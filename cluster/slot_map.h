// Which part of a store has which slots. Every row of a slot lies in the part that has the slot
// (store/slots.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "base/limits.h"

namespace unirust::cluster {

inline constexpr size_t kHome = 0;  // the part of the rows that belong to no slot

class SlotMap {
 public:
  // Slots in runs of equal length, in the order of the parts; 1 <= parts <= limits::kSlots.
  static SlotMap Even(size_t parts) {
    SlotMap out;
    for (size_t slot = 0; slot < limits::kSlots; ++slot) {
      out.part_of_[slot] = static_cast<uint16_t>(slot * parts / limits::kSlots);
    }
    return out;
  }

  size_t SlotsOf(size_t part) const {
    return static_cast<size_t>(std::count(part_of_.begin(), part_of_.end(), part));
  }
  size_t PartOf(uint16_t slot) const { return part_of_[slot]; }  // slot < limits::kSlots
  void Assign(uint16_t slot, size_t part) { part_of_[slot] = static_cast<uint16_t>(part); }
  // Of those that have slots.
  size_t LastPart() const { return *std::max_element(part_of_.begin(), part_of_.end()); }
  bool operator==(const SlotMap&) const = default;

 private:
  std::array<uint16_t, limits::kSlots> part_of_{};
};

// The same slots with all parts but the drained ones having equally many, but for one: as few as
// possible change their part. Depends on nothing else. INVALID_ARGUMENT if a drained part is not
// there, or all are drained.
absl::StatusOr<SlotMap> Balanced(const SlotMap& now, size_t parts,
                                 const std::vector<uint32_t>& drained);

// Slots that go from one part to another.
struct PlannedMove {
  size_t from = 0;
  size_t to = 0;
  size_t slots = 0;
  bool operator==(const PlannedMove&) const = default;
};
std::vector<PlannedMove> MovesBetween(const SlotMap& now,
                                      const SlotMap& target);  // by from, then to

}  // namespace unirust::cluster
