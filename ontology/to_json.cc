// The JSON form of an ontology, one rule a line. Version() is a hash of this text, and a test pins
// it: a change of the layout would tell every client that its ontology has changed.
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ontology/names.h"
#include "ontology/ontology.h"

namespace unirust::ontology {
namespace {

using Members = std::vector<std::pair<std::string_view, std::string>>;  // field, JSON text

std::string Quote(std::string_view text) {
  const auto on_bad_utf8 = nlohmann::json::error_handler_t::replace;
  return nlohmann::json(text).dump(-1, ' ', false, on_bad_utf8);
}

std::string Joined(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const std::string& item : items) {
    if (!out.empty()) out += separator;
    out += item;
  }
  return out;
}

std::string Member(std::string_view name, const std::string& value) {
  return Quote(name) + ": " + value;
}

std::string Object(const Members& members) {
  std::vector<std::string> items;
  for (const auto& [name, value] : members) items.push_back(Member(name, value));
  return "{" + Joined(items, ", ") + "}";
}

std::string List(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) items.push_back(Quote(text));
  return "[" + Joined(items, ", ") + "]";
}

std::string List(const std::vector<Strategy>& strategies) {
  std::vector<std::string> names;
  for (const Strategy strategy : strategies) names.emplace_back(Name(kStrategyNames, strategy));
  return List(names);
}

// The shortest text that reads back as the same double.
std::string Number(double value) {
  char digits[32];
  const double positive_zero = value + 0.0;  // -0.0 equals 0.0, so both are written 0
  return {digits, std::to_chars(digits, digits + sizeof(digits), positive_zero).ptr};
}

void AddTypes(const EntityTypes& types, Members* members) {
  if (!types.empty()) members->emplace_back("entity_types", List(types));
}

std::string Json(const IdentityKey& key) {
  Members members{{"name", Quote(key.name)}, {"attributes", List(key.attributes)}};
  if (key.max_group) members.emplace_back("max_group", std::to_string(*key.max_group));
  if (key.hold) members.emplace_back("hold", "true");
  AddTypes(key.entity_types, &members);
  return Object(members);
}

std::string Json(const StrongIdentifier& identifier) {
  if (identifier.scope == Scope::kPerspective && identifier.entity_types.empty()) {
    return Quote(identifier.attribute);
  }
  Members members{{"attribute", Quote(identifier.attribute)}};
  if (identifier.scope != Scope::kPerspective) {
    members.emplace_back("scope", Quote(Name(kScopeNames, identifier.scope)));
  }
  AddTypes(identifier.entity_types, &members);
  return Object(members);
}

std::string Json(const Constraint& constraint) {
  Members members{{"name", Quote(constraint.name)}, {"attribute", Quote(constraint.attribute)}};
  if (constraint.kind != ConstraintKind::kUnique) {
    members.emplace_back("kind", Quote(Name(kConstraintKindNames, constraint.kind)));
  }
  AddTypes(constraint.entity_types, &members);
  return Object(members);
}

std::string Json(const AttributeRule& rule) {
  Members members;
  if (rule.multi_valued) members.emplace_back("multi_valued", "true");
  if (!rule.ignored_values.empty()) {
    members.emplace_back("ignored_values", List(rule.ignored_values));
  }
  return Object(members);
}

std::string Json(const RetentionRule& rule) {
  Members members;
  if (!rule.name.empty()) members.emplace_back("name", Quote(rule.name));
  AddTypes(rule.entity_types, &members);
  if (!rule.perspectives.empty()) members.emplace_back("perspectives", List(rule.perspectives));
  members.emplace_back("ended_before", std::to_string(rule.ended_before));
  return Object(members);
}

std::string GoldenJson(const Ontology& ontology) {
  Members attributes;
  for (const auto& [attribute, strategies] : ontology.golden_attributes) {
    attributes.emplace_back(attribute, List(strategies));
  }
  Members members;
  if (!ontology.golden_default.empty()) {
    members.emplace_back("default", List(ontology.golden_default));
  }
  if (!attributes.empty()) members.emplace_back("attributes", Object(attributes));
  return Object(members);
}

template <typename Rule>
void AddRules(std::string_view name, const std::vector<Rule>& rules, Members* sections) {
  if (rules.empty()) return;
  std::vector<std::string> lines;
  for (const Rule& rule : rules) lines.push_back(Json(rule));
  sections->emplace_back(name, "[\n    " + Joined(lines, ",\n    ") + "\n  ]");
}

}  // namespace

std::string ToJson(const Ontology& ontology) {
  Members sections;
  AddRules("identity_keys", ontology.identity_keys, &sections);
  AddRules("strong_identifiers", ontology.strong_identifiers, &sections);
  AddRules("constraints", ontology.constraints, &sections);
  if (!ontology.attributes.empty()) {
    std::vector<std::string> lines;
    for (const auto& [name, rule] : ontology.attributes) lines.push_back(Member(name, Json(rule)));
    sections.emplace_back("attributes", "{\n    " + Joined(lines, ",\n    ") + "\n  }");
  }
  if (!ontology.perspective_weights.empty()) {
    Members weights;
    for (const auto& [perspective, weight] : ontology.perspective_weights) {
      weights.emplace_back(perspective, Number(weight));
    }
    sections.emplace_back("perspective_weights", Object(weights));
  }
  if (!ontology.golden_default.empty() || !ontology.golden_attributes.empty()) {
    sections.emplace_back("golden", GoldenJson(ontology));
  }
  AddRules("retention", ontology.retention, &sections);
  if (sections.empty()) return "{}\n";
  std::vector<std::string> lines;
  for (const auto& [name, value] : sections) lines.push_back(Member(name, value));
  return "{\n  " + Joined(lines, ",\n  ") + "\n}\n";
}

}  // namespace unirust::ontology
