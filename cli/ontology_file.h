// An ontology from a file to the store.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/client.h"

namespace unirust::cli {

// The text of a file ("-": standard input) that parses as an ontology. INVALID_ARGUMENT lists every
// fault.
absl::StatusOr<std::string> ReadOntology(const std::string& path);

struct AppliedOntology {
  std::string version;
  bool changed = false;  // another one was in force before
};
absl::StatusOr<AppliedOntology> ApplyOntology(Client& client, const std::string& json);

// OK if the store would take it.
absl::Status CheckOntology(Client& client, const std::string& json);

}  // namespace unirust::cli
