// The store as one object: writes in, answers out. A daemon and the embedded mode use the same Engine.
//
//   UNIRUST_ASSIGN_OR_RETURN(auto engine, Engine::Open({.data_dir = dir}));
//   UNIRUST_RETURN_IF_ERROR(engine->SetOntology(ontology));
//   UNIRUST_ASSIGN_OR_RETURN(auto assignments, engine->Ingest(std::move(writes)));   // durable and resolved
//   View view = engine->Read();                                                      // one consistent state
//   UNIRUST_ASSIGN_OR_RETURN(EntityView entity, view.GetEntity({"person", "crm", "42"}, std::nullopt));
//
// Thread-safe. Writes of all callers are gathered into commits: one resolution pass, one synced RocksDB WriteBatch.
// A write error of the storage ends the process (exit code kExitStorage): nothing is acknowledged after it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cluster/slot_map.h"
#include "model/answers.h"
#include "model/digest.h"
#include "model/graph.h"
#include "model/record.h"
#include "model/verify_report.h"
#include "ontology/ontology.h"
#include "shard/commit_lanes.h"
#include "shard/memory_shares.h"

namespace unirust::cluster {
class Part;
struct Placement;
class ClusterStore;
}  // namespace unirust::cluster

namespace unirust::store {
class BlockCache;
class Store;
}  // namespace unirust::store

namespace unirust::shard {

struct Metrics;

struct EngineOptions {
  std::string data_dir;            // created if absent
  uint32_t shard_id = 0;           // a directory of another shard is refused
  uint64_t memory_budget_bytes = 512ULL << 20U;  // for all that grows under load; at least 64 MiB
  std::string backup_dir;          // checkpoints and backups go below it; empty: both are refused
  size_t backup_keep = 10;         // backups; older ones are removed after the next one
  bool read_only = false;          // see Engine::Open
  bool allow_reset = false;
  std::shared_ptr<store::BlockCache> block_cache = nullptr;  // null: one of its own
};

inline constexpr uint64_t kNoRecordsMax = ~uint64_t{0};

// One consistent, immutable state of the store, however long it is kept, but not beyond the Engine.
// Not thread-safe; any number may exist. Pages: `cursor` empty starts, a page's cursor continues,
// also in a later View and after a restart; INVALID_ARGUMENT if it is not a cursor of this store and
// listing with these arguments, FAILED_PRECONDITION if it is stale: the ontology was changed or the
// store reset since. `page_size` 0 means the default; a page may have fewer items than that, or none,
// and still a cursor (docs/reading.md).
class View {
 public:
  View(View&&) noexcept;
  View& operator=(View&&) noexcept;
  ~View();

  // The entity that holds the record. NOT_FOUND if the record is unknown or retracted; the message then names the
  // entity that it last belonged to, where that exists. With `as_of`, only what holds at that instant.
  absl::StatusOr<EntityView> GetEntity(const Identity& record, std::optional<Instant> as_of) const;

  // semantics.md, 10. INVALID_ARGUMENT if start >= end or there are too many pairs. RESOURCE_EXHAUSTED if the answer
  // would be larger than limits::kUnaryAnswerBytesMax.
  absl::StatusOr<QueryOutcome> Query(const std::vector<AttributeValue>& pairs,
                                     Interval interval) const;

  // All matches, all of an entity on one page; the order is stable but has no meaning.
  absl::StatusOr<Page<Match>> FindEntities(const std::vector<AttributeValue>& pairs,
                                           Interval interval, size_t page_size,
                                           std::string_view cursor) const;

  // Live records that pass the filter, with their entity names.
  absl::StatusOr<Page<RecordView>> ScanRecords(const RecordFilter& filter, size_t page_size,
                                               std::string_view cursor) const;

  // Sorted by kind, attribute, start, end, cause, records, key, values.
  absl::StatusOr<Page<Conflict>> ListConflicts(const ConflictFilter& filter, size_t page_size,
                                               std::string_view cursor) const;

  // The graph: entity by entity its records, itself and its edges; then conflicts, then generic values. With
  // `filter.entities`: those entities, their records, the edges between them and the conflicts that name one of their
  // records.
  // Hands the items of one page to `page`, on an error perhaps some of them. Returns the page's cursor.
  absl::StatusOr<std::string> ExportGraph(const GraphFilter& filter, size_t page_size,
                                          std::string_view cursor, GraphSink* page) const;

  // Live records with start <= id < end (end 0: no end), ids ascending, at most `limit` (0: 1,000). `next` is the id
  // to go on from, 0 when done.
  struct RecordRange {
    std::vector<RecordView> records;
    uint32_t next = 0;
  };
  absl::StatusOr<RecordRange> ExportRecords(uint32_t start, uint32_t end, size_t limit) const;

  // Parts of the store of which listings have nothing (Engine::ReadPartial). Valid as long as this is.
  std::span<const MissingPart> missing() const;

