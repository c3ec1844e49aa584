// The ontology (semantics.md, 3): what makes records one entity, what must not, and who is
// believed. A pure value with its JSON form, its checks and its archive. Functions are pure and
// thread-safe.
//
//   UNIRUST_ASSIGN_OR_RETURN(Ontology ontology, ParseOntology(R"({"identity_keys": [...]})"));
//   if (Applies(ontology.identity_keys[0].entity_types, "person")) ...
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unirust::ontology {

// Entity types that a rule is for; empty: all.
using EntityTypes = std::vector<std::string>;

struct IdentityKey {
  std::string name;
  std::vector<std::string> attributes;
  std::optional<uint64_t> max_group;  // groups with more records are generic
  bool hold = false;
  EntityTypes entity_types;
  bool operator==(const IdentityKey&) const = default;
};

enum class Scope : uint8_t { kPerspective, kGlobal };

struct StrongIdentifier {
  std::string attribute;
  Scope scope = Scope::kPerspective;
  EntityTypes entity_types;
  bool operator==(const StrongIdentifier&) const = default;
};

enum class ConstraintKind : uint8_t { kUnique, kUniqueWithinPerspective };

struct Constraint {
  std::string name;
  std::string attribute;
  ConstraintKind kind = ConstraintKind::kUnique;
  EntityTypes entity_types;
  bool operator==(const Constraint&) const = default;
};

struct AttributeRule {
  bool multi_valued = false;
  std::vector<std::string> ignored_values;
  bool operator==(const AttributeRule&) const = default;
};

// Descriptors of the records it is for expire once the declared instant is greater than their end + ended_before
// (docs/ontology.md, Retention).
struct RetentionRule {
  std::string name;  // may be empty
  EntityTypes entity_types;
  std::vector<std::string> perspectives;  // sources that it is for; empty: all
  int64_t ended_before = 0;               // not negative, in the unit of the data
  bool operator==(const RetentionRule&) const = default;
};

enum class Strategy : uint8_t { kPriority, kMajority, kLatest, kSmallest };

struct Ontology {
  std::vector<IdentityKey> identity_keys;  // strongest first
  std::vector<StrongIdentifier> strong_identifiers;
  std::vector<Constraint> constraints;
  std::map<std::string, AttributeRule> attributes;
  std::map<std::string, double> perspective_weights;  // finite; absent: 0
  std::vector<Strategy> golden_default;
  std::map<std::string, std::vector<Strategy>>
      golden_attributes;  // replaces the default, even if empty
  std::vector<RetentionRule> retention;  // of several that are for a record the least ended_before counts
  bool operator==(const Ontology&) const = default;
};

// True if a rule with these `types` is for `entity_type`.
bool Applies(const EntityTypes& types, std::string_view entity_type);

// Parses and checks the JSON form. INVALID_ARGUMENT lists every fault, separated by "; ", each with
// its place, e.g. "identity_keys[1]: name is missing"; the message grows with the number of faults.
// Accepts what tests/oracle/oracle.py accepts, up to limits::kOntologyBytesMax, but for two things
// that no stored ontology could hold: strings with lone surrogates and numbers beyond the range of
// a double. Besides, `retention`, of which the oracle knows nothing.
absl::StatusOr<Ontology> ParseOntology(std::string_view json);

// The same checks for an ontology that was put together in code.
absl::Status Check(const Ontology& ontology);

// The JSON form: ParseOntology(ToJson(o)) == o for every o that ParseOntology gave, unless the
// indentation takes it past limits::kOntologyBytesMax. One rule a line, fields in the order of
// semantics.md, defaults left out.
std::string ToJson(const Ontology& ontology);

// Boost.Serialization archive with class versions, checksummed; what older versions wrote keeps
// loading (tests/ontology/samples/).
std::string Archive(const Ontology& ontology);

// The inverse of Archive. DATA_LOSS on damaged bytes and on archives of a newer program. Never
// throws.
absl::StatusOr<Ontology> Unarchive(std::string_view bytes);

// 16 hex digits that name this content: equal ontologies have equal versions, whatever the spelling
// of their JSON. The order of lists counts, as that of identity_keys must.
std::string Version(const Ontology& ontology);

}  // namespace unirust::ontology
