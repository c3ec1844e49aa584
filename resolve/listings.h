// Listings of records and conflicts, page by page, each page from one seek.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "resolve/entity_reader.h"
#include "resolve/page.h"

namespace unirust::resolve {

// Live records that pass the filter, with their entity names. Which index serves which filter: docs/reading.md. A page
// may hold fewer records than asked for, or none, and still have a cursor.
absl::StatusOr<Page<RecordView>> ScanRecords(const ReadContext& context, const RecordFilter& filter,
                                             size_t page_size, std::string_view cursor);

// Sorted by kind, attribute, start, end, cause, records, key, values. A page may be longer than asked for: entries that
// differ only behind their first record are never parted; and shorter, as that of ScanRecords.
absl::StatusOr<Page<Conflict>> ListConflicts(const ReadContext& context,
                                             const ConflictFilter& filter, size_t page_size,
                                             std::string_view cursor);

// The entries behind a position, as far as the budget allows, and the position to go on behind; none at the end.
struct ConflictPart {
  std::vector<Conflict> items;
  std::optional<std::string> position;
};
absl::StatusOr<ConflictPart> ReadConflicts(const ReadContext& context, const ConflictFilter& filter,
                                           std::string_view after, PageBudget* budget);

// The entry of one row of family conflicts. What is read for it is taken from the budget.
absl::StatusOr<Conflict> ReadConflict(const ReadContext& context, std::string_view key,
                                      std::string_view value, PageBudget* budget);

// Sorts entries as ListConflicts does.
void SortConflicts(std::vector<Conflict>& conflicts);

// Live records with start <= id < end (0: no end), ascending, at most `limit`, fewer where they are large; *next is
// the id to go on from, 0 at the end.
absl::StatusOr<std::vector<RecordView>> RecordsFrom(const ReadContext& context, uint32_t start,
                                                    uint32_t end, size_t limit, uint32_t* next);

// The least and greatest id of a live record.
absl::StatusOr<RecordIdRange> IdRange(const ReadContext& context);

}  // namespace unirust::resolve
