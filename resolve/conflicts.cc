#include "resolve/conflicts.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "base/limits.h"
#include "resolve/claims.h"
#include "resolve/disputes.h"

namespace unirust::resolve {
namespace {

using store::RecordRow;

void ListRecords(const std::set<const RecordRow*>& records, Names& names, Conflict* out) {
  for (const RecordRow* record : records) out->records.push_back(names.IdentityOf(*record));
  std::sort(out->records.begin(), out->records.end());
  out->record_count = records.size();
  if (!out->records.empty()) out->entity_type = out->records[0].entity_type;
  if (out->records.size() > limits::kConflictNamesMax) {
    out->records.resize(limits::kConflictNamesMax);
  }
}

// A maximal time with the same label, and the records that hold there.
template <typename Label>
struct Stretch {
  Interval interval;
  Label label;
  std::set<const RecordRow*> records;
};

template <typename Label>
void Extend(std::vector<Stretch<Label>>& out, const Interval& piece, Label label,
            const std::set<const RecordRow*>& records) {
  if (!out.empty() && out.back().interval.end == piece.start && out.back().label == label) {
    out.back().interval.end = piece.end;
    out.back().records.insert(records.begin(), records.end());
  } else {
    out.push_back({piece, std::move(label), records});
  }
}

using ValuesStretch = Stretch<std::vector<std::string>>;

// The times at which the claims hold two values or more.
std::vector<ValuesStretch> SeveralValues(const std::vector<Claim>& claims,
                                         const std::vector<const RecordRow*>& records) {
  std::vector<ValuesStretch> out;
  if (OneValue(claims)) return out;
  ForEachPiece(claims, [&](const Interval& piece, const std::vector<const Claim*>& holding) {
    std::set<std::string> values;
    std::set<const RecordRow*> holders;
    for (const Claim* claim : holding) {
      values.emplace(claim->value);
      holders.insert(records[claim->record]);
    }
    if (values.size() < 2) return;
    Extend(out, piece, std::vector<std::string>(values.begin(), values.end()), holders);
  });
  return out;
}

void AddEntries(const std::vector<ValuesStretch>& stretches, ConflictKind kind,
                const std::string& cause, const std::string& attribute, Names& names,
                std::vector<Conflict>* out) {
  for (const ValuesStretch& stretch : stretches) {
    Conflict entry;
    entry.kind = kind;
    entry.attribute = attribute;
    entry.interval = stretch.interval;
    entry.cause = cause;
    entry.values = stretch.label;
    ListRecords(stretch.records, names, &entry);
    out->push_back(std::move(entry));
  }
}

// Descriptors are in the order of their attributes.
bool HasAttributeTwice(const RecordRow& record) {
  const std::vector<store::StoredDescriptor>& all = record.descriptors;
  return std::adjacent_find(all.begin(), all.end(), [](const auto& a, const auto& b) {
           return a.attribute == b.attribute;
         }) != all.end();
}

}  // namespace

std::vector<Conflict> EntityConflicts(const std::vector<const RecordRow*>& records,
                                      const Rules& rules, Names& names) {
  std::vector<Conflict> out;
  if (records.size() == 1 && !HasAttributeTwice(*records[0])) return out;
  std::vector<std::pair<SymbolId, Claim>> all;
  for (size_t r = 0; r < records.size(); ++r) {
    for (const store::StoredDescriptor& d : records[r]->descriptors) {
      if (rules.Counts(d.attribute, d.value))
        all.push_back({d.attribute, {d.value, d.interval, r}});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t first = 0, last = 0; first < all.size(); first = last) {
    const SymbolId attribute = all[first].first;
    std::vector<Claim> claims;
    for (; last < all.size() && all[last].first == attribute; ++last) {
      claims.push_back(all[last].second);
    }
    if (OneValue(claims) || rules.Attribute(attribute).multi_valued) continue;
    const std::vector<ValuesStretch> direct = SeveralValues(claims, records);
    if (direct.empty()) continue;
    const std::string text = names.Text(attribute);
    AddEntries(direct, ConflictKind::kDirect, "", text, names, &out);
    for (const ConstraintRule& rule : rules.constraints()) {
      if (rule.attribute != attribute || !rule.types.Has(records[0]->entity_type)) continue;
      if (!rule.within_perspective) {
        AddEntries(direct, ConflictKind::kConstraintViolation, rule.name, text, names, &out);
        continue;
      }
      std::map<SymbolId, std::vector<Claim>> voices;
      for (const Claim& claim : claims) voices[records[claim.record]->perspective].push_back(claim);
      for (const auto& [perspective, voice] : voices) {
        AddEntries(SeveralValues(voice, records), ConflictKind::kConstraintViolation, rule.name,
                   text, names, &out);
      }
    }
  }
  return out;
}

std::vector<Conflict> SharedValueConflicts(const ConstraintRule& constraint,
                                           const std::string& value,
                                           const std::vector<SharedClaim>& claims, Names& names) {
  std::vector<Claim> held;
  for (size_t i = 0; i < claims.size(); ++i) held.push_back({value, claims[i].interval, i});
  std::vector<Stretch<std::set<uint64_t>>> stretches;
  ForEachPiece(held, [&](const Interval& piece, const std::vector<const Claim*>& holding) {
    std::set<uint64_t> entities;
    std::set<const RecordRow*> records;
    for (const Claim* claim : holding) {
      entities.insert(claims[claim->record].entity);
      records.insert(claims[claim->record].record);
    }
    if (entities.size() >= 2) Extend(stretches, piece, std::move(entities), records);
  });
  std::vector<Conflict> out;
  for (const auto& stretch : stretches) {
    Conflict entry;
    entry.kind = ConflictKind::kConstraintViolation;
    entry.attribute = constraint.attribute_name;
    entry.interval = stretch.interval;
    entry.cause = constraint.name;
    entry.values = {value};
    ListRecords(stretch.records, names, &entry);
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
    entry.cause = "strong_id_conflict";
    entry.key = key.name;
    entry.values = values;
    std::set<const RecordRow*> records;
    std::vector<Identity> firsts;
    for (const size_t i : indexes) {
      records.insert(entities[i].records.begin(), entities[i].records.end());
      firsts.push_back(entities[i].first);
    }
    ListRecords(records, names, &entry);
    std::sort(firsts.begin(), firsts.end());
    entry.entity_count = firsts.size();
    firsts.resize(std::min(firsts.size(), limits::kConflictNamesMax));
    for (const Identity& first : firsts) entry.entities.push_back(RecordName(first));
    out.push_back(std::move(entry));
  }
  return out;
}

uint64_t EdgeCount(const Conflict& conflict) {
  const size_t nodes = conflict.kind == ConflictKind::kIndirect ? conflict.entities.size()
                                                                : conflict.records.size();
  return nodes > 0 ? nodes - 1 : 0;
}

}  // namespace unirust::resolve
