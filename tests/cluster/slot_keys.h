// Keys of all families that have slots, as far as the slot is concerned.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "store/keys.h"
#include "store/slots.h"

namespace unirust::cluster {

class SlotKeys {
 public:
  explicit SlotKeys(uint64_t seed) : random_(seed) {}

  uint16_t Slot() { return static_cast<uint16_t>(random_() % limits::kSlots); }

  std::pair<store::Family, std::string> Next() {
    while (true) {
      const auto family = static_cast<store::Family>(random_() % store::kFamilies);
      if (store::HasSlots(family)) return {family, KeyIn(family, Slot())};
    }
  }

  std::string KeyIn(store::Family family, uint16_t slot) {
    const auto other = static_cast<uint32_t>(random_() % 97);
    if (std::optional<std::string> key = store::FirstKeyOf(family, slot)) {
      AppendBig32(&*key, other);
      return *key;
    }
    std::string key;
    AppendBig32(&key, other);
    if (family == store::Family::kConflicts) {  // the hash of an owner, and a number
      AppendBig16(&key, static_cast<uint16_t>(slot + limits::kSlots * (other % 3)));
      key += std::string(store::kConflictOwnerBytes + 4 - 2, 'h');
      return key;
    }
    AppendBig32(&key, uint32_t{slot} << 22U | (other + 1));  // a record id
    return key;
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace unirust::cluster
