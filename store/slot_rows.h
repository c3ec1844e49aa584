// The rows of some slots, wherever in the families they lie: to be copied, compared or deleted,
// some at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/numeric/int128.h"
#include "store/batch.h"
#include "store/slots.h"
#include "store/store.h"

namespace unirust::store {

// A place in the order of all rows that have slots: family by family, then by key.
struct SlotPosition {
  uint8_t family = 0;  // kFamilies: behind all rows
  std::string key;     // behind this one

  static SlotPosition End() { return {.family = kFamilies, .key = ""}; }
  bool IsEnd() const { return family >= kFamilies; }
  bool IsBehind(Family row_family, std::string_view row_key) const {
    const auto number = static_cast<uint8_t>(row_family);
    return number < family || (number == family && row_key <= key);
  }
  bool operator==(const SlotPosition&) const = default;

  // By which it is kept and sent; empty: behind all rows.
  std::string FamilyText() const { return IsEnd() ? "" : FamilyName(static_cast<Family>(family)); }
  static std::optional<SlotPosition> Of(std::string_view family_text, std::string_view key);
};

// limits::kSlots / 8 bytes; the lowest bit of the first is slot 0.
std::string BytesOf(const SlotSet& slots);
std::optional<SlotSet> SlotSetOf(
    std::string_view bytes);  // nothing if they are too few or too many

struct SlotQuery {
  enum class What : uint8_t {
    kRows = 0,    // a batch that writes them
    kDelete = 1,  // a batch that deletes them
    kDigest = 2,  // their digest alone
  };
  SlotSet slots;
  SlotPosition after;
  std::optional<SlotPosition> upto;  // no further than this
  What what = What::kRows;
};

// As many as limits::kSlotRowsReadMax and limits::kSlotRowsBytesMax allow, perhaps none: then too
// `upto` is behind where the query began.
struct SlotRows {
  Batch batch;
  SlotPosition upto;  // all rows so far are in it; go on behind it
  uint64_t rows = 0;
  uint64_t bytes = 0;        // of keys, and of values unless they are deleted
  absl::uint128 digest = 0;  // of kDigest: the sum of Hash128 over families, keys and values
};

}  // namespace unirust::store
