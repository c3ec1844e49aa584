// Texts of symbols for answers, with a sticky error: a symbol that cannot be read gives "" and status() tells.
// Remembers what it read, so make one per page or request. Not thread-safe.
#pragma once

#include <array>
#include <string>

#include "absl/container/node_hash_map.h"
#include "absl/status/status.h"
#include "interner/interner.h"
#include "model/record.h"
#include "store/rows.h"

namespace unirust::resolve {

class Names {
 public:
  explicit Names(interner::Interner& interner) : interner_(interner) {}

  // Valid as long as this is.
  const std::string& Text(interner::SymbolId id) {
    Recent& recent = recent_[id.value() % recent_.size()];
    if (recent.text == nullptr || recent.id != id) recent = {id, &Find(id)};
    return *recent.text;
  }

  Identity IdentityOf(const store::RecordRow& record) {
    return {Text(record.entity_type), Text(record.perspective), record.uid};
  }

  // Whether record a comes before b in canonical order; both of one type.
  bool ComesFirst(const store::FirstRecord& a, const store::FirstRecord& b) {
    if (a.perspective == b.perspective) return a.uid < b.uid;
    return Text(a.perspective) < Text(b.perspective);
  }

  interner::Interner& interner() { return interner_; }
  const absl::Status& status() const { return status_; }

 private:
  struct Recent {
    interner::SymbolId id;
    const std::string* text = nullptr;
  };

  const std::string& Find(interner::SymbolId id) {
    const auto [place, inserted] = texts_.try_emplace(id);
    if (inserted) {
      absl::StatusOr<std::string> text = interner_.Text(id);
      status_.Update(text.status());
      if (text.ok()) place->second = *std::move(text);
    }
    return place->second;
  }

  interner::Interner& interner_;
  absl::node_hash_map<interner::SymbolId, std::string> texts_;
  std::array<Recent, 64> recent_{};  // few are asked for again and again
  absl::Status status_;
};

}  // namespace unirust::resolve
