#include "resolve/evidence.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "resolve/claims.h"

namespace unirust::resolve {
namespace {

struct ValueTimes {
  std::string_view value;
  IntervalSet times;
};

// The values of one attribute that count, with their times. Descriptors are sorted and coalesced.
std::vector<ValueTimes> CountingValues(SymbolId attribute,
                                       const std::vector<StoredDescriptor>& descriptors,
                                       const Rules& rules) {
  std::vector<ValueTimes> out;
  for (const StoredDescriptor& d : descriptors) {
    if (d.attribute != attribute || !rules.Counts(attribute, d.value)) continue;
    if (out.empty() || out.back().value != d.value) out.push_back({d.value, {}});
    out.back().times.push_back(d.interval);
  }
  return out;
}

}  // namespace

absl::StatusOr<std::vector<KeyInstance>> KeyInstances(
    const KeyRule& key, const std::vector<StoredDescriptor>& descriptors, const Rules& rules) {
  std::vector<KeyInstance> instances;
  bool first = true;
  for (const SymbolId attribute : key.attributes) {
    std::vector<ValueTimes> values = CountingValues(attribute, descriptors, rules);
    std::vector<KeyInstance> longer;
    if (first) {
      for (ValueTimes& v : values) longer.push_back({{v.value}, std::move(v.times)});
      first = false;
    } else {
      for (const KeyInstance& instance : instances) {
        for (const ValueTimes& v : values) {
          IntervalSet both = Intersect(instance.time, v.times);
          if (both.empty()) continue;
          longer.push_back({instance.values, std::move(both)});
          longer.back().values.push_back(v.value);
          if (longer.size() > limits::kKeyInstancesMax) break;
        }
        if (longer.size() > limits::kKeyInstancesMax) break;
      }
    }
    instances = std::move(longer);
    if (instances.size() > limits::kKeyInstancesMax) {
      return absl::InvalidArgumentError(
          "more than " + std::to_string(limits::kKeyInstancesMax) + " instances of key " +
          key.name + " or of its first attributes: give the values intervals, or split the record");
    }
    if (instances.empty()) break;
  }
  return instances;
}

Signature SignatureOf(const store::RecordRow& record, const Rules& rules) {
  Signature out;
  for (size_t i = 0; i < rules.strong().size(); ++i) {
    const StrongRule& rule = rules.strong()[i];
    if (!rule.types.Has(record.entity_type)) continue;
    StrongRow row;
    row.identifier = static_cast<uint16_t>(i);
    if (!rule.global) row.domain = record.perspective;
    std::vector<Claim> claims;
    for (const StoredDescriptor& d : record.descriptors) {
      if (d.attribute == rule.attribute && rules.Counts(d.attribute, d.value)) {
        claims.push_back({d.value, d.interval, 0});
      }
    }
    std::set<std::string_view> held;  // descriptors are coalesced: a value is not held twice
    ForEachPiece(claims, [&](const Interval& piece, const auto& begun, const auto& ended) {
      for (const Claim* claim : ended) held.erase(claim->value);
      for (const Claim* claim : begun) held.insert(claim->value);
      if (held.empty()) return;
      row.interval = piece;
      row.values.assign(held.begin(), held.end());
      out.push_back(row);
    });
  }
  Normalize(out);
  return out;
}

}  // namespace unirust::resolve
