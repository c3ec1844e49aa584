#include "store/symbols.h"

#include "base/bytes.h"
#include "base/status_macros.h"
#include "store/store.h"

namespace unirust::store {
namespace {

// The two directions; ids last, so that the highest id is the family's last key.
constexpr char kByText = 'a';
constexpr char kById = 'b';

}  // namespace

std::string SymbolByTextKey(std::string_view text) {
  std::string key(1, kByText);
  key.append(text);
  return key;
}

std::string SymbolByIdKey(interner::SymbolId id) {
  std::string key(1, kById);
  AppendBig32(&key, id.value());
  return key;
}

std::string EncodeSymbolId(interner::SymbolId id) {
  std::string value;
  AppendBig32(&value, id.value());
  return value;
}

std::optional<SymbolRow> DecodeSymbol(std::string_view key, std::string_view value) {
  if (key.empty() || (key[0] != kByText && key[0] != kById)) return std::nullopt;
  SymbolRow row{.by_id = key[0] == kById, .id = {}, .text = {}};
  const std::string_view rest = key.substr(1);
  ByteReader in(row.by_id ? rest : value);
  row.id = interner::SymbolId(in.Big32());
  row.text = row.by_id ? value : rest;
  row.retired = row.by_id && row.text == kRetiredText;
  if (row.retired) row.text.clear();
  if (!in.done()) return std::nullopt;
  return row;
}

absl::StatusOr<std::optional<interner::SymbolId>> SymbolJournal::LoadSymbol(std::string_view text) {
  const std::string key = SymbolByTextKey(text);
  std::string value;
  UNIRUST_ASSIGN_OR_RETURN(const bool found,
                           store_.Latest().Get(Family::kSymbols, key, &value));
  if (!found) return std::nullopt;
  ByteReader in(value);
  const interner::SymbolId id(in.Big32());
  if (!in.done()) return Damaged(Family::kSymbols, key);
  return id;
}

absl::StatusOr<std::string> SymbolJournal::LoadText(interner::SymbolId id) {
  const std::string key = SymbolByIdKey(id);
  std::string text;
  UNIRUST_ASSIGN_OR_RETURN(const bool found, store_.Latest().Get(Family::kSymbols, key, &text));
  if (!found || text == kRetiredText) return Damaged(Family::kSymbols, key);
  return text;
}

absl::StatusOr<interner::SymbolId> SymbolJournal::LoadLast() {
  const Reader reader = store_.Latest();
  const auto cursor = reader.ScanPrefix(Family::kSymbols, std::string(1, kById));
  cursor->SeekToLast();
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  if (!cursor->Valid()) return interner::SymbolId();
  ByteReader in(cursor->key().substr(1));
  const interner::SymbolId id(in.Big32());
  if (!in.done()) return Damaged(Family::kSymbols, cursor->key());
  return id;
}

}  // namespace unirust::store
