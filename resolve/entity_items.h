// What one entity gives to the graph (semantics.md, 9). Not thread-safe.
#pragma once

#include <cstddef>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "model/answers.h"
#include "resolve/entity_reader.h"
#include "resolve/names.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

// The same_as edges of an entity: each piece to the earlier piece of the entity that ends last. Two pieces that overlap
// are in one run, so the other records of the group do not matter, unless they make the value generic: the groups of
// keys with a `max_group` are looked up in `groups`.
absl::StatusOr<std::vector<SameAs>> SameAsEdges(const Entity& entity, WorkingSet& groups,
                                                Names& names);

// Its records, itself, and its same_as edges, in this order and as far as they are wanted, one by one: so a page may
// end behind each, however large the entity is.
class EntityItems {
 public:
  // `wanted`: the other parts do not matter. `entity` must outlive this.
  static absl::StatusOr<EntityItems> Of(const Entity& entity, const std::set<GraphPart>& wanted,
                                        WorkingSet& groups, Names& names);

  size_t size() const { return records_ + nodes_ + edges_.size(); }

  // The i-th of them, i < size(). Errors: names.status().
  GraphItem Get(size_t i, const Rules& rules, Names& names) const;

 private:
  explicit EntityItems(const Entity& entity) : entity_(&entity) {}

  const Entity* entity_;
  size_t records_ = 0;  // that are wanted: all or none
  size_t nodes_ = 0;    // itself
  std::vector<SameAs> edges_;
};

}  // namespace unirust::resolve
