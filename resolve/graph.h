// The graph (semantics.md, 9), part by part and page by page, and the neighbourhood of chosen entities.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "resolve/entity_reader.h"

namespace unirust::resolve {

// All of `parts` (empty: all of them, in the order of the enum). A page may be longer than asked for: the edges of one
// group and conflicts that sort alike are never parted.
absl::StatusOr<Page<GraphItem>> ExportGraph(const ReadContext& context,
                                            const std::vector<GraphPart>& parts, size_t page_size,
                                            std::string_view cursor);

// The entities that hold the given records, their records, the same_as edges among them, and the
// conflicts that list one of their records. One page. NOT_FOUND names a record that is not live;
// RESOURCE_EXHAUSTED: more than limits::kNeighbourhoodRecordsMax records.
absl::StatusOr<std::vector<GraphItem>> Neighbourhood(const ReadContext& context,
                                                     const std::vector<Identity>& records,
                                                     const std::vector<GraphPart>& parts);

// The entity that holds the record. NOT_FOUND as shard/engine.h, View::GetEntity.
absl::StatusOr<Entity> EntityOfRecord(EntityReader& reader, const Identity& record);

}  // namespace unirust::resolve
