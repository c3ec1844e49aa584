// Where copies are of what was erased (docs/erasure.md).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "model/answers.h"

namespace unirust::shard {

// What is left of the erasures of a store in its files and in the backups and checkpoints below `backup_dir` (empty:
// none is looked at). Cost: reads the list of backups, and opens every checkpoint.
absl::StatusOr<ErasureStatus> StatusOf(const Erasures& erasures, const std::string& backup_dir,
                                       uint32_t shard_id);

}  // namespace unirust::shard
