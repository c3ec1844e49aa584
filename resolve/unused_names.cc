#include "resolve/unused_names.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_set.h"
#include "base/bytes.h"
#include "base/status_macros.h"
#include "resolve/rules.h"
#include "store/rows.h"

namespace unirust::resolve {
namespace {

using interner::SymbolId;
using store::Family;

constexpr uint64_t kStopRows = 10000;  // between two questions whether to stop

// An interner's journal that knows nothing, so that all that is interned is created.
class NoSymbols : public interner::Journal {
 public:
  absl::StatusOr<std::optional<SymbolId>> LoadSymbol(std::string_view /*text*/) override {
    return std::nullopt;
  }
  absl::StatusOr<std::string> LoadText(SymbolId /*id*/) override {
    return absl::InternalError("no symbol is stored");
  }
  absl::StatusOr<SymbolId> LoadLast() override { return SymbolId(); }
};

struct Texts : interner::NewSymbols {
  void Add(SymbolId /*id*/, std::string_view text) override { all.emplace(text); }
  absl::flat_hash_set<std::string> all;
};

absl::StatusOr<Texts> NamesOf(const ontology::Ontology& ontology) {
  NoSymbols journal;
  interner::Interner interner(journal);
  Texts out;
  UNIRUST_RETURN_IF_ERROR(Rules::Compile(ontology, interner, out).status());
  return out;
}

using Symbols = absl::flat_hash_set<SymbolId>;

absl::Status AddSources(const store::Reader& reader, Symbols* used) {
  const auto cursor = reader.Scan(Family::kSources, "", "");
  while (cursor->Valid()) {
    const auto key = store::SourceKey::Decode(cursor->key());
    if (!key) return store::Damaged(Family::kSources, cursor->key());
    used->insert(key->entity_type);
    used->insert(key->perspective);
    cursor->Seek(PrefixEnd(store::SourceKey::Prefix(key->entity_type, key->perspective)));
  }
  return cursor->status();
}

absl::Status AddAttributes(const store::Reader& reader, Symbols* used) {
  const auto cursor = reader.Scan(Family::kAttributeValues, "", "");
  while (cursor->Valid()) {
    const auto key = store::AttributeValueKey::Decode(cursor->key());
    if (!key) return store::Damaged(Family::kAttributeValues, cursor->key());
    used->insert(key->attribute);
    std::string attribute;
    AppendBig32(&attribute, key->attribute.value());
    cursor->Seek(PrefixEnd(attribute));
  }
  return cursor->status();
}

absl::Status AddRecords(const store::Reader& reader, absl::FunctionRef<bool()> stop,
                        Symbols* used) {
  store::RecordRow record;
  uint64_t rows = 0;
  const auto cursor = reader.Scan(Family::kRecords, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    if (++rows % kStopRows == 0 && stop()) return absl::CancelledError("stopped");
    if (!store::RecordRow::Decode(cursor->value(), &record)) {
      return store::Damaged(Family::kRecords, cursor->key());
    }
    used->insert(record.entity_type);
    used->insert(record.perspective);
  }
  return cursor->status();
}

}  // namespace

absl::StatusOr<std::vector<store::SymbolRow>> UnusedNames(const store::Reader& reader,
                                                          const ontology::Ontology& ontology,
                                                          absl::FunctionRef<bool()> stop) {
  UNIRUST_ASSIGN_OR_RETURN(const Texts named, NamesOf(ontology));
  Symbols used;
  UNIRUST_RETURN_IF_ERROR(AddSources(reader, &used));
  UNIRUST_RETURN_IF_ERROR(AddAttributes(reader, &used));
  std::vector<store::SymbolRow> out;
  const auto cursor = reader.Scan(Family::kSymbols, "", "");
  for (; cursor->Valid(); cursor->Next()) {
    std::optional<store::SymbolRow> row = store::DecodeSymbol(cursor->key(), cursor->value());
    if (!row) return store::Damaged(Family::kSymbols, cursor->key());
    if (!row->by_id || row->retired) continue;
    if (!used.contains(row->id) && !named.all.contains(row->text)) out.push_back(*std::move(row));
  }
  UNIRUST_RETURN_IF_ERROR(cursor->status());
  if (out.empty()) return out;
  UNIRUST_RETURN_IF_ERROR(AddRecords(reader, stop, &used));
  std::erase_if(out, [&](const auto& row) { return used.contains(row.id); });
  return out;
}

}  // namespace unirust::resolve
