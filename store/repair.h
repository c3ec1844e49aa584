// A new store from a data directory that is refused because acknowledged commits are missing, where
// there is no backup (docs/decisions/0023-what-is-left.md). What is kept is the state after some
// commit, as it was then; the damaged directory is only read.
//
// Of the logs everything is kept up to the first place that is damaged or missing, and nothing
// behind it. That is the state after a commit if no table of the records has rows from behind: then
// indexes and derived rows are of that commit too, or are made anew. Damaged tables, MANIFESTs and
// commit-marks cannot be left out so.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/loss.h"

namespace unirust::store {

struct RepairOptions {
  std::string dir;
  uint32_t shard_id = 0;
  uint64_t memory_budget_bytes = 512ULL << 20U;
};

// Holds the damaged directory, so that no program opens it meanwhile. Not thread-safe.
class Repair {
 public:
  // Looks at all logs. Null if the directory is whole. DATA_LOSS, which says why, if nothing in it
  // can be proven to be the state after a commit; FAILED_PRECONDITION if it is a part of a store of
  // several, which would not belong to the others any more. Other errors as Store::Open.
  static absl::StatusOr<std::unique_ptr<Repair>> Begin(const RepairOptions& options);
  virtual ~Repair() = default;

  virtual const Loss& loss() const = 0;

  // Makes the data directory `target`, which must be absent or empty, as RestoreBackup does: it is
  // there, whole and noted (Losses), or not there. `make_anew` is called if loss().makes_anew, with
  // the directory that will be it, in which the store opens only to be rebuilt.
  virtual absl::Status Into(
      const std::string& target,
      const std::function<absl::Status(const std::string& dir)>& make_anew) const = 0;
};

// What was given up for a data directory in earlier repairs, a sentence each, oldest first.
std::vector<std::string> Losses(const std::string& dir);

}  // namespace unirust::store
