// Texts of symbols for answers, with a sticky error: a symbol that cannot be read gives "" and status() tells.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "interner/interner.h"
#include "model/record.h"
#include "store/rows.h"

namespace unirust::resolve {

class Names {
 public:
  explicit Names(interner::Interner& interner) : interner_(interner) {}

  std::string Text(interner::SymbolId id) {
    absl::StatusOr<std::string> text = interner_.Text(id);
    if (text.ok()) return *std::move(text);
    if (status_.ok()) status_ = text.status();
    return {};
  }

  Identity IdentityOf(const store::RecordRow& record) {
    return {Text(record.entity_type), Text(record.perspective), record.uid};
  }

  interner::Interner& interner() { return interner_; }
  const absl::Status& status() const { return status_; }

 private:
  interner::Interner& interner_;
  absl::Status status_;
};

}  // namespace unirust::resolve
