// The conflicts that the stretches of a large entity are (large_entity.h): their keys, and how they are read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/answers.h"
#include "resolve/entity_reader.h"
#include "resolve/names.h"
#include "resolve/page.h"
#include "resolve/rules.h"
#include "store/keys.h"
#include "store/rows.h"

namespace unirust::resolve {

// Of family stretches.
std::string KeyOfStretch(const store::Voice& voice, Instant start);
std::string FirstRecordsKey(const store::Voice& voice, Instant start);

// Entries of one voice's stretch: their keys in family conflicts, and the conflicts_with edges of all.
struct StretchEntries {
  std::vector<std::string> keys;
  uint64_t edges = 0;
};
StretchEntries EntriesOf(const store::Voice& voice, SymbolId entity_type, Instant start,
                         const store::StretchRow& stretch, const Rules& rules, Names& names);

// The records and values of an entry that refers to a voice; its time and type are set. Walks what the voice holds, of
// each value up to one that is held then.
absl::Status ReadStretch(const ReadContext& context, const store::Voice& voice, PageBudget* budget,
                         Conflict* entry);

// The keys of a large entity's entries; none if it is not large.
absl::StatusOr<std::vector<std::string>> EntriesOfLarge(const ReadContext& context,
                                                        BlockName entity, SymbolId entity_type);

}  // namespace unirust::resolve
