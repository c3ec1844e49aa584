// One part of a store of several: the rows of some slots, in the data directory of one shard (docs/cluster.md).
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "store/store.h"

namespace unirust::cluster {

// What becomes of a part with an epoch.
enum class EpochKind : uint8_t {
  kRows = 0,    // rows are written
  kSwitch = 1,  // and the pending generation becomes the current one
  kClear = 2,   // all rows go but those that Store::Clear leaves, then rows are written
};

// One step of the whole store, as one part sees it.
struct Epoch {
  uint64_t number = 0;  // from 1, without gaps
  EpochKind kind = EpochKind::kRows;
  std::string rows;  // store::Batch, encoded
};

// Whose part a data directory is: for good.
struct Membership {
  uint32_t parts = 0;
  uint32_t part = 0;
  std::string store;  // the identity of home's directory
};

// Every call may fail with UNAVAILABLE: the part could not be reached, and what was asked for may have happened or not.
// Thread-safe; calls that write come one after the other.
class Part {
 public:
  virtual ~Part() = default;

  // Takes part in a store, from now on and for good. Only empty directories can: FAILED_PRECONDITION for one that holds
  // records, or that is another part or another store's.
  virtual absl::Status Join(const Membership& membership) = 0;

  virtual absl::StatusOr<uint64_t> LastEpoch() = 0;    // 0 before the first
  virtual absl::StatusOr<uint64_t> LastAttempt() = 0;  // that was seen since the part was opened; 0: none

  // On disk when it returns; nothing happens if it is already there. FAILED_PRECONDITION: it is not the next one, or
  // switches to a generation that is not there; DATA_LOSS: the rows are malformed.
  virtual absl::Status Apply(const Epoch& epoch) = 0;

  // The state after one of the last limits::kEpochsKept epochs. OUT_OF_RANGE: after another one.
  virtual absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) = 0;
  virtual absl::StatusOr<store::Reader> ReadLatest() = 0;  // whatever is newest at each call
  virtual absl::StatusOr<store::Reader> ReadPending() = 0;  // the same with the pending generation

  // As in store/store.h. An `attempt` is a change of ontology, numbered upwards: FAILED_PRECONDITION for calls of an
  // earlier one than the last that was seen (they were given up, and arrive late), and where no generation is pending
  // and one is needed.
  virtual absl::Status BeginGeneration(uint64_t attempt) = 0;
  virtual absl::Status CommitPending(uint64_t attempt, const std::string& rows) = 0;
  virtual absl::Status SealPending(uint64_t attempt) = 0;
  virtual absl::Status DropPending(uint64_t attempt) = 0;
};

}  // namespace unirust::cluster
