// The names of types, perspectives and attributes that nothing uses any more (docs/erasure.md).
#pragma once

#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "ontology/ontology.h"
#include "store/store.h"
#include "store/symbols.h"

namespace unirust::resolve {

// The symbols that no record of that state has, live or retracted, and whose text is not in the ontology: their rows by
// id. `stop` is asked now and then: CANCELLED if it is true. Cost: a seek for each pair of a type and a perspective and
// for each attribute, and a read of all symbols; and of all records, if there are symbols that no live one has.
absl::StatusOr<std::vector<store::SymbolRow>> UnusedNames(const store::Reader& reader,
                                                          const ontology::Ontology& ontology,
                                                          absl::FunctionRef<bool()> stop);

}  // namespace unirust::resolve
