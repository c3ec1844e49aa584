// Files that clients name for IngestRecordsFromUrl: only `file:` URLs, only below one directory.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "model/record.h"

namespace unirust::shard {

// The writes of the JSON Lines file that `url` names, checked. The path is relative to
// `import_dir`, or absolute and below it; symbolic links must not lead out of it. UNIMPLEMENTED:
// not a `file:` URL; FAILED_PRECONDITION: no import_dir; INVALID_ARGUMENT: a path that leaves it,
// not a regular file, a bad line, or more than `records_max` records; NOT_FOUND; PERMISSION_DENIED.
absl::StatusOr<std::vector<Write>> ReadImportFile(const std::string& import_dir,
                                                  const std::string& url, size_t records_max);

}  // namespace unirust::shard
