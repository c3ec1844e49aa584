#include "resolve/rules.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace unirust::resolve {
namespace {

absl::StatusOr<std::vector<SymbolId>> InternAll(const std::vector<std::string>& names,
                                                interner::Interner& interner,
                                                interner::NewSymbols& created) {
  std::vector<SymbolId> out;
  for (const std::string& name : names) {
    UNIRUST_ASSIGN_OR_RETURN(const SymbolId id, interner.Intern(name, created));
    out.push_back(id);
  }
  return out;
}

absl::StatusOr<TypeSet> CompileTypes(const ontology::EntityTypes& names,
                                     interner::Interner& interner,
                                     interner::NewSymbols& created) {
  TypeSet out;
  UNIRUST_ASSIGN_OR_RETURN(out.types, InternAll(names, interner, created));
  return out;
}

bool IsOneOf(SymbolId id, const std::vector<SymbolId>& ids) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

bool TypeSet::Has(SymbolId type) const {
  return types.empty() || IsOneOf(type, types);
}

absl::StatusOr<Rules> Rules::Compile(const ontology::Ontology& ontology,
                                     interner::Interner& interner,
                                     interner::NewSymbols& created) {
  Rules out;
  for (const ontology::IdentityKey& key : ontology.identity_keys) {
    KeyRule rule{.name = key.name, .attributes = {}, .hold = key.hold, .types = {}};
    if (key.max_group) rule.max_group = *key.max_group;
    for (const std::string& attribute : key.attributes) {
      UNIRUST_ASSIGN_OR_RETURN(const SymbolId id, interner.Intern(attribute, created));
      rule.attributes.push_back(id);
    }
    UNIRUST_ASSIGN_OR_RETURN(rule.types, CompileTypes(key.entity_types, interner, created));
    out.keys_.push_back(std::move(rule));
  }
  for (const ontology::StrongIdentifier& strong : ontology.strong_identifiers) {
    UNIRUST_ASSIGN_OR_RETURN(const SymbolId id, interner.Intern(strong.attribute, created));
    UNIRUST_ASSIGN_OR_RETURN(TypeSet types, CompileTypes(strong.entity_types, interner, created));
    out.strong_.push_back({.attribute = id,
                           .attribute_name = strong.attribute,
                           .global = strong.scope == ontology::Scope::kGlobal,
                           .types = std::move(types)});
  }
  for (const ontology::Constraint& constraint : ontology.constraints) {
    UNIRUST_ASSIGN_OR_RETURN(const SymbolId id, interner.Intern(constraint.attribute, created));
    UNIRUST_ASSIGN_OR_RETURN(TypeSet types,
                             CompileTypes(constraint.entity_types, interner, created));
    out.constraints_.push_back(
        {.name = constraint.name,
         .attribute = id,
         .attribute_name = constraint.attribute,
         .within_perspective =
             constraint.kind == ontology::ConstraintKind::kUniqueWithinPerspective,
         .types = std::move(types)});
  }
  out.other_attributes_.strategies = ontology.golden_default;
  std::set<std::string> named;
  for (const auto& [name, rule] : ontology.attributes) named.insert(name);
  for (const auto& [name, strategies] : ontology.golden_attributes) named.insert(name);
  for (const std::string& name : named) {
    AttributeRule rule = out.other_attributes_;
    const auto declared = ontology.attributes.find(name);
    if (declared != ontology.attributes.end()) {
      rule.multi_valued = declared->second.multi_valued;
      rule.ignored.insert(declared->second.ignored_values.begin(),
                          declared->second.ignored_values.end());
    }
    const auto strategies = ontology.golden_attributes.find(name);
    if (strategies != ontology.golden_attributes.end()) rule.strategies = strategies->second;
    if (name.empty()) continue;  // no descriptor has an empty attribute
    UNIRUST_ASSIGN_OR_RETURN(const SymbolId id, interner.Intern(name, created));
    out.attributes_.emplace(id, std::move(rule));
  }
  for (const auto& [name, weight] : ontology.perspective_weights) {
    UNIRUST_ASSIGN_OR_RETURN(const SymbolId id, interner.Intern(name, created));
    out.weights_.emplace(id, weight);
  }
  for (const ontology::RetentionRule& retention : ontology.retention) {
    RetentionRule rule{.types = {}, .perspectives = {}, .ended_before = retention.ended_before};
    UNIRUST_ASSIGN_OR_RETURN(rule.types, CompileTypes(retention.entity_types, interner, created));
    UNIRUST_ASSIGN_OR_RETURN(rule.perspectives,
                             InternAll(retention.perspectives, interner, created));
    out.retention_.push_back(std::move(rule));
  }
  return out;
}

const AttributeRule& Rules::Attribute(SymbolId attribute) const {
  const auto it = attributes_.find(attribute);
  return it == attributes_.end() ? other_attributes_ : it->second;
}

double Rules::Weight(SymbolId perspective) const {
  const auto it = weights_.find(perspective);
  return it == weights_.end() ? 0.0 : it->second;
}

std::optional<int64_t> Rules::EndedBefore(SymbolId entity_type, SymbolId perspective) const {
  std::optional<int64_t> out;
  for (const RetentionRule& rule : retention_) {
    if (!rule.types.Has(entity_type)) continue;
    if (!rule.perspectives.empty() && !IsOneOf(perspective, rule.perspectives)) continue;
    out = std::min(out.value_or(rule.ended_before), rule.ended_before);
  }
  return out;
}

bool AttributeRule::Counts(std::string_view value) const {
  return !value.empty() &&
         (ignored.empty() || !ignored.contains(absl::string_view(value.data(), value.size())));
}

}  // namespace unirust::resolve
