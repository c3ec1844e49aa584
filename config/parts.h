// The addresses of the parts of a store (docs/cluster.md), as an operator gives them: with --parts, or in a file, one a
// line, that of part 1 first. What is behind a # counts as nothing, so do empty lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/watched_file.h"
#include "config/programs.h"

namespace unirust::config {

// INVALID_ARGUMENT, with `source` and line, if an address is there twice, or there are more than a store can have.
absl::StatusOr<std::vector<std::string>> ParseParts(std::string_view text,
                                                    const std::string& source);

using PartsFile = WatchedFile<std::string>;

// The file that the settings name; null without one. INVALID_ARGUMENT if it cannot be read, and as ParseParts.
absl::StatusOr<std::unique_ptr<PartsFile>> OpenPartsFile(const ShardSettings& shard);

}  // namespace unirust::config
