// The only place that knows RocksDB: column families, commits, consistent reads, checkpoints.
//
// Durability: Commit returns when the batch is in the write-ahead log and synced; a crash leaves
// all of it or nothing. A write error, also one in the background, ends the process (base/log.h,
// Die): nothing is acknowledged after it.
//
// Derived families exist in generations. Resolution under a new ontology is written into a pending
// generation while the current one serves reads; one commit switches. A generation that was never
// switched to is dropped at the next opening.
//
// One thread commits; any number read.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/answers.h"
#include "store/batch.h"

namespace unirust::store {

struct SlotQuery;
struct SlotRows;

// What RocksDB keeps in memory of several stores. What one of them does not use the others have; no store reads a
// block of another. Thread-safe.
class BlockCache;
// For `stores` stores that have `memory_budget_bytes` each.
std::shared_ptr<BlockCache> NewBlockCache(uint64_t memory_budget_bytes, size_t stores);

struct StoreOptions {
  std::string dir;
  uint32_t shard_id = 0;
  uint64_t memory_budget_bytes = 512ULL << 20U;
  bool read_only = false;  // see Store::Open
  // Empties the indexes of records. Until SwitchGeneration was called the store opens only so.
  bool rebuild = false;
  std::shared_ptr<BlockCache> block_cache = nullptr;  // null: one of its own
};

// A backup that is to be made.
struct BackupPlan {
  std::string dir;  // created if absent; its parent must exist
  size_t keep = 1;  // so many stay, the newest, with this one
  // What the backup says besides: of home in a store of several parts.
  std::vector<PartBackup> parts = {};
  std::optional<int64_t> purged_micros = std::nullopt;  // Erasures, when the first of the parts was begun
};

inline constexpr uint64_t kNoGeneration = ~uint64_t{0};  // of a state of which nothing can be read

// Walks the keys of [lower, upper) of one family. Valid only while its Reader is.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual bool Valid() const = 0;          // false at the end, and on an error
  virtual std::string_view key() const = 0;    // until the next move
  virtual std::string_view value() const = 0;  // until the next move
  virtual void Next() = 0;
  virtual void Prev() = 0;
  virtual void Seek(std::string_view key) = 0;  // to the first key >= `key`
  virtual void SeekToLast() = 0;
  virtual absl::Status status() const = 0;  // DATA_LOSS where stored bytes fail their checksum
};

// Where a state belongs: the same for two states if the rows of the later one came from those of the earlier one by
// writes of records alone.
struct Lineage {
  uint64_t store = 0;    // hash of the store's id
  uint64_t history = 0;  // hash of what replaces all rows: the generation and the last Clear
};

// An error of what needs rows of a part of the store that could not be reached when the state was opened.
absl::Status Missing(const absl::Status& why);
bool IsMissing(const absl::Status& status);

// Rows that the calling thread has looked up or moved a cursor to since it began, whatever came of it. For measuring
// what an operation reads: differences mean something, the number alone does not.
uint64_t RowsRead();

// One state of the store: a snapshot, or whatever is newest at each call. Thread-safe; must not outlive the Store.
class Reader {
 public:
  // False if there is no such key. DATA_LOSS where stored bytes fail their checksum.
  absl::StatusOr<bool> Get(Family family, std::string_view key, std::string* value) const {
    return state_->Get(family, key, value);
  }

  // The same for many keys, ascending: two thirds of the cost of asking for each. Calls `row` with the position and the
  // value of every key that is there, in order; the value is valid during the call.
  using RowVisitor = absl::FunctionRef<void(size_t, std::string_view)>;
  absl::Status MultiGet(Family family, std::span<const std::string> keys, RowVisitor row) const {
    return state_->MultiGet(family, keys, row);
  }
  std::function<absl::Status(RowVisitor)> BeginMultiGet(Family family,
                                                        std::span<const std::string> keys) const {
    return state_->BeginMultiGet(family, keys);  // State
  }

  // Roughly how many bytes the keys of [lower, upper) and their values take, on disk or not flushed yet. A few
  // look-ups in indexes.
  uint64_t EstimateBytes(Family family, std::string_view lower, std::string_view upper) const {
    return state_->EstimateBytes(family, lower, upper);
  }

  absl::StatusOr<Lineage> ReadLineage() const;
  absl::StatusOr<std::string> ReadIdentity() const;  // of the store; no other one has it
  absl::StatusOr<Erasures> ReadErasures() const;
  uint64_t generation() const { return state_->generation(); }  // of the derived families; grows

  // Empty `upper`: to the end of the family. The cursor stands on the first key.
  std::unique_ptr<Cursor> Scan(Family family, std::string lower, std::string upper) const {
    return state_->Scan(family, std::move(lower), std::move(upper));
  }
  std::unique_ptr<Cursor> ScanPrefix(Family family, std::string_view prefix) const {
    return state_->ScanPrefix(family, prefix);
  }

  // The next rows of some slots (slot_rows.h).
  absl::StatusOr<SlotRows> ReadSlots(const SlotQuery& query) const;

  // The same state, but walks over rows of all parts pass over those of parts of the store (cluster/) that could not
  // be reached when it was opened. Look-ups and walks of what lies in one slot fail as before, and IsMissing: nothing
  // looks as if it were not there.
  Reader Reachable() const {
    std::shared_ptr<const State> state = state_->Reachable();
    return state == nullptr ? *this : Reader(std::move(state));
  }
  // That walks pass over. Valid while this is.
  std::span<const MissingPart> missing() const { return state_->missing(); }

