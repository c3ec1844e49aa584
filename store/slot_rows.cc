#include "store/slot_rows.h"

#include <memory>
#include <utility>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status_macros.h"

namespace unirust::store {
namespace {

using What = SlotQuery::What;

absl::uint128 DigestOf(Family family, std::string_view key, std::string_view value) {
  std::string row(1, static_cast<char>(family));
  AppendString(&row, key);
  row += value;
  return Hash128(row);
}

class SlotWalk {
 public:
  SlotWalk(const Reader::State& state, const SlotQuery& query) : state_(state), query_(query) {}

  absl::StatusOr<SlotRows> Walk() {
    const SlotPosition end = query_.upto.value_or(SlotPosition::End());
    out_.upto = query_.after;
    while (!full_ && out_.upto.family < kFamilies && out_.upto.family <= end.family) {
      const auto family = static_cast<Family>(out_.upto.family);
      if (HasSlots(family)) UNIRUST_RETURN_IF_ERROR(WalkFamily(family));
      if (!full_) out_.upto = {.family = static_cast<uint8_t>(out_.upto.family + 1), .key = ""};
    }
    if (!full_) out_.upto = end;
    return std::move(out_);
  }

 private:
  absl::Status WalkFamily(Family family) {
    const std::string last(out_.upto.key);
    const auto cursor = state_.Scan(family, last.empty() ? "" : last + '\0', "");
    while (cursor->Valid()) {
      if (query_.upto && !query_.upto->IsBehind(family, cursor->key())) break;
      full_ = read_ >= limits::kSlotRowsReadMax || out_.bytes >= limits::kSlotRowsBytesMax;
      if (full_) break;
      ++read_;
      const std::optional<uint16_t> slot = SlotOf(family, cursor->key());
      if (!slot) return Damaged(family, cursor->key());
      if (query_.slots[*slot]) {
        Take(family, cursor->key(), cursor->value());
        out_.upto.key = cursor->key();
        cursor->Next();
      } else {
        out_.upto.key = cursor->key();
        if (!Skip(family, *slot, *cursor)) break;
      }
    }
    return cursor->status();
  }

  // From a row of another slot to the next one that may be wanted. False: there is none.
  bool Skip(Family family, uint16_t slot, Cursor& cursor) const {
    if (!FirstKeyOf(family, slot)) {
      cursor.Next();
      return true;
    }
    uint16_t next = slot;
    while (next < limits::kSlots && !query_.slots[next]) ++next;
    if (next == limits::kSlots) return false;
    cursor.Seek(*FirstKeyOf(family, next));
    return true;
  }

  void Take(Family family, std::string_view key, std::string_view value) {
    ++out_.rows;
    out_.bytes += key.size();
    if (query_.what == What::kDelete) return out_.batch.Delete(family, key);
    out_.bytes += value.size();
    if (query_.what == What::kRows) return out_.batch.Put(family, key, value);
    out_.digest += DigestOf(family, key, value);
  }

  const Reader::State& state_;
  const SlotQuery& query_;
  SlotRows out_;
  size_t read_ = 0;
  bool full_ = false;
};

}  // namespace

std::optional<SlotPosition> SlotPosition::Of(std::string_view family_text, std::string_view key) {
  if (family_text.empty()) return key.empty() ? std::optional(End()) : std::nullopt;
  const std::optional<Family> family = FamilyNamed(family_text);
  if (!family) return std::nullopt;
  return SlotPosition{.family = static_cast<uint8_t>(*family), .key = std::string(key)};
}

std::string BytesOf(const SlotSet& slots) {
  std::string out(limits::kSlots / 8, '\0');
  for (size_t slot = 0; slot < limits::kSlots; ++slot) {
    if (slots[slot]) out[slot / 8] = static_cast<char>(out[slot / 8] | 1 << slot % 8);
  }
  return out;
}

std::optional<SlotSet> SlotSetOf(std::string_view bytes) {
  if (bytes.size() != limits::kSlots / 8) return std::nullopt;
  SlotSet out;
  for (size_t slot = 0; slot < limits::kSlots; ++slot) {
    out[slot] = (static_cast<uint8_t>(bytes[slot / 8]) >> slot % 8 & 1) != 0;
  }
  return out;
}

absl::StatusOr<SlotRows> Reader::State::ReadSlots(const SlotQuery& query) const {
  return SlotWalk(*this, query).Walk();
}

absl::StatusOr<SlotRows> Reader::ReadSlots(const SlotQuery& query) const {
  return state_->ReadSlots(query);
}

}  // namespace unirust::store
