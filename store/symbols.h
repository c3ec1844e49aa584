// Family symbols: both directions of the interner's dictionary, and the Journal that reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "interner/interner.h"

namespace unirust::store {

class Store;

std::string SymbolByTextKey(std::string_view text);
std::string SymbolByIdKey(interner::SymbolId id);
std::string EncodeSymbolId(interner::SymbolId id);

// One row of the family.
struct SymbolRow {
  bool by_id = false;  // else by text
  interner::SymbolId id;
  std::string text;
  bool retired = false;  // by id: no text has it any more (docs/erasure.md); `text` is empty
};
std::optional<SymbolRow> DecodeSymbol(std::string_view key, std::string_view value);

// The value of a row by id that is retired. No UTF-8 text is the same.
inline constexpr std::string_view kRetiredText = "\xFF";

// Reads symbols from the store. Thread-safe; the store must outlive it.
class SymbolJournal : public interner::Journal {
 public:
  explicit SymbolJournal(const Store& store) : store_(store) {}
  absl::StatusOr<std::optional<interner::SymbolId>> LoadSymbol(std::string_view text) override;
  absl::StatusOr<std::string> LoadText(interner::SymbolId id) override;
  absl::StatusOr<interner::SymbolId> LoadLast() override;

 private:
  const Store& store_;
};

}  // namespace unirust::store
