// An ontology from a file to the store.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/client.h"

namespace unirust::cli {

// The text of a file ("-": standard input) that parses as an ontology. INVALID_ARGUMENT lists every
// fault.
absl::StatusOr<std::string> ReadOntology(const std::string& path);

// Applies it, or with `check_only` asks whether it could be; returns the version of the ontology
// then in force.
absl::StatusOr<std::string> ApplyOntology(Client& client, const std::string& json, bool check_only);

}  // namespace unirust::cli
