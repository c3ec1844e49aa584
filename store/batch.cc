#include "store/batch.h"

#include <algorithm>

#include "base/bytes.h"
#include "store/symbols.h"

namespace unirust::store {

const char* FamilyName(Family family) {
  static constexpr std::array<const char*, kFamilies> kNames = {
      "meta",   "symbols",   "records",         "attribute_values", "sources",     "groups",
      "names",  "blocks",    "touches",         "conflicts",        "conflict_owners", "expiries",
      "held_values", "stretches", "pieces", "runs", "kids",
      "disputes"};
  return kNames[static_cast<size_t>(family)];
}

absl::Status Damaged(Family family, std::string_view key) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const char c : key.substr(0, 64)) {
    hex.push_back(kDigits[static_cast<uint8_t>(c) >> 4U]);
    hex.push_back(kDigits[static_cast<uint8_t>(c) & 15U]);
  }
  return absl::DataLossError(std::string("family ") + FamilyName(family) + ": the row with key " +
                             hex + " is damaged");
}

void Batch::FamilyWrites::Add(std::string_view key, std::string_view value, bool remove) {
  writes.push_back({.order = HeadOf(key),
                    .offset = buffer.size(),
                    .key_bytes = static_cast<uint32_t>(key.size()),
                    .value_bytes = static_cast<uint32_t>(value.size()),
                    .remove = remove});
  buffer.append(key);
  buffer.append(value);
}

void Batch::FamilyWrites::Sort() {
  std::sort(writes.begin(), writes.end(), [this](const Write& a, const Write& b) {
    return a.order != b.order ? a.order < b.order : Key(a) < Key(b);
  });
}

std::string_view Batch::FamilyWrites::Key(const Write& write) const {
  return std::string_view(buffer).substr(write.offset, write.key_bytes);
}

std::string_view Batch::FamilyWrites::Value(const Write& write) const {
  return std::string_view(buffer).substr(write.offset + write.key_bytes, write.value_bytes);
}

void Batch::Put(Family family, std::string_view key, std::string_view value) {
  Of(family).Add(key, value, false);
}

void Batch::Delete(Family family, std::string_view key) { Of(family).Add(key, {}, true); }

void Batch::Add(interner::SymbolId id, std::string_view text) {
  Put(Family::kSymbols, SymbolByTextKey(text), EncodeSymbolId(id));
  Put(Family::kSymbols, SymbolByIdKey(id), text);
}

void Batch::VisitSorted(RowVisitor visit) {
  for (size_t i = 0; i < kFamilies; ++i) {
    FamilyWrites& family = families_[i];
    family.Sort();
    for (const Write& write : family.writes) {
      visit(static_cast<Family>(i), family.Key(write), family.Value(write), write.remove);
    }
  }
}

bool Batch::empty() const {
  return std::all_of(families_.begin(), families_.end(),
                     [](const FamilyWrites& family) { return family.writes.empty(); });
}

}  // namespace unirust::store
