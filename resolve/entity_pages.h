// The part of the graph that hangs on entities: the records, the entities and their same_as edges, entity by entity, in
// pages. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/graph.h"
#include "resolve/entity_sweep.h"
#include "resolve/entity_items.h"
#include "resolve/page.h"

namespace unirust::resolve {

class EntityPages {
 public:
  // `position`: what position() gave, of any EntityPages with the same `wanted`, or empty. `context` must outlive this.
  EntityPages(const ReadContext& context, std::set<GraphPart> wanted, std::string_view position);

  // Hands on items until the page is full, enough was read for it, or the next entities take long to come; false if
  // none are left then.
  absl::StatusOr<bool> Fill(PageBudget* budget, GraphSink* page);

  // Where the last page ended. If that is between items of an entity, and this has other records or versions of them by
  // then, all its items come again.
  std::string position() const;

 private:
  absl::Status Begin(PageBudget* budget, WorkingSet& groups);
  absl::StatusOr<bool> FillFromEntity(PageBudget* budget, GraphSink* page);

  const ReadContext& context_;
  const std::set<GraphPart> wanted_;
  std::string through_;  // position of the last entity that is through, or empty
  uint64_t taken_ = 0;   // items of the one after it
  std::optional<uint64_t> taken_of_;  // the state of that entity, if a position told
  std::optional<EntitySweep> sweep_;
  EntityItems items_;   // of the entity on which the sweep stands
  bool begun_ = false;  // they are
  bool is_through_ = false;  // that entity is
};

}  // namespace unirust::resolve
