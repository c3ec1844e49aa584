// The settings in a TOML file, as text. Keeps toml++ inside one source file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace unirust::config {

// Key and value in the order of the file; an array of strings is joined with commas.
using TomlValues = std::vector<std::pair<std::string, std::string>>;

// INVALID_ARGUMENT, with path and line, if the file cannot be read, is not TOML, or holds anything
// but strings, integers, booleans and arrays of strings at its top level.
absl::StatusOr<TomlValues> ReadToml(const std::string& path);

}  // namespace unirust::config
