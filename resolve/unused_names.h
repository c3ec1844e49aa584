// The names of types, perspectives and attributes that nothing uses any more (docs/erasure.md).
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "ontology/ontology.h"
#include "store/store.h"
#include "store/symbols.h"

namespace unirust::resolve {

// The symbols, by id, that no stored record has, live or retracted, and whose text is not in the ontology; also retired
// ones whose text is still there. Their order is that of the ids. Cost: a seek for each type with a perspective and for
// each attribute, and a read of all symbols; and of all records, if there are such that no live one has.
absl::StatusOr<std::vector<store::SymbolRow>> UnusedNames(const store::Reader& reader,
                                                          const ontology::Ontology& ontology);

}  // namespace unirust::resolve
