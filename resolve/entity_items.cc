#include "resolve/entity_items.h"

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "base/status_macros.h"
#include "resolve/evidence.h"

namespace unirust::resolve {

GraphRecord ViewOf(RecordId id, const RecordRow& row, Names& names,
                   std::vector<DescriptorView>* descriptors) {
  descriptors->clear();
  for (const StoredDescriptor& d : row.descriptors) {
    descriptors->push_back({names.Text(d.attribute), d.value, d.interval});
  }
  return {.id = id,
          .entity_type = names.Text(row.entity_type),
          .perspective = names.Text(row.perspective),
          .uid = row.uid,
          .version = row.version,
          .entity_name = {},
          .descriptors = *descriptors};
}

absl::Status EntityItems::Begin(const Entity& entity, const std::set<GraphPart>& wanted,
                                WorkingSet& groups, Names& names) {
  entity_ = &entity;
  records_ = wanted.contains(GraphPart::kRecord) ? entity.ids.size() : 0;
  nodes_ = wanted.contains(GraphPart::kEntity) ? 1 : 0;
  edges_.clear();
  values_.clear();
  if (wanted.contains(GraphPart::kSameAs) && entity.ids.size() > 1) {
    UNIRUST_RETURN_IF_ERROR(FindEdges(groups));
  }
  if (nodes_ > 0 || !edges_.empty()) NameRecords(names);
  return absl::OkStatus();
}

// Each piece to the earlier piece of the entity that ends last. Two pieces that overlap are in one run, so the other
// records of the group do not matter, unless they make the value generic.
absl::Status EntityItems::FindEdges(WorkingSet& groups) {
  const SymbolId type = entity_->records[0]->entity_type;
  for (uint16_t k = 0; k < rules_.levels(); ++k) {
    const KeyRule& key = rules_.keys()[k];
    if (!key.types.Has(type)) continue;
    const size_t values_before = values_.size();
    UNIRUST_RETURN_IF_ERROR(FindHeld(key));
    const size_t edges_before = edges_.size();
    for (auto first = held_.begin(); first != held_.end();) {
      const auto values = Values(key, first->first_value);
      const auto last = std::find_if(first + 1, held_.end(), [&](const Held& held) {
        return !std::ranges::equal(values, Values(key, held.first_value));
      });
      const bool generic = last - first > 1 && key.max_group != ~uint64_t{0} &&
                           groups.IsGeneric(groups.Group(type, k, {values.begin(), values.end()}));
      if (!generic) Link(key, {first, last});
      first = last;
    }
    if (edges_.size() == edges_before) values_.resize(values_before);
  }
  return groups.status();
}

// What the records hold of one key, sorted by values, time and record.
absl::Status EntityItems::FindHeld(const KeyRule& key) {
  held_.clear();
  for (size_t r = 0; r < entity_->records.size(); ++r) {
    UNIRUST_RETURN_IF_ERROR(AddHeld(key, r));
  }
  std::sort(held_.begin(), held_.end(), [&](const Held& a, const Held& b) {
    const auto of_a = Values(key, a.first_value);
    const auto of_b = Values(key, b.first_value);
    const auto order = std::lexicographical_compare_three_way(of_a.begin(), of_a.end(),
                                                              of_b.begin(), of_b.end());
    if (order != 0) return order < 0;
    return std::tie(a.interval, a.record) < std::tie(b.interval, b.record);
  });
  return absl::OkStatus();
}

absl::Status EntityItems::AddHeld(const KeyRule& key, size_t record) {
  const std::vector<StoredDescriptor>& descriptors = entity_->records[record]->descriptors;
  const size_t first = values_.size();
  Interval time;
  for (const SymbolId attribute : key.attributes) {  // mostly it has one value of each
    const StoredDescriptor* held = nullptr;
    size_t count = 0;
    for (const StoredDescriptor& d : descriptors) {
      if (d.attribute != attribute || !rules_.Counts(attribute, d.value)) continue;
      held = &d;
      ++count;
    }
    if (count == 0) {
      values_.resize(first);
      return absl::OkStatus();
    }
    if (count > 1) break;
    values_.push_back(held->value);
    time = {std::max(time.start, held->interval.start), std::min(time.end, held->interval.end)};
  }
  if (values_.size() - first == key.attributes.size()) {
    if (time.start < time.end) held_.push_back({first, time, record});
    return absl::OkStatus();
  }
  values_.resize(first);
  UNIRUST_ASSIGN_OR_RETURN(const std::vector<KeyInstance> instances,
                           KeyInstances(key, descriptors, rules_));
  for (const KeyInstance& instance : instances) {
    for (const Interval& interval : instance.time) {
      held_.push_back({values_.size(), interval, record});
    }
    values_.insert(values_.end(), instance.values.begin(), instance.values.end());
  }
  return absl::OkStatus();
}

// `held`: all of one value.
void EntityItems::Link(const KeyRule& key, std::span<const Held> held) {
  const Held* far = &held[0];
  for (const Held& next : held.subspan(1)) {
    if (next.interval.start < far->interval.end) {
      const auto [first, second] = std::minmax(next.record, far->record);
      edges_.push_back({first,
                        second,
                        &key,
                        next.first_value,
                        {next.interval.start, std::min(next.interval.end, far->interval.end)}});
    }
    if (next.interval.end > far->interval.end) far = &next;
  }
}

void EntityItems::NameRecords(Names& names) {
  const size_t count = entity_->records.size();
  if (texts_.size() < count) texts_.resize(count);
  names_.clear();
  for (size_t r = 0; r < count; ++r) {
    const RecordRow& row = *entity_->records[r];
    texts_[r].clear();
    AppendRecordName(&texts_[r], names.Text(row.entity_type), names.Text(row.perspective), row.uid);
    names_.push_back(texts_[r]);
  }
}

size_t EntityItems::Add(size_t i, std::string_view entity_name, Names& names, GraphSink* sink) {
  if (i < records_) {
    GraphRecord record = ViewOf(entity_->ids[i], *entity_->records[i], names, &descriptors_);
    record.entity_name = entity_name;
    return sink->Add(record);
  }
  if (i < records_ + nodes_) {
    return sink->Add(GraphEntity{.name = names_[0],
                                 .entity_type = names.Text(entity_->records[0]->entity_type),
                                 .records = names_,
                                 .golden = golden_.Of(entity_->records, names)});
  }
  const Edge& edge = edges_[i - records_ - nodes_];
  return sink->Add(GraphSameAs{.source = names_[edge.source],
                               .target = names_[edge.target],
                               .key = edge.key->name,
                               .values = Values(*edge.key, edge.first_value),
                               .interval = edge.interval});
}

}  // namespace unirust::resolve
