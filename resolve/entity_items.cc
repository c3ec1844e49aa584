#include "resolve/entity_items.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "base/status_macros.h"
#include "resolve/evidence.h"
#include "resolve/golden.h"

namespace unirust::resolve {
namespace {

// The times at which the records of one entity hold one value of a key.
struct SharedKey {
  uint16_t key = 0;
  std::vector<std::string_view> values;
  std::vector<std::pair<Interval, size_t>> pieces;  // position of the record in the entity
};

// All key values of the entity that several of its records hold.
absl::StatusOr<std::vector<SharedKey>> SharedKeys(const Entity& entity, const Rules& rules) {
  std::vector<SharedKey> out;
  if (entity.records.size() < 2) return out;
  for (uint16_t k = 0; k < rules.levels(); ++k) {
    const KeyRule& key = rules.keys()[k];
    if (!key.types.Has(entity.records[0]->entity_type)) continue;
    std::map<std::vector<std::string_view>, std::vector<std::pair<Interval, size_t>>> held;
    for (size_t r = 0; r < entity.records.size(); ++r) {
      UNIRUST_ASSIGN_OR_RETURN(const std::vector<KeyInstance> instances,
                               KeyInstances(key, entity.records[r]->descriptors, rules));
      for (const KeyInstance& instance : instances) {
        auto& pieces = held[instance.values];
        for (const Interval& interval : instance.time) pieces.emplace_back(interval, r);
      }
    }
    for (auto& [values, pieces] : held) {
      if (pieces.size() < 2) continue;
      std::sort(pieces.begin(), pieces.end());
      out.push_back({k, values, std::move(pieces)});
    }
  }
  return out;
}

// The entity with the names of its records, which are items of their own.
EntityView NodeOf(const Entity& entity, const Rules& rules, Names& names) {
  EntityView out{.ref = entity.ref, .golden = Golden(entity.records, rules, names), .records = {}};
  out.records.reserve(entity.ids.size());
  for (size_t i = 0; i < entity.ids.size(); ++i) {
    RecordView& record = out.records.emplace_back();
    record.id = entity.ids[i];
    record.record.identity = names.IdentityOf(*entity.records[i]);
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<SameAs>> SameAsEdges(const Entity& entity, WorkingSet& groups,
                                                Names& names) {
  std::vector<SameAs> out;
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<SharedKey> shared,
                           SharedKeys(entity, groups.rules()));
  for (const SharedKey& key : shared) {
    const KeyRule& rule = groups.rules().keys()[key.key];
    if (rule.max_group != ~uint64_t{0} &&
        groups.IsGeneric(groups.Group(entity.records[0]->entity_type, key.key, key.values))) {
      continue;
    }
    auto far = key.pieces[0];
    for (size_t i = 1; i < key.pieces.size(); ++i) {
      const auto& [interval, record] = key.pieces[i];
      if (interval.start < far.first.end) {
        const auto [first, second] = std::minmax(record, far.second);
        out.push_back({RecordName(names.IdentityOf(*entity.records[first])),
                       RecordName(names.IdentityOf(*entity.records[second])),
                       rule.name,
                       {key.values.begin(), key.values.end()},
                       {interval.start, std::min(interval.end, far.first.end)}});
      }
      if (interval.end > far.first.end) far = key.pieces[i];
    }
  }
  UNIRUST_RETURN_IF_ERROR(groups.status());
  return out;
}

absl::StatusOr<EntityItems> EntityItems::Of(const Entity& entity,
                                            const std::set<GraphPart>& wanted, WorkingSet& groups,
                                            Names& names) {
  EntityItems out(entity);
  out.records_ = wanted.contains(GraphPart::kRecord) ? entity.ids.size() : 0;
  out.nodes_ = wanted.contains(GraphPart::kEntity) ? 1 : 0;
  if (wanted.contains(GraphPart::kSameAs)) {
    UNIRUST_ASSIGN_OR_RETURN(out.edges_, SameAsEdges(entity, groups, names));
  }
  return out;
}

GraphItem EntityItems::Get(size_t i, const Rules& rules, Names& names) const {
  if (i < records_) {
    return RecordView{.id = entity_->ids[i],
                      .record = ToRecord(*entity_->records[i], names),
                      .entity_name = {}};
  }
  if (i < records_ + nodes_) return NodeOf(*entity_, rules, names);
  return edges_[i - records_ - nodes_];
}

}  // namespace unirust::resolve
