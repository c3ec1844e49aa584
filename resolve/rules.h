// The ontology compiled for resolution: attribute, type and perspective names as symbols. Immutable after Compile, so
// any number of threads may read it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "interner/interner.h"
#include "ontology/ontology.h"

namespace unirust::resolve {

using interner::SymbolId;

// Entity types that a rule is for; empty: all.
struct TypeSet {
  std::vector<SymbolId> types;
  bool Has(SymbolId type) const;
};

struct KeyRule {
  std::string name;
  std::vector<SymbolId> attributes;
  uint64_t max_group = ~uint64_t{0};
  bool hold = false;
  TypeSet types;
};

struct StrongRule {
  SymbolId attribute;
  std::string attribute_name;
  bool global = false;
  TypeSet types;
};

struct ConstraintRule {
  std::string name;
  SymbolId attribute;
  std::string attribute_name;
  bool within_perspective = false;
  TypeSet types;
};

struct RetentionRule {
  TypeSet types;
  std::vector<SymbolId> perspectives;  // empty: all
  int64_t ended_before = 0;
};

struct AttributeRule {
  bool multi_valued = false;
  absl::flat_hash_set<std::string> ignored;
  std::vector<ontology::Strategy> strategies;

  // False for values that count as absent (semantics.md, 2).
  bool Counts(std::string_view value) const;
};

class Rules {
 public:
  // Interns every name of the ontology; new symbols go to `created`.
  static absl::StatusOr<Rules> Compile(const ontology::Ontology& ontology,
                                       interner::Interner& interner,
                                       interner::NewSymbols& created);

  const std::vector<KeyRule>& keys() const { return keys_; }
  const std::vector<StrongRule>& strong() const { return strong_; }
  const std::vector<ConstraintRule>& constraints() const { return constraints_; }
  const AttributeRule& Attribute(SymbolId attribute) const;
  double Weight(SymbolId perspective) const;  // 0 where the ontology has none

  bool HasRetention() const { return !retention_.empty(); }
  // How long after their end the descriptors of such a record expire; nothing: never.
  std::optional<int64_t> EndedBefore(SymbolId entity_type, SymbolId perspective) const;

  bool Counts(SymbolId attribute, std::string_view value) const {
    return Attribute(attribute).Counts(value);
  }

  uint16_t levels() const { return static_cast<uint16_t>(keys_.size()); }

 private:
  std::vector<KeyRule> keys_;
  std::vector<StrongRule> strong_;
  std::vector<ConstraintRule> constraints_;
  absl::flat_hash_map<SymbolId, AttributeRule> attributes_;
  AttributeRule other_attributes_;
  absl::flat_hash_map<SymbolId, double> weights_;
  std::vector<RetentionRule> retention_;
};

}  // namespace unirust::resolve
