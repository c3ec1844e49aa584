// Which part of a store has which slots. Every row of a slot lies in the part that has the slot (store/slots.h).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

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
  bool operator==(const SlotMap&) const = default;

 private:
  std::array<uint16_t, limits::kSlots> part_of_{};
};

}  // namespace unirust::cluster
