// What the standard library does not do with files.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace unirust {

// Makes the names in a directory durable, which syncing a file in it does not. INTERNAL if that fails.
absl::Status SyncDirectory(const std::string& dir);

}  // namespace unirust
