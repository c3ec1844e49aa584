// One part of a store of several: the rows of some slots, in the data directory of one shard (docs/cluster.md).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

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

// Two copies of one home directory that go separate ways write epochs of the same numbers, with other tags.
struct EpochId {
  uint64_t number = 0;  // from 1, without gaps; 0: before the first one
  uint64_t tag = 0;
  bool operator==(const EpochId&) const = default;
};

// One step of the whole store, as one part sees it.
struct Epoch {
  EpochId id;
  uint64_t after_tag = 0;  // of the epoch before
  EpochKind kind = EpochKind::kRows;
  std::string rows;  // store::Batch, encoded
};

// Whose part a data directory is: for good, but for the session.
struct Membership {
  uint32_t part = 0;
  std::string store;     // the identity of home's directory
  uint64_t session = 0;  // of one opening of the store with one part; what comes from another one is refused (peer/)
};

// Whether a part has, or may have, rows of the store when it joins.
enum class Holds { kRows, kNothing };

// What is done with a pending generation, in order: a change of ontology is an attempt, numbered upwards; its steps in
// one part are numbered from 0.
struct PendingStep {
  uint64_t attempt = 0;
  uint64_t number = 0;
};

// Where a part is when it joins.
struct Position {
  EpochId epoch;         // the last one
  uint64_t attempt = 0;  // the last one that was seen since the part was opened; 0: none
};

// Copies of a part that belong to no copy of home.
struct UnwantedCopies {
  std::vector<uint32_t> keep;     // all backups but these; empty: none
  std::vector<uint32_t> backups;  // and these
  std::string checkpoint;         // and this one, unless empty
};

// What to do where directories of parts do not belong together.
std::string RestoreTogether();

// Every call may fail with UNAVAILABLE: the part could not be reached, and what was asked for may have happened or not.
// Or with ABORTED: another process has opened the store since. Thread-safe; calls that write come one after the other.
class Part {
 public:
  virtual ~Part() = default;

  // Takes part in a store, from now on and for good. `last`: home's last epoch; one that holds nothing takes it over.
  // FAILED_PRECONDITION: the directory holds rows that it should not, or it is another part or another store's.
  // DATA_LOSS: it has epochs that home has not.
  virtual absl::StatusOr<Position> Join(const Membership& membership, EpochId last,
                                        Holds holds) = 0;

  // On disk when it returns; nothing happens if it is already there. FAILED_PRECONDITION: it is not the next one, or
  // switches to a generation that is not there; DATA_LOSS: the rows are malformed, or the part has other epochs.
  virtual absl::Status Apply(const Epoch& epoch) = 0;

  // The state after one of the last limits::kEpochsKept epochs. OUT_OF_RANGE: after another one.
  virtual absl::StatusOr<store::Reader> ReadEpoch(uint64_t epoch) = 0;
  virtual absl::StatusOr<store::Reader> ReadLatest() = 0;  // whatever is newest at each call
  // The same with the pending generation. UNAVAILABLE if there is none any more.
  virtual absl::StatusOr<store::Reader> ReadPending() = 0;

  // Address, epoch, version, or the fault. Not more than limits::kPartStatusDeadlineMs.
  virtual PartStatus GetStatus() = 0;

  // As in store/store.h. Nothing happens if the step was taken already. FAILED_PRECONDITION: a later attempt was begun
  // (this one was given up, and arrives late), steps before this one are missing, or no generation is pending and one
  // is needed. The first step of an attempt is to begin or to drop.
  virtual absl::Status BeginGeneration(PendingStep step) = 0;
  virtual absl::Status CommitPending(PendingStep step, const std::string& rows) = 0;
  virtual absl::Status SealPending(PendingStep step) = 0;
  virtual absl::Status DropPending(PendingStep step) = 0;

  // Makes every file of the part anew: what was deleted or overwritten up to this epoch is in none of them when it
  // returns. States of earlier epochs are let go; whoever reads one here is waited for. Writes and reads go on. `stop`
  // is asked now and then, by one thread: true ends the attempt, CANCELLED. UNAVAILABLE also while another one is under
  // way, FAILED_PRECONDITION if the part lacks the epoch. Cost: reads and writes all that is stored there.
  virtual absl::Status Rewrite(uint64_t epoch, const std::function<bool()>& stop) = 0;

  // Copies of this moment, or one a little later, in a directory that is the part's own. FAILED_PRECONDITION: it has
  // none. Backup: one more (store/store.h); returns its number. Checkpoint: takes the place of one of that name;
  // returns its directory.
  virtual absl::StatusOr<uint32_t> Backup(const std::function<bool()>& stop) = 0;
  virtual absl::StatusOr<std::string> Checkpoint(const std::string& name) = 0;
  virtual absl::Status DropCopies(const UnwantedCopies& unwanted) = 0;
};

}  // namespace unirust::cluster