  // Where the rows come from.
  class State {
   public:
    virtual ~State() = default;
    virtual absl::StatusOr<bool> Get(Family family, std::string_view key,
                                     std::string* value) const = 0;
    virtual absl::Status MultiGet(Family family, std::span<const std::string> keys,
                                  RowVisitor row) const = 0;
    // MultiGet in two halves, for states that are elsewhere, so that many are asked at the same time: what this returns
    // is called once, while the state and the keys are there, and gives the rows.
    using RowsToCome = std::function<absl::Status(RowVisitor row)>;
    virtual RowsToCome BeginMultiGet(Family family, std::span<const std::string> keys) const {
      return [this, family, keys](RowVisitor row) { return MultiGet(family, keys, row); };
    }
    virtual uint64_t EstimateBytes(Family family, std::string_view lower,
                                   std::string_view upper) const = 0;
    virtual std::unique_ptr<Cursor> Scan(Family family, std::string lower,
                                         std::string upper) const = 0;
    virtual std::unique_ptr<Cursor> ScanPrefix(Family family, std::string_view prefix) const = 0;
    virtual uint64_t generation() const = 0;
    virtual absl::StatusOr<SlotRows> ReadSlots(const SlotQuery& query) const;  // by a walk
    virtual std::span<const MissingPart> missing() const { return {}; }
    virtual std::shared_ptr<const State> Reachable() const { return nullptr; }  // null: nothing is missing
  };
  Reader() = default;  // of no store: to be assigned to
  explicit Reader(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::weak_ptr<const State> Watch() const { return state_; }  // expires when nobody reads it any more

 private:
  std::shared_ptr<const State> state_;
};

class Store {
 public:
  // Whether a store was made in the directory, sound or not.
  static bool Exists(const std::string& dir);
  // Errors: shard/engine.h, Engine::Open. Reads `meta` and nothing else.
  //
  // Read only: the state of one instant during the call, with every commit acknowledged before it, for good; another
  // process may have the directory open and go on. Nothing is written to it, no lock is taken, and only Latest,
  // Snapshot and Metrics may be called. Every file of the directory is open, and what the log holds is in memory,
  // besides the budget.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const StoreOptions& options);
  // Flushes first if more logs than kLogBytesLeftMax are left, so that the next opening has little to replay.
  virtual ~Store() = default;

  virtual Reader Latest() const = 0;
  virtual Reader Snapshot() const = 0;

  // Applies the batch to the current generation, synced. Ends the process if it fails.
  virtual void Commit(Batch batch) = 0;

  // UNAVAILABLE if a part of the store (cluster/) lacks some of what was written before the last write returned: that
  // is on disk for good, but cannot be read before the part has it.
  virtual absl::Status CheckComplete() const { return absl::OkStatus(); }

  // A new, empty pending generation; one left from before is dropped.
  virtual absl::Status BeginGeneration() = 0;
  virtual bool HasPending() const = 0;
  virtual Reader Pending() const = 0;  // the newest records with the pending generation
  // Derived families of the pending generation only; not synced. After an error there is no pending generation to
  // switch to.
  virtual absl::Status CommitPending(Batch batch) = 0;
  // Makes the pending generation current together with `batch` (meta and derived families), synced. Readers made
  // before keep what they had. Returns its number. After an error nothing has changed.
  virtual absl::StatusOr<uint64_t> SwitchGeneration(Batch batch) = 0;
  virtual absl::Status DropPending() = 0;
  // The pending generation is on disk when it returns, and outlives this Store, until it is switched to or dropped.
  virtual absl::Status SealPending() = 0;

  // Deletes all rows but the store's own, the symbols (readers from before still need these) and the outbox, and
  // applies `batch`, synced.
  virtual absl::Status Clear(Batch batch) = 0;

  // From now on writes do not wait for parts of the store that cannot be reached: what is decided is applied there
  // after the next opening. Before the end, so that it can come.
  virtual void StopWaiting() {}

  // A consistent copy in `dir`, which must not exist; its parent must. Hard links where the file system allows.
  virtual absl::Status Checkpoint(const std::string& dir) const = 0;

  // Adds a backup of this moment to those in the plan's directory (backup.h). Then removes those that do not stay.
  // Commits go on meanwhile. `stop` is asked now and then: true ends the attempt, CANCELLED. UNAVAILABLE: another
  // backup into the directory is under way; FAILED_PRECONDITION: it holds another store's; PERMISSION_DENIED. After a
  // failure the earlier backups are as they were.
  virtual absl::StatusOr<BackupInfo> Backup(const BackupPlan& plan,
                                            const std::function<bool()>& stop) const = 0;

  // Reads every file and compares the checksums of its blocks. DATA_LOSS names the file.
  virtual absl::Status VerifyChecksums() const = 0;

  // What was written so far is before this moment, and so is every snapshot that lacks some of it.
  virtual uint64_t Moment() const = 0;
  // Waits until no snapshot from before the moment is held. `stop`: as in Backup.
  virtual absl::Status AwaitReaders(uint64_t moment, const std::function<bool()>& stop) const = 0;

  // Makes every file of the directory anew: what was deleted or overwritten before the moment is in none of them when
  // it returns, nor is a key of it. Commits and reads go on, but what `in_turn` is called with, which is short, must
  // run while nothing commits and no generation comes or goes. Waits for snapshots from before the moment. `stop`: as
  // in Backup. UNAVAILABLE if a part of the store cannot be reached. Cost: reads and writes all that is stored.
  using InTurn = std::function<absl::Status(const std::function<absl::Status()>& work)>;
  virtual absl::Status Rewrite(uint64_t moment, const InTurn& in_turn,
                               const std::function<bool()>& stop) = 0;

  virtual StorageMetrics Metrics() const = 0;

  // How its parts are, in order. Asks those that are elsewhere: up to limits::kPartStatusDeadlineMs.
  virtual std::vector<PartStatus> Parts() const;
};

}  // namespace unirust::store