  absl::StatusOr<RecordIdRange> GetRecordIdRange() const;  // scans ids of retracted records at either end only
  absl::StatusOr<StoreStats> GetStats() const;
  absl::StatusOr<RetentionStatus> GetRetention() const;

  // Reads everything, as an export does. Calls `go_on` now and then with the records so far: CANCELLED if it returns
  // false.
  absl::StatusOr<StoreDigest> GetDigest(absl::FunctionRef<bool(uint64_t records)> go_on) const;

 private:
  friend class Engine;
  struct State;
  explicit View(std::unique_ptr<State> state);

  static absl::StatusOr<std::string> NextOfGraph(State& state, const std::vector<GraphPart>& parts,
                                                 size_t page_size, std::string_view cursor,
                                                 GraphSink* page);

  std::unique_ptr<State> state_;
};

// A request that waits for its commit. Not thread-safe.
class Ingestion {
 public:
  Ingestion(Ingestion&&) noexcept;
  Ingestion& operator=(Ingestion&&) = delete;
  ~Ingestion();  // waits for the commit

  // As Engine::Ingest answers. To be called once.
  absl::StatusOr<std::vector<Assignment>> Await();

  // False if its commit may still refuse it, by the quota of records.
  bool certain() const;

 private:
  friend class Committer;
  struct State;
  explicit Ingestion(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Engine {
 public:
  // Whether a store was made in the directory, sound or not.
  static bool Exists(const std::string& data_dir);

  // FAILED_PRECONDITION: the directory is of another shard or of a format this program does not know; UNAVAILABLE: in
  // use by another process; PERMISSION_DENIED: not readable or writable; DATA_LOSS: damaged. Constant time.
  //
  // Read only: works beside a process that has the directory open, and writes nothing to it. Every View is of one
  // state, that of the opening, with all that was acknowledged before; what changes the store is
  // FAILED_PRECONDITION. Costs besides the budget what the other process has in its log (docs/operations.md).
  static absl::StatusOr<std::unique_ptr<Engine>> Open(const EngineOptions& options);

  // The same on a store of several parts that is open already.
  static absl::StatusOr<std::unique_ptr<Engine>> OpenOn(
      std::unique_ptr<cluster::ClusterStore> store, const EngineOptions& options);

  // Opens a store whose indexes or derived families are damaged and makes them anew from the records and the symbols.
  // DATA_LOSS if these are damaged. If it is cut short, only another one opens the store. Linear in what is stored.
  static absl::StatusOr<std::unique_ptr<Engine>> Rebuild(const EngineOptions& options,
                                                         VerifyReport& report);
  ~Engine();  // waits for running commits

  // From now on nothing waits for parts of the store that cannot be reached: UNAVAILABLE. To be called before the calls
  // of other threads are waited for.
  void StopWaiting();

  // Applies the writes in order, all or none. Blocks until they are durable and resolved. INVALID_ARGUMENT names the
  // position, identity and field, e.g. "records[3] person/crm/42: descriptors[0].end: 5 <= start 7", and nothing is
  // stored. RESOURCE_EXHAUSTED if too many records wait already. One assignment per write, in order.
  absl::StatusOr<std::vector<Assignment>> Ingest(std::vector<Write> writes);

  // The same without waiting for the commit: what the caller submits next in this lane is applied after this. While too
  // many wait already, a stream waits, too; unary requests are RESOURCE_EXHAUSTED. `held` goes with the commit. The
  // Ingestion must not outlive the Engine.
  absl::StatusOr<Ingestion> Submit(std::vector<Write> writes, Lane lane,
                                   std::shared_ptr<void> held = nullptr);

  // Re-resolves all live records under the ontology and switches to it in one commit; reads go on with the old state
  // meanwhile, writes wait. FAILED_PRECONDITION if a stored record breaks a limit under it, naming the record; the old
  // ontology then stays. Linear in the number of records, unless the ontology is equal to the present one.
  absl::Status SetOntology(const ontology::Ontology& ontology);

  // The check of SetOntology alone; changes nothing.
  absl::Status CheckOntology(const ontology::Ontology& ontology);

  // From now on no request may leave more live records than that, and more than there were before it: it is
  // RESOURCE_EXHAUSTED as a whole. What is stored stays. kNoRecordsMax, as at the opening: as many as fit.
  void SetRecordsMax(uint64_t records);

  ontology::Ontology GetOntology() const;

  // Where parts of the store cannot be reached, what needs rows of them is UNAVAILABLE.
  View Read() const;
  // Listings, and Query, leave that out instead: what they have is as in the whole answer (docs/cluster.md, 3). The
  // rest is as in Read.
  View ReadPartial() const;

  // Compares what is stored with what it must be; faults go to the report, and an error says that bytes cannot be read.
  // kQuick: checksums of all files, and a sample of records against their indexes. kFull: also every record, index
  // entry and symbol against each other, and all that is derived against a fresh resolution, which is made beside it
  // and dropped: writes wait, and as much disk as the derived rows take is needed. Linear in what is stored.
  enum class VerifyDepth { kQuick, kFull };
  absl::Status Verify(VerifyDepth depth, VerifyReport& report);

  // Declares `now` as the instant of retention (docs/ontology.md): what is expired then goes, in commits of at
  // most as many records as others have. Other writes go in between.
  // `stop` is asked between commits whether to give up: CANCELLED then. After that, another error or a crash an earlier
  // instant is declared, and advancing again goes on. INVALID_ARGUMENT if `now` is before the declared instant;
  // FAILED_PRECONDITION without rules of retention; ABORTED if the ontology changes meanwhile. Linear in the records
  // that have expired descriptors.
  absl::StatusOr<RetentionAdvance> AdvanceRetention(Instant now, const std::function<bool()>& stop);

  // Removes the records from every row of the store (docs/erasure.md), in one commit, durable when it returns. Tells of
  // each whether it was there; one that was retracted was. INVALID_ARGUMENT: too many, or no identity.
  absl::StatusOr<std::vector<bool>> Erase(std::vector<Identity> records);

  // Makes every file anew that may have something of what was erased before, in all parts of the store. Writes and
  // reads go on. `stop`: as in Backup. UNAVAILABLE while another purge is under way, or if a part cannot be reached:
  // then, as after every error, nothing counts as purged.
  absl::Status Purge(const std::function<bool()>& stop);
  bool IsPurging() const;

  // What was erased, and where copies of it are: in the data directory, and below backup_dir, whose checkpoints are
  // opened to read for that.
  absl::StatusOr<ErasureStatus> GetErasures() const;
  absl::StatusOr<Erasures> ErasuresInStore() const;  // a look-up

  // Deletes every record and the ontology. FAILED_PRECONDITION unless allow_reset.
  absl::Status Reset();

  // A consistent copy below backup_dir/name (hard links where possible); empty name: a fresh one. Returns its path, and
  // those of the other parts of the store, each in that part's own --backup-dir, by part.
  // FAILED_PRECONDITION without backup_dir; ALREADY_EXISTS; INVALID_ARGUMENT if the name is not [A-Za-z0-9._-]{1,64}.
  absl::StatusOr<std::vector<std::string>> Checkpoint(std::string_view name);

  // A backup of this moment below backup_dir, next to the earlier ones, of which the newest backup_keep stay. Commits
  // go on meanwhile. `stop` is asked now and then whether to give up: CANCELLED then. FAILED_PRECONDITION without
  // backup_dir, or if it holds backups of another store; UNAVAILABLE while another backup is under way there.
  absl::StatusOr<BackupInfo> Backup(const std::function<bool()>& stop);

  std::vector<PartStatus> GetParts() const;  // store/store.h, Store::Parts

  // Which part has which slots, and which slots move (docs/cluster.md, 5). Null for a store in one directory.
  // cluster::ClusterStore::AddPart. FAILED_PRECONDITION also if the store lies in one directory.
  absl::Status AddPart(cluster::Part& part);

  struct Slots {
    std::shared_ptr<const cluster::Placement> placement;
    std::string step_fault;  // why the last step failed; it is tried again
  };
  Slots GetSlots() const;
  // What MoveSlots would aim at so that all parts but the drained ones have equally many slots. FAILED_PRECONDITION if
  // the store lies in one directory; INVALID_ARGUMENT: cluster::Balanced.
  struct SlotPlan {
    uint64_t version = 0;  // of the placement
    cluster::SlotMap now;
    cluster::SlotMap target;
  };
  absl::StatusOr<SlotPlan> PlanSlots(const std::vector<uint32_t>& drained) const;
  // From now on the slots go where the target says, step by step. FAILED_PRECONDITION if the placement has not that
  // version any more.
  absl::Status MoveSlots(uint64_t version, const cluster::SlotMap& target);
  // The slots stay where they are; what was copied of them elsewhere goes.
  absl::Status CancelMoves();
  // One step: some rows are copied, compared or deleted, or slots change their part. False if nothing is to be moved.
  // UNAVAILABLE if a part cannot be reached: try again.
  absl::StatusOr<bool> MoveStep();

  StorageMetrics GetStorageMetrics() const;  // reads figures of RocksDB that it keeps anyway
  uint64_t QueuedRecords() const;            // wait for a commit now
  uint64_t QueuedBytes(Lane lane) const;     // what these take in memory, about
  const MemoryShares& memory_shares() const;
  Metrics& metrics() const;
  uint32_t shard_id() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  static absl::StatusOr<std::unique_ptr<store::Store>> OpenStore(const EngineOptions& options,
                                                                 bool rebuild);
  static absl::StatusOr<std::unique_ptr<Impl>> OpenImpl(const EngineOptions& options,
                                                        std::unique_ptr<store::Store> store);
  static absl::StatusOr<std::unique_ptr<Engine>> Probed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace unirust::shard
