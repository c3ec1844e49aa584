#include "store/batch.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "store/symbols.h"

namespace unirust::store {

const char* FamilyName(Family family) {
  static constexpr std::array<const char*, kFamilies> kNames = {
      "meta",   "symbols",   "records",         "attribute_values", "sources", "outbox", "groups",
      "names",  "blocks",    "touches",         "conflicts",        "conflict_owners", "expiries",
      "held_values", "stretches", "pieces", "runs", "kids",
      "disputes"};
  return kNames[static_cast<size_t>(family)];
}

std::optional<Family> FamilyNamed(std::string_view name) {
  for (size_t i = 0; i < kFamilies; ++i) {
    if (FamilyName(static_cast<Family>(i)) == name) return static_cast<Family>(i);
  }
  return std::nullopt;
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

std::string Batch::Encode() {
  std::string out;
  Family family{};
  std::string rows;
  size_t count = 0;
  const auto end_family = [&] {
    if (count == 0) return;
    AppendString(&out, FamilyName(family));
    AppendVarint(&out, count);
    out += rows;
    rows.clear();
    count = 0;
  };
  VisitSorted([&](Family of, std::string_view key, std::string_view value, bool remove) {
    if (of != family) end_family();
    family = of;
    ++count;
    AppendBig8(&rows, remove ? 1 : 0);
    AppendString(&rows, key);
    if (!remove) AppendString(&rows, value);
  });
  end_family();
  return out;
}

std::optional<Batch> Batch::Decode(std::string_view bytes) {
  constexpr size_t kRowBytesMin = 2;
  Batch out;
  ByteReader in(bytes);
  std::optional<Family> last;
  while (in.ok() && !in.done()) {
    const std::string_view name = in.String();
    const std::optional<Family> family = FamilyNamed(name);
    const size_t count = in.Count(kRowBytesMin);
    if (!family || count == 0 || (last && *family <= *last)) return std::nullopt;
    last = family;
    std::string_view last_key;
    for (size_t i = 0; i < count; ++i) {
      const uint8_t remove = in.Big8();
      const std::string_view key = in.String();
      const std::string_view value = remove == 0 ? in.String() : std::string_view();
      if (remove > 1 || !in.ok() || (i > 0 && key <= last_key)) return std::nullopt;
      last_key = key;
      out.Of(*family).Add(key, value, remove != 0);
    }
  }
  return in.ok() ? std::optional(std::move(out)) : std::nullopt;
}

bool Batch::empty() const {
  return std::all_of(families_.begin(), families_.end(),
                     [](const FamilyWrites& family) { return family.writes.empty(); });
}

}  // namespace unirust::store
