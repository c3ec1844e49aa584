#include "proto/ontology.h"

#include <nlohmann/json.hpp>

#include "base/status_macros.h"

namespace unirust::proto {
namespace {

using Json = nlohmann::json;

absl::StatusOr<const char*> KindName(const ConstraintConfig& constraint) {
  switch (constraint.kind()) {
    case CONSTRAINT_KIND_UNSPECIFIED:
    case UNIQUE:
      return "unique";
    case UNIQUE_WITHIN_PERSPECTIVE:
      return "unique_within_perspective";
    default:
      return absl::InvalidArgumentError("constraint '" + constraint.name() + "': kind " +
                                        std::to_string(constraint.kind()) + " is unknown");
  }
}

}  // namespace

absl::StatusOr<std::string> OntologyJson(const OntologyConfig& config) {
  Json keys = Json::array();
  for (const IdentityKeyConfig& key : config.identity_keys()) {
    keys.push_back({{"name", key.name()},
                    {"attributes", Json(std::vector<std::string>(key.attributes().begin(),
                                                                 key.attributes().end()))}});
  }
  Json constraints = Json::array();
  for (const ConstraintConfig& constraint : config.constraints()) {
    UNIRUST_ASSIGN_OR_RETURN(const char* kind, KindName(constraint));
    constraints.push_back(
        {{"name", constraint.name()}, {"attribute", constraint.attribute()}, {"kind", kind}});
  }
  const std::vector<std::string> strong(config.strong_identifiers().begin(),
                                        config.strong_identifiers().end());
  return Json{{"identity_keys", keys}, {"strong_identifiers", strong}, {"constraints", constraints}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace unirust::proto
