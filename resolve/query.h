// Query by descriptors (semantics.md, 10). Candidates come from the postings of the most selective pair; what matches
// is then read from the entities themselves (docs/reading.md).
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "resolve/entity_reader.h"

namespace unirust::resolve {

// INVALID_ARGUMENT: start >= end, too many pairs. RESOURCE_EXHAUSTED: more than limits::kQueryMatchesMax matches.
absl::StatusOr<QueryOutcome> Query(const ReadContext& context,
                                   const std::vector<AttributeValue>& pairs,
                                   const Interval& interval);

// All matches, page by page; never a conflict.
absl::StatusOr<Page<Match>> FindEntities(const ReadContext& context,
                                         const std::vector<AttributeValue>& pairs,
                                         const Interval& interval, size_t page_size,
                                         std::string_view cursor);

}  // namespace unirust::resolve
