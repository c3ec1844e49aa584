// Where copies are of what was erased (docs/erasure.md).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "model/answers.h"

namespace unirust::shard {

// The store whose copies are sought.
struct CopiesOf {
  std::string identity;  // store::Reader::ReadIdentity
  uint32_t shard_id = 0;
  std::string backup_dir;  // empty: none is looked at; one that is not there has none
};

// What is left of the erasures of a store in its files and in its backups and checkpoints, also in half ones.
// FAILED_PRECONDITION if the directory cannot be listed. Cost: reads the list of backups, and opens every checkpoint.
absl::StatusOr<ErasureStatus> StatusOf(const Erasures& erasures, const CopiesOf& store);

}  // namespace unirust::shard
