#include "resolve/conflicts.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/hash.h"
#include "base/limits.h"
#include "resolve/disputes.h"
#include "resolve/stretch_sweep.h"

namespace unirust::resolve {
namespace {

using store::RecordRow;

// Records in canonical order, all of one type. What refers to them by their places finds the first ones first.
using Records = std::vector<const RecordRow*>;

void SortCanonically(Records* records, Names& names) {
  std::vector<std::pair<std::pair<std::string_view, std::string_view>, const RecordRow*>> order;
  order.reserve(records->size());
  for (const RecordRow* record : *records) {
    order.push_back({{names.Text(record->perspective), record->uid}, record});
  }
  std::sort(order.begin(), order.end());
  for (size_t i = 0; i < order.size(); ++i) (*records)[i] = order[i].second;
}

void ListRecords(const Records& records, const Holders& holders, Names& names, Conflict* out) {
  for (const size_t place : holders.first) {
    out->records.push_back(names.IdentityOf(*records[place]));
  }
  out->record_count = holders.count;
  if (!out->records.empty()) out->entity_type = out->records[0].entity_type;
}

// A conflict is between two values or more; its entry lists so many records.
constexpr SweepRules kSeveral = {.keys_min = 2, .listed_max = limits::kConflictNamesMax};

using ValueHoldings = std::vector<Holding<std::string_view>>;
using ValueStretches = std::vector<Stretch<std::string_view>>;

bool OneKey(const ValueHoldings& holdings) {
  return std::all_of(holdings.begin(), holdings.end(),
                     [&](const auto& holding) { return holding.key == holdings[0].key; });
}

// The times at which the holdings have two values or more.
ValueStretches SeveralValues(const ValueHoldings& holdings, size_t records) {
  if (OneKey(holdings)) return {};
  return StretchSweep<std::string_view>(records, kSeveral).Of(holdings);
}

void AddEntries(const ValueStretches& stretches, const Records& records, Conflict entry,
                Names& names, std::vector<Conflict>* out) {
  for (const auto& stretch : stretches) {
    Conflict& added = out->emplace_back(entry);
    added.interval = stretch.interval;
    added.values.assign(stretch.keys.begin(), stretch.keys.end());
    ListRecords(records, stretch.records, names, &added);
  }
}

// Descriptors are in the order of their attributes.
bool HasAttributeTwice(const RecordRow& record) {
  const std::vector<store::StoredDescriptor>& all = record.descriptors;
  return std::adjacent_find(all.begin(), all.end(), [](const auto& a, const auto& b) {
           return a.attribute == b.attribute;
         }) != all.end();
}

// Entries of one attribute that is not multi-valued.
void AttributeConflicts(SymbolId attribute, const ValueHoldings& holdings, const Records& records,
                        const Rules& rules, Names& names, std::vector<Conflict>* out) {
  const ValueStretches direct = SeveralValues(holdings, records.size());
  if (direct.empty()) return;
  Conflict entry;
  entry.kind = ConflictKind::kDirect;
  entry.attribute = names.Text(attribute);
  AddEntries(direct, records, entry, names, out);
  entry.kind = ConflictKind::kConstraintViolation;
  for (const ConstraintRule& rule : rules.constraints()) {
    if (rule.attribute != attribute || !rule.types.Has(records[0]->entity_type)) continue;
    entry.cause = rule.name;
    if (!rule.within_perspective) {
      AddEntries(direct, records, entry, names, out);
      continue;
    }
    std::map<SymbolId, ValueHoldings> voices;
    for (const auto& holding : holdings) {
      voices[records[holding.record]->perspective].push_back(holding);
    }
    for (const auto& [perspective, voice] : voices) {
      AddEntries(SeveralValues(voice, records.size()), records, entry, names, out);
    }
  }
}

}  // namespace

std::vector<Conflict> EntityConflicts(const std::vector<const RecordRow*>& unordered,
                                      const Rules& rules, Names& names) {
  if (unordered.size() == 1 && !HasAttributeTwice(*unordered[0])) return {};
  Records records = unordered;
  SortCanonically(&records, names);
  std::vector<std::pair<SymbolId, Holding<std::string_view>>> all;
  for (size_t place = 0; place < records.size(); ++place) {
    for (const store::StoredDescriptor& d : records[place]->descriptors) {
      if (rules.Attribute(d.attribute).multi_valued) continue;
      if (!rules.Counts(d.attribute, d.value)) continue;
      all.push_back({d.attribute, {d.interval, d.value, place}});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<Conflict> out;
  for (size_t first = 0, last = 0; first < all.size(); first = last) {
    const SymbolId attribute = all[first].first;
    ValueHoldings holdings;
    for (; last < all.size() && all[last].first == attribute; ++last) {
      holdings.push_back(all[last].second);
    }
    AttributeConflicts(attribute, holdings, records, rules, names, &out);
  }
  return out;
}

std::vector<Conflict> SharedValueConflicts(const ConstraintRule& constraint,
                                           const std::string& value,
                                           const std::vector<SharedClaim>& claims, Names& names) {
  Records records;
  for (const SharedClaim& claim : claims) records.push_back(claim.record);
  std::sort(records.begin(), records.end());
  records.erase(std::unique(records.begin(), records.end()), records.end());
  SortCanonically(&records, names);
  std::map<const RecordRow*, size_t> place_of;
  for (size_t place = 0; place < records.size(); ++place) place_of[records[place]] = place;
  std::vector<Holding<uint64_t>> holdings;
  for (const SharedClaim& claim : claims) {
    holdings.push_back({claim.interval, claim.entity, place_of.at(claim.record)});
  }
  std::vector<Conflict> out;
  for (const auto& stretch : StretchSweep<uint64_t>(records.size(), kSeveral).Of(holdings)) {
    Conflict entry;
    entry.kind = ConflictKind::kConstraintViolation;
    entry.attribute = constraint.attribute_name;
    entry.interval = stretch.interval;
    entry.cause = constraint.name;
    entry.values = {value};
    ListRecords(records, stretch.records, names, &entry);
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<Conflict> ContestedRun(const KeyRule& key, const std::vector<std::string>& values,
                                   const Interval& run, const std::vector<RunEntity>& entities,
                                   const Rules& rules, Names& names) {
  std::map<uint16_t, std::set<size_t>> clashing;  // strong identifier -> entities
  Signatures signatures;
  for (const RunEntity& entity : entities) signatures.push_back(entity.signature);
  const auto disputes = Disputes(signatures);
  for (size_t i = 0; i < entities.size(); ++i) {
    for (const uint16_t identifier : disputes[i]) clashing[identifier].insert(i);
  }
  std::vector<Conflict> out;
  for (const auto& [identifier, indexes] : clashing) {
    Conflict entry;
    entry.kind = ConflictKind::kIndirect;
    entry.attribute = rules.strong()[identifier].attribute_name;
    entry.interval = run;
    entry.cause = kStrongIdConflict;
    entry.key = key.name;
    entry.values = values;
    Records records;
    std::vector<Identity> firsts;
    for (const size_t i : indexes) {
      records.insert(records.end(), entities[i].records.begin(), entities[i].records.end());
      firsts.push_back(entities[i].first);
    }
    std::sort(records.begin(), records.end());
    records.erase(std::unique(records.begin(), records.end()), records.end());
    SortCanonically(&records, names);
    std::vector<size_t> places(records.size());
    std::iota(places.begin(), places.end(), 0);
    ListRecords(records, Holders::Of(places, limits::kConflictNamesMax), names, &entry);
    std::sort(firsts.begin(), firsts.end());
    entry.entity_count = firsts.size();
    firsts.resize(std::min(firsts.size(), limits::kConflictNamesMax));
    for (const Identity& first : firsts) entry.entities.push_back(RecordName(first));
    out.push_back(std::move(entry));
  }
  return out;
}

std::string OwnerInKeys(std::string_view owner) {
  const auto digest = Sha256(owner);
  return {digest.data(), store::kConflictOwnerBytes};
}

uint64_t EdgeCount(const Conflict& conflict) {
  const size_t nodes = conflict.kind == ConflictKind::kIndirect ? conflict.entities.size()
                                                                : conflict.records.size();
  return nodes > 0 ? nodes - 1 : 0;
}

}  // namespace unirust::resolve
