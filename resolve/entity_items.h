// What one entity gives to the graph (semantics.md, 9). Not thread-safe.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "model/graph.h"
#include "resolve/entity_reader.h"
#include "resolve/golden.h"
#include "resolve/names.h"
#include "resolve/working_set.h"

namespace unirust::resolve {

// The record as an item of the graph. `descriptors` has its descriptors, for as long as the item is there.
GraphRecord ViewOf(RecordId id, const RecordRow& row, Names& names,
                   std::vector<DescriptorView>* descriptors);

// Its records, itself, and its same_as edges, in this order and as far as they are wanted, one by one: so a page may
// end behind each, however large the entity is. To be used for one entity after the other: memory is used again.
class EntityItems {
 public:
  explicit EntityItems(const Rules& rules) : rules_(rules), golden_(rules) {}

  // Goes to an entity, which must outlive its items. The groups of keys with a `max_group` are looked up in `groups`: a
  // value that they make generic links nothing.
  absl::Status Begin(const Entity& entity, const std::set<GraphPart>& wanted, WorkingSet& groups,
                     Names& names);

  size_t size() const { return records_ + nodes_ + edges_.size(); }

  // Hands on the i-th of them, i < size(), with its records as those of `entity_name`. Returns the bytes that it takes.
  // `names` must be that of Begin. Errors: names.status().
  size_t Add(size_t i, std::string_view entity_name, Names& names, GraphSink* sink);

 private:
  // A time at which a record holds a value of a key. Its values are values_[first_value] on, as many as the key has.
  struct Held {
    size_t first_value = 0;
    Interval interval;
    size_t record = 0;  // its position in the entity
  };
  struct Edge {
    size_t source = 0;
    size_t target = 0;
    const KeyRule* key = nullptr;
    size_t first_value = 0;
    Interval interval;
  };

  std::span<const std::string_view> Values(const KeyRule& key, size_t first) const {
    return {values_.data() + first, key.attributes.size()};
  }
  absl::Status FindEdges(WorkingSet& groups);
  absl::Status FindHeld(const KeyRule& key);
  absl::Status AddHeld(const KeyRule& key, size_t record);
  void Link(const KeyRule& key, std::span<const Held> held);
  void NameRecords(Names& names);

  const Rules& rules_;
  GoldenMaker golden_;
  const Entity* entity_ = nullptr;
  size_t records_ = 0;  // that are wanted: all or none
  size_t nodes_ = 0;    // itself
  std::vector<Edge> edges_;
  std::vector<Held> held_;                  // of one key
  std::vector<std::string_view> values_;    // of edges_ and held_
  std::vector<std::string> texts_;          // memory of names_
  std::vector<std::string_view> names_;     // of the records, if a node or an edge is wanted
  std::vector<DescriptorView> descriptors_;  // of one record
};

}  // namespace unirust::resolve
