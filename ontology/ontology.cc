#include "ontology/ontology.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/status_macros.h"

namespace unirust::ontology {

bool Applies(const EntityTypes& types, std::string_view entity_type) {
  return types.empty() || std::find(types.begin(), types.end(), entity_type) != types.end();
}

absl::Status Check(const Ontology& ontology) {
  UNIRUST_ASSIGN_OR_RETURN(const Ontology parsed, ParseOntology(ToJson(ontology)));
  // JSON text holds everything but strings that are not UTF-8.
  if (parsed != ontology) return absl::InvalidArgumentError("a string is not UTF-8");
  return absl::OkStatus();
}

// The JSON form rather than the archive: the archive's bytes depend on the Boost that wrote them.
std::string Version(const Ontology& ontology) {
  return fmt::format("{:016x}", Hash64(ToJson(ontology)));
}

}  // namespace unirust::ontology
