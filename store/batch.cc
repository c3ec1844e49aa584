#include "store/batch.h"

#include <algorithm>
#include <utility>

#include "store/symbols.h"

namespace unirust::store {

const char* FamilyName(Family family) {
  static constexpr std::array<const char*, kFamilies> kNames = {
      "meta",  "symbols", "records", "attribute_values", "sources",        "groups",
      "names", "blocks",  "touches", "conflicts",        "conflict_owners"};
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

void Batch::Put(Family family, std::string key, std::string value) {
  Of(family).push_back({std::move(key), std::move(value), false});
}

void Batch::Delete(Family family, std::string key) {
  Of(family).push_back({std::move(key), {}, true});
}

void Batch::Add(interner::SymbolId id, std::string_view text) {
  Put(Family::kSymbols, SymbolByTextKey(text), EncodeSymbolId(id));
  Put(Family::kSymbols, SymbolByIdKey(id), std::string(text));
}

bool Batch::empty() const {
  return std::all_of(ops_.begin(), ops_.end(), [](const auto& ops) { return ops.empty(); });
}

}  // namespace unirust::store
