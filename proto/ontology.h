// The ontology of the published contract as the JSON of semantics.md, section 3, so that one parser
// checks both.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "proto/unirust.pb.h"

namespace unirust::proto {

// INVALID_ARGUMENT, naming the constraint, if it has a kind that the contract does not know.
// Everything else is for ontology::ParseOntology to judge.
absl::StatusOr<std::string> OntologyJson(const OntologyConfig& config);

}  // namespace unirust::proto
