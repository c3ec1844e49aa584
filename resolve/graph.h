// The graph (semantics.md, 9), page by page, and the neighbourhood of chosen entities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "model/graph.h"
#include "resolve/cursor.h"
#include "resolve/entity_pages.h"
#include "resolve/entity_reader.h"

namespace unirust::resolve {

// All of `parts` (empty: all of them), page by page: entity by entity its records, itself and its edges; then the
// conflicts, then the generic values. Not thread-safe.
class GraphPages {
 public:
  // From `cursor` on; `context` must outlive this. The errors of cursors (cursor.h).
  static absl::StatusOr<std::unique_ptr<GraphPages>> From(const ReadContext& context,
                                                          const std::vector<GraphPart>& parts,
                                                          std::string_view cursor);

  // Hands on the items of a page and returns its cursor. A page may be longer than asked for: conflicts that sort alike
  // are never parted. After an error, and after a page without a cursor, there are no more.
  absl::StatusOr<std::string> Next(size_t page_size, GraphSink* page);

  // Of the last page, or the one that this began with.
  const std::string& cursor() const { return cursor_; }

 private:
  enum class Stage : uint8_t { kEntities, kConflicts, kGenerics, kEnd };

  explicit GraphPages(const ReadContext& context) : context_(context) {}
  // Adds to a page from `after_` on; returns what to go on behind, nothing at the end of the stage.
  absl::StatusOr<std::optional<std::string>> Add(PageBudget* budget, GraphSink* page);

  const ReadContext& context_;
  Listing listing_;
  std::set<GraphPart> parts_;
  std::string cursor_;
  Stage stage_ = Stage::kEntities;
  std::string after_;                      // what to go on behind in it
  std::unique_ptr<EntityPages> entities_;  // where `after_` is, if that is between entities
};

// The entities that hold the given records, their records, the same_as edges among them, and the
// conflicts that list one of their records. One page. NOT_FOUND names a record that is not live;
// RESOURCE_EXHAUSTED: more than limits::kNeighbourhoodRecordsMax records.
absl::Status Neighbourhood(const ReadContext& context, const std::vector<Identity>& records,
                           const std::vector<GraphPart>& parts, GraphSink* page);

// The entity that holds the record. NOT_FOUND as shard/engine.h, View::GetEntity.
absl::StatusOr<Entity> EntityOfRecord(EntityReader& reader, const Identity& record);

}  // namespace unirust::resolve
